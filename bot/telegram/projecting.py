"""The links to the projector page, told in private to whoever leads: in the group, everybody could steer by them."""

import re
from typing import Any, Final

from telegram import Update
from telegram.constants import ChatType
from telegram.ext import Application, ContextTypes, MessageHandler, filters

from bot.telegram.navigating import called
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.rendering import safe
from bot.telegram.speaking import sentences_for, speaker_id

HOURS: Final = 12
"""For how long the links are good, as it is said."""
_LINK: Final = re.compile(r"^/start w(\d{1,15})$")


class Projecting:
    """Takes the deep links behind the button of a session."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Add the handler."""
        pressed = filters.UpdateType.MESSAGE & filters.ChatType.PRIVATE & filters.Regex(_LINK)
        application.add_handler(MessageHandler(pressed, self.arrived))

    async def arrived(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/start w7`: where session 7 is shown."""
        message, payload = await called(self._parts, update)
        if message is None or message.chat.type != ChatType.PRIVATE:
            return
        say, wall = await sentences_for(self._parts, message), self._parts.wall
        session_id = int(payload.removeprefix("w"))
        if wall is None or not await self._leads(session_id, speaker_id(message)):
            await self._parts.delivery.reply(message, Outgoing(safe(say("wall.not_yours"))))
            return
        view, control = wall.links(session_id)
        lines = [
            say("wall.sent", hours=HOURS),
            say("wall.sent_view", link=safe(view)),
            say("wall.sent_control", link=safe(control)),
        ]
        await self._parts.delivery.reply(message, Outgoing("\n\n".join(lines)))

    async def _leads(self, session_id: int, person_id: int) -> bool:
        header = await self._parts.conducting.header(session_id)
        if header is None or header.closed_at is not None or header.trainer_id != person_id:
            return False
        return await self._parts.administrators.include(header.chat_id, person_id)

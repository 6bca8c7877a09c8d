"""`/train handout`: the papers of the last session, as files.

In a group to its administrators; in private to whoever administers the group of a session that ended lately. A session
that runs is not printed: its answers are not known to all yet.
"""

import asyncio
import re
from typing import Any, Final

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, ContextTypes, MessageHandler, filters

from bot.storage.usage import CHINA
from bot.telegram.intake import take_argument
from bot.telegram.outgoing import Attachment, Outgoing
from bot.telegram.parts import Parts
from bot.telegram.posters import day
from bot.telegram.rendering import safe
from bot.telegram.speaking import sentences_for, speaker_id, within_budget
from bot.training.ledgers import Header
from bot.training.model import Results
from bot.training.papers.files import PaperFile, handout_files
from prompts import Replies

LOOKED_THROUGH: Final = 20
"""Sessions of which it is asked whether somebody administers their groups."""
_ASKED: Final = re.compile(r"^/train(@\w+)?\s+(handout|讲义)\s*$", re.IGNORECASE)


class Papers:
    """Sends the handout."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._printing = asyncio.Lock()

    def register(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        """Add the handler."""
        application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & filters.Regex(_ASKED), self.handout))

    async def handout(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/train handout`."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say = await sentences_for(self._parts, message)
        if not await within_budget(self._parts, message, say):
            return
        private = message.chat.type == ChatType.PRIVATE
        header, refusal = await (self._lately(message) if private else self._here(message))
        results = await self._parts.conducting.ledgers.results(header.id) if header else None
        if results is None:
            key = refusal or ("paper.nothing_for_you" if private else "paper.nothing_here")
            await self._parts.delivery.reply(message, Outgoing(say(key)))
            return
        with self._parts.delivery.thinking(message):
            files = await self._print(results)
        await self._send(message, files, caption(results, say), say)

    async def _here(self, message: Message) -> tuple[Header | None, str]:
        """The last session of a group; None, and perhaps why."""
        if not await self._parts.administrators.include(message.chat.id, speaker_id(message)):
            return None, "paper.administrators_only"
        header = await self._parts.database.training.latest_in(message.chat.id)
        if header is not None and header.closed_at is None:
            return None, "paper.not_ended"
        return header, ""

    async def _lately(self, message: Message) -> tuple[Header | None, str]:
        """The last session that ended in a group that whoever writes administers."""
        for header in await self._parts.database.training.ended_lately(LOOKED_THROUGH):
            if await self._parts.administrators.include(header.chat_id, speaker_id(message)):
                return header, ""
        return None, ""

    async def _print(self, results: Results) -> tuple[PaperFile, ...]:
        """One handout at a time: setting it keeps a processor busy for some seconds."""
        regulation, say = self._parts.answerer.library.principal, self._parts.replies[results.language]
        async with self._printing:
            return await asyncio.to_thread(handout_files, results, regulation, say, CHINA)

    async def _send(self, message: Message, files: tuple[PaperFile, ...], words: str, say: Replies) -> None:
        outgoing = [
            Outgoing("" if place else words, document=Attachment(file.name, file.content))
            for place, file in enumerate(files)
        ]
        for one in outgoing:
            if await self._parts.delivery.reply(message, one) is None:
                await self._parts.delivery.reply(message, Outgoing(say("paper.not_all_sent")))
                return


def caption(results: Results, say: Replies) -> str:
    """What the files are, and whether names stand in them."""
    words = say("paper.sent", title=safe(results.title), day=day(results.opened_at))
    return f"{words}\n{say('paper.names_inside')}" if results.people else words

"""Who administers a group: asked of Telegram, believed for a minute. Every doubt is a no.

Also whether the bot itself hears what is said there to others.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from telegram import Bot
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

FRESH_S: Final = 60.0
_MOST_KNOWN: Final = 10_000
_RANKS: Final = (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)

log = logging.getLogger(__name__)


class Administrators:
    """Answers whether a person administers a group."""

    def __init__(self, bot: Bot, clock: Callable[[], float] = time.monotonic) -> None:
        self._bot, self._clock = bot, clock
        self._known: dict[tuple[int, int], tuple[float, bool]] = {}

    async def include(self, chat_id: int, user_id: int) -> bool:
        """Whether that person administers that group now (up to a minute ago).

        An anonymous administrator speaks as the group itself: `user_id` is the group's. Lost rights, groups that the
        bot has left and errors count as no.
        """
        if user_id == chat_id:
            return True
        if chat_id > 0:
            return False
        key, now = (chat_id, user_id), self._clock()
        known = self._known.get(key)
        if known and now - known[0] < FRESH_S:
            return known[1]
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError as exc:
            log.info("Telegram does not say who administers a group: %s", type(exc).__name__)
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known = {key: known for key, known in self._known.items() if now - known[0] < FRESH_S}
        self._known[key] = (now, member.status in _RANKS)
        return self._known[key][1]

    async def way_into(self, chat_id: int) -> str:
        """A link into that group, where Telegram tells the bot of one; else empty."""
        try:
            chat = await self._bot.get_chat(chat_id)
        except TelegramError as exc:
            log.info("Telegram does not say how a group is joined: %s", type(exc).__name__)
            return ""
        return f"https://t.me/{chat.username}" if chat.username else chat.invite_link or ""

    async def bot_hears_all(self, chat_id: int) -> bool:
        """Whether Telegram hands the bot every message of that group: privacy mode is off, or it administers it."""
        try:
            me = await self._bot.get_me()
        except TelegramError as exc:
            log.info("Telegram does not say who the bot is: %s", type(exc).__name__)
            return False
        return bool(me.can_read_all_group_messages) or await self.include(chat_id, me.id)

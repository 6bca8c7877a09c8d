"""Questions from before the start: those that still matter are answered, the others are told so.

What came while the bot restarted is answered as usual. What is older than `FRESH_S` has usually been settled in a group
by then: there the bot says once that it was away. In private chats such questions are answered, oldest first, up to
`MOST_OLD`; beyond that, too, each chat is told once.
"""

from datetime import datetime, timedelta
from typing import Final

from telegram import Message
from telegram.constants import ChatType

from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import sentences_for

FRESH_S: Final = 600
MOST_OLD: Final = 50


class Backlog:
    """Decides about messages older than the bot's start; to be asked only about those that are meant for the bot."""

    def __init__(self, parts: Parts, started: datetime, *, most_old: int = MOST_OLD) -> None:
        self._parts, self._started, self._left = parts, started, most_old
        self._told: set[int] = set()

    async def sets_aside(self, message: Message) -> bool:
        """Whether a message is too old to be answered; its chat has then been told, once."""
        if self._started - message.date <= timedelta(seconds=FRESH_S):
            return False
        if message.chat.type == ChatType.PRIVATE and self._left > 0:
            self._left -= 1
            return False
        if message.chat_id not in self._told:
            self._told.add(message.chat_id)
            sentences = await sentences_for(self._parts, message)
            await self._parts.delivery.reply(message, Outgoing(sentences("telegram.stale")))
        return True

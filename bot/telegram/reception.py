"""Raw updates -> handlers: read one by one, known ones left out, each put into the lane of its chat.

Polling and the webhook both end here. What cannot be read is counted and left out; it never stops what comes after.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from telegram import Message, Update
from telegram.constants import ChatMemberStatus
from telegram.ext import Application

from bot.telegram.backlog import Backlog
from bot.telegram.intake import take_argument, take_question
from bot.telegram.lanes import Lanes, lane_of, poll_of
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.rawbot import Raw
from bot.telegram.speaking import sentences_for

MOST_IN_HAND: Final = 5000
"""Updates taken from Telegram and not answered yet, beyond which no more are taken."""
_MOST_SEEN: Final = 20_000

log = logging.getLogger(__name__)


class Reception:
    """Takes updates as Telegram writes them; `in_hand` holds the ids of those that are not done yet."""

    def __init__(self, application: "Application", parts: Parts, backlog: Backlog, lanes: Lanes | None = None) -> None:  # type: ignore[type-arg]
        self._application, self._parts, self._backlog = application, parts, backlog
        self.lanes = Lanes() if lanes is None else lanes
        self.in_hand: set[int] = set()
        self.unreadable = 0
        self._seen: OrderedDict[int, None] = OrderedDict()

    @property
    def full(self) -> bool:
        """Whether no more updates should be taken for the moment."""
        return len(self.in_hand) >= MOST_IN_HAND

    def accept(self, raw: Raw) -> None:
        """Take one update; one that cannot be read is left out, one that has been taken before too."""
        try:
            update = Update.de_json(dict(raw), self._application.bot)
            lane = lane_of(update)
        except Exception as exc:  # whatever Telegram invents next
            self.unreadable += 1
            log.error("an update cannot be read (%s) and is left out", type(exc).__name__)
            return
        if update.update_id in self._seen:
            return
        self._seen[update.update_id] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        self.in_hand.add(update.update_id)
        most = MOST_IN_HAND if poll_of(update) else None  # a room votes at once, and every vote counts
        if not self.lanes.put(lane, partial(self._run, update), otherwise=self._regret(update), most=most):
            self.in_hand.discard(update.update_id)

    async def _run(self, update: Update) -> None:
        try:
            await self._see_to(update)
        except asyncio.CancelledError:  # stopped before it was done: it stays in hand
            raise
        except Exception:
            self.in_hand.discard(update.update_id)
            raise
        self.in_hand.discard(update.update_id)

    async def _see_to(self, update: Update) -> None:
        chat, message = update.effective_chat, update.effective_message
        if chat and not _is_farewell(update):
            self._parts.delivery.heard_from(chat.id)
        if message and message.migrate_to_chat_id:
            await self._parts.delivery.migrate(message.chat_id, message.migrate_to_chat_id)
        if update.message and self._is_for_us(update.message) and await self._backlog.sets_aside(update.message):
            return
        await self._application.process_update(update)

    def _regret(self, update: Update) -> Callable[[], Awaitable[object]] | None:
        """What is said where a chat's lane overflows: once, and only if it was for us."""
        if update.message is None or not self._is_for_us(update.message):
            return None
        return partial(self._say_overflowed, update.message)

    async def _say_overflowed(self, message: Message) -> None:
        sentences = await sentences_for(self._parts, message)
        await self._parts.delivery.reply(message, Outgoing(sentences("telegram.overflowed")))

    def _is_for_us(self, message: Message) -> bool:
        bot, person = self._parts.bot, message.from_user
        if not self._parts.admission.admits(message.chat_id, person.id if person else None):
            return False
        return take_question(message, bot) is not None or take_argument(message, bot) is not None


def _is_farewell(update: Update) -> bool:
    """Whether the bot has just been blocked or thrown out."""
    change = update.my_chat_member
    return change is not None and change.new_chat_member.status in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)

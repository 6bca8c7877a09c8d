"""Who may use the bot: everybody, or the groups and users of an allow-list.

Elsewhere a courteous refusal once in each chat, then silence: in groups for good, in private until a restart, since no
person's id is kept for it. `/privacy` and `/forget` are everybody's. Who comes into the private chat by a link from an
admitted group is a guest there for a day: what the link leads to, and the buttons below it. Comes before every other
handler, for messages, buttons and inline queries alike.
"""

import logging
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final

from telegram import Chat, Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, ApplicationHandlerStop, ContextTypes, TypeHandler

from bot.errors import StorageError
from bot.storage.recent import Recent
from bot.telegram.callbacks import unpack
from bot.telegram.intake import take_argument, take_command, take_question
from bot.telegram.links import verify
from bot.telegram.outgoing import Outgoing

if TYPE_CHECKING:  # Parts holds an Admission
    from bot.telegram.parts import Parts

GROUP: Final = -2
"""PTB's handler group: before all others."""
GUEST_S: Final = 24 * 3600.0
_MOST_KNOWN: Final = 10_000
_ANYBODYS: Final = frozenset(("privacy", "forget"))
_ERASING: Final = "f"
_CARRIED, _REVIEWING = "p", "r"

log = logging.getLogger(__name__)


class Admission:
    """The allow-list; an empty one admits everybody. Operators are admitted in private."""

    def __init__(
        self, allowed: Collection[int], operators: Collection[int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed, self._operators, self._clock = frozenset(allowed), frozenset(operators), clock
        self._refused: Recent[int, None] = Recent(_MOST_KNOWN)
        self._guests: Recent[int, tuple[float, str]] = Recent(_MOST_KNOWN)

    def admits(self, chat_id: int | None, user_id: int | None) -> bool:
        """Whether that chat or, in private or inline, that person may use the bot.

        A person on the list does not bring the bot into groups that are not.
        """
        if not self._allowed:
            return True
        if chat_id is not None and chat_id < 0:
            return chat_id in self._allowed
        return user_id in self._allowed or user_id in self._operators

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]", parts: "Parts") -> None:
        """Stand before every other handler."""

        async def check(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
            await self._check(update, parts)

        application.add_handler(TypeHandler(Update, check), group=GROUP)

    async def _check(self, update: Update, parts: "Parts") -> None:
        chat, user = update.effective_chat, update.effective_user
        self._follow(update.message)
        if update.poll or update.poll_answer:  # of polls that we have sent, where we are admitted
            return
        if self.admits(chat.id if chat else None, user.id if user else None):
            return
        if _is_anybodys(update, parts) or await self._is_guest(update, parts):
            return
        if chat and await self._refuses(chat, update, parts):
            say = parts.replies["zh" if _speaks_chinese(update) else "en"]
            html = Outgoing(say("telegram.not_admitted"))
            if update.message:
                await parts.delivery.reply(update.message, html)
        if update.callback_query:
            await parts.delivery.acknowledge(update.callback_query)
        if update.inline_query:
            await parts.delivery.answer_inline(update.inline_query, [], cache_s=300, personal=True)
        raise ApplicationHandlerStop

    async def _is_guest(self, update: Update, parts: "Parts") -> bool:
        """Whether the link that somebody follows, or has followed today, admits them to this."""
        chat, message = update.effective_chat, update.message
        if chat is None or chat.type != ChatType.PRIVATE:
            return False
        payload = (take_argument(message, parts.bot) or "") if message and _starts(message, parts) else ""
        if message and payload and await self._is_valid(payload, message, parts):
            self._guests[chat.id] = (self._clock() + GUEST_S, payload[0])
            return True
        until, way = self._guests.get(chat.id) or (0.0, "")
        if not way or self._clock() >= until:
            return False
        replied = message.reply_to_message if message else None
        answers = replied is not None and replied.from_user is not None and replied.from_user.id == parts.bot.id
        return update.callback_query is not None or (way == _REVIEWING and answers)

    async def _is_valid(self, payload: str, message: Message, parts: "Parts") -> bool:
        """Whether we have made that link, for a group that is admitted."""
        if payload.startswith(_REVIEWING):
            group = verify(payload, message.get_bot().token)
            return group is not None and self.admits(group, None)
        if not payload.startswith(_CARRIED):
            return False
        try:
            return await parts.database.passages.find(payload[1:], at=parts.clock()) is not None
        except StorageError as exc:
            log.error("%s", exc)
            return False

    def _follow(self, message: Message | None) -> None:
        """A group on the list has become a supergroup, with another id."""
        moves = message and (
            (message.chat_id, message.migrate_to_chat_id) if message.migrate_to_chat_id else None,
            (message.migrate_from_chat_id, message.chat_id) if message.migrate_from_chat_id else None,
        )
        for old_id, new_id in filter(None, moves or ()):
            if old_id in self._allowed and new_id not in self._allowed:
                self._allowed |= {new_id}
                log.warning("group %s has become %s: put that into WANGGUI_ALLOWED_CHATS as well", old_id, new_id)

    async def _refuses(self, chat: Chat, update: Update, parts: "Parts") -> bool:
        """Whether a refusal is due: somebody spoke to the bot, for the first time in this chat."""
        if update.message is None or not _addressed(update.message, chat, parts):
            return False
        if chat.type == ChatType.PRIVATE:
            first = chat.id not in self._refused
            self._refused[chat.id] = None
            return first
        try:
            return await parts.database.chats.once(chat.id, "refused")
        except StorageError as exc:  # rather silent than a refusal to every message
            log.error("%s", exc)
            return False


def _is_anybodys(update: Update, parts: "Parts") -> bool:
    """What is kept of somebody is theirs to ask about and to erase, wherever they are."""
    if update.message:
        return take_command(update.message, parts.bot) in _ANYBODYS
    callback = unpack(update.callback_query.data or "") if update.callback_query else None
    return callback is not None and callback.action.startswith(_ERASING)


def _starts(message: Message, parts: "Parts") -> bool:
    return take_command(message, parts.bot) == "start"


def _addressed(message: Message, chat: Chat, parts: "Parts") -> bool:
    return (
        chat.type == ChatType.PRIVATE
        or take_argument(message, parts.bot) is not None
        or take_question(message, parts.bot) is not None
    )


def _speaks_chinese(update: Update) -> bool:
    code = (update.effective_user.language_code if update.effective_user else None) or "zh"
    return code.casefold().startswith("zh")

"""Who may use the bot: everybody, or the groups and users of an allow-list.

Elsewhere a courteous refusal once in each chat, then silence; that it has been said survives restarts. Comes before
every other handler, for messages, buttons and inline queries alike.
"""

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from telegram import Chat, Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, ApplicationHandlerStop, ContextTypes, TypeHandler

from bot.errors import StorageError
from bot.telegram.intake import take_argument, take_question
from bot.telegram.outgoing import Outgoing

if TYPE_CHECKING:  # Parts holds an Admission
    from bot.telegram.parts import Parts

GROUP: Final = -1
"""PTB's handler group: before all others."""

log = logging.getLogger(__name__)


class Admission:
    """The allow-list; an empty one admits everybody. Operators are admitted in private."""

    def __init__(self, allowed: Collection[int], operators: Collection[int]) -> None:
        self._allowed, self._operators = frozenset(allowed), frozenset(operators)

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
        if self.admits(chat.id if chat else None, user.id if user else None):
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
        try:
            return await parts.database.chats.once(chat.id, "refused")
        except StorageError as exc:  # rather silent than a refusal to every message
            log.error("%s", exc)
            return False


def _addressed(message: Message, chat: Chat, parts: "Parts") -> bool:
    return (
        chat.type == ChatType.PRIVATE
        or take_argument(message, parts.bot) is not None
        or take_question(message, parts.bot) is not None
    )


def _speaks_chinese(update: Update) -> bool:
    code = (update.effective_user.language_code if update.effective_user else None) or "zh"
    return code.casefold().startswith("zh")

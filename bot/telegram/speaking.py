"""Which language is spoken, and under which settings: the chat's own choice, then the person's, then Chinese."""

import logging
from typing import TYPE_CHECKING

from telegram import CallbackQuery, InlineQuery, Message, User
from telegram.constants import ChatType

from bot.answering.asking import language_of
from bot.answering.generation.conversation import Place
from bot.errors import StorageError
from bot.storage.chats import DEFAULTS, ChatSettings
from bot.telegram.limits import Verdict
from bot.telegram.outgoing import Outgoing
from bot.telegram.rendering import safe
from prompts import Language, Replies

if TYPE_CHECKING:  # Parts holds an Admission, which speaks
    from bot.telegram.parts import Parts

log = logging.getLogger(__name__)


async def settings_for(parts: "Parts", chat_id: int) -> ChatSettings:
    """The chat's settings; the defaults where the database does not answer, since a question still can be."""
    try:
        return await parts.database.chats.settings(chat_id)
    except StorageError as exc:
        log.error("%s", exc)
        return DEFAULTS


async def language_for(parts: "Parts", source: Message | CallbackQuery | InlineQuery) -> Language:
    """The language of the chat's settings, else of the person's Telegram, else of the words themselves."""
    message = source.message if isinstance(source, CallbackQuery) else source
    if isinstance(message, InlineQuery) or message is None:
        return personal_language(source.from_user)
    chosen = (await settings_for(parts, message.chat.id)).language
    if chosen != "auto":
        return chosen
    words = (source.text or source.caption or "") if isinstance(source, Message) else ""
    return personal_language(source.from_user, words)


async def sentences_for(parts: "Parts", source: Message | CallbackQuery | InlineQuery) -> Replies:
    """The sentences of that language."""
    return parts.replies[await language_for(parts, source)]


def personal_language(person: User | None, words: str = "") -> Language:
    """A person's language where it is one of ours; else that of their words, which is Chinese unless it is English."""
    code = ((person.language_code if person else None) or "").casefold()
    if code.startswith("zh"):
        return "zh"
    return "en" if code.startswith("en") else language_of(words)


def speaker_id(message: Message) -> int:
    """Who speaks: an anonymous administrator or a channel by its chat's id, anybody else by their own."""
    if message.sender_chat:
        return message.sender_chat.id
    return message.from_user.id if message.from_user else message.chat.id


def is_group(message: Message) -> bool:
    """Whether others listen."""
    return message.chat.type != ChatType.PRIVATE


def topic_of(message: Message) -> int | None:
    """The forum topic in which the message stands."""
    return message.message_thread_id if message.is_topic_message else None


def place_of(message: Message) -> Place:
    """Whose conversation a message belongs to: a person's in a chat and its topic."""
    return Place(str(message.chat.id), str(topic_of(message) or ""), str(speaker_id(message)))


async def within_budget(parts: "Parts", message: Message, sentences: Replies) -> bool:
    """Whether this person may ask here and now; says so politely the first time that they may not."""
    if not is_group(message):
        return True
    verdict = parts.budget.take(message.chat.id, speaker_id(message))
    if verdict is Verdict.FIRST_REFUSAL:
        await parts.delivery.reply(message, Outgoing(safe(sentences("telegram.too_many"))))
    return verdict is Verdict.ALLOWED

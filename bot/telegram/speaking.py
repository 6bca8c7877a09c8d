"""Which language is spoken, and under which settings.

The chat's own choice comes first. Else whoever writes is answered in Chinese where they ask in it, then in their
Telegram's language, then in that of their words; and a message of ours that is changed keeps the language in which it
is written, since others read it too.
"""

import logging
import re
from typing import TYPE_CHECKING, Final

from telegram import CallbackQuery, InlineQuery, Message, User
from telegram.constants import ChatType

from bot.answering.asking import language_of
from bot.answering.generation.conversation import Place
from bot.errors import StorageError
from bot.storage.chats import DEFAULTS, ChatSettings
from bot.telegram.intake import Bot, take_argument, take_asked, take_question, words_of
from bot.telegram.limits import Verdict
from bot.telegram.outgoing import Outgoing
from bot.telegram.rendering import safe
from prompts import Language, Replies

if TYPE_CHECKING:  # Parts holds an Admission, which speaks
    from bot.telegram.parts import Parts

_CHINESE: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN: Final = re.compile(r"[A-Za-z]")
_NOT_OURS: Final = re.compile(r"<blockquote.*|《[^》]*》|“[^”]*”|<[^>]*>|[/@]\w+", re.DOTALL)
"""What says nothing of the language of our sentences: quotes, titles, tags, commands and names."""

log = logging.getLogger(__name__)


async def settings_for(parts: "Parts", chat_id: int) -> ChatSettings:
    """The chat's settings; the defaults where the database does not answer, since a question still can be."""
    try:
        return await parts.database.chats.settings(chat_id)
    except StorageError as exc:
        log.error("%s", exc)
        return DEFAULTS


async def language_for(parts: "Parts", source: Message | CallbackQuery | InlineQuery) -> Language:
    """The language in which to speak to a person."""
    message = source.message if isinstance(source, CallbackQuery) else source
    if isinstance(message, InlineQuery) or message is None:
        return personal_language(source.from_user)
    chosen = (await settings_for(parts, message.chat.id)).language
    if chosen != "auto":
        return chosen
    if not isinstance(source, Message):
        return personal_language(source.from_user)
    if source.sender_chat and _CHINESE.search(source.chat.title or ""):
        return "zh"  # whoever speaks for a Chinese group, or to it, has no language of their own
    return personal_language(source.from_user, asked_words(source, parts.bot))


async def sentences_for(parts: "Parts", source: Message | CallbackQuery | InlineQuery) -> Replies:
    """The sentences of that language."""
    return parts.replies[await language_for(parts, source)]


async def sentences_in(parts: "Parts", message: Message) -> Replies:
    """The sentences for a message of ours that is changed."""
    chosen = (await settings_for(parts, message.chat.id)).language
    return parts.replies[written_in(message.text_html_urled if message.text else "") if chosen == "auto" else chosen]


def written_in(markup: str) -> Language:
    """The language of one of our own messages, by its sentences: what it quotes is Chinese always."""
    ours = _NOT_OURS.sub("", markup)
    return "en" if len(_LATIN.findall(ours)) > len(_CHINESE.findall(ours)) else "zh"


def asked_words(message: Message, bot: Bot) -> str:
    """The words that a person means, their own or those pointed at: without command and mention."""
    question = take_asked(message, bot) or take_question(message, bot)
    if question:
        return question.text
    argument = take_argument(message, bot)
    return words_of(message, bot) if argument is None else argument


def personal_language(person: User | None, words: str = "") -> Language:
    """Chinese for who asks in it; else a person's language where it is ours, else English if the words are."""
    if _CHINESE.search(words):
        return "zh"
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

"""Update -> Question: what is addressed to the bot, and what of it is the question. Everything else is silence."""

import re
from dataclasses import dataclass
from typing import Final

from telegram import Message, MessageEntity
from telegram.constants import ChatType

MAX_QUESTION: Final = 4096
_COMMAND: Final = re.compile(r"^/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Bot:
    """Who the bot is: its id and its username without the @."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person typed, without the words that only address the bot."""

    text: str


def take_question(message: Message, bot: Bot) -> Question | None:
    """The question in a message, or None where it is not addressed to the bot.

    A private message always is; in a group, a mention, a reply to one of the bot's messages, or `/ask` (handled as a
    command). A mention with nothing beside it takes the message replied to as the question.
    """
    text = message.text or message.caption or ""
    if message.via_bot or (message.from_user and message.from_user.id == bot.id) or text.startswith("/"):
        return None
    mentioned, rest = _without_mentions(message, bot)
    if message.chat.type == ChatType.PRIVATE:
        return Question(rest) if rest else None
    replied = message.reply_to_message
    if mentioned:
        if not rest and replied and not _is_from(replied, bot):
            rest = (replied.text or replied.caption or "").strip()
        return Question(rest)
    if replied and _is_from(replied, bot) and rest:
        return Question(rest)
    return None


def take_argument(message: Message, bot: Bot) -> str | None:
    """What stands behind a command that is meant for this bot; None where another bot is meant."""
    text = message.text or message.caption or ""
    command = _COMMAND.match(text)
    if command is None or (command[2] and command[2].casefold() != bot.username.casefold()):
        return None
    return text[command.end() :].strip()


def _is_from(message: Message, bot: Bot) -> bool:
    return message.from_user is not None and message.from_user.id == bot.id


def _without_mentions(message: Message, bot: Bot) -> tuple[bool, str]:
    """Whether the bot is mentioned, and the text without those mentions (offsets count UTF-16 units)."""
    text = message.text or message.caption or ""
    units = text.encode("utf-16-le", "surrogatepass")
    kept, place, mentioned = b"", 0, False
    entities = message.entities if message.text else message.caption_entities
    for entity in sorted(entities, key=lambda entity: entity.offset):
        start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
        if start >= place and _mentions(entity, units[start:end].decode("utf-16-le", "replace"), bot):
            mentioned = True
            kept += units[place:start] + " ".encode("utf-16-le")
            place = end
    kept += units[place:]
    return mentioned, re.sub(r" {2,}", " ", kept.decode("utf-16-le", "replace")).strip()


def _mentions(entity: MessageEntity, words: str, bot: Bot) -> bool:
    if entity.type == MessageEntity.MENTION:
        return words.removeprefix("@").casefold() == bot.username.casefold()
    return entity.type == MessageEntity.TEXT_MENTION and entity.user is not None and entity.user.id == bot.id

"""Update -> Question: what is addressed to the bot, and what of it is the question. Everything else is silence."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from telegram import Message, MessageEntity
from telegram.constants import ChatType

_COMMAND: Final = re.compile(r"^/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?=\s|$)")
COMMANDS: Final = frozenset(
    (
        *("start", "help", "ask", "article", "chapter", "toc", "search", "privacy", "forget"),
        *("quiz", "settings", "review", "stats", "train", "practice", "exam", "mistakes"),
    )
)
"""Ours; any other command is meant for another bot."""
_ASKING: Final = re.compile(
    r"[?？]|吗|么|呢|什么|怎么|怎样|如何|为何|为啥|咋|能不能|可不可以|可以不|行不行|算不算|会不会|要不要|是不是|有没有|该不该|"
    r"哪些|哪条|哪个|谁|多少|几条|请问|请教|^(?:what|who|how|can|may|is|are|does|do|should)\b",
    re.IGNORECASE,
)
_SHORTEST: Final = 4
_LONGEST: Final = 200

How = Literal["private", "mention", "reply", "overheard"]


@dataclass(frozen=True, slots=True)
class Bot:
    """Who the bot is: its id and its username without the @."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person typed, without the words that only address the bot; how it was addressed.

    `borrowed`: the words are those of another message, which a bare mention points at. Of what was `overheard`, said to
    nobody in particular, or no longer addressed, no word is kept.
    """

    text: str
    how: How = "private"
    borrowed: bool = False


def take_question(message: Message, bot: Bot) -> Question | None:
    """The question in a message, or None where it is not addressed to the bot.

    A private message always is; in a group, a mention, a reply to one of the bot's messages, or `/ask` (handled as a
    command). A mention with nothing beside it takes the quote, else the message replied to, as the question. What a
    person forwards into a group was addressed elsewhere.
    """
    text = message.text or message.caption or ""
    if is_foreign(message, bot) or text.startswith("/"):
        return None
    mentioned, rest = _without_mentions(message, bot)
    if message.chat.type == ChatType.PRIVATE:
        return Question(rest) if rest else None
    if message.forward_origin and not message.is_automatic_forward:
        return None
    if mentioned:
        pointed_at = "" if rest else _pointed_at(message, bot)
        return Question(rest or pointed_at, "mention", bool(pointed_at))
    replied = replied_message(message)
    if replied and _is_from(replied, bot) and rest:
        return Question(rest, "reply")
    return None


def take_argument(message: Message, bot: Bot) -> str | None:
    """What stands behind a command of ours; None where another bot is meant."""
    command = _command(message, bot)
    return command[1] if command else None


def take_command(message: Message, bot: Bot) -> str | None:
    """Which of our commands a message is; None where it is none, or meant for another bot."""
    command = _command(message, bot)
    return command[0] if command else None


def take_asked(message: Message, bot: Bot) -> Question | None:
    """The question behind `/ask`, or of the message that a bare `/ask` replies to; None where it is another command."""
    command = _command(message, bot)
    if command is None or command[0] != "ask" or is_foreign(message, bot):
        return None
    pointed_at = "" if command[1] else _pointed_at(message, bot)
    return Question(command[1] or pointed_at, "mention", bool(pointed_at))


def take_stray(message: Message, bot: Bot) -> Question | None:
    """What a private message asks that begins like a command, but is none of ours; empty where nothing stands behind.

    To be asked of what no command has taken. None in groups, and where another bot is meant.
    """
    text = message.text or message.caption or ""
    if message.chat.type != ChatType.PRIVATE or not text.startswith("/") or is_foreign(message, bot):
        return None
    command = _COMMAND.match(text)
    if command and command[2] and command[2].casefold() != bot.username.casefold():
        return None
    return Question((text[command.end() :] if command else text.lstrip("/")).strip())


def words_of(message: Message, bot: Bot) -> str:
    """The question in a message that is known to be one, however it was addressed; empty where nothing is asked."""
    if (message.text or message.caption or "").startswith("/"):
        asked = take_asked(message, bot)
        return asked.text if asked and not asked.borrowed else ""
    return _without_mentions(message, bot)[1]


def replied_message(message: Message) -> Message | None:
    """The message replied to; the head of a forum topic, which Telegram also puts there, is none."""
    replied = message.reply_to_message
    return None if replied is None or replied.forum_topic_created else replied


def is_foreign(message: Message, bot: Bot) -> bool:
    """Whether no person wrote it: our own message, another bot's, or one made through a bot.

    Anonymous administrators and channels write as bots of Telegram's, with a `sender_chat`.
    """
    sender = message.from_user
    by_bot = sender is not None and sender.is_bot and message.sender_chat is None
    return bool(message.via_bot) or by_bot or _is_from(message, bot)


def looks_like_question(text: str) -> bool:
    """Whether words to nobody in particular may be a question: neither too short nor a speech, and they ask."""
    return _SHORTEST <= len(text) <= _LONGEST and bool(_ASKING.search(text))


def _command(message: Message, bot: Bot) -> tuple[str, str] | None:
    text = message.text or message.caption or ""
    command = _COMMAND.match(text)
    if command is None or command[1].lower() not in COMMANDS:
        return None
    if command[2] and command[2].casefold() != bot.username.casefold():
        return None
    return command[1].lower(), text[command.end() :].strip()


def _pointed_at(message: Message, bot: Bot) -> str:
    """What a bare mention means: the words quoted, else the message replied to unless it is the bot's own."""
    if message.quote:
        return message.quote.text.strip()
    replied = replied_message(message)
    return _without_mentions(replied, bot)[1] if replied and not _is_from(replied, bot) else ""


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

"""What Telegram itself shows of the bot: command menus by scope and language, and its description."""

import logging
from collections.abc import Mapping
from typing import Final

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from prompts import LANGUAGES, Language, Replies

MEMBERS: Final = ("ask", "article", "chapter", "toc", "search", "quiz", "help", "privacy")
PRIVATE: Final = (
    *("ask", "search", "toc", "article", "chapter", "practice", "exam", "mistakes", "quiz"),
    *("help", "settings", "privacy", "forget"),
)
ADMINISTRATORS: Final = (*MEMBERS, "train", "settings", "review", "stats")

MENUS: Final[tuple[tuple[BotCommandScope, tuple[str, ...]], ...]] = (
    (BotCommandScopeDefault(), MEMBERS),
    (BotCommandScopeAllPrivateChats(), PRIVATE),
    (BotCommandScopeAllGroupChats(), MEMBERS),
    (BotCommandScopeAllChatAdministrators(), ADMINISTRATORS),
)

log = logging.getLogger(__name__)


async def name_commands(bot: Bot, replies: Mapping[Language, Replies]) -> None:
    """Set menus and descriptions in each language; Chinese is shown to those who have no other.

    A bot without its menus still answers: a refusal is logged, not raised.
    """
    try:
        for language in LANGUAGES:
            code = None if language == "zh" else language
            for scope, commands in MENUS:
                await bot.set_my_commands(_described(commands, replies[language]), scope, code)
            await bot.set_my_description(replies[language]("telegram.description"), code)
            await bot.set_my_short_description(replies[language]("telegram.short_description"), code)
    except TelegramError as exc:
        log.warning("the command menus could not be set: %s", type(exc).__name__)


def _described(commands: tuple[str, ...], replies: Replies) -> list[BotCommand]:
    return [BotCommand(command, replies(f"telegram.command_{command}")) for command in commands]

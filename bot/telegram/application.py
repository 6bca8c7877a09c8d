"""Joins the handlers to python-telegram-bot, and polls until stopped."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from telegram import BotCommand, Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder

from bot import errors
from bot.answering.service import Answerer
from bot.telegram.handlers import Handlers
from bot.telegram.intake import Bot
from prompts import LANGUAGES, Language, Replies

CONCURRENT_UPDATES: Final = 256
COMMANDS: Final = ("ask", "article", "chapter", "toc", "help", "privacy")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TelegramChannel:
    """Where the Bot API is and how to log in; the token never shows in a representation."""

    token: str = field(repr=False)
    api_root: str

    def build(self) -> "Application":  # type: ignore[type-arg]
        """An application with no handlers yet."""
        return (
            ApplicationBuilder()
            .token(self.token)
            .base_url(f"{self.api_root}/bot")
            .base_file_url(f"{self.api_root}/file/bot")
            .concurrent_updates(CONCURRENT_UPDATES)
            .build()
        )


def run_polling(channel: TelegramChannel, answerer: Answerer, replies: Mapping[Language, Replies]) -> None:
    """Poll until SIGINT or SIGTERM.

    Raises:
        errors.TelegramError: the token is refused, or the Bot API cannot be reached.
    """
    asyncio.run(poll(channel, answerer, replies, _stop_signal))


async def _stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def poll(
    channel: TelegramChannel,
    answerer: Answerer,
    replies: Mapping[Language, Replies],
    until: Callable[[], Awaitable[None]],
) -> None:
    """Poll until the awaitable that `until` returns is done; updates in hand are finished first."""
    application = channel.build()
    try:
        async with application:
            me = application.bot.bot
            Handlers(answerer, replies, Bot(me.id, me.username or "")).register(application)
            await _name_commands(application, replies)
            await application.start()
            assert application.updater is not None  # noqa: S101 - the builder makes one unless told not to
            await application.updater.start_polling(allowed_updates=[Update.MESSAGE])
            log.info("polling as @%s", me.username)
            try:
                await until()
            finally:
                await application.updater.stop()
                await application.stop()
    except InvalidToken as exc:
        raise errors.TelegramError(replies["zh"]("doctor.token_refused")) from exc
    except TelegramError as exc:
        raise errors.TelegramError(replies["zh"]("doctor.token_unreachable", root=channel.api_root)) from exc


async def _name_commands(application: "Application", replies: Mapping[Language, Replies]) -> None:  # type: ignore[type-arg]
    """The menu of commands, in each language; Telegram shows Chinese to those with no other."""
    for language in LANGUAGES:
        commands = [BotCommand(name, replies[language](f"telegram.command_{name}")) for name in COMMANDS]
        await application.bot.set_my_commands(commands, language_code=None if language == "zh" else language)

"""Every handler of the bot, in the order in which they are tried, and what is said when one of them fails."""

import logging
from typing import Any, Final, Protocol

from telegram import Update
from telegram.ext import Application, ContextTypes

from bot.telegram.asking import Asking
from bot.telegram.buttons import Buttons, StaleButtons
from bot.telegram.configuring import Configuring
from bot.telegram.inline import Inline
from bot.telegram.intake import take_argument, take_question
from bot.telegram.navigating import Navigating
from bot.telegram.outgoing import Outgoing
from bot.telegram.papers import Papers
from bot.telegram.parts import Parts
from bot.telegram.personal import Personal
from bot.telegram.practising import Practising
from bot.telegram.projecting import Projecting
from bot.telegram.quizzing import Quizzing
from bot.telegram.rendering import safe
from bot.telegram.reviewing import Reviewing
from bot.telegram.searching import Searching
from bot.telegram.sessions import Sessions
from bot.telegram.speaking import sentences_for
from bot.telegram.statistics import Statistics
from bot.telegram.sweeping import Sweeping
from bot.telegram.welcoming import Welcoming

App = Application[Any, Any, Any, Any, Any, Any]

log = logging.getLogger(__name__)


class Handler(Protocol):
    """A handler class is made from the parts and registers itself."""

    def __init__(self, parts: Parts) -> None: ...

    def register(self, application: App) -> None:
        """Add what it handles."""


class Failures:
    """Whatever a handler did not expect: one line in the log, one sentence to the person if the bot was addressed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: App) -> None:
        """Add the error handler."""
        application.add_error_handler(self.failed)

    async def failed(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Say so, and nothing of what it was."""
        log.error("an update could not be handled", exc_info=context.error)
        if not isinstance(update, Update):
            return
        if query := update.callback_query:
            sentences = await sentences_for(self._parts, query)
            await self._parts.delivery.acknowledge(query, sentences("unavailable.failed"), alert=True)
            return
        message = update.message
        bot = self._parts.bot
        if message and (take_question(message, bot) or take_argument(message, bot) is not None):
            sentences = await sentences_for(self._parts, message)
            await self._parts.delivery.reply(message, Outgoing(safe(sentences("unavailable.failed"))))


HANDLERS: Final[tuple[type[Handler], ...]] = (
    Reviewing,  # before the others: it takes replies to its own prompts, and its own deep links
    Configuring,
    Statistics,
    Personal,
    Papers,  # before Sessions: it takes `/train handout`
    Sessions,
    Quizzing,
    Projecting,  # before Welcoming: it takes its own deep links
    Practising,  # before Welcoming: it takes its own deep links
    Sweeping,
    Welcoming,
    Navigating,
    Searching,
    Inline,
    Buttons,
    Asking,  # last among messages: in private, every one of them is a question
    StaleButtons,  # last among buttons
    Failures,
)

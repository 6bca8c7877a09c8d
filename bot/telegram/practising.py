"""`/practice`, `/exam` and `/mistakes`: in private alone, for nobody else's eyes.

    commands, links from groups ─┐
    buttons p…                   ├─▶ rounds (a round of practice), exams (a mock exam), the mistakes here
    words typed into a blank ────┘

Words are an answer where they reply to the question, or follow it soon and ask nothing; all others are questions.
"""

import logging
import re
from datetime import timedelta
from typing import Any, Final

from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.errors import StorageError
from bot.storage.practice import Run
from bot.telegram.callbacks import Callback, pattern
from bot.telegram.exams import Exams
from bot.telegram.intake import is_foreign, looks_like_question, replied_message, take_command
from bot.telegram.navigating import called
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.practice_pages import language_of_sign, mistake_page
from bot.telegram.presses import change, pressed
from bot.telegram.rendering import safe
from bot.telegram.rounds import Rounds
from bot.telegram.runs import say_old
from bot.telegram.speaking import is_group, language_for, sentences_for
from bot.telegram.trails import Shelf
from bot.training.practice import mistakes
from knowledge.bank.items import QuizItem, folded
from prompts import Language

TYPED_GROUP: Final = -1
"""PTB's handler group: after admission, before everything that takes words for a question."""
LISTENS: Final = timedelta(minutes=30)
_LONGEST: Final = 40
_LINK: Final = re.compile(r"^/start(?:@\w+)? (practice|exam|mistakes)$", re.ASCII)
_LOOKS_UP: Final = re.compile(r"第?[\d零一二三四五六七八九十百]{1,5}[条章]|\d{1,3}")
_ROUND, _EXAM, _PANEL, _MISTAKES = (
    ("pa", "ps", "pk", "pn", "pz", "pg"),
    ("pe", "pj", "ph", "pi", "pr", "pt", "pw"),
    ("px", "po"),
    ("pm", "pb"),
)

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Practising:
    """The private side of the bank."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)
        self._rounds, self._exams = Rounds(parts), Exams(parts)
        self._spellings = frozenset(spelling for item in parts.bank.items for spelling in item.spellings)

    def register(self, application: App) -> None:
        """Add commands, links, buttons, and an ear for words that fill a blank."""
        fresh, private = filters.UpdateType.MESSAGE, filters.ChatType.PRIVATE
        for command in ("practice", "exam", "mistakes"):
            application.add_handler(CommandHandler(command, self.command, filters=fresh))
        application.add_handler(MessageHandler(fresh & private & filters.Regex(_LINK), self.arrived))
        application.add_handler(CallbackQueryHandler(self.pressed, pattern("p")))
        typed = fresh & private & filters.TEXT & ~filters.COMMAND
        application.add_handler(MessageHandler(typed, self.typed), group=TYPED_GROUP)

    async def started(self) -> None:
        """Mind the clocks of exams that run."""
        await self._exams.started()

    async def stopping(self) -> None:
        """Mind them no longer."""
        await self._exams.stopping()

    async def command(self, update: Update, _: Context) -> None:
        """One of the three; in a group, the way into the private chat."""
        message, argument = await called(self._parts, update)
        if message is None:
            return
        name = take_command(message, self._parts.bot) or ""
        if is_group(message):
            await self._point_to_private(message, name)
        else:
            await self._open(message, name, argument)

    async def arrived(self, update: Update, _: Context) -> None:
        """By a link from a group."""
        message, argument = await called(self._parts, update)
        if message is not None:
            await self._open(message, argument, "")

    async def pressed(self, update: Update, _: Context) -> None:
        """A button."""
        query, message, callback = pressed(update)
        if callback.action in _ROUND:
            await self._rounds.press(query, message, callback)
        elif callback.action in _EXAM:
            await self._exams.press(query, message, callback)
        elif callback.action in _PANEL and message is not None and not is_group(message):
            await self._exams.choose(query, message, callback)
        elif callback.action in _MISTAKES and message is not None and not is_group(message):
            await self._turn_mistakes(query, message, callback)
        else:
            await say_old(self._parts, query)

    async def typed(self, update: Update, _: Context) -> None:
        """Words that may fill the blank of the question on show; then nobody else takes them for anything."""
        message = update.message
        if message is None or is_foreign(message, self._parts.bot) or message.forward_origin:
            return
        if not _may_fill(message) and folded(message.text or "") not in self._spellings:
            return
        try:
            runs = await self._parts.database.practice.runs(message.chat_id)
        except StorageError as exc:  # a question can still be answered
            log.error("%s", exc)
            return
        for run in runs:
            sitting = self._rounds if run.kind == "practice" else self._exams
            item = sitting.awaits(run)
            if item is not None and run.message_id and self._fills(message, run, item):
                await sitting.fill(run, item, (message.text or "").strip())
                raise ApplicationHandlerStop

    async def _open(self, message: Message, name: str, argument: str) -> None:
        if not self._parts.bank.items:
            say = await sentences_for(self._parts, message)
            await self._parts.delivery.reply(message, Outgoing(safe(say("quiz.empty"))))
        elif name == "practice":
            await self._rounds.open(message, argument)
        elif name == "exam":
            await self._exams.open(message, argument)
        else:
            language = await language_for(self._parts, message)
            page = await self._mistakes(message.chat_id, 0, language)
            words = safe(self._parts.replies[language]("practice.no_mistakes"))
            await self._parts.delivery.reply(message, page or Outgoing(words))

    async def _point_to_private(self, message: Message, name: str) -> None:
        say = await sentences_for(self._parts, message)
        url = f"https://t.me/{self._parts.bot.username}?start={name}"
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton(say("practice.go_private"), url=url)]])
        await self._parts.delivery.reply(message, Outgoing(safe(say("practice.private_only")), keyboard))

    async def _turn_mistakes(self, query: CallbackQuery, message: Message, callback: Callback) -> None:
        practises = callback.action == "pb"
        language = language_of_sign(callback.text(0 if practises else 1))
        if language is None:
            await say_old(self._parts, query)
        elif practises:
            await self._rounds.practise_mistakes(query, message, language)
        else:
            page = await self._mistakes(query.from_user.id, callback.number(0) or 0, language)
            words = Outgoing(safe(self._parts.replies[language]("practice.no_mistakes")))
            await change(self._parts, query, message, page or words)

    async def _mistakes(self, person: int, place: int, language: Language) -> Outgoing | None:
        """One of the mistakes; None where there are none."""
        bank = self._parts.bank
        found = mistakes(await self._parts.database.practice.standings(person), bank)
        place = min(max(place, 0), len(found) - 1)
        item = bank.item(found[place].item_id) if found else None
        if item is None:
            return None
        return mistake_page(found, place, item, self._parts.clock(), self._shelf, self._parts.replies[language])

    def _fills(self, message: Message, run: Run, item: QuizItem) -> bool:
        replied, words = replied_message(message), (message.text or "").strip()
        if replied is not None:
            return replied.message_id == run.message_id
        if item.accepts(words):
            return True
        recent = self._parts.clock() - run.touched_at < LISTENS
        return recent and _LOOKS_UP.fullmatch(words) is None


def _may_fill(message: Message) -> bool:
    """Whether words may fill a blank at all: nothing need be looked up for a question, or for a story."""
    words = (message.text or "").strip()
    if replied_message(message) is not None:
        return True
    return len(words) <= _LONGEST and "\n" not in words and not looks_like_question(words)

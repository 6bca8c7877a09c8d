"""`/quiz`: questions of the bank as Telegram's own quiz polls, wherever it is sent; nothing of them is kept.

What has no options, and what Telegram refuses as a poll, is asked in words, with a button that shows the answer.

    q…  quiz          qr the answer of a question asked in words
"""

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.storage.recent import Recent
from bot.telegram.callbacks import pack, pattern
from bot.telegram.navigating import called
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.polls import SentPoll, explain, quiz_poll
from bot.telegram.posters import answer_line, lettered
from bot.telegram.presses import change, pressed, say_too_old
from bot.telegram.rendering import safe
from bot.telegram.speaking import sentences_for, sentences_in, settings_for, topic_of
from bot.telegram.wishes import read_wish
from bot.training.choosing import choose_items
from bot.training.showing import label_of
from knowledge.bank.items import QuizItem
from prompts import Replies

MOST: Final = 5
"""Questions for one command: a group takes twenty messages a minute."""
_LATELY: Final = 40

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Quizzing:
    """Quiz polls by chapter, article, difficulty, kind and number; anonymous unless the group has it otherwise."""

    def __init__(self, parts: Parts, seed: Callable[[], int] = lambda: secrets.randbits(32)) -> None:
        self._parts, self._seed = parts, seed
        self._lately: Recent[int, tuple[str, ...]] = Recent(1_000)

    def register(self, application: App) -> None:
        """Add the command and the button."""
        application.add_handler(CommandHandler("quiz", self.quiz, filters=filters.UpdateType.MESSAGE))
        application.add_handler(CallbackQueryHandler(self.show_answer, pattern("qr")))

    async def quiz(self, update: Update, _: Context) -> None:
        """`/quiz`, `/quiz 14`, `/quiz 第三章 难 3题`."""
        message, argument = await called(self._parts, update)
        if message is None:
            return
        say = await sentences_for(self._parts, message)
        wish = read_wish(argument, number=1, most=MOST)
        problem = "quiz.usage" if wish is None else "quiz.empty" if not self._parts.bank.items else ""
        items: tuple[QuizItem, ...] = ()
        if wish is not None and not problem:
            lately = self._lately.get(message.chat.id) or ()
            items = choose_items(self._parts.bank, wish, self._seed(), without=lately)
            if len(items) < wish.number:  # all have been asked: begin anew
                items, lately = choose_items(self._parts.bank, wish, self._seed()), ()
            self._lately[message.chat.id] = (*lately, *(item.id for item in items))[-_LATELY:]
            problem = "" if items else "quiz.none"
        if problem:
            await self._parts.delivery.reply(message, Outgoing(safe(say(problem))))
            return
        if wish is not None and len(items) < wish.number:
            await self._parts.delivery.reply(message, Outgoing(say("quiz.fewer", count=len(items))))
        await self._ask(message, items, say)

    async def _ask(self, message: Message, items: tuple[QuizItem, ...], say: Replies) -> None:
        anonymous = (await settings_for(self._parts, message.chat.id)).quiz_anonymous
        for item in items:
            if not await self._ask_one(message, item, say, anonymous=anonymous):
                await self._parts.delivery.reply(message, Outgoing(say("quiz.not_sent")))
                return
            self._parts.database.usage.count(message.chat.id, "quiz", item.article, at=self._parts.clock())

    async def _ask_one(self, message: Message, item: QuizItem, say: Replies, *, anonymous: bool) -> bool:
        topic = topic_of(message)
        if item.options:
            poll = quiz_poll(item, label_of(item.article), anonymous=anonymous)
            sent = await self._parts.delivery.send_poll(message.chat.id, poll, topic=topic, reply_to=message.message_id)
            if isinstance(sent, SentPoll):
                self._parts.conducting.expect_stray(sent.poll_id)
                return True
            if sent is None:
                return False
            log.warning("a quiz poll was refused (%s): the question goes out in words", sent.value)
        return await self._parts.delivery.reply(message, in_words(item, say)) is not None

    async def show_answer(self, update: Update, _: Context) -> None:
        """看答案, for everybody who reads the message."""
        query, message, callback = pressed(update)
        item = self._parts.bank.item(callback.text(0))
        if message is None or item is None:
            await say_too_old(self._parts, query)
            return
        say = await sentences_in(self._parts, message)
        await change(self._parts, query, message, answered(item, say))


def in_words(item: QuizItem, say: Replies) -> Outgoing:
    """A question as a message, with a button that shows its answer."""
    button = InlineKeyboardButton(say("quiz.show"), callback_data=pack("qr", item.id))
    return Outgoing("\n".join(_question(item, say)), InlineKeyboardMarkup([[button]]))


def answered(item: QuizItem, say: Replies) -> Outgoing:
    """The same with its answer and the article's words."""
    words = [*_question(item, say), "", answer_line(item.solution, say), safe(explain(item, label_of(item.article)))]
    return Outgoing("\n".join(words))


def _question(item: QuizItem, say: Replies) -> list[str]:
    return [say("quiz.open"), safe(item.question), *lettered(item.options)]

"""Thin handlers: intake, await, render, deliver."""

import logging
from collections.abc import Mapping

from telegram import Message, Update
from telegram.ext import Application, CommandHandler, ContextTypes, MessageHandler, filters

from bot.answering.service import Answerer
from bot.telegram.delivery import reply
from bot.telegram.intake import Bot, take_argument, take_question
from bot.telegram.rendering import join_blocks, render, render_text
from prompts import Language, Replies

log = logging.getLogger(__name__)

Context = ContextTypes.DEFAULT_TYPE


class Handlers:
    """What the bot does with each kind of message; one instance a running bot."""

    def __init__(self, answerer: Answerer, replies: Mapping[Language, Replies], bot: Bot) -> None:
        self._answerer, self._replies, self._bot = answerer, replies, bot
        self._regulation = answerer.library.principal

    def register(self, application: "Application") -> None:  # type: ignore[type-arg]
        """Add every handler, in the order in which they are tried."""
        for command, callback in (
            ("start", self.start),
            ("help", self.help),
            ("privacy", self.privacy),
            ("forget", self.forget),
            ("ask", self.ask),
            ("article", self.article),
            ("chapter", self.chapter),
            ("toc", self.toc),
        ):
            application.add_handler(CommandHandler(command, callback, filters=filters.UpdateType.MESSAGE))
        words = (filters.TEXT | filters.CAPTION) & ~filters.COMMAND & filters.UpdateType.MESSAGE
        application.add_handler(MessageHandler(words, self.question))
        application.add_error_handler(self.failed)

    async def question(self, update: Update, _: Context) -> None:
        """A message that may be addressed to the bot."""
        message = update.effective_message
        question = take_question(message, self._bot) if message else None
        if message and question:
            await self._answer(message, question.text)

    async def ask(self, update: Update, _: Context) -> None:
        """`/ask question`, or `/ask` as a reply to the question."""
        message, argument = self._argument(update)
        if message is None or argument is None:
            return
        replied = message.reply_to_message
        if not argument and replied and not (replied.from_user and replied.from_user.id == self._bot.id):
            argument = (replied.text or replied.caption or "").strip()
        if argument:
            await self._answer(message, argument)
        else:
            await reply(message, render_text(self._sentences(message)("telegram.usage_ask")))

    async def article(self, update: Update, _: Context) -> None:
        """`/article 14` or `/article 第十四条`."""
        await self._look_up(update, "条", "telegram.usage_article")

    async def chapter(self, update: Update, _: Context) -> None:
        """`/chapter 3` or `/chapter 第三章`."""
        await self._look_up(update, "章", "telegram.usage_chapter")

    async def toc(self, update: Update, _: Context) -> None:
        """`/toc`: the chapters, with their articles."""
        message, argument = self._argument(update)
        if message is not None and argument is not None:
            composer = self._answerer.composer(self._language(message))
            await reply(message, render_text(composer.contents(self._regulation)))

    async def start(self, update: Update, _: Context) -> None:
        """`/start`: what this is, in three lines."""
        await self._say(update, "telegram.start")

    async def help(self, update: Update, _: Context) -> None:
        """`/help`: how to ask and look up, and what the answers are not."""
        await self._say(update, "telegram.help")

    async def privacy(self, update: Update, _: Context) -> None:
        """`/privacy`: what is read and kept."""
        await self._say(update, "telegram.privacy")

    async def forget(self, update: Update, _: Context) -> None:
        """`/forget`: nothing is kept, and that is what it says."""
        await self._say(update, "telegram.forget")

    async def failed(self, update: object, context: Context) -> None:
        """Whatever a handler did not expect: one line in the log, one sentence to the person if it was addressed."""
        log.error("an update could not be handled", exc_info=context.error)
        message = update.effective_message if isinstance(update, Update) else None
        if message and (take_question(message, self._bot) or take_argument(message, self._bot) is not None):
            await reply(message, render_text(self._sentences(message)("unavailable.failed")))

    async def _answer(self, message: Message, question: str) -> None:
        await reply(message, render(await self._answerer.answer(question)))

    async def _look_up(self, update: Update, unit: str, usage: str) -> None:
        message, argument = self._argument(update)
        if message is None or argument is None:
            return
        language = self._language(message)
        question = argument if unit in argument else f"第{argument}{unit}"
        answer = await self._answerer.answer(question, language)
        if not argument or answer.mode != "lookup":
            await reply(message, render_text(self._replies[language](usage)))
        else:
            await reply(message, render(answer))

    async def _say(self, update: Update, key: str) -> None:
        message, argument = self._argument(update)
        if message is None or argument is None:
            return
        sentences = self._sentences(message)
        interpretation = self._regulation.role("interpretation")
        values = {
            "regulation": self._regulation.title,
            "bot": self._bot.username,
            "interpretation": interpretation.label if interpretation else "",
        }
        lines = sentences(key, **values).split("\n")
        await reply(message, join_blocks([_marked(line) for line in lines]))

    def _argument(self, update: Update) -> tuple[Message | None, str | None]:
        message = update.effective_message
        return message, take_argument(message, self._bot) if message else None

    def _language(self, message: Message) -> Language:
        code = (message.from_user.language_code if message.from_user else None) or "zh"
        return "zh" if code.casefold().startswith("zh") else "en"

    def _sentences(self, message: Message) -> Replies:
        return self._replies[self._language(message)]


def _marked(line: str) -> tuple[str, str, str]:
    """A line of our own sentences: a heading if it is written as <b>…</b>, else text."""
    if line.startswith("<b>") and line.endswith("</b>"):
        return "<b>", line[3:-4], "</b>"
    return "", line, ""

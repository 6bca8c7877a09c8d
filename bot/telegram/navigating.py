"""Finding one's way through the text: an article, a chapter, the contents; by command and by button."""

from typing import Any

from telegram import Message, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.answering.model import Answer
from bot.telegram import keyboards
from bot.telegram.callbacks import pattern
from bot.telegram.dressing import dress
from bot.telegram.intake import is_foreign, take_argument
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.presses import change, pressed, say_too_old
from bot.telegram.rendering import render_article, render_chapter, render_contents, safe
from bot.telegram.speaking import is_group, language_for, sentences_for, sentences_in, within_budget
from bot.telegram.trails import Shelf
from knowledge.model import Chapter, Regulation
from prompts import Replies

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE


class Navigating:
    """`/article`, `/chapter`, `/toc`, and the buttons of the contents."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)

    def register(self, application: App) -> None:
        """Add the handlers."""
        for command, callback in (("article", self.article), ("chapter", self.chapter), ("toc", self.toc)):
            application.add_handler(CommandHandler(command, callback, filters=filters.UpdateType.MESSAGE))
        for prefix, press in (
            ("tl", self.show_regulations),
            ("tc", self.show_contents),
            ("tk", self.show_chapter),
            ("ta", self.show_article),
        ):
            application.add_handler(CallbackQueryHandler(press, pattern(prefix)))

    async def article(self, update: Update, _: Context) -> None:
        """`/article 14` or `/article 第十四条`; several, and other regulations' articles, are looked up too."""
        message, argument = await called(self._parts, update)
        if message is None:
            return
        language = await language_for(self._parts, message)
        sentences = self._parts.replies[language]
        answer = await self._parts.answerer.answer(argument if "条" in argument else f"第{argument}条", language)
        if not argument or answer.mode != "lookup":
            outgoing = Outgoing(safe(sentences("telegram.usage_article")))
        else:
            outgoing = dress(answer, self._shelf, sentences, group=is_group(message))
        await self._parts.delivery.reply(message, outgoing)

    async def chapter(self, update: Update, _: Context) -> None:
        """`/chapter 3` or `/chapter 第三章`: its articles, folded, each with a button."""
        message, argument = await called(self._parts, update)
        if message is None:
            return
        language = await language_for(self._parts, message)
        sentences = self._parts.replies[language]
        answer = await self._parts.answerer.answer(argument if "章" in argument else f"第{argument}章", language)
        if not argument or answer.mode != "lookup":
            outgoing = Outgoing(safe(sentences("telegram.usage_chapter")))
        else:
            outgoing = self._whole_chapter(answer, sentences) or dress(
                answer, self._shelf, sentences, group=is_group(message)
            )
        await self._parts.delivery.reply(message, outgoing)

    def _whole_chapter(self, answer: Answer, sentences: Replies) -> Outgoing | None:
        """The chapter that an answer quotes; None where it quotes none."""
        for citation in answer.citations[:1]:
            at = self._shelf.article(self._shelf.key(citation.regulation_id), citation.article)
            chapter = keyboards.chapter_of(*at) if at else None
            if at and chapter:
                return chapter_message(at[0], chapter, self._shelf, sentences)
        return None

    async def toc(self, update: Update, _: Context) -> None:
        """`/toc`: the chapters, each with a button."""
        message, _argument = await called(self._parts, update)
        if message is not None:
            sentences = await sentences_for(self._parts, message)
            await self._parts.delivery.reply(message, contents_message(self._shelf.principal, self._shelf, sentences))

    async def show_regulations(self, update: Update, _: Context) -> None:
        """其他规定: every regulation of the library."""
        query, message, callback = pressed(update)
        if message is None:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        text = safe(sentences("telegram.regulations", count=len(self._shelf)))
        keyboard = keyboards.regulations_keyboard(self._shelf, callback.number(0) or 0)
        await change(self._parts, query, message, Outgoing(text, keyboard))

    async def show_contents(self, update: Update, _: Context) -> None:
        """目录: a regulation's chapters."""
        query, message, callback = pressed(update)
        regulation = self._shelf.regulation(callback.text(0))
        if message is None or regulation is None:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        outgoing = contents_message(regulation, self._shelf, sentences, callback.number(1) or 0)
        await change(self._parts, query, message, outgoing)

    async def show_chapter(self, update: Update, _: Context) -> None:
        """A chapter, or all articles of a regulation without chapters (number 0)."""
        query, message, callback = pressed(update)
        regulation, where = self._shelf.regulation(callback.text(0)), callback.number(1)
        chapter = chapter_at(regulation, where) if regulation and where else None
        if message is None or regulation is None or (where != 0 and chapter is None):
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        outgoing = chapter_message(regulation, chapter, self._shelf, sentences, callback.number(2) or 0)
        await change(self._parts, query, message, outgoing)

    async def show_article(self, update: Update, _: Context) -> None:
        """An article, with the way back to its chapter."""
        query, message, callback = pressed(update)
        found = keyboards.read_place(callback.text(0))
        at = self._shelf.article(found.key, found.number) if found else None
        if message is None or at is None:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        html = render_article(*at, sentences, self._shelf)
        keyboard = keyboards.contents_article_keyboard(*at, self._shelf, sentences)
        await change(self._parts, query, message, Outgoing(html, keyboard))


def chapter_at(regulation: Regulation, where: int) -> Chapter | None:
    """The chapter at that place, from 1."""
    return regulation.chapters[where - 1] if 0 < where <= len(regulation.chapters) else None


def contents_message(regulation: Regulation, shelf: Shelf, replies: Replies, page: int = 0) -> Outgoing:
    """A regulation's contents, with a page of its chapters as buttons."""
    return Outgoing(render_contents(regulation, replies), keyboards.contents_keyboard(regulation, shelf, replies, page))


def chapter_message(
    regulation: Regulation, chapter: Chapter | None, shelf: Shelf, replies: Replies, page: int = 0
) -> Outgoing:
    """A chapter's text, folded, with a page of its articles as buttons."""
    html = render_chapter(regulation, chapter, replies, shelf)
    return Outgoing(html, keyboards.chapter_keyboard(regulation, chapter, shelf, replies, page))


async def called(parts: Parts, update: Update) -> tuple[Message | None, str]:
    """The command's message and what stands behind it; None where no person of ours asks, or has asked too much."""
    message = update.effective_message
    argument = take_argument(message, parts.bot) if message and not is_foreign(message, parts.bot) else None
    if message is None or argument is None:
        return None, ""
    sentences = await sentences_for(parts, message)
    return (message, argument) if await within_budget(parts, message, sentences) else (None, "")

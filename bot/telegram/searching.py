"""`/search 词`: the clauses in which words stand to the letter, with the words in bold, a page at a time."""

import re
from typing import Any, Final

from telegram import Message, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.answering.composing import label_of
from bot.telegram import keyboards
from bot.telegram.callbacks import pattern
from bot.telegram.intake import replied_message, take_argument
from bot.telegram.navigating import called
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.presses import change, pressed, say_too_old
from bot.telegram.rendering import safe
from bot.telegram.speaking import sentences_for, sentences_in
from bot.telegram.textsearch import Hit, Span, TextSearch, merged
from bot.telegram.trails import Found, Shelf
from prompts import Replies

HITS_PER_PAGE: Final = 5
MAX_SHOWN: Final = 64
"""Characters of a clause that are shown; of a longer one, those around its first hit."""

MAX_WORDS: Final = 60
_AROUND: Final = 24
_MARK: Final = re.compile(r"[，、；。：]")

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE


class Searching:
    """Exact words in the texts of the library; no model."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)
        self._search = TextSearch(parts.answerer.library)

    def register(self, application: App) -> None:
        """Add the handlers."""
        application.add_handler(CommandHandler("search", self.search, filters=filters.UpdateType.MESSAGE))
        application.add_handler(CallbackQueryHandler(self.turn, pattern("tf")))

    async def search(self, update: Update, _: Context) -> None:
        """`/search 词`: the first page."""
        message, argument = await called(self._parts, update)
        if message is None:
            return
        sentences = await sentences_for(self._parts, message)
        words = argument[:MAX_WORDS]
        outgoing = Outgoing(safe(sentences("telegram.usage_search")))
        if words:
            outgoing = results_message(self._search.find(words), words, 0, self._shelf, sentences)
        await self._parts.delivery.reply(message, outgoing)

    async def turn(self, update: Update, _: Context) -> None:
        """Another page; words too long for a button are read from the command that the message replies to."""
        query, message, callback = pressed(update)
        page, words = callback.number(0), callback.text(1) or self._words_behind(message)
        if message is None or page is None or not words:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        outgoing = results_message(self._search.find(words), words, page, self._shelf, sentences)
        await change(self._parts, query, message, outgoing)

    def _words_behind(self, message: Message | None) -> str:
        replied = replied_message(message) if message else None
        return (take_argument(replied, self._parts.bot) or "")[:MAX_WORDS] if replied else ""


def results_message(hits: list[Hit], words: str, page: int, shelf: Shelf, replies: Replies) -> Outgoing:
    """One page of results: how many there are, each clause under its label, and buttons for the articles and pages."""
    if not hits:
        return Outgoing(safe(replies("telegram.search_nothing", words=words)))
    pages = -(-len(hits) // HITS_PER_PAGE)
    page = min(max(page, 0), pages - 1)
    shown = hits[page * HITS_PER_PAGE : (page + 1) * HITS_PER_PAGE]
    lines = [safe(replies("telegram.search_found", words=words, count=len(hits)))]
    for hit in shown:
        name = "" if hit.regulation is shelf.principal else f"《{hit.regulation.name}》"
        label = safe(name + label_of(hit.article, replies))
        lines.append(f"〔{label}〕{excerpt(hit.clause.text, hit.spans)}")
    found = [(Found(shelf.key(hit.regulation.id), hit.article.number), hit.article) for hit in shown]
    return Outgoing("\n\n".join(lines), keyboards.search_keyboard(found, words, page, pages, replies))


def excerpt(text: str, spans: tuple[Span, ...]) -> str:
    """A clause as HTML with the places in bold; of a long one, the words around the first."""
    start, end = 0, len(text)
    if len(text) > MAX_SHOWN:
        start = max(spans[0][0] - _AROUND, 0)
        end = min(start + MAX_SHOWN, len(text))
        start = max(end - MAX_SHOWN, 0)
        start = next((mark.end() for mark in _MARK.finditer(text, start, spans[0][0])), start) if start else 0
    shown, place = "……" if start else "", start
    for first, last in merged(spans):
        if first >= end or last <= start:
            continue
        first, last = max(first, start), min(last, end)  # noqa: PLW2901 - cut to what is shown
        shown += f"{safe(text[place:first])}<b>{safe(text[first:last])}</b>"
        place = last
    return shown + safe(text[place:end]) + ("……" if end < len(text) else "")

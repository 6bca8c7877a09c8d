"""`@bot 直播打赏` in any chat: cards with an article's verbatim text, as fast as one types. No model."""

import hashlib
import secrets
from collections import OrderedDict
from typing import Any, Final

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.ext import Application, ContextTypes, InlineQueryHandler

from bot.answering.composing import label_of
from bot.telegram.keyboards import chapter_place
from bot.telegram.parts import Parts
from bot.telegram.rendering import chapter_label, chapter_line, render_article, render_chapter
from bot.telegram.speaking import personal_language
from bot.telegram.textsearch import Suggestions
from bot.telegram.trails import Shelf
from knowledge.model import Article, Chapter
from knowledge.normalising import normalise
from prompts import Language, Replies

MAX_CARDS: Final = 20
MAX_QUERY: Final = 64
CACHE_S: Final = 600
_REMEMBERED: Final = 500
_DESCRIPTION: Final = 90
_PLAIN: Final = LinkPreviewOptions(is_disabled=True)

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE
Card = InlineQueryResultArticle


class Inline:
    """Cards for what is being typed; the last few hundred sets of cards are kept ready, without the words."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)
        self._suggestions = Suggestions(parts.answerer.library)
        self._ready: OrderedDict[bytes, list[Card]] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def register(self, application: App) -> None:
        """Add the handler."""
        application.add_handler(InlineQueryHandler(self.suggest))

    async def suggest(self, update: Update, _: Context) -> None:
        """Articles for some words; the chapters where nothing has been typed yet."""
        query = update.inline_query
        if query is None:
            return
        cards = [] if query.offset else self.cards(query.query, personal_language(query.from_user))
        await self._parts.delivery.answer_inline(query, cards, cache_s=CACHE_S, personal=True)

    def cards(self, words: str, language: Language) -> list[Card]:
        """The cards for these words, likeliest first."""
        plain = normalise(words[:MAX_QUERY])
        typed = f"{language} {plain}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(typed, key=self._key, digest_size=16).digest()
        cards = self._ready.get(key)
        if cards is None:
            cards = self._ready[key] = self._draw(plain, self._parts.replies[language])
            if len(self._ready) > _REMEMBERED:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return cards

    def _draw(self, words: str, replies: Replies) -> list[Card]:
        regulation = self._shelf.principal
        if words or not regulation.chapters:
            articles = self._suggestions.find(words, MAX_CARDS) if words else regulation.articles[:MAX_CARDS]
            return [self._article_card(article, replies) for article in articles]
        return [self._chapter_card(chapter, replies) for chapter in regulation.chapters[:MAX_CARDS]]

    def _article_card(self, article: Article, replies: Replies) -> Card:
        chapter = article.chapter
        title = label_of(article, replies)
        if chapter:
            title += f"　{chapter_label(chapter.number, chapter.title, replies)}"
        html = render_article(self._shelf.principal, article, replies, self._shelf)
        return self._card(f"a{article.number}", title, article.text, html, replies)

    def _chapter_card(self, chapter: Chapter, replies: Replies) -> Card:
        html = render_chapter(self._shelf.principal, chapter, replies, self._shelf)
        description = "".join(article.text for article in chapter.articles[:2])
        return self._card(
            f"c{chapter_place(self._shelf.principal, chapter)}",
            chapter_line(chapter, replies),
            description,
            html,
            replies,
        )

    def _card(self, payload: str, title: str, text: str, html: str, replies: Replies) -> Card:
        link = f"https://t.me/{self._parts.bot.username}?start={payload}"
        content = InputTextMessageContent(html, parse_mode=ParseMode.HTML, link_preview_options=_PLAIN)
        button = InlineKeyboardButton(replies("button.open"), url=link)
        return InlineQueryResultArticle(
            payload, title, content, InlineKeyboardMarkup([[button]]), description=text[:_DESCRIPTION]
        )

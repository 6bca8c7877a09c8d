"""Buttons under answers and articles: paging, votes, and on into the private chat.

A button works for whoever presses it, also after a restart: all it needs stands in its data and in the message itself.
"""

import logging
from typing import Any

from telegram import InlineKeyboardMarkup, Message, Update
from telegram.ext import Application, CallbackQueryHandler, ContextTypes

from bot.errors import StorageError
from bot.telegram import keyboards
from bot.telegram.ballots import Ballots, Vote
from bot.telegram.callbacks import pattern, unpack
from bot.telegram.intake import replied_message, words_of
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.presses import change, change_keyboard, pressed, say_too_old
from bot.telegram.rendering import Frame, render_article, render_below, render_found
from bot.telegram.speaking import is_group, sentences_for, sentences_in, settings_for
from bot.telegram.trails import Shelf, Trail

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Buttons:
    """What happens when somebody presses a button under an answer or an article."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf, self._ballots = parts, Shelf(parts.answerer.library), Ballots()

    def register(self, application: App) -> None:
        """Add the handlers."""
        for prefix, callback in (
            ("aa", self.show_below),
            ("ab", self.back_to_answer),
            ("a[ro]", self.change_buttons),
            ("ap", self.show_article),
            ("ak", self.go_private),
            ("v[ud]", self.vote),
            ("vr", self.explain),
        ):
            application.add_handler(CallbackQueryHandler(callback, pattern(prefix)))

    async def show_below(self, update: Update, _: Context) -> None:
        """全文 and ← →: an article whole, below the answer's head."""
        query, message, callback = pressed(update)
        trail, found = Trail.decode(callback.text(1)), keyboards.read_place(callback.text(0))
        at = self._shelf.article(found.key, found.number) if found else None
        if message is None or trail is None or found is None or at is None:
            await say_too_old(self._parts, query)
            return
        html = render_below(_frame(message), trail, *at, self._shelf)
        keyboard = keyboards.below_keyboard(trail, found.key, *at, self._parts.replies[trail.language])
        await change(self._parts, query, message, Outgoing(html, keyboard))

    async def back_to_answer(self, update: Update, _: Context) -> None:
        """返回答案: the answer again, from its head and its trail."""
        query, message, callback = pressed(update)
        trail = Trail.decode(callback.text(0))
        if message is None or trail is None:
            await say_too_old(self._parts, query)
            return
        brief = (await settings_for(self._parts, message.chat.id)).length == "brief"
        html = render_found(_frame(message), trail, self._shelf, brief=brief)
        await change(self._parts, query, message, Outgoing(html, self._answer_keyboard(trail, message)))

    async def change_buttons(self, update: Update, _: Context) -> None:
        """相关条款 and the way back: other buttons below the same words."""
        query, message, callback = pressed(update)
        trail = Trail.decode(callback.text(0))
        if message is None or trail is None:
            await say_too_old(self._parts, query)
            return
        keyboard = self._answer_keyboard(trail, message)
        if callback.action == "ar":
            keyboard = keyboards.related_keyboard(trail, self._shelf, self._parts.replies[trail.language])
        await change_keyboard(self._parts, query, message, keyboard)

    async def show_article(self, update: Update, _: Context) -> None:
        """An article by itself, in place of what the message showed."""
        query, message, callback = pressed(update)
        found = keyboards.read_place(callback.text(0))
        at = self._shelf.article(found.key, found.number) if found else None
        if message is None or found is None or at is None:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_in(self._parts, message)
        html = render_article(*at, sentences, self._shelf)
        keyboard = keyboards.article_keyboard(found.key, *at, sentences)
        await change(self._parts, query, message, Outgoing(html, keyboard))

    async def go_private(self, update: Update, _: Context) -> None:
        """私聊细说: opens the private chat with the question in hand; it is sealed and kept only now, for a day.

        Of an overheard question no word is kept: the leading article is shown there.
        """
        query, message, callback = pressed(update)
        trail = Trail.decode(callback.text(0))
        if message is None or trail is None:
            await say_too_old(self._parts, query)
            return
        question = "" if trail.overheard else question_behind(self._parts, message)
        if question:
            token = await self._parts.database.passages.keep(question, trail.language, at=self._parts.clock())
            payload = f"p{token}"
        else:
            payload = f"a{keyboards.place(trail.leading)}"
        await self._parts.delivery.acknowledge(query, url=f"https://t.me/{self._parts.bot.username}?start={payload}")

    async def vote(self, update: Update, _: Context) -> None:
        """👍 and 👎: counted once for each person; a 👎 is asked why."""
        query, message, callback = pressed(update)
        trail = Trail.decode(callback.text(0))
        if message is None or trail is None:
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_for(self._parts, query)
        cast: Vote = "up" if callback.action == "vu" else "down"
        before = self._ballots.cast(message.chat.id, message.message_id, query.from_user.id, cast)
        if before != cast:
            self._count(message, cast, 1)
            if before:
                self._count(message, before, -1)
        if cast == "up" or not self._parts.delivery.takes_press(message.chat.id):
            await self._parts.delivery.acknowledge(query, sentences("telegram.voted_up"))
            return
        await self._parts.delivery.acknowledge(query, sentences("telegram.voted_down"))
        reasons = keyboards.reasons_keyboard(trail, self._parts.replies[trail.language])
        await self._parts.delivery.edit_keyboard(message.chat.id, message.message_id, reasons)

    async def explain(self, update: Update, _: Context) -> None:
        """Why the answer was not good, once from each who voted so: the question is kept, without who says so."""
        query, message, callback = pressed(update)
        trail, reason = Trail.decode(callback.text(1)), callback.number(0)
        if message is None or trail is None or reason is None or not 0 <= reason < len(keyboards.REASONS):
            await say_too_old(self._parts, query)
            return
        sentences = await sentences_for(self._parts, query)
        if not self._ballots.explain(message.chat.id, message.message_id, query.from_user.id):
            await self._parts.delivery.acknowledge(query, sentences("telegram.explain_once"), alert=True)
            return
        kept = await self._keep_disputed(message, trail, keyboards.REASONS[reason])
        words = sentences("telegram.explained") if kept else sentences("telegram.explained_not_kept")
        await self._parts.delivery.acknowledge(query, words)
        if self._parts.delivery.takes_press(message.chat.id):
            keyboard = self._answer_keyboard(trail, message)
            await self._parts.delivery.edit_keyboard(message.chat.id, message.message_id, keyboard)

    def _answer_keyboard(self, trail: Trail, message: Message) -> InlineKeyboardMarkup:
        return keyboards.answer_keyboard(trail, self._parts.replies[trail.language], group=is_group(message))

    def _count(self, message: Message, vote: Vote, amount: int) -> None:
        self._parts.database.usage.count(message.chat.id, f"vote_{vote}", at=self._parts.clock(), amount=amount)

    async def _keep_disputed(self, message: Message, trail: Trail, reason: str) -> bool:
        question = "" if trail.overheard else question_behind(self._parts, message)
        if not question:
            return False
        try:
            await self._parts.database.review.add(
                message.chat.id,
                question,
                kind="disputed",
                reason=reason,
                articles=[found.number for found in trail.quoted if not found.key],
                language=trail.language,
                reply_message_id=message.message_id,
                at=self._parts.clock(),
            )
        except StorageError as exc:
            log.error("%s", exc)
            return False
        return True


class StaleButtons:
    """Buttons that no handler knows any more: said politely. Registered last."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: App) -> None:
        """Add the handler."""
        application.add_handler(CallbackQueryHandler(self.too_old))

    async def too_old(self, update: Update, _: Context) -> None:
        """A button of an older version."""
        if update.callback_query:
            await say_too_old(self._parts, update.callback_query)


def question_behind(parts: Parts, message: Message) -> str:
    """The question that a message of ours answers: remembered, or read from the message replied to; else empty."""
    replied = replied_message(message)
    words = words_of(replied, parts.bot) if replied else ""
    return parts.recalled.find(message.chat.id, message.message_id) or words


def _frame(message: Message) -> Frame:
    """The frame of an answer, whichever of its pages the message shows now."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    shown = [unpack(button.callback_data) for row in rows for button in row if isinstance(button.callback_data, str)]
    return Frame.of(message.text_html, article_shown=any(one is not None and one.action == "ab" for one in shown))

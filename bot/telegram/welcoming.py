"""The first words: `/start` with or without a deep link, `/help`, and three lines when a group takes the bot in."""

import logging
import re
from typing import Any, Final

from telegram import ChatMember, ChatMemberRestricted, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.ext import Application, ChatMemberHandler, CommandHandler, ContextTypes, filters

from bot.errors import StorageError
from bot.telegram import keyboards
from bot.telegram.asking import count_answer, note_unanswered
from bot.telegram.callbacks import pack
from bot.telegram.dressing import dress
from bot.telegram.navigating import called, chapter_at, chapter_message, contents_message
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.rendering import render_article, safe
from bot.telegram.speaking import is_group, language_for, place_of, sentences_for, settings_for
from bot.telegram.trails import Shelf
from prompts import Replies

_BOLD: Final = re.compile(r"&lt;b&gt;(.*?)&lt;/b&gt;")

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Welcoming:
    """Says what the bot is, and takes people to where a link points."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)

    def register(self, application: App) -> None:
        """Add the handlers."""
        application.add_handler(CommandHandler("start", self.start, filters=filters.UpdateType.MESSAGE))
        application.add_handler(CommandHandler("help", self.help, filters=filters.UpdateType.MESSAGE))
        application.add_handler(ChatMemberHandler(self.taken_in, ChatMemberHandler.MY_CHAT_MEMBER))

    async def start(self, update: Update, _: Context) -> None:
        """`/start`: what this is; with a deep link, what the link points at."""
        message, payload = await called(self._parts, update)
        if message is None:
            return
        sentences = await sentences_for(self._parts, message)
        if payload.startswith("p") and not is_group(message):
            await self._go_on(message, payload[1:], sentences)
            return
        outgoing = self._pointed_at(payload, sentences) or Outgoing(
            self._lines("telegram.start", sentences),
            InlineKeyboardMarkup([[InlineKeyboardButton(sentences("button.contents"), callback_data=pack("tc", ""))]]),
        )
        await self._parts.delivery.reply(message, outgoing)

    async def help(self, update: Update, _: Context) -> None:
        """`/help`: how to ask and look up, and what the answers are not."""
        message, _argument = await called(self._parts, update)
        if message is not None:
            sentences = await sentences_for(self._parts, message)
            await self._parts.delivery.reply(message, Outgoing(self._lines("telegram.help", sentences)))

    async def taken_in(self, update: Update, _: Context) -> None:
        """A group has taken the bot in: three lines, once, whatever rights it is given later."""
        change = update.my_chat_member
        if change is None or change.chat.type not in (ChatType.GROUP, ChatType.SUPERGROUP):
            return
        if _is_in(change.old_chat_member) or not _is_in(change.new_chat_member):
            return
        try:
            if not await self._parts.database.chats.once(change.chat.id, "introduced"):
                return
        except StorageError as exc:
            log.error("%s", exc)
            return
        chosen = (await settings_for(self._parts, change.chat.id)).language
        sentences = self._parts.replies["zh" if chosen == "auto" else chosen]
        await self._parts.delivery.send(change.chat.id, Outgoing(self._lines("telegram.introduction", sentences)))

    async def _go_on(self, message: Message, token: str, sentences: Replies) -> None:
        """Answer in private what was asked in a group."""
        parts = self._parts
        try:
            passage = await parts.database.passages.find(token, at=parts.clock())
        except StorageError as exc:
            log.error("%s", exc)
            passage = None
        if passage is None:
            await parts.delivery.reply(message, Outgoing(safe(sentences("telegram.passage_gone"))))
            return
        language = await language_for(parts, message)
        with parts.delivery.thinking(message):
            answer = await parts.answerer.answer(
                passage.question,
                language,
                place=place_of(message),
                said=str(message.message_id),
                worded=(await settings_for(parts, message.chat.id)).language_model,
            )
        outgoing = dress(answer, self._shelf, sentences, group=False)
        asked = safe(sentences("telegram.carried", question=_shortened(passage.question)))
        reply_id = await parts.delivery.reply(message, Outgoing(f"{asked}\n\n{outgoing.html}", outgoing.keyboard))
        if reply_id is not None:
            parts.recalled.keep(message.chat.id, reply_id, passage.question)
            count_answer(parts, message.chat.id, answer)
            note_unanswered(parts, message.chat.id, answer, reply_id)

    def _pointed_at(self, payload: str, sentences: Replies) -> Outgoing | None:
        """An article (a14), a chapter (c3) or the contents (toc); None for any other link."""
        shelf = self._shelf
        if payload == "toc":
            return contents_message(shelf.principal, shelf, sentences)
        found = keyboards.read_place(payload[1:])
        if payload.startswith("a") and found and (at := shelf.article(found.key, found.number)):
            html = render_article(*at, sentences, shelf)
            return Outgoing(html, keyboards.article_keyboard(found.key, *at, sentences))
        chapter = chapter_at(shelf.principal, found.number) if payload.startswith("c") and found else None
        return chapter_message(shelf.principal, chapter, shelf, sentences) if chapter else None

    def _lines(self, key: str, sentences: Replies) -> str:
        """One of our own longer texts; its headings are written as <b>…</b>."""
        interpretation = self._shelf.principal.role("interpretation")
        values = {
            "regulation": self._shelf.principal.title,
            "bot": self._parts.bot.username,
            "interpretation": interpretation.label if interpretation else "",
        }
        return _BOLD.sub(r"<b>\1</b>", safe(sentences(key, **values)))


def _is_in(member: ChatMember) -> bool:
    if isinstance(member, ChatMemberRestricted):
        return member.is_member
    return member.status in (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)


def _shortened(question: str, limit: int = 200) -> str:
    return question if len(question) <= limit else f"{question[: limit - 1]}…"

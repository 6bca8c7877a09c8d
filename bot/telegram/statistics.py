"""`/stats`: a picture of how the bot is used, with its figures in words beneath; for administrators and operators."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, CommandHandler, ContextTypes, filters

from bot.answering.composing import label_of
from bot.storage.usage import Figures
from bot.telegram.charts import draw_figures
from bot.telegram.intake import take_argument
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import sentences_for, speaker_id, within_budget
from prompts import Replies

DAYS: Final = 30
_NAMED: Final = 3


class Statistics:
    """Figures of one group for its administrators, of all chats for operators in private."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Add `/stats`."""
        application.add_handler(CommandHandler("stats", self.stats, filters=filters.UpdateType.MESSAGE))

    async def stats(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/stats`."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say = await sentences_for(self._parts, message)
        if not await self._may_see(message):
            if await within_budget(self._parts, message, say):
                await self._parts.delivery.reply(message, Outgoing(say("stats.administrators_only")))
            return
        chat_id = None if message.chat.type == ChatType.PRIVATE else message.chat_id
        figures = await self._parts.database.figures(chat_id, DAYS, now=self._parts.clock())
        if not figures.questions:
            await self._parts.delivery.reply(message, Outgoing(say("stats.nothing", days=DAYS)))
            return
        label = partial(self._label, say)
        with self._parts.delivery.thinking(message):
            picture = await asyncio.to_thread(draw_figures, figures, say, label)
        words = caption(figures, say, label, private=chat_id is None)
        await self._parts.delivery.reply(message, Outgoing(words, photo=picture))

    async def _may_see(self, message: Message) -> bool:
        who = speaker_id(message)
        if message.chat.type == ChatType.PRIVATE:
            return who in self._parts.operators
        return await self._parts.administrators.include(message.chat_id, who)

    def _label(self, say: Replies, number: int) -> str:
        article = self._parts.answerer.library.principal.article(number)
        return label_of(article, say) if article else str(number)


def caption(figures: Figures, say: Replies, label: Callable[[int], str], *, private: bool) -> str:
    """What the picture shows, in words."""
    lines = [
        say(
            "stats.caption",
            days=len(figures.days),
            questions=figures.questions,
            declined=figures.declined,
            share=round(100 * figures.declined_share),
            up=figures.votes_up,
            down=figures.votes_down,
        )
    ]
    if figures.cited:
        named = [
            say("stats.caption_times", article=label(article), count=count) for article, count in figures.cited[:_NAMED]
        ]
        separator = "、" if say.language == "zh" else ", "
        lines.append(say("stats.caption_cited", articles=separator.join(named)))
    if private:
        lines.append(say("stats.caption_private"))
    return "\n".join(lines)

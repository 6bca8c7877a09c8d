"""Questions -> answers: what is addressed to the bot, what was edited, and what nobody else has answered."""

import logging
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

from telegram import Message, Update
from telegram.ext import Application, CommandHandler, ContextTypes, MessageHandler, filters

from bot.answering.generation.conversation import kind_of
from bot.answering.model import Answer
from bot.errors import StorageError
from bot.storage.chats import ChatSettings
from bot.storage.usage import CHINA
from bot.telegram.dressing import dress
from bot.telegram.growing import Growing
from bot.telegram.intake import (
    Question,
    is_foreign,
    looks_like_question,
    replied_message,
    take_asked,
    take_question,
    take_stray,
    words_of,
)
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.rendering import render_answer, safe
from bot.telegram.speaking import (
    is_group,
    language_for,
    place_of,
    settings_for,
    speaker_id,
    topic_of,
    within_budget,
)
from bot.telegram.trails import Shelf
from prompts import Language

SURE: Final = 0.8
"""How confident the retrieval must be before the bot answers what was not asked of it."""
EDITABLE_FOR: Final = timedelta(days=2)
"""As long as Telegram lets people edit; what is older is not answered for the first time."""
_SUPERGROUPS: Final = -1_000_000_000_000

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Asking:
    """Answers questions; one reply to each, edited when its question is."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._shelf = parts, Shelf(parts.answerer.library)
        self._waiting = parts.waiting

    def register(self, application: App) -> None:
        """Add the handlers; they come last among those for messages, since in private every message is a question."""
        application.add_handler(CommandHandler("ask", self.ask, filters=filters.UpdateType.MESSAGE))
        words = filters.TEXT | filters.CAPTION
        asking = words & (~filters.COMMAND | filters.ChatType.PRIVATE) & filters.UpdateType.MESSAGE
        application.add_handler(MessageHandler(asking, self.question))
        application.add_handler(MessageHandler(words & filters.UpdateType.EDITED_MESSAGE, self.edited))

    async def stopping(self) -> None:
        """Give up on the questions that wait for the group's answer."""
        await self._waiting.close()

    async def question(self, update: Update, _: Context) -> None:
        """A message that may be addressed to the bot; a picture's caption may hold `/ask` too.

        In private, so may a command that is none: whoever misspells one is shown what can be asked.
        """
        message = update.effective_message
        if message is None:
            return
        asked = take_asked(message, self._parts.bot)
        question = asked or take_question(message, self._parts.bot) or take_stray(message, self._parts.bot)
        if question is None:
            await self._overhear(message)
        elif asked or not await self._is_quiet(message):
            await self._answer(message, question)

    async def ask(self, update: Update, _: Context) -> None:
        """`/ask question`, or a bare `/ask` as a reply to the question."""
        message = update.effective_message
        question = take_asked(message, self._parts.bot) if message else None
        if message is None or question is None:
            return
        if question.text:
            await self._answer(message, question)
            return
        sentences = self._parts.replies[await language_for(self._parts, message)]
        if await within_budget(self._parts, message, sentences):
            await self._parts.delivery.reply(message, Outgoing(safe(sentences("telegram.usage_ask"))))

    async def edited(self, update: Update, _: Context) -> None:
        """An edited question edits its answer, also where it is no longer addressed; one that now is gets an answer."""
        message = update.effective_message
        if message is None or is_foreign(message, self._parts.bot):
            return
        self._waiting.settle((message.chat.id, topic_of(message)), message.message_id)
        asked = take_asked(message, self._parts.bot)
        question = asked or take_question(message, self._parts.bot)
        reply_id = await self._reply_to(message)
        if reply_id is not None:
            meant = question or Question(words_of(message, self._parts.bot), "overheard")
            if meant.text:
                await self._answer_anew(message, meant, reply_id)
        elif (
            question
            and question.text
            and self._parts.clock() - message.date < EDITABLE_FOR
            and (asked or not await self._is_quiet(message))
        ):
            await self._answer(message, question)

    async def _answer_anew(self, message: Message, question: Question, reply_id: int) -> None:
        """Put the new answer where the old one is, unless others were shown to it: then it is theirs, and stays."""
        twins, chat_id = self._parts.twins, message.chat.id
        if twins.is_shared(chat_id, reply_id, question.text):
            await self._answer(message, question)
            return
        twins.drop(chat_id, reply_id)
        await self._answer(message, question, replacing=reply_id)

    async def _answer(self, message: Message, question: Question, *, replacing: int | None = None) -> None:
        parts, group, topic = self._parts, is_group(message), topic_of(message)
        language = await language_for(parts, message)
        sentences = parts.replies[language]
        self._heard(message)
        if not await within_budget(parts, message, sentences):
            return
        has_twins = group and kind_of(question.text) is None  # a follow-up means what its own asker said before
        if has_twins and replacing is None:
            twin = parts.twins.find(message.chat.id, topic, question.text)
            if twin is not None:
                parts.database.usage.count(message.chat.id, "question", at=parts.clock())
                pointer = _linked(safe(sentences("telegram.same_question")), message, twin)
                pointer_id = await parts.delivery.reply(message, Outgoing(pointer))
                if pointer_id is not None:
                    parts.twins.share(message.chat.id, twin, question.text)
                self._keep(message, question, pointer_id)
                return
        settings = await settings_for(parts, message.chat.id)
        answer, shown_in = await self._watch(message, question, language, settings, replacing)
        if group and question.how == "reply" and answer.reason == "not_a_question":
            return  # “谢谢” beneath an answer asks nothing
        brief, overheard = settings.length == "brief", question.how == "overheard"
        outgoing = dress(answer, self._shelf, sentences, group=group, brief=brief, overheard=overheard)
        reply_id = shown_in
        if shown_in is None or not await parts.delivery.edit(message.chat.id, shown_in, outgoing):
            reply_id = await parts.delivery.reply(message, outgoing) if replacing is None else None
        if reply_id is None:
            return
        self._keep(message, question, reply_id)
        if has_twins and answer.status != "unavailable":
            parts.twins.keep(message.chat.id, topic, question.text, reply_id)
        if replacing is None:
            count_answer(parts, message.chat.id, answer)
            if not overheard:
                await self._note_for_papers(message, answer)
        if not overheard:
            note_unanswered(parts, message.chat.id, answer, reply_id)

    async def _note_for_papers(self, message: Message, answer: Answer) -> None:
        """What is asked while a session runs stands in its papers, without who asked."""
        if is_group(message) and answer.reason != "not_a_question":
            principal = self._parts.answerer.library.principal.id
            cited = [citation.article for citation in answer.citations if citation.regulation_id == principal]
            await self._parts.conducting.note_asked(message.chat.id, answer.question, cited)

    async def _watch(
        self, message: Message, question: Question, language: Language, settings: ChatSettings, replacing: int | None
    ) -> tuple[Answer, int | None]:
        """The answer, shown while it grows; and our message that it belongs in, None where it is to be sent."""
        parts = self._parts
        growing = Growing(parts.delivery, message, replacing=replacing)
        answers = parts.answerer.stream(
            question.text,
            language,
            place=place_of(message),
            said=str(message.message_id),
            kept=question.how != "overheard",
            worded=settings.language_model,
        )
        try:
            with parts.delivery.thinking(message):
                async with aclosing(answers):
                    async for answer in answers:
                        if answer.partial:
                            brief = settings.length == "brief"
                            growing.show(Outgoing(render_answer(answer, self._shelf, brief=brief)))
        finally:
            shown_in = await growing.settle()
        return answer, shown_in

    def _keep(self, message: Message, question: Question, reply_id: int | None) -> None:
        if reply_id is None:
            return
        parts, chat_id = self._parts, message.chat.id
        person_id = speaker_id(message)
        parts.database.replies.keep(chat_id, message.message_id, reply_id, person_id=person_id, at=parts.clock())
        if question.borrowed:
            parts.recalled.keep(chat_id, reply_id, question.text)

    async def _reply_to(self, message: Message) -> int | None:
        try:
            return await self._parts.database.replies.find(message.chat.id, message.message_id)
        except StorageError as exc:
            log.error("%s", exc)
            return None

    async def _is_quiet(self, message: Message) -> bool:
        """Whether only commands are answered now."""
        return is_group(message) and self._quiet_now(await settings_for(self._parts, message.chat.id))

    def _quiet_now(self, settings: ChatSettings) -> bool:
        return settings.quiet_at(self._parts.clock().astimezone(CHINA).hour)

    async def _overhear(self, message: Message) -> None:
        """Not addressed to the bot: where the group wishes it, a question waits for somebody to answer it."""
        if not is_group(message) or is_foreign(message, self._parts.bot):
            return
        self._heard(message)
        settings = await settings_for(self._parts, message.chat.id)
        text = message.text or message.caption or ""
        alone = replied_message(message) is None and message.forward_origin is None
        whole = looks_like_question(text) and kind_of(text) is None  # “那领导呢？” is said to somebody else
        if settings.trigger == "unanswered" and alone and whole:
            self._waiting.expect(
                (message.chat.id, topic_of(message)),
                message.message_id,
                speaker_id(message),
                settings.unanswered_after_min * 60,
                lambda: self._answer_for_want(message, text),
            )

    def _heard(self, message: Message) -> None:
        """Somebody spoke: what waits in this place is answered, by a reply or by the talk going on."""
        place = (message.chat.id, topic_of(message))
        if replied := replied_message(message):
            self._waiting.settle(place, replied.message_id)
        if not looks_like_question(message.text or message.caption or ""):
            self._waiting.heard(place, speaker_id(message))

    async def _answer_for_want(self, message: Message, text: str) -> None:
        """Nobody has answered: the bot does, if it is sure and the group still wishes it."""
        parts = self._parts
        settings = await settings_for(parts, message.chat.id)
        if settings.trigger != "unanswered" or self._quiet_now(settings):
            return
        language = await language_for(parts, message)
        answer = await parts.answerer.answer(text, language, worded=False)
        if answer.status != "answered" or answer.mode == "lookup" or answer.confidence < SURE:
            return
        if settings.language_model:
            answer = await parts.answerer.answer(text, language, place=place_of(message), kept=False)
        brief = settings.length == "brief"
        outgoing = dress(answer, self._shelf, parts.replies[language], group=True, brief=brief, overheard=True)
        reply_id = await parts.delivery.reply(message, outgoing)
        if reply_id is not None:
            self._keep(message, Question(text, "overheard"), reply_id)
            count_answer(parts, message.chat.id, answer)


def count_answer(parts: Parts, chat_id: int, answer: Answer) -> None:
    """Count a question and what became of it: numbers of articles, never words."""
    parts.meter.answered(answer)
    parts.meter.took("answer", answer.latency_ms / 1000)
    usage, now = parts.database.usage, parts.clock()
    usage.count(chat_id, "question", at=now)
    if answer.status == "abstained" and answer.reason != "not_a_question":
        usage.count(chat_id, "declined", at=now)
    for citation in answer.citations:
        if citation.regulation_id == parts.answerer.library.principal.id:
            usage.count(chat_id, "cited", citation.article, at=now)


def note_unanswered(parts: Parts, chat_id: int, answer: Answer, reply_id: int) -> None:
    """Keep a question that the regulation does not answer for the administrators, without who asked it."""
    if answer.reason == "out_of_scope":
        parts.database.review.note(
            chat_id,
            answer.question,
            kind="unanswered",
            reason=answer.reason,
            language=answer.language,
            reply_message_id=reply_id,
            at=parts.clock(),
        )


def _linked(words: str, message: Message, message_id: int) -> str:
    """Words that lead to another message of the same supergroup; elsewhere messages have no links."""
    if message.chat.username:
        return f'<a href="https://t.me/{message.chat.username}/{message_id}">{words}</a>'
    number = _SUPERGROUPS - message.chat.id
    return f'<a href="https://t.me/c/{number}/{message_id}">{words}</a>' if number > 0 else words

"""The story of one answer: make it whole, find what the text says, let a model word it, ground."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Final

from bot.answering.asking import language_of
from bot.answering.composing import Composer
from bot.answering.finding import Finder, Finding
from bot.answering.generation.conversation import Place, Turn, Turns, kind_of, rewrite, standing_alone
from bot.answering.generation.writer import Brief, Writer
from bot.answering.grounding import check
from bot.answering.model import Answer
from bot.answering.remembering import Memory
from bot.errors import GroundingError
from knowledge.library import Library
from knowledge.retrieval import Retriever
from prompts import Language, Replies

MAX_QUESTION: Final = 20_000
_TRIAL: Final = "党员上网有哪些规定"
"""Found or declined, but never without an answer."""

MAX_TURN: Final = 200
_BY_RULES_ALONE: Final = ("original", "next", "consequences")
"""Follow-ups whose answer a model has no part in."""

Seek = Callable[[str, Language], Awaitable[Finding]]
"""What the text says to a whole question, without keeping the event loop waiting; raises nothing."""

log = logging.getLogger(__name__)


class Answerer:
    """Answers questions from the library; every quote is checked before it leaves.

    `answer` and `stream` keep the event loop free: `seek` finds elsewhere what the text says (`bot.answering.apart`),
    or else the work runs in `executor` (None: the loop's own threads). With a `writer` they may be in a model's words;
    with `turns` and a place they understand follow-ups; with a `memory` what was found of late is not looked for again.
    """

    def __init__(
        self,
        library: Library,
        retriever: Retriever | None,
        replies: Mapping[Language, Replies],
        executor: Executor | None = None,
        *,
        seek: Seek | None = None,
        writer: Writer | None = None,
        turns: Turns | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._writer, self._turns, self._memory = writer, turns, memory
        self.library, self._executor = library, executor
        self._finder = Finder(library, retriever, replies) if retriever is not None else None
        self._seek: Seek = seek or self._seek_in_a_thread
        self._composers = {language: Composer(library.principal, sentences) for language, sentences in replies.items()}

    @property
    def uses_model(self) -> bool:
        """Whether questions may go to a language model."""
        return self._writer is not None

    @property
    def model_rests(self) -> bool:
        """Whether the model is left alone for a while; texts are quoted meanwhile."""
        return self._writer is not None and self._writer.rests

    @property
    def model_tokens(self) -> int:
        """Tokens that the model has used since the start."""
        return self._writer.counts["tokens"] if self._writer else 0

    @property
    def model_hit_rate(self) -> float:
        """The share of questions for the model that needed no call."""
        return self._writer.cache.hit_rate if self._writer else 0.0

    @property
    def model_counts(self) -> Mapping[str, int]:
        """How often what happened with the model since the start: calls, claims, what was dropped and why."""
        return dict(self._writer.counts) if self._writer else {}

    async def answer(
        self,
        question: str,
        language: Language | None = None,
        *,
        place: Place | None = None,
        said: str = "",
        kept: bool = True,
        worded: bool = True,
    ) -> Answer:
        """The last answer of `stream`; never raises for anything a person typed."""
        async with aclosing(
            self.stream(question, language, place=place, said=said, kept=kept, worded=worded)
        ) as answers:
            async for answer in answers:
                last = answer
        return last

    async def stream(
        self,
        question: str,
        language: Language | None = None,
        *,
        place: Place | None = None,
        said: str = "",
        kept: bool = True,
        worded: bool = True,
    ) -> AsyncGenerator[Answer]:
        """Answers that grow, each fit to be shown; all but the last are partial. At least one comes.

        `said` names the message, so that an edited one takes the place of what it said before. Without `kept` it is
        no turn of a conversation, without `worded` no model is asked for anything.
        """
        start = time.perf_counter()
        question = question[:MAX_QUESTION]
        language = language or language_of(question)
        writer = self._writer if worded else None
        whole = await self._whole(question, language, place, said, writer) if place else None
        found = await self._find(whole or question, language)
        extractive = replace(found.answer, question=question, understood=whole or "")
        if place and kept and self._turns is not None and extractive.status == "answered":
            articles = tuple(citation.article for citation in extractive.citations[:1])
            await self._turns.add(place, Turn((whole or question)[:MAX_TURN], articles, said))
        if writer is None or not found.wordable:
            yield replace(extractive, latency_ms=_since(start))
            return
        brief = Brief(whole or question, extractive, place.chat if place else "")
        async with aclosing(writer.write(brief)) as answers:
            async for answer in answers:
                yield replace(self._checked(answer, extractive), latency_ms=_since(start))

    async def aclose(self) -> None:
        """Let go of what the answers needed beside the knowledge base: a model's connections."""
        if self._writer is not None:
            await self._writer.aclose()

    async def forget(self, place: Place) -> None:
        """Erase what was said in this place; where its chat or user is empty, in every chat or by everybody."""
        if self._turns is not None:
            await self._turns.forget(place)

    async def _whole(
        self, question: str, language: Language, place: Place, said: str, writer: Writer | None
    ) -> str | None:
        """The whole question where this one is a follow-up."""
        kind = kind_of(question)
        recent = await self._turns.recent(place) if kind and self._turns is not None else ()
        turns = tuple(takewhile(lambda turn: not said or turn.said != said, recent))
        if not turns or (kind == "other" and await self._stands_alone(question, language)):
            return None
        by_rules = rewrite(question, turns)
        if writer is None or kind in _BY_RULES_ALONE:
            return by_rules
        return await writer.rewrite(question, turns, language, place.chat) or by_rules

    async def _stands_alone(self, question: str, language: Language) -> bool:
        """Whether what looks like a follow-up (那给主播刷礼物行不行呢) brings a subject of its own that is answered."""
        alone = standing_alone(question)
        return bool(alone) and (await self._find(alone, language)).answer.status == "answered"

    async def _find(self, question: str, language: Language) -> Finding:
        seek = partial(self._seek, question, language)
        return await (self._memory.find(question, language, seek) if self._memory is not None else seek())

    async def _seek_in_a_thread(self, question: str, language: Language) -> Finding:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._here.find, question, language)

    @property
    def _here(self) -> Finder:
        if self._finder is None:
            raise RuntimeError("this answerer finds nothing in this process: it was made without a retriever")
        return self._finder

    def _checked(self, answer: Answer, extractive: Answer) -> Answer:
        try:
            return check(answer, self.library)
        except GroundingError:  # nothing should come this far; if it does, the verbatim answer stands
            log.exception("a generative answer was withheld")
            return extractive

    def answer_now(self, question: str, language: Language | None = None) -> Answer:
        """Answer at once, past the memory and without a model; `language` is by default the question's own."""
        start = time.perf_counter()
        question = question[:MAX_QUESTION]
        found = self._here.find(question, language or language_of(question))
        return replace(found.answer, latency_ms=_since(start))

    async def is_well(self) -> bool:
        """Whether the index answers at this moment; past the memory, and no model is asked."""
        found = await self._seek(_TRIAL, "zh")
        return found.answer.status != "unavailable"

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups, for channels that show the contents or a chapter."""
        return self._composers[language]


def _since(start: float) -> float:
    """Milliseconds since a time of `perf_counter`."""
    return (time.perf_counter() - start) * 1000

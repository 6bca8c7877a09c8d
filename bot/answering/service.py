"""The story of one answer: make it whole, route, retrieve, decide, compose, let a model word it, ground."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Final, TypeVar

from bot.answering.asking import language_of, read_asking
from bot.answering.boundaries import boundary_of, other_text
from bot.answering.composing import Composer
from bot.answering.generation.conversation import Place, Turn, Turns, kind_of, rewrite, standing_alone
from bot.answering.generation.writer import Brief, Writer
from bot.answering.grounding import check
from bot.answering.model import Answer
from bot.answering.remembering import Finding, Memory
from bot.errors import GroundingError
from knowledge.library import Library
from knowledge.naming import Named, Names
from knowledge.normalising import normalise
from knowledge.retrieval import Retrieval, Retriever, shorten
from knowledge.routing import Kind, Lookup, route
from prompts import Language, Replies

MAX_QUESTION: Final = 20_000
DEPTH: Final = 10
_NO_QUESTIONS: Final = ("闲聊", "注入")
"""Subjects of written questions that ask nothing of a regulation."""

_HARDLY: Final = 0.2
"""Confidence below which what lies nearest to small talk is taken for small talk."""

_STICKERS: Final = re.compile(r"\[[^\[\]\d]{1,6}\]")
"""Stickers as messengers write them into text: [捂脸]."""

_TRIAL: Final = "党员上网有哪些规定"
"""Found or declined, but never without an answer."""

MAX_TURN: Final = 200
_BY_RULES_ALONE: Final = ("original", "next", "consequences")
"""Follow-ups whose answer a model has no part in."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Answerer:
    """Answers questions from the library; every quote is checked before it leaves.

    `answer` and `stream` keep the event loop free: the work runs in `executor` (None: the loop's own threads). With a
    `writer` they may be in a model's words; with `turns` and a place they understand follow-ups; with a `memory` what
    was found of late is not looked for again.
    """

    def __init__(
        self,
        library: Library,
        retriever: Retriever,
        replies: Mapping[Language, Replies],
        executor: Executor | None = None,
        *,
        writer: Writer | None = None,
        turns: Turns | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._writer, self._turns, self._memory = writer, turns, memory
        self.library, self._retriever, self._executor = library, retriever, executor
        self._names = Names(library)
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
        seek = partial(self._run, partial(self._work_out, question, language))
        return await (self._memory.find(question, language, seek) if self._memory is not None else seek())

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

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
        found = self._work_out(question, language or language_of(question))
        return replace(found.answer, latency_ms=_since(start))

    async def is_well(self) -> bool:
        """Whether the index answers at this moment; past the memory, and no model is asked."""
        found = await self._run(partial(self._work_out, _TRIAL, "zh"))
        return found.answer.status != "unavailable"

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups, for channels that show the contents or a chapter."""
        return self._composers[language]

    def _work_out(self, question: str, language: Language) -> Finding:
        composer = self._composers[language]
        try:
            return self._within_bounds(check(self._compose(question, composer), self.library), composer)
        except Exception:  # whatever it was, a person gets one plain sentence and the log has the rest
            log.exception("a question could not be answered")
            return Finding(composer.unavailable(question, "failed"), wordable=False)

    def _within_bounds(self, answer: Answer, composer: Composer) -> Finding:
        if answer.status != "answered" or answer.mode != "extractive":
            return Finding(answer, wordable=False)
        query = normalise(shorten(answer.question))
        boundary = boundary_of(query, read_asking(query), self._names, answer.question)
        if boundary is None:
            return Finding(answer, wordable=True)
        bounded = composer.bounded(answer, boundary, other_text(query, self._names))
        return Finding(check(bounded, self.library), wordable=False)

    def _compose(self, question: str, composer: Composer) -> Answer:
        query = normalise(shorten(question))
        if not any(character.isalnum() for character in _STICKERS.sub("", query)):
            return composer.not_a_question(question)
        asking = read_asking(query)
        if asking.keeping:
            return composer.about_keeping(question)
        named = self._names.find(query)
        if named:
            return self._answer_from(named, question, query, composer)
        decision = route(query, self.library.principal)
        if decision.mention.foreign:
            return composer.foreign(question, decision.mention.foreign)
        if decision.lookup:
            return composer.from_lookup(question, decision.lookup, self.library.principal)
        found = self._retriever.retrieve(question, top_k=DEPTH, named=decision.mention.articles)
        if not found.evidence or (
            found.confidence < self._retriever.weights.threshold and not decision.mention.articles
        ):
            answer = self._abstain(question, found, composer)
        else:
            answer = composer.from_evidence(question, found, asking)
        return replace(answer, ranking=_ranking(answer, found))

    def _answer_from(self, named: Named, question: str, query: str, composer: Composer) -> Answer:
        """Answer from an added regulation that the question names: a look-up, articles it mentions, else a search."""
        regulation, query = named.regulation, query.replace(named.words, " ")
        decision = route(query, regulation)
        if decision.lookup:
            return composer.from_lookup(question, decision.lookup, regulation)
        mention = decision.mention
        if mention.articles or mention.missing:
            kind: Kind = "articles" if mention.articles else "missing"
            return composer.from_lookup(question, Lookup(kind, mention.articles, missing=mention.missing), regulation)
        found = self._retriever.retrieve(query, top_k=DEPTH, within=regulation)
        if not found.evidence:
            return composer.out_of_scope(question, found, regulation)
        answer = composer.from_evidence(question, found, read_asking(query))
        return replace(answer, ranking=_ranking(answer, found))

    def _abstain(self, question: str, found: Retrieval, composer: Composer) -> Answer:
        subject = found.neighbour.subject if found.neighbour else found.subject
        if subject in _NO_QUESTIONS and found.confidence < _HARDLY:
            return composer.not_a_question(question, found.confidence)
        return composer.out_of_scope(question, found, elsewhere=self._retriever.elsewhere(found))


def _ranking(answer: Answer, found: Retrieval) -> tuple[str, ...]:
    cited = [f"{citation.regulation_id}#{citation.article}" for citation in answer.citations]
    others = [evidence.regulation.article_id(evidence.article.number) for evidence in found.evidence]
    return tuple(dict.fromkeys([*cited, *others]))


def _since(start: float) -> float:
    """Milliseconds since a time of `perf_counter`."""
    return (time.perf_counter() - start) * 1000

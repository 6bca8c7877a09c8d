"""The story of one answer: make it whole, route, retrieve, decide, compose, let a model word it, ground."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final

from bot.answering.asking import language_of, read_asking
from bot.answering.boundaries import boundary_of, other_text
from bot.answering.composing import Composer
from bot.answering.generation.conversation import Place, Turn, Turns, kind_of, rewrite
from bot.answering.generation.writer import Brief, Writer
from bot.answering.grounding import check
from bot.answering.model import Answer
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

log = logging.getLogger(__name__)


class Answerer:
    """Answers questions from the library; every quote is checked before it leaves.

    `answer` and `stream` keep the event loop free: the work runs in `executor` (None: the loop's own threads). With a
    `writer` they may be in a model's words; with `turns` and a place they understand follow-ups.
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
    ) -> None:
        self._writer, self._turns = writer, turns
        self.library, self._retriever, self._executor = library, retriever, executor
        self._names = Names(library)
        self._composers = {language: Composer(library.principal, sentences) for language, sentences in replies.items()}

    async def answer(self, question: str, language: Language | None = None, *, place: Place | None = None) -> Answer:
        """The last answer of `stream`; never raises for anything a person typed."""
        async with aclosing(self.stream(question, language, place=place)) as answers:
            async for answer in answers:
                last = answer
        return last

    async def stream(
        self, question: str, language: Language | None = None, *, place: Place | None = None
    ) -> AsyncGenerator[Answer]:
        """Answers that grow, each fit to be shown; all but the last are partial. At least one comes."""
        start = time.perf_counter()
        question = question[:MAX_QUESTION]
        language = language or language_of(question)
        whole = await self._whole(question, language, place) if place and self._turns else None
        find = partial(self._find, whole or question, language)
        extractive, asked = await asyncio.get_running_loop().run_in_executor(self._executor, find)
        extractive = replace(extractive, question=question, understood=whole or "")
        if place and self._turns and extractive.status == "answered":
            articles = tuple(citation.article for citation in extractive.citations[:1])
            await self._turns.add(place, Turn((whole or question)[:MAX_TURN], articles))
        if self._writer is None or not asked:
            yield replace(extractive, latency_ms=_since(start))
            return
        brief = Brief(whole or question, extractive, place.chat if place else "")
        async with aclosing(self._writer.write(brief)) as answers:
            async for answer in answers:
                yield replace(self._checked(answer, extractive), latency_ms=_since(start))

    async def forget(self, place: Place) -> None:
        """Erase what this user said in this chat."""
        if self._turns:
            await self._turns.forget(place)

    async def _whole(self, question: str, language: Language, place: Place) -> str | None:
        """The whole question where this one is a follow-up."""
        kind = kind_of(question)
        turns = await self._turns.recent(place) if kind and self._turns else ()
        if not turns:
            return None
        by_rules = rewrite(question, turns)
        if self._writer is None or kind in _BY_RULES_ALONE:
            return by_rules
        return await self._writer.rewrite(question, turns, language, place.chat) or by_rules

    def _checked(self, answer: Answer, extractive: Answer) -> Answer:
        try:
            return check(answer, self.library)
        except GroundingError:  # nothing should come this far; if it does, the verbatim answer stands
            log.exception("a generative answer was withheld")
            return extractive

    def answer_now(self, question: str, language: Language | None = None) -> Answer:
        """Answer at once and without a model; `language` is the question's own where it is not given."""
        start = time.perf_counter()
        question = question[:MAX_QUESTION]
        answer, _ = self._find(question, language or language_of(question))
        return replace(answer, latency_ms=_since(start))

    async def is_well(self) -> bool:
        """Whether the index answers at this moment; asks no model."""
        answer, _ = await asyncio.get_running_loop().run_in_executor(self._executor, self._find, _TRIAL, "zh")
        return answer.status != "unavailable"

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups, for channels that show the contents or a chapter."""
        return self._composers[language]

    def _find(self, question: str, language: Language) -> tuple[Answer, bool]:
        """The extractive answer, and whether a model may be asked to word it."""
        composer = self._composers[language]
        try:
            return self._within_bounds(check(self._compose(question, composer), self.library), composer)
        except Exception:  # whatever it was, a person gets one plain sentence and the log has the rest
            log.exception("a question could not be answered")
            return composer.unavailable(question, "failed"), False

    def _within_bounds(self, answer: Answer, composer: Composer) -> tuple[Answer, bool]:
        if answer.status != "answered" or answer.mode != "extractive":
            return answer, False
        query = normalise(shorten(answer.question))
        boundary = boundary_of(query, read_asking(query), self._names, answer.question)
        if boundary is None:
            return answer, True
        return check(composer.bounded(answer, boundary, other_text(query, self._names)), self.library), False

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

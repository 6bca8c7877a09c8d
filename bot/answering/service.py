"""The story of one answer: route, retrieve, decide, compose, ground."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Final

from bot.answering.asking import language_of, read_asking
from bot.answering.composing import Composer
from bot.answering.grounding import check
from bot.answering.model import Answer
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

_STICKERS: Final = re.compile(r"\[[^\[\]\d]{1,6}\]")
"""Stickers as messengers write them into text: [捂脸]."""

log = logging.getLogger(__name__)


class Answerer:
    """Answers questions from the library; every quote is checked before it leaves.

    `answer` keeps the event loop free: the work runs in `executor` (None: the loop's own threads).
    """

    def __init__(
        self,
        library: Library,
        retriever: Retriever,
        replies: Mapping[Language, Replies],
        executor: Executor | None = None,
    ) -> None:
        self.library, self._retriever, self._executor = library, retriever, executor
        self._names = Names(library)
        self._composers = {language: Composer(library.principal, sentences) for language, sentences in replies.items()}

    async def answer(self, question: str, language: Language | None = None) -> Answer:
        """Answer without blocking the event loop; never raises for anything a person typed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.answer_now, question, language)

    def answer_now(self, question: str, language: Language | None = None) -> Answer:
        """Answer at once; `language` is the question's own where it is not given."""
        start = time.perf_counter()
        question = question[:MAX_QUESTION]
        composer = self._composers[language or language_of(question)]
        try:
            answer = check(self._compose(question, composer), self.library)
        except Exception:  # whatever it was, a person gets one plain sentence and the log has the rest
            log.exception("a question could not be answered")
            answer = composer.unavailable(question, "failed")
        return replace(answer, latency_ms=(time.perf_counter() - start) * 1000)

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups, for channels that show the contents or a chapter."""
        return self._composers[language]

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
        if subject in _NO_QUESTIONS:
            return composer.not_a_question(question, found.confidence)
        return composer.out_of_scope(question, found, elsewhere=self._retriever.elsewhere(found))


def _ranking(answer: Answer, found: Retrieval) -> tuple[str, ...]:
    cited = [f"{citation.regulation_id}#{citation.article}" for citation in answer.citations]
    others = [evidence.regulation.article_id(evidence.article.number) for evidence in found.evidence]
    return tuple(dict.fromkeys([*cited, *others]))

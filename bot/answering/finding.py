"""What the text says to a whole question: route, retrieve, decide, compose, ground. Nobody waits, nothing is kept."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.answering.asking import read_asking
from bot.answering.boundaries import boundary_of, other_text
from bot.answering.composing import Composer
from bot.answering.grounding import check
from bot.answering.model import Answer
from knowledge.library import Library
from knowledge.naming import Named, Names
from knowledge.normalising import normalise
from knowledge.retrieval import Retrieval, Retriever, shorten
from knowledge.routing import Kind, Lookup, route
from prompts import Language, Replies

DEPTH: Final = 10
_NO_QUESTIONS: Final = ("闲聊", "注入")
"""Subjects of written questions that ask nothing of a regulation."""

_HARDLY: Final = 0.2
"""Confidence below which what lies nearest to small talk is taken for small talk."""

_STICKERS: Final = re.compile(r"\[[^\[\]\d]{1,6}\]")
"""Stickers as messengers write them into text: [捂脸]."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """The extractive answer to a whole question, and whether a model may be asked to word it."""

    answer: Answer
    wordable: bool


class Finder:
    """Finds what the library says to questions; every quote is checked before it leaves. Safe in several threads."""

    def __init__(self, library: Library, retriever: Retriever, replies: Mapping[Language, Replies]) -> None:
        self._library, self._retriever, self._names = library, retriever, Names(library)
        self._composers = {language: Composer(library.principal, sentences) for language, sentences in replies.items()}

    def find(self, question: str, language: Language) -> Finding:
        """The answer to a whole question; never raises for anything a person typed."""
        composer = self._composers[language]
        try:
            query = normalise(shorten(question))
            answer = check(self._compose(question, query, composer), self._library)
            return self._within_bounds(answer, query, composer)
        except Exception:  # whatever it was, a person gets one plain sentence and the log has the rest
            log.exception("a question could not be answered")
            return Finding(composer.unavailable(question, "failed"), wordable=False)

    def _within_bounds(self, answer: Answer, query: str, composer: Composer) -> Finding:
        if answer.status != "answered" or answer.mode != "extractive":
            return Finding(answer, wordable=False)
        boundary = boundary_of(query, read_asking(query), self._names, answer.question)
        if boundary is None:
            return Finding(answer, wordable=True)
        bounded = composer.bounded(answer, boundary, other_text(query, self._names))
        return Finding(check(bounded, self._library), wordable=False)

    def _compose(self, question: str, query: str, composer: Composer) -> Answer:
        if not any(character.isalnum() for character in _STICKERS.sub("", query)):
            return composer.not_a_question(question)
        asking = read_asking(query)
        if asking.keeping:
            return composer.about_keeping(question)
        named = self._names.find(query)
        if named:
            return self._answer_from(named, question, query, composer)
        decision = route(query, self._library.principal)
        if decision.mention.foreign:
            return composer.foreign(question, decision.mention.foreign)
        if decision.lookup:
            return composer.from_lookup(question, decision.lookup, self._library.principal)
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

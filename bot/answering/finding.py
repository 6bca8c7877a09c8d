"""What the text says to a whole question: route, retrieve, decide, compose, ground. Nobody waits, nothing is kept."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.answering.asking import Asking, read_asking
from bot.answering.boundaries import boundary_of, interpreted, other_text
from bot.answering.composing import Composer
from bot.answering.grounding import check
from bot.answering.model import Answer
from knowledge.library import Library
from knowledge.measuring import Sight
from knowledge.naming import Named, Names
from knowledge.normalising import normalise
from knowledge.retrieval import Retrieval, Retriever, shorten
from knowledge.routing import Kind, Lookup, Mention, route
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


@dataclass(frozen=True, slots=True)
class _Reading:
    """A question as its words alone are read: its normalised `query`, the `articles` that it names in passing.

    `answer` is there where no search is needed, `named` where a regulation beside the principal one is asked.
    """

    question: str
    query: str
    composer: Composer
    asking: Asking
    named: Named | None
    articles: tuple[int, ...]
    answer: Answer | None

    @property
    def needs_search(self) -> bool:
        """Whether the principal regulation is searched for it."""
        return self.answer is None and self.named is None


class Finder:
    """Finds what the library says to questions; every quote is checked before it leaves. Safe in several threads."""

    def __init__(self, library: Library, retriever: Retriever, replies: Mapping[Language, Replies]) -> None:
        self._library, self._retriever, self._names = library, retriever, Names(library)
        self._composers = {language: Composer(library.principal, sentences) for language, sentences in replies.items()}

    def find_all(self, asked: Sequence[tuple[str, Language]]) -> Iterator[Finding]:
        """The answers to several whole questions, as `find` gives them; those that need a search are encoded together.

        Never raises for anything a person typed.
        """
        readings = [self._try_reading(question, language) for question, language in asked]
        sights = self._look([reading.question for reading in readings if reading and reading.needs_search])
        for reading, (question, language) in zip(readings, asked, strict=True):
            sight = next(sights, None) if reading and reading.needs_search else None
            found = self._try_finding(reading, sight) if reading else None
            yield found or Finding(self._composers[language].unavailable(question, "failed"), wordable=False)

    def find(self, question: str, language: Language) -> Finding:
        """The answer to a whole question; never raises for anything a person typed."""
        return next(self.find_all([(question, language)]))

    def _look(self, questions: list[str]) -> Iterator[Sight]:
        """What the retriever sees in several questions at a look; nothing of one: it is looked at as it is searched."""
        try:
            return iter(self._retriever.look(questions) if len(questions) > 1 else ())
        except Exception:  # one of them cannot be encoded: each is searched, and fails, by itself
            log.exception("questions could not be looked at together")
            return iter(())

    def _try_reading(self, question: str, language: Language) -> "_Reading | None":
        try:
            return self._read(question, language)
        except Exception:  # whatever it was, a person gets one plain sentence and the log has the rest
            log.exception("a question could not be read")
            return None

    def _try_finding(self, reading: "_Reading", sight: Sight | None) -> Finding | None:
        try:
            return self._within_bounds(check(self._answer(reading, sight), self._library), reading)
        except Exception:  # as above
            log.exception("a question could not be answered")
            return None

    def _read(self, question: str, language: Language) -> "_Reading":
        """Read the question's words, and answer at once where no search is needed."""
        composer, query = self._composers[language], normalise(shorten(question))
        asking, mentioned = read_asking(query), Mention()
        named: Named | None = None
        answer: Answer | None = None
        if not any(character.isalnum() for character in _STICKERS.sub("", query)):
            answer = composer.not_a_question(question)
        elif asking.keeping:
            answer = composer.about_keeping(question)
        elif (named := self._names.find(query)) is None:
            decision = route(query, self._library.principal)
            mentioned = decision.mention
            if mentioned.foreign:
                answer = composer.foreign(question, mentioned.foreign)
            elif decision.lookup:
                answer = composer.from_lookup(question, decision.lookup, self._library.principal)
        return _Reading(question, query, composer, asking, named, mentioned.articles, answer)

    def _within_bounds(self, answer: Answer, reading: "_Reading") -> Finding:
        if answer.status != "answered" or answer.mode != "extractive":
            return Finding(answer, wordable=False)
        boundary = boundary_of(reading.query, reading.asking, self._names, answer.question)
        if boundary is None:
            return Finding(answer, wordable=True)
        if boundary == "interpretation":
            answer = self._with_what_is_interpreted(answer, reading)
        bounded = reading.composer.bounded(answer, boundary, other_text(reading.query, self._names))
        return Finding(check(bounded, self._library), wordable=False)

    def _with_what_is_interpreted(self, answer: Answer, reading: "_Reading") -> Answer:
        """Where nothing but the article on interpretation was found, what its own words find, if that is answered."""
        article, subject = self._library.principal.role("interpretation"), interpreted(reading.query)
        if article is None or not subject or reading.named:
            return answer
        if any(citation.article != article.number for citation in answer.citations):
            return answer
        found = self._retriever.retrieve(subject, top_k=DEPTH)
        if not found.evidence or found.confidence < self._retriever.weights.threshold:
            return answer
        about = reading.composer.from_evidence(reading.question, found, reading.asking)
        return replace(about, ranking=_ranking(about, found))

    def _answer(self, reading: "_Reading", sight: Sight | None) -> Answer:
        if reading.answer is not None:
            return reading.answer
        question, composer, articles = reading.question, reading.composer, reading.articles
        if reading.named:
            return self._answer_from(reading.named, question, reading.query, composer)
        found = self._retriever.retrieve(question, top_k=DEPTH, named=articles, sight=sight)
        if not found.evidence or (found.confidence < self._retriever.weights.threshold and not articles):
            answer = self._abstain(question, found, composer)
        else:
            answer = composer.from_evidence(question, found, reading.asking)
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

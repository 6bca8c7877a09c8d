"""Question text -> ranked Evidence, and how sure it is that the regulation answers.

question ─ normalise ─▶ query ─ measure ─▶ features of each candidate ─ weights ─▶ ranking, confidence
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final

import numpy as np

from knowledge.embedding import Embedder
from knowledge.exemplars import ExemplarBank
from knowledge.highlighting import Decisive, decisive
from knowledge.index import Index
from knowledge.lexicon import Lexicon, Neighbour
from knowledge.library import Library
from knowledge.measuring import Measurements, Meter, Sight
from knowledge.model import Article, Regulation
from knowledge.naming import superseded
from knowledge.normalising import normalise
from knowledge.ranking import FEATURES, Weights, softmax

MAX_QUERY: Final = 240
"""Characters of a question that are searched: of a longer one, its beginning and its end, where the asking is."""

NEAR_ELSEWHERE: Final = 0.6
"""Cosine from which an article of another regulation is worth pointing at."""


@dataclass(frozen=True)
class Evidence:
    """One article that bears on the question; `probability` is its share of the ranking.

    `choose` finds the words that decide, which is done for what is shown only: `decisive`.
    """

    regulation: Regulation
    article: Article
    score: float
    probability: float
    choose: Callable[[], Decisive] = field(repr=False, compare=False)

    @cached_property
    def decisive(self) -> Decisive:
        """The words that decide."""
        return self.choose()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one question, best first; `confidence` (0 to 1) is that the regulation answers it at all.

    `neighbour` is the neighbouring subject that the question names, if any; `subject` is what the nearest written
    question that the regulation does not answer is about.
    """

    query: str
    evidence: tuple[Evidence, ...]
    confidence: float
    neighbour: Neighbour | None
    subject: str = ""


class Retriever:
    """Finds the articles that bear on a question; safe to call from several threads."""

    def __init__(
        self,
        library: Library,
        embedder: Embedder,
        index: Index,
        weights: Weights,
        lexicon: Lexicon | None = None,
        bank: ExemplarBank | None = None,
    ) -> None:
        self.library, self.weights, self._superseded = library, weights, superseded(library)
        self.meter = Meter(library.principal, embedder, index, lexicon or Lexicon(), bank)

    def look(self, questions: Sequence[str]) -> list[Sight]:
        """Encode several questions and compare them with the written ones, which takes less time than one by one."""
        return self.meter.look([normalise(shorten(question)) for question in questions])

    def retrieve(
        self,
        question: str,
        *,
        top_k: int = 5,
        named: Sequence[int] = (),
        within: Regulation | None = None,
        sight: Sight | None = None,
    ) -> Retrieval:
        """Rank the articles for a question.

        `within` is the regulation to search, by default the principal one; `named` are numbers of the principal's
        articles that the question mentions; `sight` is what `look` gave for it, if it has been looked at.
        """
        query = normalise(shorten(question))
        measured = self.meter.measure(query, named, within=within or self.library.principal, sight=sight)
        candidates = measured.candidates()
        if within and within is not self.library.principal:
            candidates = [candidate for candidate in candidates if candidate.rpartition("#")[0] == within.id]
        if not candidates:
            return Retrieval(measured.query, (), 0.0, None)
        features = np.array([measured.features(candidate) for candidate in candidates], dtype=np.float32)
        scores = self.weights.rank(features.reshape(len(candidates), len(FEATURES)))
        order = np.argsort(-scores, kind="stable")
        shares = softmax(scores[order])
        evidence = tuple(
            self._evidence(candidates[place], float(scores[place]), float(share), measured)
            for place, share in zip(order[:top_k], shares[:top_k], strict=True)
        )
        confidence = self.weights.confidence(measured.signals(candidates[order[0]], scores[order]))
        neighbour = next(iter(measured.neighbours), None)
        return Retrieval(measured.query, evidence, confidence, neighbour, measured.nearness.refused_subject)

    def elsewhere(self, found: Retrieval) -> Evidence | None:
        """The nearest article of another regulation, no superseded edition; None where none is near."""
        if len(self.library.regulations) == 1:
            return None
        measured = self.meter.measure(found.query, within=None)
        for article_id, (hit, _) in measured.hits.items():
            regulation = self.library[article_id][0]
            if hit.score < NEAR_ELSEWHERE:
                break
            if regulation is not self.library.principal and regulation.id not in self._superseded:
                return self._evidence(article_id, hit.score, hit.score, measured)
        return None

    def _evidence(self, article_id: str, score: float, probability: float, measured: Measurements) -> Evidence:
        regulation, article = self.library[article_id]
        hit, _ = measured.hits.get(article_id, (None, None))
        means = [words for alias in measured.aliases for words in alias.means]
        choose = partial(decisive, article, measured.query, means, hit.clause if hit else None)
        return Evidence(regulation, article, score, probability, choose)


def shorten(question: str, limit: int = MAX_QUERY) -> str:
    """A question of at most `limit` characters: a longer one loses its middle."""
    if len(question) <= limit:
        return question
    head = limit // 2
    tail = max(limit - head - 1, 0)
    return question[:head] + " " + question[len(question) - tail :] if tail else question[:limit]

"""Everything that is known of one query, measured once: what each article's features and the abstention read.

query ─┬─ vectors of articles and clauses (Chroma)
       ├─ BM25 of articles
       ├─ nearest written questions
       ├─ lexicon: aliases, neighbours
       └─ scope: whether it is the kind of question that the regulation answers
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from knowledge.embedding import Embedder, Vector
from knowledge.exemplars import NOWHERE, ExemplarBank, Nearness
from knowledge.index import Hit, Index
from knowledge.lexical import Terms
from knowledge.lexicon import Alias, Lexicon, Neighbour
from knowledge.model import Regulation
from knowledge.ranking import Features

_DEPTH: Final = 24
_WIDE: Final = 8.0
"""Log-odds of the scope beyond which nothing changes any more."""


def reciprocal(rank: int | None) -> float:
    """1 for the first, 1/2 for the second ..., 0 where there is no rank."""
    return 0.0 if rank is None else 1.0 / (1.0 + rank)


def squash(score: float) -> float:
    """BM25 has no upper bound; this maps it to 0..1, with 10 in the middle."""
    return score / (score + 10.0)


@dataclass(frozen=True, slots=True)
class Sight:
    """A query's vector, shape (dimensions,), and its cosine with each written question, shape (n,), if there are."""

    vector: Vector
    cosines: Vector | None


@dataclass(frozen=True)
class Measurements:
    """What one query has in common with every article, keyed by article id or by the principal regulation's numbers."""

    query: str
    principal: Regulation
    hits: dict[str, tuple[Hit, int]]
    lexical: dict[str, tuple[float, int]]
    nearness: Nearness
    exemplar_ranks: dict[int, int]
    aliases: tuple[Alias, ...]
    alias_weights: dict[int, float]
    neighbours: tuple[Neighbour, ...]
    named: frozenset[int]
    scope: float

    def candidates(self) -> list[str]:
        """Ids of all articles that share anything with the query."""
        numbers = [*self.named, *self.nearness.best, *self.nearness.secondary, *self.alias_weights]
        return list(dict.fromkeys([*map(self.principal.article_id, numbers), *self.hits, *self.lexical]))

    def features(self, article_id: str) -> list[float]:
        """The values of `knowledge.ranking.FEATURES` for one article, in that order."""
        hit, dense_rank = self.hits.get(article_id, (None, None))
        lexical, lexical_rank = self.lexical.get(article_id, (0.0, None))
        number = self._number(article_id)
        return [
            hit.score if hit else 0.0,
            reciprocal(dense_rank),
            squash(lexical),
            reciprocal(lexical_rank),
            self.nearness.best.get(number, 0.0),
            self.nearness.mean.get(number, 0.0),
            reciprocal(self.exemplar_ranks.get(number)),
            self.nearness.share.get(number, 0.0),
            self.nearness.secondary.get(number, 0.0),
            squash(self.nearness.wording.get(number, 0.0)),
            self.alias_weights.get(number, 0.0),
            1.0 if number in self.named else 0.0,
        ]

    def signals(self, leading: str, scores: Features) -> list[float]:
        """The values of `knowledge.ranking.SIGNALS` for the leading article's id and all scores, best first."""
        shares = np.exp(scores - scores[0]) if len(scores) else np.zeros(1)
        best_lexical = max((score for score, _ in self.lexical.values()), default=0.0)
        return [
            float(1.0 / shares.sum()),
            float(scores[0] - scores[1]) if len(scores) > 1 else 0.0,
            self.nearness.answered,
            self.nearness.refused,
            self.nearness.answered - self.nearness.refused,
            self.nearness.refusal_share,
            max((hit.score for hit, _ in self.hits.values()), default=0.0),
            squash(best_lexical),
            self.alias_weights.get(self._number(leading), 0.0),
            1.0 if self.neighbours else 0.0,
            1.0 / max(len(self.query), 1),
            float(np.clip(self.scope / _WIDE, -1.0, 1.0)),
        ]

    def _number(self, article_id: str) -> int:
        """The number of one of the principal regulation's articles; 0 for another regulation's."""
        regulation_id, _, number = article_id.rpartition("#")
        return int(number) if regulation_id == self.principal.id else 0


class Meter:
    """Measures queries against one index, one lexicon and one bank of written questions; thread-safe."""

    def __init__(
        self, principal: Regulation, embedder: Embedder, index: Index, lexicon: Lexicon, bank: ExemplarBank | None
    ) -> None:
        self._principal, self._embedder, self._index = principal, embedder, index
        self.lexicon, self.bank = lexicon, bank
        self._owners = np.array([article_id.rpartition("#")[0] for article_id in index.article_ids])
        self._several = len(set(self._owners.tolist())) > 1

    def look(self, queries: Sequence[str]) -> list[Sight]:
        """Encode normalised queries and compare them with the written questions, whose vectors are read once for all.

        Of many, the work that follows on each also takes less: the encoder's weights have left the caches by then.
        """
        vectors = [self._embedder.embed(query) for query in queries]
        if not self.bank or not vectors:
            return [Sight(vector, None) for vector in vectors]
        return list(map(Sight, vectors, self.bank.cosines(np.stack(vectors))))

    def measure(
        self,
        query: str,
        named: Sequence[int] = (),
        *,
        within: Regulation | None = None,
        sight: Sight | None = None,
    ) -> Measurements:
        """Measure a normalised query; `within` searches one regulation's articles only, `sight` is what `look` gave."""
        sight = sight or self.look([query])[0]
        vector, terms = sight.vector, Terms.of(query)
        lexical = self._index.lexical(terms)
        owner = within.id if within and self._several else None
        if owner:
            lexical = np.where(self._owners == owner, lexical, 0)
        best = [int(place) for place in np.argsort(-lexical, kind="stable")[:_DEPTH] if lexical[place] > 0]
        nearness = self.bank.nearness(terms, sight.cosines) if self.bank and sight.cosines is not None else NOWHERE
        found = self.lexicon.find(query)
        return Measurements(
            query=query,
            principal=self._principal,
            hits={
                hit.article_id: (hit, rank) for rank, hit in enumerate(self._index.dense(vector, _DEPTH, within=owner))
            },
            lexical={self._index.article_ids[place]: (float(lexical[place]), rank) for rank, place in enumerate(best)},
            nearness=nearness,
            exemplar_ranks={
                number: rank
                for rank, number in enumerate(sorted(nearness.best, key=lambda number: -nearness.best[number]))
            },
            aliases=found.aliases,
            alias_weights=_alias_weights(found.aliases),
            neighbours=found.neighbours,
            named=frozenset(named),
            scope=self._index.scope.odds(terms, vector),
        )


def _alias_weights(aliases: Sequence[Alias]) -> dict[int, float]:
    weights: dict[int, float] = {}
    for alias in aliases:
        for place, number in enumerate(alias.articles):
            weights[number] = max(weights.get(number, 0.0), reciprocal(place))
    return weights

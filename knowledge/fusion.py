"""Ranking of a corpus that brings neither written questions nor a lexicon: a few features, whatever the text.

question ─ normalise ─▶ query ─┬─ vectors (Chroma)  ─┐
                               └─ BM25              ─┴▶ candidates, and what they cite ─▶ features ─▶ weights ─▶ ranking

The weights are few and belong to features, as in `knowledge.ranking`; `knowledge.fusion_tuning` fits them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.citing import Citations
from knowledge.embedding import Embedder
from knowledge.errors import ModelError
from knowledge.index import Index
from knowledge.normalising import normalise
from knowledge.ranking import Features, softmax
from knowledge.retrieval import shorten

FEATURES: Final = (
    "dense",  # cosine times 10, which gives it the others' spread; the last vector hit's for what was not among them
    "lexical",  # BM25 as a share of the query's best
    "coverage",  # share of the query's terms, by rarity, that stand in the document
    "authority",  # how much other laws cite this one
    "cited",  # how well the best candidate does that cites this document
)
DEPTH: Final = 100
"""Candidates from each side."""
_SPREAD: Final = 10.0

Places = NDArray[np.int64]
"""Documents by their place in the corpus."""


@dataclass(frozen=True)
class FusionWeights:
    """One weight a feature."""

    ranking: Features

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the weights' file.

        Raises:
            ModelError: it is missing, or its names are not this version's.
        """
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            return cls(np.array([float(entry[name]) for name in FEATURES], dtype=np.float32))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ModelError(f"{path}: missing or of another version; reinstall wanggui") from exc

    def write(self, path: Path) -> None:
        """Write the weights' file."""
        entry = {name: round(float(value), 4) for name, value in zip(FEATURES, self.ranking, strict=True)}
        path.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")


def fusion_file() -> Path:
    """Where the fitted weights lie."""
    return Path(__file__).parent / "models" / "fusion.json"


class Fusion:
    """Ranks the documents of one index for a question; `citations` are in the order of its articles."""

    def __init__(self, embedder: Embedder, index: Index, citations: Citations, weights: FusionWeights) -> None:
        self._embedder, self._index, self._citations, self._weights = embedder, index, citations, weights
        self._place = {article_id: place for place, article_id in enumerate(index.article_ids)}

    def rank(self, question: str, depth: int) -> tuple[list[int], float]:
        """Places of the best documents, best first, and the first one's share of the ranking."""
        places, features = self.measure(question)
        if not len(places):
            return [], 0.0
        scores = np.asarray(features @ self._weights.ranking, dtype=np.float32)
        order = np.argsort(-scores, kind="stable")[:depth]
        return places[order].tolist(), float(softmax(scores)[order[0]])

    def measure(self, question: str) -> tuple[Places, Features]:
        """The candidates, shape (n,), and their features, shape (n, len(FEATURES)).

        They come out in the order of the corpus, whatever found them.
        """
        query = normalise(shorten(question))
        hits = self._index.dense(self._embedder.embed(query), DEPTH)
        found = np.array([self._place[hit.article_id] for hit in hits], dtype=np.int64)
        lexical = self._index.lexical(query)
        worded = _best(lexical, DEPTH)
        cited = np.unique([target for _, target in self._citations.cited_by(np.union1d(found, worded))])
        places = np.union1d(np.union1d(found, worded), cited.astype(np.int64))
        cosines = np.array([hit.score for hit in hits], dtype=np.float32)
        dense = np.full(len(places), cosines.min(initial=1.0), dtype=np.float32)
        dense[np.searchsorted(places, found)] = cosines
        shares = lexical[places] / max(float(lexical.max(initial=0.0)), 1.0)
        columns = (
            _SPREAD * dense,
            shares,
            self._index.coverage(query, places),
            self._citations.authority[places],
            self._cited(places, dense, shares),
        )
        return places, np.stack(columns, axis=1).astype(np.float32)

    def _cited(self, places: Places, dense: Features, shares: Features) -> Features:
        lowest, highest = dense.min(initial=1.0), dense.max(initial=0.0)
        worth = ((dense - lowest) / max(highest - lowest, 1e-6) + shares) / 2
        best = np.zeros(len(places), dtype=np.float32)
        at = {int(place): row for row, place in enumerate(places)}
        for source, target in self._citations.cited_by(places):
            if target in at:
                best[at[target]] = max(best[at[target]], worth[at[source]])
        return best


def _best(scores: Features, limit: int) -> Places:
    """Places of the highest scores above zero, best first."""
    limit = min(limit, len(scores))
    top = np.argpartition(-scores, limit - 1)[:limit] if limit else np.zeros(0, dtype=np.int64)
    top = top[np.argsort(-scores[top], kind="stable")]
    return np.asarray(top[scores[top] > 0], dtype=np.int64)

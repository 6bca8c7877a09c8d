"""Learned fusion: a handful of generic features for each candidate article -> one score, with weights in a file.

The weights belong to features, never to articles, so they serve any regulation; a feature that a regulation cannot
give (it has no written questions, no lexicon) is simply zero. `knowledge.tuning` fits them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import ModelError

FEATURES: Final = (
    "dense",  # cosine of the nearest entry of the article (whole or clause)
    "dense_rank",  # 1 / (1 + rank) among the vector hits
    "lexical",  # BM25 of the article, squashed to 0..1
    "lexical_rank",  # 1 / (1 + rank) by BM25
    "exemplar",  # cosine of the nearest written question led by this article
    "exemplar_mean",  # mean of the three nearest
    "exemplar_rank",  # 1 / (1 + rank) among articles by nearest written question
    "exemplar_share",  # share of the nearest written questions, softened, that this article leads
    "secondary",  # cosine of the nearest written question that needs this article too
    "wording",  # BM25 of the best written question led by this article, squashed
    "alias",  # an everyday word of the lexicon stands for this article
    "named",  # the question names the article by number
)
SIGNALS: Final = (
    "top",  # probability of the first article among the candidates
    "margin",  # its score less the second's
    "exemplar",  # cosine of the nearest written question that is answered
    "refusal",  # cosine of the nearest written question that is not
    "contrast",  # the two above, subtracted
    "refusal_share",  # softened share of unanswerable ones among the nearest written questions
    "dense",  # cosine of the nearest article
    "lexical",  # best BM25, squashed
    "alias",  # a word of the lexicon stands for the first article
    "neighbour",  # a neighbouring subject's word was found
    "short",  # 1 / length of the query in characters
    "scope",  # log-odds that this is a kind of question that the regulation answers, -1..1
)

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """Weights of the ranking features and of the abstention signals, each with its bias and threshold."""

    ranking: Features
    abstention: Features
    bias: float
    threshold: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the weights' file.

        Raises:
            ModelError: it is missing, or its names are not this version's.
        """
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                np.array([float(entry["ranking"][name]) for name in FEATURES], dtype=np.float32),
                np.array([float(entry["abstention"][name]) for name in SIGNALS], dtype=np.float32),
                float(entry["bias"]),
                float(entry["threshold"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ModelError(f"{path}: missing or of another version; reinstall wanggui") from exc

    def rank(self, features: Features) -> Features:
        """Scores of candidates from their features, shape (n, len(FEATURES)) -> (n,)."""
        return np.asarray(features @ self.ranking, dtype=np.float32)

    def confidence(self, signals: Sequence[float]) -> float:
        """Probability that the regulation answers the question, from the abstention signals."""
        logit = float(np.dot(self.abstention, np.asarray(signals, dtype=np.float32))) + self.bias
        return 1.0 / (1.0 + float(np.exp(-np.clip(logit, -30.0, 30.0))))


def softmax(scores: Features) -> Features:
    """Probabilities of the candidates from their scores."""
    shifted = np.exp(scores - scores.max())
    return np.asarray(shifted / shifted.sum(), dtype=np.float32)


def weights_file() -> Path:
    """Where the fitted weights lie."""
    return Path(__file__).parent / "models" / "ranking.json"

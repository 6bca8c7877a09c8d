"""Is a question of the kind that the regulation answers? Linear odds, learned from its written questions.

A neighbouring question often has the subject's very words and another asking: 打赏最多能打多少钱 beside 能不能打赏. The
terms of `knowledge.lexical`, weighted as tf-idf, and the question's vector go through one logistic regression, fitted
here with numpy in some seconds and shipped beside the questions' vectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vector
from knowledge.lexical import Terms
from knowledge.normalising import normalise

COST: Final = 10.0
"""Inverse strength of the L2 penalty, as scikit-learn's LogisticRegression has it."""

_RARE: Final = 2
"""Terms of fewer questions than this are left out."""

_STEPS: Final = 400
_CLOSE: Final = 1e-3

Doubles = NDArray[np.float64]

SCOPE_ARRAYS: Final = ("scope_codes", "scope_idf", "scope_weights", "scope_vector_weights", "scope_bias")
"""Names under which a Scope is kept in an .npz file."""


@dataclass(frozen=True)
class _Matrix:
    """A sparse matrix (size, columns): `values[i]` stands at (`rows[i]`, `columns[i]`)."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Doubles
    size: int
    width: int

    def times(self, weights: Doubles) -> Doubles:
        return np.asarray(np.bincount(self.rows, self.values * weights[self.columns], self.size), dtype=np.float64)

    def transposed_times(self, residuals: Doubles) -> Doubles:
        return np.asarray(np.bincount(self.columns, self.values * residuals[self.rows], self.width), dtype=np.float64)


@dataclass(frozen=True)
class Scope:
    """Weights of terms (`codes` ascending, their `idf` and `weights`) and of the vector's components, and a bias."""

    codes: NDArray[np.int64]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    vector_weights: Vector
    bias: float

    @classmethod
    def unknown(cls, dimensions: int) -> Self:
        """Nothing is known: even odds for every question."""
        none = np.zeros(0, dtype=np.float32)
        return cls(np.zeros(0, dtype=np.int64), none, none, np.zeros(dimensions, dtype=np.float32), 0.0)

    @classmethod
    def fit(cls, questions: Sequence[str], vectors: Vector, answered: Sequence[bool]) -> Self:
        """Learn from questions, their vectors (n, dimensions) and whether the regulation answers each."""
        truth = np.asarray(answered, dtype=np.float64)
        if not 0 < truth.sum() < len(truth):
            return cls.unknown(vectors.shape[1] if vectors.ndim == 2 else 0)
        counted = [Terms.of(normalise(question)) for question in questions]
        every, spread = np.unique(np.concatenate([terms.codes for terms in counted]), return_counts=True)
        codes = every[spread >= _RARE]
        idf = np.log((1 + len(counted)) / (1 + spread[spread >= _RARE])) + 1
        rows, columns, values = [], [], []
        for row, terms in enumerate(counted):
            places, weighed = _weigh(codes, idf, terms)
            rows.append(np.full(len(places), row))
            columns.append(places)
            values.append(weighed)
        matrix = _Matrix(
            np.concatenate(rows), np.concatenate(columns), np.concatenate(values), len(counted), len(codes)
        )
        weights, vector_weights, bias = _minimise(matrix, vectors.astype(np.float64), truth)
        return cls(
            codes,
            idf.astype(np.float32),
            weights.astype(np.float32),
            np.asarray(vector_weights, dtype=np.float32),
            bias,
        )

    def odds(self, query: str | Terms, vector: Vector) -> float:
        """Log-odds that a normalised query, with its vector, is one that the regulation answers."""
        terms = Terms.of(query) if isinstance(query, str) else query
        places, weighed = _weigh(self.codes, self.idf, terms)
        return float(weighed @ self.weights[places] + self.vector_weights @ vector + self.bias)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What to keep in an .npz file."""
        values = (self.codes, self.idf, self.weights, self.vector_weights, np.array(self.bias))
        return dict(zip(SCOPE_ARRAYS, values, strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            KeyError: one is missing.
        """
        codes, idf, weights, vector_weights, bias = (arrays[name] for name in SCOPE_ARRAYS)
        return cls(codes, idf, weights, vector_weights, float(bias))


def _weigh(codes: NDArray[np.int64], idf: NDArray[Any], terms: Terms) -> tuple[NDArray[np.int64], Doubles]:
    """Where a question's terms stand among the known ones, and their tf-idf, scaled to length 1."""
    if not len(codes):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    places = np.minimum(np.searchsorted(codes, terms.codes), len(codes) - 1)
    known = codes[places] == terms.codes
    places = places[known]
    weighed = (1 + np.log(terms.counts[known])) * idf[places]
    length = float(np.linalg.norm(weighed))
    return places, weighed / length if length else weighed


def _minimise(matrix: _Matrix, vectors: Doubles, truth: Doubles) -> tuple[Doubles, Doubles, float]:
    """Weights of terms, of the vector and the bias at the least L2-penalised loss; both classes weigh the same.

    Accelerated gradient descent (Nesterov, 1983) with the step that the largest curvature allows.
    """
    balance = COST * np.where(truth > 0, len(truth) / truth.sum(), len(truth) / (1 - truth).sum()) / 2
    width, dimensions = matrix.width, vectors.shape[1]

    def margins(weights: Doubles) -> Doubles:
        return np.asarray(matrix.times(weights[:width]) + vectors @ weights[width:-1] + weights[-1])

    def pulled(residuals: Doubles) -> Doubles:
        return np.concatenate([matrix.transposed_times(residuals), residuals @ vectors, [residuals.sum()]])

    penalty = np.append(np.ones(width + dimensions), 0.0)
    direction = np.ones(width + dimensions + 1)
    for _ in range(30):
        direction = pulled(balance / 4 * margins(direction / np.linalg.norm(direction)))
    step = 1 / (1 + 1.05 * float(np.linalg.norm(direction)))
    weights, ahead, momentum = np.zeros(len(direction)), np.zeros(len(direction)), 1.0
    for _ in range(_STEPS):
        guess = 1 / (1 + np.exp(-np.clip(margins(ahead), -30, 30)))
        gradient = pulled(balance * (guess - truth)) + penalty * ahead
        following = ahead - step * gradient
        if gradient @ (following - weights) > 0:  # the momentum overshoots: begin it anew (O'Donoghue & Candès, 2015)
            momentum = 1.0
        longer = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / longer * (following - weights)
        if np.abs(following - weights).max() < _CLOSE * step:
            break
        weights, momentum = following, longer
    return weights[:width], weights[width:-1], float(weights[-1])

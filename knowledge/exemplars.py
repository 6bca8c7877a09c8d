"""Written questions: what people ask, with the articles that answer it, or with none where the regulation is silent.

A new question is compared with all of them at once: a matrix product over some thousand compressed vectors takes
0.2 ms, where a second Chroma collection takes some 3 ms.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder, Vector
from knowledge.errors import ReadingError
from knowledge.lexical import LexicalIndex, Terms
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.scope import SCOPE_ARRAYS, Scope

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

VECTORS_FILE: Final = "questions.npz"
COMPRESSED: Final = 256
_BATCH: Final = 64
_NEAREST: Final = 40
_SHARPNESS: Final = 20.0
_WORTH_A_PRODUCT: Final = 4
"""Vectors of which a matrix product is quicker than one product with the matrix each."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One written question; `articles` stand most relevant first and are empty where the regulation does not answer."""

    question: str
    articles: tuple[int, ...]
    style: str
    subject: str = ""


def read_exemplars(path: Path, regulation: Regulation) -> tuple[Exemplar, ...]:
    """Read `questions.jsonl`; a regulation without one has none.

    Raises:
        ReadingError: a line is broken or names an article that does not exist.
    """
    if not path.is_file():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise ReadingError(path, None, "cannot be read", "a UTF-8 file of JSON lines") from exc
    exemplars = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            exemplar = Exemplar(
                str(entry["question"]),
                tuple(map(int, entry["articles"])),
                str(entry["style"]),
                str(entry.get("subject", "")),
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise ReadingError(path, number, "a broken line", '{"question": …, "articles": […], "style": …}') from exc
        for article in exemplar.articles:
            if regulation.article(article) is None:
                raise ReadingError(path, number, f"article {article}", f"1 to {regulation.last}")
        exemplars.append(exemplar)
    return tuple(exemplars)


def in_order(exemplars: Iterable[Exemplar]) -> tuple[Exemplar, ...]:
    """The bank's order: by leading article, the unanswerable ones first."""
    return tuple(sorted(exemplars, key=lambda exemplar: exemplar.articles[0] if exemplar.articles else 0))


@dataclass(frozen=True)
class WrittenQuestions:
    """The written questions of one regulation, in the bank's order, and where vectors that ship with them may lie.

    `bundled` are those among them that ship, where others have been added.
    """

    exemplars: tuple[Exemplar, ...] = ()
    shipped: Path | None = None
    bundled: "WrittenQuestions | None" = None

    def with_added(self, added: Iterable[Exemplar]) -> "WrittenQuestions":
        """These and others; where a question is there already, the added one counts."""
        others = {normalise(exemplar.question): exemplar for exemplar in added}
        kept = [exemplar for exemplar in self.exemplars if normalise(exemplar.question) not in others]
        return WrittenQuestions(in_order([*kept, *others.values()]), bundled=self)

    @cached_property
    def digest(self) -> str:
        """Changes with any question, and with whether the regulation answers it."""
        lines = (f"{bool(exemplar.articles):d} {exemplar.question}" for exemplar in self.exemplars)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def vectors(self, embedder: Embedder, progress: Progress | None = None) -> Vector:
        """One unit vector a question, shape (n, dimensions): the shipped ones if they fit, else embedded now."""
        if self.bundled:
            vectors = self.bundled.vectors(embedder, progress)
            known = {one.question: vector for one, vector in zip(self.bundled.exemplars, vectors, strict=True)}
            return np.stack(
                [
                    known[one.question] if one.question in known else embedder.embed(normalise(one.question))
                    for one in self.exemplars
                ]
            )
        arrays = self._shipped(embedder)
        return arrays["vectors"].astype(np.float32) if arrays else self._embed(embedder, progress)

    def scope(self, embedder: Embedder, vectors: Vector) -> Scope:
        """What the questions teach of the regulation's scope: shipped if it fits, else learned from these vectors.

        A few additions change nothing in it: what the bundled questions teach holds for them too.
        """
        if self.bundled:
            return self.bundled.scope(embedder, self.bundled.vectors(embedder))
        arrays = self._shipped(embedder)
        return Scope.from_arrays(arrays) if arrays else self._learn(vectors)

    def ship(self, embedder: Embedder, target: Path) -> None:
        """Embed all questions, learn from them and keep both, with a key of model and questions; vectors as float16."""
        vectors = self._embed(embedder, None)
        arrays = {"vectors": vectors.astype(np.float16)} | self._learn(vectors).arrays()
        np.savez_compressed(target, allow_pickle=False, key=np.array(self._key(embedder)), **arrays)

    def _shipped(self, embedder: Embedder) -> dict[str, NDArray[Any]] | None:
        """The arrays that ship with the questions, if they are of this model and these questions."""
        if self.shipped is None:
            return None
        try:
            with np.load(self.shipped, allow_pickle=False) as arrays:
                if str(arrays["key"]) != self._key(embedder):
                    return None
                return {name: arrays[name] for name in ("vectors", *SCOPE_ARRAYS)}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            log.info("%s is missing or damaged: the written questions are embedded anew", self.shipped.name)
            return None

    def _learn(self, vectors: Vector) -> Scope:
        answered = [bool(exemplar.articles) for exemplar in self.exemplars]
        return Scope.fit([exemplar.question for exemplar in self.exemplars], vectors, answered)

    def _key(self, embedder: Embedder) -> str:
        return f"{embedder.fingerprint}:{self.digest}"

    def _embed(self, embedder: Embedder, progress: Progress | None) -> Vector:
        vectors = np.zeros((len(self.exemplars), embedder.dimensions), dtype=np.float32)
        for start in range(0, len(self.exemplars), _BATCH):
            batch = self.exemplars[start : start + _BATCH]
            vectors[start : start + len(batch)] = embedder.embed_all([normalise(e.question) for e in batch])
            if progress:
                progress(start + len(batch), len(self.exemplars))
        return vectors


NO_QUESTIONS: Final = WrittenQuestions()


def compress(vectors: Vector) -> tuple[Vector, Vector]:
    """Vectors (n, dimensions) turned onto at most COMPRESSED principal axes, and those axes (dimensions, k).

    Products of compressed vectors stay within a hundredth of nearly all cosines; a comparison reads half the bytes, and
    memory is what it waits for.
    """
    if vectors.shape[1] <= COMPRESSED:
        return vectors, np.eye(vectors.shape[1], dtype=np.float32)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    projection = np.ascontiguousarray(axes[:, ::-1][:, :COMPRESSED], dtype=np.float32)
    return np.asarray(vectors @ projection, dtype=np.float32), projection


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a query comes to the written questions, by article number; absent means not near at all.

    `best` holds the cosine of the nearest question that the article leads, `mean` that of its three nearest, `share`
    its softened share among all the nearest questions, `secondary` the nearest that needs the article too, `wording`
    the best BM25. `answered` and `refused` are the nearest cosines of either kind over all; `refusal_share` is the
    softened share of the latter, `refused_subject` what the nearest of them is about.
    """

    best: dict[int, float]
    mean: dict[int, float]
    share: dict[int, float]
    secondary: dict[int, float]
    wording: dict[int, float]
    answered: float = 0.0
    refused: float = 0.0
    refusal_share: float = 0.0
    refused_subject: str = ""


NOWHERE: Final = Nearness({}, {}, {}, {}, {})


class ExemplarBank:
    """The written questions of one regulation, ready to be compared with a query.

    `vectors` has shape (n, dimensions), in the order of the questions. They are laid out by leading article here, the
    unanswerable ones first, so that a comparison is a handful of numpy calls over contiguous blocks. `lexical` may be
    given where the questions come in that order already; it is built otherwise. `projection` is that of `compress`,
    if the vectors are compressed.
    """

    def __init__(
        self,
        exemplars: Sequence[Exemplar],
        vectors: Vector,
        lexical: LexicalIndex | None = None,
        projection: Vector | None = None,
    ) -> None:
        self._projection = projection
        leading = np.array([e.articles[0] if e.articles else 0 for e in exemplars], dtype=np.int64)
        order = np.argsort(leading, kind="stable")
        self.exemplars = tuple(exemplars[place] for place in order)
        self._vectors = np.ascontiguousarray(vectors[order], dtype=np.float32)
        ordered = bool((order == np.arange(len(order))).all())
        self._lexical = lexical if lexical and ordered else LexicalIndex.build([e.question for e in self.exemplars])
        self._leading = leading[order]
        self._unanswerable = int(np.searchsorted(self._leading, 1))
        led, starts, sizes = np.unique(self._leading[self._unanswerable :], return_index=True, return_counts=True)
        self._led = [int(number) for number in led]
        self._rows = np.full(
            (len(led), max(int(sizes.max(initial=0)), 3)), len(order)
        )  # the last place stands for none
        for row, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            self._rows[row, :size] = np.arange(start, start + size) + self._unanswerable
        others = sorted((number, place) for place, e in enumerate(self.exemplars) for number in e.articles[1:])
        self._other_places = np.array([place for _, place in others], dtype=np.int64)
        numbers, self._other_starts = np.unique([number for number, _ in others], return_index=True)
        self._other_numbers = [int(number) for number in numbers]

    def cosines(self, vectors: Vector) -> Vector:
        """The cosine of each of some vectors (n, dimensions) with each question: shape (n, questions)."""
        turned = vectors if self._projection is None else vectors @ self._projection
        if len(turned) < _WORTH_A_PRODUCT:
            return np.stack([self._vectors @ vector for vector in turned])
        return np.asarray(turned @ self._vectors.T, dtype=np.float32)

    def nearness(self, query: str | Terms, cosines: Vector) -> Nearness:
        """Compare a normalised query, whose cosine with each question is known."""
        lexical = self._lexical.scores(query)
        near = _largest(cosines)
        softened = np.exp(_SHARPNESS * (cosines[near] - cosines[near].max()))
        softened /= softened.sum()
        share = np.bincount(self._leading[near], weights=softened, minlength=1)
        best, mean = self._by_article(cosines)
        refused = int(np.argmax(cosines[: self._unanswerable])) if self._unanswerable else None
        return Nearness(
            best=best,
            mean=mean,
            share={int(number): float(share[number]) for number in np.flatnonzero(share) if number},
            secondary=self._second(cosines),
            wording=self._wordings(lexical),
            answered=max(best.values(), default=0.0),
            refused=0.0 if refused is None else max(float(cosines[refused]), 0.0),
            refusal_share=float(share[0]),
            refused_subject="" if refused is None else self.exemplars[refused].subject,
        )

    def _by_article(self, cosines: Vector) -> tuple[dict[int, float], dict[int, float]]:
        """Best cosine and mean of the three best, for every article that leads a question."""
        if not self._led:
            return {}, {}
        rows = np.append(cosines, np.float32(-1.0))[self._rows]
        top = np.partition(rows, rows.shape[1] - 3, axis=1)[:, -3:]
        best = top.max(axis=1)
        there = top > -1.0
        mean = np.where(there, top, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        return dict(zip(self._led, best.tolist(), strict=True)), dict(zip(self._led, mean.tolist(), strict=True))

    def _second(self, cosines: Vector) -> dict[int, float]:
        """The best cosine of the questions that need an article beside the leading one, where it is above zero."""
        if not self._other_numbers:
            return {}
        best = np.maximum.reduceat(cosines[self._other_places], self._other_starts).tolist()
        return {number: cosine for number, cosine in zip(self._other_numbers, best, strict=True) if cosine > 0}

    def _wordings(self, lexical: Vector) -> dict[int, float]:
        wordings: dict[int, float] = {}
        places = _largest(lexical)
        for number, score in zip(self._leading[places].tolist(), lexical[places].tolist(), strict=True):
            if number and score > wordings.get(number, 0.0):
                wordings[number] = score
        return wordings


def _largest(values: Vector) -> NDArray[np.int64]:
    """Places of the `_NEAREST` largest values, in no order."""
    least = max(len(values) - _NEAREST, 0)
    return np.asarray(np.argpartition(values, min(least, len(values) - 1))[least:], dtype=np.int64)

"""BM25 over characters: Han unigrams and bigrams, whole words of everything else.

Built once, kept as four flat arrays: a query reads only the postings of its own terms.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.normalising import normalise

K1: Final = 1.5
B: Final = 0.75

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[a-z0-9]+")
_WORD_BIT: Final = 1 << 62

Scores = NDArray[np.float32]


def term_codes(text: str) -> NDArray[np.int64]:
    """The terms of an already normalised text, as integers, with repetition: shape (n,)."""
    codes: list[int] = []
    for run in _RUN.findall(text):
        if run[0] < "\u3000":
            codes.append(zlib.crc32(run.encode()) | _WORD_BIT)
            continue
        points = [ord(character) for character in run]
        codes.extend(points)
        codes.extend(left << 32 | right for left, right in pairwise(points))
    return np.array(codes, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a normalised text, each once, ascending, and how often each stands in it."""

    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> Self:
        """Count them."""
        return cls(*np.unique(term_codes(text), return_counts=True))


def _rarity(spread: Any, size: int) -> Any:
    """Inverse document frequency of terms that so many of the documents hold."""
    return np.log1p((size - spread + 0.5) / (spread + 0.5)).astype(np.float32)


class LexicalIndex:
    """BM25 scores of one query against every document, as an array in document order."""

    def __init__(
        self,
        terms: NDArray[np.int64],
        offsets: NDArray[np.int64],
        postings: NDArray[np.int32],
        impacts: Scores,
        size: int,
    ) -> None:
        self._terms, self._offsets, self._postings, self._impacts = terms, offsets, postings, impacts
        self.size = size

    @classmethod
    def build(cls, texts: Sequence[str]) -> Self:
        """Index the texts (normalised here); document i is texts[i]."""
        counted = [Terms.of(normalise(text)) for text in texts]
        lengths = np.array([terms.counts.sum() for terms in counted], dtype=np.float32)
        size = len(texts)
        codes = np.concatenate([terms.codes for terms in counted]) if size else np.zeros(0, np.int64)
        frequencies = (
            np.concatenate([terms.counts for terms in counted]).astype(np.float32) if size else np.zeros(0, np.float32)
        )
        documents = np.repeat(np.arange(size, dtype=np.int32), [len(terms.codes) for terms in counted])
        order = np.argsort(codes, kind="stable")
        terms, starts, spread = np.unique(codes[order], return_index=True, return_counts=True)
        idf = _rarity(spread, size)
        norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()) if size else 0.0, 1.0))
        frequencies, documents = frequencies[order], documents[order]
        impacts = np.repeat(idf, spread) * frequencies * (K1 + 1) / (frequencies + norm[documents])
        offsets = np.append(starts, len(codes)).astype(np.int64)
        return cls(terms.astype(np.int64), offsets, documents, impacts.astype(np.float32), size)

    def scores(self, query: str | Terms) -> Scores:
        """BM25 of a normalised query against every document: shape (size,), zero where no term is shared."""
        found = [slice(start, end) for start, end in self._found(query)]
        if not found:
            return np.zeros(self.size, dtype=np.float32)
        holders = np.concatenate([self._postings[span] for span in found])
        impacts = np.concatenate([self._impacts[span] for span in found])
        return np.bincount(holders, weights=impacts, minlength=self.size).astype(np.float32)

    def coverage(self, query: str, places: NDArray[np.int64]) -> Scores:
        """The share of the query's known terms, weighed by rarity, that each of these documents contains: 0 to 1."""
        total, weight = np.zeros(len(places), dtype=np.float32), 0.0
        for start, end in self._found(query):
            holders = self._postings[start:end]  # ascending
            rarity = _rarity(end - start, self.size)
            held = holders[np.minimum(np.searchsorted(holders, places), len(holders) - 1)] == places
            total, weight = total + rarity * held, weight + float(rarity)
        return np.asarray(total / max(weight, 1e-9), dtype=np.float32)

    def _found(self, query: str | Terms) -> Iterator[tuple[int, int]]:
        """Where the postings of each of the query's terms begin and end, for terms that some document has."""
        codes = (Terms.of(query) if isinstance(query, str) else query).codes
        places = np.searchsorted(self._terms, codes)
        places = places[self._terms.take(places, mode="clip") == codes] if len(self._terms) else places[:0]
        return zip(self._offsets[places].tolist(), self._offsets[places + 1].tolist(), strict=True)

    def save(self, path: Path) -> None:
        """Write the arrays as one .npz file."""
        np.savez(
            path,
            terms=self._terms,
            offsets=self._offsets,
            postings=self._postings,
            impacts=self._impacts,
            size=np.array(self.size),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError, ValueError, KeyError: the file is missing or is not one of ours.
        """
        try:
            arrays = np.load(path, allow_pickle=False)
        except (EOFError, zipfile.BadZipFile) as exc:
            raise ValueError(f"{path.name} is damaged") from exc
        with arrays:
            return cls(arrays["terms"], arrays["offsets"], arrays["postings"], arrays["impacts"], int(arrays["size"]))

"""Who cites whom: a law that many others refer to is the likelier place for an answer.

    依照刑法第二百八十七条之一的规定…          -> 刑法, and its article 287
    《中华人民共和国民事诉讼法》…               -> 民事诉讼法
    本办法第十二条…                             -> the law that says so

Names are those that the documents' own titles bear (“刑法第二百八十七条”), so a corpus of anything else has neither
citations nor authority: every figure here is zero then.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.normalising import normalise
from knowledge.numerals import parse_numeral

_NUMERAL: Final = "[零〇一二三四五六七八九十百千0-9]{1,9}"
_TITLE: Final = re.compile(rf"^(?P<law>.{{2,80}}?)第(?P<number>{_NUMERAL})条(?:之[一二三四五六七八九十]+)?$")
_ARTICLE: Final = re.compile(rf"第({_NUMERAL})条")
_BOOK: Final = re.compile("[《〈]([^《》〈〉]{2,80})[》〉]")
_LIST: Final = re.compile(r"[、,和及与或者第款项条之零〇一二三四五六七八九十百千0-9()]*")
_ITSELF: Final = re.compile("本(?:法|条例|规定|办法|解释|细则|规则)$")
_BRACKET: Final = re.compile(r"\([^()]{0,20}\)$")
_STATE: Final = "中华人民共和国"
_BEFORE: Final = 48


@dataclass(frozen=True)
class Citations:
    """What the documents of a corpus say of one another, by place in the corpus.

    `authority`, shape (n,), is 0 to 1: how many documents of other laws cite the document's law, on a logarithmic
    scale. Document `sources[i]` cites document `targets[i]`; sources ascend.
    """

    authority: NDArray[np.float32]
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]

    @classmethod
    def build(cls, titles: Sequence[str], texts: Sequence[str]) -> Self:
        """Read the citations out of the documents' titles and texts."""
        laws, numbers, places = [], [], defaultdict[tuple[str, int], list[int]](list)
        for place, title in enumerate(titles):
            law, number = _parse_title(title)
            laws.append(law)
            numbers.append(number)
            if law:
                places[law, number].append(place)
        names, cited = set(laws) - {""}, defaultdict[str, int](int)
        edges: set[tuple[int, int]] = set()
        for place, (law, text) in enumerate(zip(laws, texts, strict=True)):
            mentioned = list(_mentions(_plain(text), law, names)) if law else []
            for name in {name for name, _ in mentioned} - {law}:
                cited[name] += 1
            edges |= {(place, target) for mention in mentioned for target in places.get(mention, ()) if target != place}
        highest = max(np.log1p(max(cited.values(), default=0)), 1.0)
        authority = np.array([np.log1p(cited[law]) / highest if law else 0.0 for law in laws], dtype=np.float32)
        ordered = np.array(sorted(edges), dtype=np.int32).reshape(-1, 2)
        return cls(authority, ordered[:, 0].copy(), ordered[:, 1].copy())

    def cited_by(self, places: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """(source, target) of every citation that one of these documents makes."""
        starts, ends = np.searchsorted(self.sources, places), np.searchsorted(self.sources, places, side="right")
        for source, start, end in zip(places.tolist(), starts, ends, strict=True):
            for target in self.targets[start:end].tolist():
                yield source, target

    def save(self, path: Path, key: str) -> None:
        """Keep them in one .npz file, under a key that tells later whether they are still these."""
        np.savez(path, key=np.array(key), authority=self.authority, sources=self.sources, targets=self.targets)

    @classmethod
    def load(cls, path: Path, key: str) -> Self | None:
        """What `save` kept under that key; None where it is missing, damaged or another."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                if str(arrays["key"]) == key:
                    return cls(arrays["authority"], arrays["sources"], arrays["targets"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        return None


def _plain(text: str) -> str:
    return normalise(text).replace(" ", "").replace(_STATE, "")


def _parse_title(title: str) -> tuple[str, int]:
    """The law's short name and the article's number; an empty name where the title is none of a law's article."""
    match = _TITLE.match(_plain(title))
    return (match["law"], _number(match["number"])) if match else ("", 0)


def _number(numeral: str) -> int:
    try:
        return parse_numeral(numeral)
    except ValueError:
        return 0


def _mentions(text: str, own: str, names: set[str]) -> Iterator[tuple[str, int]]:
    """(law, article number) of every mention; number 0 where a law is named without an article."""
    yield from ((name, 0) for name in _BOOK.findall(text) if name in names)
    law, end = "", 0
    for match in _ARTICLE.finditer(text):
        before = text[max(end, match.start() - _BEFORE) : match.start()]
        named = _law_before(_BRACKET.sub("", before).rstrip("》〉"), own, names)
        if named or not _LIST.fullmatch(before):  # 第三条、第五条: the law named first goes on
            law = named
        end = match.end()
        if law:
            yield law, _number(match[1])


def _law_before(words: str, own: str, names: set[str]) -> str:
    """The longest known name that these words end with; empty where there is none."""
    for start in range(len(words) - 1):
        if words[start:] in names:
            return words[start:]
    return own if _ITSELF.search(words) else ""

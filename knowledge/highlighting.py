"""Which words of an article decide a question: its clause, and the part of it to set in bold. Both are verbatim."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from knowledge.model import Article, Clause
from knowledge.normalising import normalise
from knowledge.repair import wording

_SEGMENT = re.compile(r"[^，、；。：！？\n]+")
_FRAMES: Final = frozenset("党员干部网络通过应当不得规定行为组织各级活动有关信息")
_MARKERS = re.compile(
    r"不得|自觉抵制|严禁|禁止|不准|应当|必须|鼓励|可以|有权|负责解释|负责|承担|是指|按照|施行|建立健全|追究责任"
)


@dataclass(frozen=True, slots=True)
class Decisive:
    """The clause that decides, the words in it to emphasise (None: all of it), and what kind of rule it is: “不得”."""

    clause: Clause
    emphasis: str | None
    rule: str | None


def decisive(article: Article, query: str, means: Sequence[str] = (), nearest: int | None = None) -> Decisive:
    """Choose the clause and the words that bear on a normalised query.

    `means` are words of the regulation that the query stands for (see `knowledge.lexicon`), `nearest` is the clause
    that a vector search found; words found literally win over it.
    """
    named, pairs = _named(article, means), _telling_pairs(query)
    best, emphasis, score = article.clauses[nearest or 0], None, 0.0
    for clause in article.clauses:
        for segment, held in _segments(clause.text):
            weight = float(sum(map(held.__contains__, pairs)))
            if named and any(word in segment for word in named):
                weight += 2.0
            if weight and "不得" in segment:
                weight += 0.5
            if weight > score:
                best, emphasis, score = clause, segment, weight
    if score < 1.0:
        emphasis = None
    return Decisive(best, emphasis if emphasis != best.text.rstrip("。") else None, _rule(best.text, emphasis))


def _named(article: Article, means: Sequence[str]) -> list[str]:
    """The smallest verbatim pieces of the article that carry the words meant."""
    text = _worded(article.text)
    return [word for words in means if _worded(words) in text for word in _SEGMENT.findall(words)]


@lru_cache(maxsize=4096)
def _worded(text: str) -> str:
    return wording(text)


@lru_cache(maxsize=4096)
def _segments(clause: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The pieces between a clause's marks, verbatim, each with the pairs of characters that it holds, normalised."""
    segments = _SEGMENT.findall(clause)
    return tuple((segment, frozenset(map("".join, pairwise(normalise(segment))))) for segment in segments)


def _telling_pairs(query: str) -> list[str]:
    """The query's pairs of characters, without those of words that stand everywhere."""
    return [left + right for left, right in pairwise(query) if not (left in _FRAMES and right in _FRAMES)]


def _rule(clause: str, emphasis: str | None) -> str | None:
    """The kind of rule in the regulation's own words: the last marker before the emphasised words, else the first."""
    markers = list(_MARKERS.finditer(clause))
    if not markers:
        return None
    place = clause.find(emphasis) + len(emphasis) if emphasis else 0
    before = [marker for marker in markers if marker.start() < place]
    return (before[-1] if before else markers[0])[0]

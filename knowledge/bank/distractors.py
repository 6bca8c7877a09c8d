"""Wrong options that another article makes right.

“党员应当怎样做” with the wrong option “及时向有关部门举报” is a bad question: an article that the item does not name
says just that. What is looked for here are the regulation's own words, which need no judgement:

- an option that must be wrong, and of whose pairs of neighbouring characters 70 % stand in one article that the item
  does not rest on, is wrong only where the question says which article it asks about: by its number, or by six
  characters in a row that its own article has and the other has not;
- a statement that must be false does not stand in the regulation to the letter.

So no wrong option is a quotation, or nearly one, from elsewhere that the question lets pass as true. What this cannot
prove: that a wrong option in *other words* is not true by another article, nor that it is false by its own (options
that quote their own article are how one asks which of its words fit a situation). For that people read the items.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from knowledge.bank.items import QuizItem
from knowledge.model import Regulation
from knowledge.repair import wording

_SHARE: Final = 0.7
_SHORTEST: Final = 6
_PIN: Final = 6
_MARKS: Final = re.compile(r"[\W_]+")
_EXCEPTION: Final = re.compile(
    r"不属于|不包括|不是|没有(?:提到|列|写|说)|不在|未(?:列|写|提)|错误|不正确|不符合|不相符|写错|说错|不对|不合"
)
"""A question for the exception: there the right option is the one that does not hold."""


@dataclass(frozen=True, slots=True)
class Words:
    """An article's wording without white space and marks, and its pairs of neighbouring characters."""

    text: str
    pairs: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Words":
        """The words of a text."""
        bare = _MARKS.sub("", wording(text))
        return cls(bare, pairs(bare))


def pairs(text: str) -> frozenset[str]:
    """All pairs of neighbouring characters."""
    return frozenset(text[place : place + 2] for place in range(len(text) - 1))


def words_of(regulation: Regulation) -> dict[int, Words]:
    """The words of every article, by number."""
    return {article.number: Words.of(article.text) for article in regulation.articles}


def true_elsewhere(item: QuizItem, regulation: Regulation, articles: dict[int, Words]) -> Iterator[tuple[str, int]]:
    """Options that must be wrong, each with the number of an article that says them."""
    labels = [article.label for number in item.articles if (article := regulation.article(number))]
    if any(label in item.question for label in labels):
        return
    asked = Words.of(item.question).text
    own = "".join(articles[number].text for number in item.articles if number in articles)
    for option in _wrong(item):
        said = Words.of(option)
        if len(said.text) < _SHORTEST:
            continue
        for number, words in articles.items():
            share = len(said.pairs & words.pairs) / len(said.pairs)
            if number not in item.articles and share >= _SHARE and not _pinned(asked, own, words.text):
                yield option, number


def stands_as_written(item: QuizItem, articles: dict[int, Words]) -> int | None:
    """The article in which a statement that must be false stands to the letter; None where there is none."""
    if item.answer is not False:
        return None
    said = Words.of(item.question).text
    return next((number for number, words in articles.items() if said in words.text), None)


def _wrong(item: QuizItem) -> Iterator[str]:
    if item.kind not in ("single", "multiple"):
        return
    exception = bool(_EXCEPTION.search(item.question))
    for place, option in enumerate(item.options):
        if (place in item.right) == exception:
            yield option


def _pinned(asked: str, own: str, other: str) -> bool:
    runs = (asked[place : place + _PIN] for place in range(len(asked) - _PIN + 1))
    return any(run in own and run not in other for run in runs)

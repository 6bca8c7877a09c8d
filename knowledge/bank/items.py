"""What a bank is made of: quiz items and case cards, each tied to articles and to the words in them that decide it.

Frozen and pure. `reading` makes them from files, `checking` says what is wrong with them.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, get_args

Kind = Literal["single", "multiple", "true_false", "fill_in"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
DIFFICULTIES: Final = (1, 2, 3)
TRUE_FALSE: Final = ("对", "错")
BLANK: Final = "____"


@dataclass(frozen=True, slots=True)
class QuizItem:
    """One question of a quiz.

    `articles` stand leading one first; `quote` holds verbatim words of one of them that decide the item. `options` are
    those of the poll: 3–5, 对 and 错 for true_false, none for fill_in. `answer` is an index from 0 (single), sorted
    indexes (multiple), whether the sentence holds (true_false), or the missing words (fill_in), for which `accept`
    lists other spellings. `difficulty` is 1 (wording recalled), 2 (a situation) or 3 (a fine distinction).
    """

    id: str
    kind: Kind
    articles: tuple[int, ...]
    quote: str
    question: str
    options: tuple[str, ...]
    answer: int | tuple[int, ...] | bool | str
    accept: tuple[str, ...] = ()
    difficulty: int = 1
    explanation: str = ""

    @property
    def article(self) -> int:
        """The number of the leading article."""
        return self.articles[0]

    @property
    def right(self) -> tuple[int, ...]:
        """Indexes of the right options, ascending; empty for fill_in."""
        match self.answer:
            case bool():
                return (0,) if self.answer else (1,)
            case int():
                return (self.answer,)
            case tuple():
                return self.answer
            case _:
                return ()

    @property
    def solution(self) -> tuple[str, ...]:
        """The right answer in words: the right options, or the missing words."""
        return (self.answer,) if isinstance(self.answer, str) else tuple(self.options[place] for place in self.right)

    def is_right(self, chosen: Collection[int]) -> bool:
        """Whether exactly the right options were chosen; never true of fill_in."""
        return bool(self.right) and set(chosen) == set(self.right)

    def accepts(self, words: str) -> bool:
        """Whether these words fill the blank: width, case, white space and marks around them aside."""
        return folded(words) in self.spellings

    @property
    def spellings(self) -> frozenset[str]:
        """What fills the blank, folded; nothing where there is no blank."""
        if not isinstance(self.answer, str):
            return frozenset()
        return frozenset(map(folded, (self.answer, *self.accept)))


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A case for discussion: what happened, what to ask, and notes for the facilitator alone.

    `quotes` maps article numbers to verbatim words of theirs that decide the case; `minutes` is the time it takes.
    """

    id: str
    title: str
    story: str
    questions: tuple[str, ...]
    articles: tuple[int, ...]
    quotes: Mapping[int, str] = field(hash=False)
    notes: str
    difficulty: int = 2
    minutes: int = 8


@dataclass(frozen=True)
class Bank:
    """Quiz items and case cards of one regulation, in the order of its articles; `chapters` maps article to chapter."""

    items: tuple[QuizItem, ...] = ()
    cases: tuple[CaseCard, ...] = ()
    chapters: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def of(
        self,
        *,
        articles: Collection[int] = (),
        chapters: Collection[int] = (),
        difficulty: Collection[int] = (),
        kinds: Collection[Kind] = (),
    ) -> "Bank":
        """What rests on one of these articles or stands in one of these chapters; an empty filter lets everything by.

        Articles and chapters add up; difficulty and kinds (of items alone) narrow.
        """
        wanted = set(articles) | {number for number, chapter in self.chapters.items() if chapter in chapters}
        anywhere = not articles and not chapters

        def fits(numbers: Iterable[int], level: int) -> bool:
            return (anywhere or not wanted.isdisjoint(numbers)) and (not difficulty or level in difficulty)

        items = tuple(
            item for item in self.items if fits(item.articles, item.difficulty) and (not kinds or item.kind in kinds)
        )
        cases = tuple(case for case in self.cases if fits(case.articles, case.difficulty))
        return Bank(items, cases, self.chapters)

    def item(self, item_id: str) -> QuizItem | None:
        """The quiz item of that id, or None."""
        return self._items_by_id.get(item_id)

    def case(self, case_id: str) -> CaseCard | None:
        """The case card of that id, or None."""
        return self._cases_by_id.get(case_id)

    @cached_property
    def _items_by_id(self) -> dict[str, QuizItem]:
        return {item.id: item for item in self.items}

    @cached_property
    def _cases_by_id(self) -> dict[str, CaseCard]:
        return {case.id: case for case in self.cases}


def folded(words: str) -> str:
    """Words without what nobody means by them: width, case, white space, marks at either end."""
    plain = unicodedata.normalize("NFKC", words).casefold()
    return "".join(plain.split()).strip("\"'“”‘’《》「」『』()[]_.,;:!?。、，；：！？—-…·")

"""A mock exam by blueprint: drawn from a seed, answered against the clock, scored by article. Pure.

Blueprint ─ draw ─▶ Paper ─ mark, go, hand_in ─▶ Paper ─ score ─▶ Result
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from knowledge.bank.items import Bank, Kind, QuizItem
from prompts import Language

MIX: Final = {1: 5, 2: 3, 3: 2}
"""Shares of difficulties, where a blueprint names none."""
KIND_ORDER: Final[tuple[Kind, ...]] = ("true_false", "single", "multiple", "fill_in")
"""As examination papers have it."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What an exam is made of: how many questions, in how many minutes, from where; empty fields let everything by.

    Chapters are represented as the regulation has articles in them, difficulties as `MIX` has them.
    """

    number: int
    minutes: int
    articles: tuple[int, ...] = ()
    chapters: tuple[int, ...] = ()
    difficulty: tuple[int, ...] = ()
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """An exam that somebody sits. `chosen` holds what is ticked, question by question; `filled` whether the words typed
    into a blank are right, None where none were: the words themselves are not kept.

    `at` is the question shown, from 0; as many as there are questions stands for the page on which it is handed in.
    """

    items: tuple[str, ...]
    seed: int
    language: Language
    started_at: datetime
    ends_at: datetime
    chosen: tuple[tuple[int, ...], ...]
    filled: tuple[bool | None, ...]
    at: int = 0
    handed_in_at: datetime | None = None

    def is_answered(self, place: int) -> bool:
        """Whether something is ticked or typed there."""
        return bool(self.chosen[place]) or self.filled[place] is not None

    @property
    def unanswered(self) -> tuple[int, ...]:
        """The questions without an answer, from 0."""
        return tuple(place for place in range(len(self.items)) if not self.is_answered(place))

    def is_over(self, now: datetime) -> bool:
        """Whether it has been handed in, or its time is up."""
        return self.handed_in_at is not None or now >= self.ends_at

    def mark(self, item: QuizItem, place: int) -> "Paper":
        """Tick an option of the question shown; where one is right, take it for the other and go on."""
        if item.kind == "multiple":
            return self._choose(tuple(sorted({place} ^ set(self.chosen[self.at]))))
        return self._choose((place,))._on()

    def fill(self, *, right: bool) -> "Paper":
        """The blank of the question shown has been filled; go on."""
        filled = (*self.filled[: self.at], right, *self.filled[self.at + 1 :])
        return replace(self, filled=filled)._on()

    def go(self, place: int) -> "Paper":
        """Show that question."""
        return replace(self, at=min(max(place, 0), len(self.items)))

    def hand_in(self, now: datetime) -> "Paper":
        """No more answers; late, it counts as handed in when time was up."""
        return replace(self, handed_in_at=self.handed_in_at or min(now, self.ends_at))

    def _choose(self, chosen: tuple[int, ...]) -> "Paper":
        return replace(self, chosen=(*self.chosen[: self.at], chosen, *self.chosen[self.at + 1 :]))

    def _on(self) -> "Paper":
        """To the next question without an answer, round the end if need be; else to where it is handed in."""
        open_ = self.unanswered
        return self.go(next((place for place in open_ if place > self.at), open_[0] if open_ else len(self.items)))


@dataclass(frozen=True, slots=True)
class Tally:
    """How one article's questions went."""

    article: int
    right: int
    asked: int


@dataclass(frozen=True, slots=True)
class Result:
    """An exam that is over: what was right, by article too, and the places (from 0) of all that was not."""

    right: int
    asked: int
    took: timedelta
    late: bool
    tallies: tuple[Tally, ...]
    wrong: tuple[int, ...]


def draw(bank: Bank, blueprint: Blueprint, seed: int) -> tuple[QuizItem, ...]:
    """The questions, by kind and then by difficulty; fewer where the bank has no more. The same seed draws the same."""
    fitting = bank.of(
        articles=blueprint.articles,
        chapters=blueprint.chapters,
        difficulty=blueprint.difficulty,
        kinds=blueprint.kinds,
    ).items
    dice = random.Random(seed)  # noqa: S311 - a mock exam is no secret
    shuffled = dice.sample(fitting, len(fitting))
    chapters = {item.id: bank.chapters.get(item.article, 0) for item in fitting}
    articles = Counter(chapter for chapter, _ in {(chapters[item.id], item.article) for item in fitting})
    room = share(blueprint.number, articles, Counter(chapters.values()))
    held = Counter(item.difficulty for item in fitting)
    levels = Counter(share(blueprint.number, {level: MIX.get(level, 1) for level in held}, held))
    taken: Counter[int] = Counter()
    drawn: list[QuizItem] = []
    for chapter in dice.sample(sorted(room), len(room)):
        pool = [item for item in shuffled if chapters[item.id] == chapter]
        for _ in range(room[chapter]):
            best = min(pool, key=lambda item: (levels[item.difficulty] <= 0, taken[item.article]))
            pool.remove(best)
            levels[best.difficulty] -= 1
            taken[best.article] += 1
            drawn.append(best)
    return tuple(sorted(drawn, key=lambda item: (KIND_ORDER.index(item.kind), item.difficulty)))


def share(number: int, weights: Mapping[int, int], most: Mapping[int, int]) -> dict[int, int]:
    """A number shared out by weight, the largest remainders first, and nobody more than they can take."""
    shares = dict.fromkeys(weights, 0)
    whole = sum(weights.values())
    for _ in range(min(number, sum(most[key] for key in weights))):
        able = [key for key in weights if shares[key] < most[key]]
        lacking = max(able, key=lambda key: (number * weights[key] / whole - shares[key], -key))
        shares[lacking] += 1
    return shares


def sit(items: Sequence[QuizItem], blueprint: Blueprint, seed: int, language: Language, now: datetime) -> Paper:
    """Begin an exam."""
    return Paper(
        items=tuple(item.id for item in items),
        seed=seed,
        language=language,
        started_at=now,
        ends_at=now + timedelta(minutes=blueprint.minutes),
        chosen=((),) * len(items),
        filled=(None,) * len(items),
    )


def is_right(paper: Paper, item: QuizItem, place: int) -> bool:
    """Whether the question at that place was answered rightly."""
    return paper.filled[place] is True or item.is_right(paper.chosen[place])


def score(paper: Paper, items: Sequence[QuizItem]) -> Result:
    """How it went; what has no answer counts as wrong. `items` are those of the paper, in its order."""
    right = {place for place, item in enumerate(items) if is_right(paper, item, place)}
    asked = Counter(item.article for item in items)
    good = Counter(items[place].article for place in right)
    over = paper.handed_in_at or paper.ends_at
    return Result(
        right=len(right),
        asked=len(items),
        took=over - paper.started_at,
        late=over >= paper.ends_at,
        tallies=tuple(Tally(article, good[article], count) for article, count in sorted(asked.items())),
        wrong=tuple(place for place in range(len(items)) if place not in right),
    )


def items_of(paper: Paper, bank: Bank) -> tuple[QuizItem, ...] | None:
    """The paper's questions; None where the bank no longer has one of them."""
    found = [item for item in map(bank.item, paper.items) if item is not None]
    return tuple(found) if len(found) == len(paper.items) else None


def as_record(paper: Paper) -> dict[str, Any]:
    """The record that `read_paper` reads as this paper."""
    return {
        "items": paper.items,
        "seed": paper.seed,
        "language": paper.language,
        "started_at": paper.started_at.isoformat(),
        "ends_at": paper.ends_at.isoformat(),
        "chosen": paper.chosen,
        "filled": paper.filled,
        "at": paper.at,
        "handed_in_at": paper.handed_in_at.isoformat() if paper.handed_in_at else None,
    }


def read_paper(record: Mapping[str, Any]) -> Paper:
    """A paper as it was kept."""
    handed_in = record["handed_in_at"]
    return Paper(
        items=tuple(record["items"]),
        seed=record["seed"],
        language=record["language"],
        started_at=datetime.fromisoformat(record["started_at"]),
        ends_at=datetime.fromisoformat(record["ends_at"]),
        chosen=tuple(map(tuple, record["chosen"])),
        filled=tuple(record["filled"]),
        at=record["at"],
        handed_in_at=datetime.fromisoformat(handed_in) if handed_in else None,
    )

"""Which items and cases of the bank are asked: by chapter, article, difficulty, number and seed. Pure.

Articles take turns, so that a short quiz does not dwell on one of them; nothing is asked twice.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from knowledge.bank.items import Bank, CaseCard, Kind, QuizItem

Entry = TypeVar("Entry", QuizItem, CaseCard)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted; empty fields let everything by."""

    articles: tuple[int, ...] = ()
    chapters: tuple[int, ...] = ()
    difficulty: tuple[int, ...] = ()
    kinds: tuple[Kind, ...] = ()
    number: int = 1


def choose_items(bank: Bank, wish: Wish, seed: int, *, without: Collection[str] = ()) -> tuple[QuizItem, ...]:
    """At most `wish.number` items, easier ones first; fewer where the bank has no more of them."""
    fitting = bank.of(
        articles=wish.articles, chapters=wish.chapters, difficulty=wish.difficulty, kinds=wish.kinds
    ).items
    chosen = _in_turns([item for item in fitting if item.id not in without], wish.number, seed)
    return tuple(sorted(chosen, key=lambda item: item.difficulty))


def choose_cases(bank: Bank, wish: Wish, seed: int) -> tuple[CaseCard, ...]:
    """At most `wish.number` cases of those articles and chapters, whatever their difficulty."""
    fitting = bank.of(articles=wish.articles, chapters=wish.chapters).cases
    return tuple(_in_turns(fitting, wish.number, seed))


def _in_turns(entries: Sequence[Entry], number: int, seed: int) -> list[Entry]:
    """So many entries: one of each article before a second of any, in an order that the seed decides."""
    draw = random.Random(seed)  # noqa: S311 - a quiz is no secret
    shuffled = draw.sample(entries, len(entries))
    taken: dict[int, int] = {}
    rounds = []
    for entry in shuffled:
        article = entry.articles[0]
        taken[article] = taken.get(article, 0) + 1
        rounds.append(taken[article])
    order = sorted(range(len(shuffled)), key=rounds.__getitem__)
    return [shuffled[place] for place in order[:number]]

"""Private practice: what somebody got wrong comes back, ever later as long as they remember it. Pure.

A question that is answered right at the first go is noted as seen, and no more. One that is answered wrong is handed to
FSRS, the scheduler of Anki: it returns after a minute, then ten, then days. It counts as a mistake until it has been
answered right so often that it need not come back for a week.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

from fsrs import Card, Rating, Scheduler, State

from bot.training.choosing import Wish
from knowledge.bank.items import Bank, QuizItem
from prompts import Language

ITEMS: Final = 10
"""Questions of a round where nobody says how many."""
MOST: Final = 50
SETTLED: Final = timedelta(days=7)
STEPS: Final = (timedelta(minutes=1), timedelta(minutes=10))
AHEAD: Final = timedelta(minutes=20)
"""What is due so soon is asked now rather than nothing."""

Outcome = Literal["open", "right", "wrong", "given_up"]
_OUTCOMES: Final = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one question and one person: when they last answered it, whether rightly, when it comes back.

    `due_at` is None where it was never answered wrong; else the other fields are FSRS's own (days, a scale of 1–10).
    """

    item_id: str
    answered_at: datetime
    right: bool
    due_at: datetime | None = None
    phase: int = 0
    step: int | None = None
    stability: float | None = None
    difficulty: float | None = None

    @property
    def is_mistake(self) -> bool:
        """Whether it was answered wrong, and has to come back within a week."""
        return self.due_at is not None and self.due_at - self.answered_at < SETTLED


Standings = Mapping[str, Standing]
"""By the id of the item."""


class Schedule:
    """When a question comes back; `longest` is the most that lies between two times."""

    def __init__(self, longest: timedelta) -> None:
        self._fsrs = Scheduler(
            learning_steps=STEPS,
            relearning_steps=STEPS[1:],
            maximum_interval=max(longest.days, 1),
            enable_fuzzing=False,  # the same answers give the same days
        )

    def after(self, before: Standing | None, item_id: str, *, right: bool, at: datetime) -> Standing:
        """What is known once it has been answered; what was answered rightly only, is not scheduled."""
        at = at.astimezone(UTC)
        scheduled = before is not None and before.due_at is not None
        if right and not scheduled:
            return Standing(item_id, at, right)
        card = _card(before) if before is not None and scheduled else Card(0, due=at)
        card, _ = self._fsrs.review_card(card, Rating.Good if right else Rating.Again, at)
        return Standing(item_id, at, right, card.due, int(card.state), card.step, card.stability, card.difficulty)


@dataclass(frozen=True, slots=True)
class Round:
    """Some questions one after another. `asked` ends with the one that is shown, `chosen` is what is ticked there.

    `scope.number` is how many there are; `mistakes`: of those alone that were answered wrong. The order of a question's
    options follows from `seed`.
    """

    scope: Wish
    seed: int
    language: Language
    mistakes: bool = False
    asked: tuple[str, ...] = ()
    right: int = 0
    chosen: tuple[int, ...] = ()
    outcome: Outcome = "open"
    over: bool = False

    @property
    def current(self) -> str:
        """The id of the question that is shown; empty before the first."""
        return self.asked[-1] if self.asked else ""

    @property
    def answered(self) -> int:
        """How many have been answered."""
        return len(self.asked) - (self.outcome == "open" and bool(self.asked))

    @property
    def is_full(self) -> bool:
        """Whether no more is to be asked."""
        return len(self.asked) >= self.scope.number

    def ask(self, item: QuizItem) -> "Round":
        """The next question."""
        return replace(self, asked=(*self.asked, item.id), chosen=(), outcome="open")

    def tick(self, place: int) -> "Round":
        """Tick an option, or take the tick away."""
        return replace(self, chosen=tuple(sorted({place} ^ set(self.chosen))))

    def settle(self, outcome: Outcome, chosen: tuple[int, ...] = ()) -> "Round":
        """The question has been answered."""
        return replace(self, outcome=outcome, chosen=chosen, right=self.right + (outcome == "right"))

    def end(self) -> "Round":
        """No more for now; a question that is still open was not asked."""
        return replace(self, asked=self.asked[: self.answered], chosen=(), over=True)

    def anew(self, seed: int) -> "Round":
        """Another round of the same kind."""
        return Round(self.scope, seed, self.language, self.mistakes)


def next_item(bank: Bank, standings: Standings, around: Round, now: datetime) -> QuizItem | None:
    """What is asked next; None where there is nothing to ask for now.

    First what is due, longest due first; then what has never been asked, easier ones of the articles that were asked
    least; then what is due in a moment; at last what was answered rightly, longest ago first.
    """
    scope = around.scope
    fitting = bank.of(
        articles=scope.articles, chapters=scope.chapters, difficulty=scope.difficulty, kinds=scope.kinds
    ).items
    known = [(item, standings[item.id]) for item in fitting if item.id in standings]
    waiting = sorted(
        ((standing.due_at, item.id, item) for item, standing in known if standing.due_at is not None),
        key=lambda one: one[:2],
    )
    if around.mistakes:
        return next(
            (item for _, _, item in waiting if standings[item.id].is_mistake and item.id not in around.asked), None
        )
    due = [item for at, _, item in waiting if at <= now and item.id != around.current]
    soon = [item for at, _, item in waiting if now < at <= now + AHEAD and item.id != around.current]
    if due:
        return due[0]
    if fresh := _fresh(fitting, standings, f"{around.seed}{len(around.asked)}"):
        return fresh
    seen = sorted(
        ((standing.answered_at, item.id, item) for item, standing in known if standing.due_at is None),
        key=lambda one: one[:2],
    )
    return next((item for item in (*soon, *(item for _, _, item in seen)) if item.id not in around.asked), None)


def mistakes(standings: Standings, bank: Bank) -> tuple[Standing, ...]:
    """What still counts as a mistake and is still in the bank, the latest first."""
    found = [one for one in standings.values() if one.is_mistake and bank.item(one.item_id)]
    return tuple(sorted(found, key=lambda one: (one.answered_at, one.item_id), reverse=True))


def due_soonest(standings: Standings, bank: Bank) -> datetime | None:
    """When the next question that is still in the bank comes back; None where none does."""
    return min((one.due_at for one in standings.values() if one.due_at and bank.item(one.item_id)), default=None)


def order_of(item: QuizItem, seed: int) -> tuple[int, ...]:
    """The places of an item's options in the order in which they are shown: nobody should learn a letter by heart."""
    places = range(len(item.options))
    if item.kind == "true_false":
        return tuple(places)
    return tuple(random.Random(f"{seed}{item.id}").sample(places, len(places)))  # noqa: S311 - no secret


def as_record(around: Round) -> dict[str, Any]:
    """The record that `read_round` reads as this round."""
    scope = around.scope
    return {
        "articles": scope.articles,
        "chapters": scope.chapters,
        "difficulty": scope.difficulty,
        "kinds": scope.kinds,
        "number": scope.number,
        "seed": around.seed,
        "language": around.language,
        "mistakes": around.mistakes,
        "asked": around.asked,
        "right": around.right,
        "chosen": around.chosen,
        "outcome": _OUTCOMES.index(around.outcome),
        "over": around.over,
    }


def read_round(record: Mapping[str, Any]) -> Round:
    """A round as it was kept."""
    scope = Wish(
        tuple(record["articles"]),
        tuple(record["chapters"]),
        tuple(record["difficulty"]),
        tuple(record["kinds"]),
        record["number"],
    )
    return Round(
        scope,
        record["seed"],
        record["language"],
        record["mistakes"],
        tuple(record["asked"]),
        record["right"],
        tuple(record["chosen"]),
        _OUTCOMES[record["outcome"]],
        record["over"],
    )


def _fresh(fitting: tuple[QuizItem, ...], standings: Standings, seed: str) -> QuizItem | None:
    new = [item for item in fitting if item.id not in standings]
    if not new:
        return None
    asked = Counter(item.article for item in fitting if item.id in standings)
    draw = random.Random(seed)  # noqa: S311 - practice is no secret
    return min(new, key=lambda item: (asked[item.article], item.difficulty, draw.random()))


def _card(standing: Standing) -> Card:
    return Card(
        0,
        State(standing.phase),
        standing.step,
        standing.stability,
        standing.difficulty,
        standing.due_at,
        standing.answered_at.astimezone(UTC),
    )

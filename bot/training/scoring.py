"""Who was right, who was first, what a team has: from votes as they stood when the answer was shown. Pure.

A right answer is exactly the right options. Under 必答 everybody who is right has POINTS, a team the share of its
members who are; under 抢答 only the first who is right, and their team. The time that right answers took parts ties.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Final

from bot.training.model import POINTS, RIGHT, BoardRow, Round, SessionPlan, SessionState, Step, Vote
from knowledge.bank.items import QuizItem

NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item went. `right` are the voters who were, the first one first; `known` is how many, None if unknown."""

    counts: tuple[int, ...]
    voters: int
    right: tuple[tuple[str, Vote], ...]
    known: int | None


def outcome(plan: SessionPlan, item: QuizItem, now: Round) -> Outcome:
    """How an item went so far: by votes where they are known, else by Telegram's sums."""
    if plan.anonymous and now.poll_id:
        counts = now.counts or (0,) * len(item.options)
        known = sum(counts[place] for place in item.right) if len(item.right) == 1 else None
        return Outcome(counts, now.voters, (), known)
    votes = {voter: vote for voter, vote in now.votes.items() if vote.choice}
    counts = tuple(sum(place in vote.choice for vote in votes.values()) for place in range(len(item.options) or 2))
    right = sorted(
        ((voter, vote) for voter, vote in votes.items() if is_right(item, vote.choice)), key=lambda one: one[1].seq
    )
    return Outcome(counts, len(votes), tuple(right), len(right))


def is_right(item: QuizItem, choice: tuple[int, ...]) -> bool:
    """Whether a choice is the right one; of an open item, whether it was counted as RIGHT."""
    return item.is_right(choice) if item.options else choice == (RIGHT,)


def items_of(state: SessionState) -> Iterable[tuple[int, Step, Round]]:
    """The items that were shown, with their number from 1."""
    if state.plan is None:
        return
    number = 0
    for place, step in enumerate(state.plan.steps):
        if step.item is not None:
            number += 1
            if now := state.rounds.get(place):
                yield number, step, now


def people(state: SessionState, names: Mapping[str, str]) -> tuple[BoardRow, ...]:
    """The board of those who agreed to be named, by voter."""
    won = _won(state)
    rows = (
        (name, Fraction(POINTS * sum(scores for scores, _ in mine)), len(mine), sum(taken for _, taken in mine))
        for voter, name in names.items()
        for mine in [won.get(voter, [])]
    )
    return _ranked(rows, team=False)


def teams(state: SessionState) -> tuple[BoardRow, ...]:
    """The board of the teams."""
    if state.plan is None:
        return ()
    rows = []
    for team, name in enumerate(state.plan.teams):
        points, times = NOTHING, list[float]()
        for now, right, first in _decided(state):
            size = sum(theirs == team for theirs in now.teams.values())
            ours = [(voter, vote) for voter, vote in right if now.teams.get(voter) == team]
            times += [_taken(now, vote) for _, vote in ours]
            if state.plan.pace == "first":
                points += POINTS if first is not None and now.teams.get(first) == team else 0
            elif size:
                points += Fraction(POINTS * len(ours), size)
        rows.append((name, points, len(times), sum(times) / len(times) if times else 0.0))
    return _ranked(rows, team=True)


def _decided(state: SessionState) -> Iterable[tuple[Round, tuple[tuple[str, Vote], ...], str | None]]:
    """Items whose answer has been shown: who was right, and who was first."""
    assert state.plan is not None  # noqa: S101 - whoever asks has looked
    for _, step, now in items_of(state):
        if step.item is not None and now.revealed_at is not None:
            right = outcome(state.plan, step.item, now).right
            yield now, right, right[0][0] if right else None


def _won(state: SessionState) -> dict[str, list[tuple[bool, float]]]:
    """For each voter and each right answer of theirs: whether it scores, and how long it took."""
    won: dict[str, list[tuple[bool, float]]] = {}
    if state.plan is None:
        return won
    for now, right, first in _decided(state):
        for voter, vote in right:
            scores = state.plan.pace == "everyone" or voter == first
            won.setdefault(voter, []).append((scores, _taken(now, vote)))
    return won


def _taken(now: Round, vote: Vote) -> float:
    return max((vote.at - now.opened_at).total_seconds(), 0.0)


def _ranked(rows: Iterable[tuple[str, Fraction, int, float]], *, team: bool) -> tuple[BoardRow, ...]:
    def merit(row: tuple[str, Fraction, int, float]) -> tuple[Fraction, float]:
        return -row[1], row[3] if row[1] else 0.0

    board: list[BoardRow] = []
    for _, equal in groupby(sorted(rows, key=lambda row: (*merit(row), row[0])), key=merit):
        place = len(board) + 1
        board += [BoardRow(place, name, points, right, seconds, team) for name, points, right, seconds in equal]
    return tuple(board)

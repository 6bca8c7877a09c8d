"""A session under any order of events: a replay is the session, late votes count nowhere, scores are an own count."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.training import scoring
from bot.training.model import POINTS, Event, Refusal, SessionPlan, SessionState, Step
from bot.training.session import (
    Drafts,
    advance,
    apply,
    close,
    join,
    note_posted,
    open_session,
    replay,
    tally,
    vote,
)
from tests.factories import make_fill_in, make_item

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
ITEMS = (make_item("q1"), make_item("q2", kind="multiple", answer=(0, 2)), make_item("q3", answer=0), make_fill_in())
VOTERS = tuple("abcdefg")
TEAMS = ("红队", "蓝队", "黄队")
KINDS = (
    "opened",
    "entered",
    "posted",
    "prolonged",
    "rang",
    "voted",
    "tallied",
    "revealed",
    "joined",
    "asked",
    "closed",
)


class Room(RuleBasedStateMachine):
    """A room that votes, changes its mind, changes teams, comes late and leaves; beside it, an account of its own."""

    @initialize(pace=st.sampled_from(("everyone", "first")))
    def begin(self, pace: Any) -> None:
        steps = (Step("agenda"), *(Step("item", item=item) for item in ITEMS), Step("board"))
        self.pace = pace
        self.events: list[Event] = []
        self.state, self.clock = SessionState(), 0
        self.cast: dict[int, dict[str, tuple[tuple[int, ...], int]]] = {}
        self.opened: dict[int, int] = {}
        self.shown: set[int] = set()
        self.team_of: dict[str, int] = {}
        self.teams_at: dict[int, dict[str, int]] = {}
        self.take(open_session(SessionPlan("x", steps, False, pace, TEAMS), NOON))

    def take(self, decided: Drafts | Refusal) -> bool:
        """Whether it was done; a little time goes by with everything."""
        if isinstance(decided, Refusal):
            return False
        for draft in decided:
            event = Event(self.state.seq + 1, draft.kind, draft.at, draft.payload, draft.voter)
            self.events.append(event)
            self.state = apply(self.state, event)
        return bool(decided)

    def now(self) -> datetime:
        self.clock += 1
        return NOON + timedelta(seconds=self.clock)

    @property
    def open_item(self) -> int | None:
        step = self.state.current
        return step if self.state.running and step in self.opened and step not in self.shown else None

    @rule(voter=st.sampled_from(VOTERS), choice=st.sets(st.integers(0, 2), max_size=3), step=st.integers(-1, 7))
    def somebody_votes(self, voter: str, choice: set[int], step: int) -> None:
        at = self.now()
        step = self.state.current if step < 0 else step
        self.take(vote(self.state, step, voter, choice, at))
        if step == self.open_item:
            self.cast.setdefault(step, {})[voter] = (tuple(sorted(choice)), self.clock)

    @rule(voter=st.sampled_from(VOTERS), team=st.integers(0, 3))
    def somebody_joins(self, voter: str, team: int) -> None:
        decided = join(self.state, voter, team, self.now())
        kept = not self.opened or self.team_of.get(voter, team) == team
        if self.state.running and team < len(TEAMS) and kept:
            self.team_of[voter] = team
        else:
            assert isinstance(decided, Refusal)
        self.take(decided)

    @rule()
    def the_trainer_moves_on(self) -> None:
        before, at = self.open_item, self.now()
        if self.take(advance(self.state, self.state.cursor, at)):
            if before is not None:
                self.shown.add(before)
                self.teams_at[before] = dict(self.team_of)
            elif self.state.running and self.state.step and self.state.step.item:
                self.opened[self.state.current] = self.clock

    @precondition(lambda self: self.open_item is not None)
    @rule()
    def telegram_takes_the_poll(self) -> None:
        step, now = self.state.current, self.state.round
        assert now is not None
        if now.message_id is None:
            at = self.now()
            poll = "" if not ITEMS[step - 1].options else f"p{step}"
            self.take(note_posted(self.state, step, "step", at, 5, poll))
            self.opened[step] = self.clock

    @rule(counts=st.lists(st.integers(0, 9), min_size=3, max_size=3))
    def telegram_counts(self, counts: list[int]) -> None:
        self.take(tally(self.state, self.state.current, counts, sum(counts), self.now()))

    @precondition(lambda self: self.clock > 20)
    @rule()
    def the_trainer_ends_it(self) -> None:
        self.take(close(self.state, self.now()))

    @invariant()
    def a_replay_is_the_session(self) -> None:
        if hasattr(self, "events"):
            assert replay(self.events) == self.state
            half = len(self.events) // 2
            assert replay(self.events[half:], replay(self.events[:half])) == self.state

    @invariant()
    def scores_are_an_independent_count(self) -> None:
        if not hasattr(self, "events"):
            return
        points: Counter[str] = Counter()
        seconds: Counter[str] = Counter()
        of_teams = [Fraction(0)] * len(TEAMS)
        for step in sorted(self.shown):
            item = ITEMS[step - 1]
            wanted = item.right if item.options else (0,)
            cast = self.cast.get(step, {})
            right = sorted((at, who) for who, (choice, at) in cast.items() if choice == wanted)
            teams = self.teams_at[step]
            for place, (at, who) in enumerate(right):
                points[who] += POINTS if self.pace == "everyone" or place == 0 else 0
                seconds[who] += max(at - self.opened[step], 0)
            for team in range(len(TEAMS)):
                size = sum(theirs == team for theirs in teams.values())
                ours = sum(teams.get(who) == team for _, who in right)
                if self.pace == "everyone" and size:
                    of_teams[team] += Fraction(POINTS * ours, size)
                elif self.pace == "first" and right and teams.get(right[0][1]) == team:
                    of_teams[team] += POINTS
        board = {row.name: row for row in scoring.people(self.state, {voter: voter for voter in VOTERS})}
        assert {name: row.points for name, row in board.items()} == {voter: points[voter] for voter in VOTERS}
        assert {name: row.seconds for name, row in board.items()} == {voter: seconds[voter] for voter in VOTERS}
        assert {row.name: row.points for row in scoring.teams(self.state)} == dict(zip(TEAMS, of_teams, strict=True))
        order = sorted(board.values(), key=lambda row: row.place)
        merits = [(-row.points, row.seconds if row.points else 0) for row in order]
        assert merits == sorted(merits)
        for row, merit in zip(order, merits, strict=True):
            assert row.place == 1 + sum(other < merit for other in merits)


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=40, stateful_step_count=40)


@st.composite
def payloads(draw: Callable[[Any], Any]) -> tuple[str, dict[str, Any]]:
    """Any event but the first, of any step."""
    kind = draw(st.sampled_from(KINDS[1:]))
    step = draw(st.integers(0, 5))
    counts = draw(st.lists(st.integers(0, 5), min_size=3, max_size=3))
    whole = {
        "step": step,
        "seconds": 60,
        "choice": sorted(draw(st.sets(st.integers(0, 2)))),
        "counts": counts,
        "voters": sum(counts),
        "what": draw(st.sampled_from(("step", "reveal"))),
        "message_id": 5,
        "poll_id": draw(st.sampled_from(("", "p"))),
        "team": draw(st.integers(0, 2)),
        "question": "问",
        "articles": [12],
    }
    return kind, whole


@given(st.lists(st.tuples(payloads(), st.sampled_from(VOTERS), st.integers(0, 100)), max_size=40))
def test_no_order_of_events_breaks_a_session(history: list[tuple[tuple[str, dict[str, Any]], str, int]]) -> None:
    steps = (Step("agenda"), *(Step("item", item=item) for item in ITEMS), Step("board"))
    state = replay(
        Event(seq, draft.kind, draft.at, draft.payload)
        for seq, draft in enumerate(open_session(SessionPlan("x", steps, False, "everyone", TEAMS), NOON), start=1)
    )
    for (kind, payload), voter, seconds in history:
        at = NOON + timedelta(seconds=seconds)
        event = Event(state.seq + 1, kind, at, payload, voter)  # type: ignore[arg-type]
        shown = {step: now for step, now in state.rounds.items() if now.revealed_at is not None}
        entered = kind == "entered"
        state = apply(state, event)
        for step, now in shown.items():
            if not (entered and payload["step"] == step):
                assert state.rounds[step].votes == now.votes
                assert (state.rounds[step].counts, state.rounds[step].voters) == (now.counts, now.voters)
    scoring.people(state, {"a": "阿达"})
    scoring.teams(state)

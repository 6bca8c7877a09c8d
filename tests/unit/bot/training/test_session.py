"""Commands and events of a session, without a channel: what moves it, what is refused, what comes too late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.training.model import Draft, Event, Refusal, SessionPlan, SessionState, Step
from bot.training.records import as_plan, read_plan
from bot.training.session import (
    LATE_S,
    Drafts,
    advance,
    apply,
    close,
    join,
    note_asked,
    note_posted,
    open_session,
    prolong,
    read_reply,
    replay,
    reveal,
    ring,
    tally,
    vote,
    voter_of,
)
from tests.factories import make_case, make_fill_in, make_item

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
STEPS = (
    Step("agenda"),
    Step("questions"),
    Step("case", case=make_case(), seconds=300),
    Step("item", item=make_item(), seconds=30),
    Step("board"),
    Step("close"),
)
AGENDA, QUESTIONS, CASE, ITEM, BOARD = range(5)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Play:
    """A session in hand: every command's drafts become events at once."""

    def __init__(self, *steps: Step, **plan: Any) -> None:
        self.events: list[Event] = []
        self.state = SessionState()
        self.take(open_session(SessionPlan("学《示例》", steps or STEPS, **plan), NOON))

    def take(self, decided: Drafts | Refusal) -> Refusal | None:
        if isinstance(decided, Refusal):
            return decided
        for draft in decided:
            event = Event(self.state.seq + 1, draft.kind, draft.at, draft.payload, draft.voter)
            self.events.append(event)
            self.state = apply(self.state, event)
        return None

    def on(self, at: float = 1) -> Refusal | None:
        """Move on once."""
        return self.take(advance(self.state, self.state.cursor, later(at)))

    def to(self, step: int, at: float = 1) -> "Play":
        """Move on until the session stands there."""
        while self.state.current < step:
            assert self.on(at) is None
        return self

    def post(self, poll_id: str = "", at: float = 1) -> None:
        self.take(note_posted(self.state, self.state.current, "step", later(at), 77, poll_id))


def test_a_session_moves_from_step_to_step_and_shows_before_it_leaves() -> None:
    play = Play()
    seen = [(play.state.current, play.state.phase)]
    while play.state.running:
        play.on()
        seen.append((play.state.current, play.state.phase))
    assert seen == [
        (AGENDA, "revealed"),
        (QUESTIONS, "revealed"),
        (CASE, "open"),
        (CASE, "revealed"),
        (ITEM, "open"),
        (ITEM, "revealed"),
        (BOARD, "revealed"),
        (5, "revealed"),
    ]


def test_the_cursor_grows_with_every_move_and_an_old_one_moves_nothing() -> None:
    play = Play()
    cursors = [play.state.cursor]
    while play.on() is None and play.state.running:
        cursors.append(play.state.cursor)
    assert cursors == sorted(set(cursors))
    play = Play()
    first = play.state.cursor
    play.on()
    assert play.take(advance(play.state, first, NOON)) == Refusal("training.moved_on")
    assert play.state.current == QUESTIONS


def test_what_is_over_is_over() -> None:
    play = Play()
    assert play.take(close(play.state, NOON)) is None
    state = play.state
    assert play.take(close(state, NOON)) == Refusal("training.over")
    assert play.take(advance(state, state.cursor, NOON)) == Refusal("training.over")
    assert play.take(reveal(state, 0, NOON)) == Refusal("training.over")
    assert play.take(join(state, "v", 0, NOON)) == Refusal("training.over")
    assert play.take(prolong(state, state.cursor, 60, NOON)) == Refusal("training.over")
    assert vote(state, 0, "v", (1,), NOON) == note_asked(state, "问", (), NOON) == ()


def test_a_vote_is_changed_taken_back_and_cast_again_until_the_answer_is_shown() -> None:
    play = Play(anonymous=False).to(ITEM)
    play.post("poll")
    for choice in ((0,), (1,), (), (2,)):
        play.take(vote(play.state, ITEM, "v", choice, later(5)))
    assert play.state.rounds[ITEM].votes["v"].choice == (2,)
    play.take(reveal(play.state, ITEM, later(6)))
    assert vote(play.state, ITEM, "v", (1,), later(7)) == ()


def test_an_event_that_comes_too_late_changes_nothing_in_a_replay_either() -> None:
    play = Play(anonymous=False).to(ITEM)
    play.take(reveal(play.state, ITEM, later(6)))
    before = play.state
    for kind, payload in (
        ("voted", {"step": ITEM, "choice": [1]}),
        ("tallied", {"step": ITEM, "counts": [9, 9, 9], "voters": 27}),
        ("revealed", {"step": ITEM, "counts": [9, 9, 9], "voters": 27}),
        ("voted", {"step": 99, "choice": [1]}),
    ):
        after = apply(before, Event(before.seq + 1, kind, later(7), payload, "v"))  # type: ignore[arg-type]
        assert after.rounds == before.rounds


def test_votes_for_a_step_that_is_not_open_are_none() -> None:
    play = Play(anonymous=False).to(QUESTIONS)
    assert vote(play.state, ITEM, "v", (1,), NOON) == ()
    assert vote(play.state, QUESTIONS, "v", (1,), NOON) == ()


def test_counts_are_noted_when_they_change() -> None:
    play = Play().to(ITEM)
    play.take(tally(play.state, ITEM, (1, 0, 0), 1, NOON))
    assert tally(play.state, ITEM, (1, 0, 0), 1, NOON) == ()
    play.take(tally(play.state, ITEM, (1, 1, 0), 2, NOON))
    play.take(reveal(play.state, ITEM, NOON, (1, 2, 0), 3))
    now = play.state.rounds[ITEM]
    assert (now.counts, now.voters) == ((1, 2, 0), 3)
    play = Play().to(ITEM)
    play.take(tally(play.state, ITEM, (1, 1, 0), 2, NOON))
    play.take(reveal(play.state, ITEM, NOON))  # Telegram's last word never came
    assert play.state.rounds[ITEM].counts == (1, 1, 0)


def test_the_time_runs_from_when_the_question_stands_in_the_group() -> None:
    play = Play().to(ITEM, at=10)
    play.post("poll", at=14)
    now = play.state.rounds[ITEM]
    assert (now.opened_at, now.deadline) == (later(14), later(44))
    play.post("poll", at=20)  # posted once more after a restart: the time has run on
    assert play.state.rounds[ITEM].deadline == later(44)


def test_a_discussion_is_prolonged_and_rings_once_a_time() -> None:
    play = Play().to(CASE, at=0)
    play.post(at=0)
    assert play.take(ring(play.state, CASE, later(299))) is not None
    assert play.take(ring(play.state, CASE, later(300))) is None
    assert play.take(ring(play.state, CASE, later(301))) is not None
    assert play.take(prolong(play.state, play.state.cursor, 120, later(310))) is None
    now = play.state.rounds[CASE]
    assert (now.deadline, now.rang) == (later(430), False)
    assert play.take(ring(play.state, CASE, later(430))) is None
    play.on()
    assert play.take(prolong(play.state, play.state.cursor, 120, later(440))) == Refusal("training.moved_on")


def test_a_reply_counts_a_moment_beyond_the_time_and_no_longer() -> None:
    play = Play(Step("item", item=make_fill_in(), seconds=30))
    play.post(at=0)
    play.take(vote(play.state, 0, "a", (0,), later(30 + LATE_S)))
    play.take(vote(play.state, 0, "b", (0,), later(31 + LATE_S)))
    assert set(play.state.rounds[0].votes) == {"a"}


def test_a_team_is_changed_until_something_is_scored() -> None:
    play = Play(anonymous=False, teams=("红队", "蓝队"))
    assert play.take(join(play.state, "v", 0, NOON)) is None
    assert play.take(join(play.state, "v", 1, NOON)) is None
    assert join(play.state, "v", 1, NOON) == ()
    play.to(ITEM)
    assert play.take(join(play.state, "v", 0, NOON)) == Refusal("training.team_kept")
    assert play.take(join(play.state, "late", 0, NOON)) is None
    assert dict(play.state.teams) == {"v": 1, "late": 0}
    assert play.take(join(play.state, "w", 2, NOON)) is not None


def test_a_question_is_noted_once() -> None:
    play = Play()
    play.take(note_asked(play.state, "能翻墙吗", (14,), NOON))
    play.take(note_asked(play.state, "能翻墙吗", (14,), NOON))
    assert [(asked.question, asked.articles) for asked in play.state.asked] == [("能翻墙吗", (14,))]


def test_events_that_are_known_change_nothing() -> None:
    play = Play(anonymous=False).to(ITEM)
    play.take(vote(play.state, ITEM, "v", (1,), NOON))
    assert replay(play.events, play.state) == play.state == replay(play.events)


def test_a_plan_survives_the_log() -> None:
    items = (make_item(), make_item("m", kind="multiple", answer=(0, 2)), make_fill_in(accept=("不具名",)))
    true = make_item("t", kind="true_false", options=("对", "错"), answer=False)
    steps = (Step("agenda"), *(Step("item", item=item, seconds=20) for item in (*items, true)), *STEPS[2:3])
    plan = SessionPlan("学《示例》", steps, False, "first", ("红队", "蓝队"), "https://t.me/x", "en")
    assert read_plan(as_plan(plan)) == plan


@pytest.mark.parametrize("record", [{}, {"title": 1}, {"title": "x", "steps": [{"kind": "item", "entry": {"id": 1}}]}])
def test_what_is_no_plan_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        read_plan(record)


@pytest.mark.parametrize(
    ("words", "choice"),
    [("B", (1,)), ("b", (1,)), ("A、C", (0, 2)), ("ca", (0, 2)), ("D", None), ("好", None), ("", None)],
)
def test_letters_choose_options(words: str, choice: tuple[int, ...] | None) -> None:
    assert read_reply(make_item(), words) == choice


def test_a_voter_leads_to_nobody_without_the_salt() -> None:
    assert voter_of(b"salt", 1001) == voter_of(b"salt", 1001)
    assert len({voter_of(salt, person) for salt in (b"salt", b"other") for person in (1001, 1002)}) == 4


def test_drafts_hold_nobody() -> None:
    assert Draft("voted", NOON, {"step": 1, "choice": [1]}, voter_of(b"salt", 1001)).voter != "1001"

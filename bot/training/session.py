"""A session as events: commands -> events, or a refusal; events -> state. Pure, so that a replay is the session.

Commands look at the state and return drafts of events; they never change anything. `apply` never refuses: whatever does
not fit any more (a vote after the answer was shown) changes nothing, on the day itself as in a replay.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.training.model import RIGHT, WRONG, Asked, Draft, Event, Refusal, Round, SessionPlan, SessionState, Vote
from bot.training.records import as_plan, read_plan
from knowledge.bank.items import QuizItem

Drafts = tuple[Draft, ...]

LATE_S: Final = 2
"""How long after its time a reply to an open item still counts: clocks of phones and servers differ."""
MOST_ASKED: Final = 300
LETTERS: Final = "ABCDEF"
_OVER: Final = Refusal("training.over")
_MOVED_ON: Final = Refusal("training.moved_on")
_OPENS: Final = frozenset(("item", "case"))


def voter_of(salt: bytes, person_id: int) -> str:
    """Who votes, as events know them: of no use to anybody once the salt is gone."""
    return hashlib.blake2b(str(person_id).encode(), key=salt, digest_size=10).hexdigest()


def read_reply(item: QuizItem, words: str) -> tuple[int, ...] | None:
    """What a reply in words chooses: RIGHT or WRONG of an open item, options by letters; None where it is no choice."""
    if not item.options:
        return (RIGHT if item.accepts(words) else WRONG,)
    letters = [letter for letter in words.upper() if not letter.isspace() and letter not in "、，,."]
    places = [LETTERS.find(letter) for letter in letters]
    if not places or any(not 0 <= place < len(item.options) for place in places):
        return None
    return tuple(sorted(set(places)))


# Commands.


def open_session(plan: SessionPlan, at: datetime) -> Drafts:
    """Begin: the plan, and its first step."""
    return Draft("opened", at, {"plan": as_plan(plan)}), Draft("entered", at, {"step": 0})


def advance(state: SessionState, cursor: int, at: datetime) -> Drafts | Refusal:
    """Move on from where `cursor` points: show the answer, else go to the next step, else end."""
    if not state.running or state.plan is None:
        return _OVER
    if cursor != state.cursor:
        return _MOVED_ON
    if state.phase == "open":
        return (Draft("revealed", at, {"step": state.current}),)
    following = state.current + 1
    if following >= len(state.plan.steps):
        return (Draft("closed", at),)
    entered = Draft("entered", at, {"step": following})
    return (entered, Draft("closed", at)) if state.plan.steps[following].kind == "close" else (entered,)


def reveal(
    state: SessionState, step: int, at: datetime, counts: Iterable[int] | None = None, voters: int = 0
) -> Drafts | Refusal:
    """Show the answer of a step; `counts` and `voters` are Telegram's last word on its poll."""
    if not _is_open(state, step):
        return _MOVED_ON if state.running else _OVER
    told = {} if counts is None else {"counts": list(counts), "voters": voters}
    return (Draft("revealed", at, {"step": step, **told}),)


def close(state: SessionState, at: datetime) -> Drafts | Refusal:
    """End, wherever the session stands."""
    return (Draft("closed", at),) if state.running else _OVER


def note_posted(
    state: SessionState, step: int, what: str, at: datetime, message_id: int, poll_id: str = ""
) -> Drafts | Refusal:
    """A step (`what` "step") or its answer ("reveal") stands in the group."""
    if not state.running and what == "step":
        return _OVER
    return (Draft("posted", at, {"step": step, "what": what, "message_id": message_id, "poll_id": poll_id}),)


def vote(state: SessionState, step: int, voter: str, choice: Iterable[int], at: datetime) -> Drafts:
    """Somebody votes, changes their vote or takes it back (an empty choice); nothing where it comes too late."""
    return (Draft("voted", at, {"step": step, "choice": sorted(set(choice))}, voter),) if _is_open(state, step) else ()


def tally(state: SessionState, step: int, counts: Iterable[int], voters: int, at: datetime) -> Drafts:
    """The counts of an anonymous poll; nothing where they are known or come too late."""
    told = tuple(counts)
    now = state.rounds.get(step)
    if now is None or not _is_open(state, step) or (now.counts, now.voters) == (told, voters):
        return ()
    return (Draft("tallied", at, {"step": step, "counts": list(told), "voters": voters}),)


def join(state: SessionState, voter: str, team: int, at: datetime) -> Drafts | Refusal:
    """Somebody joins a team, or changes it as long as nothing has been scored."""
    if not state.running or state.plan is None or not 0 <= team < len(state.plan.teams):
        return _OVER
    if state.teams.get(voter, team) != team and _has_scored(state):
        return Refusal("training.team_kept")
    return () if state.teams.get(voter) == team else (Draft("joined", at, {"team": team}, voter),)


def note_asked(state: SessionState, question: str, articles: Iterable[int], at: datetime) -> Drafts:
    """A question was put to the bot; once for all who ask the same."""
    known = any(asked.question == question for asked in state.asked)
    if not state.running or not question or known or len(state.asked) >= MOST_ASKED:
        return ()
    return (Draft("asked", at, {"question": question, "articles": list(articles)}),)


def prolong(state: SessionState, cursor: int, seconds: int, at: datetime) -> Drafts | Refusal:
    """Give a discussion more time."""
    if cursor != state.cursor or state.phase != "open" or not state.round or state.round.deadline is None:
        return _MOVED_ON if state.running else _OVER
    return (Draft("prolonged", at, {"step": state.current, "seconds": seconds}),)


def ring(state: SessionState, step: int, at: datetime) -> Drafts | Refusal:
    """The time of a discussion is over; it goes on until the trainer shows the answer."""
    now = state.rounds.get(step)
    if now is None or not _is_open(state, step) or now.rang or now.deadline is None or at < now.deadline:
        return _MOVED_ON
    return (Draft("rang", at, {"step": step}),)


def _is_open(state: SessionState, step: int) -> bool:
    return state.running and state.current == step and state.phase == "open"


def _has_scored(state: SessionState) -> bool:
    steps = state.plan.steps if state.plan else ()
    return any(steps[place].item is not None for place in state.rounds)


# Events.


def replay(events: Iterable[Event], state: SessionState | None = None) -> SessionState:
    """The state after these events; those that it knows already change nothing."""
    state = state or SessionState()
    for event in events:
        if event.seq > state.seq:
            state = apply(state, event)
    return state


def apply(state: SessionState, event: Event) -> SessionState:
    """The state after one more event."""
    state, payload = replace(state, seq=event.seq), event.payload
    match event.kind:
        case "opened":
            return replace(state, plan=read_plan(payload["plan"]), opened_at=event.at)
        case "closed":
            return replace(state, closed_at=event.at)
        case "entered":
            return _entered(state, payload["step"], event.at)
        case "joined":
            return replace(state, teams={**state.teams, event.voter: payload["team"]})
        case "asked":
            asked = Asked(payload["question"], tuple(payload["articles"]))
            return replace(state, asked=(*state.asked, asked))
        case _:
            now = state.rounds.get(payload["step"])
            return state if now is None else _with(state, _after(state, now, event))


def _entered(state: SessionState, step: int, at: datetime) -> SessionState:
    assert state.plan is not None  # noqa: S101 - a session begins with its plan
    entered = state.plan.steps[step]
    deadline = at + timedelta(seconds=entered.seconds) if entered.seconds else None
    begun = Round(step, at, deadline, revealed_at=None if entered.kind in _OPENS else at)
    return _with(replace(state, current=step), begun)


def _after(state: SessionState, now: Round, event: Event) -> Round:
    payload: Any = event.payload
    match event.kind:
        case "posted" if payload["what"] == "reveal":
            changes: dict[str, Any] = {"reveal_id": payload["message_id"]}
        case "posted":
            now = now if now.message_id is not None else _begun(now, event.at)
            changes = {"message_id": payload["message_id"], "poll_id": payload["poll_id"]}
        case "prolonged" if now.deadline is not None:
            later = max(now.deadline, event.at) + timedelta(seconds=payload["seconds"])
            changes = {"deadline": later, "rang": False}
        case "rang":
            changes = {"rang": True}
        case "voted" if now.revealed_at is None and not _is_late(now, event.at):
            vote_now = Vote(tuple(payload["choice"]), event.at, event.seq)
            changes = {"votes": {**now.votes, event.voter: vote_now}}
        case "tallied" if now.revealed_at is None:
            changes = {"counts": tuple(payload["counts"]), "voters": payload["voters"]}
        case "revealed" if now.revealed_at is None:
            counts = tuple(payload.get("counts", now.counts))
            changes = {"counts": counts, "voters": payload.get("voters", now.voters)}
            changes |= {"revealed_at": event.at, "teams": state.teams}
        case _:
            return now
    return replace(now, **changes)


def _begun(now: Round, at: datetime) -> Round:
    """The time runs from when the question stands in the group."""
    return replace(now, opened_at=at, deadline=now.deadline + (at - now.opened_at) if now.deadline else None)


def _is_late(now: Round, at: datetime) -> bool:
    """Telegram ends a poll by itself; a reply in words is late by the clock."""
    return not now.poll_id and now.deadline is not None and at > now.deadline + timedelta(seconds=LATE_S)


def _with(state: SessionState, now: Round) -> SessionState:
    return replace(state, rounds={**state.rounds, now.step: now})

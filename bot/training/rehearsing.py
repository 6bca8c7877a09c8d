"""A room that is not there: invented people join, ask and vote, so that a session can be looked at without a group.

It moves on by itself when a step has had its time, or earlier when somebody else moves it on.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from bot.training import session
from bot.training.choosing import Wish, choose_cases, choose_items
from bot.training.ledgers import Header, Ledgers, Log
from bot.training.model import RIGHT, WRONG, Refusal, SessionPlan, SessionState, Step
from bot.training.session import voter_of
from knowledge.bank.items import Bank, QuizItem

ITEMS: Final = 5
ITEM_S: Final = 20
CASE_S: Final = 40
SHOW_S: Final = 9.0
"""How long a step is shown that nobody votes in."""
NAMES_KEPT: Final = timedelta(days=1)
CHAT_ID: Final = -1
TRAINER_ID: Final = 1
_LOOK_S: Final = 0.2
_CHANGE_THEIR_MIND: Final = 0.08


class Stage(Log, Protocol):
    """A log that also keeps who agreed to be named."""

    async def agree(self, session_id: int, person_id: int, voter: str, name: str, until: datetime) -> None:
        """Somebody agrees to be named in that session, until that day."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: so many people, the names of those who agree to be named, and what they ask."""

    people: int
    names: Sequence[str]
    questions: Sequence[str]


def rehearsal_plan(bank: Bank, plan: SessionPlan, seed: int, speed: float) -> SessionPlan:
    """`plan` with its steps chosen from the bank: a case, then a quiz; `speed` shortens their times."""
    items = choose_items(bank, Wish(number=ITEMS, kinds=("single", "multiple", "true_false")), seed)
    cases = choose_cases(bank, Wish(number=1), seed)
    item_s, case_s = (max(round(seconds / speed), 1) for seconds in (ITEM_S, CASE_S))
    steps = [Step("agenda"), Step("questions")]
    steps += [Step("case", case=case, seconds=case_s) for case in cases]
    steps += [Step("item", item=item, seconds=item_s) for item in items]
    return replace(plan, steps=(*steps, Step("board"), Step("close")))


class Rehearsal:
    """Plays sessions with an invented cast. Implements `model.Conductor`."""

    def __init__(
        self,
        ledgers: Ledgers,
        stage: Stage,
        cast: Cast,
        clock: Callable[[], datetime],
        *,
        seed: int = 0,
        speed: float = 1.0,
        sleep: Callable[[float], "asyncio.Future[None]"] | None = None,
    ) -> None:
        self._ledgers, self._stage, self._cast, self._clock = ledgers, stage, cast, clock
        self._speed, self._sleep = speed, sleep or asyncio.sleep
        self._draw = random.Random(seed)  # noqa: S311 - a play is no secret
        self._skills = [self._draw.uniform(0.4, 0.95) for _ in range(cast.people)]

    async def open(self, plan: SessionPlan) -> Header:
        """Begin."""
        header = await self._ledgers.open(CHAT_ID, 0, TRAINER_ID, plan, self._clock())
        assert header is not None  # noqa: S101 - a stage of our own, on which nothing else runs
        return header

    async def advance(self, session_id: int, cursor: int) -> Refusal | None:
        """Move on from where `cursor` points."""
        decided = await self._ledgers.do(session_id, lambda state: session.advance(state, cursor, self._clock()))
        return decided if isinstance(decided, Refusal) else None

    async def run(self, header: Header) -> None:
        """Play until the session has ended."""
        while (state := await self._ledgers.state(header.id)).running:
            acting = asyncio.create_task(self._act(header, state), name="an invented room")
            async for now in self._states(header.id, self._time_of(state) / self._speed):
                if now.cursor != state.cursor or not now.running:
                    break
            else:
                await self.advance(header.id, state.cursor)
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)

    async def _states(self, session_id: int, seconds: float) -> AsyncIterator[SessionState]:
        """The session at every change, for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            yield await self._ledgers.state(session_id)
            await self._sleep(min(_LOOK_S, left))

    def _time_of(self, state: SessionState) -> float:
        """How long a step is shown at speed 1."""
        if state.phase == "open" and state.step is not None and state.step.seconds:
            return state.step.seconds * self._speed
        return SHOW_S

    async def _act(self, header: Header, state: SessionState) -> None:
        step = state.step
        if step is None or step.kind not in ("agenda", "questions", "item") or state.plan is None:
            return
        if step.kind == "agenda":
            await self._join(header, len(state.plan.teams))
        elif step.kind == "questions":
            await self._ask(header)
        elif step.item is not None and state.phase == "open":
            await self._vote(header, state.current, step.item, step.seconds)

    async def _join(self, header: Header, teams: int) -> None:
        """Everybody finds a team, and some agree to be named."""
        for person, name in enumerate(self._cast.names[: self._cast.people]):
            await self._stage.agree(header.id, person, self._voter(header, person), name, self._clock() + NAMES_KEPT)
        for person in range(self._cast.people if teams else 0):
            voter, team = self._voter(header, person), person % teams
            self._ledgers.put(header.id, partial(self._joined, voter, team))
            await self._pause(0.6 * SHOW_S / self._cast.people)

    async def _ask(self, header: Header) -> None:
        for question in self._cast.questions:
            await self._pause(0.7 * SHOW_S / len(self._cast.questions))
            self._ledgers.put(header.id, partial(self._asked, question))

    async def _vote(self, header: Header, step: int, item: QuizItem, seconds: int) -> None:
        """Everybody votes once, most of them early; some change their mind."""
        votes = [(self._draw.betavariate(2, 4), person) for person in range(self._cast.people)]
        votes += [(min(at + 0.2, 0.95), person) for at, person in votes if self._draw.random() < _CHANGE_THEIR_MIND]
        before = 0.0
        for at, person in sorted(votes):
            await self._sleep((at - before) * seconds)
            before = at
            choice = self._choice(item, person)
            self._ledgers.put(header.id, partial(self._voted, step, self._voter(header, person), choice))

    def _choice(self, item: QuizItem, person: int) -> tuple[int, ...]:
        knows = self._draw.random() < self._skills[person] - 0.12 * (item.difficulty - 1)
        if not item.options:
            return (RIGHT if knows else WRONG,)
        if knows:
            return item.right
        if len(item.right) > 1:  # one too few
            return tuple(sorted(self._draw.sample(item.right, len(item.right) - 1)))
        return (self._draw.choice([place for place in range(len(item.options)) if place not in item.right]),)

    def _joined(self, voter: str, team: int, state: SessionState) -> session.Drafts | Refusal:
        return session.join(state, voter, team, self._clock())

    def _asked(self, question: str, state: SessionState) -> session.Drafts:
        return session.note_asked(state, question, (), self._clock())

    def _voted(self, step: int, voter: str, choice: tuple[int, ...], state: SessionState) -> session.Drafts:
        return session.vote(state, step, voter, choice, self._clock())

    def _voter(self, header: Header, person: int) -> str:
        return voter_of(header.salt, person)

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds / self._speed)

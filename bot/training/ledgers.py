"""The sessions that run: one writer a session in this process, and a log that keeps order among several processes.

A command looks at the state as the log has it at that moment, inside the log's own transaction; what it decides is
written there and then, numbered after everything that others have written. Votes are put in line without waiting: what
lines up while one transaction runs is written by the next one together, so that a room voting at once costs few writes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from bot.errors import StorageError
from bot.training.changes import LOOK_S, Changes
from bot.training.model import Draft, Event, Refusal, Results, SessionPlan, SessionState, Snapshot
from bot.training.results import results_of
from bot.training.session import Drafts, apply, open_session, replay
from bot.training.showing import show
from knowledge.model import Regulation

AGAIN_S: Final = 1.0
"""How soon votes that could not be written are tried again."""

Decide = Callable[[SessionState], Drafts | Refusal]
Extend = Callable[[Sequence[Event]], Sequence[Event]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Header:
    """Where a session runs and who leads it. `salt` makes voters; it and `trainer_id` are gone once it has ended.

    `topic_id` and `trainer_id` are 0 where there is none; `edition` grows when events have been erased.
    """

    id: int
    chat_id: int
    topic_id: int
    trainer_id: int
    salt: bytes = field(repr=False)
    opened_at: datetime
    closed_at: datetime | None
    edition: int = 0


class Log(Protocol):
    """Where sessions are kept; every method may raise StorageError, and has then changed nothing."""

    async def begin(
        self, chat_id: int, topic_id: int, trainer_id: int, at: datetime, events: Sequence[Event]
    ) -> Header | None:
        """Keep a new session with its first events; None where one runs in that chat."""

    async def header(self, session_id: int) -> Header | None:
        """That session's, None where it is not kept (any more)."""

    async def running_in(self, chat_id: int) -> Header | None:
        """Of the session that runs in that chat."""

    async def latest_in(self, chat_id: int) -> Header | None:
        """Of the session that was opened there last, running or not."""

    async def all_running(self) -> list[Header]:
        """Of every session that has not ended."""

    async def events(self, session_id: int, after: int = 0) -> list[Event]:
        """What happened after that number, in order."""

    async def extend(self, session_id: int, after: int, edition: int, write: Extend) -> bool:
        """Alone on that session: hand `write` what came after `after`, and keep what it returns.

        False, and nothing done, where the session is gone or is of another edition.
        """

    async def session_of_poll(self, poll_id: str) -> tuple[int, int] | None:
        """Session and step of a poll, None where it is of none."""

    async def names(self, session_id: int) -> Mapping[str, str]:
        """The names of those who agreed, by voter."""

    async def claim(self, session_id: int, trainer_id: int) -> None:
        """Somebody else leads from now on."""


@dataclass(slots=True)
class _Line:
    decide: Decide
    told: asyncio.Future[Drafts | Refusal] | None


@dataclass(slots=True)
class _Ledger:
    """What this process knows of a session, and what waits to be written into it."""

    state: SessionState = field(default_factory=SessionState)
    edition: int = -1
    looked_at: float = 0.0
    waiting: deque[_Line] = field(default_factory=deque)
    writing: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Gone(Exception):
    """The session is not kept any more."""


class Ledgers:
    """Sessions by id. Every method may raise StorageError; then nothing has changed."""

    def __init__(
        self, kept: Log, regulation: Regulation, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.kept, self.changes = kept, Changes()
        self._regulation = regulation
        self._known: dict[int, _Ledger] = {}
        self._sleep = sleep

    async def open(
        self, chat_id: int, topic_id: int, trainer_id: int, plan: SessionPlan, at: datetime
    ) -> Header | None:
        """Begin a session; None where one runs in that chat."""
        events = _numbered(0, open_session(plan, at))
        return await self.kept.begin(chat_id, topic_id, trainer_id, at, events)

    async def state(self, session_id: int, *, fresh: bool = True) -> SessionState:
        """The session as it is now; not `fresh`: as it was a second ago at most.

        Raises:
            Gone: it is not kept any more.
        """
        ledger = self._known.setdefault(session_id, _Ledger())
        now = asyncio.get_running_loop().time()
        if fresh or ledger.edition < 0 or now - ledger.looked_at >= LOOK_S:
            await self._catch_up(session_id, ledger)
            ledger.looked_at = now
        return ledger.state

    async def do(self, session_id: int, decide: Decide) -> Drafts | Refusal:
        """Do what a command decides, and wait until it is kept; returns what it decided.

        Raises:
            Gone: it is not kept any more.
        """
        told: asyncio.Future[Drafts | Refusal] = asyncio.get_running_loop().create_future()
        self._line_up(session_id, _Line(decide, told))
        return await told

    def put(self, session_id: int, decide: Decide) -> None:
        """Do what a command decides in its turn, without waiting; tried again until it is kept."""
        self._line_up(session_id, _Line(decide, None))

    async def snapshot(self, session_id: int) -> Snapshot | None:
        """What there is to see now; None where the session is not kept any more."""
        try:
            state = await self.state(session_id, fresh=False)
        except Gone:
            return None
        return show(session_id, state, self._regulation, await self._names(session_id, state))

    async def results(self, session_id: int) -> Results | None:
        """The results so far, or for good; None where the session is not kept any more."""
        try:
            state = await self.state(session_id)
        except Gone:
            return None
        return results_of(session_id, state, await self._names(session_id, state))

    async def settled(self, session_id: int) -> None:
        """Wait until everything in line is written."""
        ledger = self._known.get(session_id)
        while ledger and ledger.writing:
            await asyncio.shield(ledger.writing)

    async def close(self) -> None:
        """Write what is in line, as far as it can be."""
        writing = [ledger.writing for ledger in self._known.values() if ledger.writing]
        if writing:
            _, late = await asyncio.wait(writing, timeout=2 * AGAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _names(self, session_id: int, state: SessionState) -> Mapping[str, str]:
        return {} if state.plan is None or state.plan.anonymous else await self.kept.names(session_id)

    def _line_up(self, session_id: int, line: _Line) -> None:
        ledger = self._known.setdefault(session_id, _Ledger())
        ledger.waiting.append(line)
        if ledger.writing is None:
            ledger.writing = asyncio.create_task(self._write_off(session_id, ledger), name="a session's ledger")

    async def _write_off(self, session_id: int, ledger: _Ledger) -> None:
        try:
            while ledger.waiting:
                lines = list(ledger.waiting)
                ledger.waiting.clear()
                try:
                    await self._write(session_id, ledger, lines)
                except Exception as exc:
                    await self._put_back(ledger, lines, exc)
        finally:
            ledger.writing = None

    async def _put_back(self, ledger: _Ledger, lines: list[_Line], exc: Exception) -> None:
        """Whoever waits is told; votes stay in line for as long as there is hope."""
        for line in lines:
            if line.told is not None and not line.told.done():
                line.told.set_exception(exc)
        if isinstance(exc, StorageError):
            log.error("%s", exc)
            ledger.waiting.extendleft(reversed([line for line in lines if line.told is None]))
            await self._sleep(AGAIN_S)
        elif not isinstance(exc, Gone):
            log.error("a session could not be written to", exc_info=exc)

    async def _write(self, session_id: int, ledger: _Ledger, lines: list[_Line]) -> None:
        async with ledger.lock:
            while True:
                writing = _Writing(ledger.state, lines)
                known = ledger.edition >= 0
                if known and await self.kept.extend(session_id, ledger.state.seq, ledger.edition, writing):
                    break
                await self._read_anew(session_id, ledger)
            changed = writing.after.seq != ledger.state.seq
            ledger.state = writing.after
        for line, decision in zip(lines, writing.decided, strict=True):
            if line.told is not None and not line.told.done():
                line.told.set_result(decision)
        if changed:
            self.changes.notify(session_id)

    async def _catch_up(self, session_id: int, ledger: _Ledger) -> None:
        async with ledger.lock:
            before = ledger.state.seq
            if ledger.edition < 0 or not await self._is_current(session_id, ledger):
                await self._read_anew(session_id, ledger)
            else:
                ledger.state = replay(await self.kept.events(session_id, before), ledger.state)
            if ledger.state.seq != before:
                self.changes.notify(session_id)

    async def _is_current(self, session_id: int, ledger: _Ledger) -> bool:
        header = await self.kept.header(session_id)
        return header is not None and header.edition == ledger.edition

    async def _read_anew(self, session_id: int, ledger: _Ledger) -> None:
        header = await self.kept.header(session_id)
        if header is None:
            self._known.pop(session_id, None)
            raise Gone
        ledger.state = replay(await self.kept.events(session_id))
        ledger.edition = header.edition


class _Writing:
    """What the log calls with what others have written: every line decides upon the state that the one before left."""

    def __init__(self, before: SessionState, lines: Sequence[_Line]) -> None:
        self.after = self._before = before
        self.decided: list[Drafts | Refusal] = []
        self._lines = lines

    def __call__(self, others: Sequence[Event]) -> Sequence[Event]:
        self.after, self.decided, ours = replay(others, self._before), [], list[Event]()
        for line in self._lines:
            decision = line.decide(self.after)
            self.decided.append(decision)
            for event in [] if isinstance(decision, Refusal) else _numbered(self.after.seq, decision):
                ours.append(event)
                self.after = apply(self.after, event)
        return ours


def _numbered(last: int, drafts: Sequence[Draft]) -> list[Event]:
    return [
        Event(last + place, draft.kind, draft.at, draft.payload, draft.voter)
        for place, draft in enumerate(drafts, start=1)
    ]

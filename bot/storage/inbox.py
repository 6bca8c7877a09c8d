"""The durable inbox: an update stands in the database before Telegram forgets it, and is done after its reply.

Nothing is lost: `store` returns when the update is on the disk; what a dead process had in hand is taken up again.
Nothing is doubled: an update_id is taken once, across restarts and replicas; ids are kept for two days.
Order within a lane (a chat) is kept: a lane belongs to one replica for as long as that has something of it in hand.

    store ─┐                                       ┌─▶ take: what this replica shall answer
    done ──┼─▶ one transaction at a time, for all ─┤
    beat ──┘   that came while the last one ran    └─▶ whoever awaits `store`

On SQLite one process takes everything, and a lock on the file says so. On PostgreSQL replicas divide the lanes: each
takes what belongs to no living one, under an advisory lock. A replica is dead when neither its mark is fresh (it is
renewed every `BEAT_S`) nor its session holds its lock, which ends with the process; or when it has stalled altogether.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

from filelock import FileLock, Timeout
from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import StorageError
from bot.storage import tables
from bot.storage.listening import Listening
from bot.storage.sql import Sql, told
from bot.storage.transacting import Transactions, transactions

BEAT_S: Final = 2.0
FRESH_S: Final = 3.0
"""How old a replica's mark may be where its session is gone: a connection may be lost and found."""
STALLED_S: Final = 30.0
"""How old it may be where the session lives: a process that is out of breath is not robbed."""
SETTLE_S: Final = 6.0
"""How long nobody is robbed after PostgreSQL's start or an outage: everybody's mark is old then."""
DONE_WITHIN_S: Final = 0.02
"""How long a mark may wait for company: fewer commits, and a crash meanwhile is seen to by the search for the reply."""

CAPACITY: Final = 256
"""Updates that a replica on PostgreSQL has in hand at once; the others are left for its fellows."""
MOST_OF_A_LANE: Final = 8
MOST_ATTEMPTS: Final = 5
"""An update that was in hand at so many crashes is taken for their cause, and set aside."""
KEPT_S: Final = 2 * 86_400.0
"""How long the number of a done update is remembered: Telegram repeats none that is older than a day."""

_AGAIN_S: Final = 0.25
_LONGEST_AGAIN_S: Final = 2.0
_LOCK_S: Final = 20
_CLAIMING: Final = 5_031_202_402
"""PostgreSQL's lock for taking: see `migrating`."""
LIVING: Final = 503_120_240
"""The class of the locks that say who lives; a lock's own number is made of the replica's name."""
CHANNEL: Final = "wanggui_inbox"
_NEAR: Final = 2_000
_WAITING, _DONE, _QUARANTINED = 0, 1, 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An update as it came in: its number, what must stay in order with it, and its JSON."""

    update_id: int
    lane: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """An update to be answered now. `again`: it was in hand before, so its reply may have been sent.

    `ours`: ids of messages that we are known to have sent to the same lane for updates near it.
    """

    update_id: int
    lane: str
    raw: bytes
    again: bool = False
    ours: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Depth:
    """What the inbox holds: updates that wait, the age of the oldest in seconds, and those that are set aside."""

    waiting: int
    oldest_s: float
    quarantined: int


Take = Callable[[Taken], None]


class Inbox(Protocol):
    """Where updates stand until they are done."""

    def start(self, take: Take) -> None:
        """Hand updates on from now."""

    async def store(self, arrived: Sequence[Arrived]) -> None:
        """Return when the updates are safe; those that are known already are left out.

        Raises:
            StorageError: they are not safe.
        """

    def done(self, update_id: int, sent: Sequence[int] = ()) -> None:
        """An update has been answered, with these messages. Never waits, never fails."""

    def quarantine(self, update_id: int, why: str) -> None:
        """An update cannot be read: it is kept as it is, and nobody tries again. Never waits, never fails."""

    @property
    def depth(self) -> Depth:
        """What it held at the last beat."""


@dataclass(slots=True)
class _Turn:
    """What one transaction shall do."""

    arrived: dict[int, Arrived] = field(default_factory=dict)
    done: dict[int, str | None] = field(default_factory=dict)
    quarantined: dict[int, str] = field(default_factory=dict)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    beats: bool = False


@dataclass(slots=True)
class _Outcome:
    taken: list[Taken] = field(default_factory=list)
    leads: bool = True
    depth: Depth | None = None


class SqlInbox:
    """The inbox in the database; `open` it, `start` it, `close` it."""

    def __init__(self, sql: Sql, *, capacity: int | None = None) -> None:
        self.replica = secrets.token_hex(8)
        self._sql, self._alone = sql, sql.is_sqlite
        self._capacity = capacity or (1_000_000 if self._alone else CAPACITY)
        self._transactions: Transactions = transactions(sql)
        self._lock = FileLock(f"{sql.name}.inbox.lock", thread_local=False) if self._alone else None
        self._listening = (
            None if self._alone else Listening(sql, CHANNEL, self._stir, (LIVING, int(self.replica[:7], 16)))
        )
        self._next = _Turn()
        self._awake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._in_hand: set[int] = set()
        self._take: Take | None = None
        self._task: asyncio.Task[None] | None = None
        self._more = True
        self._untidy = True
        self._healthy_since: float | None = None
        self._beaten_at = 0.0
        self.leads = self._alone
        self.problem: str | None = None
        self.depth = Depth(0, 0.0, 0)

    async def open(self) -> Self:
        """Enter this process among those that take.

        Raises:
            StorageError: the database cannot be written, or another process has this SQLite file.
        """
        if self._lock:
            with told(self._sql.name):
                try:
                    await asyncio.to_thread(self._lock.acquire, _LOCK_S)
                except Timeout as exc:
                    raise StorageError(
                        f"数据库 (database) {self._sql.name}: 另一个机器人正在使用，多个副本请用 PostgreSQL "
                        "(another bot has it; several replicas need PostgreSQL)"
                    ) from exc
        try:
            await self._transactions.run(self._join)
        except BaseException:
            await self._let_go()
            raise
        return self

    def start(self, take: Take) -> None:
        """As the protocol says."""
        self._take = take
        if self._listening:
            self._listening.start()
        self._task = asyncio.create_task(self._run(), name="inbox")

    async def store(self, arrived: Sequence[Arrived]) -> None:
        """As the protocol says."""
        stored = asyncio.get_running_loop().create_future()
        for one in arrived:
            self._next.arrived.setdefault(one.update_id, one)
        self._next.waiting.append(stored)
        self._awake.set()
        await stored

    def done(self, update_id: int, sent: Sequence[int] = ()) -> None:
        """As the protocol says."""
        self._next.done[update_id] = ",".join(map(str, sent))[:256] or None
        self._stir_soon()

    def quarantine(self, update_id: int, why: str) -> None:
        """As the protocol says."""
        self._next.quarantined[update_id] = why[:64]
        self._stir_soon()

    async def close(self, begun: Collection[int] = (), timeout_s: float = 2.0) -> None:
        """Write the last marks, give back what is not done, and leave; never fails.

        `begun`: what may have been answered for all we know; anything else in hand was not touched.
        """
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._listening:
            await self._listening.close()
        turn, self._next = self._next, _Turn()
        try:
            async with asyncio.timeout(timeout_s):
                await self._transactions.run(lambda connection: self._leave(connection, turn, begun))
        except (StorageError, TimeoutError) as exc:
            log.warning("the inbox could not be left in order (%s); what is not marked is looked at again", exc)
        await self._let_go()

    async def _let_go(self) -> None:
        with suppress(StorageError):
            await self._transactions.close()
        if self._lock:
            self._lock.release()

    @property
    def settled(self) -> bool:
        """Whether whoever lives has had the time to say so since PostgreSQL could last be reached."""
        return self._healthy_since is not None and time.monotonic() - self._healthy_since > SETTLE_S

    # The one task that writes.

    async def _run(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._beaten_at + BEAT_S - loop.time())):
                    await self._awake.wait()
            self._awake.clear()
            turn, self._next = self._next, _Turn()
            turn.beats = loop.time() - self._beaten_at >= BEAT_S
            began = loop.time()
            try:
                outcome = await self._transactions.run(lambda connection: self._exchange(connection, turn))  # noqa: B023
            except asyncio.CancelledError:
                self._put_back(turn)
                raise
            except Exception as exc:  # whatever it is, the next transaction may succeed
                failures += 1
                self._fail(turn, exc)
                await asyncio.sleep(min(_AGAIN_S * failures, _LONGEST_AGAIN_S))
                continue
            failures = 0
            self._succeed(turn, outcome, began)
            if turn.beats and self._untidy:
                with suppress(StorageError):
                    self._untidy = not await self._transactions.tidy()

    def _succeed(self, turn: _Turn, outcome: _Outcome, now: float) -> None:
        if self._healthy_since is None:
            self._healthy_since = time.monotonic()
            if self.problem:
                log.info("the inbox is written again")
        self.problem = None
        if turn.beats:
            self._beaten_at = now
        if outcome.depth:
            self.depth, self.leads = outcome.depth, outcome.leads
        self._in_hand.difference_update(turn.done, turn.quarantined)
        self._untidy = self._untidy or bool(turn.done)
        self._in_hand.update(one.update_id for one in outcome.taken)
        for stored in turn.waiting:
            if not stored.done():
                stored.set_result(None)
        for one in outcome.taken:
            self._hand_on(one)
        if self._more and outcome.taken:
            self._awake.set()

    def _hand_on(self, taken: Taken) -> None:
        assert self._take  # noqa: S101 - set by start, which makes the task that this runs in
        try:
            self._take(taken)
        except Exception:  # what one update does must not end this task
            log.exception("an update could not be handed on")
            self.quarantine(taken.update_id, "could not be handed on")

    def _fail(self, turn: _Turn, exc: Exception) -> None:
        problem = str(exc) if isinstance(exc, StorageError) else type(exc).__name__
        if problem != self.problem:
            log.error("the inbox cannot be written: %s", problem)
        self.problem, self._healthy_since = problem, None
        for stored in turn.waiting:
            if not stored.done():
                stored.set_exception(StorageError(problem))
        turn.arrived.clear()
        turn.waiting.clear()
        self._put_back(turn)
        self._awake.set()

    def _put_back(self, turn: _Turn) -> None:
        self._next.done = turn.done | self._next.done
        self._next.quarantined = turn.quarantined | self._next.quarantined
        self._next.arrived = turn.arrived | self._next.arrived
        self._next.waiting = [*turn.waiting, *self._next.waiting]

    def _stir(self) -> None:
        self._more = True
        self._awake.set()

    def _stir_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DONE_WITHIN_S, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self._awake.set()

    # What a transaction does; runs in a thread of its own on SQLite.

    def _join(self, connection: Connection) -> None:
        if self._alone:  # the lock says that nobody else lives
            connection.execute(delete(tables.replicas))
        else:  # a start of this process is no outage: the others could renew their marks while PostgreSQL ran
            self._healthy_since = time.monotonic() - float(connection.scalar(_UPTIME) or 0.0)
        self._beat(connection)

    def _exchange(self, connection: Connection, turn: _Turn) -> _Outcome:
        outcome = _Outcome()
        if turn.beats:
            self._beat(connection)
        self._mark(connection, turn)
        if self._alone and not self._more:
            outcome.taken = self._insert(connection, turn, self.replica)
        else:
            self._insert(connection, turn, None)
            outcome.taken = self._claim(connection, turn)
        if turn.beats or turn.quarantined:
            outcome.leads, outcome.depth = self._leads(connection), measure(connection)
        return outcome

    def _insert(self, connection: Connection, turn: _Turn, owner: str | None) -> list[Taken]:
        """Store what has arrived; what was new, where it is taken at once."""
        if not turn.arrived:
            return []
        inbox = tables.inbox.c
        fresh: Iterable[Arrived] = turn.arrived.values()
        if owner:
            known = set(connection.scalars(_KNOWN, {"ids": list(turn.arrived)}))
            fresh = [one for one in fresh if one.update_id not in known]
        rows = [
            {
                "update_id": one.update_id,
                "lane": one.lane,
                "raw": one.raw,
                "owner": owner,
                "attempts": 1 if owner else 0,
            }
            for one in fresh
        ]
        if rows:
            statement = _insert(connection).values(state=_WAITING, changed_at=_now(connection))
            connection.execute(statement.on_conflict_do_nothing(index_elements=[inbox.update_id]), rows)
        return [Taken(one.update_id, one.lane, one.raw) for one in fresh]

    def _mark(self, connection: Connection, turn: _Turn) -> None:
        now = _now(connection)
        if turn.done:
            rows = [{"number": number, "ids": sent} for number, sent in turn.done.items()]
            connection.execute(_MARK_DONE.values(changed_at=now), rows)
        if turn.quarantined:
            rows = [{"number": number, "reason": why} for number, why in turn.quarantined.items()]
            connection.execute(_MARK_QUARANTINED.values(changed_at=now), rows)

    def _claim(self, connection: Connection, turn: _Turn) -> list[Taken]:
        """Take what belongs to no living replica, the oldest first, a few of each lane."""
        room = self._capacity - len(self._in_hand.difference(turn.done, turn.quarantined))
        if room <= 0:
            if turn.arrived and not self._alone:
                connection.execute(text(f"NOTIFY {CHANNEL}"))
            return []
        if not self._alone:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CLAIMING})
        others = self._others(connection)
        most = room if self._alone else MOST_OF_A_LANE
        found = connection.execute(_CLAIMABLE, {"others": others, "me": self.replica, "most": most, "room": room}).all()
        self._more = len(found) == room
        rows = [row for row in found if row.attempts < MOST_ATTEMPTS]
        for row in found:
            if row.attempts >= MOST_ATTEMPTS:
                log.error("an update was in hand at %s crashes and is set aside", row.attempts)
                crashed = [{"number": row.update_id, "reason": "in hand at every crash"}]
                connection.execute(_MARK_QUARANTINED.values(changed_at=_now(connection)), crashed)
        if rows:
            numbers = [row.update_id for row in rows]
            connection.execute(_MARK_TAKEN, {"ids": numbers, "me": self.replica})
        taken = [
            Taken(
                row.update_id,
                row.lane,
                row.raw,
                again=row.attempts > 0,
                ours=_sent_near(connection, row.update_id, row.lane) if row.attempts else frozenset(),
            )
            for row in rows
        ]
        if not self._alone and turn.arrived.keys() - {one.update_id for one in taken}:
            connection.execute(text(f"NOTIFY {CHANNEL}"))
        return taken

    def _others(self, connection: Connection) -> list[str]:
        """Replicas whose updates are not ours to take."""
        if self._alone:
            return []
        replicas = tables.replicas.c
        alive = [_alive(connection)] if self.settled else []
        return list(connection.scalars(select(replicas.replica).where(replicas.replica != self.replica, *alive)))

    def _beat(self, connection: Connection) -> None:
        now = _now(connection)
        statement = _insert(connection, tables.replicas).values(replica=self.replica, joined_at=now, seen_at=now)
        connection.execute(statement.on_conflict_do_update(index_elements=["replica"], set_={"seen_at": now}))

    def _leads(self, connection: Connection) -> bool:
        """The one that has been here longest polls."""
        if self._alone:
            return True
        replicas = tables.replicas.c
        connection.execute(delete(tables.replicas).where(replicas.seen_at < _now(connection) - 10 * STALLED_S))
        alive = select(replicas.replica).where(_alive(connection))
        return connection.scalar(alive.order_by(replicas.joined_at, replicas.replica).limit(1)) == self.replica

    def _leave(self, connection: Connection, turn: _Turn, begun: Collection[int]) -> None:
        self._mark(connection, turn)
        self._insert(connection, turn, None)
        connection.execute(_RELEASE, {"me": self.replica, "ids": list(begun)})
        connection.execute(delete(tables.replicas).where(tables.replicas.c.replica == self.replica))
        if not self._alone:
            connection.execute(text(f"NOTIFY {CHANNEL}"))


def living(connection: Connection) -> bool:
    """Whether any replica takes from the inbox now."""
    if connection.dialect.name == "sqlite":
        return False  # the lock on the file says so
    return connection.scalar(select(tables.replicas.c.replica).where(_alive(connection)).limit(1)) is not None


def measure(connection: Connection) -> Depth:
    """What the inbox holds."""
    inbox = tables.inbox.c
    waiting = select(func.count(), func.min(inbox.changed_at), _now(connection)).where(inbox.state == _WAITING)
    count, oldest, now = connection.execute(waiting).one()
    aside = connection.scalar(select(func.count()).where(inbox.state == _QUARANTINED))
    return Depth(count, max(0.0, now - oldest) if oldest is not None else 0.0, aside or 0)


def sweep_inbox(connection: Connection, quarantined_s: float) -> None:
    """Drop numbers of done updates after two days, and what is set aside after so many seconds."""
    inbox, now = tables.inbox.c, _now(connection)
    old = and_(inbox.state == _DONE, inbox.changed_at < now - KEPT_S)
    stale = and_(inbox.state == _QUARANTINED, inbox.changed_at < now - quarantined_s)
    connection.execute(delete(tables.inbox).where(or_(old, stale)))


def erase_lane(connection: Connection, chat_id: int) -> None:
    """Let go of a chat in what is done or set aside."""
    inbox, lane = tables.inbox.c, chat_lane(chat_id)
    theirs = tables.inbox.update().where(inbox.lane == lane, inbox.state == _DONE).values(lane="", sent=None)
    connection.execute(theirs)
    connection.execute(delete(tables.inbox).where(inbox.lane == lane, inbox.state == _QUARANTINED))


def chat_lane(chat_id: int) -> str:
    """The lane of a chat's messages."""
    return f"chat{chat_id}"


def _sent_near(connection: Connection, number: int, lane: str) -> frozenset[int]:
    inbox = tables.inbox.c
    near = inbox.update_id.between(number - _NEAR, number + _NEAR)
    found = connection.scalars(select(inbox.sent).where(near, inbox.lane == lane, inbox.sent.is_not(None)))
    return frozenset(int(one) for sent in found if sent for one in sent.split(",") if one)


def _alive(connection: Connection) -> ColumnElement[bool]:
    seen_at, now = tables.replicas.c.seen_at, _now(connection)
    holds = literal_column(  # numbers of our own alone
        "EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"  # noqa: S608
        f" AND classid = {LIVING} AND objid = ('x0' || substr(replicas.replica, 1, 7))::bit(32)::int::oid"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        Boolean,
    )
    return or_(seen_at > now - FRESH_S, and_(seen_at > now - STALLED_S, holds))


def _now(connection: Connection) -> ColumnElement[Any]:
    return _CLOCKS[connection.dialect.name]


def _insert(connection: Connection, table: Any = tables.inbox) -> Any:
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name](table)


_CLOCKS: Final[dict[str, ColumnElement[Any]]] = {
    "sqlite": literal_column("((julianday('now') - 2440587.5) * 86400.0)", tables.inbox.c.changed_at.type),
    "postgresql": literal_column(
        "extract(epoch from clock_timestamp())::double precision", tables.inbox.c.changed_at.type
    ),
}
_UPTIME: Final = text("SELECT extract(epoch from clock_timestamp() - pg_postmaster_start_time())")
_C: Final = tables.inbox.c
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_KNOWN: Final = select(_C.update_id).where(_C.update_id.in_(_IDS))
_MARK_DONE: Final = (
    tables.inbox.update()
    .where(_C.update_id == bindparam("number"), _C.state == _WAITING)
    .values(
        state=_DONE,
        raw=None,
        owner=None,
        sent=bindparam("ids"),
        lane=case((bindparam("ids", type_=_C.sent.type).is_(None), ""), else_=_C.lane),  # it served its order
    )
)
_MARK_QUARANTINED: Final = (
    tables.inbox.update()
    .where(_C.update_id == bindparam("number"), _C.state == _WAITING)
    .values(state=_QUARANTINED, owner=None, why=bindparam("reason"))
)
_MARK_TAKEN: Final = (
    tables.inbox.update().where(_C.update_id.in_(_IDS)).values(owner=bindparam("me"), attempts=_C.attempts + 1)
)
_RELEASE: Final = (
    tables.inbox.update()
    .where(_C.state == _WAITING, _C.owner == bindparam("me"))
    .values(owner=None, attempts=case((_C.update_id.in_(_IDS), _C.attempts), else_=_C.attempts - 1))
)
_OTHERS: Final[BindParameter[Any]] = bindparam("others", expanding=True)
_HELD: Final = select(_C.lane).where(_C.state == _WAITING, _C.owner.in_(_OTHERS))
_RANKED: Final = (
    select(
        *(_C.update_id, _C.lane, _C.raw, _C.attempts, _C.owner),
        func.row_number().over(partition_by=_C.lane, order_by=_C.update_id).label("place"),
    )
    .where(_C.state == _WAITING, _C.lane.not_in(_HELD))
    .subquery()
)
_CLAIMABLE: Final = (
    select(_RANKED.c.update_id, _RANKED.c.lane, _RANKED.c.raw, _RANKED.c.attempts)
    .where(or_(_RANKED.c.owner.is_(None), _RANKED.c.owner != bindparam("me")), _RANKED.c.place <= bindparam("most"))
    .order_by(_RANKED.c.update_id)
    .limit(bindparam("room"))
)
"""A lane that another living replica holds is left alone; what a dead one had is anybody's."""

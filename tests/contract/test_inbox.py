"""The inbox on SQLite and on PostgreSQL: one contract."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from bot.errors import StorageError
from bot.storage import inbox as module
from bot.storage.database import Database
from bot.storage.inbox import MOST_ATTEMPTS, MOST_OF_A_LANE, Arrived, SqlInbox, Taken
from tests.databases import Postgres

GROUP = -100123


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.running() as server:
        url = server.fresh()

        async def migrate() -> None:
            await (await Database.open(url)).close()

        asyncio.run(migrate())
        server.template = urlsplit(url).path.strip("/")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'wanggui.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("FRESH_S", 0.3), ("STALLED_S", 1.5), ("SETTLE_S", 0.5)):
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(module, "BEAT_S", 0.1)


@dataclass
class Replica:
    """One process's inbox, and what it has been handed."""

    database: Database
    inbox: SqlInbox
    taken: list[Taken] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return [one.update_id for one in self.taken]

    def finish(self, *numbers: int, sent: tuple[int, ...] = ()) -> None:
        for number in numbers:
            self.inbox.done(number, sent)

    async def die(self) -> None:
        """As SIGKILL: nothing is written any more."""
        assert self.inbox._task
        self.inbox._task.cancel()
        await asyncio.gather(self.inbox._task, return_exceptions=True)
        if self.inbox._listening:
            await self.inbox._listening.close()
        await self.inbox._let_go()

    async def stall(self) -> None:
        """As a process that gets no time to run: its session lives, its mark grows old."""
        assert self.inbox._task
        self.inbox._task.cancel()
        await asyncio.gather(self.inbox._task, return_exceptions=True)


@asynccontextmanager
async def replica(url: str, *, capacity: int | None = None) -> AsyncIterator[Replica]:
    async with await Database.open(url) as database:
        one = Replica(database, await database.open_inbox(capacity=capacity))
        one.inbox.start(one.taken.append)
        yield one
        assert one.inbox._task
        if not one.inbox._task.done():
            await one.inbox.close()


@pytest_asyncio.fixture
async def one(url: str) -> AsyncIterator[Replica]:
    async with replica(url) as single:
        yield single


def update(number: int, lane: str = "chat1", raw: bytes = b"{}") -> Arrived:
    return Arrived(number, lane, raw)


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.005)


async def waiting(one: Replica, count: int) -> None:
    async def deep() -> int:
        return (await one.database.depth()).waiting

    async with asyncio.timeout(15):
        while await deep() != count:
            await asyncio.sleep(0.01)


async def test_what_is_stored_is_handed_on_as_it_came(one: Replica) -> None:
    raw = '{"update_id":7,"text":"\\u0000 \\ud800 网规"}'.encode()
    await one.inbox.store([update(7, raw=raw)])
    await eventually(lambda: one.taken)
    assert one.taken == [Taken(7, "chat1", raw)]
    assert (await one.database.depth()).waiting == 1
    one.finish(7)
    await waiting(one, 0)


async def test_order_within_a_lane_is_kept(one: Replica) -> None:
    for number in range(1, 60):
        await one.inbox.store([update(number, f"chat{number % 3}")])
        one.finish(*one.numbers)
    await eventually(lambda: len(one.taken) == 59)
    for lane in range(3):
        numbers = [taken.update_id for taken in one.taken if taken.lane == f"chat{lane}"]
        assert numbers == sorted(numbers)
        assert len(numbers) > 18


async def test_many_at_once_share_a_transaction(one: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions: list[object] = []
    run = one.inbox._transactions.run

    async def counted(work: Callable[..., object]) -> object:
        transactions.append(work)
        return await run(work)

    monkeypatch.setattr(one.inbox._transactions, "run", counted)
    await asyncio.gather(*(one.inbox.store([update(number, f"chat{number}")]) for number in range(50)))
    assert len(transactions) <= 5


async def test_the_same_update_is_taken_once_whether_it_waits_or_is_done(one: Replica, url: str) -> None:
    await one.inbox.store([update(7)])
    await one.inbox.store([update(7), update(8)])
    await eventually(lambda: one.numbers == [7, 8])
    one.finish(7, 8)
    await waiting(one, 0)
    await one.inbox.store([update(7), update(9)])
    await eventually(lambda: one.numbers == [7, 8, 9])
    await one.inbox.close()
    async with replica(url) as next_start:
        await next_start.inbox.store([update(8), update(10)])
        await eventually(lambda: 10 in next_start.numbers)
        assert sorted(next_start.numbers) == [9, 10]


async def test_what_is_done_leaves_no_words(one: Replica, url: str, tmp_path: Path) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("a look into the file")
    await one.inbox.store([update(7, raw="机密的话".encode())])
    await eventually(lambda: one.taken)
    one.finish(7)
    await waiting(one, 0)
    await one.inbox.close()
    with closing(sqlite3.connect(tmp_path / "wanggui.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert connection.execute("SELECT raw, lane, sent FROM inbox").fetchall() == [(None, "", None)]
    assert "机密的话".encode() not in (tmp_path / "wanggui.db").read_bytes()


async def test_what_was_in_hand_at_a_crash_comes_again_and_is_said_to(url: str) -> None:
    async with replica(url) as first:
        await first.inbox.store([update(7), update(8), update(9), update(10, "chat2")])
        await eventually(lambda: len(first.taken) == 4)
        first.finish(7, sent=(41, 42))
        await waiting(first, 3)
        await first.die()
        async with replica(url) as second:
            await eventually(lambda: len(second.taken) == 3)
    assert [(one.update_id, one.again, one.ours) for one in second.taken] == [
        (8, True, {41, 42}),
        (9, True, {41, 42}),
        (10, True, frozenset()),
    ]


async def test_what_a_stop_leaves_comes_again_at_once(url: str) -> None:
    async with replica(url) as first:
        await first.inbox.store([update(7), update(8)])
        await eventually(lambda: len(first.taken) == 2)
        await first.inbox.close(begun={7})
    async with replica(url) as second:
        await eventually(lambda: len(second.taken) == 2)
    assert [(one.update_id, one.again) for one in second.taken] == [(7, True), (8, False)]


async def test_what_cannot_be_read_is_set_aside_and_does_not_come_again(one: Replica, url: str) -> None:
    await one.inbox.store([update(7, raw=b"\xff\x00{"), update(8)])
    await eventually(lambda: len(one.taken) == 2)
    one.inbox.quarantine(7, "ValueError")
    one.finish(8)
    await waiting(one, 0)
    assert (await one.database.depth()).quarantined == 1
    await one.inbox.close()
    async with replica(url) as again:
        await again.inbox.store([update(9)])
        await eventually(lambda: again.taken)
        assert again.numbers == [9]


async def test_what_was_in_hand_at_every_crash_is_set_aside(url: str) -> None:
    async with replica(url) as first:
        await first.inbox.store([update(7)])
        await eventually(lambda: first.taken)
        await first.die()
    for _ in range(MOST_ATTEMPTS - 1):
        async with replica(url) as again:
            await eventually(lambda again=again: again.taken)  # type: ignore[misc]
            await again.die()
    async with replica(url) as last:
        await last.inbox.store([update(8)])
        await eventually(lambda: last.taken)
        assert last.numbers == [8]
        assert (await last.database.depth()).quarantined == 1


async def test_an_outage_is_told_and_what_was_done_meanwhile_is_marked_later(
    one: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one.inbox.store([update(7)])
    await eventually(lambda: one.taken)
    run = one.inbox._transactions.run

    async def fails(work: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(one.inbox._transactions, "run", fails)
    with pytest.raises(StorageError, match="full"):
        await one.inbox.store([update(8)])
    one.finish(7)
    await eventually(lambda: one.inbox.problem == "the disk is full")
    monkeypatch.setattr(one.inbox._transactions, "run", run)
    await one.inbox.store([update(8)])
    assert one.inbox.problem is None
    await eventually(lambda: one.numbers == [7, 8])
    await waiting(one, 1)


async def test_erasing_a_chat_takes_its_number_out_of_what_is_done(one: Replica) -> None:
    await one.inbox.store([update(7, f"chat{GROUP}"), update(8, f"chat{GROUP}")])
    await eventually(lambda: len(one.taken) == 2)
    one.finish(7, sent=(5,))
    one.inbox.quarantine(8, "KeyError")
    await waiting(one, 0)
    await one.database.erase_chat(GROUP)
    assert (await one.database.depth()).quarantined == 0
    await one.inbox.store([update(7)])
    await waiting(one, 0)


async def test_a_second_bot_on_the_same_file_is_refused(
    one: Replica, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL takes several")
    monkeypatch.setattr(module, "_LOCK_S", 0.05)
    async with await Database.open(url) as database:
        with pytest.raises(StorageError, match="PostgreSQL"):
            await database.open_inbox()


# Several replicas.


@pytest.fixture
def shared(postgres: Postgres) -> str:
    return postgres.fresh()


async def test_replicas_divide_the_lanes_and_a_lane_stays_together(shared: str) -> None:
    async with replica(shared, capacity=4) as first, replica(shared, capacity=4) as second:
        await first.inbox.store([update(number, f"chat{number % 12}") for number in range(36)])
        for _ in range(300):
            for one in (first, second):
                one.finish(*one.numbers)
            await asyncio.sleep(0.005)
            if len(first.taken) + len(second.taken) == 36:
                break
        assert sorted(first.numbers + second.numbers) == list(range(36))
        assert len(first.taken) > 3
        assert len(second.taken) > 3


async def test_a_lane_that_another_has_in_hand_waits_for_it(shared: str) -> None:
    async with replica(shared) as first, replica(shared) as second:
        await first.inbox.store([update(7)])
        await eventually(lambda: first.taken)
        await second.inbox.store([update(8), update(9, "chat2")])
        await eventually(lambda: second.taken)
        assert (first.numbers, second.numbers) == ([7], [9])
        first.finish(7)
        await eventually(lambda: 8 in first.numbers + second.numbers)


async def test_one_busy_chat_leaves_room_for_the_others(shared: str) -> None:
    async with replica(shared, capacity=MOST_OF_A_LANE + 2) as one:
        await one.inbox.store([update(number) for number in range(1, 100)])
        await eventually(lambda: len(one.taken) == MOST_OF_A_LANE)
        await one.inbox.store([update(200, "chat2")])
        await eventually(lambda: one.numbers[-1] == 200)
        assert len(one.taken) == MOST_OF_A_LANE + 1


async def test_what_a_dead_replica_had_is_taken_over_and_what_a_living_one_has_is_not(shared: str) -> None:
    async with replica(shared) as dying, replica(shared) as living, replica(shared) as heir:
        await dying.inbox.store([update(7), update(8)])
        await living.inbox.store([update(9, "chat2")])
        await eventually(lambda: len(dying.taken) == 2 and living.taken)
        await dying.die()
        await eventually(lambda: sorted(living.numbers + heir.numbers) == [7, 8, 9])
        assert living.numbers[0] == 9
        assert [one.again for one in [*living.taken, *heir.taken] if one.update_id < 9] == [True, True]


async def test_a_replica_that_is_out_of_breath_keeps_what_it_has_for_a_while(shared: str) -> None:
    async with replica(shared) as stalling, replica(shared) as heir:
        await stalling.inbox.store([update(7)])
        await eventually(lambda: stalling.taken)
        await stalling.stall()
        began = asyncio.get_running_loop().time()
        await eventually(lambda: heir.taken)
        assert asyncio.get_running_loop().time() - began > 1, "not while its session lives and its mark is not stale"
        assert heir.taken[0].again


async def test_a_start_is_no_outage_of_the_database(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with replica(shared) as dying:
        await dying.inbox.store([update(7)])
        await eventually(lambda: dying.taken)
        await dying.die()
    monkeypatch.setattr(module, "SETTLE_S", 0.1)  # PostgreSQL has been there for longer
    async with await Database.open(shared) as database:
        heir = await database.open_inbox()
        settled = heir.settled
        monkeypatch.setattr(module, "SETTLE_S", 86_400.0)  # it has only just begun
        assert (settled, heir.settled) == (True, False)
        await heir.close()


async def test_one_replica_polls_and_when_it_dies_another_does(shared: str) -> None:
    async with replica(shared) as first:
        await eventually(lambda: first.inbox.leads)
        async with replica(shared) as second:
            await eventually(lambda: second.inbox._healthy_since)
            await asyncio.sleep(0.3)  # several beats
            assert not second.inbox.leads
            await first.die()
            await eventually(lambda: second.inbox.leads)


async def test_what_arrives_while_nobody_listens_is_seen_at_the_next_beat(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replica(shared, capacity=1) as first, replica(shared) as second:
        assert second.inbox._listening
        monkeypatch.setattr(second.inbox._listening, "_heard", lambda: None)
        await first.inbox.store([update(7), update(8, "chat2")])
        await eventually(lambda: first.numbers == [7] and second.numbers == [8])

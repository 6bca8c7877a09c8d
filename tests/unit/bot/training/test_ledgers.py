"""One writer a session, and a log that several processes share; what a broken database does to votes and commands."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.errors import StorageError
from bot.storage.database import Database
from bot.training.ledgers import Extend, Gone, Header, Ledgers, Log
from bot.training.model import Refusal, SessionPlan, Step
from bot.training.session import advance, close, join, vote, voter_of
from knowledge.model import Regulation
from tests.factories import make_item

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
GROUP, TRAINER, ADA = -100200, 4711, 4712
PLAN = SessionPlan("x", (Step("item", item=make_item()), Step("board")), False, "everyone", ("红队", "蓝队"))


class Moody:
    """The log, which can be told to fail, to be slow, and which counts its transactions."""

    def __init__(self, kept: Log) -> None:
        self._kept, self.fails, self.writes = kept, 0, 0
        self.gate = asyncio.Event()
        self.gate.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    async def extend(self, session_id: int, after: int, edition: int, write: Extend) -> bool:
        await self.gate.wait()
        self.writes += 1
        if self.fails:
            self.fails -= 1
            raise StorageError("the disk is full")
        return await self._kept.extend(session_id, after, edition, write)


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{tmp_path / 'x.db'}") as opened:
        yield opened


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


async def opened(database: Database, conduct: Regulation) -> tuple[Ledgers, Moody, Header]:
    moody = Moody(database.training)
    ledgers = Ledgers(moody, conduct, sleep=no_pause)
    header = await ledgers.open(GROUP, 0, TRAINER, PLAN, NOON)
    assert header is not None
    return ledgers, moody, header


async def test_one_session_runs_in_a_chat_at_a_time(database: Database, conduct: Regulation) -> None:
    ledgers, _, header = await opened(database, conduct)
    assert await ledgers.open(GROUP, 0, TRAINER, PLAN, NOON) is None
    assert await ledgers.open(GROUP - 1, 0, TRAINER, PLAN, NOON) is not None
    await ledgers.do(header.id, lambda state: close(state, NOON))
    assert await ledgers.open(GROUP, 0, TRAINER, PLAN, NOON) is not None


async def test_a_room_that_votes_at_once_costs_few_writes_and_keeps_its_order(
    database: Database, conduct: Regulation
) -> None:
    ledgers, moody, header = await opened(database, conduct)
    await ledgers.state(header.id)
    moody.gate.clear()
    for number in range(300):
        ledgers.put(header.id, lambda state, number=number: vote(state, 0, f"v{number}", (1,), NOON))  # type: ignore[misc]
        if number == 0:
            await asyncio.sleep(0)
    moody.gate.set()
    await ledgers.settled(header.id)
    state = await ledgers.state(header.id)
    cast = state.rounds[0].votes
    assert sorted(cast, key=lambda voter: cast[voter].seq) == [f"v{number}" for number in range(300)]
    assert moody.writes <= 3


async def test_two_processes_write_into_one_session_and_see_the_same(database: Database, conduct: Regulation) -> None:
    first, _, header = await opened(database, conduct)
    second = Ledgers(database.training, conduct)
    for number in range(20):
        ledgers = (first, second)[number % 2]
        ledgers.put(header.id, lambda state, number=number: vote(state, 0, f"v{number}", (1,), NOON))  # type: ignore[misc]
    await asyncio.gather(first.settled(header.id), second.settled(header.id))
    cursor = (await first.state(header.id)).cursor
    moved = await asyncio.gather(
        *(one.do(header.id, lambda state: advance(state, cursor, NOON)) for one in (first, second))
    )
    assert sum(isinstance(one, Refusal) for one in moved) == 1
    states = [await one.state(header.id) for one in (first, second, Ledgers(database.training, conduct))]
    assert states[0] == states[1] == states[2]
    assert len(states[0].rounds[0].votes) == 20


async def test_votes_wait_for_a_database_that_fails_and_commands_are_told(
    database: Database, conduct: Regulation
) -> None:
    ledgers, moody, header = await opened(database, conduct)
    await ledgers.state(header.id)
    moody.fails = 2
    ledgers.put(header.id, lambda state: vote(state, 0, "v", (1,), NOON))
    with pytest.raises(StorageError):
        await ledgers.do(header.id, lambda state: advance(state, state.cursor, NOON))
    await ledgers.settled(header.id)
    state = await ledgers.state(header.id)
    assert set(state.rounds[0].votes) == {"v"}
    assert state.phase == "open"


async def test_a_session_that_is_erased_is_gone(database: Database, conduct: Regulation) -> None:
    ledgers, _, header = await opened(database, conduct)
    await ledgers.state(header.id)
    assert await database.erase_chat(GROUP) == 3  # the session and its first two events
    with pytest.raises(Gone):
        await ledgers.do(header.id, lambda state: close(state, NOON))
    assert await ledgers.snapshot(header.id) is None
    assert await ledgers.results(header.id) is None
    assert await ledgers.kept.header(header.id) is None


async def test_who_is_forgotten_leaves_every_process(database: Database, conduct: Regulation) -> None:
    ledgers, _, header = await opened(database, conduct)
    other = Ledgers(database.training, conduct)
    voter, another = voter_of(header.salt, ADA), voter_of(header.salt, TRAINER)
    for one in (voter, another):
        await ledgers.do(header.id, lambda state, one=one: join(state, one, 0, NOON))  # type: ignore[misc]
        await ledgers.do(header.id, lambda state, one=one: vote(state, 0, one, (1,), NOON))  # type: ignore[misc]
    await other.state(header.id)
    await database.training.agree(header.id, ADA, voter, "阿达", NOON + timedelta(days=7))
    assert await database.erase_person(ADA) == 3  # name, team, vote
    for each in (ledgers, other):
        await each.do(header.id, lambda state: join(state, "new", 1, NOON))
        state = await each.state(header.id)
        assert set(state.rounds[0].votes) == {another}
        assert voter not in state.teams
    assert await database.training.names(header.id) == {}


async def test_the_salt_and_the_trainer_go_with_the_end(database: Database, conduct: Regulation) -> None:
    ledgers, _, header = await opened(database, conduct)
    assert (header.trainer_id, len(header.salt)) == (TRAINER, 16)
    assert repr(header.salt) not in repr(header)
    await ledgers.do(header.id, lambda state: close(state, NOON))
    ended = await database.training.latest_in(GROUP)
    assert ended is not None
    assert (ended.closed_at, ended.salt, ended.trainer_id) == (NOON, b"", 0)


async def test_a_change_wakes_who_waits_and_silence_lets_them_look(database: Database, conduct: Regulation) -> None:
    ledgers, _, header = await opened(database, conduct)
    woken: list[int] = []

    async def wait() -> None:
        async for _ in ledgers.changes.of(header.id, look_s=60):
            woken.append((await ledgers.state(header.id)).seq)

    waiting = asyncio.create_task(wait())
    while not woken:
        await asyncio.sleep(0)
    await ledgers.do(header.id, lambda state: vote(state, 0, "v", (1,), NOON))
    while woken[-1] < 3:
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert len(ledgers.changes) == 0


async def test_a_poll_leads_to_its_session(database: Database, conduct: Regulation) -> None:
    from bot.training.session import note_posted

    ledgers, _, header = await opened(database, conduct)
    await ledgers.do(header.id, lambda state: note_posted(state, 0, "step", NOON, 5, "p1"))
    assert await database.training.session_of_poll("p1") == (header.id, 0)
    assert await database.training.session_of_poll("p2") is None


async def test_a_group_that_moves_takes_its_session_along(database: Database, conduct: Regulation) -> None:
    _, _, header = await opened(database, conduct)
    await database.migrate_chat(GROUP, -1_000_000_000_200)
    moved = await database.training.running_in(-1_000_000_000_200)
    assert moved is not None
    assert moved.id == header.id
    assert await database.training.running_in(GROUP) is None


async def test_retention_drops_names_then_sessions_and_ends_those_left_lying(
    database: Database, conduct: Regulation
) -> None:
    ledgers, _, header = await opened(database, conduct)
    await database.training.agree(header.id, ADA, "v", "阿达", NOON + timedelta(days=7))
    await database.sweep(NOON + timedelta(hours=23), 90)
    assert await database.training.running_in(GROUP) is not None
    await database.sweep(NOON + timedelta(hours=25), 90)
    assert await database.training.running_in(GROUP) is None
    assert await database.training.names(header.id) == {"v": "阿达"}
    results = await Ledgers(database.training, conduct).results(header.id)
    assert results is not None
    assert results.closed_at == NOON + timedelta(hours=25)
    await database.sweep(NOON + timedelta(days=8), 90)
    assert await database.training.names(header.id) == {}
    assert await database.training.header(header.id) is not None
    await database.sweep(NOON + timedelta(days=91), 90)
    assert await database.training.header(header.id) is None
    assert await ledgers.results(header.id) is None


async def test_consent_is_given_renamed_and_withdrawn(database: Database, conduct: Regulation) -> None:
    _, _, header = await opened(database, conduct)
    store, until = database.training, NOON + timedelta(days=7)
    await store.agree(header.id, ADA, "v", "阿达", until)
    await store.agree(header.id, ADA, "v", "阿达二", until)
    assert await store.names(header.id) == {"v": "阿达二"}
    assert await store.withdraw(header.id, ADA)
    assert not await store.withdraw(header.id, ADA)
    assert await store.names(header.id) == {}


async def test_somebody_else_leads_after_a_claim_and_nobody_after_the_trainer_is_forgotten(
    database: Database, conduct: Regulation
) -> None:
    _, _, header = await opened(database, conduct)
    await database.training.claim(header.id, ADA)
    claimed = await database.training.header(header.id)
    assert claimed is not None
    assert claimed.trainer_id == ADA
    assert await database.erase_person(ADA) == 1
    left = await database.training.header(header.id)
    assert left is not None
    assert left.trainer_id == 0

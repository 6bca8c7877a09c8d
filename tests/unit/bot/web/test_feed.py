"""What one session shows, encoded once: what a database that fails, a session that is gone and an end do to it."""

import asyncio
from typing import cast

from bot.errors import StorageError
from bot.training.changes import Changes
from bot.training.ledgers import Ledgers
from bot.training.model import Snapshot
from bot.web.feed import Feed
from prompts import load_replies
from tests.unit.bot.web.test_scenes import shown

PATIENCE_S = 20.0


class FakeLedgers:
    """Shows what it is told to, or fails."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.now: Snapshot | None = shown()
        self.fails = False
        self.looks = 0

    async def snapshot(self, session_id: int) -> Snapshot | None:
        self.looks += 1
        if self.fails:
            raise StorageError("the database does not answer")
        return self.now


def feed_of(ledgers: FakeLedgers) -> tuple[Feed, asyncio.Task[None]]:
    feed = Feed(7, cast(Ledgers, ledgers), load_replies(), lambda _: asyncio.sleep(0))
    return feed, asyncio.create_task(feed.run())


async def test_all_who_look_on_are_given_the_very_same_bytes() -> None:
    feed, task = feed_of(FakeLedgers())
    one, other = await feed.after(""), await feed.after("")
    assert one is not None
    assert one is other
    feed.end()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_while_the_database_fails_the_last_scene_stays_and_the_next_one_comes() -> None:
    ledgers = FakeLedgers()
    feed, task = feed_of(ledgers)
    before = await feed.after("")
    assert before is not None
    ledgers.fails, looks = True, ledgers.looks
    ledgers.changes.notify(7)
    async with asyncio.timeout(PATIENCE_S):
        while ledgers.looks == looks:
            await asyncio.sleep(0)
    assert await feed.after("") is before
    ledgers.fails, ledgers.now = False, shown("questions")
    ledgers.changes.notify(7)
    after = await asyncio.wait_for(feed.after(before.id), PATIENCE_S)
    assert after is not None
    assert b'"questions"' in after.event
    feed.end()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_a_session_that_is_gone_ends_its_feed_for_all_who_wait() -> None:
    ledgers = FakeLedgers()
    feed, task = feed_of(ledgers)
    frame = await feed.after("")
    assert frame is not None
    waiting = asyncio.create_task(feed.after(frame.id))
    ledgers.now = None
    ledgers.changes.notify(7)
    assert await asyncio.wait_for(waiting, PATIENCE_S) is None
    await asyncio.wait_for(task, PATIENCE_S)
    assert len(ledgers.changes) == 0

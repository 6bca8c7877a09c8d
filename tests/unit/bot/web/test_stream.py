"""One viewer's stream: signs of life, frames skipped by who lags, and an end for who is stuck, gone or out of time."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from starlette.types import Message

from bot.web.feed import Feed, Frame
from bot.web.stream import Stream

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
PATIENCE_S = 20.0


class FakeFeed:
    """Frames as they are put in."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.over = False
        self._told = asyncio.Event()

    def put(self, mark: str) -> None:
        self.frame = Frame(mark, f"id: {mark}\n\n".encode())
        self._told.set()

    def end(self) -> None:
        self.over = True
        self._told.set()

    async def after(self, known: str) -> Frame | None:
        while not self.over and (self.frame is None or self.frame.id == known):
            self._told.clear()
            await self._told.wait()
        return None if self.over else self.frame


class Viewer:
    """The other end: takes what is sent, for as long as it is let."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended = False
        self.reads = asyncio.Event()
        self.reads.set()
        self.left = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.body":
            self.heard.append(message["body"])
            self.ended = not message["more_body"]

    async def hears(self, fits: Callable[[list[bytes]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not fits(self.heard):
                await asyncio.sleep(0)


def watching(feed: FakeFeed, viewer: Viewer, *, known: str = "", lasts: float = 3600.0) -> asyncio.Task[None]:
    stream = Stream(cast(Feed, feed), [], known, NOON + timedelta(seconds=lasts), lambda: NOON)
    return asyncio.create_task(stream({"type": "http"}, viewer.receive, viewer.send))


async def test_a_viewer_hears_the_time_and_then_the_scene() -> None:
    feed, viewer = FakeFeed(), Viewer()
    feed.put("one")
    task = watching(feed, viewer)
    await viewer.hears(lambda heard: len(heard) == 2)
    assert viewer.heard == [b"retry: 1500\n\nevent: clock\ndata: 1795320000000\n\n", b"id: one\n\n"]
    feed.end()
    await task
    assert viewer.ended


async def test_who_lags_skips_what_came_meanwhile() -> None:
    feed, viewer = FakeFeed(), Viewer()
    feed.put("one")
    task = watching(feed, viewer)
    await viewer.hears(lambda heard: len(heard) == 2)
    viewer.reads.clear()
    feed.put("two")
    await asyncio.sleep(0)
    for mark in ("three", "four", "five"):
        feed.put(mark)
        await asyncio.sleep(0)
    viewer.reads.set()
    await viewer.hears(lambda heard: heard[-1] == b"id: five\n\n")
    assert viewer.heard[2:] in ([b"id: two\n\n", b"id: five\n\n"], [b"id: five\n\n"])
    feed.end()
    await task


async def test_who_is_stuck_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.stream.SLOW_S", 0.01)
    feed, viewer = FakeFeed(), Viewer()
    feed.put("one")
    task = watching(feed, viewer)
    await viewer.hears(lambda heard: len(heard) == 2)
    viewer.reads.clear()
    feed.put("two")
    await asyncio.wait_for(task, PATIENCE_S)
    assert not viewer.ended


async def test_who_has_left_is_waited_for_no_longer() -> None:
    feed, viewer = FakeFeed(), Viewer()
    task = watching(feed, viewer)
    await viewer.hears(lambda heard: len(heard) == 1)
    viewer.left.set()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_nothing_new_is_a_sign_of_life_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.stream.BEAT_S", 0.001)
    feed, viewer = FakeFeed(), Viewer()
    feed.put("one")
    task = watching(feed, viewer, known="one")
    await viewer.hears(lambda heard: len(heard) == 4)
    assert set(viewer.heard[1:]) == {b"event: clock\ndata: 1795320000000\n\n"}
    feed.end()
    await task


async def test_a_link_that_runs_out_ends_the_stream_in_good_order() -> None:
    feed, viewer = FakeFeed(), Viewer()
    feed.put("one")
    await asyncio.wait_for(watching(feed, viewer, lasts=0.01), PATIENCE_S)
    assert viewer.ended

"""From Telegram to the inbox: what is stored, under which lane, and what happens where it cannot be stored."""

import asyncio
import json
from collections.abc import Collection
from typing import Any

import pytest

from bot.errors import StorageError
from bot.storage.inbox import Depth
from bot.telegram import post as module
from bot.telegram.metering import Meter
from bot.telegram.post import MOST_WAITING, Post, lane_of
from bot.telegram.rawbot import Raw
from tests.fakes import MemoryInbox

CHAT: dict[str, Any] = {"id": -100200, "type": "supergroup"}
LI: dict[str, Any] = {"id": 1001, "is_bot": False}


class Desk:
    """A post whose updates wait until `finish`."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        self.post = Post(self.inbox, Meter())
        self.room = True
        self.accepted: list[tuple[Raw, int]] = []
        self.post.start(self.accept, lambda: self.room)

    def accept(self, raw: Raw, number: int, /, *, again: bool = False, ours: Collection[int] = ()) -> None:
        self.accepted.append((raw, number))


@pytest.mark.parametrize(
    ("raw", "lane"),
    [
        ({"update_id": 7, "message": {"chat": CHAT, "from": LI}}, "chat-100200"),
        ({"update_id": 7, "edited_message": {"chat": CHAT}}, "chat-100200"),
        ({"update_id": 7, "my_chat_member": {"chat": CHAT, "from": LI}}, "chat-100200"),
        ({"update_id": 7, "callback_query": {"from": LI, "message": {"chat": CHAT}}}, "press-100200:1001"),
        ({"update_id": 7, "callback_query": {"from": LI, "inline_message_id": "x"}}, "press0:1001"),
        ({"update_id": 7, "inline_query": {"from": LI, "query": "x"}}, "inline1001"),
        ({"update_id": 7, "poll_answer": {"poll_id": "1"}}, "update7"),
        ({"update_id": 7, "message": {"chat": {"id": "x"}}}, "update7"),
        ({"update_id": 7, "message": {"chat": {"id": 1 << 80}}}, "update7"),
        ({"update_id": 7, "message": [1]}, "update7"),
        ({"update_id": 7}, "update7"),
    ],
)
def test_what_belongs_together_shares_a_lane(raw: Raw, lane: str) -> None:
    assert lane_of(raw, 7) == lane


async def test_an_update_is_kept_as_it_is_whatever_stands_in_it() -> None:
    desk = Desk()
    raw = {"update_id": 7, "message": {"chat": CHAT, "text": "零\u0000 孤\ud800 长" + "长" * 300_000}}
    await desk.post.take([raw])
    assert desk.accepted == [(raw, 7)]
    assert json.loads(desk.inbox.stored[0].raw) == raw


@pytest.mark.parametrize("number", [None, "7", True, -1, 1 << 70, 1.5])
async def test_what_has_no_number_is_set_aside_under_one_of_its_own(number: object) -> None:
    desk = Desk()
    await desk.post.take([{"update_id": number, "x": {}}, {"update_id": 8, "x": {}}])
    first, second = (one.update_id for one in desk.inbox.stored)
    assert first < 0
    assert second == 8


async def test_what_is_no_json_after_all_is_set_aside() -> None:
    desk = Desk()
    await desk.post.take([{"update_id": 7}], b"[" * 100_000)
    assert desk.accepted == []
    assert set(desk.inbox.quarantined) == {7}


async def test_what_cannot_be_stored_is_answered_before_telegram_forgets_it() -> None:
    desk = Desk()
    desk.inbox.fails = StorageError("the disk is full")
    updates = [{"update_id": number, "message": {"chat": CHAT}} for number in (7, 8)]
    first = asyncio.create_task(desk.post.take(updates))
    second = asyncio.create_task(desk.post.take(updates))  # as Telegram repeats them
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [number for _, number in desk.accepted] == [7, 8]
    assert desk.post.unstored == {7, 8}
    desk.post.done(7)
    desk.post.quarantine(8, "KeyError")
    await asyncio.gather(first, second)
    assert desk.post.unstored == set()


async def test_what_is_neither_stored_nor_answered_stays_with_telegram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNSTORED_S", 0.01)
    desk = Desk()
    desk.inbox.fails = StorageError("the disk is full")
    with pytest.raises(StorageError):
        await desk.post.take([{"update_id": 7}])
    assert desk.post.unstored == {7}


def test_no_more_is_taken_without_room() -> None:
    desk = Desk()
    seen = [desk.post.full]
    desk.room = False
    seen.append(desk.post.full)
    desk.room = True
    desk.inbox.depth = Depth(MOST_WAITING, 1.0, 0)
    seen.append(desk.post.full)
    assert seen == [False, True, True]

"""Order within a chat, company across chats."""

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from telegram import CallbackQuery, InlineQuery, Poll, PollAnswer, Update, User

from bot.telegram.lanes import Lanes, lane_of
from tests.factories import PERSON, make_message


class Work:
    """Pieces of work that end when they are told to; `done` are their names in the order in which they ended."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}

    def piece(self, name: str) -> Any:
        self._gates[name] = asyncio.Event()
        return partial(self._run, name)

    def finish(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()

    async def _run(self, name: str) -> None:
        self.begun.append(name)
        await self._gates[name].wait()
        self.done.append(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_chat_is_served_in_order_and_another_beside_it() -> None:
    lanes, work = Lanes(), Work()
    for name in ("a1", "a2", "b1"):
        assert lanes.put(name[0], work.piece(name))
    await settle()
    assert work.begun == ["a1", "b1"]
    work.finish("a2", "b1")
    await settle()
    assert work.done == ["b1"]
    work.finish("a1")
    assert await lanes.finish(5)
    assert work.done == ["b1", "a1", "a2"]
    assert len(lanes) == 0


async def test_three_hundred_waiting_chats_do_not_keep_another_waiting() -> None:
    lanes, work = Lanes(), Work()
    for number in range(300):
        lanes.put(number, work.piece(str(number)))
    lanes.put("bystander", work.piece("bystander"))
    work.finish("bystander")
    await settle()
    assert work.done == ["bystander"]
    assert not await lanes.finish(0)


async def test_a_failure_does_not_stop_its_lane(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("told to fail")

    lanes, work = Lanes(), Work()
    with caplog.at_level(logging.ERROR):
        lanes.put("a", fails)
        lanes.put("a", work.piece("a2"))
        work.finish("a2")
        assert await lanes.finish(5)
    assert work.done == ["a2"]
    assert [record.message for record in caplog.records] == ["an update failed"]


async def test_a_full_lane_says_so_once_until_it_is_empty_again() -> None:
    lanes, work = Lanes(most_waiting=2), Work()
    regret = work.piece("regret")
    taken = [lanes.put("a", work.piece(f"a{number}"), otherwise=regret) for number in range(5)]
    assert taken == [True, True, False, False, False]
    work.finish("a0", "a1", "regret")
    assert await lanes.finish(5)
    assert work.done == ["a0", "a1", "regret"]
    assert lanes.put("a", work.piece("later"))
    work.finish("later")
    assert await lanes.finish(5)


async def test_a_lane_that_may_hold_more_holds_more() -> None:
    lanes, work = Lanes(most_waiting=2), Work()
    names = [f"vote{number}" for number in range(9)]
    assert all(lanes.put("poll", work.piece(name), most=9) for name in names)
    assert not lanes.put("poll", work.piece("one too many"), most=9)
    work.finish(*names)
    assert await lanes.finish(5)
    assert work.done == names


async def test_who_waits_for_a_lane_waits_for_what_was_in_it_before() -> None:
    lanes, work = Lanes(), Work()
    await lanes.catch_up("a")  # nothing is in it
    lanes.put("a", work.piece("a1"))
    waiting = asyncio.create_task(lanes.catch_up("a"))
    await settle()
    lanes.put("a", work.piece("a2"))
    assert not waiting.done()
    work.finish("a1")
    await waiting
    assert work.done == ["a1"]
    work.finish("a2")
    assert await lanes.finish(5)


async def test_what_takes_too_long_is_cancelled_at_the_end() -> None:
    lanes, work = Lanes(), Work()
    lanes.put("a", work.piece("a1"))
    lanes.put("a", work.piece("a2"))
    await settle()
    assert await lanes.finish(0.01) is False
    assert (work.begun, work.done, len(lanes)) == (["a1"], [], 0)


def test_messages_of_a_chat_share_a_lane_and_edits_stay_behind_them() -> None:
    message = make_message("能翻墙吗", group=True)
    first, edited = Update(1, message=message), Update(2, edited_message=message)
    assert lane_of(first) == lane_of(edited) == message.chat_id
    assert lane_of(Update(3, message=make_message("能翻墙吗"))) != lane_of(first)


def test_buttons_do_not_wait_behind_questions() -> None:
    message = make_message("第十四条", group=True)
    press = Update(1, callback_query=CallbackQuery("1", PERSON, "x", message=message))
    other = Update(2, callback_query=CallbackQuery("2", User(1002, "老王", is_bot=False), "x", message=message))
    assert len({lane_of(press), lane_of(other), message.chat_id}) == 3


def test_inline_queries_of_a_person_stay_in_order() -> None:
    query = Update(1, inline_query=InlineQuery("1", PERSON, "直播", ""))
    assert lane_of(query) == ("inline", PERSON.id)


def test_votes_of_a_poll_stay_in_order_with_its_end() -> None:
    vote = Update(1, poll_answer=PollAnswer("p1", (1,), PERSON, option_persistent_ids=("1",)))
    end = Update(
        2, poll=Poll("p1", "对吗", (), 1, True, False, "quiz", False, allows_revoting=False, members_only=False)
    )
    assert (
        lane_of(vote)
        == lane_of(end)
        != lane_of(Update(3, poll_answer=PollAnswer("p2", (1,), PERSON, option_persistent_ids=("1",))))
    )

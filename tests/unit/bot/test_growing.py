"""How a growing answer is shown: the first at once, then seldom, always the newest, never after the last word."""

import asyncio
from typing import cast

import pytest
from telegram import Message

from bot.telegram import growing as module
from bot.telegram.delivery import Delivery
from bot.telegram.growing import EVERY_S, FIRST_S, Growing
from bot.telegram.outgoing import Outgoing
from tests.factories import make_message
from tests.fakes import FakeClock


class FakeDelivery:
    """Notes what it is told, in order; `gate` lets a call come to its end."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def draft(self, message: Message, outgoing: Outgoing) -> None:
        self.told.append(("draft", outgoing.html))
        await self.gate.wait()

    async def reply_in_passing(self, message: Message, outgoing: Outgoing) -> int | None:
        self.told.append(("reply", outgoing.html))
        await self.gate.wait()
        return 77

    async def edit_in_passing(self, chat_id: int, message_id: int, outgoing: Outgoing) -> None:
        self.told.append((f"edit {message_id}", outgoing.html))
        await self.gate.wait()


def growing(delivery: FakeDelivery, clock: FakeClock, *, group: bool, replacing: int | None = None) -> Growing:
    message = make_message("能翻墙吗", group=group)
    return Growing(cast(Delivery, delivery), message, replacing=replacing, clock=clock, sleep=clock.sleep)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.now = 100.0
    return clock


async def test_a_group_sees_the_first_at_once_and_an_edit_every_few_seconds(clock: FakeClock) -> None:
    delivery = FakeDelivery()
    shown = growing(delivery, clock, group=True)
    for words in ("一", "一二", "一二三"):
        shown.show(Outgoing(words))
        await turns()
    assert delivery.told == [("reply", "一"), ("edit 77", "一二"), ("edit 77", "一二三")]
    assert clock.slept == [FIRST_S, EVERY_S, EVERY_S]
    assert await shown.settle() == 77


async def test_of_what_comes_while_a_call_is_under_way_only_the_newest_is_shown(clock: FakeClock) -> None:
    delivery = FakeDelivery()
    shown = growing(delivery, clock, group=False)
    delivery.gate.clear()
    for words in ("一", "一二", "一二三"):
        shown.show(Outgoing(words))
        await turns()
    delivery.gate.set()
    await turns()
    assert delivery.told == [("draft", "一"), ("draft", "一二三")]
    assert clock.slept == [FIRST_S]
    assert await shown.settle() is None


async def test_an_answer_that_is_whole_in_a_moment_is_not_shown_in_pieces() -> None:
    for group in (True, False):
        delivery = FakeDelivery()
        shown = Growing(cast(Delivery, delivery), make_message("能翻墙吗", group=group))
        shown.show(Outgoing("一"))
        await turns()
        assert await shown.settle() is None
        assert delivery.told == []


async def test_an_answer_that_is_replaced_is_edited_in_private_too(clock: FakeClock) -> None:
    delivery = FakeDelivery()
    shown = growing(delivery, clock, group=False, replacing=5)
    shown.show(Outgoing("一"))
    await turns()
    assert delivery.told == [("edit 5", "一")]
    assert await shown.settle() == 5


async def test_what_waits_is_dropped_by_the_last_word(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_S", 0)
    delivery = FakeDelivery()
    shown = Growing(cast(Delivery, delivery), make_message("能翻墙吗", group=True), clock=clock)
    shown.show(Outgoing("一"))
    await turns()
    shown.show(Outgoing("一二"))
    await turns()
    assert await shown.settle() == 77
    assert delivery.told == [("reply", "一")]


async def test_the_last_word_waits_for_the_id_of_the_first_message(clock: FakeClock) -> None:
    delivery = FakeDelivery()
    shown = growing(delivery, clock, group=True)
    delivery.gate.clear()
    shown.show(Outgoing("一"))
    await turns()
    settling = asyncio.create_task(shown.settle())
    await turns()
    assert not settling.done()
    delivery.gate.set()
    assert await settling == 77


async def test_where_nothing_was_shown_the_last_word_is_sent(clock: FakeClock) -> None:
    assert await growing(FakeDelivery(), clock, group=True).settle() is None

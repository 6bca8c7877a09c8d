"""Questions that wait for the group to answer them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.telegram.waiting import MOST_IN_A_PLACE, Place, Waiting

HERE: Place = (-100, None)
THERE: Place = (-100, 7)


class Night:
    """A sleep that lasts until morning is called."""

    def __init__(self) -> None:
        self.morning, self.asked = asyncio.Event(), list[float]()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self.morning.wait()


async def asleep(waiting: Waiting, night: Night) -> None:
    """Let every waiting question go to sleep."""
    while len(night.asked) < len(waiting):
        await asyncio.sleep(0)


async def awake(waiting: Waiting, night: Night) -> None:
    """Let the time be over, and everything that follows happen."""
    night.morning.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(waiting) == 0


def waiting_for(answered: list[int], waiting: Waiting, place: Place, message_id: int, person_id: int = 1) -> None:
    async def then() -> None:
        answered.append(message_id)

    waiting.expect(place, message_id, person_id, 600, then)


async def test_a_question_that_nobody_answers_is_answered_once() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    waiting_for(answered, waiting, HERE, 5)
    waiting_for(answered, waiting, HERE, 5)
    await asleep(waiting, night)
    assert (night.asked, answered) == ([600], [])
    await awake(waiting, night)
    assert answered == [5]


async def test_somebody_elses_words_in_the_same_place_are_an_answer() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    waiting_for(answered, waiting, HERE, 5)
    waiting_for(answered, waiting, THERE, 6)
    waiting_for(answered, waiting, HERE, 7, person_id=2)
    await asleep(waiting, night)
    waiting.heard(HERE, 2)
    await awake(waiting, night)
    assert sorted(answered) == [6, 7]


async def test_a_question_that_is_settled_is_not_answered() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    waiting_for(answered, waiting, HERE, 5)
    waiting.settle(HERE, 5)
    waiting.settle(HERE, 99)
    await awake(waiting, night)
    assert answered == []


async def test_only_a_few_wait_in_one_place() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    for message_id in range(MOST_IN_A_PLACE + 3):
        waiting_for(answered, waiting, HERE, message_id)
    assert len(waiting) == MOST_IN_A_PLACE
    await waiting.close()


async def test_closing_gives_up_on_all() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    waiting_for(answered, waiting, HERE, 5)
    await asleep(waiting, night)
    await waiting.close()
    await awake(waiting, night)
    assert answered == []


async def test_a_failing_answer_harms_no_other() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)

    async def fail() -> None:
        raise RuntimeError

    waiting.expect(HERE, 4, 1, 600, fail)
    waiting_for(answered, waiting, HERE, 5)
    await asleep(waiting, night)
    await awake(waiting, night)
    assert answered == [5]


async def test_a_person_who_wishes_to_be_forgotten_waits_for_nothing() -> None:
    night, answered = Night(), list[int]()
    waiting = Waiting(night.sleep)
    waiting_for(answered, waiting, HERE, 5)
    waiting_for(answered, waiting, THERE, 6)
    waiting_for(answered, waiting, HERE, 7, person_id=2)
    await asleep(waiting, night)
    waiting.forget(1)
    await awake(waiting, night)
    assert answered == [7]


@pytest.mark.parametrize("by_chat", [True, False])
async def test_what_is_being_answered_is_given_up_where_it_is_to_be_forgotten(by_chat: bool) -> None:
    night, kept, found = Night(), list[int](), asyncio.Event()
    waiting = Waiting(night.sleep)

    def answering(message_id: int) -> Callable[[], Awaitable[None]]:
        async def then() -> None:
            await found.wait()
            kept.append(message_id)

        return then

    waiting.expect(HERE, 5, 1, 600, answering(5))
    waiting.expect((-200, None), 6, 2, 600, answering(6))
    await asleep(waiting, night)
    await awake(waiting, night)
    if by_chat:
        waiting.forget_chat(HERE[0])
    else:
        waiting.forget(1)
    found.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert kept == [6]

"""Same question: no second call, not even while the first is under way."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bot.answering.generation.cache import DraftCache, key_of


class Work:
    """Work that goes on step by step when it is let; counts how often it was begun."""

    def __init__(self, *steps: str, error: Exception | None = None) -> None:
        self.begun, self.called_off = 0, 0
        self.go_on = asyncio.Event()
        self._steps, self._error = steps, error

    async def __call__(self) -> AsyncIterator[str]:
        self.begun += 1
        try:
            for step in self._steps:
                yield step
                await self.go_on.wait()
            if self._error:
                raise self._error
        except asyncio.CancelledError:
            self.called_off += 1
            raise


def always(_: str) -> bool:
    return True


async def steps(
    cache: DraftCache[str], key: str, work: Callable[[], AsyncIterator[str]], keeps: Callable[[str], bool] = always
) -> list[str]:
    return [step async for step in cache.follow(key, work, keeps=keeps)]


async def test_the_second_gets_the_last_step_of_the_first_without_any_work() -> None:
    cache, work = DraftCache[str](), Work("a", "ab")
    work.go_on.set()
    assert await steps(cache, "k", work) == ["a", "ab"]
    assert await steps(cache, "k", work) == ["ab"]
    assert (work.begun, cache.hits, cache.misses, cache.hit_rate) == (1, 1, 1, 0.5)


async def test_twins_follow_the_same_work_from_its_first_step() -> None:
    cache, work = DraftCache[str](), Work("a", "ab")
    first = asyncio.create_task(steps(cache, "k", work))
    while not work.begun:
        await asyncio.sleep(0)
    second = asyncio.create_task(steps(cache, "k", work))
    await asyncio.sleep(0)
    work.go_on.set()
    assert [await first, await second] == [["a", "ab"], ["a", "ab"]]
    assert (work.begun, cache.hits, cache.misses) == (1, 1, 1)


async def test_one_who_leaves_does_not_take_the_work_from_the_other() -> None:
    cache, work = DraftCache[str](), Work("a", "ab")
    first, second = (asyncio.create_task(steps(cache, "k", work)) for _ in range(2))
    while not work.begun:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go_on.set()
    assert await second == ["a", "ab"]
    assert work.called_off == 0


async def test_work_that_nobody_follows_is_called_off_and_begun_anew_for_the_next() -> None:
    cache, work = DraftCache[str](), Work("a")
    task = asyncio.create_task(steps(cache, "k", work))
    while not work.begun:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    work.go_on.set()
    assert await steps(cache, "k", work) == ["a"]
    assert work.begun == 2


async def test_a_failure_reaches_all_who_follow_and_is_not_kept() -> None:
    cache, work = DraftCache[str](), Work("a", error=ValueError("x"))
    work.go_on.set()
    results = await asyncio.gather(*(steps(cache, "k", work) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="x"):
        await steps(cache, "k", work)
    assert work.begun == 2


async def test_what_is_not_worth_keeping_is_not_kept() -> None:
    cache, work = DraftCache[str](), Work("a")
    work.go_on.set()
    for _ in range(2):
        assert await steps(cache, "k", work, lambda _: False) == ["a"]
    assert work.begun == 2


async def test_the_least_recently_used_goes_first() -> None:
    cache, work = DraftCache[str](size=2), Work("a")
    work.go_on.set()
    for key in ("1", "2", "1", "3", "1", "2"):
        await steps(cache, key, work)
    assert (work.begun, cache.hits) == (4, 2)


def test_a_key_tells_its_parts_apart_and_shows_none_of_them() -> None:
    assert key_of("能翻墙吗", "a") != key_of("能翻墙", "吗a")
    assert key_of("a", "b") == key_of("a", "b")
    assert set(key_of("\ud83d能翻墙吗")) <= set("0123456789abcdef")

"""Same question, same evidence, same prompts, same model: no second call.

Whoever asks while the first is still being answered follows the same stream. What lies in the cache is a grounded
verdict, under a digest: no question, no name, no chat can be read from it.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


def key_of(*parts: str) -> str:
    """A digest of the parts in their order."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


class _Shared(Generic[T]):
    """One piece of work that several follow: each sees every step from the first. `ended` gets the last, or None."""

    def __init__(self, steps: AsyncIterator[T], ended: "Callable[[_Shared[T], T | None], None]") -> None:
        self.seen: list[T] = []
        self.followers = 0
        self._changed, self._ended = asyncio.Event(), ended
        self.task = asyncio.create_task(self._run(steps))
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # heard, though all have left

    async def _run(self, steps: AsyncIterator[T]) -> None:
        last = None
        try:
            async for step in steps:
                self.seen.append(step)
                self._wake()
            last = self.seen[-1] if self.seen else None
        finally:
            self._ended(self, last)
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self) -> AsyncGenerator[T]:
        place = 0
        self.followers += 1
        try:
            while True:
                while place < len(self.seen):
                    place += 1
                    yield self.seen[place - 1]
                if self.task.done():
                    self.task.result()
                    return
                await self._changed.wait()
        finally:
            self.followers -= 1


class DraftCache(Generic[T]):
    """The last results, least recently used out first; twins of work under way share it.

    `hits` counts what needed no call of its own, `misses` what did.
    """

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._running: dict[str, _Shared[T]] = {}
        self.hits = self.misses = 0

    @property
    def hit_rate(self) -> float:
        """The share of questions that needed no call; 0 where none was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0

    async def follow(
        self, key: str, begin: Callable[[], AsyncIterator[T]], *, keeps: Callable[[T], bool]
    ) -> AsyncGenerator[T]:
        """The steps of the work of that key, begun if need be; its last step is kept where `keeps` says so."""
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            yield self._kept[key]
            return
        shared = self._running.get(key)
        if shared is None:
            self.misses += 1
            shared = self._running[key] = _Shared(begin(), partial(self._settle, key, keeps))
        else:
            self.hits += 1
        follower = shared.follow()
        try:
            async for step in follower:
                yield step
        finally:
            await follower.aclose()
            if not shared.followers and not shared.task.done():
                self._forget(key, shared)  # before it ends, so that nobody joins what has been called off
                shared.task.cancel()

    def _forget(self, key: str, shared: _Shared[T]) -> None:
        if self._running.get(key) is shared:
            del self._running[key]

    def _settle(self, key: str, keeps: Callable[[T], bool], shared: _Shared[T], last: T | None) -> None:
        self._forget(key, shared)
        if last is None or not keeps(last):
            return
        self._kept[key] = last
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

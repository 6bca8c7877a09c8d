"""A chat model that can be relied on to end: time-outs, retries where they are safe, a circuit breaker, a queue.

A retry is safe until the first piece has come; after that a broken stream stays broken. Waiting in the queue and
between tries counts towards the whole time.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeVar

from bot.answering.generation.chatting import (
    ChatModel,
    Chunk,
    CircuitOpen,
    ModelError,
    Moderated,
    Overloaded,
    Prompt,
    RefusedKey,
    TimedOut,
    TooLong,
    Unreadable,
)

T = TypeVar("T")

_FIRST_WAIT_S: Final = 0.25
_BLAMELESS: Final = (Moderated, TooLong, Unreadable)
"""What says nothing of the endpoint's health."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how often, how many at once, and how much."""

    timeout_s: float = 20.0
    first_token_s: float = 10.0
    concurrency: int = 256
    retries: int = 2
    breaker_failures: int = 5
    breaker_s: float = 30.0
    max_chars: int = 16_000

    @classmethod
    def within(cls, timeout_s: float, concurrency: int) -> "Limits":
        """Limits for a whole time: half of it is for the first token."""
        return cls(timeout_s=timeout_s, first_token_s=timeout_s / 2, concurrency=concurrency)


class CircuitBreaker:
    """Closed, open after so many failures in a row, and half open (one try) once the pause is over."""

    def __init__(self, failures: int, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed, self._pause_s, self._clock = failures, pause_s, clock
        self._failures, self._opened, self._trying = 0, 0.0, False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, or the next one is a trial."""
        return self._failures >= self._allowed

    def enter(self) -> None:
        """Begin a call.

        Raises:
            CircuitOpen: not now.
        """
        if self._failures < self._allowed:
            return
        if self._trying or self._clock() - self._opened < self._pause_s:
            raise CircuitOpen("the model failed too often of late")
        self._trying = True

    def succeeded(self) -> None:
        """The call went well: all is forgotten."""
        self._failures, self._trying = 0, False

    def failed(self, *, surely: bool = False) -> None:
        """The call failed; `surely` the next would too (a refused key), so there is no counting."""
        self._failures = self._allowed if surely else self._failures + 1
        self._opened, self._trying = self._clock(), False

    def left(self) -> None:
        """The call was given up by whoever made it: nothing was learnt."""
        self._trying = False


class Guarded:
    """A chat model within its limits; is a chat model itself."""

    def __init__(
        self,
        model: ChatModel,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._model, self._limits, self._sleep, self._jitter = model, limits, sleep, jitter
        self._places = asyncio.Semaphore(limits.concurrency)
        self.breaker = CircuitBreaker(limits.breaker_failures, limits.breaker_s, clock)

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        """The response, within the limits.

        Raises:
            ModelError: and nothing else.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.timeout_s
        await before(deadline, self._places.acquire())
        try:
            async with aclosing(self._persistently(prompt, deadline, structured=structured)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._places.release()

    async def aclose(self) -> None:
        """Let go of the model's connections."""
        await self._model.aclose()

    async def _persistently(self, prompt: Prompt, deadline: float, *, structured: bool) -> AsyncGenerator[Chunk]:
        for attempt in range(self._limits.retries + 1):
            begun = False
            self.breaker.enter()
            try:
                async with aclosing(self._once(prompt, deadline, structured=structured)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
            except ModelError as exc:
                self._learn(exc)
                if begun or not exc.passing or attempt == self._limits.retries:
                    raise
                await before(deadline, self._sleep(self._wait(attempt, exc)))
            except BaseException:
                self.breaker.left()
                raise
            else:
                self.breaker.succeeded()
                return

    async def _once(self, prompt: Prompt, deadline: float, *, structured: bool) -> AsyncGenerator[Chunk]:
        size = 0
        first = min(deadline, asyncio.get_running_loop().time() + self._limits.first_token_s)
        async with aclosing(self._model.stream(prompt, structured=structured)) as stream:
            while (chunk := await before(deadline if size else first, anext(stream, None))) is not None:
                size += len(chunk.text)
                if size > self._limits.max_chars:
                    raise TooLong("more came than a draft can be")
                yield chunk
        if not size:
            raise Unreadable("the response is empty")

    def _learn(self, exc: ModelError) -> None:
        if isinstance(exc, _BLAMELESS):
            self.breaker.succeeded()
        elif not isinstance(exc, CircuitOpen):
            self.breaker.failed(surely=isinstance(exc, RefusedKey))

    def _wait(self, attempt: int, exc: ModelError) -> float:
        asked = exc.retry_after_s if isinstance(exc, Overloaded) else None
        return (asked or _FIRST_WAIT_S * 2**attempt) * (0.5 + self._jitter())


async def before(deadline: float, awaited: Awaitable[T]) -> T:
    """Wait no longer than to a time of the loop; a time-out around a `yield` would strike whoever reads."""
    try:
        async with asyncio.timeout_at(deadline):
            return await awaited
    except TimeoutError:
        raise TimedOut("nothing came in time") from None

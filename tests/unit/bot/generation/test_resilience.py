"""A model within its limits: time-outs, retries where they are safe, a circuit breaker, so many at once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.answering.generation.chatting import (
    BadRequest,
    BrokenStream,
    Chunk,
    CircuitOpen,
    ModelError,
    Moderated,
    Overloaded,
    Prompt,
    RefusedKey,
    TimedOut,
    TooLong,
    Unreachable,
    Unreadable,
)
from bot.answering.generation.resilience import CircuitBreaker, Guarded, Limits
from tests.fakes import FakeModel

PROMPT = Prompt("system", "user")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Sleeps:
    """Sleeping that takes no time and is written down."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


class Halting:
    """Says some pieces, then raises or hangs until it is called off."""

    name = "halting"

    def __init__(self, *pieces: str, error: Exception | None = None) -> None:
        self.pieces, self.error, self.calls, self.closed = pieces, error, 0, 0

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        self.calls += 1
        try:
            for piece in self.pieces:
                yield Chunk(piece)
            if self.error:
                raise self.error
            await asyncio.Event().wait()
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        pass


async def said(model: Guarded) -> str:
    return "".join([chunk.text async for chunk in model.stream(PROMPT)])


async def test_what_goes_well_passes_through() -> None:
    model = FakeModel("一二三四五六七八九十")
    assert await said(Guarded(model, Limits())) == "一二三四五六七八九十"
    assert Guarded(model, Limits()).name == "fake"


@pytest.mark.parametrize("error", [Overloaded("429"), Unreachable("down")])
async def test_what_may_pass_is_tried_again_with_growing_pauses(error: ModelError) -> None:
    model, sleeps = FakeModel(error, error, "好"), Sleeps()
    assert await said(Guarded(model, Limits(), sleep=sleeps, jitter=lambda: 0.5)) == "好"
    assert sleeps.waits == [0.25, 0.5]


async def test_a_pause_that_was_asked_for_is_kept_and_jittered() -> None:
    model, sleeps = FakeModel(Overloaded("429", 2.0), "好"), Sleeps()
    assert await said(Guarded(model, Limits(), sleep=sleeps, jitter=lambda: 0.0)) == "好"
    assert sleeps.waits == [1.0]


async def test_tries_come_to_an_end() -> None:
    model = FakeModel(Overloaded("500"))
    with pytest.raises(Overloaded):
        await said(Guarded(model, Limits(retries=2), sleep=Sleeps()))
    assert len(model.prompts) == 3


@pytest.mark.parametrize(
    "error", [Moderated("no"), RefusedKey("401"), BadRequest("400"), BrokenStream("x"), TimedOut("x")]
)
async def test_what_would_fail_again_is_not_tried_again(error: ModelError) -> None:
    model, sleeps = FakeModel(error, "好"), Sleeps()
    with pytest.raises(type(error)):
        await said(Guarded(model, Limits(), sleep=sleeps))
    assert (len(model.prompts), sleeps.waits) == (1, [])


async def test_nothing_is_tried_again_once_a_piece_has_come() -> None:
    model = Halting("一", error=Overloaded("500"))
    with pytest.raises(Overloaded):
        await said(Guarded(model, Limits(), sleep=Sleeps()))
    assert model.calls == 1


async def test_a_model_that_does_not_begin_is_given_up() -> None:
    model = Halting()
    with pytest.raises(TimedOut):
        await said(Guarded(model, Limits(timeout_s=60.0, first_token_s=0.01)))
    assert model.closed == 1


async def test_a_model_that_does_not_end_is_given_up() -> None:
    model = Halting("一", "二")
    with pytest.raises(TimedOut):
        await said(Guarded(model, Limits(timeout_s=0.02, first_token_s=60.0)))
    assert model.closed == 1


async def test_pauses_count_towards_the_whole_time() -> None:
    model = FakeModel(Overloaded("429", 5.0))
    with pytest.raises(TimedOut):
        await said(Guarded(model, Limits(timeout_s=0.02)))


async def test_an_empty_response_is_no_response() -> None:
    with pytest.raises(Unreadable):
        await said(Guarded(FakeModel(""), Limits()))


async def test_a_model_that_does_not_stop_is_cut_off() -> None:
    with pytest.raises(TooLong):
        await said(Guarded(FakeModel("字" * 200, piece=50), Limits(max_chars=120)))


async def test_no_more_are_asked_at_once_than_are_allowed() -> None:
    model = Halting("一")
    guarded = Guarded(model, Limits(timeout_s=0.05, concurrency=2))
    results = await asyncio.gather(*(said(guarded) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {TimedOut}
    assert model.calls < 5
    assert model.calls == model.closed


def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_try_after_the_pause() -> None:
    clock = Clock()
    breaker = CircuitBreaker(2, 30.0, clock)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.enter()
    breaker.failed()
    with pytest.raises(CircuitOpen):
        breaker.enter()
    clock.now = 31.0
    breaker.enter()
    with pytest.raises(CircuitOpen):
        breaker.enter()
    breaker.failed()
    with pytest.raises(CircuitOpen):
        breaker.enter()
    clock.now = 62.0
    breaker.enter()
    breaker.succeeded()
    breaker.enter()


def test_a_try_that_was_given_up_leaves_room_for_the_next() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 30.0, clock)
    breaker.failed()
    clock.now = 31.0
    breaker.enter()
    breaker.left()
    breaker.enter()


async def test_an_open_circuit_makes_no_call() -> None:
    model = FakeModel(BadRequest("400"))
    guarded = Guarded(model, Limits(breaker_failures=2))
    for error in (BadRequest, BadRequest, CircuitOpen, CircuitOpen):
        with pytest.raises(error):
            await said(guarded)
    assert len(model.prompts) == 2


async def test_a_refused_key_opens_the_circuit_at_once_and_moderation_never() -> None:
    refused, moderated = (Guarded(FakeModel(error), Limits()) for error in (RefusedKey("401"), Moderated("no")))
    for error in (RefusedKey, CircuitOpen):
        with pytest.raises(error):
            await said(refused)
    for _ in range(9):
        with pytest.raises(Moderated):
            await said(moderated)

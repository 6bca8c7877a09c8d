"""Chunks that have come together are handed on as one, and say the same."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.generation import wire
from bot.answering.generation.wire import joined


def chunk(words: str | None = None, **beside: Any) -> dict[str, Any]:
    delta: dict[str, Any] = {
        name: beside.pop(name) for name in ("role", "tool_calls", "reasoning_content") if name in beside
    }
    choice = {name: beside.pop(name) for name in ("logprobs", "finish_reason", "index") if name in beside}
    if words is not None:
        delta["content"] = words
    return {"id": "c", "choices": [{"index": 0, "finish_reason": None} | choice | {"delta": delta}]} | beside


def test_words_become_one_chunk_with_role_and_end() -> None:
    words = [chunk("", role="assistant"), chunk("不得"), chunk("翻墙", role="assistant")]
    usage = {"id": "c", "choices": [], "usage": {"total_tokens": 7}}
    one, last = joined([*words, chunk(finish_reason="stop"), usage])
    assert one == chunk("不得翻墙", role="assistant", finish_reason="stop")
    assert last is usage


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chunk("一", finish_reason="stop"), chunk("二")),
        (chunk("一"), chunk("二", finish_reason="content_filter")),
        (None, chunk("一")),
        (chunk("一", usage={"total_tokens": 1}), chunk("二")),
        (chunk("一"), chunk("二", index=1)),
        (chunk("一"), chunk("二", logprobs={"content": []} | {"x": 1})),
        (chunk("一"), chunk("二", reasoning_content="hm")),
        (chunk("一", reasoning_content="hm"), chunk("二")),
        (chunk("一"), chunk(tool_calls=[{"index": 0, "function": {"arguments": "{"}}])),
        (chunk("一", role="assistant"), chunk("二", role="user")),
        (chunk("一"), {"choices": [{"index": 0, "delta": None}]}),
        (chunk("一"), {"choices": [{"index": 0, "delta": {"content": ["二"]}}]}),
        (chunk("一"), "no chunk at all"),
        (chunk("一"), {"error": "?"}),
    ],
)
def test_whatever_holds_more_than_words_stays_apart(first: Any, second: Any) -> None:
    assert list(joined([first, second])) == [first, second]


@given(st.lists(st.one_of(st.text(max_size=4).map(chunk), st.just(chunk("x", finish_reason="length")))))
def test_no_word_is_lost_or_moved(chunks: list[dict[str, Any]]) -> None:
    def told(some: Iterable[Any]) -> tuple[str, int]:
        choices = [one["choices"][0] for one in some]
        return "".join(one["delta"]["content"] for one in choices), sum(bool(one["finish_reason"]) for one in choices)

    assert told(joined(chunks)) == told(chunks)


class Response:
    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        await asyncio.sleep(0.01)
        self.closed += 1


def stream_of(chunks: AsyncIterator[object]) -> tuple[Any, Response]:
    """The stream as `RawCompletions` gives it, without an endpoint."""
    stream: Any = wire._Together.__new__(wire._Together)
    stream.response = response = Response()

    async def iterate() -> AsyncIterator[object]:
        try:
            async for one in chunks:
                yield one
        finally:
            await response.aclose()

    stream._iterator = iterate()
    return stream, response


async def test_what_has_come_by_the_time_of_a_look_is_one_chunk() -> None:
    async def chunks() -> AsyncIterator[object]:
        for words in ("不", "得"):
            yield chunk(words)
        await asyncio.sleep(0.01)
        yield chunk("翻墙")

    stream, _ = stream_of(chunks())
    assert [one["choices"][0]["delta"]["content"] async for one in stream] == ["不得", "翻墙"]


async def test_an_error_comes_after_the_words_before_it() -> None:
    async def chunks() -> AsyncIterator[object]:
        yield chunk("不得")
        raise TimeoutError("the endpoint is silent")

    stream, response = stream_of(chunks())
    got = []
    with pytest.raises(TimeoutError, match="silent"):
        async for one in stream:
            got.append(one)
    await stream.close()
    assert got == [chunk("不得")]
    assert response.closed


async def test_an_endpoint_that_is_faster_than_its_reader_waits() -> None:
    written = 0

    async def chunks() -> AsyncIterator[object]:
        nonlocal written
        while True:
            written += 1
            yield chunk("长")

    stream, response = stream_of(chunks())
    async with aclosing(stream.__aiter__()) as chunked:
        await anext(chunked)
        await asyncio.sleep(0.02)
        assert wire._AHEAD <= written <= 2 * wire._AHEAD + 1
    await stream.close()
    assert response.closed
    assert stream._reading.done()


async def test_leaving_early_closes_the_response_and_interrupts_no_closing() -> None:
    async def chunks() -> AsyncIterator[object]:
        yield chunk("一")
        await asyncio.Event().wait()

    stream, response = stream_of(chunks())
    async with aclosing(stream.__aiter__()) as chunked:
        await anext(chunked)
        await asyncio.sleep(0)
    await asyncio.sleep(0.005)
    await stream.close()
    assert response.closed == 2, "by the reader, to its end, and by the SDK"


async def test_whoever_closes_can_be_called_off() -> None:
    async def chunks() -> AsyncIterator[object]:
        yield chunk("一")
        await asyncio.Event().wait()

    stream, _ = stream_of(chunks())

    async def leave() -> None:
        async with aclosing(stream.__aiter__()) as chunked:
            await anext(chunked)
            await stream.close()
        raise AssertionError("it went on")

    leaving = asyncio.create_task(leave())
    await asyncio.sleep(0.005)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

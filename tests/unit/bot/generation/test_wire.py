"""Chunks that have come together are handed on as one, and say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.generation.wire import joined


def chunk(words: str | None = None, **beside: Any) -> dict[str, Any]:
    delta = {name: beside.pop(name) for name in ("role", "tool_calls", "reasoning_content") if name in beside}
    choice = {name: beside.pop(name) for name in ("logprobs", "finish_reason", "index") if name in beside}
    if words is not None:
        delta["content"] = words
    return {"id": "c", "choices": [{"index": 0, "finish_reason": None} | choice | {"delta": delta}]} | beside


def test_words_become_one_chunk_with_role_and_end() -> None:
    response = [chunk("", role="assistant"), chunk("不得"), chunk("翻墙", role="assistant"), chunk(finish_reason="stop")]
    usage = {"id": "c", "choices": [], "usage": {"total_tokens": 7}}
    (one, last) = joined([*response, usage])
    assert one == chunk("不得翻墙", role="assistant", finish_reason="stop")
    assert last is usage


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chunk("一", finish_reason="stop"), chunk("二")),
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
    def said(told: Any) -> str:
        return "".join(one["choices"][0]["delta"]["content"] for one in told)

    fewer = list(joined(chunks))
    assert said(fewer) == said(chunks)
    assert sum(bool(one["choices"][0]["finish_reason"]) for one in fewer) == sum(
        bool(one["choices"][0]["finish_reason"]) for one in chunks
    )

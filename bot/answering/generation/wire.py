"""OpenAI's chat completions as the wire carries them: each chunk stays the dict that its JSON is.

The SDK would build a tree of pydantic objects of every chunk, which LangChain turns back into that dict: a token cost
0.2 ms, and two hundred answers at once kept the event loop busy for it alone. For the same reason chunks that have come
by the time that somebody looks are handed on as one. Connection, time-outs, server-sent events and errors remain the
SDK's (its `post`, which it offers for what it has no method for).
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any, Final, cast

from openai import AsyncOpenAI, AsyncStream

_PATH: Final = "/chat/completions"
_REQUEST: Final = {"extra_headers": "headers", "extra_query": "params", "timeout": "timeout"}
"""What speaks of the request rather than stands in it, and what the SDK's `post` calls it."""


class RawCompletions:
    """What LangChain streams from (`async_client`): `create` gives dicts; everything else is the SDK's own resource."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client.chat.completions, name)

    async def create(self, *, extra_body: dict[str, Any] | None = None, **payload: Any) -> Any:
        """A stream of chunks where `stream` is set; otherwise a completion, as the SDK gives it.

        Raises:
            openai.OpenAIError: as the SDK's own `create`.
        """
        if not payload.get("stream"):
            return await self._client.chat.completions.create(extra_body=extra_body, **payload)
        options = {told: payload.pop(name) for name, told in _REQUEST.items() if name in payload}
        return await self._client.post(
            _PATH,
            cast_to=object,
            body=payload | (extra_body or {}),
            options=cast(Any, options),
            stream=True,
            stream_cls=_Together,
        )


class _Together(AsyncStream[object]):
    """The SDK's stream, read ahead by a task of its own; what has come by the time of a look is joined."""

    _reading: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncGenerator[object]:
        arrived: asyncio.Queue[object] = asyncio.Queue()
        room = asyncio.Semaphore(_AHEAD)
        reading = self._reading = asyncio.create_task(self._read(arrived, room))
        try:
            ended = False
            while not ended:
                chunks = [await arrived.get()]
                while not arrived.empty():
                    chunks.append(arrived.get_nowait())
                ended = chunks[-1] is _END
                for _ in chunks:
                    room.release()
                for chunk in joined(chunks[:-1] if ended else chunks):
                    yield chunk
            await reading
        finally:
            _call_off(reading)

    async def _read(self, arrived: asyncio.Queue[object], room: asyncio.Semaphore) -> None:
        try:
            async for chunk in self._iterator:
                await room.acquire()
                arrived.put_nowait(chunk)
        finally:
            arrived.put_nowait(_END)

    async def close(self) -> None:
        try:
            if self._reading is not None:
                _call_off(self._reading)
                await asyncio.wait((self._reading,))
                if not self._reading.cancelled():
                    self._reading.exception()  # whoever reads has been told
        finally:
            await super().close()


def _call_off(task: asyncio.Task[None]) -> None:
    if not task.cancelling():  # a second time would interrupt its closing of the response
        task.cancel()


_AHEAD: Final = 256
"""Chunks that may have come and not been taken: then the endpoint waits."""
_END: Final = object()
_PLAIN_ENDS: Final = (None, "stop", "length")


def joined(chunks: Iterable[object]) -> Iterator[object]:
    """The same response in fewer chunks: words of the same choice become one delta; nothing else changes."""
    last: Any = _END
    for chunk in chunks:
        both = _join(last, chunk)
        if both is None and last is not _END:
            yield last
        last = chunk if both is None else both
    if last is not _END:
        yield last


def _join(last: Any, chunk: Any) -> dict[str, Any] | None:
    """Both chunks as one, or None where that would lose something: either holds more than words, or has ended."""
    match last, chunk:
        case {"choices": [{"delta": dict(before)} as first]}, {"choices": [{"delta": dict(after)} as second]}:
            words = (before.get("content") or "", after.get("content") or "")
            role, also = _beside_words(before), _beside_words(after)
            plain = all(isinstance(text, str) for text in words) and not role.keys() - {"role"} and also in ({}, role)
            alike = first.get("index") == second.get("index") and not (first.get("logprobs") or second.get("logprobs"))
            ended = first.get("finish_reason") or last.get("usage") or second.get("finish_reason") not in _PLAIN_ENDS
            if plain and alike and not ended:
                delta = role | {"content": "".join(words)}
                both: dict[str, Any] = last | chunk | {"choices": [first | second | {"delta": delta}]}
                return both
    return None


def _beside_words(delta: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in delta.items() if name != "content" and told}

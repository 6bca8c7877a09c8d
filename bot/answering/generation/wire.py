"""OpenAI's chat completions as the wire carries them: each chunk stays the dict that its JSON is.

The SDK would build a tree of pydantic objects of every chunk, which LangChain turns back into that dict: a token cost
0.2 ms, and two hundred answers at once kept the event loop busy for it alone. Connection, time-outs, server-sent events
and errors remain the SDK's (its `post`, which it offers for what it has no method for).
"""

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
            stream_cls=AsyncStream[object],
        )

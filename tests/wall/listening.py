"""A viewer without a browser: reads the stream as an EventSource would."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    id: str
    content: Any


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """Every event of a stream, until it ends."""
    fields: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


async def first(stream: AsyncIterator[Event], fits: Callable[[Any], bool] = lambda _: True) -> Event:
    """The first scene that fits."""
    async for event in stream:
        if event.kind == "scene" and fits(event.content):
            return event
    raise AssertionError("the stream has ended before that")

"""One viewer's stream of server-sent events: whole scenes, and between them the time of day as a sign of life."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import anyio
from starlette.types import Receive, Scope, Send

from bot.web.feed import Feed

BEAT_S: Final = 5.0
SLOW_S: Final = 10.0
"""How long a viewer may take for what was sent before; then they are let go, and come back when they can."""
AGAIN_MS: Final = 1500
Headers = list[tuple[bytes, bytes]]


class Stream:
    """An ASGI response: what `feed` shows until it ends, `until` comes, or the viewer leaves or is too slow.

    Nothing is kept for a viewer who lags: whatever they missed is in the newest frame. `known` is the id of the frame
    that they have already.
    """

    def __init__(
        self, feed: Feed, headers: Headers, known: str, until: datetime, clock: Callable[[], datetime]
    ) -> None:
        self._feed, self._headers, self._known, self._until, self._clock = feed, headers, known, until, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it is over."""
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        async with anyio.create_task_group() as group:

            async def stop_when_they_leave() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(stop_when_they_leave)
            try:
                with anyio.move_on_after((self._until - self._clock()).total_seconds()):
                    await self._tell(send)
                async with asyncio.timeout(SLOW_S):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except TimeoutError:  # too slow
                pass
            group.cancel_scope.cancel()

    async def _tell(self, send: Send) -> None:
        content: bytes = b"retry: %d\n\n%b" % (AGAIN_MS, self._beat())
        while True:
            async with asyncio.timeout(SLOW_S):
                await send({"type": "http.response.body", "body": content, "more_body": True})
            try:
                async with asyncio.timeout(BEAT_S):
                    frame = await self._feed.after(self._known)
            except TimeoutError:
                content = self._beat()
                continue
            if frame is None:
                return
            self._known, content = frame.id, frame.event

    def _beat(self) -> bytes:
        return b"event: clock\ndata: %d\n\n" % round(self._clock().timestamp() * 1000)

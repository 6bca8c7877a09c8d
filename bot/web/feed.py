"""What one session shows, encoded once for all who look on.

changes ─▶ Feed.run: snapshot ─▶ scene ─▶ Frame ─▶ every viewer takes the newest, and skips what came meanwhile
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from bot.errors import StorageError
from bot.training.ledgers import Ledgers
from bot.web.scenes import scene_of
from prompts import Language, Replies

EVERY_S: Final = 0.125
"""The shortest time between two frames: a room that votes at once is shown eight times a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole scene as one server-sent event; two with the same `id` show the same."""

    id: str
    event: bytes


class Feed:
    """The frames of one session, for as long as `run` runs."""

    def __init__(
        self,
        session_id: int,
        ledgers: Ledgers,
        replies: Mapping[Language, Replies],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.viewers = 0
        self._session_id, self._ledgers, self._replies, self._sleep = session_id, ledgers, replies, sleep
        self._frame: Frame | None = None
        self._over = False
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Make frames until the session is gone, or `end` is called."""
        try:
            async with aclosing(self._ledgers.changes.of(self._session_id)) as changes:
                async for _ in changes:
                    if self._over or not await self._look():
                        return
                    await self._sleep(EVERY_S)
        finally:
            self.end()

    async def after(self, known: str) -> Frame | None:
        """The newest frame as soon as it is another than `known`; None once there will be no more."""
        while not self._over:
            told = self._told
            if self._frame is not None and self._frame.id != known:
                return self._frame
            await told.wait()
        return None

    def end(self) -> None:
        """No more frames: whoever waits is told, and `run` returns; a look into the database is not cut off."""
        self._over = True
        self._tell()
        self._ledgers.changes.notify(self._session_id)

    async def _look(self) -> bool:
        """Make a frame of what there is to see; False where the session is gone."""
        try:
            shown = await self._ledgers.snapshot(self._session_id)
        except StorageError as exc:  # what was shown last stays on the wall
            log.error("%s", exc)
            return True
        if shown is None:
            return False
        frame = frame_of(scene_of(shown, self._replies[shown.language]))
        if self._frame is None or frame.id != self._frame.id:
            self._frame = frame
            self._tell()
        return True

    def _tell(self) -> None:
        told, self._told = self._told, asyncio.Event()
        told.set()


def frame_of(scene: Mapping[str, object]) -> Frame:
    """A scene as an event; its id is a digest of what it shows."""
    content = json.dumps(scene, ensure_ascii=False, separators=(",", ":")).encode()
    mark = hashlib.blake2b(content, digest_size=9).hexdigest()
    return Frame(mark, b"id: %b\nevent: scene\ndata: %b\n\n" % (mark.encode(), content))

"""Updates run side by side across chats and one after another within a chat.

python-telegram-bot's own `concurrent_updates` keeps no order, and one chat that waits can use up its places for all.
Here each chat has a lane of its own: what waits for one chat costs the others nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Final

from telegram import Update

PATIENCE_S: Final = 3.0
MOST_WAITING: Final = 100
"""Updates that may wait in one lane; those that come after are not read until it is empty again."""

Work = Callable[[], Awaitable[object]]

log = logging.getLogger(__name__)


def lane_of(update: Update) -> Hashable:
    """What must stay in order together: a chat's messages, a person's presses in a chat, a poll, inline queries."""
    if poll_id := poll_of(update):
        return ("poll", poll_id)
    if update.callback_query:
        message = update.callback_query.message
        return ("press", message.chat.id if message else None, update.callback_query.from_user.id)
    if update.inline_query:
        return ("inline", update.inline_query.from_user.id)
    if update.effective_chat:
        return update.effective_chat.id
    return ("update", update.update_id)


def poll_of(update: Update) -> str:
    """The poll that an update tells of, empty where it tells of none."""
    if update.poll_answer:
        return update.poll_answer.poll_id
    return update.poll.id if update.poll else ""


class Lanes:
    """One queue a lane, worked off by a task that lives only while there is something in it."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most = most_waiting
        self._waiting: dict[Hashable, deque[Work]] = {}
        self._overflowing: set[Hashable] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many lanes are at work."""
        return len(self._waiting)

    def put(self, lane: Hashable, work: Work, *, otherwise: Work | None = None, most: int | None = None) -> bool:
        """Queue work; False where `most` (or what the lanes hold in general) wait already.

        `otherwise` then takes its place at the end of the lane, once until the lane is empty again.
        """
        waiting = self._waiting.get(lane)
        if waiting is None:
            self._waiting[lane] = deque((work,))
            task = asyncio.create_task(self._work_off(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return True
        if len(waiting) < (most or self._most) and lane not in self._overflowing:
            waiting.append(work)
            return True
        if otherwise is not None and lane not in self._overflowing:
            self._overflowing.add(lane)
            waiting.append(otherwise)
        return False

    async def catch_up(self, lane: Hashable) -> None:
        """Wait until what is in a lane now has been worked off, `PATIENCE_S` at the longest."""
        if lane not in self._waiting:
            return
        passed = asyncio.Event()

        async def pass_by() -> None:
            passed.set()

        self._waiting[lane].append(pass_by)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await passed.wait()

    async def finish(self, timeout_s: float) -> bool:
        """Wait for what is queued; False where some of it was still unfinished after `timeout_s` and was cancelled."""
        if not self._tasks:
            return True
        _, unfinished = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        return not unfinished

    async def _work_off(self, lane: Hashable) -> None:
        waiting = self._waiting[lane]
        try:
            while waiting:
                try:
                    await waiting[0]()
                except Exception:  # one update must not keep the next ones of its chat from being read
                    log.exception("an update failed")
                waiting.popleft()
        finally:
            del self._waiting[lane]
            self._overflowing.discard(lane)

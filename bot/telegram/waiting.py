"""Questions to nobody in particular that wait for an answer from the group; where none comes, the bot may give one.

Whoever says anything else in the same place meanwhile is taken to have answered: in doubt the bot stays silent. Nothing
is kept beyond the waiting time, and nothing but memory is used.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

MOST: Final = 500
MOST_IN_A_PLACE: Final = 5

Place = tuple[int, int | None]
"""A chat and, in a forum, a topic of it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Expected:
    person_id: int
    task: asyncio.Task[None]


class Waiting:
    """Timers by place and message; `sleep` takes seconds."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._expected: dict[Place, dict[int, _Expected]] = {}
        self._answering: dict[asyncio.Task[None], tuple[Place, int]] = {}

    def expect(
        self, place: Place, message_id: int, person_id: int, seconds: float, then: Callable[[], Awaitable[None]]
    ) -> None:
        """Call `then` after so many seconds, unless somebody is heard first; too many at once are left alone."""
        here = self._expected.setdefault(place, {})
        if len(here) < MOST_IN_A_PLACE and len(self) < MOST and message_id not in here:
            task = asyncio.create_task(self._wait(place, message_id, seconds, then), name="waiting question")
            here[message_id] = _Expected(person_id, task)

    def heard(self, place: Place, person_id: int) -> None:
        """Somebody spoke here: the questions of all others are taken as answered."""
        for message_id, expected in list(self._expected.get(place, {}).items()):
            if expected.person_id != person_id:
                self._drop(place, message_id)

    def settle(self, place: Place, message_id: int) -> None:
        """This question has been answered, replied to or taken back."""
        self._drop(place, message_id)

    def forget(self, person_id: int) -> None:
        """Give up on the questions of one person, wherever they were asked, also on one that is being answered."""
        for place, here in list(self._expected.items()):
            for message_id in [number for number, expected in here.items() if expected.person_id == person_id]:
                self._drop(place, message_id)
        self._interrupt(lambda _, asker_id: asker_id == person_id)

    def forget_chat(self, chat_id: int) -> None:
        """Give up on every question in that chat."""
        for place, here in list(self._expected.items()):
            for message_id in list(here) if place[0] == chat_id else ():
                self._drop(place, message_id)
        self._interrupt(lambda place, _: place[0] == chat_id)

    async def close(self) -> None:
        """Give up on every question."""
        tasks = [expected.task for here in self._expected.values() for expected in here.values()]
        tasks += self._answering
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._expected.clear()

    def __len__(self) -> int:
        return sum(map(len, self._expected.values()))

    def _drop(self, place: Place, message_id: int) -> None:
        expected = self._forget(place, message_id)
        if expected:
            expected.task.cancel()

    def _forget(self, place: Place, message_id: int) -> _Expected | None:
        here = self._expected.get(place, {})
        expected = here.pop(message_id, None)
        if not here:
            self._expected.pop(place, None)
        return expected

    def _interrupt(self, meant: Callable[[Place, int], bool]) -> None:
        for task, (place, person_id) in self._answering.items():
            if meant(place, person_id):
                task.cancel()

    async def _wait(self, place: Place, message_id: int, seconds: float, then: Callable[[], Awaitable[None]]) -> None:
        await self._sleep(seconds)
        expected = self._forget(place, message_id)
        if expected is None:
            return
        self._answering[expected.task] = (place, expected.person_id)
        try:
            await then()
        except Exception:  # nobody awaits this task; the log is the only place to say so
            log.exception("a question that nobody answered could not be answered")
        finally:
            del self._answering[expected.task]

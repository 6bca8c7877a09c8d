"""Questions that Telegram does not hand back with a pressed button, remembered for an hour, in memory alone.

A bare mention takes its question from the message replied to; the answer then replies to the mention, and the question
is nowhere in what a button press brings. Everything else is read from the message that the answer replies to.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MEMORY_S: Final = 3600.0
MOST: Final = 1000


class Recalled:
    """Which question one of our messages answers, where the message that it replies to does not say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._questions: OrderedDict[tuple[int, int], tuple[float, str]] = OrderedDict()

    def keep(self, chat_id: int, reply_id: int, question: str) -> None:
        """Remember it for an hour; of more than a thousand, the oldest go."""
        self._drop_old()
        self._questions.pop((chat_id, reply_id), None)
        self._questions[chat_id, reply_id] = (self._clock(), question)
        while len(self._questions) > MOST:
            self._questions.popitem(last=False)

    def find(self, chat_id: int, reply_id: int) -> str | None:
        """The question that our message answers, or None."""
        self._drop_old()
        kept = self._questions.get((chat_id, reply_id))
        return kept[1] if kept else None

    def forget(self, chat_id: int) -> None:
        """Forget the questions of one chat."""
        for key in [key for key in self._questions if key[0] == chat_id]:
            del self._questions[key]

    def sweep(self) -> None:
        """Forget what is older than an hour."""
        self._drop_old()

    def _drop_old(self) -> None:
        now = self._clock()
        while self._questions and now - next(iter(self._questions.values()))[0] >= MEMORY_S:
            self._questions.popitem(last=False)

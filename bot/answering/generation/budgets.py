"""Tokens a day, in each chat and in all. Counted where a store keeps them; in memory where there is none."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from bot.answering.generation.chatting import BudgetSpent

_DAY_S: Final = 86_400
_ALL: Final = "all"


class Counters(Protocol):
    """Tokens by key and day; a key is no one's name. In a store this may block and then belongs in a thread."""

    def spent(self, key: str, day: int) -> int:
        """How many that key has used on that day."""

    def add(self, key: str, day: int, tokens: int) -> None:
        """Count some more."""


class MemoryCounters:
    """Counters that forget yesterday, and everything when the process ends."""

    def __init__(self) -> None:
        self._day = 0
        self._spent: dict[str, int] = {}

    def spent(self, key: str, day: int) -> int:
        """How many that key has used on that day; a day that has passed counts nothing."""
        return self._spent.get(key, 0) if day == self._day else 0

    def add(self, key: str, day: int, tokens: int) -> None:
        """Count some more; the first of a new day clears the last."""
        if day != self._day:
            self._day, self._spent = day, {}
        self._spent[key] = self._spent.get(key, 0) + tokens


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tokens may be used in a day (UTC), in all and in one chat; None: no limit."""

    total: int | None = None
    per_chat: int | None = None
    counters: Counters = field(default_factory=MemoryCounters)
    clock: Callable[[], float] = time.time

    def check(self, chat: str) -> None:
        """Refuse where a limit has been reached.

        Raises:
            BudgetSpent: in this chat or in all.
        """
        day = self._day
        if self.total is not None and self.counters.spent(_ALL, day) >= self.total:
            raise BudgetSpent("the day's tokens are used up")
        if self.per_chat is not None and chat and self.counters.spent(_key(chat), day) >= self.per_chat:
            raise BudgetSpent("the chat's tokens of the day are used up")

    def spend(self, chat: str, tokens: int) -> None:
        """Count what a call used; an empty `chat` counts in all only."""
        self.counters.add(_ALL, self._day, tokens)
        if chat:
            self.counters.add(_key(chat), self._day, tokens)

    @property
    def _day(self) -> int:
        return int(self.clock()) // _DAY_S


def _key(chat: str) -> str:
    return hashlib.sha256(chat.encode()).hexdigest()[:16]

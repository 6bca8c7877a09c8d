"""How much one person may ask in a group, and questions that come twice: pure, forgetful, with an injected clock."""

import hashlib
import secrets
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import Enum
from typing import Final

PER_MINUTE: Final = 8
PER_HOUR: Final = 60
TWINS_S: Final = 10.0
"""How long after an answer the same question counts as its twin."""
SHARED_S: Final = 48 * 3600.0
"""As long as Telegram lets people edit."""
_MOST_TWINS: Final = 10_000
_SWEEP_AT: Final = 1000

Clock = Callable[[], float]
"""Seconds that only grow."""


class Verdict(Enum):
    """What a person who asks may expect."""

    ALLOWED = "allowed"
    FIRST_REFUSAL = "first refusal"
    SILENT = "silent"


class PersonBudget:
    """So many questions a minute and an hour for each person in each group; ids only, forgotten an hour later."""

    def __init__(
        self, *, per_minute: int = PER_MINUTE, per_hour: int = PER_HOUR, clock: Clock = time.monotonic
    ) -> None:
        self._limits = ((60.0, per_minute), (3600.0, per_hour))
        self._clock = clock
        self._asked: dict[tuple[int, int], deque[float]] = {}
        self._told: set[tuple[int, int]] = set()
        self._sweep_at = _SWEEP_AT

    def take(self, chat_id: int, user_id: int) -> Verdict:
        """Spend one question: allowed, refused for the first time (say so politely), or refused again (say nothing)."""
        person, now = (chat_id, user_id), self._clock()
        if person not in self._asked and len(self._asked) >= self._sweep_at:
            self._sweep(now)
        times = self._asked.setdefault(person, deque())
        self._drop_old(times, now)
        if all(sum(now - then < span_s for then in times) < most for span_s, most in self._limits):
            times.append(now)
            self._told.discard(person)
            return Verdict.ALLOWED
        if person in self._told:
            return Verdict.SILENT
        self._told.add(person)
        return Verdict.FIRST_REFUSAL

    def __len__(self) -> int:
        return len(self._asked)

    def sweep(self) -> None:
        """Drop everybody who has not asked for an hour."""
        self._sweep(self._clock())

    def _drop_old(self, times: deque[float], now: float) -> None:
        while times and now - times[0] >= self._limits[-1][0]:
            times.popleft()

    def _sweep(self, now: float) -> None:
        for person, times in list(self._asked.items()):
            self._drop_old(times, now)
            if not times:
                del self._asked[person]
                self._told.discard(person)
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._asked))


class Twins:
    """Answers of the last seconds, by a hash of their question: a group that asks twice is answered once.

    Updates of a chat are taken one after another, so the first answer's id is known when its twin comes. An answer that
    a twin was shown to is `shared` for as long as its question can be edited. Hashes are keyed anew at every start.
    """

    def __init__(self, *, seconds: float = TWINS_S, clock: Clock = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._answers: OrderedDict[tuple[int, int | None, bytes], tuple[float, int]] = OrderedDict()
        self._shared: OrderedDict[tuple[int, int], tuple[float, bytes]] = OrderedDict()
        self._key = secrets.token_bytes(16)

    def find(self, chat_id: int, topic: int | None, question: str) -> int | None:
        """The id of our message that has just answered the same question in this chat and topic."""
        self._drop_old()
        answer = self._answers.get((chat_id, topic, self._hash(question)))
        return answer[1] if answer else None

    def keep(self, chat_id: int, topic: int | None, question: str, reply_id: int) -> None:
        """Remember for some seconds that our message `reply_id` answers this question."""
        self._drop_old()
        key = (chat_id, topic, self._hash(question))
        self._answers.pop(key, None)
        self._answers[key] = (self._clock(), reply_id)
        while len(self._answers) > _MOST_TWINS:
            self._answers.popitem(last=False)

    def share(self, chat_id: int, reply_id: int, question: str) -> None:
        """Somebody else has been shown to our message `reply_id` for an answer to this question."""
        self._drop_old()
        self._shared.pop((chat_id, reply_id), None)
        self._shared[chat_id, reply_id] = (self._clock(), self._hash(question))
        while len(self._shared) > _MOST_TWINS:
            self._shared.popitem(last=False)

    def is_shared(self, chat_id: int, reply_id: int, question: str) -> bool:
        """Whether somebody else has been shown to that message, for an answer to another question than this one."""
        self._drop_old()
        shared = self._shared.get((chat_id, reply_id))
        return shared is not None and shared[1] != self._hash(question)

    def drop(self, chat_id: int, reply_id: int) -> None:
        """Our message is about to answer something else: nobody is shown to it any more."""
        for key in [key for key, kept in self._answers.items() if key[0] == chat_id and kept[1] == reply_id]:
            del self._answers[key]

    def forget(self, chat_id: int) -> None:
        """Forget one chat."""
        for answer in [key for key in self._answers if key[0] == chat_id]:
            del self._answers[answer]
        for shared in [key for key in self._shared if key[0] == chat_id]:
            del self._shared[shared]

    def __len__(self) -> int:
        return len(self._answers)

    def _drop_old(self) -> None:
        now = self._clock()
        while self._answers and now - next(iter(self._answers.values()))[0] >= self._seconds:
            self._answers.popitem(last=False)
        while self._shared and now - next(iter(self._shared.values()))[0] >= SHARED_S:
            self._shared.popitem(last=False)

    def _hash(self, question: str) -> bytes:
        words = "".join(
            character
            for character in unicodedata.normalize("NFKC", question).casefold()
            if unicodedata.category(character)[0] in "LN"
        )
        said = (words or question).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, digest_size=16, key=self._key).digest()

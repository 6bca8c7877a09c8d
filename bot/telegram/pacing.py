"""How often a chat may be written to, by what Telegram states and by what it asks for: pure, with an injected clock.

A private chat takes about one message a second and short bursts, a group twenty a minute; edits count like messages.
After a 429 a chat rests for as long as Telegram asks, and that chat alone.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many calls within any span of so many seconds."""

    calls: int
    seconds: float


PRIVATE: Final = Rate(20, 20.0)
GROUP: Final = Rate(20, 60.0)
MARGIN_S: Final = 0.1
"""Added to what Telegram asks for: its clock and ours do not tick together."""
_SWEEP_AT: Final = 1000


@dataclass(slots=True)
class _Chat:
    calls: deque[float] = field(default_factory=deque)
    presses: deque[float] = field(default_factory=deque)
    resting_until: float = 0.0


class ChatPacing:
    """When the next call may go to each chat; chats that have been quiet for long enough are forgotten."""

    def __init__(
        self, *, private: Rate = PRIVATE, group: Rate = GROUP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._private, self._group, self._clock = private, group, clock
        self._chats: dict[int, _Chat] = {}
        self._sweep_at = _SWEEP_AT

    def delay_s(self, chat_id: int) -> float:
        """Seconds until a call may go to this chat; 0 for now."""
        chat = self._chats.get(chat_id)
        return 0.0 if chat is None else max(0.0, self._free_at(chat_id, chat) - self._clock())

    def has_room(self, chat_id: int) -> bool:
        """Whether what may be left out can go now: the chat is not resting and has half of its calls left."""
        chat = self._chats.get(chat_id)
        if chat is None:
            return True
        rate, now = self._rate(chat_id), self._clock()
        spent = sum(at > now - rate.seconds for at in chat.calls)
        return now >= chat.resting_until and 2 * spent < rate.calls

    def spend(self, chat_id: int) -> None:
        """Note that a call goes to this chat now."""
        chat, rate = self._chat(chat_id), self._rate(chat_id)
        chat.calls.append(self._clock())
        if len(chat.calls) > rate.calls:
            chat.calls.popleft()

    def take_press(self, chat_id: int) -> bool:
        """Whether a pressed button may change something here now; if so, it is counted.

        In a group, presses may use half of the calls: however much is paged, answers find room.
        """
        if self.delay_s(chat_id) > 0:
            return False
        chat, rate, now = self._chat(chat_id), self._rate(chat_id), self._clock()
        while chat.presses and now - chat.presses[0] >= rate.seconds:
            chat.presses.popleft()
        if chat_id < 0 and len(chat.presses) >= rate.calls // 2:
            return False
        chat.presses.append(now)
        return True

    def rest(self, chat_id: int, retry_after_s: float) -> None:
        """Telegram asks to leave this chat alone for so long."""
        chat = self._chat(chat_id)
        chat.resting_until = max(chat.resting_until, self._clock() + retry_after_s + MARGIN_S)

    def __len__(self) -> int:
        return len(self._chats)

    def _rate(self, chat_id: int) -> Rate:
        return self._private if chat_id > 0 else self._group

    def _free_at(self, chat_id: int, chat: _Chat) -> float:
        rate = self._rate(chat_id)
        full = len(chat.calls) >= rate.calls
        return max(chat.resting_until, chat.calls[0] + rate.seconds if full else 0.0)

    def _chat(self, chat_id: int) -> _Chat:
        chat = self._chats.get(chat_id)
        if chat is None:
            if len(self._chats) >= self._sweep_at:
                self._sweep()
            chat = self._chats[chat_id] = _Chat()
        return chat

    def _sweep(self) -> None:
        now = self._clock()
        for chat_id, chat in list(self._chats.items()):
            last = chat.calls[-1] if chat.calls else 0.0
            if now >= max(chat.resting_until, last + self._rate(chat_id).seconds):
                del self._chats[chat_id]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._chats))

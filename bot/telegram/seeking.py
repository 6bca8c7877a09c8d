"""Finding a message of ours of which nobody knows whether it arrived: no method lists what a bot has said.

A reply stands soon after its question, so the numbers that follow are tried, one after another: what stands there is
edited into the very words that were to be sent. Telegram says "not modified" where it is the lost one, "can't be
edited" where it is somebody else's, "not found" where there is nothing. Messages known to be other replies of ours are
left alone. What stays beyond reach: a reply more than `REACH` messages after its question (then it is sent again).
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from telegram.error import BadRequest

from bot.storage.recent import Recent
from bot.telegram.refusals import Refusal, read_refusal

REACH: Final = 8
"""Numbers after the question that are tried."""
_MOST_ABSENT: Final = 2
_SUPERGROUPS: Final = -1_000_000_000_000
_MOST_CHATS: Final = 10_000
_MOST_IN_A_CHAT: Final = 64

log = logging.getLogger(__name__)


class Traces:
    """What we have sent, by chat, and which questions may have been answered before we started."""

    def __init__(self) -> None:
        self._ours: Recent[int, deque[int]] = Recent(_MOST_CHATS)
        self._fresh: dict[int, list[int]] = {}
        self._suspects: dict[int, set[int]] = {}

    def sent(self, chat_id: int, message_id: int) -> None:
        """This message is ours and known."""
        self._known(chat_id).append(message_id)
        self._fresh.setdefault(chat_id, []).append(message_id)

    def ours(self, chat_id: int) -> Collection[int]:
        """Messages of ours in that chat that are known."""
        return self._ours.get(chat_id) or ()

    def collect(self, chat_id: int) -> list[int]:
        """What has been sent there since the last time; to be kept with the update that is done now."""
        return self._fresh.pop(chat_id, [])

    def suspect(self, chat_id: int, message_id: int, ours: Collection[int]) -> None:
        """That question was in hand when a process died; `ours` are messages known to answer others."""
        self._suspects.setdefault(chat_id, set()).add(message_id)
        self._known(chat_id).extend(ours)

    def is_suspect(self, chat_id: int, message_id: int) -> bool:
        """Whether that question may have been answered already."""
        return message_id in self._suspects.get(chat_id, ())

    def not_found(self, chat_id: int) -> None:
        """One question there was not answered: those after it were not even begun."""
        self._suspects.pop(chat_id, None)

    def _known(self, chat_id: int) -> deque[int]:
        known = self._ours.get(chat_id)
        if known is None:
            known = deque(maxlen=_MOST_IN_A_CHAT)
            self._ours[chat_id] = known
        return known


async def seek(
    chat_id: int, after: int, ours: Collection[int], change: Callable[[int], Awaitable[object]]
) -> int | None:
    """The id of our message after `after` that now says what it should, or None; `change` edits one into that.

    Raises:
        TelegramError: whatever `change` raises beside a refusal; nothing is known then.
    """
    absent = 0
    for candidate in range(after + 1, after + 1 + REACH):
        if candidate in ours:
            continue
        try:
            await change(candidate)
        except BadRequest as exc:
            refusal = read_refusal(exc.message)
            if refusal is Refusal.UNCHANGED:
                return candidate
            if refusal is not Refusal.GONE:  # what is refused here would be refused when sent
                return None
            absent = absent + 1 if "not found" in exc.message.casefold() else 0
            if chat_id < _SUPERGROUPS and absent >= _MOST_ABSENT:  # numbers there have no gaps but deleted messages
                return None
        else:
            log.info("a message of ours with other words has been given the right ones")
            return candidate
    return None

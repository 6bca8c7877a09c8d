"""Who has voted on which answer, so that a vote counts once and may be changed; forgotten within a day.

No person is stored: a vote is kept under a hash of chat, message and person, with a key that is made when the bot
starts and stands nowhere. A restart forgets who has voted, not what was counted.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

MEMORY_S: Final = 24 * 3600.0
MOST: Final = 50_000

Vote = Literal["up", "down"]


@dataclass(slots=True)
class _Ballot:
    cast_at: float
    vote: Vote
    explained: bool = False


class Ballots:
    """Votes of the last day, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._votes: OrderedDict[bytes, _Ballot] = OrderedDict()

    def cast(self, chat_id: int, message_id: int, person_id: int, vote: Vote) -> Vote | None:
        """Cast or change a vote; returns the person's vote so far."""
        self._drop_old()
        voter = self._voter(chat_id, message_id, person_id)
        before = self._votes.pop(voter, None)
        self._votes[voter] = _Ballot(self._clock(), vote, before.explained if before else False)
        if len(self._votes) > MOST:
            self._votes.popitem(last=False)
        return before.vote if before else None

    def explain(self, chat_id: int, message_id: int, person_id: int) -> bool:
        """Whether that person may say why: they have voted against it, and have not said why yet."""
        self._drop_old()
        ballot = self._votes.get(self._voter(chat_id, message_id, person_id))
        if ballot is None or ballot.vote != "down" or ballot.explained:
            return False
        ballot.explained = True
        return True

    def _voter(self, chat_id: int, message_id: int, person_id: int) -> bytes:
        return hashlib.blake2b(f"{chat_id}/{message_id}/{person_id}".encode(), key=self._key, digest_size=12).digest()

    def _drop_old(self) -> None:
        now = self._clock()
        while self._votes and now - next(iter(self._votes.values())).cast_at >= MEMORY_S:
            self._votes.popitem(last=False)

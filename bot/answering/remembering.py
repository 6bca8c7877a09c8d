"""What was found of late, so that a question asked in many chats is worked out once.

What the text says to a whole question is a function of the question and its language alone, for as long as the
knowledge base is open; who asks, what was said before and a model's words come after it and are not kept here. What is
kept holds no word that a person wrote: questions are known by a hash, and answers that may quote them (look-ups, laws
that are not here: whatever was not searched for) are not kept.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from bot.answering.finding import Finding
from prompts import Language

MOST: Final = 5000
LIFE_S: Final = 600.0


class Memory:
    """Findings of the last minutes; the same question asked twice at once is worked out once."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Finding]] = OrderedDict()
        self._sought: dict[bytes, asyncio.Task[Finding]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def find(self, question: str, language: Language, seek: Callable[[], Awaitable[Finding]]) -> Finding:
        """What `seek` finds for this question; at once where the same was found in the last minutes."""
        key = _key(question, language)
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[0] < LIFE_S:
            found = kept[1]
        else:
            seeking = self._sought.get(key)
            if seeking is None:
                seeking = self._sought[key] = asyncio.create_task(self._seek(key, seek))
            found = await asyncio.shield(seeking)
        return replace(found, answer=replace(found.answer, question=question))

    async def _seek(self, key: bytes, seek: Callable[[], Awaitable[Finding]]) -> Finding:
        try:
            found = await seek()
        finally:
            del self._sought[key]
        answer = found.answer
        if answer.mode == "extractive" and answer.ranking and answer.status != "unavailable":
            self._kept.pop(key, None)
            self._kept[key] = (self._clock(), replace(found, answer=replace(answer, question="")))
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found


def _key(question: str, language: Language) -> bytes:
    return hashlib.blake2b(f"{language} {question}".encode("utf-8", "surrogatepass"), digest_size=16).digest()

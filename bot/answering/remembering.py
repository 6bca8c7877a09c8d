"""Answers of the last minutes, so that a question asked in many chats is worked out once.

Answers are deterministic: the same words, made alike by `normalise`, have the same answer for as long as the knowledge
base is open. What is kept holds no word that a person wrote: questions are known by a hash, and answers that may quote
them (look-ups, laws that are not here: whatever was not searched for) are not kept.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from bot.answering.asking import language_of
from bot.answering.composing import Composer
from bot.answering.model import Answer
from knowledge.library import Library
from knowledge.normalising import normalise
from knowledge.retrieval import shorten
from prompts import Language

MOST: Final = 5000
LIFE_S: Final = 600.0


class Answers(Protocol):
    """What channels need of an answerer."""

    @property
    def library(self) -> Library:
        """The regulations."""

    async def answer(self, question: str, language: Language | None = None) -> Answer:
        """Answer without blocking the event loop; never raises for anything a person typed."""

    async def is_well(self) -> bool:
        """Whether the index answers at this moment."""

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups."""


class Remembering:
    """An answerer with a short memory in front; the same question asked twice at once is worked out once."""

    def __init__(self, answerer: Answers, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._answerer, self._clock = answerer, clock
        self._kept: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._sought: dict[bytes, asyncio.Task[Answer]] = {}

    @property
    def library(self) -> Library:
        """The regulations."""
        return self._answerer.library

    def composer(self, language: Language) -> Composer:
        """The sentences around look-ups."""
        return self._answerer.composer(language)

    async def is_well(self) -> bool:
        """As the answerer is: nothing of it is remembered."""
        return await self._answerer.is_well()

    def __len__(self) -> int:
        return len(self._kept)

    async def answer(self, question: str, language: Language | None = None) -> Answer:
        """As the answerer answers; at once where it has answered the same in the last minutes."""
        start = time.perf_counter()
        key = _key(question, language)
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[0] < LIFE_S:
            answer = kept[1]
        else:
            seeking = self._sought.get(key)
            if seeking is None:
                seeking = asyncio.create_task(self._seek(key, question, language))
                self._sought[key] = seeking
            answer = await asyncio.shield(seeking)
        return replace(answer, question=question, latency_ms=(time.perf_counter() - start) * 1000)

    async def _seek(self, key: bytes, question: str, language: Language | None) -> Answer:
        try:
            answer = await self._answerer.answer(question, language)
        finally:
            del self._sought[key]
        if answer.mode == "extractive" and answer.ranking and answer.status != "unavailable":
            self._kept.pop(key, None)
            self._kept[key] = (self._clock(), replace(answer, question=""))
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return answer


def _key(question: str, language: Language | None) -> bytes:
    words = f"{language or language_of(question)} {normalise(shorten(question))}"
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()

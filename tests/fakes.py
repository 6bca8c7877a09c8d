"""Fakes of the seams of knowledge and of the language model: written once, deterministic, recording."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bot.answering.generation.chatting import Chunk, ModelError, Prompt
from bot.storage.inbox import Arrived, Depth, Take, Taken
from knowledge.embedding import Embedder, Vector
from knowledge.index import Hit
from knowledge.lexical import LexicalIndex, Scores
from knowledge.library import Library
from knowledge.measuring import Sight
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.ranking import FEATURES, SIGNALS, Weights
from knowledge.retrieval import Evidence, Retrieval, Retriever
from knowledge.scope import Scope

DIMENSIONS = 64


class FakeEmbedder:
    """Hashed characters and bigrams, normalised: texts that share wording lie near one another.

    `name` is part of the fingerprint; `texts` records what was embedded; `fails_at` raises at that many texts.
    """

    def __init__(self, name: str = "fake", *, fails_at: int | None = None, error: BaseException | None = None) -> None:
        self.name, self.fails_at = name, fails_at
        self.error: BaseException = error or RuntimeError("the fake embedder was told to fail")
        self.texts: list[str] = []
        self._lock = Lock()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def embed(self, text: str) -> Vector:
        with self._lock:
            self.texts.append(text)
            if self.fails_at is not None and len(self.texts) >= self.fails_at:
                raise self.error
        vector = np.full(DIMENSIONS, 1e-3, dtype=np.float32)
        for piece in (*text, *(left + right for left, right in pairwise(text))):
            vector[zlib.crc32((self.name + piece).encode()) % DIMENSIONS] += 1.0
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def embed_all(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        return np.stack([self.embed(text) for text in texts])


class FakeIndex:
    """What `knowledge.index.Index` answers, by brute force over whole articles and without Chroma."""

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self.article_ids = library.article_ids
        texts = [library[article_id][1].text for article_id in self.article_ids]
        self._vectors = embedder.embed_all([normalise(text) for text in texts])
        self._lexical = LexicalIndex.build(texts)
        self.dimensions, self.size = embedder.dimensions, len(texts)
        self.scope = Scope.unknown(embedder.dimensions)

    def dense(self, vector: Vector, limit: int, *, within: str | None = None) -> list[Hit]:
        cosines = self._vectors @ vector
        order = [
            place
            for place in np.argsort(-cosines, kind="stable")
            if within is None or self.article_ids[int(place)].startswith(f"{within}#")
        ][:limit]
        return [Hit(self.article_ids[int(place)], float(cosines[place]), None) for place in order]

    def lexical(self, query: str) -> Scores:
        return self._lexical.scores(query)

    def coverage(self, query: str, places: NDArray[np.int64]) -> Scores:
        return self._lexical.coverage(query, places)

    def close(self) -> None:
        return None


class FakeRetriever(Retriever):
    """Finds the same for every question; `questions` records them, `before` is called first, where retrieving runs."""

    def __init__(
        self, found: Retrieval, *, before: Callable[[], object] = lambda: None, threshold: float = 0.5
    ) -> None:
        ranking, abstention = (np.zeros(len(names), dtype=np.float32) for names in (FEATURES, SIGNALS))
        self.weights = Weights(ranking, abstention, 0.0, threshold)
        self.questions: list[str] = []
        self._found, self._before = found, before

    def retrieve(
        self,
        question: str,
        *,
        top_k: int = 5,
        named: Sequence[int] = (),
        within: Regulation | None = None,
        sight: Sight | None = None,
    ) -> Retrieval:
        self.questions.append(question)
        self._before()
        return self._found

    def elsewhere(self, found: Retrieval) -> Evidence | None:
        return None


class FakeClock:
    """Seconds that stand still until the test, or `sleep`, moves them; `slept` records how long was slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class FakeModel:
    """A chat model that says what it was given, call by call, in small pieces; an exception is raised in its turn.

    `prompts` records what it was told; the last thing given is said to every call after that.
    """

    def __init__(
        self, *said: "str | ModelError", name: str = "fake", piece: int = 7, tokens: int | None = None
    ) -> None:
        self.name, self.prompts = name, list[Prompt]()
        self._said, self._piece, self._tokens = list(said), piece, tokens

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        said = self._said[min(len(self.prompts), len(self._said) - 1)]
        self.prompts.append(prompt)
        if isinstance(said, ModelError):
            raise said
        for place in range(0, len(said), self._piece):
            await asyncio.sleep(0)
            yield Chunk(said[place : place + self._piece])
        yield Chunk("", self._tokens)

    async def aclose(self) -> None:
        pass


class MemoryInbox:
    """An inbox without a database: hands on at once, and notes what is done and what is set aside."""

    def __init__(self) -> None:
        self.depth = Depth(0, 0.0, 0)
        self.marked: dict[int, tuple[int, ...]] = {}
        self.quarantined: dict[int, str] = {}
        self.stored: list[Arrived] = []
        self.fails: Exception | None = None
        self._take: Take | None = None

    def start(self, take: Take) -> None:
        self._take = take

    async def store(self, arrived: Sequence[Arrived]) -> None:
        if self.fails:
            raise self.fails
        self.stored += arrived
        for one in arrived:
            assert self._take
            self._take(Taken(one.update_id, one.lane, one.raw))

    def done(self, update_id: int, sent: Sequence[int] = ()) -> None:
        self.marked[update_id] = tuple(sent)

    def quarantine(self, update_id: int, why: str) -> None:
        self.quarantined[update_id] = why

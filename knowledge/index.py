"""Build and open the index: Chroma for vectors, BM25 beside it, one folder a version.

    <data>/index/CURRENT            name of the folder in use
    <data>/index/<fingerprint>/     chroma/ lexical.npz asked.npz questions.npz scope.npz manifest.json
    <data>/vectors.sqlite3          every vector that was ever embedded for an index here (knowledge.vectors)

A folder is built aside under another name, checked, renamed and then named in CURRENT, so that a reader sees the old
index or the new one, never half of either. Its name is a fingerprint of everything that went into it: text, reader,
model. A build that is stopped leaves its vectors behind, and the next one goes on from there. Chroma's types, and its
distances, stay in this module.

Chroma's graph of neighbours is for many vectors. Of a few, it is asked once, for all of them: comparing a query with
each takes some 20 µs then, and a query of Chroma's 3 ms of CPU.
"""

import hashlib
import json
import logging
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder, Vector
from knowledge.errors import IndexingError
from knowledge.exemplars import NO_QUESTIONS, Progress, WrittenQuestions, compress
from knowledge.lexical import LexicalIndex, Scores, Terms
from knowledge.library import Library
from knowledge.normalising import normalise
from knowledge.reading import READER_VERSION
from knowledge.scope import Scope
from knowledge.vectors import VECTORS_FILE, RememberingEmbedder

LAYOUT_VERSION: Final = 10
LOCK_TIMEOUT_S: Final = 900.0
_COLLECTION: Final = "articles"
_BATCH: Final = 64
"""Entries that are embedded and kept together: what an interruption costs."""
_CHECKED_BYTES: Final = 64_000_000
_FEW: Final = 2000
"""Entries that are compared one and all, in one product (4 MB); of more, Chroma finds the nearest."""

log = logging.getLogger(__name__)

Announce = Callable[[str], None]
"""Called with a sentence for the person who waits."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One article found by vector: its id, the cosine of its nearest entry, that entry's clause (None: the whole)."""

    article_id: str
    score: float
    clause: int | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One vector of the index: the whole article (id = the article's id) or one of its clauses."""

    id: str
    article_id: str
    clause: int | None
    text: str


def _entries(library: Library) -> Iterator[_Entry]:
    for article_id in library.article_ids:
        _, article = library[article_id]
        yield _Entry(article_id, article_id, None, article.text)
        if len(article.clauses) > 1:
            for number, clause in enumerate(article.clauses):
                yield _Entry(f"{article_id}/{number}", article_id, number, clause.text)


_Place = tuple[str, int | None]
"""An article's id and a clause of it, or None for the whole article."""


@dataclass(frozen=True, slots=True)
class _Few:
    """Every entry of a small index: where each stands, its regulation's id, and all vectors, shape (n, dimensions)."""

    places: tuple[_Place, ...]
    owners: NDArray[np.str_]
    vectors: Vector

    @classmethod
    def of(cls, collection: Any) -> Self:
        """Read them from Chroma's collection."""
        entries = collection.get(include=["embeddings"])
        places = tuple(map(_parse_entry_id, entries["ids"]))
        owners = np.array([article_id.rpartition("#")[0] for article_id, _ in places], dtype=np.str_)
        return cls(places, owners, np.asarray(entries["embeddings"], dtype=np.float32))

    def nearest(self, vector: Vector, wanted: int, within: str | None) -> Iterator[tuple[_Place, float]]:
        """The nearest entries with their cosines, best first."""
        cosines = self.vectors @ vector
        order = np.argsort(-cosines, kind="stable")
        if within:
            order = order[self.owners[order] == within]
        for place in order[:wanted].tolist():
            yield self.places[place], float(cosines[place])


def _parse_entry_id(entry_id: str) -> _Place:
    """The article's id, and the clause's place in it or None: “x#14/1” -> (“x#14”, 1)."""
    regulation, _, place = entry_id.rpartition("#")
    number, _, clause = place.partition("/")
    return f"{regulation}#{number}", int(clause) if clause else None


def fingerprint(library: Library, embedder: Embedder, questions: WrittenQuestions = NO_QUESTIONS) -> str:
    """Changes whenever a rebuild would give another index."""
    parts = [str(LAYOUT_VERSION), str(READER_VERSION), embedder.fingerprint, questions.digest]
    parts += [f"{regulation.id}:{regulation.digest}" for regulation in library]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


class Index:
    """An opened index; safe to search from several threads."""

    def __init__(self, client: Any, collection: Any, folder: Path, manifest: dict[str, Any]) -> None:
        self._client, self._collection = client, collection
        self._lexical = LexicalIndex.load(folder / "lexical.npz")
        with np.load(folder / "asked.npz", allow_pickle=False) as arrays:  # a zip knows its own checksums
            self.question_vectors: Vector = arrays["questions"]
            self.question_axes: Vector = arrays["axes"]
        self.question_lexical = LexicalIndex.load(folder / "questions.npz")
        with np.load(folder / "scope.npz", allow_pickle=False) as arrays:
            self.scope = Scope.from_arrays(arrays)
        self.article_ids: tuple[str, ...] = tuple(manifest["article_ids"])
        self.dimensions = int(manifest["dimensions"])
        self.size = int(collection.count())
        self._few = _Few.of(collection) if self.size <= _FEW else None
        self.scratch: Path | None = None

    def dense(self, vector: Vector, limit: int, *, within: str | None = None) -> list[Hit]:
        """The articles whose entries lie nearest, best first; at most `limit`, each once; `within` one regulation."""
        wanted = limit if self.size == len(self.article_ids) else 2 * limit  # clauses of one article may all be near
        nearest = self._few.nearest(vector, wanted, within) if self._few else self._ask_chroma(vector, wanted, within)
        hits: dict[str, Hit] = {}
        for (article_id, clause), score in nearest:
            if article_id not in hits:
                hits[article_id] = Hit(article_id, score, clause)
        return list(hits.values())[:limit]

    def _ask_chroma(self, vector: Vector, wanted: int, within: str | None) -> Iterator[tuple[_Place, float]]:
        found = self._collection.query(
            query_embeddings=[vector],
            n_results=min(wanted, self.size),
            include=["distances"],  # metadata would cost another millisecond; ids say it all
            where={"regulation": within} if within else None,
        )
        for entry_id, distance in zip(found["ids"][0], found["distances"][0], strict=True):
            yield _parse_entry_id(entry_id), 1.0 - float(distance)

    def lexical(self, query: str | Terms) -> Scores:
        """BM25 of a normalised query against every article, in the order of `article_ids`."""
        return self._lexical.scores(query)

    def coverage(self, query: str, places: NDArray[np.int64]) -> Scores:
        """The share of a normalised query's terms, by rarity, that the articles at these places contain."""
        return self._lexical.coverage(query, places)

    def close(self) -> None:
        """Let go of Chroma's files; a private copy goes with it."""
        self._client.close()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class IndexFolder:
    """The index's place on disk: opens what is current, rebuilds what is stale or corrupt."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open_or_build(
        self,
        library: Library,
        embedder: Embedder,
        questions: WrittenQuestions = NO_QUESTIONS,
        *,
        progress: Progress | None = None,
        announce: Announce | None = None,
    ) -> Index:
        """Open the index of exactly this library and model; build it first where it is missing, stale or corrupt.

        Raises:
            IndexingError: it cannot be built, and no earlier index of the same model is there to use.
        """
        wanted = fingerprint(library, embedder, questions)
        index = self._open(wanted)
        if index:
            return index
        try:
            return self.build(library, embedder, questions, progress=progress, announce=announce, force=False)
        except IndexingError:
            earlier = self._open_earlier(library, embedder, questions)
            if earlier is None:
                raise
            log.warning("the index could not be rebuilt; the earlier one stays in use", exc_info=True)
            if announce:
                announce(
                    "知识库暂时无法重建，先用原来的。The index could not be rebuilt; the earlier one stays in use."
                )
            return earlier

    def build(
        self,
        library: Library,
        embedder: Embedder,
        questions: WrittenQuestions = NO_QUESTIONS,
        *,
        progress: Progress | None = None,
        announce: Announce | None = None,
        force: bool = True,
    ) -> Index:
        """Build the index aside, check it, swap it in; one process at a time, others wait.

        With `force` false, an index that another process has just finished is taken as it is.

        Raises:
            IndexingError: no space, no permission, or the check failed; the index in use stays.
        """
        wanted = fingerprint(library, embedder, questions)
        with self._lock(announce):
            index = None if force else self._open(wanted)
            if index:
                return index
            aside = self.root / f".building-{uuid.uuid4().hex[:8]}"
            try:
                self._write(aside, wanted, library, embedder, questions, progress)
                self._swap(aside, wanted)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as exc:  # Chroma's Rust core may raise a PanicException, a BaseException
                raise IndexingError(_explain(self.root, exc)) from exc
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            index = self._open(wanted)
            if index is None:
                raise IndexingError(f"{self.root}: the index was built but cannot be opened again")
            self._tidy(wanted)
            return index

    def current(self) -> dict[str, Any] | None:
        """The manifest of the index in use, or None."""
        try:
            name = (self.root / "CURRENT").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return _manifest(self.root / name)

    @contextmanager
    def _lock(self, announce: Announce | None) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(str(self.root / "lock"))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if announce:
                    announce("另一个进程正在构建知识库，请稍候…… Another process is building the index; waiting.")
                lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout as exc:
            raise IndexingError(f"{self.root}: another process has held the index for {LOCK_TIMEOUT_S:.0f} s") from exc
        except OSError as exc:
            raise IndexingError(_explain(self.root, exc)) from exc
        try:
            yield
        finally:
            lock.release()

    def _write(
        self,
        folder: Path,
        wanted: str,
        library: Library,
        embedder: Embedder,
        questions: WrittenQuestions,
        progress: Progress | None,
    ) -> None:
        entries = list(_entries(library))
        folder.mkdir(parents=True)
        with RememberingEmbedder(embedder, self.root.parent / VECTORS_FILE) as remembering:
            _fill(folder / "chroma", entries, remembering, progress)
            asked = questions.vectors(remembering, progress)
        compressed, axes = compress(asked)
        np.savez(folder / "asked.npz", allow_pickle=False, questions=compressed, axes=axes)
        np.savez(folder / "scope.npz", allow_pickle=False, **questions.scope(embedder, asked).arrays())
        LexicalIndex.build([library[article_id][1].text for article_id in library.article_ids]).save(
            folder / "lexical.npz"
        )
        LexicalIndex.build([exemplar.question for exemplar in questions.exemplars]).save(folder / "questions.npz")
        manifest = {
            "fingerprint": wanted,
            "embedder": embedder.fingerprint,
            "dimensions": embedder.dimensions,
            "entries": len(entries),
            "questions": questions.digest,
            "article_ids": list(library.article_ids),
            "regulations": {regulation.id: regulation.name for regulation in library},
            "files": {
                str(path.relative_to(folder)): path.stat().st_size
                for path in sorted(folder.rglob("*"))
                if path.is_file() and path.suffix != ".sqlite3"
            },
        }
        with (folder / "manifest.json").open("w", encoding="utf-8") as file:
            json.dump(manifest, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())

    def _swap(self, aside: Path, wanted: str) -> None:
        name = wanted
        if (self.root / name).exists():  # a corrupt or forced one: never overwrite what may be open
            name = f"{wanted}-{uuid.uuid4().hex[:6]}"
        os.replace(aside, self.root / name)
        pointer = self.root / f".CURRENT-{uuid.uuid4().hex[:8]}"
        pointer.write_text(name + "\n", encoding="utf-8")
        os.replace(pointer, self.root / "CURRENT")

    def _open(self, wanted: str) -> Index | None:
        """Open the current folder if it holds the wanted index, whole; None otherwise."""
        manifest = self.current()
        if manifest is None and os.access(self.root / "CURRENT", os.R_OK):
            log.warning("the index that CURRENT names cannot be read and will be rebuilt")
        if manifest is None or manifest["fingerprint"] != wanted:
            return None
        return self._open_folder(manifest)

    def _open_earlier(self, library: Library, embedder: Embedder, questions: WrittenQuestions) -> Index | None:
        """An index of the same model and questions whose articles are all still there: better than none."""
        manifest = self.current()
        if manifest is None or manifest["embedder"] != embedder.fingerprint:
            return None
        if manifest["questions"] != questions.digest:
            return None
        if not set(manifest["article_ids"]) <= set(library.article_ids):
            return None
        return self._open_folder(manifest)

    def _open_folder(self, manifest: dict[str, Any]) -> Index | None:
        folder = Path(manifest["folder"])
        client = None
        try:
            for name, size in manifest["files"].items():
                if (folder / name).stat().st_size != size:
                    raise ValueError(f"{name} has another size")
            _check_database(folder / "chroma" / "chroma.sqlite3")
            chroma = _writable(folder / "chroma")
            client = _client(chroma)
            collection = client.get_collection(_COLLECTION, embedding_function=None)
            index = Index(client, collection, folder, manifest)
            if chroma != folder / "chroma":
                index.scratch = chroma
            _probe(index, collection, manifest)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            log.warning("the index at %s is damaged and will be rebuilt", folder.name, exc_info=True)
            if client is not None:
                client.close()
            return None
        return index

    def _tidy(self, keep: str) -> None:
        """Remove what no reader can still be opening: all but the current folder and the one before it."""
        manifest = self.current()
        folders = sorted(
            (path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith(".")),
            key=lambda path: path.stat().st_mtime,
        )
        current = manifest["folder"] if manifest else keep
        for path in [path for path in folders if str(path) != current][:-1]:
            shutil.rmtree(path, ignore_errors=True)
        for path in self.root.glob(".building-*"):
            shutil.rmtree(path, ignore_errors=True)


def _fill(folder: Path, entries: Sequence[_Entry], embedder: Embedder, progress: Progress | None) -> None:
    client = _client(folder)
    try:
        collection = client.create_collection(
            _COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        for start in range(0, len(entries), _BATCH):
            batch = entries[start : start + _BATCH]
            collection.add(
                ids=[entry.id for entry in batch],
                embeddings=list(embedder.embed_all([normalise(entry.text) for entry in batch])),
                metadatas=[{"regulation": entry.article_id.rpartition("#")[0]} for entry in batch],
            )
            if progress:
                progress(start + len(batch), len(entries))
    finally:
        client.close()


def _client(path: Path) -> Any:
    import chromadb  # the heaviest import of the house: half a second
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if (
            not {"fingerprint", "embedder", "dimensions", "entries", "questions", "article_ids", "files"}
            <= manifest.keys()
        ):
            return None
    except (OSError, ValueError, AttributeError):
        return None
    return manifest | {"folder": str(folder)}


def _check_database(path: Path) -> None:
    """Ask SQLite itself whether its file is whole, before Chroma's native code reads it."""
    if path.stat().st_size > _CHECKED_BYTES:
        return
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
    finally:
        connection.close()
    if verdict != "ok":
        raise ValueError(f"{path.name}: {verdict}")


def _writable(folder: Path) -> Path:
    """Chroma opens its database for writing even to read it: give it a private copy of a read-only folder."""
    if os.access(folder, os.W_OK):
        return folder
    copy = Path(tempfile.mkdtemp(prefix="wanggui-index-"))
    shutil.copytree(folder, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for path in (copy, *copy.rglob("*")):  # folders are copied with their rights
        if path.is_dir():
            path.chmod(0o700)
    return copy


def _probe(index: Index, collection: Any, manifest: dict[str, Any]) -> None:
    """A whole index finds its first article by that article's own vector."""
    first = manifest["article_ids"][0]
    if index.size != manifest["entries"]:
        raise ValueError(f"{index.size} entries, expected {manifest['entries']}")
    vector = np.asarray(collection.get(ids=[first], include=["embeddings"])["embeddings"][0], dtype=np.float32)
    if not index.dense(vector, 1)[0].score > 0.99:
        raise ValueError("the first article is not found by its own vector")


def _explain(root: Path, exc: BaseException) -> str:
    reason = getattr(exc, "strerror", None) or type(exc).__name__
    text = str(exc).casefold()
    if "no space" in text or "disk full" in text or "database or disk is full" in text:
        reason = "no space left on the disk: free some and try again"
    elif "read-only" in text or "readonly" in text or isinstance(exc, PermissionError):
        reason = "the folder cannot be written: mend its rights or set WANGGUI_DATA_DIR"
    return f"{root}: the index could not be built ({reason}); the one in use is untouched"

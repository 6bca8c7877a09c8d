"""Vectors that are known already, so that no text is embedded twice: one SQLite file beside the index.

A key is a hash of the model and of the text, so another model finds nothing here. Every batch is committed once it is
embedded: whoever stops a long build, by Ctrl-C or by SIGKILL, loses that one batch and no more. A row that
has changed is embedded anew, a file that is no database is begun anew.
"""

import hashlib
import logging
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np

from knowledge.embedding import Embedder, Vector

VECTORS_FILE: Final = "vectors.sqlite3"
BUSY_TIMEOUT_S: Final = 60.0
_ASKED_AT_ONCE: Final = 500

log = logging.getLogger(__name__)


class RememberingEmbedder:
    """An embedder that asks its file first and keeps there what it had to embed, as float16.

    What has just been embedded is rounded in the same way, so a build that was interrupted gives the same index as
    one that was not.

    Raises:
        OSError, sqlite3.OperationalError: the file cannot be read or written.
    """

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder, self._path = embedder, path
        self._connection = self._open()

    @property
    def fingerprint(self) -> str:
        """That of the embedder behind it."""
        return self._embedder.fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._embedder.dimensions

    def embed(self, text: str) -> Vector:
        """One text -> shape (dimensions,)."""
        return np.asarray(self.embed_all([text])[0], dtype=np.float32)

    def embed_all(self, texts: Sequence[str]) -> Vector:
        """Many texts -> shape (n, dimensions), in order; what had to be embedded is committed before this returns."""
        keys = [self._key(text) for text in texts]
        known = self._known(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            rounded = self._embedder.embed_all(list(missing.values())).astype(np.float16)
            known |= {key: row.tobytes() for key, row in zip(missing, rounded, strict=True)}
            self._keep({key: known[key] for key in missing})
        rows = np.frombuffer(b"".join(known[key] for key in keys), dtype=np.float16).astype(np.float32)
        rows = rows.reshape(len(texts), self.dimensions)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.fingerprint}\0{text}".encode()).digest()[:16]

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        length = self.dimensions * np.dtype(np.float16).itemsize
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            asked = keys[start : start + _ASKED_AT_ONCE]
            places = ",".join("?" * len(asked))
            statement = f"SELECT key, vector, checksum FROM vectors WHERE key IN ({places})"  # noqa: S608 - only marks
            try:
                rows = self._connection.execute(statement, asked).fetchall()
            except sqlite3.DatabaseError as exc:
                self._begin_anew(exc)
                return {}
            found |= {
                key: vector
                for key, vector, checksum in rows
                if isinstance(vector, bytes) and len(vector) == length and zlib.crc32(vector) == checksum
            }
        return found

    def _keep(self, vectors: dict[bytes, bytes]) -> None:
        rows = [(key, vector, zlib.crc32(vector)) for key, vector in vectors.items()]
        try:
            self._insert(rows)
        except sqlite3.DatabaseError as exc:
            self._begin_anew(exc)
            self._insert(rows)

    def _insert(self, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect()
        except sqlite3.DatabaseError as exc:
            _refuse_unless_damaged(exc)
            log.warning("%s is damaged and is begun anew", self._path.name)
            self._path.unlink()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, checksum INTEGER)"
            )
            connection.execute("SELECT key, vector, checksum FROM vectors LIMIT 1")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _begin_anew(self, exc: sqlite3.DatabaseError) -> None:
        _refuse_unless_damaged(exc)
        log.warning("%s is damaged and is begun anew", self._path.name)
        self._connection.close()
        self._path.unlink(missing_ok=True)
        self._connection = self._connect()


def _refuse_unless_damaged(exc: sqlite3.DatabaseError) -> None:
    """A full disk, a lock or a missing right is an OperationalError, and no reason to throw vectors away."""
    if isinstance(exc, sqlite3.OperationalError) and "no such column" not in str(exc):
        raise exc

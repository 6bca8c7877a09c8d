"""A question carried from a group into the private chat by a deep link.

Whoever has the link may read it, and nobody else: the question is sealed with a key that stands in the link's token
only, so that the database by itself holds no word of it. It expires after a day.
"""

import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256, shake_256
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.sql import Sql, insert

LASTS: Final = timedelta(days=1)
_TOKEN_BYTES: Final = 16
_TAG_BYTES: Final = 16
_MOST_PENDING: Final = 20_000


@dataclass(frozen=True, slots=True)
class Passage:
    """What a deep link carries."""

    question: str
    language: str


@dataclass(frozen=True, slots=True)
class _Sealed:
    content: bytes
    expires_at: datetime


class PassageStore:
    """Sealed questions by token; written behind."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._pending: OrderedDict[str, _Sealed] = OrderedDict()
        self._aside: OrderedDict[str, _Sealed] = OrderedDict()

    async def keep(self, question: str, language: str, *, at: datetime) -> str:
        """Seal a question; returns the token that opens it for a day: 22 URL-safe characters."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._pending[_digest(token)] = _Sealed(seal(token, {"q": question, "l": language}), at + LASTS)
        if len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)
        return token

    async def find(self, token: str, *, at: datetime) -> Passage | None:
        """What that token carries; None where it has expired or never was.

        Raises:
            StorageError: the database does not answer.
        """
        digest = _digest(token)
        sealed = self._pending.get(digest) or self._aside.get(digest)
        if sealed is None:
            passages = tables.passages.c
            async with self._sql.reading() as connection:
                row = (
                    await connection.execute(
                        select(passages.sealed, passages.expires_at).where(passages.digest == digest)
                    )
                ).first()
            sealed = _Sealed(row.sealed, row.expires_at) if row else None
        content = unseal(token, sealed.content) if sealed and at < sealed.expires_at else None
        return Passage(content["q"], content["l"]) if content else None

    def set_aside(self) -> bool:
        """Set aside the passages that are not written yet."""
        self._aside, self._pending = self._pending, OrderedDict()
        return bool(self._aside)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was set aside."""
        rows = [
            {"digest": digest, "sealed": sealed.content, "expires_at": sealed.expires_at}
            for digest, sealed in self._aside.items()
        ]
        await connection.execute(insert(connection, tables.passages).on_conflict_do_nothing(), rows)

    def written(self) -> None:
        """What was set aside is safe."""
        self._aside = OrderedDict()

    def put_back(self) -> None:
        """Keep what was set aside for the next time."""
        self._pending = OrderedDict({**self._aside, **self._pending})
        self._aside = OrderedDict()

    async def sweep(self, connection: AsyncConnection, now: datetime) -> None:
        """Drop what has expired."""
        await connection.execute(delete(tables.passages).where(tables.passages.c.expires_at <= now))


def seal(token: str, content: Mapping[str, str]) -> bytes:
    """Encrypt with a keystream out of the token, which is used this once, and authenticate."""
    plain = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    hidden = _mask(token, plain)
    return _tag(token, hidden) + hidden


def unseal(token: str, sealed: bytes) -> dict[str, Any] | None:
    """What was sealed with that token; None for any other."""
    tag, hidden = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(token, hidden)):
        return None
    content: dict[str, Any] = json.loads(_mask(token, hidden))
    return content


def _mask(token: str, content: bytes) -> bytes:
    stream = shake_256(f"passage:{token}".encode()).digest(len(content))
    return bytes(left ^ right for left, right in zip(content, stream, strict=True))


def _tag(token: str, hidden: bytes) -> bytes:
    return hmac.new(token.encode(), hidden, sha256).digest()[:_TAG_BYTES]


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()

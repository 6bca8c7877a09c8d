"""Brings a database's tables up to date when it is opened; from several processes at once, one does it, others wait."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout
from sqlalchemy import Connection, inspect, text

from bot.errors import StorageError
from bot.storage.migrations import HEAD
from bot.storage.sql import Sql, told

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK_TIMEOUT_S: Final = 60
_ADVISORY_LOCK: Final = 5_031_202_401
"""PostgreSQL's lock for this work: any number that no other program of the same database uses."""

log = logging.getLogger(__name__)


async def migrate(sql: Sql, backups: Path | None = None) -> None:
    """Bring the tables up to date; nothing is done where they are.

    What was is kept: a SQLite file's copy beside it, a backup of a PostgreSQL database in the folder `backups`.

    Raises:
        StorageError: the database cannot be opened or written, or was made by a newer version.
    """
    path = _sqlite_file(sql)
    if path:
        with told(str(path)):
            await asyncio.to_thread(_make_folder, path.parent)
    if await _revision(sql) == HEAD:
        return
    async with _alone(path):
        before = await _revision(sql)
        if before == HEAD:
            return
        if before and path:
            with told(str(path)):
                await asyncio.to_thread(_copy, path, path.with_name(f"{path.name}.before-{HEAD}"))
        elif before and backups:
            from bot.storage.backup import write_backup  # it needs this module itself

            await write_backup(sql.url, backups / f"before-{HEAD}.zip", [])
        await _upgrade(sql)


def configuration(connection: Connection) -> "Config":
    """Alembic's configuration for that connection: where the scripts lie."""
    from alembic.config import Config  # a third of a second, needed only where tables are to be made

    config = Config()
    config.set_main_option("script_location", str(resources.files("bot.storage") / "migrations"))
    config.attributes["connection"] = connection
    return config


async def _upgrade(sql: Sql) -> None:
    def upgrade(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        try:
            upgrade_to(connection, "head")
        except StorageError as exc:
            raise StorageError(f"数据库 (database) {sql.name}: {exc}") from exc

    async with sql.writing() as connection:
        await connection.run_sync(upgrade)
    log.info("the database is at revision %s", HEAD)


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is at, or None where it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def upgrade_to(connection: Connection, revision: str) -> None:
    """Run the scripts up to that revision, within the connection's own transaction.

    Raises:
        StorageError: there is no such revision: a newer version made it.
    """
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(configuration(connection), revision)
    except CommandError as exc:
        raise StorageError(f"{revision}: 由更新的版本写成，请升级 (made by a newer version: upgrade wanggui)") from exc


async def _revision(sql: Sql) -> str | None:
    async with sql.reading() as connection:
        return await connection.run_sync(revision_of)


@asynccontextmanager
async def _alone(path: Path | None) -> AsyncIterator[None]:
    """One process at a time on a SQLite file; PostgreSQL locks by itself."""
    if path is None:
        yield
        return
    lock = FileLock(f"{path}.lock", thread_local=False)
    with told(str(path)):
        try:
            await asyncio.to_thread(lock.acquire, _LOCK_TIMEOUT_S)
        except Timeout as exc:
            raise StorageError(
                f"数据库 (database) {path}: 另一个进程占用已超过 {_LOCK_TIMEOUT_S} 秒 (held by another process)"
            ) from exc
    try:
        yield
    finally:
        lock.release()


def _sqlite_file(sql: Sql) -> Path | None:
    name = sql.engine.url.database
    return Path(name) if sql.engine.dialect.name == "sqlite" and name and name != ":memory:" else None


def _make_folder(folder: Path) -> None:
    """The folder, for the owner alone; one that is there already is left as it is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _copy(path: Path, target: Path) -> None:
    """A whole copy, through SQLite, so that what still stands in the write-ahead log comes along."""
    aside = target.with_name(f".{target.name}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(aside)) as copy:
        source.backup(copy)
    shutil.move(aside, target)

"""A backup: one zip file with every table as JSON lines, the folders of added regulations, and from which revision.

It is written from one moment's view of the database, and read back in one transaction: into SQLite or PostgreSQL alike,
so that it also moves a bot from one to the other. Updates in hand are not part of it: Telegram repeats what matters.
"""

import base64
import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from sqlalchemy import Connection, DateTime, MetaData, Table, func, inspect, select

from bot.errors import StorageError
from bot.storage.inbox import living
from bot.storage.migrating import revision_of, upgrade_to
from bot.storage.sql import Sql, told

FORMAT: Final = 1
_HEADER: Final = "wanggui.json"
_LEFT_OUT: Final = frozenset(("alembic_version", "inbox", "replicas"))
_BATCH: Final = 500


async def write_backup(url: str, path: Path, folders: Sequence[Path]) -> int:
    """Write the backup of a database and of folders beside it; how many rows it has.

    Raises:
        StorageError: the database cannot be read, or the file cannot be written.
    """
    sql = Sql(url)
    aside = path.with_name(f".{path.name}.part")
    try:
        with told(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            async with sql.snapshot() as connection:
                rows = await connection.run_sync(lambda sync: _write(sync, aside, folders))
            aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink()
        await sql.close()
    return rows


async def read_backup(url: str, path: Path, data_dir: Path) -> int:
    """Put a backup in the place of what the database holds, and its folders under `data_dir`; how many rows it had.

    Raises:
        StorageError: it is no backup, a bot runs, or the database cannot be written; then nothing has been changed.
    """
    sql = Sql(url)
    lock = FileLock(f"{sql.name}.inbox.lock") if sql.is_sqlite else None
    try:
        with told(str(path)):
            if lock:
                Path(sql.name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                try:
                    lock.acquire(timeout=0)
                except Timeout as exc:
                    raise StorageError(_RUNNING) from exc
            with _opened(path) as archive:
                header = json.loads(archive.read(_HEADER))
                if header["format"] != FORMAT:
                    raise StorageError(f"{path}: 由更新的版本写成 (made by a newer version)")
                async with sql.writing() as connection:
                    rows = await connection.run_sync(lambda sync: _read(sync, archive, header["revision"]))
                _unpack(archive, data_dir)
    except (zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise StorageError(f"{path}: 不是完好的备份 (not a sound backup)") from exc
    finally:
        if lock:
            lock.release()
        await sql.close()
    return rows


_RUNNING: Final = "机器人还在运行，请先停下它 (a bot is running: stop it first)"


def _opened(path: Path) -> zipfile.ZipFile:
    if not path.is_file():
        raise StorageError(f"{path}: 没有这个文件 (no such file)")
    return zipfile.ZipFile(path)


def _write(connection: Connection, aside: Path, folders: Sequence[Path]) -> int:
    metadata = MetaData()
    metadata.reflect(connection)
    count = 0
    mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(aside, mode, 0o600), "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        header = {"format": FORMAT, "revision": revision_of(connection), "made_at": datetime.now(UTC).isoformat()}
        out.writestr(_HEADER, json.dumps(header))
        for table in metadata.sorted_tables:
            if table.name in _LEFT_OUT:
                continue
            with out.open(f"tables/{table.name}.jsonl", "w") as raw, TextIOWrapper(raw, "utf-8") as lines:
                for row in connection.execute(select(table)).mappings():
                    lines.write(json.dumps({name: _plain(value) for name, value in row.items()}) + "\n")
                    count += 1
        for folder in folders:
            for one in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if one.is_file():
                    out.write(one, f"folders/{folder.name}/{one.relative_to(folder)}")
    return count


def _read(connection: Connection, archive: zipfile.ZipFile, revision: str | None) -> int:
    if inspect(connection).has_table("replicas") and living(connection):
        raise StorageError(_RUNNING)
    before = MetaData()
    before.reflect(connection)
    before.drop_all(connection)
    if revision is None:
        return 0
    upgrade_to(connection, revision)
    metadata = MetaData()
    metadata.reflect(connection)
    count = 0
    for table in metadata.sorted_tables:
        if f"tables/{table.name}.jsonl" in archive.namelist():
            count += _fill(connection, table, archive)
    upgrade_to(connection, "head")
    return count


def _fill(connection: Connection, table: Table, archive: zipfile.ZipFile) -> int:
    count, batch = 0, list[dict[str, Any]]()
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            batch.append({name: _rich(value, table.c[name].type) for name, value in json.loads(line).items()})
            if len(batch) == _BATCH:
                connection.execute(table.insert(), batch)
                count, batch = count + len(batch), []
    if batch:
        connection.execute(table.insert(), batch)
    if connection.dialect.name == "postgresql" and "id" in table.c:
        newest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        numbers = func.pg_get_serial_sequence(table.name, "id")
        connection.execute(select(func.setval(numbers, newest + 1, False)))
    return count + len(batch)


def _unpack(archive: zipfile.ZipFile, data_dir: Path) -> None:
    """The folders, whole: what stands there now goes."""
    members = [name for name in archive.namelist() if name.startswith("folders/") and not name.endswith("/")]
    for folder in {Path(name).parts[1] for name in members}:
        if folder in ("", ".", ".."):
            raise ValueError(folder)
        shutil.rmtree(data_dir / folder, ignore_errors=True)
    for name in members:
        target = data_dir.joinpath(*Path(name).parts[1:])
        if not target.resolve().is_relative_to(data_dir.resolve()):
            raise ValueError(name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(archive.read(name))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return {"moment": moment.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    return value


def _rich(value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "moment" in value:
        moment = datetime.fromisoformat(value["moment"])
        return moment.replace(tzinfo=UTC) if isinstance(kind, DateTime) and kind.timezone else moment
    return date.fromisoformat(value["day"]) if "day" in value else base64.b64decode(value["bytes"])

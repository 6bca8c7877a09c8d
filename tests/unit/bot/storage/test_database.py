"""Opening, migrating, flushing, sweeping, erasing; what a broken disk or a second process does."""

import asyncio
import os
import sqlite3
import stat
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.errors import StorageError
from bot.storage import migrating
from bot.storage.database import Database
from bot.storage.migrating import configuration
from bot.storage.migrations import HEAD
from bot.storage.sql import Sql
from bot.storage.tables import metadata

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
GROUP, PERSON, OTHER = -100123, 4711, 4712


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{path}") as database:
        yield database


def tables_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def fill(database: Database) -> None:
    """One of everything, for a group, a private chat and two persons."""
    await database.chats.change(GROUP, language="en")
    await database.chats.change(PERSON, language="en")
    await database.chats.once(GROUP, "introduced")
    await database.chats.once(PERSON, "refused")
    await database.review.add(
        GROUP, "党费怎么交", kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=6, at=NOW
    )
    database.usage.count(GROUP, "question", at=NOW)
    database.replies.keep(GROUP, 5, 6, person_id=PERSON, at=NOW)
    database.replies.keep(GROUP, 7, 8, person_id=OTHER, at=NOW)
    database.replies.keep(PERSON, 1, 2, person_id=PERSON, at=NOW)
    await database.flush()


async def test_a_new_database_lies_in_a_folder_of_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "wanggui.db"
    async with opened(path):
        assert tables_of(path) >= set(metadata.tables)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    async with opened(tmp_path / "wanggui.db"):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


async def test_the_migrations_lead_to_the_tables_and_back(tmp_path: Path) -> None:
    sql = Sql(f"sqlite:///{tmp_path / 'x.db'}")

    def upgrade(connection: Connection) -> list[object]:
        command.upgrade(configuration(connection), "head")
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    def downgrade(connection: Connection) -> list[str]:
        command.downgrade(configuration(connection), "base")
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return sorted(name for (name,) in found)

    try:
        async with sql.writing() as connection:
            assert await connection.run_sync(upgrade) == []
        async with sql.writing() as connection:
            left = await connection.run_sync(downgrade)
        assert left in (["alembic_version"], ["alembic_version", "sqlite_autoindex_alembic_version_1"])
    finally:
        await sql.close()


async def test_the_newest_script_is_the_one_that_is_wanted(path: Path) -> None:
    sql = Sql(f"sqlite:///{path}")

    def head(connection: Connection) -> str | None:
        return ScriptDirectory.from_config(configuration(connection)).get_current_head()

    async with sql.reading() as connection:
        assert await connection.run_sync(head) == HEAD
    await sql.close()


async def test_two_processes_that_open_a_new_database_at_once_both_get_it(tmp_path: Path) -> None:
    path = tmp_path / "wanggui.db"
    first, second = await asyncio.gather(*(Database.open(f"sqlite:///{path}") for _ in range(2)))
    try:
        assert await first.chats.once(GROUP, "introduced")
        assert not await second.chats.once(GROUP, "introduced")
    finally:
        await first.close()
        await second.close()


async def test_an_upgrade_keeps_a_whole_copy_of_what_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as database:
        await fill(database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    done: list[str] = []

    async def upgrade(sql: Sql) -> None:
        done.append(sql.name)

    monkeypatch.setattr(migrating, "_upgrade", upgrade)
    await (await Database.open(f"sqlite:///{path}")).close()
    assert done == [str(path)]
    assert rows(path.with_name(f"wanggui.db.before-{HEAD}"), "replies") == 3


async def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StorageError, match="newer version"):
        await Database.open(f"sqlite:///{path}")


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wanggui.db"
    real = migrating.configuration

    def failing(connection: Connection) -> object:
        config = real(connection)
        connection.execute(text("CREATE TABLE passages (x INTEGER)"))  # the script's own table is in the way
        return config

    monkeypatch.setattr(migrating, "configuration", failing)
    with pytest.raises(StorageError):
        await Database.open(f"sqlite:///{path}")
    assert tables_of(path) == set()


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may write everywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    with somebody_else(), pytest.raises(StorageError, match=r"WANGGUI_DATA_DIR|cannot be opened"):
        await Database.open(f"sqlite:///{folder / 'sub' / 'wanggui.db'}")


async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "wanggui.db"
    path.write_bytes(b"this is no database at all, and long enough to be looked at" * 100)
    with pytest.raises(StorageError, match="damaged"):
        await Database.open(f"sqlite:///{path}")


async def test_a_driver_that_is_not_there_is_told_and_the_password_is_not() -> None:
    with pytest.raises(StorageError) as caught:
        await Database.open("postgresql+psycopg2://wanggui:Geheimnis@localhost/wanggui")
    assert "driver" in str(caught.value)
    assert "Geheimnis" not in str(caught.value)


async def test_a_full_disk_is_told_and_loses_nothing_that_waits(path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}")
    async with database._sql.engine.connect() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()

    async def limit(most: int) -> None:
        async with database._sql.engine.connect() as connection:
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")

    await limit(pages)
    try:
        database.usage.count(GROUP, "question", at=NOW)
        for number in range(3000):
            database.replies.keep(GROUP, number, number + 1, person_id=PERSON, at=NOW)
        with pytest.raises(StorageError, match="full"):
            await database.flush()
        assert await database.replies.find(GROUP, 17) == 18
        database.usage.count(GROUP, "question", at=NOW)
        await limit(1_000_000)
    finally:
        await database.close()
    assert rows(path, "replies") == 3000
    async with opened(path) as again:
        assert (await again.figures(GROUP, 1, now=NOW)).questions == 2


async def test_closing_writes_what_waits(path: Path) -> None:
    async with opened(path) as database:
        database.usage.count(GROUP, "question", at=NOW)
        database.replies.keep(GROUP, 5, 6, person_id=None, at=NOW)
        token = await database.passages.keep("能翻墙吗", "zh", at=NOW)
        assert rows(path, "usage") == rows(path, "replies") == rows(path, "passages") == 0
    async with opened(path) as again:
        assert (await again.figures(GROUP, 1, now=NOW)).questions == 1
        assert await again.replies.find(GROUP, 5) == 6
        assert await again.passages.find(token, at=NOW) is not None


async def test_errors_quote_no_words(path: Path) -> None:
    async with opened(path) as database:
        async with database._sql.writing() as connection:
            await connection.execute(text("DROP TABLE review"))
        with pytest.raises(StorageError) as caught:
            await database.review.add(
                GROUP, "机密的话", kind="unanswered", reason="x", language="zh", reply_message_id=1, at=NOW
            )
    assert "机密的话" not in "".join(traceback.format_exception(caught.value))


async def test_two_databases_on_one_file_lose_no_count(path: Path) -> None:
    async with opened(path) as first, opened(path) as second:

        async def count(database: Database) -> None:
            for _ in range(20):
                database.usage.count(GROUP, "question", at=NOW)
                await database.flush()

        await asyncio.gather(count(first), count(second))
        assert (await first.figures(GROUP, 1, now=NOW)).questions == 40


async def test_what_is_counted_while_a_flush_runs_is_not_lost(database: Database) -> None:
    for _ in range(10):
        database.usage.count(GROUP, "question", at=NOW)
        flushing = asyncio.create_task(database.flush())
        await asyncio.sleep(0)
        database.usage.count(GROUP, "question", at=NOW)
        await flushing
    assert (await database.figures(GROUP, 1, now=NOW)).questions == 20


async def test_a_locked_database_is_told_and_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.storage.sql.PRAGMAS", ("busy_timeout = 20", "journal_mode = WAL"))
    async with opened(path) as database:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="locked"):
                await database.chats.change(GROUP, language="en")
            assert (await database.chats.settings(GROUP)).language == "auto"
            other.rollback()
        await database.chats.change(GROUP, language="en")
        assert (await database.chats.settings(GROUP)).language == "en"


async def test_a_person_is_forgotten_and_nobody_else(path: Path) -> None:
    async with opened(path) as database:
        await fill(database)
        assert await database.erase_person(PERSON) == 4
        assert await database.replies.find(GROUP, 5) is None
        assert await database.replies.find(GROUP, 7) == 8
        assert (await database.chats.settings(PERSON)).language == "auto"
        assert (await database.chats.settings(GROUP)).language == "en"
        assert await database.erase_person(PERSON) == 0


async def test_what_waits_is_forgotten_too(database: Database) -> None:
    database.replies.keep(GROUP, 5, 6, person_id=PERSON, at=NOW)
    assert await database.erase_person(PERSON) == 1
    await database.flush()
    assert await database.replies.find(GROUP, 5) is None


async def test_an_anonymous_administrator_does_not_erase_the_group(database: Database) -> None:
    await fill(database)
    assert await database.erase_person(GROUP) == 0
    assert (await database.chats.settings(GROUP)).language == "en"


async def test_a_group_is_forgotten_and_nobody_else(database: Database) -> None:
    await fill(database)
    assert await database.erase_chat(GROUP) == 5
    assert await database.review.open_items(None, limit=9) == []
    assert (await database.figures(None, 1, now=NOW)).questions == 0
    assert await database.replies.find(GROUP, 7) is None
    assert await database.replies.find(PERSON, 1) == 2
    assert (await database.chats.settings(GROUP)).language == "auto"
    assert not await database.chats.once(GROUP, "introduced")


async def test_the_sweep_drops_what_is_older_than_the_retention(path: Path) -> None:
    async with opened(path) as database:
        await fill(database)
        await database.passages.keep("能翻墙吗", "zh", at=NOW)
        await database.flush()
        await database.sweep(NOW + timedelta(hours=23), 90)
        assert [rows(path, table) for table in ("review", "usage", "replies", "passages")] == [1, 1, 3, 1]
        await database.sweep(NOW + timedelta(days=3), 90)
        assert [rows(path, table) for table in ("review", "usage", "replies", "passages")] == [1, 1, 0, 0]
        await database.sweep(NOW + timedelta(days=91), 90)
        assert [rows(path, table) for table in ("review", "usage")] == [0, 0]
        assert [rows(path, table) for table in ("chats", "once")] == [2, 2]


async def test_a_short_retention_holds_for_ids_of_messages_too(path: Path) -> None:
    async with opened(path) as database:
        await fill(database)
        await database.sweep(NOW + timedelta(days=1, hours=1), 1)
        assert rows(path, "replies") == 0

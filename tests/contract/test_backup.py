"""A backup and its way back, on SQLite, on PostgreSQL, and from the one to the other."""

import asyncio
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from bot.errors import StorageError
from bot.storage.backup import read_backup, write_backup
from bot.storage.database import Database
from bot.storage.inbox import Arrived
from bot.storage.migrating import configuration, upgrade_to
from bot.storage.migrations import HEAD
from bot.storage.sql import Sql
from bot.storage.tables import metadata
from tests.databases import Postgres

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
GROUP = -100123


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.running() as server:
        yield server


def fresh(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    folder.mkdir(exist_ok=True)
    if kind == "sqlite":
        return f"sqlite:///{folder / 'wanggui.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh()


async def fill(url: str) -> None:
    async with await Database.open(url) as database:
        await database.chats.change(GROUP, language="en", quiz_anonymous=False)
        for question in ("党费怎么交", "零\u0000字节和孤\ud800立"):
            await database.review.add(
                GROUP, question, kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=6, at=NOW
            )
        database.usage.count(GROUP, "question", at=NOW)
        database.replies.keep(GROUP, 5, 6, person_id=7, at=NOW)
        await database.passages.keep("能翻墙吗", "zh", at=NOW)


async def told(url: str) -> list[object]:
    async with await Database.open(url) as database:
        review = await database.review.open_items(None, limit=9)
        return [
            (await database.chats.settings(GROUP)).language,
            [item.question for item in review],
            (await database.figures(GROUP, 1, now=NOW)).questions,
            await database.replies.find(GROUP, 5),
        ]


@pytest.mark.parametrize(
    ("source", "target"),
    [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql"), ("postgresql", "sqlite")],
)
async def test_what_was_backed_up_comes_back(
    tmp_path: Path, request: pytest.FixtureRequest, source: str, target: str
) -> None:
    first, second = (fresh(kind, tmp_path / name, request) for kind, name in ((source, "one"), (target, "two")))
    await fill(first)
    before = await told(first)
    library = tmp_path / "one" / "library" / "示例"
    library.mkdir(parents=True)
    (library / "text.txt").write_text("第一条 甲", encoding="utf-8")
    path = tmp_path / "backup.zip"
    rows = await write_backup(first, path, [tmp_path / "one" / "library", tmp_path / "one" / "absent"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await fill(second)
    async with await Database.open(second) as database:
        await database.chats.change(GROUP, language="zh")
    assert await read_backup(second, path, tmp_path / "two") == rows > 4
    assert await told(second) == before
    assert (tmp_path / "two" / "library" / "示例" / "text.txt").read_text(encoding="utf-8") == "第一条 甲"
    async with await Database.open(second) as database:
        await database.review.add(
            GROUP, "又一个", kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=9, at=NOW
        )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_nothing_is_put_back_under_a_running_bot(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    url = fresh(kind, tmp_path, request)
    await fill(url)
    path = tmp_path / "backup.zip"
    await write_backup(url, path, [])
    async with await Database.open(url) as database:
        inbox = await database.open_inbox()
        inbox.start(lambda taken: None)
        await inbox.store([Arrived(7, "chat1", b"{}")])
        await write_backup(url, tmp_path / "while-running.zip", [])
        with pytest.raises(StorageError, match="stop it first"):
            await read_backup(url, path, tmp_path)
        await inbox.close()
    assert (await told(url))[0] == "en"


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
async def test_a_file_that_is_no_backup_changes_nothing(tmp_path: Path, content: bytes | None) -> None:
    url = f"sqlite:///{tmp_path / 'wanggui.db'}"
    await fill(url)
    path = tmp_path / "backup.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("something.json", "{}")
    else:
        path.write_bytes(content)
    with pytest.raises(StorageError, match="backup"):
        await read_backup(url, path, tmp_path)
    assert (await told(url))[0] == "en"


async def test_a_backup_cannot_write_outside_the_data_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'wanggui.db'}"
    await fill(url)
    path = tmp_path / "backup.zip"
    await write_backup(url, path, [])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("folders/library/../../../outside.txt", "x")
    with pytest.raises(StorageError, match="backup"):
        await read_backup(url, path, tmp_path / "data")
    assert not (tmp_path / "outside.txt").exists()


async def test_the_migrations_lead_up_and_down_on_postgresql(postgres: Postgres) -> None:
    sql = Sql(postgres.fresh())

    def upgrade(connection: Connection) -> list[object]:
        command.upgrade(configuration(connection), "head")
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    def downgrade(connection: Connection) -> list[str]:
        command.downgrade(configuration(connection), "base")
        return inspect(connection).get_table_names()

    async with sql.writing() as connection:
        assert await connection.run_sync(upgrade) == []
    async with sql.writing() as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]
    await sql.close()


async def test_an_upgrade_of_postgresql_keeps_a_backup(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.fresh()
    sql = Sql(url)
    async with sql.writing() as connection:
        await connection.run_sync(lambda sync: upgrade_to(sync, "0001"))
        await connection.execute(metadata.tables["chats"].insert().values(chat_id=GROUP, language="en"))
    await sql.close()
    async with await Database.open(url, tmp_path) as database:
        assert (await database.chats.settings(GROUP)).language == "en"
        await database.chats.change(GROUP, language="zh")
    assert await read_backup(url, tmp_path / f"before-{HEAD}.zip", tmp_path) == 1
    async with await Database.open(url, tmp_path) as database:
        assert (await database.chats.settings(GROUP)).language == "en"


async def test_two_replicas_that_open_a_new_postgresql_at_once_both_get_it(postgres: Postgres) -> None:
    url = postgres.fresh()
    first, second = await asyncio.gather(Database.open(url), Database.open(url))
    try:
        assert await first.chats.once(GROUP, "introduced")
        assert not await second.chats.once(GROUP, "introduced")
    finally:
        await first.close()
        await second.close()

"""A database for each test: migrated once, then copied."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.storage.database import Database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the newest revision; copy it."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"

    async def make() -> None:
        await (await Database.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """The file of this test's database."""
    return Path(shutil.copy(migrated, tmp_path / "wanggui.db"))


@pytest_asyncio.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """An opened database."""
    async with await Database.open(f"sqlite:///{path}") as opened:
        yield opened

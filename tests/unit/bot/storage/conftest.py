"""A database for each test: migrated once, then copied."""

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from bot.storage.database import Database
from tests.databases import Postgres


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL whose new databases are migrated already."""
    with Postgres.running() as server:
        url = server.fresh()

        async def make() -> None:
            await (await Database.open(url)).close()

        asyncio.run(make())
        server.template = urlsplit(url).path.strip("/")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    """Where this test's database is: once a file, once in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{path}"
    if "path" in inspect.signature(request.function).parameters:
        pytest.skip("a look into the file")
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh()


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An opened database, of either kind."""
    async with await Database.open(url) as opened:
        yield opened

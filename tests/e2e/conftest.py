"""The real application as a subprocess, against the Bot API server in `tests.botapi`, over loopback."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.botapi import BotApiServer

ROOT = Path(__file__).parents[2]


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """A clean environment for a subprocess: no setting but the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGUI_")}
    return kept | {"WANGGUI_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)} | settings


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose index is built, shared by the tests of this folder."""
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-m", "bot", "index"]
    subprocess.run(command, check=True, env=environment(folder), cwd=folder, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def own(built: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own, with its index: one process alone may hold a SQLite file."""
    return shutil.copytree(built, tmp_path / "own", ignore=shutil.ignore_patterns("*.db*", "*.lock"))


@asynccontextmanager
async def running(
    server: BotApiServer, data_dir: Path, *, ready: str = "getUpdates", **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`wanggui run` against the server, from its first poll (or the call named `ready`) until SIGTERM."""
    access = {"WANGGUI_TELEGRAM_TOKEN": server.token, "WANGGUI_TELEGRAM_API": server.base_url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        env=environment(data_dir, **(access | settings)),
        cwd=data_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await server.next_call(ready, timeout_s=60)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert server.token not in errors.decode(), "the token stands in the log"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(built: Path) -> AsyncIterator[BotApiServer]:
    """A Bot API server with one bot polling it for all tests; at the end no request may have broken the schema."""
    async with BotApiServer() as api:
        async with running(api, built):
            yield api
        assert api.requests, "nothing was asked of the server"
        assert api.violations == []
        assert api.parse_errors == []

"""A real PostgreSQL for tests, from the package `pgserver`."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self


class Postgres:
    """A PostgreSQL of its own behind a Unix socket; `fresh` makes a database in it."""

    def __init__(self, folder: Path) -> None:
        from pgserver.postgres_server import get_server

        self._server = get_server(str(folder), cleanup_mode="stop")
        for setting in ("fsync = off", "full_page_writes = off"):  # a test's machine does not lose its power
            self.run(f"ALTER SYSTEM SET {setting}")
        self.run("SELECT pg_reload_conf()")
        self._numbers = itertools.count(1)
        self.template: str | None = None

    def fresh(self) -> str:
        """The URL of a new database: a copy of `template`, or empty."""
        name = f"test{os.getpid()}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {self.template}" if self.template else ""))
        return self._server.get_uri(database=name).replace("postgres:@", "postgres@")

    def run(self, statement: str) -> str:
        """Run one statement as the owner of it all."""
        return str(self._server.psql(f"{statement};"))

    def break_down(self) -> None:
        """End at once, as in a power cut; `come_back` begins again."""
        from pgserver import postgres_server

        stop = ["-m", "immediate", "-w", "stop"]
        vars(postgres_server)["pg_ctl"](stop, pgdata=self._server.pgdata, user=self._server.system_user)

    def come_back(self) -> None:
        """Begin again, in the same place."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop the server."""
        self._server.cleanup()

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """A server in a folder of its own, which is gone afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="wanggui-pg"))  # not under pytest's: those are for their owner alone
        server = cls(folder)
        try:
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

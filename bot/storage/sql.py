"""Connections to the database, and how their errors are told: every one leaves as a `StorageError`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from sqlalchemy import Connection, ExceptionContext, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import StorageError

BUSY_TIMEOUT_S: Final = 10
CONNECT_S: Final = 5
COMMAND_S: Final = 15
"""How long PostgreSQL may take to let us in, and for one statement: answers do without it rather than wait."""
PRAGMAS: Final = (
    f"busy_timeout = {BUSY_TIMEOUT_S * 1000}",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is erased is overwritten, not only forgotten
)
_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
_POSTGRESQL: Final[dict[str, Any]] = {
    "connect_args": {"timeout": CONNECT_S, "command_timeout": COMMAND_S},
    "pool_pre_ping": True,  # connections from before PostgreSQL's restart are told apart before they are used
    "pool_timeout": CONNECT_S,
    "pool_size": 5,
    "max_overflow": 5,
}


class Sql:
    """Short transactions on one database; safe to use from many tasks at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        with told("WANGGUI_DATABASE_URL"):  # never the URL itself: it may hold a password
            address = make_url(url)
            if address.drivername in _DRIVERS:
                address = address.set(drivername=_DRIVERS[address.drivername])
            options = _POSTGRESQL if address.drivername == "postgresql+asyncpg" else {}
            # errors quote no words
            self.engine: AsyncEngine = create_async_engine(address, hide_parameters=True, **options)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", prepare)
            event.listen(self.engine.sync_engine, "begin", begin_writing)
            event.listen(self.engine.sync_engine, "handle_error", let_go_of_readers)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.name = self.engine.url.database or self.engine.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements that change nothing.

        Raises:
            StorageError: the database does not answer.
        """
        with told(self.name):
            async with self._reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, undone where it raises.

        Raises:
            StorageError: the database cannot be written.
        """
        with told(self.name):
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees the database as it was at its first statement; for reading alone.

        Raises:
            StorageError: the database does not answer.
        """
        level = "AUTOCOMMIT" if self.is_sqlite else "REPEATABLE READ"
        with told(self.name):
            async with self.engine.execution_options(isolation_level=level).connect() as connection:
                if self.is_sqlite:
                    await connection.exec_driver_sql("BEGIN")  # not as a writer: the bot goes on
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def insert(connection: AsyncConnection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the database's own dialect."""
    dialects = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return dialects[connection.dialect.name](table)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what a database raises into a StorageError that says what to do."""
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError) as exc:
        raise StorageError(_sentence(name, exc)) from exc
    except Exception as exc:
        if not type(exc).__module__.startswith("asyncpg"):  # its errors while connecting come unwrapped
            raise
        raise StorageError(_sentence(name, exc)) from exc


def _sentence(name: str, exc: Exception) -> str:
    text = str(exc).casefold()
    if "full" in text or "no space" in text:
        what = "磁盘已满，请腾出空间 (the disk is full: free some space)"
    elif "disk i/o" in text:
        what = "磁盘读写出错，是满了还是配额用完了 (the disk cannot be written: is it full, or over its quota?)"
    elif "readonly" in text or "read-only" in text or "permission" in text:
        what = (
            "不可写，请改文件夹权限或换 WANGGUI_DATA_DIR (cannot be written: mend its rights or set WANGGUI_DATA_DIR)"
        )
    elif "unable to open" in text:
        what = "打不开，请看文件夹在不在、可不可写 (cannot be opened: does its folder exist, may it be written?)"
    elif "malformed" in text or "not a database" in text:
        what = "文件已损坏，请从备份恢复或把它移走 (the file is damaged: restore a backup or move it away)"
    elif "locked" in text or "busy" in text:
        what = "被别的程序占用太久 (locked by another program for too long)"
    elif isinstance(exc, ImportError):
        what = "缺少驱动 (its driver is not installed)"
    elif isinstance(exc, OSError) or "connect" in text or "starting up" in text or "shutting down" in text:
        what = "连不上，会一直再试 (cannot be reached; it is tried again and again)"
    else:
        what = f"出错 ({type(exc).__name__})"
    return f"数据库 (database) {name}: {what}"


def prepare(connection: Any, _: object, pragmas: tuple[str, ...] | None = None) -> None:
    """Set up a new SQLite connection."""
    cursor = connection.cursor()
    for pragma in PRAGMAS if pragmas is None else pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin_writing(connection: Connection) -> None:
    """Begin a SQLite transaction."""
    # Python's sqlite3 begins late and never before DDL: begin here, and as a writer, so that two never deadlock.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def let_go_of_readers(context: ExceptionContext) -> None:
    """Close SQLite connections that cannot write: opened while a file could only be read, they would stay so."""
    if "readonly" in str(context.original_exception):
        context.is_disconnect = True

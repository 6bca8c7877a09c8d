"""Writing behind: what is being written when the house closes is written to its end."""

import asyncio
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.behind import WriteBehind
from bot.storage.sql import Sql


class SlowStore:
    """Has one thing to write, and is at it until told to go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.pending, self.said = True, ""

    def set_aside(self) -> bool:
        aside, self.pending = self.pending, False
        return aside

    async def write(self, connection: AsyncConnection) -> None:
        self.begun.set()
        await self.go_on.wait()

    def written(self) -> None:
        self.said += "written "

    def put_back(self) -> None:
        self.said += "put back "


async def test_a_flush_that_is_under_way_is_not_cut_off_by_closing(tmp_path: Path) -> None:
    store, sql = SlowStore(), Sql(f"sqlite:///{tmp_path / 'house.db'}")
    writing = WriteBehind(sql, [store], pause_s=0)
    writing.start()
    await store.begun.wait()
    closing = asyncio.create_task(writing.close())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.go_on.set()
    await closing
    await sql.close()
    assert store.said == "written "

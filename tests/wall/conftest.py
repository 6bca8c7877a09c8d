"""A session of two items and a case that is served, and a bank of the real regulation."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_bank, make_case, make_item
from tests.wall.staging import Stage, plan_of, staged

BANK = make_bank(make_item("q1"), make_item("q2"), make_case("c1"))


@pytest.fixture(scope="session")
def bank() -> Bank:
    return BANK


@pytest_asyncio.fixture
async def stage(tmp_path: Path, conduct: Regulation) -> AsyncIterator[Stage]:
    plan = plan_of(BANK, load_replies()["zh"], "q1", "q2", case="c1", scored=True)
    begun: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def play() -> None:  # in one task from beginning to end, as a task group asks for
        async with staged(tmp_path, conduct, plan) as stage:
            begun.set_result(stage)
            await over.wait()

    playing = asyncio.create_task(play())
    while not begun.done() and not playing.done():
        await asyncio.sleep(0.01)
    if playing.done():
        playing.result()
    yield await begun
    over.set()
    await playing


@pytest_asyncio.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session

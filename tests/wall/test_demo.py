"""`wanggui demo`: a whole session without a token, in the terminal and on a page that is really served."""

import asyncio
import io
import re
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bot.demo import play
from bot.serving import Address
from bot.storage.database import Database
from bot.training.ledgers import Ledgers
from bot.training.model import SessionPlan
from bot.training.rehearsing import Cast, Rehearsal, rehearsal_plan
from bot.training.results import results_of
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_bank, make_case, make_item
from tests.wall.listening import events
from tests.wall.staging import free_port, now

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

SMALL = make_bank(make_item("q1"), make_case("c1"))
SAY = load_replies()["zh"]


async def test_the_demo_plays_to_its_end_on_the_page_and_in_the_terminal(conduct: Regulation) -> None:
    port, told = free_port(), io.StringIO()
    console = Console(file=told, width=100)
    playing = asyncio.create_task(
        play(
            SMALL,
            conduct,
            Address("127.0.0.1", port),
            f"http://127.0.0.1:{port}",
            console,
            people=12,
            speed=20,
            stay=lambda: asyncio.sleep(0),
        )
    )
    async with asyncio.timeout(30):
        while (link := re.search(r"看：(http\S+)", told.getvalue())) is None:
            await asyncio.sleep(0.01)
    kinds = []
    async with aiohttp.ClientSession() as web, web.get(f"{link[1]}/events") as answer:
        async for event in events(answer):
            if event.kind == "scene":
                kinds.append((event.content["kind"], event.content["phase"]))
    await playing
    assert list(dict.fromkeys(kinds)) == [
        ("agenda", "revealed"),
        ("questions", "revealed"),
        ("case", "open"),
        ("case", "revealed"),
        ("item", "open"),
        ("item", "revealed"),
        ("board", "revealed"),
        ("close", "revealed"),
    ]
    words = told.getvalue()
    for line in ("12 位是编出来的", "不得怎样诬告", "✓ 匿名", "〔第十二条〕", "红队", "谢谢大家"):
        assert line in words


async def test_an_invented_room_votes_once_each_and_its_board_names_those_who_agreed(
    tmp_path: Path, conduct: Regulation
) -> None:
    async with await Database.open(f"sqlite:///{tmp_path / 'bot.db'}") as database:
        ledgers = Ledgers(database.training, conduct)
        rehearsal = Rehearsal(ledgers, database.training, Cast(20, ("小李", "小王"), ("能翻墙吗",)), now, speed=20)
        plan = SessionPlan("学规定", (), anonymous=False, teams=("红队", "蓝队"))
        header = await rehearsal.open(rehearsal_plan(SMALL, plan, 7, 20))
        await rehearsal.run(header)
        await ledgers.settled(header.id)
        state = await ledgers.state(header.id)
        results = results_of(header.id, state, await database.training.names(header.id))
        await ledgers.close()
    assert not state.running
    assert [item.voters for item in results.items] == [20]
    assert sum(results.items[0].counts) == 20
    assert sorted(row.name for row in results.people) == ["小李", "小王"]
    assert [asked.question for asked in results.asked] == ["能翻墙吗"]


def test_a_plan_takes_a_case_and_a_quiz_from_the_bank_and_no_more_than_there_is() -> None:
    whole = rehearsal_plan(SMALL, SessionPlan("学规定", ()), 7, 1)
    assert [step.kind for step in whole.steps] == ["agenda", "questions", "case", "item", "board", "close"]
    bare = rehearsal_plan(Bank(), SessionPlan("学规定", ()), 7, 1)
    assert [step.kind for step in bare.steps] == ["agenda", "questions", "board", "close"]

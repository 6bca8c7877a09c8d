"""Items drafted over real HTTP: by whatever way the endpoint gives structure, and through the command line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.answering.generation.chatting import BrokenStream, ModelError, Moderated, RefusedKey
from bot.answering.generation.models import ModelSpec, open_model
from bot.answering.generation.resilience import Guarded, Limits
from bot.training.bank.drafting import ITEMS, Drafted, Drafter
from bot.training.bank.shelf import Shelf
from knowledge.model import Regulation
from prompts import load_instructions, load_replies
from tests.banking import sample_bank
from tests.openai_api import ChatServer, Say, Script, content_exists_risk, wrong_key

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

ROOT = Path(__file__).parents[2]
GOOD = {
    "kind": "多选",
    "quote": "浏览、访问、使用境外的网站、应用程序等",
    "question": "小李把第十四条抄成卡片，“境外的”三个字后面，原文写了哪两样？",
    "options": ["网站", "店铺", "应用程序", "影院"],
    "answer": "AC",
    "difficulty": 1,
    "explanation": "第十四条写的是境外的网站、应用程序等。",
}
SAID = json.dumps({"items": [GOOD]}, ensure_ascii=False)


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def shelf(tmp_path: Path, conduct: Regulation) -> Shelf:
    return Shelf(tmp_path / "bank", sample_bank(), conduct)


async def draft(server: ChatServer, shelf: Shelf, conduct: Regulation) -> Drafted:
    article = conduct.article(14)
    assert article is not None
    model = Guarded(open_model(ModelSpec("openai:scripted", server.base_url, "key"), ITEMS), Limits())
    drafter = Drafter(model, load_instructions()["zh"], shelf, load_replies()["zh"])
    return await drafter.draft(article, 1)


@pytest.mark.parametrize(
    "methods",
    [("json_schema", "tools", "json_object", "plain"), ("tools", "plain"), ("json_object", "plain"), ("plain",)],
)
async def test_items_come_by_every_way_that_an_endpoint_has(
    server: ChatServer, shelf: Shelf, conduct: Regulation, methods: tuple[str, ...]
) -> None:
    server.methods = methods
    server.then(Say(SAID))
    assert await draft(server, shelf, conduct) == Drafted(("d14-01",), ())
    (call,) = server.calls
    assert call.method == methods[0]
    if call.method == "json_schema":
        assert call.body["response_format"]["json_schema"]["name"] == "items"
    if call.method == "tools":
        assert call.body["tools"][0]["function"]["parameters"] == ITEMS.schema


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (content_exists_risk(), Moderated),
        (wrong_key(), RefusedKey),
        (Say(SAID, stop_after=60, ending="drop"), BrokenStream),
    ],
)
async def test_a_model_that_fails_leaves_no_draft(
    server: ChatServer, shelf: Shelf, conduct: Regulation, script: Script, error: type[ModelError]
) -> None:
    server.then(script)
    with pytest.raises(error):
        await draft(server, shelf, conduct)
    assert shelf.drafts() == ()


async def wanggui(server: ChatServer, folder: Path, *arguments: str) -> tuple[int, str]:
    """Runs a command as a process of its own; what it ended with and all that it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGUI_")}
    environment |= {
        "WANGGUI_DATA_DIR": str(folder),
        "WANGGUI_LLM_MODEL": "openai:scripted",
        "WANGGUI_LLM_BASE_URL": server.base_url,
        "WANGGUI_LLM_API_KEY": "key",
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    return running.returncode or 0, said.decode("utf-8")


async def test_a_trainer_has_items_drafted_reads_them_and_approves_them(server: ChatServer, tmp_path: Path) -> None:
    bad = GOOD | {"quote": "境外的店铺", "question": "第十四条写到店铺了吗，老王想弄清楚？"}
    server.then(Say(json.dumps({"items": [GOOD, bad]}, ensure_ascii=False)), Say('{"items": []}'))
    code, said = await wanggui(server, tmp_path, "bank", "draft", "14", "--number", "2")
    assert (code, "d14-01" in said) == (0, True), said
    code, said = await wanggui(server, tmp_path, "bank", "approve")
    assert code == 0
    for part in ("【多选】", str(GOOD["question"]), "C. 应用程序", "答案：AC", "编号：d14-01"):
        assert part in said
    code, said = await wanggui(server, tmp_path, "bank", "approve", "d14-01")
    assert (code, "t14-01" in said) == (0, True), said
    code, said = await wanggui(server, tmp_path, "bank", "check")
    assert (code, "345 道题" in said) == (0, True), said


async def test_a_model_that_writes_nonsense_is_told_in_a_sentence(server: ChatServer, tmp_path: Path) -> None:
    server.then(Say("不便讨论"))
    code, said = await wanggui(server, tmp_path, "bank", "draft", "14")
    assert code == 1
    assert "没有写出能用的题（unreadable）" in said
    assert "Traceback" not in said

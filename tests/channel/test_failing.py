"""When something breaks within: one sentence to whoever asked, nothing to anybody else, and the bot goes on."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest

from bot.answering.model import Answer
from bot.answering.service import Answerer
from knowledge.library import Library
from prompts import Language
from tests.living import living

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]


class Breaking:
    """An answerer that breaks on some words, which no real one does."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    @property
    def library(self) -> Library:
        return self._answerer.library

    async def stream(self, question: str, language: Language | None = None, **_: object) -> AsyncGenerator[Answer]:
        if "翻墙" in question:
            raise RuntimeError("told to break")
        yield await self._answerer.answer(question, language)


async def test_a_broken_answer_is_said_so_and_the_next_one_is_given(
    answerer: Answerer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(cast(Answerer, Breaking(answerer)), tmp_path) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        group.privacy_mode = False
        assert "请再问一次" in (await life.ask(group, li, "@wanggui_bot 能翻墙吗")).text
        await group.say(li, "能翻墙吗")
        assert "第十七条" in (await life.ask(group, li, "@wanggui_bot 给主播刷礼物行不行")).text
        assert len(group.bot_messages) == 2
        private = life.server.private_chat(li)
        assert "请再问一次" in (await life.ask(private, li, "/ask 能翻墙吗")).text
    assert "翻墙" not in caplog.text


async def test_a_database_that_does_not_answer_keeps_nobody_from_an_answer(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        reply = await life.ask(group, li, "@wanggui_bot 能翻墙吗")
        await life.database.close()
        other = life.server.group("另一个")
        assert "第十七条" in (await life.ask(other, li, "@wanggui_bot 给主播刷礼物行不行")).text
        assert (await life.press(group, li, reply, "👍"))["text"]

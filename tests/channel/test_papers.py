"""`/train handout` as people meet it: who gets the files, where, and what stands in them."""

from pathlib import Path

import pytest

from bot.answering.service import Answerer
from tests.botapi.chats import Chat, Message, User
from tests.channel.test_training import SINGLE, Stage, stage_in
from tests.factories import make_bank, make_item
from tests.living import PATIENCE_S, Life, living
from tests.printing import closely, docx_lines, opened_book, pdf_text

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

ONE = make_bank(make_item())


async def held(life: Life, *labels: str, named: str = "", asked: str = "") -> Stage:
    """A session with one question, answered by two, of whom one is right, and ended."""
    stage = await stage_in(life)
    message = await stage.open("案例 0", *labels, words="1题")
    ada, bob = life.server.user(named or "小李"), life.server.user("小赵")
    if named:
        await stage.press(message, "记名上榜", ada)
    await stage.press(message, "下一步")
    message = await stage.said("问答", message)
    if asked:
        await life.ask(stage.group, bob, f"/ask {asked}")
    poll = await stage.on_to_poll(message)
    await stage.group.vote(ada, poll, 1)
    await stage.group.vote(bob, poll, 0)
    answer = await stage.stop(poll)
    await stage.press(answer, "下一步")
    board = await stage.said("结果", answer)
    await stage.press(board, "下一步")
    await stage.said("这一场到这里", board)
    return stage


async def files_for(life: Life, chat: Chat, user: User, words: str = "/train handout") -> list[Message]:
    """The three files that follow upon the command."""
    before = len(chat.bot_messages)
    await chat.say(user, words)
    await life.server.wait_for(lambda: len(chat.bot_messages) >= before + 3 or None, PATIENCE_S)
    return list(chat.bot_messages[before:])


def names_of(messages: list[Message]) -> list[str]:
    return [message["document"]["file_name"].rpartition(".")[2] for message in messages]


async def test_an_administrator_gets_the_files_in_the_group(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=ONE) as life:
        stage = await held(life)
        files = await files_for(life, stage.group, stage.boss)
        assert names_of(files) == ["docx", "pdf", "xlsx"]
        assert "讲义" in files[0]["caption"]
        assert "名字" not in files[0]["caption"]


async def test_the_files_tell_what_happened_and_name_whoever_agreed(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=ONE) as life:
        stage = await held(life, "计分", named="阿达", asked="能翻墙吗？")
        files = await files_for(life, stage.group, stage.boss)
        assert "名字" in files[0]["caption"]
        sent = [one.parameters["document"].content for one in life.server.requests if one.method == "sendDocument"]
        word, pdf, book = "".join(docx_lines(sent[0])), pdf_text(sent[1]), opened_book(sent[2])
        for words in (word, pdf):
            for part in ("阿达", "能翻墙吗？", "1人答对（50%）", "不得匿名诬告"):
                assert part in closely(words)
            assert "小赵" not in words
        assert [cell.value for cell in book["逐题"][2]][4:8] == ["B", 2, 1, 0.5]
        assert book["提问"]["A2"].value == "能翻墙吗？"
        assert book["榜"]["C2"].value == "阿达"


async def test_whoever_administers_the_group_gets_them_in_private(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=ONE) as life:
        stage = await held(life)
        assert names_of(await files_for(life, life.server.private_chat(stage.boss), stage.boss)) == [
            "docx",
            "pdf",
            "xlsx",
        ]
        stranger = life.server.user("路人")
        told = await life.ask(life.server.private_chat(stranger), stranger, "/train 讲义")
        assert "没有找到" in told.text


async def test_nobody_else_gets_them_in_the_group(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=ONE) as life:
        stage = await held(life)
        li = life.server.user("小李")
        assert "只给群管理员" in (await life.ask(stage.group, li, "/train handout")).text


async def test_a_session_that_runs_is_not_printed(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        await stage.open()
        assert "还没结束" in (await life.ask(stage.group, stage.boss, "/train handout")).text
        told = await life.ask(life.server.private_chat(stage.boss), stage.boss, "/train handout")
        assert "没有找到" in told.text


async def test_a_group_without_a_session_is_told_so(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        assert "没有能取的训练记录" in (await life.ask(stage.group, stage.boss, "/train handout")).text


async def test_files_that_cannot_be_sent_are_told_of(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=ONE) as life:
        stage = await held(life)
        life.server.fail_next(
            "sendDocument", 400, "Bad Request: not enough rights to send documents to the chat", times=9
        )
        assert "没发出去" in (await life.ask(stage.group, stage.boss, "/train handout")).text

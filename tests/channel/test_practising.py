"""Practice, mock exams and mistakes as one person meets them in private; and what a group sees of it: a way there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.answering.service import Answerer
from bot.training.exam import Blueprint, as_record, sit
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Json, Message, User
from tests.factories import make_bank, make_fill_in, make_item
from tests.living import PATIENCE_S, Life, living

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.asyncio(loop_scope="module"),
]

TRUE = make_item("t1", kind="true_false", options=("对", "错"), answer=True, question="诬告不行。", articles=(12,))
SINGLE = make_item("s1", question="不得怎样诬告？", articles=(13,))
MULTIPLE = make_item("m1", kind="multiple", answer=(0, 2), question="哪两个？", articles=(14,), difficulty=2)
BLANK = make_fill_in("f1", articles=(15,), difficulty=3)
BANK = make_bank(TRUE, SINGLE, MULTIPLE, BLANK)


@dataclass
class Desk:
    """One person in their private chat, and the message in front of them."""

    life: Life
    chat: Chat
    person: User

    async def say(self, words: str) -> Message:
        """Say something and wait for what is sent in reply."""
        return await self.life.ask(self.chat, self.person, words)

    async def press(self, message: Message, label: str) -> Json:
        """Press a button; what it turns has turned, unless it says why not."""
        before = self.look(message)
        answer = await self.life.press(self.chat, self.person, message, label)
        if not answer.get("text"):
            await self.turned(message, before)
        return answer

    async def type(self, words: str, page: Message, *, reply: bool = False) -> None:
        """Write words that fill the blank on that page."""
        before = self.look(page)
        await self.chat.say(self.person, words, reply_to=page if reply else None)
        await self.turned(page, before)

    def look(self, message: Message) -> tuple[str, list[str]]:
        """What a message shows, and the buttons below it."""
        return self.shows(message), self.labels(message)

    async def turned(self, message: Message, before: tuple[str, list[str]]) -> None:
        """Wait until it shows something else."""
        await self.life.server.wait_for(lambda: self.look(message) != before or None, PATIENCE_S)

    def shows(self, message: Message) -> str:
        found = self.chat.find(message.id)
        assert found is not None
        return found.text

    def labels(self, message: Message) -> list[str]:
        found = self.chat.find(message.id)
        assert found is not None
        return [button["text"] for button in found.buttons]

    async def choose(self, message: Message, option: str) -> Json:
        """Press the letter that this option has here."""
        line = next(line for line in self.shows(message).split("\n") if line.endswith(f". {option}"))
        return await self.press(message, line[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(answerer: Answerer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with living(answerer, tmp_path_factory.mktemp("life"), bank=BANK) as running:
        yield running


def desk_of(life: Life, name: str = "小李", **fields: Any) -> Desk:
    person = life.server.user(name, **fields)
    return Desk(life, life.server.private_chat(person), person)


@pytest.fixture
def desk(life: Life) -> Desk:
    return desk_of(life)


async def test_a_question_its_answer_and_the_next_turn_over_in_one_message(desk: Desk) -> None:
    page = await desk.say("/practice 13")
    assert "练习 1/10　单选" in desk.shows(page)
    assert "只有您看得见" in desk.shows(page)
    await desk.choose(page, "公开")
    shown = desk.shows(page)
    assert "练习 1/10　没答对" in shown
    assert "答案：" in shown
    assert "您选的：" in shown
    assert "第十三条" in shown
    assert "过 1 分钟再问您" in shown
    await desk.press(page, "下一题")
    assert "这一轮 1 题，答对 0 题" in desk.shows(page)
    assert "错题还有 1 道" in desk.shows(page)
    assert len(desk.chat.bot_messages) == 1


async def test_of_several_answers_all_and_no_others_are_right(desk: Desk) -> None:
    page = await desk.say("/practice 14 多选")
    assert "选好了按“就这些”" in desk.shows(page)
    assert "先选上" in (await desk.press(page, "就这些"))["text"]
    await desk.choose(page, "公开")
    await desk.choose(page, "当面")
    assert len([label for label in desk.labels(page) if label.startswith("✓")]) == 2
    await desk.press(page, "就这些")
    assert "答对了" in desk.shows(page)
    assert "您选的" not in desk.shows(page)


async def test_a_blank_is_filled_by_typing_and_questions_are_still_answered(desk: Desk) -> None:
    page = await desk.say("/practice 15")
    assert "空里填什么，直接发给我" in desk.shows(page)
    asked = await desk.say("能翻墙吗？")
    assert "第十四条" in asked.text
    assert (await desk.say("第十五条")).text.startswith("第十五条")
    assert "填空" in desk.shows(page)
    await desk.type(" 公开。", page)
    assert "您写的：公开。" in desk.shows(page)
    assert "没答对" in desk.shows(page)
    assert len(desk.chat.bot_messages) == 3


async def test_the_right_words_count_whatever_stands_around_them(desk: Desk) -> None:
    page = await desk.say("/practice 15")
    await desk.type("“匿名”！", page, reply=True)
    assert "答对了" in desk.shows(page)
    after = await desk.say("谢谢")
    assert after.id != page.id  # nothing waits for words any more


async def test_who_does_not_know_is_shown_and_asked_again(desk: Desk) -> None:
    page = await desk.say("/practice 12")
    assert desk.labels(page)[:2] == ["对", "错"]
    await desk.press(page, "不会")
    assert "没关系，看看条文" in desk.shows(page)
    kept = await desk.life.database.practice.standings(desk.person.id)
    assert kept["t1"].is_mistake


async def test_a_button_pressed_twice_counts_once(desk: Desk) -> None:
    page = await desk.say("/practice 12")
    shown = desk.chat.find(page.id)
    assert shown is not None
    before, data = desk.look(page), [button["callback_data"] for button in shown.buttons if button["text"] in "对错"]
    queries = [await desk.chat.press(desk.person, shown, data[0]) for _ in range(2)]
    queries.append(await desk.chat.press(desk.person, shown, data[1]))
    for query in queries:
        await desk.life.server.wait_for(lambda query=query: desk.life.server.callback_answers.get(query))  # type: ignore[misc]
    await desk.turned(page, before)
    assert "答对了" in desk.shows(page)
    run = await desk.life.database.practice.run(desk.person.id, "practice")
    assert run is not None
    assert run.state["right"] == 1


async def test_an_older_round_is_politely_too_old_and_the_newer_goes_on_from_there(desk: Desk) -> None:
    first = await desk.say("/practice 13")
    second = await desk.say("/practice")
    assert desk.shows(second) == desk.shows(first)
    assert "翻过去了" in (await desk.press(first, "不会"))["text"]
    await desk.press(second, "不会")
    assert "看看条文" in desk.shows(second)
    assert "单选" in desk.shows(first)


async def test_mistakes_are_paged_with_their_articles_and_practised(desk: Desk) -> None:
    page = await desk.say("/mistakes")
    assert "没有错题" in page.text
    for words in ("/practice 12", "/practice 13"):
        await desk.press(await desk.say(words), "不会")
    page = await desk.say("/mistakes")
    assert "错题 1/2" in desk.shows(page)
    assert "第十三条" in desk.shows(page)
    await desk.press(page, "2/2 →")
    assert "错题 2/2" in desk.shows(page)
    assert "第十二条" in desk.shows(page)
    await desk.press(page, "练错题")
    assert "练习 1/2　判断，上次没答对" in desk.shows(page)
    await desk.press(page, "对")
    await desk.press(page, "下一题")
    assert "练习 2/2　单选" in desk.shows(page)


async def test_an_exam_says_nothing_of_right_and_wrong_before_it_is_handed_in(desk: Desk) -> None:
    page = await desk.say("/exam 4题")
    assert "模拟考 1/4　判断，还剩 4 分钟" in desk.shows(page)
    await desk.press(page, "错")
    await desk.press(page, "← 上一题")
    assert "✓ 错" in desk.labels(page)
    await desk.press(page, "对")
    await desk.choose(page, "匿名")
    await desk.choose(page, "公开")
    await desk.press(page, "下一题 →")
    assert "填空" in desk.shows(page)
    await desk.press(page, "交卷")
    assert "还有 1 题没答：第 4 题" in desk.shows(page)
    await desk.press(page, "再看看")
    await desk.type("匿名", page)
    assert "4 题都答了" in desk.shows(page)
    assert "答案" not in desk.shows(page)
    assert await desk.life.database.practice.standings(desk.person.id) == {}
    await desk.press(page, "交卷")
    shown = desk.shows(page)
    assert "4 题，答对 3 题" in shown
    assert "再看看（答对/共几题）：第十四条 0/1。" in shown
    assert "都答对了：第十二条、第十三条、第十五条" in shown
    kept = await desk.life.database.practice.standings(desk.person.id)
    assert {name: one.is_mistake for name, one in kept.items()} == {"t1": False, "s1": False, "m1": True, "f1": False}
    assert len(desk.chat.bot_messages) == 1


async def test_a_result_leads_to_articles_and_to_what_was_wrong_and_back(desk: Desk) -> None:
    page = await desk.say("/exam 13 1题")
    await desk.choose(page, "公开")
    await desk.press(page, "交卷")
    result = desk.shows(page)
    await desk.press(page, "第十三条")
    assert desk.shows(page).startswith("第十三条")
    await desk.press(page, "返回成绩")
    assert desk.shows(page) == result
    await desk.press(page, "看没答对的 1 题")
    assert "没答对的 1/1　第 1 题，单选" in desk.shows(page)
    assert "您选的：" in desk.shows(page)
    await desk.press(page, "返回成绩")
    await desk.press(page, "再考一次")
    assert "10 题，10 分钟" in desk.shows(page)


async def test_the_panel_chooses_and_opens(desk: Desk) -> None:
    page = await desk.say("/exam")
    await desk.press(page, "20 题")
    await desk.press(page, "第3章")
    await desk.press(page, "较难")
    assert {"✓ 20 题", "✓ 第3章", "✓ 较难"} <= set(desk.labels(page))
    await desk.press(page, "开始")
    assert "这样的题只有 1 道，就考这些" in desk.shows(page)
    again = await desk.say("/exam")
    assert "模拟考 1/1　填空" in desk.shows(again)
    assert "翻过去了" in (await desk.press(page, "交卷"))["text"]


async def test_a_restart_in_the_middle_of_a_round_and_of_an_exam_loses_nothing(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        async with living(answerer, tmp_path, server=server, bank=BANK) as life:
            desk = desk_of(life)
            practice, exam = await desk.say("/practice 14 多选"), await desk.say("/exam 4题")
            await desk.choose(practice, "公开")
            await desk.press(exam, "对")
        async with living(answerer, tmp_path, server=server, bank=BANK) as life:
            desk = Desk(life, desk.chat, desk.person)
            await desk.choose(practice, "当面")
            await desk.press(practice, "就这些")
            assert "答对了" in desk.shows(practice)
            await desk.choose(exam, "匿名")
            await desk.press(exam, "交卷")
            await desk.press(exam, "交卷")
            assert "4 题，答对 2 题" in desk.shows(exam)


async def test_an_exam_whose_time_ran_out_while_the_bot_was_away_is_handed_in(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        async with living(answerer, tmp_path, server=server, bank=BANK) as life:
            desk = desk_of(life)
            page = await desk.say("/exam 4题")
            await desk.press(page, "对")
            run = await life.database.practice.run(desk.person.id, "exam")
            assert run is not None
            begun = datetime.now(UTC) - timedelta(hours=1)
            paper = sit((TRUE, SINGLE), Blueprint(2, 2), 1, "zh", begun).mark(TRUE, 0)
            assert await life.database.practice.step(run, as_record(paper), begun) is not None
        async with living(answerer, tmp_path, server=server, bank=BANK) as life:
            desk = Desk(life, desk.chat, desk.person)
            await server.wait_for(lambda: "时间到" in desk.shows(page) or None)
            assert "2 题，答对 1 题" in desk.shows(page)
            kept = await life.database.practice.standings(desk.person.id)
            assert set(kept) == {"t1"}  # what was left open says nothing


async def test_forget_erases_all_of_it_at_once_and_of_nobody_else(desk: Desk, life: Life) -> None:
    other = desk_of(life, "老王")
    pages = []
    for one in (desk, other):
        page = await one.say("/practice 13")
        await one.press(page, "不会")
        pages += [page, await one.say("/exam 2题")]
    assert "已抹去" in (await desk.say("/forget")).text
    store = life.database.practice
    assert await store.standings(desk.person.id) == {}
    assert await store.runs(desk.person.id) == []
    for page, label in ((pages[0], "下一题"), (pages[1], "交卷")):
        assert "翻过去了" in (await desk.press(page, label))["text"]
    assert await store.standings(desk.person.id) == {}
    assert set(await store.standings(other.person.id)) == {"s1"}
    assert len(await store.runs(other.person.id)) == 2
    assert "没有错题" in (await desk.say("/mistakes")).text


async def test_privacy_says_what_is_kept_of_it(desk: Desk) -> None:
    assert "您私下练的题" in (await desk.say("/privacy")).text


@pytest.mark.parametrize("command", ["practice", "exam", "mistakes"])
async def test_a_group_gets_one_line_and_the_way_into_the_private_chat(life: Life, desk: Desk, command: str) -> None:
    group = life.server.group("支部")
    reply = await life.ask(group, desk.person, f"/{command}@wanggui_bot 13")
    assert "\n" not in reply.text
    (button,) = reply.buttons
    assert button["url"].endswith(f"?start={command}")
    there = await desk.say(f"/start {command}")
    assert {"practice": "练习 1/10", "exam": "模拟考", "mistakes": "没有错题"}[command] in there.text
    assert len(group.bot_messages) == 1


async def test_words_that_make_no_sense_and_questions_that_there_are_not(desk: Desk) -> None:
    assert "可以这样练" in (await desk.say("/practice 随便来点")).text
    assert "没有这样的题" in (await desk.say("/practice 第30条")).text
    assert "可以这样考" in (await desk.say("/exam 随便来点")).text
    assert "没有这样的题" in (await desk.say("/exam 第30条")).text


async def test_an_english_reader_is_spoken_to_in_english_throughout(life: Life) -> None:
    desk = desk_of(life, "Ann", language_code="en")
    page = await desk.say("/practice 13")
    assert "Practice 1/10 · one answer" in desk.shows(page)
    await desk.choose(page, "公开")
    assert "not right" in desk.shows(page)
    await desk.press(page, "Enough for now")
    await desk.press(page, "Mistakes (1)")
    assert "Mistake 1/1" in desk.shows(page)
    await desk.press(page, "Practise these")
    assert "not right last time" in desk.shows(page)


async def test_without_a_bank_it_is_said(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        desk = desk_of(life)
        for command in ("/practice", "/exam", "/mistakes"):
            assert "还没有题库" in (await desk.say(command)).text

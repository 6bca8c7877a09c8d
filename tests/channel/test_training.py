"""`/quiz` and `/train` as a group meets them: polls, steps, votes, restarts, and who may press what."""

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest

from bot.answering.service import Answerer
from bot.training.ledgers import Ledgers
from bot.training.model import Results, SessionState
from knowledge.bank.items import Bank
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Json, Message, User
from tests.factories import make_bank, make_case, make_fill_in, make_item
from tests.living import Life, living

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

SINGLE = make_bank(make_item("q1"), make_item("q2"), make_item("q3"))
MULTIPLE = make_item("m1", kind="multiple", answer=(0, 1), question="哪些对？（m1）")
WHOLE = make_bank(make_item("q1"), make_item("q2"), make_case("c1"))


class Stage:
    """One group's session, with the hands of its trainer."""

    def __init__(self, life: Life, group: Chat, boss: User) -> None:
        self.life, self.group, self.boss = life, group, boss

    async def open(self, *labels: str, words: str = "") -> Message:
        """`/train`, the choices with these labels, and the start; returns the agenda."""
        panel = await self.life.ask(self.group, self.boss, f"/train {words}".strip())
        for label in labels:
            await self.press(panel, label)
        await self.press(panel, "开始")
        return await self.said("会上问我的问题", panel)

    async def press(self, message: Message, label: str, user: User | None = None) -> Json:
        """Press a button; returns the answer to it."""
        return await self.life.press(self.group, user or self.boss, message, label)

    async def on_to_poll(self, message: Message) -> Message:
        """Press on from this message, and wait for the poll that follows."""
        before = len(self.polls)
        await self.press(message, "下一步")
        await self.life.server.wait_for(lambda: len(self.polls) > before or None)
        return self.polls[-1]

    async def stop(self, poll: Message) -> Message:
        """收题; returns the answer that is shown."""
        await self.press(poll, "收题")
        return await self.said("答案：", poll)

    async def said(self, words: str, after: Message) -> Message:
        """The first message of ours below that one in which these words stand."""

        def find() -> Message | None:
            newer = (one for one in self.group.bot_messages if one.id > after.id and "poll" not in one)
            return next((one for one in newer if words in one.text), None)

        return await self.life.server.wait_for(find)

    @property
    def polls(self) -> list[Message]:
        """Every poll of the group."""
        return [message for message in self.group.bot_messages if "poll" in message]

    async def state(self) -> SessionState:
        """The session as the log has it now."""
        header = await self.life.database.training.latest_in(self.group.id)
        assert header is not None
        return await self._ledgers().state(header.id)

    async def results(self) -> Results:
        """What papers would tell now."""
        header = await self.life.database.training.latest_in(self.group.id)
        assert header is not None
        results = await self._ledgers().results(header.id)
        assert results is not None
        return results

    def _ledgers(self) -> Ledgers:
        return Ledgers(self.life.database.training, self.life.answerer.library.principal)


async def stage_in(life: Life, title: str = "支部") -> Stage:
    """A group, and an administrator to lead in it."""
    group, boss = life.server.group(title), life.server.user("老王")
    await group.set_status(boss, "administrator")
    return Stage(life, group, boss)


def labels(message: Message) -> list[str]:
    return [button["text"] for button in message.buttons]


async def test_a_quiz_is_an_anonymous_poll_with_the_article_in_its_explanation(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item())) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        asked = await group.say(li, "/quiz 12")
        poll = (await life.answer_to(group, asked))["poll"]
        assert (poll["type"], poll["is_anonymous"], poll["correct_option_ids"]) == ("quiz", True, [1])
        assert poll["explanation"].startswith("第十二条：“不得匿名诬告")
        await group.vote(li, group.bot_messages[-1], 1)
        await life.silence()
        assert len(group.bot_messages) == 1


async def test_a_quiz_of_several_answers_takes_several(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item(), MULTIPLE)) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        poll = (await life.ask(group, li, "/quiz 多选"))["poll"]
        assert poll["allows_multiple_answers"]
        assert poll["correct_option_ids"] == [0, 1]


async def test_a_quiz_follows_the_groups_setting(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        panel = await life.ask(stage.group, stage.boss, "/settings")
        await stage.press(panel, "记名")
        poll = (await life.ask(stage.group, stage.boss, "/quiz"))["poll"]
        assert not poll["is_anonymous"]


async def test_a_quiz_asks_as_many_as_are_wanted_and_none_twice(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        await life.ask(group, li, "/quiz 第三章 容易 3题")
        await life.silence()
        questions = {message["poll"]["question"] for message in group.bot_messages}
        assert len(questions) == len(group.bot_messages) == 3


@pytest.mark.parametrize(
    ("words", "expected"), [("你好", "可以这样出题"), ("31", "没有这样的题"), ("难", "没有这样的题")]
)
async def test_a_quiz_that_cannot_be_says_why(answerer: Answerer, tmp_path: Path, words: str, expected: str) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        assert expected in (await life.ask(group, li, f"/quiz {words}")).text


async def test_a_blank_is_asked_in_words_and_shown_by_a_button(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_fill_in())) as life:
        li = life.server.user("小李")
        private = life.server.private_chat(li)
        message = await life.ask(private, li, "/quiz")
        assert "匿名" not in message.text
        await life.press(private, li, message, "看答案")
        assert "答案：匿名" in message.text
        assert "第十二条" in message.text


async def test_a_quiz_that_telegram_refuses_is_asked_in_words(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item())) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        life.server.fail_next("sendPoll", 400, "Bad Request: not enough rights to send polls to the chat")
        message = await life.ask(group, li, "/quiz")
        assert "B. 匿名" in message.text
        await life.press(group, li, message, "看答案")
        assert "答案：匿名" in message.text


async def test_a_session_goes_from_the_agenda_to_the_farewell(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=WHOLE) as life:
        stage = await stage_in(life)
        private = life.server.private_chat(stage.boss)
        agenda = await stage.open("不限时", words="2题")
        assert "案例讨论" in agenda.text
        assert "测验 × 2" in agenda.text
        await stage.press(agenda, "下一步")
        questions = await stage.said("关于规定", agenda)
        asked = await stage.group.say(life.server.user("小李"), "能翻墙吗", reply_to=questions)
        assert "第十四条" in (await life.answer_to(stage.group, asked)).text
        await stage.press(questions, "下一步")
        case = await stage.said("案例 1/1：匿名举报信", questions)
        assert "诬告不行" not in case.text
        told = await life.server.wait_for(lambda: private.bot_messages)
        assert "诬告不行" in told[0].text
        await stage.press(case, "看条文")
        articles = await stage.said("条文怎么写", case)
        assert "诬告不行" in articles.text
        poll = await stage.on_to_poll(articles)
        assert poll["poll"]["question"].startswith("1/2. ")
        people = [life.server.user(name) for name in ("甲", "乙", "丙")]
        for person, option in zip(people, (1, 1, 0), strict=True):
            assert await stage.group.vote(person, poll, option)
        answer = await stage.stop(poll)
        assert "3 人答，2 人答对" in answer.text
        poll = await stage.on_to_poll(answer)
        answer = await stage.stop(poll)
        await stage.press(answer, "下一步")
        board = await stage.said("结果", answer)
        assert "第 1 题（第十二条）：2/3 人答对" in board.text
        await stage.press(board, "下一步")
        await stage.said("谢谢大家", board)
        results = await stage.results()
        assert [(one.voters, one.right) for one in results.items] == [(3, 2), (0, 0)]
        assert [one.question for one in results.asked] == ["能翻墙吗"]
        assert results.asked[0].articles[0] == 14
        assert results.people == results.teams == ()
        assert await life.database.training.running_in(stage.group.id) is None


async def test_only_the_trainer_moves_it_and_twice_pressed_moves_once(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        agenda = await stage.open()
        other = life.server.user("小李")
        assert "主持人" in (await stage.press(agenda, "下一步", other))["text"]
        await stage.press(agenda, "下一步")
        assert "走到后面" in (await stage.press(agenda, "下一步"))["text"]
        assert (await stage.state()).current == 1


async def test_members_open_nothing_and_private_chats_have_no_sessions(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        li = life.server.user("小李")
        assert "只有群管理员" in (await life.ask(stage.group, li, "/train")).text
        assert "在群里开" in (await life.ask(life.server.private_chat(li), li, "/train")).text
        panel = await life.ask(stage.group, stage.boss, "/train")
        assert "只有群管理员" in (await stage.press(panel, "开始", li))["text"]
        await stage.press(panel, "不开了")
        assert await life.database.training.latest_in(stage.group.id) is None


async def test_a_trainer_who_administers_no_longer_leads_no_longer(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        agenda = await stage.open()
        other = life.server.user("老李")
        await stage.group.set_status(other, "administrator")
        status = await life.ask(stage.group, other, "/train")
        assert labels(status) == ["由我接着主持", "结束训练"]
        await stage.press(status, "由我接着主持", other)
        assert "主持人" in (await stage.press(agenda, "下一步"))["text"]
        await stage.press(agenda, "下一步", other)
        assert (await stage.state()).current == 1


async def test_a_session_is_ended_at_the_second_press(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        agenda = await stage.open()
        status = await life.ask(stage.group, stage.boss, "/train")
        assert "走到第 1 步，共 7 步：开场" in status.text
        await stage.press(status, "结束训练")
        assert (await stage.state()).running
        await stage.press(status, "真的结束")
        await stage.said("谢谢大家", agenda)
        assert not (await stage.state()).running
        assert "已经结束" in (await stage.press(agenda, "下一步"))["text"]


async def test_scored_votes_make_teams_and_the_board_names_those_alone_who_agreed(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item("q1"))) as life:
        stage = await stage_in(life)
        agenda = await stage.open("计分", "2 队", "案例 0", "不限时", words="1题")
        ada, bob, eve = (life.server.user(name) for name in ("阿达", "阿波", "夏娃"))
        await stage.press(agenda, "红队", ada)
        await stage.press(agenda, "蓝队", bob)
        await stage.press(agenda, "红队", eve)
        told = await stage.press(agenda, "记名上榜", ada)
        assert "“阿达”" in told["text"]
        assert told["show_alert"]
        await stage.press(agenda, "记名上榜", bob)
        assert "抹去" in (await stage.press(agenda, "记名上榜", bob))["text"]
        await stage.press(agenda, "下一步")
        questions = await stage.said("关于规定", agenda)
        poll = await stage.on_to_poll(questions)
        assert not poll["poll"]["is_anonymous"]
        for person, option in ((ada, 1), (bob, 1), (eve, 0)):
            await stage.group.vote(person, poll, option)
        await life.silence()
        assert "不能换队" in (await stage.press(agenda, "蓝队", ada))["text"]
        answer = await stage.stop(poll)
        await stage.press(answer, "下一步")
        board = await stage.said("结果", answer)
        assert "1. 蓝队　10 分" in board.text
        assert "2. 红队　5 分" in board.text
        assert "阿达　10 分" in board.text
        assert "阿波" not in board.text
        assert "夏娃" not in board.text
        results = await stage.results()
        assert [(row.name, row.points) for row in results.teams] == [("蓝队", Fraction(10)), ("红队", Fraction(5))]
        assert [row.name for row in results.people] == ["阿达"]


async def test_the_first_right_answer_ends_the_poll(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item("q1"))) as life:
        stage = await stage_in(life)
        agenda = await stage.open("计分", "抢答", "案例 0", words="1题")
        slow, quick = life.server.user("慢"), life.server.user("快")
        await stage.press(agenda, "记名上榜", quick)
        await stage.press(agenda, "下一步")
        poll = await stage.on_to_poll(await stage.said("关于规定", agenda))
        await stage.group.vote(slow, poll, 0)
        await stage.group.vote(quick, poll, 1)
        answer = await stage.said("答案：匿名", poll)
        assert "最先答对：快" in answer.text
        assert not await stage.group.vote(life.server.user("迟"), poll, 1)
        assert [(row.name, row.points) for row in (await stage.results()).people] == [("快", Fraction(10))]


async def test_replies_fill_the_blank_the_last_one_counts_and_none_after_the_answer(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_fill_in())) as life:
        stage = await stage_in(life)
        agenda = await stage.open("案例 0", "不限时", words="1题")
        await stage.press(agenda, "下一步")
        questions = await stage.said("关于规定", agenda)
        await stage.press(questions, "下一步")
        item = await stage.said("写下答案", questions)
        ada, bob, eve = (life.server.user(name) for name in ("阿达", "阿波", "夏娃"))
        for person, words in ((ada, "公开"), (bob, "匿名"), (ada, " “匿名”。"), (eve, "当面")):
            await stage.group.say(person, words, reply_to=item)
        await life.silence()
        await stage.press(item, "收题")
        answer = await stage.said("答案：匿名", item)
        assert "3 人答，2 人答对" in answer.text
        await stage.group.say(eve, "匿名", reply_to=item)
        await stage.group.say(eve, "原来如此", reply_to=answer)
        await life.silence()
        results = await stage.results()
        assert (results.items[0].voters, results.items[0].right) == (3, 2)
        assert stage.group.bot_messages[-1] == answer  # nobody's answer was taken as a question


async def test_a_poll_that_telegram_refuses_is_answered_by_letters(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(MULTIPLE)) as life:
        stage = await stage_in(life)
        agenda = await stage.open("案例 0", "不限时", words="1题")
        await stage.press(agenda, "下一步")
        questions = await stage.said("关于规定", agenda)
        life.server.fail_next("sendPoll", 400, "Bad Request: POLL_OPTION_INVALID")
        await stage.press(questions, "下一步")
        item = await stage.said("投票发不出来", questions)
        for name, words in (("阿达", "ab"), ("阿波", "B"), ("夏娃", "不知道")):
            await stage.group.say(life.server.user(name), words, reply_to=item)
        await life.silence()
        await stage.press(item, "收题")
        assert "2 人答，1 人答对" in (await stage.said("答案：公开；匿名", item)).text


async def test_a_step_that_cannot_be_sent_is_sent_at_the_next_press(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        agenda = await stage.open("案例 0", words="1题")
        await stage.press(agenda, "下一步")
        questions = await stage.said("关于规定", agenda)
        life.server.garbage_next("sendPoll")
        await stage.press(questions, "下一步")
        await stage.said("没发出去", questions)
        poll = await stage.on_to_poll(questions)
        await stage.group.vote(stage.boss, poll, 1)
        assert "1 人答，1 人答对" in (await stage.stop(poll)).text


async def test_the_time_of_a_poll_ends_it(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=SINGLE) as life:
        stage = await stage_in(life)
        agenda = await stage.open("案例 0", "20 秒一题", words="1题")
        await stage.press(agenda, "下一步")
        poll = await stage.on_to_poll(await stage.said("关于规定", agenda))
        assert poll["poll"]["open_period"] == 20
        await stage.group.vote(stage.boss, poll, 1)
        stage.group.close_poll(poll)  # as Telegram does when the time is over
        assert "1 人答，1 人答对" in (await stage.said("答案：", poll)).text


async def test_a_restart_in_the_middle_of_a_poll_loses_nothing(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as server:
        async with living(answerer, tmp_path, server=server, bank=SINGLE) as life:
            stage = await stage_in(life)
            agenda = await stage.open("计分", "案例 0", "不限时", words="2题")
            await stage.press(agenda, "下一步")
            poll = await stage.on_to_poll(await stage.said("关于规定", agenda))
            early, away = server.user("早"), server.user("夜")
            await stage.group.vote(early, poll, 1)
            await life.silence()
        await stage.group.vote(away, poll, 1)  # while the bot is away
        async with living(answerer, tmp_path, server=server, bank=Bank()) as life:
            stage.life = life
            answer = await stage.stop(poll)
            assert "2 人答，2 人答对" in answer.text
            second = await stage.on_to_poll(answer)  # what is asked travels with the session, not with the bank
            assert second["poll"]["question"].startswith("2/2. ")


async def test_a_step_that_was_decided_and_not_sent_is_sent_after_the_restart(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        async with living(answerer, tmp_path, server=server, bank=SINGLE) as life:
            stage = await stage_in(life)
            agenda = await stage.open("案例 0", words="1题")
            await stage.press(agenda, "下一步")
            questions = await stage.said("关于规定", agenda)
            server.garbage_next("sendPoll")
            await stage.press(questions, "下一步")
        async with living(answerer, tmp_path, server=server, bank=SINGLE) as life:
            await server.wait_for(lambda: len(stage.polls) == 1 or None)


async def test_sessions_of_two_groups_never_mix(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item("q1"))) as life:
        stages = [await stage_in(life, title) for title in ("一支部", "二支部")]
        li = life.server.user("小李")
        polls = []
        for stage in stages:
            agenda = await stage.open("计分", "案例 0", "不限时", words="1题")
            await stage.press(agenda, "记名上榜", li)
            await stage.press(agenda, "下一步")
            polls.append(await stage.on_to_poll(await stage.said("关于规定", agenda)))
        await asyncio.gather(
            *(stage.group.vote(li, poll, option) for stage, poll, option in zip(stages, polls, (1, 0), strict=True))
        )
        await life.silence()
        await asyncio.gather(*(stage.stop(poll) for stage, poll in zip(stages, polls, strict=True)))
        first, second = [await stage.results() for stage in stages]
        assert [row.points for row in first.people] == [10]
        assert [row.points for row in second.people] == [0]
        assert [(one.voters, one.right) for one in (*first.items, *second.items)] == [(1, 1), (1, 0)]


async def test_who_is_forgotten_has_neither_name_nor_vote_in_a_session_that_runs(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with living(answerer, tmp_path, bank=make_bank(make_item("q1"))) as life:
        stage = await stage_in(life)
        agenda = await stage.open("计分", "案例 0", "不限时", words="1题")
        ada, bob = life.server.user("阿达"), life.server.user("阿波")
        await stage.press(agenda, "记名上榜", ada)
        await stage.press(agenda, "下一步")
        poll = await stage.on_to_poll(await stage.said("关于规定", agenda))
        await stage.group.vote(ada, poll, 1)
        await stage.group.vote(bob, poll, 1)
        await life.silence()
        private = life.server.private_chat(ada)
        assert "已抹去" in (await life.ask(private, ada, "/forget")).text
        assert "1 人答，1 人答对" in (await stage.stop(poll)).text
        assert (await stage.results()).people == ()


async def test_a_group_on_no_list_has_no_sessions_and_votes_on_the_list_count(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        group = server.group("准用的支部")
        async with living(answerer, tmp_path, server=server, bank=SINGLE, allowed=[group.id]) as life:
            boss = server.user("老王")
            await group.set_status(boss, "administrator")
            stage = Stage(life, group, boss)
            agenda = await stage.open("计分", "案例 0", "不限时", words="1题")
            await stage.press(agenda, "下一步")
            poll = await stage.on_to_poll(await stage.said("关于规定", agenda))
            await group.vote(server.user("小李"), poll, 1)
            await life.silence()
            assert "1 人答，1 人答对" in (await stage.stop(poll)).text

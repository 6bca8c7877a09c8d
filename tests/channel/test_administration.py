"""Settings, review, statistics, privacy and admission, as groups and their administrators meet them."""

import json
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from bot.answering.service import Answerer
from knowledge.assembly import ADDITIONS_FOLDER
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Message, User
from tests.living import Life, living

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

UNKNOWN = "预备期可以延长几次"
"""A question that the regulation does not answer."""


async def administered(life: Life, title: str = "支部") -> tuple[Chat, User, User]:
    """A group, its administrator, and a member."""
    group, boss, member = life.server.group(title), life.server.user("老王"), life.server.user("小李")
    await group.set_status(boss, "administrator")
    return group, boss, member


def labels(message: Message) -> list[str]:
    return [button["text"] for button in message.buttons]


async def shown(life: Life, chat: Chat, message: Message) -> Message:
    await life.silence()
    found = chat.find(message.id)
    assert found is not None
    return found


async def test_members_do_not_change_settings(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        refused = await life.ask(group, member, "/settings")
        assert "只有群管理员能改" in refused.text
        assert labels(refused) == []
        panel = await life.ask(group, boss, "/settings")
        answer = await life.press(group, member, panel, "English" if "English" in labels(panel) else "英文")
        assert answer["show_alert"]
        assert (await life.database.chats.settings(group.id)).language == "auto"


async def test_an_administrator_changes_settings_and_they_show(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, _ = await administered(life)
        panel = await life.ask(group, boss, "/settings")
        assert "✓ 附全文" in labels(panel)
        assert "5 分钟" not in labels(panel)
        for label in ("简短", "也答没人答的", "30 分钟", "不用", "选安静时段", "22", "7"):
            await life.press(group, boss, await shown(life, group, panel), label)
        settings = await life.database.chats.settings(group.id)
        assert (settings.length, settings.trigger, settings.unanswered_after_min) == ("brief", "unanswered", 30)
        assert not settings.language_model
        assert (settings.quiet_from, settings.quiet_until) == (22, 7)
        now = await shown(life, group, panel)
        assert "安静时段：22:00 到 7:00，只答命令" in now.text
        assert {"✓ 简短", "✓ 也答没人答的", "✓ 30 分钟", "✓ 不用"} <= set(labels(now))
        await life.press(group, boss, now, "没有")
        assert (await life.database.chats.settings(group.id)).quiet_from is None
        await life.press(group, boss, await shown(life, group, panel), "英文")
        now = await shown(life, group, panel)
        assert "This group's settings" in now.text
        await life.press(group, boss, now, "Done")
        assert labels(await shown(life, group, panel)) == []


async def test_a_panel_works_after_a_restart_and_from_two_hands_at_once(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as server:
        async with living(answerer, tmp_path, server=server) as life:
            group, boss, _ = await administered(life)
            panel = await life.ask(group, boss, "/settings")
            second = await life.ask(group, boss, "/settings")
        async with living(answerer, tmp_path, server=server) as life:
            await life.press(group, boss, panel, "简短")
            await life.press(group, boss, second, "不用")
            settings = await life.database.chats.settings(group.id)
            assert (settings.length, settings.language_model) == ("brief", False)
            assert {"✓ 简短", "✓ 不用"} <= set(labels(await shown(life, group, second)))


async def test_whoever_lets_it_answer_what_nobody_answers_is_told_where_it_hears_too_little(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, _ = await administered(life)
        panel = await life.ask(group, boss, "/settings")
        told = await life.press(group, boss, panel, "也答没人答的")
        assert "/setprivacy" in told["text"]
        assert told["show_alert"]
        assert len(told["text"]) <= 200
        assert (await life.database.chats.settings(group.id)).trigger == "unanswered"
        other = life.server.group("别的支部")
        await other.set_status(boss, "administrator")
        await other.set_status(life.server.bot, "administrator")
        panel = await life.ask(other, boss, "/settings")
        assert (await life.press(other, boss, panel, "也答没人答的"))["text"] == "已改好"


async def test_in_private_there_are_language_and_length_alone(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        li = life.server.user("小李")
        private = life.server.private_chat(li)
        panel = await life.ask(private, li, "/settings")
        assert labels(panel) == ["✓ 随提问的人", "中文", "英文", "✓ 附全文", "简短", "完成"]
        await life.press(private, li, panel, "英文")
        assert "Your settings" in (await shown(life, private, panel)).text


async def reviewed(life: Life, group: Chat, boss: User, member: User) -> tuple[Chat, Message]:
    """A question that was not answered, shown to the administrator in private."""
    await life.ask(group, member, f"@wanggui_bot {UNKNOWN}")
    invitation = await life.ask(group, boss, "/review")
    (button,) = invitation.buttons
    private = life.server.private_chat(boss)
    payload = button["url"].partition("?start=")[2]
    return private, await life.ask(private, boss, f"/start {payload}")


async def test_an_administrator_answers_by_hand(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        private, card = await reviewed(life, group, boss, member)
        assert UNKNOWN in card.text
        assert "小李" not in card.text
        before = len(private.bot_messages)
        await life.press(private, boss, card, "亲自作答")
        await life.server.wait_for(lambda: len(private.bot_messages) > before or None)
        prompt = private.bot_messages[-1]
        said = await life.ask(private, boss, "<b>十一点半</b> & 别晚", reply_to=prompt)
        assert "已发到群里" in said.text
        answer, sent = group.bot_messages[-1], group.bot_messages[-3]
        assert "管理员的回答（不是条文）" in answer.text
        assert "<b>十一点半</b> & 别晚" in answer.text
        assert answer.reply_to_id == sent.id
        again = await life.ask(private, boss, "再来一次", reply_to=prompt)
        assert "已经有人处理过" in again.text
        late = await private.say(boss, "能翻墙吗", reply_to=prompt)
        assert "已经有人处理过" in (await life.answer_to(private, late)).text
        await private.edit(late, "给主播刷礼物行不行")
        await life.silence()
        assert len(private.replies_to(late)) == 1, "a reply to a prompt is no question, edited or not"
        await life.press(private, boss, card, "下一个")
        assert "都看完了" in (await shown(life, private, card)).text


async def teach(life: Life, private: Chat, boss: User, card: Message, article: int, term: str = "") -> str:
    """加例问 or, with a term, 加别名; returns what was said of it."""
    await life.press(private, boss, card, "加别名" if term else "加例问")
    choice, before = await shown(life, private, card), len(private.bot_messages)
    said = await life.press(private, boss, choice, str(article))
    if not term:
        return str(said["text"])
    await life.server.wait_for(lambda: len(private.bot_messages) > before or None)
    prompt = private.bot_messages[-1]
    for bad in ("火", "一" * 21, "两\n行"):
        assert "2 到 20 个字" in (await life.ask(private, boss, bad, reply_to=prompt)).text
    return (await life.ask(private, boss, term, reply_to=prompt)).text


async def test_what_a_groups_administrator_teaches_counts_once_an_operator_adopts_it(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        operator = server.user("运营")
        async with living(answerer, tmp_path, server=server, operators=[operator.id]) as life:
            group, boss, member = await administered(life)
            private, card = await reviewed(life, group, boss, member)
            assert {str(number) for number in range(1, 32)} <= await choices(life, private, boss, card)
            assert "提议" in await teach(life, private, boss, card, 14)
            await life.ask(group, member, "@wanggui_bot 坐火箭去火星要几天")
            card = await life.ask(private, boss, f"/start {(await link_of(life, group, boss))}")
            assert "提议" in await teach(life, private, boss, card, 3, '坐"火箭')
            assert not (tmp_path / ADDITIONS_FOLDER).exists()

            theirs = server.private_chat(operator)
            first = await life.ask(theirs, operator, "/review")
            assert "提议" in first.text
            assert UNKNOWN in first.text
            assert "第十四条" in first.text
            await life.press(theirs, operator, first, "采用")
            lines = (tmp_path / ADDITIONS_FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
            assert [json.loads(line) for line in lines] == [{"question": UNKNOWN, "articles": [14], "style": "review"}]
            second = await shown(life, theirs, first)
            assert '坐"火箭' in second.text
            await life.press(theirs, operator, second, "不采用")
            assert "都看完了" in (await shown(life, theirs, first)).text
            assert await life.database.review.proposals() == []
            assert (tmp_path / ADDITIONS_FOLDER / "aliases.toml").read_text(encoding="utf-8") == ""


async def choices(life: Life, private: Chat, boss: User, card: Message) -> set[str]:
    await life.press(private, boss, card, "加例问")
    choice = await shown(life, private, card)
    assert "只是提议" in choice.text
    found = set(labels(choice))
    await life.press(private, boss, choice, "返回")
    await shown(life, private, card)
    return found


async def test_what_an_operator_teaches_counts_at_once_and_is_not_lost_where_no_file_can_be_written(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        operator = server.user("运营")
        async with living(answerer, tmp_path, server=server, operators=[operator.id]) as life:
            private = server.private_chat(operator)
            await life.ask(private, operator, UNKNOWN)
            (tmp_path / ADDITIONS_FOLDER).write_text("in the way")
            card = await life.ask(private, operator, "/review")
            assert "暂时写不进去" in await teach(life, private, operator, card, 14)
            await life.ask(private, operator, "坐火箭去火星要几天")
            (tmp_path / ADDITIONS_FOLDER).unlink()
            card = await life.ask(private, operator, "/review")
            assert "已记作别名" in await teach(life, private, operator, card, 3, '坐"火箭')
        lines = (tmp_path / ADDITIONS_FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["question"] for line in lines] == [UNKNOWN, "坐火箭去火星要几天"]
        (alias,) = tomllib.loads((tmp_path / ADDITIONS_FOLDER / "aliases.toml").read_text(encoding="utf-8"))["alias"]
        assert (alias["terms"], alias["articles"]) == (['坐"火箭'], [3])


async def link_of(life: Life, group: Chat, boss: User) -> str:
    (button,) = (await life.ask(group, boss, "/review")).buttons
    return str(button["url"]).partition("?start=")[2]


async def test_review_is_for_administrators_of_that_group(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        private, card = await reviewed(life, group, boss, member)
        assert "只对这个群的管理员开放" in (await life.ask(group, member, "/review")).text
        theirs = life.server.private_chat(member)
        link = await link_of(life, group, boss)
        assert "不是那个群的管理员" in (await life.ask(theirs, member, f"/start {link}")).text
        forged = f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}"
        assert "请在您管理的群里发 /review" in (await life.ask(private, boss, f"/start {forged}")).text
        assert "请在您管理的群里发 /review" in (await life.ask(theirs, member, "/review")).text
        await group.set_status(boss, "member")
        life_answer = await life.press(private, boss, card, "不管它")  # believed for a minute
        assert not life_answer.get("show_alert")


async def test_an_operator_reviews_everything_also_what_was_asked_in_private(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        operator, member = server.user("运营"), server.user("小李")
        async with living(answerer, tmp_path, server=server, operators=[operator.id]) as life:
            await life.ask(server.private_chat(member), member, UNKNOWN)
            await life.ask(server.group("支部"), member, "@wanggui_bot 明天下不下雨")
            private = server.private_chat(operator)
            card = await life.ask(private, operator, "/review")
            assert UNKNOWN in card.text
            assert "亲自作答" not in labels(card)
            await life.press(private, operator, card, "不管它")
            assert "明天下不下雨" in (await shown(life, private, card)).text


async def test_statistics_are_a_picture_with_words(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        assert "还没有人问过" in (await life.ask(group, boss, "/stats")).text
        await life.ask(group, member, "@wanggui_bot 能翻墙吗")
        await life.ask(group, member, f"@wanggui_bot {UNKNOWN}")
        assert "统计只给群管理员看" in (await life.ask(group, member, "/stats")).text
        picture = await life.ask(group, boss, "/stats")
        assert picture["photo"]
        assert "问了 2 次，婉拒 1 次（50%）" in picture["caption"]
        assert "第十四条 1 次" in picture["caption"]


async def test_where_pictures_are_not_allowed_statistics_are_words(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        await life.ask(group, member, "@wanggui_bot 能翻墙吗")
        life.server.fail_next("sendPhoto", 400, "Bad Request: not enough rights to send photos to the chat")
        assert "问了 1 次" in (await life.ask(group, boss, "/stats")).text
        assert "第十七条" in (await life.ask(group, member, "@wanggui_bot 给主播刷礼物行不行")).text


@pytest.mark.parametrize("command", ["/privacy", "/forget", "/settings", "/review", "/stats"])
async def test_no_command_is_free_of_the_budget_and_forgetting_does_not_fill_it(
    answerer: Answerer, tmp_path: Path, command: str
) -> None:
    async with living(answerer, tmp_path) as life:
        group, _, member = await administered(life)
        said = [(await life.ask(group, member, command)).text for _ in range(9)]
        assert all("有点快" not in text for text in said[:8])
        assert "有点快" in said[8]


async def test_privacy_says_what_is_kept_and_forget_erases_it(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, member = await administered(life)
        told = await life.ask(group, member, "/privacy")
        assert "留 90 天" in told.text
        assert "没人答的问题" not in told.text
        await life.database.chats.change(group.id, trigger="unanswered")
        assert "没人答的问题" in (await life.ask(group, member, "/privacy")).text
        await life.ask(group, member, "@wanggui_bot 能翻墙吗")
        forgotten = await life.ask(group, member, "/forget")
        assert "1 条记录" in forgotten.text
        assert labels(forgotten) == []
        assert "无可抹去" in (await life.ask(group, member, "/forget")).text
        offered = await life.ask(group, boss, "/forget")
        assert (await life.press(group, member, offered, "抹去"))["show_alert"]
        await life.press(group, boss, offered, "抹去")
        assert "设置回到默认" in (await shown(life, group, offered)).text
        assert (await life.database.chats.settings(group.id)).trigger == "addressed"


async def test_the_database_holds_no_more_than_privacy_says(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        group, boss, _ = await administered(life, "秘密支部")
        li = life.server.user("Lisiguang", username="li_si_guang")
        private = life.server.private_chat(li)
        for question in (
            "@wanggui_bot 能翻墙吗 是不是违规",
            "/ask 给主播刷礼物行不行",
            "/article 14",
            "/search 举报",
        ):
            answer = await life.ask(group, li, question)
        answer = await life.ask(group, li, "@wanggui_bot 匿名举报领导行吗")
        await life.press(group, li, answer, "👍")
        await life.press(group, li, answer, "私聊")
        await life.ask(group, li, f"@wanggui_bot {UNKNOWN}")
        await life.ask(private, li, "转发谣言怎么处理")
        await life.ask(private, li, "/settings")
        await life.ask(group, boss, "/stats")
        await life.silence()
        await life.database.flush()
        words = ("翻墙", "刷礼物", "匿名举报", "转发谣言", "Lisiguang", "li_si_guang", "秘密支部", "小李")
        written = [form for word in words for form in (word.encode(), json.dumps(word)[1:-1].encode())]

        async def erased() -> bytes | None:
            content = b"".join(path.read_bytes() for path in tmp_path.glob("bot.db*"))
            return None if any(form in content for form in written) else content

        assert UNKNOWN.encode() in await life.eventually(erased), "what is in hand is erased within seconds"
    with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        naming = {
            table
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"')
            if str(li.id) in map(str, row)
        }
        counted = set(connection.execute("SELECT DISTINCT event, article FROM usage WHERE event != 'cited'"))
    assert counted == {("question", 0), ("declined", 0), ("vote_up", 0)}
    assert naming == {"replies"}  # ids of messages, for two days


async def test_where_not_everybody_is_admitted_one_refusal_is_all(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as server:
        friend, stranger = server.user("小李"), server.user("陌生人")
        home, elsewhere = server.group("支部"), server.group("别处")
        allowed = [friend.id, home.id]
        async with living(answerer, tmp_path, server=server, allowed=allowed) as life:
            assert "第十四条" in (await life.ask(home, stranger, "@wanggui_bot 能翻墙吗")).text
            assert "第十四条" in (await life.ask(server.private_chat(friend), friend, "能翻墙吗")).text
            assert "只供指定的群和人使用" in (await life.ask(elsewhere, friend, "@wanggui_bot 能翻墙吗")).text
            theirs = server.private_chat(stranger)
            assert "只供指定的群和人使用" in (await life.ask(theirs, stranger, "能翻墙吗")).text
            await theirs.say(stranger, "能翻墙吗")
            await life.silence()
            assert len(theirs.bot_messages) == 1
            with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
                assert connection.execute("SELECT chat_id FROM once").fetchall() == [(elsewhere.id,)]
            assert "我只读发给我的话" in (await life.ask(theirs, stranger, "/privacy")).text
            assert "已抹去" in (await life.ask(elsewhere, stranger, "/forget")).text
        async with living(answerer, tmp_path, server=server, allowed=allowed) as life:
            before = len(elsewhere.bot_messages)
            await elsewhere.say(stranger, "@wanggui_bot 能翻墙吗")
            await life.silence()
            assert len(elsewhere.bot_messages) == before
            query = await server.inline(stranger, "翻墙")
            answer = await server.wait_for(lambda: server.inline_answers.get(query))
            assert answer["results"] == []
            query = await server.inline(friend, "翻墙")
            answer = await server.wait_for(lambda: server.inline_answers.get(query))
            assert answer["results"]


async def test_a_link_from_an_admitted_group_opens_the_private_chat_for_what_it_leads_to(
    answerer: Answerer, tmp_path: Path
) -> None:
    async with BotApiServer() as server:
        home = server.group("支部")
        async with living(answerer, tmp_path, server=server, allowed=[home.id]) as life:
            boss, member = server.user("老王"), server.user("小李")
            await home.set_status(boss, "administrator")
            private = server.private_chat(member)
            answer = await life.ask(home, member, "@wanggui_bot 能翻墙吗")
            payload = (await life.press(home, member, answer, "私聊细说"))["url"].partition("?start=")[2]
            carried = await life.ask(private, member, f"/start {payload}")
            assert "您在群里看到的问题：能翻墙吗" in carried.text
            await life.press(private, member, carried, "全文")
            assert "第三章" in (await shown(life, private, carried)).text
            assert "只供指定的群和人使用" in (await life.ask(private, member, "给主播刷礼物行不行")).text

            theirs, card = await reviewed(life, home, boss, member)
            assert UNKNOWN in card.text
            await life.press(theirs, boss, card, "亲自作答")
            prompt = theirs.bot_messages[-1]
            assert "已发到群里" in (await life.ask(theirs, boss, "十一点半", reply_to=prompt)).text
            stranger = server.user("陌生人")
            forged = await life.ask(server.private_chat(stranger), stranger, "/start pAAAA")
            assert "只供指定的群和人使用" in forged.text

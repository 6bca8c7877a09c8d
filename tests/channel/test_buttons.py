"""Buttons, deep links, inline cards and look-ups, over the wire."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot.answering.service import Answerer
from bot.storage.usage import Figures
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Json, Message, User
from tests.living import Life, living

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.asyncio(loop_scope="module"),
]

ASKED = "@wanggui_bot 翻墙被查到了会怎么处理"
FIFTEEN = "党员应当严格遵守党的保密纪律，不得通过网络泄露、扩散党和国家秘密、工作秘密。"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(answerer: Answerer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with living(answerer, tmp_path_factory.mktemp("life")) as running:
        yield running


@pytest.fixture
def li(life: Life) -> User:
    return life.server.user("小李")


@pytest.fixture
def wang(life: Life) -> User:
    return life.server.user("老王")


@pytest.fixture
def group(life: Life) -> Chat:
    return life.server.group("支部")


def content(chat: Chat, message: Message) -> Json:
    """What a message shows now."""
    found = chat.find(message.id)
    assert found is not None
    return {key: found.get(key) for key in ("text", "entities", "reply_markup")}


def text(chat: Chat, message: Message) -> str:
    return str(content(chat, message)["text"])


async def test_the_whole_text_its_neighbours_and_back(life: Life, group: Chat, li: User, wang: User) -> None:
    reply = await life.ask(group, li, ASKED)
    before = content(group, reply)
    await life.press(group, wang, reply, "全文")
    assert "第十四条\u3000第三章 网络行为管理" in text(group, reply)
    await life.press(group, li, reply, "第十五条 →")
    assert FIFTEEN in text(group, reply)
    assert "违反的后果" in text(group, reply)
    await life.press(group, wang, reply, "返回答案")
    assert content(group, reply) == before


async def test_related_articles_and_back(life: Life, group: Chat, li: User) -> None:
    reply = await life.ask(group, li, ASKED)
    before = content(group, reply)
    await life.press(group, li, reply, "相关条款")
    assert text(group, reply) == before["text"]
    await life.press(group, li, reply, "返回")
    assert content(group, reply) == before
    await life.press(group, li, reply, "相关条款")
    await life.press(group, li, reply, "第二十八条")
    assert "依规依纪追究责任" in text(group, reply)


async def test_buttons_work_after_a_restart(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as server:
        group, li = server.group("支部"), server.user("小李")
        async with living(answerer, tmp_path, server=server) as life:
            asked = await group.say(li, ASKED)
            reply = await life.answer_to(group, asked)
            before = content(group, reply)
            await life.press(group, li, reply, "全文")
        async with living(answerer, tmp_path, server=server) as life:
            await life.press(group, li, reply, "返回答案")
            assert content(group, reply) == before
            await group.edit(asked, "@wanggui_bot 给主播刷礼物行不行")
            await server.wait_for(lambda: "第十七条" in text(group, reply))
            assert len(group.bot_messages) == 1


async def test_votes_count_once_and_may_be_changed(life: Life, group: Chat, li: User, wang: User) -> None:
    reply = await life.ask(group, li, ASKED)
    for person, button in ((li, "👍"), (li, "👍"), (wang, "👍"), (wang, "👎")):
        await life.press(group, person, reply, button)
    figures = await life.database.figures(group.id, 1, now=datetime.now(UTC))
    assert (figures.votes_up, figures.votes_down, figures.questions, figures.declined) == (1, 1, 1, 0)
    assert dict(figures.cited)[14] == 1
    assert "一人一次" in (await life.press(group, li, reply, "没答到点上"))["text"]
    assert await life.database.review.open_items([group.id]) == []
    await life.press(group, li, reply, "返回")
    await life.press(group, wang, reply, "👎")
    answered = await life.press(group, wang, reply, "没答到点上")
    assert "不记是谁" in answered["text"]
    (item,) = await life.database.review.open_items([group.id])
    assert (item.kind, item.reason, item.question) == ("disputed", "not_answered", "翻墙被查到了会怎么处理")
    assert item.articles[:2] == (14, 28)


async def test_a_vote_on_a_borrowed_question_keeps_that_question(life: Life, group: Chat, li: User, wang: User) -> None:
    speech = await group.say(wang, "能翻墙吗")
    reply = await life.ask(group, li, "@wanggui_bot", reply_to=speech)
    await life.press(group, li, reply, "👎")
    await life.press(group, li, reply, "条文不对")
    (item,) = await life.database.review.open_items([group.id])
    assert item.question == "能翻墙吗"


async def test_a_reason_is_thanked_for_no_more_than_was_kept(life: Life, group: Chat, li: User) -> None:
    asked = await group.say(li, ASKED)
    reply = await life.answer_to(group, asked)
    shown = group.find(reply.id)
    assert shown is not None
    del shown["reply_to_message"]  # Telegram does not hand back what has been deleted
    await life.press(group, li, reply, "👎")
    assert "没能留给管理员" in (await life.press(group, li, reply, "没答到点上"))["text"]
    assert await life.database.review.open_items([group.id]) == []


async def test_an_english_reader_who_presses_leaves_the_message_in_its_language(
    life: Life, group: Chat, li: User
) -> None:
    ann = life.server.user("Ann", language_code="en")
    contents = await life.ask(group, li, "/toc")
    before = content(group, contents)
    for button in ("第三章", "第二十一条", "目录"):
        await life.press(group, ann, contents, button)
    assert content(group, contents) == before
    english = await life.ask(group, ann, "/article 14")
    await life.press(group, li, english, "Contents")
    assert "5 chapters" in text(group, english)
    assert "第十四条" in (await life.ask(group, ann, "@wanggui_bot 能翻墙吗")).text


async def test_an_anonymous_administrator_of_a_chinese_group_reads_chinese(life: Life, group: Chat) -> None:
    anonymous = User({"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"})
    panel = await life.ask(group, anonymous, "/settings@wanggui_bot", sender_chat=group.as_json())
    assert "本群的设置" in panel.text


async def test_paging_leaves_room_for_answers_and_says_that_it_is_busy(life: Life, group: Chat, li: User) -> None:
    contents = await life.ask(group, li, "/toc")
    answers = []
    for number in range(12):
        answers.append(await life.press(group, li, contents, "第三章" if number % 2 == 0 or number > 10 else "目录"))
    assert [answer.get("text") is None for answer in answers] == [True] * 10 + [False] * 2
    assert "有点忙" in answers[-1]["text"]
    assert "第十四条" in (await life.ask(group, li, "@wanggui_bot 能翻墙吗")).text


async def test_a_declined_question_is_kept_without_who_asked(life: Life, group: Chat, li: User) -> None:
    reply = await life.ask(group, li, "@wanggui_bot 党费怎么交")
    (item,) = await life.eventually(lambda: life.database.review.open_items([group.id]))
    assert (item.kind, item.reason, item.question) == ("unanswered", "out_of_scope", "党费怎么交")
    assert str(li.id) not in repr(item)
    await life.press(group, li, reply, "目录")
    assert "第三章 网络行为管理（第九条至第二十一条）" in text(group, reply)


async def test_on_in_private_with_the_question_in_hand(life: Life, group: Chat, li: User, wang: User) -> None:
    reply = await life.ask(group, li, ASKED)
    opened = await life.press(group, wang, reply, "私聊细说")
    link, _, payload = opened["url"].partition("?start=")
    assert link == "https://t.me/wanggui_bot"
    assert len(payload) <= 64
    private = life.server.private_chat(wang)
    answer = await life.ask(private, wang, f"/start {payload}")
    assert answer.text.startswith("您在群里看到的问题：翻墙被查到了会怎么处理\n\n第十四条")
    before = content(private, answer)
    await life.press(private, wang, answer, "全文")
    await life.press(private, wang, answer, "第十五条")
    await life.press(private, wang, answer, "返回答案")
    assert content(private, answer) == before
    gone = await life.ask(private, wang, "/start pAAAAAAAAAAAAAAAAAAAAAA")
    assert "过期" in gone.text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/start a14", "第十四条\u3000第三章"),
        ("/start c5", "第五章 附则"),
        ("/start toc", "共5章31条"),
        ("/start nonsense", "能翻墙吗"),
        ("/start a99", "能翻墙吗"),
        ("/article 14", "第十四条\u3000第三章"),
        ("/article 第十四条", "第十四条\u3000第三章"),
        ("/article", "/article 14"),
        ("/article 99", "没有第九十九条"),
        ("/chapter 3", "第三章 网络行为管理（第九条至第二十一条）"),
        ("/chapter 第五章", "本规定自发布之日起施行。"),
        ("/chapter 9", "没有第九章"),
        ("/chapter", "/chapter 3"),
        ("/toc", "共5章31条"),
        ("/search 举报", "“举报”见于 1 处："),
        ("/search 区块链", "原文里没有“区块链”"),
        ("/search", "/search 举报"),
        ("/help", "/search 举报"),
        ("/ask", "/ask 能翻墙吗"),
    ],
)
async def test_commands_and_links(life: Life, li: User, command: str, expected: str) -> None:
    private = life.server.private_chat(li)
    assert expected in (await life.ask(private, li, command)).text


async def test_through_the_contents_to_an_article_and_back(life: Life, li: User) -> None:
    private = life.server.private_chat(li)
    message = await life.ask(private, li, "/toc")
    contents = content(private, message)
    await life.press(private, li, message, "第三章")
    await life.press(private, li, message, "第二十一条")
    assert "向有关部门和网络平台举报" in text(private, message)
    await life.press(private, li, message, "第二十二条 →")
    await life.press(private, li, message, "返回本章")
    assert text(private, message).startswith("第四章")
    await life.press(private, li, message, "目录")
    assert content(private, message) == contents


async def test_search_pages_turn_and_long_words_are_read_from_the_command(life: Life, li: User) -> None:
    private = life.server.private_chat(li)
    for words in ("党员", "党员 " * 8):
        message = await life.ask(private, li, f"/search {words}")
        first = text(private, message)
        await life.press(private, li, message, "2/")
        assert text(private, message) != first
        await life.press(private, li, message, "← 1/")
        assert text(private, message) == first


async def test_an_old_or_unknown_button_says_so(life: Life, group: Chat, li: User) -> None:
    reply = await life.ask(group, li, ASKED)
    shown = group.find(reply.id)
    assert shown is not None
    for stale in (
        "0xx:1",
        "1aa:14:rubbish",
        "1aa:999:z14.0.a",
        "1ap:",
        "1tc:nokey",
        "1tk::77:0",
        "1vr:9:z14.0.a",
        "1tf:x:",
    ):
        shown["reply_markup"]["inline_keyboard"][0][0]["callback_data"] = stale
        answered = await life.press(group, li, reply, "全文")
        assert "太旧" in answered["text"], stale
        assert answered["show_alert"]


async def test_a_button_under_a_message_that_telegram_no_longer_shows_says_so(
    life: Life, group: Chat, li: User
) -> None:
    for data in (
        "1aa:14:z14.0.a",
        "1ab:z14.0.a",
        "1ar:z14",
        "1ap:14",
        "1ak:z14",
        "1vu:z14",
        "1vr:0:z14",
        "1tc:",
        "1tl:0",
    ):
        number = life.server.new_query("callback_query")
        gone = {"chat": group.as_json(), "message_id": 9, "date": 0}
        press = {"id": number, "from": li, "message": gone, "chat_instance": "1", "data": data}
        life.server.push("callback_query", press, f"callback{li.id}")
        answered = await life.server.wait_for(partial(life.server.callback_answers.get, number))
        assert "太旧" in answered["text"], data


async def test_inline_cards_carry_the_text_and_a_link(life: Life, li: User) -> None:
    results = await cards(life, li, "直播打赏")
    assert results[0]["title"].startswith("第十七条")
    assert "直播打赏" in results[0]["input_message_content"]["message_text"]
    assert results[0]["reply_markup"]["inline_keyboard"][0][0]["url"].endswith("?start=a17")
    assert (await cards(life, li, "翻墙"))[0]["id"] == "a14"
    assert (await cards(life, li, "14"))[0]["id"] == "a14"


async def test_an_empty_inline_query_gives_the_chapters(life: Life, li: User) -> None:
    assert [card["id"] for card in await cards(life, li, "")] == ["c1", "c2", "c3", "c4", "c5"]
    english = await cards(life, life.server.user("Ann", language_code="en"), "14")
    assert english[0]["title"].startswith("Article 14")
    assert await cards(life, li, "😀<b>") == []


async def cards(life: Life, user: User, query: str) -> list[Json]:
    number = await life.server.inline(user, query)
    answered = await life.server.wait_for(lambda: life.server.inline_answers.get(number))
    found: list[Json] = answered["results"]
    return found


async def test_menus_differ_by_scope_and_language(life: Life) -> None:
    menus = life.server.commands
    assert {"settings", "review", "stats"} <= {one["command"] for one in menus["all_chat_administrators", ""]}
    assert "settings" not in {one["command"] for one in menus["all_group_chats", ""]}
    assert [one["command"] for one in menus["default", "en"]] == [one["command"] for one in menus["default", ""]]
    assert menus["default", "en"][0]["description"] != menus["default", ""][0]["description"]
    assert set(life.server.profile) == {
        f"{kind}/{language}" for kind in ("description", "short_description") for language in ("", "en")
    }


async def test_only_counts_are_kept_of_a_question_that_was_answered(life: Life, group: Chat, li: User) -> None:
    await life.ask(group, li, "@wanggui_bot 给主播刷礼物行不行")
    usage = await life.eventually(lambda: counted(life, group))
    assert usage is not None
    assert (usage.questions, dict(usage.cited)[17]) == (1, 1)
    assert await life.database.review.open_items([group.id]) == []


async def counted(life: Life, group: Chat) -> Figures | None:
    await life.database.flush()
    usage = await life.database.usage.figures(
        group.id, date.today() - timedelta(days=2), date.today() + timedelta(days=1)
    )
    return usage if usage.questions else None

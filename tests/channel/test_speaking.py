"""When the bot speaks, and when it does not; over the wire, with everything real but the people."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from bot.answering.service import Answerer
from bot.storage.usage import CHINA
from tests.botapi.chats import Chat, Message, User
from tests.botapi.entities import entity_over
from tests.living import Life, living

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.asyncio(loop_scope="module"),
]

MENTION = "@wanggui_bot"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(answerer: Answerer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with living(answerer, tmp_path_factory.mktemp("life")) as running:
        yield running


@pytest.fixture
def li(life: Life) -> User:
    return life.server.user("小李")


@pytest.fixture
def group(life: Life) -> Chat:
    """A group that delivers everything, as without privacy mode: what is not for the bot must still get silence."""
    chat = life.server.group("支部")
    chat.privacy_mode = False
    return chat


async def test_a_mention_in_a_caption_and_a_command_in_one_are_answered(life: Life, group: Chat, li: User) -> None:
    photo = [{"file_id": "x", "file_unique_id": "x", "width": 1, "height": 1}]
    caption = f"🖼 {MENTION} 给主播刷礼物行不行"
    entity = entity_over(caption, caption.index(MENTION), caption.index(MENTION) + len(MENTION), "mention")
    asked = await group.say(li, photo=photo, caption=caption, caption_entities=[entity])
    assert "第十七条" in (await life.answer_to(group, asked)).text
    commanded = await group.say(li, photo=photo, caption="/ask 能翻墙吗")
    assert "第十四条" in (await life.answer_to(group, commanded)).text


async def test_a_mention_by_name_is_answered(life: Life, group: Chat, li: User) -> None:
    reply = await life.ask(group, li, "网规助手 能翻墙吗", mentioning=[life.server.bot])
    assert "第十四条" in reply.text


async def test_what_is_not_addressed_to_it_gets_silence(life: Life, group: Chat, li: User) -> None:
    other = life.server.user("别的机器人", is_bot=True, username="other_bot")
    for text in ("能翻墙吗", "/ask@other_bot 能翻墙吗", "@other_bot 能翻墙吗", "谢谢", "/unknown", "第十四条"):
        await group.say(li, text)
    wire: dict[str, Any] = {"via_bot": other}
    await group.say(li, f"{MENTION} 能翻墙吗", **wire)
    forwarded = {"type": "hidden_user", "date": 1700000000, "sender_user_name": "某人"}
    await group.say(li, f"{MENTION} 能翻墙吗", forward_origin=forwarded)
    await life.silence()
    assert group.bot_messages == []


async def test_an_anonymous_administrator_and_a_channel_are_answered(life: Life, group: Chat) -> None:
    anonymous = User(id=1087968824, is_bot=True, first_name="Group", username="GroupAnonymousBot")
    reply = await life.ask(group, anonymous, "/ask 能翻墙吗", sender_chat=group.as_json())
    assert "第十四条" in reply.text
    telegram = User(id=777000, is_bot=False, first_name="Telegram")
    channel = {"id": -1009999, "type": "channel", "title": "频道"}
    origin = {"type": "channel", "date": 1700000000, "chat": channel, "message_id": 3}
    post = await group.say(
        telegram,
        f"{MENTION} 给主播刷礼物行不行",
        sender_chat=channel,
        is_automatic_forward=True,
        forward_origin=origin,
    )
    assert "第十七条" in (await life.answer_to(group, post)).text


async def test_a_bare_mention_asks_what_is_quoted_or_replied_to(life: Life, group: Chat, li: User) -> None:
    wang = life.server.user("老王")
    speech = await group.say(wang, "昨天开会。给主播刷礼物行不行？还有别的事。")
    quoted = await life.ask(group, li, MENTION, reply_to=speech, quote={"text": "给主播刷礼物行不行", "position": 5})
    assert "第十七条" in quoted.text
    question = await group.say(wang, "能翻墙吗")
    assert "第十四条" in (await life.ask(group, li, MENTION, reply_to=question)).text


async def test_a_reply_to_it_asks_but_thanks_do_not(life: Life, group: Chat, li: User) -> None:
    first = await life.ask(group, li, f"{MENTION} 能翻墙吗")
    followed = await life.ask(group, li, "那给主播刷礼物呢", reply_to=first)
    assert "第十七条" in followed.text
    thanks = await group.say(li, "谢谢", reply_to=first)
    await life.silence()
    assert group.replies_to(thanks) == []


async def test_in_a_topic_that_the_bot_has_opened_only_what_is_addressed_is_answered(life: Life, li: User) -> None:
    forum = life.server.group("论坛", topics=True)
    forum.privacy_mode = False
    topic = await forum.topic("学习")
    unaddressed = await forum.say(li, "能翻墙吗", thread=topic)
    reply = await life.ask(forum, li, f"{MENTION} 谁负责解释", thread=topic)
    assert reply["message_thread_id"] == topic
    assert forum.replies_to(unaddressed) == []


async def test_an_edited_question_edits_its_answer(life: Life, group: Chat, li: User) -> None:
    asked = await group.say(li, f"{MENTION} 能翻墙吗")
    reply = await life.answer_to(group, asked)
    await group.edit(asked, f"{MENTION} 给主播刷礼物行不行")
    await life.server.wait_for(lambda: "第十七条" in shown(group, reply).text)
    await group.edit(asked, "领导收游戏皮肤行吗")
    await life.server.wait_for(lambda: "第十八条" in shown(group, reply).text)
    assert len(group.replies_to(asked)) == 1


async def test_a_question_that_is_addressed_only_once_edited_is_answered(life: Life, group: Chat, li: User) -> None:
    asked = await group.say(li, "能翻墙吗")
    await group.edit(asked, f"{MENTION} 能翻墙吗")
    assert "第十四条" in (await life.answer_to(group, asked)).text
    commanded = await group.say(li, "asd 给主播刷礼物行不行")
    await group.edit(commanded, "/ask 给主播刷礼物行不行")
    assert "第十七条" in (await life.answer_to(group, commanded)).text


async def test_the_same_question_twice_is_answered_once_and_pointed_at(life: Life, group: Chat, li: User) -> None:
    first = await life.ask(group, li, f"{MENTION} 能翻墙吗")
    second = await life.ask(group, life.server.user("老王"), f"{MENTION} 能翻墙吗？")
    assert "第十四条" in first.text
    assert second.text == "刚答过同一个问题，请看上面那条。"
    assert second["entities"][0]["url"].endswith(f"/{first.id}")


async def test_whoever_asks_too_much_is_told_once(life: Life, group: Chat, li: User) -> None:
    for number in range(12):
        await group.say(li, f"/article {number + 1}")
    await life.silence()
    refusals = [message for message in group.bot_messages if "有点快" in message.text]
    assert len(refusals) == 1
    assert len(group.bot_messages) == 9
    bystander = await life.ask(group, life.server.user("老王"), f"{MENTION} 能翻墙吗")
    assert "第十四条" in bystander.text


async def test_quiet_hours_leave_only_commands(life: Life, group: Chat, li: User) -> None:
    hour = datetime.now(CHINA).hour
    await life.database.chats.change(group.id, quiet_from=(hour - 1) % 24, quiet_until=(hour + 2) % 24)
    mentioned = await group.say(li, f"{MENTION} 能翻墙吗")
    assert "第十四条" in (await life.ask(group, li, "/ask 能翻墙吗")).text
    assert group.replies_to(mentioned) == []


async def test_a_question_that_nobody_answers_is_answered_where_the_group_wishes_it(
    life: Life, group: Chat, li: User
) -> None:
    await life.database.chats.change(group.id, trigger="unanswered", unanswered_after_min=0)
    vague = await group.say(li, "今天中午吃什么？")
    statement = await group.say(li, "我从来不翻墙。")
    assert "第十四条" in (await life.ask(group, li, "党员能翻墙吗？")).text
    await life.silence()
    assert group.replies_to(vague) == group.replies_to(statement) == []


async def test_a_question_that_somebody_answers_is_left_alone(life: Life, group: Chat, li: User) -> None:
    await life.database.chats.change(group.id, trigger="unanswered", unanswered_after_min=5)
    asked = await group.say(li, "党员能翻墙吗？")
    await group.say(life.server.user("老王"), "当然不能", reply_to=asked)
    await life.silence()
    assert group.bot_messages == []


async def test_language_follows_the_group_then_chinese_words_then_the_person(life: Life, group: Chat) -> None:
    ann = life.server.user("Ann", language_code="en-GB")
    assert (await life.ask(group, ann, f"{MENTION} can I use a VPN?")).text.startswith("Article 14")
    assert (await life.ask(group, ann, f"{MENTION} 能翻墙吗")).text.startswith("第十四条")
    await life.database.chats.change(group.id, language="zh")
    assert (await life.ask(group, ann, f"{MENTION} 给主播刷礼物行不行")).text.startswith("第十七条")
    await life.database.chats.change(group.id, language="en", length="brief")
    brief = await life.ask(group, life.server.user("小李"), f"{MENTION} 领导收游戏皮肤行吗")
    assert brief.text.startswith("Article 18")
    assert "〔" not in brief.text


async def test_a_new_group_is_greeted_once(life: Life) -> None:
    group, wang = life.server.group("新群"), life.server.user("老王")
    group.members[life.server.bot.id] |= {"status": "left"}
    await group.set_status(life.server.bot, "member", by=wang)
    await life.server.wait_for(lambda: group.bot_messages)
    assert len(group.bot_messages[0].text.split("\n")) == 3
    assert "/settings" in group.bot_messages[0].text
    await group.set_status(life.server.bot, "administrator", by=wang)
    await group.set_status(life.server.bot, "left", by=wang)
    await group.set_status(life.server.bot, "member", by=wang)
    await life.silence()
    assert len(group.bot_messages) == 1


async def test_a_group_that_becomes_a_supergroup_goes_on(life: Life, li: User) -> None:
    basic = life.server.group("小群", basic=True)
    assert "第十四条" in (await life.ask(basic, li, f"{MENTION} 能翻墙吗")).text
    supergroup = await basic.migrate(li)
    assert "第十七条" in (await life.ask(supergroup, li, f"{MENTION} 给主播刷礼物行不行")).text
    assert len(supergroup.bot_messages) == 1


@pytest.mark.parametrize(
    "attack",
    ["<b>", "</blockquote>&amp;", "\u202e能翻墙吗", "😀" * 64, "\u200b\u200b", "<a href='tg://user?id=1'>x</a>"],
)
async def test_markup_in_names_titles_and_questions_changes_nothing(life: Life, attack: str) -> None:
    group = life.server.group(attack)
    attacker = life.server.user(attack)
    for text in (
        f"{MENTION} {attack}",
        f"{MENTION} 《{attack[:30]}》第三条",
        f"/search {attack}",
        f"/article {attack}",
    ):
        reply = await life.ask(group, attacker, text)
        kinds = {entity["type"] for entity in reply.get("entities", [])}
        assert kinds <= {"bold", "blockquote", "expandable_blockquote", "bot_command", "mention"}
        assert "\u202e" not in reply.text


def shown(chat: Chat, message: Message) -> Message:
    found = chat.find(message.id)
    assert found is not None
    return found

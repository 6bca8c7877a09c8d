"""An overheard question leaves no word behind; and whose answer an edit changes where two asked the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.answering.generation.conversation import MemoryTurns
from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase
from tests.botapi.chats import Chat, Message, User
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
def wang(life: Life) -> User:
    return life.server.user("老王")


@pytest_asyncio.fixture(loop_scope="module")
async def group(life: Life) -> Chat:
    """A group that wants its unanswered questions answered, at once."""
    chat = life.server.group("支部")
    chat.privacy_mode = False
    await life.database.chats.change(chat.id, trigger="unanswered", unanswered_after_min=0)
    return chat


def shown(chat: Chat, message: Message) -> Message:
    found = chat.find(message.id)
    assert found is not None
    return found


async def test_an_overheard_question_leaves_ids_for_two_days_and_no_word(
    life: Life, group: Chat, li: User, wang: User
) -> None:
    asked = await group.say(li, "党员能翻墙吗？")
    reply = await life.answer_to(group, asked)
    await life.press(group, wang, reply, "👎")
    assert "没能留给管理员" in (await life.press(group, wang, reply, "没答到点上"))["text"]
    opened = await life.press(group, wang, reply, "私聊细说")
    assert opened["url"].endswith("?start=a14"), "the article, not the question"
    await group.edit(asked, "党费怎么交？")
    await life.server.wait_for(lambda: "第十四条" not in shown(group, reply).text or None)
    await life.silence()
    await life.database.flush()
    assert await life.database.review.open_items([group.id]) == []
    assert await life.database.erase_person(li.id) == 1, "the pair of ids"
    assert await life.database.replies.find(group.id, asked.id) is None


async def test_an_overheard_question_is_no_turn_of_a_conversation_edited_or_not(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    async with living(join(knowledge_base, turns=MemoryTurns()), tmp_path) as life:
        group, li = life.server.group("支部"), life.server.user("小李")
        group.privacy_mode = False
        await life.database.chats.change(group.id, trigger="unanswered", unanswered_after_min=0)
        asked = await group.say(li, "党员能翻墙吗？")
        reply = await life.answer_to(group, asked)
        await group.edit(asked, "给主播刷礼物行不行？")
        await life.server.wait_for(lambda: "第十七条" in shown(group, reply).text or None)
        assert "来答：" not in (await life.ask(group, li, f"{MENTION} 干部呢")).text


async def test_a_question_that_is_addressed_when_it_is_edited_is_like_any_other(
    life: Life, group: Chat, li: User
) -> None:
    asked = await group.say(li, "党员能翻墙吗？")
    reply = await life.answer_to(group, asked)
    await group.edit(asked, f"{MENTION} 党费怎么交")
    await life.server.wait_for(lambda: "第十四条" not in shown(group, reply).text or None)
    (item,) = await life.eventually(lambda: life.database.review.open_items([group.id]))
    assert item.question == "党费怎么交"


async def test_a_twins_edit_changes_its_own_message_alone(life: Life, group: Chat, li: User, wang: User) -> None:
    first = await life.ask(group, li, f"{MENTION} 能翻墙吗")
    asked = await group.say(wang, f"{MENTION} 能翻墙吗？")
    pointer = await life.answer_to(group, asked)
    assert "刚答过同一个问题" in pointer.text
    await group.edit(asked, f"{MENTION} 给主播刷礼物行不行")
    await life.server.wait_for(lambda: "第十七条" in shown(group, pointer).text or None)
    await life.silence()
    assert "第十四条" in shown(group, first).text
    assert len(group.bot_messages) == 2


async def test_an_answer_that_a_twin_was_shown_to_stays_when_its_question_is_edited(
    life: Life, group: Chat, li: User, wang: User
) -> None:
    asked = await group.say(li, f"{MENTION} 能翻墙吗")
    first = await life.answer_to(group, asked)
    await life.ask(group, wang, f"{MENTION} 能翻墙吗？")
    await group.edit(asked, f"{MENTION} 给主播刷礼物行不行")
    own = await life.server.wait_for(lambda: next((m for m in group.replies_to(asked) if m.id != first.id), None))
    assert "第十七条" in own.text
    assert "第十四条" in shown(group, first).text, "it is the twin's answer too"
    await group.edit(asked, f"{MENTION} 领导收游戏皮肤行吗")
    await life.server.wait_for(lambda: "第十八条" in shown(group, own).text or None)
    await life.silence()
    assert len(group.replies_to(asked)) == 2


async def test_nobody_is_shown_to_an_answer_to_what_was_asked_before_the_edit(
    life: Life, group: Chat, li: User, wang: User
) -> None:
    asked = await group.say(li, f"{MENTION} 能翻墙吗")
    first = await life.answer_to(group, asked)
    await group.edit(asked, f"{MENTION} 给主播刷礼物行不行")
    await life.server.wait_for(lambda: "第十七条" in shown(group, first).text or None)
    assert "第十四条" in (await life.ask(group, wang, f"{MENTION} 能翻墙吗")).text


async def test_a_group_that_is_forgotten_has_nothing_recalled(life: Life, group: Chat, li: User, wang: User) -> None:
    await group.set_status(li, "administrator")
    speech = await group.say(wang, "我能翻墙就好了")
    reply = await life.ask(group, li, MENTION, reply_to=speech)
    await life.press(group, li, await life.ask(group, li, "/forget"), "抹去本群")
    await life.press(group, li, reply, "👎")
    assert "没能留给管理员" in (await life.press(group, li, reply, "条文不对"))["text"]

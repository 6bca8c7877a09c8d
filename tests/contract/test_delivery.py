"""Delivery against the Bot API server with faults of every kind; time is a clock that sleeping moves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InlineQuery, Message, User

from bot.errors import StorageError
from bot.telegram.delivery import MOST_WAITING, PATIENCE_S, Delivery
from bot.telegram.outgoing import Outgoing
from bot.telegram.pacing import GROUP
from bot.telegram.rawbot import RawBot
from bot.telegram.transport import AiohttpRequest
from tests.botapi import BotApiServer, Chat
from tests.botapi import Message as Said
from tests.fakes import FakeClock

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

BUTTONS = InlineKeyboardMarkup([[InlineKeyboardButton("全文", callback_data="1a:14")]])
ANSWER = Outgoing("<b>答</b> &lt;甲&gt;", BUTTONS)
PNG = bytes.fromhex("89504e470d0a1a0a") + b"\x00" * 64


@dataclass
class Desk:
    """A delivery on a real bot, and what it said of groups that moved."""

    server: BotApiServer
    bot: RawBot
    clock: FakeClock
    moved: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.delivery = Delivery(self.bot, self.note_moved, clock=self.clock, sleep=self.clock.sleep)

    async def note_moved(self, old_id: int, new_id: int) -> None:
        self.moved.append((old_id, new_id))

    def received(self, said: Said) -> Message:
        """A message as the bot receives it."""
        message = Message.de_json(dict(said), self.bot)
        assert message
        return message

    async def private(self) -> tuple[Chat, Message]:
        person = self.server.user("小李")
        chat = self.server.private_chat(person)
        return chat, self.received(await chat.say(person, "能翻墙吗"))

    async def group(self, *, basic: bool = False) -> tuple[Chat, Message]:
        chat = self.server.group("支部", basic=basic)
        return chat, self.received(await chat.say(self.server.user("老王"), "能翻墙吗"))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with BotApiServer() as server:
        bot = RawBot(server.token, base_url=f"{server.base_url}/bot", request=AiohttpRequest())
        async with bot:
            desk = Desk(server, bot, FakeClock())
            yield desk
            await desk.delivery.close()
        assert server.violations == []


async def test_a_reply_stands_under_its_question_with_its_buttons(desk: Desk) -> None:
    chat, asked = await desk.private()
    sent = await desk.delivery.reply(asked, ANSWER)
    (reply,) = chat.bot_messages
    assert (reply.id, reply.reply_to_id, reply.text, reply.callback_data) == (
        sent,
        asked.message_id,
        "答 <甲>",
        ["1a:14"],
    )
    (call,) = desk.server.calls("sendMessage")
    assert call.parameters["link_preview_options"] == {"is_disabled": True}


async def test_a_reply_stays_in_its_topic(desk: Desk) -> None:
    group, person = desk.server.group("论坛", topics=True), desk.server.user("小李")
    topic = await group.topic("学习")
    asked = desk.received(await group.say(person, "能翻墙吗", thread=topic))
    await desk.delivery.reply(asked, ANSWER)
    assert group.bot_messages[-1]["message_thread_id"] == topic


async def test_several_messages_go_in_order_and_the_first_is_the_reply(desk: Desk) -> None:
    chat, asked = await desk.private()
    first = await desk.delivery.reply(asked, [Outgoing("一"), Outgoing("二")])
    assert [(said.text, said.reply_to_id) for said in chat.bot_messages] == [("一", asked.message_id), ("二", None)]
    assert first == chat.bot_messages[0].id


async def test_a_picture_has_its_caption(desk: Desk) -> None:
    chat, asked = await desk.private()
    assert await desk.delivery.reply(asked, Outgoing("<b>图</b>", photo=PNG))
    assert "photo" in chat.bot_messages[0]
    assert chat.bot_messages[0].text == "图"


async def test_a_flooded_chat_gets_no_call_while_it_rests_and_a_bystander_is_served(desk: Desk) -> None:
    (flooded, asked), (bystander, other) = await desk.group(), await desk.group()
    desk.server.fail_next("sendMessage", 429, "Too Many Requests: retry after 30", 30, chat_id=flooded.id)
    resting, rested = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        resting.set()
        await rested.wait()
        desk.clock.now += seconds

    desk.delivery = Delivery(desk.bot, desk.note_moved, clock=desk.clock, sleep=sleep)
    waiting = [asyncio.create_task(desk.delivery.reply(asked, Outgoing(str(number)))) for number in range(3)]
    await resting.wait()
    await desk.delivery.typing(asked)
    for _ in range(5):
        assert await desk.delivery.reply(other, ANSWER)
    calls = [call.chat_id for call in desk.server.requests if call.method != "getMe"]
    assert calls == [flooded.id] + [bystander.id] * 5
    before = desk.clock.now
    rested.set()
    await asyncio.gather(*waiting)
    assert [said.text for said in flooded.bot_messages] == ["0", "1", "2"]
    assert desk.clock.now - before >= 30


async def test_a_flood_without_an_end_is_given_up(desk: Desk) -> None:
    chat, asked = await desk.private()
    desk.server.fail_next("sendMessage", 429, "Too Many Requests: retry after 3600", 3600)
    assert await desk.delivery.reply(asked, ANSWER) is None
    assert len(desk.server.calls("sendMessage")) == 1
    assert PATIENCE_S < 3600
    assert chat.bot_messages == []


async def test_a_group_is_written_to_twenty_times_a_minute_edits_included(desk: Desk) -> None:
    group, asked = await desk.group()
    sent = await desk.delivery.reply(asked, ANSWER)
    assert sent
    for number in range(GROUP.calls - 1):
        assert await desk.delivery.edit(group.id, sent, Outgoing(f"第 {number} 次"))
    assert desk.clock.slept == []
    assert await desk.delivery.edit(group.id, sent, Outgoing("最后一次"))
    assert desk.clock.slept == [GROUP.seconds]


async def test_too_much_for_one_chat_is_given_up_at_once(desk: Desk) -> None:
    chat, asked = await desk.private()
    desk.server.hang_next("sendMessage", 0.3, chat_id=chat.id)
    replies = await asyncio.gather(*(desk.delivery.reply(asked, ANSWER) for _ in range(MOST_WAITING + 5)))
    assert replies[-5:] == [None] * 5
    assert None not in replies[:-5]


async def test_a_blocked_chat_is_left_in_peace_until_somebody_writes(desk: Desk) -> None:
    chat, asked = await desk.private()
    await chat.block()
    assert await desk.delivery.reply(asked, ANSWER) is None
    assert await desk.delivery.reply(asked, ANSWER) is None
    await desk.delivery.typing(asked)
    assert len(desk.server.calls("sendMessage")) == 1
    await chat.unblock()
    desk.delivery.heard_from(chat.id)
    assert await desk.delivery.reply(asked, ANSWER)
    assert desk.server.calls("sendChatAction") == []


async def test_lost_rights_close_a_chat_too(desk: Desk) -> None:
    _, asked = await desk.group()
    desk.server.fail_next("sendMessage", 400, "Bad Request: not enough rights to send text messages to the chat")
    assert await desk.delivery.reply(asked, ANSWER) is None
    assert await desk.delivery.reply(asked, ANSWER) is None
    assert len(desk.server.calls("sendMessage")) == 1


async def test_a_group_that_became_a_supergroup_is_answered_there_and_announced(desk: Desk) -> None:
    group, asked = await desk.group(basic=True)
    successor = await group.migrate(desk.server.user("老王"))
    assert await desk.delivery.reply(asked, ANSWER)
    assert await desk.delivery.send(group.id, Outgoing("再来"))
    assert [said.text for said in successor.bot_messages] == ["答 <甲>", "再来"]
    assert desk.moved == [(group.id, successor.id)]
    assert [call.chat_id for call in desk.server.calls("sendMessage")] == [group.id, successor.id, successor.id]


async def test_storage_that_fails_does_not_cost_the_reply(desk: Desk) -> None:
    async def fails(old_id: int, new_id: int) -> None:
        raise OSError(f"cannot store that {old_id} is {new_id}")

    group, asked = await desk.group(basic=True)
    await group.migrate(desk.server.user("老王"))
    assert await Delivery(desk.bot, fails).reply(asked, ANSWER)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<b>粗</i> &lt;甲&gt;", "粗 <甲>"),
        ("<blink>闪</blink>", "闪"),
        ("<b>" + "长" * 5000 + "</b>", "长" * 4095 + "…"),
    ],
)
async def test_refused_markup_becomes_plain_text_once(desk: Desk, html: str, expected: str) -> None:
    chat, asked = await desk.private()
    assert await desk.delivery.reply(asked, Outgoing(html, ANSWER.keyboard))
    assert [said.text for said in chat.bot_messages] == [expected]
    assert chat.bot_messages[0].callback_data == ["1a:14"]
    sent = chat.bot_messages[0].id
    assert await desk.delivery.edit(chat.id, sent, Outgoing(html + "改"))
    assert len(desk.server.calls("editMessageText")) == 2
    assert len(desk.server.violations) == 2, "the two that were refused, on purpose"
    desk.server.violations.clear()


async def test_a_refused_button_does_not_cost_the_answer(desk: Desk) -> None:
    chat, asked = await desk.private()
    desk.server.fail_next("sendMessage", 400, "Bad Request: BUTTON_DATA_INVALID")
    assert await desk.delivery.reply(asked, ANSWER)
    assert (chat.bot_messages[0].text, chat.bot_messages[0].buttons) == ("答 <甲>", [])


async def test_a_question_that_is_gone_is_answered_without_a_reference(desk: Desk) -> None:
    chat, asked = await desk.private()
    desk.server.fail_next("sendMessage", 400, "Bad Request: message to be replied not found")
    assert await desk.delivery.reply(asked, ANSWER)
    assert chat.bot_messages[0].reply_to_id is None


async def test_a_closed_topic_is_left_in_peace(desk: Desk) -> None:
    _, asked = await desk.group()
    desk.server.fail_next("sendMessage", 400, "Bad Request: TOPIC_CLOSED")
    assert await desk.delivery.reply(asked, ANSWER) is None
    assert len(desk.server.calls("sendMessage")) == 1


@pytest.mark.parametrize("fault", ["drop", "garbage", "502", "401", "409"])
async def test_whatever_happens_to_a_reply_it_stands_there_once(desk: Desk, fault: str) -> None:
    chat, asked = await desk.private()
    neighbour = await chat.say(desk.server.users[chat.id], "还有一句")
    if fault == "drop":
        desk.server.drop_next("sendMessage", times=2)
    elif fault == "garbage":
        desk.server.garbage_next("sendMessage", times=2)
    else:
        desk.server.fail_next("sendMessage", int(fault), "Bad Gateway", times=2)
    sent = await desk.delivery.reply(asked, ANSWER)
    assert [(said.id, said.text, said.buttons) for said in chat.bot_messages] == [
        (sent, "答 <甲>", chat.bot_messages[0].buttons)
    ]
    assert chat.bot_messages[0].callback_data == ["1a:14"]
    assert neighbour.text == "还有一句"
    assert len(desk.server.calls("sendMessage")) == (1 if fault == "drop" else 3)


async def test_a_reply_in_doubt_leaves_other_replies_alone(desk: Desk) -> None:
    chat, asked = await desk.private()
    other = desk.received(await chat.say(desk.server.users[chat.id], "另一个问题"))
    first = await desk.delivery.reply(other, Outgoing("另一个答案"))
    desk.server.fail_next("sendMessage", 502, "Bad Gateway")
    second = await desk.delivery.reply(asked, ANSWER)
    assert [(said.id, said.text) for said in chat.bot_messages] == [(first, "另一个答案"), (second, "答 <甲>")]


async def test_an_answer_that_comes_late_is_used_or_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.telegram.delivery.SEND_S", 0.05)
    chat, asked = await desk.private()
    desk.server.hang_next("sendMessage", 0.5)
    sent = await desk.delivery.reply(asked, ANSWER)
    assert [said.id for said in chat.bot_messages] == [sent]
    await desk.server.wait_for(lambda: desk.server.calls("deleteMessage"))
    assert [said.id for said in chat.bot_messages] == [sent]
    assert len(desk.server.calls("sendMessage")) == 2


async def test_after_a_crash_a_reply_that_had_been_sent_is_found_and_one_that_had_not_is_sent(desk: Desk) -> None:
    chat, asked = await desk.private()
    sent = await desk.delivery.reply(asked, ANSWER)
    later = desk.received(await chat.say(desk.server.users[chat.id], "下一个问题"))
    reborn = Delivery(desk.bot, desk.note_moved, clock=desk.clock, sleep=desk.clock.sleep)
    for message in (asked, later):
        reborn.traces.suspect(chat.id, message.message_id, ())
    assert await reborn.reply(asked, ANSWER) == sent
    second = await reborn.reply(later, Outgoing("第二个答案"))
    assert [(said.id, said.text) for said in chat.bot_messages] == [(sent, "答 <甲>"), (second, "第二个答案")]
    assert reborn.traces.collect(chat.id) == [sent, second]


async def test_what_answers_another_question_is_not_taken_for_the_reply_after_a_crash(desk: Desk) -> None:
    chat, asked = await desk.private()
    later = desk.received(await chat.say(desk.server.users[chat.id], "下一个问题"))
    first = await desk.delivery.reply(asked, ANSWER)
    assert first
    reborn = Delivery(desk.bot, desk.note_moved, clock=desk.clock, sleep=desk.clock.sleep)
    reborn.traces.suspect(chat.id, later.message_id, (first,))
    second = await reborn.reply(later, Outgoing("第二个答案"))
    assert [(said.id, said.text) for said in chat.bot_messages] == [(first, "答 <甲>"), (second, "第二个答案")]


async def test_what_is_no_reply_is_not_sent_twice_where_it_may_have_arrived(desk: Desk) -> None:
    chat, _ = await desk.private()
    desk.server.drop_next("sendMessage")
    assert await desk.delivery.send(chat.id, ANSWER) is None
    assert len(chat.bot_messages) == 1


async def test_an_edit_is_made_again_until_it_arrives(desk: Desk) -> None:
    chat, asked = await desk.private()
    sent = await desk.delivery.reply(asked, ANSWER)
    assert sent
    desk.server.drop_next("editMessageText")
    desk.server.fail_next("editMessageText", 502, "Bad Gateway")
    assert await desk.delivery.edit(chat.id, sent, Outgoing("改")), "not modified counts as done"
    assert chat.bot_messages[0].text == "改"
    assert len(desk.server.calls("editMessageText")) == 3


async def test_an_edit_that_cannot_be_made_says_so(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    chat, asked = await desk.private()
    sent = await desk.delivery.reply(asked, ANSWER)
    assert sent
    assert await desk.delivery.edit(chat.id, sent, ANSWER), "the same again is no error"
    assert await desk.delivery.edit_keyboard(chat.id, sent, BUTTONS)
    assert await desk.delivery.edit_keyboard(chat.id, sent, None)
    chat.remove(sent)
    assert await desk.delivery.edit(chat.id, sent, ANSWER) is False
    assert await desk.delivery.edit_keyboard(chat.id, sent, None) is False
    assert "edit refused: gone" in caplog.text
    desk.server.fail_next("editMessageText", 502, "Bad Gateway", times=1000)
    assert await desk.delivery.edit(chat.id, sent, ANSWER) is False


async def test_an_outage_before_sending_is_waited_out(desk: Desk) -> None:
    chat, asked = await desk.private()
    await desk.server.stop()
    await desk.delivery.acknowledge(CallbackQuery("1", asked.from_user or User(1, "甲", False), "x"))
    slept = len(desk.clock.slept)

    async def sleep(seconds: float) -> None:
        desk.clock.slept.append(seconds)
        await desk.server.start()

    delivery = Delivery(desk.bot, desk.note_moved, clock=desk.clock, sleep=sleep)
    assert await delivery.reply(asked, ANSWER)
    assert len(desk.clock.slept) == slept + 1
    assert len(chat.bot_messages) == 1


async def test_a_press_is_acknowledged_and_one_too_old_is_no_error(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    chat, asked = await desk.private()
    await desk.delivery.reply(asked, ANSWER)
    assert asked.from_user
    pressed = await chat.press(desk.server.users[asked.from_user.id], chat.bot_messages[0], "1a:14")
    query = CallbackQuery(pressed, asked.from_user, "x")
    desk.server.fail_next("answerCallbackQuery", 502, "Bad Gateway")
    desk.server.fail_next("answerCallbackQuery", 429, "Too Many Requests: retry after 1", 1)
    await desk.delivery.acknowledge(query, "好", alert=True)
    assert desk.server.callback_answers[pressed]["text"] == "好"
    await desk.delivery.acknowledge(query)
    desk.server.expire_queries()
    await desk.delivery.acknowledge(query)
    await desk.delivery.answer_inline(InlineQuery("1", asked.from_user, "", ""), [], cache_s=300, personal=False)
    assert caplog.records == []


async def test_typing_is_shown_only_for_what_takes_long(desk: Desk) -> None:
    chat, asked = await desk.private()
    with desk.delivery.thinking(asked):
        await asyncio.sleep(0)
    with desk.delivery.thinking(asked):
        await desk.server.next_call("sendChatAction")
    assert chat.actions == ["typing"]
    desk.server.fail_next("sendChatAction", 502, "Bad Gateway")
    await desk.delivery.typing(asked)
    await desk.server.next_call("sendChatAction")


async def test_neither_words_nor_names_reach_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    _, asked = await desk.private()
    words = "只有我知道的话"
    with caplog.at_level(logging.DEBUG, logger="bot"):
        desk.server.fail_next("sendMessage", 400, f"Bad Request: can't parse entities: unsupported tag {words}")
        await desk.delivery.reply(asked, Outgoing(words))
        desk.server.fail_next("sendMessage", 400, f"Bad Request: something new about {words}", times=2)
        await desk.delivery.reply(asked, Outgoing(words))
        desk.server.garbage_next("sendMessage")
        await desk.delivery.reply(asked, Outgoing(words))
    assert len(caplog.records) == 3
    assert words not in caplog.text


async def test_drafts_of_one_question_share_an_id_and_are_left_out_where_the_chat_rests(desk: Desk) -> None:
    chat, asked = await desk.private()
    await desk.delivery.draft(asked, Outgoing("<b>一</b>"))
    desk.server.fail_next("sendMessageDraft", 429, "Too Many Requests: retry after 7", retry_after=7)
    await desk.delivery.draft(asked, Outgoing("一二"))
    await desk.delivery.draft(asked, Outgoing("一二三"))
    assert [(draft["draft_id"], draft["text"]) for draft in chat.drafts] == [(asked.message_id, "一")]
    assert len(desk.server.calls("sendMessageDraft")) == 2, "none within the time that Telegram asks for"
    assert desk.clock.slept == []
    assert await desk.delivery.reply(asked, ANSWER)
    assert desk.clock.slept == [pytest.approx(7, abs=0.2)]


async def test_what_is_shown_in_passing_leaves_half_of_a_groups_calls_to_the_rest(desk: Desk) -> None:
    chat, asked = await desk.group()
    first = await desk.delivery.reply_in_passing(asked, Outgoing("0"))
    assert first
    for number in range(1, GROUP.calls):
        await desk.delivery.edit_in_passing(chat.id, first, Outgoing(str(number)))
    assert len(desk.server.calls("editMessageText")) == GROUP.calls // 2 - 1
    assert await desk.delivery.edit(chat.id, first, ANSWER)
    assert desk.clock.slept == []


async def test_what_is_refused_in_passing_is_not_tried_again(desk: Desk) -> None:
    chat, asked = await desk.group()
    await desk.delivery.draft(asked, ANSWER)
    desk.server.fail_next("sendMessage", 500, "Internal Server Error")
    assert await desk.delivery.reply_in_passing(asked, ANSWER) is None
    await desk.delivery.edit_in_passing(chat.id, 999_999, ANSWER)
    assert chat.bot_messages == []
    assert [len(desk.server.calls(method)) for method in ("sendMessageDraft", "sendMessage", "editMessageText")] == [
        1,
        1,
        1,
    ]


async def test_a_move_that_could_not_be_stored_is_told_again_until_it_is(desk: Desk) -> None:
    failing = [StorageError("the disk is full"), StorageError("the disk is full")]

    async def moved(old_id: int, new_id: int) -> None:
        if failing:
            raise failing.pop()
        await desk.note_moved(old_id, new_id)

    delivery = Delivery(desk.bot, moved, clock=desk.clock, sleep=desk.clock.sleep)
    for _ in range(2):
        await delivery.migrate(-5, -100)
    assert desk.moved == []
    for _ in range(2):
        await delivery.catch_up()
        await delivery.migrate(-5, -100)
    assert desk.moved == [(-5, -100)]

"""The test server, driven by a real python-telegram-bot over loopback: it must behave as api.telegram.org does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import telegram
from aiohttp import ClientSession, web
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputPollOption, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.request import HTTPXRequest

from tests.botapi import BotApiServer, Chat, User

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

HTML = "HTML"


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    async with BotApiServer(delay_scale=0.005) as running:
        yield running


@pytest.fixture
async def bot(server: BotApiServer) -> AsyncIterator[telegram.Bot]:
    sending, polling = (
        HTTPXRequest(8, read_timeout=2, httpx_kwargs={"trust_env": False, "verify": False}) for _ in range(2)
    )
    root = f"{server.base_url}/bot"
    async with telegram.Bot(server.token, root, request=sending, get_updates_request=polling) as running:
        yield running


@pytest.fixture
def li(server: BotApiServer) -> User:
    return server.user("小李", username="xiaoli_01")


@pytest.fixture
def private(server: BotApiServer, li: User) -> Chat:
    return server.private_chat(li)


@pytest.fixture
def group(server: BotApiServer) -> Chat:
    return server.group("第三支部")


def keyboard(data: str = "more") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("原文", callback_data=data)]])


def seen(updates: tuple[telegram.Update, ...]) -> list[str | None]:
    return [update.effective_message.text if update.effective_message else None for update in updates]


# The conversation.


async def test_a_question_gets_its_answer(server: BotApiServer, bot: telegram.Bot, private: Chat, li: User) -> None:
    question = await private.say(li, "/ask 能翻墙吗")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert update.message.parse_entities(["bot_command"]).popitem()[1] == "/ask"
    sent = await update.message.reply_html("<b>第十四条</b> 😀 https://e.org", do_quote=True, reply_markup=keyboard())
    assert sent.text_html == "<b>第十四条</b> 😀 https://e.org"
    assert [entity.type for entity in sent.entities] == ["bold", "url"]
    assert [reply.text for reply in private.replies_to(question)] == ["第十四条 😀 https://e.org"]
    call = await server.next_call("sendMessage")
    assert (call.text, call.chat_id, call.response["ok"]) == ("<b>第十四条</b> 😀 https://e.org", li.id, True)
    assert server.violations == []


async def test_a_button_is_pressed_answered_and_changed(
    server: BotApiServer, bot: telegram.Bot, private: Chat, li: User
) -> None:
    sent = await bot.send_message(li.id, "摘要", reply_markup=keyboard())
    query = await private.press(li, private.messages[-1], "more")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    await update.callback_query.answer("好")
    await update.callback_query.edit_message_text("全文")
    assert server.callback_answers[query]["text"] == "好"
    assert [(message.text, message.buttons) for message in private.bot_messages] == [("全文", [])]
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("全文")
    with pytest.raises(AssertionError, match="no button"):
        await private.press(li, private.messages[-1], "more")
    server.expire_queries()
    with pytest.raises(BadRequest, match="Query is too old"):
        await update.callback_query.answer()


async def test_an_inline_query_is_answered_once_and_in_time(server: BotApiServer, bot: telegram.Bot, li: User) -> None:
    number = await server.inline(li, "翻墙")
    (update,) = await bot.get_updates()
    assert update.inline_query is not None
    content = telegram.InputTextMessageContent("<b>第十四条</b>", parse_mode=HTML)
    article = telegram.InlineQueryResultArticle("14", "第十四条", content)
    await update.inline_query.answer([article])
    assert server.inline_answers[number]["results"][0]["title"] == "第十四条"
    with pytest.raises(BadRequest, match="Result_id_duplicate"):
        await update.inline_query.answer([article, article])
    assert server.violations == []


async def test_a_poll_ends_by_hand_or_by_its_time_and_takes_no_vote_afterwards(
    server: BotApiServer, bot: telegram.Bot, private: Chat, li: User
) -> None:
    sent = await bot.send_poll(li.id, "对吗", ["对", "错"], type="quiz", correct_option_ids=[0], is_anonymous=False)
    shown = private.messages[-1]
    assert await private.vote(li, shown, 1)
    assert not await private.vote(li, shown, 0)  # a quiz is answered once
    stopped = await bot.stop_poll(li.id, sent.id)
    assert (stopped.is_closed, stopped.total_voter_count) == (True, 1)
    assert not await private.vote(server.user("小王"), shown, 0)
    with pytest.raises(BadRequest, match="already been closed"):
        await bot.stop_poll(li.id, sent.id)
    await bot.send_poll(li.id, "对吗", ["对", "错"], open_period=5)
    private.close_poll(private.messages[-1])  # its time is over
    private.close_poll(private.messages[-1])
    kinds = [(update.poll_answer is not None, update.poll is not None) for update in await bot.get_updates()]
    assert kinds == [(True, False), (False, True), (False, True)]
    assert server.violations == []


async def test_a_vote_is_changed_and_taken_back_where_the_poll_allows_it(
    server: BotApiServer, bot: telegram.Bot, private: Chat, li: User
) -> None:
    await bot.send_poll(li.id, "哪个", ["甲", "乙"], is_anonymous=False)
    shown = private.messages[-1]
    for options in ((0,), (1,), ()):
        assert await private.vote(li, shown, *options)
    answers = [update.poll_answer for update in await bot.get_updates()]
    assert [answer.option_ids for answer in answers if answer] == [(0,), (1,), ()]
    assert [option["voter_count"] for option in shown["poll"]["options"]] == [0, 0]
    assert shown["poll"]["total_voter_count"] == 0
    assert server.violations == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"correct_option_ids": [0, 1]},
        {"correct_option_ids": []},
        {"correct_option_ids": [2]},
        {"correct_option_ids": [0], "open_period": 10, "close_date": 2_000_000_000},
    ],
)
async def test_a_quiz_that_contradicts_itself_is_refused(
    bot: telegram.Bot, li: User, private: Chat, wrong: Any
) -> None:
    with pytest.raises(BadRequest):
        await bot.send_poll(li.id, "对吗", ["对", "错"], type="quiz", **wrong)
    assert private.messages == []


async def test_polls_files_drafts_and_reactions(
    server: BotApiServer, bot: telegram.Bot, private: Chat, li: User
) -> None:
    poll = await bot.send_poll(
        li.id, "对吗", [InputPollOption("对"), "错"], type="quiz", correct_option_ids=[0], is_anonymous=False
    )
    await private.vote(li, private.messages[-1], 1)
    (update,) = await bot.get_updates()
    assert update.poll_answer is not None
    assert update.poll_answer.option_ids == (1,)
    assert (await bot.stop_poll(li.id, poll.id)).is_closed
    await bot.send_poll(li.id, "哪些对", ["甲", "乙"], allows_multiple_answers=True)
    await private.vote(li, private.messages[-1], 0, 1)
    counted = (await bot.get_updates())[-1].poll
    assert counted is not None
    assert [option.voter_count for option in counted.options] == [1, 1]
    photo = await bot.send_photo(li.id, b"\x89PNG", caption="<i>图</i>", parse_mode=HTML)
    await bot.send_photo(li.id, photo.photo[0].file_id)
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_photo(li.id, bytes((10 << 20) + 1))
    document = await bot.send_document(li.id, b"%PDF", filename="讲义.pdf")
    assert document.document is not None
    assert document.document.file_name == "讲义.pdf"
    await bot.send_message_draft(li.id, 1, "第<b>十</b>", parse_mode=HTML)
    await bot.set_message_reaction(li.id, poll.id, "👍")
    await bot.send_chat_action(li.id, "typing")
    assert (private.drafts[0]["text"], private.actions) == ("第十", ["typing"])
    assert private.reactions[poll.id] == [{"type": "emoji", "emoji": "👍"}]
    assert server.violations == []


async def test_the_bot_introduces_itself(
    server: BotApiServer, bot: telegram.Bot, private: Chat, group: Chat, li: User
) -> None:
    scope = telegram.BotCommandScopeChatMember(group.id, li.id)
    await bot.set_my_commands([("ask", "提问")], scope=scope, language_code="zh")
    assert [command.command for command in await bot.get_my_commands(scope, "zh")] == ["ask"]
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([("问", "提问")])
    assert server.violations.pop().startswith("setMyCommands.commands[0].command")
    await bot.delete_my_commands(scope, "zh")
    assert await bot.get_my_commands(scope, "zh") == ()
    await bot.set_my_description("学习助手")
    await bot.set_my_short_description("助手")
    assert (await bot.get_my_description()).description == "学习助手"
    await group.set_status(li, "creator")
    assert [member.user.id for member in await bot.get_chat_administrators(group.id)] == [li.id]
    assert (await bot.get_chat_member(group.id, bot.id)).status == "member"
    assert (await bot.get_chat(li.id)).first_name == "小李"
    assert not (await bot.get_me()).can_read_all_group_messages
    assert server.violations == []


# What groups show a bot.


async def test_privacy_mode_shows_only_what_is_meant_for_the_bot(
    server: BotApiServer, bot: telegram.Bot, group: Chat
) -> None:
    wang, other = server.user("老王"), server.user("别的", is_bot=True, username="other_bot")
    await group.say(wang, "今天开会")
    first = await group.say(wang, "/ask@wanggui_bot 一")
    await group.say(wang, "/ask@other_bot 二")
    await group.say(wang, "三 @wanggui_bot")
    await group.say(wang, "四 网规助手", mentioning=[server.bot])
    await bot.send_message(group.id, "答")
    await group.say(wang, "五", reply_to=group.bot_messages[-1])
    await group.say(wang, "六", reply_to=first)
    await group.say(wang, "/help")
    await group.say(other, "/help")
    await group.say(other, "/help@wanggui_bot")
    await group.say(wang, "/help me not")
    updates = await bot.get_updates()
    assert seen(updates) == ["/ask@wanggui_bot 一", "三 @wanggui_bot", "四 网规助手", "五", "六", "/help"]
    group.privacy_mode = False
    heard = await group.say(wang, "都听见")
    await group.edit(heard, "都看见")
    updates = await bot.get_updates(offset=updates[-1].update_id + 1)
    assert [update.edited_message is not None for update in updates] == [False, True]
    assert server.violations == []


async def test_topics_keep_their_messages(server: BotApiServer, bot: telegram.Bot, li: User) -> None:
    forum = server.group("党校", topics=True)
    thread = await forum.topic("第三章", by=li)
    asked = await forum.say(li, "/ask@wanggui_bot 问", thread=thread)
    updates = await bot.get_updates()
    message = updates[-1].message
    assert message is not None
    assert message.is_topic_message
    assert message.reply_to_message is not None
    assert message.reply_to_message.forum_topic_created is not None
    answer = await message.reply_text("答", do_quote=True)
    assert (answer.message_thread_id, forum.replies_to(asked)) == (thread, [forum.messages[-1]])
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "答", message_thread_id=1)


async def test_replies_outside_forums_carry_a_thread_to_which_nothing_can_be_sent(
    server: BotApiServer, bot: telegram.Bot, group: Chat, li: User
) -> None:
    await bot.send_message(group.id, "答")
    reply = await group.say(li, "再问", reply_to=group.messages[-1])
    assert "is_topic_message" not in reply
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(group.id, "答", message_thread_id=reply["message_thread_id"])


# Refusals.


async def test_wrong_requests_are_refused_as_telegram_refuses_them(
    server: BotApiServer, bot: telegram.Bot, private: Chat
) -> None:
    me = private.id
    heard = await private.say(server.users[me], "第十四条")
    misquoted = ReplyParameters(heard.id, quote="第十五条")
    refusals: list[tuple[str, dict[str, Any]]] = [
        ("chat not found", {"chat_id": 5, "text": "好"}),
        ("can't parse entities", {"chat_id": 5, "text": "<b>好", "parse_mode": HTML}),
        ("message is too long", {"chat_id": me, "text": "好" * 4097}),
        ("must be non-empty", {"chat_id": me, "text": "\n"}),
        ("message to be replied not found", {"chat_id": me, "text": "好", "reply_parameters": ReplyParameters(99)}),
        ("QUOTE_TEXT_INVALID", {"chat_id": me, "text": "好", "reply_parameters": misquoted}),
        ("BUTTON_DATA_INVALID", {"chat_id": me, "text": "好", "reply_markup": keyboard("x" * 65)}),
    ]
    for complaint, arguments in refusals:
        with pytest.raises(BadRequest, match=f"(?i){complaint}"):
            await bot.send_message(**arguments)
    assert server.parse_errors == [
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    ]
    assert len(server.violations) == 4
    lenient = ReplyParameters(99, allow_sending_without_reply=True)
    assert (await bot.send_message(me, "好", reply_parameters=lenient)).reply_to_message is None


async def test_old_messages_are_guarded(bot: telegram.Bot, group: Chat, li: User) -> None:
    theirs = await group.say(li, "我的")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("改", group.id, theirs.id)
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(group.id, theirs.id)
    mine = await bot.send_message(group.id, "好", reply_markup=keyboard())
    await bot.edit_message_reply_markup(group.id, mine.id)
    await bot.delete_message(group.id, mine.id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await mine.edit_text("改")
    assert [message.id for message in group.messages] == [theirs.id]


async def test_blocked_left_and_migrated_chats(
    server: BotApiServer, bot: telegram.Bot, private: Chat, li: User
) -> None:
    await private.block()
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(private.id, "好")
    await private.unblock()
    basic = server.group("小组", basic=True)
    heir = await basic.migrate(li)
    with pytest.raises(ChatMigrated) as migrated:
        await bot.send_message(basic.id, "好")
    assert migrated.value.new_chat_id == heir.id
    await bot.leave_chat(heir.id)
    with pytest.raises(Forbidden, match="not a member"):
        await bot.send_message(heir.id, "好")
    updates = await bot.get_updates()
    assert [update.my_chat_member is not None for update in updates] == [True, True, False, False]
    assert server.violations == []


async def test_tokens_and_methods_are_checked(server: BotApiServer, bot: telegram.Bot) -> None:
    with pytest.raises(InvalidToken):
        await telegram.Bot("1:wrong", base_url=f"{server.base_url}/bot").get_me()
    with pytest.raises(InvalidToken):  # so python-telegram-bot calls every 404
        await bot.get_user_profile_photos(1)
    assert server.violations == ["getUserProfilePhotos: the test server does not understand this method"]
    async with ClientSession() as session:
        async with session.post(f"{server.base_url}/bot{server.token}/sendMessage", json={"text": "好"}) as answer:
            assert (await answer.json())["description"] == "Bad Request: chat_id is empty"
        async with session.get(f"{server.base_url}/bot{server.token}/getchat?chat_id=x") as answer:
            assert answer.status == 400
    assert all(server.token not in repr(request) for request in server.requests)
    await bot.log_out()
    with pytest.raises(BadRequest, match="Logged out"):
        await bot.get_me()


# Delivery.


async def test_an_offset_confirms_what_lies_below_it(bot: telegram.Bot, private: Chat, li: User) -> None:
    for word in "一二三":
        await private.say(li, word)
    first = await bot.get_updates(limit=2)
    assert seen(first) == ["一", "二"]
    assert seen(await bot.get_updates()) == ["一", "二", "三"]
    assert seen(await bot.get_updates(offset=first[-1].update_id + 1)) == ["三"]
    assert seen(await bot.get_updates()) == ["三"]
    await private.say(li, "四")
    assert seen(await bot.get_updates(offset=-1)) == ["四"]


async def test_a_long_poll_wakes_and_a_second_poller_ends_it(bot: telegram.Bot, private: Chat, li: User) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=5))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(bot.get_updates(timeout=5))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    await private.say(li, "醒")
    assert seen(await asyncio.wait_for(second, 1)) == ["醒"]


async def test_only_wanted_kinds_of_updates_come(
    server: BotApiServer, bot: telegram.Bot, private: Chat, group: Chat, li: User
) -> None:
    await group.set_status(li, "left")
    assert await bot.get_updates(allowed_updates=["chat_member"]) == ()
    await private.say(li, "不要")
    await group.set_status(li, "member")
    (update,) = await bot.get_updates()
    assert update.chat_member is not None
    await bot.get_updates(allowed_updates=[])
    await private.say(li, "要")
    assert len(await bot.get_updates()) == 2
    server.push_unchecked("message", {"nonsense": True})
    server.redeliver(server.updates[0])
    assert len(server.delivery.pending) == 4
    assert server.violations == []


class Webhook:
    """A web server that notes what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.times: list[float] = []
        self.secrets: set[str | None] = set()
        self.answers: list[web.Response] = []

    async def receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.texts.append(update["message"]["text"])
        self.times.append(time.monotonic())
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        return self.answers.pop(0) if self.answers else web.Response()


@pytest.fixture
async def webhook() -> AsyncIterator[tuple[Webhook, str]]:
    hook, app = Webhook(), web.Application()
    app.router.add_post("/hook", hook.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield hook, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_a_webhook_gets_each_chat_in_order_until_it_says_200(
    server: BotApiServer, bot: telegram.Bot, webhook: tuple[Webhook, str], private: Chat, li: User
) -> None:
    hook, url = webhook
    await private.say(li, "一")
    hook.answers = [
        web.Response(status=500),
        web.Response(status=429, headers={"Retry-After": "30"}),
        web.Response(status=302, headers={"Location": "/hook"}),
    ]
    await bot.set_webhook(url, secret_token="s3cret", max_connections=2)
    await private.say(li, "二")
    await server.wait_for(lambda: not server.delivery.pending)
    assert hook.texts == ["一", "一", "一", "一", "二"]
    assert hook.times[2] - hook.times[1] > 30 * server.delivery.delay_scale
    assert hook.secrets == {"s3cret"}
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == (url, 0)
    assert info.last_error_message == "Wrong response from the webhook: 302 Found"
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()
    assert server.violations == []


async def test_a_chat_that_is_stuck_holds_up_no_other(
    server: BotApiServer, bot: telegram.Bot, webhook: tuple[Webhook, str], private: Chat, group: Chat, li: User
) -> None:
    hook, url = webhook
    hook.answers = [web.Response(status=503, headers={"Retry-After": "3600"})]
    await bot.set_webhook(url)
    await private.say(li, "卡住")
    await private.say(li, "在后")
    await server.wait_for(lambda: hook.texts)
    await group.say(li, "/ask 通")
    await server.wait_for(lambda: "/ask 通" in hook.texts)
    await server.idle(0.05)
    assert hook.texts == ["卡住", "/ask 通"]
    assert (await bot.get_webhook_info()).pending_update_count == 2


async def test_a_webhook_may_answer_with_a_call_and_gives_up_on_stale_updates(
    server: BotApiServer, bot: telegram.Bot, webhook: tuple[Webhook, str], private: Chat, li: User
) -> None:
    hook, url = webhook
    hook.answers = [web.json_response({"method": "sendMessage", "chat_id": li.id, "text": "答"})]
    await bot.set_webhook(url)
    await private.say(li, "问")
    assert (await server.next_call("sendMessage")).text == "答"
    server.update_life_s = 3
    hook.answers = [web.Response(status=500) for _ in range(9)]
    await private.say(li, "过期")
    await server.wait_for(lambda: not server.delivery.pending)
    assert hook.texts == ["问", "过期", "过期", "过期"]


# Faults and waiting.


async def test_faults_come_when_called(server: BotApiServer, bot: telegram.Bot, private: Chat, group: Chat) -> None:
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7, chat_id=private.id)
    server.fail_next("sendMessage", 502, "Bad Gateway", times=2)
    await_errors = [(group.id, NetworkError), (private.id, RetryAfter), (private.id, NetworkError)]
    for number, error in await_errors:
        with pytest.raises(error):
            await bot.send_message(number, "好")
    server.garbage_next("sendMessage")
    with pytest.raises(telegram.error.TelegramError, match="Invalid server response"):
        await bot.send_message(private.id, "乱")
    server.hang_next("sendMessage", 0.2)
    with pytest.raises(TimedOut):
        await bot.send_message(private.id, "慢", read_timeout=0.05)
    server.drop_next("sendMessage")
    with pytest.raises(NetworkError):
        await bot.send_message(private.id, "断")
    await bot.send_message(private.id, "好")
    await server.wait_for(lambda: len(private.messages) == 3)
    assert sorted(message.text for message in private.messages) == sorted(["断", "好", "慢"])
    assert server.violations == []


async def test_waiting_sees_each_call_once_and_says_what_is_missing(
    server: BotApiServer, bot: telegram.Bot, private: Chat
) -> None:
    await bot.send_message(private.id, "一")
    later = asyncio.create_task(bot.send_message(private.id, "二"))
    assert [(await server.next_call("sendMessage")).text for _ in range(2)] == ["一", "二"]
    await later
    with pytest.raises(AssertionError, match="sendMessage 200, sendMessage 200"):
        await server.next_call("sendMessage", timeout_s=0.03)
    assert len(server.calls("sendMessage")) == 2


async def test_polling_is_no_activity(server: BotApiServer, bot: telegram.Bot) -> None:
    async def poll() -> None:
        while True:
            await bot.get_updates()
            await asyncio.sleep(0.01)

    polling = asyncio.create_task(poll())
    await server.idle(0.1, timeout_s=0.15)
    polling.cancel()
    assert len(server.calls("getUpdates")) > 1


async def test_an_outage_ends_on_the_same_port(server: BotApiServer, bot: telegram.Bot, private: Chat) -> None:
    await server.stop()
    with pytest.raises(NetworkError):
        await bot.send_message(private.id, "好")
    await server.start()
    await bot.send_message(private.id, "好")
    assert [message.text for message in private.messages] == ["好"]

"""Questions reach the bot as updates and come back as cited replies; what is not addressed to it gets silence."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Message
from tests.botapi.server import Request
from tests.e2e.conftest import environment, running

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.asyncio(loop_scope="session"),
]

FOURTEEN = "党员不得擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等。"


async def the_reply(server: BotApiServer, chat: Chat, asked: Message) -> Request:
    """The request that sent the reply to a message, once it has come."""

    def find() -> Request | None:
        sent = {message.id for message in chat.replies_to(asked)}
        return next((call for call in server.calls("sendMessage") if call.response and _id(call) in sent), None)

    return await server.wait_for(find, timeout_s=30)


def _id(call: Request) -> int:
    return int(call.response["result"]["message_id"]) if call.response.get("ok") else 0


async def test_a_private_question_gets_the_article_verbatim(server: BotApiServer) -> None:
    li = server.user("小李")
    private = server.private_chat(li)
    asked = await private.say(li, "能翻墙吗")
    call = await the_reply(server, private, asked)
    assert f"<b>{FOURTEEN}</b>" in call.text
    assert "<blockquote expandable>〔第十四条〕" in call.text
    assert "第十四条" in call.text.split("\n")[0]
    assert private.replies_to(asked)[0].reply_to_id == asked.id


async def test_a_group_gets_an_answer_only_when_it_asks(server: BotApiServer) -> None:
    group, li = server.group("支部"), server.user("小李")
    group.privacy_mode = False  # even if Telegram delivers everything
    before = len(server.calls("sendMessage"))
    for text in ("能翻墙吗", "大家好", "第十四条", "/ask@another_bot 能翻墙吗", "@another_bot 能翻墙吗"):
        await group.say(li, text)
    mentioned = await group.say(li, "🎉 @wanggui_bot 给主播刷礼物行不行")
    commanded = await group.say(li, "/ask 领导收游戏皮肤")
    first = (await server.wait_for(lambda: group.replies_to(mentioned), timeout_s=20))[0]
    followed = await group.say(li, "那翻墙呢", reply_to=first)
    await server.wait_for(lambda: group.replies_to(commanded), timeout_s=20)
    await server.wait_for(lambda: group.replies_to(followed), timeout_s=20)
    await server.idle(0.3)
    assert len(server.calls("sendMessage")) == before + 3
    assert "第十七条" in first.text
    assert "第十八条" in group.replies_to(commanded)[0].text


async def test_the_reply_stays_in_its_topic(server: BotApiServer) -> None:
    group, li = server.group("论坛", topics=True), server.user("小李")
    topic = await group.topic("学习")
    asked = await group.say(li, "@wanggui_bot 谁负责解释", thread=topic)
    call = await the_reply(server, group, asked)
    assert int(call.parameters["message_thread_id"]) == topic


async def test_a_mention_with_nothing_beside_it_takes_the_message_replied_to(server: BotApiServer) -> None:
    group, li, wang = server.group("支部"), server.user("小李"), server.user("老王")
    question = await group.say(wang, "给主播刷火箭会不会出事")
    asked = await group.say(li, "@wanggui_bot", reply_to=question)
    call = await the_reply(server, group, asked)
    assert "第十七条" in call.text


async def test_markup_in_names_and_questions_changes_nothing(server: BotApiServer) -> None:
    attacker = server.user("<b>小李</b>&amp;<a href='x'>")
    private = server.private_chat(attacker)
    for text in (
        "<b>能翻墙吗</b> &lt;script&gt;",
        "</blockquote><a href='tg://user?id=1'>翻墙</a>",
        "《<b>刑法</b>&》第三条",
    ):
        asked = await private.say(attacker, text)
        call = await the_reply(server, private, asked)
        assert "<a href" not in call.text
        assert private.replies_to(asked)[0].text
    assert "《&lt;b&gt;刑法&lt;/b&gt;&amp;》" in call.text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/start", "能翻墙吗"),
        ("/help", "<b>怎么问</b>"),
        ("/privacy", "我只读发给我的话"),
        ("/forget", "无可抹去"),
        ("/article 14", FOURTEEN),
        ("/article 第十四条", FOURTEEN),
        ("/article", "/article 14"),
        ("/article 99", "没有第九十九条"),
        ("/chapter 5", "本规定自发布之日起施行。"),
        ("/chapter", "/chapter 3"),
        ("/toc", "第三章 网络行为管理（第九条至第二十一条）"),
        ("/ask", "/ask 能翻墙吗"),
    ],
)
async def test_commands(server: BotApiServer, command: str, expected: str) -> None:
    li = server.user("小李", language_code="zh-hans")
    private = server.private_chat(li)
    asked = await private.say(li, command)
    call = await the_reply(server, private, asked)
    assert expected in call.text


async def test_commands_speak_the_users_language(server: BotApiServer) -> None:
    ann = server.user("Ann", language_code="en")
    private = server.private_chat(ann)
    asked = await private.say(ann, "/article 14")
    call = await the_reply(server, private, asked)
    assert "Article 14" in call.text
    assert FOURTEEN in call.text


async def test_many_at_once_are_each_answered_once(server: BotApiServer) -> None:
    users = [server.user(f"同志{number}") for number in range(40)]
    asked = [
        (chat := server.private_chat(user), await chat.say(user, f"第{number % 31 + 1}条"))
        for number, user in enumerate(users)
    ]
    for chat, message in asked:
        await the_reply(server, chat, message)
    await server.idle(0.3)
    assert [len(chat.replies_to(message)) for chat, message in asked] == [1] * 40


async def test_a_flooded_chat_waits_and_loses_nothing(server: BotApiServer) -> None:
    li = server.user("小李")
    private = server.private_chat(li)
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1, chat_id=private.id)
    asked = await private.say(li, "能翻墙吗")
    await the_reply(server, private, asked)
    assert len(private.replies_to(asked)) == 1


async def test_a_refused_reply_does_not_stop_the_bot(server: BotApiServer) -> None:
    li = server.user("小李")
    private = server.private_chat(li)
    server.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    before = len(server.calls("sendMessage"))
    await private.say(li, "能翻墙吗")
    await server.wait_for(lambda: len(server.calls("sendMessage")) > before or None, timeout_s=30)
    again = await private.say(li, "第十四条")
    assert (await the_reply(server, private, again)).status == 200


async def test_sigterm_ends_it_cleanly(own: Path) -> None:
    async with BotApiServer() as api:
        async with running(api, own) as process:
            pass
        assert process.returncode == 0


async def test_a_refused_token_is_explained(built: Path) -> None:
    async with BotApiServer() as api:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=environment(built, WANGGUI_TELEGRAM_TOKEN="1:wrong", WANGGUI_TELEGRAM_API=api.base_url),
            cwd=built,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "@BotFather" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_a_webhook_serves_as_well_as_polling(own: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {"WEBHOOK_URL": f"http://{listen}/hook", "WEBHOOK_SECRET": "ein-Geheimnis_1", "LISTEN": listen}
    settings = {f"WANGGUI_{name}": value for name, value in settings.items()} | {"WANGGUI_LOG_LEVEL": "DEBUG"}
    async with BotApiServer(delay_scale=0.01) as api, running(api, own, ready="setWebhook", **settings) as process:
        people = [api.user(f"同志{number}") for number in range(10)]
        asked = [(chat := api.private_chat(person), await chat.say(person, "能翻墙吗")) for person in people]
        for chat, message in asked:
            await api.wait_for(lambda chat=chat, message=message: chat.replies_to(message), 30)  # type: ignore[misc]
        assert [len(chat.replies_to(message)) for chat, message in asked] == [1] * 10
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
        assert "ein-Geheimnis_1" not in errors.decode()
        assert "能翻墙吗" not in errors.decode()
        assert api.token not in errors.decode()


async def test_a_webhook_without_a_secret_does_not_start(built: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        env=environment(built, WANGGUI_TELEGRAM_TOKEN="1:x", WANGGUI_WEBHOOK_URL="https://bot.example/hook"),
        cwd=built,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "WANGGUI_WEBHOOK_SECRET" in errors.decode()

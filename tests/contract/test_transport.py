"""Our transport beside python-telegram-bot's own: the same calls, the same results, the same errors."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, HTTPXRequest

from bot.telegram.transport import AiohttpRequest, NotSent, NotSentInTime
from tests.botapi import BotApiServer

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

PNG = bytes.fromhex("89504e470d0a1a0a") + b"\x00" * 64


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    async with BotApiServer() as api:
        yield api
        assert api.violations == []


@pytest.fixture(params=["ours", "theirs"])
def request_object(request: pytest.FixtureRequest) -> BaseRequest:
    if request.param == "ours":
        return AiohttpRequest(read_timeout_s=0.3)
    return HTTPXRequest(read_timeout=0.3)


@pytest.fixture
async def bot(server: BotApiServer, request_object: BaseRequest) -> AsyncIterator[Bot]:
    async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request_object) as bot:
        yield bot


async def test_a_call_arrives_with_its_parameters(server: BotApiServer, bot: Bot) -> None:
    chat = server.private_chat(server.user("小李"))
    sent = await bot.send_message(chat.id, "&<你好> 😀\u200b+ %", protect_content=True)
    assert (sent.text, chat.bot_messages[0].text) == ("&<你好> 😀\u200b+ %",) * 2
    assert server.calls("sendMessage")[0].parameters["protect_content"] is True


async def test_a_photo_and_a_named_document_are_uploaded(server: BotApiServer, bot: Bot) -> None:
    chat = server.private_chat(server.user("小李"))
    await bot.send_photo(chat.id, PNG, caption="图")
    await bot.send_document(chat.id, PNG, filename="讲义.pdf")
    (photo,), (document,) = server.calls("sendPhoto"), server.calls("sendDocument")
    assert photo.parameters["photo"].content == document.parameters["document"].content == PNG
    assert document.parameters["document"].filename == "讲义.pdf"
    assert photo.parameters["caption"] == "图"


@pytest.mark.parametrize(
    ("status", "description", "retry_after", "expected"),
    [
        (400, "Bad Request: chat not found", None, BadRequest),
        (401, "Unauthorized", None, InvalidToken),
        (403, "Forbidden: bot was blocked by the user", None, Forbidden),
        (409, "Conflict: terminated by other getUpdates request", None, Conflict),
        (429, "Too Many Requests: retry after 7", 7, RetryAfter),
        (502, "Bad Gateway", None, NetworkError),
        (500, "Internal Server Error", None, NetworkError),
    ],
)
async def test_a_status_becomes_its_error(
    server: BotApiServer,
    bot: Bot,
    status: int,
    description: str,
    retry_after: int | None,
    expected: type[TelegramError],
) -> None:
    chat = server.private_chat(server.user("小李"))
    server.fail_next("sendMessage", status, description, retry_after)
    with pytest.raises(expected) as raised:
        await bot.send_message(chat.id, "你好")
    assert type(raised.value) is expected


async def test_a_migrated_group_says_where_it_is(server: BotApiServer, bot: Bot) -> None:
    person = server.user("小李")
    group = server.group("支部", basic=True)
    await group.say(person, "你好")
    successor = await group.migrate(person)
    with pytest.raises(ChatMigrated) as raised:
        await bot.send_message(group.id, "你好")
    assert raised.value.new_chat_id == successor.id


async def test_garbage_is_an_error_of_telegram(server: BotApiServer, bot: Bot) -> None:
    server.garbage_next("getMe")
    with pytest.raises(TelegramError):
        await bot.get_me()


async def test_a_late_answer_is_a_time_out(server: BotApiServer, bot: Bot) -> None:
    server.hang_next("getMe", 2.0)
    with pytest.raises(TimedOut):
        await bot.get_me()


async def test_a_call_may_take_longer_when_it_says_so(server: BotApiServer, bot: Bot) -> None:
    server.hang_next("getMe", 0.5)
    assert (await bot.get_me(read_timeout=20)).username == "wanggui_bot"


async def test_a_dropped_connection_is_a_network_error_and_the_next_call_goes_through(
    server: BotApiServer, bot: Bot
) -> None:
    server.drop_next("getMe")
    with pytest.raises(NetworkError) as raised:
        await bot.get_me()
    assert not isinstance(raised.value, NotSent)
    assert (await bot.get_me()).username == "wanggui_bot"


async def test_an_outage_is_a_network_error_and_ends(server: BotApiServer, bot: Bot) -> None:
    await server.stop()
    with pytest.raises(NetworkError):
        await bot.get_me()
    await server.start()
    assert (await bot.get_me()).username == "wanggui_bot"


async def test_many_calls_at_once_share_the_pool(server: BotApiServer) -> None:
    request = AiohttpRequest(connections=4)
    async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request) as bot:
        chat = server.private_chat(server.user("小李"))
        await asyncio.gather(*(bot.send_message(chat.id, str(number)) for number in range(60)))
    assert sorted(int(message.text) for message in chat.bot_messages) == list(range(60))


async def test_a_request_that_never_left_says_so(server: BotApiServer) -> None:
    request = AiohttpRequest()
    async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request) as bot:
        await server.stop()
        with pytest.raises(NetworkError):
            await bot.get_me()  # may still use a connection that the server is closing
        with pytest.raises(NotSent):
            await bot.get_me()
        await server.start()


async def test_no_free_connection_in_time_means_not_sent(server: BotApiServer) -> None:
    request = AiohttpRequest(connections=1, connect_timeout_s=0.05, pool_timeout_s=0.05)
    async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request) as bot:
        server.hang_next("getMe", 1.0)
        first = asyncio.create_task(bot.get_me())
        await server.wait_for(lambda: [call for call in server.requests if call.method == "getMe"][1:])
        with pytest.raises(NotSentInTime):
            await bot.get_me()
        await first


async def test_the_token_and_the_words_reach_neither_errors_nor_the_log(
    server: BotApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    secret, words = server.token.partition(":")[2], "只有我知道的话\ud800"
    request = AiohttpRequest(read_timeout_s=0.2)
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("telegram").setLevel(logging.INFO)
        async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request) as bot:
            chat = server.private_chat(server.user("小李"))
            server.hang_next("sendMessage", 1.0)
            server.garbage_next("sendMessage")
            server.drop_next("sendMessage")
            server.fail_next("sendMessage", 502, "Bad Gateway")
            for _ in range(4):
                with pytest.raises(TelegramError) as raised:
                    await bot.send_message(chat.id, words)
                told.append(f"{raised.value!r} {raised.value.__cause__!r}")
            await server.stop()
            with pytest.raises(TelegramError) as raised:
                await bot.send_message(chat.id, words)
            told.append(f"{raised.value!r} {raised.value.__cause__!r}")
            await server.start()
    text = caplog.text + "".join(told)
    assert len(told) == 5
    assert secret not in text
    assert "只有我知道" not in text


async def test_the_servers_clock_is_compared_with_ours(server: BotApiServer) -> None:
    request = AiohttpRequest()
    before = request.clock_skew_s
    async with Bot(server.token, base_url=f"{server.base_url}/bot", request=request):
        assert (before, request.clock_skew_s is None) == (None, False)
        assert request.clock_skew_s is not None
        assert abs(request.clock_skew_s) < 60


async def test_a_proxy_stands_in_between() -> None:
    lines: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        request = AiohttpRequest(proxy=f"http://127.0.0.1:{port}")
        await request.initialize()
        status, _ = await request.do_request("http://api.example/bot1:x/getMe", "POST")
        await request.shutdown()
    assert (status, lines) == (403, [b"POST http://api.example/bot1:x/getMe HTTP/1.1\r\n"])

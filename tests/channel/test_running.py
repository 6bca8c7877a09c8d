"""The running bot as a whole: it survives what Telegram does to it, polling and with a webhook, and never blocks."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from blockbuster import blockbuster_ctx

from bot.answering.service import Answerer
from bot.errors import AddressError
from bot.serving import Address
from bot.storage.additions import Additions
from bot.storage.database import Database
from bot.telegram.application import Entrance, House, TelegramChannel, serve
from bot.telegram.probing import ALLOWED_UPDATES, probe
from bot.telegram.webhook import SECRET_HEADER, Webhook
from prompts import load_replies
from tests.botapi import BotApiServer
from tests.living import Life, living

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

SECRET = "ein-Geheimnis"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def house(answerer: Answerer, folder: Path) -> AsyncIterator[House]:
    async with await Database.open(f"sqlite:///{folder / 'bot.db'}") as database:
        additions = Additions(folder / "additions", database.review)
        yield House(answerer, load_replies(), database, additions, frozenset(), frozenset(), 90)


@asynccontextmanager
async def hooked(answerer: Answerer, folder: Path) -> AsyncIterator[tuple[Life, str]]:
    """A bot behind a webhook, and its root."""
    root = f"http://127.0.0.1:{(port := free_port())}"
    entrance = Entrance(Webhook(f"{root}/hook", "/hook", SECRET), Address("127.0.0.1", port))
    async with BotApiServer(delay_scale=0.01) as api, house(answerer, folder) as furnished:
        stopped = asyncio.Event()
        channel = TelegramChannel(api.token, api.base_url)

        async def until() -> None:
            await stopped.wait()

        running = asyncio.create_task(serve(channel, furnished, entrance, until))
        await api.next_call("setWebhook", timeout_s=20)
        yield Life(api, furnished.database, answerer), root
        stopped.set()
        await running
        assert api.violations == []


async def test_nothing_ever_blocks_the_loop(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        li = life.server.user("小李")
        private, group = life.server.private_chat(li), life.server.group("支部")
        await life.ask(private, li, "能翻墙吗")  # what is loaded at first use is loaded by now
        with blockbuster_ctx(scanned_modules=["bot", "knowledge", "prompts"]) as active:
            active.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
            for text in ("给主播刷礼物行不行", "/article 14", "/toc", "/search 直播", "今天天气怎么样", "/privacy"):
                await life.ask(private, li, text)
            await life.ask(group, li, "@wanggui_bot 领导收游戏皮肤")
            query = await life.server.inline(li, "直播打赏")
            await life.server.wait_for(lambda: life.server.inline_answers.get(query))
            await life.database.flush()


async def test_neither_a_bad_update_nor_a_bad_hour_ends_polling(
    answerer: Answerer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with living(answerer, tmp_path) as life:
        li = life.server.user("小李")
        private = life.server.private_chat(li)
        for broken in ({}, {"message_id": "x", "date": [], "chat": 7}, ["x"], "x"):
            life.server.push_unchecked("message", broken)
        life.server.push_unchecked("brand_new_kind", {"x": 1})
        life.server.fail_next("getUpdates", 401, "Unauthorized")
        life.server.fail_next("getUpdates", 409, "Conflict: terminated by other getUpdates request")
        life.server.garbage_next("getUpdates")
        assert "第十四条" in (await life.ask(private, li, "能翻墙吗")).text
    assert "an update cannot be read" in caplog.text


async def test_a_question_that_waited_for_the_start_is_answered_once(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as api:
        li = api.user("小李")
        private = api.private_chat(li)
        asked = [await private.say(li, text) for text in ("能翻墙吗", "给主播刷礼物行不行")]
        async with living(answerer, tmp_path, server=api) as life:
            for message in asked:
                await life.answer_to(private, message)
        async with living(answerer, tmp_path, server=api) as life:
            await life.silence()
    assert [len(private.replies_to(message)) for message in asked] == [1, 1]
    assert [said.reply_to_id for said in private.bot_messages] == [message.id for message in asked]


async def test_what_is_in_hand_is_answered_before_the_bot_stops(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        people = [life.server.user(f"同志{number}") for number in range(20)]
        chats = [life.server.private_chat(person) for person in people]
        life.server.hang_next("sendMessage", 0.3, times=5)
        asked = [await chat.say(person, "能翻墙吗") for chat, person in zip(chats, people, strict=True)]
        await life.server.wait_for(
            lambda: [call for call in life.server.calls("getUpdates") if call.response["result"]]
        )
    assert [len(chat.replies_to(message)) for chat, message in zip(chats, asked, strict=True)] == [1] * 20
    assert life.server.delivery.pending == []


async def test_a_webhook_brings_questions_and_health(answerer: Answerer, tmp_path: Path) -> None:
    async with hooked(answerer, tmp_path) as (life, root), aiohttp.ClientSession() as web:
        (call,) = life.server.calls("setWebhook")
        assert call.parameters["allowed_updates"] == list(ALLOWED_UPDATES)
        li = life.server.user("小李")
        private = life.server.private_chat(li)
        assert "第十四条" in (await life.ask(private, li, "能翻墙吗")).text
        life.server.push_unchecked("message", {"broken": True})
        assert (await life.ask(private, li, "/article 17")).text
        life.server.redeliver(life.server.updates[0])
        await life.silence()
        assert len(private.bot_messages) == 2
        async with web.get(f"{root}/healthz") as health:
            assert (health.status, (await health.json())["problems"]) == (200, [])

        async def metrics() -> list[str] | None:
            async with web.get(f"{root}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            return lines if "wanggui_quarantined 1.0" in lines else None

        lines = await life.eventually(metrics)
        assert 'wanggui_answers_total{mode="extractive"} 1.0' in lines
        assert life.server.token not in "".join(lines)
        async with web.post(f"{root}/hook", json={"update_id": 1}, headers={SECRET_HEADER: "x"}) as refused:
            assert refused.status == 403
        assert life.server.delivery.webhook.last_error == {}


async def test_an_address_that_is_taken_is_explained(answerer: Answerer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        async with BotApiServer() as api, house(answerer, tmp_path) as furnished:
            channel = TelegramChannel(api.token, api.base_url)
            with pytest.raises(AddressError, match="WANGGUI_LISTEN"):
                await serve(channel, furnished, Entrance(None, address), asyncio.Event().wait)  # type: ignore[arg-type]


async def test_a_hiccup_at_the_start_is_no_reason_not_to_start(answerer: Answerer, tmp_path: Path) -> None:
    async with BotApiServer() as api:
        api.fail_next("getMe", 502, "Bad Gateway")
        async with living(answerer, tmp_path, server=api) as life:
            li = life.server.user("小李")
            assert await life.ask(life.server.private_chat(li), li, "能翻墙吗")


async def test_what_is_amiss_about_the_set_up_is_said_at_the_start(
    answerer: Answerer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    say = load_replies()["zh"]
    async with BotApiServer() as api:
        api.privacy_mode = False
        api.delivery.webhook.url = "https://elsewhere.example/hook"
        api.delivery.allowed = ["message"]
        with caplog.at_level(logging.WARNING):
            async with living(answerer, tmp_path, server=api):
                assert api.delivery.webhook.url == ""
    told = [record.message for record in caplog.records if record.name == "bot.telegram.application"]
    kinds = ", ".join(ALLOWED_UPDATES[1:])
    assert told == [
        say("doctor.privacy_off"),
        say("doctor.webhook_set"),
        say("doctor.updates_missing", kinds=kinds),
    ]


async def test_the_doctor_feels_a_second_poller(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path) as life:
        found = await asyncio.to_thread(probe, life.server.token, life.server.base_url, None, listens=True)
        assert not isinstance(found, str)
        assert (found.username, found.second_poller) == ("wanggui_bot", True)
        assert life.server.delivery.allowed == list(ALLOWED_UPDATES)
        refused = await asyncio.to_thread(probe, "1:wrong", life.server.base_url, None, listens=True)
        assert refused == "refused"
    assert await asyncio.to_thread(probe, "1:x", "http://127.0.0.1:9", None, listens=False) == "unreachable"

"""Secrets, and what people write, show nowhere: not in the log at DEBUG, not in /healthz, not in /metrics."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.botapi import BotApiServer
from tests.databases import Postgres
from tests.e2e.conftest import running
from tests.faults.town import free_port

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.asyncio(loop_scope="session"),
]

HOOK, KEY, PASSWORD = "Geheimnis-des-Hakens", "sk-Geheimnis-des-Modells", "Geheimnis-der-Datenbank"
ASKED = "我家邻居老宋翻墙了"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.running() as server:
        yield server


async def test_no_secret_and_no_words_show_at_debug(built: Path, postgres: Postgres) -> None:
    listen = f"127.0.0.1:{free_port()}"
    settings = {
        "WEBHOOK_URL": f"http://{listen}/hook",
        "WEBHOOK_SECRET": HOOK,
        "LISTEN": listen,
        "LOG_LEVEL": "DEBUG",
        "DATABASE_URL": postgres.fresh().replace("postgres@", f"postgres:{PASSWORD}@"),
        "CONVERSATION": "database",
        "LLM_MODEL": "openai:none",
        "LLM_BASE_URL": "http://127.0.0.1:9/v1",
        "LLM_API_KEY": KEY,
        "LLM_TIMEOUT_S": "2",
    }
    environment = {f"WANGGUI_{name}": value for name, value in settings.items()}
    async with (
        BotApiServer(delay_scale=0.01) as api,
        running(api, built, ready="setWebhook", **environment) as process,
        aiohttp.ClientSession() as web,
    ):
        li = api.user("小李")
        private = api.private_chat(li)
        api.drop_next("sendMessage")
        asked = await private.say(li, ASKED)
        await api.wait_for(lambda: private.replies_to(asked), 30)
        api.push_unchecked("message", {"text": ASKED, "from": 7})
        async with web.post(f"http://{listen}/hook", data=ASKED.encode(), headers={"X-T": "x"}) as refused:
            assert refused.status == 403
        postgres.break_down()
        again = await private.say(li, f"{ASKED}，怎么办")
        await api.wait_for(lambda: private.replies_to(again), 60)
        token, api.token = api.token, "1:other"
        told = []
        for path in ("/healthz", "/metrics"):
            async with web.get(f"http://{listen}{path}") as answer:
                told.append(await answer.text())
        postgres.come_back()
        api.token = token
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
    shown = "".join([*told, errors.decode()])
    assert "DEBUG" in shown, "the log was on"
    for secret in (token, token.partition(":")[2], HOOK, KEY, PASSWORD, "老宋"):
        assert secret not in shown, [line for line in shown.splitlines() if secret in line][:3]

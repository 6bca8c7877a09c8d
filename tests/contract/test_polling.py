"""Polling against the Bot API server: nothing that getUpdates answers ends it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from bot.errors import StorageError
from bot.telegram.polling import Poller
from bot.telegram.probing import ALLOWED_UPDATES
from bot.telegram.rawbot import Raw, RawBot
from bot.telegram.transport import AiohttpRequest
from tests.botapi import BotApiServer
from tests.fakes import FakeClock

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

FAULTS = 3


@dataclass
class Post:
    """A poller at work, and what it has taken."""

    server: BotApiServer
    bot: RawBot
    taken: list[Raw] = field(default_factory=list)
    full: bool = False
    refuses: list[Exception] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.poller = Poller(self.bot, self.take, lambda: self.full, ALLOWED_UPDATES, sleep=self.clock.sleep)

    async def take(self, updates: Sequence[Raw]) -> None:
        if self.refuses:
            raise self.refuses.pop()
        self.taken += updates

    @property
    def asked(self) -> int:
        return len([call for call in self.server.requests if call.method == "getUpdates"])

    @property
    def texts(self) -> list[str]:
        return [raw["message"]["text"] for raw in self.taken if "message" in raw]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with BotApiServer() as server:
        updates = AiohttpRequest(connections=2, read_timeout_s=0.2)
        bot = RawBot(
            server.token, base_url=f"{server.base_url}/bot", request=AiohttpRequest(), get_updates_request=updates
        )
        async with bot:
            post = Post(server, bot)
            running = asyncio.create_task(post.poller.run())
            await server.wait_for(lambda: [call for call in server.requests if call.method == "getUpdates"])
            yield post
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert server.violations == []


async def say(post: Post, text: str) -> None:
    person = post.server.user("小李")
    await post.server.private_chat(person).say(person, text)


async def test_updates_come_in_order_and_once(post: Post) -> None:
    for number in range(250):
        await say(post, str(number))
    await post.server.wait_for(lambda: len(post.taken) >= 250)
    assert post.texts == [str(number) for number in range(250)]
    assert post.server.calls("getUpdates")[-1].parameters["allowed_updates"] == list(ALLOWED_UPDATES)


@pytest.mark.parametrize(
    ("status", "description", "retry_after", "problem"),
    [
        (401, "Unauthorized", None, "Telegram refuses the token"),
        (409, "Conflict: terminated by other getUpdates request", None, "another program polls with this token"),
        (429, "Too Many Requests: retry after 3", 3, "RetryAfter"),
        (502, "Bad Gateway", None, "NetworkError"),
    ],
)
async def test_an_error_is_said_once_and_survived(
    post: Post,
    caplog: pytest.LogCaptureFixture,
    status: int,
    description: str,
    retry_after: int | None,
    problem: str,
) -> None:
    post.server.fail_next("getUpdates", status, description, retry_after, times=FAULTS)
    await say(post, "先来一句，让它再问")
    await post.server.wait_for(lambda: len(post.clock.slept) >= FAULTS)
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: len(post.taken) == 2)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"no updates: {problem}"
    ]
    assert len(post.clock.slept) == FAULTS
    assert all(seconds == 3 for seconds in post.clock.slept) == (retry_after == 3)
    await post.server.wait_for(lambda: post.poller.problem is None)


@pytest.mark.parametrize(("fault", "at_once"), [("garbage_next", FAULTS), ("drop_next", 0)])
async def test_garbage_and_lost_connections_are_survived(post: Post, fault: str, at_once: int) -> None:
    getattr(post.server, fault)("getUpdates", times=FAULTS)
    await say(post, "先来一句，让它再问")
    await post.server.wait_for(lambda: len(post.clock.slept) >= at_once and post.asked > 1)
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: len(post.taken) == 2)
    assert len(post.clock.slept) == FAULTS
    assert post.texts == ["先来一句，让它再问", "能翻墙吗"]


async def test_an_outage_is_a_problem_until_it_ends(post: Post) -> None:
    await post.server.stop()
    await post.server.wait_for(lambda: post.poller.problem)
    await post.server.start()
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: post.taken)
    assert post.poller.problem is None


async def test_a_webhook_in_the_way_is_removed(post: Post) -> None:
    await post.bot.set_webhook("https://bot.example/hook")
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: post.taken)
    assert post.server.delivery.webhook.url == ""


async def test_nothing_is_taken_while_there_is_no_room(post: Post) -> None:
    post.full = True
    await say(post, "这一句早已在路上")
    await post.server.wait_for(lambda: post.taken)
    asked = len(post.server.calls("getUpdates"))
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: len(post.clock.slept) > 20)
    assert (len(post.taken), len(post.server.calls("getUpdates"))) == (1, asked)
    post.full = False
    await post.server.wait_for(lambda: len(post.taken) == 2)


async def test_what_is_not_safe_yet_stays_with_telegram_and_comes_again(post: Post) -> None:
    post.refuses = [StorageError("the disk is full"), RuntimeError("anything")]
    await say(post, "能翻墙吗")
    await post.server.wait_for(lambda: post.taken)
    assert post.texts == ["能翻墙吗"]
    assert len(post.clock.slept) == 2
    offsets = [call.parameters.get("offset") for call in post.server.calls("getUpdates")]
    assert offsets[:3] == [0, 0, 0]
    await post.server.wait_for(lambda: not post.server.delivery.pending or None)


async def test_what_is_done_is_confirmed_and_what_is_in_hand_stays(post: Post) -> None:
    post.full = True  # it does not ask again, which would confirm all
    for text in ("一", "二", "三"):
        await say(post, text)
    await post.server.wait_for(lambda: len(post.taken) == 3)
    numbers = [int(raw["update_id"]) for raw in post.taken]
    await post.poller.confirm({numbers[1]})
    assert [update.number for update in post.server.delivery.pending] == numbers[1:]
    await post.poller.confirm(set())
    assert post.server.delivery.pending == []


async def test_the_representation_hides_the_token(post: Post) -> None:
    assert post.server.token.partition(":")[2] not in repr(post.bot)

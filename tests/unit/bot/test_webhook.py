"""The HTTP server: who may post, what is refused, and what `/healthz` says."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace

import httpx
import pytest

from bot.errors import StorageError
from bot.storage.inbox import Depth
from bot.telegram.health import Health
from bot.telegram.metering import Meter
from bot.telegram.rawbot import Raw
from bot.telegram.webhook import MAX_BODY, SECRET_HEADER, State, Webhook, build_site

SECRET = "ein-Geheimnis_123"
HOOK = Webhook("https://bot.example/telegram/hook", "/telegram/hook", SECRET)
UPDATE = {"update_id": 7, "message": {"message_id": 1}}


class FakePost:
    """Takes raw updates and keeps them."""

    def __init__(self) -> None:
        self.taken: list[Raw] = []
        self.bodies: list[bytes | None] = []
        self.full = False
        self.fails: Exception | None = None

    async def take(self, updates: Sequence[Raw], body: bytes | None = None) -> None:
        if self.fails:
            raise self.fails
        self.taken += updates
        self.bodies.append(body)


class FakeReports:
    """All is well, always."""

    async def look(self) -> State:
        return State([])

    def metrics(self) -> bytes:
        return b"wanggui_questions_total 1.0\n"


class FakeAnswers:
    """Is well or not; counts how often that is asked."""

    uses_model, model_tokens, model_hit_rate = True, 321, 0.5
    model_counts: Mapping[str, int] = MappingProxyType({"calls": 4})

    def __init__(self, *, well: bool = True) -> None:
        self.well, self.asked, self.model_rests = well, 0, False

    async def is_well(self) -> bool:
        self.asked += 1
        return self.well


@pytest.fixture
def post() -> FakePost:
    return FakePost()


@pytest.fixture
async def client(post: FakePost) -> AsyncIterator[httpx.AsyncClient]:
    site = build_site(post, FakeReports(), HOOK)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://bot") as client:
        yield client


def headers(secret: str = SECRET) -> Mapping[str, str]:
    return {SECRET_HEADER: secret}


async def test_an_update_with_the_secret_is_taken(client: httpx.AsyncClient, post: FakePost) -> None:
    answer = await client.post(HOOK.path, json=UPDATE, headers=headers())
    assert (answer.status_code, answer.content, post.taken) == (200, b"", [UPDATE])


@pytest.mark.parametrize("given", [{}, headers(""), headers("ein-Geheimnis_124"), headers(SECRET + "4")])
async def test_nobody_without_the_secret_is_heard(
    client: httpx.AsyncClient, post: FakePost, given: Mapping[str, str]
) -> None:
    assert (await client.post(HOOK.path, json=UPDATE, headers=given)).status_code == 403
    assert post.taken == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"message": {}}', b'{"update_id": "7"}', b"\xff\xfe", b"[" * 100_000],
)
async def test_what_is_no_update_is_a_bad_request(client: httpx.AsyncClient, post: FakePost, body: bytes) -> None:
    assert (await client.post(HOOK.path, content=body, headers=headers())).status_code == 400
    assert post.taken == []


async def test_a_megabyte_is_enough(client: httpx.AsyncClient, post: FakePost) -> None:
    fits = json.dumps(UPDATE).encode().ljust(MAX_BODY)
    assert (await client.post(HOOK.path, content=fits, headers=headers())).status_code == 200
    assert (await client.post(HOOK.path, content=fits + b" ", headers=headers())).status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (MAX_BODY // 10)

    assert (await client.post(HOOK.path, content=pieces(), headers=headers())).status_code == 413
    assert len(post.taken) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_not_allowed(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, HOOK.path, headers=headers())).status_code == 405


async def test_there_is_nothing_else(client: httpx.AsyncClient) -> None:
    assert (await client.post("/", json=UPDATE, headers=headers())).status_code == 404
    assert (await client.post("/healthz", json=UPDATE, headers=headers())).status_code == 405


async def test_without_room_telegram_is_asked_to_come_again(client: httpx.AsyncClient, post: FakePost) -> None:
    post.full = True
    answer = await client.post(HOOK.path, json=UPDATE, headers=headers())
    assert (answer.status_code, answer.headers["Retry-After"], post.taken) == (503, "1", [])


async def test_what_cannot_be_kept_comes_again(client: httpx.AsyncClient, post: FakePost) -> None:
    post.fails = StorageError("the disk is full")
    answer = await client.post(HOOK.path, json=UPDATE, headers=headers())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_an_update_is_kept_as_it_came(client: httpx.AsyncClient, post: FakePost) -> None:
    body = b'{"update_id": 9,  "odd": "\\ud800"}'
    assert (await client.post(HOOK.path, content=body, headers=headers())).status_code == 200
    assert post.bodies == [body]


async def told(
    path: str, answers: FakeAnswers, entrance: str | None = None, depth: Depth | None = None, problem: str | None = None
) -> httpx.Response:
    inbox = SimpleNamespace(depth=depth or Depth(0, 0.0, 0), problem=problem)
    health = Health(answers, lambda: entrance, inbox, Meter())  # type: ignore[arg-type]
    site = build_site(FakePost(), health, None)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://bot") as client:
        await asyncio.gather(*(client.get(path) for _ in range(3)))
        return await client.get(path)


async def test_all_is_well_and_the_index_is_asked_once_in_a_while() -> None:
    answers = FakeAnswers()
    answer = await told("/healthz", answers)
    figures = {"backlog": 0, "backlog_oldest_s": 0.0, "quarantined": 0, "model": "ok"}
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "problems": []} | figures)
    assert answers.asked == 1


async def test_what_is_wrong_is_said() -> None:
    answers = FakeAnswers(well=False)
    answer = await told("/healthz", answers, "Telegram refuses the token", Depth(7, 300.2, 2), "the disk is full")
    assert answer.status_code == 503
    assert answer.json()["problems"] == [
        "index: no answer",
        "database: the disk is full",
        "updates: Telegram refuses the token",
        "backlog: the oldest update has waited for 300 s",
    ]


async def test_a_model_that_rests_is_told_and_no_reason_to_restart() -> None:
    answers = FakeAnswers()
    answers.model_rests = True
    answer = await told("/healthz", answers)
    assert (answer.status_code, answer.json()["model"]) == (200, "rests")


async def test_metrics_are_prometheus_text() -> None:
    answer = await told("/metrics", FakeAnswers(), "silent", Depth(3, 1.5, 2))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        "wanggui_backlog 3.0",
        "wanggui_quarantined 2.0",
        "wanggui_model_tokens 321.0",
        "wanggui_model_hit_rate 0.5",
        'wanggui_model_events_total{event="calls"} 4.0',
        "wanggui_updates_fail 1.0",
        "wanggui_questions_total 0.0",
    ):
        assert line in lines


async def test_a_polling_bot_has_no_webhook() -> None:
    site = build_site(FakePost(), FakeReports(), None)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://bot") as client:
        assert (await client.post(HOOK.path, json=UPDATE, headers=headers())).status_code == 404


def test_the_secret_never_shows() -> None:
    assert SECRET not in repr(HOOK)

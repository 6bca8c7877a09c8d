"""The wall over HTTP: what a link opens, what nothing else does, and how scenes come to those who look on."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.storage.database import Database
from bot.training.model import Refusal
from bot.web.links import LIFE, Links
from bot.web.wall import HEADERS, MOST_VIEWERS, Wall
from knowledge.model import Regulation
from prompts import load_replies
from tests.wall.conftest import BANK
from tests.wall.listening import events, first
from tests.wall.staging import KEY, Stage, free_port, now, plan_of, served

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]


async def test_a_link_opens_the_page_and_what_belongs_to_it(stage: Stage, web: aiohttp.ClientSession) -> None:
    kinds = {"": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/code.svg": "image/svg+xml"}
    for path, kind in kinds.items():
        async with web.get(stage.links.view + path) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    async with web.get(stage.links.view) as answer:
        page = await answer.text()
    assert 'data-role="view"' in page
    assert "学《中国共产党党员网络行为规定》" in page
    assert "http://" not in page
    assert "https://" not in page
    async with web.get(stage.links.control) as answer:
        assert 'data-role="control"' in await answer.text()


async def test_everything_else_is_the_same_404(stage: Stage, web: aiohttp.ClientSession) -> None:
    root, _, token = stage.links.view.rpartition("/")
    another, expired, ancient = (
        Links(b"another").sign(stage.header.id, "view", now()),
        Links(KEY).sign(stage.header.id, "view", now() - LIFE),
        Links(KEY).sign(stage.header.id, "view", stage.header.opened_at - timedelta(hours=1)),
    )
    absent = Links(KEY).sign(stage.header.id + 1, "view", now())
    paths = [
        "",
        "/",
        "/page.css",
        f"/{token}/page.html",
        f"/{token}/../page.js",
        f"/{token}/advance/x",
        f"/{token[:-1]}",
    ]
    paths += [f"/{one}{path}" for one in (another, expired, ancient, absent) for path in ("", "/events", "/code.svg")]
    told = set()
    for path in paths:
        async with web.get(root + path) as answer:
            assert answer.status == 404, path
            if path:
                told.add(await answer.text())
    assert len(told - {"Not Found"}) == 1
    for one in (another, expired, ancient, absent, token):
        async with web.post(f"{root}/{one}/advance", json={"cursor": 2}) as answer:
            assert answer.status == 404
    assert (await stage.state()).current == 0


async def test_a_viewer_sees_the_whole_scene_at_once_and_then_every_change(
    stage: Stage, web: aiohttp.ClientSession
) -> None:
    async with web.get(f"{stage.links.view}/events") as answer:
        stream = events(answer)
        assert answer.content_type == "text/event-stream"
        assert (await first(stream)).content["kind"] == "agenda"
        await stage.on(4)
        assert (await first(stream, lambda scene: scene["kind"] == "item")).content["voters"] == 0
        await stage.vote_as(3, 4)
        scene = (await first(stream, lambda scene: scene["voters"] == 7)).content
        assert [option["count"] for option in scene["options"]] == [3, 4, 0]
        await stage.on()
        scene = (await first(stream, lambda scene: scene["phase"] == "revealed")).content
        assert scene["articles"][0]["quote"] == "不得匿名诬告、有意陷害或者制造其他谣言"


async def test_who_comes_back_is_told_only_what_they_do_not_know(stage: Stage, web: aiohttp.ClientSession) -> None:
    async with web.get(f"{stage.links.view}/events") as answer:
        known = await first(events(answer))
    async with web.get(f"{stage.links.view}/events", headers={"Last-Event-ID": known.id}) as answer:
        stream = events(answer)
        assert (await anext(stream)).kind == "clock"
        await stage.on()
        assert (await first(stream)).content["kind"] == "questions"
    async with web.get(f"{stage.links.view}/events", headers={"Last-Event-ID": known.id}) as answer:
        assert (await first(events(answer))).content["kind"] == "questions"


async def test_a_room_that_votes_at_once_is_shown_in_few_frames(stage: Stage, web: aiohttp.ClientSession) -> None:
    await stage.on(4)
    async with web.get(f"{stage.links.view}/events") as answer:
        stream = events(answer)
        await first(stream)
        await stage.vote_as(100, 150, 50)
        frames = 1
        while (await first(stream)).content["voters"] < 300:
            frames += 1
    assert frames < 30


async def test_the_trainer_moves_on_from_the_page_and_nobody_else_does(
    stage: Stage, web: aiohttp.ClientSession
) -> None:
    async with web.post(f"{stage.links.view}/advance", json={"cursor": 3}) as answer:
        assert answer.status == 404
    cursor = (await stage.state()).cursor
    async with web.post(f"{stage.links.control}/advance", json={"cursor": cursor}) as answer:
        assert answer.status == 204
    assert (await stage.state()).step.kind == "questions"  # type: ignore[union-attr]
    async with web.post(f"{stage.links.control}/advance", json={"cursor": cursor}) as answer:
        assert (answer.status, await answer.json()) == (409, {"say": load_replies()["zh"]("training.moved_on")})
    assert (await stage.state()).step.kind == "questions"  # type: ignore[union-attr]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"cursor": "3"}', b'{"cursor": true}', b"{" * 250, b" " * 300, b"\xff"])
async def test_what_is_no_step_is_refused(stage: Stage, web: aiohttp.ClientSession, body: bytes) -> None:
    async with web.post(f"{stage.links.control}/advance", data=body) as answer:
        assert answer.status == 400
    assert (await stage.state()).current == 0


async def test_a_link_that_expires_ends_its_stream(
    stage: Stage, web: aiohttp.ClientSession, tmp_path: Path, conduct: Regulation
) -> None:
    token = Links(KEY).sign(stage.header.id, "view", now())
    early = LIFE - timedelta(seconds=2)
    port = free_port()
    async with served(stage, port, lambda: now() + early):
        async with web.get(f"http://127.0.0.1:{port}/wall/{token}/events") as answer:
            assert [event.kind async for event in events(answer)][:2] == ["clock", "scene"]
        async with web.get(f"http://127.0.0.1:{port}/wall/{token}") as answer:
            assert answer.status == 404


async def test_two_sessions_are_two_walls(tmp_path: Path, conduct: Regulation, web: aiohttp.ClientSession) -> None:
    plan = plan_of(BANK, load_replies()["zh"], "q1", scored=True)
    async with await Database.open(f"sqlite:///{tmp_path / 'wall.db'}") as database:
        one, other = (Stage(database, conduct, plan) for _ in range(2))
        await one.open(-1)
        other.ledgers = one.ledgers
        await other.open(-2)
        async with served(one, free_port()) as wall:
            one.links, other.links = wall.links(one.header.id), wall.links(other.header.id)
            async with web.get(f"{one.links.view}/events") as left, web.get(f"{other.links.view}/events") as right:
                ours, theirs = events(left), events(right)
                await first(ours), await first(theirs)
                await one.on()
                assert (await first(ours)).content["kind"] == "questions"
                await other.on(2)
                assert (await first(theirs, lambda scene: scene["kind"] == "item")).content["voters"] == 0
                await one.on()
                one.vote(1, (0,))
                assert (await first(ours, lambda scene: scene.get("voters") == 1)).content["kind"] == "item"
                other.vote(1, (2,))
                scene = (await first(theirs, lambda scene: scene.get("voters") == 1)).content
                assert [option["count"] for option in scene["options"]] == [0, 0, 1]
        await one.ledgers.close()


async def test_a_session_that_is_no_longer_kept_is_no_longer_shown(stage: Stage, web: aiohttp.ClientSession) -> None:
    async with web.get(f"{stage.links.view}/events") as answer:
        stream = events(answer)
        await first(stream)
        await stage.forget()
        assert [event async for event in stream if event.kind == "scene"] == []
    async with web.get(stage.links.view) as answer:
        assert answer.status == 404


async def test_nobody_looks_on_and_nothing_runs(stage: Stage, web: aiohttp.ClientSession) -> None:
    async with web.get(f"{stage.links.view}/events") as answer:
        await first(events(answer))
        assert stage.wall.viewers == 1
        assert len(stage.ledgers.changes) == 1
    async with asyncio.timeout(10):
        while stage.wall.viewers or len(stage.ledgers.changes):
            await asyncio.sleep(0.01)


async def test_a_full_house_says_so(stage: Stage, web: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_VIEWERS >= 300
    monkeypatch.setattr("bot.web.wall.MOST_VIEWERS", 1)
    async with web.get(f"{stage.links.view}/events") as answer:
        await first(events(answer))
        async with web.get(f"{stage.links.view}/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "2")


async def test_a_wall_that_closes_lets_its_viewers_go(stage: Stage, web: aiohttp.ClientSession) -> None:
    async with web.get(f"{stage.links.view}/events") as answer:
        stream = events(answer)
        await first(stream)
        await stage.wall.aclose()
        assert [event async for event in stream if event.kind == "scene"] == []
    async with web.get(f"{stage.links.view}/events") as answer:
        assert answer.status == 503


async def test_without_a_way_into_the_group_there_is_no_code(
    tmp_path: Path, conduct: Regulation, web: aiohttp.ClientSession
) -> None:
    from dataclasses import replace

    plan = replace(plan_of(BANK, load_replies()["zh"], "q1"), invitation="")
    async with await Database.open(f"sqlite:///{tmp_path / 'wall.db'}") as database:
        stage = Stage(database, conduct, plan)
        await stage.open()
        async with served(stage, free_port()) as wall:
            link = wall.links(stage.header.id).view
            async with web.get(f"{link}/code.svg") as answer:
                assert answer.status == 404
            async with web.get(f"{link}/events") as answer:
                assert (await first(events(answer))).content["invited"] is False
        await stage.ledgers.close()


async def test_a_conductor_who_refuses_is_heard(stage: Stage, web: aiohttp.ClientSession) -> None:
    stage.refusal = Refusal("training.not_sent")
    async with web.post(f"{stage.links.control}/advance", json={"cursor": 3}) as answer:
        assert (await answer.json())["say"] == load_replies()["zh"]("training.not_sent")


def test_a_wall_never_shows_its_key(stage: Stage) -> None:
    assert KEY.decode() not in repr(vars(stage.wall)) + repr(Wall) + repr(stage.links)

"""The way to the projector page: who is given its links, and that the page moves the group's session on."""

import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.answering.service import Answerer
from bot.serving import Address
from bot.telegram.application import Entrance
from bot.telegram.projecting import HOURS
from bot.training.ledgers import Ledgers
from bot.training.model import Conductor
from bot.web.links import LIFE, Links
from bot.web.wall import Wall
from prompts import load_replies
from tests.botapi.chats import Chat, Message, User
from tests.factories import make_bank, make_case, make_item
from tests.living import Life, living
from tests.wall.listening import events, first
from tests.wall.staging import free_port

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

BANK = make_bank(make_item("q1"), make_case("c1"))
SAY = load_replies()["zh"]


async def opened(life: Life) -> tuple[Chat, User, Message]:
    """A group in which a session has begun, its trainer, and the agenda."""
    group, boss = life.server.group("支部"), life.server.user("主持人")
    await group.set_status(boss, "administrator")
    panel = await life.ask(group, boss, "/train")
    await life.press(group, boss, panel, "开始")
    return group, boss, (await life.server.wait_for(lambda: said(group, "会上问我的问题") or None))[0]


def said(chat: Chat, words: str) -> list[Message]:
    return [message for message in chat.bot_messages if "poll" not in message and words in message.text]


def door_of(message: Message) -> str:
    """What the button to the wall hands over in private."""
    (url,) = [button["url"] for button in message.buttons if button["text"] == SAY("wall.open")]
    assert re.fullmatch(r"https://t\.me/\w+\?start=w\d+", url)
    return str(url.partition("start=")[2])


async def test_whoever_leads_is_given_both_links_and_the_page_moves_the_group_on(
    answerer: Answerer, tmp_path: Path
) -> None:
    port = free_port()

    def wall(ledgers: Ledgers, conductor: Conductor) -> Wall:
        return Wall(ledgers, conductor, Links(b"key"), f"http://127.0.0.1:{port}", load_replies())

    entrance = Entrance(None, Address("127.0.0.1", port))
    async with living(answerer, tmp_path, bank=BANK, entrance=entrance, wall=wall) as life:
        group, boss, agenda = await opened(life)
        told = await life.ask(life.server.private_chat(boss), boss, f"/start {door_of(agenda)}")
        view, control = re.findall(rf"http://127\.0\.0\.1:{port}/wall/\S+", told.text)
        async with aiohttp.ClientSession() as web:
            async with web.get(f"http://127.0.0.1:{port}/healthz") as health:
                assert health.status == 200
            async with web.get(f"{view}/events") as answer:
                stream = events(answer)
                scene = (await first(stream)).content
                assert scene["kind"] == "agenda"
                async with web.post(f"{view}/advance", json={"cursor": scene["cursor"]}) as unseen:
                    assert unseen.status == 404
                async with web.post(f"{control}/advance", json={"cursor": scene["cursor"]}) as moved:
                    assert moved.status == 204
                assert (await first(stream)).content["kind"] == "questions"
        await life.server.wait_for(lambda: said(group, "问答") or None)
        assert not said(group, "/wall/")

        other = life.server.user("小李")
        refused = await life.ask(life.server.private_chat(other), other, f"/start {door_of(agenda)}")
        assert refused.text == SAY("wall.not_yours")


def test_the_links_are_good_for_as_long_as_is_said() -> None:
    assert timedelta(hours=HOURS) == LIFE


async def test_no_session_of_that_number_no_links(answerer: Answerer, tmp_path: Path) -> None:
    def wall(ledgers: Ledgers, conductor: Conductor) -> Wall:
        return Wall(ledgers, conductor, Links(b"key"), "http://127.0.0.1", load_replies())

    async with living(answerer, tmp_path, bank=BANK, wall=wall) as life:
        li = life.server.user("小李")
        for payload in ("w1", "w999999999999999"):
            answer = await life.ask(life.server.private_chat(li), li, f"/start {payload}")
            assert answer.text == SAY("wall.not_yours")


async def test_once_it_has_ended_nobody_is_given_links(answerer: Answerer, tmp_path: Path) -> None:
    def wall(ledgers: Ledgers, conductor: Conductor) -> Wall:
        return Wall(ledgers, conductor, Links(b"key"), "http://127.0.0.1", load_replies())

    async with living(answerer, tmp_path, bank=BANK, wall=wall) as life:
        group, boss, agenda = await opened(life)
        status = await life.ask(group, boss, "/train")
        assert door_of(status) == door_of(agenda)
        await life.press(group, boss, status, SAY("training.end"))
        await life.press(group, boss, status, SAY("training.end_sure"))
        answer = await life.ask(life.server.private_chat(boss), boss, f"/start {door_of(agenda)}")
        assert answer.text == SAY("wall.not_yours")


async def test_a_bot_that_serves_nothing_shows_no_way_to_a_wall(answerer: Answerer, tmp_path: Path) -> None:
    async with living(answerer, tmp_path, bank=BANK) as life:
        _, _, agenda = await opened(life)
        assert [button for button in agenda.buttons if button["text"] == SAY("wall.open")] == []

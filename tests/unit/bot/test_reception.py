"""Raw updates on their way to the handlers: what is left out, what is set aside, what is said about it."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from telegram import Message, Update
from telegram.ext import Application, TypeHandler

from bot.storage.chats import DEFAULTS, ChatSettings
from bot.telegram.application import App
from bot.telegram.backlog import FRESH_S, Backlog
from bot.telegram.intake import Bot
from bot.telegram.lanes import Lanes
from bot.telegram.metering import Meter
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.post import Post
from bot.telegram.rawbot import RawBot
from bot.telegram.reception import Reception
from bot.telegram.seeking import Traces
from bot.telegram.transport import AiohttpRequest
from prompts import load_replies
from tests.fakes import MemoryInbox

STARTED = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
NOW = int(STARTED.timestamp())
LI = {"id": 1001, "is_bot": False, "first_name": "小李", "language_code": "zh-hans"}
GROUP = {"id": -100200, "type": "supergroup", "title": "支部"}


class FakeDelivery:
    """Records what was said and what it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        self.heard: list[int] = []
        self.moved: list[tuple[int, int]] = []
        self.traces = Traces()

    async def reply(self, message: Message, outgoing: Outgoing | Sequence[Outgoing]) -> int:
        assert isinstance(outgoing, Outgoing)
        self.said.append((message.chat_id, outgoing.html))
        return 1

    def heard_from(self, chat_id: int) -> None:
        self.heard.append(chat_id)

    async def migrate(self, old_id: int, new_id: int) -> None:
        self.moved.append((old_id, new_id))


class FakeChats:
    async def settings(self, chat_id: int) -> ChatSettings:
        return DEFAULTS


class House:
    """A reception whose one handler notes the updates; `gate` lets it finish."""

    def __init__(self, *, most_waiting: int = 100, most_old: int = 2, admitted: bool = True) -> None:
        bot = RawBot("777:x", request=AiohttpRequest(), get_updates_request=AiohttpRequest())
        self.application: App = Application.builder().bot(bot).updater(None).build()
        self.application._initialized = True  # there is no Telegram to ask
        self.application.add_handler(TypeHandler(Update, self.note))
        self.seen: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.delivery = FakeDelivery()
        parts = SimpleNamespace(
            bot=Bot(777, "wanggui_bot"),
            delivery=self.delivery,
            meter=Meter(),
            replies=load_replies(),
            database=SimpleNamespace(chats=FakeChats()),
            admission=SimpleNamespace(admits=lambda chat_id, user_id: admitted),
        )
        self.parts = cast(Parts, cast(Any, parts))
        backlog = Backlog(self.parts, STARTED, most_old=most_old)
        self.inbox = MemoryInbox()
        self.post = Post(self.inbox, Meter())
        self.reception = Reception(self.application, self.parts, backlog, self.post, Lanes(most_waiting))
        self.post.start(self.reception.accept)

    async def note(self, update: Update, _: object) -> None:
        self.seen.append(update.update_id)
        await self.gate.wait()

    def accept(self, raw: dict[str, Any]) -> None:
        """As the inbox hands it on."""
        self.reception.accept(raw, raw.get("update_id") or 0)

    async def finish(self) -> None:
        assert await self.reception.lanes.finish(5)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    yield House()


def update(
    number: int, text: str = "能翻墙吗", *, age_s: int = 0, chat: int | None = None, **fields: Any
) -> dict[str, Any]:
    """A question as Telegram writes it: in private, or in the group where `chat` names one."""
    where = GROUP | {"id": chat} if chat else {"id": 1001, "type": "private", "first_name": "小李"}
    message = {"message_id": number, "date": NOW - age_s, "chat": where, "from": LI, "text": text}
    return {"update_id": number, "message": message | fields}


MENTION: dict[str, Any] = {
    "text": "@wanggui_bot 能翻墙吗",
    "entities": [{"type": "mention", "offset": 0, "length": 12}],
}


@pytest.mark.parametrize(
    "broken",
    [
        {"update_id": 2, "message": {}},
        {"update_id": 2, "message": {"message_id": 1, "date": "x", "chat": 7}},
        {"update_id": 2, "message": [1]},
        {"update_id": 2, "callback_query": {"id": 5}},
        {"update_id": None, "message": None, "extra": 1},
        {},
    ],
)
async def test_what_cannot_be_read_is_left_out_and_the_next_is_served(house: House, broken: dict[str, Any]) -> None:
    house.accept(broken)
    house.accept(update(3))
    await house.finish()
    assert house.seen[-1:] == [3]
    assert house.reception.in_hand == set()


async def test_unknown_kinds_of_updates_do_no_harm(house: House) -> None:
    house.accept({"update_id": 2, "brand_new_kind": {"x": 1}})
    house.accept(update(3))
    await house.finish()
    assert house.seen == [2, 3]
    assert house.inbox.quarantined == {}


async def test_the_same_update_twice_is_served_once(house: House) -> None:
    for number in (2, 3, 2):
        house.accept(update(number))
    await house.finish()
    assert house.seen == [2, 3]


async def test_what_is_not_done_is_in_hand(house: House) -> None:
    house.gate.clear()
    for number in (2, 3):
        house.accept(update(number))
    house.accept(update(4, chat=-100200))
    while len(house.seen) < 2:
        await asyncio.sleep(0)
    assert house.seen == [2, 4]
    assert not await house.reception.lanes.finish(0)
    assert house.reception.in_hand == {2, 3, 4}


async def test_a_chat_that_overflows_is_told_once_and_only_if_it_asked() -> None:
    house = House(most_waiting=2)
    house.gate.clear()
    for number in range(2, 8):
        house.accept(update(number))
    for number in range(12, 18):
        house.accept(update(number, "大家好", chat=-100200))
    await asyncio.sleep(0)
    house.gate.set()
    await house.finish()
    assert house.seen == [2, 12, 3, 13]
    assert house.delivery.said == [(1001, load_replies()["zh"]("telegram.overflowed"))]
    assert house.reception.in_hand == set()


async def test_a_closed_chat_is_tried_again_when_somebody_writes_and_not_when_the_bot_is_thrown_out(
    house: House,
) -> None:
    def member(status: str) -> dict[str, Any]:
        bot = {"user": {"id": 777, "is_bot": True, "first_name": "b"}}
        old = bot | {"status": "member"}
        new = bot | {"status": status} | ({"until_date": 0} if status == "kicked" else {})
        change = {"chat": GROUP, "from": LI, "date": NOW, "old_chat_member": old, "new_chat_member": new}
        return {"my_chat_member": change}

    house.accept({"update_id": 2} | member("kicked"))
    await house.finish()
    assert house.delivery.heard == []
    house.accept({"update_id": 3} | member("member"))
    house.accept(update(4))
    await house.finish()
    assert sorted(house.delivery.heard) == [-100200, 1001]


async def test_a_group_that_moves_is_announced(house: House) -> None:
    moving = update(2, chat=-55)
    moving["message"] = {**moving["message"], "migrate_to_chat_id": -100255}
    house.accept(moving)
    await house.finish()
    assert house.delivery.moved == [(-55, -100255)]


async def test_questions_from_a_short_absence_are_answered(house: House) -> None:
    house.accept(update(2, age_s=FRESH_S))
    house.accept(update(3, age_s=FRESH_S, chat=-100200, **MENTION))
    await house.finish()
    assert sorted(house.seen) == [2, 3]
    assert house.delivery.said == []


async def test_old_questions_in_a_group_are_set_aside_and_the_group_is_told_once(house: House) -> None:
    for number in (2, 3):
        house.accept(update(number, age_s=FRESH_S + 60, chat=-100200, **MENTION))
    house.accept(update(4, "大家好", age_s=FRESH_S + 60, chat=-100200))
    house.accept(update(5, chat=-100200, **MENTION))
    await house.finish()
    assert house.seen == [4, 5]
    assert house.delivery.said == [(-100200, load_replies()["zh"]("telegram.stale"))]


async def test_old_private_questions_are_answered_up_to_a_limit_oldest_first(house: House) -> None:
    for number in range(2, 6):
        house.accept(update(number, age_s=7200 - number))
    await house.finish()
    assert house.seen == [2, 3]
    assert house.delivery.said == [(1001, load_replies()["zh"]("telegram.stale"))]


async def test_who_is_not_admitted_is_told_nothing_of_the_backlog() -> None:
    house = House(admitted=False)
    house.accept(update(2, age_s=FRESH_S + 60, chat=-100200, **MENTION))
    await house.finish()
    assert house.delivery.said == []

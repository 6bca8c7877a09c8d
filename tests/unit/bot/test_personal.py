"""`/forget` reaches what memory holds too."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from telegram import Update

from bot.answering.generation.conversation import Place
from bot.storage.chats import DEFAULTS
from bot.telegram.intake import Bot
from bot.telegram.parts import Parts
from bot.telegram.personal import Personal
from bot.telegram.recalling import Recalled
from bot.telegram.waiting import Waiting
from prompts import load_replies
from tests.factories import PERSON, make_message


async def test_who_is_forgotten_has_nothing_recalled_and_waits_for_nothing() -> None:
    said: list[str] = []
    forgotten: list[Place] = []

    async def settings(_: int) -> Any:
        return DEFAULTS

    async def erase_person(user_id: int) -> int:
        assert user_id == PERSON.id
        return 0

    async def forget(place: Place) -> None:
        forgotten.append(place)

    async def reply(_: object, outgoing: Any) -> None:
        said.append(outgoing.html)

    async def nothing() -> None:
        raise AssertionError("a question of somebody forgotten was answered")

    async def asleep(_: float) -> None:
        await asyncio.Event().wait()

    recalled, waiting = Recalled(), Waiting(asleep)
    recalled.keep(PERSON.id, 6, "能翻墙吗")
    waiting.expect((-100200, None), 5, PERSON.id, 600, nothing)
    parts = SimpleNamespace(
        bot=Bot(777, "wanggui_bot"),
        replies=load_replies(),
        database=SimpleNamespace(chats=SimpleNamespace(settings=settings), erase_person=erase_person),
        delivery=SimpleNamespace(reply=reply),
        answerer=SimpleNamespace(forget=forget),
        recalled=recalled,
        waiting=waiting,
    )
    await Personal(cast(Parts, parts)).forget(Update(1, message=make_message("/forget")), cast(Any, None))
    assert recalled.find(PERSON.id, 6) is None
    assert len(waiting) == 0
    assert forgotten == [Place("", user=str(PERSON.id))]
    assert len(said) == 1

"""The allow-list, and the hourly sweep."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from telegram import Chat, Message, User

from bot.errors import StorageError
from bot.telegram.admission import Admission
from bot.telegram.links import sign, verify
from bot.telegram.parts import Parts
from bot.telegram.sweeping import AGAIN_S, EVERY_S, Sweeping

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GROUP, OTHER, LI, WANG, OPERATOR = -100123, -100124, 1, 2, 3


@pytest.mark.parametrize(
    ("chat_id", "user_id", "expected"),
    [
        (GROUP, WANG, True),
        (OTHER, LI, False),
        (LI, LI, True),
        (WANG, WANG, False),
        (OPERATOR, OPERATOR, True),
        (OTHER, OPERATOR, False),
        (None, LI, True),
        (None, WANG, False),
        (None, None, False),
    ],
)
def test_groups_by_their_id_and_people_by_theirs(chat_id: int | None, user_id: int | None, expected: bool) -> None:
    assert Admission({GROUP, LI}, {OPERATOR}).admits(chat_id, user_id) is expected
    assert Admission((), ()).admits(chat_id, user_id)


def test_an_admitted_group_that_becomes_a_supergroup_stays_admitted(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission({GROUP}, ())
    group, wang = Chat(GROUP, "group"), User(WANG, "老王", is_bot=False)
    with caplog.at_level(logging.WARNING):
        admission._follow(Message(1, NOW, group, from_user=wang, migrate_to_chat_id=OTHER))
        admission._follow(Message(2, NOW, Chat(OTHER, "supergroup"), migrate_from_chat_id=GROUP))
    assert admission.admits(OTHER, WANG)
    assert caplog.text.count("WANGGUI_ALLOWED_CHATS") == 1
    admission._follow(Message(1, NOW, Chat(-5, "group"), migrate_to_chat_id=-6))
    assert not admission.admits(-6, WANG)


def test_a_link_is_good_for_the_group_it_was_signed_for_and_no_other() -> None:
    payload = sign(GROUP, "1:token")
    assert len(payload) == 28
    assert verify(payload, "1:token") == GROUP
    assert verify(payload, "2:token") is None
    assert verify(sign(OTHER, "1:token")[:12] + payload[12:], "1:token") is None
    for garbage in ("r", "r" + "-" * 27, "r" + "中" * 27, payload[:-1]):
        assert verify(garbage, "1:token") is None


@dataclass
class SweptDatabase:
    """Counts sweeps; the first `fails` of them fail."""

    fails: int = 0
    sweeps: int = 0

    async def sweep(self, now: datetime, retention_days: int) -> None:
        assert (now, retention_days) == (NOW, 30)
        self.sweeps += 1
        if self.sweeps <= self.fails:
            raise StorageError("full")


@dataclass
class Swept:
    """Counts how often it is swept, or told to catch up."""

    times: int = 0

    def sweep(self) -> None:
        self.times += 1

    async def catch_up(self) -> None:
        self.times += 1


@dataclass
class SweptParts:
    """As much of the parts as sweeping needs."""

    database: SweptDatabase
    retention_days: int = 30
    recalled: Swept = field(default_factory=Swept)
    budget: Swept = field(default_factory=Swept)
    delivery: Swept = field(default_factory=Swept)
    additions: Swept = field(default_factory=Swept)

    def clock(self) -> datetime:
        return NOW


async def test_the_sweep_comes_at_start_and_every_hour_and_soon_again_after_a_failure() -> None:
    database, slept, enough = SweptDatabase(fails=1), [], asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            enough.set()
            await asyncio.Event().wait()

    parts = SweptParts(database)
    sweeping = Sweeping(cast(Parts, cast(Any, parts)), sleep)
    await sweeping.started()
    await enough.wait()
    await sweeping.stopping()
    assert slept == [AGAIN_S, EVERY_S, EVERY_S]
    assert database.sweeps == 3
    assert [one.times for one in (parts.recalled, parts.budget, parts.delivery, parts.additions)] == [3, 3, 3, 2]

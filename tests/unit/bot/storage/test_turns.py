"""The last questions of a conversation in the database: per person and place, few, for half an hour."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.answering.generation.conversation import MAX_TURNS, Place, Turn
from bot.errors import StorageError
from bot.storage.database import Database
from bot.storage.turns import LASTS

GROUP, LI, WANG = -100123, 4711, 4712
HERE = Place(str(GROUP), "7", str(LI))
OTHERS = (Place(str(GROUP), "", str(LI)), Place(str(GROUP), "7", str(WANG)), Place(str(LI), "", str(LI)))
VPN = Turn("能翻墙吗", (14, 28), "5")


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [question for (question,) in connection.execute("SELECT question FROM turns ORDER BY id")]


async def test_a_turn_is_there_before_and_after_it_is_written_and_in_its_own_place_only(path: Path) -> None:
    async with await Database.open(f"sqlite:///{path}") as database:
        await database.turns.add(HERE, VPN)
        assert await database.turns.recent(HERE) == (VPN,)
        await database.flush()
        assert await database.turns.recent(HERE) == (VPN,)
    async with await Database.open(f"sqlite:///{path}") as database:
        assert await database.turns.recent(HERE) == (VPN,)
        assert [await database.turns.recent(place) for place in OTHERS] == [(), (), ()]


async def test_a_turn_without_a_message_or_an_article_comes_back_as_it_was(database: Database) -> None:
    bare = Turn("能翻墙吗", ())
    await database.turns.add(HERE, bare)
    await database.turns.add(HERE, bare)
    await database.flush()
    assert await database.turns.recent(HERE) == (bare, bare)


async def test_no_more_than_the_last_few_are_kept(database: Database, path: Path) -> None:
    for number in range(MAX_TURNS + 2):
        await database.turns.add(HERE, Turn(f"问题{number}", (14,), str(number + 1)))
    kept = [f"问题{number}" for number in range(2, MAX_TURNS + 2)]
    assert [turn.question for turn in await database.turns.recent(HERE)] == kept
    await database.flush()
    assert rows(path) == kept


async def test_an_edited_question_takes_the_place_of_what_it_said(database: Database, path: Path) -> None:
    edited = Turn("能直播吗", (17,), VPN.said)
    await database.turns.add(HERE, VPN)
    await database.flush()
    await database.turns.add(HERE, edited)
    assert await database.turns.recent(HERE) == (edited,)
    await database.flush()
    assert rows(path) == ["能直播吗"]


async def test_after_half_an_hour_nothing_is_left_on_the_disk_though_nobody_asks(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime.now(UTC)]
    clock: Callable[[], datetime] = lambda: now[0]  # noqa: E731
    monkeypatch.setattr(database.turns, "_clock", clock)
    await database.turns.add(HERE, VPN)
    await database.flush()
    now[0] += LASTS + timedelta(seconds=1)
    assert await database.turns.recent(HERE) == ()
    await database.flush()
    assert rows(path) == []
    assert not database.turns.set_aside(), "nothing is left to be erased, so nothing is written any more"


@pytest.mark.parametrize("written", [False, True])
async def test_forget_erases_a_person_everywhere_or_a_chat(database: Database, path: Path, written: bool) -> None:
    for forgotten, left in ((Place("", user=str(LI)), 1), (Place(str(GROUP)), 1)):
        await database.turns.forget(Place(""))
        for place in (HERE, *OTHERS):
            await database.turns.add(place, VPN)
        if written:
            await database.flush()
        await database.turns.forget(forgotten)
        assert sum([len(await database.turns.recent(place)) for place in (HERE, *OTHERS)]) == left
        await database.flush()
        assert len(rows(path)) == left


async def test_erasing_a_person_or_a_chat_erases_and_counts_their_turns(database: Database, path: Path) -> None:
    for place in (HERE, *OTHERS):
        await database.turns.add(place, VPN)
    assert await database.erase_person(LI) == 3
    assert await database.erase_chat(GROUP) == 1
    assert rows(path) == []


async def test_where_the_database_does_not_answer_a_conversation_goes_on_in_memory(path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE turns")
    await database.turns.add(HERE, VPN)
    with pytest.raises(StorageError):
        await database.flush()
    assert await database.turns.recent(HERE) == (VPN,)
    with pytest.raises(StorageError):
        await database.close()

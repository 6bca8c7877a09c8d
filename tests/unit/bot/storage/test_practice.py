"""What is kept of private practice: steps that count once, and its end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.storage.database import Database
from bot.training.practice import Schedule, Standing

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PERSON, OTHER = 7, 8
SEEN = Standing("q2", NOW, True)
WRONG = Schedule(timedelta(days=45)).after(None, "q1", right=False, at=NOW)


async def test_standings_come_back_as_they_were_and_take_the_place_of_older_ones(database: Database) -> None:
    store = database.practice
    run = await store.begin(PERSON, "practice", 5, {"a": [1]}, NOW)
    after = await store.step(run, {"a": [2]}, NOW, [WRONG, SEEN])
    assert after is not None
    assert await store.standings(PERSON) == {"q1": WRONG, "q2": SEEN}
    assert await store.standings(OTHER) == {}
    right = Schedule(timedelta(days=45)).after(WRONG, "q1", right=True, at=NOW + timedelta(minutes=1))
    assert await store.step(after, {}, NOW, [right]) is not None
    assert (await store.standings(PERSON))["q1"] == right


async def test_a_step_from_an_older_turn_keeps_nothing(database: Database) -> None:
    store = database.practice
    run = await store.begin(PERSON, "practice", 5, {"at": 1}, NOW)
    after = await store.step(run, {"at": 2}, NOW)
    assert await store.step(run, {"at": 3}, NOW, [WRONG]) is None
    assert await store.run(PERSON, "practice") == after
    assert await store.standings(PERSON) == {}


async def test_a_round_and_an_exam_stand_side_by_side_and_a_new_one_replaces_its_like(database: Database) -> None:
    store = database.practice
    old = await store.begin(PERSON, "exam", 5, {"n": 1}, NOW)
    practice = await store.begin(PERSON, "practice", 6, {"n": 2}, NOW + timedelta(seconds=1))
    exam = await store.begin(PERSON, "exam", 7, {"n": 3}, NOW + timedelta(seconds=2))
    assert await store.runs(PERSON) == [exam, practice]
    assert await store.all_exams() == [exam]
    assert await store.step(old, {}, NOW) is None


async def test_what_was_on_its_way_stands_where_it_arrived_even_if_somebody_was_quick(database: Database) -> None:
    store = database.practice
    run = await store.begin(PERSON, "practice", 0, {}, NOW)
    assert await store.step(run, {"quick": True}, NOW) is not None
    await store.shown_in(run, 9)
    found = await store.run(PERSON, "practice")
    assert found is not None
    assert (found.message_id, found.state) == (9, {"quick": True})


async def test_who_is_forgotten_practised_nothing_and_nobody_else_is(database: Database) -> None:
    store = database.practice
    begun = {}
    for person in (PERSON, OTHER):
        begun[person] = await store.begin(person, "practice", 5, {}, NOW)
        await store.step(begun[person], {}, NOW, [WRONG])
    assert await database.erase_person(PERSON) == 2
    assert await store.standings(PERSON) == {}
    assert await store.runs(PERSON) == []
    assert await store.step(begun[PERSON], {}, NOW, [WRONG]) is None
    assert await store.standings(PERSON) == {}
    assert set(await store.standings(OTHER)) == {"q1"}
    assert await database.erase_person(PERSON) == 0


async def test_what_was_not_touched_for_the_retention_goes(path: Path) -> None:
    async with await Database.open(f"sqlite:///{path}") as database:
        store = database.practice
        run = await store.begin(PERSON, "practice", 5, {}, NOW)
        late = NOW + timedelta(days=1)
        run = await store.step(run, {}, NOW, [WRONG]) or run
        await store.step(run, {}, late, [Standing("q2", late, True)])
        await database.sweep(NOW + timedelta(days=90, hours=1), 90)
        assert set(await store.standings(PERSON)) == {"q2"}
        assert len(await store.runs(PERSON)) == 1
        await database.sweep(late + timedelta(days=90, hours=1), 90)
        assert await store.standings(PERSON) == {}
        assert await store.runs(PERSON) == []


async def test_who_had_no_run_is_found_with_the_first_one(database: Database) -> None:
    store = database.practice
    assert await store.runs(PERSON) == []
    assert await store.runs(PERSON) == []
    run = await store.begin(PERSON, "practice", 5, {}, NOW)
    assert await store.runs(PERSON) == [run]
    await database.erase_person(PERSON)
    assert await store.runs(PERSON) == []

"""What comes back when: the schedule, the next question, a round, and its record."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.training.choosing import Wish
from bot.training.practice import (
    AHEAD,
    Round,
    Schedule,
    Standing,
    as_record,
    due_soonest,
    mistakes,
    next_item,
    order_of,
    read_round,
)
from knowledge.bank.items import Bank
from tests.factories import make_bank, make_fill_in, make_item

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SCHEDULE = Schedule(timedelta(days=45))
ROUND = Round(Wish(number=10), 7, "zh")


def after(*answers: tuple[bool, timedelta]) -> Standing:
    """A question answered several times, each so long after the one before."""
    standing, at = None, NOW
    for right, later in answers:
        at += later
        standing = SCHEDULE.after(standing, "q1", right=right, at=at)
    assert standing is not None
    return standing


def spread(*articles: int) -> Bank:
    """Two questions for each article, the second harder; ids say which."""
    return make_bank(
        *(
            make_item(f"a{number}-{level}", articles=(number,), difficulty=level)
            for number in articles
            for level in (1, 2)
        )
    )


def test_what_was_only_ever_right_does_not_come_back() -> None:
    standing = after((True, timedelta()), (True, timedelta(days=1)))
    assert (standing.due_at, standing.right, standing.is_mistake) == (None, True, False)


def test_what_was_wrong_comes_back_in_a_minute_and_then_in_ten() -> None:
    assert after((False, timedelta())).due_at == NOW + timedelta(minutes=1)
    again = after((False, timedelta()), (True, timedelta(minutes=1)))
    assert again.due_at == NOW + timedelta(minutes=11)
    assert again.is_mistake


def test_what_was_right_once_and_wrong_later_is_scheduled() -> None:
    assert after((True, timedelta()), (False, timedelta(days=3))).is_mistake


def test_a_mistake_that_is_remembered_long_enough_is_none_any_more_and_is_again_once_forgotten() -> None:
    standing, at, times = after((False, timedelta())), NOW, 0
    while standing.is_mistake:
        assert standing.due_at is not None
        at, times = standing.due_at, times + 1
        standing = SCHEDULE.after(standing, "q1", right=True, at=at)
    assert 3 <= times <= 8
    assert SCHEDULE.after(standing, "q1", right=False, at=at + timedelta(days=8)).is_mistake


def test_no_interval_is_longer_than_allowed() -> None:
    schedule = Schedule(timedelta(days=3))
    standing = schedule.after(None, "q1", right=False, at=NOW)
    for _ in range(12):
        assert standing.due_at is not None
        standing = schedule.after(standing, "q1", right=True, at=standing.due_at)
    assert standing.due_at is not None
    assert standing.due_at - standing.answered_at == timedelta(days=3)


def test_what_is_due_comes_first_and_the_question_just_asked_does_not() -> None:
    bank = spread(1, 2)
    standings = {
        "a1-1": Standing("a1-1", NOW - timedelta(days=2), False, NOW - timedelta(hours=1)),
        "a2-1": Standing("a2-1", NOW - timedelta(days=2), False, NOW - timedelta(hours=2)),
    }
    first = next_item(bank, standings, ROUND, NOW)
    assert first is not None
    assert first.id == "a2-1"
    then = next_item(bank, standings, ROUND.ask(first), NOW)
    assert then is not None
    assert then.id == "a1-1"


def test_new_questions_go_through_the_articles_easy_ones_first() -> None:
    bank, asked = spread(1, 2, 3), []
    standings: dict[str, Standing] = {}
    around = ROUND
    for _ in range(6):
        item = next_item(bank, standings, around, NOW)
        assert item is not None
        around, standings = around.ask(item), standings | {item.id: Standing(item.id, NOW, True)}
        asked.append(item)
    assert {item.article for item in asked[:3]} == {1, 2, 3}
    assert [item.difficulty for item in asked] == [1, 1, 1, 2, 2, 2]


def test_when_all_has_been_asked_what_was_right_longest_ago_comes_again() -> None:
    bank = spread(1)
    standings = {
        "a1-1": Standing("a1-1", NOW - timedelta(days=1), True),
        "a1-2": Standing("a1-2", NOW - timedelta(days=2), True),
    }
    item = next_item(bank, standings, ROUND, NOW)
    assert item is not None
    assert item.id == "a1-2"


def test_what_is_due_in_a_moment_is_asked_now_and_what_is_due_later_is_not() -> None:
    bank = spread(1)
    soon = Standing("a1-1", NOW, False, NOW + AHEAD)
    late = Standing("a1-2", NOW, False, NOW + AHEAD + timedelta(seconds=1))
    item = next_item(bank, {"a1-1": soon, "a1-2": late}, ROUND, NOW)
    assert item is not None
    assert item.id == "a1-1"
    assert next_item(bank, {"a1-1": replace(soon, due_at=late.due_at), "a1-2": late}, ROUND, NOW) is None


def test_a_scope_lets_nothing_else_in() -> None:
    around = replace(ROUND, scope=Wish(articles=(2,), number=10))
    standings = {"a1-1": Standing("a1-1", NOW - timedelta(days=2), False, NOW)}
    item = next_item(spread(1, 2), standings, around, NOW)
    assert item is not None
    assert item.article == 2


def test_a_round_of_mistakes_asks_each_once_and_nothing_else() -> None:
    bank = spread(1, 2)
    standings = {
        "a1-1": Standing("a1-1", NOW, False, NOW + timedelta(days=1)),
        "a2-1": Standing("a2-1", NOW, False, NOW + timedelta(hours=1)),
        "a2-2": Standing("a2-2", NOW, True, NOW + timedelta(days=9)),
    }
    around, asked = replace(ROUND, mistakes=True), []
    while item := next_item(bank, standings, around, NOW):
        around = around.ask(item)
        asked.append(item.id)
    assert asked == ["a2-1", "a1-1"]


def test_mistakes_come_latest_first_and_without_those_that_left_the_bank() -> None:
    standings = {
        name: Standing(name, NOW - timedelta(hours=hours), False, NOW)
        for name, hours in (("a1-1", 2), ("a1-2", 1), ("gone", 0))
    }
    assert [one.item_id for one in mistakes(standings, spread(1))] == ["a1-2", "a1-1"]
    assert due_soonest({"gone": standings["gone"]}, spread(1)) is None


def test_a_round_counts_what_was_answered_and_forgets_a_question_left_open() -> None:
    around = ROUND.ask(make_item("q1")).settle("right", (1,)).ask(make_item("q2")).tick(2).tick(0).tick(2)
    assert (around.current, around.answered, around.right, around.chosen) == ("q2", 1, 1, (0,))
    assert around.end().asked == ("q1",)
    assert around.settle("given_up").end().answered == 2


@pytest.mark.parametrize(
    "around",
    [
        ROUND,
        ROUND.ask(make_item("q1")).tick(1),
        Round(Wish((14,), (3,), (2, 3), ("single",), 5), 1 << 31, "en", mistakes=True)
        .ask(make_item("q"))
        .settle("wrong"),
        ROUND.ask(make_item("q1")).settle("given_up").end(),
    ],
)
def test_a_round_is_read_as_it_was_written(around: Round) -> None:
    assert read_round(json.loads(json.dumps(as_record(around)))) == around


def test_options_change_places_with_the_seed_and_true_and_false_do_not() -> None:
    item = make_item("q1", options=tuple("abcd"), answer=0)
    assert {order_of(item, seed).index(0) for seed in range(40)} == {0, 1, 2, 3}
    assert order_of(item, 5) == order_of(item, 5)
    assert order_of(make_item("t", kind="true_false", options=("对", "错"), answer=True), 3) == (0, 1)
    assert order_of(make_fill_in(), 3) == ()

"""Practice and exams over many histories: intervals, seeds, and scores against an independent count."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.training.exam import Blueprint, draw, score, share, sit
from bot.training.practice import Schedule, Standing
from knowledge.bank.items import Kind
from tests.factories import make_bank, make_item

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LONGEST = timedelta(days=45)
SCHEDULE = Schedule(LONGEST)
ANSWERS = st.lists(st.tuples(st.booleans(), st.integers(0, 60 * 24 * 30)), min_size=1, max_size=12)
KINDS: tuple[Kind, ...] = ("single", "multiple", "true_false", "fill_in")


@st.composite
def banks(make: st.DrawFn) -> object:
    """Some items of any kind and difficulty over a few articles in two chapters."""
    drawn = make(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 6), st.integers(1, 3)), max_size=30))
    answers = {"single": 1, "multiple": (0, 2), "true_false": False, "fill_in": "匿名"}
    items = [
        make_item(
            f"q{place}",
            kind=kind,
            articles=(article,),
            difficulty=level,
            answer=answers[kind],
            options={"true_false": ("对", "错"), "fill_in": ()}.get(kind, ("甲", "乙", "丙")),
        )
        for place, (kind, article, level) in enumerate(drawn)
    ]
    bank = make_bank(*items)
    return type(bank)(bank.items, (), {number: 1 + number % 2 for number in range(1, 7)})


def played(answers: Sequence[tuple[bool, int]]) -> Standing:
    """A question answered so, each answer some minutes after the one before."""
    standing, at = None, NOW
    for right, minutes in answers:
        at += timedelta(minutes=minutes)
        standing = SCHEDULE.after(standing, "q1", right=right, at=at)
    assert standing is not None
    return standing


@given(ANSWERS)
def test_it_comes_back_exactly_if_it_was_ever_wrong_and_within_bounds(answers: list[tuple[bool, int]]) -> None:
    standing = played(answers)
    assert (standing.due_at is None) == all(right for right, _ in answers)
    if standing.due_at is not None:
        assert timedelta(minutes=1) <= standing.due_at - standing.answered_at <= LONGEST
        assert standing.due_at == played(answers).due_at


@given(ANSWERS, st.integers(0, 60 * 24 * 30))
def test_who_was_right_is_asked_no_sooner_than_who_was_wrong(answers: list[tuple[bool, int]], later: int) -> None:
    history = [(False, 0), *answers]
    right, wrong = played([*history, (True, later)]), played([*history, (False, later)])
    assert right.due_at is not None
    assert wrong.due_at is not None
    assert right.due_at >= wrong.due_at
    assert wrong.due_at - wrong.answered_at <= timedelta(minutes=10)


@given(st.lists(st.booleans(), max_size=6), st.integers(1, 15))
def test_answered_rightly_on_the_day_intervals_never_shrink(before: list[bool], times: int) -> None:
    standing = played([(False, 0), *((right, 60) for right in before)])
    gap = timedelta()
    for _ in range(times):
        assert standing.due_at is not None
        standing = SCHEDULE.after(standing, "q1", right=True, at=standing.due_at)
        assert standing.due_at is not None
        assert standing.due_at - standing.answered_at >= gap
        gap = standing.due_at - standing.answered_at


@given(banks(), st.integers(0, 40), st.integers())
def test_the_same_seed_draws_the_same_exam_as_long_as_the_bank_lets_it(bank, number: int, seed: int) -> None:  # type: ignore[no-untyped-def]
    drawn = draw(bank, Blueprint(number, 10), seed)
    assert drawn == draw(bank, Blueprint(number, 10), seed)
    assert len(drawn) == len({item.id for item in drawn}) == min(number, len(bank.items))


@given(
    st.dictionaries(st.integers(1, 9), st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1),
    st.integers(0, 60),
)
def test_shares_add_up_and_are_fair_where_nobody_is_full(parts: dict[int, tuple[int, int]], number: int) -> None:
    weights, most = {key: one for key, (one, _) in parts.items()}, {key: one for key, (_, one) in parts.items()}
    shares = share(number, weights, most)
    assert sum(shares.values()) == min(number, sum(most.values()))
    assert all(0 <= shares[key] <= most[key] for key in parts)
    if all(shares[key] < most[key] for key in parts):
        whole = sum(weights.values())
        assert all(abs(shares[key] - Fraction(number * weights[key], whole)) < 1 for key in parts)


@given(banks(), st.data())
def test_the_score_is_what_an_independent_count_finds(bank, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    items = draw(bank, Blueprint(20, 10), 1)
    paper = sit(items, Blueprint(20, 10), 1, "zh", NOW)
    given: dict[int, object] = {}
    for place, item in enumerate(items):
        if not data.draw(st.booleans()):
            continue  # left open
        paper = paper.go(place)
        if item.kind == "fill_in":
            given[place] = words = data.draw(st.sampled_from(("匿名", " 匿名。", "公开", "")))
            paper = paper.fill(right=item.accepts(words))
            continue
        ticks = data.draw(st.lists(st.integers(0, len(item.options) - 1), min_size=1, max_size=4))
        ticked: set[int] = set()
        for tick in ticks:
            ticked = ticked ^ {tick} if item.kind == "multiple" else {tick}
            paper = paper.go(place).mark(item, tick)
        given[place] = ticked
    right = {"single": {1}, "multiple": {0, 2}, "true_false": {1}}
    counted = [
        place
        for place, answer in given.items()
        if (
            str(answer).strip(" 。") == "匿名" if items[place].kind == "fill_in" else answer == right[items[place].kind]
        )
    ]
    result = score(paper.hand_in(NOW + timedelta(minutes=1)), items)
    assert result.right == len(counted)
    assert result.wrong == tuple(place for place in range(len(items)) if place not in counted)
    for tally in result.tallies:
        places = [place for place, item in enumerate(items) if item.article == tally.article]
        assert (tally.asked, tally.right) == (len(places), len([place for place in places if place in counted]))

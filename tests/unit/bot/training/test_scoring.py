"""Points, teams, ties: small cases counted by hand."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from bot.training import scoring
from bot.training.model import RIGHT, WRONG, BoardRow, Round, SessionPlan, SessionState, Step, Vote
from bot.training.results import results_of
from bot.training.showing import board_of, show
from knowledge.bank.items import QuizItem
from knowledge.model import Regulation
from tests.factories import make_fill_in, make_item

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
NAMES = {"a": "阿达", "b": "阿波", "c": "夏娃"}


def votes(**cast: tuple[tuple[int, ...], float]) -> dict[str, Vote]:
    """Votes by voter: the choice, and the second at which it came; numbered by their times."""
    order = sorted(cast, key=lambda voter: cast[voter][1])
    return {
        voter: Vote(cast[voter][0], NOON + timedelta(seconds=cast[voter][1]), seq)
        for seq, voter in enumerate(order, start=10)
    }


def session(
    *rounds: tuple[QuizItem, dict[str, Vote]], teams: dict[str, int] | None = None, **plan: Any
) -> SessionState:
    """A session whose items went so, all shown."""
    steps = tuple(Step("item", item=item) for item, _ in rounds)
    went = {
        place: Round(place, NOON, revealed_at=NOON, votes=cast, poll_id="p", teams=teams or {})
        for place, (_, cast) in enumerate(rounds)
    }
    whole = SessionPlan("x", steps, **({"anonymous": False} | plan))
    return SessionState(9, whole, NOON, None, len(steps) - 1, went, teams or {})


def rows(board: tuple[BoardRow, ...]) -> list[tuple[int, str, Fraction | int]]:
    return [(row.place, row.name, row.points) for row in board]


def test_everybody_who_is_right_scores_and_time_parts_ties() -> None:
    state = session((make_item(), votes(a=((1,), 9), b=((1,), 4), c=((0,), 1))))
    assert rows(scoring.people(state, NAMES)) == [(1, "阿波", 10), (2, "阿达", 10), (3, "夏娃", 0)]


def test_equal_points_in_equal_time_share_a_place() -> None:
    state = session((make_item(), votes(a=((1,), 4), b=((1,), 4), c=((1,), 5))))
    assert [place for place, _, _ in rows(scoring.people(state, NAMES))] == [1, 1, 3]


def test_only_the_first_right_answer_scores_where_the_first_wins() -> None:
    state = session((make_item(), votes(a=((0,), 1), b=((1,), 2), c=((1,), 3))), pace="first")
    assert rows(scoring.people(state, NAMES)) == [(1, "阿波", 10), (2, "夏娃", 0), (2, "阿达", 0)]


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        ("everyone", [(1, "蓝队", Fraction(5)), (2, "红队", Fraction(10, 3))]),
        ("first", [(1, "红队", 10), (2, "蓝队", 0)]),
    ],
)
def test_teams_score_by_share_or_by_their_first(pace: Any, expected: list[tuple[int, str, Fraction | int]]) -> None:
    teams = {"a": 0, "b": 0, "c": 0, "d": 1, "absent": 1}
    cast = votes(a=((1,), 1), b=((0,), 1), d=((1,), 8), stranger=((1,), 0.5) if pace == "everyone" else ((0,), 0.5))
    item = make_item()
    steps = (Step("item", item=item),)
    plan = SessionPlan("x", steps, False, pace, ("红队", "蓝队"))
    now = Round(0, NOON, revealed_at=NOON, votes=cast, poll_id="p", teams=teams)
    state = SessionState(9, plan, NOON, None, 0, {0: now}, teams)
    assert rows(scoring.teams(state)) == expected


def test_an_empty_team_has_nothing() -> None:
    plan = SessionPlan("x", (Step("item", item=make_item()),), False, "everyone", ("红队", "蓝队"))
    now = Round(0, NOON, revealed_at=NOON, votes=votes(a=((1,), 1)), poll_id="p")
    assert rows(scoring.teams(SessionState(9, plan, NOON, None, 0, {0: now}))) == [(1, "红队", 0), (1, "蓝队", 0)]


def test_what_has_not_been_shown_scores_nothing() -> None:
    plan = SessionPlan("x", (Step("item", item=make_item()),), False)
    now = Round(0, NOON, votes=votes(a=((1,), 1)), poll_id="p")
    assert rows(scoring.people(SessionState(9, plan, NOON, None, 0, {0: now}), NAMES))[0] == (1, "夏娃", 0)


def test_several_answers_are_right_only_all_together() -> None:
    item = make_item(kind="multiple", answer=(0, 1))
    state = session((item, votes(a=((0, 1), 1), b=((0,), 1), c=((0, 1, 2), 1))))
    assert [row.right for row in scoring.people(state, NAMES)] == [1, 0, 0]


def test_an_anonymous_poll_tells_who_was_right_only_of_single_answers() -> None:
    single, several = make_item(), make_item("m", kind="multiple", answer=(0, 1))
    plan = SessionPlan("x", (Step("item", item=single), Step("item", item=several)))
    rounds = {place: Round(place, NOON, revealed_at=NOON, poll_id="p", counts=(3, 4, 0), voters=5) for place in (0, 1)}
    results = results_of(1, SessionState(9, plan, NOON, None, 1, rounds), NAMES)
    assert [(one.voters, one.right) for one in results.items] == [(5, 4), (5, None)]
    assert [(one.items, one.voters, one.right) for one in results.articles] == [(1, 5, 4)]
    assert results.people == results.teams == ()
    assert results.participants == 5


def test_replies_are_counted_as_right_and_wrong_also_where_polls_are_anonymous() -> None:
    plan = SessionPlan("x", (Step("item", item=make_fill_in()),))
    cast = votes(a=((RIGHT,), 1), b=((WRONG,), 2), c=((), 3))
    state = SessionState(9, plan, NOON, None, 0, {0: Round(0, NOON, revealed_at=NOON, votes=cast)})
    results = results_of(1, state, {})
    assert (results.items[0].counts, results.items[0].voters, results.items[0].right) == ((1, 1), 2, 1)


def test_what_is_shown_names_nobody_who_has_not_agreed(conduct: Regulation) -> None:
    state = session((make_item(), votes(a=((1,), 1), b=((1,), 2))))
    assert [row.name for row in board_of(state, {"a": "阿达"})] == ["阿达"]
    shown = show(1, state, conduct, {"a": "阿达"})
    assert shown.board == ()  # the board comes at its step
    assert "阿达" not in repr(shown)


def test_the_answer_is_not_shown_before_it_is_revealed(conduct: Regulation) -> None:
    plan = SessionPlan("x", (Step("item", item=make_item(), seconds=30),), False)
    now = Round(0, NOON, votes=votes(a=((1,), 1)), poll_id="p")
    shown = show(1, SessionState(9, plan, NOON, None, 0, {0: now}), conduct, {})
    assert shown.item is not None
    assert (shown.item.right, shown.item.solution, shown.item.explanation, shown.articles) == ((), (), "", ())
    assert shown.item.counts == (0, 1, 0)


def test_a_shown_article_stands_whole_with_the_words_that_decide(conduct: Regulation) -> None:
    state = session((make_item(), {}))
    (article,) = show(1, state, conduct, {}).articles
    twelve = conduct.article(12)
    assert twelve is not None
    assert (article.label, article.text) == ("第十二条", twelve.text)
    assert article.quote in article.text

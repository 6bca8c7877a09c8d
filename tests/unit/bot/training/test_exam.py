"""A mock exam: drawn by its blueprint, sat, handed in, scored."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.training.exam import (
    KIND_ORDER,
    Blueprint,
    Paper,
    as_record,
    draw,
    items_of,
    read_paper,
    score,
    share,
    sit,
)
from knowledge.bank.items import Bank, QuizItem
from knowledge.bank.reading import load_bank
from knowledge.model import Regulation
from tests.factories import make_bank, make_fill_in, make_item

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ITEMS = (
    make_item("t1", kind="true_false", options=("对", "错"), answer=True, articles=(3,)),
    make_item("s1", articles=(12,)),
    make_item("m1", kind="multiple", answer=(0, 2), articles=(12,)),
    make_fill_in("f1", articles=(14,)),
)


@pytest.fixture(scope="module")
def shipped(conduct: Regulation, conduct_folder: Path) -> Bank:
    return load_bank(conduct_folder, conduct)


def begun(items: tuple[QuizItem, ...] = ITEMS) -> Paper:
    return sit(items, Blueprint(len(items), 10), 5, "zh", NOW)


def test_chapters_are_represented_as_they_have_articles_and_difficulties_as_they_are_mixed(shipped: Bank) -> None:
    drawn = draw(shipped, Blueprint(30, 30), 1)
    articles = Counter(shipped.chapters[number] for number in {item.article for item in shipped.items})
    chapters = Counter(shipped.chapters[item.article] for item in drawn)
    for chapter, count in articles.items():
        assert abs(chapters[chapter] - 30 * count / sum(articles.values())) < 1
    assert Counter(item.difficulty for item in drawn) == {1: 15, 2: 9, 3: 6}
    assert max(Counter(item.article for item in drawn).values()) <= 2


def test_what_the_blueprint_leaves_out_is_not_asked(shipped: Bank) -> None:
    drawn = draw(shipped, Blueprint(10, 10, chapters=(3,), difficulty=(3,)), 2)
    assert len(drawn) == 10
    assert all(3 in {shipped.chapters[number] for number in item.articles} for item in drawn)
    assert {item.difficulty for item in drawn} == {3}


def test_kinds_come_in_the_order_of_a_paper(shipped: Bank) -> None:
    places = [KIND_ORDER.index(item.kind) for item in draw(shipped, Blueprint(30, 30), 3)]
    assert places == sorted(places)
    assert len(set(places)) == 4


def test_another_seed_draws_another_exam(shipped: Bank) -> None:
    assert draw(shipped, Blueprint(20, 20), 1) != draw(shipped, Blueprint(20, 20), 2)


def test_a_bank_that_has_too_few_gives_them_all_and_an_empty_one_none() -> None:
    assert {item.id for item in draw(make_bank(*ITEMS), Blueprint(10, 10), 1)} == {item.id for item in ITEMS}
    assert draw(make_bank(), Blueprint(10, 10), 1) == ()


def test_shares_follow_the_weights_and_what_one_cannot_take_others_do() -> None:
    assert share(10, {1: 5, 2: 3, 3: 2}, {1: 99, 2: 99, 3: 99}) == {1: 5, 2: 3, 3: 2}
    assert share(10, {1: 5, 2: 3, 3: 2}, {1: 2, 2: 99, 3: 99}) == {1: 2, 2: 5, 3: 3}
    assert share(10, {1: 1, 2: 1}, {1: 3, 2: 4}) == {1: 3, 2: 4}


def test_one_answer_takes_the_place_of_another_and_leads_on_to_what_is_open() -> None:
    paper = begun().mark(ITEMS[0], 1)
    assert (paper.chosen[0], paper.at) == ((1,), 1)
    paper = paper.go(0).mark(ITEMS[0], 0)
    assert (paper.chosen[0], paper.at) == ((0,), 1)


def test_of_several_each_is_ticked_and_unticked_and_nothing_moves() -> None:
    paper = begun().go(2)
    for place in (2, 1, 0, 1):
        paper = paper.mark(ITEMS[2], place)
    assert (paper.chosen[2], paper.at) == ((0, 2), 2)


def test_after_the_last_open_question_comes_the_page_on_which_it_is_handed_in() -> None:
    paper = begun().mark(ITEMS[0], 0).go(2).mark(ITEMS[2], 0).go(3).fill(right=True)
    assert paper.at == 1  # round the end, to the one that was left out
    assert paper.unanswered == (1,)
    assert paper.mark(ITEMS[1], 0).at == len(ITEMS)


def test_what_is_right_is_counted_by_article_and_what_is_open_is_wrong() -> None:
    paper = begun().mark(ITEMS[0], 0).mark(ITEMS[1], 0).go(3).fill(right=True)
    result = score(paper.hand_in(NOW + timedelta(minutes=4)), ITEMS)
    assert (result.right, result.asked, result.wrong, result.late) == (2, 4, (1, 2), False)
    assert [(tally.article, tally.right, tally.asked) for tally in result.tallies] == [
        (3, 1, 1),
        (12, 0, 2),
        (14, 1, 1),
    ]
    assert result.took == timedelta(minutes=4)


def test_half_of_several_right_answers_is_not_right() -> None:
    paper = begun().go(2).mark(ITEMS[2], 0)
    assert 2 in score(paper.hand_in(NOW), ITEMS).wrong
    assert 2 not in score(paper.mark(ITEMS[2], 2).hand_in(NOW), ITEMS).wrong


def test_time_ends_it_and_what_is_handed_in_later_was_handed_in_then() -> None:
    paper = begun()
    assert not paper.is_over(paper.ends_at - timedelta(seconds=1))
    assert paper.is_over(paper.ends_at)
    late = paper.hand_in(paper.ends_at + timedelta(days=1))
    assert late.handed_in_at == paper.ends_at
    assert score(late, ITEMS).late
    assert late.hand_in(NOW) == late


def test_a_paper_whose_questions_left_the_bank_has_none() -> None:
    assert items_of(begun(), make_bank(*ITEMS)) == ITEMS
    assert items_of(begun(), make_bank(*ITEMS[1:])) is None


@pytest.mark.parametrize(
    "paper", [begun(), begun().mark(ITEMS[0], 0).go(3).fill(right=False).hand_in(NOW + timedelta(minutes=1))]
)
def test_a_paper_is_read_as_it_was_written(paper: Paper) -> None:
    assert read_paper(json.loads(json.dumps(as_record(paper)))) == paper

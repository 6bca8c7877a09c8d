"""What an item knows of its own answer, and what a filter leaves of a bank."""

import pytest

from knowledge.bank.items import Bank, QuizItem
from tests.banking import make_case, make_item, sample_bank


@pytest.mark.parametrize(
    ("item", "right", "solution"),
    [
        (make_item("single"), (0,), ("非法定信道",)),
        (make_item("multiple"), (0, 2), ("建立", "使用")),
        (make_item("true_false"), (1,), ("错",)),
        (make_item("true_false", answer=True), (0,), ("对",)),
        (make_item("fill_in"), (), ("非法定信道",)),
    ],
)
def test_an_item_tells_its_right_options_and_its_solution(
    item: QuizItem, right: tuple[int, ...], solution: tuple[str, ...]
) -> None:
    assert item.right == right
    assert item.solution == solution


@pytest.mark.parametrize(
    ("chosen", "right"), [((0, 2), True), ((2, 0), True), ((0,), False), ((0, 1, 2), False), ((), False)]
)
def test_only_the_whole_of_the_right_options_is_right(chosen: tuple[int, ...], right: bool) -> None:
    assert make_item("multiple").is_right(chosen) is right


def test_no_choice_is_right_of_an_item_without_options() -> None:
    assert not make_item("fill_in").is_right(())


@pytest.mark.parametrize("words", ["非法定信道", " 非法定信道。", "“非法定信道”", "非 法定信道", "「非法定信道」"])
def test_marks_width_and_space_make_no_answer_wrong(words: str) -> None:
    assert make_item("fill_in").accepts(words)


def test_other_spellings_are_right_and_other_words_are_not() -> None:
    item = make_item("fill_in", answer="中国共产党", accept=("中共", "CPC"))
    assert item.accepts("cpc")
    assert item.accepts("ＣＰＣ")
    assert not item.accepts("中共中央")
    assert not item.accepts("")
    assert not make_item("single").accepts("非法定信道")


def test_articles_and_chapters_add_up_and_the_rest_narrows() -> None:
    items = tuple(make_item(id=f"x-{place}", articles=(number,)) for place, number in enumerate((1, 9, 14)))
    bank = Bank(items, (make_case(),), {1: 1, 9: 3, 14: 3})
    assert bank.of() == bank
    assert [item.article for item in bank.of(articles=[1], chapters=[3]).items] == [1, 9, 14]
    assert [item.article for item in bank.of(chapters=[3]).items] == [9, 14]
    assert bank.of(chapters=[3], difficulty=[1]).items == ()
    assert bank.of(articles=[14], kinds=["fill_in"]).items == ()
    assert len(bank.of(articles=[14], kinds=["fill_in"]).cases) == 1
    assert bank.of(articles=[2]).cases == ()
    assert bank.of(chapters=[9]).items == ()


def test_an_item_that_rests_on_two_articles_is_of_both() -> None:
    bank = Bank((make_item(articles=(14, 9)),))
    assert bank.of(articles=[9]).items == bank.of(articles=[14]).items == bank.items


def test_entries_are_found_by_their_ids() -> None:
    bank = sample_bank()
    assert bank.item("x14-02") == bank.items[1]
    assert bank.case("xcase-01") == bank.cases[0]
    assert bank.item("xcase-01") is None
    assert bank.case("x14-02") is None

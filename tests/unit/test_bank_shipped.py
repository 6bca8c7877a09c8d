"""The gate: the bank that ships is in order, item by item, and there is enough of it."""

from collections import Counter
from pathlib import Path

import pytest

from knowledge.bank.checking import ITEMS_AN_ARTICLE, check, check_counts
from knowledge.bank.items import KINDS, Bank
from knowledge.bank.reading import load_bank
from knowledge.model import Regulation


@pytest.fixture(scope="module")
def bank(conduct: Regulation, conduct_folder: Path) -> Bank:
    return load_bank(conduct_folder, conduct)


def test_the_checker_has_nothing_to_say(bank: Bank, conduct: Regulation) -> None:
    remarks = [*check(bank, conduct), *check_counts(bank, conduct)]
    assert not remarks, "\n".join(map(str, remarks))


def test_there_is_enough_of_it(bank: Bank, conduct: Regulation) -> None:
    assert len(bank.items) >= 250
    assert len(bank.cases) >= 40
    leading = Counter(item.article for item in bank.items)
    assert min(leading[article.number] for article in conduct.articles) >= ITEMS_AN_ARTICLE


def test_every_chapter_has_every_kind_and_every_difficulty(bank: Bank, conduct: Regulation) -> None:
    for chapter in conduct.chapters:
        items = bank.of(chapters=[chapter.number]).items
        assert {item.kind for item in items} == set(KINDS), chapter.label
        assert {item.difficulty for item in items} == {1, 2, 3}, chapter.label


def test_no_case_tells_its_verdict(bank: Bank) -> None:
    """Stories say what happened; numbers of articles and the rule's own 不得 belong to the notes."""
    telling = [case.id for case in bank.cases if "不得" in case.story]
    assert telling == []
    assert all(2 <= len(case.questions) <= 4 for case in bank.cases)


def test_every_case_that_is_open_shows_both_sides(bank: Bank) -> None:
    hard = [case for case in bank.cases if case.difficulty == 3]
    assert len(hard) >= 10
    one_sided = [case.id for case in hard if case.notes.count("一边") + case.notes.count("两边") == 0]
    assert one_sided == []


def test_the_gate_bites(bank: Bank, conduct: Regulation) -> None:
    broken = Bank((*bank.items[1:], bank.items[1]), bank.cases[1:], bank.chapters)
    assert {remark.what for remark in check(broken, conduct)} == {"id_twice", "copy"}

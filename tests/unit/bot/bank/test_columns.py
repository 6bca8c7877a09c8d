"""Rows as people fill them in."""

from typing import Any

import pytest

from bot.training.papers.exchange.columns import (
    CASE_HEADERS,
    ITEM_HEADERS,
    Place,
    as_cells,
    headers_for,
    missing_columns,
    read_row,
)
from knowledge.bank.items import CaseCard, QuizItem
from knowledge.bank.reading import Entry
from tests.banking import make_case, make_item, sample_bank


def row(kind: Any = "single", /, **changes: Any) -> dict[str, Any]:
    cells = as_cells(make_case() if kind == "case" else make_item(kind)) | changes
    return {column: value for column, value in cells.items() if value != ""}


def read(cells: dict[str, Any]) -> tuple[Any, list[tuple[str, str]]]:
    headers = CASE_HEADERS if "经过" in cells else ITEM_HEADERS
    entry, faults = read_row(cells, headers, Place("题库.xlsx", 7))
    assert all((fault.source, fault.line) == ("题库.xlsx", 7) for fault in faults)
    return entry, [(fault.field, fault.kind) for fault in faults]


def test_every_entry_comes_back_from_its_row() -> None:
    entries: list[Entry] = [*sample_bank().items, *sample_bank().cases]
    for entry in entries:
        headers = CASE_HEADERS if isinstance(entry, CaseCard) else ITEM_HEADERS
        assert read_row(as_cells(entry), headers, Place("", 2)) == (entry, [])


@pytest.mark.parametrize("written", ["14", 14, 14.0, "第十四条", "第14条", "十四", " 14 "])
def test_an_article_is_read_however_it_is_written(written: Any) -> None:
    entry, faults = read(row(条=written))
    assert faults == []
    assert entry.articles == (14,)


@pytest.mark.parametrize("written", ["14、9", "14，9", "14 9", "第十四条、第九条", "14;9"])
def test_two_articles_stand_in_their_order(written: str) -> None:
    assert read(row(条=written))[0].articles == (14, 9)


@pytest.mark.parametrize("written", ["单选", "单选题", "单项选择", "单项选择题", "single"])
def test_a_kind_is_read_however_it_is_written(written: str) -> None:
    assert read(row(题型=written))[0].kind == "single"


@pytest.mark.parametrize(
    ("kind", "written", "answer"),
    [
        ("single", "c", 2),
        ("single", " B ", 1),
        ("multiple", "AC", (0, 2)),
        ("multiple", "c、a", (0, 2)),
        ("multiple", "A，C", (0, 2)),
        ("true_false", "√", True),
        ("true_false", True, True),
        ("true_false", False, False),
        ("true_false", "错误", False),
        ("true_false", "F", False),
        ("fill_in", "非法定信道", "非法定信道"),
    ],
)
def test_an_answer_is_read_however_it_is_written(kind: str, written: Any, answer: Any) -> None:
    entry, faults = read(row(kind, 答案=written))
    assert faults == []
    assert entry.answer == answer


def test_a_row_without_an_id_is_known_by_its_number() -> None:
    assert read(row(编号=""))[0].id == "new-7"
    assert read(row("case", 编号=""))[0].id == "new-case-7"


def test_what_may_stand_empty_has_its_default() -> None:
    assert read(row(难度=""))[0].difficulty == 1
    assert read(row("case", 难度="", 分钟=""))[0].minutes == 8
    assert read(row(难度="难"))[0].difficulty == 3
    assert read(row("fill_in", 也算对="甲；乙;丙"))[0].accept == ("甲", "乙", "丙")


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        (row(题型="问答"), [("题型", "unexpected")]),
        (row(条="第十四章"), [("条", "unexpected")]),
        (row(条="第十十条"), [("条", "unexpected")]),
        (row(条=""), [("条", "missing")]),
        (row(答案="E"), [("答案", "unexpected")]),
        (row(答案="AB"), [("答案", "unexpected")]),
        (row(答案=""), [("答案", "missing")]),
        (row("multiple", 答案="A"), [("答案", "unexpected")]),
        (row("multiple", 答案="AA"), [("答案", "unexpected")]),
        (row("true_false", 答案="也许"), [("答案", "unexpected")]),
        (row("true_false", 选项A="是", 选项B="否"), [("选项", "unexpected")]),
        (row("fill_in", 选项A="甲"), [("选项", "unexpected")]),
        (row("fill_in", 题目="没有空"), [("题目", "unexpected")]),
        (row(选项B=""), [("选项B", "missing")]),
        (row(选项C="", 选项D=""), [("选项", "unexpected")]),
        (row(难度="5"), [("难度", "unexpected")]),
        (row(难度="1.5"), [("难度", "unexpected")]),
        (row(难度="²"), [("难度", "unexpected")]),
        (row(原文依据="", 解析=""), [("原文依据", "missing"), ("解析", "missing")]),
        (row(编号="题一"), [("编号", "unexpected")]),
        (row("case", 条="14、9", 原文依据="党员不得擅自"), [("原文依据", "unexpected")]),
        (row("case", 讨论题=""), [("讨论题", "missing")]),
        (row("case", 分钟="很久"), [("分钟", "unexpected")]),
    ],
)
def test_what_cannot_be_read_is_a_fault_of_its_column(cells: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    entry, found = read(cells)
    assert entry is None
    assert [fault for fault in found if fault[0] != "选项" or fault in faults] == faults


def test_one_article_needs_no_label_before_its_quote() -> None:
    entry, faults = read(row("case", 原文依据="党员不得擅自建立"))
    assert faults == []
    assert entry.quotes == {14: "党员不得擅自建立"}


def test_numbers_before_questions_go_and_numbers_in_them_stay() -> None:
    entry, _ = read(row("case", 讨论题="1. 为什么？\n（2）两条路是哪两条？\n3、2024年呢？"))
    assert entry.questions == ("为什么？", "两条路是哪两条？", "2024年呢？")


def test_a_header_row_says_whether_items_or_cases_follow() -> None:
    assert headers_for(["题型", "题目"]) is ITEM_HEADERS
    assert headers_for(["经过"]) is CASE_HEADERS
    assert headers_for(["姓名", "分数"]) is None
    assert missing_columns(ITEM_HEADERS, ["题型", "题目", "条", "答案", "解析"]) == ["原文依据"]


def test_entries_are_of_the_kinds_that_they_were() -> None:
    assert isinstance(read(row())[0], QuizItem)
    assert isinstance(read(row("case"))[0], CaseCard)

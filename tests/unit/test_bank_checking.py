"""The checker: each thing that it looks for is found where it is, and not found where it is not."""

from dataclasses import replace
from typing import Any

import pytest

from knowledge.bank.checking import check, check_counts, near_copies, utf16_length
from knowledge.bank.items import TRUE_FALSE, Bank, QuizItem
from knowledge.model import Regulation
from tests.banking import make_case, make_item, sample_bank


def said(regulation: Regulation, *entries: Any) -> list[tuple[str, str]]:
    """Ids and kinds of all remarks."""
    items = tuple(entry for entry in entries if isinstance(entry, QuizItem))
    cases = tuple(entry for entry in entries if not isinstance(entry, QuizItem))
    return [(remark.id, remark.what) for remark in check(Bank(items, cases), regulation)]


def test_nothing_is_said_of_a_good_bank(conduct: Regulation) -> None:
    assert check(sample_bank(), conduct) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"articles": (32,)}, ["article", "unnamed"]),
        ({"quote": "党员不得擅自建立使用非法定信道"}, ["quote"]),
        ({"quote": "党员应当严格遵守党的保密纪律"}, ["quote"]),
        ({"quote": "境外的网站"}, ["quote_short"]),
        ({"question": "第十四条" + "问" * 297}, ["too_long"]),
        ({"question": "第十四条" + "😀" * 149}, ["too_long"]),
        ({"options": ("非法定信道", "公用信道", "付" * 101)}, ["too_long"]),
        ({"explanation": "第十四条" + "解" * 197}, ["too_long"]),
        ({"explanation": "第十四条\n\n\n。"}, ["line_feeds"]),
        ({"explanation": "写的是非法定信道。"}, ["unnamed"]),
        ({"options": ("非法定信道", "公用信道", "公用信道。")}, ["same_options"]),
        ({"question": "第十四条写的是哪种<b>信道</b>？"}, ["markup"]),
        ({"explanation": "第十四条：**非法定**"}, ["markup"]),
        ({"options": ("=1+1", "公用信道", "付费信道")}, ["markup"]),
    ],
)
def test_what_is_wrong_with_an_item_is_said_with_its_id(
    conduct: Regulation, changes: dict[str, Any], what: list[str]
) -> None:
    assert said(conduct, make_item(**changes)) == [("x14-01", one) for one in what]


def test_lengths_that_just_fit_are_fine(conduct: Regulation) -> None:
    options = ("非" * 100, "公用信道", "付费信道")
    item = make_item(question="第十四条" + "问" * 296, options=options, explanation="第十四条" + "解" * 196)
    assert said(conduct, item) == []
    assert utf16_length("a😀") == 3


def test_a_quote_may_stand_in_either_article(conduct: Regulation) -> None:
    assert said(conduct, make_item(articles=(9, 14))) == []


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("党员在网上看到违法的直播，应当怎么做？", True),
        ("照第十四条，党员应当怎么做？", False),
        ("用了非法定信道浏览的党员，应当怎么做？", False),
        ("党员发现有人违规，应当怎么做？", True),
    ],
)
def test_a_wrong_option_that_another_article_says_needs_a_question_that_names_its_own(
    conduct: Regulation, question: str, found: bool
) -> None:
    options = ("停止使用非法定信道", "及时向有关部门和网络平台举报", "换一个应用程序", "等别人来提醒")
    item = make_item(question=question, options=options)
    assert said(conduct, item) == ([("x14-01", "true_elsewhere")] if found else [])


def test_where_the_exception_is_asked_for_the_right_option_must_be_the_false_one(conduct: Regulation) -> None:
    options = ("严格遵守党的保密纪律", "使用非法定信道", "参与网络迷信活动", "组织网上非法活动")
    asked = "下列哪一项不是党员在网上不得做的事？"
    assert said(conduct, make_item(question=asked, options=options, answer=1)) == []
    assert said(conduct, make_item(question=asked, options=options, answer=0)) == [("x14-01", "true_elsewhere")]


def test_a_statement_to_be_judged_false_does_not_stand_in_the_text(conduct: Regulation) -> None:
    item = make_item("true_false", question="党员不得擅自建立使用非法定信道。")
    assert said(conduct, item) == [("x14-03", "not_false")]
    assert said(conduct, replace(item, answer=True)) == []


@pytest.mark.parametrize(
    ("question", "answer", "what"),
    [
        ("党员不得擅自建立、使用____", "公用信道", ["filled", "fillings"]),
        ("党员不得____建立、使用非法定信道", "擅自", []),
        ("党员不得____", "擅自建立", ["fillings"]),
        ("____不得擅自建立", "党员", []),
        ("境外的____、应用程序等", "网站", []),
    ],
)
def test_a_blank_has_one_filling_and_it_is_the_article_s(
    conduct: Regulation, question: str, answer: str, what: list[str]
) -> None:
    item = make_item("fill_in", question=question, answer=answer, accept=())
    assert [one for _, one in said(conduct, item)] == what


def test_near_copies_are_found_where_they_stand_second(conduct: Regulation) -> None:
    item = make_item()
    copy = replace(item, id="x14-09", question=item.question.replace("看球", "看戏"))
    assert said(conduct, item, copy) == [("x14-09", "copy")]


def test_the_same_question_with_other_options_is_no_copy(conduct: Regulation) -> None:
    item = make_item(question="下列哪一项与第十四条相符？")
    other = replace(item, id="x14-09", options=("党员", "群众", "平台", "网友"), answer=0)
    assert said(conduct, item, other) == []


def test_statements_and_stories_that_are_nearly_the_same_are_copies(conduct: Regulation) -> None:
    item, case = make_item("true_false"), make_case()
    copies = replace(item, id="x-2", answer=True), replace(case, id="c-2", story=case.story + "后来呢？")
    assert said(conduct, item, case, *copies) == [("x-2", "copy"), ("c-2", "copy")]


def test_near_copies_of_nothing_are_none() -> None:
    assert list(near_copies([])) == list(near_copies(["", ""])) == []


def test_an_id_stands_once_among_items_and_cases(conduct: Regulation) -> None:
    assert ("x14-01", "id_twice") in said(conduct, make_item(), make_case(id="x14-01"))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"articles": (14, 9)}, "case_articles"),
        ({"quotes": {14: "党员应当严格遵守"}}, "quote"),
        ({"story": "事" * 3_501}, "too_long"),
        ({"notes": "注" * 3_501}, "too_long"),
        ({"notes": "第十四条 <i>"}, "markup"),
    ],
)
def test_what_is_wrong_with_a_case_is_said(conduct: Regulation, changes: dict[str, Any], what: str) -> None:
    assert said(conduct, make_case(**changes)) == [("xcase-01", what)]


def spread(count: int, **of: Any) -> list[QuizItem]:
    """Items whose questions have nothing in common."""
    kind = of.pop("kind", "single")
    return [
        make_item(kind, id=f"x-{place}", question="第十四条" + chr(0x4E00 + place) * 3, **of) for place in range(count)
    ]


def test_habits_of_the_answers_are_remarked_on_in_a_bank_that_is_large_enough(conduct: Regulation) -> None:
    always_first = spread(60)
    assert {what for name, what in said(conduct, *always_first) if not name} == {"right_place", "longest"}
    assert [what for name, what in said(conduct, *spread(20)) if not name] == []
    all_true = spread(60, kind="true_false", answer=True, options=TRUE_FALSE)
    assert [what for name, what in said(conduct, *all_true) if not name] == ["truths"]
    complete = spread(60, kind="multiple", answer=(0, 1, 2, 3))
    assert [what for name, what in said(conduct, *complete) if not name] == ["all_right"]
    first_two = spread(60, kind="multiple", answer=(0, 1))
    assert [what for name, what in said(conduct, *first_two) if not name] == ["right_share"] * 4


def test_articles_with_too_few_items_are_named(conduct: Regulation) -> None:
    eight = [make_item(id=f"x-{place}") for place in range(8)]
    remarks = check_counts(Bank(tuple(eight)), conduct)
    named = {remark.values["article"] for remark in remarks if remark.what == "few_items"}
    assert named == {article.label for article in conduct.articles} - {"第十四条"}
    assert [remark.what for remark in remarks if remark.what != "few_items"] == ["few_cases"]

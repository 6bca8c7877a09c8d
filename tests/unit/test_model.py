"""Clauses: where an article's text is cut, and that every piece lies where it says."""

import dataclasses

import pytest

from knowledge.library import Library
from knowledge.model import Article, Chapter, Clause, Heading, Regulation, split_clauses
from knowledge.repair import wording


def sentences(text: str) -> list[str]:
    return [clause.text for clause in split_clauses(text)]


def test_one_sentence_is_one_clause() -> None:
    text = "党员应当敢于斗争、善于斗争，对网上各类错误思潮敢于亮剑发声。"
    assert split_clauses(text) == (Clause(1, None, 0, len(text), text),)


def test_every_sentence_is_a_clause_of_its_own() -> None:
    assert split_clauses("建立制度。关心党员！为什么？") == (
        Clause(1, None, 0, 5, "建立制度。"),
        Clause(1, None, 5, 10, "关心党员！"),
        Clause(1, None, 10, 14, "为什么？"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("见《规定》（试行。）后文。", ["见《规定》（试行。）", "后文。"]),
        ("真的吗？！对。", ["真的吗？！", "对。"]),
        ("甲；乙；丙。", ["甲；乙；丙。"]),
        ("没有句号", ["没有句号"]),
        ("甲。乙没有句号", ["甲。", "乙没有句号"]),
        ("“四个意识”、“四个自信”。", ["“四个意识”、“四个自信”。"]),
        ("。", ["。"]),
        ("", []),
    ],
)
def test_quotes_and_brackets_close_with_their_sentence(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_numbered_item_is_one_clause_with_its_number() -> None:
    text = "有下列情形之一的：\n（一）制作。并且传播；\n（二）存储；\n（十一）其他。"
    clauses = split_clauses(text)
    assert [(clause.paragraph, clause.item, clause.text) for clause in clauses] == [
        (1, None, "有下列情形之一的："),
        (1, 1, "（一）制作。并且传播；"),
        (1, 2, "（二）存储；"),
        (1, 11, "（十一）其他。"),
    ]


def test_a_paragraph_after_the_items_is_the_next_paragraph() -> None:
    text = "第一款甲。第一款乙。\n第二款：\n（一）子；\n（二）丑。\n第三款。"
    assert [(clause.paragraph, clause.item) for clause in split_clauses(text)] == [
        (1, None),
        (1, None),
        (2, None),
        (2, 1),
        (2, 2),
        (3, None),
    ]


def test_items_that_open_an_article_belong_to_its_first_paragraph() -> None:
    assert [(clause.paragraph, clause.item) for clause in split_clauses("（一）子；\n（二）丑。")] == [(1, 1), (1, 2)]


@pytest.mark.parametrize("text", ["(一)主办单位", "（一）主办单位", "（一十二）主办单位"])
def test_items_are_known_by_either_bracket(text: str) -> None:
    (clause,) = split_clauses(text)
    assert clause.item in (1, 12)
    assert clause.text == text


@pytest.mark.parametrize(
    "text", ["（试行）的规定。", "（甲）规定。", "（1）规定。", "规定（一）。", "（十十）不是数字。"]
)
def test_brackets_that_hold_no_number_make_no_item(text: str) -> None:
    assert [clause.item for clause in split_clauses(text)] == [None]


def test_the_clauses_of_every_bundled_article_are_where_they_say(bundled_library: Library) -> None:
    seen = 0
    for article_id in bundled_library.article_ids:
        _, article = bundled_library[article_id]
        end = 0
        for clause in article.clauses:
            assert article.text[clause.start : clause.end] == clause.text
            assert clause.start >= end
            end = clause.end
            seen += 1
        assert wording("".join(clause.text for clause in article.clauses)) == wording(article.text)
    assert seen > 31


def test_an_article_knows_its_label_and_what_stands_in_it() -> None:
    article = Article(14, "党员不得擅自。", split_clauses("党员不得擅自。"))
    assert article.label == "第十四条"
    assert article.contains("不得擅自")
    assert not article.contains("不得  擅自")
    assert not article.contains("")


def test_a_chapter_knows_its_label() -> None:
    assert Chapter(Heading(3, "网络行为管理"), ()).label == "第三章 网络行为管理"
    assert Chapter(Heading(12, ""), ()).label == "第十二章"
    assert Chapter(Heading(12, ""), ()).number == 12


def test_nothing_can_be_changed(conduct: Regulation) -> None:
    for thing, name in (
        (conduct, "title"),
        (conduct.articles[0], "text"),
        (conduct.chapters[0], "heading"),
        (conduct.articles[0].clauses[0], "text"),
        (Heading(1, "总则"), "title"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, "")


def test_a_regulation_finds_its_parts_by_number(conduct: Regulation) -> None:
    fourteenth = conduct.article(14)
    assert fourteenth is not None
    assert fourteenth.number == 14
    assert conduct.article(0) is None
    assert conduct.article(32) is None
    third = conduct.chapter(3)
    assert third is not None
    assert third.label == "第三章 网络行为管理"
    assert conduct.chapter(6) is None
    assert conduct.last == 31
    assert conduct.article_id(14) == "party-network-conduct#14"


def test_a_regulation_knows_the_articles_with_an_office(conduct: Regulation) -> None:
    offices = dict(conduct.roles)
    assert offices == {"consequences": 28, "armed_forces": 29, "interpretation": 30, "in_force": 31}
    for name, number in offices.items():
        assert conduct.role(name) is conduct.article(number)
    assert conduct.role("unheard_of") is None


def test_the_name_tells_editions_apart() -> None:
    article = Article(1, "文。", split_clauses("文。"))
    assert Regulation("a", "条例", (), (article,), edition="2018").name == "条例（2018）"
    assert Regulation("a", "条例", (), (article,)).name == "条例"

"""The words that decide: always the article's own, and the right ones where a person would know them."""

import pytest

from knowledge.highlighting import decisive
from knowledge.model import Article, Regulation, split_clauses
from knowledge.normalising import normalise


def article(text: str, number: int = 1) -> Article:
    return Article(number, text, split_clauses(text))


def test_emphasis_is_verbatim_for_every_article_and_question(conduct: Regulation, written_questions: list[str]) -> None:
    step = len(written_questions) // 200
    questions = [normalise(question) for question in written_questions[:: max(step, 1)]][:200]
    emphasised = 0
    for query in questions:
        for candidate in conduct.articles:
            chosen = decisive(candidate, query)
            assert chosen.clause in candidate.clauses
            assert candidate.contains(chosen.clause.text)
            if chosen.emphasis is not None:
                assert chosen.emphasis in chosen.clause.text
                assert chosen.emphasis.strip() == chosen.emphasis != ""
                emphasised += 1
            if chosen.rule is not None:
                assert chosen.rule in chosen.clause.text
    assert len(questions) == 200
    assert emphasised > 200


@pytest.mark.parametrize(
    ("number", "query", "means", "emphasis", "rule"),
    [
        (14, "能翻墙吗", ("非法定信道",), "使用非法定信道浏览", "不得"),
        (15, "工作秘密能发吗", (), "工作秘密", "不得"),
        (12, "匿名诬告", (), "不得匿名诬告", "不得"),
        (19, "直播带货可以吗", (), "直播带货", "不得"),
        (30, "谁负责解释", (), "负责解释", "负责解释"),
        (8, "讲好中国故事", ("讲好中国特色社会主义的故事",), "讲好中国特色社会主义的故事", "鼓励"),
    ],
)
def test_the_words_asked_for_are_emphasised(
    conduct: Regulation, number: int, query: str, means: tuple[str, ...], emphasis: str, rule: str
) -> None:
    candidate = conduct.article(number)
    assert candidate is not None
    chosen = decisive(candidate, normalise(query), means)
    assert chosen.emphasis is not None
    assert emphasis in chosen.emphasis
    assert chosen.rule == rule


def test_the_clause_that_shares_words_wins_over_the_nearest(conduct: Regulation) -> None:
    candidate = conduct.article(24)
    assert candidate is not None
    assert len(candidate.clauses) == 2
    assert decisive(candidate, "遭受网络暴力怎么办", nearest=0).clause is candidate.clauses[1]


def test_the_nearest_clause_stands_where_nothing_is_shared() -> None:
    candidate = article("建立健全制度。遭受威胁的，应当保护。")
    chosen = decisive(candidate, "zzz", nearest=1)
    assert chosen.clause is candidate.clauses[1]
    assert chosen.emphasis is None
    assert chosen.rule == "应当"
    assert decisive(candidate, "zzz").clause is candidate.clauses[0]


def test_a_clause_that_decides_as_a_whole_has_no_emphasis_within() -> None:
    assert decisive(article("严禁造谣传谣。"), "造谣传谣").emphasis is None


@pytest.mark.parametrize(
    ("text", "query", "rule"),
    [
        ("应当遵守规定，不得泄露秘密。", "泄露秘密", "不得"),
        ("应当遵守章程，不得泄露秘密。", "遵守章程", "应当"),
        ("鼓励党员学网。", "学网", "鼓励"),
        ("本条没有标志词。", "标志词", None),
        ("本规定自发布之日起施行。", "zzz", "施行"),
        ("本规定由办公厅负责解释。", "zzz", "负责解释"),
    ],
)
def test_the_kind_of_rule_is_in_the_regulations_own_words(text: str, query: str, rule: str | None) -> None:
    assert decisive(article(text), query).rule == rule


@pytest.mark.parametrize("query", ["", "党", "。", "，，，", "a"])
def test_any_query_has_a_clause(conduct: Regulation, query: str) -> None:
    for candidate in conduct.articles:
        assert decisive(candidate, query).clause in candidate.clauses
    assert len(conduct.articles) == 31

"""One form for queries and indexed texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.library import Library
from knowledge.normalising import normalise, simplify
from knowledge.reading import read_regulation
from tests.factories import FIXTURES


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("能翻墙吗", "能翻墙吗"),
        ("第十四條規定了什麼", "第十四条规定了什么"),
        ("黨員不得傳播謠言", "党员不得传播谣言"),
        ("可以用ＶＰＮ吗？", "可以用vpn吗?"),
        ("Article 12", "article 12"),
        ("  第 14 条\t原文 \n", "第 14 条 原文"),
        ("第\u200b十四\ufeff条", "第十四条"),
        ("第１４条", "第14条"),
        ("STRASSE ß", "strasse ss"),
        ("", ""),
        (" \n\t", ""),
        ("甲\ud800乙", "甲乙"),
        ("一\n二", "一 二"),
    ],
)
def test_what_a_person_types_takes_one_form(text: str, normal: str) -> None:
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [("觀看影片", "观看影片"), ("網路", "网路"), ("黨員", "党员"), ("條", "条"), ("資訊", "资讯")],
)
def test_traditional_characters_become_simplified_ones(traditional: str, simplified: str) -> None:
    assert simplify(traditional) == simplified


@pytest.mark.parametrize(
    "text",
    ["建立制度", "应用程序", "社会主义核心价值观", "著作权", "显著位置", "宣告", "按照程序", "文件", "工作列入计划"],
)
def test_simplified_words_stay(text: str) -> None:
    assert simplify(text) == text


def test_the_words_of_the_regulations_stay(bundled_library: Library) -> None:
    regulations = [*bundled_library, *(read_regulation(path) for path in sorted(FIXTURES.iterdir()))]
    changed = [
        (regulation.name, article.number)
        for regulation in regulations
        for article in regulation.articles
        if simplify(article.text) != article.text
    ]
    assert len(regulations) == 17
    assert changed == []


def test_upper_case_does_not_come_back() -> None:
    assert normalise("存在U盤裡") == normalise("存在U盘里") == "存在u盘里"


def test_normalising_twice_is_normalising_once(written_questions: list[str]) -> None:
    once = [normalise(question) for question in written_questions]
    assert len(once) > 1000
    assert [(text, normalise(text)) for text in once if normalise(text) != text] == []


@given(st.text(max_size=60))
def test_any_text_takes_a_form_without_stray_space(text: str) -> None:
    normal = normalise(text)
    assert normal == " ".join(normal.split())
    normal.encode()

"""An answer as lines of plain text, and as the object that scripts rely on."""

import dataclasses

import pytest

from bot.answering.plain import as_json, as_text
from knowledge.library import Library
from tests.factories import make_answer, make_citation

SECOND = "本规定所称网络行为，是指通过互联网制作、复制、存储、发布、传播文字、图片、音频、视频等信息内容及其相关活动。"
LAST = "本规定自发布之日起施行。"


def test_the_leading_quote_comes_first_then_notes_then_what_else_may_bear_on_it(bundled_library: Library) -> None:
    clause = make_citation(bundled_library, 12, quote="不得匿名诬告")
    others = make_citation(bundled_library, 31), make_citation(bundled_library, 2)
    assert as_text(make_answer(clause, *others, notes=("注一。", "注二。"))).split("\n") == [
        "开头：",
        "“不得匿名诬告”",
        "注一。",
        "注二。",
        "可能还有关的条文：",
        f"第三十一条：“{LAST}”",
        f"第二条：“{SECOND}”",
    ]


def test_one_citation_alone_promises_no_others(bundled_library: Library) -> None:
    assert as_text(make_answer(make_citation(bundled_library, 31))) == f"开头：\n“{LAST}”"


def test_one_article_looked_up_stands_without_its_label_repeated(bundled_library: Library) -> None:
    answer = make_answer(make_citation(bundled_library, 31), mode="lookup", notes=("没有第三十二条。",))
    assert as_text(answer).split("\n") == ["开头：", f"“{LAST}”", "没有第三十二条。"]


def test_several_articles_looked_up_stand_each_behind_its_label(bundled_library: Library) -> None:
    answer = make_answer(make_citation(bundled_library, 2), make_citation(bundled_library, 31), mode="lookup")
    assert as_text(answer).split("\n") == ["开头：", f"第二条：“{SECOND}”", f"第三十一条：“{LAST}”"]


def test_an_abstention_is_its_sentence_and_its_notes() -> None:
    answer = make_answer(status="abstained", reason="out_of_scope", lead="没有写到。", notes=("可以查别处。",))
    assert as_text(answer) == "没有写到。\n可以查别处。"


def test_an_english_reader_gets_english_labels_and_chinese_quotes(bundled_library: Library) -> None:
    citations = make_citation(bundled_library, 2), make_citation(bundled_library, 31)
    answer = make_answer(*citations, language="en", lead="Article 2:")
    assert as_text(answer).split("\n") == [
        "Article 2:",
        f"“{SECOND}”",
        "Articles that may bear on it too:",
        f"Article 31: “{LAST}”",
    ]


def test_braces_and_markup_in_an_answer_stay_what_they_are() -> None:
    assert as_text(make_answer(lead="《{x}》<b>[bold]%s")) == "《{x}》<b>[bold]%s"


def test_the_object_rounds_and_carries_everything(bundled_library: Library) -> None:
    citation = make_citation(bundled_library, 14)
    answer = make_answer(citation, confidence=0.123456, latency_ms=3.14159, question="能\u200b翻墙吗")
    expected = {
        "question": "能\u200b翻墙吗",
        "status": "answered",
        "reason": None,
        "mode": "extractive",
        "confidence": 0.1235,
        "answer": as_text(answer),
        "latency_ms": 3.14,
    }
    entry = as_json(answer)
    assert entry == entry | expected
    cited = {"regulation": "中国共产党党员网络行为规定", "chapter": 3, "article": 14, "quote": citation.quote}
    assert entry["citations"] == [entry["citations"][0] | cited]


@pytest.mark.parametrize("chapter", [None, 7])
def test_a_regulation_without_chapters_has_none_in_the_object(bundled_library: Library, chapter: int | None) -> None:
    citation = make_citation(bundled_library, 14, chapter=chapter)
    assert as_json(make_answer(citation))["citations"][0]["chapter"] == chapter


def test_an_answer_cannot_be_changed_after_it_was_checked(bundled_library: Library) -> None:
    answer = make_answer(make_citation(bundled_library, 14))
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.lead = "别的"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.citations[0].quote = "别的"  # type: ignore[misc]

"""Nothing leaves that does not stand verbatim in its article, whatever stood in the draft."""

import dataclasses
import io
import json
import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.answering.grounding import check
from bot.answering.model import Answer, Claim
from bot.answering.plain import as_json, as_text
from bot.answering.service import Answerer
from bot.bootstrap import join
from bot.errors import GroundingError
from bot.telegram.rendering import render_answer
from bot.telegram.trails import Shelf
from bot.terminal import render as render_for_terminal
from knowledge.assembly import LIBRARY_FOLDER, open_knowledge_base
from knowledge.library import Library
from prompts import load_replies
from tests.botapi.html import parse
from tests.factories import make_answer, make_citation, make_evidence, make_retrieval
from tests.fakes import FakeRetriever

INVENTED = "党员可以按照有关规定翻墙"
WORDS_OF_14 = "党员不得擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等。"


def test_a_true_answer_passes_unchanged(bundled_library: Library) -> None:
    clause = make_citation(bundled_library, 12, quote="不得匿名诬告", emphasis="匿名诬告")
    answer = make_answer(make_citation(bundled_library, 14), clause)
    assert check(answer, bundled_library) is answer


def test_every_article_of_the_library_passes_whole(bundled_library: Library) -> None:
    citations = [make_citation(bundled_library, article.number) for article in bundled_library.principal.articles]
    assert len(citations) == 31
    assert check(make_answer(*citations), bundled_library).citations == tuple(citations)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"quote": INVENTED}, id="invented words"),
        pytest.param({"quote": WORDS_OF_14.replace("不得", "可以")}, id="one word changed"),
        pytest.param({"quote": WORDS_OF_14.replace("，", ",").replace("、", ",")}, id="punctuation changed"),
        pytest.param({"quote": "党员不得……使用境外的网站"}, id="words left out"),
        pytest.param({"quote": WORDS_OF_14 + "违者处分。"}, id="words added"),
        pytest.param({"quote": WORDS_OF_14[:5] + " " + WORDS_OF_14[5:]}, id="a space added"),
        pytest.param({"quote": ""}, id="no words"),
        pytest.param({"article": 13}, id="another article"),
        pytest.param({"article": 32}, id="no such article"),
        pytest.param({"article": 0}, id="article 0"),
        pytest.param({"regulation_id": "elsewhere"}, id="another regulation"),
        pytest.param({"text": WORDS_OF_14 + "违者处分。"}, id="whole text changed"),
        pytest.param({"text": INVENTED, "quote": INVENTED}, id="quote and text alike invented"),
        pytest.param({"label": "第十五条"}, id="another label"),
        pytest.param({"label": "第 14 条"}, id="label in other words"),
        pytest.param({"chapter": 4}, id="another chapter"),
        pytest.param({"chapter": None}, id="no chapter"),
        pytest.param({"chapter_label": "第三章 法律责任"}, id="chapter invented"),
        pytest.param({"regulation": "中国共产党纪律处分条例"}, id="another title"),
        pytest.param({"emphasis": "境外的应用"}, id="emphasis invented"),
        pytest.param({"quote": "党员不得擅自建立", "emphasis": "境外的网站"}, id="emphasis outside the quote"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_does_not_stand_there_is_refused_wherever_it_is(
    bundled_library: Library, changes: dict[str, Any], place: int
) -> None:
    citations = [make_citation(bundled_library, 28)]
    citations.insert(place, make_citation(bundled_library, 14, **changes))
    with pytest.raises(GroundingError):
        check(make_answer(*citations), bundled_library)


@pytest.mark.parametrize(
    "changes", [{"quote": INVENTED}, {"article": 13}, {"label": "第十五条"}, {"regulation": "刑法"}]
)
def test_a_claim_is_refused_with_what_it_cites(bundled_library: Library, changes: dict[str, Any]) -> None:
    good = make_citation(bundled_library, 14)
    claim = Claim("一句话。", make_citation(bundled_library, 14, **changes))
    with pytest.raises(GroundingError):
        check(make_answer(good, mode="generative", claims=(claim,)), bundled_library)


def test_a_claim_never_stands_without_its_article_beside_it(bundled_library: Library) -> None:
    claim = Claim("一句话。", make_citation(bundled_library, 14))
    beside = make_answer(make_citation(bundled_library, 14), mode="generative", claims=(claim,))
    assert check(beside, bundled_library) is beside
    for changes in ({"citations": (make_citation(bundled_library, 28),)}, {"mode": "extractive"}, {"claims": ()}):
        with pytest.raises(GroundingError):
            check(dataclasses.replace(beside, **changes), bundled_library)


def test_the_refusal_names_the_article_and_not_the_words(bundled_library: Library) -> None:
    with pytest.raises(GroundingError, match="party-network-conduct#14") as caught:
        check(make_answer(make_citation(bundled_library, 14, quote=INVENTED)), bundled_library)
    assert INVENTED not in str(caught.value)


@pytest.mark.parametrize(("quote", "emphasis"), [(INVENTED, None), (WORDS_OF_14, INVENTED), (INVENTED, INVENTED)])
def test_an_answer_that_would_misquote_is_withheld(
    bundled_library: Library, caplog: pytest.LogCaptureFixture, quote: str, emphasis: str | None
) -> None:
    good, bad = make_evidence(bundled_library, 28), make_evidence(bundled_library, 14, quote, emphasis=emphasis)
    for found in (make_retrieval(bad), make_retrieval(good, bad), make_retrieval(bad, good)):
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            answer = Answerer(bundled_library, FakeRetriever(found), load_replies()).answer_now("小王能翻墙吗")
        assert (answer.status, answer.reason, answer.citations) == ("unavailable", "failed", ())
        assert as_text(answer) == load_replies()["zh"]("unavailable.failed")
        shown = [
            json.dumps(as_json(answer), ensure_ascii=False),
            on_telegram(answer, bundled_library),
            on_screen(answer),
        ]
        for text in (*shown, str(dataclasses.asdict(answer)), caplog.text):
            assert INVENTED not in text
        assert "GroundingError" in caplog.text
        assert "小王" not in caplog.text


def on_telegram(answer: Answer, library: Library) -> str:
    return parse(render_answer(answer, Shelf(library))).text


def on_screen(answer: Answer) -> str:
    console = Console(file=io.StringIO(), record=True, width=100)
    console.print(render_for_terminal(answer))
    return console.export_text()


def test_an_english_reader_is_told_in_english(bundled_library: Library) -> None:
    found = make_retrieval(make_evidence(bundled_library, 14, INVENTED))
    answer = Answerer(bundled_library, FakeRetriever(found), load_replies()).answer_now("can I use a VPN?")
    assert as_text(answer) == load_replies()["en"]("unavailable.failed")


def test_the_same_evidence_quoted_rightly_is_shown(bundled_library: Library) -> None:
    found = make_retrieval(make_evidence(bundled_library, 14, WORDS_OF_14, emphasis="境外的网站"))
    answer = Answerer(bundled_library, FakeRetriever(found), load_replies()).answer_now("能翻墙吗")
    assert (answer.status, answer.citations[0].quote) == ("answered", WORDS_OF_14)
    assert WORDS_OF_14 in on_telegram(answer, bundled_library)


def test_a_regulation_of_several_editions_is_quoted_by_each(tmp_path: Path) -> None:
    folder = tmp_path / LIBRARY_FOLDER
    folder.mkdir()
    for year, words in (("2018", "每周值班一次"), ("2023", "每月值班一次")):
        lines = (f"机关值班暂行规定 {year}", f"第一条 工作人员应当{words}。", "第二条 本规定自发布之日起施行。")
        (folder / f"机关值班暂行规定_{year}.txt").write_text("\n".join(lines), encoding="utf-8")
    with closing(open_knowledge_base(tmp_path)) as knowledge:
        answerer = join(knowledge)
        answers = {
            question: answerer.answer_now(question)
            for question in (
                "机关值班暂行规定第一条",
                "2018年的机关值班暂行规定第一条",
                "机关值班暂行规定怎么说值班几次",
            )
        }
    assert [answer.status for answer in answers.values()] == ["answered"] * 3, answers
    newest, older, searched = (answer.citations[0] for answer in answers.values())
    assert (newest.regulation, newest.quote) == ("机关值班暂行规定（2023）", "工作人员应当每月值班一次。")
    assert (older.regulation, older.quote) == ("机关值班暂行规定（2018）", "工作人员应当每周值班一次。")
    assert searched.regulation == newest.regulation

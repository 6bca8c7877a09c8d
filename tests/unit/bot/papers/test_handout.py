"""The handout opened again and read: Word, PDF, workbook."""

from io import BytesIO
from typing import Any

import docx
import pytest

from bot.training.model import Asked
from bot.training.papers.files import handout_files
from bot.training.papers.handout import handout, percent
from bot.training.papers.pdf import write_pdf
from bot.training.papers.word import write_docx
from bot.training.papers.workbook import write_results
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_case, make_item
from tests.printing import (
    CHINA,
    MULTIPLE,
    closely,
    docx_lines,
    make_results,
    opened_book,
    pdf_pages,
    pdf_text,
)

SAY = load_replies()["zh"]


_known: dict[str, tuple[str, str]] = {}


def both(regulation: Regulation, **changes: Any) -> tuple[str, str]:
    """The words of the Word file and of the PDF, without breaks; written once for the same results."""
    results = make_results(**changes)
    if repr(results) not in _known:
        document = handout(results, regulation, SAY, CHINA)
        word, pdf = write_docx(document, SAY), write_pdf(document, SAY)
        _known[repr(results)] = (closely("".join(docx_lines(word))), pdf_text(pdf))
    return _known[repr(results)]


def test_it_tells_what_happened_in_order(conduct: Regulation) -> None:
    for words in both(conduct, teams=("红队",)):
        parts = [
            "训练讲义",
            "2026年11月22日",
            "14:05–14:53",
            "57人答题",
            "一、议程",
            "二、案例",
            "三、测验",
            "四、结果",
        ]
        parts += ["五、大家问的", "六、引用的条文"]
        places = [words.find(part) for part in parts]
        assert -1 not in places
        assert places == sorted(places)


def test_articles_cited_stand_there_to_the_letter(conduct: Regulation) -> None:
    cited = [conduct.article(number) for number in (12, 14, 15)]
    for words in both(conduct):
        for article in cited:
            assert article is not None
            assert closely(article.text) in words


def test_deciding_words_are_bold(conduct: Regulation) -> None:
    file = docx.Document(BytesIO(write_docx(handout(make_results(), conduct, SAY, CHINA), SAY)))
    (paragraph,) = [one for one in file.paragraphs if one.text.startswith("第十四条　")]
    assert "不得擅自建立、使用非法定信道" in [run.text for run in paragraph.runs if run.bold]
    assert any(not run.bold for run in paragraph.runs)


def test_a_question_has_its_answer_its_share_and_its_words(conduct: Regulation) -> None:
    for words in both(conduct):
        assert "答案：B40人答，30人答对（75%）" in words
        assert "〔第十二条〕“不得匿名诬告、有意陷害或者制造其他谣言”" in words
        assert "答案：ABC38人答〔" in words  # anonymous, several answers: nobody can know who was right


def test_the_facilitators_notes_stay_with_the_facilitator(conduct: Regulation) -> None:
    for words in both(conduct):
        assert "小李写了一封匿名信。" in words
        assert "两边都说得通" not in words


def test_names_stand_there_of_those_alone_who_agreed(conduct: Regulation) -> None:
    for words in both(conduct, people=("张伟",)):
        assert "张伟" in words
        assert closely(SAY("paper.people_note")) in words
    for words in both(conduct):
        assert "记名的人" not in words
        assert closely(SAY("paper.anonymous_note")) in words


def test_what_was_asked_stands_there_once_with_the_articles_that_answered(conduct: Regulation) -> None:
    asked = (Asked("能翻墙吗？", (14,)), Asked("能翻墙吗？", (14,)), Asked("今天几号？"))
    for words in both(conduct, asked=asked):
        assert words.count("能翻墙吗？") == 1
        assert "能翻墙吗？〔第十四条〕" in words
        assert "今天几号？" in words


def test_results_by_article_are_a_chart_with_its_figures(conduct: Regulation) -> None:
    results = make_results()
    document = handout(results, conduct, SAY, CHINA)
    assert "75%（76/101）" in pdf_text(write_pdf(document, SAY))
    file = docx.Document(BytesIO(write_docx(document, SAY)))
    (picture,) = file.inline_shapes
    assert picture._inline.docPr.get("descr") == "各条题目答对的份额：第十二条 75%（76/101）"


def test_a_session_in_which_nothing_was_asked_is_told_too(conduct: Regulation) -> None:
    for words in both(conduct, items=(), cases=(), asked=()):
        assert "一、议程" in words
        assert "测验" not in words
        assert "二、" not in words


def test_a_session_in_which_nobody_answered_has_no_chart(conduct: Regulation) -> None:
    for words in both(conduct, items=((make_item(), 0, 0), (MULTIPLE, 0, None))):
        assert SAY("paper.bars_none") in words
        assert "没有人答" in words


def test_an_article_that_the_regulation_lacks_is_left_out(conduct: Regulation) -> None:
    case = make_case(articles=(99,), quotes={99: "没有这一条"})
    for words in both(conduct, cases=[case], asked=(Asked("？", (99,)),)):
        assert "〔99〕" in words


def test_english_frames_quote_in_chinese(conduct: Regulation) -> None:
    say = load_replies()["en"]
    words = pdf_text(write_pdf(handout(make_results(language="en"), conduct, say, CHINA), say))
    assert "1.Agenda" in words
    assert "[Article12]“不得匿名诬告" in words
    assert "2026-11-22" in words


def test_every_page_is_numbered(conduct: Regulation) -> None:
    many = [(make_item(f"q{number}"), 10, 5) for number in range(20)]
    document = handout(make_results(many), conduct, SAY, CHINA)
    pages = pdf_pages(write_pdf(document, SAY))
    assert len(pages) > 2
    for number, words in enumerate(pages, start=1):
        assert f"第{number}页，共{len(pages)}页" in words
    footer = docx.Document(BytesIO(write_docx(document, SAY))).sections[0].footer._element.xml
    assert 'w:instr="PAGE"' in footer
    assert 'w:instr="NUMPAGES"' in footer


def test_the_fonts_of_a_pdf_are_embedded_and_cut(conduct: Regulation) -> None:
    content = write_pdf(handout(make_results(), conduct, SAY, CHINA), SAY)
    assert b"/FontFile3" in content
    assert len(content) < 400_000


def test_the_workbook_holds_the_figures(conduct: Regulation) -> None:
    book = opened_book(write_results(make_results(people=("张伟",), teams=("红队",)), conduct, SAY, CHINA))
    assert book.sheetnames == ["概况", "逐题", "逐条", "提问", "榜"]
    assert book["概况"]["B4"].value == 57
    assert [cell.value for cell in book["逐题"][2]][:8] == [
        1, "单选", "第十二条", "第十二条说，不得怎样诬告？（q1）", "B", 40, 30, 0.75,
    ]  # fmt: skip
    assert book["逐题"]["H2"].number_format == "0%"
    assert (book["逐题"]["G3"].value, book["逐题"]["H3"].value) == (None, None)
    assert [cell.value for cell in book["逐条"][2]] == ["第十二条", 3, 101, 76, 76 / 101]
    assert [cell.value for cell in book["榜"][2]] == ["队", 1, "红队", 71.67, 7, 0.8]
    assert [cell.value for cell in book["榜"][3]] == ["人", 1, "张伟", 50, 5, 0.5]
    assert book["榜"]["F3"].number_format == "General"


def test_without_names_there_is_no_board(conduct: Regulation) -> None:
    assert "榜" not in opened_book(write_results(make_results(), conduct, SAY, CHINA)).sheetnames


@pytest.mark.parametrize("words", ["=1+1", "+cmd", "-2", "@SUM(A1)", "＝1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(conduct: Regulation, words: str) -> None:
    results = make_results(asked=(Asked(words),), people=(words,))
    book = opened_book(write_results(results, conduct, SAY, CHINA))
    for cell in (book["提问"]["A2"], book["榜"]["C2"]):
        assert (cell.value, cell.data_type, cell.quotePrefix) == (words, "s", True)


def test_the_files_are_named_by_day(conduct: Regulation) -> None:
    files = handout_files(make_results(), conduct, SAY, CHINA)
    assert [file.name for file in files] == [f"训练讲义-2026-11-22.{kind}" for kind in ("docx", "pdf", "xlsx")]


@pytest.mark.parametrize(("right", "asked", "share"), [(0, 0, 0), (1, 3, 33), (2, 3, 67), (1, 8, 13), (5, 5, 100)])
def test_shares_are_rounded_half_up(right: int, asked: int, share: int) -> None:
    assert percent(right, asked) == share

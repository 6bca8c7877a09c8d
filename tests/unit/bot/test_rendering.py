"""Answers as Telegram HTML: what leads, what is bold, what is folded away, and how everything fits one message."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.answering.composing import cite_article
from bot.answering.model import Answer, Claim
from bot.answering.service import Answerer
from bot.telegram.rendering import (
    FOLDED_AFTER,
    MAX_MESSAGE_UTF16,
    Frame,
    deciding_sentence,
    render_answer,
    render_article,
    render_below,
    render_chapter,
    render_contents,
    render_found,
    safe,
    utf16_length,
)
from bot.telegram.trails import Bold, Shelf, Trail
from knowledge.library import Library
from prompts import load_replies
from tests.botapi.entities import Formatted, piece
from tests.botapi.html import parse
from tests.factories import make_answer, make_citation, make_regulation

ZH, EN = load_replies()["zh"], load_replies()["en"]
FOURTEEN = "党员不得擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等。"
QUESTIONS = [
    "能翻墙吗",
    "翻墙被抓了怎么处分",
    "组织要不要管党员上网",
    "给主播刷礼物行不行",
    "被网暴了组织管不管",
    "能妄议中央吗",
    "网上看到违规信息怎么办",
    "第十四条",
    "第三章",
    "第1到31条",
    "目录",
    "第三十二条",
    "什么时候发布的",
    "你好",
    "党费怎么交",
    "can I use a VPN?",
    "chapter 3",
    "《<b>x</b>&》第三条",
    "",
]
ANSWERED = [*QUESTIONS[:7], "can I use a VPN?"]


@pytest.fixture(scope="module")
def shelf(bundled_library: Library) -> Shelf:
    return Shelf(bundled_library)


def words(formatted: Formatted, kind: str) -> list[str]:
    """The text under every entity of a kind."""
    return [piece(formatted.text, entity) for entity in formatted.entities if entity["type"] == kind]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_an_answer_is_its_lead_and_the_article_folded_with_the_deciding_clause_in_bold(
    answerer: Answerer, shelf: Shelf
) -> None:
    markup = render_answer(answerer.answer_now("能翻墙吗"), shelf)
    assert markup == (f"第十四条写的是“不得”：\n<blockquote expandable>〔第十四条〕<b>{FOURTEEN}</b></blockquote>")


def test_articles_that_bear_on_it_stand_in_the_same_fold_and_notes_below(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("翻墙被抓了怎么处分")
    message = parse(render_answer(answer, shelf))
    (folded,) = words(message, "expandable_blockquote")
    assert len(answer.citations) > 1
    assert folded.split("\n") == [f"〔{citation.label}〕{citation.text}" for citation in answer.citations]
    assert message.text.endswith("\n".join((folded, *answer.notes)))


def test_words_that_the_fold_would_hide_are_said_above_it(answerer: Answerer, shelf: Shelf) -> None:
    message = parse(render_answer(answerer.answer_now("给主播刷礼物行不行"), shelf))
    assert message.text.split("\n")[:2] == ["第十七条写的是“自觉抵制”：", "……直播打赏……"]
    assert words(message, "bold") == ["直播打赏", "直播打赏"]


def test_the_deciding_sentence_of_several_is_said_whole(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("被网暴了组织管不管")
    message = parse(render_answer(answer, shelf))
    assert answer.citations[0].quote != answer.citations[0].text
    assert message.text.split("\n")[1] == answer.citations[0].quote
    assert words(message, "bold")[0] == answer.citations[0].quote


@pytest.mark.parametrize("question", ANSWERED)
def test_the_deciding_words_show_without_unfolding(answerer: Answerer, shelf: Shelf, question: str) -> None:
    answer = answerer.answer_now(question)
    message = parse(render_answer(answer, shelf))
    head, _, rest = message.text.partition("〔")
    bold = words(message, "bold")[0]
    shown = rest[: FOLDED_AFTER + len("第二十八条〕")]
    assert bold in head or bold in shown


def test_a_brief_answer_is_the_deciding_sentence_alone(answerer: Answerer, shelf: Shelf) -> None:
    assert render_answer(answerer.answer_now("能翻墙吗"), shelf, brief=True) == (
        f"第十四条写的是“不得”：\n<b>{FOURTEEN}</b>"
    )
    for question in ANSWERED:
        message = parse(render_answer(answerer.answer_now(question), shelf, brief=True))
        assert words(message, "expandable_blockquote") == []
        assert len(message.text) < 250


def test_an_article_looked_up_stands_under_its_title(answerer: Answerer, shelf: Shelf) -> None:
    assert render_answer(answerer.answer_now("第十四条"), shelf) == (
        f"<b>第十四条</b>　第三章 网络行为管理\n<blockquote>{FOURTEEN}</blockquote>"
    )


def test_a_lead_that_says_more_than_the_article_stays(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("什么时候施行")
    assert answer.lead in parse(render_answer(answer, shelf)).text


def test_a_note_below_a_look_up_stands_outside_the_quote(answerer: Answerer, shelf: Shelf) -> None:
    message = parse(render_answer(answerer.answer_now("第十四条和第三十二条"), shelf))
    assert message.text.endswith("\n没有第三十二条：全文共31条。")
    assert "没有" not in words(message, "blockquote")[0]


def test_a_chapter_is_one_fold(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("第三章")
    (folded,) = words(parse(render_answer(answer, shelf)), "expandable_blockquote")
    assert folded.split("\n") == [f"〔{citation.label}〕{citation.text}" for citation in answer.citations]


@pytest.mark.parametrize("question", ["目录", "第三十二条", "你好", "党费怎么交"])
def test_an_answer_without_articles_is_plain(answerer: Answerer, shelf: Shelf, question: str) -> None:
    answer = answerer.answer_now(question)
    message = parse(render_answer(answer, shelf))
    assert message.entities == []
    assert message.text == "\n".join((answer.lead, *answer.notes))


def test_trouble_is_one_plain_sentence(shelf: Shelf) -> None:
    answer = make_answer(status="unavailable", reason="failed", lead="出错了。")
    assert render_answer(answer, shelf) == "出错了。"


def test_an_english_reader_gets_an_english_frame_around_the_chinese_text(answerer: Answerer, shelf: Shelf) -> None:
    message = parse(render_answer(answerer.answer_now("can I use a VPN?"), shelf))
    assert message.text == f"Article 14 says “不得”:\n〔Article 14〕{FOURTEEN}"


def test_what_a_language_model_says_is_not_followed_by_a_sentence_of_the_text(
    bundled_library: Library, shelf: Shelf
) -> None:
    citation = make_citation(bundled_library, 10, emphasis="妄议党中央大政方针")
    answer = make_answer(citation, lead="不可以。\n〔第十条〕不允许妄议。", mode="generative")
    head = parse(render_answer(answer, shelf)).text.partition("\n〔第十条〕党员")[0]
    assert head == "不可以。\n〔第十条〕不允许妄议。"


def spoken(library: Library, *numbers: int, **changes: Any) -> Answer:
    """An answer of one claim for each article."""
    citations = tuple(
        make_citation(library, number, quote=library.principal.articles[number - 1].text[:12]) for number in numbers
    )
    claims = tuple(Claim(f"第{place}句<话>。", citation) for place, citation in enumerate(citations, start=1))
    fields: dict[str, Any] = {"mode": "generative", "lead": "照条文看：", "claims": claims, "open": ("某事",)}
    return make_answer(*citations, **(fields | changes))


def test_claims_name_their_articles_and_what_is_left_open_comes_last(bundled_library: Library, shelf: Shelf) -> None:
    answer = spoken(bundled_library, 14, 28, understood="能翻墙吗，违反了会怎样", notes=("一注。",))
    message = parse(render_answer(answer, shelf))
    head, tail = message.text.split("\n")[:4], message.text.split("\n")[-2:]
    assert head == [
        "按“能翻墙吗，违反了会怎样”来答：",
        "照条文看：",
        "第1句<话>。〔第十四条〕",
        "第2句<话>。〔第二十八条〕",
    ]
    assert tail == ["一注。", "条文没有写明：某事。"]
    (folded,) = words(message, "expandable_blockquote")
    assert folded.split("\n") == [f"〔{citation.label}〕{citation.text}" for citation in answer.citations]
    assert words(message, "bold") == [citation.quote for citation in answer.citations]


def test_a_brief_answer_has_its_quotes_beside_its_claims(bundled_library: Library, shelf: Shelf) -> None:
    answer = spoken(bundled_library, 14)
    quote = answer.citations[0].quote
    lines = parse(render_answer(answer, shelf, brief=True)).text.split("\n")
    assert lines == ["照条文看：", f"第1句<话>。（第十四条：“{quote}”）", "条文没有写明：某事。"]


def test_claims_stay_above_while_one_pages_through_articles(bundled_library: Library, shelf: Shelf) -> None:
    answer = spoken(bundled_library, 14, 28)
    markup, trail = render_answer(answer, shelf), Trail.of(answer, shelf)
    at = shelf.article("", 15)
    assert at is not None
    below = render_below(Frame.of(markup, article_shown=False), trail, *at, shelf)
    assert "第1句&lt;话&gt;。〔第十四条〕" in below
    assert "条文没有写明：某事。" in below
    assert render_found(Frame.of(below, article_shown=True), trail, shelf, brief=False) == markup


def test_where_articles_have_no_room_the_words_quoted_from_each_still_stand(
    bundled_library: Library, shelf: Shelf
) -> None:
    citations = [
        make_citation(
            bundled_library, number, text="前" * 3000 + f"不得第{number}件" + "后" * 500, quote=f"不得第{number}件"
        )
        for number in (14, 28)
    ]
    claims = tuple(Claim("一句话。", citation) for citation in citations)
    markup = render_answer(make_answer(*citations, mode="generative", claims=claims), shelf)
    assert utf16_length(markup) <= MAX_MESSAGE_UTF16
    assert words(parse(markup), "bold") == ["不得第14件", "不得第28件"]


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_real_answer_is_one_message_that_parses(
    answerer: Answerer, shelf: Shelf, question: str, brief: bool
) -> None:
    markup = render_answer(answerer.answer_now(question), shelf, brief=brief)
    assert utf16_length(markup) <= MAX_MESSAGE_UTF16
    message = parse(markup)
    assert message.text.strip()
    open_lines = re.sub(r"<blockquote expandable>.*?</blockquote>", "", markup, flags=re.S).split("\n")
    assert sum(max(-(-len(line) // 20), 1) for line in open_lines) <= 30, "longer than a phone's screen"


@pytest.mark.parametrize("question", ANSWERED)
def test_from_the_answer_to_articles_and_back_again(answerer: Answerer, shelf: Shelf, question: str) -> None:
    answer = answerer.answer_now(question)
    markup, trail = render_answer(answer, shelf), Trail.of(answer, shelf)
    shown, paged = markup, False
    for number in (trail.leading.number, trail.leading.number % 31 + 1, 3):
        at = shelf.article("", number)
        assert at is not None
        shown = render_below(Frame.of(shown, article_shown=paged), trail, *at, shelf)
        paged = True
        message = parse(shown)
        assert message.text.count(at[1].text) >= 1
        assert answer.lead.partition("（")[0].partition(" (")[0] in message.text.split("\n")[0]
        assert all(note in message.text for note in answer.notes)
    back = render_found(Frame.of(shown, article_shown=True), trail, shelf, brief=False)
    assert back == markup


def test_the_way_back_to_a_brief_answer(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("能翻墙吗")
    markup, trail = render_answer(answer, shelf, brief=True), Trail.of(answer, shelf)
    at = shelf.article("", 15)
    assert at is not None
    below = render_below(Frame.of(markup, article_shown=False), trail, *at, shelf)
    assert below.count(FOURTEEN) == 1
    assert render_found(Frame.of(below, article_shown=True), trail, shelf, brief=True) == markup


def test_a_long_article_is_folded_and_one_beyond_a_message_is_cut(bundled_library: Library, shelf: Shelf) -> None:
    for length, cut in ((100, False), (400, False), (9000, True)):
        text = "党员&不得<为>。" * (length // 9)
        article = type(bundled_library.principal.articles[0])(1, text, ())
        markup = render_article(bundled_library.principal, article, ZH, shelf)
        assert utf16_length(markup) <= MAX_MESSAGE_UTF16
        message = parse(markup)
        assert bool(words(message, "expandable_blockquote")) == (length > 300)
        assert message.text.endswith("……") == cut


def test_many_articles_fill_one_message_and_no_more(bundled_library: Library, shelf: Shelf) -> None:
    citations = [make_citation(bundled_library, article.number) for article in bundled_library.principal.articles] * 10
    markup = render_answer(make_answer(*citations, mode="lookup"), shelf)
    assert 3500 < utf16_length(markup) <= MAX_MESSAGE_UTF16
    assert parse(markup).text.endswith("……")


def test_contents_name_every_chapter_with_its_articles(bundled_library: Library) -> None:
    assert render_contents(bundled_library.principal, ZH).split("\n")[3] == "第三章 网络行为管理（第九条至第二十一条）"
    assert (
        render_contents(bundled_library.principal, EN).split("\n")[3]
        == "Chapter 3: 网络行为管理 (Article 9 to Article 21)"
    )


def test_a_chapter_by_itself_is_folded_under_its_title(bundled_library: Library, shelf: Shelf) -> None:
    chapter = bundled_library.principal.chapters[-1]
    message = parse(render_chapter(bundled_library.principal, chapter, ZH, shelf))
    assert words(message, "bold") == ["第五章 附则（第二十九条至第三十一条）"]
    assert "〔第三十一条〕本规定自发布之日起施行。" in words(message, "expandable_blockquote")[0]


@pytest.mark.parametrize(
    ("bold", "whole", "expected"),
    [
        (Bold(0, 4), True, "<b>甲乙丙丁</b>，戊己。"),
        (Bold(9, 2), True, "庚<b>辛壬</b>。"),
        (Bold(0, 4), False, "<b>甲乙丙丁</b>……"),
        (Bold(5, 2), False, "……<b>戊己</b>……"),
        (Bold(0, 11), True, "<b>甲乙丙丁，戊己。庚辛壬</b>。"),
        (Bold(0, 0), True, "甲乙丙丁，戊己。"),
    ],
)
def test_the_deciding_sentence_runs_from_mark_to_mark(bold: Bold, whole: bool, expected: str) -> None:
    assert deciding_sentence("甲乙丙丁，戊己。庚辛壬。", bold, whole=whole) == expected


def test_markup_in_a_regulation_stays_text(bundled_library: Library, shelf: Shelf) -> None:
    text = "不得</b></blockquote><a href='http://e.org'>点</a>&amp;。"
    citation = make_citation(bundled_library, 14, text=text, quote=text, label="第<i>条")
    message = parse(render_answer(make_answer(citation, lead="<u>头</u>", notes=("<s>注</s>",)), shelf))
    assert message.text.startswith("<u>头</u>\n")
    assert message.text.endswith("\n<s>注</s>")
    assert text in message.text
    assert {entity["type"] for entity in message.entities} == {"bold", "expandable_blockquote"}


def test_a_name_with_markup_stays_text_in_an_answer(answerer: Answerer, shelf: Shelf) -> None:
    message = parse(render_answer(answerer.answer_now("《<b>x</b>&》第三条"), shelf))
    assert "《<b>x</b>&》" in message.text
    assert message.entities == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("甲\ud83d乙", "甲乙"),
        ("甲\x00乙", "甲乙"),
        ("甲\u202e乙\u202c", "甲乙"),
        ("甲\u2066乙\u2069", "甲乙"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("مرحبا 14", "مرحبا 14"),
    ],
)
def test_what_telegram_refuses_or_what_turns_a_line_round_is_left_out(text: str, kept: str) -> None:
    assert parse(safe(text)).text == kept


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("甲a", 2), ("😀", 2), ("\ud83d", 1), ("👨‍👩‍👧", 8), ("\uffff", 1)]
)
def test_length_counts_utf16_units(text: str, length: int) -> None:
    assert utf16_length(text) == length == len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_another_regulation_is_named_beside_its_article(bundled_library: Library, tmp_path: Path) -> None:
    other = make_regulation(tmp_path, title="另一规定")
    both = Library((bundled_library.principal, other))
    markup = render_answer(make_answer(cite_article(other, other.articles[1])), Shelf(both))
    assert "〔《另一规定》第二条〕" in markup
    assert render_article(other, other.articles[1], ZH, Shelf(both)).startswith("<b>第二条</b>　《另一规定》\n")

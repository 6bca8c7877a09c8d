"""Answers as Telegram HTML: what is bold, what is folded away, and how a long one is cut."""

import re

import pytest

from bot.answering.model import Answer
from bot.answering.service import Answerer
from bot.telegram.rendering import MAX_MESSAGE_UTF16, join_blocks, render, render_text, utf16_length
from knowledge.library import Library
from tests.botapi.entities import Formatted, piece
from tests.botapi.html import parse
from tests.factories import make_answer, make_citation

QUESTIONS = [
    "能翻墙吗",
    "翻墙被抓了怎么处分",
    "组织要不要管党员上网",
    "第十四条",
    "第三章",
    "第1到31条",
    "目录",
    "第三十二条",
]
QUESTIONS += ["你好", "党费怎么交", "can I use a VPN?", "chapter 3", "《<b>x</b>&》第三条", ""]


def words(formatted: Formatted, kind: str) -> list[str]:
    """The text under every entity of a kind."""
    return [piece(formatted.text, entity) for entity in formatted.entities if entity["type"] == kind]


def visible(messages: list[str]) -> str:
    return "\n".join(parse(message).text for message in messages)


def squeezed(text: str) -> str:
    return "".join(text.split())


def only(messages: list[str]) -> Formatted:
    (message,) = messages
    return parse(message)


def test_the_deciding_clause_is_bold_and_the_articles_are_folded_away(answerer: Answerer) -> None:
    answer = answerer.answer_now("翻墙被抓了怎么处分")
    message = only(render(answer))
    lead, bold, *notes, folded = message.text.split("\n", 2 + len(answer.notes))
    assert (lead, bold, tuple(notes)) == (answer.lead, answer.citations[0].quote, answer.notes)
    assert words(message, "bold") == [answer.citations[0].quote]
    assert words(message, "expandable_blockquote") == [folded]
    assert folded.split("\n") == [f"〔{citation.label}〕{citation.text}" for citation in answer.citations]
    assert len(message.entities) == 2


def test_an_article_looked_up_is_quoted_open(answerer: Answerer) -> None:
    answer = answerer.answer_now("第十四条")
    message = only(render(answer))
    assert message.text == f"{answer.lead}\n{answer.citations[0].text}"
    assert words(message, "blockquote") == [answer.citations[0].text]


def test_a_note_below_a_look_up_stands_outside_the_quote(answerer: Answerer) -> None:
    message = only(render(answerer.answer_now("第十四条和第三十二条")))
    assert message.text.endswith("\n没有第三十二条：全文共31条。")
    assert "没有" not in words(message, "blockquote")[0]


def test_a_chapter_looked_up_is_folded_article_by_article(answerer: Answerer) -> None:
    answer = answerer.answer_now("第三章")
    message = only(render(answer))
    assert words(message, "bold") == [citation.label for citation in answer.citations]
    assert words(message, "expandable_blockquote") == [citation.text for citation in answer.citations]


def test_paragraphs_of_an_article_stay_in_one_quote(bundled_library: Library) -> None:
    text = "第一款。\n（一）甲；\n（二）乙。"
    message = only(render(make_answer(make_citation(bundled_library, 14, text=text, quote=text), mode="lookup")))
    assert words(message, "blockquote") == [text]


@pytest.mark.parametrize("question", ["目录", "第三十二条", "你好", "党费怎么交"])
def test_an_answer_without_articles_is_plain(answerer: Answerer, question: str) -> None:
    answer = answerer.answer_now(question)
    message = only(render(answer))
    assert message.entities == []
    assert message.text == "\n".join((answer.lead, *answer.notes))


def test_trouble_is_one_plain_sentence() -> None:
    answer = make_answer(status="unavailable", reason="failed", lead="出错了。")
    assert render(answer) == ["出错了。"]


def test_an_english_reader_gets_english_labels(answerer: Answerer) -> None:
    message = only(render(answerer.answer_now("can I use a VPN?")))
    assert words(message, "expandable_blockquote")[0].startswith("〔Article 14〕党员不得")
    assert words(only(render(answerer.answer_now("chapter 2"))), "bold") == [f"Article {n}" for n in (5, 6, 7, 8)]


@pytest.mark.parametrize("limit", [200, 333, 1000, MAX_MESSAGE_UTF16])
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_real_answer_fits_parses_and_is_whole(answerer: Answerer, question: str, limit: int) -> None:
    answer = answerer.answer_now(question)
    messages = render(answer, limit)
    assert messages
    for message in messages:
        assert utf16_length(message) <= limit
        assert parse(message).text.strip()
    assert squeezed(visible(messages)) == squeezed(expected_text(answer))


def expected_text(answer: Answer) -> str:
    """Everything that must be visible, in order."""
    english = answer.language == "en"
    labels = [f"Article {citation.article}" if english else citation.label for citation in answer.citations]
    texts = [citation.text for citation in answer.citations]
    if answer.mode == "lookup" or not texts:
        several = len(texts) > 1
        shown = [part for label, text in zip(labels, texts, strict=True) for part in ([label] * several + [text])]
        return "".join((answer.lead, *shown, *answer.notes))
    folded = [f"〔{label}〕{text}" for label, text in zip(labels, texts, strict=True)]
    return "".join((answer.lead, answer.citations[0].quote, *answer.notes, *folded))


def test_a_chapter_longer_than_a_message_is_cut_between_or_within_articles(answerer: Answerer) -> None:
    answer = answerer.answer_now("第三章")
    messages = render(answer, 400)
    assert len(messages) > 3
    bold = [label for message in messages for label in words(parse(message), "bold")]
    assert bold == [citation.label for citation in answer.citations]
    quoted = [text for message in messages for text in words(parse(message), "expandable_blockquote")]
    assert "".join(quoted) == "".join(citation.text for citation in answer.citations)


def test_the_whole_regulation_ten_times_over_is_sent_in_order(bundled_library: Library) -> None:
    citations = [make_citation(bundled_library, article.number) for article in bundled_library.principal.articles] * 10
    answer = make_answer(*citations, mode="lookup")
    messages = render(answer)
    assert len(messages) > 5
    assert all(3000 < utf16_length(message) <= MAX_MESSAGE_UTF16 for message in messages[:-1])
    assert squeezed(visible(messages)) == squeezed(expected_text(answer))


def test_a_label_does_not_end_a_message_without_its_article(answerer: Answerer) -> None:
    messages = render(answerer.answer_now("第三章"), 400)
    assert len(messages) > 3
    assert [message for message in messages if message.endswith("</b>")] == []


def test_a_cut_falls_at_the_end_of_a_sentence_where_one_is_near() -> None:
    sentences = [f"这是第{number}句话，说得不长也不短。" for number in range(100)]
    messages = render_text("".join(sentences), 200)
    assert len(messages) > 5
    assert all(message.endswith("。") for message in messages)
    assert "".join(messages) == "".join(sentences)


@pytest.mark.parametrize(
    ("text", "limit"), [("😀" * 300, 200), ("字" * 999, 200), ("&" * 500, 200), ("<" * 500, 201), ("a😀&" * 200, 203)]
)
def test_no_cut_splits_a_character_or_an_escape(text: str, limit: int) -> None:
    messages = render_text(text, limit)
    assert "".join(parse(message).text for message in messages) == text
    assert all(limit - 10 < utf16_length(message) <= limit for message in messages[:-1])


def test_what_looks_like_markup_stays_text() -> None:
    text = '<b>粗</b> <a href="tg://user?id=1">x</a> &lt;i&gt; </blockquote> <!-- -->'
    assert only(render_text(text)) == Formatted(text, [])


def test_a_name_with_markup_stays_text_in_an_answer(answerer: Answerer) -> None:
    message = only(render(answerer.answer_now("《<b>x</b>&》第三条")))
    assert "《<b>x</b>&》" in message.text
    assert message.entities == []


def test_markup_in_a_regulation_stays_text(bundled_library: Library) -> None:
    text = "党员不得</b></blockquote><a href='http://example.org'>点这里</a>&amp;。"
    citation = make_citation(bundled_library, 14, text=text, quote=text, label="第<i>条")
    message = only(render(make_answer(citation, lead="<u>头</u>", notes=("<s>注</s>",))))
    assert message.text == f"<u>头</u>\n{text}\n<s>注</s>\n〔第<i>条〕{text}"
    assert [entity["type"] for entity in message.entities] == ["bold", "expandable_blockquote"]


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
    assert only(render_text(text)).text == kept


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "\ud800"])
def test_nothing_is_not_sent(text: str) -> None:
    assert render_text(text) == []


def test_line_feeds_and_empty_lines_are_kept() -> None:
    assert render_text("甲\n\n乙\n丙") == ["甲\n\n乙\n丙"]


@pytest.mark.parametrize("limit", [0, 10, 15, 22])
def test_a_limit_without_room_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=re.escape(str(limit - 7))):
        join_blocks([("<b>", "甲", "</b>")], limit)


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("甲a", 2), ("😀", 2), ("\ud83d", 1), ("👨‍👩‍👧", 8), ("\uffff", 1)]
)
def test_length_counts_utf16_units(text: str, length: int) -> None:
    assert utf16_length(text) == length == len(text.encode("utf-16-le", "surrogatepass")) // 2

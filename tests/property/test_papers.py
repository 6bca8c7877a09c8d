"""Whatever people type, papers can be written and opened again, and no text becomes anything else."""

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.training.model import Asked
from bot.training.papers.document import one_line, printable
from bot.training.papers.faces import MISSING, faces_for
from bot.training.papers.handout import handout
from bot.training.papers.layout import BOTTOM, MARGIN, PAGE, Text, lay_out
from bot.training.papers.lines import break_lines, may_break, offsets
from bot.training.papers.pdf import write_pdf
from bot.training.papers.word import write_docx
from bot.training.papers.workbook import write_results
from knowledge.library import load_library
from prompts import load_replies
from tests.factories import make_case, make_fill_in, make_item
from tests.printing import CHINA, closely, docx_lines, make_results, opened_book, pdf_text

SAY = load_replies()["zh"]
PIECES = [
    "<b>", "</w:t>", "&amp;", "]]>", "=cmd|'/c'!A1", "@SUM(1)", "(", ")Tj", "\\", "%", "a" * 200, "党员", "。", "“",
    "\x00", "\x1b[31m", "\x7f", "\u202e", "\u200f", "\u2066", "\ufe0f", "\ud800", "\uffff", "\U0010ffff", "\ue000",
    "\r\n", "\n", "\t", "\u2028", "\xa0", "\u3000", "……", "——", "\U00020bb7", "مرحبا", "שלום", "😀", "👨‍👩‍👧", "🇨🇳",
    "e\u0301", "\u0301" * 30,
]  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=12).map("".join)


@given(text=hostile, room=st.integers(2, 30))
@example(text="。" * 40, room=5)
@example(text="“" * 40, room=5)
def test_lines_lose_nothing_but_blanks_at_their_ends(text: str, room: int) -> None:
    lines = break_lines(text, lambda _: 1.0, room, room)
    assert "".join("".join(text[start:end] for start, end in lines).split()) == "".join(text.split())
    for (_, end), (start, _) in pairwise(lines):
        assert end <= start
    for start, end in lines:
        assert offsets(text[start:end], lambda _: 1.0)[1] <= max(room, 1.0)


@given(text=st.text("党员应当，。、；：“”《》（）——……abc 12", max_size=80))
def test_a_line_begins_and_ends_as_chinese_lines_do_wherever_it_can(text: str) -> None:
    lines = break_lines(text, lambda _: 1.0, 20, 20)
    for (_, _), (start, _) in pairwise(lines):
        before = text[:start].rstrip()
        possible = any(may_break(text[place - 1], text[place]) for place in range(max(start - 18, 1), start))
        if before and text[start - 1] != "\n" and possible:
            assert may_break(text[start - 1], text[start])


@given(text=hostile)
def test_what_is_printable_can_stand_in_any_file(text: str) -> None:
    shown = printable(text)
    assert not set(shown) & set("\x00\x1b\x7f\u202e\u2066\ud800\uffff\ue000\t\r\u2028")
    assert "\n" not in one_line(text)
    assert printable(shown) == shown


@settings(max_examples=15)
@given(words=hostile, name=hostile)
@example(words="", name="")
@example(words="\n" * 30 + "。" * 300, name="\u0301" * 500)
def test_papers_hold_whatever_is_typed(words: str, name: str) -> None:
    regulation = load_library().principal
    item = make_item(question=words or "？", options=(words, name, "丙"), explanation=words, quote=words)
    results = make_results(
        ((item, 10, 5), (make_fill_in(answer=words), 3, 1)),
        cases=[make_case(title=words, story=words, questions=(words, name), quotes={12: words})],
        asked=(Asked(words, (12,)),),
        people=(name,),
        teams=(words,),
        title=words,
    )
    document = handout(results, regulation, SAY, CHINA)
    kept = "".join(docx_lines(write_docx(document, SAY)))
    assert closely(one_line(words)) in closely(kept)
    pages = lay_out(document, faces_for("", system=False))
    assert pages
    for placed in (placed for page in pages for placed in page):
        assert placed.top + placed.row.height <= PAGE[1] - BOTTOM + 0.01
        assert all(mark.x <= PAGE[0] - MARGIN for mark in placed.row.marks if isinstance(mark, Text))
    book = opened_book(write_results(results, regulation, SAY, CHINA))
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


@settings(max_examples=8)
@given(words=hostile)
@example(words="问" * 10_000)
@example(words="x" * 10_000)
@example(words="<b>党员</b> &amp; (x)Tj \\ 百分之%d")
def test_a_pdf_shows_every_character_or_the_mark_for_it(words: str) -> None:
    results = make_results((), cases=(), asked=(Asked(f"始{words}终"),))
    text = pdf_text(write_pdf(handout(results, load_library().principal, SAY, CHINA), SAY))
    assert "始" in text
    assert "终" in text
    plainly = [character for character in one_line(words) if character.isascii() or "一" <= character <= "鿿"]
    assert not [character for character in plainly if not character.isspace() and character not in text]
    assert MISSING not in text or "U+" in text

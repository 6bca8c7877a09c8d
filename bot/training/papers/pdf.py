"""A Document -> PDF, its fonts embedded and cut to what is used."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.training.papers.document import Bars, Block, Choices, Document, Heading, Paragraph, Table, Together
from bot.training.papers.faces import MISSING, Faces, faces_for
from bot.training.papers.layout import FOOTER_Y, GREY, MARGIN, PAGE, POINT, Box, Placed, Text, lay_out
from prompts import Replies

if TYPE_CHECKING:
    from fpdf import FPDF

MOST_TOLD: Final = 12
_FOOTER_SIZE: Final = 8.5
_STROKE: Final = 0.028
"""How much thicker bold strokes are than others, of a character's width: one font does for both."""
_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))


def write_pdf(document: Document, say: Replies, made_at: datetime | None = None) -> bytes:
    """The paper as a PDF; a remark at its end says which characters no font at hand could show.

    Takes some tenths of a second: call it in a thread.
    """
    from fpdf import FPDF

    used = "".join([document.title, document.subtitle, document.footer, *document.closing, *_texts(document.blocks)])
    faces = faces_for(set(used + MISSING + say("paper.page", page=0, pages=0) + "0123456789"))
    told = _with_remark(document, used, faces, say)
    pages = lay_out(told, faces)
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.set_title(document.title)
    pdf.set_lang("zh-CN" if document.language == "zh" else "en")
    pdf.set_creator("wanggui")
    if made_at is not None:
        pdf.set_creation_date(made_at)
    for number, face in enumerate(faces.faces):
        pdf.add_font(_family(number), fname=str(face.path), collection_font_number=face.number)
    for number, page in enumerate(pages, start=1):
        pdf.add_page()
        for placed in page:
            _draw(pdf, placed)
        _draw_footer(pdf, document.footer, say("paper.page", page=number, pages=len(pages)), faces)
    return bytes(pdf.output())


def _with_remark(document: Document, used: str, faces: Faces, say: Replies) -> Document:
    lost = sorted({character for character in used if character != "\n" and faces.place(character) is None})
    if not lost:
        return document
    codes = "、".join(f"U+{ord(character):04X}" for character in lost[:MOST_TOLD])
    remark = say("paper.missing", mark=MISSING, codes=codes + ("……" if len(lost) > MOST_TOLD else ""))
    return replace(document, closing=(*document.closing, remark))


def _texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Heading():
                yield block.text
            case Paragraph():
                yield block.label
                yield from (run.text for run in block.words)
            case Choices():
                yield from block.options
            case Bars():
                yield from (bar.label + bar.words for bar in block.rows)
            case Table():
                yield from ("".join(cells) for cells in (block.head, *block.rows))
            case Together():
                yield from _texts(block.blocks)


def _draw(pdf: "FPDF", placed: Placed) -> None:
    if placed.row.outline:
        pdf.set_y(placed.top)
        pdf.start_section(*placed.row.outline, strict=False)
    for mark in placed.row.marks:
        if isinstance(mark, Box):
            pdf.set_fill_color(f"#{mark.colour}")
            pdf.rect(mark.x, placed.top + mark.y, mark.width, mark.height, style="F")
        else:
            _write(pdf, mark, placed.top)


def _write(pdf: "FPDF", mark: Text, top: float) -> None:
    from fpdf.enums import TextMode

    pdf.set_font(_family(mark.face), size=mark.size)
    pdf.set_text_color(f"#{mark.colour}")
    pdf.set_char_spacing(mark.spacing)
    if not mark.bold:
        pdf.text(mark.x, top + mark.y, _as_seen(mark.text))
        return
    pdf.set_draw_color(f"#{mark.colour}")
    with pdf.local_context(text_mode=TextMode.FILL_STROKE, line_width=mark.size * _STROKE):
        pdf.text(mark.x, top + mark.y, _as_seen(mark.text))


def _draw_footer(pdf: "FPDF", footer: str, page: str, faces: Faces) -> None:
    em = _FOOTER_SIZE * POINT
    width = em * sum(map(faces.width, page))
    room = PAGE[0] - 2 * MARGIN - width - 6 * em
    kept = footer
    while kept and em * sum(map(faces.width, kept)) > room:
        kept = kept[:-1]
    for x, words in ((MARGIN, kept if kept == footer else f"{kept}…"), (PAGE[0] - MARGIN - width, page)):
        shown = "".join(character if faces.place(character) == 0 else MISSING for character in words)
        _write(pdf, Text(x, FOOTER_Y, shown, 0, _FOOTER_SIZE, colour=GREY), 0.0)


def _as_seen(text: str) -> str:
    """Words of scripts that run from right to left, in the order in which they are drawn."""
    if not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return text
    from fpdf.bidi import BidiParagraph

    return BidiParagraph(text).get_reordered_string()


def _family(number: int) -> str:
    return f"paper{number}"

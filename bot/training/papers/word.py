"""A Document -> a Word file that can be edited: real headings, lists of options on tab stops, page numbers.

Its fonts are named, not embedded: whoever has Word has 宋体 and 黑体, or is given others in their place.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bot.training.papers.charts import draw_bars
from bot.training.papers.document import (
    Bars,
    Block,
    Choices,
    Document,
    Heading,
    Paragraph,
    Table,
    Together,
    Tone,
    lettered,
)
from bot.training.papers.layout import BLUE, GREY, INK, MARGIN, PAGE, columns_for
from prompts import Replies

if TYPE_CHECKING:
    from docx.document import Document as WordFile
    from docx.text.paragraph import Paragraph as WordParagraph

_EM_PT: Final = 10.5
_HANG: Final = 1.75
_WIDTH_MM: Final = PAGE[0] - 2 * MARGIN
_BODY, _HEAD, _LATIN = "宋体", "黑体", "Times New Roman"
_STYLES: Final[Mapping[Tone, str]] = {"plain": "", "quiet": "Quiet", "quote": "Cited"}
_FONT_THEMES: Final = ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme")
_COLOUR_THEMES: Final = ("themeColor", "themeShade", "themeTint")
_FIELDS: Final = {"{PAGE}": "PAGE", "{NUMPAGES}": "NUMPAGES"}


def write_docx(document: Document, say: Replies, made_at: datetime | None = None) -> bytes:
    """The paper as a Word file on A4."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    file = docx.Document()
    _set_up(file, document, made_at)
    file.add_paragraph(document.title, "Title")
    subtitle = file.add_paragraph(document.subtitle, "Quiet")
    subtitle.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for block in document.blocks:
        _add(file, block)
    for remark in document.closing:
        file.add_paragraph(remark, "Quiet")
    _add_footer(file, document.footer, say("paper.page", page="{PAGE}", pages="{NUMPAGES}"))
    written = BytesIO()
    file.save(written)
    return written.getvalue()


def _add(file: "WordFile", block: Block) -> None:
    match block:
        case Heading():
            file.add_heading(block.text, block.level)
        case Paragraph():
            _add_paragraph(file, block)
        case Choices():
            list(_add_choices(file, block))
        case Bars():
            _add_bars(file, block)
        case Table():
            _add_table(file, block)
        case Together():
            _add_together(file, block)


def _add_together(file: "WordFile", together: Together) -> None:
    paragraphs: list[WordParagraph] = []
    for block in together.blocks:
        paragraphs += _add_choices(file, block) if isinstance(block, Choices) else [_add_paragraph(file, block)]
    from docx.shared import Pt

    paragraphs[0].paragraph_format.space_before = Pt(6)
    for paragraph in paragraphs[:-1]:
        paragraph.paragraph_format.keep_with_next = True


def _add_paragraph(file: "WordFile", paragraph: Paragraph) -> "WordParagraph":
    from docx.shared import Pt

    added = file.add_paragraph()
    if style := _STYLES[paragraph.tone]:
        added._p.style = style  # by its name python-docx searches all styles, 3 ms
    shape = added.paragraph_format
    left = paragraph.indent + (0.6 if paragraph.tone == "quote" else 0.0)
    if paragraph.label:
        added.add_run(f"{paragraph.label}\t")
        shape.left_indent, shape.first_line_indent = Pt((left + _HANG) * _EM_PT), Pt(-_HANG * _EM_PT)
    elif left or paragraph.first:
        shape.left_indent, shape.first_line_indent = Pt(left * _EM_PT), Pt(paragraph.first * _EM_PT)
    for run in paragraph.words:
        added.add_run(run.text).bold = run.bold or None
    if paragraph.leads:
        shape.keep_with_next = True
    return added


def _add_choices(file: "WordFile", choices: Choices) -> "Iterator[WordParagraph]":
    from docx.shared import Pt

    room = _WIDTH_MM / 25.4 * 72 / _EM_PT - _HANG
    columns = columns_for(choices.options, room)
    options = [f"{letter}. {option}" for letter, option in lettered(choices.options)]
    for start in range(0, len(options), columns):
        added = file.add_paragraph("\t".join(options[start : start + columns]))
        added.paragraph_format.left_indent = Pt((_HANG + (1.5 if columns == 1 else 0)) * _EM_PT)
        if columns == 1:
            added.paragraph_format.first_line_indent = Pt(-1.5 * _EM_PT)
        for place in range(1, columns):
            added.paragraph_format.tab_stops.add_tab_stop(Pt((_HANG + place * room / columns) * _EM_PT))
        yield added


def _add_bars(file: "WordFile", bars: Bars) -> None:
    from docx.shared import Mm

    shape = file.add_picture(BytesIO(draw_bars(bars)), width=Mm(_WIDTH_MM))
    figures = "；".join(f"{bar.label} {bar.words}" for bar in bars.rows)
    shape._inline.docPr.set("descr", f"{bars.title}：{figures}")


def _add_table(file: "WordFile", table: Table) -> None:
    from docx.oxml import OxmlElement
    from docx.shared import Mm

    added = file.add_table(rows=0, cols=len(table.head), style="Table Grid")
    for number, cells in enumerate((table.head, *table.rows)):
        row = added.add_row()
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if number == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for place, words in enumerate(cells):
            cell = row.cells[place]
            cell.width = Mm(table.widths[place] * _WIDTH_MM)
            cell.paragraphs[0].add_run(words).bold = number == 0


def _set_up(file: "WordFile", document: Document, made_at: datetime | None) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    section = file.sections[0]
    section.page_width, section.page_height = Mm(PAGE[0]), Mm(PAGE[1])
    section.left_margin = section.right_margin = Mm(MARGIN)
    section.top_margin, section.bottom_margin = Mm(20), Mm(22)
    at = (made_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    properties = file.core_properties
    properties.title, properties.author, properties.comments = document.title[:255], "wanggui", ""
    properties.created = properties.modified = at
    properties.language = "zh-CN" if document.language == "zh" else "en"
    normal = _styled(file.styles["Normal"], _BODY, _EM_PT)
    normal.paragraph_format.line_spacing, normal.paragraph_format.space_after = 1.35, Pt(2)
    normal.paragraph_format.widow_control = True
    title = _styled(file.styles["Title"], _HEAD, 20, bold=True)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _rule(title, None)
    for level, size in ((1, 14), (2, 11.5)):
        heading = _styled(file.styles[f"Heading {level}"], _HEAD, size, bold=True)
        heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(22 - 6 * level), Pt(4)
    quiet = file.styles.add_style("Quiet", WD_STYLE_TYPE.PARAGRAPH)
    quiet.base_style = normal
    _styled(quiet, _BODY, 9, colour=GREY)
    quote = file.styles.add_style("Cited", WD_STYLE_TYPE.PARAGRAPH)
    quote.base_style = normal
    _rule(_styled(quote, _BODY, _EM_PT), BLUE)


def _styled(style: Any, font: str, size: float, *, bold: bool = False, colour: str = INK) -> Any:
    """Word takes Chinese from a font of its own, which python-docx names nowhere."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.name, style.font.size, style.font.bold = _LATIN, Pt(size), bold
    style.font.color.rgb = RGBColor.from_string(colour.upper())
    properties = style.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for element, themes in ((fonts, _FONT_THEMES), (properties.find(qn("w:color")), _COLOUR_THEMES)):
        for name in themes:  # a theme's font or colour would win over ours
            element.attrib.pop(qn(f"w:{name}"), None)
    fonts.set(qn("w:eastAsia"), font)
    return style


def _rule(style: Any, colour: str | None) -> None:
    """Take away the rule that a style comes with; with a colour, set one at its left instead."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = style.element.get_or_add_pPr()
    for old in properties.findall(qn("w:pBdr")):
        properties.remove(old)
    if colour is None:
        return
    borders, left = OxmlElement("w:pBdr"), OxmlElement("w:left")
    for name, value in (("val", "single"), ("sz", "12"), ("space", "8"), ("color", colour.upper())):
        left.set(qn(f"w:{name}"), value)
    borders.append(left)
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:kinsoku", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _add_footer(file: "WordFile", footer: str, page: str) -> None:
    """Words at the left, the page's number at the right: fields, which Word fills in."""
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    below = file.sections[0].footer.paragraphs[0]
    below.style = file.styles["Quiet"]
    below.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    below.add_run(f"{footer}\t")
    for part in re.split(r"(\{(?:PAGE|NUMPAGES)\})", page):
        if part in _FIELDS:
            _add_field(below, _FIELDS[part])
        else:
            below.add_run(part)


def _add_field(paragraph: "WordParagraph", code: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run, shown = OxmlElement("w:r"), OxmlElement("w:t")
    shown.text = "1"
    run.append(shown)
    field.append(run)
    paragraph._p.append(field)

"""A Document -> pages of A4: rows of text, boxes and lines, each at its place. Pure, given the fonts.

Everything becomes rows; a row that is `glued` stays on the page of the next one. So headings stay with their text, a
question with its options, and no paragraph leaves a single line on a page. Lengths are millimetres, sizes points.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.training.papers.document import (
    Bars,
    Block,
    Choices,
    Document,
    Heading,
    Paragraph,
    Table,
    Together,
    lettered,
    plain,
)
from bot.training.papers.faces import MISSING, Faces
from bot.training.papers.lines import break_lines, em_width, is_squeezed, offsets

PAGE: Final = (210.0, 297.0)
MARGIN: Final = 22.0
TOP, BOTTOM = 20.0, 22.0
FOOTER_Y: Final = 285.0
POINT: Final = 25.4 / 72
INK, GREY, PALE, BLUE = "1f2933", "5b6672", "e6ebf0", "2f6fb3"
_WIDTH: Final = PAGE[0] - 2 * MARGIN
_ROOM: Final = PAGE[1] - TOP - BOTTOM
_BODY, _SMALL, _TITLE, _FIRST, _SECOND = 10.5, 9.0, 20.0, 14.0, 11.5
_LEADING: Final = 1.62
_HANG: Final = 1.75
"""How far a numbered paragraph is indented, and a question's options below it."""
_LOOSEST: Final = 3.0
"""How many widths of a Chinese character a line may lack and still be spread over the whole measure."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words in one font: `x` from the left edge, `y` of the base line below the row's top; `face` among the faces.

    `spacing` is what stands between two characters, in points.
    """

    x: float
    y: float
    text: str
    face: int
    size: float
    bold: bool = False
    colour: str = INK
    spacing: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; `y` below the row's top."""

    x: float
    y: float
    width: float
    height: float
    colour: str


Mark = Text | Box


@dataclass(frozen=True, slots=True)
class Row:
    """A stripe of a page; `above` is blank space, which is left out at the top of a page. `outline` names a heading."""

    height: float
    marks: tuple[Mark, ...] = ()
    glued: bool = False
    above: float = 0.0
    outline: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and where its top is, from the page's upper edge."""

    top: float
    row: Row


@dataclass(frozen=True, slots=True)
class _Measure:
    """Where words stand and how they look."""

    left: float
    width: float
    size: float = _BODY
    colour: str = INK
    leading: float = _LEADING
    spread: bool = True
    centred: bool = False


def lay_out(document: Document, faces: Faces) -> list[list[Placed]]:
    """The pages, one at least."""
    setter = _Setter(faces)
    rows = [
        *setter.words(plain(document.title), _Measure(MARGIN, _WIDTH, _TITLE, spread=False, centred=True), bold=True),
        *setter.words(
            plain(document.subtitle), _Measure(MARGIN, _WIDTH, _SMALL, GREY, spread=False, centred=True), above=1.5
        ),
        Row(0.35, (Box(MARGIN, 0, _WIDTH, 0.35, BLUE),), above=3.0),
        Row(2.0),
    ]
    for block in document.blocks:
        rows += setter.block(block)
    closing = [row for remark in document.closing for row in setter.block(plain(remark, tone="quiet"))]
    if closing:
        rows += [
            Row(0.25, (Box(MARGIN, 0, _WIDTH, 0.25, PALE),), glued=True, above=5.0),
            Row(1.0, glued=True),
            *closing,
        ]
    return list(paginate(rows))


def paginate(rows: Iterable[Row]) -> Iterator[list[Placed]]:
    """Rows one below the other; glued ones go to the next page together, unless they would fill more than one."""
    page: list[Placed] = []
    y = TOP
    for chunk in _chunks(rows):
        height = sum(row.above + row.height for row in chunk)
        if page and y + height > TOP + _ROOM and height - chunk[0].above <= _ROOM:
            yield page
            page, y = [], TOP
        for row in chunk:
            if page and y + row.above + row.height > TOP + _ROOM:
                yield page
                page, y = [], TOP
            y += row.above if page else 0.0
            page.append(Placed(y, row))
            y += row.height
    yield page


def columns_for(options: Sequence[str], room: float) -> int:
    """How many options stand side by side in so many widths of a Chinese character: all of them, two, or one."""
    widest = max(map(em_width, options), default=0.0) + 3.0
    return next((columns for columns in (len(options), 2) if columns and widest * columns <= room), 1)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if not row.glued:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class _Setter:
    """Sets blocks as rows."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def block(self, block: Block) -> list[Row]:
        match block:
            case Heading():
                return self._heading(block)
            case Paragraph():
                return self._paragraph(block)
            case Choices():
                return self._choices(block)
            case Bars():
                return self._bars(block)
            case Table():
                return self._table(block)
            case Together():
                return self._together(block)

    def words(self, paragraph: Paragraph, measure: _Measure, *, bold: bool = False, above: float = 0.0) -> list[Row]:
        """A paragraph's lines; the first two stay together, and so do the last two."""
        text = "".join(run.text for run in paragraph.words)
        weights = [bold or run.bold for run in paragraph.words for _ in run.text]
        em = measure.size * POINT
        room, first = measure.width / em, paragraph.first
        lines = break_lines(text, self._faces.width, room - first, room)
        rows = []
        for number, (start, end) in enumerate(lines):
            indent = first if number == 0 else 0.0
            goes_on = number + 1 < len(lines) and "\n" not in text[end : lines[number + 1][0]]
            spread = measure.spread and goes_on
            shape = replace(measure, left=measure.left + indent * em, width=measure.width - indent * em, spread=spread)
            glued = len(lines) > 1 and number in (0, len(lines) - 2)
            marks = tuple(self._line(text[start:end], weights[start:end], shape))
            rows.append(Row(em * measure.leading, marks, glued, above if number == 0 else 0.0))
        return rows

    def _line(self, text: str, weights: Sequence[bool], measure: _Measure) -> Iterator[Text]:
        em = measure.size * POINT
        places, width = offsets(text, self._faces.width)
        lacking = measure.width - em * width
        spread = measure.spread and len(text) > 1 and 0 < lacking <= _LOOSEST * em
        gap = lacking / (len(text) - 1) if spread else 0.0
        left = measure.left + (lacking / 2 if measure.centred else 0.0)
        y = em * (measure.leading / 2 + 0.37)
        for (face, bold), (start, end) in self._pieces(text, weights):
            shown = text[start:end] if face is not None else MISSING * (end - start)
            x = left + em * places[start] + gap * start
            yield Text(x, y, shown, face or 0, measure.size, bold, measure.colour, gap / POINT)

    def _pieces(self, text: str, weights: Sequence[bool]) -> Iterator[tuple[tuple[int | None, bool], tuple[int, int]]]:
        start = 0
        keys = [(self._faces.place(character), weight) for character, weight in zip(text, weights, strict=True)]
        for place in range(1, len(text) + 1):
            if place == len(text) or keys[place] != keys[start] or is_squeezed(text[place - 1], text[place]):
                yield keys[start], (start, place)
                start = place

    def _heading(self, heading: Heading) -> list[Row]:
        if heading.level == 1:
            size, left, above = _FIRST, MARGIN + 4.0, 7.0
        else:
            size, left, above = _SECOND, MARGIN, 4.5
        measure = _Measure(left, _WIDTH - (left - MARGIN), size, spread=False)
        rows = [replace(row, glued=True) for row in self.words(plain(heading.text), measure, bold=True, above=above)]
        head = replace(rows[0], outline=(heading.text, heading.level - 1))
        if heading.level == 1:
            bar = Box(MARGIN, head.height * 0.18, 1.3, head.height * 0.64, BLUE)
            head = replace(head, marks=(bar, *head.marks))
        return [head, *rows[1:], Row(1.2, glued=True)]

    def _paragraph(self, paragraph: Paragraph) -> list[Row]:
        quiet = paragraph.tone == "quiet"
        size, colour = (_SMALL, GREY) if quiet else (_BODY, INK)
        em = size * POINT
        left = MARGIN + paragraph.indent * em
        beside = 4.0 if paragraph.tone == "quote" else 0.0
        hang = max(em_width(paragraph.label) + 0.25, _HANG) * em if paragraph.label else 0.0
        measure = _Measure(left + beside + hang, _WIDTH - (left - MARGIN) - beside - hang, size, colour)
        rows = self.words(paragraph, measure, above=0.6)
        if paragraph.label:
            label = self._line(
                paragraph.label, [False] * len(paragraph.label), replace(measure, left=left, spread=False)
            )
            rows[0] = replace(rows[0], marks=(*label, *rows[0].marks))
        if paragraph.tone == "quote":
            rows = [replace(row, marks=(Box(left + 1.0, 0, 0.7, row.height, PALE), *row.marks)) for row in rows]
        return [replace(row, glued=True) for row in rows] if paragraph.leads else rows

    def _choices(self, choices: Choices) -> list[Row]:
        em = _BODY * POINT
        left = MARGIN + _HANG * em
        room = _WIDTH - _HANG * em
        columns = columns_for(choices.options, room / em)
        cell = room / columns
        options = lettered(choices.options)
        rows: list[Row] = []
        for start in range(0, len(options), columns):
            cells = [
                self._paragraph_at(option, f"{letter}.", left + place * cell, cell)
                for place, (letter, option) in enumerate(options[start : start + columns])
            ]
            rows += _beside(cells, em * _LEADING)
        return [replace(row, glued=row is not rows[-1]) for row in rows]

    def _paragraph_at(self, text: str, label: str, left: float, width: float) -> list[Row]:
        em = _BODY * POINT
        hang = 1.5 * em
        measure = _Measure(left + hang, width - hang, spread=False)
        rows = self.words(plain(text), measure)
        marks = self._line(label, [False] * len(label), replace(measure, left=left))
        return [replace(rows[0], marks=(*marks, *rows[0].marks)), *rows[1:]]

    def _bars(self, bars: Bars) -> list[Row]:
        em = _BODY * POINT
        height = em * _LEADING
        names = min(max(em_width(bar.label) for bar in bars.rows) * em + 3.0, _WIDTH / 3)
        figures = max(em_width(bar.words) for bar in bars.rows) * em * _SMALL / _BODY + 4.0
        track = _WIDTH - names - figures
        rows = [Row(1.0, glued=True)]
        for bar in bars.rows:
            boxes = [Box(MARGIN + names, height * 0.2, track, height * 0.6, PALE)]
            if bar.share > 0:
                boxes.append(Box(MARGIN + names, height * 0.2, track * bar.share, height * 0.6, BLUE))
            label = self._one_line(bar.label, _Measure(MARGIN, names))
            words = self._one_line(bar.words, _Measure(MARGIN + names + track + 3.0, figures, _SMALL, GREY), height)
            rows.append(Row(height, (*boxes, *label, *words), glued=bar is not bars.rows[-1]))
        return rows

    def _one_line(self, text: str, measure: _Measure, height: float | None = None) -> Iterator[Text]:
        """A line in the middle of a row of that height."""
        own = measure.size * POINT * measure.leading
        for mark in self._line(text, [False] * len(text), replace(measure, spread=False)):
            yield mark if height is None else replace(mark, y=mark.y + (height - own) / 2)

    def _table(self, table: Table) -> list[Row]:
        em = _BODY * POINT
        lines = [
            self._table_row(cells, table.widths, bold=number == 0)
            for number, cells in enumerate((table.head, *table.rows))
        ]
        ruled = []
        for number, rows in enumerate(lines):
            rule = Row(0.3, (Box(MARGIN, 0, _WIDTH, 0.25, GREY if number == 0 else PALE),), glued=number == 0)
            ruled += [*(replace(row, glued=True) for row in rows), rule]
        return [Row(em * 0.3, glued=True), *ruled]

    def _table_row(self, cells: Sequence[str], widths: Sequence[float], *, bold: bool) -> list[Row]:
        left = MARGIN
        columns = []
        for cell, share in zip(cells, widths, strict=True):
            width = share * _WIDTH
            columns.append(self.words(plain(cell), _Measure(left + 1.0, width - 2.0, spread=False), bold=bold))
            left += width
        return _beside(columns, _BODY * POINT * _LEADING)

    def _together(self, together: Together) -> list[Row]:
        rows = [row for block in together.blocks for row in self.block(block)]
        return [Row(2.0, glued=True), *(replace(row, glued=row is not rows[-1]) for row in rows)]


def _beside(columns: Sequence[Sequence[Row]], height: float) -> list[Row]:
    """Columns of rows side by side, as rows of all of them."""
    rows = []
    for number in range(max(map(len, columns))):
        marks = tuple(mark for column in columns if number < len(column) for mark in column[number].marks)
        rows.append(Row(height, marks))
    return rows

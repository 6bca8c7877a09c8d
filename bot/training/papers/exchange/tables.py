"""xlsx and csv <-> entries of the bank.

What a spreadsheet would run is no business of a bank: a cell with a formula is a fault on the way in, and text that
looks like one leaves as text (in xlsx as a string with the quote prefix, in csv with an apostrophe before it).
"""

import csv
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bot.training.papers.exchange.columns import (
    CASE_HEADERS,
    ITEM_HEADERS,
    KIND_NAMES,
    Cells,
    Place,
    as_cells,
    headers_for,
    missing_columns,
    read_row,
)
from knowledge.bank.items import CaseCard, QuizItem
from knowledge.bank.reading import Entry
from knowledge.errors import BankError, Fault

if TYPE_CHECKING:
    from openpyxl.cell import Cell, ReadOnlyCell
    from openpyxl.worksheet.worksheet import Worksheet

MAX_ROWS: Final = 5_000
MAX_UNPACKED: Final = 100_000_000
"""Bytes that an xlsx or docx may unpack to."""
ITEMS_SHEET, CASES_SHEET, NOTES_SHEET = "题目", "案例", "说明"
MOST_LETTERS: Final = 32_767
_MAX_COLUMNS: Final = 60
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula."""
_WIDTHS: Final = {
    "题目": 48,
    "经过": 60,
    "讨论题": 48,
    "主持人提示": 60,
    "原文依据": 40,
    "解析": 40,
    "标题": 24,
    **{f"选项{letter}": 22 for letter in "ABCDEF"},
}

Row = tuple[int, dict[str, Any]]
"""A row's number and its cells, by column."""


def read_xlsx(source: str, content: bytes) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Read every sheet whose columns are those of items or of cases.

    Raises:
        BankError: it is no workbook, or holds no such sheet.
    """
    from openpyxl import load_workbook

    refuse_bombs(source, content)
    try:
        workbook = load_workbook(BytesIO(content), read_only=True, keep_links=False)
        sheets = [(sheet.title, list(_rows(sheet.iter_rows(max_col=_MAX_COLUMNS)))) for sheet in workbook.worksheets]
    except Exception as exc:  # the reader of a foreign format raises whatever its parts do
        raise BankError([Fault(source, None, "", "unreadable", expected="xlsx")]) from exc
    entries: list[Entry] = []
    faults: list[Fault] = []
    known = [(title, rows) for title, rows in sheets if rows and headers_for(list(_names(rows[0][1])))]
    if not known:
        raise BankError([_no_columns(source, sheets[0][1] if sheets else [])])
    for title, rows in known:
        found, wrong = _read_table(f"{source}:{title}", rows)
        entries += found
        faults += wrong
    return tuple(entries), faults


def read_csv(source: str, content: bytes) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Read a table of items or of cases, in UTF-8 or GB 18030, with commas, semicolons or tabs.

    Raises:
        BankError: it is no text, or its columns are neither.
    """
    text = _decoded(source, content)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t，", key=first.count)
    try:
        read = list(itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), MAX_ROWS + 2))
    except csv.Error as exc:
        raise BankError([Fault(source, None, "", "unreadable", expected="CSV")]) from exc
    rows = [
        (number, {str(place): _unescaped(value) for place, value in enumerate(row) if value.strip()})
        for number, row in enumerate(read, start=1)
    ]
    filled = [row for row in rows if row[1]]
    if not filled or headers_for(list(_names(filled[0][1]))) is None:
        raise BankError([_no_columns(source, filled)])
    return _read_table(source, filled)


def write_xlsx(entries: Iterable[Entry], notes: Sequence[str]) -> bytes:
    """A workbook with a sheet of items, one of cases and one of notes on how to fill them in."""
    from openpyxl import Workbook
    from openpyxl.worksheet.datavalidation import DataValidation

    known = list(entries)
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    items = workbook.create_sheet(ITEMS_SHEET)
    _fill(items, ITEM_HEADERS, [entry for entry in known if isinstance(entry, QuizItem)])
    for column, allowed in (("题型", KIND_NAMES.values()), ("难度", "123")):
        letter = _letter(list(ITEM_HEADERS.values()).index(column))
        choice = DataValidation(type="list", formula1=f'"{",".join(allowed)}"', allow_blank=True)
        choice.add(f"{letter}2:{letter}{MAX_ROWS}")
        items.add_data_validation(choice)
    _fill(workbook.create_sheet(CASES_SHEET), CASE_HEADERS, [entry for entry in known if isinstance(entry, CaseCard)])
    sheet = workbook.create_sheet(NOTES_SHEET)
    sheet.column_dimensions["A"].width = 100
    for number, note in enumerate(notes, start=1):
        write_text(sheet.cell(number, 1), note)
    written = BytesIO()
    workbook.save(written)
    return written.getvalue()


def write_csv(items: Iterable[QuizItem]) -> bytes:
    """A table of quiz items, in UTF-8 with the mark by which spreadsheets know it."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(ITEM_HEADERS.values()), restval="", lineterminator="\r\n")
    writer.writeheader()
    for item in items:
        writer.writerow({column: _escaped(value) for column, value in as_cells(item).items()})
    return written.getvalue().encode("utf-8-sig")


def refuse_bombs(source: str, content: bytes) -> None:
    """Look at how much an archive would unpack to, before anything unpacks it.

    Raises:
        BankError: it is no archive, or a bomb.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as exc:
        raise BankError([Fault(source, None, "", "unreadable", expected=".xlsx | .docx")]) from exc
    if size > MAX_UNPACKED:
        raise BankError([Fault(source, None, "", "too_many", f"{size:,} B", f"≤ {MAX_UNPACKED:,} B")])


def _rows(rows: "Iterable[Sequence[Cell | ReadOnlyCell]]") -> Iterator[Row]:
    """Rows that hold something; a formula stays where it is, as what a cell may not hold."""
    count = 0
    for number, row in enumerate(rows, start=1):
        cells = {
            str(place): _Formula(cell.value) if cell.data_type in ("f", "e") else cell.value
            for place, cell in enumerate(row)
            if cell.value is not None and str(cell.value).strip()
        }
        if cells:
            yield number, cells
            count += 1
        if count > MAX_ROWS + 1:
            return


class _Formula:
    """What stands in a cell that a spreadsheet computes, or could not."""

    def __init__(self, formula: object) -> None:
        self._formula = formula

    def __str__(self) -> str:
        return str(getattr(self._formula, "text", self._formula))


def _read_table(source: str, rows: Sequence[Row]) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Rows below a header row -> entries; `rows` begin with it."""
    (first, header), below = rows[0], rows[1:]
    names = {place: str(name).strip() for place, name in header.items()}
    headers = headers_for(list(names.values())) or ITEM_HEADERS
    faults = [Fault(source, first, column, "missing") for column in missing_columns(headers, list(names.values()))]
    allowed = set(headers.values())
    faults += [Fault(source, first, name, "unknown") for name in names.values() if name not in allowed]
    faults += [Fault(source, first, name, "twice") for name in allowed if list(names.values()).count(name) > 1]
    if len(below) > MAX_ROWS:
        faults.append(Fault(source, None, "", "too_many", f"> {MAX_ROWS}", f"≤ {MAX_ROWS}"))
    if faults:
        return (), faults
    entries: list[Entry] = []
    lines: dict[str, int] = {}
    for number, cells in below:
        entry, wrong = _read_cells(source, number, cells, names, headers)
        if entry is not None and (earlier := lines.setdefault(entry.id, number)) != number:
            wrong = [Fault(source, number, headers["id"], "twice", f"{entry.id} ↔ {earlier}")]
        faults += wrong
        if entry is not None:
            entries.append(entry)
    return tuple(entries), faults


def _read_cells(
    source: str, number: int, cells: Mapping[str, Any], names: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[Entry | None, list[Fault]]:
    faults = [
        Fault(source, number, names.get(place, f"{_letter(int(place))}{number}"), "formula", str(value)[:40])
        for place, value in cells.items()
        if isinstance(value, _Formula)
    ]
    faults += [
        Fault(source, number, f"{_letter(int(place))}{number}", "unknown", str(value)[:40])
        for place, value in cells.items()
        if place not in names and not isinstance(value, _Formula)
    ]
    if faults:
        return None, faults
    row: Cells = {names[place]: value for place, value in cells.items()}
    return read_row(row, headers, Place(source, number))


def _names(header: Mapping[str, Any]) -> Iterator[str]:
    return (str(name).strip() for name in header.values())


def _no_columns(source: str, rows: Sequence[Row]) -> Fault:
    found = "、".join(_names(rows[0][1])) if rows else ""
    return Fault(source, rows[0][0] if rows else None, "", "unknown", found[:80], "、".join(ITEM_HEADERS.values()))


def _fill(sheet: "Worksheet", headers: Mapping[str, str], entries: Sequence[Entry]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    columns = list(headers.values())
    for place, column in enumerate(columns):
        cell = sheet.cell(1, place + 1, column)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E8EEF5")
        sheet.column_dimensions[_letter(place)].width = _WIDTHS.get(column, 9)
    sheet.freeze_panes = "A2"
    for number, entry in enumerate(entries, start=2):
        for column, value in as_cells(entry).items():
            cell = sheet.cell(number, columns.index(column) + 1)
            write_text(cell, value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def write_text(cell: Any, text: str) -> None:
    """Write text as text: a string that looks like a formula is none. A cell holds `MOST_LETTERS`."""
    cell.value = text[:MOST_LETTERS]
    cell.data_type = "s"
    if text.startswith(_RUNS):
        cell.quotePrefix = True


def _letter(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place + 1))


def _escaped(value: str) -> str:
    return f"'{value}" if value.startswith(("'", *_RUNS)) else value


def _unescaped(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith(("'", *_RUNS)) else value


def _decoded(source: str, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BankError([Fault(source, None, "", "unreadable", expected="UTF-8 | GB 18030")])

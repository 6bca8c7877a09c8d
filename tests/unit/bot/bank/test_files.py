"""xlsx, csv, docx and JSON lines: everything comes back, and a bad file is told by sheet, row and column."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from openpyxl import Workbook, load_workbook

from bot.errors import WangguiError
from bot.training.papers.exchange import tables
from bot.training.papers.exchange.columns import ITEM_HEADERS, as_cells
from bot.training.papers.exchange.files import MAX_BYTES, SUFFIXES, read_entries, write_entries
from knowledge.bank.items import QuizItem
from knowledge.bank.reading import Entry, load_bank
from knowledge.errors import BankError, Fault
from knowledge.model import Regulation
from tests.banking import make_case, make_item, sample_bank

Rows = list[dict[str, Any]]


def faults_of(path: Path) -> list[Fault]:
    with pytest.raises(BankError) as caught:
        read_entries(path)
    return list(caught.value.faults)


def told(path: Path) -> list[tuple[str, int | None, str, str]]:
    return [(fault.source, fault.line, fault.field, fault.kind) for fault in faults_of(path)]


def workbook(path: Path, rows: Rows, columns: list[str] | None = None, title: str = "题目") -> Path:
    """A sheet with these rows, as a person's spreadsheet writes it: what looks like a formula is one."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    columns = columns or list(ITEM_HEADERS.values())
    sheet.append(columns)
    for row in rows:
        sheet.append([row.get(column) for column in columns])
    book.save(path)
    return path


def a_row(**changes: Any) -> dict[str, Any]:
    return as_cells(make_item()) | changes


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_all_that_ships_comes_back(tmp_path: Path, conduct: Regulation, conduct_folder: Path, suffix: str) -> None:
    bank = load_bank(conduct_folder, conduct)
    whole: tuple[Entry, ...] = (*bank.items, *bank.cases)
    path = tmp_path / f"题库{suffix}"
    count = write_entries(path, whole, title="题库", notes=["说明"])
    read = read_entries(path)
    assert len(read) == count
    assert read == (bank.items if suffix == ".csv" else whole)


TRICKY = '=HYPERLINK("http://x")', "+86", "-1", "@SUM(A1)", "＝1", '"引号"', "a,b;c", "'=1", "两\n行", "<b>&amp;"


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_text_that_looks_like_a_formula_comes_back_as_text_and_is_none_in_the_file(tmp_path: Path, suffix: str) -> None:
    entries = tuple(make_item(id=f"x-{place}", question=text) for place, text in enumerate(TRICKY))
    path = tmp_path / f"b{suffix}"
    write_entries(path, entries, title="", notes=["=1+1"])
    assert read_entries(path) == entries
    if suffix == ".csv":
        for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")):
            assert not any(value.startswith(("=", "+", "-", "@", "＝")) for value in row)
    else:
        cells = [cell for sheet in load_workbook(path) for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
        assert sum(bool(cell.quotePrefix) for cell in cells) == 6
        assert b"<f>" not in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")


def test_a_formula_is_a_fault_of_its_cell_and_no_row_is_taken(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [a_row(), a_row(编号="x-2", 题目="=1+1"), a_row(编号="x-3", 解析="#REF!")])
    assert told(path) == [("a.xlsx:题目", 3, "题目", "formula"), ("a.xlsx:题目", 4, "解析", "formula")]
    assert faults_of(path)[0].found == "=1+1"


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    columns = [column for column in ITEM_HEADERS.values() if column != "原文依据"] + ["出处"]
    path = workbook(tmp_path / "a.xlsx", [a_row()], columns)
    assert told(path) == [("a.xlsx:题目", 1, "原文依据", "missing"), ("a.xlsx:题目", 1, "出处", "unknown")]


def test_a_column_twice_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [a_row()], [*ITEM_HEADERS.values(), "题目"])
    assert told(path) == [("a.xlsx:题目", 1, "题目", "twice")]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_a_sheet_of_something_else_says_what_was_expected(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".xlsx":
        workbook(path, [{"姓名": "老王", "分数": 3}], ["姓名", "分数"], "Sheet1")
    else:
        path.write_text("姓名,分数\n老王,3\n", encoding="utf-8")
    (fault,) = faults_of(path)
    assert (fault.kind, fault.line, fault.found) == ("unknown", 1, "姓名、分数")
    assert "原文依据" in fault.expected


def test_a_cell_beside_the_table_is_not_lost_silently(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(list(ITEM_HEADERS.values()))
    book.worksheets[0].append([*(a_row().get(column) for column in ITEM_HEADERS.values()), None, "旁注"])
    book.save(tmp_path / "a.xlsx")
    assert told(tmp_path / "a.xlsx") == [("a.xlsx:Sheet", 2, "Q2", "unknown")]


def test_all_faults_of_a_thousand_rows_are_told_by_row(tmp_path: Path) -> None:
    rows = [a_row(编号=f"x-{number}", 答案="Z" if number % 2 else "A") for number in range(1_000)]
    found = told(workbook(tmp_path / "a.xlsx", rows))
    assert found == [("a.xlsx:题目", number + 2, "答案", "unexpected") for number in range(1, 1_000, 2)]


def test_a_thousand_good_rows_are_read(tmp_path: Path) -> None:
    rows = [a_row(编号=f"x-{number}") for number in range(1_000)]
    assert len(read_entries(workbook(tmp_path / "a.xlsx", rows))) == 1_000


def test_too_many_rows_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    path = workbook(tmp_path / "a.xlsx", [a_row(编号=f"x-{number}") for number in range(9)])
    assert told(path) == [("a.xlsx:题目", None, "", "too_many")]


def test_an_id_twice_names_both_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [a_row(), a_row()])
    (fault,) = faults_of(path)
    assert (fault.line, fault.kind, fault.found) == (3, "twice", "x14-01 ↔ 2")


def test_empty_rows_are_no_rows_and_keep_the_numbers(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [{}, a_row(编号=None, 答案="E"), {}, {"题目": "  "}])
    assert told(path) == [("a.xlsx:题目", 3, "答案", "unexpected")]


def test_markup_and_scripts_are_text(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [a_row(题目="<script>alert(1)</script> {x} %s")])
    (item,) = read_entries(path)
    assert isinstance(item, QuizItem)
    assert item.question == "<script>alert(1)</script> {x} %s"


def test_control_characters_and_hidden_ones_are_faults(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [a_row(题目="第十四条\u202e写了什么？")])
    assert told(path) == [("a.xlsx:题目", 2, "题目", "invisible")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_as_spreadsheets_write_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(ITEM_HEADERS.values()), delimiter=delimiter)
    writer.writeheader()
    writer.writerow(a_row(解析="第十四条，\n写的是；非法定信道"))
    path = tmp_path / "a.csv"
    path.write_bytes(written.getvalue().encode(encoding))
    (item,) = read_entries(path)
    assert isinstance(item, QuizItem)
    assert item.explanation == "第十四条，\n写的是；非法定信道"


def bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (tables.MAX_UNPACKED + 1))
    return written.getvalue()


@pytest.mark.parametrize("suffix", [".xlsx", ".docx"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "unreadable"),
        (b"not a workbook", "unreadable"),
        (b"PK\x03\x04broken", "unreadable"),
        (bomb(), "too_many"),
    ],
)
def test_what_is_no_office_file_is_refused(tmp_path: Path, suffix: str, content: bytes, kind: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    assert [fault.kind for fault in faults_of(path)] == [kind]


def test_a_workbook_renamed_and_a_text_renamed_are_refused(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [a_row()]).read_bytes()
    for name, content in (("a.docx", book), ("a.csv", book), ("b.xlsx", "题型,题目\n".encode())):
        (tmp_path / name).write_bytes(content)
        assert faults_of(tmp_path / name)


def test_unknown_kinds_missing_files_folders_and_giants_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.xlsx").mkdir()
    giant = tmp_path / "giant.xlsx"
    with giant.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert told(tmp_path / "a.pdf") == [("a.pdf", None, "", "unreadable")]
    assert told(tmp_path / "none.xlsx") == [("none.xlsx", None, "", "unreadable")]
    assert told(tmp_path / "folder.xlsx") == [("folder.xlsx", None, "", "unreadable")]
    assert told(giant) == [("giant.xlsx", None, "", "too_many")]
    with pytest.raises(WangguiError, match=r"a\.pdf"):
        write_entries(tmp_path / "a.pdf", [], title="", notes=[])


def paper(path: Path, *lines: str) -> Path:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    document.save(str(path))
    return path


TYPED = (
    "随手起的标题",
    "1、【单选题】第十四条写的是哪一种信道？",
    "（老王问的）",
    "a、公用信道",
    "B．非法定信道",
    "C) 付费信道",
    "条款：第十四条",
    "依据：党员不得擅自建立、使用非法定信道",
    "答案：b",
    "解析：第十四条写的是",
    "非法定信道。",
    "",
    "2.【判断】第十四条写的是党员。",
    "答案: √",
    "条：14",
    "依据: 党员不得擅自建立",
    "解析: 第十四条以党员开头。",
)


def test_questions_are_read_as_a_teacher_types_them(tmp_path: Path) -> None:
    single, judged = read_entries(paper(tmp_path / "a.docx", *TYPED))
    assert isinstance(single, QuizItem)
    assert isinstance(judged, QuizItem)
    assert single.question == "第十四条写的是哪一种信道？\n（老王问的）"
    assert single.options == ("公用信道", "非法定信道", "付费信道")
    assert (single.answer, single.articles) == (1, (14,))
    assert single.explanation == "第十四条写的是\n非法定信道。"
    assert judged.answer is True
    assert (single.id, judged.id) == ("new-2", "new-13")


def test_a_fault_in_a_paper_names_the_paragraph_of_its_block(tmp_path: Path) -> None:
    lines = [line for line in TYPED if not line.startswith("依据")]
    found = told(paper(tmp_path / "a.docx", *lines))
    assert found == [("a.docx", 2, "原文依据", "missing"), ("a.docx", 12, "原文依据", "missing")]


def test_a_label_that_is_not_of_the_block_is_a_fault(tmp_path: Path) -> None:
    found = told(paper(tmp_path / "a.docx", *TYPED, "分钟：8"))
    assert found == [("a.docx", 13, "分钟", "unknown")]


def test_a_paper_without_questions_or_with_a_table_is_refused(tmp_path: Path) -> None:
    assert [fault.kind for fault in faults_of(paper(tmp_path / "a.docx", "会议通知"))] == ["missing"]
    document = Document()
    document.add_table(2, 2)
    document.save(str(tmp_path / "b.docx"))
    assert [fault.kind for fault in faults_of(tmp_path / "b.docx")] == ["unexpected"]


def _nothing(monkeypatch: pytest.MonkeyPatch, exc: BaseException) -> None:
    def stop(*_: object) -> None:
        raise exc

    monkeypatch.setattr("bot.files.os.replace", stop)


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stop_in_the_middle_of_an_export_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, exc: BaseException
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"as it was")
    _nothing(monkeypatch, exc)
    with pytest.raises(KeyboardInterrupt if isinstance(exc, KeyboardInterrupt) else WangguiError):
        write_entries(path, [make_item(), make_case()], title="", notes=[])
    assert path.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(WangguiError, match="cannot be written"):
        write_entries(tmp_path / "none" / "a.xlsx", sample_bank().items, title="", notes=[])

"""docx <-> entries of the bank: one block of lines an entry, as a teacher types questions.

    1. 【单选】第十四条写了哪种行为？          【案例】群里的压缩包
    A. 擅自建立非法定信道                      经过：……
    B. ……                                      讨论题：1. …… 2. ……
    答案：A                                    依据：第十五条：……
    条：14                                     提示：……
    依据：党员不得擅自建立、使用非法定信道
    解析：……

A line that begins with none of these goes on with the one above it.
"""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bot.training.papers.exchange.columns import CASE_HEADERS, ITEM_HEADERS, LETTERS, Place, as_cells, read_row
from bot.training.papers.exchange.tables import MAX_ROWS, refuse_bombs
from knowledge.bank.items import TRUE_FALSE, CaseCard, QuizItem
from knowledge.bank.reading import Entry
from knowledge.errors import BankError, Fault

if TYPE_CHECKING:
    from docx.document import Document as Paper

_HEAD: Final = re.compile(r"^\s*(?:[0-9]{1,4}\s*[.．、)）]\s*)?【\s*(\S{1,5}?)\s*】\s*(.*)$", re.DOTALL)
_OPTION: Final = re.compile(rf"^\s*([{LETTERS}{LETTERS.lower()}])\s*[.．、:：)）]\s*(.*)$", re.DOTALL)
_CASE: Final = "案例"
_NAMES: Final = {
    "编号": "编号",
    "条": "条",
    "条款": "条",
    "依据": "原文依据",
    "原文依据": "原文依据",
    "答案": "答案",
    "也算对": "也算对",
    "难度": "难度",
    "解析": "解析",
    "经过": "经过",
    "讨论题": "讨论题",
    "提示": "主持人提示",
    "主持人提示": "主持人提示",
    "分钟": "分钟",
}
_LABEL: Final = re.compile(rf"^\s*({'|'.join(sorted(_NAMES, key=len, reverse=True))})\s*[：:]\s*(.*)$", re.DOTALL)
_WRITTEN: Final = {"原文依据": "依据", "主持人提示": "提示"}

Block = tuple[int, dict[str, str]]
"""The number of a block's first paragraph, and its cells by column."""


def read_docx(source: str, content: bytes) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Read every block of a Word file; faults name the paragraph in which their block begins.

    Raises:
        BankError: it is no Word file, or holds no block.
    """
    from docx import Document

    refuse_bombs(source, content)
    try:
        document = Document(BytesIO(content))
        paragraphs = [paragraph.text for paragraph in document.paragraphs]
    except Exception as exc:  # the reader of a foreign format raises whatever its parts do
        raise BankError([Fault(source, None, "", "unreadable", expected="docx")]) from exc
    if document.tables:
        raise BankError([Fault(source, None, "", "unexpected", "▦", "1. 【单选】……")])
    return read_blocks(source, paragraphs)


def read_blocks(source: str, paragraphs: Sequence[str]) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Paragraphs -> entries; what stands before the first block is a title and is left out.

    Raises:
        BankError: there is no block.
    """
    blocks = _blocks(paragraphs)
    if not blocks:
        raise BankError([Fault(source, None, "", "missing", expected="1. 【单选】……")])
    if len(blocks) > MAX_ROWS:
        raise BankError([Fault(source, None, "", "too_many", f"> {MAX_ROWS}", f"≤ {MAX_ROWS}")])
    entries: list[Entry] = []
    faults: list[Fault] = []
    lines: dict[str, int] = {}
    for number, cells in blocks:
        headers = CASE_HEADERS if "标题" in cells else ITEM_HEADERS
        unknown = [column for column in cells if column not in headers.values()]
        wrong = [Fault(source, number, column, "unknown", cells[column][:40]) for column in unknown]
        entry, more = read_row(
            {column: value for column, value in cells.items() if value}, headers, Place(source, number)
        )
        faults += [*wrong, *more]
        if entry is None or wrong:
            continue
        if (earlier := lines.setdefault(entry.id, number)) != number:
            faults.append(Fault(source, number, "编号", "twice", f"{entry.id} ↔ {earlier}"))
        entries.append(entry)
    return tuple(entries), faults


def write_docx(entries: Iterable[Entry], title: str) -> bytes:
    """The entries as a Word file that `read_docx` reads again."""
    from docx import Document
    from docx.shared import Pt

    paper = Document()
    _set_fonts(paper)
    head, middle, last = (_style(paper, name) for name in ("Entry head", "Entry", "Entry end"))
    head.font.bold = True
    last.paragraph_format.keep_with_next, last.paragraph_format.space_after = False, Pt(12)
    paper.add_heading(title, level=1)
    for number, entry in enumerate(entries, start=1):
        first, *rest, end = as_lines(entry, number)
        for line, style in ((first, head), *((line, middle) for line in rest), (end, last)):
            paper.add_paragraph(line)._p.style = style.style_id  # by its name python-docx searches all styles, 3 ms
    written = BytesIO()
    paper.save(written)
    return written.getvalue()


def _blocks(paragraphs: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    column = ""
    for number, text in enumerate(paragraphs, start=1):
        for line in text.split("\n"):
            head = _HEAD.match(line)
            if head:
                case = head[1] == _CASE
                column = "标题" if case else "题目"
                blocks.append((number, {column: head[2].strip()} | ({} if case else {"题型": head[1]})))
            elif blocks and line.strip():
                column = _take(blocks[-1][1], line, column)
    return blocks


def _take(cells: dict[str, str], line: str, column: str) -> str:
    """Put a line of a block where it belongs; the column that it belongs to."""
    label, option = _LABEL.match(line), _OPTION.match(line)
    if label and _NAMES[label[1]] not in cells:
        cells[_NAMES[label[1]]] = label[2].strip()
        return _NAMES[label[1]]
    if option and "答案" not in cells and "标题" not in cells:
        name = f"选项{option[1].upper()}"
        cells[name] = option[2].strip()
        return name
    cells[column] = f"{cells[column]}\n{line.strip()}".strip()
    return column


def as_lines(entry: Entry, number: int) -> list[str]:
    """The lines of an entry's block."""
    cells = as_cells(entry)
    if isinstance(entry, CaseCard):
        head = [f"{number}. 【{_CASE}】{cells.pop('标题')}"]
    else:
        head = [f"{number}. 【{cells.pop('题型')}】{cells.pop('题目')}", *_options(entry, cells)]
    rest = [(_WRITTEN.get(column, column), value) for column, value in cells.items() if value]
    order = {"答案": 0, "经过": 0, "讨论题": 1, "条": 2}
    rest.sort(key=lambda pair: (order.get(pair[0], 3), pair[0] == "编号"))
    return [*head, *(f"{name}：{value}" for name, value in rest)]


def _options(item: QuizItem, cells: dict[str, str]) -> list[str]:
    options = [(letter, cells.pop(f"选项{letter}", "")) for letter in LETTERS]
    if item.options == TRUE_FALSE:
        return []
    return [f"{letter}. {option}" for letter, option in options if option]


def _style(paper: "Paper", name: str) -> Any:
    """Lines of an entry stay on one page with those below."""
    from docx.enum.style import WD_STYLE_TYPE

    style: Any = paper.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = paper.styles["Normal"]
    style.paragraph_format.keep_with_next, style.paragraph_format.space_after = True, 0
    return style


def _set_fonts(paper: "Paper") -> None:
    """Word takes Chinese from a font of its own, which python-docx names nowhere."""
    from docx.oxml.ns import qn

    for name, font in (("Normal", "宋体"), ("Heading 1", "黑体")):
        style: Any = paper.styles[name]
        style.font.name = "Times New Roman"
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)

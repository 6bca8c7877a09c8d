"""A row of a sheet <-> a record of the bank, with the columns' names as trainers read them.

Cells are read as people fill them in: 14 or 第十四条, AC or A、C, 对 or √. What cannot be read is a fault of its
column.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from knowledge.bank.items import TRUE_FALSE, CaseCard, Kind, QuizItem
from knowledge.bank.reading import MAX_OPTIONS, Entry, read_record
from knowledge.errors import Fault
from knowledge.numerals import NUMERAL, format_numeral, parse_numeral

NEW: Final = "new-"
NEW_CASE: Final = "new-case-"
"""Ids that begin so are no ids yet but tell the row: whoever keeps the entry gives it one."""
LETTERS: Final = "ABCDEF"[:MAX_OPTIONS]
KIND_NAMES: Final[Mapping[Kind, str]] = {
    "single": "单选",
    "multiple": "多选",
    "true_false": "判断",
    "fill_in": "填空",
}
_OPTIONS: Final = tuple(f"选项{letter}" for letter in LETTERS)
ITEM_HEADERS: Final[Mapping[str, str]] = {
    "id": "编号",
    "kind": "题型",
    "article": "条",
    "quote": "原文依据",
    "question": "题目",
    **{header: header for header in _OPTIONS},
    "answer": "答案",
    "accept": "也算对",
    "difficulty": "难度",
    "explanation": "解析",
}
"""Field -> column, in the order of the sheet."""
CASE_HEADERS: Final[Mapping[str, str]] = {
    "id": "编号",
    "title": "标题",
    "story": "经过",
    "questions": "讨论题",
    "articles": "条",
    "quotes": "原文依据",
    "notes": "主持人提示",
    "difficulty": "难度",
    "minutes": "分钟",
}
_OPTIONAL: Final = frozenset(("编号", "也算对", "难度", "分钟", *_OPTIONS))
_RIGHT: Final = frozenset(("对", "√", "✓", "正确", "是", "t", "true", "y"))
_WRONG: Final = frozenset(("错", "×", "✗", "x", "错误", "否", "f", "false", "n"))
_LEVELS: Final = {"易": 1, "中": 2, "难": 3}
_ARTICLE: Final = re.compile(rf"(?:第\s*)?({NUMERAL})\s*条?")
_BETWEEN: Final = re.compile(r"[、，,;；\s]+")
_LABELLED: Final = re.compile(rf"(?:第\s*)?({NUMERAL})\s*条?\s*[：:]\s*(.+)")
_NUMBERED: Final = re.compile(r"^\s*(?:[0-9]{1,2}\s*(?:[．、)）]|\.(?!\d))|[（(][0-9]{1,2}[)）])\s*")

Cells = Mapping[str, Any]
"""Column -> value; columns that stand empty are not there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: the file, with its sheet where it has several, and the row's number."""

    source: str
    line: int


def headers_for(found: Sequence[str]) -> Mapping[str, str] | None:
    """The columns that a header row means: those of items or of cases; None where it is neither."""
    names = set(found)
    if {"题型", "题目"} & names:
        return ITEM_HEADERS
    return CASE_HEADERS if {"经过", "主持人提示"} & names else None


def missing_columns(headers: Mapping[str, str], found: Sequence[str]) -> list[str]:
    """Columns that must be there and are not."""
    return [header for header in headers.values() if header not in found and header not in _OPTIONAL]


def as_cells(entry: Entry) -> dict[str, str]:
    """An entry as a row, column by column."""
    if isinstance(entry, CaseCard):
        return {
            "编号": entry.id,
            "标题": entry.title,
            "经过": entry.story,
            "讨论题": "\n".join(f"{place}. {question}" for place, question in enumerate(entry.questions, start=1)),
            "条": "、".join(map(str, entry.articles)),
            "原文依据": "\n".join(f"第{format_numeral(number)}条：{quote}" for number, quote in entry.quotes.items()),
            "主持人提示": entry.notes,
            "难度": str(entry.difficulty),
            "分钟": str(entry.minutes),
        }
    options = () if entry.kind == "true_false" else entry.options
    return {
        "编号": entry.id,
        "题型": KIND_NAMES[entry.kind],
        "条": "、".join(map(str, entry.articles)),
        "原文依据": entry.quote,
        "题目": entry.question,
        **dict(zip(_OPTIONS, options, strict=False)),
        "答案": answer_as_written(entry),
        "也算对": "；".join(entry.accept),
        "难度": str(entry.difficulty),
        "解析": entry.explanation,
    }


def answer_as_written(item: QuizItem) -> str:
    """The answer as a sheet has it: letters, 对 or 错, or the missing words."""
    if item.kind in ("single", "multiple"):
        return "".join(LETTERS[place] for place in item.right)
    return item.solution[0]


def read_row(cells: Cells, headers: Mapping[str, str], place: Place) -> tuple[Entry | None, list[Fault]]:
    """A row as an entry, or every fault that it has, by column. A row without an id gets one that begins with NEW."""
    row = _Row(cells, place)
    record = row.item() if headers is ITEM_HEADERS else row.case()
    entry, faults = read_record(record, place.source, place.line)
    names = {**headers, "options": "选项", "articles": "条"}
    told = {fault.field for fault in row.faults}
    if "题型" in told:  # what an item of an unknown kind should have is unknown too
        told |= {"题目", "选项", "答案"}
    more = [replace(fault, field=names.get(fault.field, fault.field), expected=_told(fault)) for fault in faults]
    all_faults = [*row.faults, *(fault for fault in more if fault.field not in told)]
    return (None if all_faults else entry), all_faults


class _Row:
    def __init__(self, cells: Cells, place: Place) -> None:
        self._cells, self._place = cells, place
        self.faults: list[Fault] = []

    def item(self) -> dict[str, Any]:
        kind = self._kind()
        options = self._options(kind)
        return {
            "id": self._text("编号") or f"{NEW}{self._place.line}",
            "kind": kind,
            "article": self._articles(),
            "quote": self._text("原文依据"),
            "question": self._text("题目"),
            "options": options,
            "answer": self._answer(kind, len(options)),
            "accept": [one for one in re.split(r"[；;|\n]", self._text("也算对")) if one.strip()],
            "difficulty": self._number("难度", 1),
            "explanation": self._text("解析"),
        }

    def case(self) -> dict[str, Any]:
        articles = self._articles()
        questions = [_NUMBERED.sub("", line).strip() for line in self._text("讨论题").split("\n")]
        return {
            "id": self._text("编号") or f"{NEW_CASE}{self._place.line}",
            "title": self._text("标题"),
            "story": self._text("经过"),
            "questions": [question for question in questions if question],
            "articles": articles,
            "quotes": self._quotes(articles),
            "notes": self._text("主持人提示"),
            "difficulty": self._number("难度", 2),
            "minutes": self._number("分钟", 8),
        }

    def _wrong(self, column: str, expected: str) -> None:
        self.faults.append(
            Fault(self._place.source, self._place.line, column, "unexpected", self._text(column)[:40], expected)
        )

    def _text(self, column: str) -> str:
        value = self._cells.get(column)
        if isinstance(value, bool):
            return TRUE_FALSE[0] if value else TRUE_FALSE[1]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return "" if value is None else str(value).strip()

    def _kind(self) -> Kind:
        written = self._text("题型").removesuffix("题").replace("项选择", "选").replace("选择", "选")
        for kind, name in KIND_NAMES.items():
            if written in (kind, name):
                return kind
        self._wrong("题型", " | ".join(KIND_NAMES.values()))
        return "fill_in"

    def _articles(self) -> list[int]:
        numbers = []
        for part in filter(None, _BETWEEN.split(self._text("条"))):
            number = _number_in(_ARTICLE.fullmatch(part))
            if number is None:
                self._wrong("条", "14 | 第十四条 | 14、9")
                return [1]
            numbers.append(number)
        return numbers

    def _number(self, column: str, default: int) -> int:
        written = self._text(column)
        if not written:
            return default
        if written in _LEVELS and column == "难度":
            return _LEVELS[written]
        if not (written.isascii() and written.isdigit()):
            self._wrong(column, "1 | 2 | 3" if column == "难度" else "1–60")
            return default
        return int(written)

    def _options(self, kind: Kind) -> list[str]:
        given = [self._text(column) for column in _OPTIONS]
        while given and not given[-1]:
            given.pop()
        if kind == "true_false" and tuple(given) in ((), TRUE_FALSE):
            return list(TRUE_FALSE)
        for column, option in zip(_OPTIONS, given, strict=False):
            if not option:
                self.faults.append(Fault(self._place.source, self._place.line, column, "missing"))
        return given

    def _answer(self, kind: Kind, options: int) -> Any:
        written = self._text("答案")
        if kind == "fill_in" or not written:
            return written or None
        if kind == "true_false":
            if written.casefold() not in _RIGHT | _WRONG:
                self._wrong("答案", " | ".join(TRUE_FALSE))
            return written.casefold() in _RIGHT
        letters = [letter for letter in written.upper() if letter not in "、，,;； "]
        last = LETTERS[max(options, 1) - 1]
        if not all(letter in LETTERS[:options] for letter in letters) or (kind == "single") != (len(letters) == 1):
            self._wrong("答案", f"A–{last}" if kind == "single" else f"A–{last}, ≥ 2")
            return 0 if kind == "single" else [0, 1]
        places = [LETTERS.index(letter) for letter in letters]
        return places[0] if kind == "single" else places

    def _quotes(self, articles: Sequence[int]) -> dict[str, str]:
        quotes: dict[str, str] = {}
        for line in filter(None, map(str.strip, self._text("原文依据").split("\n"))):
            match = _LABELLED.fullmatch(line)
            if match and (number := _number_in(match)):
                quotes[str(number)] = match[2].strip()
            elif len(articles) == 1 and not quotes:
                quotes[str(articles[0])] = line
            else:
                self._wrong("原文依据", "第十四条：……")
                return {"1": "…"}
        return quotes


def _number_in(match: re.Match[str] | None) -> int | None:
    try:
        return parse_numeral(match[1]) if match else None
    except ValueError:
        return None


def _told(fault: Fault) -> str:
    """What a sheet should have there; a record's own notation helps nobody who fills in cells."""
    return "" if fault.kind == "missing" else fault.expected

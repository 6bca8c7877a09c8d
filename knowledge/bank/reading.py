"""JSON lines <-> Bank. A file is read to its end: whoever mends it is told every fault at once.

quiz.jsonl    one quiz item a line      A line with a `kind` is an item, one with a `story` is a case; a file may
cases.jsonl   one case card a line      hold both. What the words say is the business of `checking`.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from knowledge.bank.items import BLANK, DIFFICULTIES, KINDS, TRUE_FALSE, Bank, CaseCard, Kind, QuizItem
from knowledge.errors import BankError, Fault, FaultKind
from knowledge.model import Regulation

Entry = QuizItem | CaseCard

QUIZ_FILE: Final = "quiz.jsonl"
CASES_FILE: Final = "cases.jsonl"
MAX_OPTIONS: Final = 6
_LETTERS: Final = 2_000
"""Characters that any one field may have."""
_SHOWN: Final = 40
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
_ITEM_FIELDS: Final = frozenset(
    ("id", "kind", "article", "quote", "question", "options", "answer", "accept", "difficulty", "explanation")
)
_CASE_FIELDS: Final = frozenset(
    ("id", "title", "story", "questions", "articles", "quotes", "notes", "difficulty", "minutes")
)


def load_bank(folder: Path, regulation: Regulation) -> Bank:
    """Read `quiz.jsonl` and `cases.jsonl` of a folder; a file that is not there holds nothing.

    Raises:
        BankError: lines are broken, or an id stands twice.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    for path in (folder / QUIZ_FILE, folder / CASES_FILE):
        if path.is_file():
            try:
                entries += read_jsonl(path)
            except BankError as exc:
                faults += exc.faults
    if faults:
        raise BankError(faults)
    return bank_of(entries, regulation)


def bank_of(entries: Iterable[Entry], regulation: Regulation) -> Bank:
    """Entries as a bank, in the order of the regulation's articles."""
    known = sorted(entries, key=lambda entry: entry.articles[0])
    chapters = {article.number: article.chapter.number for article in regulation.articles if article.chapter}
    items = tuple(entry for entry in known if isinstance(entry, QuizItem))
    cases = tuple(entry for entry in known if isinstance(entry, CaseCard))
    return Bank(items, cases, MappingProxyType(chapters))


def read_jsonl(path: Path) -> tuple[Entry, ...]:
    """Read a file of JSON lines, in its order.

    Raises:
        BankError: it cannot be read, lines are broken, or an id stands twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise BankError([Fault(path.name, None, "", "unreadable", expected="UTF-8, JSON")]) from exc
    records: list[tuple[int, Any]] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append((number, json.loads(line)))
        except (ValueError, RecursionError):
            faults.append(Fault(path.name, number, "", "unreadable", _short(line), "JSON"))
    entries, more = read_records(path.name, records)
    if faults or more:
        raise BankError(sorted((*faults, *more), key=lambda fault: fault.line or 0))
    return entries


def read_records(source: str, records: Iterable[tuple[int, Any]]) -> tuple[tuple[Entry, ...], list[Fault]]:
    """Numbered records -> entries, and what is wrong with the others; an id that stands twice is wrong too."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    lines: dict[str, int] = {}
    for number, record in records:
        entry, wrong = read_record(record, source, number)
        faults += wrong
        if entry is None:
            continue
        if entry.id in lines:
            faults.append(Fault(source, number, "id", "twice", f"{entry.id} ↔ {lines[entry.id]}"))
        lines.setdefault(entry.id, number)
        entries.append(entry)
    return tuple(entries), faults


def read_record(record: Any, source: str, line: int | None) -> tuple[Entry | None, list[Fault]]:
    """One record -> an entry, or every fault that it has."""
    if not isinstance(record, dict) or not ("kind" in record or "story" in record):
        return None, [Fault(source, line, "", "unexpected", _short(record), '{"kind": …} | {"story": …}')]
    fields = _Fields(record, source, line)
    entry = _item(fields) if "kind" in record else _case(fields)
    return (None, fields.faults) if fields.faults else (entry, [])


def as_record(entry: Entry) -> dict[str, Any]:
    """The record that `read_record` reads as this entry."""
    if isinstance(entry, CaseCard):
        return {
            "id": entry.id,
            "title": entry.title,
            "story": entry.story,
            "questions": list(entry.questions),
            "articles": list(entry.articles),
            "quotes": {str(number): quote for number, quote in entry.quotes.items()},
            "notes": entry.notes,
            "difficulty": entry.difficulty,
            "minutes": entry.minutes,
        }
    accept = {"accept": list(entry.accept)} if entry.accept else {}
    return {
        "id": entry.id,
        "kind": entry.kind,
        "article": entry.article if len(entry.articles) == 1 else list(entry.articles),
        "quote": entry.quote,
        "question": entry.question,
        "options": list(entry.options),
        "answer": list(entry.answer) if isinstance(entry.answer, tuple) else entry.answer,
        **accept,
        "difficulty": entry.difficulty,
        "explanation": entry.explanation,
    }


def to_jsonl(entries: Iterable[Entry]) -> str:
    """One record a line."""
    return "".join(json.dumps(as_record(entry), ensure_ascii=False) + "\n" for entry in entries)


class _Fields:
    """The fields of one record, and what is wrong with those that have been asked for."""

    def __init__(self, record: Mapping[str, Any], source: str, line: int | None) -> None:
        self.record, self._source, self._line = record, source, line
        self.faults: list[Fault] = []

    def wrong(self, name: str, kind: FaultKind, found: object = "", expected: str = "") -> None:
        self.faults.append(Fault(self._source, self._line, name, kind, _short(found), expected))

    def only(self, known: frozenset[str]) -> None:
        for name in sorted(self.record.keys() - known):
            self.wrong(name, "unknown", expected=" | ".join(sorted(known)))

    def words(self, name: str, value: Any = None) -> str:
        value = self.record.get(name) if value is None else value
        if value is None or value == "":
            self.wrong(name, "missing", expected="“…”")
            return ""
        if not isinstance(value, str) or len(value) > _LETTERS:
            self.wrong(name, "unexpected", value, f"“…” ≤ {_LETTERS}")
            return ""
        odd = next((character for character in value if _invisible(character)), None)
        if odd is not None:
            self.wrong(name, "invisible", f"U+{ord(odd):04X}")
        elif not value.strip():
            self.wrong(name, "missing", expected="“…”")
        return value.strip()

    def many_words(self, name: str, least: int = 0) -> tuple[str, ...]:
        value = self.record.get(name, [])
        if not isinstance(value, list) or len(value) < least:
            self.wrong(name, "unexpected" if value else "missing", value, "[“…”, …]")
            return ()
        return tuple(self.words(name, "" if one is None else one) for one in value)

    def number(self, name: str, allowed: Sequence[int], default: int) -> int:
        value = self.record.get(name, default)
        if not _is_number(value) or value not in allowed:
            self.wrong(name, "unexpected", value, f"{allowed[0]}–{allowed[-1]}")
            return default
        return int(value)

    def articles(self, name: str) -> tuple[int, ...]:
        value = self.record.get(name)
        numbers = value if isinstance(value, list) else [value]
        if value is None or not numbers:
            self.wrong(name, "missing", expected="14 | [14, 9]")
        elif not all(_is_number(number) and cast(int, number) > 0 for number in numbers) or len(set(numbers)) < len(
            numbers
        ):
            self.wrong(name, "unexpected", value, "14 | [14, 9]")
        else:
            return tuple(map(int, numbers))
        return (0,)

    def id(self) -> str:
        value = self.words("id")
        if value and not _ID.fullmatch(value):
            self.wrong("id", "unexpected", value, "a-z 0-9 -, ≤ 24")
        return value


def _item(fields: _Fields) -> QuizItem | None:
    fields.only(_ITEM_FIELDS)
    item_id, kind = fields.id(), fields.record["kind"]
    if kind not in KINDS:
        fields.wrong("kind", "unexpected", kind, " | ".join(KINDS))
        return None
    options = _options(fields, kind)
    question = fields.words("question")
    if kind == "fill_in" and question and question.count(BLANK) != 1:
        fields.wrong("question", "unexpected", question, f"…{BLANK}…")
    return QuizItem(
        id=item_id,
        kind=kind,
        articles=fields.articles("article"),
        quote=fields.words("quote"),
        question=question,
        options=options,
        answer=_answer(fields, kind, len(options)),
        accept=fields.many_words("accept"),
        difficulty=fields.number("difficulty", DIFFICULTIES, 1),
        explanation=fields.words("explanation"),
    )


def _options(fields: _Fields, kind: Kind) -> tuple[str, ...]:
    if kind == "fill_in":
        if fields.record.get("options"):
            fields.wrong("options", "unexpected", fields.record["options"], "[]")
        return ()
    if kind == "true_false":
        if fields.record.get("options", list(TRUE_FALSE)) != list(TRUE_FALSE):
            fields.wrong("options", "unexpected", fields.record["options"], "、".join(TRUE_FALSE))
        return TRUE_FALSE
    options = fields.many_words("options", least=3)
    if len(options) > MAX_OPTIONS:
        fields.wrong("options", "too_many", len(options), f"≤ {MAX_OPTIONS}")
    return options


def _answer(fields: _Fields, kind: Kind, options: int) -> int | tuple[int, ...] | bool | str:
    if kind == "fill_in":
        return fields.words("answer")
    if not options:
        return ()  # the options are at fault, and told of
    value, last = fields.record.get("answer"), options - 1
    match kind:
        case "true_false":
            fits, expected = isinstance(value, bool), "true | false"
        case "single":
            fits, expected = _is_place(value, last), f"0–{last}"
        case _:
            fits, expected = _are_places(value, last), f"[0–{last}, 0–{last}, …]"
    if not fits:
        fields.wrong("answer", "missing" if value is None else "unexpected", value or "", expected)
        return ()
    return tuple(sorted(value)) if isinstance(value, list) else cast(int, value)


def _is_place(value: Any, last: int) -> bool:
    return _is_number(value) and 0 <= value <= last


def _are_places(value: Any, last: int) -> bool:
    listed = isinstance(value, list) and len(value) >= 2
    return listed and all(_is_place(place, last) for place in value) and len(set(value)) == len(value)


def _case(fields: _Fields) -> CaseCard:
    fields.only(_CASE_FIELDS)
    return CaseCard(
        id=fields.id(),
        title=fields.words("title"),
        story=fields.words("story"),
        questions=fields.many_words("questions", least=1),
        articles=fields.articles("articles"),
        quotes=_quotes(fields),
        notes=fields.words("notes"),
        difficulty=fields.number("difficulty", DIFFICULTIES, 2),
        minutes=fields.number("minutes", range(1, 61), 8),
    )


def _quotes(fields: _Fields) -> Mapping[int, str]:
    value = fields.record.get("quotes")
    if not isinstance(value, dict) or not value or not all(str(number).isdecimal() for number in value):
        fields.wrong("quotes", "unexpected" if value else "missing", value or "", '{"14": “…”}')
        return {}
    quotes = {int(number): fields.words("quotes", "" if quote is None else quote) for number, quote in value.items()}
    return MappingProxyType(quotes)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _invisible(character: str) -> bool:
    """Whether nobody would see it, or no XML may hold it; line feeds are seen."""
    odd = unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") or ord(character) & 0xFFFE == 0xFFFE
    return odd and character != "\n"


def _short(found: object) -> str:
    shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str)
    plain = "".join("␀" if _invisible(character) or character == "\n" else character for character in shown)
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"

"""A file of any kind that the bank knows -> entries, and back; the suffix says which kind."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bot.errors import WangguiError
from bot.files import write_whole
from bot.training.papers.exchange.documents import read_docx, write_docx
from bot.training.papers.exchange.tables import read_csv, read_xlsx, write_csv, write_xlsx
from knowledge.bank.items import QuizItem
from knowledge.bank.reading import Entry, read_jsonl, to_jsonl
from knowledge.errors import BankError, Fault

SUFFIXES: Final = (".jsonl", ".xlsx", ".csv", ".docx")
MAX_BYTES: Final = 20_000_000


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Read a file whole; entries whose ids begin with `columns.NEW` have none yet.

    Raises:
        BankError: every fault that there is; then nothing has been read.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BankError([Fault(path.name, None, "", "unreadable", suffix, " | ".join(SUFFIXES))])
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BankError([Fault(path.name, None, "", "too_many", f"{size:,} B", f"≤ {MAX_BYTES:,} B")])
        content = path.read_bytes()
    except OSError as exc:
        raise BankError([Fault(path.name, None, "", "unreadable", exc.strerror or "")]) from exc
    match suffix:
        case ".jsonl":
            return read_jsonl(path)
        case ".xlsx":
            entries, faults = read_xlsx(path.name, content)
        case ".csv":
            entries, faults = read_csv(path.name, content)
        case _:
            entries, faults = read_docx(path.name, content)
    if faults:
        raise BankError(faults)
    return entries


def write_entries(path: Path, entries: Iterable[Entry], *, title: str, notes: Sequence[str]) -> int:
    """Write entries as a file of the suffix's kind, whole or not at all; how many stand in it (csv takes items alone).

    `title` heads a Word file, `notes` fill the last sheet of a workbook.

    Raises:
        WangguiError: the suffix is unknown, or the file cannot be written.
    """
    known = list(entries)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise WangguiError(f"{path.name}: 不认得这种文件 (unknown kind of file): {' | '.join(SUFFIXES)}")
    match suffix:
        case ".jsonl":
            content = to_jsonl(known).encode()
        case ".xlsx":
            content = write_xlsx(known, notes)
        case ".csv":
            items = [entry for entry in known if isinstance(entry, QuizItem)]
            known, content = list(items), write_csv(items)
        case _:
            content = write_docx(known, title)
    try:
        write_whole(path, content)
    except OSError as exc:
        raise WangguiError(f"{path}: 写不进去 (cannot be written): {exc.strerror}") from exc
    return len(known)

"""What a trainer adds to the bank, as files in the data folder, in the formats of those that ship.

FOLDER/quiz.jsonl  cases.jsonl    beside what ships; an entry of the same id takes the place of the shipped one
FOLDER/drafts.jsonl               what a language model has proposed and nobody has approved yet

All or nothing: a batch with one entry that the checks refuse changes no file, and a file is replaced whole.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from filelock import FileLock

from bot.errors import BankRefused, WangguiError
from bot.files import write_whole
from bot.training.papers.exchange.columns import NEW
from bot.training.papers.exchange.files import read_entries
from knowledge.bank.checking import Remark, check, check_counts
from knowledge.bank.items import KINDS, Bank, CaseCard, QuizItem
from knowledge.bank.reading import CASES_FILE, QUIZ_FILE, Entry, bank_of, load_bank, read_jsonl, to_jsonl
from knowledge.errors import BankError
from knowledge.model import Regulation

DRAFTS_FILE: Final = "drafts.jsonl"
OWN: Final = "t"
"""What the ids of a trainer's own entries begin with."""
DRAFT: Final = "d"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch, by id; `unchanged` stood there already. `remarks` are warnings, none of them a bar."""

    new: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


class Shelf:
    """A folder of own entries and drafts, over the bank that ships."""

    def __init__(self, folder: Path, shipped: Bank, regulation: Regulation) -> None:
        self._folder, self._regulation = folder, regulation
        self.shipped = shipped

    def bank(self) -> Bank:
        """What ships and what was added, in the order of the articles.

        Raises:
            BankError: a file of the folder is damaged.
        """
        return bank_of(_laid_over(_entries(self.shipped), self.own()), self._regulation)

    def sound(self) -> tuple[Bank, list[str]]:
        """The bank to run with, and lines on what was left out: damaged files, entries that do not pass."""
        try:
            own = self.own()
        except BankError as exc:
            return self.shipped, [str(fault) for fault in exc.faults]
        errors = [remark for remark in self.review(own) if remark.severity == "error"]
        bad = {remark.id for remark in errors}
        passing = [entry for entry in own if entry.id not in bad]
        bank = bank_of(_laid_over(_entries(self.shipped), passing), self._regulation)
        return bank, [str(remark) for remark in errors]

    def own(self) -> tuple[Entry, ...]:
        """What was added.

        Raises:
            BankError: a file of the folder is damaged.
        """
        return _entries(load_bank(self._folder, self._regulation))

    def drafts(self) -> tuple[Entry, ...]:
        """What waits for approval.

        Raises:
            BankError: the file is damaged.
        """
        path = self._folder / DRAFTS_FILE
        return read_jsonl(path) if path.is_file() else ()

    def examine(self) -> tuple[tuple[Entry, ...], list[Remark]]:
        """The whole bank, and all there is to say of it.

        Raises:
            BankError: a file of the folder is damaged.
        """
        bank = self.bank()
        return _entries(bank), [*check(bank, self._regulation), *check_counts(bank, self._regulation)]

    def examine_file(self, path: Path) -> tuple[tuple[Entry, ...], list[Remark]]:
        """The entries of a file, and what is to be said of them beside the bank.

        Raises:
            BankError: it cannot be read, or a file of the folder is damaged.
        """
        entries = read_entries(path)
        return entries, self.review(entries)

    def examples(self) -> list[Entry]:
        """An item of each kind and a case, to show how a file is filled in."""
        items = [next((item for item in self.shipped.items if item.kind == kind), None) for kind in KINDS]
        return [entry for entry in (*items, *self.shipped.cases[:1]) if entry is not None]

    def review(self, entries: Sequence[Entry]) -> list[Remark]:
        """What is to be said of entries beside the bank as it is; without touching any file."""
        present = _laid_over(_entries(self.shipped), self.own())
        return self._review(present, entries)

    def add(self, entries: Sequence[Entry]) -> Added:
        """Take entries in; those without an id are given one.

        Raises:
            BankRefused: some do not pass; then none is taken. BankError: a file of the folder is damaged.
            WangguiError: the folder cannot be written.
        """
        with self._locked():
            return self._add(entries)

    def propose(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Keep entries until somebody approves them; their ids.

        Raises:
            BankError: a file of the folder is damaged. WangguiError: the folder cannot be written.
        """
        with self._locked():
            waiting = self.drafts()
            named = _named(entries, (entry.id for entry in waiting), DRAFT)
            self._write(DRAFTS_FILE, [*waiting, *named])
            return tuple(entry.id for entry in named)

    def approve(self, ids: Sequence[str]) -> Added:
        """Take drafts in, by id.

        Raises:
            BankRefused: some no longer pass; then none is taken. WangguiError: there is no such draft, or the folder
                cannot be written. BankError: a file of the folder is damaged.
        """
        with self._locked():
            chosen, rest = self._split(ids)
            added = self._add([replace(entry, id=f"{NEW}{entry.id}") for entry in chosen])
            self._write(DRAFTS_FILE, rest)
            return added

    def drop(self, ids: Sequence[str]) -> None:
        """Throw drafts away, by id.

        Raises:
            WangguiError: there is no such draft, or the folder cannot be written. BankError: the file is damaged.
        """
        with self._locked():
            self._write(DRAFTS_FILE, self._split(ids)[1])

    def _add(self, entries: Sequence[Entry]) -> Added:
        own = self.own()
        present = _laid_over(_entries(self.shipped), own)
        known = {entry.id: entry for entry in present}
        unchanged = [entry.id for entry in entries if known.get(entry.id) == entry]
        changed = [entry for entry in entries if known.get(entry.id) != entry]
        remarks = self._review(present, changed)
        if any(remark.severity == "error" for remark in remarks):
            raise BankRefused(remarks)
        named = _named(changed, known, OWN)
        if named:
            kept = _laid_over(own, named)
            self._write(QUIZ_FILE, [entry for entry in kept if isinstance(entry, QuizItem)])
            self._write(CASES_FILE, [entry for entry in kept if isinstance(entry, CaseCard)])
        return Added(
            new=tuple(entry.id for entry in named if entry.id not in known),
            replaced=tuple(entry.id for entry in named if entry.id in known),
            unchanged=tuple(unchanged),
            remarks=tuple(remarks),
        )

    def _review(self, present: Sequence[Entry], entries: Sequence[Entry]) -> list[Remark]:
        ids = {entry.id for entry in entries}
        if not ids:
            return []  # spares the bot's start a check of all that ships
        around = [entry for entry in present if entry.id not in ids]
        both = [*around, *entries]  # in this order: a copy is remarked on where it stands second
        items = tuple(entry for entry in both if isinstance(entry, QuizItem))
        cases = tuple(entry for entry in both if isinstance(entry, CaseCard))
        return [remark for remark in check(Bank(items, cases), self._regulation) if remark.id in ids]

    def _split(self, ids: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
        waiting = self.drafts()
        if unknown := set(ids) - {entry.id for entry in waiting}:
            raise WangguiError(f"没有这样的草稿 (no such draft): {'、'.join(sorted(unknown))}")
        chosen = [entry for entry in waiting if entry.id in ids]
        return chosen, [entry for entry in waiting if entry.id not in ids]

    def _write(self, name: str, entries: Iterable[Entry]) -> None:
        try:
            write_whole(self._folder / name, to_jsonl(entries))
        except OSError as exc:
            raise self._unwritable(exc) from exc

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / ".lock")
            lock.acquire()
        except OSError as exc:
            raise self._unwritable(exc) from exc
        try:
            yield
        finally:
            lock.release()

    def _unwritable(self, exc: OSError) -> WangguiError:
        return WangguiError(f"{self._folder}: 写不进去 (cannot be written): {exc.strerror}")


def _entries(bank: Bank) -> tuple[Entry, ...]:
    return (*bank.items, *bank.cases)


def _laid_over(below: Sequence[Entry], above: Sequence[Entry]) -> tuple[Entry, ...]:
    """Both, in order; of two with the same id the one above, in the other's place."""
    known = {entry.id: entry for entry in (*below, *above)}
    return tuple(known.values())


def _named(entries: Sequence[Entry], taken: Iterable[str], prefix: str) -> list[Entry]:
    """Entries with ids of their own: those that have none yet get the next number of their article."""
    used = {*taken, *(entry.id for entry in entries)}
    named: list[Entry] = []
    for entry in entries:
        given = replace(entry, id=_free(entry, used, prefix)) if entry.id.startswith(NEW) else entry
        used.add(given.id)
        named.append(given)
    return named


def _free(entry: Entry, used: Collection[str], prefix: str) -> str:
    stem = f"{prefix}case" if isinstance(entry, CaseCard) else f"{prefix}{entry.articles[0]:02}"
    return next(name for name in (f"{stem}-{number:02}" for number in range(1, 10_000)) if name not in used)

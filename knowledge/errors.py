"""What can go wrong in the knowledge package.

KnowledgeError
├── ReadingError           a regulation's file cannot be read: file, line, reason, what was expected
├── ModelError             the embedding model is missing, altered or cannot be loaded
├── IndexingError          the index could not be built; the one in use is untouched
├── EvaluationError        a BEIR folder is malformed: file, line, reason
└── BankError              a file of quiz items or cases is malformed: every fault, each with its place
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal


class KnowledgeError(Exception):
    """Base of everything that this package raises on purpose; its text is fit to be shown."""


class _FileError(KnowledgeError):
    def __init__(self, path: Path, line: int | None, problem: str, expected: str) -> None:
        self.path, self.line, self.problem, self.expected = path, line, problem, expected
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {problem}; expected {expected}")


class ReadingError(_FileError):
    """A regulation's file cannot be read; `line` counts from 1 (in a .docx, paragraphs), None means the whole file."""


class ModelError(KnowledgeError):
    """The embedding model is missing, altered or cannot be loaded."""


class IndexingError(KnowledgeError):
    """The index could not be built; whatever index was in use is untouched."""


class EvaluationError(_FileError):
    """A BEIR folder is malformed."""


FaultKind = Literal["unreadable", "missing", "unexpected", "unknown", "invisible", "twice", "formula", "too_many"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be read: `line` counts from 1 (of a sheet, rows), `field` as the file names it.

    `found` is what stands there, shortened; `expected` is what should, as the file would write it.
    """

    source: str
    line: int | None
    field: str
    kind: FaultKind
    found: str = ""
    expected: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.source, self.line, self.field) if part)
        told = f"{where}: {self.kind} {self.found}".rstrip()
        return f"{told}; expected {self.expected}" if self.expected else told


class BankError(KnowledgeError):
    """A file of quiz items or case cards is malformed; `faults` are all that were found, in the file's order."""

    _SHOWN: Final = 20

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        more = len(self.faults) - self._SHOWN
        lines = [*map(str, self.faults[: self._SHOWN]), *([f"... and {more} more"] if more > 0 else [])]
        super().__init__("\n".join(lines))

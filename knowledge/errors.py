"""What can go wrong in the knowledge package.

KnowledgeError
├── ReadingError           a regulation's file cannot be read: file, line, reason, what was expected
├── ModelError             the embedding model is missing, altered or cannot be loaded
├── IndexingError          the index could not be built; the one in use is untouched
└── EvaluationError        a BEIR folder is malformed: file, line, reason
"""

from pathlib import Path


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

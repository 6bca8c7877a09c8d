"""Papers as files: which there are, what they are called, and how they come into a folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from bot.errors import WangguiError
from bot.files import write_whole
from bot.training.model import Results
from bot.training.papers.exam_papers import answer_key, exam_paper
from bot.training.papers.handout import handout
from bot.training.papers.pdf import write_pdf
from bot.training.papers.word import write_docx
from bot.training.papers.workbook import write_results
from knowledge.bank.items import QuizItem
from knowledge.model import Regulation
from prompts import Replies


@dataclass(frozen=True, slots=True)
class PaperFile:
    """A file that is not written yet."""

    name: str
    content: bytes = field(repr=False)


def handout_files(results: Results, regulation: Regulation, say: Replies, zone: tzinfo) -> tuple[PaperFile, ...]:
    """The handout as Word and PDF, and the results as a workbook. Takes a second or more: call it in a thread."""
    document, made_at = handout(results, regulation, say, zone), results.closed_at or results.opened_at
    name = f"{say('paper.handout')}-{results.opened_at.astimezone(zone):%Y-%m-%d}"
    return (
        PaperFile(f"{name}.docx", write_docx(document, say, made_at)),
        PaperFile(f"{name}.pdf", write_pdf(document, say, made_at)),
        PaperFile(f"{name}.xlsx", write_results(results, regulation, say, zone)),
    )


def exam_files(items: Sequence[QuizItem], regulation: Regulation, seed: int, say: Replies) -> tuple[PaperFile, ...]:
    """An exam's paper and its key, each as Word and PDF."""
    papers = (
        (say("paper.exam"), exam_paper(items, regulation, seed, say)),
        (say("paper.key"), answer_key(items, regulation, seed, say)),
    )
    return tuple(
        file
        for name, document in papers
        for file in (
            PaperFile(f"{name}-{seed}.docx", write_docx(document, say)),
            PaperFile(f"{name}-{seed}.pdf", write_pdf(document, say)),
        )
    )


def write_files(folder: Path, files: Iterable[PaperFile]) -> None:
    """Put files into a folder, each whole or not at all; whatever was there under other names stays.

    Raises:
        WangguiError: the folder cannot be written; files that were there are as they were, or replaced whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            write_whole(folder / file.name, file.content)
    except OSError as exc:
        raise WangguiError(f"{folder}: 写不进去 (cannot be written): {exc.strerror}") from exc

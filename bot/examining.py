"""`wanggui bank exam`: an exam on paper, and its key, out of the bank."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import WangguiError
from bot.training.exam import Blueprint, draw
from bot.training.papers.files import exam_files, write_files
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import Replies

MINUTES: Final = 45
"""A blueprint needs a time; on paper nobody counts it."""
_BETWEEN: Final = re.compile(r"[\s,，、;；]+")


@dataclass(frozen=True, slots=True)
class Examined:
    """What was written: the files' names, and how many questions there are."""

    names: tuple[str, ...]
    count: int


def read_chapters(words: str, regulation: Regulation, say: Replies) -> tuple[int, ...]:
    """Chapters as somebody types them: 2,3 or 2、3; none where nothing is typed.

    Raises:
        WangguiError: it is no number, or no chapter of the regulation.
    """
    parts = [part for part in _BETWEEN.split(words) if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise WangguiError(say("paper.exam_chapters", words=words))
    chapters = tuple(dict.fromkeys(map(int, parts)))
    for number in chapters:
        if regulation.chapter(number) is None:
            raise WangguiError(say("paper.exam_chapter", number=number, last=len(regulation.chapters)))
    return chapters


def write_exam(
    bank: Bank,
    regulation: Regulation,
    chapters: Sequence[int],
    number: int,
    seed: int,
    folder: Path,
    say: Replies,
    *,
    overwrite: bool = False,
) -> Examined:
    """Draw an exam and write paper and key; all are made before the first is written.

    Raises:
        WangguiError: the bank has no such questions, a file is there already, or the folder cannot be written.
    """
    items = draw(bank, Blueprint(number, MINUTES, chapters=tuple(chapters)), seed)
    if not items:
        raise WangguiError(say("paper.exam_nothing"))
    files = exam_files(items, regulation, seed, say)
    there = next((file.name for file in files if (folder / file.name).exists()), None)
    if there is not None and not overwrite:
        raise WangguiError(say("paper.exam_exists", file=folder / there))
    write_files(folder, files)
    return Examined(tuple(file.name for file in files), len(items))

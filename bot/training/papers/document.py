"""What stands on a paper, before anybody knows whether it becomes Word or PDF. Frozen and pure.

handout, exam_papers ─▶ Document ─┬─ layout ─▶ pages ─ pdf ─▶ PDF
                                  └─ word ────────────────▶ docx
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from prompts import Language

Tone = Literal["plain", "quiet", "quote"]
"""Quiet: small and grey, for remarks. Quote: set off, for words of the regulation."""

_DROPPED: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one weight."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 (a part) or 2 (a case, a kind of question); never the last line of a page."""

    text: str
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words; a line feed begins a new line. `label` stands before them, and further lines hang below the words.

    `indent` of all lines and `first` of the first one more are in widths of a Chinese character. One that `leads` stays
    on the page of what follows.
    """

    words: tuple[Run, ...]
    label: str = ""
    tone: Tone = "plain"
    indent: float = 0.0
    first: float = 0.0
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of a question, lettered; short ones stand side by side."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `share` of 1, `words` are the figures behind it."""

    label: str
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart; `title` says of what, also to those who cannot see it."""

    title: str
    rows: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a head; `widths` are shares of the page's width, of 1 together."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """What stays on one page, as far as it fits one."""

    blocks: "tuple[Paragraph | Choices, ...]"


Block = Heading | Paragraph | Choices | Bars | Table | Together


@dataclass(frozen=True, slots=True)
class Document:
    """A paper: `title` and `subtitle` head it, `footer` stands below every page beside the page's number.

    `closing` are remarks in small print at the end.
    """

    title: str
    subtitle: str
    footer: str
    blocks: tuple[Block, ...]
    closing: tuple[str, ...] = ()
    language: Language = "zh"


def plain(text: str, **shape: object) -> Paragraph:
    """A paragraph of ordinary weight; `shape` as Paragraph has it."""
    return Paragraph((Run(text),), **shape)  # type: ignore[arg-type]


def printable(text: str) -> str:
    """Text without what no paper can show: controls, marks of direction, halves of characters.

    Line feeds stay; tabs and other white space become blanks.
    """
    plainly = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(character for character in plainly if character == "\n" or _is_shown(character))


def one_line(text: str) -> str:
    """The same in one line."""
    return " ".join(printable(text).split())


def lettered(options: Iterable[str]) -> list[tuple[str, str]]:
    """Options with their letters."""
    return list(zip("ABCDEFGHIJ", options, strict=False))


def _is_shown(character: str) -> bool:
    code = ord(character)
    variant = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    return not variant and code & 0xFFFE != 0xFFFE and unicodedata.category(character) not in _DROPPED

"""What the buttons under an answer carry, so that nothing need be stored: the articles found, and what is bold in them.

    z14.0.a,28.5.c,15           Chinese; articles 14 and 28 are quoted, each with its bold words; 15 was found too
    e7k2d1-33.0.4               English; article 33 of an added regulation, named by a short key

Numbers of articles are decimal, offsets into their texts base 36. A capital first letter says that the answer was
spoken by a language model, whose words are not those of an article; y and d stand for z and e where the question was
overheard, so that nothing a button does keeps its words. All of it is at most some fifty bytes.
"""

import re
import string
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from bot.answering.model import Answer, Citation
from bot.telegram.callbacks import MAX_BYTES
from knowledge.library import Library
from knowledge.model import Article, Regulation
from prompts import Language

MAX_TRAIL: Final = MAX_BYTES - len("1aa:") - len("999.kkkkkk:")
"""Bytes that a trail may take beside an action and the article that it shows."""

MAX_BOLD: Final = 60
"""Characters of a whole article that may be bold; of a longer one, only its deciding words are."""

MAX_BOLD_CLAUSE: Final = 120
_MAX_OTHERS: Final = 6
_DIGITS: Final = string.digits + string.ascii_lowercase
_FOUND: Final = re.compile(r"(?:([0-9a-z]{1,6})-)?([0-9]{1,4})(?:\.([0-9a-z]{1,4})\.([0-9a-z]{1,4}))?", re.ASCII)
_LETTERS: Final[dict[str, tuple[Language, bool]]] = {
    "z": ("zh", False),
    "e": ("en", False),
    "y": ("zh", True),
    "d": ("en", True),
}


@dataclass(frozen=True, slots=True)
class Bold:
    """Words of an article that decide: offset and length in its text; a length of 0 is nothing."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Found:
    """An article that was found: its regulation's key (empty for the principal one), its number; `bold` if quoted."""

    key: str
    number: int
    bold: Bold | None = None


class Shelf:
    """The library's regulations under keys short enough for a button, and stable when others are added."""

    def __init__(self, library: Library) -> None:
        self.principal = library.principal
        self._keys = {regulation.id: _key(regulation.id) for regulation in library} | {library.principal.id: ""}
        self._regulations = {self._keys[regulation.id]: regulation for regulation in library}

    def __iter__(self) -> Iterator[Regulation]:
        return iter(self._regulations.values())

    def __len__(self) -> int:
        return len(self._regulations)

    def key(self, regulation_id: str) -> str:
        """The key of a regulation of the library."""
        return self._keys[regulation_id]

    def regulation(self, key: str) -> Regulation | None:
        """The regulation under that key, or None where it is no longer there."""
        return self._regulations.get(key)

    def article(self, key: str, number: int | None) -> tuple[Regulation, Article] | None:
        """The article of that number, or None where there is none any more."""
        regulation = self.regulation(key)
        article = regulation.article(number) if regulation and number is not None else None
        return (regulation, article) if regulation and article else None


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found for a question, the quoted articles first, and the language that the answer is framed in.

    `spoken` by a language model; `overheard`: the question was not addressed to the bot.
    """

    language: Language
    found: tuple[Found, ...]
    spoken: bool = False
    overheard: bool = False

    @classmethod
    def of(cls, answer: Answer, shelf: Shelf, *, overheard: bool = False) -> Self:
        """The trail of an answer, cut to what buttons can carry: the articles cited, then those found beside them."""
        quoted = tuple(
            Found(shelf.key(citation.regulation_id), citation.article, bold_of(citation, leading=place == 0))
            for place, citation in enumerate(answer.citations)
        )
        seen = {(found.key, found.number) for found in quoted}
        others: list[Found] = []
        for article_id in answer.ranking:
            regulation_id, _, number = article_id.rpartition("#")
            if (shelf.key(regulation_id), int(number)) not in seen and len(others) < _MAX_OTHERS:
                others.append(Found(shelf.key(regulation_id), int(number)))
        return cls(answer.language, (*quoted, *others), answer.mode == "generative", overheard).cut()

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """What `encode` wrote, or None."""
        letter = _LETTERS.get(text[:1].lower())
        matches = [_FOUND.fullmatch(piece) for piece in text[1:].split(",")]
        if letter is None or not all(matches):
            return None
        language, overheard = letter
        return cls(language, tuple(_read(match) for match in matches if match), text[0].isupper(), overheard)

    def encode(self) -> str:
        """The trail as a button carries it."""
        meant = (self.language, self.overheard)
        letter = next(letter for letter, meaning in _LETTERS.items() if meaning == meant)
        return (letter.upper() if self.spoken else letter) + ",".join(map(_write, self.found))

    def cut(self) -> Self:
        """The same without the last articles that a button has no room for; the leading one always stays."""
        trail = self
        while len(trail.found) > 1 and len(trail.encode()) > MAX_TRAIL:
            trail = replace(trail, found=trail.found[:-1])
        return trail

    @property
    def leading(self) -> Found:
        """The article that decides."""
        return self.found[0]

    @property
    def quoted(self) -> tuple[Found, ...]:
        """The articles that the answer quotes."""
        return tuple(found for found in self.found if found.bold is not None)


def bold_of(citation: Citation, *, leading: bool) -> Bold:
    """Which words of a cited article are bold: the deciding clause, or its emphasised words where it is long."""
    start = citation.text.find(citation.quote)
    whole = citation.quote == citation.text
    if not whole and len(citation.quote) <= MAX_BOLD_CLAUSE:
        return Bold(start, len(citation.quote))
    if whole and leading and len(citation.text) <= MAX_BOLD:
        return Bold(0, len(citation.text))
    if citation.emphasis:
        return Bold(start + citation.quote.find(citation.emphasis), len(citation.emphasis))
    return Bold(0, 0) if whole else Bold(start, len(citation.quote))


def _key(regulation_id: str) -> str:
    return _base36(zlib.crc32(regulation_id.encode()))[-5:]


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _write(found: Found) -> str:
    key = f"{found.key}-" if found.key else ""
    bold = f".{_base36(found.bold.start)}.{_base36(found.bold.length)}" if found.bold else ""
    return f"{key}{found.number}{bold}"


def _read(match: re.Match[str]) -> Found:
    bold = Bold(int(match[3], 36), int(match[4], 36)) if match[3] else None
    return Found(match[1] or "", int(match[2]), bold)

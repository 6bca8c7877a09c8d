"""What a careful person would mend in a copied text: stray spaces, half-width punctuation. Never a word.

The promise, held by a property test: with white space dropped and widths folded, a text is the same before and after.
"""

import re
import unicodedata
from typing import Final

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WIDE_MARKS = r"\u3001-\u3011\u2018-\u201d\u2026\u2014\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_WIDE = f"[{_HAN}{_WIDE_MARKS}]"
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad]")
_SPACES = re.compile(r"[^\S\n]+")
_SPACE_BETWEEN_WIDE = re.compile(f"(?<={_WIDE}) (?={_WIDE})")
_SPACE_BESIDE_MARK = re.compile(f"(?<=[{_WIDE_MARKS}]) | (?=[{_WIDE_MARKS}])")
_HALF_MARK = re.compile(f"(?<={_WIDE})[,;:?!()]|[,;:?!()](?={_WIDE})")
_PAIR_LEFT = re.compile(r"\(([^()（）\n]*)）")
_PAIR_RIGHT = re.compile(r"（([^()（）\n]*)\)")
_FULL: Final = {mark: chr(ord(mark) + 0xFEE0) for mark in ",;:?!()"}


def tidy(text: str) -> str:
    """Drop invisible characters, fold every run of white space within a line to one space, and trim the lines."""
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n"))


def repair(text: str) -> str:
    """Mend white space and the width of punctuation; the wording stays to the letter.

    Spaces between two Han characters or full-width marks go (“推动形 成” -> “推动形成”); half-width marks that touch
    one become full-width (“做到“两个维护”,坚持” -> “…”，坚持”); line feeds stay.
    """
    text, previous = tidy(text), ""
    while previous != text:  # a mark that has become full-width makes its neighbour touch one
        previous = text
        text = _SPACE_BETWEEN_WIDE.sub("", text)
        text = _HALF_MARK.sub(lambda mark: _FULL[mark[0]], text)
        text = _SPACE_BESIDE_MARK.sub("", text)
        text = _PAIR_LEFT.sub(r"（\1）", text)
        text = _PAIR_RIGHT.sub(r"（\1）", text)
    return text


def wording(text: str) -> str:
    """The text without white space and with widths folded: what two copies of the same words have in common."""
    folded, previous = _INVISIBLE.sub("", text), None
    while folded != previous:
        previous = folded
        folded = "".join(unicodedata.normalize("NFKC", folded).split())
    return folded

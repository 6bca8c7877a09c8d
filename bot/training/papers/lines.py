"""Text -> lines, as Chinese is set: what may not begin or end a line does not, words and numbers are not torn. Pure."""

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

Width = Callable[[str], float]
"""How wide a character is, in widths of a Chinese one."""

_NO_START: Final = frozenset("、。，．：；？！…—～·・％‰℃）》〉」』】〕〗｝”’‐–,.:;!?%)]}»")
_NO_END: Final = frozenset("（《〈「『【〔〖｛“‘([{«＃￥$")
_TWINS: Final = frozenset("—…＿")
_OPENING: Final = frozenset("（《〈「『【〔〖｛“‘")
_CLOSING: Final = frozenset("、。，．：；）》〉」』】〕〗｝”’")
"""Full-width marks that are half empty, before (opening) or behind (closing): next to each other, at the beginning and
at the end of a line that half is left out."""
_HALF: Final = 0.5
_AFTER: Final = frozenset("-/")
"""Where a long word of another script may be parted."""


def break_lines(text: str, width_of: Width, first: float, rest: float) -> list[tuple[int, int]]:
    """Where lines begin and end: `first` and `rest` are how wide the first line and the others may be.

    A last line never holds one character alone. White space at a line's end and line feeds belong to no line.
    """
    lines: list[tuple[int, int]] = []
    start = 0
    for end in [*_feeds(text), len(text)]:
        lines += _paragraph(text, start, end, width_of, first if not lines else rest, rest)
        start = end + 1
    return lines


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between these two characters."""
    if after.isspace() or after in _NO_START or _joins(after):
        return False
    if before.isspace():
        return True
    if before in _NO_END or (before == after and before in _TWINS):
        return False
    return not (_is_narrow(before) and _is_narrow(after)) or before in _AFTER


def is_squeezed(before: str, after: str) -> bool:
    """Whether two marks share the blank half between them."""
    return (before in _CLOSING and after in _CLOSING | _OPENING) or (before in _OPENING and after in _OPENING)


def offsets(line: str, width_of: Width) -> tuple[list[float], float]:
    """Where each character of a line stands, and how wide the line is; a mark's blank half hangs out at either end."""
    places, at = [], -_HALF if line and line[0] in _OPENING else 0.0
    for place, character in enumerate(line):
        if place and is_squeezed(line[place - 1], character):
            at -= _HALF
        places.append(at)
        at += width_of(character)
    return places, at - (_HALF if line and line[-1] in _CLOSING else 0.0)


def em_width(text: str) -> float:
    """How wide text is, where no font is at hand to ask."""
    return sum(0.52 if _is_narrow(character) or character.isspace() else 1.0 for character in text)


def _feeds(text: str) -> Iterator[int]:
    return (place for place, character in enumerate(text) if character == "\n")


def _paragraph(text: str, start: int, end: int, width_of: Width, first: float, rest: float) -> list[tuple[int, int]]:
    lines: list[tuple[int, int]] = []
    room, at, chance = first, start, start
    used = -_HALF if start < end and text[start] in _OPENING else 0.0
    for place in range(start, end):
        character = text[place]
        if place > at:
            if may_break(text[place - 1], character):
                chance = place
            used -= _HALF * is_squeezed(text[place - 1], character)
        width = width_of(character)
        needed = width - _HALF * (character in _CLOSING)
        while used + needed > room and not character.isspace() and place > at:
            cut = chance if chance > at else place
            lines.append((at, _trimmed(text, at, cut)))
            at = chance = cut
            room = rest
            used = offsets(text[cut : place + 1], width_of)[0][-1]
        used += width
    lines.append((at, _trimmed(text, at, end)))
    return _accompanied(text, lines, width_of, rest)


def _accompanied(text: str, lines: list[tuple[int, int]], width_of: Width, room: float) -> list[tuple[int, int]]:
    """Take a character over from the line before, where the last one would hold a single one and has room for it."""
    if len(lines) < 2:
        return lines
    (before, _), (last, end) = lines[-2:]
    if sum(character not in _NO_START and not character.isspace() for character in text[last:end]) > 1:
        return lines
    earlier = [place for place in range(before + 2, last) if may_break(text[place - 1], text[place])]
    if not earlier or offsets(text[earlier[-1] : end], width_of)[1] > room:
        return lines
    cut = earlier[-1]
    return [*lines[:-2], (before, _trimmed(text, before, cut)), (cut, end)]


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


@cache
def _is_narrow(character: str) -> bool:
    if character.isspace():
        return False
    width = unicodedata.east_asian_width(character)
    return width in ("Na", "N", "H") or (width == "A" and character.isalpha())


@cache
def _joins(character: str) -> bool:
    return unicodedata.category(character).startswith("M")

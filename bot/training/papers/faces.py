"""Which font shows a character: the one that ships, else one that this machine has, else none.

The shipped font holds every character of GBK (some 21,000 Chinese ones, traditional ones too) and the usual signs. For
what people type beyond it, fonts of the system are looked through; what none of them has is shown as 〓, and told of.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FONT: Final = Path(__file__).parent / "fonts" / "NotoSansCJKsc-papers.otf"
MISSING: Final = "〓"
MOST_LOOKED_THROUGH: Final = 80
_LIKELY: Final = ("dejavusans.ttf", "cjk", "hans", "simsun", "msyh", "pingfang", "symbol", "emoji", "unicode", "noto")
_RESTRICTED: Final = 0x0002
"""OS/2 fsType: this font may not be embedded."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Face:
    """A font: where it is (`number` within a collection), and how wide its characters are, by code point."""

    path: Path
    number: int
    widths: Mapping[int, float]


class Faces:
    """The fonts that some text needs, in order of preference; the first one ships."""

    def __init__(self, faces: Iterable[Face]) -> None:
        self.faces = tuple(faces)
        self._found: dict[str, int | None] = {}

    def place(self, character: str) -> int | None:
        """Which of the fonts shows a character, or None."""
        if character not in self._found:
            code = ord(character)
            self._found[character] = next((place for place, face in enumerate(self.faces) if code in face.widths), None)
        return self._found[character]

    def width(self, character: str) -> float:
        """How wide a character is, in widths of a Chinese one; that of 〓 where no font has it."""
        place = self.place(character)
        return 1.0 if place is None else self.faces[place].widths[ord(character)]


def faces_for(text: Iterable[str], *, system: bool = True) -> Faces:
    """The fonts for these characters; not `system`: the shipped one alone."""
    ours = shipped()
    missing = {character for character in text if ord(character) not in ours.widths and character != "\n"}
    faces = [ours]
    for path in _system_fonts() if missing and system else ():
        face = _open(path)
        covered = {character for character in missing if face and ord(character) in face.widths}
        if face and covered:
            faces.append(face)
            missing -= covered
        if not missing:
            break
    return Faces(faces)


@cache
def shipped() -> Face:
    """The font that ships with us."""
    from fontTools.ttLib import TTFont

    with TTFont(FONT, lazy=True) as font:
        return Face(FONT, 0, _widths(font))


def _system_fonts() -> list[Path]:
    """Fonts of this machine, those that hold much first."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import findSystemFonts

    carried = [Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"]
    found = [*carried, *map(Path, sorted(findSystemFonts()))]
    return sorted(found, key=_unlikely)[:MOST_LOOKED_THROUGH]


def _unlikely(path: Path) -> tuple[int, bool]:
    name = path.name.lower()
    rank = next((rank for rank, part in enumerate(_LIKELY) if part in name), len(_LIKELY))
    return rank, "regular" not in name


@cache
def _open(path: Path) -> Face | None:
    """A font of the system; None where it cannot be read, has no outlines or forbids embedding."""
    from fontTools.ttLib import TTCollection, TTFont

    try:
        if path.suffix.lower() in (".ttc", ".otc"):
            with TTCollection(path, lazy=True) as several:
                names = [font["name"].getDebugName(1) or "" for font in several.fonts]
                number = next((place for place, name in enumerate(names) if name.endswith(" SC")), 0)
                return _embeddable(path, number, several.fonts[number])
        with TTFont(path, lazy=True) as font:
            return _embeddable(path, 0, font)
    except Exception as exc:  # a system's fonts may hold anything
        log.debug("a font of the system cannot be read: %s", type(exc).__name__)
        return None


def _embeddable(path: Path, number: int, font: "TTFont") -> Face | None:
    if not {"glyf", "CFF "} & set(font.keys()) or font["OS/2"].fsType & _RESTRICTED:
        return None
    return Face(path, number, _widths(font))


def _widths(font: "TTFont") -> dict[int, float]:
    upem, metrics = font["head"].unitsPerEm, font["hmtx"].metrics
    return {code: metrics[glyph][0] / upem for code, glyph in font.getBestCmap().items()}

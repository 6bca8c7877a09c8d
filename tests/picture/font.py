"""`make font`: cuts the fonts of pictures and of papers out of Debian's fonts-noto-cjk.

Pictures need the sentences under [chart] in either language, article labels, digits and ASCII. Papers show what people
type: all of GBK, every character of the first Chinese block of Unicode, Latin letters and the usual signs.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTCollection

from bot.telegram import charts
from bot.training.papers import faces

SOURCE: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FACE: Final = "Noto Sans CJK SC"


RANGES: Final = (
    (0x20, 0x24F), (0x2000, 0x206F), (0x2100, 0x27BF), (0x2E80, 0x2FDF), (0x3000, 0x33FF), (0x4E00, 0x9FFF),
    (0xFF00, 0xFFEF),
)  # fmt: skip


def main() -> None:
    """Write the subsets into the packages."""
    if not SOURCE.is_file():
        sys.exit("make font needs Debian's package fonts-noto-cjk")
    cut(charts.FONT, charts.needed_characters(), flat=True)
    cut(faces.FONT, printed_characters(), flat=False)


def cut(target: Path, characters: Iterable[str], *, flat: bool) -> None:
    """Write a subset; `flat`: without subroutines, which draws faster and is larger."""
    face = next(face for face in TTCollection(SOURCE).fonts if face["name"].getDebugName(1) == FACE)
    options = subset.Options(layout_features=[], hinting=False, desubroutinize=flat, name_IDs=[0, 1, 2, 5, 13, 14])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(characters)))
    subsetter.subset(face)
    target.parent.mkdir(exist_ok=True)
    face.save(target)
    print(f"{target.name}: {target.stat().st_size} bytes")


def printed_characters() -> set[str]:
    """Every character that papers can show on any machine."""
    gbk = {pair.decode("gbk", "ignore") for pair in (bytes((high, low)) for high in range(256) for low in range(256))}
    ranges = {chr(code) for first, last in RANGES for code in range(first, last + 1)}
    return {character for words in gbk for character in words if ord(character) >= 0x80} | ranges


if __name__ == "__main__":
    main()

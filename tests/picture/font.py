"""`make font`: cuts the font that pictures are drawn with out of Debian's fonts-noto-cjk, to the characters they need.

Those are the sentences under [chart] in either language, article labels, digits and ASCII.
"""

import sys
from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTCollection

from bot.telegram.charts import FONT, needed_characters

SOURCE: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FACE: Final = "Noto Sans CJK SC"


def main() -> None:
    """Write the subset into the package."""
    if not SOURCE.is_file():
        sys.exit("make font needs Debian's package fonts-noto-cjk")
    faces = TTCollection(SOURCE).fonts
    face = next(face for face in faces if face["name"].getDebugName(1) == FACE)
    options = subset.Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=[0, 1, 2, 5, 13, 14])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(needed_characters())))
    subsetter.subset(face)
    FONT.parent.mkdir(exist_ok=True)
    face.save(FONT)
    print(f"{FONT.name}: {FONT.stat().st_size} bytes")


if __name__ == "__main__":
    main()

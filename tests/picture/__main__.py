"""`make picture`: draws docs/*.png from real answers, as Telegram-like phones shot in headless Chromium.

Needs Debian's `chromium` and a Chinese font (fonts-noto-cjk); nothing else of the project does. With a folder as
argument, every scene is drawn into it by itself, light and dark, to be looked at.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image

from bot.bootstrap import open_answerer
from bot.settings import Settings
from tests.picture.scenes import Scene, scenes
from tests.picture.shooting import THEMES, browser, measure, page, shoot

ROOT: Final = Path(__file__).parents[2]
SHOWN: Final = ("group", "pages", "english", "declined", "search", "contents")
PHONE_PX: Final = 360
COLUMNS: Final = 3
COLOURS: Final = 64


def main() -> None:
    """Draw the README's pictures, or every scene into a folder."""
    if browser() is None:
        sys.exit("make picture needs Debian's packages chromium and fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder, open_answerer(Settings(data_dir=Path(folder))) as answerer:
        drawn = list(scenes(answerer))
    if len(sys.argv) > 1:
        for scene in drawn:
            for theme in THEMES:
                _draw([scene], theme, Path(sys.argv[1]) / f"{scene.name}-{theme}.png")
        return
    _draw([scene for scene in drawn if scene.name == "group"], "light", ROOT / "docs" / "answer.png")
    shown = [scene for name in SHOWN for scene in drawn if scene.name == name]
    for theme in THEMES:
        _draw(shown, theme, ROOT / "docs" / f"telegram-{theme}.png")


def _draw(drawn: list[Scene], theme: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    markup = page(drawn, [theme])
    heights = [int(phone["height"]) for phone in measure(markup)]
    rows = [heights[start : start + COLUMNS] for start in range(0, len(heights), COLUMNS)]
    shoot(markup, target, PHONE_PX * min(len(drawn), COLUMNS), sum(max(row) for row in rows))
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS).save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    main()

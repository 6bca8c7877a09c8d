"""`make wall-picture`: shoots docs/wall-light.png and docs/wall-dark.png, or with a folder as argument every scene.

Needs Debian's `chromium` and a Chinese font (fonts-noto-cjk).
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Page

from knowledge.bank.reading import load_bank
from knowledge.library import bundled_folder, load_library
from prompts import load_replies
from tests.picture.shooting import browser
from tests.wall.browsing import Theme, chromium, page_at, shows
from tests.wall.staging import Stage, plan_of, staged

ROOT: Final = Path(__file__).parents[2]
SIZES: Final = ((1920, 1080), (1024, 768))
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
README_SIZE: Final = (1600, 900)
SHOWN: Final[dict[Theme, str]] = {"light": "03-single-revealed", "dark": "03-single-open"}
COLOURS: Final = 128


async def main() -> None:
    """Every scene in turn, in each size and theme; or the two of the README."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    regulation = load_library().principal
    bank = load_bank(bundled_folder() / regulation.id, regulation)
    singles = [item.id for item in bank.items if item.kind == "single" and item.difficulty == 2]
    multiples = [item.id for item in bank.items if item.kind == "multiple"]
    fills = [item.id for item in bank.items if item.kind == "fill_in"]
    longest = max(bank.items, key=lambda item: len(item.question) + sum(map(len, item.options))).id
    plan = plan_of(
        bank, load_replies()["zh"], singles[20], longest, multiples[3], fills[5], case="case-01", scored=True
    )
    with tempfile.TemporaryDirectory() as place:
        async with AsyncExitStack() as stack:
            stage = await stack.enter_async_context(staged(Path(place), regulation, plan))
            opened = await stack.enter_async_context(chromium())
            await stage.fill()
            pages = {
                (size, theme): await stack.enter_async_context(
                    page_at(opened, stage.links.view, size=size, theme=theme)
                )
                for size in (SIZES if folder else [README_SIZE])
                for theme in THEMES
            }
            async for name in _scenes(stage):
                for (size, theme), page in pages.items():
                    if folder is not None:
                        await _shoot(page, stage, folder / f"{name}-{size[0]}-{theme}.png")
                    elif SHOWN[theme] == name:
                        await _shoot(page, stage, ROOT / "docs" / f"wall-{theme}.png")


async def _scenes(stage: Stage) -> AsyncIterator[str]:
    yield "00-agenda"
    await stage.on()
    yield "01-questions"
    await stage.on()
    yield "02-case-open"
    await stage.on()
    yield "02-case-revealed"
    for name, votes in (
        ("03-single", (9, 31, 6, 4)),
        ("05-longest", (5, 12, 3, 30)),
        ("07-multiple", (20, 22, 9, 30)),
        ("09-fill", (40, 12)),
    ):
        await stage.on()
        await stage.vote_as(*votes)
        yield f"{name}-open"
        await stage.on()
        yield f"{name}-revealed"
    await stage.on()
    yield "11-board"
    await stage.on()
    yield "12-close"


async def _shoot(page: Page, stage: Stage, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    await shows(page, await stage.mark())
    await page.screenshot(path=target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS).save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    if browser() is None:
        sys.exit("needs Debian's packages chromium and fonts-noto-cjk")
    asyncio.run(main())

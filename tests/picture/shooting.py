"""Headless Chromium: a page -> a PNG, or what the page has measured of itself."""

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.picture.scenes import Scene

PAGE: Final = Path(__file__).parent / "page.html"
THEMES: Final = ("light", "dark")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
)


def browser() -> str | None:
    """Where Chromium is, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def page(scenes: Iterable[Scene], themes: Iterable[str]) -> str:
    """All scenes side by side, in each theme."""
    phones = [
        f'<div class="phone {theme}" data-name="{scene.name}">{scene.messages}</div>'
        for theme in themes
        for scene in scenes
    ]
    return PAGE.read_text(encoding="utf-8").replace("<!-- phones -->", "\n".join(phones))


def shoot(markup: str, target: Path, width: int, height: int) -> None:
    """Draw the page at twice its size."""
    size = ("--force-device-scale-factor=2", f"--window-size={width},{height}", f"--screenshot={target}")
    _run(markup, *size)


def measure(markup: str) -> list[dict[str, Any]]:
    """What the page's own script has measured: one entry for each phone."""
    found = re.search(r'data-measured="([^"]*)"', _run(markup, "--dump-dom", "--window-size=1100,2000"))
    assert found, "the page has not measured itself"
    measured: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return measured


def _run(markup: str, *arguments: str) -> str:
    chromium = browser()
    assert chromium, "Chromium is not installed"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(markup, encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={folder}/profile", *arguments, path.as_uri()]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=90).stdout

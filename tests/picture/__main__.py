"""`make picture`: draws docs/answer.png from real answers, as a Telegram-like page shot in headless Chromium.

Needs Debian's `chromium` and a Chinese font (fonts-noto-cjk); nothing else of the project does.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Final

from bot.bootstrap import open_answerer
from bot.settings import Settings
from bot.telegram.rendering import render

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = Path(__file__).parent / "page.html"
TALK: Final = (
    ("小李", "#c03d33", "@wanggui_bot 给主播刷礼物行不行"),
    (None, "", "给主播刷礼物行不行"),
    ("老王", "#2f8f4e", "@wanggui_bot 翻墙被查到了会怎么处理"),
    (None, "", "翻墙被查到了会怎么处理"),
)


def bubbles() -> str:
    """The conversation as HTML: what people typed, and what the bot really answers, quotes folded at three lines."""
    drawn, asked, asker = [], "", ""
    with tempfile.TemporaryDirectory() as folder, open_answerer(Settings(data_dir=Path(folder))) as answerer:
        for name, colour, text in TALK:
            if name:
                asked, asker = text, name
                words = re.sub(r"(@\w+)", r"<a>\1</a>", escape(text))
                drawn.append(f'<div class="bubble"><b style="color:{colour}">{name}</b><p>{words}</p></div>')
                continue
            message = "".join(render(answerer.answer_now(text)))
            body = re.sub(
                r"<blockquote expandable>(.*?)</blockquote>",
                r'<blockquote class="fold">\1</blockquote>',
                message,
                flags=re.S,
            )
            quoted = f'<div class="reply"><b>{asker}</b>{escape(asked)}</div>'
            drawn.append(f'<div class="bubble bot"><b style="color:#3a7bd5">网规助手</b>{quoted}<p>{body}</p></div>')
    return "\n".join(drawn)


def main() -> None:
    """Draw the picture, at twice a phone's 360 px."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("make picture needs Debian's packages chromium and fonts-noto-cjk")
    target = ROOT / "docs" / "answer.png"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(PAGE.read_text(encoding="utf-8").replace("<!-- bubbles -->", bubbles()), encoding="utf-8")
        flags = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--hide-scrollbars",
        )
        size = ("--force-device-scale-factor=2", "--window-size=380,712")
        subprocess.run(
            [browser, *flags, *size, f"--user-data-dir={folder}/profile", f"--screenshot={target}", page.as_uri()],
            check=True,
        )
    print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()

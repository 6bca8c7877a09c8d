"""A bar chart as a picture (PNG), for papers that hold no drawing of their own. Pure."""

from io import BytesIO
from typing import Final

from bot.training.papers.document import Bars
from bot.training.papers.faces import FONT
from bot.training.papers.layout import BLUE, GREY, INK, PALE

WIDTH: Final = 1700
"""Pixels: 260 an inch where the picture is as wide as a page's text."""
_ROW, _SIZE, _GAP = 66, 38, 24


def draw_bars(bars: Bars) -> bytes:
    """The chart; one row a bar."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(FONT), _SIZE)
    picture = Image.new("RGB", (WIDTH, _ROW * len(bars.rows) + _GAP), "white")
    pen = ImageDraw.Draw(picture)
    left = round(max(font.getlength(bar.label) for bar in bars.rows)) + _GAP
    track = WIDTH - left - _GAP - round(max(font.getlength(bar.words) for bar in bars.rows))
    for number, bar in enumerate(bars.rows):
        top = number * _ROW + _GAP // 2
        middle = top + _ROW // 2
        pen.text((0, middle), bar.label, f"#{INK}", font, anchor="lm")
        pen.rectangle((left, top + 14, left + track, top + _ROW - 14), f"#{PALE}")
        if bar.share > 0:
            pen.rectangle((left, top + 14, left + round(track * bar.share), top + _ROW - 14), f"#{BLUE}")
        pen.text((left + track + _GAP, middle), bar.words, f"#{GREY}", font, anchor="lm")
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()

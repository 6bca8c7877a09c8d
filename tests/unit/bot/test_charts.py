"""The picture of /stats: drawn for any figures, with a font that has every character it shows."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from bot.storage.usage import Figures
from bot.telegram.charts import FONT, draw_figures, needed_characters
from bot.telegram.statistics import caption
from prompts import LANGUAGES, Language, load_replies

FIRST = date(2026, 10, 24)


def figures(counts: list[int], cited: tuple[tuple[int, int], ...] = (), declined: int = 0) -> Figures:
    days = tuple((FIRST + timedelta(days=place), count) for place, count in enumerate(counts))
    return Figures(FIRST, days[-1][0], days, cited, sum(counts), declined, 3, 1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "shown",
    [
        figures([0] * 29 + [1]),
        figures([3, 0, 7] * 10, ((14, 9), (3, 1)), 4),
        figures([10**6] * 30, tuple((number, 10**6) for number in range(1, 40)), 10**6),
        figures([1]),
    ],
    ids=["first", "usual", "crowded", "one day"],
)
def test_it_is_drawn_for_any_figures(shown: Figures, language: Language) -> None:
    picture = Image.open(BytesIO(draw_figures(shown, load_replies()[language], str)))
    assert picture.format == "PNG"
    assert picture.size == (1080, 1296)
    corner = picture.convert("RGB").getpixel((2, 2))
    assert corner == (255, 255, 255)
    assert len(picture.convert("L").getcolors() or []) > 20  # something is on it


def test_the_same_figures_give_the_same_picture_and_others_another() -> None:
    say = load_replies()["zh"]
    first = draw_figures(figures([3, 0, 7]), say, str)
    assert draw_figures(figures([3, 0, 7]), say, str) == first
    assert draw_figures(figures([3, 0, 8]), say, str) != first


def test_the_font_has_every_character_that_pictures_need() -> None:
    has = {chr(code) for code in TTFont(FONT).getBestCmap()}
    needed = needed_characters()
    assert {"第", "条", "十", "9", "%", "最"} <= needed
    assert needed <= has, f"run make font: {''.join(sorted(needed - has))}"
    assert FONT.stat().st_size < 100_000


def test_the_caption_says_the_figures_in_words() -> None:
    shown = figures([3, 0, 7], ((14, 9), (3, 2), (5, 1), (7, 1)), 4)
    words = caption(shown, load_replies()["zh"], "第{}条".format, private=False)
    assert words.split("\n") == [
        "最近 3 天：问了 10 次，婉拒 4 次（40%）；3 人说有用，1 人说不对。",
        "引得最多：第14条 9 次、第3条 2 次、第5条 1 次。",
    ]
    assert "私聊" in caption(shown, load_replies()["zh"], str, private=True)
    assert "Most cited: 14 9×, 3 2×" in caption(shown, load_replies()["en"], str, private=False)

"""Figures -> a picture (PNG) that is read on a phone: tiles, questions a day, most cited articles. Pure.

matplotlib is imported when the first picture is drawn; it is not safe in several threads at once, so a lock stands
before it. The font beside this module holds just the characters that pictures need (`make font`).
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from bot.storage.usage import Figures
from knowledge.numerals import format_numeral
from prompts import LANGUAGES, Replies, load_replies

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONT: Final = Path(__file__).parent / "fonts" / "NotoSansCJKsc-charts.otf"
MOST_CITED: Final = 6
_MOST_ARTICLES: Final = 999
_BLUE, _INK, _GREY, _PALE, _RED, _GREEN = "#2f6fb3", "#1f2933", "#6b7785", "#eef2f6", "#b4533c", "#3c7d57"
_SIZE_INCHES: Final = (6.0, 7.2)
_DPI: Final = 180

_drawing = Lock()


def draw_figures(figures: Figures, say: Replies, label: Callable[[int], str]) -> bytes:
    """The picture as PNG bytes; `label` names an article. Takes some 0.5 s: call it in a thread."""
    with _drawing:
        return _draw(figures, say, label)


def needed_characters() -> frozenset[str]:
    """Every character that a picture may show."""
    charts = [
        say(key, **dict.fromkeys(names, ""))
        for say in (load_replies()[language] for language in LANGUAGES)
        for key, names in say.placeholders().items()
        if key.startswith("chart.")
    ]
    labels = [f"第{format_numeral(number)}条" for number in range(1, _MOST_ARTICLES + 1)]
    return frozenset("".join([*charts, *labels, *map(chr, range(32, 127))]))


def _draw(figures: Figures, say: Replies, label: Callable[[int], str]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    if not any(entry.fname == str(FONT) for entry in fontManager.ttflist):
        fontManager.addfont(FONT)
    family = next(entry.name for entry in fontManager.ttflist if entry.fname == str(FONT))
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    writing: Mapping[str, Any] = {"fontfamily": family, "color": _INK}
    days = len(figures.days)
    figure.text(0.06, 0.955, say("chart.title", days=days), fontsize=19, va="center", **writing)
    tiles = (
        (say("chart.asked"), str(figures.questions), _BLUE),
        (say("chart.declined"), f"{figures.declined_share:.0%}", _INK),
        (say("chart.up"), str(figures.votes_up), _GREEN),
        (say("chart.down"), str(figures.votes_down), _RED),
    )
    for place, (name, number, colour) in enumerate(tiles):
        tile = figure.add_axes((0.06 + place * 0.2267, 0.79, 0.2, 0.115), facecolor=_PALE)
        _bare(tile)
        tile.text(0.5, 0.64, number, ha="center", va="center", fontsize=20, **{**writing, "color": colour})
        tile.text(0.5, 0.17, name, ha="center", va="baseline", fontsize=12, **{**writing, "color": _GREY})
    figure.text(0.06, 0.725, say("chart.questions"), fontsize=14, va="center", **writing)
    _questions(figure.add_axes((0.1, 0.48, 0.84, 0.205)), figures, writing)
    figure.text(0.06, 0.385, say("chart.cited"), fontsize=14, va="center", **writing)
    if figures.cited:
        _cited(figure.add_axes((0.24, 0.03, 0.66, 0.325)), figures, label, writing)
    else:
        figure.text(0.06, 0.335, say("chart.cited_none"), fontsize=12, va="center", **{**writing, "color": _GREY})
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _questions(axes: "Axes", figures: Figures, writing: Mapping[str, Any]) -> None:
    counts = [count for _, count in figures.days]
    top = max(counts, default=0)
    axes.bar(range(len(counts)), counts, width=0.78, color=_BLUE)
    step = max(1, round(len(counts) / 5))
    places = list(range(len(counts) - 1, -1, -step))[::-1]
    axes.set_xticks(places, [f"{figures.days[place][0].month}/{figures.days[place][0].day}" for place in places])
    axes.set_yticks([0, top] if top < 4 else [0, round(top / 2), top])
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.set_ylim(0, max(top, 1) * 1.05)
    axes.grid(axis="y", color=_PALE, linewidth=1.2)
    axes.set_axisbelow(True)
    _quiet(axes, writing)


def _cited(axes: "Axes", figures: Figures, label: Callable[[int], str], writing: Mapping[str, Any]) -> None:
    cited = figures.cited[:MOST_CITED]
    counts = [count for _, count in cited]
    places = range(len(cited))
    axes.barh(places, counts, height=0.62, color=_BLUE)
    axes.set_yticks(places, [label(article) for article, _ in cited])
    axes.set_ylim(MOST_CITED - 0.5, -0.6)
    axes.set_xlim(0, max(counts) * 1.12)
    axes.set_xticks([])
    for place, count in zip(places, counts, strict=True):
        axes.text(count + max(counts) * 0.02, place, str(count), va="center", fontsize=12, **writing)
    _quiet(axes, writing)
    axes.spines["bottom"].set_visible(False)


def _quiet(axes: "Axes", writing: Mapping[str, Any]) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GREY)
    axes.tick_params(length=0, labelsize=12, labelcolor=_INK, labelfontfamily=writing["fontfamily"])


def _bare(axes: "Axes") -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)

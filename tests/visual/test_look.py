"""Real answers on a phone 360 px wide, drawn by headless Chromium: what runs over, what is bold, what is folded."""

from typing import Any

import pytest

from bot.answering.service import Answerer
from tests.picture.scenes import scenes
from tests.picture.shooting import THEMES, browser, measure, page

pytestmark = pytest.mark.skipif(browser() is None, reason="Chromium is not installed")

SCREEN_PX = 700
"""What a phone shows of a chat at once."""


@pytest.fixture(scope="module")
def phones(answerer: Answerer) -> list[dict[str, Any]]:
    """What the page has measured of every scene, light and dark."""
    measured = measure(page(list(scenes(answerer)), THEMES))
    assert len(measured) == len(list(scenes(answerer))) * len(THEMES) > 10
    return measured


def test_nothing_runs_over_the_edge(phones: list[dict[str, Any]]) -> None:
    assert [(phone["name"], phone["beyond"]) for phone in phones if phone["beyond"]] == []
    assert {phone["width"] for phone in phones} == {360}


def test_no_button_is_cut_short(phones: list[dict[str, Any]]) -> None:
    assert [(phone["name"], phone["cut"]) for phone in phones if phone["cut"]] == []


def test_no_message_is_longer_than_a_screen(phones: list[dict[str, Any]]) -> None:
    assert [(phone["name"], phone["tallest"]) for phone in phones if phone["tallest"] > SCREEN_PX] == []


def test_what_decides_is_bold_in_either_theme(phones: list[dict[str, Any]]) -> None:
    for phone in phones:
        assert all(weight >= 600 for _, weight in phone["bold"])
    bold = {(phone["name"], phone["theme"]): [words for words, _ in phone["bold"]] for phone in phones}
    for theme in THEMES:
        assert "直播打赏" in bold["private", theme]
        assert any("使用非法定信道浏览" in words for words in bold["group", theme])
        assert "妄议党中央大政方针" in bold["pages", theme]
        assert "直播" in bold["search", theme]


def test_long_quotes_are_folded_and_short_pages_open(phones: list[dict[str, Any]]) -> None:
    folded = {phone["name"]: phone["folded"] for phone in phones}
    assert folded["group"] == 1
    assert folded["long"] >= 1
    assert folded["pages"] == folded["brief"] == folded["declined"] == 0

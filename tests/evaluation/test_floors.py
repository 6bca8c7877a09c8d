"""Floors under the figures: they may rise, never fall. Weights are fitted on both development sets, never on `test`."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.answering.service import Answerer
from bot.bootstrap import find
from knowledge.corpora import match_articles
from knowledge.evaluation import evaluate, read_collection

FOLDER = Path(__file__).parent
FEW = 8
"""Questions of a style below which one miss would decide."""


@pytest.fixture(scope="module", params=["dev", "dev_second", "dev_third", "test", "test_second"])
def figures(request: pytest.FixtureRequest, answerer: Answerer) -> dict[str, Any]:
    collection = read_collection(FOLDER / request.param)
    matched = match_articles(collection.documents, answerer.library)
    assert matched is not None
    return evaluate(collection, partial(find, answerer, matched)).figures()


@pytest.mark.parametrize(("measure", "floor"), [("hit@1", 0.92), ("hit@3", 0.97), ("all@5", 0.97), ("mrr@10", 0.95)])
def test_the_right_articles_come_first(figures: dict[str, Any], measure: str, floor: float) -> None:
    assert figures["ranking"]["queries"] >= 160
    assert figures["ranking"][measure] >= floor


@pytest.mark.parametrize(
    ("style", "floor"),
    [
        ("colloquial", 0.9),
        ("scenario", 0.83),
        ("english", 0.85),
        ("traditional", 0.9),
        ("typo", 0.9),
        ("structure", 1.0),
    ],
)
def test_no_style_is_left_behind(figures: dict[str, Any], style: str, floor: float) -> None:
    styles = figures["by_style"]
    assert len(styles) >= 8
    if style in styles and styles[style]["queries"] >= FEW:
        assert styles[style]["hit@1"] >= floor


def test_it_seldom_keeps_silent_wrongly(figures: dict[str, Any], request: pytest.FixtureRequest) -> None:
    ceiling = 0.04 if "test_second" in request.node.name else 0.03  # where it was when that set was first run
    assert figures["abstention"]["false_silence"] <= ceiling


@pytest.mark.parametrize(("group", "ceiling"), [("near", 0.1), ("chit-chat", 0.07), ("off-topic", 0.05)])
def test_it_seldom_answers_what_the_regulation_does_not(
    figures: dict[str, Any], group: str, ceiling: float, request: pytest.FixtureRequest
) -> None:
    if "dev_third" in request.node.name and group == "near":
        ceiling = 0.2  # its hand declines what lies nearest; half of these are matters of opinion
    outside = figures["abstention"]["false_answers_by_group"][group]
    assert outside["queries"] >= 15
    assert outside["rate"] <= ceiling

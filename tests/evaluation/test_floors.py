"""Floors under the figures: they may rise, never fall. Weights are fitted on both development sets, never on `test`."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.answering.service import Answerer
from bot.bootstrap import find
from knowledge.corpora import match_articles
from knowledge.evaluation import evaluate, read_collection

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Limits:
    """How many questions a set has at the least, and what may go wrong with it."""

    answerable: int = 180
    of_a_group: int = 20
    of_a_style: int = 0
    silence: float = 0.03
    near: float = 0.1


NEW = Limits(answerable=160, of_a_group=15, of_a_style=8)
"""The sets of the last two hands: they have styles of a handful of questions, in which one miss would decide."""
SETS = {
    "dev": Limits(),
    "dev_second": Limits(),
    "dev_third": replace(NEW, near=0.2),  # its hand declines what lies nearest; half of these are matters of opinion
    "test": Limits(),
    "test_second": replace(NEW, silence=0.04),  # where it was when that set was first run
}


@pytest.fixture(scope="module", params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def limits(name: str) -> Limits:
    return SETS[name]


@pytest.fixture(scope="module")
def figures(name: str, answerer: Answerer) -> dict[str, Any]:
    collection = read_collection(FOLDER / name)
    matched = match_articles(collection.documents, answerer.library)
    assert matched is not None
    return evaluate(collection, partial(find, answerer, matched)).figures()


@pytest.mark.parametrize(("measure", "floor"), [("hit@1", 0.92), ("hit@3", 0.97), ("all@5", 0.97), ("mrr@10", 0.95)])
def test_the_right_articles_come_first(figures: dict[str, Any], limits: Limits, measure: str, floor: float) -> None:
    assert figures["ranking"]["queries"] >= limits.answerable
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
def test_no_style_is_left_behind(figures: dict[str, Any], limits: Limits, style: str, floor: float) -> None:
    styles = figures["by_style"]
    assert len(styles) >= 8
    if style in styles and styles[style]["queries"] >= limits.of_a_style:  # some sets have none of structure
        assert styles[style]["hit@1"] >= floor


def test_it_seldom_keeps_silent_wrongly(figures: dict[str, Any], limits: Limits) -> None:
    assert figures["abstention"]["false_silence"] <= limits.silence


@pytest.mark.parametrize(("group", "ceiling"), [("near", 0.1), ("chit-chat", 0.07), ("off-topic", 0.05)])
def test_it_seldom_answers_what_the_regulation_does_not(
    figures: dict[str, Any], limits: Limits, group: str, ceiling: float
) -> None:
    ceiling = limits.near if group == "near" else ceiling
    outside = figures["abstention"]["false_answers_by_group"][group]
    assert outside["queries"] >= limits.of_a_group
    assert outside["rate"] <= ceiling

"""Fitted weights: read whole or refused, and what they make of features."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.errors import ModelError
from knowledge.ranking import FEATURES, SIGNALS, Weights, softmax, weights_file

ENTRY: dict[str, Any] = {
    "ranking": {name: float(place) for place, name in enumerate(FEATURES)},
    "abstention": {name: float(-place) for place, name in enumerate(SIGNALS)},
    "bias": 0.5,
    "threshold": 0.4,
}


def write(folder: Path, entry: object) -> Path:
    path = folder / "ranking.json"
    path.write_text(json.dumps(entry), encoding="utf-8")
    return path


def test_weights_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    shuffled = ENTRY | {"ranking": dict(reversed(ENTRY["ranking"].items()))}
    weights = Weights.read(write(tmp_path, shuffled))
    assert weights.ranking.tolist() == list(map(float, range(len(FEATURES))))
    assert weights.abstention.tolist() == [float(-place) for place in range(len(SIGNALS))]
    assert (weights.bias, weights.threshold) == (0.5, 0.4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.pop("bias"),
        lambda entry: entry.pop("threshold"),
        lambda entry: entry.pop("ranking"),
        lambda entry: entry["ranking"].pop("dense"),
        lambda entry: entry["abstention"].pop("short"),
        lambda entry: entry.update(bias="much"),
        lambda entry: entry.update(ranking=[1, 2, 3]),
        lambda entry: entry["ranking"].update(dense=None),
        lambda entry: entry["ranking"].update(dense="much"),
    ],
)
def test_weights_of_another_version_are_refused(tmp_path: Path, damage: Callable[[dict[str, Any]], object]) -> None:
    entry = json.loads(json.dumps(ENTRY))
    damage(entry)
    path = write(tmp_path, entry)
    with pytest.raises(ModelError, match=r"ranking\.json"):
        Weights.read(path)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff\xfe", b"3"])
def test_a_missing_or_broken_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ranking.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"ranking\.json"):
        Weights.read(path)


def test_the_shipped_weights_are_read() -> None:
    weights = Weights.read(weights_file())
    assert weights.ranking.shape == (len(FEATURES),)
    assert weights.abstention.shape == (len(SIGNALS),)
    assert np.isfinite([*weights.ranking, *weights.abstention, weights.bias]).all()
    assert 0 < weights.threshold < 1


def test_scores_are_weighted_sums(tmp_path: Path) -> None:
    weights = Weights.read(write(tmp_path, ENTRY))
    features = np.zeros((3, len(FEATURES)), dtype=np.float32)
    features[1, 2], features[2, 3] = 1.0, 2.0
    assert weights.rank(features).tolist() == [0.0, 2.0, 6.0]
    assert weights.rank(features[:0]).shape == (0,)


@pytest.mark.parametrize("bias", [-1e9, -3.0, 0.0, 3.0, 1e9])
def test_confidence_is_a_probability(bias: float) -> None:
    weights = Weights(np.zeros(len(FEATURES), np.float32), np.ones(len(SIGNALS), np.float32), bias, 0.5)
    levels = [weights.confidence([level] * len(SIGNALS)) for level in (-5.0, -1.0, 0.0, 1.0, 5.0)]
    assert levels == sorted(levels)
    assert all(0.0 < level < 1.0 for level in levels)
    assert bias != 0.0 or levels[2] == 0.5


def test_softmax_gives_shares() -> None:
    shares = softmax(np.array([1000.0, 999.0, -1000.0], dtype=np.float32))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-5)
    assert shares[2] == 0.0
    assert softmax(np.array([3.0], dtype=np.float32)).tolist() == [1.0]

"""Ranking of any corpus by a few features: candidates from both sides and from what they cite."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge import fusion as fusion_module
from knowledge.citing import Citations
from knowledge.corpora import corpus_library
from knowledge.errors import ModelError
from knowledge.evaluation import Document
from knowledge.fusion import FEATURES, Fusion, FusionWeights, fusion_file
from tests.fakes import FakeEmbedder, FakeIndex

TEXTS = (
    "买卖合同的出卖人应当交付标的物。",
    "承租人应当按照约定支付租金。",
    "违反前款规定的，依照租赁法第二条处理。",
    "父母对未成年子女负有抚养义务。",
    "租金的支付期限没有约定的，依照租赁法第四条确定。",
)
NONE: Mapping[str, float] = {}
TITLES = ("买卖法第一条", "租赁法第二条", "租赁法第三条", "租赁法第四条", "租赁细则第一条")


def make_fusion(
    weights: Mapping[str, float] = NONE, texts: Sequence[str] = TEXTS, titles: Sequence[str] = TITLES
) -> Fusion:
    documents = [
        Document(str(place), title, text) for place, (title, text) in enumerate(zip(titles, texts, strict=True))
    ]
    embedder = FakeEmbedder()
    values = np.array([weights.get(name, 0.0) for name in FEATURES], dtype=np.float32)
    index = FakeIndex(corpus_library(documents), embedder)
    return Fusion(embedder, index, Citations.build(titles, texts), FusionWeights(values))  # type: ignore[arg-type]


def column(fusion: Fusion, question: str, name: str) -> dict[int, float]:
    places, features = fusion.measure(question)
    return dict(zip(places.tolist(), features[:, FEATURES.index(name)].tolist(), strict=True))


@pytest.mark.parametrize("side", ["dense", "lexical", "coverage"])
@pytest.mark.parametrize(
    ("question", "best"), [("承租人支付租金", 1), ("未成年子女的抚养", 3), ("出卖人交付标的物", 0)]
)
def test_each_side_finds_the_document_that_says_it(question: str, best: int, side: str) -> None:
    ranking, share = make_fusion({side: 1.0}).rank(question, 3)
    assert ranking[0] == best
    assert len(ranking) == 3
    assert 1 / len(TEXTS) < share <= 1


def test_a_law_that_others_cite_leads_where_only_authority_counts() -> None:
    assert set(make_fusion({"authority": 1.0}).rank("租金", 3)[0]) == {1, 2, 3}


def test_what_a_good_candidate_cites_is_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion_module, "DEPTH", 1)
    fusion = make_fusion({"cited": 1.0})
    places, _ = fusion.measure("租金的支付期限没有约定")
    assert places.tolist() == [3, 4]
    assert column(fusion, "租金的支付期限没有约定", "cited") == {3: 0.5, 4: 0.0}
    assert fusion.rank("租金的支付期限没有约定", 1)[0] == [3]


def test_every_feature_has_its_scale() -> None:
    places, features = make_fusion().measure("支付租金")
    assert places.tolist() == sorted(places.tolist())
    assert features.shape == (len(places), len(FEATURES))
    assert features.min() >= 0.0
    assert features[:, 1:].max() <= 1.0 + 1e-6
    assert features[:, 0].max() <= 10.0 + 1e-4
    assert max(column(make_fusion(), "支付租金", "lexical").values()) == pytest.approx(1.0)


@pytest.mark.parametrize("question", ["", " ", "？！", "麒麟", "x" * 5000, "\ud800"])
def test_any_question_is_ranked(question: str) -> None:
    ranking, _ = make_fusion({"dense": 1.0, "lexical": 1.0}).rank(question, 10)
    assert sorted(ranking) == list(range(len(TEXTS)))


def test_a_corpus_of_one_document() -> None:
    assert make_fusion({"dense": 1.0}, ["租金"], [""]).rank("租金", 10)[0] == [0]


# ---------------------------------------------------------------- weights


def test_the_shipped_weights_are_read() -> None:
    assert FusionWeights.read(fusion_file()).ranking.shape == (len(FEATURES),)


def test_weights_that_are_written_are_read(tmp_path: Path) -> None:
    weights = FusionWeights(np.arange(len(FEATURES)).astype(np.float32))
    weights.write(tmp_path / "fusion.json")
    np.testing.assert_array_equal(FusionWeights.read(tmp_path / "fusion.json").ranking, weights.ranking)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", json.dumps(dict.fromkeys(FEATURES, "much"))])
def test_weights_that_cannot_be_read_are_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "fusion.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"fusion\.json"):
        FusionWeights.read(path)

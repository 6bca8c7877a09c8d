"""The bundled int8 model beside sentence-transformers on the same weights (extra `sbert`)."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.embedding import (
    HIDDEN,
    Embedder,
    OnnxEmbedder,
    SentenceTransformersEmbedder,
    Vector,
    base_model_folder,
    bundled_model_folder,
    load_embedder,
)
from knowledge.encoders.float_weights import read_weights, write_bundle, write_sentence_transformers_folder
from knowledge.encoders.slimming import slim
from knowledge.errors import ModelError
from knowledge.model import Regulation

os.environ.setdefault("HF_HUB_OFFLINE", "1")
onnx = pytest.importorskip("onnx", reason="the extra 'sbert' is not installed (make sbert): onnx is missing")
pytest.importorskip(
    "sentence_transformers",
    reason="the extra 'sbert' is not installed (make sbert): sentence_transformers is missing",
)

pytestmark = [pytest.mark.sbert, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def texts(conduct: Regulation, written_questions: list[str]) -> list[str]:
    """Ten articles and ten questions."""
    return [article.text for article in conduct.articles[::3][:10]] + written_questions[
        :: len(written_questions) // 10
    ][:10]


@pytest.fixture(scope="module")
def float_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbert") / "float"
    write_sentence_transformers_folder(bundled_model_folder(), folder)
    return folder


@pytest.fixture(scope="module")
def rebuilt(float_folder: Path) -> Embedder:
    return load_embedder(str(float_folder))


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    card = json.loads((bundled_model_folder() / "model.json").read_text(encoding="utf-8"))
    return dict(read_weights(onnx.load(bundled_model_folder() / str(card["encoder"]))))


def cosines(left: Vector, right: Vector) -> list[float]:
    return [float(one @ other) for one, other in zip(left, right, strict=True)]


def test_our_vectors_agree_with_sentence_transformers(
    bundled_embedder: Embedder, rebuilt: Embedder, texts: list[str]
) -> None:
    assert isinstance(rebuilt, SentenceTransformersEmbedder)
    assert len(texts) == 20
    assert rebuilt.dimensions == bundled_embedder.dimensions
    found = cosines(bundled_embedder.embed_all(texts), rebuilt.embed_all(texts))
    assert min(found) >= 0.99, found


def test_their_vectors_are_unit_vectors(rebuilt: Embedder, texts: list[str]) -> None:
    norms = np.linalg.norm(rebuilt.embed_all(texts), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=1e-5)
    np.testing.assert_allclose(rebuilt.embed(texts[0]), rebuilt.embed_all(texts)[0], atol=1e-5)


def test_no_texts_have_no_vectors(rebuilt: Embedder) -> None:
    assert rebuilt.embed_all([]).shape == (0, rebuilt.dimensions)


def test_the_same_folder_has_the_same_fingerprint(rebuilt: Embedder, float_folder: Path) -> None:
    assert load_embedder(str(float_folder)).fingerprint == rebuilt.fingerprint


def test_weights_written_back_are_the_same_model(
    tmp_path: Path, bundled_embedder: Embedder, weights: dict[str, Any], texts: list[str]
) -> None:
    write_bundle(bundled_model_folder(), weights, tmp_path / "bundle", name="again")
    again = OnnxEmbedder(tmp_path / "bundle")
    found = cosines(bundled_embedder.embed_all(texts), again.embed_all(texts))
    assert min(found) >= 0.999, found


def test_other_weights_are_another_model(
    tmp_path: Path, bundled_embedder: Embedder, weights: dict[str, Any], texts: list[str]
) -> None:
    chance = np.random.default_rng(0)
    name = "encoder.layer.0.attention.self.query.weight"
    changed = weights | {name: chance.normal(0, 0.1, weights[name].shape).astype(np.float32)}
    write_bundle(bundled_model_folder(), changed, tmp_path / "bundle", name="another")
    another = OnnxEmbedder(tmp_path / "bundle")
    assert another.fingerprint != bundled_embedder.fingerprint
    assert min(cosines(bundled_embedder.embed_all(texts), another.embed_all(texts))) < 0.999


def test_weights_of_another_shape_are_refused(tmp_path: Path, weights: dict[str, Any]) -> None:
    name = "encoder.layer.0.attention.self.query.weight"
    with pytest.raises(ValueError, match="shape"):
        write_bundle(bundled_model_folder(), weights | {name: weights[name][:-1]}, tmp_path / "bundle", name="broken")


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model or folder"):
        load_embedder(str(tmp_path / "nowhere"))


def test_a_slim_graph_gives_nearly_the_same_vector_from_one_row(tmp_path: Path) -> None:
    from onnxruntime import InferenceSession

    model = onnx.load(base_model_folder() / "onnx" / "model_quantized.onnx")
    slim(model)
    once = model.SerializeToString()
    slim(model)
    assert model.SerializeToString() == once, "one that is slim stays as it is"
    onnx.save(model, tmp_path / "slim.onnx")
    session = InferenceSession(str(tmp_path / "slim.onnx"))
    assert {entry.name for entry in session.get_inputs()} == {"input_ids", "token_type_ids"}
    ids = np.array([[101, 1054, 1447, 679, 2533, 5445, 1870, 102]], dtype=np.int64)
    rows = session.run([HIDDEN], {"input_ids": ids, "token_type_ids": np.zeros_like(ids)})[0]
    assert rows.shape[:2] == (1, 1)
    whole = InferenceSession(str(base_model_folder() / "onnx" / "model_quantized.onnx"))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    first = whole.run([HIDDEN], feed)[0][0, 0]
    assert float(rows[0, 0] @ first / np.linalg.norm(rows[0, 0]) / np.linalg.norm(first)) > 0.99

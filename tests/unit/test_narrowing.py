"""Halving an encoder's feed-forward layers (extra `sbert`)."""

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.embedding import OnnxEmbedder, base_model_folder
from knowledge.encoders.float_weights import read_weights, torch_encoder
from knowledge.encoders.narrowing import batches, distil, narrow, own_texts, tokeniser, write_narrow_bundle
from knowledge.library import bundled_folder
from knowledge.model import Regulation

os.environ.setdefault("HF_HUB_OFFLINE", "1")
REASON = "the extra 'sbert' is not installed (make sbert)"
onnx = pytest.importorskip("onnx", reason=REASON)
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("sentence_transformers", reason=REASON)

pytestmark = [pytest.mark.sbert, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def texts(conduct: Regulation, written_questions: list[str]) -> list[str]:
    questions = written_questions[:: len(written_questions) // 10][:10]
    return [clause.text[:60] for article in conduct.articles[::3] for clause in article.clauses[:1]] + questions


def test_a_narrower_encoder_gives_nearly_the_same_vectors(tmp_path: Path, texts: list[str]) -> None:
    source, tokenise = base_model_folder(), tokeniser(base_model_folder())
    teacher = torch_encoder(read_weights(onnx.load(source / "onnx" / "model_quantized.onnx"))).eval()
    own = own_texts(bundled_folder() / "party-network-conduct")
    steps = batches(own, ["某机关依法公开信息。"], 64, random.Random(3))
    student = narrow(teacher, 1024, [tokenise(next(steps)) for _ in range(24)])
    before = cosine_distance(teacher, student, tokenise(texts))
    distil(teacher, student, tokenise, steps, 12)
    assert cosine_distance(teacher, student, tokenise(texts)) < before < 0.2
    write_narrow_bundle(source, student, tmp_path / "narrow")
    narrower = OnnxEmbedder(tmp_path / "narrow")
    alike = np.sum(OnnxEmbedder(source).embed_all(texts) * narrower.embed_all(texts), axis=1)
    assert alike.min() > 0.8, alike
    hidden = read_weights(onnx.load(tmp_path / "narrow" / "onnx" / "model_quantized.onnx"))
    widths = [len(hidden[f"encoder.layer.{layer}.intermediate.dense.bias"]) for layer in range(4)]
    assert widths == [1024, 1024, 1024, 2048]


def cosine_distance(teacher: Any, student: Any, batch: dict[str, Any]) -> float:
    with torch.no_grad():
        alike = torch.nn.functional.cosine_similarity(teacher(**batch)[0][:, 0], student(**batch)[0][:, 0])
    return float(1 - alike.mean())


def test_texts_of_a_step_are_shared_out_and_cropped() -> None:
    own = [str(place) * 10 for place in range(10)]
    step = next(batches(own, ["general"], 10, random.Random(1)))
    assert step.count("general") == 3
    assert all(any(text in whole for whole in own) and len(text) >= 5 for text in step[:7])
    assert any(len(text) < 10 for text in step[:7])
    assert len(next(batches(own, [], 10, random.Random(1)))) == 10

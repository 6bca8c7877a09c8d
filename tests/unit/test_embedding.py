"""The bundled model: unit vectors, always the same ones, and only from the files that were checked in."""

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from knowledge.embedding import (
    BUNDLED,
    GENERAL,
    Embedder,
    OnnxEmbedder,
    SentenceTransformersEmbedder,
    base_model_folder,
    bundled_model_folder,
    load_embedder,
)
from knowledge.errors import ModelError

TEXTS = [
    "党员不得擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等。",
    "能翻墙吗",
    "可以用vpn吗?",
    "article 12",
    "😀👍🏻",
    "第",
    "",
    "党员" * 2000,
]


@pytest.mark.parametrize("text", TEXTS, ids=["article", "short", "latin", "english", "emoji", "one", "empty", "long"])
def test_a_vector_has_unit_norm(bundled_embedder: Embedder, text: str) -> None:
    vector = bundled_embedder.embed(text)
    assert vector.shape == (bundled_embedder.dimensions,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_a_text_always_has_the_same_vector(bundled_embedder: Embedder) -> None:
    again = OnnxEmbedder(bundled_model_folder())
    for text in TEXTS:
        np.testing.assert_array_equal(bundled_embedder.embed(text), bundled_embedder.embed(text))
        np.testing.assert_array_equal(bundled_embedder.embed(text), again.embed(text))
    assert again.fingerprint == bundled_embedder.fingerprint


def test_a_vector_depends_on_no_other_text(bundled_embedder: Embedder) -> None:
    together = bundled_embedder.embed_all(TEXTS)
    assert together.shape == (len(TEXTS), bundled_embedder.dimensions)
    np.testing.assert_array_equal(together, np.stack([bundled_embedder.embed(text) for text in TEXTS]))


def test_no_texts_have_no_vectors(bundled_embedder: Embedder) -> None:
    assert bundled_embedder.embed_all([]).shape == (0, bundled_embedder.dimensions)


def test_threads_do_not_disturb_one_another(bundled_embedder: Embedder) -> None:
    texts = TEXTS[:6] * 5
    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(bundled_embedder.embed, texts))
    np.testing.assert_array_equal(np.stack(vectors), bundled_embedder.embed_all(texts))


def test_what_a_text_means_decides_where_it_lies(bundled_embedder: Embedder) -> None:
    question, near, far = bundled_embedder.embed_all(
        ["党员可以访问境外网站吗", "党员不得使用非法定信道浏览境外的网站", "今天晚饭吃什么好呢"]
    )
    assert float(question @ near) > float(question @ far) + 0.1


# ---------------------------------------------------------------- the files


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    target = tmp_path / "model"
    shutil.copytree(bundled_model_folder(), target)
    return target


def encoder_of(folder: Path) -> Path:
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return folder / str(card["encoder"])


def test_the_bundled_folder_is_complete() -> None:
    folder = bundled_model_folder()
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert set(card["sha256"]) == {card["encoder"], "tokenizer.json"}
    assert card["licence"] == "MIT"
    assert "MIT" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_copy_of_the_folder_is_the_same_model(copied: Path, bundled_embedder: Embedder) -> None:
    model = load_embedder(str(copied))
    assert isinstance(model, OnnxEmbedder)
    assert model.fingerprint == bundled_embedder.fingerprint
    np.testing.assert_array_equal(model.embed("能翻墙吗"), bundled_embedder.embed("能翻墙吗"))


@pytest.mark.parametrize("name", ["tokenizer.json", "encoder"])
def test_an_altered_file_is_refused_by_name(copied: Path, name: str) -> None:
    path = encoder_of(copied) if name == "encoder" else copied / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="SHA-256") as raised:
        OnnxEmbedder(copied)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["tokenizer.json", "encoder", "model.json"])
def test_a_missing_file_is_refused_by_name(copied: Path, name: str) -> None:
    path = encoder_of(copied) if name == "encoder" else copied / name
    path.unlink()
    with pytest.raises(ModelError) as raised:
        OnnxEmbedder(copied)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    "card", ["", "{", "[]", "{}", '{"sha256": {}}', '{"encoder": "onnx/model_quantized.onnx"}', '{"sha256": []}', "3"]
)
def test_a_broken_card_is_refused(copied: Path, card: str) -> None:
    (copied / "model.json").write_text(card, encoding="utf-8")
    with pytest.raises(ModelError, match="model"):
        OnnxEmbedder(copied)


@pytest.mark.parametrize("name", ["tokenizer.json", "encoder"])
def test_a_file_that_is_no_model_is_refused(copied: Path, name: str) -> None:
    path = encoder_of(copied) if name == "encoder" else copied / name
    path.write_bytes(b"no model")
    card_path = copied / "model.json"
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card["sha256"][str(path.relative_to(copied))] = hashlib.sha256(b"no model").hexdigest()
    card_path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxEmbedder(copied)


def test_another_file_is_another_fingerprint(copied: Path, bundled_embedder: Embedder) -> None:
    path, card_path = copied / "tokenizer.json", copied / "model.json"
    path.write_bytes(path.read_bytes() + b"\n")
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card["sha256"]["tokenizer.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    card_path.write_text(json.dumps(card), encoding="utf-8")
    assert OnnxEmbedder(copied).fingerprint != bundled_embedder.fingerprint


# ---------------------------------------------------------------- sentence-transformers, without it


class Stand:
    """Stands where sentence_transformers.SentenceTransformer would."""

    def __init__(self, name: str, device: str) -> None:
        if name == "no/such-model":
            raise OSError("we could not connect to the hub")
        self.name, self.device = name, device

    def get_embedding_dimension(self) -> int:
        return 4

    def encode(self, texts: Sequence[str], **options: bool) -> list[list[float]]:
        assert options == {"normalize_embeddings": True, "show_progress_bar": False}
        return [[1.0, 0.0, 0.0, 0.0] if "党" in text else [0.0, 1.0, 0.0, 0.0] for text in texts]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Stand  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


def test_another_model_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError) as raised:
        load_embedder("BAAI/bge-small-zh-v1.5")
    assert "WANGGUI_EMBEDDING_MODEL=BAAI/bge-small-zh-v1.5" in str(raised.value)
    assert "sbert" in str(raised.value)
    assert "pip install" in str(raised.value)


@pytest.mark.usefixtures("stand")
def test_an_unknown_model_is_refused_without_the_librarys_words() -> None:
    with pytest.raises(ModelError) as raised:
        load_embedder("no/such-model")
    assert "WANGGUI_EMBEDDING_MODEL=no/such-model" in str(raised.value)
    assert "hub" not in str(raised.value)
    assert isinstance(raised.value.__cause__, OSError)


@pytest.mark.usefixtures("stand")
def test_a_known_model_is_used() -> None:
    model = load_embedder("some/model")
    assert isinstance(model, SentenceTransformersEmbedder)
    assert model.dimensions == 4
    assert model.embed("党员").tolist() == [1.0, 0.0, 0.0, 0.0]
    assert model.embed_all(["甲", "党"]).tolist() == [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    assert model.embed_all([]).shape == (0, 4)
    assert model.fingerprint != load_embedder("other/model").fingerprint
    assert model.fingerprint == load_embedder("some/model").fingerprint


def test_the_bundled_model_is_the_default() -> None:
    model = load_embedder()
    assert isinstance(model, OnnxEmbedder)
    assert model.fingerprint == load_embedder(BUNDLED).fingerprint


def test_the_general_model_is_another_one_of_the_same_shape(bundled_embedder: Embedder) -> None:
    general = load_embedder(GENERAL)
    assert general.dimensions == bundled_embedder.dimensions
    assert general.fingerprint != bundled_embedder.fingerprint
    assert general.fingerprint == load_embedder(str(base_model_folder())).fingerprint

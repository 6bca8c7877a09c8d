"""Text -> unit vector: the bundled ONNX model by default, any sentence-transformers model by name.

An `Embedder` is all that the index and the retriever know. Texts are embedded one at a time: int8 activations shift
with padding and with whatever else is in the batch, and one short query takes some 2 ms. Many texts are shared out
among the cores, which is as fast as batches would be.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import ModelError

Vector = NDArray[np.float32]
"""A unit vector of shape (dimensions,), or a matrix of them of shape (n, dimensions)."""

BUNDLED: Final = "bundled"
GENERAL: Final = "general"
"""The model that the bundled one was fine-tuned from: better for whatever is not the bundled regulation."""
MAX_TOKENS: Final = 512
HIDDEN: Final = "last_hidden_state"
"""The encoder's output, shape (1, tokens, dimensions), of which the first row is read; a slim one gives only that."""
_MODELS: Final = Path(__file__).parent / "models"
_NOT_FUSED: Final = ("SkipLayerNormFusion",)
"""onnxruntime's rewriting of a graph that does not pay: its own SkipLayerNormalization takes five times as long as the
addition and the normalisation that it stands for. It rounds otherwise, hence it is part of the fingerprint."""


class Embedder(Protocol):
    """Turns text into unit vectors; safe to call from several threads."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text would get another vector."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, text: str) -> Vector:
        """One text -> shape (dimensions,), float32, L2 norm 1."""
        ...

    def embed_all(self, texts: Sequence[str]) -> Vector:
        """Many texts -> shape (n, dimensions), in order."""
        ...


class OnnxEmbedder:
    """A folder with `tokenizer.json`, an ONNX encoder and `model.json` (files with their SHA-256), run by onnxruntime.

    CLS pooling and L2 normalisation, as BAAI trained the bge family.

    Raises:
        ModelError: a file is missing or is not the one that was checked in.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        card = read_card(folder)
        digests = {name: _verified_digest(folder / name, expected) for name, expected in card["sha256"].items()}
        options = SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = InferenceSession(
                str(folder / card["encoder"]),
                sess_options=options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=list(_NOT_FUSED),
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as exc:  # both libraries raise bare Exception subclasses of their own
            raise ModelError(f"{folder}: the embedding model cannot be loaded; reinstall wanggui") from exc
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        self._dimensions = int(self._session.get_outputs()[0].shape[-1])
        identity = json.dumps([digests, _NOT_FUSED], sort_keys=True)
        self._fingerprint = hashlib.sha256(identity.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def embed(self, text: str) -> Vector:
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = np.asarray(self._session.run([HIDDEN], {name: feed[name] for name in self._inputs})[0])
        return _unit(hidden[0, 0].astype(np.float32))

    def embed_all(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.zeros((0, self._dimensions), dtype=np.float32)
        with ThreadPoolExecutor(min(os.cpu_count() or 1, len(texts)), thread_name_prefix="embedding") as pool:
            return np.stack(list(pool.map(self.embed, texts)))


class SentenceTransformersEmbedder:
    """Any sentence-transformers model, by hub name or folder (extra `sbert`).

    Raises:
        ModelError: the extra is not installed, or the model cannot be loaded.
    """

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as exc:
            raise ModelError(
                f"WANGGUI_EMBEDDING_MODEL={name} needs the extra 'sbert': pip install torch==2.13.0 'wanggui[sbert]'"
            ) from exc
        try:
            self._model: Any = SentenceTransformer(name, device="cpu")
        except Exception as exc:  # the hub client, safetensors and torch each have their own
            raise ModelError(f"WANGGUI_EMBEDDING_MODEL={name} cannot be loaded: no such model or folder") from exc
        self._name = name
        self._dimensions = int(self._model.get_embedding_dimension())
        probe = self.embed("党员网络行为").tobytes()
        self._fingerprint = hashlib.sha256(name.encode() + probe).hexdigest()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def embed(self, text: str) -> Vector:
        return np.asarray(self.embed_all([text])[0], dtype=np.float32)

    def embed_all(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.zeros((0, self._dimensions), dtype=np.float32)
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1)


def bundled_model_folder() -> Path:
    """Where the model that ships with wanggui lies."""
    return _MODELS / "wanggui-bge-small-zh-int8"


def base_model_folder() -> Path:
    """Where the model lies that the bundled one was fine-tuned from."""
    return _MODELS / "bge-small-zh-v1.5-int8"


def load_embedder(name: str = BUNDLED) -> Embedder:
    """The bundled model, its general ancestor, a folder in their form, or any sentence-transformers model.

    Raises:
        ModelError: see the two classes.
    """
    if name == BUNDLED:
        return OnnxEmbedder(bundled_model_folder())
    if name == GENERAL:
        return OnnxEmbedder(base_model_folder())
    if (Path(name) / "model.json").is_file():
        return OnnxEmbedder(Path(name))
    return SentenceTransformersEmbedder(name)


def read_card(folder: Path) -> dict[str, Any]:
    """What a bundled model says of itself: `encoder`, the file to run, and `sha256` of each of its files.

    Raises:
        ModelError: it is missing or malformed.
    """
    try:
        card: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if not card["encoder"] or not dict(card["sha256"]):
            raise ValueError("no files are named")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(f"{folder / 'model.json'}: missing or malformed; reinstall wanggui") from exc
    return card


def _verified_digest(path: Path, expected: str) -> str:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read; reinstall wanggui") from exc
    if digest != expected:
        raise ModelError(f"{path}: its SHA-256 is {digest[:12]}…, expected {expected[:12]}…; reinstall wanggui")
    return digest


def _unit(vector: Vector) -> Vector:
    norm = max(float(np.linalg.norm(vector)), 1e-12)
    return np.asarray(vector / norm, dtype=np.float32)

"""The bundled int8 ONNX encoder <-> float BERT weights in a sentence-transformers folder.

The ONNX graph keeps one named initializer a weight, so both directions are a change of names, of layout (ONNX stores
matrices as (in, out), torch as (out, in)) and of scale. Source of the layout: onnxruntime's BERT model builder.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import MAX_TOKENS, base_model_folder, bundled_model_folder, read_card

Weights = dict[str, NDArray[np.float32]]
"""Weights by their name in torch's BertModel."""

HEADS: Final = 8
_LARGEST: Final = 64
_LAYER_NAMES: Final = {
    "attn.q_proj": "attention.self.query",
    "attn.k_proj": "attention.self.key",
    "attn.v_proj": "attention.self.value",
    "attn.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_NORM_NAMES: Final = {
    "attention_output_norm_layernorm": "attention.output.LayerNorm",
    "mlp_output_norm_layernorm": "output.LayerNorm",
}
_HIDDEN_BIAS: Final = "intermediate.dense.bias"
_EMBEDDINGS: Final = ("word_embeddings", "position_embeddings", "token_type_embeddings")


def read_weights(model: Any) -> Weights:
    """Every weight of the ONNX encoder as float32, under its name in torch's BertModel."""
    from onnx import numpy_helper

    raw = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights: Weights = {}
    for name in _EMBEDDINGS:
        weights[f"embeddings.{name}.weight"] = _dequantise(raw, f".model.embeddings.{name}.weight")
    for kind in ("weight", "bias"):
        weights[f"embeddings.LayerNorm.{kind}"] = raw[f"model.layers.-1.embeddings_norm_layernorm.{kind}"]
    for layer in range(_layers(raw)):
        for source, target in _LAYER_NAMES.items():
            matrix = _dequantise(raw, f"model.layers.{layer}.{source}.MatMul.weight")
            weights[f"encoder.layer.{layer}.{target}.weight"] = np.ascontiguousarray(matrix.T)
            weights[f"encoder.layer.{layer}.{target}.bias"] = raw[f"model.layers.{layer}.{source}.Add.bias"]
        for source, target in _NORM_NAMES.items():
            for kind in ("weight", "bias"):
                weights[f"encoder.layer.{layer}.{target}.{kind}"] = raw[f"model.layers.{layer}.{source}.{kind}"]
    return weights


def write_weights(model: Any, weights: Weights) -> None:
    """Quantise the weights into the ONNX encoder's own initializers: the graph stays, the numbers change."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    raw_layers = _layers(dict.fromkeys(tensors))
    for name in _EMBEDDINGS:
        _store_unsigned(tensors, f".model.embeddings.{name}.weight", weights[f"embeddings.{name}.weight"])
    for kind in ("weight", "bias"):
        _store(tensors[f"model.layers.-1.embeddings_norm_layernorm.{kind}"], weights[f"embeddings.LayerNorm.{kind}"])
    for layer in range(raw_layers):
        for target, source in _LAYER_NAMES.items():
            matrix = weights[f"encoder.layer.{layer}.{source}.weight"].T
            _store_signed(tensors, f"model.layers.{layer}.{target}.MatMul.weight", matrix)
            _store(tensors[f"model.layers.{layer}.{target}.Add.bias"], weights[f"encoder.layer.{layer}.{source}.bias"])
        for target, source in _NORM_NAMES.items():
            for kind in ("weight", "bias"):
                _store(
                    tensors[f"model.layers.{layer}.{target}.{kind}"], weights[f"encoder.layer.{layer}.{source}.{kind}"]
                )


def _layers(raw: dict[str, Any]) -> int:
    return len({name.split(".")[2] for name in raw if name.startswith("model.layers.") and ".attn.q_proj." in name})


def _dequantise(raw: dict[str, Any], name: str) -> NDArray[np.float32]:
    quantised, scale, zero = (raw[f"{name}_{part}"] for part in ("quantized", "scale", "zero_point"))
    return np.asarray((quantised.astype(np.float32) - zero.astype(np.float32)) * scale, dtype=np.float32)


def _store(tensor: Any, values: NDArray[Any]) -> None:
    from onnx import numpy_helper

    old = numpy_helper.to_array(tensor)
    if old.shape != values.shape and not old.size == values.size == 1:
        raise ValueError(f"{tensor.name}: shape {values.shape}, expected {old.shape}")
    stored = np.array(values, dtype=old.dtype, order="C").reshape(old.shape)
    tensor.CopyFrom(numpy_helper.from_array(stored, tensor.name))


def _store_unsigned(tensors: dict[str, Any], name: str, values: NDArray[np.float32]) -> None:
    """Asymmetric uint8, one scale for the whole tensor (embeddings)."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = (high - low) / 255 or 1.0
    zero = round(-low / scale)
    _store(tensors[f"{name}_quantized"], np.clip(np.rint(values / scale) + zero, 0, 255))
    _store(tensors[f"{name}_scale"], np.array(scale))
    _store(tensors[f"{name}_zero_point"], np.array(zero))


def _store_signed(tensors: dict[str, Any], name: str, values: NDArray[np.float32]) -> None:
    """Symmetric, one scale an output channel (matrices); zero points are zero.

    Seven bits, not eight: without VNNI, x86 adds pairs of products in 16 bits, and eight bits overflow them.
    """
    scale = np.maximum(np.abs(values).max(axis=0) / _LARGEST, 1e-12)
    _store(tensors[f"{name}_quantized"], np.clip(np.rint(values / scale), -_LARGEST, _LARGEST))
    _store(tensors[f"{name}_scale"], scale)
    _store(tensors[f"{name}_zero_point"], np.zeros_like(scale))


def torch_encoder(weights: Weights) -> Any:
    """Torch's BertModel with these weights; narrower feed-forward layers are filled up with neurons that do nothing.

    Raises:
        ValueError: weights are missing.
    """
    import torch
    from transformers import BertConfig, BertModel

    vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=sum(name.endswith("query.weight") for name in weights),
        num_attention_heads=HEADS,
        intermediate_size=max(len(values) for name, values in weights.items() if name.endswith(_HIDDEN_BIAS)),
        max_position_embeddings=weights["embeddings.position_embeddings.weight"].shape[0],
    )
    bert = BertModel(config, add_pooling_layer=False)
    state = {}
    for name, own in bert.state_dict().items():
        if name in weights:
            lacks = [(0, wide - narrow) for wide, narrow in zip(own.shape, weights[name].shape, strict=True)]
            state[name] = torch.from_numpy(np.pad(weights[name], lacks))
    lacking = bert.load_state_dict(state, strict=False).missing_keys
    if set(lacking) - {"embeddings.position_ids", "embeddings.token_type_ids"}:
        raise ValueError(f"weights are missing: {lacking}")
    return bert


def write_sentence_transformers_folder(source: Path, target: Path) -> None:
    """Rebuild a bundled encoder as a float sentence-transformers folder: CLS pooling, normalised.

    Raises:
        OSError: the source cannot be read or the target not written.
    """
    import onnx
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import PreTrainedTokenizerFast

    bert = torch_encoder(read_weights(onnx.load(source / read_card(source)["encoder"])))
    transformer = target / "transformer"
    bert.save_pretrained(transformer)
    PreTrainedTokenizerFast(
        tokenizer_file=str(source / "tokenizer.json"),
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
        model_max_length=MAX_TOKENS,
    ).save_pretrained(transformer)
    encoder = Transformer(str(transformer), max_seq_length=MAX_TOKENS)
    pooling = Pooling(bert.config.hidden_size, pooling_mode="cls")
    SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu").save(str(target))
    shutil.rmtree(transformer)


def write_bundle(source: Path, weights: Weights, target: Path, *, name: str) -> None:
    """Write a folder in the bundled form from a source bundle's graph and new weights, quantised to int8."""
    import onnx

    model = onnx.load(source / read_card(source)["encoder"])
    write_weights(model, weights)
    write_graph(source, model, target, name=name)


def write_graph(source: Path, model: Any, target: Path, *, name: str) -> None:
    """Write a folder in the bundled form from an ONNX model and the rest of a source bundle."""
    import onnx

    card = read_card(source)
    (target / card["encoder"]).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, target / card["encoder"])
    if target.resolve() != source.resolve():
        shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    card["name"] = name
    card["sha256"] = {path: hashlib.sha256((target / path).read_bytes()).hexdigest() for path in card["sha256"]}
    (target / "model.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Write the bundled encoder's float weights into a sentence-transformers folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--base", action="store_true", help="the model that the bundled one was fine-tuned from")
    arguments = parser.parse_args()
    source = base_model_folder() if arguments.base else bundled_model_folder()
    write_sentence_transformers_folder(source, arguments.target)
    print(arguments.target)


if __name__ == "__main__":
    main()

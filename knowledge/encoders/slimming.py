"""Cut out of a bundled encoder what a sentence's vector does not need: same weights, a third less work.

    python -m knowledge.encoders.slimming [SOURCE] OUT_FOLDER

Texts are embedded one at a time, so no token is padding and the attention's mask says nothing; and of the last layer
only the first token (CLS) is read, so that its queries, its feed-forward half and its norms need one row alone. The
weights keep their names: `knowledge.encoders.float_weights` reads and writes a slim graph as well.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np

from knowledge.embedding import HIDDEN, bundled_model_folder, read_card
from knowledge.encoders.float_weights import write_graph

_MASK_INPUT: Final = 5
"""Where MultiHeadAttention takes its attention_bias (com.microsoft, onnxruntime's contrib operators)."""


def slim(model: Any) -> None:
    """Change an encoder's graph in place; one that is slim already stays as it is.

    Raises:
        ValueError: it is not laid out as the bundled ones are.
    """
    nodes = {node.name: node for node in model.graph.node}
    attentions = [node for node in model.graph.node if node.op_type == "MultiHeadAttention"]
    if not attentions or f"{attentions[-1].name.rpartition('/')[0]}/q_proj/MatMul_quant" not in nodes:
        raise ValueError("no encoder in the bundled form: its last attention is not where it should be")
    for attention in attentions:
        if len(attention.input) > _MASK_INPUT:
            attention.input[_MASK_INPUT] = ""
    last = attentions[-1].name.split("/")[2]
    query = nodes[f"/model/{last}/attn/q_proj/MatMul_quant"]
    residual = nodes[f"/model/{last}/attention/output/Add"]
    _first_row_of(model, query, 0)
    _first_row_of(model, residual, 1)
    _keep_only(model, HIDDEN)


def _first_row_of(model: Any, node: Any, place: int) -> None:
    """Let a node read the first token's row of one of its inputs, shape (batch, tokens, width) -> (batch, 1, width)."""
    from onnx import helper, numpy_helper

    source = node.input[place]
    if source.endswith("/first"):
        return
    known = {tensor.name for tensor in model.graph.initializer}
    for name, value in (("/slim/0", 0), ("/slim/1", 1)):
        if name not in known:
            model.graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.int64), name))
    taking = helper.make_node("Slice", [source, "/slim/0", "/slim/1", "/slim/1"], [f"{source}/first"])
    taking.name = f"{source}/first"
    node.input[place] = taking.output[0]
    model.graph.node.insert(list(model.graph.node).index(node), taking)


def _keep_only(model: Any, output: str) -> None:
    """Drop every node, initializer, input and output that this output does not need."""
    makers = {made: node for node in model.graph.node for made in node.output}
    needed: set[str] = set()
    wanted = [output]
    while wanted:
        name = wanted.pop()
        if not name or name in needed:
            continue
        needed.add(name)
        if name in makers:
            wanted.extend(makers[name].input)
    graph = model.graph
    _retain(graph.node, lambda node: needed & set(node.output))
    _retain(graph.initializer, lambda tensor: tensor.name in needed)
    _retain(graph.input, lambda value: value.name in needed)
    _retain(graph.output, lambda value: value.name == output)
    shape = graph.output[0].type.tensor_type.shape
    shape.dim[1].Clear()
    shape.dim[1].dim_value = 1
    del graph.value_info[:]


def _retain(field: Any, wanted: Any) -> None:
    kept = [entry for entry in field if wanted(entry)]
    del field[:]
    field.extend(kept)


def main() -> None:
    """Write a slim copy of a bundled encoder."""
    import onnx

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source", type=Path, nargs="?", default=bundled_model_folder())
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    card = read_card(arguments.source)
    model = onnx.load(arguments.source / card["encoder"])
    slim(model)
    onnx.checker.check_model(model)
    write_graph(arguments.source, model, arguments.target, name=card["name"])
    print(arguments.target)


if __name__ == "__main__":
    main()

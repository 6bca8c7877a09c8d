"""Halve the feed-forward layers of a bundled encoder, and teach it to give the vectors that it gave before.

    python -m knowledge.encoders.narrowing OUT_FOLDER [--source BUNDLE] [--texts corpus.jsonl ...]

Hidden neurons that add least are dropped; the matrix behind them is fitted anew by ridge regression, so that the rest
stand in for them (as He et al., 2017, arXiv 1707.06168 do for channels); then the whole is trained towards the vectors
and the layers of the encoder that it came from (Jiao et al., 2020, arXiv 1909.10351). The last layer runs for one token
alone in a slim graph, and keeps its width.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from knowledge.embedding import bundled_model_folder, read_card
from knowledge.encoders.float_weights import Weights, read_weights, torch_encoder, write_graph, write_weights
from knowledge.exemplars import read_exemplars
from knowledge.lexicon import Lexicon
from knowledge.library import bundled_folder, read_bundled
from knowledge.normalising import normalise

Tokenise = Callable[[Sequence[str]], dict[str, Any]]
"""Texts -> what torch's BertModel takes: token ids and the attention mask, shape (n, tokens)."""

WIDTH: Final = 1024
STEPS: Final = 1_500
LEARNING_RATE: Final = 2e-4
TEXTS_A_STEP: Final = 96
GENERAL_SHARE: Final = 0.3
"""How many of them come from `--texts`, so that it stays an encoder of Chinese and not of these questions alone."""
RIDGE: Final = 1e-3
LAYERS_COUNT: Final = 0.5
_FITTED_ON: Final = 4_000
_LONGEST: Final = 60
_WARM_UP: Final = 50


def own_texts(folder: Path) -> list[str]:
    """Whatever a regulation's folder says or asks, normalised."""
    regulation = read_bundled(folder)
    texts = [exemplar.question for exemplar in read_exemplars(folder / "questions.jsonl", regulation)]
    texts += [clause.text for article in regulation.articles for clause in article.clauses]
    texts += [article.text for article in regulation.articles]
    texts += [term for alias in Lexicon.read(folder / "aliases.toml", regulation).aliases for term in alias.terms]
    return [normalise(text) for text in texts]


def general_texts(paths: Sequence[Path], chance: random.Random) -> list[str]:
    """Pieces of the texts of JSON lines (`text`), as long as questions are."""
    pieces = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                text = normalise(json.loads(line)["text"])
                begin = chance.randrange(max(len(text) - _LONGEST, 1))
                pieces.append(text[begin : begin + chance.randint(8, _LONGEST)])
    chance.shuffle(pieces)
    return [piece for piece in pieces if piece]


def batches(own: list[str], general: list[str], size: int, chance: random.Random) -> Iterator[list[str]]:
    """Texts for one step after another, for ever; half of the own ones lose some of their beginning or end."""
    queues: dict[int, list[str]] = {}

    def draw(place: int, pool: list[str]) -> str:
        if not queues.get(place):
            queues[place] = chance.sample(pool, len(pool))
        return queues[place].pop()

    others = round(size * GENERAL_SHARE) if general else 0
    while True:
        texts = [draw(0, own) for _ in range(size - others)]
        texts = [_cropped(text, chance) if chance.random() < 0.5 else text for text in texts]
        yield texts + [draw(1, general) for _ in range(others)]


def _cropped(text: str, chance: random.Random) -> str:
    least = max(2, len(text) // 2)
    length = chance.randint(min(least, len(text)), len(text))
    begin = chance.randint(0, len(text) - length)
    return text[begin : begin + length]


def narrow(teacher: Any, width: int, encoded: Sequence[dict[str, Any]]) -> Any:
    """A copy of a torch BertModel with so many hidden neurons in every layer but the last, fitted on encoded texts."""
    import copy

    import torch
    from torch import nn

    student = copy.deepcopy(teacher).eval()
    for layer in student.encoder.layer[:-1]:
        given: list[Any] = []
        hook = layer.intermediate.register_forward_pre_hook(lambda _, inputs, kept=given: kept.append(inputs[0]))
        rows = []
        with torch.no_grad():
            for batch in encoded:
                student(**batch)
                rows.append(given.pop()[batch["attention_mask"].bool()])
        hook.remove()
        with torch.no_grad():
            rows = torch.cat(rows)
            hidden = layer.intermediate(rows)
            wanted = hidden @ layer.output.dense.weight.T
            importance = hidden.std(0) * layer.output.dense.weight.norm(dim=0)
            kept = importance.argsort(descending=True)[:width].sort().values
            left = torch.cat([hidden[:, kept], torch.ones(len(rows), 1)], 1)
            gram = left.T @ left
            gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
            fitted = torch.linalg.solve(gram, left.T @ wanted)
            first, second = nn.Linear(rows.shape[1], width), nn.Linear(width, rows.shape[1])
            first.weight.copy_(layer.intermediate.dense.weight[kept])
            first.bias.copy_(layer.intermediate.dense.bias[kept])
            second.weight.copy_(fitted[:-1].T)
            second.bias.copy_(layer.output.dense.bias + fitted[-1])
            layer.intermediate.dense, layer.output.dense = first, second
    return student


def distil(teacher: Any, student: Any, tokenise: Tokenise, steps: Iterator[list[str]], count: int) -> None:
    """Train a narrow encoder towards the vectors and the layers of its teacher. Some 1.5 s a step on two cores."""
    import torch
    from torch.nn.functional import cosine_similarity, mse_loss

    student.embeddings.requires_grad_(False)  # what no text here holds must stay what it was
    trained = [weight for weight in student.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0)
    begun, smoothed = time.monotonic(), 0.0
    for step in range(1, count + 1):
        rate = step / _WARM_UP if step < _WARM_UP else max(0.0, 1 - (step - _WARM_UP) / max(count - _WARM_UP, 1))
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * rate
        texts = sorted(next(steps), key=len)
        third = len(texts) // 3
        optimiser.zero_grad()
        apart = 0.0
        for part in (texts[:third], texts[third : 2 * third], texts[2 * third :]):
            batch = tokenise(part)
            with torch.no_grad():
                told = teacher(**batch, output_hidden_states=True)
            gave = student(**batch, output_hidden_states=True)
            distance = (1 - cosine_similarity(gave[0][:, 0], told[0][:, 0])).mean()
            mask = batch["attention_mask"].bool()
            layers = [
                mse_loss(mine[mask], theirs[mask]) / theirs[mask].var()
                for mine, theirs in zip(gave.hidden_states[1:-1], told.hidden_states[1:-1], strict=True)
            ]
            ((distance + LAYERS_COUNT * sum(layers) / len(layers)) / 3).backward()
            apart += distance.item() / 3
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        smoothed = apart if step == 1 else 0.95 * smoothed + 0.05 * apart
        if step % 20 == 0 or step == 1:
            print(f"{step}/{count} distance {smoothed:.5f} {time.monotonic() - begun:.0f} s", flush=True)


def reshape(model: Any, weights: Weights) -> None:
    """Give the feed-forward initializers of an ONNX encoder the shapes of these weights; the numbers come after."""
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for layer in range(sum(name.endswith("query.weight") for name in weights)):
        width = len(weights[f"encoder.layer.{layer}.intermediate.dense.bias"])
        first, second = (f"model.layers.{layer}.mlp.{name}" for name in ("fc1", "fc2"))
        cut: dict[str, Any] = {f"{first}.Add.bias": (slice(width),)}
        cut |= {f"{first}.MatMul.weight_{part}": (..., slice(width)) for part in ("quantized", "scale", "zero_point")}
        cut[f"{second}.MatMul.weight_quantized"] = (slice(width),)
        for name, where in cut.items():
            values = np.ascontiguousarray(numpy_helper.to_array(tensors[name])[where])
            tensors[name].CopyFrom(numpy_helper.from_array(values, name))
    del model.graph.value_info[:]


def bundled_weights(folder: Path) -> Weights:
    """The float weights of a bundled encoder."""
    import onnx

    return read_weights(onnx.load(folder / read_card(folder)["encoder"]))


def tokeniser(source: Path) -> Tokenise:
    """What turns texts into a batch of a bundle's tokens, padded."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(2 * _LONGEST)

    def tokenise(texts: Sequence[str]) -> dict[str, Any]:
        encoded = tokenizer.encode_batch(list(texts))
        return {
            "input_ids": torch.tensor([one.ids for one in encoded]),
            "attention_mask": torch.tensor([one.attention_mask for one in encoded]),
        }

    return tokenise


def write_narrow_bundle(source: Path, student: Any, target: Path) -> None:
    """Write a folder in the bundled form from a source bundle's graph and a narrower torch BertModel."""
    import onnx

    card = read_card(source)
    weights = {
        name: np.asarray(value.numpy(), dtype=np.float32)
        for name, value in student.state_dict().items()
        if value.is_floating_point()
    }
    model = onnx.load(source / card["encoder"])
    reshape(model, weights)
    write_weights(model, weights)
    write_graph(source, model, target, name=card["name"])


def main() -> None:
    """Write a narrower bundle that gives nearly the vectors of its source."""
    import torch

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--source", type=Path, default=bundled_model_folder())
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="JSON lines with `text`, e.g. of statutes")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311
    torch.manual_seed(arguments.seed)
    teacher = torch_encoder(bundled_weights(arguments.source)).eval()
    tokenise = tokeniser(arguments.source)
    own = own_texts(bundled_folder() / "party-network-conduct")
    steps = batches(own, general_texts(arguments.texts, chance), TEXTS_A_STEP, chance)
    fitted_on = [tokenise(sorted(next(steps), key=len)) for _ in range(_FITTED_ON // TEXTS_A_STEP)]
    student = narrow(teacher, arguments.width, fitted_on)
    distil(teacher, student, tokenise, steps, arguments.steps)
    write_narrow_bundle(arguments.source, student, arguments.target)
    print(arguments.target)


if __name__ == "__main__":
    main()

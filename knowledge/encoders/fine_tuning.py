"""Fine-tune the encoder on a regulation's written questions, and export it to the bundled int8 form.

    python -m knowledge.encoders.fine_tuning OUT_FOLDER

Supervised contrastive learning (Khosla et al., 2020, arXiv 2004.11362): questions, clauses and everyday words of one
article attract one another; unanswerable questions attract those of their own subject and repel the rest. Averaging the
result with the weights it started from (Wortsman et al., 2022, arXiv 2203.05482) was tried and dropped: see the README
beside the model.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from knowledge.embedding import base_model_folder
from knowledge.encoders.float_weights import Weights, write_bundle, write_sentence_transformers_folder
from knowledge.exemplars import read_exemplars
from knowledge.lexicon import Lexicon
from knowledge.library import bundled_folder, read_bundled
from knowledge.normalising import normalise

STEPS: Final = 300
LEARNING_RATE: Final = 8e-5
TEMPERATURE: Final = 0.07
ARTICLES_A_STEP: Final = 14
SUBJECTS_A_STEP: Final = 8
_MAX_TOKENS: Final = 100
_WARM_UP: Final = 20


@dataclass(frozen=True)
class Sample:
    """One text with the articles that it belongs to; `variants` are texts of which one is drawn each time."""

    variants: tuple[str, ...]
    articles: frozenset[int]


@dataclass
class Pool:
    """Samples by what they have in common (an article they are led by, or a subject), drawn without repetition."""

    samples: dict[str, list[Sample]]
    chance: random.Random
    _queues: dict[str, list[Sample]] = field(default_factory=dict)

    def draw(self, group: str, count: int) -> list[tuple[str, str, frozenset[int]]]:
        """So many (group, text, articles) of one group."""
        drawn = []
        for _ in range(count):
            if not self._queues.get(group):
                self._queues[group] = self.chance.sample(self.samples[group], len(self.samples[group]))
            sample = self._queues[group].pop()
            drawn.append((group, self.chance.choice(sample.variants), sample.articles))
        return drawn

    def pick(self, prefix: str, count: int) -> list[str]:
        """So many different groups, larger ones more often."""
        groups = [group for group in self.samples if group.startswith(prefix)]
        sizes = [len(self.samples[group]) ** 0.75 for group in groups]
        picked: set[str] = set()
        while len(picked) < min(count, len(groups)):
            picked.add(self.chance.choices(groups, sizes)[0])
        return sorted(picked)


def gather(folder: Path, chance: random.Random) -> Pool:
    """Everything a bundled regulation's folder teaches: questions, clauses, everyday words."""
    regulation = read_bundled(folder)
    samples: dict[str, list[Sample]] = {}
    for exemplar in read_exemplars(folder / "questions.jsonl", regulation):
        group = f"article {exemplar.articles[0]}" if exemplar.articles else f"subject {exemplar.subject}"
        sample = Sample((normalise(exemplar.question),), frozenset(exemplar.articles))
        samples.setdefault(group, []).append(sample)
    for article in regulation.articles:
        clauses = [Sample((normalise(clause.text),), frozenset({article.number})) for clause in article.clauses]
        samples.setdefault(f"article {article.number}", []).extend(clauses * 3)
    for alias in Lexicon.read(folder / "aliases.toml", regulation).aliases:
        samples[f"article {alias.articles[0]}"].append(Sample(alias.terms, frozenset(alias.articles)))
    return Pool(samples, chance)


def fine_tune(source: Path, pool: Pool, *, steps: int = STEPS, seed: int = 0) -> Weights:
    """Train from a bundle's float weights; returns the new ones. Some 2 s a step on two cores."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        write_sentence_transformers_folder(source, Path(folder))
        model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = _MAX_TOKENS
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _learning_rate(step, steps))
    model.train()
    begun, smoothed = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        batch = [row for group in pool.pick("article", ARTICLES_A_STEP) for row in pool.draw(group, 4)]
        batch += [row for group in pool.pick("subject", SUBJECTS_A_STEP) for row in pool.draw(group, 2)]
        loss = _contrast(_encode(model, [text for _, text, _ in batch]), batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        smoothed = loss.item() if step == 1 else 0.95 * smoothed + 0.05 * loss.item()
        if step % 20 == 0:
            print(f"{step}/{steps} loss {smoothed:.3f} {time.monotonic() - begun:.0f} s", flush=True)
    trained = model[0].auto_model.state_dict()
    return {
        name: np.asarray(value.numpy(), dtype=np.float32)
        for name, value in trained.items()
        if value.is_floating_point()
    }


def _learning_rate(step: int, steps: int) -> float:
    return step / _WARM_UP if step < _WARM_UP else max(0.0, 1 - (step - _WARM_UP) / (steps - _WARM_UP))


def _encode(model: Any, texts: Sequence[str]) -> Any:
    """Unit vectors with gradients, in the texts' order; short and long ones go apart, to pad little."""
    import torch

    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    cuts = [0, len(texts) // 2, len(texts) * 4 // 5, len(texts)]
    vectors: list[Any] = [None] * len(texts)
    for begin, end in pairwise(cuts):
        part = order[begin:end]
        encoded = model(model.preprocess([texts[place] for place in part]))["sentence_embedding"]
        for row, place in enumerate(part):
            vectors[place] = encoded[row]
    return torch.stack(vectors)


def _contrast(vectors: Any, batch: Sequence[tuple[str, str, frozenset[int]]]) -> Any:
    """The supervised contrastive loss; pairs of other groups that share an article count neither way."""
    import torch

    size = len(batch)
    scores = vectors @ vectors.T / TEMPERATURE
    same = torch.zeros(size, size)
    ignored = torch.eye(size, dtype=torch.bool)
    for left, (group, _, articles) in enumerate(batch):
        for right, (other, _, others) in enumerate(batch):
            if left != right and group == other:
                same[left, right] = 1.0
            elif articles & others:
                ignored[left, right] = True
    likelihood = torch.log_softmax(scores.masked_fill(ignored, -1e9), 1)
    pairs = same.sum(1)
    return (-(likelihood * same).sum(1) / pairs.clamp(min=1))[pairs > 0].mean()


def main() -> None:
    """Fine-tune a bundle on the principal regulation's folder and write the result as a bundle."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--source", type=Path, default=base_model_folder())
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pool = gather(bundled_folder() / "party-network-conduct", random.Random(arguments.seed))  # noqa: S311
    weights = fine_tune(arguments.source, pool, steps=arguments.steps, seed=arguments.seed)
    write_bundle(arguments.source, weights, arguments.target, name="wanggui-bge-small-zh-int8")


if __name__ == "__main__":
    main()

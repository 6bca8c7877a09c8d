"""What each part of the ranking and of the abstention is worth: all of them, each left out, and the plain methods.

    python -m tests.benchmark.ablation [--model FOLDER] tests/evaluation/dev tests/evaluation/dev_second

Learned rows are cross-validated over styles: a style is judged by weights that have seen none of it. False answers are
counted near the subject, at the threshold that declines 3 % of the answerable questions of the other styles. Times are
those of the part alone, medians over the questions, in one run.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from knowledge.assembly import KnowledgeBase, open_knowledge_base
from knowledge.embedding import BUNDLED, load_embedder
from knowledge.normalising import normalise
from knowledge.ranking import FEATURES, SIGNALS, Weights
from knowledge.retrieval import shorten
from knowledge.tuning import Case, fit_abstention, fit_ranking, measure, signal_values

SILENCE: Final = 0.03
PARTS: Final = {
    "vectors of articles and clauses": {"dense", "dense_rank"},
    "BM25": {"lexical", "lexical_rank"},
    "written questions": {
        *("exemplar", "exemplar_mean", "exemplar_rank", "exemplar_share", "secondary", "wording"),
        *("refusal", "contrast", "refusal_share"),
    },
    "lexicon": {"alias", "neighbour"},
    "scope": {"scope"},
}
"""Features and signals by the part that gives them."""


def learned(cases: Sequence[Case], parts: Sequence[str]) -> tuple[float, float, float]:
    """hit@1, hit@3 and the share of near questions answered with these parts alone, cross-validated over styles."""
    lost = {name for part, names in PARTS.items() if part not in parts for name in names}
    mask = np.array([name not in lost for name in FEATURES], dtype=np.float32)
    masked = [replace(case, features=case.features * mask) for case in cases]
    hits: list[tuple[bool, bool]] = []
    near: list[bool] = []
    for fold in sorted({case.fold for case in masked}):
        others = [case for case in masked if case.fold != fold]
        ranking = fit_ranking(others)
        weights = Weights(ranking, *fit_abstention(others, ranking, without=lost), 0.5)

        def confidence(case: Case, weights: Weights = weights) -> float:
            values = zip(SIGNALS, signal_values(case, weights.ranking), strict=True)
            return weights.confidence([0.0 if name in lost else value for name, value in values])

        threshold = float(np.quantile([confidence(case) for case in others if case.needed.any()], SILENCE))
        for case in (case for case in masked if case.fold == fold):
            if case.needed.any():
                order = np.argsort(-weights.rank(case.features), kind="stable")
                hits.append((bool(case.needed[order[0]]), bool(case.needed[order[:3]].any())))
            elif case.query.group == "near":
                near.append(confidence(case) >= threshold)
    first, three = zip(*hits, strict=True)
    return statistics.mean(first), statistics.mean(three), statistics.mean(near)


def plain(cases: Sequence[Case], score: Callable[[Case], np.ndarray]) -> tuple[float, float, float]:
    """The same figures for a method without weights; its confidence is its best score."""
    hits: list[tuple[bool, bool]] = []
    for case in (case for case in cases if case.needed.any()):
        order = np.argsort(-score(case), kind="stable")
        hits.append((bool(case.needed[order[0]]), bool(case.needed[order[:3]].any())))
    best = [(float(score(case).max()), case) for case in cases]
    threshold = float(np.quantile([value for value, case in best if case.needed.any()], SILENCE))
    near = [value >= threshold for value, case in best if case.query.group == "near"]
    first, three = zip(*hits, strict=True)
    return statistics.mean(first), statistics.mean(three), statistics.mean(near)


def times(knowledge: KnowledgeBase, model: str, texts: Sequence[str]) -> dict[str, float]:
    """Median milliseconds a question of each part by itself."""
    meter, embedder = knowledge.retriever.meter, load_embedder(model)
    queries = [normalise(shorten(text)) for text in texts]
    vectors = [embedder.embed(query) for query in queries]

    def median(work: Callable[[str, np.ndarray], object]) -> float:
        taken = []
        for query, vector in zip(queries, vectors, strict=True):
            start = time.perf_counter()
            work(query, vector)
            taken.append((time.perf_counter() - start) * 1000)
        return statistics.median(taken)

    return {
        "encoder": median(lambda query, _: embedder.embed(query)),
        "vectors of articles and clauses": median(lambda _, vector: knowledge.index.dense(vector, 24)),
        "BM25": median(lambda query, _: knowledge.index.lexical(query)),
        "written questions": median(
            lambda query, vector: meter.bank and meter.bank.nearness(query, meter.bank.cosines(vector[np.newaxis])[0])
        ),
        "lexicon": median(lambda query, _: meter.lexicon.find(query)),
        "scope": median(knowledge.index.scope.odds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", default=BUNDLED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with closing(open_knowledge_base(Path(folder), arguments.model)) as knowledge:
            cases = [case for path in arguments.folders for case in measure(knowledge, path)]
            cost = times(knowledge, arguments.model, [case.query.text for case in cases])
    column = {name: place for place, name in enumerate(FEATURES)}
    dense, lexical = column["dense"], column["lexical"]
    ranks = (column["dense_rank"], column["lexical_rank"])
    every = list(PARTS)
    table = Table(title=f"{len(cases)} questions · {arguments.model}")
    for name in ("", "hit@1", "hit@3", "near answered at 3 % silence", "ms"):
        table.add_column(name, justify="right" if name else "left")

    def row(name: str, figures: tuple[float, float, float], parts: Iterable[str], *, encoded: bool = True) -> None:
        taken = sum(cost[part] for part in parts) + (cost["encoder"] if encoded else 0.0)
        table.add_row(name, *(f"{figure:.3f}" for figure in figures), f"{taken:.1f}")

    row("cosine", plain(cases, lambda case: case.features[:, dense]), every[:1])
    row("BM25", plain(cases, lambda case: case.features[:, lexical]), every[1:2], encoded=False)
    row("both, reciprocal rank", plain(cases, lambda case: case.features[:, ranks].sum(axis=1)), every[:2])
    for size in range(2, len(every) + 1):
        row(f"learned: {every[0]} … + {every[size - 1]}", learned(cases, every[:size]), every[:size])
    for part in every:
        others = [other for other in every if other != part]
        row(f"all but {part}", learned(cases, others), others)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

"""Fit the few weights of `knowledge.fusion` on a BEIR folder whose corpus is not the regulation's.

    python -m knowledge.fusion_tuning FOLDER [--data-dir .wanggui] [--write]

A conditional logit over each query's candidates, held near zero by an L2 penalty. What is reported comes from
cross-validation: each fifth of the queries is ranked by weights that have seen the other four only. With --write the
weights of all queries together go into `models/fusion.json`.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.corpora import open_corpus
from knowledge.embedding import BUNDLED
from knowledge.evaluation import Collection, Finding, Outcome, Query, ranking_figures, read_collection
from knowledge.fusion import FEATURES, Fusion, FusionWeights, Places, fusion_file
from knowledge.ranking import Features

FOLDS: Final = 5
PENALTY: Final = 0.002
_STEPS: Final = 800
_RATE: Final = 0.05


@dataclass(frozen=True)
class Case:
    """One query: its candidates' places and features, and which of them are needed."""

    query: Query
    places: Places
    features: Features
    needed: NDArray[np.bool_]


def measure(fusion: Fusion, collection: Collection) -> list[Case]:
    """Measure every query that has a line in qrels."""
    place = {document.id: place for place, document in enumerate(collection.documents)}
    cases = []
    for query in collection.queries:
        relevant = [place[document] for document in collection.qrels.get(query.id, {})]
        if relevant:
            places, features = fusion.measure(query.text)
            cases.append(Case(query, places, features, np.isin(places, relevant)))
    return cases


def fit(cases: Sequence[Case]) -> FusionWeights:
    """Weights that make the needed documents likely among the candidates (Adam, L2 penalty)."""
    usable = [case for case in cases if case.needed.any()]
    widest = max(len(case.places) for case in usable)
    features = np.zeros((len(usable), widest, len(FEATURES)))
    needed, absent = np.zeros((len(usable), widest)), np.full((len(usable), widest), -1e9)
    for place, case in enumerate(usable):
        there = slice(len(case.places))
        features[place, there], needed[place, there], absent[place, there] = case.features, case.needed, 0.0
    weights, moments = np.zeros(len(FEATURES)), np.zeros((2, len(FEATURES)))
    for step in range(1, _STEPS + 1):
        scores = features @ weights + absent
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        wanted = shares * needed
        wanted /= np.maximum(wanted.sum(axis=1, keepdims=True), 1e-9)
        gradient = np.einsum("qc,qcf->f", shares - wanted, features) / len(usable) + 2 * PENALTY * weights
        moments[0] = 0.9 * moments[0] + 0.1 * gradient
        moments[1] = 0.999 * moments[1] + 0.001 * gradient**2
        mean, spread = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.999**step)
        weights -= _RATE * mean / (np.sqrt(spread) + 1e-8)
    return FusionWeights(weights.astype(np.float32))


def cross_validated(cases: Sequence[Case], collection: Collection) -> list[Outcome]:
    """Every query ranked by weights that were fitted without its fold."""
    outcomes = []
    for fold in range(FOLDS):
        weights = fit([case for place, case in enumerate(cases) if place % FOLDS != fold])
        for case in cases[fold::FOLDS]:
            order = np.argsort(-(case.features @ weights.ranking), kind="stable")[:10]
            ranking = tuple(collection.documents[int(place)].id for place in case.places[order])
            outcomes.append(Outcome(case.query, collection.qrels[case.query.id], Finding(ranking, 1.0, False), 0.0))
    return outcomes


def main() -> None:
    """Fit on a BEIR folder; report by cross-validation over its queries."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path(".wanggui"))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    collection = read_collection(arguments.folder)
    with closing(open_corpus(collection.documents, arguments.data_dir, BUNDLED)) as corpus:
        cases = measure(corpus.fusion, collection)
    for name, value in ranking_figures(cross_validated(cases, collection)).items():
        print(f"{name:<12}{value:>8.4g}")
    weights = fit(cases)
    print({name: round(float(value), 3) for name, value in zip(FEATURES, weights.ranking, strict=True)})
    if arguments.write:
        weights.write(fusion_file())


if __name__ == "__main__":
    main()

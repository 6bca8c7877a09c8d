"""Fit the weights of the ranking and of the abstention on development sets, and report by style.

    python -m knowledge.tuning tests/evaluation/dev tests/evaluation/dev_second [--write]

Ranking is a conditional logit over the candidates of each question, abstention a logistic regression over its signals;
both are held near zero by an L2 penalty. What is reported comes from cross-validation over styles: a style is judged by
weights that have seen none of it. With --write the weights of all styles together go into `models/ranking.json`.
"""

import argparse
import json
import tempfile
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.assembly import KnowledgeBase, open_knowledge_base
from knowledge.corpora import match_articles
from knowledge.evaluation import Query, read_collection
from knowledge.measuring import Measurements
from knowledge.normalising import normalise
from knowledge.ranking import FEATURES, SIGNALS, Features, Weights, weights_file
from knowledge.retrieval import shorten
from knowledge.routing import route

RANKING_PENALTY: Final = 0.02
ABSTENTION_PENALTY: Final = 0.01
NAMED: Final = 12.0
"""Where the weight of “the question names this article” starts from: what a person names leads."""
FALSE_SILENCE: Final = 0.012
"""Share of answerable questions that may be declined; it sets the threshold."""
_STEPS: Final = 800
_RATE: Final = 0.05

_SIGNS: Final = np.array(
    [-1.0 if name in ("refusal", "refusal_share", "neighbour", "short") else 1.0 for name in SIGNALS]
)
"""Which way each signal may speak: a small development set must not teach that a known word is a bad sign."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One measured question: features (candidates, FEATURES), which candidates are needed, its style or group."""

    query: Query
    features: Features
    needed: Features
    fold: str
    candidates: tuple[str, ...]
    measured: Measurements


def measure(knowledge: KnowledgeBase, folder: Path) -> list[Case]:
    """Measure every question of a BEIR folder that the structure does not answer by itself."""
    collection = read_collection(folder)
    documents = match_articles(collection.documents, knowledge.library)
    if documents is None:
        raise SystemExit(f"{folder}: its corpus is not the library's articles")
    cases = []
    for query in collection.queries:
        text = normalise(shorten(query.text))
        decision = route(text, knowledge.library.principal)
        if decision.lookup or decision.mention.foreign:
            continue
        measured = knowledge.retriever.meter.measure(text, decision.mention.articles)
        candidates = measured.candidates()
        relevant = collection.qrels.get(query.id, {})
        features = np.array([measured.features(candidate) for candidate in candidates], dtype=np.float32)
        needed = np.array([documents.get(c) in relevant for c in candidates], dtype=np.float32)
        cases.append(
            Case(query, features, needed, query.style if relevant else query.group, tuple(candidates), measured)
        )
    return cases


def fit_ranking(cases: Sequence[Case]) -> Features:
    """Weights of the features that make the needed articles likely among the candidates (Adam, L2 penalty)."""
    answerable = [case for case in cases if case.needed.any()]
    widest = max(len(case.needed) for case in answerable)
    features = np.zeros((len(answerable), widest, len(FEATURES)))
    needed, absent = np.zeros((len(answerable), widest)), np.full((len(answerable), widest), -1e9)
    for place, case in enumerate(answerable):
        features[place, : len(case.needed)] = case.features
        needed[place, : len(case.needed)], absent[place, : len(case.needed)] = case.needed, 0.0
    prior = np.array([NAMED if name == "named" else 0.0 for name in FEATURES])
    weights, moments = prior.copy(), np.zeros((2, len(FEATURES)))
    for step in range(1, _STEPS + 1):
        scores = features @ weights + absent
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        wanted = shares * needed
        wanted /= np.maximum(wanted.sum(axis=1, keepdims=True), 1e-9)
        gradient = np.einsum("qc,qcf->f", shares - wanted, features) / len(answerable)
        weights -= _adam(gradient + 2 * RANKING_PENALTY * (weights - prior) / 10, moments, step)
    return weights.astype(np.float32)


def fit_abstention(
    cases: Sequence[Case], ranking: Features, *, without: Collection[str] = ()
) -> tuple[Features, float]:
    """Weights and bias of the signals that tell answerable questions from the others; both kinds weigh the same.

    `without` names signals to do without, for ablation.
    """
    signals = np.array([signal_values(case, ranking) for case in cases])
    signals[:, [place for place, name in enumerate(SIGNALS) if name in without]] = 0.0
    truth = np.array([bool(case.needed.any()) for case in cases], dtype=np.float64)
    balance = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    weights, moments = np.zeros(len(SIGNALS) + 1), np.zeros((2, len(SIGNALS) + 1))
    inputs = np.hstack([signals, np.ones((len(cases), 1))])
    for step in range(1, _STEPS + 1):
        guess = 1 / (1 + np.exp(-inputs @ weights))
        gradient = ((guess - truth) * balance) @ inputs
        gradient[:-1] += 2 * ABSTENTION_PENALTY * weights[:-1] / 10
        weights -= _adam(gradient, moments, step)
        weights[:-1] = np.where(weights[:-1] * _SIGNS > 0, weights[:-1], 0.0)
    return weights[:-1].astype(np.float32), float(weights[-1])


def _adam(gradient: Doubles, moments: Doubles, step: int) -> Doubles:
    moments[0] = 0.9 * moments[0] + 0.1 * gradient
    moments[1] = 0.999 * moments[1] + 0.001 * gradient**2
    mean, spread = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.999**step)
    return np.asarray(_RATE * mean / (np.sqrt(spread) + 1e-8))


def signal_values(case: Case, ranking: Features) -> list[float]:
    """The abstention signals of one case under these ranking weights."""
    scores = np.asarray(case.features @ ranking, dtype=np.float32)
    order = np.argsort(-scores, kind="stable")
    return case.measured.signals(case.candidates[order[0]], scores[order])


def threshold_of(confidences: Sequence[float]) -> float:
    """The confidence below which only so many answerable questions fall."""
    return float(np.quantile(confidences, FALSE_SILENCE))


def fit(cases: Sequence[Case]) -> Weights:
    """Ranking, abstention and threshold from these cases."""
    ranking = fit_ranking(cases)
    abstention, bias = fit_abstention(cases, ranking)
    weights = Weights(ranking, abstention, bias, 0.5)
    confidences = [weights.confidence(signal_values(case, ranking)) for case in cases if case.needed.any()]
    return Weights(ranking, abstention, bias, threshold_of(confidences))


def report(cases: Sequence[Case]) -> None:
    """Print, for each style and group, what weights fitted without it give."""
    print(f"{'left out':<14}{'queries':>8}{'hit@1':>8}{'hit@3':>8}{'declined':>10}")
    totals = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for fold in sorted({case.fold for case in cases}):
        weights = fit([case for case in cases if case.fold != fold])
        inside = [case for case in cases if case.fold == fold]
        tally = [0, 0, 0, 0]
        for case in inside:
            order = np.argsort(-weights.rank(case.features), kind="stable")
            declined = weights.confidence(signal_values(case, weights.ranking)) < weights.threshold
            tally = [
                old + new
                for old, new in zip(
                    tally,
                    (1, bool(case.needed[order[:1]].any()), bool(case.needed[order[:3]].any()), declined),
                    strict=True,
                )
            ]
        answerable = bool(inside[0].needed.any())
        totals[answerable] = [old + new for old, new in zip(totals[answerable], tally, strict=True)]
        _print_row(fold, tally)
    _print_row("answerable", totals[True])
    _print_row("unanswerable", totals[False])


def _print_row(name: str, tally: Sequence[int]) -> None:
    count, first, three, declined = tally
    print(f"{name:<14}{count:>8}{first / count:>8.3f}{three / count:>8.3f}{declined / count:>10.3f}")


def write(weights: Weights, path: Path) -> None:
    """Write the weights' file."""
    entry = {
        "ranking": {name: round(float(value), 4) for name, value in zip(FEATURES, weights.ranking, strict=True)},
        "abstention": {name: round(float(value), 4) for name, value in zip(SIGNALS, weights.abstention, strict=True)},
        "bias": round(weights.bias, 4),
        "threshold": round(weights.threshold, 4),
    }
    path.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Fit on development sets; report by cross-validation over styles."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_knowledge_base(arguments.data_dir or Path(folder))) as knowledge,
    ):
        cases = [case for folder in arguments.folders for case in measure(knowledge, folder)]
    report(cases)
    if arguments.write:
        write(fit(cases), weights_file())


if __name__ == "__main__":
    main()

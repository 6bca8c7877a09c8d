"""A BEIR folder -> recall@k, hit@k, MRR@10, nDCG@10, abstention figures and the coverage–risk curve.

    FOLDER/corpus.jsonl      {"_id": …, "title": …, "text": …}
    FOLDER/queries.jsonl     {"_id": …, "text": …, "metadata": {"style": …, "group": …}}   metadata is optional
    FOLDER/qrels/*.tsv       query-id  corpus-id  score

A query without a line in qrels is one that must be declined. Measures are those of trec_eval with binary gain where
scores are 0 and 1 (a test holds them to ir-measures); hit@k is 1 where any needed article is among the first k.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any, Final, TypeVar

from knowledge.errors import EvaluationError

DEPTH: Final = 10


@dataclass(frozen=True, slots=True)
class Document:
    """One text of the corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question; `style` and `group` (why it lies outside) sort the figures and may be empty."""

    id: str
    text: str
    style: str = ""
    group: str = ""


_Entry = TypeVar("_Entry", Document, Query)


@dataclass(frozen=True)
class Collection:
    """A whole BEIR folder; `qrels` maps a query's id to its documents' relevance."""

    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search gave for one query: document ids best first, how sure it was, and whether it declined."""

    ranking: tuple[str, ...]
    confidence: float
    declined: bool


Search = Callable[[str], Finding]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query with what was wanted and found; `latency_ms` is the search's own time."""

    query: Query
    relevant: Mapping[str, int]
    finding: Finding
    latency_ms: float


@dataclass(frozen=True)
class Report:
    """All outcomes, and the figures they give."""

    outcomes: tuple[Outcome, ...]

    @property
    def answerable(self) -> list[Outcome]:
        """Queries with a line in qrels."""
        return [outcome for outcome in self.outcomes if outcome.relevant]

    @property
    def unanswerable(self) -> list[Outcome]:
        """Queries that must be declined."""
        return [outcome for outcome in self.outcomes if not outcome.relevant]

    def figures(self) -> dict[str, Any]:
        """Everything, as one JSON-ready object; rates are shares from 0 to 1."""
        latencies = sorted(outcome.latency_ms for outcome in self.outcomes)
        return {
            "queries": len(self.outcomes),
            "ranking": ranking_figures(self.answerable),
            "by_style": {
                style: ranking_figures(group) for style, group in _grouped(self.answerable, lambda o: o.query.style)
            },
            "abstention": {
                "false_silence": _share(outcome.finding.declined for outcome in self.answerable),
                "false_answers": _share(not outcome.finding.declined for outcome in self.unanswerable),
                "false_answers_by_group": {
                    name: {"queries": len(group), "rate": _share(not outcome.finding.declined for outcome in group)}
                    for name, group in _grouped(self.unanswerable, lambda o: o.query.group)
                },
                "area_under_risk_coverage": _area(self.coverage_risk()),
            },
            "latency_ms": {"p50": _quantile(latencies, 50), "p99": _quantile(latencies, 99)},
        }

    def coverage_risk(self) -> list[tuple[float, float]]:
        """(coverage, risk) as the confidence needed to answer falls: risk is the share of wrong first articles."""
        ranked = sorted(self.outcomes, key=lambda outcome: -outcome.finding.confidence)
        curve, wrong = [], 0
        for count, outcome in enumerate(ranked, start=1):
            wrong += not (outcome.relevant and _hit(outcome, 1))
            curve.append((count / len(ranked), wrong / count))
        return curve

    def reliability(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """(mean confidence, share that was answerable, queries) for each filled bin of confidence."""
        filled = []
        for place in range(bins):
            low, high = place / bins, (place + 1) / bins
            inside = [o for o in self.outcomes if low <= o.finding.confidence < high + (place == bins - 1)]
            if inside:
                mean = fmean(outcome.finding.confidence for outcome in inside)
                filled.append((mean, _share(bool(outcome.relevant) for outcome in inside), len(inside)))
        return filled

    def misses(self) -> list[Outcome]:
        """Queries that went wrong: declined or wrongly led though answerable, or answered though not."""
        return [
            outcome
            for outcome in self.outcomes
            if (outcome.finding.declined or not _hit(outcome, 1) if outcome.relevant else not outcome.finding.declined)
        ]


def evaluate(collection: Collection, search: Search, progress: Callable[[int, int], None] | None = None) -> Report:
    """Search every query and gather the outcomes, in the order of the file."""
    outcomes = []
    for place, query in enumerate(collection.queries, start=1):
        start = time.perf_counter()
        finding = search(query.text)
        latency_ms = (time.perf_counter() - start) * 1000
        outcomes.append(Outcome(query, collection.qrels.get(query.id, {}), finding, latency_ms))
        if progress:
            progress(place, len(collection.queries))
    return Report(tuple(outcomes))


def ranking_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The ranking measures over answerable queries, whether declined or not."""
    figures: dict[str, float] = {"queries": len(outcomes)}
    for k in (1, 3, 5, 10):
        figures[f"hit@{k}"] = _mean(float(_hit(outcome, k)) for outcome in outcomes)
    for k in (5, 10):
        figures[f"recall@{k}"] = _mean(_recall(outcome, k) for outcome in outcomes)
    figures["all@5"] = _mean(float(_recall(outcome, 5) == 1.0) for outcome in outcomes)
    figures["mrr@10"] = _mean(_reciprocal_rank(outcome) for outcome in outcomes)
    figures["ndcg@10"] = _mean(_ndcg(outcome) for outcome in outcomes)
    return figures


def _needed(outcome: Outcome) -> set[str]:
    return {document for document, relevance in outcome.relevant.items() if relevance > 0}


def _hit(outcome: Outcome, k: int) -> bool:
    return bool(_needed(outcome) & set(outcome.finding.ranking[:k]))


def _recall(outcome: Outcome, k: int) -> float:
    needed = _needed(outcome)
    return len(needed & set(outcome.finding.ranking[:k])) / len(needed)


def _reciprocal_rank(outcome: Outcome) -> float:
    needed = _needed(outcome)
    places = (place for place, document in enumerate(outcome.finding.ranking[:DEPTH], start=1) if document in needed)
    return 1.0 / next(places, math.inf)


def _ndcg(outcome: Outcome) -> float:
    gains = [outcome.relevant.get(document, 0) for document in outcome.finding.ranking[:DEPTH]]
    ideal = sorted(outcome.relevant.values(), reverse=True)[:DEPTH]
    return _discounted(gains) / _discounted(ideal) if _discounted(ideal) else 0.0


def _discounted(gains: Iterable[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def _grouped(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> Iterator[tuple[str, list[Outcome]]]:
    for name in sorted({key(outcome) for outcome in outcomes} - {""}):
        yield name, [outcome for outcome in outcomes if key(outcome) == name]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return round(fmean(listed), 4) if listed else 0.0


def _share(truths: Iterable[bool]) -> float:
    return _mean(float(truth) for truth in truths)


def _area(curve: Sequence[tuple[float, float]]) -> float:
    return _mean(risk for _, risk in curve)


def _quantile(ordered: Sequence[float], percent: int) -> float:
    if len(ordered) < 2:
        return round(ordered[0], 2) if ordered else 0.0
    return round(quantiles(ordered, n=100, method="inclusive")[percent - 1], 2)


def read_collection(folder: Path) -> Collection:
    """Read a BEIR folder.

    Raises:
        EvaluationError: a file is missing, a line is broken, an id is unknown or doubled, a query is empty.
    """
    documents = tuple(_identified(folder / "corpus.jsonl", _document))
    queries = tuple(_identified(folder / "queries.jsonl", _query))
    tables = sorted((folder / "qrels").glob("*.tsv"))
    if not tables:
        raise EvaluationError(folder / "qrels", None, "no .tsv file is there", "query-id, corpus-id, score")
    known_queries, known_documents = {query.id for query in queries}, {document.id for document in documents}
    qrels: dict[str, dict[str, int]] = {}
    for table in tables:
        _read_qrels(table, known_queries, known_documents, qrels)
    return Collection(documents, queries, qrels)


def _document(path: Path, line: int, entry: dict[str, Any]) -> Document:
    return Document(_text(entry, "_id", path, line), str(entry.get("title") or ""), _text(entry, "text", path, line))


def _query(path: Path, line: int, entry: dict[str, Any]) -> Query:
    metadata = entry.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise EvaluationError(path, line, "metadata is no object", '{"style": …, "group": …}')
    text = _text(entry, "text", path, line)
    return Query(_text(entry, "_id", path, line), text, str(metadata.get("style", "")), str(metadata.get("group", "")))


def _text(entry: dict[str, Any], key: str, path: Path, line: int) -> str:
    value = entry.get(key)
    if not isinstance(value, str | int) or not str(value).strip():
        raise EvaluationError(path, line, f"{key} is missing or empty", f"a text under {key}")
    return str(value)


def _identified(path: Path, read: Callable[[Path, int, dict[str, Any]], _Entry]) -> Iterator[_Entry]:
    lines: dict[str, int] = {}
    for number, line in _lines(path, "one JSON object a line"):
        try:
            entry = json.loads(line)
        except ValueError as exc:
            raise EvaluationError(path, number, "a broken line", "one JSON object a line") from exc
        if not isinstance(entry, dict):
            raise EvaluationError(path, number, "a line that is no object", "one JSON object a line")
        found = read(path, number, entry)
        if found.id in lines:
            raise EvaluationError(path, number, f"_id {found.id} stands in line {lines[found.id]} too", "each _id once")
        lines[found.id] = number
        yield found
    if not lines:
        raise EvaluationError(path, None, "the file is empty", "one JSON object a line")


def _lines(path: Path, expected: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise EvaluationError(path, None, f"cannot be read ({exc.strerror})", f"a UTF-8 file, {expected}") from exc
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise EvaluationError(path, line, "not UTF-8", f"a UTF-8 file, {expected}") from exc
    for number, line_text in enumerate(text.split("\n"), start=1):
        if line_text.strip():
            yield number, line_text


def _read_qrels(path: Path, queries: set[str], documents: set[str], qrels: dict[str, dict[str, int]]) -> None:
    expected = "query-id, corpus-id and a whole score, tab-separated"
    for number, line in _lines(path, expected):
        if number == 1 and line.startswith("query-id"):
            continue
        try:
            query, document, score = (cell.strip() for cell in line.split("\t"))
            relevance = int(score)
        except ValueError as exc:
            raise EvaluationError(path, number, "a broken line", expected) from exc
        if query not in queries:
            raise EvaluationError(path, number, f"unknown query id {query}", "an _id of queries.jsonl")
        if document not in documents:
            raise EvaluationError(path, number, f"unknown corpus id {document}", "an _id of corpus.jsonl")
        if relevance > 0:
            qrels.setdefault(query, {})[document] = relevance

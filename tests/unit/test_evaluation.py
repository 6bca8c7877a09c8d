"""Measures agree with ir-measures; a malformed BEIR folder is refused with file, line and reason."""

import json
import random
from pathlib import Path

import ir_measures
import pytest
from ir_measures import RR, R, nDCG

from knowledge.errors import EvaluationError
from knowledge.evaluation import (
    Collection,
    Document,
    Finding,
    Outcome,
    Query,
    Report,
    evaluate,
    ranking_figures,
    read_collection,
)


def outcome(
    relevant: dict[str, int], ranking: tuple[str, ...], *, declined: bool = False, sure: float = 0.9
) -> Outcome:
    return Outcome(Query("q", "问", group="" if relevant else "near"), relevant, Finding(ranking, sure, declined), 1.0)


def test_measures_agree_with_ir_measures() -> None:
    chance = random.Random(7)
    documents = [f"d{number}" for number in range(30)]
    outcomes, qrels, run = [], [], []
    for number in range(200):
        relevant = dict.fromkeys(chance.sample(documents, chance.randint(1, 4)), 1)
        ranking = tuple(chance.sample(documents, 10))
        outcomes.append(outcome(relevant, ranking))
        qrels += [ir_measures.Qrel(str(number), document, 1) for document in relevant]
        run += [
            ir_measures.ScoredDoc(str(number), document, 1.0 - place / 20) for place, document in enumerate(ranking)
        ]
    theirs = ir_measures.calc_aggregate([nDCG @ 10, RR @ 10, R @ 5, R @ 10], qrels, run)
    ours = ranking_figures(outcomes)
    for measure, name in ((nDCG @ 10, "ndcg@10"), (RR @ 10, "mrr@10"), (R @ 5, "recall@5"), (R @ 10, "recall@10")):
        assert ours[name] == pytest.approx(theirs[measure], abs=1e-4)


def test_hits_and_all_needed_articles() -> None:
    figures = ranking_figures([outcome({"a": 1, "b": 1}, ("a", "c", "b")), outcome({"a": 1}, ("c", "a"))])
    assert (figures["hit@1"], figures["hit@3"], figures["all@5"]) == (0.5, 1.0, 1.0)


def test_abstention_counts_silence_and_false_answers() -> None:
    report = Report(
        (
            outcome({"a": 1}, ("a",)),
            outcome({"a": 1}, ("a",), declined=True, sure=0.2),
            outcome({}, ("a",), sure=0.8),
            outcome({}, ("a",), declined=True, sure=0.1),
        )
    )
    abstention = report.figures()["abstention"]
    assert abstention["false_silence"] == 0.5
    assert abstention["false_answers"] == 0.5
    assert abstention["false_answers_by_group"]["near"] == {"queries": 2, "rate": 0.5}
    assert [risk for _, risk in report.coverage_risk()] == pytest.approx([0.0, 0.5, 1 / 3, 0.5])
    assert len(report.misses()) == 2
    assert sum(count for _, _, count in report.reliability()) == 4


def test_every_query_is_searched_in_order() -> None:
    asked: list[str] = []

    def search(text: str) -> Finding:
        asked.append(text)
        return Finding(("a",), 0.5, declined=False)

    collection = Collection((Document("a", "", "文"),), (Query("1", "甲"), Query("2", "乙")), {"1": {"a": 1}})
    report = evaluate(collection, search)
    assert asked == ["甲", "乙"]
    assert [bool(found.relevant) for found in report.outcomes] == [True, False]


def folder(tmp_path: Path, corpus: str, queries: str, qrels: str | None) -> Path:
    (tmp_path / "corpus.jsonl").write_text(corpus, encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text(queries, encoding="utf-8")
    (tmp_path / "qrels").mkdir()
    if qrels is not None:
        (tmp_path / "qrels" / "all.tsv").write_text(qrels, encoding="utf-8")
    return tmp_path


CORPUS = json.dumps({"_id": "a", "title": "", "text": "文"}) + "\n"
QUERIES = json.dumps({"_id": "1", "text": "问"}) + "\n"
QRELS = "query-id\tcorpus-id\tscore\n1\ta\t1\n"


def test_a_whole_folder_is_read(tmp_path: Path) -> None:
    collection = read_collection(folder(tmp_path, CORPUS, QUERIES, QRELS))
    assert collection.qrels == {"1": {"a": 1}}


@pytest.mark.parametrize(
    ("corpus", "queries", "qrels", "file", "line"),
    [
        (CORPUS, QUERIES, None, "qrels", None),
        ("{broken\n", QUERIES, QRELS, "corpus.jsonl", 1),
        (CORPUS + CORPUS, QUERIES, QRELS, "corpus.jsonl", 2),
        ("", QUERIES, QRELS, "corpus.jsonl", None),
        (CORPUS, QUERIES + '{"_id": "2", "text": " "}\n', QRELS, "queries.jsonl", 2),
        (CORPUS, QUERIES + "[1]\n", QRELS, "queries.jsonl", 2),
        (CORPUS, QUERIES, QRELS + "9\ta\t1\n", "all.tsv", 3),
        (CORPUS, QUERIES, QRELS + "1\tz\t1\n", "all.tsv", 3),
        (CORPUS, QUERIES, QRELS + "1 a 1\n", "all.tsv", 3),
        (CORPUS, QUERIES, QRELS + "1\ta\t²\n", "all.tsv", 3),
        (CORPUS, QUERIES, QRELS + "1\ta\t0.5\n", "all.tsv", 3),
        (CORPUS, QUERIES, QRELS + "1\ta\t1\t1\n", "all.tsv", 3),
        (CORPUS + "\n\n" + CORPUS, QUERIES, QRELS, "corpus.jsonl", 4),
        (CORPUS + '{"_id": "b", "text": ""}\n', QUERIES, QRELS, "corpus.jsonl", 2),
        (CORPUS + '{"text": "文"}\n', QUERIES, QRELS, "corpus.jsonl", 2),
        ("\n \n", QUERIES, QRELS, "corpus.jsonl", None),
        (CORPUS, "", QRELS, "queries.jsonl", None),
        (CORPUS, QUERIES + QUERIES, QRELS, "queries.jsonl", 2),
        (CORPUS, QUERIES + '{"_id": "2", "text": "问", "metadata": ["style"]}\n', QRELS, "queries.jsonl", 2),
    ],
)
def test_a_malformed_folder_is_refused(
    tmp_path: Path, corpus: str, queries: str, qrels: str | None, file: str, line: int | None
) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_collection(folder(tmp_path, corpus, queries, qrels))
    assert caught.value.path.name == file
    assert caught.value.line == line


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_collection(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/all.tsv"])
def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path, CORPUS, QUERIES, QRELS) / name
    path.write_bytes(path.read_bytes() + "文件".encode("gb18030") + b"\n")
    with pytest.raises(EvaluationError, match="not UTF-8") as caught:
        read_collection(tmp_path)
    assert caught.value.path == path
    assert caught.value.line == path.read_bytes().count(b"\n")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path, CORPUS, QUERIES, QRELS) / name
    path.unlink()
    with pytest.raises(EvaluationError, match="cannot be read") as caught:
        read_collection(tmp_path)
    assert caught.value.path == path


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = folder(tmp_path, CORPUS, QUERIES, QRELS)
    for file in path.rglob("*.*"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert read_collection(path).qrels == {"1": {"a": 1}}


def test_a_line_separator_within_a_text_ends_no_line(tmp_path: Path) -> None:
    corpus = json.dumps({"_id": "a", "title": None, "text": "前\u2028后"}, ensure_ascii=False) + "\n"
    (document,) = read_collection(folder(tmp_path, corpus, QUERIES, QRELS)).documents
    assert (document.title, document.text) == ("", "前\u2028后")

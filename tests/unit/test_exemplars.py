"""Written questions: read with care, embedded once, and how near a query comes to them."""

from pathlib import Path

import numpy as np
import pytest

from knowledge.assembly import written_questions
from knowledge.embedding import Vector, load_embedder
from knowledge.errors import ReadingError
from knowledge.exemplars import (
    NO_QUESTIONS,
    VECTORS_FILE,
    Exemplar,
    ExemplarBank,
    Nearness,
    WrittenQuestions,
    compress,
    read_exemplars,
)
from knowledge.library import load_library
from knowledge.model import Regulation
from tests.fakes import DIMENSIONS, FakeEmbedder

QUESTIONS = (
    Exemplar("能翻墙吗", (14,), "colloquial"),
    Exemplar("可以用VPN吗", (14, 28), "colloquial"),
    Exemplar("能传播谣言吗", (12, 10), "formal"),
    Exemplar("党费怎么交", (), "formal", "党费"),
    Exemplar("今天天气如何", (), "colloquial", "天气"),
)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


GOOD = '{"question": "能翻墙吗", "articles": [14], "style": "colloquial"}'


def test_questions_are_read(tmp_path: Path, conduct: Regulation) -> None:
    path = write(tmp_path, GOOD, "", '{"question": "党费怎么交", "articles": [], "style": "formal", "subject": "党费"}')
    assert read_exemplars(path, conduct) == (QUESTIONS[0], QUESTIONS[3])


def test_a_regulation_without_questions_has_none(tmp_path: Path, conduct: Regulation) -> None:
    assert read_exemplars(tmp_path / "questions.jsonl", conduct) == ()


@pytest.mark.parametrize(
    ("line", "problem", "expected"),
    [
        ("{", "broken line", "question"),
        ("[]", "broken line", "question"),
        ('"text"', "broken line", "question"),
        ('{"articles": [14], "style": "formal"}', "broken line", "question"),
        ('{"question": "能", "style": "formal"}', "broken line", "articles"),
        ('{"question": "能", "articles": 14, "style": "formal"}', "broken line", "articles"),
        ('{"question": "能", "articles": ["甲"], "style": "formal"}', "broken line", "articles"),
        ('{"question": "能", "articles": [14]}', "broken line", "style"),
        ('{"question": "能", "articles": [32], "style": "formal"}', "article 32", "1 to 31"),
        ('{"question": "能", "articles": [0], "style": "formal"}', "article 0", "1 to 31"),
    ],
)
def test_a_broken_line_is_refused_with_its_place(
    tmp_path: Path, conduct: Regulation, line: str, problem: str, expected: str
) -> None:
    path = write(tmp_path, GOOD, line)
    with pytest.raises(ReadingError) as raised:
        read_exemplars(path, conduct)
    assert (raised.value.path, raised.value.line) == (path, 2)
    assert problem in raised.value.problem
    assert expected in raised.value.expected


def test_another_encoding_is_refused(tmp_path: Path, conduct: Regulation) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(GOOD.encode("gbk"))
    with pytest.raises(ReadingError) as raised:
        read_exemplars(path, conduct)
    assert raised.value.path == path


def test_the_shipped_questions_are_sound(conduct: Regulation, conduct_folder: Path) -> None:
    exemplars = read_exemplars(conduct_folder / "questions.jsonl", conduct)
    assert len(exemplars) > 1000
    assert {number for exemplar in exemplars for number in exemplar.articles} == set(range(1, 32))
    for exemplar in exemplars:
        assert exemplar.question.strip()
        assert len(set(exemplar.articles)) == len(exemplar.articles)
        assert exemplar.articles or exemplar.subject


def test_the_digest_changes_with_any_question() -> None:
    digests = {
        WrittenQuestions(QUESTIONS).digest,
        WrittenQuestions(QUESTIONS[1:]).digest,
        WrittenQuestions((*QUESTIONS, Exemplar("又一问", (1,), "formal"))).digest,
        WrittenQuestions(tuple(reversed(QUESTIONS))).digest,
        NO_QUESTIONS.digest,
    }
    assert len(digests) == 5
    assert WrittenQuestions(QUESTIONS).digest == WrittenQuestions(QUESTIONS).digest


def test_without_shipped_vectors_questions_are_embedded_in_their_normal_form() -> None:
    embedder, seen = FakeEmbedder(), []
    vectors = WrittenQuestions(QUESTIONS).vectors(embedder, lambda done, total: seen.append((done, total)))
    assert vectors.shape == (5, DIMENSIONS)
    assert embedder.texts == ["能翻墙吗", "可以用vpn吗", "能传播谣言吗", "党费怎么交", "今天天气如何"]
    assert seen == [(5, 5)]
    np.testing.assert_array_equal(vectors[1], FakeEmbedder().embed("可以用vpn吗"))


def test_no_questions_have_no_vectors() -> None:
    assert NO_QUESTIONS.vectors(FakeEmbedder()).shape == (0, DIMENSIONS)


def test_shipped_vectors_are_taken_where_they_fit(tmp_path: Path) -> None:
    shipped = tmp_path / VECTORS_FILE
    questions = WrittenQuestions(QUESTIONS, shipped)
    questions.ship(FakeEmbedder(), shipped)
    reader = FakeEmbedder()
    vectors = questions.vectors(reader)
    assert reader.texts == []
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, WrittenQuestions(QUESTIONS).vectors(FakeEmbedder()), atol=1e-3)


@pytest.mark.parametrize(
    ("questions", "model"), [(QUESTIONS[:4], "fake"), (QUESTIONS, "other"), (tuple(reversed(QUESTIONS)), "fake")]
)
def test_shipped_vectors_of_another_model_or_other_questions_are_not_taken(
    tmp_path: Path, questions: tuple[Exemplar, ...], model: str
) -> None:
    shipped = tmp_path / VECTORS_FILE
    WrittenQuestions(QUESTIONS).ship(FakeEmbedder(), shipped)
    reader = FakeEmbedder(model)
    vectors = WrittenQuestions(questions, shipped).vectors(reader)
    assert len(reader.texts) == len(questions) == len(vectors)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"PK\x03\x04 cut short"])
def test_damaged_shipped_vectors_are_made_anew(tmp_path: Path, content: bytes | None) -> None:
    shipped = tmp_path / VECTORS_FILE
    if content is not None:
        shipped.write_bytes(content)
    reader = FakeEmbedder()
    assert WrittenQuestions(QUESTIONS, shipped).vectors(reader).shape == (5, DIMENSIONS)
    assert len(reader.texts) == 5


def test_shipped_vectors_that_were_cut_short_are_made_anew(tmp_path: Path) -> None:
    shipped = tmp_path / VECTORS_FILE
    WrittenQuestions(QUESTIONS).ship(FakeEmbedder(), shipped)
    shipped.write_bytes(shipped.read_bytes()[:-40])
    assert WrittenQuestions(QUESTIONS, shipped).vectors(FakeEmbedder()).shape == (5, DIMENSIONS)


# ---------------------------------------------------------------- nearness


def axes(*cosines: float) -> Vector:
    """One row a question, in a space where the query is the first axis: row i has cosine cosines[i] with it."""
    rows = [[cosine, float(np.sqrt(1 - cosine**2))] for cosine in cosines]
    return np.array(rows, dtype=np.float32)


QUERY = np.array([1.0, 0.0], dtype=np.float32)


def compare(bank: ExemplarBank, text: str) -> Nearness:
    return bank.nearness(text, bank.cosines(QUERY[np.newaxis])[0])


def test_nearness_is_told_by_article() -> None:
    near = compare(ExemplarBank(QUESTIONS, axes(0.9, 0.7, 0.5, 0.4, 0.2)), "翻墙")
    assert near.best == {14: pytest.approx(0.9), 12: pytest.approx(0.5)}
    assert near.mean == {14: pytest.approx(0.8), 12: pytest.approx(0.5)}
    assert near.secondary == {28: pytest.approx(0.7), 10: pytest.approx(0.5)}
    assert near.answered == pytest.approx(0.9)
    assert near.refused == pytest.approx(0.4)
    assert near.refused_subject == "党费"
    assert set(near.share) == {12, 14}
    assert near.share[14] > near.share[12]
    assert sum(near.share.values()) + near.refusal_share == pytest.approx(1.0, abs=1e-5)
    assert set(near.wording) == {14}


def test_compressed_vectors_keep_nearly_the_same_products() -> None:
    chance = np.random.default_rng(5)
    many = chance.normal(size=(900, 512)).astype(np.float32) * (0.985 ** np.arange(512, dtype=np.float32))
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    compressed, axes = compress(many[1:])
    assert compressed.shape == (899, 256)
    np.testing.assert_allclose(compressed @ (many[0] @ axes), many[1:] @ many[0], atol=0.02)


def test_short_vectors_are_not_compressed() -> None:
    vectors = axes(0.9, 0.7, 0.5)
    compressed, identity = compress(vectors)
    np.testing.assert_array_equal(compressed @ identity, vectors)


def test_a_refused_question_may_be_the_nearest() -> None:
    near = compare(ExemplarBank(QUESTIONS, axes(0.1, 0.1, 0.2, 0.3, 0.95)), "天气")
    assert near.refused == pytest.approx(0.95)
    assert near.refused_subject == "天气"
    assert near.refusal_share > 0.9


def test_only_answered_questions_know_no_refusal() -> None:
    near = compare(ExemplarBank(QUESTIONS[:3], axes(0.9, 0.7, 0.5)), "翻墙")
    assert (near.refused, near.refusal_share, near.refused_subject) == (0.0, 0.0, "")


def test_only_refused_questions_know_no_article() -> None:
    near = compare(ExemplarBank(QUESTIONS[3:], axes(0.9, 0.7)), "党费")
    assert near.best == near.mean == near.share == near.secondary == near.wording == {}
    assert near.answered == 0.0
    assert near.refusal_share == pytest.approx(1.0)


def test_more_questions_than_are_compared_closely() -> None:
    many = tuple(Exemplar(f"问题{place}", (place % 31 + 1,), "formal") for place in range(200))
    near = compare(ExemplarBank(many, axes(*np.linspace(0.99, 0.01, 200))), "问题")
    assert len(near.best) == 31
    assert near.best[1] == pytest.approx(0.99)
    assert sum(near.share.values()) == pytest.approx(1.0, abs=1e-5)


def test_one_question_is_enough() -> None:
    near = compare(ExemplarBank(QUESTIONS[:1], axes(0.9)), "翻墙")
    assert near.best == {14: pytest.approx(0.9)}
    assert near.share == {14: pytest.approx(1.0)}


def test_the_shipped_vectors_fit_the_questions_and_the_model() -> None:
    """Else every first start embeds them all: run `python -m knowledge.encoders.ship_questions`."""
    questions = written_questions(load_library())
    assert questions.shipped is not None
    with np.load(questions.shipped, allow_pickle=False) as arrays:
        assert str(arrays["key"]) == f"{load_embedder().fingerprint}:{questions.digest}"

"""Vectors that are kept: nothing is embedded twice, whatever stops the work; a damaged file heals."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import Vector
from knowledge.vectors import VECTORS_FILE, RememberingEmbedder
from tests.fakes import DIMENSIONS, FakeEmbedder

TEXTS = tuple(f"第{number}条的文字。" for number in range(10))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / VECTORS_FILE


def remember(path: Path, texts: Sequence[str], embedder: FakeEmbedder | None = None) -> Vector:
    with RememberingEmbedder(embedder or FakeEmbedder(), path) as remembering:
        return remembering.embed_all(texts)


def embedded_again(path: Path, texts: Sequence[str] = TEXTS, name: str = "fake") -> list[str]:
    """What a new embedder has to embed when it is asked for these texts."""
    embedder = FakeEmbedder(name)
    remember(path, texts, embedder)
    return embedder.texts


def test_vectors_come_in_order_and_are_those_of_the_embedder(path: Path) -> None:
    vectors = remember(path, TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, FakeEmbedder().embed_all(TEXTS), atol=1e-3)


def test_what_was_kept_is_exactly_what_was_embedded(path: Path) -> None:
    first = remember(path, TEXTS)
    np.testing.assert_array_equal(remember(path, TEXTS), first)
    np.testing.assert_array_equal(remember(path, TEXTS[::-1]), first[::-1])


def test_nothing_is_embedded_twice(path: Path) -> None:
    assert embedded_again(path, TEXTS[:4]) == list(TEXTS[:4])
    assert embedded_again(path, TEXTS) == list(TEXTS[4:])
    assert embedded_again(path, TEXTS) == []


def test_a_text_that_stands_twice_is_embedded_once(path: Path) -> None:
    embedder = FakeEmbedder()
    vectors = remember(path, ["甲", "乙", "甲"], embedder)
    assert embedder.texts == ["甲", "乙"]
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_no_texts_and_one_text(path: Path) -> None:
    with RememberingEmbedder(FakeEmbedder(), path) as remembering:
        assert remembering.embed_all([]).shape == (0, DIMENSIONS)
        assert remembering.embed("甲").shape == (DIMENSIONS,)
        assert remembering.dimensions == DIMENSIONS
        assert remembering.fingerprint == FakeEmbedder().fingerprint


def test_more_texts_than_one_statement_can_ask_for(path: Path) -> None:
    texts = [str(number) for number in range(1234)]
    remember(path, texts)
    assert embedded_again(path, texts) == []


def test_another_model_finds_nothing(path: Path) -> None:
    remember(path, TEXTS)
    assert embedded_again(path, name="another") == list(TEXTS)
    assert embedded_again(path) == []


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("batches", [0, 1, 3])
def test_every_batch_that_was_finished_is_kept(path: Path, batches: int, error: BaseException) -> None:
    broken = FakeEmbedder(fails_at=2 * batches + 2, error=error)
    with pytest.raises(type(error)), RememberingEmbedder(broken, path) as remembering:
        for start in range(0, len(TEXTS), 2):
            remembering.embed_all(TEXTS[start : start + 2])
    assert embedded_again(path) == list(TEXTS[2 * batches :])


def test_two_at_once_do_not_disturb_one_another(path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: remember(path, TEXTS), range(8)))
    for vectors in found:
        np.testing.assert_array_equal(vectors, found[0])
    assert embedded_again(path) == []


# ---------------------------------------------------------------- damage


def sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def spoil_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 4 :] = b"\xa5" * (len(content) - len(content) // 4)
    path.write_bytes(bytes(content))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"this is no database" * 300),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "overwritten": spoil_the_middle,
    "gone": Path.unlink,
    "another table": lambda path: sql(path, "ALTER TABLE vectors RENAME COLUMN checksum TO sum"),
    "changed vectors": lambda path: sql(path, "UPDATE vectors SET vector = zeroblob(length(vector))"),
    "short vectors": lambda path: sql(path, "UPDATE vectors SET vector = x'0000', checksum = 1104745215"),
    "text in place of vectors": lambda path: sql(path, "UPDATE vectors SET vector = 'text'"),
    "no checksums": lambda path: sql(path, "UPDATE vectors SET checksum = NULL"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_heals(path: Path, damage: Callable[[Path], object]) -> None:
    sound = remember(path, TEXTS * 40)
    damage(path)
    np.testing.assert_array_equal(remember(path, TEXTS * 40), sound)
    assert embedded_again(path) == []


def test_a_vector_that_has_changed_is_embedded_anew_and_no_other(path: Path) -> None:
    remember(path, TEXTS[:1])
    sql(path, "UPDATE vectors SET vector = zeroblob(length(vector))")
    remember(path, TEXTS[1:])
    assert embedded_again(path) == [TEXTS[0]]


def test_damage_is_logged_without_the_texts(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remember(path, TEXTS)
    path.write_bytes(b"this is no database" * 300)
    with caplog.at_level(logging.WARNING):
        remember(path, TEXTS)
    assert VECTORS_FILE in caplog.text
    assert "文字" not in caplog.text


def test_a_file_that_is_locked_too_long_is_not_thrown_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(path, TEXTS[:5])
    monkeypatch.setattr("knowledge.vectors.BUSY_TIMEOUT_S", 0.01)
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            remember(path, TEXTS)
    finally:
        holder.rollback()
        holder.close()
    assert embedded_again(path) == list(TEXTS[5:])

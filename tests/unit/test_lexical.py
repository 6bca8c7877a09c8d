"""BM25: a small corpus by hand, and the file that keeps it."""

from pathlib import Path

import numpy as np
import pytest

from knowledge.lexical import LexicalIndex, term_codes
from knowledge.model import Regulation
from knowledge.normalising import normalise

TEXTS = (
    "党员不得擅自建立、使用非法定信道浏览境外的网站。",
    "党员不得通过网络制造、散布、传播政治谣言。",
    "各级党组织应当开展教育。",
    "使用 VPN 或者 Telegram 等 App。",
)


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("谣言", 1),
        ("境外网站", 0),
        ("党组织", 2),
        ("vpn", 3),
        ("telegram", 3),
        ("传播谣言", 1),
        ("能不能浏览境外的网站", 0),
    ],
)
def test_the_document_that_shares_most_comes_first(index: LexicalIndex, query: str, best: int) -> None:
    scores = index.scores(normalise(query))
    assert scores.shape == (len(TEXTS),)
    assert int(np.argmax(scores)) == best
    assert scores[best] > 0


@pytest.mark.parametrize("query", ["", " ", "？！", "，。", "麒麟", "tele", "vp", "\u0416\u0416"])
def test_a_query_that_shares_nothing_scores_nothing(index: LexicalIndex, query: str) -> None:
    assert index.scores(query).tolist() == [0.0] * len(TEXTS)


def test_latin_words_are_whole_words(index: LexicalIndex) -> None:
    assert index.scores("app")[3] > 0
    assert not index.scores("apple").any()
    assert index.scores(normalise("ＶＰＮ"))[3] > 0


def test_a_repeated_term_of_the_query_counts_once(index: LexicalIndex) -> None:
    np.testing.assert_array_equal(index.scores("谣言谣言"), index.scores("谣言 言谣"))
    np.testing.assert_array_equal(index.scores("谣 谣 谣"), index.scores("谣"))


@pytest.mark.parametrize(
    ("query", "whole", "nothing"), [("党组织", [2], [3]), ("vpn", [3], [0, 1, 2]), ("传播 谣言", [1], [0, 2, 3])]
)
def test_coverage_is_the_share_of_the_querys_terms_that_a_document_has(
    index: LexicalIndex, query: str, whole: list[int], nothing: list[int]
) -> None:
    found = index.coverage(query, np.arange(len(TEXTS)))
    assert np.flatnonzero(np.isclose(found, 1.0)).tolist() == whole
    assert np.flatnonzero(found == 0.0).tolist() == nothing
    np.testing.assert_array_equal(index.coverage(query, np.array([1, 3])), found[[1, 3]])


def test_a_rare_term_covers_more_than_a_common_one(index: LexicalIndex) -> None:
    rare, common = index.coverage("党谣", np.array([1, 0]))
    assert rare == pytest.approx(1.0)
    assert 0 < common < 0.5


@pytest.mark.parametrize("query", ["", "？！", "麒麟"])
def test_a_query_without_known_terms_is_covered_by_nothing(index: LexicalIndex, query: str) -> None:
    assert index.coverage(query, np.arange(len(TEXTS))).tolist() == [0.0] * len(TEXTS)


def test_terms_are_characters_pairs_and_words() -> None:
    assert len(term_codes("党员")) == 3
    assert len(term_codes("党，员")) == 2
    assert len(term_codes("vpn 党员 5g")) == 5
    assert len(set(term_codes("党员员党").tolist())) == 5
    assert term_codes("").tolist() == []


@pytest.mark.parametrize("texts", [(), ("",), ("", "党员"), ("。", "！")])
def test_empty_documents_and_no_documents(texts: tuple[str, ...]) -> None:
    index = LexicalIndex.build(texts)
    scores = index.scores("党员")
    assert scores.shape == (len(texts),)
    assert np.isfinite(scores).all()
    assert [bool(score > 0) for score in scores] == ["党员" in text for text in texts]


def test_what_is_saved_is_loaded(tmp_path: Path, index: LexicalIndex) -> None:
    path = tmp_path / "lexical.npz"
    index.save(path)
    loaded = LexicalIndex.load(path)
    assert loaded.size == index.size
    for query in ("谣言", "党员不得", "vpn", ""):
        np.testing.assert_array_equal(loaded.scores(query), index.scores(query))


def test_what_was_never_saved_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="lexical"):
        LexicalIndex.load(tmp_path / "lexical.npz")


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 cut short"])
def test_garbage_is_not_loaded(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lexical.npz"
    path.write_bytes(content)
    with pytest.raises((OSError, ValueError, KeyError)):
        LexicalIndex.load(path)


def test_another_file_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "lexical.npz"
    np.savez(path, something=np.zeros(3))
    with pytest.raises(KeyError):
        LexicalIndex.load(path)


def test_every_article_is_found_by_its_own_words(conduct: Regulation) -> None:
    index = LexicalIndex.build([article.text for article in conduct.articles])
    found = [int(np.argmax(index.scores(normalise(article.text)))) + 1 for article in conduct.articles]
    assert found == [article.number for article in conduct.articles]
    assert len(found) == 31

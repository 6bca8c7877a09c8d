"""Who cites whom: read from titles and texts, nothing where there are no laws."""

from pathlib import Path

import numpy as np
import pytest

from knowledge.citing import Citations

CORPUS = {
    "中华人民共和国刑法第一条": "为了惩罚犯罪，制定本法。",
    "中华人民共和国刑法第二条": "依照本法第一条的规定处理。",
    "刑法第三条之一": "另有规定的除外。",
    "行政处罚法第一条": "违反刑法第一条、第二条和第三条之一的，移送司法机关。",
    "某条例第一条": "依照《中华人民共和国刑法》和《行政处罚法》（2021年修订）第1条处理；民法第九条不在此列。",
    "某条例第二条": "违反本条例第一条的，罚款。",
    "没有条号的标题": "刑法第一条。",
}
TITLES = list(CORPUS)


@pytest.fixture(scope="module")
def citations() -> Citations:
    return Citations.build(TITLES, list(CORPUS.values()))


def cited_by(citations: Citations, *places: int) -> list[tuple[int, int]]:
    return list(citations.cited_by(np.array(places, dtype=np.int64)))


@pytest.mark.parametrize(
    ("source", "targets"),
    [(0, []), (1, [0]), (2, []), (3, [0, 1, 2]), (4, [3]), (5, [4]), (6, [])],
    ids=TITLES,
)
def test_articles_that_a_document_names_are_found(citations: Citations, source: int, targets: list[int]) -> None:
    assert cited_by(citations, source) == [(source, target) for target in targets]


def test_several_documents_at_once(citations: Citations) -> None:
    assert cited_by(citations, 1, 2, 4) == [(1, 0), (4, 3)]
    assert cited_by(citations) == []


def test_a_law_that_more_others_cite_has_more_authority(citations: Citations) -> None:
    criminal, penalties, decree, none = citations.authority[[0, 3, 4, 6]]
    assert 1.0 == criminal > penalties > decree == none == 0.0
    assert criminal == citations.authority[1] == citations.authority[2]


def test_a_law_gains_nothing_by_citing_itself() -> None:
    found = Citations.build(["刑法第一条", "刑法第二条"], ["依照刑法第二条。", "依照本法第一条。"])
    assert found.authority.tolist() == [0.0, 0.0]
    assert cited_by(found, 0, 1) == [(0, 1), (1, 0)]


def test_a_corpus_of_anything_else_has_no_citations() -> None:
    found = Citations.build(["", "Chapter 1", "随笔"], ["第一条消息", "text", ""])
    assert found.authority.tolist() == [0.0, 0.0, 0.0]
    assert cited_by(found, 0, 1, 2) == []


def test_an_empty_corpus() -> None:
    assert Citations.build([], []).authority.shape == (0,)


def test_what_is_kept_is_found_again_under_its_key_only(citations: Citations, tmp_path: Path) -> None:
    path = tmp_path / "citations.npz"
    assert Citations.load(path, "key") is None
    citations.save(path, "key")
    found = Citations.load(path, "key")
    assert found is not None
    np.testing.assert_array_equal(found.authority, citations.authority)
    assert cited_by(found, 3) == cited_by(citations, 3)
    assert Citations.load(path, "another") is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_no_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "citations.npz"
    path.write_bytes(content)
    assert Citations.load(path, "key") is None

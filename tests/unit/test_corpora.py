"""A corpus that is not the regulation's: opened whole, kept, searched by the general model."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from knowledge import corpora as corpora_module
from knowledge.corpora import corpus_library, match_articles, open_corpus
from knowledge.embedding import BUNDLED, GENERAL
from knowledge.errors import IndexingError
from knowledge.evaluation import Document
from knowledge.library import Library
from knowledge.vectors import VECTORS_FILE
from tests.fakes import FakeEmbedder

DOCUMENTS = (
    Document("b", "租赁法第二条", "承租人应当按照约定支付租金。\n（一）按月；\n（二）按年。"),
    Document("a", "婚姻法第一条", "父母对未成年子女负有抚养义务。"),
    Document("c", "", "出卖人应当交付标的物。"),
)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, FakeEmbedder]]:
    """Every model that was asked for, with the fake that was given instead."""
    models: list[tuple[str, FakeEmbedder]] = []

    def load(name: str) -> FakeEmbedder:
        models.append((name, FakeEmbedder()))
        return models[-1][1]

    monkeypatch.setattr(corpora_module, "load_embedder", load)
    return models


def find(documents: Sequence[Document], folder: Path, question: str, model: str = BUNDLED) -> tuple[str, ...]:
    with closing(open_corpus(documents, folder, model)) as corpus:
        return corpus.find(question).ranking


def test_the_document_that_says_it_is_found_by_its_id(tmp_path: Path) -> None:
    with closing(open_corpus(DOCUMENTS, tmp_path, BUNDLED)) as corpus:
        for question, expected in (("房租怎么交", "b"), ("孩子谁来养", "a"), ("卖家不发货", "c")):
            found = corpus.find(question)
            assert found.ranking[0] == expected
            assert sorted(found.ranking) == ["a", "b", "c"]
            assert not found.declined
            assert 0 < found.confidence <= 1


@pytest.mark.parametrize(("model", "expected"), [(BUNDLED, GENERAL), ("some/model", "some/model")])
def test_the_general_model_takes_the_bundled_ones_place(
    tmp_path: Path, loaded: list[tuple[str, FakeEmbedder]], model: str, expected: str
) -> None:
    find(DOCUMENTS, tmp_path, "租金", model)
    assert [name for name, _ in loaded] == [expected]


def test_a_corpus_that_is_opened_again_embeds_only_the_question(
    tmp_path: Path, loaded: list[tuple[str, FakeEmbedder]]
) -> None:
    first, second = (find(DOCUMENTS, tmp_path, "租金") for _ in range(2))
    assert first == second
    assert loaded[1][1].texts == ["租金"]


def test_another_corpus_embeds_only_what_is_new(tmp_path: Path, loaded: list[tuple[str, FakeEmbedder]]) -> None:
    find(DOCUMENTS[:2], tmp_path, "租金")
    assert find(DOCUMENTS[::-1], tmp_path, "租金")[0] == "b"
    assert loaded[1][1].texts == ["出卖人应当交付标的物。", "租金"]


def test_the_index_of_another_corpus_is_never_taken_for_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora_module, "load_embedder", lambda _: FakeEmbedder())
    find(DOCUMENTS[:2], tmp_path, "租金")
    monkeypatch.setattr(corpora_module, "load_embedder", lambda _: FakeEmbedder(fails_at=1))
    with pytest.raises(IndexingError):
        open_corpus(DOCUMENTS, tmp_path, BUNDLED)


def test_every_document_has_one_vector_with_its_title(tmp_path: Path, loaded: list[tuple[str, FakeEmbedder]]) -> None:
    find(DOCUMENTS, tmp_path, "租金")
    texts = loaded[0][1].texts[:-1]
    assert len(texts) == len(DOCUMENTS)
    assert texts[0].startswith("租赁法第二条 承租人")


def test_what_lies_on_the_disk_belongs_to_the_evaluation(
    tmp_path: Path, loaded: list[tuple[str, FakeEmbedder]]
) -> None:
    find(DOCUMENTS, tmp_path, "租金")
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation"}
    assert {path.name for path in (tmp_path / "evaluation").iterdir()} == {"index", "citations.npz", VECTORS_FILE}


def test_a_large_corpus_is_not_compared_article_by_article(bundled_library: Library) -> None:
    class Unread(Document):
        @property
        def text(self) -> str:
            raise AssertionError("read for nothing")

    assert match_articles([Document.__new__(Unread)] * 2 * len(bundled_library), bundled_library) is None


def test_the_librarys_own_articles_are_recognised(bundled_library: Library) -> None:
    documents = [
        Document(str(place), "", f"第{place}条 {bundled_library[article_id][1].text}")
        for place, article_id in enumerate(bundled_library.article_ids, start=1)
    ]
    matched = match_articles(documents, bundled_library)
    assert matched == {article_id: str(place) for place, article_id in enumerate(bundled_library.article_ids, start=1)}
    assert match_articles(DOCUMENTS, bundled_library) is None


def test_another_text_is_another_library() -> None:
    changed = (*DOCUMENTS[:2], Document("c", "", "出卖人应当交付货物。"))
    assert corpus_library(DOCUMENTS).principal.digest == corpus_library(DOCUMENTS).principal.digest
    assert corpus_library(DOCUMENTS).principal.digest != corpus_library(changed).principal.digest

"""Fixtures that several folders share."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest

from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase, open_knowledge_base
from knowledge.embedding import Embedder, load_embedder
from knowledge.exemplars import read_exemplars
from knowledge.library import Library, bundled_folder, load_library
from knowledge.model import Regulation

hypothesis.settings.register_profile("house", derandomize=True, deadline=None)  # machines are shared and noisy
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def bundled_library() -> Library:
    """The regulations that ship with wanggui."""
    return load_library()


@pytest.fixture(scope="session")
def conduct(bundled_library: Library) -> Regulation:
    """The regulation that the product is about."""
    return bundled_library.principal


@pytest.fixture(scope="session")
def conduct_folder(conduct: Regulation) -> Path:
    """The folder of the regulation that the product is about."""
    return bundled_folder() / conduct.id


@pytest.fixture(scope="session")
def written_questions(conduct_folder: Path) -> list[str]:
    """Every question of questions.jsonl."""
    lines = (conduct_folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [str(json.loads(line)["question"]) for line in lines if line.strip()]


@pytest.fixture(scope="session")
def answered_questions(conduct: Regulation, conduct_folder: Path) -> list[str]:
    """Every question of questions.jsonl that the regulation answers."""
    exemplars = read_exemplars(conduct_folder / "questions.jsonl", conduct)
    return [exemplar.question for exemplar in exemplars if exemplar.articles]


@pytest.fixture(scope="session")
def bundled_embedder() -> Embedder:
    """The embedding model that ships with wanggui."""
    return load_embedder()


@pytest.fixture(scope="session")
def conduct_text(conduct_folder: Path) -> str:
    """The source text of that regulation, as it lies in the file."""
    return (conduct_folder / "text.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def built_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the index has been built; copy it before changing anything in it."""
    folder = tmp_path_factory.mktemp("house")
    open_knowledge_base(folder).close()
    return folder


@pytest.fixture(scope="session")
def knowledge_base(built_folder: Path) -> Iterator[KnowledgeBase]:
    """The real knowledge base, opened once."""
    with closing(open_knowledge_base(built_folder)) as knowledge:
        yield knowledge


@pytest.fixture(scope="session")
def answerer(knowledge_base: KnowledgeBase) -> Answerer:
    """The real answerer over the real knowledge base."""
    return join(knowledge_base)

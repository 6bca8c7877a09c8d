"""Joins the package's parts into one opened knowledge base; the house's composition root calls it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from knowledge.embedding import BUNDLED, Embedder, load_embedder
from knowledge.errors import ReadingError
from knowledge.exemplars import VECTORS_FILE, ExemplarBank, Progress, WrittenQuestions, in_order, read_exemplars
from knowledge.index import Announce, Index, IndexFolder
from knowledge.lexicon import Lexicon
from knowledge.library import Library, bundled_folder, load_library
from knowledge.model import Regulation
from knowledge.ranking import Weights, weights_file
from knowledge.retrieval import Retriever

INDEX_FOLDER = "index"
LIBRARY_FOLDER = "library"
ADDITIONS_FOLDER = "additions"
"""Aliases and written questions beside the bundled ones, in the same formats."""

_QUESTIONS: Final = "questions.jsonl"
_ALIASES: Final = "aliases.toml"

Added = TypeVar("Added")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnowledgeBase:
    """An opened knowledge base: close it to let go of the index's files."""

    library: Library
    retriever: Retriever
    index: Index

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


def open_knowledge_base(
    data_dir: Path,
    model: str = BUNDLED,
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
    announce: Announce | None = None,
) -> KnowledgeBase:
    """Read the library, load the model, open the index (or build it where it must be) and join them.

    Raises:
        KnowledgeError: the model, a regulation or the index is unusable; the message says what to do.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:  # the model loads while Chroma is imported: both take a while
        loading = pool.submit(load_embedder, model)
        _import_chroma()
        library = load_library(data_dir / LIBRARY_FOLDER)
        embedder = loading.result()
    folder = IndexFolder(data_dir / INDEX_FOLDER)
    additions = data_dir / ADDITIONS_FOLDER
    questions = written_questions(library, additions)
    open_index: Callable[..., Index] = folder.build if rebuild else folder.open_or_build
    index = open_index(library, embedder, questions, progress=progress, announce=announce)
    return join(library, embedder, index, questions, additions)


def written_questions(library: Library, additions: Path | None = None) -> WrittenQuestions:
    """The written questions that the principal regulation brings, and those in the folder of additions."""
    folder = bundled_folder() / library.principal.id
    bundled = WrittenQuestions(in_order(read_exemplars(folder / _QUESTIONS, library.principal)), folder / VECTORS_FILE)
    added = _unless_broken(read_exemplars, additions, _QUESTIONS, library)
    return bundled.with_added(added) if added else bundled


def join(
    library: Library, embedder: Embedder, index: Index, questions: WrittenQuestions, additions: Path | None = None
) -> KnowledgeBase:
    """Join opened parts; the principal regulation brings its lexicon, and additions more aliases."""
    lexicon = Lexicon.read(bundled_folder() / library.principal.id / _ALIASES, library.principal)
    added = _unless_broken(Lexicon.read, additions, _ALIASES, library)
    if added:
        lexicon = Lexicon(lexicon.aliases + added.aliases, lexicon.neighbours + added.neighbours)
    lexicon.warm_up()
    bank = (
        ExemplarBank(questions.exemplars, index.question_vectors, index.question_lexical, index.question_axes)
        if questions.exemplars
        else None
    )
    retriever = Retriever(library, embedder, index, Weights.read(weights_file()), lexicon, bank)
    return KnowledgeBase(library, retriever, index)


def _unless_broken(
    read: Callable[[Path, Regulation], Added], additions: Path | None, name: str, library: Library
) -> Added | None:
    """What has been added, or None; a broken file is reported and left out: the bundled one answers without it."""
    if additions is None:
        return None
    try:
        return read(additions / name, library.principal)
    except ReadingError as exc:
        where = f"line {exc.line}" if exc.line else "its entries"
        log.warning("%s is left out: %s cannot be read", exc.path, where)
        return None


def _import_chroma() -> None:
    import chromadb  # noqa: F401

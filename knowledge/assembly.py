"""Joins the package's parts into one opened knowledge base; the house's composition root calls it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from knowledge.embedding import BUNDLED, Embedder, load_embedder
from knowledge.exemplars import VECTORS_FILE, ExemplarBank, Progress, WrittenQuestions, read_exemplars
from knowledge.index import Announce, Index, IndexFolder
from knowledge.lexicon import Lexicon
from knowledge.library import Library, bundled_folder, load_library
from knowledge.ranking import Weights, weights_file
from knowledge.retrieval import Retriever

INDEX_FOLDER = "index"
LIBRARY_FOLDER = "library"


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
    questions = written_questions(library)
    open_index: Callable[..., Index] = folder.build if rebuild else folder.open_or_build
    index = open_index(library, embedder, questions, progress=progress, announce=announce)
    return join(library, embedder, index, questions)


def written_questions(library: Library) -> WrittenQuestions:
    """The written questions that the principal regulation brings."""
    folder = bundled_folder() / library.principal.id
    exemplars = read_exemplars(folder / "questions.jsonl", library.principal)
    ordered = sorted(exemplars, key=lambda exemplar: exemplar.articles[0] if exemplar.articles else 0)
    return WrittenQuestions(tuple(ordered), folder / VECTORS_FILE)


def join(library: Library, embedder: Embedder, index: Index, questions: WrittenQuestions) -> KnowledgeBase:
    """Join opened parts; the principal regulation brings its lexicon."""
    lexicon = Lexicon.read(bundled_folder() / library.principal.id / "aliases.toml", library.principal)
    lexicon.warm_up()
    bank = (
        ExemplarBank(questions.exemplars, index.question_vectors, index.question_lexical)
        if questions.exemplars
        else None
    )
    retriever = Retriever(library, embedder, index, Weights.read(weights_file()), lexicon, bank)
    return KnowledgeBase(library, retriever, index)


def _import_chroma() -> None:
    import chromadb  # noqa: F401

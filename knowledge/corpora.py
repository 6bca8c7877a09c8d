"""The corpus of an evaluation: either articles of the library, recognised by their text, or a library of its own."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from knowledge.assembly import INDEX_FOLDER
from knowledge.citing import Citations
from knowledge.embedding import BUNDLED, GENERAL, load_embedder
from knowledge.evaluation import Document, Finding
from knowledge.exemplars import Progress
from knowledge.fusion import Fusion, FusionWeights, fusion_file
from knowledge.index import Announce, Index, IndexFolder
from knowledge.library import Library
from knowledge.model import Article, Regulation
from knowledge.repair import wording

DEPTH: Final = 10
_SAME: Final = 0.9
_HEAD: Final = re.compile(r"^(?:《[^》]*》)?第[零〇一二三四五六七八九十百千0-9]+条")
_CITATIONS_FILE: Final = "citations.npz"


def match_articles(documents: Sequence[Document], library: Library) -> dict[str, str] | None:
    """Article id -> document id where nearly all documents are articles of the library; None where they are not."""
    if len(library) < _SAME * len(documents):
        return None
    by_wording: dict[str, str] = {}
    for article_id in library.article_ids:  # closing articles of several regulations read alike: the first one is meant
        by_wording.setdefault(wording(library[article_id][1].text), article_id)
    matched = {}
    for document in documents:
        found = by_wording.get(_HEAD.sub("", wording(document.text), count=1))
        if found and found not in matched:
            matched[found] = document.id
    return matched if len(matched) >= _SAME * len(documents) else None


def corpus_library(documents: Sequence[Document]) -> Library:
    """A library of one nameless regulation whose n-th article is the n-th document.

    Articles are embedded whole: vectors of clauses as well would double the time for a corpus of any size.
    """
    articles = [
        Article(number, f"{document.title}\n{document.text}".strip("\n"), ())
        for number, document in enumerate(documents, start=1)
    ]
    content = "\n".join(f"{document.id}\t{document.title}\t{document.text}" for document in documents)
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    name = f"corpus-{digest[:12]}"  # so that no index of another corpus passes for an earlier one of this
    return Library((Regulation(name, name, (), tuple(articles), digest=digest),))


@dataclass(frozen=True)
class Corpus:
    """An opened corpus: close it to let go of the index's files."""

    documents: Sequence[Document]
    fusion: Fusion
    index: Index

    def find(self, question: str) -> Finding:
        """The best documents for a question; ranking only, nothing is declined."""
        places, confidence = self.fusion.rank(question, DEPTH)
        return Finding(tuple(self.documents[place].id for place in places), confidence, declined=not places)

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


def open_corpus(
    documents: Sequence[Document],
    data_dir: Path,
    model: str,
    *,
    progress: Progress | None = None,
    announce: Announce | None = None,
) -> Corpus:
    """Open any corpus, with neither lexicon nor written questions; its index is kept and reused.

    The bundled model knows the bundled regulation best, so here its general ancestor takes its place.

    Raises:
        KnowledgeError: the model or the index is unusable.
    """
    library, embedder = corpus_library(documents), load_embedder(GENERAL if model == BUNDLED else model)
    folder = data_dir / "evaluation"
    index = IndexFolder(folder / INDEX_FOLDER).open_or_build(library, embedder, progress=progress, announce=announce)
    citations = _citations(folder / _CITATIONS_FILE, library.principal.digest, documents)
    return Corpus(documents, Fusion(embedder, index, citations, FusionWeights.read(fusion_file())), index)


def _citations(path: Path, digest: str, documents: Sequence[Document]) -> Citations:
    citations = Citations.load(path, digest)
    if citations is None:
        citations = Citations.build([d.title for d in documents], [d.text for d in documents])
        citations.save(path, digest)
    return citations

"""The corpus of an evaluation: either articles of the library, recognised by their text, or a library of its own."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from knowledge.assembly import INDEX_FOLDER, KnowledgeBase, join
from knowledge.embedding import load_embedder
from knowledge.evaluation import Document, Finding, Search
from knowledge.exemplars import NO_QUESTIONS, Progress
from knowledge.index import Announce, IndexFolder
from knowledge.library import Library
from knowledge.model import Article, Regulation, split_clauses
from knowledge.repair import repair, wording

_SAME: Final = 0.9
_HEAD: Final = re.compile(r"^(?:《[^》]*》)?第[零〇一二三四五六七八九十百千0-9]+条")


def match_articles(documents: Sequence[Document], library: Library) -> dict[str, str] | None:
    """Article id -> document id where nearly all documents are articles of the library; None where they are not."""
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
    """A library of one nameless regulation whose n-th article is the n-th document."""
    articles = []
    for number, document in enumerate(documents, start=1):
        text = repair(f"{document.title}\n{document.text}".strip("\n"))
        articles.append(Article(number, text, split_clauses(text)))
    content = "\n".join(f"{document.id}\t{document.title}\t{document.text}" for document in documents)
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    return Library((Regulation("corpus", "corpus", (), tuple(articles), digest=digest),))


def open_corpus(
    documents: Sequence[Document],
    data_dir: Path,
    model: str,
    *,
    progress: Progress | None = None,
    announce: Announce | None = None,
) -> KnowledgeBase:
    """A knowledge base over any corpus, with neither lexicon nor written questions; its index is kept and reused.

    Raises:
        KnowledgeError: the model or the index is unusable.
    """
    library, embedder = corpus_library(documents), load_embedder(model)
    folder = IndexFolder(data_dir / "evaluation" / INDEX_FOLDER)
    index = folder.open_or_build(library, embedder, progress=progress, announce=announce)
    return join(library, embedder, index, NO_QUESTIONS)


def corpus_search(knowledge: KnowledgeBase, documents: Sequence[Document], depth: int = 10) -> Search:
    """Search a corpus that is not the regulation's: ranking only, nothing is declined."""

    def search(question: str) -> Finding:
        found = knowledge.retriever.retrieve(question, top_k=depth)
        ranking = tuple(documents[evidence.article.number - 1].id for evidence in found.evidence)
        return Finding(ranking, found.confidence, declined=not ranking)

    return search

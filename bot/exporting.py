"""What administrators have made of questions -> a BEIR folder that `wanggui evaluate` reads.

A question that became an example or an alias needs the article it was given; one that the bot declined, and an
administrator dismissed, must be declined again.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from bot.errors import WangguiError
from bot.files import write_whole
from bot.storage.review import Resolved
from knowledge.evaluation import Collection, Document, Query
from knowledge.model import Regulation

NAME = "review"


def review_collection(regulation: Regulation, resolved: Sequence[Resolved]) -> Collection:
    """The regulation's articles, the questions, and which article each needs.

    Raises:
        WangguiError: there is no question yet.
    """
    if not resolved:
        raise WangguiError("还没有复核过的问题 (no question has been reviewed yet)")
    documents = [
        Document(str(article.number), f"{regulation.title}{article.label}", article.text)
        for article in regulation.articles
    ]
    queries, qrels = [], {}
    for number, one in enumerate(resolved, start=1):
        style, group = (NAME, "") if one.articles else ("", "dismissed")
        query = Query(f"{NAME}-{number}", one.question, style, group)
        queries.append(query)
        if one.articles:
            qrels[query.id] = {str(article): 1 for article in one.articles}
    return Collection(tuple(documents), tuple(queries), qrels)


def write_collection(collection: Collection, folder: Path) -> None:
    """Write `corpus.jsonl`, `queries.jsonl` and `qrels/review.tsv`.

    Raises:
        WangguiError: the folder cannot be written.
    """
    corpus = [{"_id": one.id, "title": one.title, "text": one.text} for one in collection.documents]
    queries = [
        {"_id": one.id, "text": one.text, "metadata": {"style": one.style} if one.style else {"group": one.group}}
        for one in collection.queries
    ]
    lines = [
        f"{query}\t{document}\t{score}"
        for query, found in collection.qrels.items()
        for document, score in found.items()
    ]
    try:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for name, entries in (("corpus", corpus), ("queries", queries)):
            text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
            write_whole(folder / f"{name}.jsonl", text)
        tsv = "\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n"
        write_whole(folder / "qrels" / f"{NAME}.tsv", tsv)
    except OSError as exc:
        raise WangguiError(f"{folder}: 不可写 (cannot be written): {exc.strerror}") from exc

"""The hand-written drafts: what a model returned for a question over some articles, bad ones by kind, and good ones.

In a bad draft every claim and every open phrase is bad. In a good one every claim is faithful.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.answering.composing import cite_article
from bot.answering.generation.claims import Context
from bot.answering.generation.draft import DraftClaim
from bot.answering.model import Citation
from knowledge.model import Article, Regulation
from prompts import Language

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Written:
    """One draft of a set: `text` is what the model says, `claims` and `open` what can be read from it."""

    id: str
    kind: str
    language: Language
    question: str
    articles: tuple[int, ...]
    text: str
    claims: tuple[DraftClaim, ...]
    open: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.id} ({self.kind}) {self.question}"

    def evidence(self, regulation: Regulation) -> tuple[Citation, ...]:
        """The articles that the model was given, as E1, E2 ..."""
        return tuple(cite_article(regulation, found(regulation, number)) for number in self.articles)

    def context(self, regulation: Regulation) -> Context:
        """What its claims are grounded in."""
        return Context(self.question, self.language, self.evidence(regulation))


def found(regulation: Regulation, number: int) -> Article:
    """The article of that number, which there is."""
    article = regulation.article(number)
    assert article is not None, number
    return article


def folded(text: str) -> str:
    """Width and space aside; written apart from the product's own folding, which it examines."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).replace("“", '"').replace("”", '"')


@cache
def bad_drafts() -> tuple[Written, ...]:
    """bad_drafts.jsonl."""
    return _read("bad_drafts.jsonl")


@cache
def good_drafts() -> tuple[Written, ...]:
    """good_drafts.jsonl."""
    return _read("good_drafts.jsonl")


def _read(name: str) -> tuple[Written, ...]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return tuple(_written(json.loads(line)) for line in lines)


def _written(line: dict[str, Any]) -> Written:
    draft = line.get("draft", {"claims": (), "open": ()})
    return Written(
        id=line["id"],
        kind=line.get("kind", "good"),
        language=line["language"],
        question=line["question"],
        articles=tuple(line["articles"]),
        text=line["raw"] * line.get("times", 1) if "raw" in line else json.dumps(draft, ensure_ascii=False),
        claims=tuple(DraftClaim.model_construct(**claim) for claim in draft["claims"]),
        open=tuple(draft["open"]),
    )

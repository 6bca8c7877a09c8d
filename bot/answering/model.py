"""What comes out of answering: an Answer with its citations, as plain values."""

from dataclasses import dataclass
from typing import Literal

from prompts import Language

Status = Literal["answered", "abstained", "unavailable"]
Reason = Literal["out_of_scope", "no_such_article", "not_a_question", "moderated", "overloaded", "failed"]
Mode = Literal["lookup", "extractive", "generative"]


@dataclass(frozen=True, slots=True)
class Citation:
    """One article behind an answer.

    `quote` is verbatim: the clause that decides, or the whole article; `emphasis` is a verbatim part of the quote;
    `text` is the whole article; `rule` is the kind of rule in its own words (不得, 应当 ...).
    """

    regulation_id: str
    regulation: str
    chapter: int | None
    chapter_label: str
    article: int
    label: str
    quote: str
    text: str
    emphasis: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a model about the case, and the citation whose quote bears it out."""

    text: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person is told: a leading sentence, citations (most relevant first), notes.

    `lead` introduces the first citation or, where there is none, is the whole answer. `nearest` is an article to look
    at where the regulation does not answer. `ranking` holds the ids of all articles found, those cited first.
    `claims` and `open` (what the text leaves open) are there where `mode` is generative; `understood` is the whole
    question that a follow-up was taken for; `partial` where more is still being written.
    """

    question: str
    status: Status
    reason: Reason | None
    mode: Mode
    confidence: float
    language: Language
    lead: str
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()
    nearest: int | None = None
    ranking: tuple[str, ...] = ()
    latency_ms: float = 0.0
    claims: tuple[Claim, ...] = ()
    open: tuple[str, ...] = ()
    understood: str = ""
    partial: bool = False

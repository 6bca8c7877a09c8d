"""An Answer as plain text, and as the JSON object that scripts rely on."""

from typing import Any

from bot.answering.arranging import arrange
from bot.answering.composing import english_label
from bot.answering.model import Answer, Citation, Claim
from prompts import Replies, load_replies


def as_text(answer: Answer) -> str:
    """The whole answer as lines of plain text."""
    replies = load_replies()[answer.language]
    lines = [replies("answer.understood", question=answer.understood)] if answer.understood else []
    lines.append(answer.lead)
    parts = arrange(answer)
    if answer.mode == "lookup":
        if len(answer.citations) == 1:
            lines.append(replies("answer.quote", quote=answer.citations[0].quote))
        else:
            lines += [replies("answer.item", label=english_label(c, replies), quote=c.quote) for c in answer.citations]
    elif answer.mode == "generative":
        lines += [claim_text(claim, replies) for claim in parts.claims]
        lines += left_open(answer, replies)
    else:
        lines += [replies("answer.quote", quote=citation.quote) for citation in parts.cited]
    lines += answer.notes
    if parts.related and answer.mode != "lookup":
        lines.append(replies("answer.related"))
        lines += [replies("answer.item", label=english_label(c, replies), quote=c.quote) for c in parts.related]
    return "\n".join(lines)


def claim_text(claim: Claim, replies: Replies) -> str:
    """A claim with its article's label and the words quoted from it."""
    label = english_label(claim.citation, replies)
    return replies("answer.claim", text=claim.text, label=label, quote=claim.citation.quote)


def left_open(answer: Answer, replies: Replies) -> list[str]:
    """What the text leaves open, as one line or none."""
    separator = "；" if replies.language == "zh" else "; "
    return [replies("answer.open", phrases=separator.join(answer.open))] if answer.open else []


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as README § “From a script” has it."""
    entry: dict[str, Any] = {
        "question": answer.question,
        "status": answer.status,
        "reason": answer.reason,
        "mode": answer.mode,
        "confidence": round(answer.confidence, 4),
        "answer": as_text(answer),
        "citations": [_citation(citation) for citation in answer.citations],
        "latency_ms": round(answer.latency_ms, 2),
    }
    if answer.mode == "generative":
        entry["claims"] = [{"text": claim.text, **_citation(claim.citation)} for claim in answer.claims]
        entry["open"] = list(answer.open)
    return entry


def _citation(citation: Citation) -> dict[str, Any]:
    return {
        "regulation": citation.regulation,
        "chapter": citation.chapter,
        "article": citation.article,
        "quote": citation.quote,
    }

"""An Answer as plain text, and as the JSON object that scripts rely on."""

from typing import Any

from bot.answering.composing import english_label
from bot.answering.model import Answer
from prompts import load_replies


def as_text(answer: Answer) -> str:
    """The whole answer as lines of plain text."""
    replies = load_replies()[answer.language]
    lines = [answer.lead]
    leading, related = answer.citations[:1], answer.citations[1:]
    if answer.mode == "lookup":
        if len(answer.citations) == 1:
            lines.append(replies("answer.quote", quote=answer.citations[0].quote))
        else:
            lines += [replies("answer.item", label=english_label(c, replies), quote=c.quote) for c in answer.citations]
    else:
        lines += [replies("answer.quote", quote=citation.quote) for citation in leading]
    lines += answer.notes
    if related and answer.mode != "lookup":
        lines.append(replies("answer.related"))
        lines += [replies("answer.item", label=english_label(c, replies), quote=c.quote) for c in related]
    return "\n".join(lines)


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as README § “From a script” has it."""
    return {
        "question": answer.question,
        "status": answer.status,
        "reason": answer.reason,
        "mode": answer.mode,
        "confidence": round(answer.confidence, 4),
        "answer": as_text(answer),
        "citations": [
            {
                "regulation": citation.regulation,
                "chapter": citation.chapter,
                "article": citation.article,
                "quote": citation.quote,
            }
            for citation in answer.citations
        ],
        "latency_ms": round(answer.latency_ms, 2),
    }

"""What a model returns: claims, each with an evidence id, a quote copied from it, the case that was asked about and the
words of the quote on which it turns; and what the text leaves open.

Nothing in a draft is trusted; `claims` decides what of it a person may read.
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from bot.answering.generation.chatting import Shape

MAX_CLAIMS: Final = 4
MAX_OPEN: Final = 2


class DraftClaim(BaseModel):
    """What bears on the case: where it is said to stand, the case in the reader's words, the words that decide it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    evidence: str = Field(max_length=40)
    quote: str = Field(max_length=2_000)
    case: str = Field(max_length=2_000)
    words: str = Field(max_length=2_000)


class Draft(BaseModel):
    """A whole draft; what goes beyond the most that is read has been cut off."""

    model_config = ConfigDict(frozen=True)

    claims: tuple[DraftClaim, ...] = ()
    open: tuple[str, ...] = ()


_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "evidence": {"type": "string", "description": "E1, E2, ..."},
                    "quote": {"type": "string", "description": "copied from that evidence, character by character"},
                    "case": {"type": "string", "description": "the reader's case, in the reader's words"},
                    "words": {"type": "string", "description": "the few words of the quote on which it turns"},
                },
                "required": ["evidence", "quote", "case", "words"],
                "additionalProperties": False,
            },
        },
        "open": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["claims", "open"],
    "additionalProperties": False,
}
"""The draft as a JSON schema, without bounds on length: several endpoints refuse schemas that have them."""
DRAFT: Final = Shape("answer", _SCHEMA, max_tokens=900)

"""What a model returns: claims, each with an evidence id and a quote copied from it, and what the text leaves open.

Nothing in a draft is trusted; `claims` decides what of it a person may read.
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from bot.answering.generation.chatting import Shape

MAX_CLAIMS: Final = 4
MAX_OPEN: Final = 2


class DraftClaim(BaseModel):
    """One sentence about the case, with where it is said to stand."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    evidence: str = Field(max_length=40)
    quote: str = Field(max_length=2_000)
    text: str = Field(max_length=2_000)


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
                    "text": {"type": "string", "description": "one sentence about the case"},
                },
                "required": ["evidence", "quote", "text"],
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

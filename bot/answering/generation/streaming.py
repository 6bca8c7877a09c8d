"""A draft read while it is being written: each claim comes out as soon as its object is closed.

Tolerant of what stands around the JSON (fences, prose, <think>…</think>, a tool call's envelope) and of nothing inside
it: a claim is what `json` reads and `DraftClaim` accepts.
"""

import json
from typing import Any, Final

from pydantic import ValidationError

from bot.answering.generation.chatting import Unreadable
from bot.answering.generation.draft import MAX_CLAIMS, MAX_OPEN, Draft, DraftClaim

_DEEPEST: Final = 6
"""Braces within braces that are read at all: a draft needs two, its envelopes few more; a thousand are an attack."""


class ClaimParser:
    """Fed with pieces of text; gives the claims that each piece has closed, in order."""

    def __init__(self) -> None:
        self._text = ""
        self._place = 0
        self._starts: list[int] = []
        self._in_string = self._escaped = False
        self._claims: list[DraftClaim] = []
        self._open: tuple[str, ...] | None = None
        self._thinking = False

    def feed(self, piece: str) -> list[DraftClaim]:
        """Take the next piece; the claims whose objects it has closed."""
        self._text += piece
        before = len(self._claims)
        while self._place < len(self._text) and self._step():
            pass
        return self._claims[before:MAX_CLAIMS]

    def finish(self) -> Draft:
        """The whole draft.

        Raises:
            Unreadable: there is no JSON object with a list of claims, or it was never closed.
        """
        if self._open is None:
            raise Unreadable("the response holds no closed draft")
        return Draft(claims=tuple(self._claims[:MAX_CLAIMS]), open=self._open[:MAX_OPEN])

    def _step(self) -> bool:
        """Read one character; False where more is needed to know what it means."""
        if self._thinking:
            end = self._text.find("</think>", self._place)
            if end < 0:
                return False
            self._place, self._thinking = end + len("</think>"), False
            return True
        character = self._text[self._place]
        if self._in_string:
            self._in_string = self._escaped or character != '"'
            self._escaped = character == "\\" and not self._escaped
        elif self._starts and character == '"':
            self._in_string = True
        elif character == "{":
            self._starts.append(self._place)
        elif character == "}" and self._starts:
            self._close(self._starts.pop())
        elif character == "<" and not self._starts:
            tag = self._text[self._place : self._place + len("<think>")]
            if "<think>".startswith(tag) and len(tag) < len("<think>"):
                return False
            self._thinking = tag == "<think>"
        self._place += 1
        return True

    def _close(self, start: int) -> None:
        if self._open is not None or len(self._starts) > _DEEPEST:
            return
        read = _read(self._text[start : self._place + 1])
        if self._starts and (claim := _claim(read)):
            if len(self._claims) < MAX_CLAIMS:
                self._claims.append(claim)
        elif isinstance(read, dict) and isinstance(read.get("claims"), list):
            self._open = _phrases(read.get("open"))
        elif isinstance(read, dict) and isinstance(read.get("arguments"), str) and not self._claims:
            self._unwrap(read["arguments"])

    def _unwrap(self, arguments: str) -> None:
        """A tool call written as text carries its draft as a string."""
        inner = ClaimParser()
        inner.feed(arguments)
        self._claims, self._open = inner._claims, inner._open


def _read(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _claim(read: Any) -> DraftClaim | None:
    if not isinstance(read, dict) or not read.keys() >= {"evidence", "quote", "case", "words"}:
        return None
    try:
        return DraftClaim.model_validate(read)
    except ValidationError:
        return None


def _phrases(read: Any) -> tuple[str, ...]:
    return tuple(phrase for phrase in read if isinstance(phrase, str)) if isinstance(read, list) else ()

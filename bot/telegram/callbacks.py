"""What a button carries: an action and its values, versioned, within Telegram's 64 bytes. Pure.

    1at:14:z14.0.a      version, action, values, joined by colons

The first letter of an action says whose it is: a articles, v votes, t contents and search, s settings, r review,
q quizzes, y training, p practice and exams.
Whatever does not read as such (an older version, garbage) is None, and is answered politely.
"""

import re
from dataclasses import dataclass
from typing import Final

VERSION: Final = "1"
MAX_BYTES: Final = 64
_ACTION: Final = re.compile(r"[a-z]{1,4}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Callback:
    """What a pressed button asks for."""

    action: str
    values: tuple[str, ...] = ()

    def text(self, place: int) -> str:
        """The value at that place; empty where there is none."""
        return self.values[place] if place < len(self.values) else ""

    def number(self, place: int) -> int | None:
        """The value at that place as a number; None where there is none or it is no number."""
        value = self.text(place)
        return int(value) if _NUMBER.fullmatch(value) else None


def pack(action: str, *values: int | str) -> str:
    """The data of a button.

    Raises:
        ValueError: the action is malformed, a value holds a colon, or the whole is longer than 64 bytes.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError(f"an action is one to four small letters: {action!r}")
    written = [str(value) for value in values]
    if any(":" in value for value in written):
        raise ValueError(f"a value holds no colon: {written!r}")
    packed = ":".join([VERSION + action, *written])
    if size(packed) > MAX_BYTES:
        raise ValueError(f"{size(packed)} bytes, the most is {MAX_BYTES}: {packed!r}")
    return packed


def unpack(data: str) -> Callback | None:
    """What `pack` was given, or None where this version did not write it."""
    head, *values = data.split(":")
    action = head.removeprefix(VERSION)
    if not head.startswith(VERSION) or not _ACTION.fullmatch(action) or size(data) > MAX_BYTES:
        return None
    return Callback(action, tuple(values))


def size(data: str) -> int:
    """Length in bytes, as Telegram counts it."""
    return len(data.encode("utf-8", "surrogatepass"))


def pattern(prefix: str) -> re.Pattern[str]:
    """Matches the data of every action that begins so, for a CallbackQueryHandler."""
    return re.compile(rf"^{VERSION}{prefix}[a-z]*(?::|$)")

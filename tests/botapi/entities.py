"""Text as Telegram counts and reads it: UTF-16 units, trimming, and the entities that nobody marks up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

Entity = dict[str, Any]

# A word character before or behind prevents a command, mention or hashtag, and Han characters are word characters:
# neither "请问@bot" nor "/ask能翻墙吗" holds an entity.
_DETECTED = (
    ("url", re.compile(r"(?<!\w)(?:https?://|t\.me/)[^\s<>]+[^\s<>.,;:!?。,;:!?)]", re.I)),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}+(?:@[A-Za-z0-9_]{3,32}+)?+(?![\w/<>])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z0-9_]{4,32}+(?!\w)")),
    ("hashtag", re.compile(r"(?<![\w/])#(?=\w*[^\W\d])\w{1,256}+(?!\w|#)")),
)
_OUTER_FIRST = (
    *(
        "blockquote",
        "expandable_blockquote",
        "pre",
        "code",
        "text_link",
        "text_mention",
        "url",
        "bot_command",
        "mention",
    ),
    *("hashtag", "bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji"),
)


class Formatted(NamedTuple):
    """Plain text and its entities, with offsets and lengths in UTF-16 units."""

    text: str
    entities: list[Entity]


def utf16_length(text: str) -> int:
    """Counts UTF-16 code units, Telegram's unit of length."""
    return len(text) + sum(character > "\uffff" for character in text)


def piece(text: str, entity: Entity) -> str:
    """Returns the part of ``text`` that ``entity`` covers."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le", "surrogatepass")


def entity_over(text: str, start: int, end: int, kind: str, **extra: Any) -> Entity:
    """Makes an entity of the characters ``text[start:end]``."""
    return {"type": kind, "offset": utf16_length(text[:start]), "length": utf16_length(text[start:end]), **extra}


def detect(text: str) -> list[Entity]:
    """Finds links, commands, mentions and hashtags as Telegram's server does."""
    found: list[Entity] = []
    for kind, pattern in _DETECTED:
        for match in pattern.finditer(text):
            entity = entity_over(text, *match.span(), kind)
            if not any(overlap(entity, other) for other in found):
                found.append(entity)
    return in_order(found)


def overlap(one: Entity, other: Entity) -> bool:
    """Tells whether two entities share a UTF-16 unit."""
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def in_order(entities: Iterable[Entity]) -> list[Entity]:
    """Sorts as Telegram does: by offset, the longer first, the outer kind first."""
    return sorted(entities, key=lambda e: (e["offset"], -e["length"], _rank(e["type"])))


def trim(formatted: Formatted) -> Formatted:
    """Removes white space around a message and moves or clips its entities accordingly."""
    text = formatted.text.strip()
    before = utf16_length(formatted.text[: len(formatted.text) - len(formatted.text.lstrip())])
    whole, entities = utf16_length(text), []
    for entity in formatted.entities:
        start = max(entity["offset"] - before, 0)
        end = min(entity["offset"] - before + entity["length"], whole)
        if end > start:
            entities.append(entity | {"offset": start, "length": end - start})
    return Formatted(text, entities)


def _rank(kind: str) -> int:
    return _OUTER_FIRST.index(kind) if kind in _OUTER_FIRST else len(_OUTER_FIRST)

"""Telegram's HTML mode: the same grammar, the same entities and the same words of complaint as the real server's.

One thing is stricter: a block quotation inside another is an error, where the documentation says only that it "can't
be". ``<tg-time>`` is not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.botapi.entities import Entity, Formatted, in_order, overlap, utf16_length

_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x(?P<hex>[0-9a-fA-F]+)|#(?P<decimal>[0-9]+)|(?P<name>[a-zA-Z]+));?")
_SPACE = " \t\r\n\0\v"
_MONOSPACED = ("code", "pre")


class MarkupError(ValueError):
    """The markup cannot be parsed; ``description`` is what the server answers."""

    @property
    def description(self) -> str:
        """The whole ``description`` of the 400 answer."""
        return f"Bad Request: can't parse entities: {self}"


def parse(markup: str) -> Formatted:
    """Returns the plain text and the entities of ``markup``, or raises `MarkupError`."""
    return _Parser(markup).run()


class _Tag(NamedTuple):
    name: str
    argument: str
    offset: int
    position: int


@dataclass
class _Parser:
    markup: str
    at: int = 0
    text: str = ""
    length: int = 0
    open_tags: list[_Tag] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def run(self) -> Formatted:
        while self.at < len(self.markup):
            if self.markup.startswith("</", self.at):
                self._close()
            elif self.markup[self.at] == "<":
                self._open()
            else:
                character, self.at = _character(self.markup, self.at)
                self.text += character
                self.length += utf16_length(character)
        if self.open_tags:
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{self.open_tags[-1].name}"')
        if any("\ud800" <= character <= "\udfff" for character in self.text):
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate "
                "code units"
            )
        return Formatted(self.text, _tidy(self.entities))

    def _open(self) -> None:
        start, where = self.at, self._where(self.at)
        self.at += 1
        name = self._until(_SPACE + ">").lower()
        if self._ended():
            raise MarkupError(f"Unclosed start tag {where}")
        if name not in _KINDS:
            raise MarkupError(f'Unsupported start tag "{name}" {where}')
        if name == "blockquote" and any(tag.name == "blockquote" for tag in self.open_tags):
            raise MarkupError(f'Nested start tag "blockquote" {where}')
        argument = self._attributes(name, start)
        if name == "span" and argument != "spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" {where}')
        self.open_tags.append(_Tag(name, argument, self.length, len(self.text)))

    def _attributes(self, tag: str, start: int) -> str:
        """Reads up to and over the closing ``>``; returns the one argument that matters to this tag."""
        argument = ""
        while True:
            self._skip_space()
            if self._ended():
                raise MarkupError(f"Unclosed start tag {self._where(start)}")
            if self.markup[self.at] == ">":
                self.at += 1
                return argument
            attribute = self._until(_SPACE + "=>")
            if not attribute:
                raise MarkupError(f'Empty attribute name in the tag "{tag}" {self._where(start)}')
            self._skip_space()
            value = ""
            if self.markup.startswith("=", self.at):
                self.at += 1
                value = self._value(tag, start)
            argument = _argument(tag, attribute, value) or argument

    def _value(self, tag: str, start: int) -> str:
        self._skip_space()
        if self._ended():
            raise MarkupError(f'Unclosed start tag "{tag}" {self._where(start)}')
        quote = self.markup[self.at]
        if quote not in "'\"":
            return self._name_token()
        self.at += 1
        value = ""
        while not self._ended() and self.markup[self.at] != quote:
            character, self.at = _character(self.markup, self.at)
            value += character
        self.at += 1
        if self._ended():
            raise MarkupError(f"Unclosed start tag {self._where(start)}")
        return value

    def _name_token(self) -> str:
        start = self.at
        while not self._ended() and re.match(r"[A-Za-z0-9.-]", self.markup[self.at]):
            self.at += 1
        if self._ended() or self.markup[self.at] not in _SPACE + ">":
            raise MarkupError(f"Unexpected end of name token {self._where(start)}")
        return self.markup[start : self.at].lower()

    def _close(self) -> None:
        where = self._where(self.at)
        if not self.open_tags:
            raise MarkupError(f"Unexpected end tag {where}")
        self.at += 2
        name = self._until(_SPACE + ">").lower()
        self._skip_space()
        if not self.markup.startswith(">", self.at):
            raise MarkupError(f"Unclosed end tag {where}")
        self.at += 1
        tag = self.open_tags.pop()
        if name and name != tag.name:
            raise MarkupError(f'Unmatched end tag {where}, expected "</{tag.name}>", found "</{name}>"')
        if self.length > tag.offset:
            self._add(tag)

    def _add(self, tag: _Tag) -> None:
        entity: Entity = {"type": _KINDS[tag.name], "offset": tag.offset, "length": self.length - tag.offset}
        last = self.entities[-1] if self.entities else {}
        language = last.get("language") or tag.argument
        if _same_span(last, entity) and {last["type"], tag.name} == set(_MONOSPACED) and language:
            self.entities[-1] = entity | {"type": "pre", "language": language}
            return
        if tag.name == "code" and tag.argument:
            entity["language"] = tag.argument  # it counts only where a <pre> follows; `_tidy` removes it otherwise
        elif tag.name == "blockquote" and tag.argument:
            entity["type"] = "expandable_blockquote"
        elif tag.name == "tg-emoji":
            if not tag.argument.isdecimal() or not int(tag.argument):
                raise MarkupError("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = tag.argument
        elif tag.name == "a" and not _link(entity, tag.argument or self.text[tag.position :]):
            return
        self.entities.append(entity)

    def _until(self, stops: str) -> str:
        start = self.at
        while not self._ended() and self.markup[self.at] not in stops:
            self.at += 1
        return self.markup[start : self.at]

    def _skip_space(self) -> None:
        while not self._ended() and self.markup[self.at] in _SPACE:
            self.at += 1

    def _ended(self) -> bool:
        return self.at >= len(self.markup)

    def _where(self, position: int) -> str:
        offset = len(self.markup[:position].encode("utf-8", "surrogatepass"))
        return f"at byte offset {offset}"


def _character(markup: str, at: int) -> tuple[str, int]:
    """Reads one character or one character reference; an unknown reference stands for itself."""
    match = _REFERENCE.match(markup, at) if markup[at] == "&" else None
    if match is None:
        return markup[at], at + 1
    if match["name"]:
        character = _CHARACTERS.get(match["name"])
        return (character, match.end()) if character else ("&", at + 1)
    code = int(match["hex"], 16) if match["hex"] else int(match["decimal"])
    too_long = len(match[0].rstrip(";")) >= 10
    return ("&", at + 1) if too_long or not 0 < code < 0x10FFFF else (chr(code), match.end())


def _argument(tag: str, attribute: str, value: str) -> str:
    match tag, attribute:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case "code", "class":
            return value.removeprefix("language-") if value.startswith("language-") else ""
        case "span", "class":
            return value.removeprefix("tg-") if value.startswith("tg-") else ""
        case "blockquote", "expandable":
            return "expandable"
    return ""


def _link(entity: Entity, url: str) -> bool:
    """Makes ``entity`` a link to ``url`` or to a user; returns whether there is anything to link to."""
    if user := re.fullmatch(r"tg://user/?\?id=(\d+)", url):
        entity |= {"type": "text_mention", "user": {"id": int(user[1]), "is_bot": False, "first_name": ""}}
        return True
    parts = urlsplit(url if re.match(r"[A-Za-z]+:", url) else f"http://{url}")
    web = parts.scheme in ("http", "https") and re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc)
    if not web and parts.scheme not in ("tg", "ton", "tonsite"):
        return False
    entity["url"] = parts._replace(netloc=parts.netloc.lower(), path=parts.path or ("/" if web else "")).geturl()
    return True


def _same_span(one: Entity, other: Entity) -> bool:
    return bool(one) and (one["offset"], one["length"]) == (other["offset"], other["length"])


def _tidy(entities: list[Entity]) -> list[Entity]:
    """Does what the server does with overlapping kinds: nothing styles code, and bold in bold is bold."""
    kept: list[Entity] = []
    for entity in in_order(entities):
        if entity["type"] == "code":
            entity.pop("language", None)
        inside = [other for other in kept if overlap(other, entity)]
        if any(other["type"] in (entity["type"], *_MONOSPACED) for other in inside):
            continue
        kept.append(entity)
    return in_order(part for entity in kept for part in _around_code(entity, kept))


def _around_code(entity: Entity, entities: list[Entity]) -> list[Entity]:
    """Splits a style where code stands in it; links and quotations stay whole."""
    if entity["type"] not in ("bold", "italic", "underline", "strikethrough", "spoiler"):
        return [entity]
    start, end, parts = entity["offset"], entity["offset"] + entity["length"], []
    for code in (other for other in entities if other["type"] in _MONOSPACED and overlap(other, entity)):
        parts.append(entity | {"offset": start, "length": code["offset"] - start})
        start = code["offset"] + code["length"]
    parts.append(entity | {"offset": start, "length": end - start})
    return [part for part in parts if part["length"] > 0]

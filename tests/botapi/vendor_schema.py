"""Makes ``schema.json.gz`` from aiogram's full ``schema.json``: names, types, and every limit that its prose states.

Run ``python -m tests.botapi.vendor_schema /path/to/schema.json`` after a new Bot API release.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("schema.json.gz")

Field = dict[str, Any]

_SPAN = r"(\d+)-(\d+)"
_CLOSED_LISTS = ("type", "status", "source", "style")
_BY_HAND: dict[tuple[str, str], Field] = {
    ("answerInlineQuery", "results"): {"items": [0, 50]},
    ("setMyCommands", "commands"): {"items": [0, 100]},
    ("BotCommand", "command"): {"pattern": "[a-z0-9_]+"},
    ("setWebhook", "secret_token"): {"pattern": "[A-Za-z0-9_-]+"},
    ("getUpdates", "timeout"): {"range": [0, 50]},
}


def vendor(full: dict[str, Any]) -> dict[str, Any]:
    """Reduces the full schema to ``{"version", "methods", "types", "unions"}``."""
    small: dict[str, Any] = {"version": full["api"]["version"], "methods": {}, "types": {}, "unions": {}}
    for item in (child for section in full["items"] for child in section["children"]):
        members = list(_union_members(item))
        if members:
            small["unions"][item["name"]] = members
        else:
            small[item["category"]][item["name"]] = _fields(item)
    return small


def write(full: dict[str, Any], target: Path = TARGET) -> int:
    """Writes the vendored schema reproducibly and returns its size in bytes."""
    text = json.dumps(vendor(full), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    target.write_bytes(gzip.compress(text.encode(), mtime=0))
    return target.stat().st_size


def _union_members(item: dict[str, Any]) -> Iterator[str]:
    if item["annotations"] or item["category"] != "types":
        return
    if "either a String" in item["description"]:
        yield from ("String", f"Array of {item['name']}")
    yield from re.findall(r"^ - (\w+)$", item["description"], re.M)


def _fields(item: dict[str, Any]) -> dict[str, Field]:
    names = {note["name"] for note in item["annotations"]}
    return {note["name"]: _field(item["name"], note, names) for note in item["annotations"]}


def _field(owner: str, note: dict[str, Any], siblings: set[str]) -> Field:
    prose: str = note["description"]
    field: Field = {"type": _union(note["type"])}
    if note["required"]:
        field["required"] = True
    if field["type"] == "String":
        field |= _text_limits(prose) | _closed_list(note, note["rst_description"])
        field |= _markup(note["name"], prose, siblings)
    elif field["type"] in ("Integer", "Float"):
        field |= _range(prose)
    elif field["type"] == "Integer|String":
        field["pattern"] = "@\\w+"  # a chat is named by its number or its @username
    elif field["type"].startswith("Array of ") and (
        found := re.search(rf"\b(?:list of|include) {_SPAN} ", prose, re.I)
    ):
        field["items"] = [int(found[1]), int(found[2])]
    return field | _BY_HAND.get((owner, note["name"]), {})


def _union(kind: str) -> str:
    """``Array of A, B and C`` becomes ``Array of A|B|C``; ``A or B`` becomes ``A|B``."""
    return re.sub(r", | or | and ", "|", kind)


def _text_limits(prose: str) -> Field:
    limits: Field = {}
    if found := re.search(rf"{_SPAN} (characters|bytes)", prose, re.I):
        limits["chars" if found[3] == "characters" else "bytes"] = [int(found[1]), int(found[2])]
    elif found := re.search(r"(?:up to|can't exceed) (\d+) (characters|bytes)", prose):
        limits["chars" if found[2] == "characters" else "bytes"] = [0, int(found[1])]
    if found := re.search(r"at most (\d+) line feeds", prose):
        limits["line_feeds"] = int(found[1])
    return limits


def _closed_list(note: dict[str, Any], prose: str) -> Field:
    if note["name"] == "action":
        return {"one_of": re.findall(r"(\w+) (?:for|or) ", note["description"])}
    if note["name"] == "emoji" and (emoji := re.findall(r'"([^"\w ]+)"', prose)):
        return {"one_of": emoji}
    if note["name"] not in _CLOSED_LISTS:
        return {}
    words = re.findall(r"'(\w+)'", note["description"]) or re.findall(r", must be (\w+)$", note["description"])
    return {"one_of": words} if words else {}


def _markup(name: str, prose: str, siblings: set[str]) -> Field:
    """Names the parameter that tells how this text is marked up, where there is one."""
    if f"{name}_parse_mode" in siblings:
        return {"markup": f"{name}_parse_mode"}
    marked_up = name in ("text", "caption", "message_text") or "after entities parsing" in prose
    return {"markup": "parse_mode"} if marked_up and "parse_mode" in siblings else {}


def _range(prose: str) -> Field:
    found = re.findall(rf"(?<![\d.]){_SPAN}(?![\d-])", prose)
    return {"range": [int(found[0][0]), int(found[0][1])]} if len(found) == 1 else {}


if __name__ == "__main__":
    size = write(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sys.stdout.write(f"{TARGET.name}: {size} bytes\n")

"""Checks requests to the Bot API, and objects from it, against the vendored schema: names, types and lengths.

A top-level parameter arrives as text (form, multipart, query) or as a JSON value; text is read as the parameter's type
demands. Inside a JSON object nothing is converted: there a number is a number.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.botapi import html
from tests.botapi.entities import utf16_length

Field = dict[str, Any]
_ATTACHED = re.compile(r"attach://([^'\"\s]+)")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Upload:
    """A file that arrived in a multipart request."""

    filename: str
    content_type: str
    content: bytes


@cache
def schema() -> dict[str, Any]:
    """Returns the vendored schema, read once."""
    return dict(json.loads(gzip.decompress(Path(__file__).with_name("schema.json.gz").read_bytes())))


def method_name(name: str) -> str | None:
    """Returns the proper spelling of a method (their case does not matter), or None for an unknown one."""
    return _spellings().get(name.lower())


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in schema()["methods"]}


def check_request(method: str, parameters: Mapping[str, Any]) -> list[str]:
    """Lists what is wrong with a request, one sentence each; an empty list is a good request."""
    return read_request(method, parameters)[1]


def check_object(type_name: str, value: object) -> list[str]:
    """Lists what is wrong with an object that is supposed to be of this Bot API type."""
    return list(_check(type_name, value, type_name))


def read_request(method: str, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Returns the parameters with their proper types (the unreadable ones are missing), and what is wrong with them."""
    known = method_name(method)
    if known is None:
        return {}, [f"{method}: unknown method"]
    fields: dict[str, Field] = schema()["methods"][known]
    attached = _attached(fields, parameters)
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, raw in parameters.items():
        if isinstance(raw, Upload) and name in attached:
            continue
        kind = fields[name]["type"] if name in fields else "String"
        try:
            values[name] = _read(kind, raw, parameters) if isinstance(raw, str) else raw
        except ValueError:
            wrong.append(f"{known}.{name}: {raw!r:.80} is not of type {kind}")
    unreadable = parameters.keys() - values.keys()
    wrong += _check_fields(fields, values, known, given=unreadable)
    wrong += [f"{known}: attach://{name} names no uploaded file" for name in sorted(attached - parameters.keys())]
    return {name: value for name, value in values.items() if name in fields}, wrong


def _attached(fields: Mapping[str, Field], parameters: Mapping[str, Any]) -> set[str]:
    """Returns the names of the uploaded files that other parameters mention."""
    media = (value for name, value in parameters.items() if fields.get(name, {}).get("type", "String") != "String")
    return {name for value in media if not isinstance(value, Upload) for name in _ATTACHED.findall(str(value))}


def _read(kind: str, text: str, parameters: Mapping[str, Any]) -> Any:
    """Reads the text of a top-level parameter as its type demands; raises ValueError where it cannot."""
    names = kind.split("|")
    if "Integer" in names and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "Float":
        return float(text)
    if kind in ("Boolean", "True"):
        if text.lower() in _TRUTH:
            return _TRUTH[text.lower()]
        raise ValueError(text)
    if "InputFile" in names and text.startswith("attach://"):
        return parameters.get(text.removeprefix("attach://"), text)
    if "String" in names:
        return text
    return json.loads(text)


def _check_fields(
    fields: Mapping[str, Field], values: Mapping[str, Any], where: str, given: set[str] | frozenset[str] = frozenset()
) -> Iterator[str]:
    for name, value in values.items():
        if name not in fields:
            yield f"{where}.{name}: unknown parameter"
            continue
        wrong = list(_check(fields[name]["type"], value, f"{where}.{name}"))
        yield from wrong or _check_limits(fields[name], value, values, f"{where}.{name}")
    for name, field in fields.items():
        if field.get("required") and name not in values and name not in given:
            yield f"{where}.{name}: required, but missing"


def _check(kind: str, value: object, where: str) -> Iterator[str]:
    if kind.startswith("Array of "):
        yield from _check_array(kind.removeprefix("Array of "), value, where)
    elif "|" in kind or kind in schema()["unions"]:
        yield from _check_union(schema()["unions"].get(kind) or kind.split("|"), value, where)
    elif kind in schema()["types"] and kind != "InputFile":
        if isinstance(value, dict):
            yield from _check_fields(schema()["types"][kind], value, where)
        else:
            yield f"{where}: {value!r:.80} is not of type {kind}"
    elif not _is_scalar(kind, value):
        yield f"{where}: {value!r:.80} is not of type {kind}"


def _check_array(kind: str, value: object, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r:.80} is not of type Array of {kind}"
        return
    for index, item in enumerate(value):
        yield from _check(kind, item, f"{where}[{index}]")


def _check_union(kinds: list[str], value: object, where: str) -> list[str]:
    """Accepts what any member accepts; else reports from the member that comes nearest."""
    candidates = [kind for kind in kinds if _may_be(kind, value)] or kinds
    return min((list(_check(kind, value, where)) for kind in candidates), key=len)


def _may_be(kind: str, value: object) -> bool:
    """Tells whether the constant fields of this type (such as ``type: article``) agree with the value."""
    fields = schema()["types"].get(kind, {})
    return not isinstance(value, dict) or all(
        value.get(name) in field["one_of"] for name, field in fields.items() if len(field.get("one_of", ())) == 1
    )


def _is_scalar(kind: str, value: object) -> bool:
    match kind:
        case "String":
            return isinstance(value, str)
        case "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean":
            return isinstance(value, bool)
        case "True":
            return value is True
        case "InputFile":
            return isinstance(value, Upload) or (isinstance(value, str) and value.startswith("attach://"))
    raise LookupError(f"the schema mentions an unknown type: {kind}")


def _check_limits(field: Field, value: Any, siblings: Mapping[str, Any], where: str) -> Iterator[str]:
    if "range" in field and not field["range"][0] <= value <= field["range"][1]:
        yield f"{where}: {value} is not in {_span(field['range'])}"
    if "items" in field and not field["items"][0] <= len(value) <= field["items"][1]:
        yield f"{where}: {len(value)} items, not {_span(field['items'])}"
    if "bytes" in field and not field["bytes"][0] <= len(value.encode()) <= field["bytes"][1]:
        yield f"{where}: {len(value.encode())} bytes, not {_span(field['bytes'])}"
    if "one_of" in field and value.replace("\ufe0f", "") not in field["one_of"]:
        yield f"{where}: {value!r} is none of {', '.join(field['one_of'])}"
    if "pattern" in field and isinstance(value, str) and not re.fullmatch(field["pattern"], value):
        yield f"{where}: {value!r} does not match {field['pattern']}"
    if isinstance(value, str) and ("chars" in field or "markup" in field):
        yield from _check_text(field, value, siblings, where)


def _check_text(field: Field, value: str, siblings: Mapping[str, Any], where: str) -> Iterator[str]:
    mode = siblings.get(field.get("markup", ""))
    if mode and mode.upper() != "HTML":
        yield f"{where}: parse_mode {mode} is not understood here, only HTML is"
        return
    try:
        text = html.parse(value).text if mode else value
    except html.MarkupError as error:
        yield f"{where}: {error.description}"
        return
    length = utf16_length(text.strip() if "markup" in field else text)
    if "chars" in field and not field["chars"][0] <= length <= field["chars"][1]:
        yield f"{where}: {length} characters, not {_span(field['chars'])}"
    if text.count("\n") > field.get("line_feeds", len(text)):
        yield f"{where}: {text.count(chr(10))} line feeds, not at most {field['line_feeds']}"


def _span(limits: list[int]) -> str:
    return f"{limits[0]}-{limits[1]}"

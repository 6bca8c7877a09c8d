"""What the server may answer to one call. Refusals are worded as their vendors word them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Ending = Literal["done", "drop", "hang", "silent"]
"""How a stream ends: with [DONE]; the connection closed in the middle; nothing more; without [DONE]."""


@dataclass(frozen=True, slots=True)
class Say:
    """A response with this text, in pieces of so many characters where the client streams.

    `first_s` passes before the first piece, `each_s` before each of the others; `stop_after` characters, `ending`
    happens instead of the rest. `tokens` is the usage reported (None: counted from the characters; 0: not reported).
    `failing` is an error event that comes in the stream after the text. With `as_tool` the text is the arguments of a
    call of the tool of the request; None: exactly where the request forces one.
    """

    text: str
    piece: int = 16
    first_s: float = 0.0
    each_s: float = 0.0
    stop_after: int | None = None
    ending: Ending = "done"
    finish: str = "stop"
    tokens: int | None = None
    reasoning: str = ""
    failing: Mapping[str, Any] | None = None
    as_tool: bool | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error with a JSON body."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A response that is no API's: a captive portal's page, a proxy's error."""

    body: str
    status: int = 200
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Bytes:
    """A stream of exactly these bytes."""

    body: bytes
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing at all comes: not even a status line where `headers` is false."""

    headers: bool = False


Script = Say | Refuse | Page | Bytes | Hang


def _error(message: str, kind: str, code: str | None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}


def schema_unavailable() -> Refuse:
    """DeepSeek, asked for json_schema."""
    message = "This response_format type is unavailable now"
    return Refuse(400, _error(message, "invalid_request_error", "invalid_request_error"))


def content_exists_risk() -> Refuse:
    """DeepSeek's moderation."""
    return Refuse(400, _error("Content Exists Risk", "invalid_request_error", "invalid_request_error"))


def data_inspection_failed() -> Refuse:
    """Qwen's moderation."""
    message = "Input data may contain inappropriate content."
    return Refuse(400, _error(message, "data_inspection_failed", "data_inspection_failed"))


def sensitive_content() -> Refuse:
    """GLM's moderation."""
    message = "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"
    return Refuse(400, {"code": "1301", "message": message})


def wrong_key() -> Refuse:
    """401, with the key in the message, as vendors do."""
    message = "Authentication Fails, Your api key: ****test is invalid"
    return Refuse(401, _error(message, "authentication_error", "invalid_request_error"))


def no_such_model() -> Refuse:
    """404."""
    return Refuse(404, _error("The model `no-such` does not exist", "invalid_request_error", "model_not_found"))


def too_many_requests(retry_after_s: float | None = None) -> Refuse:
    """429, with Retry-After where it is given."""
    headers = None if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    error = _error("Rate limit reached for requests", "requests", "rate_limit_exceeded")
    return Refuse(429, error, headers)


def broken_server(status: int = 500) -> Refuse:
    """500, 502, 503."""
    return Refuse(status, _error("The server had an error while responding.", "server_error", None))

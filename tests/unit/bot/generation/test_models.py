"""LangChain's models as ours: errors by class, nothing of a key or a request in any of them. HTTP is in tests/llm."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.answering.generation.chatting import (
    BadRequest,
    BrokenStream,
    ModelError,
    Moderated,
    Overloaded,
    RefusedKey,
    TimedOut,
    Unreachable,
)
from bot.answering.generation.models import LangChainModel, ModelSpec, open_model, translate
from bot.errors import SettingsError

KEY = "sk-Geheimnis"


class APIConnectionError(Exception):
    """Named as the client's."""


class APITimeoutError(APIConnectionError):
    """Named as the client's."""


class ReadTimeout(Exception):
    """Named as the client's."""


def failure(status: int | None = None, message: str = "", body: Any = None, **headers: str) -> Exception:
    exc = Exception(message or f"Incorrect API key provided: {KEY}")
    exc.body = body  # type: ignore[attr-defined]
    if status is not None:
        exc.status_code = status  # type: ignore[attr-defined]
        exc.response = SimpleNamespace(status_code=status, headers=headers)  # type: ignore[attr-defined]
    return exc


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (failure(401), RefusedKey),
        (failure(403), RefusedKey),
        (failure(400), BadRequest),
        (failure(404), BadRequest),
        (failure(422), BadRequest),
        (failure(429), Overloaded),
        (failure(500), Overloaded),
        (failure(503), Overloaded),
        (failure(400, "Content Exists Risk"), Moderated),
        (failure(400, body={"code": "data_inspection_failed"}), Moderated),
        (failure(400, body={"error": {"message": "可能包含不安全或敏感内容"}}), Moderated),
        (failure(None, body={"code": 500, "message": "boom"}), Overloaded),
        (APIConnectionError(KEY), Unreachable),
        (APITimeoutError(KEY), TimedOut),
        (ReadTimeout(KEY), TimedOut),
        (ConnectionRefusedError(KEY), Unreachable),
        (ValueError(KEY), BrokenStream),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, KEY), BrokenStream),
    ],
)
def test_an_error_becomes_ours_and_keeps_nothing_of_its_text(exc: Exception, kind: type[ModelError]) -> None:
    ours = translate(exc)
    assert type(ours) is kind
    assert KEY not in str(ours)


@pytest.mark.parametrize(("header", "seconds"), [("2", 2.0), ("900", 5.0), ("Wed, 21 Oct 2026", None), ("", None)])
def test_a_pause_that_is_asked_for_is_read_and_bounded(header: str, seconds: float | None) -> None:
    ours = translate(failure(429, **{"retry-after": header}))
    assert isinstance(ours, Overloaded)
    assert ours.retry_after_s == seconds


@pytest.mark.parametrize("name", ["gpt-4", "no-such-provider:x", "anthropic:claude", "ollama:qwen3:4b"])
def test_a_model_that_cannot_be_opened_says_what_to_do(name: str) -> None:
    with pytest.raises(SettingsError, match="WANGGUI_LLM_MODEL") as caught:
        open_model(ModelSpec(name, api_key=KEY))
    assert KEY not in str(caught.value)


def test_an_extra_that_is_lacking_is_named() -> None:
    with pytest.raises(SettingsError, match=r"wanggui\[llm-anthropic\]"):
        open_model(ModelSpec("anthropic:claude", api_key=KEY))


@pytest.mark.loopback
@pytest.mark.allow_hosts(["127.0.0.1"])  # LangChain makes a socket to see what it can do, and sends nothing
def test_a_model_is_named_by_provider_model_and_address_and_never_by_its_key() -> None:
    spec = ModelSpec("openai:qwen-plus", "http://127.0.0.1:9/v1", KEY)
    model = open_model(spec)
    assert isinstance(model, LangChainModel)
    assert model.name == "openai:qwen-plus@http://127.0.0.1:9/v1"
    assert KEY not in repr(spec) + repr(vars(model))

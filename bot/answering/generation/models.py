"""LangChain's chat models as ours; its types stay here.

An endpoint is asked for structured output by the first way that it accepts, and the way is remembered: several accept
no `json_schema` (DeepSeek), some no tools, some nothing at all; the parser reads what comes by any of them.
"""

import json
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from bot.answering.generation.chatting import (
    BadRequest,
    BrokenStream,
    ChatModel,
    Chunk,
    ModelError,
    Moderated,
    Overloaded,
    Prompt,
    RefusedKey,
    Shape,
    TimedOut,
    Unreachable,
)
from bot.answering.generation.draft import DRAFT
from bot.errors import SettingsError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

Method = Literal["json_schema", "function_calling", "json_mode", "plain"]

CONNECT_S: Final = 5.0
_DEEPEST: Final = 10
"""Causes of an error that are looked at."""
_OPENAI_WAYS: Final[tuple[Method, ...]] = ("json_schema", "function_calling", "json_mode", "plain")
_OLLAMA_WAYS: Final[tuple[Method, ...]] = ("json_schema", "plain")
_OTHER_WAYS: Final[tuple[Method, ...]] = ("function_calling", "plain")
_IMPORTED_LATE: Final = (
    "anyio._backends._asyncio",
    "langchain_core.env",
    "langchain_core.messages.block_translators.langchain_v0",
    "langchain_core.tracers.langchain",
    "langchain_core.tracers.run_collector",
    "langchain_core.tracers.stdout",
)
_MODERATION: Final = (
    "content exists risk",
    "data_inspection_failed",
    "datainspectionfailed",
    "inappropriate content",
    "content_filter",
    "content management policy",
    "sensitive content",
    "content_policy",
    "敏感",
    "不当内容",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model: LangChain's `provider:model`, where it is, with which key, and how long it may take in seconds."""

    name: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 20.0


def open_model(spec: ModelSpec, shape: Shape = DRAFT) -> ChatModel:
    """The model of that name, whose structured responses have this shape; nothing is connected yet.

    Raises:
        SettingsError: its provider is unknown or not installed, or it refuses the settings.
    """
    provider, colon, _ = spec.name.partition(":")
    if not colon:
        raise SettingsError(f"WANGGUI_LLM_MODEL: 要写成 provider:model，例如 openai:qwen-plus（现在是 {spec.name}）")
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as exc:
        raise SettingsError("WANGGUI_LLM_MODEL: 需要 pip install 'wanggui[llm]' (needs the extra llm)") from exc
    _keep_to_ourselves()
    _import_ahead()
    options = _options(spec, provider, shape.max_tokens)
    try:
        try:
            model = init_chat_model(spec.name, **options)
        except ValueError:  # with OPENAI_PROXY set, LangChain insists on a client of its own
            if options.pop("http_async_client", None) is None:
                raise
            model = init_chat_model(spec.name, **options)
    except ImportError as exc:
        extra = "llm" if provider == "openai" else f"llm-{provider}"
        named = f"pip install 'wanggui[{extra}]' 或 langchain-{provider}"
        raise SettingsError(f"WANGGUI_LLM_MODEL: {provider} 需要 {named} (needs that package)") from exc
    except Exception as exc:  # each provider raises its own; their texts may hold the key
        raise SettingsError(f"WANGGUI_LLM_MODEL: {provider} 不接受这些设置 ({type(exc).__name__})") from None
    return LangChainModel(model, f"{spec.name}@{spec.base_url or ''}", shape)


def _options(spec: ModelSpec, provider: str, max_tokens: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "temperature": 0.0,
        "max_tokens": max_tokens,
        "max_retries": 0,
        "timeout": spec.timeout_s,
    }
    if spec.base_url:
        options["base_url"] = spec.base_url
    if spec.api_key:
        options["api_key"] = spec.api_key
    if provider == "openai":
        from openai import DefaultAioHttpClient, Timeout

        options["timeout"] = Timeout(spec.timeout_s, connect=min(CONNECT_S, spec.timeout_s / 2))
        # LangChain's own client opens a hundred connections and no more, and looks through all of them at every request
        options["http_async_client"] = DefaultAioHttpClient(
            timeout=options["timeout"], event_hooks={"request": [_settle_encoding]}
        )
        options |= {"stream_usage": True, "stream_chunk_timeout": None, "use_responses_api": False}
        if spec.base_url and not spec.api_key:
            options["api_key"] = "none"  # else the client would send OPENAI_API_KEY to an endpoint that is not OpenAI's
    if provider == "ollama":
        del options["max_tokens"], options["max_retries"], options["timeout"]
        options |= {"num_predict": max_tokens, "client_kwargs": {"timeout": spec.timeout_s}}
    return options


async def _settle_encoding(request: Any) -> None:
    """Say that headers are UTF-8: httpx would try the encodings out again for each header that is read."""
    request.headers.encoding = "utf-8"


def _import_ahead() -> None:
    """Import now what LangChain and the SDK leave for their first call, which would keep every chat waiting."""
    for name in _IMPORTED_LATE:
        with suppress(ImportError):
            import_module(name)


def _keep_to_ourselves() -> None:
    """No tracing to anybody, whatever the environment says: it would carry what people ask."""
    from langsmith.run_trees import configure

    configure(enabled=False)


class LangChainModel:
    """A chat model over LangChain's; remembers by which way the endpoint gives structured output."""

    def __init__(self, model: "BaseChatModel", name: str, shape: Shape = DRAFT) -> None:
        self._model, self._name, self._shape = model, name, shape
        function = {"name": shape.name, "description": "Give the draft.", "parameters": shape.schema}
        self._tool = {"type": "function", "function": function}
        kinds = {kind.__name__ for kind in type(model).__mro__}
        self._ollama = "ChatOllama" in kinds
        self._openai = "BaseChatOpenAI" in kinds
        if self._openai:
            from bot.answering.generation.wire import RawCompletions

            model.async_client = RawCompletions(model.root_async_client)  # type: ignore[attr-defined]
        self._ways = _OPENAI_WAYS if self._openai else _OLLAMA_WAYS if self._ollama else _OTHER_WAYS
        self.method: Method | None = None

    @property
    def name(self) -> str:
        """Provider, model and address."""
        return self._name

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        """The response as it comes.

        Raises:
            ModelError: and nothing else.
        """
        ways: tuple[Method, ...] = ((self.method,) if self.method else self._ways) if structured else ("plain",)
        for place, method in enumerate(ways):
            begun = False
            try:
                async with aclosing(self._by(method, prompt)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
            except Unreachable:
                if begun:
                    raise BrokenStream("the connection broke in the middle") from None
                raise
            except BadRequest:
                if begun or place + 1 == len(ways):
                    self.method = None
                    raise
                log.info("the endpoint of %s accepts no %s", self._name, method)
            else:
                if structured:
                    self.method = method
                return

    async def aclose(self) -> None:
        """Close the client of an OpenAI-compatible endpoint; the others' packages keep theirs to themselves."""
        if self._openai:
            await self._model.root_async_client.close()  # type: ignore[attr-defined]

    async def _by(self, method: Method, prompt: Prompt) -> AsyncGenerator[Chunk]:
        messages = _messages(prompt)
        ended = False
        with _translated():
            stream = self._model.astream(messages, **self._request(method))
            async for message in stream:
                metadata = message.response_metadata
                if metadata.get("finish_reason") == "content_filter":
                    raise Moderated("the endpoint stopped at the subject")
                ended = ended or bool({"finish_reason", "done_reason", "stop_reason"} & metadata.keys())
                text, tokens = _text(message), _tokens(message)
                if text or tokens is not None:
                    yield Chunk(text, tokens)
        if self._openai and not ended:
            raise BrokenStream("the stream ended without saying so")

    def _request(self, method: Method) -> dict[str, Any]:
        if method == "function_calling":
            # langchain's bind_tools would validate and convert what is already in the wire's form
            chosen = {"type": "function", "function": {"name": self._shape.name}}
            return {"tools": [self._tool], "tool_choice": chosen} if self._openai else self._bound_tools()
        if method == "plain":
            return {"stream_usage": False} if self._openai else {}
        if self._ollama:
            return {"format": self._shape.schema}
        wanted: dict[str, Any] = {"type": "json_object"}
        if method == "json_schema":
            schema = {"name": self._shape.name, "schema": self._shape.schema, "strict": True}
            wanted = {"type": "json_schema", "json_schema": schema}
        return {"extra_body": {"response_format": wanted}}  # `response_format` itself would take the SDK's slow parser

    def _bound_tools(self) -> dict[str, Any]:
        bound = self._model.bind_tools([self._tool], tool_choice=self._shape.name)
        return dict(getattr(bound, "kwargs", {}))


def _messages(prompt: Prompt) -> "list[BaseMessage]":
    from langchain_core.messages import HumanMessage, SystemMessage

    system: list[BaseMessage] = [SystemMessage(prompt.system)] if prompt.system else []
    return [*system, HumanMessage(prompt.user)]


def _text(message: Any) -> str:
    """The words of a chunk, or the arguments of the tool that it calls; never its reasoning."""
    calls = "".join(call.get("args") or "" for call in getattr(message, "tool_call_chunks", ()))
    if calls:
        return calls
    if isinstance(message.content, str):
        return message.content
    parts = (part for part in message.content if isinstance(part, dict) and part.get("type") == "text")
    return "".join(str(part.get("text", "")) for part in parts)


def _tokens(message: Any) -> int | None:
    usage = getattr(message, "usage_metadata", None)
    return int(usage["total_tokens"]) if usage else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ModelError, GeneratorExit):
        raise
    except Exception as exc:  # every provider has a tree of its own; the text of an error may hold the request
        raise translate(exc) from None


def translate(exc: Exception) -> ModelError:
    """A library's error as ours, by its status, its body and its name; nothing of its text is kept."""
    told = _told(exc)
    if any(mark in told for mark in _MODERATION):
        return Moderated("the endpoint refuses the subject")
    status = _status(exc)
    if status is not None:
        return _by_status(status, exc)
    names = set(_kinds(exc))
    if "ConnectTimeout" not in names and any("Timeout" in name for name in names):
        return TimedOut("the endpoint did not answer in time")
    if names & {"ConnectTimeout", "APIConnectionError", "ConnectError", "ConnectionError"}:
        return Unreachable("no connection to the endpoint")
    return BrokenStream(f"the stream broke ({type(exc).__name__})")


def _kinds(exc: BaseException | None) -> Iterator[str]:
    """Names of an error's classes, and of those of its causes: a refused connection may come as a time-out of them."""
    for _ in range(_DEEPEST):
        if exc is None:
            return
        yield from (kind.__name__ for kind in type(exc).__mro__)
        exc = exc.__cause__


def _by_status(status: int, exc: Exception) -> ModelError:
    if status in (401, 403):
        return RefusedKey("the endpoint does not accept the key")
    if status in (408, 409, 425, 429) or status >= 500:
        return Overloaded(f"the endpoint is in trouble ({status})", _retry_after(exc))
    return BadRequest(f"the endpoint does not accept the request ({status})")


def _status(exc: Exception) -> int | None:
    status = getattr(exc, "status_code", None)
    if status is None:
        status = getattr(getattr(exc, "response", None), "status_code", None)
    if status is None and isinstance(body := getattr(exc, "body", None), Mapping):
        status = body.get("code")  # an error inside a stream that began well
    return status if isinstance(status, int) and 400 <= status < 600 else None


def _told(exc: Exception) -> str:
    body = getattr(exc, "body", None)
    try:
        written = json.dumps(body, ensure_ascii=False, default=str) if body is not None else ""
    except (TypeError, ValueError):
        written = ""
    return f"{exc}\n{written}"[:4_000].casefold()


def _retry_after(exc: Exception) -> float | None:
    headers = getattr(getattr(exc, "response", None), "headers", None) or {}
    try:
        return min(float(headers.get("retry-after", "")), 5.0)
    except ValueError:
        return None

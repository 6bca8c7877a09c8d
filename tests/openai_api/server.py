"""The HTTP side: /v1/chat/completions and /v1/models, streamed as server-sent events or whole."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.openai_api.scripts import Bytes, Hang, Page, Refuse, Say, Script, schema_unavailable

Json = dict[str, Any]
Respond = Callable[["Call"], Script]

FORMATS = ("json_schema", "json_object", "text")
_ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass
class Call:
    """One request: what was sent, and how it went. Times are of `time.perf_counter`.

    `pieces` holds when each piece of text was written and how many characters had been written by then; `gone` tells
    that the client closed the connection before the end.
    """

    number: int
    body: Json
    key: str
    began_at: float
    script: Script | None = None
    status: int = 0
    pieces: list[tuple[float, int]] = field(default_factory=list)
    gone: bool = False
    ended: bool = False

    @property
    def streams(self) -> bool:
        """Whether the client asked for a stream."""
        return bool(self.body.get("stream"))

    @property
    def method(self) -> str:
        """How a draft is asked for: json_schema, tools, json_object, or plain."""
        if self.body.get("tools"):
            return "tools"
        kind = (self.body.get("response_format") or {}).get("type", "text")
        return "plain" if kind == "text" else str(kind)

    @property
    def prompt(self) -> str:
        """Everything that was sent for the model to read, the messages joined."""
        return "\n".join(str(message.get("content")) for message in self.body.get("messages", ()))

    def said(self, role: str) -> str:
        """What was sent in messages of one role."""
        messages = self.body.get("messages", ())
        return "\n".join(str(message.get("content")) for message in messages if message.get("role") == role)

    def written_at(self, characters: int) -> float:
        """When so many characters of the text had been written."""
        return next(at for at, written in self.pieces if written >= characters)


class ChatServer:
    """An OpenAI-compatible server, to be used as ``async with ChatServer(Say("…")) as server``.

    Each call takes the next script; when they have run out, `otherwise` answers. `methods` are the ways to ask for
    structure that this endpoint has; another is refused as DeepSeek refuses it, without taking a script.
    `most_at_once` is how many calls have been under way together.
    """

    def __init__(
        self,
        *scripts: Script,
        otherwise: Script | Respond | None = None,
        methods: tuple[str, ...] = ("json_schema", "tools", "json_object", "plain"),
        key: str | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self.refused: list[Call] = []
        self.violations: list[str] = []
        self.most_at_once = 0
        self.methods, self.key = methods, key
        self._scripts = deque(scripts)
        self._otherwise = otherwise
        self._numbers = itertools.count(1)
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens, on the same port as before if it has listened before."""
        self._closing.clear()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stops listening; every stream that hangs ends."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    def then(self, *scripts: Script) -> None:
        """Adds scripts for the calls to come."""
        self._scripts.extend(scripts)

    async def called(self, times: int, timeout_s: float = 10.0) -> Call:
        """Waits until so many calls have been made, refusals of a method aside; returns the last of them."""
        async with asyncio.timeout(timeout_s):
            while len(self.calls) < times:
                await self._changed.wait()
        return self.calls[times - 1]

    async def ended(self, call: Call, timeout_s: float = 10.0) -> Call:
        """Waits until a call is over: answered, dropped, or left by the client."""
        async with asyncio.timeout(timeout_s):
            while not call.ended:
                await self._changed.wait()
        return call

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _models(self, http: web.Request) -> web.Response:
        if self.key is not None and _key(http) != self.key:
            return web.json_response({"error": {"message": "Unauthorized"}}, status=401)
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def _complete(self, http: web.Request) -> web.StreamResponse:
        raw = await http.read()
        try:
            body = json.loads(raw)
        except ValueError:
            self.violations.append("the body is no JSON")
            return web.json_response({"error": {"message": "We could not parse the JSON body"}}, status=400)
        call = Call(next(self._numbers), body, _key(http), time.perf_counter())
        self.violations += [f"call {call.number}: {problem}" for problem in check(body)]
        call.script = self._choose(call)
        self.most_at_once = max(self.most_at_once, sum(not other.ended for other in self.calls))
        self._tell_change()
        try:
            return await self._play(http, call, call.script)
        except (ConnectionError, asyncio.CancelledError):
            call.gone = True
            raise
        finally:
            call.ended = True
            self._tell_change()

    def _choose(self, call: Call) -> Script:
        if self.key is not None and call.key != self.key:
            self.refused.append(call)
            return Refuse(401, {"message": "Incorrect API key provided", "code": "invalid_api_key"})
        if call.method not in self.methods:
            self.refused.append(call)
            return schema_unavailable()
        self.calls.append(call)
        if self._scripts:
            return self._scripts.popleft()
        if self._otherwise is None:
            self.violations.append(f"call {call.number}: no script is left for it")
            return Refuse(500, {"message": "no script is left"})
        return self._otherwise(call) if callable(self._otherwise) else self._otherwise

    async def _play(self, http: web.Request, call: Call, script: Script) -> web.StreamResponse:
        match script:
            case Refuse():
                call.status = script.status
                return web.json_response({"error": dict(script.error)}, status=script.status, headers=script.headers)
            case Page():
                call.status = script.status
                return web.Response(text=script.body, status=script.status, content_type=script.content_type)
            case Hang(headers=False):
                await self._closing.wait()
                return web.Response(status=503)
            case Hang():
                response = await _open(http, call)
                await self._closing.wait()
                return response
            case Bytes():
                response = await _open(http, call, script.content_type)
                await response.write(script.body)
                return response
            case Say():
                return await (self._stream(http, call, script) if call.streams else self._whole(call, script))

    async def _whole(self, call: Call, say: Say) -> web.Response:
        pieces = max(0, len(say.text) - 1) // max(1, say.piece)
        await asyncio.sleep(say.first_s + say.each_s * pieces)
        call.status = 200
        call.pieces.append((time.perf_counter(), len(say.text)))
        message: Json = {"role": "assistant", "content": say.text}
        if _as_tool(call, say):
            message = {"role": "assistant", "content": None, "tool_calls": [_tool_call(call, say.text)]}
        choice = {"index": 0, "message": message, "finish_reason": _finish(call, say)}
        body = _envelope(call, "chat.completion") | {"choices": [choice]}
        if say.tokens != 0:
            body["usage"] = _usage(call, say)
        return web.Response(body=_dump(body), content_type="application/json")

    async def _stream(self, http: web.Request, call: Call, say: Say) -> web.StreamResponse:
        response = await _open(http, call)
        text = say.text if say.stop_after is None else say.text[: say.stop_after]
        tool = _as_tool(call, say)
        for place, delta, written in _deltas(call, say, text, tool):
            wait_s = say.first_s if place == 0 else say.each_s
            if wait_s:
                await asyncio.sleep(wait_s)
            await response.write(_event(call, delta))
            call.pieces.append((time.perf_counter(), written))
        if say.ending == "drop":
            if http.transport is not None:
                http.transport.abort()
            return response
        if say.ending == "hang":
            await self._closing.wait()
            return response
        if say.failing is not None:
            await response.write(b"data: " + _dump({"error": dict(say.failing)}) + b"\n\n")
            return response
        await response.write(_event(call, {}, _finish(call, say)))
        if (call.body.get("stream_options") or {}).get("include_usage") and say.tokens != 0:
            last = _envelope(call, "chat.completion.chunk") | {"choices": [], "usage": _usage(call, say)}
            await response.write(b"data: " + _dump(last) + b"\n\n")
        if say.ending != "silent":
            await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def check(body: Json) -> list[str]:
    """What in a request is not as the protocol has it."""
    wrong = []
    if not isinstance(body.get("model"), str) or not body["model"]:
        wrong.append("no model is named")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        wrong.append("there are no messages")
    for message in messages or ():
        if message.get("role") not in _ROLES or not isinstance(message.get("content"), str):
            wrong.append(f"a message of {message.get('role')!r} has no text")
        elif any("\ud800" <= character <= "\udfff" for character in message["content"]):
            wrong.append("a message holds a lone surrogate")
    asked = body.get("response_format") or {"type": "text"}
    if asked.get("type") not in FORMATS:
        wrong.append(f"there is no response_format {asked.get('type')!r}")
    if asked.get("type") == "json_schema" and not {"name", "schema"} <= asked.get("json_schema", {}).keys():
        wrong.append("json_schema lacks its name or its schema")
    if asked.get("type") == "json_object" and "json" not in json.dumps(messages).casefold():
        wrong.append("json_object without the word JSON in the messages is refused by OpenAI and DeepSeek")
    for tool in body.get("tools") or ():
        if tool.get("type") != "function" or not tool.get("function", {}).get("name"):
            wrong.append("a tool has no name")
    return wrong


def _key(http: web.Request) -> str:
    return http.headers.get("Authorization", "").removeprefix("Bearer ")


async def _open(http: web.Request, call: Call, content_type: str = "text/event-stream") -> web.StreamResponse:
    call.status = 200
    response = web.StreamResponse(headers={"Content-Type": content_type, "Cache-Control": "no-cache"})
    await response.prepare(http)
    return response


def _as_tool(call: Call, say: Say) -> bool:
    return call.method == "tools" if say.as_tool is None else say.as_tool


def _tool_name(call: Call) -> str:
    tools = call.body.get("tools")
    return str(tools[0]["function"]["name"]) if tools else "answer"


def _tool_call(call: Call, arguments: str) -> Json:
    return {"id": "call_1", "type": "function", "function": {"name": _tool_name(call), "arguments": arguments}}


def _finish(call: Call, say: Say) -> str:
    return "tool_calls" if say.finish == "stop" and _as_tool(call, say) else say.finish


def _deltas(call: Call, say: Say, text: str, tool: bool) -> Iterator[tuple[int, Json, int]]:
    places = itertools.count()
    yield next(places), {"role": "assistant", "content": None if tool else ""}, 0
    for start in range(0, len(say.reasoning), say.piece):
        yield next(places), {"reasoning_content": say.reasoning[start : start + say.piece]}, 0
    for start in range(0, len(text), say.piece):
        part = text[start : start + say.piece]
        if tool and start == 0:
            delta: Json = {"tool_calls": [{"index": 0} | _tool_call(call, part)]}
        elif tool:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
        else:
            delta = {"content": part}
        yield next(places), delta, start + len(part)


def _usage(call: Call, say: Say) -> Json:
    prompt, completion = len(call.prompt), len(say.text)
    if say.tokens is not None:
        prompt, completion = max(0, say.tokens - 1), min(say.tokens, 1)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _envelope(call: Call, kind: str) -> Json:
    return {"id": f"chatcmpl-{call.number}", "object": kind, "created": 1760000000, "model": call.body.get("model")}


def _event(call: Call, delta: Json, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + _dump(_envelope(call, "chat.completion.chunk") | {"choices": [choice]}) + b"\n\n"


def _dump(body: Json) -> bytes:
    with contextlib.suppress(UnicodeEncodeError):
        return json.dumps(body, ensure_ascii=False).encode()
    return json.dumps(body).encode()  # lone surrogates travel as escapes

"""The HTTP side of the test server: it authenticates, records, checks, breaks on demand, and lets a test wait."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from aiohttp import BodyPartReader, web

from tests.botapi import schema
from tests.botapi.chats import Chat, Json, User, snapshot
from tests.botapi.delivery import Delivery, Update
from tests.botapi.errors import ApiError, bad_request
from tests.botapi.methods import RESULTS, Methods

Found = TypeVar("Found")

_MOST_BYTES = 64 << 20
_LIVES_S = {"callback_query": 150.0, "inline_query": 30.0}


@dataclass
class Request:
    """One request of the bot; ``response`` is the body of the answer, or None while there is none."""

    method: str
    parameters: Json
    time: float
    status: int = 0
    response: Any = None
    violations: list[str] = field(default_factory=list)

    @property
    def chat_id(self) -> Any:
        """The chat that it is about, if any."""
        return self.parameters.get("chat_id")

    @property
    def text(self) -> str:
        """The text as the bot sent it, with its markup."""
        return str(self.parameters.get("text", ""))


@dataclass
class Fault:
    """What goes wrong with the next calls of a method: ``seconds`` pass before anything else."""

    kind: Literal["fail", "hang", "garbage", "drop"]
    times: int = 1
    chat_id: int | None = None
    error: ApiError | None = None
    seconds: float = 0.0


class BotApiServer:
    """A Bot API server on 127.0.0.1, to be used as ``async with BotApiServer() as server``."""

    def __init__(
        self,
        token: str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        *,
        delay_scale: float = 1.0,
        update_life_s: float = 86400,
    ) -> None:
        self.token = token
        self.update_life_s = update_life_s
        self.privacy_mode = True
        self.logged_out = False
        self.bot = User(id=int(token.partition(":")[0]), is_bot=True, first_name="网规助手", username="wanggui_bot")
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.parse_errors: list[str] = []
        self.updates: list[Update] = []
        self.callback_answers: dict[str, Json] = {}
        self.inline_answers: dict[str, Json] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.profile: dict[str, str] = {}
        self.delivery = Delivery(delay_scale, self._do_webhook_reply)
        self._methods = Methods(self)
        self._faults: dict[str, list[Fault]] = {}
        self._queries: dict[str, tuple[str, float]] = {}
        self._numbers = itertools.count(1001)
        self._changed = asyncio.Event()
        self._taken: set[int] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    # Life.

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens, on the same port as before if it has listened before."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stops listening; chats and updates stay, so that a later `start` is an outage that has ended."""
        await self.delivery.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def base_url(self) -> str:
        """The root; a bot uses ``{base_url}/bot{token}/{method}``."""
        return f"http://127.0.0.1:{self._port}"

    # The world, as a test makes it.

    def user(
        self, name: str, *, language_code: str = "zh-hans", username: str | None = None, is_bot: bool = False
    ) -> User:
        """Makes a person (or another bot)."""
        user = User(id=next(self._numbers), is_bot=is_bot, first_name=name, language_code=language_code)
        if username:
            user["username"] = username
        self.users[user.id] = user
        return user

    def private_chat(self, user: User) -> Chat:
        """Returns the private chat with this person, in which the bot may write from now on."""
        return self.chats.get(user.id) or self.register(Chat(self, user.id, "private", user=user))

    def group(self, title: str, topics: bool = False, *, basic: bool = False) -> Chat:
        """Makes a supergroup (or a basic group, which can migrate) with the bot as a plain member."""
        number = -next(self._numbers)
        if basic:
            return self.register(Chat(self, number, "group", title))
        return self.register(Chat(self, number - 1_000_000_000_000, "supergroup", title, topics=topics))

    async def inline(self, user: User, query: str, offset: str = "") -> str:
        """Types ``@bot query`` as ``user`` and returns the id of the inline query."""
        number = self.new_query("inline_query")
        payload = {"id": number, "from": user, "query": query, "offset": offset, "chat_type": "sender"}
        self.push("inline_query", payload, f"inline{user.id}")
        return number

    def push(self, kind: str, payload: Any, lane: str = "") -> None:
        """Queues an update; anything goes, but what is not Bot API is noted as a violation of the server's own."""
        payload = snapshot(payload)
        wrong = schema.check_object("Update", {"update_id": 1, kind: payload})
        self.violations += [f"the test server emits: {problem}" for problem in wrong]
        self.push_unchecked(kind, payload, lane)

    def push_unchecked(self, kind: str, payload: Any, lane: str = "") -> None:
        """Queues an update that may be broken, to see what the bot makes of it."""
        update = self.delivery.push(kind, payload, lane, _LIVES_S.get(kind, self.update_life_s))
        if update is not None:
            self.updates.append(update)

    def redeliver(self, update: Update) -> None:
        """Queues an update a second time under the same ``update_id``, as after an answer that was lost."""
        self.delivery.push(update.kind, update.payload, update.lane, self.update_life_s, update.number)

    def register(self, chat: Chat) -> Chat:
        """Makes a chat known under its number."""
        self.chats[chat.id] = chat
        return chat

    def new_query(self, kind: str) -> str:
        """Returns the id of a query that may be answered while it is fresh."""
        query = str(next(self._numbers) << 20)
        self._queries[query] = (kind, time.monotonic() + _LIVES_S[kind])
        return query

    def take_query(self, kind: str, query: str) -> bool:
        """Tells whether this query is known, of this kind, and fresh."""
        known, expires = self._queries.get(query, ("", 0.0))
        return known == kind and time.monotonic() < expires

    def expire_queries(self) -> None:
        """Makes every query too old to be answered."""
        self._queries.clear()

    # Faults.

    def fail_next(
        self,
        method: str,
        status: int,
        description: str,
        retry_after: int | None = None,
        times: int = 1,
        chat_id: int | None = None,
    ) -> None:
        """Lets the next calls fail with this error, undone."""
        parameters = {} if retry_after is None else {"retry_after": retry_after}
        self._break(method, Fault("fail", times, chat_id, ApiError(status, description, **parameters)))

    def hang_next(self, method: str, seconds: float, times: int = 1, chat_id: int | None = None) -> None:
        """Lets the next calls wait so long before anything is done."""
        self._break(method, Fault("hang", times, chat_id, seconds=seconds))

    def garbage_next(self, method: str, times: int = 1, chat_id: int | None = None) -> None:
        """Answers the next calls with a page that is no JSON, undone."""
        self._break(method, Fault("garbage", times, chat_id))

    def drop_next(self, method: str, times: int = 1, chat_id: int | None = None) -> None:
        """Does what the next calls ask for and closes the connection instead of answering."""
        self._break(method, Fault("drop", times, chat_id))

    def _break(self, method: str, fault: Fault) -> None:
        known = schema.method_name(method)
        if known is None:
            raise AssertionError(f"there is no method {method}")
        self._faults.setdefault(known, []).append(fault)

    def _take_fault(self, request: Request) -> Fault | None:
        for fault in self._faults.get(request.method, []):
            if fault.times > 0 and fault.chat_id in (None, request.chat_id):
                fault.times -= 1
                return fault
        return None

    # Waiting.

    def calls(self, method: str) -> list[Request]:
        """Returns every answered request of this method."""
        return [request for request in self.requests if request.method == method and request.status]

    async def next_call(self, method: str, timeout_s: float = 5) -> Request:
        """Returns the earliest answered call of this method that has not been returned before; waits for one."""

        def untaken() -> Request | None:
            return next((call for call in self.calls(method) if id(call) not in self._taken), None)

        call = await self.wait_for(untaken, timeout_s)
        self._taken.add(id(call))
        return call

    async def wait_for(self, predicate: Callable[[], Found | None], timeout_s: float = 5) -> Found:
        """Waits until ``predicate`` returns something true, and returns that."""
        deadline = time.monotonic() + timeout_s
        while not (found := predicate()):
            if time.monotonic() > deadline:
                made = ", ".join(f"{request.method} {request.status}" for request in self.requests[-12:])
                raise AssertionError(f"nothing came within {timeout_s} s; the last requests were: {made or 'none'}")
            await self._next_change(0.02)
        return found

    async def idle(self, seconds: float, timeout_s: float = 30) -> None:
        """Returns when no new request other than getUpdates has arrived for so long."""
        begin = time.monotonic()
        while True:
            now = time.monotonic()
            latest = max((call.time for call in self.requests if call.method != "getUpdates"), default=begin)
            if now >= max(latest, begin) + seconds:
                return
            if now > begin + timeout_s:
                raise AssertionError(f"the bot was not idle for {seconds} s within {timeout_s} s")
            await self._next_change(max(latest, begin) + seconds - now)

    async def _next_change(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # HTTP.

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        if http.match_info["token"] != self.token:
            return _answer(ApiError(401, "Unauthorized"))
        name = http.match_info["method"]
        request = Request(schema.method_name(name) or name, {}, time.monotonic())
        self.requests.append(request)
        raw = await _read_parameters(http)
        fault = await self._begin(request, raw)
        if fault is not None and fault.kind == "garbage":
            request.status, request.response = 200, "<html>502 Bad Gateway</html>"
        elif fault is not None and fault.error is not None:
            request.status, request.response = fault.error.status, fault.error.as_json()
        else:
            await self._do(request)
        self._tell_change()
        if fault is not None and fault.kind == "drop" and http.transport is not None:
            http.transport.close()
        return _as_http(request)

    async def _begin(self, request: Request, raw: Json) -> Fault | None:
        """Reads and checks the parameters; returns the fault that this request meets."""
        request.parameters, request.violations = schema.read_request(request.method, raw)
        self.violations += request.violations
        self._tell_change()
        fault = self._take_fault(request)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        return fault

    async def _do(self, request: Request) -> None:
        try:
            result = snapshot(await self._result_of(request))
        except ApiError as error:
            request.status, request.response = error.status, error.as_json()
            return
        if request.method in RESULTS and result is not True:
            wrong = schema.check_object(RESULTS[request.method], result)
            self.violations += [f"the test server answers {request.method}: {problem}" for problem in wrong]
        request.status, request.response = 200, {"ok": True, "result": result}

    async def _result_of(self, request: Request) -> Any:
        if self.logged_out:
            raise ApiError(400, "Bad Request: Logged out")
        if schema.method_name(request.method) is None:
            raise ApiError(404, "Not Found")
        if not self._methods.understands(request.method):
            self.violations.append(f"{request.method}: the test server does not understand this method")
            raise ApiError(404, "Not Found")
        try:
            return await self._methods.call(request.method, request.parameters)
        except (KeyError, TypeError, AttributeError) as error:
            if not request.violations:
                self.violations.append(f"the test server failed on {request.method}: {error!r}")
                raise ApiError(500, "Internal Server Error") from error
            raise bad_request(request.violations[0]) from error

    async def _do_webhook_reply(self, body: Json) -> None:
        """Does the method call with which a webhook has answered."""
        name = str(body.pop("method"))
        request = Request(schema.method_name(name) or name, {}, time.monotonic())
        self.requests.append(request)
        await self._begin(request, body)
        await self._do(request)
        self._tell_change()


def _answer(error: ApiError) -> web.Response:
    return web.json_response(error.as_json(), status=error.status)


def _as_http(request: Request) -> web.Response:
    if isinstance(request.response, str):
        return web.Response(text=request.response, content_type="text/html", status=request.status)
    return web.json_response(request.response, status=request.status)


async def _read_parameters(http: web.Request) -> Json:
    """Returns parameters from the query, a form, a multipart body or a JSON object."""
    parameters: Json = dict(http.query)
    if http.content_type == "application/json":
        body = json.loads(await http.read() or b"{}")
        return parameters | (body if isinstance(body, dict) else {})
    if http.content_type == "multipart/form-data":
        async for part in await http.multipart():
            if isinstance(part, BodyPartReader) and part.name:
                parameters[part.name] = await _read_part(part)
        return parameters
    return parameters | dict(await http.post())


async def _read_part(part: BodyPartReader) -> schema.Upload | str:
    content = bytes(await part.read(decode=True))
    if part.filename is None:
        return content.decode()
    return schema.Upload(part.filename, part.headers.get("Content-Type", "application/octet-stream"), content)

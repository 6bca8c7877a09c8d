"""The projector page: what stands behind a signed link, and nothing without one.

    GET  /wall/<token>           the page; its script, style and QR code below it
    GET  /wall/<token>/events    server-sent events: a whole scene at once, then each that differs
    POST /wall/<token>/advance   {"cursor": n}: what the trainer's button does; with the trainer's link alone

Everything else, and every link that is not ours, has expired or is of another session, is 404.
"""

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from html import escape
from importlib import resources
from string import Template
from typing import Any, Final

import segno
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.errors import StorageError
from bot.training.ledgers import Gone, Ledgers
from bot.training.model import Conductor, Snapshot
from bot.web.feed import Feed
from bot.web.links import Links, Pass, WallLinks
from bot.web.stream import Stream
from prompts import LANGUAGES, Language, Replies

PATH: Final = "/wall"
MOST_VIEWERS: Final = 1500
MAX_BODY: Final = 256
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_SOON: Final = {"Retry-After": "2"}

log = logging.getLogger(__name__)


class Wall:
    """Serves the page of every session; `base` is where people reach `routes` from, without a slash at its end."""

    def __init__(
        self,
        ledgers: Ledgers,
        conductor: Conductor,
        links: Links,
        base: str,
        replies: Mapping[Language, Replies],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledgers, self._conductor, self._links, self._base = ledgers, conductor, links, base
        self._replies, self._clock = replies, clock
        self._feeds: dict[int, tuple[Feed, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        folder = resources.files("bot.web")
        self._page = Template(folder.joinpath("page.html").read_text(encoding="utf-8"))
        self._files = {name: folder.joinpath(name).read_bytes() for name in _FILES}

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What is to be served."""
        return [
            Route(f"{PATH}/{{token}}", self._show_page),
            Route(f"{PATH}/{{token}}/events", self._show_events),
            Route(f"{PATH}/{{token}}/code.svg", self._show_code),
            Route(f"{PATH}/{{token}}/advance", self._advance, methods=["POST"]),
            Route(f"{PATH}/{{rest:path}}", self._show_file),
        ]

    @property
    def viewers(self) -> int:
        """How many look on."""
        return sum(feed.viewers for feed, _ in self._feeds.values())

    def links(self, session_id: int) -> WallLinks:
        """New links to a session, good from now on."""
        now = self._clock()
        view, control = (self._links.sign(session_id, role, now) for role in ("view", "control"))
        return WallLinks(*(f"{self._base}{PATH}/{token}" for token in (view, control)))

    async def aclose(self) -> None:
        """End every stream: viewers come back to whoever serves next."""
        self._closed = True
        for feed, _ in list(self._feeds.values()):
            feed.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What is served.

    async def _show_page(self, request: Request) -> Response:
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        allowed, shown = found
        say = self._replies[shown.language]
        words = {
            "offline": say("wall.offline"),
            "gone": say("wall.gone"),
            "failed": say("wall.failed"),
            "theme": say("wall.theme"),
            "whole_screen": say("wall.whole_screen"),
            "code": say("wall.code"),
            "scan": say("wall.scan"),
            "back": say("wall.back"),
            "looking_back": say("wall.looking_back"),
            "time_up": say("wall.time_up"),
            "title": shown.title,
        }
        page = self._page.substitute(
            {name: escape(sentence) for name, sentence in words.items()},
            language="zh-CN" if shown.language == "zh" else "en",
            token=request.path_params["token"],
            role=allowed.role,
        )
        return _answer(page, "text/html")

    async def _show_file(self, request: Request) -> Response:
        token, _, name = request.path_params["rest"].partition("/")
        if name not in _FILES or self._links.read(token, self._clock()) is None:
            return self._not_found()
        return _answer(self._files[name], _FILES[name])

    async def _show_code(self, request: Request) -> Response:
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        _, shown = found
        return _answer(code_of(shown.invitation), "image/svg+xml") if shown.invitation else self._not_found()

    async def _show_events(self, request: Request) -> Response | ASGIApp:
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        if self._closed or self.viewers >= MOST_VIEWERS:
            return _answer("", "text/plain", 503, _SOON)
        if request.method == "HEAD":
            return _answer("", "text/event-stream")
        allowed, _ = found
        known = request.headers.get("Last-Event-ID", "")

        async def stream(scope: Scope, receive: Receive, send: Send) -> None:
            with self._looking_at(allowed.session_id) as feed:
                await Stream(feed, _STREAM_HEADERS, known, allowed.expires, self._clock)(scope, receive, send)

        return stream

    async def _advance(self, request: Request) -> Response:
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        allowed, shown = found
        if allowed.role != "control":
            return self._not_found()
        cursor = await _read_cursor(request)
        if cursor is None:
            return _answer("", "text/plain", 400)
        try:
            refusal = await self._conductor.advance(allowed.session_id, cursor)
        except (StorageError, Gone) as exc:
            log.error("a session could not be moved on: %s", exc or type(exc).__name__)
            return _answer("", "text/plain", 503, _SOON)
        words = self._replies[shown.language](refusal.key) if refusal else ""
        return JSONResponse({"say": words}, 409, HEADERS) if words else _answer("", "text/plain", 204)

    # Who may.

    async def _admit(self, request: Request) -> tuple[Pass, Snapshot] | Response:
        """What the link allows, and the session; else what to answer instead."""
        allowed = self._links.read(request.path_params["token"], self._clock())
        if allowed is None:
            return self._not_found()
        try:
            shown = await self._ledgers.snapshot(allowed.session_id)
        except StorageError as exc:
            log.error("%s", exc)
            return _answer("", "text/plain", 503, _SOON)
        # A link that is older than the session was signed for another one of that number, in a database that is gone.
        if shown is None or allowed.issued < shown.opened_at.replace(microsecond=0):
            return self._not_found()
        return allowed, shown

    def _not_found(self) -> Response:
        """The same for whatever is wrong."""
        words = "\n".join(self._replies[language]("wall.not_found") for language in LANGUAGES)
        return _answer(words, "text/plain", 404)

    @contextmanager
    def _looking_at(self, session_id: int) -> Iterator[Feed]:
        """The feed of a session, which runs for as long as anybody looks at it."""
        feed, task = self._feeds.get(session_id) or self._open_feed(session_id)
        feed.viewers += 1
        try:
            yield feed
        finally:
            feed.viewers -= 1
            if not feed.viewers:
                feed.end()
                self._forget(session_id, task)

    def _open_feed(self, session_id: int) -> tuple[Feed, asyncio.Task[None]]:
        feed = Feed(session_id, self._ledgers, self._replies)
        task = asyncio.create_task(feed.run(), name="a session's wall")
        self._feeds[session_id] = (feed, task)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(session_id, done))
        return feed, task

    def _finished(self, session_id: int, task: asyncio.Task[None]) -> None:
        self._forget(session_id, task)
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()):
            log.error("the wall of a session stopped, and starts anew", exc_info=exc)

    def _forget(self, session_id: int, task: asyncio.Task[None]) -> None:
        if (known := self._feeds.get(session_id)) and known[1] is task:
            del self._feeds[session_id]


def code_of(link: str) -> bytes:
    """A link as a QR code: black on white in either theme, an SVG that fills whatever holds it."""
    drawn = io.BytesIO()
    segno.make(link, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, border=2, light="#fff", omitsize=True
    )
    return drawn.getvalue()


def _answer(
    content: str | bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(content, status, {**HEADERS, **(headers or {})}, media_type)


async def _read_cursor(request: Request) -> int | None:
    """The cursor that was sent, None where it is none."""
    body = bytearray()
    with suppress(ClientDisconnect):
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return None
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    cursor = told.get("cursor") if isinstance(told, dict) else None
    return cursor if type(cursor) is int else None


_STREAM_HEADERS: Final = [
    (name.lower().encode(), value.encode())
    for name, value in (HEADERS | {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}).items()
]

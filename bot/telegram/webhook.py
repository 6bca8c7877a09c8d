"""The small HTTP server: updates come in at the webhook's path; `/healthz` says whether all is well, `/metrics` counts.

A request is answered once its update is stored: Telegram repeats whatever it gets no 2xx for.
"""

import hmac
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import errors
from bot.telegram.metering import CONTENT_TYPE
from bot.telegram.post import Post
from bot.telegram.rawbot import Raw
from prompts import Replies

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name, not its value
MAX_BODY: Final = 1 << 20
HEALTH_PATH: Final = "/healthz"
METRICS_PATH: Final = "/metrics"
_ANSWER_GRACE_S: Final = 2


@dataclass(frozen=True, slots=True)
class State:
    """How the bot is: what is wrong, a few words each, and figures that may explain it."""

    problems: Sequence[str]
    figures: Mapping[str, object] = field(default_factory=dict)


class Reports(Protocol):
    """What this server tells about the bot."""

    async def look(self) -> State:
        """How the bot is at present."""

    def metrics(self) -> bytes:
        """Its figures, as Prometheus reads them."""


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram posts updates, and the secret by which it is known; that never shows in a representation."""

    url: str
    path: str
    secret: str = field(repr=False)


def build_site(post: Post, reports: Reports, webhook: Webhook | None) -> Starlette:
    """The application: health and metrics always, the webhook where there is one."""

    async def healthz(_: Request) -> Response:
        state = await reports.look()
        told = {"status": "unwell" if state.problems else "ok", "problems": list(state.problems), **state.figures}
        return JSONResponse(told, 503 if state.problems else 200)

    async def metrics(_: Request) -> Response:
        return Response(reports.metrics(), headers={"Content-Type": CONTENT_TYPE})

    later = Response(status_code=503, headers={"Retry-After": "1"})

    async def take(request: Request) -> Response:
        assert webhook is not None  # noqa: S101 - else there is no such route
        told = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(told.encode(), webhook.secret.encode()):
            return Response(status_code=403)
        body = await _read(request)
        if body is None:
            return Response(status_code=413)
        raw = _update_in(body)
        if raw is None:
            return Response(status_code=400)
        if post.full:
            return later
        try:
            await post.take([raw], body)
        except errors.StorageError:
            return later
        return Response(status_code=200)

    routes = [Route(HEALTH_PATH, healthz, methods=["GET"]), Route(METRICS_PATH, metrics, methods=["GET"])]
    if webhook is not None:
        routes.append(Route(webhook.path, take, methods=["POST"]))
    return Starlette(routes=routes)


@asynccontextmanager
async def serving(site: Starlette, address: Address, sentences: Replies) -> AsyncIterator[None]:
    """Serve in the background for as long as the block runs.

    Raises:
        errors.TelegramError: the address cannot be listened at.
    """
    config = uvicorn.Config(
        site,
        host=address.host,
        port=address.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_ANSWER_GRACE_S,
    )
    server = _Server(config)
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listening = socket.create_server((address.host, address.port), family=family)
    except OSError as exc:
        listen = f"{address.host}:{address.port}"
        raise errors.TelegramError(sentences("doctor.cannot_listen", listen=listen)) from exc
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listening])
        try:
            yield
        finally:
            server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn without its hand on SIGTERM: the bot finishes its answers first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the application."""
        yield


def _update_in(body: bytes) -> Raw | None:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) and isinstance(raw.get("update_id"), int) else None


async def _read(request: Request) -> bytes | None:
    """The body; None where it is longer than `MAX_BODY`."""
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY:
        return None
    body = bytearray()
    with suppress(ClientDisconnect):
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return None
    return bytes(body)

"""The small HTTP server: updates come in at the webhook's path; `/healthz` says whether all is well, `/metrics` counts.

A request is answered once its update is stored: Telegram repeats whatever it gets no 2xx for.
"""

import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot import errors
from bot.telegram.metering import CONTENT_TYPE
from bot.telegram.post import Post
from bot.telegram.rawbot import Raw

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name, not its value
MAX_BODY: Final = 1 << 20
HEALTH_PATH: Final = "/healthz"
METRICS_PATH: Final = "/metrics"


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
class Webhook:
    """Where Telegram posts updates, and the secret by which it is known; that never shows in a representation."""

    url: str
    path: str
    secret: str = field(repr=False)


def build_site(post: Post, reports: Reports, webhook: Webhook | None, beside: Sequence[BaseRoute] = ()) -> Starlette:
    """The application: health and metrics always, the webhook where there is one, what others serve `beside` them."""

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

    routes: list[BaseRoute] = [Route(HEALTH_PATH, healthz, methods=["GET"]), *beside]
    routes.append(Route(METRICS_PATH, metrics, methods=["GET"]))
    if webhook is not None:
        routes.append(Route(webhook.path, take, methods=["POST"]))
    return Starlette(routes=routes)


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

"""What the bot serves over HTTP: updates come in at the webhook's path, and `/healthz` says whether all is well.

A request is answered before its update is: Telegram repeats whatever it gets no 2xx for.
"""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.telegram.reception import Reception

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name, not its value
MAX_BODY: Final = 1 << 20
HEALTH_PATH: Final = "/healthz"

Problems = Callable[[], Awaitable[Sequence[str]]]
"""What is wrong at present, a short word each; nothing where all is well."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram posts updates, and the secret by which it is known; that never shows in a representation."""

    url: str
    path: str
    secret: str = field(repr=False)


def build_site(
    reception: Reception, problems: Problems, webhook: Webhook | None, beside: Sequence[BaseRoute] = ()
) -> Starlette:
    """The application: health always, the webhook where there is one, and what others serve `beside` them."""

    async def healthz(_: Request) -> Response:
        found = list(await problems())
        return JSONResponse({"status": "unwell" if found else "ok", "problems": found}, 503 if found else 200)

    async def take(request: Request) -> Response:
        assert webhook is not None  # noqa: S101 - else there is no such route
        told = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(told.encode(), webhook.secret.encode()):
            return Response(status_code=403)
        body = await _read(request)
        if body is None:
            return Response(status_code=413)
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if not isinstance(raw, dict) or not isinstance(raw.get("update_id"), int):
            return Response(status_code=400)
        if reception.full:
            return Response(status_code=503, headers={"Retry-After": "1"})
        reception.accept(raw)
        return Response(status_code=200)

    routes: list[BaseRoute] = [Route(HEALTH_PATH, healthz, methods=["GET"]), *beside]
    if webhook is not None:
        routes.append(Route(webhook.path, take, methods=["POST"]))
    return Starlette(routes=routes)


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

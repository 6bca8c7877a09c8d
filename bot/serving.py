"""The house's one HTTP server: channels hand in their routes, and all of them stand at one address."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import anyio
import uvicorn
from starlette.applications import Starlette

from bot import errors
from prompts import Replies

_ANSWER_GRACE_S: Final = 2


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@asynccontextmanager
async def serving(site: Starlette, address: Address, sentences: Replies) -> AsyncIterator[None]:
    """Serve in the background for as long as the block runs.

    Raises:
        errors.AddressError: the address cannot be listened at.
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
        raise errors.AddressError(sentences("doctor.cannot_listen", listen=address)) from exc
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

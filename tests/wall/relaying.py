"""A road to the server that can be blocked without either side being told: connections stay open, nothing moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """Passes bytes on, unless it is frozen."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._moves = asyncio.Event()
        self._moves.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.link = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, link: str) -> AsyncIterator["Relay"]:
        """A relay before the server of that link; `link` is the same page by way of it."""
        parts = urlsplit(link)
        relay = cls(parts.port or 80)
        server = await asyncio.start_server(relay._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        relay.link = f"http://127.0.0.1:{port}{parts.path}"
        try:
            yield relay
        finally:
            relay.thaw()
            server.close()
            for writer in relay._writers:
                writer.close()

    def freeze(self) -> None:
        self._moves.clear()

    def thaw(self) -> None:
        self._moves.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onwards, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, back}
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(onwards, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(4096):
                await self._moves.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()

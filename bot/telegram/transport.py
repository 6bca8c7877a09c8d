"""HTTP towards the Bot API over aiohttp: several times lighter a request than python-telegram-bot's own transport.

Errors are told as `telegram.request.HTTPXRequest` tells them (`TimedOut`, `NetworkError`), but never with a URL, which
holds the token, nor with what was sent or received, which holds what people write.
"""

import asyncio
import json
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import certifi
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

CONNECTIONS: Final = 256
READ_TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 5.0
POOL_TIMEOUT_S: Final = 30.0
MEDIA_TIMEOUT_S: Final = 30.0

_Timeout = Any
"""Seconds, None for no limit, or python-telegram-bot's mark for the default."""
_JSON: Final = {"Content-Type": "application/json"}


class NotSent(NetworkError):
    """The request never left this machine: it may safely be made again."""

    __slots__ = ()


class NotSentInTime(NotSent, TimedOut):
    """No connection in time: the request never left this machine."""

    __slots__ = ()


class AiohttpRequest(BaseRequest):
    """A pool of connections to the Bot API, with an HTTP proxy in between where one is named."""

    def __init__(
        self,
        connections: int = CONNECTIONS,
        *,
        proxy: str | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        pool_timeout_s: float = POOL_TIMEOUT_S,
    ) -> None:
        self._connections, self._proxy = connections, proxy
        self._read_s, self._connect_s, self._pool_s = read_timeout_s, connect_timeout_s, pool_timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._told_time: tuple[str, float] | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds to wait for an answer unless a call says otherwise."""
        return self._read_s

    @property
    def clock_skew_s(self) -> float | None:
        """How far this machine's clock is ahead of the server's, by the last answer; None where no answer told."""
        if self._told_time is None:
            return None
        date, received = self._told_time
        try:
            return received - parsedate_to_datetime(date).timestamp()
        except ValueError:
            return None

    async def initialize(self) -> None:
        """Open the pool."""
        if self._session is None or self._session.closed:
            context = await asyncio.to_thread(_trust)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
                headers={"User-Agent": self.USER_AGENT},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )

    async def shutdown(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request: its HTTP status and body.

        Raises:
            NotSentInTime, NotSent: it never left. TimedOut, NetworkError: it may have arrived.
        """
        if self._session is None or self._session.closed:
            raise RuntimeError("this request object is not initialised")
        body, headers, slowest_s = _encode(request_data)
        connect_s = self._given(connect_timeout, self._connect_s)
        pool_s = self._given(pool_timeout, self._pool_s)
        timeout = aiohttp.ClientTimeout(
            connect=None if connect_s is None or pool_s is None else connect_s + pool_s,
            sock_connect=connect_s,
            sock_read=self._given(read_timeout, slowest_s or self._read_s),
        )
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, timeout=timeout, proxy=self._proxy, allow_redirects=False
            ) as answer:
                payload = await answer.read()
        except aiohttp.ConnectionTimeoutError as exc:
            raise NotSentInTime("no connection in time") from _nameless(exc)
        except aiohttp.ClientConnectorError as exc:
            raise NotSent(f"no connection: {type(exc).__name__}") from _nameless(exc)
        except TimeoutError as exc:
            raise TimedOut from _nameless(exc)
        except (aiohttp.ClientError, OSError) as exc:
            raise NetworkError(f"aiohttp.{type(exc).__name__}") from _nameless(exc)
        if date := answer.headers.get("Date"):
            self._told_time = (date, time.time())
        return answer.status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """As the base class, but what could not be read is not logged: it holds what people write."""
        try:
            answer = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not (answer.keys() & {"result", "description"}):
            raise TelegramError("Invalid server response")
        answer.setdefault("result", None)  # the base class reads it unasked
        return answer

    @staticmethod
    def _given(value: _Timeout, default: float | None) -> float | None:
        return default if value is BaseRequest.DEFAULT_NONE else value


def _encode(request_data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, dict[str, str], float | None]:
    """The body, its headers, and how long its answer may take where that is unusual."""
    if request_data is None:
        return None, {}, None
    if not request_data.contains_files:
        # a form would write each Chinese character as nine
        return json.dumps(request_data.parameters, ensure_ascii=False).encode("utf-8", "replace"), _JSON, None
    form = aiohttp.FormData(request_data.json_parameters, quote_fields=False, default_to_multipart=True)
    for name, (filename, content, mime_type) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime_type)
    return form, {}, MEDIA_TIMEOUT_S


def _nameless(exc: BaseException) -> BaseException:
    """An error that names the kind of another, whose own text may hold a URL with the token."""
    return OSError(type(exc).__name__)


def _trust() -> ssl.SSLContext:
    """The machine's certificates (and SSL_CERT_FILE) besides certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context

"""python-telegram-bot's bot, with a way past its objects where they only cost time.

Building the objects of an update or of a sent message takes longer than anything else about a call.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from telegram.ext import ExtBot

GRACE_S: Final = 4.0
"""How much longer than the long poll its answer may take."""

Raw = Mapping[str, Any]
"""An update as Telegram writes it."""


class RawBot(ExtBot[None]):
    """Fetches updates and sends as Telegram writes them; its representation hides the token."""

    def __repr__(self) -> str:
        return "RawBot"

    async def get_raw_updates(
        self, offset: int, timeout_s: int, limit: int, allowed: Sequence[str] | None
    ) -> list[Raw]:
        """Updates from `offset` on; what lies below it is confirmed. `allowed` None: the kinds last asked for.

        Raises:
            TelegramError: as every call.
        """
        fields: dict[str, Any] = {"offset": offset, "timeout": timeout_s, "limit": limit, "allowed_updates": allowed}
        given = {name: value for name, value in fields.items() if value is not None}
        result = await self._do_post("getUpdates", given, read_timeout=timeout_s + GRACE_S)
        return [raw for raw in result if isinstance(raw, dict)] if isinstance(result, list) else []

    async def call(self, method: str, *, read_timeout_s: float | None = None, **fields: Any) -> Any:
        """Call a method of the Bot API by its own name, with JSON values; what is None is left out.

        Raises:
            TelegramError: as every call.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        if read_timeout_s is None:
            return await self._do_post(method, given)
        return await self._do_post(method, given, read_timeout=read_timeout_s)

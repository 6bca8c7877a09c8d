"""Deep links into a group's review, signed with the bot's token: nobody else can make one. Pure."""

import base64
import hmac
from hashlib import sha256
from typing import Final

_KEY_BYTES: Final = 12


def sign(chat_id: int, token: str) -> str:
    """The payload of a deep link for a group's review: 28 characters that only the holder of the bot's token makes."""
    packed = chat_id.to_bytes(8, "big", signed=True)
    return "r" + base64.urlsafe_b64encode(packed + _mac(packed, token)).decode().rstrip("=")


def verify(payload: str, token: str) -> int | None:
    """The group that a payload was signed for; None where we did not sign it."""
    try:
        content = base64.urlsafe_b64decode(payload.removeprefix("r") + "=")
    except ValueError:
        return None
    packed, mac = content[:8], content[8:]
    return int.from_bytes(packed, "big", signed=True) if hmac.compare_digest(mac, _mac(packed, token)) else None


def _mac(packed: bytes, token: str) -> bytes:
    return hmac.new(token.encode(), b"review:" + packed, sha256).digest()[:_KEY_BYTES]

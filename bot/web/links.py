"""Links to the projector page, signed: which session, to look at or to steer, and until when. Pure.

token = base64url( session · expiry · role · HMAC of these ), 44 characters; whoever lacks the key makes none
"""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, NamedTuple

Role = Literal["view", "control"]
"""Who looks on, and who moves the session on."""

LIFE: Final = timedelta(hours=12)
"""A day of training."""
_ROLES: Final[tuple[Role, ...]] = ("view", "control")
_PACKED: Final = struct.Struct(">QIB")
_MAC_BYTES: Final = 20
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{44}")


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link allows: one session, in one role, from its issue to its expiry."""

    session_id: int
    role: Role
    expires: datetime

    @property
    def issued(self) -> datetime:
        """When it was signed."""
        return self.expires - LIFE


class WallLinks(NamedTuple):
    """The two links of a session, whole URLs: one for all who look on, one for the trainer alone."""

    view: str
    control: str


class Links:
    """Signs and reads tokens with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, session_id: int, role: Role, at: datetime) -> str:
        """A token that is good from `at` for as long as LIFE."""
        expires = int((at + LIFE).timestamp())
        packed = _PACKED.pack(session_id, expires, _ROLES.index(role))
        return urlsafe_b64encode(packed + self._mac(packed)).decode()

    def read(self, token: str, at: datetime) -> Pass | None:
        """What a token allows at that moment; None where it is not ours, or not any more."""
        if not _TOKEN.fullmatch(token):
            return None
        content = urlsafe_b64decode(token)
        packed, mac = content[: _PACKED.size], content[_PACKED.size :]
        if not hmac.compare_digest(mac, self._mac(packed)):
            return None
        session_id, expires, role = _PACKED.unpack(packed)
        until = datetime.fromtimestamp(expires, UTC)
        return Pass(session_id, _ROLES[role], until) if at < until else None

    def _mac(self, packed: bytes) -> bytes:
        return hmac.new(self._key, b"wall:" + packed, sha256).digest()[:_MAC_BYTES]

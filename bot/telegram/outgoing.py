"""One message to be sent: what rendering hands to delivery."""

import re
from dataclasses import dataclass, replace
from html import escape, unescape
from typing import Final

from telegram import ForceReply, InlineKeyboardMarkup
from telegram.constants import MessageLimit

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """HTML of at most 4096 UTF-16 units (1024 beneath a photo), with buttons and a picture (PNG bytes) if any."""

    html: str
    keyboard: InlineKeyboardMarkup | ForceReply | None = None
    photo: bytes | None = None


def bare(outgoing: Outgoing) -> Outgoing:
    """The same words without any formatting, cut to what one message holds."""
    words = unescape(_TAG.sub("", outgoing.html))
    most = int(MessageLimit.MAX_TEXT_LENGTH if outgoing.photo is None else MessageLimit.CAPTION_LENGTH)
    units = words.encode("utf-16-le", "replace")
    if len(units) > 2 * most:
        words = units[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"
    return replace(outgoing, html=escape(words, quote=False))

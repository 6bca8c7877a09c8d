"""One message to be sent: what rendering hands to delivery."""

import re
from dataclasses import dataclass, replace
from html import escape, unescape
from typing import Any, Final

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import MessageLimit

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """HTML of at most 4096 UTF-16 units (1024 beneath a photo), with buttons and a picture (PNG bytes) if any."""

    html: str
    keyboard: InlineKeyboardMarkup | ForceReply | None = None
    photo: bytes | None = None


def keyboard_json(keyboard: InlineKeyboardMarkup | ForceReply | None) -> dict[str, Any] | None:
    """A keyboard as its `to_dict` gives it, which looks at every field that a button might have."""
    if isinstance(keyboard, InlineKeyboardMarkup):
        return {"inline_keyboard": [[_button_json(button) for button in row] for row in keyboard.inline_keyboard]}
    return keyboard.to_dict() if keyboard else None


def _button_json(button: InlineKeyboardButton) -> dict[str, Any]:
    if isinstance(button.callback_data, str):  # what most are for
        return {"text": button.text, "callback_data": button.callback_data}
    return button.to_dict()


def bare(outgoing: Outgoing) -> Outgoing:
    """The same words without any formatting, cut to what one message holds."""
    words = unescape(_TAG.sub("", outgoing.html))
    most = int(MessageLimit.MAX_TEXT_LENGTH if outgoing.photo is None else MessageLimit.CAPTION_LENGTH)
    units = words.encode("utf-16-le", "replace")
    if len(units) > 2 * most:
        words = units[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"
    return replace(outgoing, html=escape(words, quote=False))

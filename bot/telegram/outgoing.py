"""One message to be sent: what rendering hands to delivery."""

import re
from dataclasses import dataclass, field, replace
from html import escape, unescape
from typing import Any, Final

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import MessageLimit

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file and what it is called."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """HTML of at most 4096 UTF-16 units (1024 beneath a picture or a file), with buttons; a picture (PNG) or a file."""

    html: str
    keyboard: InlineKeyboardMarkup | ForceReply | None = None
    photo: bytes | None = None
    document: Attachment | None = None


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
    alone = outgoing.photo is None and outgoing.document is None
    most = int(MessageLimit.MAX_TEXT_LENGTH if alone else MessageLimit.CAPTION_LENGTH)
    units = words.encode("utf-16-le", "replace")
    if len(units) > 2 * most:
        words = units[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"
    return replace(outgoing, html=escape(words, quote=False))

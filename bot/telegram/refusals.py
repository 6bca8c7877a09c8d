"""What Telegram means by the words of a 400, as far as something can be done about it."""

from enum import Enum
from typing import Final


class Refusal(Enum):
    """Why a request was refused."""

    MARKUP = "markup"
    LENGTH = "length"
    BUTTONS = "buttons"
    REPLY = "reply"
    TOPIC = "topic"
    PICTURE = "picture"
    CLOSED = "closed"
    UNCHANGED = "unchanged"
    GONE = "gone"
    TOO_OLD = "too old"
    OTHER = "other"


_MARKS: Final = (
    (Refusal.UNCHANGED, ("message is not modified",)),
    (Refusal.TOO_OLD, ("query is too old", "query id is invalid", "query_id_invalid")),
    (Refusal.REPLY, ("message to be replied not found", "replied message not found", "reply message not found")),
    (Refusal.TOPIC, ("message thread not found", "topic_closed", "topic_deleted")),
    (
        Refusal.GONE,
        (
            "message to edit not found",
            "message can't be edited",
            "message_id_invalid",
            "message identifier is not specified",
            "there is no text in the message",
            "message_author_required",
        ),
    ),
    (
        Refusal.PICTURE,
        (
            "rights to send photo",
            "rights to send document",
            "rights to send media",
            "chat_send_photos",
            "chat_send_docs",
            "chat_send_media",
        ),
    ),
    (
        Refusal.CLOSED,
        (
            "chat not found",
            "not enough rights",
            "have no rights",
            "chat_write_forbidden",
            "chat_restricted",
            "chat_send_",
            "user_is_blocked",
            "deactivated",
            "peer_id_invalid",
            "chat_admin_required",
        ),
    ),
    (Refusal.MARKUP, ("can't parse entities", "can't find end", "entity_", "entities_too_long")),
    (Refusal.LENGTH, ("too long", "message_too_long")),
    (Refusal.BUTTONS, ("button", "reply markup", "reply_markup", "inline keyboard")),
)


def read_refusal(description: str) -> Refusal:
    """The reason in the description of a 400."""
    words = description.casefold()
    return next((refusal for refusal, marks in _MARKS if any(mark in words for mark in marks)), Refusal.OTHER)

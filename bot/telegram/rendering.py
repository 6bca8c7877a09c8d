"""Answer -> Telegram HTML: pure, escaped, and cut so that no message splits a tag. Lengths count UTF-16 units."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from bot.answering.composing import english_label
from bot.answering.model import Answer, Citation
from prompts import Replies, load_replies

MAX_MESSAGE_UTF16: Final = 4096
"""Telegram's limit on a message, after entity parsing; counting the markup too keeps well below it."""


def utf16_length(text: str) -> int:
    """Length as Telegram counts it: characters beyond the basic plane count twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def render(answer: Answer, limit: int = MAX_MESSAGE_UTF16) -> list[str]:
    """An answer as one message or, where it is longer than `limit` UTF-16 units, as several."""
    replies = load_replies()[answer.language]
    return join_blocks(_blocks(answer, replies), limit)


def render_text(text: str, limit: int = MAX_MESSAGE_UTF16) -> list[str]:
    """Plain text, escaped and cut to size."""
    return join_blocks((_text_block(line) for line in text.split("\n")), limit)


Block = tuple[str, str, str]
"""One piece of a message: what opens it, its plain text (escaped at the very end), what closes it."""


def _text_block(text: str) -> Block:
    return "", text, ""


def _blocks(answer: Answer, replies: Replies) -> Iterator[Block]:
    if answer.mode == "lookup" or not answer.citations:
        yield from (_text_block(line) for line in answer.lead.split("\n"))
        for citation in answer.citations:
            if len(answer.citations) > 1:
                label = escape(english_label(citation, replies), quote=False)
                yield f"<b>{label}</b>\n<blockquote expandable>", citation.text, "</blockquote>"
            else:
                yield "<blockquote>", citation.text, "</blockquote>"
        yield from (_text_block(note) for note in answer.notes)
        return
    leading, *related = answer.citations
    yield "", answer.lead, ""
    yield "<b>", leading.quote, "</b>"
    yield from (_text_block(note) for note in answer.notes)
    yield _folded((leading, *related), replies)


def _folded(citations: Iterable[Citation], replies: Replies) -> Block:
    """The verbatim articles behind an answer, folded away until tapped."""
    texts = [f"〔{english_label(citation, replies)}〕{citation.text}" for citation in citations]
    return "<blockquote expandable>", "\n".join(texts), "</blockquote>"


def join_blocks(blocks: Iterable[Block], limit: int = MAX_MESSAGE_UTF16) -> list[str]:
    """Blocks, one a line, as messages of at most `limit` UTF-16 units of markup; every message is whole by itself.

    Raises:
        ValueError: the limit leaves no room beside the tags.
    """
    messages: list[str] = []
    current = ""
    for opening, text, closing in blocks:
        for place, piece in enumerate(_pieces(text, limit - utf16_length(opening + closing))):
            if opening and not piece.strip():
                continue
            head = opening.rpartition("\n")[2] if place else opening  # a label stands above the first piece only
            block = head + piece + closing
            joined = f"{current}\n{block}" if current else block
            if utf16_length(joined) > limit:
                messages.append(current)
                joined = block
            current = joined
    if current.strip():
        messages.append(current)
    return [message for message in messages if message.strip()]


def _pieces(text: str, room: int) -> Iterator[str]:
    """The text escaped, in pieces of at most `room` UTF-16 units, cut at a line or sentence end where one is near."""
    if room < 16:
        raise ValueError(f"no room for text: {room} UTF-16 units")
    rest = _clean(text)
    while (cut := _fitting(rest, room)) < len(rest):
        for mark in ("\n", "。", "；", "，", " "):
            place = rest.rfind(mark, cut // 2, cut)
            if place > 0:
                cut = place + 1
                break
        yield escape(rest[:cut].rstrip("\n"), quote=False)
        rest = rest[cut:].lstrip("\n")
    yield escape(rest, quote=False)


def _fitting(text: str, room: int) -> int:
    used = 0
    for place, character in enumerate(text):
        used += utf16_length(escape(character, quote=False))
        if used > room:
            return max(place, 1)
    return len(text)


def _clean(text: str) -> str:
    """Without what Telegram refuses or what turns a line round: lone surrogates, NUL, bidirectional controls."""
    return "".join(
        character
        for character in text
        if not (
            "\ud800" <= character <= "\udfff"
            or character in "\x00\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    )

"""HTML -> a reply to the message that asked, in the same chat and topic."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from telegram import LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, RetryAfter

log = logging.getLogger(__name__)


MAX_WAIT_S: Final = 60
"""How long Telegram may ask to wait before a reply is given up."""


async def reply(message: Message, texts: Sequence[str]) -> None:
    """Send the texts one after another, the first as a reply; a chat that is closed to the bot is left in peace."""
    for place, text in enumerate(texts):
        try:
            await _send(message, text, first=place == 0)
        except Forbidden:
            log.info("a chat no longer accepts messages")
            return
        except BadRequest as exc:
            log.warning("a reply was refused: %s", exc.message)
            return


async def _send(message: Message, text: str, *, first: bool) -> None:
    """Send one text; where Telegram asks to wait, wait for this chat alone and try once more."""
    send = partial(
        message.get_bot().send_message,
        chat_id=message.chat_id,
        text=text,
        parse_mode=ParseMode.HTML,
        message_thread_id=message.message_thread_id if message.is_topic_message else None,
        reply_parameters=ReplyParameters(message.message_id, allow_sending_without_reply=True) if first else None,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        disable_notification=not first,
    )
    try:
        await send()
    except RetryAfter as exc:
        wait_s = exc.retry_after if isinstance(exc.retry_after, int) else exc.retry_after.total_seconds()
        if wait_s > MAX_WAIT_S:
            raise
        await asyncio.sleep(wait_s + 0.1)
        await send()

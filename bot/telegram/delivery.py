"""HTML -> a reply to the message that asked, in the same chat and topic."""

import logging
from collections.abc import Sequence

from telegram import LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden

log = logging.getLogger(__name__)


async def reply(message: Message, texts: Sequence[str]) -> None:
    """Send the texts one after another, the first as a reply; a chat that is closed to the bot is left in peace."""
    for place, text in enumerate(texts):
        parameters = ReplyParameters(message.message_id, allow_sending_without_reply=True) if place == 0 else None
        try:
            await message.get_bot().send_message(
                chat_id=message.chat_id,
                text=text,
                parse_mode=ParseMode.HTML,
                message_thread_id=message.message_thread_id if message.is_topic_message else None,
                reply_parameters=parameters,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                disable_notification=place > 0,
            )
        except Forbidden:
            log.info("a chat no longer accepts messages")
            return
        except BadRequest as exc:
            log.warning("a reply was refused: %s", exc.message)
            return

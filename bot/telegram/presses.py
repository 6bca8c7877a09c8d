"""What every pressed button has in common: it is answered first, then the message changes.

A press is answered with what is true then: done, too old, or that the chat is busy and nothing was changed.
"""

from telegram import CallbackQuery, InlineKeyboardMarkup, Message, Update

from bot.telegram.callbacks import Callback, unpack
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import language_for


def pressed(update: Update) -> tuple[CallbackQuery, Message | None, Callback]:
    """The press, the message under which the button stands (None where Telegram no longer shows it), and its data."""
    query = update.callback_query
    if query is None:
        raise TypeError("not a press of a button")
    message = query.message if isinstance(query.message, Message) and query.message.is_accessible else None
    return query, message, unpack(query.data or "") or Callback("")


async def change(parts: Parts, query: CallbackQuery, message: Message, outgoing: Outgoing) -> None:
    """Answer the press, then put the words and buttons into the message."""
    if await has_room(parts, query, message):
        await parts.delivery.acknowledge(query)
        await parts.delivery.edit(message.chat.id, message.message_id, outgoing)


async def change_keyboard(parts: Parts, query: CallbackQuery, message: Message, keyboard: InlineKeyboardMarkup) -> None:
    """Answer the press, then put other buttons below the same words."""
    if await has_room(parts, query, message):
        await parts.delivery.acknowledge(query)
        await parts.delivery.edit_keyboard(message.chat.id, message.message_id, keyboard)


async def say_too_old(parts: Parts, query: CallbackQuery) -> None:
    """A button that leads nowhere any more."""
    sentences = parts.replies[await language_for(parts, query)]
    await parts.delivery.acknowledge(query, sentences("telegram.too_old"), alert=True)


async def has_room(parts: Parts, query: CallbackQuery, message: Message) -> bool:
    """Whether the message may be changed now; says so where the chat is busy."""
    if parts.delivery.takes_press(message.chat.id):
        return True
    sentences = parts.replies[await language_for(parts, query)]
    await parts.delivery.acknowledge(query, sentences("telegram.busy"), alert=True)
    return False

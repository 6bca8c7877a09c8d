"""`/privacy`: what is kept, exactly. `/forget`: erases what is keyed to the person who asks."""

from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.answering.generation.conversation import Place
from bot.telegram.callbacks import pack, pattern
from bot.telegram.intake import take_argument
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import sentences_for, sentences_in, settings_for, speaker_id, within_budget

_ERASE_GROUP = "fg"


class Personal:
    """What the bot knows of people, and its end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Add both commands and the button."""
        for command, callback in (("privacy", self.privacy), ("forget", self.forget)):
            application.add_handler(CommandHandler(command, callback, filters=filters.UpdateType.MESSAGE))
        application.add_handler(CallbackQueryHandler(self.erase_group, pattern=pattern("f")))

    async def privacy(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/privacy`."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say = await sentences_for(self._parts, message)
        if not await within_budget(self._parts, message, say):
            return
        settings = await settings_for(self._parts, message.chat_id)
        overhears = settings.trigger == "unanswered"
        lines = [say("telegram.privacy_unanswered") if overhears else say("telegram.privacy")]
        if self._parts.answerer.uses_model and settings.language_model:
            lines.append(say("telegram.privacy_model"))
        turns = say("telegram.privacy_turns_stored" if self._parts.stores_turns else "telegram.privacy_turns")
        kept = f"{say('telegram.privacy_kept', days=self._parts.retention_days)}\n{turns}"
        lines += [f"<blockquote expandable>{kept}</blockquote>", say("telegram.privacy_rest")]
        words = "\n".join(lines)
        await self._parts.delivery.reply(message, Outgoing(words))

    async def forget(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/forget`: erases at once; an administrator in a group is offered to erase the group's data too."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say = await sentences_for(self._parts, message)
        if not await within_budget(self._parts, message, say):
            return
        person = speaker_id(message)
        self._parts.recalled.forget(person)  # their private chat has their own id
        self._parts.waiting.forget(person)
        erased = await self._parts.database.erase_person(person)
        await self._parts.answerer.forget(Place(chat="", user=str(person)))
        words = say("telegram.forget", count=erased) if erased else say("telegram.forget_nothing")
        keyboard = None
        if await self._administers(message, person):
            words = f"{words}\n\n{say('telegram.forget_group')}"
            button = InlineKeyboardButton(say("telegram.forget_group_button"), callback_data=pack(_ERASE_GROUP))
            keyboard = InlineKeyboardMarkup([[button]])
        await self._parts.delivery.reply(message, Outgoing(words, keyboard))

    async def erase_group(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """The button that erases a group's data."""
        query = update.callback_query
        if query is None:
            return
        say = await sentences_for(self._parts, query)
        message = query.message
        if not isinstance(message, Message) or not await self._administers(message, query.from_user.id):
            await self._parts.delivery.acknowledge(query, say("settings.administrators_only"), alert=True)
            return
        self._parts.recalled.forget(message.chat_id)
        self._parts.waiting.forget_chat(message.chat_id)
        self._parts.twins.forget(message.chat_id)
        erased = await self._parts.database.erase_chat(message.chat_id)
        await self._parts.answerer.forget(Place(str(message.chat_id)))
        await self._parts.delivery.acknowledge(query)
        written = await sentences_in(self._parts, message)
        words = Outgoing(written("telegram.forgot_group", count=erased))
        await self._parts.delivery.edit(message.chat_id, message.message_id, words)

    async def _administers(self, message: Message, person: int) -> bool:
        if message.chat.type == ChatType.PRIVATE:
            return False
        return await self._parts.administrators.include(message.chat_id, person)

"""`/settings`: a panel of buttons, in a group for its administrators, in private for language and length.

Every button names the value that it sets, so that two who press at once lose nothing; who presses must be an
administrator at that moment. What a setting does is told where it is done: `asking`, `speaking`, `rendering`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from telegram import CallbackQuery, Chat, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ChatType
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.storage.chats import ChatSettings
from bot.telegram.callbacks import Callback, pack, pattern, unpack
from bot.telegram.intake import take_argument
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import sentences_for, sentences_in, speaker_id, within_budget
from prompts import Replies

MINUTES: Final = (5, 10, 30, 60)
_PER_ROW: Final = 6
_CHOSEN: Final = "✓ "


@dataclass(frozen=True, slots=True)
class _Choice:
    """A row of the panel: which field its buttons set, and the key and value of each."""

    action: str
    field: str
    title: str
    values: tuple[tuple[str, str | bool], ...]
    private: bool = False


_CHOICES: Final = (
    _Choice(
        "st",
        "trigger",
        "settings.trigger",
        (("settings.trigger_addressed", "addressed"), ("settings.trigger_unanswered", "unanswered")),
    ),
    _Choice(
        "sl",
        "language",
        "settings.language",
        (("settings.language_auto", "auto"), ("settings.language_zh", "zh"), ("settings.language_en", "en")),
        private=True,
    ),
    _Choice(
        "sa",
        "length",
        "settings.length",
        (("settings.length_full", "full"), ("settings.length_brief", "brief")),
        private=True,
    ),
    _Choice(
        "sq",
        "quiz_anonymous",
        "settings.quiz",
        (("settings.quiz_anonymous", True), ("settings.quiz_open", False)),
    ),
    _Choice("sm", "language_model", "settings.model", (("settings.model_on", True), ("settings.model_off", False))),
)
_MINUTES, _QUIET, _FROM, _UNTIL, _PANEL, _DONE = "sn", "sh", "sf", "su", "sp", "sd"


class Configuring:
    """The settings panel."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Add `/settings` and its buttons."""
        application.add_handler(CommandHandler("settings", self.settings, filters=filters.UpdateType.MESSAGE))
        application.add_handler(CallbackQueryHandler(self.pressed, pattern=pattern("s")))

    async def settings(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/settings`: the panel, for those who may use it."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say = await sentences_for(self._parts, message)
        if not await self._may_change(message.chat, speaker_id(message)):
            if await within_budget(self._parts, message, say):
                await self._parts.delivery.reply(message, Outgoing(say("settings.administrators_only")))
            return
        current = await self._parts.database.chats.settings(message.chat_id)
        await self._parts.delivery.reply(message, panel(current, say, private=_private(message.chat)))

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A button of the panel."""
        query = update.callback_query
        if query is None:
            return
        say = await sentences_for(self._parts, query)
        callback, message = unpack(query.data or ""), query.message
        if callback is None or not isinstance(message, Message):
            await self._parts.delivery.acknowledge(query, say("settings.too_old"))
            return
        if not await self._may_change(message.chat, query.from_user.id):
            await self._parts.delivery.acknowledge(query, say("settings.administrators_only"), alert=True)
            return
        await self._obey(query, message, callback)

    async def _obey(self, query: CallbackQuery, message: Message, callback: Callback) -> None:
        chat_id, private = message.chat_id, _private(message.chat)
        say = await sentences_in(self._parts, message)
        changes = changes_of(callback, private=private)
        if changes:
            current = await self._parts.database.chats.change(chat_id, **changes)
            say = await sentences_in(self._parts, message)  # it may have been the language
            outgoing = panel(current, say, private=private)
        elif callback.action == _DONE:
            outgoing = Outgoing(say("settings.done"))
        elif callback.action == _FROM and not private:
            outgoing = _hours(say("settings.quiet_from"), _UNTIL, (), say)
        elif callback.action == _UNTIL and not private and (start := _hour(callback, 0)) is not None:
            outgoing = _hours(say("settings.quiet_until", start=start), _QUIET, (start,), say)
        else:
            current = await self._parts.database.chats.settings(chat_id)
            outgoing = panel(current, say, private=private)
        deaf = changes.get("trigger") == "unanswered" and not await self._parts.administrators.bot_hears_all(chat_id)
        if deaf:
            await self._parts.delivery.acknowledge(query, say("settings.hears_too_little"), alert=True)
        else:
            await self._parts.delivery.acknowledge(query, say("settings.changed") if changes else None)
        await self._parts.delivery.edit(chat_id, message.message_id, outgoing)

    async def _may_change(self, chat: Chat, user_id: int) -> bool:
        return _private(chat) or await self._parts.administrators.include(chat.id, user_id)


def panel(current: ChatSettings, say: Replies, *, private: bool) -> Outgoing:
    """What the settings are, in words, with a button for every other value."""
    lines = [say("settings.title_private" if private else "settings.title"), ""]
    rows: list[list[InlineKeyboardButton]] = []
    for choice in _CHOICES:
        if private and not choice.private:
            continue
        value = getattr(current, choice.field)
        lines.append(_line(say, say(choice.title), next(say(key) for key, other in choice.values if other == value)))
        rows.append(
            [
                _button(say(key), other == value, choice.action, place)
                for place, (key, other) in enumerate(choice.values)
            ]
        )
        if choice.field == "trigger" and current.trigger == "unanswered":
            minutes = {number: say("settings.minutes", minutes=number) for number in MINUTES}
            after = current.unanswered_after_min
            lines.append(_line(say, say("settings.after"), minutes.get(after, str(after))))
            rows.append([_button(words, number == after, _MINUTES, number) for number, words in minutes.items()])
    if not private:
        quiet = current.quiet_from is not None and current.quiet_until is not None
        hours = say("settings.quiet_hours", start=current.quiet_from, end=current.quiet_until)
        lines.append(_line(say, say("settings.quiet"), hours if quiet else say("settings.quiet_none")))
        chosen = InlineKeyboardButton(say("settings.quiet_choose"), callback_data=pack(_FROM))
        rows.append([_button(say("settings.quiet_none"), not quiet, _QUIET, "x"), chosen])
    rows.append([InlineKeyboardButton(say("settings.finish"), callback_data=pack(_DONE))])
    return Outgoing("\n".join(lines), InlineKeyboardMarkup(rows))


def changes_of(callback: Callback, *, private: bool) -> dict[str, Any]:
    """The settings that a button changes, by field; empty where it changes none (or none that there is)."""
    for choice in _CHOICES:
        if choice.action == callback.action and (choice.private or not private):
            place = callback.number(0)
            if place is not None and 0 <= place < len(choice.values):
                return {choice.field: choice.values[place][1]}
    if private:
        return {}
    if callback.action == _MINUTES and callback.number(0) in MINUTES:
        return {"unanswered_after_min": callback.number(0)}
    if callback.action == _QUIET and callback.text(0) == "x":
        return {"quiet_from": None, "quiet_until": None}
    start, end = _hour(callback, 0), _hour(callback, 1)
    if callback.action == _QUIET and start is not None and end is not None and start != end:
        return {"quiet_from": start, "quiet_until": end}
    return {}


def _hours(words: str, action: str, before: Sequence[int], say: Replies) -> Outgoing:
    buttons = [
        InlineKeyboardButton(str(hour), callback_data=pack(action, *before, hour))
        for hour in range(24)
        if hour not in before
    ]
    rows = [buttons[start : start + _PER_ROW] for start in range(0, len(buttons), _PER_ROW)]
    rows.append([InlineKeyboardButton(say("settings.back"), callback_data=pack(_PANEL))])
    return Outgoing(words, InlineKeyboardMarkup(rows))


def _hour(callback: Callback, place: int) -> int | None:
    hour = callback.number(place)
    return hour if hour is not None and 0 <= hour <= 23 else None


def _line(say: Replies, title: str, value: str) -> str:
    return say("settings.line", title=title, value=value)


def _button(words: str, chosen: bool, action: str, value: int | str) -> InlineKeyboardButton:
    return InlineKeyboardButton((_CHOSEN if chosen else "") + words, callback_data=pack(action, value))


def _private(chat: Chat) -> bool:
    return chat.type == ChatType.PRIVATE

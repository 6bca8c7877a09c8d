"""`/train`: a trainer's hour in a group. Who may press what; what then happens is told in `conducting`.

    /train ─▶ panel ─▶ open ─▶ agenda ─▶ questions ─▶ cases ─▶ items ─▶ board ─▶ close

Opened by an administrator, and moved on by the one who opened it; an anonymous administrator leads from the first press
on. Another administrator takes over by `/train`. Everybody else may choose a team, be named or not, vote and reply.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

from telegram import CallbackQuery, Message, Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    PollAnswerHandler,
    PollHandler,
    filters,
)

from bot.errors import StorageError
from bot.telegram.callbacks import Callback, pattern
from bot.telegram.intake import is_foreign, replied_message, take_argument, take_question
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.polls import Counted
from bot.telegram.posters import day, end_keyboard, status_poster
from bot.telegram.presses import pressed, say_too_old
from bot.telegram.rendering import safe
from bot.telegram.setting_up import MOST_ITEMS, Choices, chosen_by, plan_of, setup_panel
from bot.telegram.speaking import (
    is_group,
    sentences_for,
    sentences_in,
    settings_for,
    speaker_id,
    topic_of,
    within_budget,
)
from bot.telegram.wishes import read_wish
from bot.training.ledgers import Header
from bot.training.session import voter_of
from prompts import Replies

GROUP: Final = -1
"""PTB's handler group: a reply that answers a session's question asks nothing of the bot."""
MAX_NAME: Final = 32

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

log = logging.getLogger(__name__)


class Sessions:
    """The command, the buttons, the votes and the replies of sessions."""

    def __init__(self, parts: Parts, seed: Callable[[], int] = lambda: secrets.randbits(32)) -> None:
        self._parts, self._conducting, self._seed = parts, parts.conducting, seed

    def register(self, application: App) -> None:
        """Add the handlers."""
        application.add_handler(CommandHandler("train", self.train, filters=filters.UpdateType.MESSAGE))
        for prefix, callback in (
            ("yp", self.choose),
            ("yq", self.cancel),
            ("yo", self.open),
            ("yn", self.move_on),
            ("yt", self.prolong),
            ("yc", self.claim),
            ("yx", self.ask_end),
            ("yz", self.end),
            ("yj", self.join),
            ("ya", self.be_named),
        ):
            application.add_handler(CallbackQueryHandler(callback, pattern(prefix)))
        application.add_handler(PollHandler(self.counts))
        application.add_handler(PollAnswerHandler(self.vote))
        replies = filters.REPLY & filters.TEXT & ~filters.COMMAND & filters.ChatType.GROUPS
        application.add_handler(MessageHandler(replies & filters.UpdateType.MESSAGE, self.reply), group=GROUP)

    async def started(self) -> None:
        """Take up the sessions that were running."""
        await self._conducting.resume()

    async def stopping(self) -> None:
        """Let them rest."""
        await self._conducting.close()

    # Before the start.

    async def train(self, update: Update, _: Context) -> None:
        """`/train`: what to choose from, or where the session stands that runs here."""
        message = update.message
        words = take_argument(message, self._parts.bot) if message else None
        if message is None or words is None:
            return
        say = await sentences_for(self._parts, message)
        if not await within_budget(self._parts, message, say):
            return
        refusal = await self._refusal(message)
        if refusal:
            await self._parts.delivery.reply(message, Outgoing(say(refusal)))
            return
        running = await self._parts.database.training.running_in(message.chat.id)
        if running is not None:
            await self._tell_status(message, running, say)
            return
        wish = read_wish(words, number=Choices().items, most=MOST_ITEMS)
        if wish is None:
            await self._parts.delivery.reply(message, Outgoing(safe(say("quiz.usage"))))
            return
        scored = not (await settings_for(self._parts, message.chat.id)).quiz_anonymous
        panel = setup_panel(chosen_by(wish, scored=scored), self._parts.answerer.library.principal, say)
        await self._parts.delivery.reply(message, panel)

    async def _refusal(self, message: Message) -> str:
        if not is_group(message):
            return "training.only_groups"
        if not await self._parts.administrators.include(message.chat.id, speaker_id(message)):
            return "training.administrators_only"
        bank = self._parts.bank
        return "" if bank.items or bank.cases else "quiz.empty"

    async def _tell_status(self, message: Message, running: Header, say: Replies) -> None:
        shown = await self._conducting.ledgers.snapshot(running.id)
        if shown is not None:
            leads, door = running.trainer_id in (0, speaker_id(message)), self._conducting.way_to_wall(running.id)
            await self._parts.delivery.reply(message, status_poster(shown, say, door, leads=leads))

    async def choose(self, update: Update, _: Context) -> None:
        """The panel with another choice."""
        query, message, callback = pressed(update)
        choices = Choices.decode(callback.text(0))
        if message is None or choices is None:
            await say_too_old(self._parts, query)
        elif await self._administers(query, message):
            await self._parts.delivery.acknowledge(query)
            say = await sentences_in(self._parts, message)
            panel = setup_panel(choices, self._parts.answerer.library.principal, say)
            await self._parts.delivery.edit(message.chat.id, message.message_id, panel)

    async def cancel(self, update: Update, _: Context) -> None:
        """Not after all."""
        query, message, _callback = pressed(update)
        if message is None:
            await say_too_old(self._parts, query)
        elif await self._administers(query, message):
            await self._parts.delivery.acknowledge(query)
            say = await sentences_in(self._parts, message)
            words = Outgoing(say("training.cancelled"))
            await self._parts.delivery.edit(message.chat.id, message.message_id, words)

    async def open(self, update: Update, _: Context) -> None:
        """The start: whoever presses leads."""
        query, message, callback = pressed(update)
        choices = Choices.decode(callback.text(0))
        if message is None or choices is None:
            await say_too_old(self._parts, query)
            return
        if not await self._administers(query, message):
            return
        say = await sentences_in(self._parts, message)
        plan = plan_of(
            choices,
            self._parts.bank,
            self._parts.answerer.library.principal,
            say,
            seed=self._seed(),
            invitation=await self._parts.administrators.way_into(message.chat.id),
        )
        if plan is None:
            await self._parts.delivery.acknowledge(query, say("training.nothing"), alert=True)
            return
        if await self._parts.database.training.running_in(message.chat.id) is not None:
            await self._parts.delivery.acknowledge(query, say("training.busy"), alert=True)
            return
        await self._parts.delivery.acknowledge(query)
        await self._parts.delivery.edit_keyboard(message.chat.id, message.message_id, None)
        await self._conducting.open(message.chat.id, topic_of(message) or 0, query.from_user.id, plan)

    # The trainer's buttons.

    async def move_on(self, update: Update, _: Context) -> None:
        """下一步, 收题, 看条文."""
        query, message, callback = pressed(update)
        header = await self._led(query, message, callback)
        cursor = callback.number(1)
        if header is None or cursor is None:
            return
        state = await self._conducting.ledgers.state(header.id)
        posted = state.round is not None and state.round.message_id is not None
        if posted and state.cursor != cursor:
            say = await sentences_for(self._parts, query)
            await self._parts.delivery.acknowledge(query, say("training.moved_on"))
            return
        await self._parts.delivery.acknowledge(query)
        refusal = await self._conducting.advance(header.id, cursor)
        if refusal is not None and message is not None:
            written = await sentences_in(self._parts, message)
            await self._parts.delivery.reply(message, Outgoing(written(refusal.key)))

    async def prolong(self, update: Update, _: Context) -> None:
        """再给 2 分钟."""
        query, message, callback = pressed(update)
        header = await self._led(query, message, callback)
        cursor = callback.number(1)
        if header is not None and cursor is not None:
            say = await sentences_for(self._parts, query)
            refusal = await self._conducting.prolong(header.id, cursor)
            await self._parts.delivery.acknowledge(query, say(refusal.key if refusal else "training.longer"))

    async def claim(self, update: Update, _: Context) -> None:
        """Another administrator leads from now on."""
        query, message, callback = pressed(update)
        header = await self._running(query, message, callback)
        if header is None or message is None or not await self._administers(query, message):
            return
        await self._parts.database.training.claim(header.id, query.from_user.id)
        say = await sentences_for(self._parts, query)
        await self._parts.delivery.acknowledge(query, say("training.claimed"))
        shown = await self._conducting.ledgers.snapshot(header.id)
        if shown is not None:
            written = await sentences_in(self._parts, message)
            door = self._conducting.way_to_wall(header.id)
            outgoing = status_poster(shown, written, door, leads=True)
            await self._parts.delivery.edit(message.chat.id, message.message_id, outgoing)

    async def ask_end(self, update: Update, _: Context) -> None:
        """结束训练: really?"""
        query, message, callback = pressed(update)
        header = await self._led(query, message, callback)
        if header is not None and message is not None:
            await self._parts.delivery.acknowledge(query)
            keyboard = end_keyboard(header.id, await sentences_in(self._parts, message))
            await self._parts.delivery.edit_keyboard(message.chat.id, message.message_id, keyboard)

    async def end(self, update: Update, _: Context) -> None:
        """Really."""
        query, message, callback = pressed(update)
        header = await self._led(query, message, callback)
        if header is not None and message is not None:
            say = await sentences_for(self._parts, query)
            await self._parts.delivery.acknowledge(query, say("training.ended"))
            await self._parts.delivery.edit_keyboard(message.chat.id, message.message_id, None)
            await self._conducting.end(header.id)

    # Everybody's.

    async def join(self, update: Update, _: Context) -> None:
        """Into a team."""
        query, message, callback = pressed(update)
        header, team = await self._running(query, message, callback), callback.number(1)
        if header is None or team is None:
            return
        refusal = await self._conducting.join(header.id, query.from_user.id, team)
        say = await sentences_for(self._parts, query)
        if refusal is not None:
            await self._parts.delivery.acknowledge(query, say(refusal.key), alert=True)
            return
        state = await self._conducting.ledgers.state(header.id)
        name = state.plan.teams[team] if state.plan else ""
        await self._parts.delivery.acknowledge(query, say("training.team_joined", team=name))

    async def be_named(self, update: Update, _: Context) -> None:
        """记名上榜, and not any more: told at once what is kept and until when."""
        query, message, callback = pressed(update)
        header = await self._running(query, message, callback)
        if header is None:
            return
        say, store, person = await sentences_for(self._parts, query), self._parts.database.training, query.from_user
        name = " ".join(person.full_name.split())[:MAX_NAME]
        if await store.withdraw(header.id, person.id):
            words = say("training.unnamed")
        elif not name:
            words = say("training.nameless")
        else:
            until = self._conducting.names_until(header)
            await store.agree(header.id, person.id, voter_of(header.salt, person.id), name, until)
            words = say("training.named", name=name, until=day(until))
        self._conducting.ledgers.changes.notify(header.id)
        await self._parts.delivery.acknowledge(query, words, alert=True)

    async def counts(self, update: Update, _: Context) -> None:
        """Telegram tells how a poll stands."""
        if poll := update.poll:
            counts = Counted(tuple(option.voter_count for option in poll.options), poll.total_voter_count)
            await self._conducting.hear_counts(poll.id, counts, closed=poll.is_closed)

    async def vote(self, update: Update, _: Context) -> None:
        """Somebody votes in a public poll."""
        if (answer := update.poll_answer) and (voter := answer.voter_chat or answer.user):
            await self._conducting.hear_vote(answer.poll_id, voter.id, answer.option_ids)

    async def reply(self, update: Update, _: Context) -> None:
        """A reply to a message of ours that belongs to a session; every other one goes its usual way."""
        message = update.message
        replied = replied_message(message) if message else None
        if message is None or replied is None or not _is_ours(replied, self._parts.bot.id):
            return
        if is_foreign(message, self._parts.bot):
            return
        question = take_question(message, self._parts.bot)
        if question is not None and question.how == "mention":
            return
        try:
            taken = await self._conducting.hear_reply(message, replied.message_id)
        except StorageError as exc:  # a question still can be answered
            log.error("%s", exc)
            return
        if taken:
            raise ApplicationHandlerStop

    # Who may.

    async def _running(self, query: CallbackQuery, message: Message | None, callback: Callback) -> Header | None:
        """The running session of a button; None, and told why, where there is none (any more)."""
        number = callback.number(0)
        header = await self._conducting.header(number) if number is not None else None
        if message is None or header is None or header.chat_id != message.chat.id:
            await say_too_old(self._parts, query)
            return None
        if header.closed_at is not None:
            say = await sentences_for(self._parts, query)
            await self._parts.delivery.acknowledge(query, say("training.over"), alert=True)
            return None
        return header

    async def _led(self, query: CallbackQuery, message: Message | None, callback: Callback) -> Header | None:
        """The same, where whoever presses leads it; where nobody does, they do from now on."""
        header = await self._running(query, message, callback)
        if header is None or message is None:
            return None
        person = query.from_user.id
        may = await self._parts.administrators.include(message.chat.id, person)
        if header.trainer_id not in (0, person) or not may:
            say = await sentences_for(self._parts, query)
            leads = header.trainer_id == person
            refusal = say("training.not_trainer") if leads else say("training.trainer_only")
            await self._parts.delivery.acknowledge(query, refusal, alert=True)
            return None
        if header.trainer_id == 0:
            await self._parts.database.training.claim(header.id, person)
        return header

    async def _administers(self, query: CallbackQuery, message: Message) -> bool:
        if await self._parts.administrators.include(message.chat.id, query.from_user.id):
            return True
        say = await sentences_for(self._parts, query)
        await self._parts.delivery.acknowledge(query, say("training.administrators_only"), alert=True)
        return False


def _is_ours(message: Message, bot_id: int) -> bool:
    return message.from_user is not None and message.from_user.id == bot_id

"""What rounds of practice and exams have in common: one message of a private chat that turns its pages.

A step is kept first and shown then; where showing it fails, the next press of any button shows what is true.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from telegram import CallbackQuery, Message

from bot.storage.practice import Run, RunKind
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.presses import has_room
from bot.telegram.speaking import is_group, sentences_for
from bot.training.practice import Schedule, Standing


def schedule_for(parts: Parts) -> Schedule:
    """Intervals grow to half of the retention: whoever is late by as much again has lost nothing."""
    return Schedule(timedelta(days=parts.retention_days) / 2)


async def run_behind(
    parts: Parts, query: CallbackQuery, message: Message | None, kind: RunKind, turn: int | None
) -> Run | None:
    """The run that this message shows, or whose turn the button carries; None, said politely, where it is neither."""
    run = None
    if message is not None and not is_group(message):
        run = await parts.database.practice.run(query.from_user.id, kind)
    if message is None or run is None or (run.turn != turn and run.message_id != message.message_id):
        await say_old(parts, query)
        return None
    return run


async def say_old(parts: Parts, query: CallbackQuery) -> None:
    """A page that leads nowhere any more."""
    say = await sentences_for(parts, query)
    await parts.delivery.acknowledge(query, say("practice.old"), alert=True)


async def take_step(
    parts: Parts,
    query: CallbackQuery,
    message: Message,
    run: Run,
    state: Mapping[str, Any],
    page: Outgoing,
    answered: Iterable[Standing] = (),
) -> bool:
    """Keep a press's step and show the page after it; False where the chat is busy, or somebody was quicker."""
    if not await has_room(parts, query, message):
        return False
    kept = await parts.database.practice.step(run, state, parts.clock(), answered)
    await parts.delivery.acknowledge(query)
    if kept is not None:
        await parts.delivery.edit(message.chat_id, message.message_id, page)
    return kept is not None


async def show_first(
    parts: Parts, message: Message, kind: RunKind, state: Mapping[str, Any], page: Callable[[int], Outgoing]
) -> bool:
    """Keep a run and send its first page (of that turn) in reply to a command; False where it was not sent."""
    run = await parts.database.practice.begin(message.chat_id, kind, 0, state, parts.clock())
    sent = await parts.delivery.reply(message, page(run.turn))
    if sent is not None:
        await parts.database.practice.shown_in(run, sent)
    return sent is not None


async def show_first_here(
    parts: Parts,
    query: CallbackQuery,
    message: Message,
    kind: RunKind,
    state: Mapping[str, Any],
    page: Callable[[int], Outgoing],
) -> bool:
    """Keep a run and show its first page in the message whose button was pressed; False where the chat is busy."""
    if not await has_room(parts, query, message):
        return False
    run = await parts.database.practice.begin(query.from_user.id, kind, message.message_id, state, parts.clock())
    await parts.delivery.acknowledge(query)
    await parts.delivery.edit(message.chat_id, message.message_id, page(run.turn))
    return True

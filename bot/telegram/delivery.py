"""Outgoing -> Telegram: the one door through which anything in a chat is changed.

Calls to one chat go one after another, as often as `pacing` allows; where Telegram asks to wait, that chat waits and no
other. A chat that is closed to the bot is left in peace until somebody writes there. What Telegram refuses to format is
sent once more as plain text.

Once: a message is sent at once, and only where nobody knows whether it arrived (a time-out, a broken answer, a crash)
is it looked for before it is sent again, by editing what may be it into the very same (`seeking`). An answer that was
slow and comes after all is used where it is still wanted, and its message deleted where another took its place.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from telegram import (
    CallbackQuery,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResult,
    Message,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.telegram.metering import Meter
from bot.telegram.outgoing import Outgoing, bare, keyboard_json
from bot.telegram.pacing import ChatPacing
from bot.telegram.polls import Counted, Poll, SentPoll, read_counts, read_sent
from bot.telegram.rawbot import RawBot
from bot.telegram.refusals import Refusal, read_refusal
from bot.telegram.seeking import Traces, seek
from bot.telegram.transport import NotSent

MOST_WAITING: Final = 50
"""Calls that may wait for one chat; the next one is given up at once."""
PATIENCE_S: Final = 600.0
"""How long a call may wait, for its turn or for what Telegram asks, before it is given up."""
EDIT_PATIENCE_S: Final = 60.0
ATTEMPTS: Final = 4
"""How often a press or an inline query is answered: they do not live long."""
SEND_S: Final = 8.0
"""How long the answer to a message that was sent is waited for before the message is looked for."""
LATE_S: Final = 60.0
"""How long a slow answer is listened for after that."""
CLOSED_S: Final = 600.0
THINKING_S: Final = 0.3
MOST_THINKING: Final = 16
"""Questions being answered at once, beyond which typing is not shown: it would only make everybody wait longer."""
TYPING_S: Final = 4.5
"""Telegram shows the bot typing for five seconds."""

_LONGEST_PAUSE_S: Final = 5.0
_QUERY_PATIENCE_S: Final = 10.0
_HTML: Final = str(ParseMode.HTML)
_NO_PREVIEW: Final = {"is_disabled": True}
_TOO_MANY: Final = "too many requests"

Result = TypeVar("Result")
Moved = Callable[[int, int], Awaitable[None]]

log = logging.getLogger(__name__)


class _GivenUp(Exception):
    """The call was not made, or not to its end; the reason has been logged."""


@dataclass(slots=True)
class _Fate:
    """What became of one message: where it stands, once that is known.

    `after`: the message that it follows, None where it cannot be looked for; `unsure`: it may stand already.
    """

    after: int | None
    unsure: bool
    landed: int | None = None

    def doubt(self) -> bool:
        """It may stand by now; whether it can be looked for."""
        self.unsure = True
        return self.after is not None


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Delivery:
    """Sends, edits and acknowledges; never raises for what Telegram answers.

    `moved` is told the old and the new id of a group that has become a supergroup.
    """

    def __init__(
        self,
        bot: RawBot,
        moved: Moved,
        *,
        meter: Meter | None = None,
        pacing: ChatPacing | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot, self._tell_moved = bot, moved
        self._pacing = ChatPacing(clock=clock) if pacing is None else pacing
        self._meter = Meter() if meter is None else meter
        self._clock, self._sleep = clock, sleep
        self._turns: dict[int, _Turn] = {}
        self._closed: dict[int, float] = {}
        self._successors: dict[int, int] = {}
        self._untold: dict[int, int] = {}
        self.traces = Traces()
        self._background: set[asyncio.Task[object]] = set()
        self._thinking = 0

    async def reply(self, message: Message, outgoing: Outgoing | Sequence[Outgoing]) -> int | None:
        """Reply in the same chat and topic; the id of the first message sent, or None where none was."""
        several = [outgoing] if isinstance(outgoing, Outgoing) else outgoing
        unsure = self.traces.is_suspect(message.chat_id, message.message_id)
        first: int | None = None
        after = message.message_id
        for one in several:
            reply_to = message.message_id if one is several[0] else None
            sent = await self.send(
                message.chat_id, one, topic=_topic(message), reply_to=reply_to, after=after, unsure=unsure
            )
            if sent is None:
                break
            first, after = first or sent, sent
        return first

    async def send(
        self,
        chat_id: int,
        outgoing: Outgoing,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        after: int | None = None,
        unsure: bool = False,
    ) -> int | None:
        """Send one message; its id, or None where it was not sent.

        `after`: the message that it follows, by which it is found again if need be; `unsure`: it may have been sent.
        """
        fate = _Fate(after, unsure)

        async def post(current: int, one: Outgoing, answers: int | None = reply_to) -> int:
            if fate.landed is not None:
                return fate.landed
            if current != chat_id:  # the former group's messages and topics are unknown in the new one
                return await self._post_in_time(current, one, None, None, fate)
            if fate.unsure and fate.after is not None:
                found = await self._seek(current, one, fate.after)
                fate.unsure = False
                if fate.landed is None:
                    fate.landed = found
                if fate.landed is not None:
                    return fate.landed
                await self._wait_for_room(current)
                self._pacing.spend(current)
            return await self._post_in_time(current, one, topic, answers, fate)

        try:
            try:
                with self._meter.timing("send"):
                    sent = await self._in_turn(chat_id, lambda current: post(current, outgoing), fate=fate)
            except BadRequest as exc:
                refusal = read_refusal(exc.message)
                if refusal is Refusal.TOPIC or self._closes(chat_id, refusal) or outgoing.document is not None:
                    raise
                log.warning("a message was refused (%s); sent again, plainer", refusal.value)
                plainer = outgoing if refusal is Refusal.REPLY else _plainer(outgoing, refusal)
                answers = reply_to if refusal is Refusal.PICTURE else None
                sent = await self._in_turn(chat_id, lambda current: post(current, plainer, answers), fate=fate)
        except (TelegramError, _GivenUp) as exc:
            self._say_failed("message", exc)
            return None
        fate.landed = sent
        self.traces.sent(chat_id, sent)
        return sent

    async def send_poll(
        self, chat_id: int, poll: Poll, *, topic: int | None = None, reply_to: int | None = None
    ) -> SentPoll | Refusal | None:
        """Send a poll: where it stands; why Telegram refuses it; None where it could not be sent at all."""

        async def post(current: int) -> SentPoll:
            here: dict[str, Any] = {}
            if current == chat_id:
                here = {"message_thread_id": topic, "reply_parameters": _replying(reply_to)}
            return read_sent(await self._bot.call("sendPoll", chat_id=current, **poll.fields(), **here))

        try:
            return await self._in_turn(chat_id, post)
        except BadRequest as exc:
            self._say_failed("poll", exc)
            return read_refusal(exc.message)
        except (TelegramError, _GivenUp) as exc:
            self._say_failed("poll", exc)
            return None

    async def stop_poll(self, chat_id: int, message_id: int) -> Counted | Refusal | None:
        """End a poll: its last counts; why Telegram refuses (it has ended by itself); None where it was not reached."""

        async def stop(current: int) -> Counted:
            return read_counts(await self._bot.call("stopPoll", chat_id=current, message_id=message_id))

        try:
            return await self._in_turn(chat_id, stop, repeatable=True)
        except BadRequest as exc:
            return read_refusal(exc.message)
        except (TelegramError, _GivenUp) as exc:
            self._say_failed("end of a poll", exc)
            return None

    async def edit(self, chat_id: int, message_id: int, outgoing: Outgoing) -> bool:
        """Put other words and buttons into a message; False where it can no longer be edited."""
        try:
            try:
                await self._in_turn(
                    chat_id, lambda current: self._change(current, message_id, outgoing), repeatable=True
                )
            except BadRequest as exc:
                refusal = read_refusal(exc.message)
                if refusal is Refusal.UNCHANGED:
                    return True
                if refusal not in (Refusal.MARKUP, Refusal.LENGTH, Refusal.BUTTONS):
                    raise
                log.warning("an edit was refused (%s); made again, plainer", refusal.value)
                plainer = _plainer(outgoing, refusal)
                await self._in_turn(
                    chat_id, lambda current: self._change(current, message_id, plainer), repeatable=True
                )
        except (TelegramError, _GivenUp) as exc:
            self._say_failed("edit", exc)
            return False
        return True

    async def draft(self, message: Message, outgoing: Outgoing) -> None:
        """Show in a private chat what is still being written to that message; left out where it cannot be now."""
        await self._in_passing(
            message.chat_id,
            lambda current: self._bot.call(
                "sendMessageDraft",
                chat_id=current,
                draft_id=message.message_id,  # those of one answer grow into one another
                text=outgoing.html,
                parse_mode=_HTML,
                message_thread_id=_topic(message),
            ),
        )

    async def reply_in_passing(self, message: Message, outgoing: Outgoing) -> int | None:
        """Reply if that can be done at once; the message's id, or None where it was left out."""
        return await self._in_passing(
            message.chat_id, lambda current: self._post(current, outgoing, _topic(message), message.message_id)
        )

    async def edit_in_passing(self, chat_id: int, message_id: int, outgoing: Outgoing) -> None:
        """Edit a message if that can be done at once; left out otherwise."""
        await self._in_passing(chat_id, lambda current: self._change(current, message_id, outgoing))

    async def edit_keyboard(self, chat_id: int, message_id: int, keyboard: InlineKeyboardMarkup | None) -> bool:
        """Change the buttons alone; None takes them away. False where the message can no longer be edited."""

        async def change(current: int) -> None:
            await self._bot.edit_message_reply_markup(chat_id=current, message_id=message_id, reply_markup=keyboard)

        try:
            await self._in_turn(chat_id, change, repeatable=True)
        except BadRequest as exc:
            if read_refusal(exc.message) is Refusal.UNCHANGED:
                return True
            self._say_failed("edit", exc)
            return False
        except (TelegramError, _GivenUp) as exc:
            self._say_failed("edit", exc)
            return False
        return True

    async def typing(self, message: Message) -> None:
        """Show that the bot types, unless the chat is to be left alone; never waits, never fails."""
        chat_id = self._successors.get(message.chat_id, message.chat_id)
        if self._pacing.delay_s(chat_id) == 0 and not self._is_closed(chat_id):
            self._spawn(self._show_typing(chat_id, _topic(message)))

    @contextmanager
    def thinking(self, message: Message) -> Iterator[None]:
        """Around slow work: shows that the bot types once it takes longer than some 300 ms, until it is done."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def show() -> None:
            nonlocal timer
            if self._thinking <= MOST_THINKING:
                self._spawn(self.typing(message))
            timer = loop.call_later(TYPING_S, show)

        timer = loop.call_later(THINKING_S, show)
        self._thinking += 1
        try:
            yield
        finally:
            self._thinking -= 1
            timer.cancel()

    async def acknowledge(
        self, query: CallbackQuery, text: str | None = None, *, alert: bool = False, url: str | None = None
    ) -> None:
        """Answer a press of a button, with a word or by opening a link; one that is too old is no error."""
        await self._answer_query(lambda: self._bot.answer_callback_query(query.id, text, show_alert=alert, url=url))

    async def answer_inline(
        self,
        query: InlineQuery,
        results: Sequence[InlineQueryResult],
        *,
        cache_s: int,
        personal: bool,
    ) -> None:
        """Answer an inline query; one that is too old is no error."""
        await self._answer_query(
            lambda: self._bot.answer_inline_query(query.id, results, cache_time=cache_s, is_personal=personal)
        )

    def takes_press(self, chat_id: int) -> bool:
        """Whether what a press asks for may be done now: not where the chat must wait, nor at the cost of answers."""
        return self._pacing.take_press(self._successors.get(chat_id, chat_id))

    def heard_from(self, chat_id: int) -> None:
        """Somebody wrote there: a chat that was closed to the bot may be tried again."""
        self._closed.pop(chat_id, None)

    async def migrate(self, old_id: int, new_id: int) -> None:
        """A group has become a supergroup: what is meant for the old id goes to the new one from now on."""
        if self._successors.get(old_id) == new_id and old_id not in self._untold:
            return
        self._successors[old_id] = self._untold[old_id] = new_id
        try:
            await self._tell_moved(old_id, new_id)
        except Exception as exc:  # whatever storage says, the reply goes out; it is told again later
            log.error("a group's new id could not be stored yet (%s)", type(exc).__name__)
        else:
            self._untold.pop(old_id, None)

    async def catch_up(self) -> None:
        """Tell of the groups whose new id could not be stored before."""
        for old_id, new_id in list(self._untold.items()):
            await self.migrate(old_id, new_id)

    async def close(self) -> None:
        """End what runs in the background."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _seek(self, chat_id: int, outgoing: Outgoing, after: int) -> int | None:
        """Our message with that content, if it stands already."""

        async def change(candidate: int) -> None:
            await self._wait_for_room(chat_id)
            self._pacing.spend(chat_id)
            if outgoing.photo is None:
                await self._change(chat_id, candidate, outgoing)
            else:
                await self._bot.edit_message_caption(
                    chat_id, candidate, caption=outgoing.html or None, parse_mode=ParseMode.HTML
                )

        found = await seek(chat_id, after, self.traces.ours(chat_id), change)
        if found is None:
            self.traces.not_found(chat_id)
        else:
            log.info("a message that was in doubt has arrived")
        return found

    async def _wait_for_room(self, chat_id: int, until: float = math.inf) -> None:
        while (delay_s := self._pacing.delay_s(chat_id)) > 0:
            if self._clock() + delay_s > until:
                raise _GivenUp("Telegram asks to wait too long")
            await self._sleep(delay_s)

    async def _post_in_time(
        self, chat_id: int, outgoing: Outgoing, topic: int | None, reply_to: int | None, fate: _Fate
    ) -> int:
        """Send one message; where its answer is slow, go on without it and see to it when it comes."""
        posting = asyncio.ensure_future(self._post(chat_id, outgoing, topic, reply_to))
        try:
            await asyncio.wait((posting,), timeout=SEND_S)
        except asyncio.CancelledError:
            posting.cancel()
            raise
        if posting.done():
            return posting.result()
        self._spawn(self._await_late(posting, chat_id, fate))
        raise TimedOut

    async def _await_late(self, posting: "asyncio.Future[int]", chat_id: int, fate: _Fate) -> None:
        try:
            late = await posting
        except TelegramError:
            return
        if fate.landed is None:
            fate.landed = late
        elif fate.landed != late:
            with suppress(TelegramError):
                await self._bot.delete_message(chat_id, late)

    async def _post(self, chat_id: int, outgoing: Outgoing, topic: int | None, reply_to: int | None) -> int:
        """Send one message; its id."""
        if outgoing.photo is not None:
            message = await self._bot.send_photo(
                chat_id,
                outgoing.photo,
                caption=outgoing.html or None,
                parse_mode=ParseMode.HTML,
                reply_markup=outgoing.keyboard,
                message_thread_id=topic,
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
                read_timeout=LATE_S,
            )
            return message.message_id
        if outgoing.document is not None:
            message = await self._bot.send_document(
                chat_id,
                outgoing.document.content,
                filename=outgoing.document.name,
                caption=outgoing.html or None,
                parse_mode=ParseMode.HTML,
                message_thread_id=topic,
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
            )
            return message.message_id
        sent = await self._bot.call(
            "sendMessage",
            read_timeout_s=LATE_S,
            chat_id=chat_id,
            text=outgoing.html,
            parse_mode=_HTML,
            reply_markup=keyboard_json(outgoing.keyboard),
            message_thread_id=topic,
            reply_parameters=_replying(reply_to),
            link_preview_options=_NO_PREVIEW,
        )
        if not isinstance(sent, dict) or not isinstance(sent.get("message_id"), int):
            raise TelegramError("no message in the answer")
        return int(sent["message_id"])

    async def _change(self, chat_id: int, message_id: int, outgoing: Outgoing) -> None:
        await self._bot.call(
            "editMessageText",
            text=outgoing.html,
            chat_id=chat_id,
            message_id=message_id,
            parse_mode=_HTML,
            reply_markup=keyboard_json(outgoing.keyboard),
            link_preview_options=_NO_PREVIEW,
        )

    async def _in_passing(self, chat_id: int, call: Callable[[int], Awaitable[Result]]) -> Result | None:
        """Make a call once, and only where its chat is free; None where it was not made, or was refused."""
        current = self._successors.get(chat_id, chat_id)
        if current != chat_id or chat_id in self._turns:
            return None
        if self._is_closed(chat_id) or not self._pacing.has_room(chat_id):
            return None
        async with self._turn(chat_id):
            self._pacing.spend(chat_id)
            try:
                return await call(chat_id)
            except RetryAfter as exc:
                self._pacing.rest(chat_id, _seconds(exc))
            except TelegramError as exc:  # whatever it is, the last word meets it again
                log.debug("something in passing failed: %s", type(exc).__name__)
        return None

    async def _in_turn(
        self,
        chat_id: int,
        call: Callable[[int], Awaitable[Result]],
        *,
        repeatable: bool = False,
        fate: _Fate | None = None,
    ) -> Result:
        """Make a call when its chat's turn has come, again and again until Telegram has decided about it.

        `repeatable`: making it twice changes nothing. Otherwise the call itself looks, by `fate`, for what it has done.
        """
        started, attempt = self._clock(), 1
        async with self._turn(chat_id):
            while True:
                current = self._successors.get(chat_id, chat_id)
                if self._is_closed(current):
                    raise _GivenUp("the chat is closed to the bot")
                await self._wait_for_room(current, started + PATIENCE_S)
                self._pacing.spend(current)
                try:
                    return await call(current)
                except RetryAfter as exc:
                    self._meter.retried("RetryAfter")
                    self._pacing.rest(current, _seconds(exc))
                    log.info("Telegram asks to leave a chat alone for %s s", _seconds(exc))
                except ChatMigrated as exc:
                    if attempt >= ATTEMPTS:
                        raise
                    attempt += 1
                    await self.migrate(current, exc.new_chat_id)
                except Forbidden:
                    self._closed[current] = self._clock() + CLOSED_S
                    raise
                except BadRequest:
                    raise
                except TelegramError as exc:
                    if self._clock() - started > (EDIT_PATIENCE_S if repeatable else PATIENCE_S):
                        raise
                    if not repeatable and not _never_arrived(exc) and not (fate and fate.doubt()):
                        raise
                    self._meter.retried(type(exc).__name__)
                    await self._sleep(_jitter(attempt))
                    attempt += 1

    @asynccontextmanager
    async def _turn(self, chat_id: int) -> AsyncIterator[None]:
        turn = self._turns.setdefault(chat_id, _Turn())
        if turn.waiting >= MOST_WAITING:
            raise _GivenUp("too much waits for one chat")
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[chat_id]

    async def _answer_query(self, call: Callable[[], Awaitable[object]]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await call()
            except RetryAfter as exc:
                if _seconds(exc) > _QUERY_PATIENCE_S:
                    return
                await self._sleep(_seconds(exc))
            except BadRequest as exc:
                if read_refusal(exc.message) is not Refusal.TOO_OLD:
                    self._say_failed("answer to a query", exc)
                return
            except NetworkError:
                await self._sleep(_jitter(attempt))
            except TelegramError as exc:
                self._say_failed("answer to a query", exc)
                return
            else:
                return

    async def _show_typing(self, chat_id: int, topic: int | None) -> None:
        try:
            await self._bot.send_chat_action(chat_id, ChatAction.TYPING, message_thread_id=topic)
        except RetryAfter as exc:
            self._pacing.rest(chat_id, _seconds(exc))
        except TelegramError:
            log.debug("typing could not be shown")

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _is_closed(self, chat_id: int) -> bool:
        until = self._closed.get(chat_id)
        if until is not None and self._clock() >= until:
            del self._closed[chat_id]
            return False
        return until is not None

    def _closes(self, chat_id: int, refusal: Refusal) -> bool:
        if refusal is Refusal.CLOSED:
            self._closed[self._successors.get(chat_id, chat_id)] = self._clock() + CLOSED_S
        return refusal is Refusal.CLOSED

    def _say_failed(self, what: str, exc: Exception) -> None:
        """One line, with no word of what was sent: a refusal's own text may quote it."""
        if isinstance(exc, Forbidden):
            log.info("a chat no longer accepts messages")
        elif isinstance(exc, BadRequest):
            log.warning("%s refused: %s", what, read_refusal(exc.message).value)
        elif isinstance(exc, _GivenUp):
            log.info("%s given up: %s", what, exc)
        else:
            log.warning("%s failed: %s", what, type(exc).__name__)


def _topic(message: Message) -> int | None:
    return message.message_thread_id if message.is_topic_message else None


def _replying(reply_to: int | None) -> dict[str, Any] | None:
    return {"message_id": reply_to, "allow_sending_without_reply": True} if reply_to else None


def _plainer(outgoing: Outgoing, refusal: Refusal) -> Outgoing:
    """The same message without what was refused; where that is not known, bare words."""
    if refusal is Refusal.BUTTONS:
        return replace(outgoing, keyboard=None)
    if refusal is Refusal.PICTURE:
        return replace(outgoing, photo=None)
    if refusal in (Refusal.MARKUP, Refusal.LENGTH):
        return bare(outgoing)
    return replace(bare(outgoing), keyboard=None, photo=None)


def _seconds(exc: RetryAfter) -> float:
    wait = exc.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _never_arrived(exc: TelegramError) -> bool:
    """Whether Telegram has surely done nothing: it refused, or the request never left."""
    refused = isinstance(exc, InvalidToken | Conflict) or _TOO_MANY in exc.message.casefold()
    return refused or isinstance(exc, NotSent)


def _jitter(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * min(0.4 * 2.0**attempt, _LONGEST_PAUSE_S)  # noqa: S311 - no secret

"""Brings sessions into their groups: posts each step, ends polls, minds the time, hears votes and replies.

press ─▶ Ledgers.do(advance) ─▶ events ─▶ posters ─▶ delivery            vote, counts, reply ─▶ Ledgers.put(vote, tally)

What a session needs stands in its events: after a restart, whatever was not posted is posted, and the time runs on. A
poll ends in Telegram first; its last update comes behind every vote that was cast in time, and only then is the answer
shown, so that a vote under way is counted and one that is too late is not.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from telegram import Message

from bot.errors import StorageError
from bot.storage.recent import Recent
from bot.storage.review import without_names
from bot.telegram import posters
from bot.telegram.delivery import Delivery
from bot.telegram.lanes import Lanes
from bot.telegram.outgoing import Outgoing
from bot.telegram.polls import Counted, SentPoll
from bot.telegram.speaking import speaker_id
from bot.training import scoring, session
from bot.training.ledgers import Gone, Header, Ledgers
from bot.training.model import Refusal, Round, SessionPlan, SessionState, Snapshot, Step
from bot.training.session import Drafts, voter_of
from bot.training.showing import label_of
from prompts import Language, Replies

NAMES_KEPT: Final = timedelta(days=7)
SEAL_S: Final = 3.0
"""How long after the end of a poll its last update is waited for."""
FINISH_S: Final = 3.0
"""How long a step that is being posted may take after SIGTERM; it is posted at the next start otherwise."""
BEHIND_S: Final = 3.0
"""How long after its time a poll is ended by hand that Telegram should have ended."""
FRESH_S: Final = 5.0
MAX_ASKED: Final = 200
_LOOKS_S: Final = (0.05, 0.2, 0.5, 1.0)
"""Pauses between looks for a poll that is not known (yet): another replica may just have sent it."""
_PATIENCE_S: Final = 60.0
_MOST_KNOWN: Final = 10_000
_NOT_SENT: Final = Refusal("training.not_sent")

Found = TypeVar("Found")

Where = tuple[int, int]
"""A session and one of its steps."""

log = logging.getLogger(__name__)


class Conducting:
    """The sessions of all groups. Implements `model.Conductor`; where a method raises StorageError, nothing changed."""

    def __init__(
        self,
        delivery: Delivery,
        ledgers: Ledgers,
        replies: Mapping[Language, Replies],
        username: str,
        clock: Callable[[], datetime],
        *,
        lanes: Lanes | None = None,
        retention: timedelta = NAMES_KEPT,
        projects: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.ledgers = ledgers
        self._delivery, self._replies, self._username = delivery, replies, username
        self._clock, self._sleep = clock, sleep
        self._lanes = Lanes() if lanes is None else lanes
        self._names_kept = min(retention, NAMES_KEPT)
        self._projects = projects
        self._polls: Recent[str, Where | None] = Recent(_MOST_KNOWN)
        self._running: dict[int, Header] = {}
        self._looked_at, self._outdated = -math.inf, False
        self._looking: asyncio.Task[None] | None = None
        self._headers: Recent[int, Header] = Recent(_MOST_KNOWN)
        self._sending: dict[int, asyncio.Event] = {}
        self._stopping: set[Where] = set()
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # The trainer, or whoever the wall obeys.

    async def open(self, chat_id: int, topic_id: int, trainer_id: int, plan: SessionPlan) -> Header | None:
        """Begin a session and post its first step; None where one runs in that group."""
        header = await self.ledgers.open(chat_id, topic_id, trainer_id, plan, self._clock())
        self._look_again()
        if header is not None:
            await self._post_step(header.id, 0)
        return header

    async def advance(self, session_id: int, cursor: int) -> Refusal | None:
        """Move on from where `cursor` points; a step that was reached and could not be posted is posted instead."""
        try:
            state = await self.ledgers.state(session_id)
        except Gone:
            return Refusal("training.over")
        now = state.round
        if state.running and now is not None and now.message_id is None:
            return None if await self._post_step(session_id, state.current) else _NOT_SENT
        if state.running and cursor == state.cursor and state.phase == "open" and now is not None and now.poll_id:
            return None if await self._end_poll(session_id, now) else _NOT_SENT
        await self._hear_out(session_id)
        return await self._do(session_id, lambda state: session.advance(state, cursor, self._clock()))

    async def prolong(self, session_id: int, cursor: int) -> Refusal | None:
        """Two more minutes for a discussion."""
        refusal = await self._do(
            session_id, lambda state: session.prolong(state, cursor, posters.LONGER_S, self._clock())
        )
        if refusal is None:
            self._mind_time(session_id, await self.ledgers.state(session_id))
        return refusal

    async def end(self, session_id: int) -> Refusal | None:
        """End a session wherever it stands; a poll that is open is stopped."""
        state = await self.ledgers.state(session_id)
        header = await self.header(session_id)
        if header and state.round and state.phase == "open" and state.round.poll_id and state.round.message_id:
            await self._delivery.stop_poll(header.chat_id, state.round.message_id)
        return await self._do(session_id, lambda state: session.close(state, self._clock()))

    # Everybody else.

    async def join(self, session_id: int, person_id: int, team: int) -> Refusal | None:
        """Somebody chooses a team."""
        header = await self.header(session_id)
        if header is None or header.closed_at:
            return Refusal("training.over")
        voter = voter_of(header.salt, person_id)
        return await self._do(session_id, lambda state: session.join(state, voter, team, self._clock()))

    async def hear_vote(self, poll_id: str, person_id: int, choice: Iterable[int]) -> None:
        """Somebody votes in a public poll, changes their vote or takes it back."""
        chosen = tuple(choice)
        if (found := await self._find(poll_id)) is None:
            return
        session_id, step = found
        header = await self._header_of(session_id)
        if header is None or header.closed_at:
            return
        voter = voter_of(header.salt, person_id)
        self._put_vote(session_id, step, voter, chosen, self._clock())
        await self._end_if_won(session_id, step, chosen)

    async def hear_counts(self, poll_id: str, counts: Counted, *, closed: bool) -> None:
        """Telegram tells how a poll stands, or how it ended."""
        if (found := await self._find(poll_id)) is None:
            return
        session_id, step = found
        if not closed:
            self.ledgers.put(session_id, partial(self._tally, step, counts))
            return
        try:
            await self._do(session_id, lambda state: self._reveal(state, step, counts))
        except Gone:
            return

    async def hear_reply(self, message: Message, replied_id: int) -> bool:
        """Somebody replies to a message of ours: whether it belonged to a session and is dealt with.

        A reply to an open item is an answer; one to anything else of a session is talk among people, and left alone,
        but where questions are asked for.
        """
        header = await self.running_in(message.chat.id)
        if header is None:
            return False
        state = await self.ledgers.state(header.id, fresh=False)
        found = next((now for now in state.rounds.values() if replied_id in (now.message_id, now.reveal_id)), None)
        if found is None or state.plan is None:
            return False
        step = state.plan.steps[found.step]
        if step.item is not None and not found.poll_id and replied_id == found.message_id:
            choice = session.read_reply(step.item, message.text or "")
            if choice is not None:
                voter = voter_of(header.salt, speaker_id(message))
                self._put_vote(header.id, found.step, voter, choice, message.date)
                await self._end_if_won(header.id, found.step, choice)
        return step.kind != "questions"

    async def note_asked(self, chat_id: int, question: str, articles: Iterable[int]) -> None:
        """A question was put to the bot in a group: kept for the papers, without who asked, if a session runs there."""
        try:
            header = await self.running_in(chat_id)
        except StorageError as exc:
            log.error("%s", exc)
            return
        if header is not None:
            words, cited = without_names(question)[:MAX_ASKED], tuple(articles)
            self.ledgers.put(header.id, lambda state: session.note_asked(state, words, cited, self._clock()))

    # What is known of sessions.

    async def header(self, session_id: int) -> Header | None:
        """Where a session runs and who leads it, as it stands now."""
        return await self.ledgers.kept.header(session_id)

    async def running_in(self, chat_id: int) -> Header | None:
        """The session that runs in a group, as known some seconds ago: every message of every group asks."""
        while asyncio.get_running_loop().time() - self._looked_at >= FRESH_S:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)  # whoever waits shares what is found, a failure too
        return self._running.get(chat_id)

    async def _look(self) -> None:
        self._outdated = False
        try:
            self._running = {header.chat_id: header for header in await self.ledgers.kept.all_running()}
            self._looked_at = -math.inf if self._outdated else asyncio.get_running_loop().time()
        finally:
            self._looking = None

    def _look_again(self) -> None:
        """What is known of the running sessions, and what is being looked up, holds no more."""
        self._looked_at, self._outdated = -math.inf, True

    def way_to_wall(self, session_id: int) -> str:
        """A link by which the trainer is told, in private, where the projector page is; empty where there is none."""
        return f"https://t.me/{self._username}?start=w{session_id}" if self._projects else ""

    def names_until(self, header: Header) -> datetime:
        """Until when the names of those who agree are kept."""
        return header.opened_at + self._names_kept

    def expect_stray(self, poll_id: str) -> None:
        """A poll that we have sent and that belongs to no session."""
        self._polls[poll_id] = None

    # Life.

    async def resume(self) -> None:
        """After a start: post what was not posted, and let the time run on."""
        for header in await self.ledgers.kept.all_running():
            try:
                state = await self.ledgers.state(header.id)
                if state.round is not None and state.round.message_id is None:
                    await self._post_step(header.id, state.current)
                elif state.round is not None and _waits_for_answer(state, state.round):
                    await self._post_answer(header.id, state.current)
                self._mind_time(header.id, await self.ledgers.state(header.id))
            except (Gone, StorageError) as exc:
                log.error("a session could not be taken up again: %s", exc or type(exc).__name__)

    async def close(self) -> None:
        """Let timers go; what is being done is finished, what is in line is written."""
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*self._timers.values(), return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.ledgers.close()

    # Commands, and what follows from them.

    async def _do(self, session_id: int, decide: Callable[[SessionState], Drafts | Refusal]) -> Refusal | None:
        try:
            decided = await self.ledgers.do(session_id, decide)
        except Gone:
            return Refusal("training.over")
        if isinstance(decided, Refusal):
            return decided
        for draft in decided:
            if draft.kind == "entered" and len(decided) == 1:
                return None if await self._post_step(session_id, draft.payload["step"]) else _NOT_SENT
            if draft.kind == "revealed":
                await self._post_answer(session_id, draft.payload["step"])
            elif draft.kind == "closed":
                await self._say_farewell(session_id)
        return None

    async def _post_step(self, session_id: int, step: int) -> bool:
        """Post a step; False where it could not be sent."""
        if session_id in self._sending:  # pressed again while it is being sent
            return True
        self._sending[session_id] = sent = asyncio.Event()
        try:
            message_id, poll_id = await self._send_step(session_id, step)
            if message_id is None:
                return False
            if poll_id:
                self._polls[poll_id] = (session_id, step)
            await self.ledgers.do(
                session_id,
                lambda state: session.note_posted(state, step, "step", self._clock(), message_id, poll_id),
            )
        finally:
            del self._sending[session_id]
            sent.set()
        await self._brief_trainer(session_id, step)
        self._mind_time(session_id, await self.ledgers.state(session_id))
        return True

    async def _send_step(self, session_id: int, step: int) -> tuple[int | None, str]:
        """Where a step stands now, and its poll if it is one; a poll that Telegram refuses is asked in words."""
        header, state = await self._known(session_id)
        shown, say = await self._show(session_id)
        assert state.plan is not None  # noqa: S101 - it runs
        here = state.plan.steps[step]
        if here.item is not None and here.item.options:
            poll = posters.item_poll(shown, here.item, label_of(here.item.article), say, here.seconds)
            sent = await self._delivery.send_poll(header.chat_id, poll, topic=header.topic_id or None)
            if isinstance(sent, SentPoll):
                return sent.message_id, sent.poll_id
            if sent is None:
                return None, ""
            log.warning("a poll of a session was refused (%s): the question goes out in words", sent.value)
        outgoing = self._poster(header, here, shown, say)
        return await self._delivery.send(header.chat_id, outgoing, topic=header.topic_id or None), ""

    async def _brief_trainer(self, session_id: int, step: int) -> None:
        """The notes on a case go to whoever leads, in private, where they have ever spoken to the bot."""
        header, state = await self._known(session_id)
        case = state.plan.steps[step].case if state.plan else None
        if case is not None and case.notes and header.trainer_id > 0:
            say = self._replies[state.plan.language if state.plan else "zh"]
            self._spawn(self._delivery.send(header.trainer_id, posters.notes_poster(case, say)))

    def _poster(self, header: Header, step: Step, shown: Snapshot, say: Replies) -> Outgoing:
        match step.kind:
            case "agenda":
                door = self.way_to_wall(shown.session_id)
                return posters.agenda_poster(shown, say, self.names_until(header), door)
            case "questions":
                return posters.questions_poster(shown, say, self._username)
            case "case":
                return posters.case_poster(shown, say, step.seconds // 60)
            case "item":
                return posters.open_item_poster(shown, say)
            case _:
                return posters.board_poster(shown, say)

    async def _post_answer(self, session_id: int, step: int) -> None:
        self._drop_timer(session_id)
        header, state = await self._known(session_id)
        if state.current != step or state.plan is None:
            return
        shown, say = await self._show(session_id)
        here, now = state.plan.steps[step], state.rounds[step]
        if here.item is not None:
            went = scoring.outcome(state.plan, here.item, now)
            first = await self._first(session_id, state.plan, went)
            outgoing = posters.item_answer_poster(shown, say, went.known, first)
        else:
            outgoing = posters.case_articles_poster(shown, say)
        sent = await self._delivery.send(header.chat_id, outgoing, topic=header.topic_id or None)
        if sent is not None:
            self.ledgers.put(session_id, lambda state: session.note_posted(state, step, "reveal", self._clock(), sent))

    async def _first(self, session_id: int, plan: SessionPlan, went: scoring.Outcome) -> str:
        """The name of who was first, where that counts and they agreed."""
        if plan.pace != "first" or not went.right:
            return ""
        return (await self.ledgers.kept.names(session_id)).get(went.right[0][0], "")

    async def _say_farewell(self, session_id: int) -> None:
        self._drop_timer(session_id)
        header, _ = await self._known(session_id)
        self._look_again()
        self._headers.pop(session_id)
        shown, say = await self._show(session_id)
        outgoing = posters.farewell_poster(shown, say, self.names_until(header))
        await self._delivery.send(header.chat_id, outgoing, topic=header.topic_id or None)

    # Polls.

    async def _end_poll(self, session_id: int, now: Round) -> bool:
        """Let Telegram end a poll, wait for its last update, and show the answer; False where it was not reached."""
        where = (session_id, now.step)
        if where in self._stopping or now.message_id is None:
            return True
        self._stopping.add(where)
        try:
            header, _ = await self._known(session_id)
            stopped = await self._delivery.stop_poll(header.chat_id, now.message_id)
            if stopped is None:
                return False
            counts = stopped if isinstance(stopped, Counted) else None
            if not await self._is_revealed(session_id, now.step):
                await self._do(session_id, lambda state: self._reveal(state, now.step, counts))
        finally:
            self._stopping.discard(where)
        return True

    async def _is_revealed(self, session_id: int, step: int) -> bool:
        """Whether the poll's last update has come within a moment."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SEAL_S
        async with aclosing(self.ledgers.changes.of(session_id, SEAL_S / 4)) as changes:
            async for _ in changes:
                state = await self.ledgers.state(session_id)
                now = state.rounds.get(step)
                if now is None or now.revealed_at is not None or not state.running:
                    return True
                if loop.time() >= until:
                    break
        return False

    async def _end_if_won(self, session_id: int, step: int, choice: tuple[int, ...]) -> None:
        """抢答 ends with the first right answer."""
        state = await self.ledgers.state(session_id, fresh=False)
        now = state.rounds.get(step)
        item = state.plan.steps[step].item if state.plan else None
        if state.plan is None or item is None or now is None or state.plan.pace != "first":
            return
        if not scoring.is_right(item, choice) or now.revealed_at is not None:
            return
        if now.poll_id:
            self._spawn(self._end_poll(session_id, now))
        else:
            await self._do(session_id, lambda state: self._reveal(state, step, None))

    def _reveal(self, state: SessionState, step: int, counts: Counted | None) -> Drafts | Refusal:
        if counts is None:
            return session.reveal(state, step, self._clock())
        return session.reveal(state, step, self._clock(), counts.counts, counts.voters)

    def _tally(self, step: int, counts: Counted, state: SessionState) -> Drafts:
        anonymous = state.plan is not None and state.plan.anonymous
        return session.tally(state, step, counts.counts, counts.voters, self._clock()) if anonymous else ()

    def _put_vote(self, session_id: int, step: int, voter: str, choice: tuple[int, ...], at: datetime) -> None:
        self.ledgers.put(session_id, lambda state: session.vote(state, step, voter, choice, at))

    async def _find(self, poll_id: str) -> Where | None:
        """Where a poll belongs; one that is just being sent is waited for."""
        for pause_s in (*_LOOKS_S, None):
            if poll_id in self._polls:
                return self._polls.get(poll_id)
            for sent in list(self._sending.values()):
                await sent.wait()
            found = self._polls.get(poll_id) or await self._patiently(partial(self._look_up, poll_id))
            if found is not None:
                self._polls[poll_id] = found
                return found
            if pause_s is not None:
                await self._sleep(pause_s)
        self._polls[poll_id] = None
        return None

    async def _look_up(self, poll_id: str) -> Where | None:
        return await self.ledgers.kept.session_of_poll(poll_id)

    async def _header_of(self, session_id: int) -> Header | None:
        """As it was once: its salt never changes."""
        known = self._headers.get(session_id)
        if known is None:
            known = await self._patiently(partial(self.header, session_id))
            if known is not None and known.closed_at is None:
                self._headers[session_id] = known
        return known

    async def _patiently(self, look: Callable[[], Awaitable[Found]]) -> Found:
        """A look into the database that is worth waiting for: a vote hangs on it."""
        until = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                return await look()
            except StorageError:
                if asyncio.get_running_loop().time() >= until:
                    raise
                await self._sleep(_LOOKS_S[-1])

    # Time.

    def _mind_time(self, session_id: int, state: SessionState) -> None:
        self._drop_timer(session_id)
        now = state.round
        if state.running and state.phase == "open" and now is not None and now.deadline is not None and not now.rang:
            self._timers[session_id] = asyncio.create_task(self._wait(session_id, now), name="a session's time")

    def _drop_timer(self, session_id: int) -> None:
        if timer := self._timers.pop(session_id, None):
            timer.cancel()

    async def _wait(self, session_id: int, now: Round) -> None:
        assert now.deadline is not None  # noqa: S101 - else nobody waits
        behind = timedelta(seconds=BEHIND_S if now.poll_id else 0.0)
        while (left := (now.deadline + behind - self._clock()).total_seconds()) > 0:
            await self._sleep(left)
        self._timers.pop(session_id, None)  # from here on it is not to be cancelled
        self._spawn(self._time_up(session_id, now))

    async def _time_up(self, session_id: int, now: Round) -> None:
        header, state = await self._known(session_id)
        step = state.plan.steps[now.step] if state.plan else None
        if step is None or state.current != now.step or state.phase != "open":
            return
        if step.item is None:
            if isinstance(await self.ledgers.do(session_id, lambda s: session.ring(s, now.step, self._clock())), tuple):
                say = self._replies[state.plan.language if state.plan else "zh"]
                words = Outgoing(say("training.time_up"))
                await self._delivery.send(header.chat_id, words, topic=header.topic_id or None)
        elif now.poll_id:
            await self._end_poll(session_id, now)
        else:
            await self._hear_out(session_id)
            await self._do(session_id, lambda state: self._reveal(state, now.step, None))

    async def _hear_out(self, session_id: int) -> None:
        """Replies that have come before the answer is asked for are read before it is shown."""
        if header := await self.header(session_id):
            await self._lanes.catch_up(header.chat_id)

    # What everything needs.

    async def _known(self, session_id: int) -> tuple[Header, SessionState]:
        header = await self.header(session_id)
        if header is None:
            raise Gone
        return header, await self.ledgers.state(session_id)

    async def _show(self, session_id: int) -> tuple[Snapshot, Replies]:
        shown = await self.ledgers.snapshot(session_id)
        if shown is None:
            raise Gone
        return shown, self._replies[shown.language]

    def _spawn(self, work: Coroutine[object, object, object]) -> None:
        async def run() -> None:
            try:
                await work
            except (Gone, StorageError) as exc:
                log.error("a session could not be moved on: %s", exc or type(exc).__name__)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _waits_for_answer(state: SessionState, now: Round) -> bool:
    """Whether the answer of the current step has been decided upon, and never reached the group."""
    step = state.step
    shows = step is not None and step.kind in ("item", "case")
    return shows and now.revealed_at is not None and now.reveal_id is None

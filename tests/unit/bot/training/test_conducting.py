"""What time, restarts and strange polls do to a session; the group is a list of what was sent to it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest_asyncio

from bot.storage.database import Database
from bot.telegram.conducting import BEHIND_S, Conducting
from bot.telegram.delivery import Delivery
from bot.telegram.outgoing import Outgoing
from bot.telegram.polls import Counted, Poll, SentPoll
from bot.telegram.refusals import Refusal as Why
from bot.training.ledgers import Header, Ledgers
from bot.training.model import Refusal, SessionPlan, SessionState, Step
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_case, make_fill_in, make_item, make_message

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
GROUP, TRAINER, ADA = -100200, 4711, 4712
BOARD = Step("board")


@dataclass
class Hall:
    """A group: what was sent to it, a clock that sleeping moves, and the session in it."""

    database: Database
    regulation: Regulation
    sent: list[str] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    now: datetime = NOON
    stop_answer: Counted | Why | None = None
    sending: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def conducting(self) -> Conducting:
        return Conducting(
            cast(Delivery, self),
            Ledgers(self, self.regulation),
            load_replies(),
            "wanggui_bot",
            lambda: self.now,
            sleep=self.sleep,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database.training, name)

    async def session_of_poll(self, poll_id: str) -> tuple[int, int] | None:
        self.asked.append(poll_id)
        return await self.database.training.session_of_poll(poll_id)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)

    async def send(self, _: int, outgoing: Outgoing, **__: Any) -> int | None:
        self.sent.append(outgoing.html)
        return len(self.sent)

    async def send_poll(self, _: int, poll: Poll, **__: Any) -> SentPoll | Why | None:
        self.sending.set()
        await self.gate.wait()
        self.sent.append(poll.question)
        return SentPoll(len(self.sent), f"poll{len(self.sent)}")

    async def stop_poll(self, _: int, message_id: int) -> Counted | Why | None:
        self.stopped.append(message_id)
        return self.stop_answer


@pytest_asyncio.fixture
async def hall(tmp_path: Path, conduct: Regulation) -> AsyncIterator[Hall]:
    async with await Database.open(f"sqlite:///{tmp_path / 'x.db'}") as database:
        hall = Hall(database, conduct)
        hall.gate.set()
        yield hall


async def begin(hall: Hall, *steps: Step, **plan: Any) -> tuple[Conducting, Header]:
    conducting = hall.conducting()
    header = await conducting.open(GROUP, 0, TRAINER, SessionPlan("x", (*steps, BOARD), **plan))
    assert header is not None
    return conducting, header


async def until(conducting: Conducting, header: Header, wanted: Any) -> SessionState:
    async with asyncio.timeout(5):
        while not wanted(state := await conducting.ledgers.state(header.id)):
            await asyncio.sleep(0)
    return state


async def test_the_time_of_a_discussion_rings_once_and_shows_nothing(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("case", case=make_case(), seconds=300))
    await until(conducting, header, lambda state: state.round.rang)
    while not hall.sent[-1].startswith("讨论时间到"):
        await asyncio.sleep(0)
    assert (hall.now - NOON).total_seconds() >= 300
    assert [words for words in hall.sent if "时间到" in words] == ["讨论时间到。"]
    assert (await conducting.ledgers.state(header.id)).phase == "open"
    await conducting.close()


async def test_the_time_of_an_open_question_shows_its_answer(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("item", item=make_fill_in(), seconds=30))
    state = await until(conducting, header, lambda state: state.phase == "revealed")
    assert state.round is not None
    assert (hall.now - NOON).total_seconds() >= 30
    await conducting.close()


async def test_a_poll_that_telegram_forgot_to_end_is_ended_by_hand(hall: Hall) -> None:
    hall.stop_answer = Counted((1, 4, 0), 5)
    conducting, header = await begin(hall, Step("item", item=make_item(), seconds=30))
    state = await until(conducting, header, lambda state: state.phase == "revealed")
    assert hall.stopped == [1]
    assert (hall.now - NOON).total_seconds() >= 30 + BEHIND_S
    assert state.round is not None
    assert (state.round.counts, state.round.voters) == ((1, 4, 0), 5)
    await conducting.close()


async def test_a_poll_that_has_ended_by_itself_keeps_its_last_counts(hall: Hall) -> None:
    hall.stop_answer = Why.OTHER
    conducting, header = await begin(hall, Step("item", item=make_item()))
    await conducting.hear_counts("poll1", Counted((0, 2, 0), 2), closed=False)
    await conducting.advance(header.id, (await conducting.ledgers.state(header.id)).cursor)
    state = await conducting.ledgers.state(header.id)
    assert state.round is not None
    assert (state.phase, state.round.counts) == ("revealed", (0, 2, 0))
    await conducting.close()


async def test_a_poll_that_is_not_reached_stays_open_and_says_so(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("item", item=make_item()))
    cursor = (await conducting.ledgers.state(header.id)).cursor
    assert await conducting.advance(header.id, cursor) == Refusal("training.not_sent")
    hall.stop_answer = Counted((0, 1, 0), 1)
    assert await conducting.advance(header.id, cursor) is None
    assert (await conducting.ledgers.state(header.id)).phase == "revealed"
    await conducting.close()


async def test_a_vote_that_comes_before_its_poll_is_known_is_counted(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("agenda"), Step("item", item=make_item()), anonymous=False)
    hall.gate.clear()
    cursor = (await conducting.ledgers.state(header.id)).cursor
    moving = asyncio.create_task(conducting.advance(header.id, cursor))
    await hall.sending.wait()
    voting = asyncio.create_task(conducting.hear_vote("poll2", ADA, (1,)))
    await asyncio.sleep(0)
    hall.gate.set()
    await asyncio.gather(moving, voting)
    state = await until(conducting, header, lambda state: state.rounds[1].votes)
    assert [vote.choice for vote in state.rounds[1].votes.values()] == [(1,)]
    await conducting.close()


async def test_a_poll_of_nobody_is_looked_for_a_few_times_and_then_known(hall: Hall) -> None:
    conducting, _ = await begin(hall, Step("item", item=make_item()))
    await conducting.hear_vote("elsewhere", ADA, (1,))
    looks = hall.asked.count("elsewhere")
    assert 2 <= looks <= 6
    await conducting.hear_vote("elsewhere", ADA, (1,))
    conducting.expect_stray("quiz")
    await conducting.hear_counts("quiz", Counted((1, 0), 1), closed=True)
    assert hall.asked.count("elsewhere") == looks
    assert "quiz" not in hall.asked
    await conducting.close()


async def test_a_session_goes_on_in_another_process(hall: Hall) -> None:
    first, header = await begin(hall, Step("item", item=make_item()), anonymous=False)
    await first.close()
    second = hall.conducting()
    await second.resume()
    await second.hear_vote("poll1", ADA, (1,))
    hall.stop_answer = Counted((0, 1, 0), 1)
    await second.advance(header.id, (await second.ledgers.state(header.id)).cursor)
    results = await second.ledgers.results(header.id)
    assert results is not None
    assert (results.items[0].voters, results.items[0].right) == (1, 1)
    assert hall.sent[0].startswith("1/1. ")
    assert sum(words.startswith("1/1. ") for words in hall.sent) == 1
    await second.close()


async def test_an_answer_that_never_reached_the_group_is_sent_after_a_restart(hall: Hall) -> None:
    first, header = await begin(hall, Step("item", item=make_fill_in()))
    await first.ledgers.do(header.id, lambda state: _revealed(state, hall.now))
    await first.close()
    second = hall.conducting()
    await second.resume()
    assert "答案：匿名" in hall.sent[-1]
    await second.ledgers.settled(header.id)
    count = len(hall.sent)
    await second.resume()
    assert len(hall.sent) == count
    await second.close()


async def test_talk_below_a_sessions_messages_is_left_alone_and_questions_pass(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("case", case=make_case()), Step("questions"))
    talk = make_message("我们组认为不行", group=True)
    assert await conducting.hear_reply(talk, 1)
    assert not await conducting.hear_reply(talk, 999)
    for _ in range(2):
        await conducting.advance(header.id, (await conducting.ledgers.state(header.id)).cursor)
    assert not await conducting.hear_reply(make_message("能翻墙吗", group=True), len(hall.sent))
    await conducting.close()


async def test_what_is_asked_is_noted_without_names_where_a_session_runs(hall: Hall) -> None:
    conducting, header = await begin(hall, Step("questions"))
    await conducting.note_asked(GROUP, "@laowang 13812345678 能翻墙吗", (14,))
    await conducting.note_asked(GROUP - 1, "别处的问题", ())
    await conducting.ledgers.settled(header.id)
    state = await conducting.ledgers.state(header.id)
    assert [asked.question for asked in state.asked] == ["… … 能翻墙吗"]
    await conducting.close()


def _revealed(state: SessionState, at: datetime) -> Any:
    from bot.training.session import reveal

    return reveal(state, state.current, at)

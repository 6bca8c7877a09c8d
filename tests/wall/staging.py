"""A session on a real database behind a wall that is really served, with people who vote when they are told to."""

import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from starlette.applications import Starlette

from bot.serving import Address, serving
from bot.storage.database import Database
from bot.training import session
from bot.training.ledgers import Header, Ledgers
from bot.training.model import Refusal, SessionPlan, SessionState, Step
from bot.training.session import voter_of
from bot.web.feed import frame_of
from bot.web.links import Links, WallLinks
from bot.web.scenes import scene_of
from bot.web.wall import Wall
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import Replies, load_replies

KEY = b"a key that only the tests know"
NAMES = ["小王", "小李", "小张", "小陈", "老周", "小吴", "老郑", "小孙"]
ASKED = ("群里转发没核实的消息算不算违反规定", "给主播刷礼物行不行", "看到有人造谣，我该怎么办")


def now() -> datetime:
    return datetime.now(UTC)


def plan_of(
    bank: Bank, say: Replies, *items: str, case: str = "", seconds: int = 30, scored: bool = False
) -> SessionPlan:
    """A session over these items, and perhaps a case."""
    card = bank.case(case)
    steps = [Step("agenda"), Step("questions"), *([Step("case", case=card, seconds=480)] if card else [])]
    steps += [Step("item", item=bank.item(item), seconds=seconds) for item in items]
    teams = tuple(say(key) for key in ("training.team_red", "training.team_blue", "training.team_green"))
    return SessionPlan(
        title=say("training.title", regulation="中国共产党党员网络行为规定"),
        steps=(*steps, Step("board"), Step("close")),
        anonymous=not scored,
        teams=teams if scored else (),
        invitation="https://t.me/+AbCdEfGhIjKlMnOp",
        language=say.language,
    )


class Stage:
    """The session; implements `model.Conductor`."""

    def __init__(self, database: Database, regulation: Regulation, plan: SessionPlan) -> None:
        self.database, self._plan = database, plan
        self.store, self.ledgers = database.training, Ledgers(database.training, regulation)
        self.header: Header
        self.links: WallLinks
        self.wall: Wall
        self.refusal: Refusal | None = None

    async def open(self, chat_id: int = -1) -> None:
        header = await self.ledgers.open(chat_id, 0, 1, self._plan, now())
        assert header is not None
        self.header = header

    async def advance(self, session_id: int, cursor: int) -> Refusal | None:
        if self.refusal is not None:
            return self.refusal
        decided = await self.ledgers.do(session_id, lambda state: session.advance(state, cursor, now()))
        return decided if isinstance(decided, Refusal) else None

    async def forget(self) -> None:
        """What retention does to a session."""
        await self.database.erase_chat(self.header.chat_id)

    async def on(self, times: int = 1) -> None:
        """Move on, so many times."""
        for _ in range(times):
            state = await self.state()
            assert await self.advance(self.header.id, state.cursor) is None

    async def mark(self) -> str:
        """The id of the frame that shows how things stand."""
        shown = await self.ledgers.snapshot(self.header.id)
        assert shown is not None
        return frame_of(scene_of(shown, load_replies()[shown.language])).id

    async def state(self) -> SessionState:
        return await self.ledgers.state(self.header.id)

    def vote(self, person: int, choice: Iterable[int], step: int | None = None) -> None:
        """Somebody votes, where the session stands."""
        voter, chosen = voter_of(self.header.salt, person), tuple(choice)

        def decide(state: SessionState) -> session.Drafts:
            return session.vote(state, state.current if step is None else step, voter, chosen, now())

        self.ledgers.put(self.header.id, decide)

    async def fill(self, people: int = 60) -> None:
        """Teams, names and questions."""
        until = now() + timedelta(days=1)
        teams = len(self._plan.teams)
        for person in range(people if teams else 0):
            voter = voter_of(self.header.salt, person)
            self.ledgers.put(self.header.id, partial(_join, voter, person % teams))
            if person < len(NAMES):
                await self.store.agree(self.header.id, person, voter, NAMES[person], until)
        for question in ASKED:
            self.ledgers.put(self.header.id, partial(_ask, question))
        await self.ledgers.settled(self.header.id)

    async def vote_as(self, *counts: int) -> None:
        """So many votes for each option (one option a person), and wait until they are kept."""
        person = 0
        for place, count in enumerate(counts):
            for _ in range(count):
                self.vote(person, (place,))
                person += 1
        await self.ledgers.settled(self.header.id)


def _join(voter: str, team: int, state: SessionState) -> session.Drafts | Refusal:
    return session.join(state, voter, team, now())


def _ask(question: str, state: SessionState) -> session.Drafts:
    return session.note_asked(state, question, (), now())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@asynccontextmanager
async def served(stage: Stage, port: int, clock: Callable[[], datetime] = now) -> AsyncIterator[Wall]:
    """The wall of that session, at that port."""
    wall = Wall(stage.ledgers, stage, Links(KEY), f"http://127.0.0.1:{port}", load_replies(), clock)
    site = Starlette(routes=list(wall.routes))
    async with serving(site, Address("127.0.0.1", port), load_replies()["zh"]), aclosing(wall):
        yield wall


@asynccontextmanager
async def staged(folder: Path, regulation: Regulation, plan: SessionPlan) -> AsyncIterator[Stage]:
    """A session that has just begun, and is served."""
    async with await Database.open(f"sqlite:///{folder / 'wall.db'}") as database:
        stage = Stage(database, regulation, plan)
        await stage.open()
        async with served(stage, free_port()) as wall:
            stage.wall, stage.links = wall, wall.links(stage.header.id)
            yield stage
        await stage.ledgers.close()

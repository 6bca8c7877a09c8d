"""The last questions of each person in each place, for half an hour, so that a follow-up is understood after a restart.

Only where the settings ask for it (`WANGGUI_CONVERSATION=database`): these are the only words of an answered question
that stand on the disk. They are written behind; what is too old is erased within a second or two, asked or not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.answering.generation.conversation import MAX_TURNS, RETENTION_S, Place, Turn, covers
from bot.errors import StorageError
from bot.storage import tables
from bot.storage.sql import Sql

LASTS: Final = timedelta(seconds=RETENTION_S)
_MOST_PENDING: Final = 20_000
"""Where the database does not answer for long, the oldest turns are let go rather than all memory taken."""


@dataclass(frozen=True, slots=True)
class _Said:
    place: Place
    turn: Turn
    at: datetime


class TurnStore:
    """Turns in the database; places and messages are named by numbers. Implements `conversation.Turns`."""

    def __init__(self, sql: Sql, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._sql, self._clock = sql, clock
        self._pending: list[_Said] = []
        self._aside: list[_Said] = []
        self._due: datetime | None = clock()  # what a former run has left may be too old by now

    async def recent(self, place: Place) -> tuple[Turn, ...]:
        """Oldest first; what has not been written yet too. Only the latter where the database does not answer."""
        turns = tables.turns.c
        oldest = self._clock() - LASTS
        said: dict[tuple[datetime, str], Turn] = {}
        try:
            async with self._sql.reading() as connection:
                rows = await connection.execute(
                    select(tables.turns).where(*_here(place), turns.said_at >= oldest).order_by(turns.said_at, turns.id)
                )
                said = {(row.said_at, row.question): _turn(row.question, row.articles, row.message_id) for row in rows}
        except StorageError:
            pass  # a follow-up is then taken as it stands
        for one in (*self._aside, *self._pending):
            if one.place == place and one.at >= oldest:
                said = {key: turn for key, turn in said.items() if not one.turn.said or turn.said != one.turn.said}
                said[one.at, one.turn.question] = one.turn
        return tuple(said.values())[-MAX_TURNS:]

    async def add(self, place: Place, turn: Turn) -> None:
        """Keep one more, instead of what the same message said before. Never waits, never fails."""
        self._pending = [*self._pending, _Said(place, turn, self._clock())][-_MOST_PENDING:]

    async def forget(self, place: Place) -> None:
        """Erase at once what this user said in this chat, in all topics; empty: in every chat, by everybody.

        Raises:
            StorageError: what had been written could not be erased.
        """
        self.let_go(place)
        turns = tables.turns.c
        theirs: list[ColumnElement[bool]] = []
        if place.chat:
            theirs.append(turns.chat_id == int(place.chat))
        if place.user:
            theirs.append(turns.person_id == int(place.user))
        async with self._sql.writing() as connection:
            await connection.execute(delete(tables.turns).where(*theirs))

    def let_go(self, place: Place) -> None:
        """Forget what memory holds of a place."""
        self._pending = [one for one in self._pending if not covers(place, one.place)]

    def set_aside(self) -> bool:
        """Set aside the turns that are not written yet; also true where what was written is due to be erased."""
        self._aside, self._pending = self._pending, []
        return bool(self._aside) or (self._due is not None and self._clock() >= self._due)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was set aside, a few for each place, and erase what is too old."""
        turns = tables.turns.c
        for one in self._aside:
            if one.turn.said:
                same = turns.message_id == int(one.turn.said)
                await connection.execute(delete(tables.turns).where(*_here(one.place), same))
            await connection.execute(tables.turns.insert().values(**_row(one)))
        for place in _distinct(one.place for one in self._aside):
            newest = select(turns.id).where(*_here(place)).order_by(turns.said_at.desc(), turns.id.desc())
            kept = newest.limit(MAX_TURNS).scalar_subquery()
            await connection.execute(delete(tables.turns).where(*_here(place), turns.id.not_in(kept)))
        await connection.execute(delete(tables.turns).where(turns.said_at < self._clock() - LASTS))
        first: datetime | None = (await connection.execute(select(func.min(turns.said_at)))).scalar_one_or_none()
        self._due = first + LASTS if first else None

    def written(self) -> None:
        """What was set aside is safe."""
        self._aside = []

    def put_back(self) -> None:
        """Keep what was set aside for the next time."""
        self._pending = [*self._aside, *self._pending][-_MOST_PENDING:]
        self._aside = []


def _here(place: Place) -> tuple[ColumnElement[bool], ...]:
    turns = tables.turns.c
    chat_id, topic_id, person_id = _numbers(place)
    return turns.chat_id == chat_id, turns.topic_id == topic_id, turns.person_id == person_id


def _numbers(place: Place) -> tuple[int, int, int]:
    return int(place.chat), int(place.topic or 0), int(place.user or 0)


def _row(one: _Said) -> dict[str, object]:
    chat_id, topic_id, person_id = _numbers(one.place)
    return {
        "chat_id": chat_id,
        "topic_id": topic_id,
        "person_id": person_id,
        "message_id": int(one.turn.said or 0),
        "question": one.turn.question,
        "articles": ",".join(map(str, one.turn.articles)),
        "said_at": one.at,
    }


def _turn(question: str, articles: str, message_id: int) -> Turn:
    numbers = tuple(int(number) for number in articles.split(",") if number)
    return Turn(question, numbers, str(message_id) if message_id else "")


def _distinct(places: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(places))

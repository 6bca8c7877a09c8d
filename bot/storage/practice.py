"""What somebody practises in private: how each question stands with them, and the round or exam that they are at.

Keyed to the person, since nobody else is ever shown it. A step of a round is kept together with what it changes of the
standings, and only if nothing has happened since the person saw it: a button pressed twice counts once.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.recent import Recent
from bot.storage.sql import Sql, insert
from bot.training.practice import Standing

RunKind = Literal["practice", "exam"]
_TURN_BITS: Final = 30
_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """A round or an exam, shown in the message `message_id` of the person's private chat (0: on its way there).

    `turn` grows by each step and begins anywhere: no two runs have the same.
    """

    person_id: int
    kind: RunKind
    message_id: int
    turn: int
    state: Mapping[str, Any]
    touched_at: datetime


class PracticeStore:
    """Standings, and at most one round and one exam a person: a new one takes the place of the last."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._begun = 0
        self._without: Recent[int, None] = Recent(_MOST_KNOWN)
        """People who have no run. Kept on SQLite alone, where no other process begins one."""

    async def standings(self, person_id: int) -> dict[str, Standing]:
        """How questions stand with somebody, by the id of the item.

        Raises:
            StorageError: the database does not answer.
        """
        standings = tables.standings.c
        async with self._sql.reading() as connection:
            rows = await connection.execute(select(tables.standings).where(standings.person_id == person_id))
            return {
                row.item_id: Standing(
                    row.item_id,
                    row.answered_at,
                    row.was_right,
                    row.due_at,
                    row.phase,
                    row.step,
                    row.stability,
                    row.difficulty,
                )
                for row in rows
            }

    async def run(self, person_id: int, kind: RunKind) -> Run | None:
        """Their last round or exam, also where it is over.

        Raises:
            StorageError: the database does not answer.
        """
        return next((run for run in await self.runs(person_id) if run.kind == kind), None)

    async def runs(self, person_id: int) -> list[Run]:
        """Their last round and their last exam, the one that was touched last first.

        Raises:
            StorageError: the database does not answer.
        """
        if person_id in self._without:
            return []
        begun = self._begun
        found = await self._found(tables.runs.c.person_id == person_id)
        if not found and self._sql.is_sqlite and begun == self._begun:
            self._without[person_id] = None
        return found

    async def all_exams(self) -> list[Run]:
        """Everybody's last exam.

        Raises:
            StorageError: the database does not answer.
        """
        return await self._found(tables.runs.c.kind == "exam")

    async def begin(
        self, person_id: int, kind: RunKind, message_id: int, state: Mapping[str, Any], at: datetime
    ) -> Run:
        """Keep a round or an exam that is about to be shown, instead of the last.

        Raises:
            StorageError: nothing has been kept.
        """
        run = Run(person_id, kind, message_id, secrets.randbits(_TURN_BITS), state, at)
        row = {"message_id": message_id, "turn": run.turn, "state": _written(state), "touched_at": at}
        try:
            async with self._sql.writing() as connection:
                statement = insert(connection, tables.runs).values(person_id=person_id, kind=kind, **row)
                statement = statement.on_conflict_do_update(index_elements=["person_id", "kind"], set_=row)
                await connection.execute(statement)
        finally:  # called off, it may have been written all the same
            self._begun += 1
            self._without.pop(person_id)
        return run

    async def shown_in(self, run: Run, message_id: int) -> None:
        """What was on its way now stands in that message, however quickly somebody pressed a button there.

        Raises:
            StorageError: nothing has been changed.
        """
        runs = tables.runs.c
        there = (runs.person_id == run.person_id) & (runs.kind == run.kind) & (runs.message_id == 0)
        async with self._sql.writing() as connection:
            await connection.execute(update(tables.runs).where(there).values(message_id=message_id))

    async def step(
        self, run: Run, state: Mapping[str, Any], at: datetime, answered: Iterable[Standing] = ()
    ) -> Run | None:
        """Keep the next state of a round or exam, and how the questions stand that were answered.

        None, and nothing kept, where it is no longer at that turn.

        Raises:
            StorageError: nothing has been kept.
        """
        async with self._sql.writing() as connection:
            changed = update(tables.runs).where(*_at(run))
            moved = await connection.execute(changed.values(turn=run.turn + 1, state=_written(state), touched_at=at))
            if moved.rowcount != 1:
                return None
            for standing in answered:
                row = _row(standing)
                statement = insert(connection, tables.standings).values(person_id=run.person_id, **row)
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["person_id", "item_id"], set_=row)
                )
        return replace(run, turn=run.turn + 1, state=state, touched_at=at)

    async def _found(self, wanted: ColumnElement[bool]) -> list[Run]:
        async with self._sql.reading() as connection:
            rows = await connection.execute(select(tables.runs).where(wanted).order_by(tables.runs.c.touched_at.desc()))
            return [
                Run(row.person_id, row.kind, row.message_id, row.turn, json.loads(row.state), row.touched_at)
                for row in rows
            ]

    async def erase_person(self, connection: AsyncConnection, person_id: int) -> int:
        """Erase all that somebody practised. Rows erased."""
        erased = 0
        for table in (tables.standings, tables.runs):
            erased += (await connection.execute(delete(table).where(table.c.person_id == person_id))).rowcount
        return erased

    async def sweep(self, connection: AsyncConnection, before: datetime) -> None:
        """Drop questions last answered, rounds and exams last touched earlier than `before`."""
        await connection.execute(delete(tables.standings).where(tables.standings.c.answered_at < before))
        await connection.execute(delete(tables.runs).where(tables.runs.c.touched_at < before))


def _at(run: Run) -> tuple[ColumnElement[bool], ...]:
    runs = tables.runs.c
    return (
        runs.person_id == run.person_id,
        runs.kind == run.kind,
        runs.turn == run.turn,
    )


def _row(standing: Standing) -> dict[str, object]:
    return {
        "item_id": standing.item_id,
        "answered_at": standing.answered_at,
        "was_right": standing.right,
        "due_at": standing.due_at,
        "phase": standing.phase,
        "step": standing.step,
        "stability": standing.stability,
        "difficulty": standing.difficulty,
    }


def _written(state: Mapping[str, Any]) -> str:
    return json.dumps(dict(state), ensure_ascii=False, separators=(",", ":"))

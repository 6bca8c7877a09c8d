"""Counts by day, chat and event: never words, never persons. Private chats are counted all together."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.sql import Sql, insert

CHINA: Final = timezone(timedelta(hours=8))
"""Days begin at midnight in Beijing."""

PRIVATE: Final = 0
"""The chat under which all private chats are counted; a private chat's own id is its person's."""

_Key = tuple[date, int, str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted from `since` to `until`, both included.

    `days` holds every day with its number of questions; `cited` articles with how often, the most frequent first.
    """

    since: date
    until: date
    days: tuple[tuple[date, int], ...]
    cited: tuple[tuple[int, int], ...]
    questions: int
    declined: int
    votes_up: int
    votes_down: int

    @property
    def declined_share(self) -> float:
        """The share of questions that were declined, from 0 to 1."""
        return min(self.declined / self.questions, 1.0) if self.questions else 0.0


class UsageStore:
    """Counts in memory, written behind; figures out of the database."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._counts: Counter[_Key] = Counter()
        self._aside: Counter[_Key] = Counter()

    def count(self, chat_id: int, event: str, article: int | None = None, *, at: datetime, amount: int = 1) -> None:
        """Count an event ("question", "declined", "vote_up", "vote_down", "cited" ...); never waits, never fails.

        `amount` is -1 where one is taken back.
        """
        self._counts[at.astimezone(CHINA).date(), min(chat_id, PRIVATE), event, article or 0] += amount

    async def figures(self, chat_id: int | None, since: date, until: date) -> Figures:
        """What was counted in one chat, or in all (None), among what has been written.

        Raises:
            StorageError: the database does not answer.
        """
        usage = tables.usage.c
        within: list[ColumnElement[bool]] = [usage.day.between(since, until)]
        if chat_id is not None:
            within.append(usage.chat_id == min(chat_id, PRIVATE))
        total = func.sum(usage.count)
        async with self._sql.reading() as connection:
            events = (await connection.execute(select(usage.event, total).where(*within).group_by(usage.event))).all()
            days = (
                await connection.execute(
                    select(usage.day, total).where(*within, usage.event == "question").group_by(usage.day)
                )
            ).all()
            cited = (
                await connection.execute(
                    select(usage.article, total)
                    .where(*within, usage.event == "cited", usage.article > 0)
                    .group_by(usage.article)
                    .order_by(total.desc(), usage.article)
                )
            ).all()
        by_event: dict[str, int] = {event: max(int(number), 0) for event, number in events}
        by_day: dict[date, int] = {day: int(number) for day, number in days}
        span = [since + timedelta(days=offset) for offset in range((until - since).days + 1)]
        return Figures(
            since,
            until,
            tuple((day, by_day.get(day, 0)) for day in span),
            tuple((article, int(number)) for article, number in cited),
            by_event.get("question", 0),
            by_event.get("declined", 0),
            by_event.get("vote_up", 0),
            by_event.get("vote_down", 0),
        )

    def set_aside(self) -> bool:
        """Set aside what has been counted."""
        self._aside, self._counts = self._counts, Counter()
        return bool(self._aside)

    async def write(self, connection: AsyncConnection) -> None:
        """Add what was set aside to what is there."""
        statement = insert(connection, tables.usage)
        statement = statement.on_conflict_do_update(
            index_elements=["day", "chat_id", "event", "article"],
            set_={"count": tables.usage.c.count + statement.excluded.count},
        )
        rows = [
            {"day": day, "chat_id": chat_id, "event": event, "article": article, "count": count}
            for (day, chat_id, event, article), count in sorted(self._aside.items())
        ]
        await connection.execute(statement, rows)

    def written(self) -> None:
        """What was set aside is safe."""
        self._aside = Counter()

    def put_back(self) -> None:
        """Keep what was set aside for the next time."""
        self._counts.update(self._aside)
        self._aside = Counter()

    async def sweep(self, connection: AsyncConnection, before: date) -> None:
        """Drop the counts of earlier days."""
        await connection.execute(delete(tables.usage).where(tables.usage.c.day < before))

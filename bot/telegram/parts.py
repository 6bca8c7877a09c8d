"""What every handler of a running bot is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from starlette.routing import BaseRoute

from bot.answering.service import Answerer
from bot.storage.additions import Additions
from bot.storage.database import Database
from bot.telegram.administrators import Administrators
from bot.telegram.admission import Admission
from bot.telegram.conducting import Conducting
from bot.telegram.delivery import Delivery
from bot.telegram.intake import Bot
from bot.telegram.limits import PersonBudget, Twins
from bot.telegram.metering import Meter
from bot.telegram.recalling import Recalled
from bot.telegram.waiting import Waiting
from knowledge.bank.items import Bank
from prompts import Language, Replies


class Wall(Protocol):
    """The projector page, as this channel sees it."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What is to be served for it."""

    def links(self, session_id: int) -> tuple[str, str]:
        """New links to a session: to look at it, and to steer it."""

    async def aclose(self) -> None:
        """End what it streams."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The house as the handlers see it; made once the bot knows its own name."""

    answerer: Answerer
    replies: Mapping[Language, Replies]
    bot: Bot
    database: Database
    delivery: Delivery
    budget: PersonBudget
    twins: Twins
    admission: Admission
    administrators: Administrators
    clock: Callable[[], datetime]
    operators: frozenset[int]
    additions: Additions
    retention_days: int
    conducting: Conducting
    bank: Bank
    stores_turns: bool = False
    wall: Wall | None = None
    recalled: Recalled = field(default_factory=Recalled, kw_only=True)
    waiting: Waiting = field(default_factory=Waiting, kw_only=True)
    meter: Meter = field(default_factory=Meter, kw_only=True)

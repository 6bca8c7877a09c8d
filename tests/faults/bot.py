"""The bot with a retrieval that takes so long and always finds article 14.

`python -m tests.faults.bot [SECONDS [CAPACITY]]`; capacity: updates that it has in hand at once, default its own.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import cast

from bot.answering.model import Answer
from bot.answering.service import Answerer
from bot.bootstrap import database_url, entrance_of, make_private, set_up_logging
from bot.settings import Settings, read_settings
from bot.storage.additions import Additions
from bot.storage.database import Database
from bot.storage.inbox import SqlInbox
from bot.telegram.application import House, TelegramChannel, serve
from knowledge.library import load_library
from prompts import Language, load_replies
from tests.factories import make_evidence, make_retrieval
from tests.fakes import FakeRetriever


class Slow(Answerer):
    """Answers after a while, as one with a language model does."""

    seconds = 0.0

    async def stream(
        self, question: str, language: Language | None = None, **options: object
    ) -> AsyncGenerator[Answer]:
        await asyncio.sleep(self.seconds)
        async for answer in super().stream(question, language, **options):  # type: ignore[arg-type]
            yield answer


class Narrow(Database):
    """A database whose inbox hands on only so much at once."""

    capacity: int | None = None

    async def open_inbox(self, *, capacity: int | None = None) -> SqlInbox:
        return await super().open_inbox(capacity=capacity or self.capacity)


async def run(settings: Settings, seconds: float, capacity: int | None) -> None:
    """Answer until SIGTERM."""
    library, replies = load_library(), load_replies()
    answerer = Slow(library, FakeRetriever(make_retrieval(make_evidence(library, 14))), replies)
    answerer.seconds = seconds
    assert settings.telegram_token
    channel = TelegramChannel(settings.telegram_token.get_secret_value(), settings.telegram_api)
    make_private(settings.data_dir)
    async with await Narrow.open(database_url(settings), settings.data_dir) as database:
        database.capacity = capacity
        house = House(
            cast(Answerer, answerer),
            replies,
            database,
            Additions(settings.data_dir / "additions", database.review),
            settings.allowed_chats,
            settings.operators,
            settings.retention_days,
        )
        await serve(channel, house, entrance_of(settings))


if __name__ == "__main__":
    set_up_logging(read_settings())
    told_s, told_capacity = [*sys.argv[1:], "0", "0"][:2]
    asyncio.run(run(read_settings(), float(told_s), int(told_capacity) or None))

"""`python -m tests.faults.bot [SECONDS]`: the bot with a retrieval that takes so long and always finds article 14."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import cast

from bot.answering.model import Answer
from bot.answering.service import Answerer
from bot.bootstrap import entrance_of, open_database, set_up_logging
from bot.settings import Settings, read_settings
from bot.storage.additions import Additions
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


async def run(settings: Settings, seconds: float) -> None:
    """Answer until SIGTERM."""
    library, replies = load_library(), load_replies()
    answerer = Slow(library, FakeRetriever(make_retrieval(make_evidence(library, 14))), replies)
    answerer.seconds = seconds
    assert settings.telegram_token
    channel = TelegramChannel(settings.telegram_token.get_secret_value(), settings.telegram_api)
    async with open_database(settings) as database:
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
    asyncio.run(run(read_settings(), float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))

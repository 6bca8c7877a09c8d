"""The whole Telegram channel in this process, over loopback: real handlers, real answers, a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.answering.service import Answerer
from bot.storage.additions import Additions
from bot.storage.database import Database
from bot.telegram.application import Entrance, House, TelegramChannel, serve
from bot.telegram.parts import Wall
from bot.training.ledgers import Ledgers
from bot.training.model import Conductor
from knowledge.bank.items import Bank
from prompts import load_replies
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Json, Message, User

PATIENCE_S = 20.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class Life:
    """A running bot, with the hands of the people around it."""

    server: BotApiServer
    database: Database
    answerer: Answerer

    async def answer_to(self, chat: Chat, asked: Message) -> Message:
        """Our reply to a message, once it has come."""
        return (await self.server.wait_for(lambda: chat.replies_to(asked), PATIENCE_S))[0]

    async def ask(self, chat: Chat, user: User, text: str, **fields: Any) -> Message:
        """Say something, and wait for our reply."""
        return await self.answer_to(chat, await chat.say(user, text, **fields))

    async def press(self, chat: Chat, user: User, message: Message, label: str) -> Json:
        """Press the first button whose label begins so; returns the answer to it, once what it changes has changed."""
        shown = chat.find(message.id)
        assert shown is not None
        data = next((button["callback_data"] for button in shown.buttons if button["text"].startswith(label)), None)
        assert data is not None, f"no button {label!r} among {[button['text'] for button in shown.buttons]}"
        query = await chat.press(user, shown, data)
        answer = await self.server.wait_for(lambda: self.server.callback_answers.get(query), PATIENCE_S)
        await self.server.idle(0.1)  # a press is answered first
        return answer

    async def eventually(self, fetch: Callable[[], Awaitable[Found | None]]) -> Found:
        """What `fetch` returns, once that is something."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await fetch()):
                await asyncio.sleep(0.01)
        return found

    async def silence(self) -> None:
        """Wait until everything sent so far has been read and nothing more is going out."""
        await self.server.wait_for(lambda: not self.server.delivery.pending or None, PATIENCE_S)
        await self.server.idle(0.15)


@asynccontextmanager
async def living(
    answerer: Answerer,
    folder: Path,
    *,
    server: BotApiServer | None = None,
    operators: Sequence[int] = (),
    allowed: Sequence[int] = (),
    bank: Bank | None = None,
    entrance: Entrance | None = None,
    wall: Callable[[Ledgers, Conductor], Wall] | None = None,
) -> AsyncIterator[Life]:
    """A bot polling a Bot API server of its own; afterwards no request may have broken the schema or the markup."""
    async with BotApiServer() as fresh:
        api = server or fresh
        async with await Database.open(f"sqlite+aiosqlite:///{folder / 'bot.db'}") as database:
            house = House(
                answerer,
                load_replies(),
                database,
                Additions(folder / "additions", database.review),
                frozenset(allowed),
                frozenset(operators),
                90,
                bank=bank or Bank(),
                wall=wall,
            )
            stopped = asyncio.Event()
            before = len(api.calls("getUpdates"))
            channel = TelegramChannel(api.token, api.base_url)
            running = asyncio.create_task(serve(channel, house, entrance or Entrance(), _until(stopped)))
            begun = asyncio.create_task(api.wait_for(lambda: _polls(api) > before or None, PATIENCE_S))
            await asyncio.wait({running, begun}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            await begun
            try:
                yield Life(api, database, answerer)
            finally:
                stopped.set()
                await running
        assert api.requests, "nothing was asked of the server"
        assert api.violations == []
        assert api.parse_errors == []


def _until(stopped: asyncio.Event) -> Callable[[], Any]:
    return stopped.wait


def _polls(api: BotApiServer) -> int:
    return sum(request.method == "getUpdates" for request in api.requests)

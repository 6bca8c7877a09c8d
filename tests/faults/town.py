"""People who ask a bot, and how often each of their questions was answered."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.botapi import BotApiServer, Chat, Message

ROOT: Final = Path(__file__).parents[2]
QUESTION: Final = "擅自使用非法定信道翻墙可以吗，第 {number} 问"
START_S: Final = 60.0
SECRET: Final = "ein-Geheimnis_1"


@dataclass
class Tally:
    """What became of the questions."""

    asked: int
    lost: int
    doubled: int

    @property
    def counts(self) -> dict[str, int]:
        """As figures."""
        return {"asked": self.asked, "lost": self.lost, "doubled": self.doubled}

    def __str__(self) -> str:
        return f"{self.asked} asked, {self.lost} lost, {self.doubled} doubled"


@dataclass
class Town:
    """Private chats, in which questions are asked in turn; a few of them are groups."""

    server: BotApiServer
    people: int = 60
    asked: list[tuple[Chat, Message, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        users = [self.server.user(f"同志{number}") for number in range(self.people)]
        self.rooms = [(self.server.private_chat(user), user, "") for user in users]
        groups = [self.server.group(f"支部{number}") for number in range(self.people // 10)]
        self.rooms += [(group, user, "@wanggui_bot ") for group, user in zip(groups, users, strict=False)]
        self._users = users

    async def ask(self, count: int, rate: float = 0.0) -> None:
        """Ask so many questions, at so many a second."""
        start = time.monotonic()
        for place in range(count):
            if rate:
                await asyncio.sleep(max(0.0, start + place / rate - time.monotonic()))
            number = len(self.asked)
            chat, user, mention = self.rooms[number % len(self.rooms)]
            if mention:  # in turn: nobody asks more in a group than their budget allows
                user = self._users[number // len(self.rooms) % len(self._users)]
            said = await chat.say(user, mention + QUESTION.format(number=number))
            self.asked.append((chat, said, time.monotonic()))

    def replies(self) -> dict[tuple[int, int], int]:
        """How often each question was answered."""
        counts: Counter[tuple[int, int]] = Counter()
        for chat, _, _ in self.rooms:
            for said in chat.bot_messages:
                if said.reply_to_id is not None:
                    counts[chat.id, said.reply_to_id] += 1
        return {(chat.id, said.id): counts[chat.id, said.id] for chat, said, _ in self.asked}

    def tally(self) -> Tally:
        """How it stands now."""
        counts = self.replies().values()
        return Tally(len(self.asked), sum(count == 0 for count in counts), sum(count > 1 for count in counts))

    async def answered(self, timeout_s: float, *, all_but: int = 0) -> float:
        """Wait until every question is answered (or time is up); seconds waited."""
        start = time.monotonic()
        while self.tally().lost > all_but and time.monotonic() < start + timeout_s:
            await asyncio.sleep(0.05)
        return time.monotonic() - start


@dataclass
class Site:
    """Where a bot runs: its folder, its database, how it hears of updates, what it has in hand at once.

    `real`: the bot as it ships, and not `tests.faults.bot`; `before`: what its command begins with.
    """

    folder: Path
    database_url: str = ""
    webhook: bool = False
    slow_s: float = 0.0
    capacity: int = 0
    real: bool = False
    before: tuple[str, ...] = ()
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> tuple[str, ...]:
        """What begins the bot."""
        if self.real:
            return (*self.before, sys.executable, "-m", "bot", "run")
        return (*self.before, sys.executable, "-m", "tests.faults.bot", str(self.slow_s), str(self.capacity))

    @property
    def log(self) -> Path:
        """What it says: beside its folder, which it may not be able to write."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def environment(self, server: BotApiServer) -> dict[str, str]:
        """Everything that the process is told."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGUI_")}
        told = {
            "WANGGUI_TELEGRAM_TOKEN": server.token,
            "WANGGUI_TELEGRAM_API": server.base_url,
            "WANGGUI_DATA_DIR": str(self.folder),
            "WANGGUI_LISTEN": self.listen,
            "WANGGUI_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        if self.database_url:
            told["WANGGUI_DATABASE_URL"] = self.database_url
        if self.webhook:
            told |= {"WANGGUI_WEBHOOK_URL": f"http://{self.listen}/hook", "WANGGUI_WEBHOOK_SECRET": SECRET}
        return kept | told | self.settings


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Process:
    """A bot process that can be ended and begun again."""

    def __init__(self, server: BotApiServer, site: Site) -> None:
        self._server, self._site = server, site
        self.process: asyncio.subprocess.Process | None = None
        self._read = 0

    async def start(self, *, wait: bool = True) -> None:
        """Begin, and wait for the first call of getMe where that is wanted."""
        before = len(self._server.calls("getMe"))
        with self._site.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._site.command, env=self._site.environment(self._server), cwd=ROOT, stderr=log
            )
        if wait:
            await self._server.wait_for(lambda: len(self._server.calls("getMe")) > before or None, START_S)

    async def end(self, number: signal.Signals) -> float:
        """Send a signal, and wait for the end; seconds that it took."""
        assert self.process
        start = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.process.wait()
        return time.monotonic() - start

    def said(self) -> str:
        """What it has said since this was asked last."""
        content = self._site.log.read_bytes() if self._site.log.exists() else b""
        new, self._read = content[self._read :], len(content)
        return new.decode("utf-8", "replace")

    @property
    def ended(self) -> bool:
        """Whether it has ended, by itself or otherwise."""
        return self.process is not None and self.process.returncode is not None

    @property
    def exit_code(self) -> int:
        """What it ended with; a signal's number where that ended it."""
        assert self.process
        assert self.process.returncode is not None
        return abs(self.process.returncode)

    @property
    def rss_mb(self) -> float:
        """Its memory now, and that of the processes that it has begun (Linux)."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(_rss_mb(pid) for pid in (self.process.pid, *map(int, children)))


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@asynccontextmanager
async def running(server: BotApiServer, site: Site) -> AsyncIterator[Process]:
    """A bot, until the end of the block."""
    process = Process(server, site)
    await process.start()
    try:
        yield process
    finally:
        await process.end(signal.SIGTERM)


async def until(holds: Callable[[], object], timeout_s: float) -> float:
    """Wait until that is true (or time is up); seconds waited."""
    start = time.monotonic()
    while not holds() and time.monotonic() < start + timeout_s:
        await asyncio.sleep(0.02)
    return time.monotonic() - start


Figures = Mapping[str, float]

"""`make bench`: questions answered over Telegram, beside a bare python-telegram-bot echo, in one run.

The Bot API server of the tests runs in this process, each bot in one of its own. A burst puts 2,000 questions of the
evaluation sets into 300 chats at once (200 private ones, 100 groups in which three people mention the bot); each chat
gets about seven, which is a short burst as Telegram allows it and as `bot.telegram.pacing` lets it pass: no rate limit
is at work. Then questions come at a steady rate. CPU time is the bot's own process.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from tests.botapi import BotApiServer, Chat, User
from tests.botapi.chats import Json, snapshot

ROOT: Final = Path(__file__).parents[2]
BURST: Final = 2000
PRIVATE_CHATS: Final = 200
GROUPS: Final = 100
STEADY_S: Final = 8
PATIENCE_S: Final = 300.0
BOUNDS: Final = {"answered_per_s": 200.0, "p95_ms": 15.0, "cpu_ms": 5.0}


class LightServer(BotApiServer):
    """The same server without its memory of requests: it notes only when each question was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answered_at: dict[tuple[int, int], float] = {}

    def note(self) -> None:
        """Move what has been requested since the last time into `answered_at`."""
        requests, self.requests = self.requests, [request for request in self.requests if not request.status]
        for request in requests:
            if request.status and request.method == "sendMessage":
                replied = request.parameters.get("reply_parameters", {}).get("message_id", 0)
                self.answered_at.setdefault((request.parameters["chat_id"], replied), request.time)


@dataclass(frozen=True)
class Ask:
    """One question that waits to be asked."""

    chat: Chat
    message: Json

    @property
    def key(self) -> tuple[int, int]:
        """By which its reply is known."""
        return self.chat.id, int(self.message["message_id"])


def all_questions() -> list[str]:
    """Every question of both evaluation sets."""
    folder = ROOT / "tests" / "evaluation"
    lines = [
        line for part in ("dev", "test") for line in (folder / part / "queries.jsonl").read_text("utf-8").splitlines()
    ]
    return list(dict.fromkeys(json.loads(line)["text"] for line in lines))


class Town:
    """300 chats, and the people who ask in them; `ask` makes the next so many questions."""

    def __init__(self, server: BotApiServer) -> None:
        self._questions = all_questions()
        people = [server.user(f"同志{number}") for number in range(PRIVATE_CHATS)]
        self._rooms: list[tuple[Chat, list[User]]] = [(server.private_chat(person), [person]) for person in people]
        for number in range(GROUPS):
            self._rooms.append(
                (server.group(f"支部{number}"), [server.user(f"党员{number}-{one}") for one in range(3)])
            )
        self._asked = 0

    def ask(self, count: int) -> list[Ask]:
        """The next questions, chat by chat in turn."""
        made = []
        for _ in range(count):
            chat, people = self._rooms[self._asked % len(self._rooms)]
            person = people[self._asked // len(self._rooms) % len(people)]
            question = self._questions[self._asked % len(self._questions)]
            content: Json = {"text": question}
            if chat.kind != "private":
                mention = {"type": "mention", "offset": 0, "length": len("@wanggui_bot")}
                content = {"text": f"@wanggui_bot {question}", "entities": [mention]}
            made.append(Ask(chat, snapshot(chat.compose(person, content))))
            self._asked += 1
        return made


@asynccontextmanager
async def running(server: LightServer, command: list[str], folder: Path) -> AsyncIterator[int]:
    """A bot as a process of its own, from its first poll on; yields its process id."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGUI_")}
    settings = {"WANGGUI_TELEGRAM_TOKEN": server.token, "WANGGUI_TELEGRAM_API": server.base_url}
    settings |= {"WANGGUI_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "WANGGUI_LOG_LEVEL": "WARNING"}
    address = [] if command[0] == "bot" else [server.base_url, server.token]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, *address), env=kept | settings, cwd=folder, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await server.next_call("getUpdates", timeout_s=60)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def cpu_s(pid: int) -> float:
    """User and system seconds of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def answers(server: LightServer, asked: list[Ask]) -> list[float]:
    """When each was answered; waits until all are."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        server.note()
        times = [server.answered_at.get(ask.key) for ask in asked]
        if None not in times:
            return [at for at in times if at is not None]
        if time.monotonic() > deadline:
            raise TimeoutError(f"{times.count(None)} questions were never answered")
        await asyncio.sleep(0.02)


async def measure(command: list[str], folder: Path, rate: float) -> dict[str, float]:
    """One bot: a warm-up, the burst, the steady stream."""
    async with LightServer() as server:
        town = Town(server)
        async with running(server, command, folder) as pid:
            for ask in (warm := town.ask(60)):
                push(server, ask)
            await answers(server, warm)
            burst = town.ask(BURST)
            before, start = cpu_s(pid), time.monotonic()
            for ask in burst:
                push(server, ask)
            took_s = max(await answers(server, burst)) - start
            cpu_ms = (cpu_s(pid) - before) * 1000 / BURST
            await asyncio.sleep(1)
            latencies = await steady(server, town.ask(int(rate * STEADY_S)), rate)
    percent = quantiles(latencies, n=100)
    return {
        "answered_per_s": BURST / took_s,
        "p50_ms": median(latencies),
        "p95_ms": percent[94],
        "cpu_ms": cpu_ms,
    }


async def steady(server: LightServer, asked: list[Ask], rate: float) -> list[float]:
    """Milliseconds from each update to its reply, while they come at so many a second."""
    start = time.monotonic()
    pushed = []
    for place, ask in enumerate(asked):
        await asyncio.sleep(max(0.0, start + place / rate - time.monotonic()))
        pushed.append(time.monotonic())
        push(server, ask)
    return [1000 * (at - then) for at, then in zip(await answers(server, asked), pushed, strict=True)]


def push(server: BotApiServer, ask: Ask) -> None:
    """Queue one update; it has been composed beforehand."""
    server.push_unchecked("message", ask.message, f"chat{ask.chat.id}")


def main() -> None:
    """Print both sides, their ratio, and which bounds hold on this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="questions a second in the steady stream")
    rate = parser.parse_args().rate
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "WANGGUI_DATA_DIR": name, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "bot", "index"]
        subprocess.run(command, check=True, env=environment, cwd=folder, capture_output=True)
        sides: dict[str, dict[str, Any]] = {}
        for side, module in (("wanggui", ["bot", "run"]), ("bare echo", ["tests.benchmark.echo"])):
            sides[side] = asyncio.run(measure(module, folder, rate))
    ours, bare = sides["wanggui"], sides["bare echo"]
    print(f"{'':<16}{'wanggui':>10}{'bound':>10}{'bare echo':>11}{'ratio':>8}")
    for figure, value in ours.items():
        bound = BOUNDS.get(figure)
        kept = bound is None or (value >= bound if figure == "answered_per_s" else value <= bound)
        shown = f"{bound:>10.0f}" if bound else " " * 10
        mark = "" if kept else "   out of bounds"
        print(f"{figure:<16}{value:>10.1f}{shown}{bare[figure]:>11.1f}{value / bare[figure]:>8.2f}{mark}")


if __name__ == "__main__":
    main()

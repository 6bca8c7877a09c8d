"""`make bench`: questions answered over Telegram, beside a bare python-telegram-bot echo, in one run.

Each bot is a process of its own; this one is the server and asks, at some 1 ms an update, on the same cores. A burst
puts 2,000 questions into 300 chats at once (200 private ones, 100 groups in which three people mention the bot); each
chat gets about seven, which is a short burst as Telegram allows it and as `bot.telegram.pacing` lets it pass: no rate
limit is at work. No question comes twice, so that nothing which was found before helps. Then the same burst again, as
where a class asks what another has asked; then new questions at a steady rate. CPU time is that of the bot's
own processes.
"""

import argparse
import asyncio
import itertools
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

from aiohttp import web

from tests.botapi import BotApiServer, Chat, User
from tests.botapi.chats import Json, snapshot
from tests.botapi.errors import ApiError

ROOT: Final = Path(__file__).parents[2]
PRIVATE_CHATS: Final = 200
GROUPS: Final = 100
PATIENCE_S: Final = 300.0
BOUNDS: Final = {"answered_per_s": 200.0, "again_per_s": 200.0, "p95_ms": 15.0, "cpu_ms": 5.0, "again_cpu_ms": 5.0}
OPENINGS: Final = (("", ""), ("请问", "Please: "), ("老师，", "Hello, "))
"""With what the same question begins when it is asked anew, in Chinese and in English."""


class LightServer(BotApiServer):
    """The same server at a fifth of its cost: it neither checks nor keeps messages, only when each was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answered_at: dict[tuple[int, int], float] = {}
        self.polled = asyncio.Event()
        self._sent = itertools.count(1_000_000)

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        method = http.match_info["method"]
        if method == "sendMessage":
            return _answer(self._take(await _fields(http)))
        if method == "getUpdates":
            fields = await _fields(http)
            offset, limit, timeout_s = (int(fields.get(name, 0)) for name in ("offset", "limit", "timeout"))
            self.polled.set()
            try:
                return _answer(await self.delivery.poll(offset, limit or 100, timeout_s))
            except ApiError as error:
                return web.json_response(error.as_json(), status=error.status)
        return await super()._handle(http)

    def _take(self, fields: Json) -> Json:
        chat_id, reply = int(fields["chat_id"]), fields["reply_parameters"]
        replied = (json.loads(reply) if isinstance(reply, str) else reply)["message_id"]
        self.answered_at.setdefault((chat_id, int(replied)), time.monotonic())
        chat = {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup"}
        return {"message_id": next(self._sent), "date": int(time.time()), "chat": chat, "text": fields["text"]}


async def _fields(http: web.Request) -> Json:
    fields: Json = await http.json() if http.content_type == "application/json" else dict(await http.post())
    return fields


def _answer(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


@dataclass(frozen=True)
class Sizes:
    """How many questions come at once, and then how many a second, for how long."""

    burst: int
    rate: float
    seconds: float


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
    """Every question of the evaluation sets, then all of them begun differently: each is there once."""
    folder = ROOT / "tests" / "evaluation"
    lines = [
        line
        for part in ("dev", "dev_second", "test")
        for line in (folder / part / "queries.jsonl").read_text("utf-8").splitlines()
    ]
    questions = list(dict.fromkeys(json.loads(line)["text"] for line in lines))
    return [
        (english if question.isascii() else chinese) + question
        for chinese, english in OPENINGS
        for question in questions
    ]


class Town:
    """300 chats, and the people who ask in them."""

    def __init__(self, server: BotApiServer) -> None:
        self._questions = all_questions()
        people = [server.user(f"同志{number}") for number in range(PRIVATE_CHATS)]
        self._rooms: list[tuple[Chat, list[User]]] = [(server.private_chat(person), [person]) for person in people]
        for number in range(GROUPS):
            self._rooms.append(
                (server.group(f"支部{number}"), [server.user(f"党员{number}-{one}") for one in range(3)])
            )
        self._asked = self._turn = 0

    def ask(self, count: int) -> list[Ask]:
        """The next so many questions, chat by chat in turn."""
        if self._asked + count > len(self._questions):
            raise ValueError(f"there are {len(self._questions)} questions in all")
        made = []
        for question in self._questions[self._asked : self._asked + count]:
            chat, people = self._rooms[self._turn % len(self._rooms)]
            person = people[self._turn // len(self._rooms) % len(people)]
            content: Json = {"text": question}
            if chat.kind != "private":
                mention = {"type": "mention", "offset": 0, "length": len("@wanggui_bot")}
                content = {"text": f"@wanggui_bot {question}", "entities": [mention]}
            made.append(Ask(chat, snapshot(chat.compose(person, content))))
            self._turn += 1
        self._asked += count
        return made

    def ask_again(self, count: int) -> list[Ask]:
        """The last so many questions once more, each in another chat."""
        self._asked -= count
        self._turn += 1
        return self.ask(count)


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
        async with asyncio.timeout(60):
            await server.polled.wait()
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def cpu_s(pid: int) -> float:
    """User and system seconds of a process and of those that it has begun and that still run (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_s(int(child)) for child in children)


async def answers(server: LightServer, asked: list[Ask]) -> list[float]:
    """When each was answered; waits until all are."""
    deadline = time.monotonic() + PATIENCE_S
    while missing := [ask.key for ask in asked if ask.key not in server.answered_at]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(missing)} questions were never answered")
        await asyncio.sleep(0.05)
    return [server.answered_at[ask.key] for ask in asked]


async def measure(command: list[str], folder: Path, sizes: Sizes) -> dict[str, float]:
    """One bot: a warm-up, the burst, the same burst again, the steady stream."""
    async with LightServer() as server:
        town = Town(server)
        async with running(server, command, folder) as pid:
            for ask in (warm := town.ask(60)):
                push(server, ask)
            await answers(server, warm)
            per_s, cpu_ms, server_ms = await at_once(server, town.ask(sizes.burst), pid)
            again_per_s, again_cpu_ms, _ = await at_once(server, town.ask_again(sizes.burst), pid)
            latencies = await steady(server, town.ask(int(sizes.rate * sizes.seconds)), sizes.rate)
    return {
        "answered_per_s": per_s,
        "cpu_ms": cpu_ms,
        "again_per_s": again_per_s,
        "again_cpu_ms": again_cpu_ms,
        "p50_ms": median(latencies),
        "p95_ms": quantiles(latencies, n=100)[94],
        "server_cpu_ms": server_ms,
    }


async def at_once(server: LightServer, burst: list[Ask], pid: int) -> tuple[float, float, float]:
    """A burst: questions answered in a second, milliseconds of CPU an update of the bot's process, and of this one."""
    cpu, own_cpu, start = cpu_s(pid), time.process_time(), time.monotonic()
    for ask in burst:
        push(server, ask)
    took_s = max(await answers(server, burst)) - start
    cpu, own_cpu = cpu_s(pid) - cpu, time.process_time() - own_cpu
    await asyncio.sleep(1)
    return len(burst) / took_s, 1000 * cpu / len(burst), 1000 * own_cpu / len(burst)


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
    parser.add_argument("--burst", type=int, default=2000, help="questions that come at once")
    parser.add_argument("--rate", type=float, default=100.0, help="questions a second in the steady stream")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long it lasts")
    given = parser.parse_args()
    sizes = Sizes(given.burst, given.rate, given.seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "WANGGUI_DATA_DIR": name, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "bot", "index"]
        subprocess.run(command, check=True, env=environment, cwd=folder, capture_output=True)
        sides: dict[str, dict[str, Any]] = {}
        for side, module in (("wanggui", ["bot", "run"]), ("bare echo", ["tests.benchmark.echo"])):
            sides[side] = asyncio.run(measure(module, folder, sizes))
    ours, bare = sides["wanggui"], sides["bare echo"]
    print(f"{'':<16}{'wanggui':>10}{'bound':>10}{'bare echo':>11}{'ratio':>8}")
    for figure, value in ours.items():
        bound = BOUNDS.get(figure)
        kept = bound is None or (value >= bound if figure.endswith("per_s") else value <= bound)
        shown = f"{bound:>10.0f}" if bound else " " * 10
        mark = "" if kept else "   out of bounds"
        print(f"{figure:<16}{value:>10.1f}{shown}{bare[figure]:>11.1f}{value / bare[figure]:>8.2f}{mark}")


if __name__ == "__main__":
    main()

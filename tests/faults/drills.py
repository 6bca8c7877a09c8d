"""What is done to the bot, and the figures that come of it."""

import asyncio
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles

import aiohttp

from bot.storage.inbox import CAPACITY
from tests.botapi import BotApiServer, Request
from tests.botapi.errors import ApiError
from tests.botapi.server import Fault
from tests.faults.town import Figures, Process, Site, Tally, Town, running, until

PATIENCE_S = 90.0


async def crashes(site: Site, *, times: int, questions: int, rate: float, how: signal.Signals) -> Figures:
    """End the bot so many times while people ask, and begin it again at once."""
    async with BotApiServer(delay_scale=0.05) as server:
        town, process = Town(server), Process(server, site)
        await process.start()
        slowest_s = 0.0
        asking = asyncio.create_task(town.ask(questions, rate))
        for place in range(times):
            due = (place + 1) * questions // (times + 1)
            await until(lambda due=due: len(town.asked) >= due, PATIENCE_S)  # type: ignore[misc]
            slowest_s = max(slowest_s, await process.end(how))
            await process.start()
        await asking
        await town.answered(PATIENCE_S)
        await server.idle(1.0)
        await process.end(signal.SIGTERM)
        return {
            **town.tally().counts,
            "slowest_end_s": round(slowest_s, 2),
        }


POISON: tuple[object, ...] = (
    {},
    {"message_id": "x", "date": [], "chat": 7},
    ["x"],
    "x",
    None,
    {"message_id": 1, "date": 1 << 70, "chat": {"id": 1, "type": "private"}},
)


async def poison(site: Site) -> Figures:
    """Six kinds of updates that cannot be read, unknown kinds, a megabyte of text, NUL, lone surrogates."""
    async with BotApiServer(delay_scale=0.05) as server, running(server, site):
        town = Town(server, people=10)
        await town.ask(1)
        await town.answered(PATIENCE_S)
        slowest_s = 0.0
        li = server.user("小李")
        private = server.private_chat(li)
        message = dict(await private.say(li, "第十四条"))
        odd = [message | {"text": text, "message_id": 900 + n} for n, text in enumerate(ODD_TEXTS)]
        for kind, payload in [
            *(("message", one) for one in POISON),
            ("brand_new_kind", {"x": 1}),
            ("callback_query", {"id": 5}),
            *(("message", one) for one in odd),
        ]:
            server.push_unchecked(kind, payload)
            before = time.monotonic()
            await town.ask(1)
            await town.answered(10)
            slowest_s = max(slowest_s, time.monotonic() - before)
        return {
            **town.tally().counts,
            "slowest_next_answer_s": round(slowest_s, 2),
        }


ODD_TEXTS = ("长" * 350_000, "零\u0000字节", "孤\ud800立", "<b>&amp;</i>", "\u202e反", "🏴" * 2000)


FAULTS = ("401", "409", "429", "502", "garbage", "drop", "hang")


async def refusals(site: Site, faults: Sequence[str] = FAULTS, hang_s: float = 30.0) -> Figures:
    """What getUpdates and sendMessage may answer instead of what they should; each reply stands once, and soon."""
    async with BotApiServer(delay_scale=0.05) as server, running(server, site):
        town = Town(server, people=20)
        await town.ask(1)
        await town.answered(PATIENCE_S)
        slowest_s = 0.0
        for method in ("getUpdates", "sendMessage"):
            for fault in faults:
                if method == "getUpdates" and site.webhook:
                    continue
                if fault == "garbage":
                    server.garbage_next(method, times=2)
                elif fault == "drop":
                    server.drop_next(method, times=2)
                elif fault == "hang":
                    server.hang_next(method, hang_s)
                else:
                    server.fail_next(method, int(fault), fault, 2 if fault == "429" else None, times=2)
                await town.ask(3)
                slowest_s = max(slowest_s, await town.answered(30))
        await server.idle(1.0)
        return {
            **town.tally().counts,
            "slowest_recovery_s": round(slowest_s, 2),
        }


async def lost_token(site: Site) -> Figures:
    """A token that is refused turns /healthz red, and a token that works again turns it green."""

    async with BotApiServer(delay_scale=0.05) as server, running(server, site):
        await server.next_call("getUpdates", 30)
        await wait_for_health(site, 200)
        token, server.token = server.token, "1:another"
        red_s = await wait_for_health(site, 503)
        server.token = token
        green_s = await wait_for_health(site, 200)
        town = Town(server, people=10)
        await town.ask(5)
        await town.answered(30)
        tally = town.tally()
        return {"red_s": round(red_s, 2), "green_s": round(green_s, 2), "lost": tally.lost, "doubled": tally.doubled}


async def wait_for_health(site: Site, wanted: int) -> float:
    """Wait until /healthz answers so (or a minute is over); seconds waited."""
    start = time.monotonic()
    while await _health(site) != wanted and time.monotonic() < start + 60:
        await asyncio.sleep(0.1)
    return time.monotonic() - start


async def _health(site: Site) -> int:
    try:
        async with aiohttp.ClientSession() as web, web.get(f"http://{site.listen}/healthz") as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


class Flaky(BotApiServer):
    """A server that fails one call in so many, whatever the method, in every way that there is."""

    def __init__(self, share: float, seed: int = 7) -> None:
        super().__init__(delay_scale=0.05)
        self._share, self._random = share, random.Random(seed)
        self.failed = 0

    def _take_fault(self, request: Request) -> Fault | None:
        planned = super()._take_fault(request)
        if planned is not None or self._random.random() >= self._share:
            return planned
        self.failed += 1
        kind = self._random.choice(("429", "500", "502", "garbage", "drop", "hang"))
        if kind in ("garbage", "drop"):
            return Fault("garbage" if kind == "garbage" else "drop")
        if kind == "hang":
            return Fault("hang", seconds=1.0)
        parameters = {"retry_after": 1} if kind == "429" else {}
        return Fault("fail", error=ApiError(int(kind), "told to fail", **parameters))


async def soak(site: Site, *, questions: int, rate: float, share: float) -> Figures:
    """Every method fails now and then, at random."""
    async with Flaky(share) as server, running(server, site):
        town = Town(server, people=300)
        await town.ask(questions, rate)
        await town.answered(PATIENCE_S)
        await server.idle(2.0)
        tally = town.tally()
        return {
            **tally.counts,
            "answered_percent": round(100 * (1 - tally.lost / tally.asked), 3),
            "calls_failed": server.failed,
        }


async def load(site: Site, *, questions: int, people: int, rate: float) -> Figures:
    """A steady stream; what the bot adds to the time that the model takes."""
    async with BotApiServer() as server, running(server, site) as process:
        town = Town(server, people=people)
        await town.ask(200, 20)
        await town.answered(PATIENCE_S)
        before_mb = process.rss_mb
        begin = len(town.asked)
        await town.ask(questions, rate)
        await town.answered(PATIENCE_S)
        pushed = {(chat.id, said.id): at for chat, said, at in town.asked[begin:]}
        took = []
        for call in server.calls("sendMessage"):
            key = (call.chat_id, call.parameters.get("reply_parameters", {}).get("message_id", 0))
            if key in pushed:
                took.append(1000 * (call.time - pushed[key] - site.slow_s))
        return {
            **town.tally().counts,
            "overhead_p50_ms": round(quantiles(took, n=100)[49], 1),
            "overhead_p95_ms": round(quantiles(took, n=100)[94], 1),
            "rss_before_mb": round(before_mb, 1),
            "rss_after_mb": round(after_mb := process.rss_mb, 1),
            "rss_grows": round(after_mb / before_mb, 3),
        }


async def replicas(folder: Path, database_url: str, *, count: int, kills: int, questions: int, rate: float) -> Figures:
    """Several bots on one PostgreSQL; one after another is killed and begun again."""
    async with BotApiServer(delay_scale=0.05) as server:
        town = Town(server)
        sites = [Site(folder / str(number), database_url) for number in range(count)]
        for site in sites:
            site.folder.mkdir(parents=True, exist_ok=True)
        processes = [Process(server, site) for site in sites]
        await processes[0].start()  # the first makes the tables
        await asyncio.gather(*(process.start() for process in processes[1:]))
        asking = asyncio.create_task(town.ask(questions, rate))
        for place in range(kills):
            due = (place + 1) * questions // (kills + 1)
            await until(lambda due=due: len(town.asked) >= due, PATIENCE_S)  # type: ignore[misc]
            victim = processes[place % count]
            await victim.end(signal.SIGKILL)
            await victim.start(wait=False)
        await asking
        recovery_s = await town.answered(PATIENCE_S)
        await server.idle(1.0)
        await asyncio.gather(*(process.end(signal.SIGTERM) for process in processes))
        return {
            **town.tally().counts,
            "last_answer_after_s": round(recovery_s, 2),
        }


async def workers(
    folder: Path, fresh: Callable[[], str], *, rounds: int, slow_s: float, capacity: int = CAPACITY
) -> Figures:
    """A burst of people with one question each, before one bot and before two; how the throughput grows.

    Each question takes `slow_s`, and a bot has `capacity` in hand: two can have all of them in hand in so many rounds.
    """
    throughput, asked, lost, doubled = [], 0, 0, 0
    for count in (1, 2):
        sites = [Site(folder / f"{number}of{count}", slow_s=slow_s, capacity=capacity) for number in range(count)]
        per_s, tally = await _burst(sites, fresh(), 2 * capacity * rounds)
        throughput.append(per_s)
        asked, lost, doubled = asked + tally.asked, lost + tally.lost, doubled + tally.doubled
    one, two = throughput
    return {
        "asked": asked,
        "lost": lost,
        "doubled": doubled,
        "one_per_s": round(one, 1),
        "two_per_s": round(two, 1),
        "grows": round(two / one, 2),
    }


async def _burst(sites: Sequence[Site], database_url: str, people: int) -> tuple[float, Tally]:
    async with BotApiServer(delay_scale=0.05) as server:
        town, processes = Town(server, people), [Process(server, site) for site in sites]
        for site, process in zip(sites, processes, strict=True):  # one after another: the first makes the tables
            site.folder.mkdir(parents=True, exist_ok=True)
            site.database_url = database_url
            await process.start()
            await wait_for_health(site, 200)
        await town.ask(people)
        await town.answered(PATIENCE_S)
        last = max((call.time for call in server.calls("sendMessage")), default=0.0)
        await server.idle(1.0)
        await asyncio.gather(*(process.end(signal.SIGTERM) for process in processes))
        return people / max(0.001, last - town.asked[0][2]), town.tally()


async def outage(
    site: Site, begin: Callable[[Process], object], end: Callable[[Process], object], *, seconds: float, rate: float
) -> Figures:
    """The database is of no use for so long, while people ask."""
    async with BotApiServer(delay_scale=0.05) as server, running(server, site) as process:
        town = Town(server)
        await town.ask(10)
        await town.answered(PATIENCE_S)
        await asyncio.to_thread(begin, process)
        await town.ask(int(seconds * rate), rate)
        waiting = town.tally().lost
        await asyncio.to_thread(end, process)
        recovery_s = await town.answered(PATIENCE_S)
        await town.ask(10)
        await town.answered(PATIENCE_S)
        await server.idle(1.0)
        await process.end(signal.SIGTERM)
        return {
            **town.tally().counts,
            "unanswered_at_the_end_of_it": waiting,
            "recovery_s": round(recovery_s, 2),
            "exit_code": process.exit_code,
        }


class Locked:
    """Another program writes to the SQLite file, and does not end."""

    def __init__(self, site: Site) -> None:
        self._path = site.folder / "wanggui.db"
        self._other: sqlite3.Connection | None = None

    def begin(self, _: Process) -> None:
        """Lock it."""
        self._other = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._other.execute("BEGIN EXCLUSIVE")

    def end(self, _: Process) -> None:
        """Let it go."""
        assert self._other
        self._other.rollback()
        self._other.close()


def fill_the_disk(process: Process) -> None:
    """The bot's files may not grow any more (as with a quota)."""
    assert process.process
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


def free_the_disk(process: Process) -> None:
    """They may."""
    assert process.process
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

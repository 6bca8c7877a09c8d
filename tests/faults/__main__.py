"""`make faults`: every drill at full length; figures into tests/benchmark/faults.json; says which bounds do not hold.

`python -m tests.faults NAME...` runs those drills alone; `--share 0.1` a tenth of each, for a first look.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.benchmark.generation import CHUNK, MODEL_S, model
from tests.databases import Postgres
from tests.faults import drills, folders
from tests.faults.drills import Locked, fill_the_disk, free_the_disk
from tests.faults.folders import Impossible
from tests.faults.town import Figures, Site

OUT: Final = Path(__file__).parents[1] / "benchmark" / "faults.json"
BOUNDS: Final = {
    "lost": 0,
    "doubled": 0,
    "slowest_end_s": 10,
    "slowest_next_answer_s": 1,
    "slowest_recovery_s": 15,
    "recovery_s": 10,
    "red_s": 10,
    "overhead_p95_ms": 50,
    "rss_grows": 1.1,
    "wrong": 0,
    "silent": 0,
    "slowest_refusal_s": 10,
    "restart_s": 10,
    "exit_code": 0,
}
"""What a figure may be at most."""
FLOORS: Final = {"grows": 1.6}
"""What a figure must be at least."""

Drill = Callable[[Path, Postgres, float], Coroutine[Any, Any, Figures]]


def _kills(how: signal.Signals, *, postgres: bool, webhook: bool = False) -> Drill:
    async def drill(folder: Path, server: Postgres, share: float) -> Figures:
        site = Site(folder, server.fresh() if postgres else "", webhook)
        times, questions = max(1, round(20 * share)), max(50, round(3000 * share))
        return await drills.crashes(site, times=times, questions=questions, rate=25, how=how)

    return drill


async def _replicas(folder: Path, server: Postgres, share: float) -> Figures:
    kills, questions = max(1, round(10 * share)), max(50, round(1500 * share))
    return await drills.replicas(folder, server.fresh(), count=3, kills=kills, questions=questions, rate=25)


async def _locked(folder: Path, _: Postgres, share: float) -> Figures:
    locked = Locked(site := Site(folder))
    return await drills.outage(site, locked.begin, locked.end, seconds=30 * share, rate=5)


async def _full(folder: Path, _: Postgres, share: float) -> Figures:
    return await drills.outage(Site(folder), fill_the_disk, free_the_disk, seconds=30 * share, rate=5)


async def _gone(folder: Path, server: Postgres, share: float) -> Figures:
    site = Site(folder, server.fresh())
    return await drills.outage(
        site, lambda _: server.break_down(), lambda _: server.come_back(), seconds=30 * share, rate=5
    )


async def _damaged(folder: Path, _: Postgres, share: float) -> Figures:
    site = Site(folder, real=True)
    return await folders.damaged_index(site, folders.WAYS.values(), seconds=max(4, 12 * share), rate=5)


async def _unwritable(folder: Path, _: Postgres, share: float) -> Figures:
    return await folders.unwritable_folder(Site(folder, real=True), seconds=30 * share, rate=5)


async def _workers(folder: Path, server: Postgres, share: float) -> Figures:
    return await drills.workers(folder, server.fresh, rounds=max(2, round(3 * share)), slow_s=4.0)


async def _load(folder: Path, _: Postgres, share: float) -> Figures:
    with model(MODEL_S, piece=CHUNK) as slow:
        site = Site(folder, real=True, slow_s=MODEL_S, settings=slow.settings)
        return await drills.load(site, questions=round(1000 * share), people=300, rate=100)


async def _long(folder: Path, _: Postgres, share: float) -> Figures:
    site = Site(folder, real=True)
    return await drills.load(site, questions=round(12_000 * share), people=300, rate=20)


async def _soak(folder: Path, _: Postgres, share: float) -> Figures:
    return await drills.soak(Site(folder), questions=round(5000 * share), rate=40, share=0.01)


DRILLS: Final[dict[str, Drill]] = {
    "kill_polling_sqlite": _kills(signal.SIGKILL, postgres=False),
    "kill_webhook_sqlite": _kills(signal.SIGKILL, postgres=False, webhook=True),
    "kill_polling_postgresql": _kills(signal.SIGKILL, postgres=True),
    "kill_webhook_postgresql": _kills(signal.SIGKILL, postgres=True, webhook=True),
    "kill_replicas_postgresql": _replicas,
    "stop_polling_sqlite": _kills(signal.SIGTERM, postgres=False),
    "poison": lambda folder, _, __: drills.poison(Site(folder)),
    "refusals": lambda folder, _, __: drills.refusals(Site(folder)),
    "lost_token": lambda folder, _, __: drills.lost_token(Site(folder)),
    "database_locked": _locked,
    "database_gone": _gone,
    "disk_full": _full,
    "index_corrupt": _damaged,
    "folder_read_only": _unwritable,
    "two_workers": _workers,
    "load": _load,
    "ten_minutes": _long,
    "soak": _soak,
}


def main() -> None:
    """Run the drills, and say which bounds do not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*DRILLS, []], help="drills; default all")
    parser.add_argument("--share", type=float, default=1.0, help="how much of each")
    chosen = parser.parse_args()
    broken = 0
    with Postgres.running() as server, tempfile.TemporaryDirectory() as name:
        for drill in chosen.names or DRILLS:
            folder = Path(name) / drill
            folder.mkdir()
            start = time.monotonic()
            try:
                figures: dict[str, float] = dict(asyncio.run(DRILLS[drill](folder, server, chosen.share)))
            except Impossible as exc:
                print(f"{drill:<26}skipped: {exc}", flush=True)
                continue
            beyond = _out_of_bounds(figures)
            broken += bool(beyond)
            told = " ".join(f"{key}={value}" for key, value in figures.items())
            print(f"{drill:<26}{told}{'   OUT OF BOUNDS: ' + ', '.join(beyond) if beyond else ''}", flush=True)
            _write(drill, figures | {"share": chosen.share, "took_s": round(time.monotonic() - start)})
    sys.exit(1 if broken else 0)


def _out_of_bounds(figures: Mapping[str, float]) -> list[str]:
    above = [key for key, bound in BOUNDS.items() if figures.get(key, bound) > bound]
    return above + [key for key, floor in FLOORS.items() if figures.get(key, floor) < floor]


def _write(drill: str, figures: dict[str, float]) -> None:
    known = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    stamp = {"on": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    known[drill] = figures | stamp
    OUT.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The fault suite in short (the whole: `make faults`): nothing is lost, nothing is answered twice."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Postgres
from tests.faults import drills
from tests.faults.drills import Locked, fill_the_disk, free_the_disk
from tests.faults.town import Figures, Site

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.running() as server:
        yield server


def assert_once(figures: Figures) -> None:
    assert figures["asked"] > 0
    assert (figures["lost"], figures["doubled"]) == (0, 0), figures


async def test_a_killed_bot_answers_once_polling(tmp_path: Path) -> None:
    figures = await drills.crashes(Site(tmp_path), times=2, questions=60, rate=40, how=signal.SIGKILL)
    assert_once(figures)


async def test_a_killed_bot_answers_once_behind_a_webhook(tmp_path: Path) -> None:
    site = Site(tmp_path, webhook=True)
    assert_once(await drills.crashes(site, times=1, questions=40, rate=40, how=signal.SIGKILL))


async def test_a_stopped_bot_answers_once_and_stops_in_time(tmp_path: Path) -> None:
    site = Site(tmp_path, slow_s=0.3)
    figures = await drills.crashes(site, times=1, questions=40, rate=40, how=signal.SIGTERM)
    assert_once(figures)
    assert figures["slowest_end_s"] <= 10


async def test_of_two_replicas_one_may_die(tmp_path: Path, postgres: Postgres) -> None:
    figures = await drills.replicas(tmp_path, postgres.fresh(), count=2, kills=1, questions=60, rate=30)
    assert_once(figures)


async def test_poison_keeps_nobody_waiting(tmp_path: Path) -> None:
    assert_once(await drills.poison(Site(tmp_path)))


async def test_whatever_telegram_answers_each_reply_stands_once(tmp_path: Path) -> None:
    assert_once(await drills.refusals(Site(tmp_path), ("401", "409", "502", "garbage", "drop")))


async def test_a_locked_database_and_a_full_disk_cost_no_answer(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    locked = Locked(site := Site(tmp_path / "one"))
    assert_once(await drills.outage(site, locked.begin, locked.end, seconds=3, rate=5))
    assert_once(await drills.outage(Site(tmp_path / "two"), fill_the_disk, free_the_disk, seconds=2, rate=5))


async def test_a_database_that_goes_and_comes_back_costs_no_answer(tmp_path: Path, postgres: Postgres) -> None:
    site = Site(tmp_path, postgres.fresh())
    figures = await drills.outage(
        site, lambda _: postgres.break_down(), lambda _: postgres.come_back(), seconds=3, rate=5
    )
    assert_once(figures)

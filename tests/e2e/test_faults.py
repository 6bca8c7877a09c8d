"""The fault suite in short (the whole: `make faults`): nothing is lost, nothing is answered twice."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.storage.sql import Sql
from bot.storage.transacting import OwnThread
from tests.databases import Postgres
from tests.faults import drills, folders
from tests.faults.drills import Locked, fill_the_disk, free_the_disk
from tests.faults.folders import WAYS, Impossible, frozen
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


async def test_a_damaged_index_is_built_anew_and_costs_no_answer(tmp_path: Path) -> None:
    site = Site(tmp_path / "data", real=True)
    site.folder.mkdir()
    figures = await folders.damaged_index(site, [WAYS["chroma"]], seconds=2, rate=5)
    assert_once(figures)
    assert (figures["wrong"], figures["silent"], figures["exit_code"]) == (0, 0, 0), figures


async def test_a_folder_that_cannot_be_written_is_named_and_costs_no_answer(tmp_path: Path) -> None:
    site = Site(tmp_path / "data", real=True)
    site.folder.mkdir()
    try:
        figures = await folders.unwritable_folder(site, seconds=2, rate=5)
    except Impossible as exc:
        pytest.skip(str(exc))
    assert_once(figures)
    assert (figures["silent"], figures["exit_code"]) == (0, 0), figures


async def test_connections_opened_while_nothing_can_be_written_write_afterwards(tmp_path: Path) -> None:
    sql = Sql(f"sqlite:///{tmp_path}/wanggui.db")
    thread = OwnThread(sql)

    async def say(word: str) -> None:
        async with sql.writing() as connection:
            await connection.exec_driver_sql(f"INSERT INTO said VALUES ('{word}')")

    async def say_in_a_thread(word: str) -> None:
        await thread.run(lambda connection: connection.exec_driver_sql(f"INSERT INTO said VALUES ('{word}')"))

    async with sql.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE said (word TEXT)")
    await sql.close()
    with closing(sqlite3.connect(tmp_path / "wanggui.db")) as another:
        another.execute("SELECT * FROM said").fetchall()  # as in a bot that runs, its files stay open
        with frozen(tmp_path) as able:
            if not able:
                pytest.skip("needs root and chattr")
            for speak in (say, say_in_a_thread):
                with pytest.raises(StorageError, match="cannot be written"):
                    await speak("meanwhile")
        for speak in (say, say_in_a_thread):
            await speak("afterwards")
        assert another.execute("SELECT word FROM said").fetchall() == [("afterwards",)] * 2
    await thread.close()
    await sql.close()


async def test_two_workers_share_a_burst(tmp_path: Path, postgres: Postgres) -> None:
    assert_once(await drills.workers(tmp_path, postgres.fresh, rounds=2, slow_s=0.8, capacity=24))

"""What is done to the data folder of the real bot, and the figures that come of it."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.botapi import BotApiServer
from tests.faults.town import Figures, Process, Site, Town, until

PATIENCE_S: Final = 60.0
ARTICLE: Final = "第十四条"
"""What every question of the town is about."""
NOBODY: Final = 65534

Way = Callable[[Path], None]


def current(folder: Path) -> Path:
    """Where the index lies that a data folder names."""
    return folder / "index" / (folder / "index" / "CURRENT").read_text("utf-8").strip()


def halve(path: Path) -> None:
    """Cut a file in half."""
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    """Write garbage over the middle of a file, whose size stays."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(os.urandom(size // 2))


def damage_vectors(folder: Path) -> None:
    """What a rebuild would be made of is garbage, and a rebuild is needed."""
    scribble(folder / "vectors.sqlite3")
    halve(current(folder) / "scope.npz")


WAYS: Final[dict[str, Way]] = {
    "lexical": lambda folder: halve(current(folder) / "lexical.npz"),
    "chroma": lambda folder: scribble(current(folder) / "chroma" / "chroma.sqlite3"),
    "vectors": damage_vectors,
    "manifest": lambda folder: halve(current(folder) / "manifest.json"),
    "questions": lambda folder: scribble(current(folder) / "asked.npz"),
    "pointer": lambda folder: halve(folder / "index" / "CURRENT"),  # the last one: the others follow it
}


async def damaged_index(site: Site, ways: Iterable[Way], *, seconds: float, rate: float) -> Figures:
    """The bot is killed and its index damaged, in one way after another; then in all ways while it runs.

    `silent`: starts after which its log does not say that the index is rebuilt; `wrong`: replies about something else.
    """
    ways, count = list(ways), round(seconds * rate)
    silent, slowest_s = 0, 0.0
    async with BotApiServer(delay_scale=0.05) as server:
        town, process = Town(server), Process(server, site)

        async def begin_again() -> None:
            nonlocal silent, slowest_s
            process.said()
            begun = time.monotonic()
            await process.start(wait=False)
            slowest_s = max(slowest_s, await until(lambda: _answers_since(server, begun), PATIENCE_S))
            silent += not any("the index" in line and "rebuilt" in line for line in process.said().splitlines())

        await process.start()
        await town.ask(10)
        await town.answered(PATIENCE_S)
        for damage in ways:
            asking = asyncio.create_task(town.ask(count, rate))
            await asyncio.sleep(seconds / 4)
            await process.end(signal.SIGKILL)
            damage(site.folder)
            await begin_again()
            await asking
        await town.answered(PATIENCE_S)
        for damage in ways:
            damage(site.folder)
        await town.ask(count, rate)
        await town.answered(PATIENCE_S)
        await process.end(signal.SIGTERM)
        exit_code = process.exit_code
        await town.ask(10)
        await begin_again()
        await town.answered(PATIENCE_S)
        await server.idle(1.0)
        await process.end(signal.SIGTERM)
        return {
            **town.tally().counts,
            "wrong": sum(ARTICLE not in reply.text for chat, said, _ in town.asked for reply in chat.replies_to(said)),
            "silent": silent,
            "recovery_s": round(slowest_s, 2),
            "exit_code": exit_code or process.exit_code,
        }


def _answers_since(server: BotApiServer, begun: float) -> bool:
    return any(call.time > begun for call in server.calls("sendMessage"))


class Impossible(Exception):
    """This machine cannot do that to a bot."""


def bound_by_rights() -> tuple[str, ...]:
    """What a command begins with so that a folder's rights bind it: root is let go of every privilege.

    Raises:
        Impossible: it is root, and there is no `setpriv`.
    """
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        raise Impossible("root may write everywhere, and there is no setpriv (util-linux)")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder that its rights let nobody write: the user himself where that is no root, else a foreign owner's."""
    mine = folder.stat()
    try:
        for path in (folder, *folder.rglob("*")):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
                path.chmod(0o755 if path.is_dir() else 0o644)
            else:
                path.chmod(0o500 if path.is_dir() else 0o400)
        yield
    finally:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, mine.st_uid, mine.st_gid)
            path.chmod(0o700 if path.is_dir() else 0o600)


@contextmanager
def frozen(folder: Path) -> Iterator[bool]:
    """Not even open files can be written, as when a disk's errors make its file system read-only; False: no such means.

    Pages that a process has mapped can still be written then, hence SQLite's -shm is left out: the flag that stands in
    for the real thing would end the process there (SIGBUS), and an aborted ext4 does not.
    """
    paths = [str(path) for path in (folder, *folder.rglob("*")) if not path.name.endswith("-shm")]
    can = shutil.which("chattr") is not None and os.geteuid() == 0
    try:
        yield can and _chattr("+i", paths)
    finally:
        if can:
            _chattr("-i", paths)


def _chattr(flag: str, paths: list[str]) -> bool:
    return subprocess.run(["chattr", flag, *paths], check=False, capture_output=True).returncode == 0


async def unwritable_folder(site: Site, *, seconds: float, rate: float) -> Figures:
    """The data folder cannot be written: at the first start, at a later one, and while the bot runs.

    `silent`: starts that did not end with a sentence that names the folder, or that showed a traceback; `restart_s`:
    from a start, with a folder that can be written again, to the last answer; `frozen`: while the bot ran, not even
    open files could be written.

    Raises:
        Impossible: see `bound_by_rights`.
    """
    site.before = bound_by_rights()
    count = round(seconds * rate)
    async with BotApiServer(delay_scale=0.05) as server:
        town, process = Town(server), Process(server, site)
        with unwritable(site.folder):
            refusals = [await _refusal(process, site)]
        await process.start()
        await town.ask(10)
        await town.answered(PATIENCE_S)
        await process.end(signal.SIGTERM)
        with unwritable(site.folder):
            await town.ask(count, rate)
            refusals.append(await _refusal(process, site))
        begun = time.monotonic()
        await process.start()
        await town.answered(PATIENCE_S)
        restart_s = time.monotonic() - begun
        with ExitStack() as withheld:
            withheld.enter_context(unwritable(site.folder))
            even_open = withheld.enter_context(frozen(site.folder))
            await town.ask(count, rate)
            waiting = town.tally().lost
        recovery_s = await town.answered(PATIENCE_S)
        await town.ask(10)
        await town.answered(PATIENCE_S)
        await server.idle(1.0)
        await process.end(signal.SIGTERM)
        return {
            **town.tally().counts,
            "silent": sum(not honest for _, honest in refusals),
            "slowest_refusal_s": round(max(took_s for took_s, _ in refusals), 2),
            "restart_s": round(restart_s, 2),
            "frozen": even_open,
            "unanswered_at_the_end_of_it": waiting,
            "recovery_s": round(recovery_s, 2),
            "exit_code": process.exit_code,
        }


async def _refusal(process: Process, site: Site) -> tuple[float, bool]:
    """A start that must end by itself: seconds until it did, and whether one sentence said why and what to do."""
    process.said()
    begun = time.monotonic()
    await process.start(wait=False)
    await until(lambda: process.ended, PATIENCE_S)
    took_s = time.monotonic() - begun
    await process.end(signal.SIGKILL)
    said = process.said()
    last = said.splitlines()[-1] if said else ""
    told = str(site.folder) in last and "written" in last and "Traceback" not in said
    return took_s, told and process.exit_code == 1

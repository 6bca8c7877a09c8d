"""Finding in a process of its own: the event loop and numpy do not take the interpreter from one another.

    Answerer ─ seek ─▶ Apart ─ question, language ─▶ pipe ─▶ find_for ─▶ Finder
                         ◀──────── Finding ───────────────────┘

Questions are answered in the order in which they come, one at a time. A process that dies is begun anew and asked
again; a question that it has died of `MOST_DEATHS` times is given up. It ends when its input does, as when the bot is
killed. What goes over the pipe is pickled: both ends are this program.
"""

import asyncio
import logging
import pickle
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from bot.answering.finding import Finder, Finding
from bot.errors import WangguiError
from prompts import Language

MOST_DEATHS: Final = 2
PATIENCE_S: Final = 120.0
"""How long a question may take, those before it included; after that the process is taken to hang."""
END_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.25
_PATIENT_UNTIL_S: Final = 2.0
"""The pause between two attempts to begin anew from which those who wait are told that nothing can be found."""
_LONGEST_PAUSE_S: Final = 8.0
_SIZE: Final = struct.Struct("!I")
_READY: Final = "ready"

log = logging.getLogger(__name__)


class CannotFind(WangguiError):
    """The process cannot begin: its own words."""


@dataclass(eq=False)
class _Asked:
    """A question on its way; `deaths`: how often the process died of it, for all we know. None: it was given up."""

    frame: bytes
    answer: "asyncio.Future[Finding | None]"

    def settle(self, found: Finding | None) -> None:
        """Tell whoever waits for it, if anybody still does."""
        if not self.answer.done():
            self.answer.set_result(found)

    deaths: int = 0


class Apart:
    """Asks a process that runs `find_for`; use as `async with`. `unavailable` makes what is said where it fails.

    `environment` is what the process is told; None: all that this one was.

    Raises:
        CannotFind: on entering, where the process does not begin.
    """

    def __init__(
        self,
        command: Sequence[str],
        unavailable: Callable[[str, Language], Finding],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._unavailable, self._environment = command, unavailable, environment
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: deque[_Asked] = deque()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Apart":
        await self._begin()
        self._reading = asyncio.create_task(self._read(), name="findings")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        for asked in self._waiting:
            asked.answer.cancel()
        await self._end()

    async def find(self, question: str, language: Language) -> Finding:
        """What the text says; raises nothing but cancellation."""
        asked = _Asked(_framed((question, language)), asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self._send(asked)
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await asyncio.shield(asked.answer)
        except TimeoutError:
            log.error("finding takes too long: its process is begun anew")
            if self._waiting:
                self._waiting[0].deaths = MOST_DEATHS  # it hangs at this one, and would again
            self._kill()
            found = None
        return self._unavailable(question, language) if found is None else found

    def _send(self, asked: _Asked) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(asked.frame)

    async def _read(self) -> None:
        """Hand answers on in their order; see to a process that has died."""
        while True:
            assert self._process  # noqa: S101 - begun on entering
            assert self._process.stdout  # noqa: S101 - a pipe
            try:
                found = await _unframed(self._process.stdout)
            except (asyncio.IncompleteReadError, OSError):
                await self._begin_anew()
                continue
            self._waiting.popleft().settle(found)

    async def _begin_anew(self) -> None:
        await self._end()
        log.error("the process that finds articles has ended (%s); it is begun anew", _code(self._process))
        if self._waiting:
            self._waiting[0].deaths += 1
            if self._waiting[0].deaths >= MOST_DEATHS:
                log.error("the question that it ended at is given up")
                self._waiting.popleft().settle(None)
        pause_s = _FIRST_PAUSE_S
        while not await self._has_begun():
            if pause_s >= _PATIENT_UNTIL_S:
                while self._waiting:
                    self._waiting.popleft().settle(None)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        for asked in self._waiting:
            self._send(asked)

    async def _has_begun(self) -> bool:
        try:
            await self._begin()
        except (CannotFind, OSError) as exc:  # the disk may be full, or there may be no memory
            log.error("it does not begin: %s", exc)
            return False
        return True

    async def _begin(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the bot, which ends it in good order
        )
        assert process.stdout  # noqa: S101 - a pipe
        try:
            told = await _unframed(process.stdout)
        except (asyncio.IncompleteReadError, OSError):
            await process.wait()
            raise CannotFind(f"the process that finds articles ended at once ({_code(process)})") from None
        except BaseException:
            process.kill()
            raise
        if told != _READY:
            await process.wait()
            raise CannotFind(str(told))
        self._process = process

    async def _end(self) -> None:
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._process.wait()
        self._kill()
        await self._process.wait()

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


def find_for(finder: Finder, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until there are no more."""
    tell(answers, _READY)
    while size := asked.read(_SIZE.size):
        question, language = pickle.loads(asked.read(*_SIZE.unpack(size)))  # noqa: S301 - from our own parent
        tell(answers, finder.find(question, language))


def tell(answers: BinaryIO, what: object) -> None:
    """Write one frame: that the process is ready, a finding, or, as the first, why it cannot begin."""
    answers.write(_framed(what))
    answers.flush()


def _framed(what: object) -> bytes:
    content = pickle.dumps(what, protocol=pickle.HIGHEST_PROTOCOL)
    return _SIZE.pack(len(content)) + content


async def _unframed(reader: asyncio.StreamReader) -> Any:
    (size,) = _SIZE.unpack(await reader.readexactly(_SIZE.size))
    return pickle.loads(await reader.readexactly(size))  # noqa: S301 - from our own child


def _code(process: asyncio.subprocess.Process | None) -> str:
    return f"code {process.returncode}" if process else "never begun"

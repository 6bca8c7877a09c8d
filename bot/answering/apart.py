"""Finding in a process of its own: the event loop and numpy do not take the interpreter from one another.

    Answerer ─ seek ─▶ Apart ─ question, language ─▶ pipe ─▶ find_for ─▶ Finder
                         ◀──────── Finding ───────────────────┘

Answers come in the order of their questions; those that have come while the process was busy are looked at together,
which costs less than one by one. A process that dies or hangs is begun anew, and the first question without an answer
is asked again by itself; one that it dies of or hangs at even then is given up, and those behind it are answered. It
ends when its input does. What goes over the pipe is pickled: both ends are this program.
"""

import asyncio
import itertools
import logging
import math
import os
import pickle
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from bot.answering.finding import Finder, Finding
from bot.errors import WangguiError
from prompts import Language

TOGETHER: Final = 8
"""Questions that are looked at together, if as many wait: with more, the first of them would wait for little gain."""
HANG_S: Final = 20.0
"""How long one question may take."""
PATIENCE_S: Final = 60.0
"""How long somebody waits, the questions before theirs included."""
SOON_S: Final = 8.0
"""How long it may take to begin anew before those who wait are told that nothing can be found."""
BEGIN_S: Final = 900.0
"""How long beginning anew may take at all: somebody may be building the index."""
END_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 8.0
_SIZE: Final = struct.Struct("!I")
_READY: Final = "ready"
_MOST_BYTES: Final = 1 << 16
"""What a pipe holds."""

log = logging.getLogger(__name__)


class CannotFind(WangguiError):
    """The process cannot begin: its own words."""


@dataclass(eq=False)
class _Asked:
    """A question on its way; None as its answer: it was given up.

    `sent` if the process that runs has been asked, `suspected` if one has failed while it may have been looking at it.
    """

    number: int
    frame: bytes
    answer: "asyncio.Future[Finding | None]"
    sent: bool = False
    suspected: bool = False

    def settle(self, found: Finding | None) -> None:
        """Tell whoever waits for it, if anybody still does."""
        if not self.answer.done():
            self.answer.set_result(found)


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
        self._ready = False
        self._waiting: deque[_Asked] = deque()
        self._numbers = itertools.count()
        self._reading: asyncio.Task[None] | None = None
        self._limit: asyncio.Timeout | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._down_since = math.inf

    async def __aenter__(self) -> "Apart":
        try:
            await self._begin()
        except BaseException:
            await self._end()
            raise
        self._ready = True
        self._reading = asyncio.create_task(self._run(), name="findings")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._give_all_up()
        await self._end()

    async def find(self, question: str, language: Language) -> Finding:
        """What the text says; raises nothing but cancellation."""
        loop = asyncio.get_running_loop()
        if self._reading is None or self._reading.done() or loop.time() - self._down_since > SOON_S:
            return self._unavailable(question, language)
        number = next(self._numbers)
        asked = _Asked(number, _framed((number, question, language)), loop.create_future())
        self._waiting.append(asked)
        if not self._waiting[0].suspected:
            self._send(asked)
        if len(self._waiting) == 1:
            self._expect_progress()
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await asyncio.shield(asked.answer)
        except TimeoutError:
            found = None
        finally:
            asked.answer.cancel()  # what nobody waits for is not asked again
        return self._unavailable(question, language) if found is None else found

    def _send(self, asked: _Asked) -> None:
        stdin = self._process.stdin if self._ready and self._process else None
        if stdin and not stdin.is_closing() and not asked.sent:
            stdin.write(asked.frame)
            asked.sent = True

    def _send_what_waits(self) -> None:
        """Ask all of it that somebody still waits for; where the first is suspected, that one by itself."""
        self._waiting = deque(asked for asked in self._waiting if asked.sent or not asked.answer.done())
        alone = bool(self._waiting) and self._waiting[0].suspected
        for asked in list(self._waiting)[: 1 if alone else None]:
            self._send(asked)

    def _suspect(self) -> None:
        """The process has failed: give up what it was asked by itself, suspect what it may have looked at."""
        self._ready, self._down_since = False, asyncio.get_running_loop().time()
        if self._waiting and self._waiting[0].suspected and self._waiting[0].sent:
            log.error("the question that it ended at is given up")
            self._waiting.popleft().settle(None)
        for asked in list(self._waiting)[:TOGETHER]:
            asked.suspected = asked.suspected or asked.sent
        for asked in self._waiting:
            asked.sent = False

    def _expect_progress(self) -> None:
        """An answer is due within `HANG_S` from now, if anything is asked."""
        if self._limit is not None:
            due = asyncio.get_running_loop().time() + HANG_S if self._waiting else None
            with suppress(RuntimeError):  # it is just being left
                self._limit.reschedule(due)

    def _give_all_up(self) -> None:
        while self._waiting:
            self._waiting.popleft().settle(None)

    async def _run(self) -> None:
        """Hand answers on in their order; see to a process that has died or hangs, for ever."""
        while True:
            try:
                await self._read()
            except TimeoutError:
                log.error("the process that finds articles hangs; it is begun anew")
            except Exception as exc:  # it has ended, or what it says cannot be read: as after an upgrade under our feet
                log.error("the process that finds articles has ended (%s); it is begun anew", type(exc).__name__)
            self._suspect()
            await self._end()
            await self._begin_anew()

    async def _read(self) -> None:
        """Hand answers on.

        Raises:
            TimeoutError: the next one does not come. Exception: whatever reading raises where the process has ended.
        """
        assert self._process  # noqa: S101 - begun
        assert self._process.stdout  # noqa: S101 - a pipe
        async with asyncio.timeout(None) as self._limit:
            self._expect_progress()
            while True:
                number, found = await _unframed(self._process.stdout)
                if number != self._waiting[0].number:  # nobody must get what another has asked
                    raise ValueError("an answer to another question")
                self._pause_s = _FIRST_PAUSE_S
                answered = self._waiting.popleft()
                answered.settle(found)
                if answered.suspected:
                    self._send_what_waits()
                self._expect_progress()

    async def _begin_anew(self) -> None:
        """Begin, ever more slowly while nothing is answered in between; then ask again what is unanswered."""
        while True:
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            beginning = asyncio.create_task(self._has_begun())
            try:
                await asyncio.wait((beginning,), timeout=max(0.0, self._until_soon()))
                if not beginning.done():
                    self._give_all_up()
                if await beginning:
                    break
            finally:
                beginning.cancel()
            if self._until_soon() <= 0:
                self._give_all_up()
        self._ready, self._down_since = True, math.inf  # at once with what follows: questions keep their order
        self._send_what_waits()

    def _until_soon(self) -> float:
        return self._down_since + SOON_S - asyncio.get_running_loop().time()

    async def _has_begun(self) -> bool:
        try:
            async with asyncio.timeout(BEGIN_S):
                await self._begin()
        except (CannotFind, OSError) as exc:  # no room, no memory, or (TimeoutError is an OSError) no end of beginning
            log.error("it does not begin: %s", exc or type(exc).__name__)
            await self._end()
            return False
        return True

    async def _begin(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the bot, which ends it in good order
        )
        assert self._process.stdout  # noqa: S101 - a pipe
        try:
            told = await _unframed(self._process.stdout)
        except (asyncio.IncompleteReadError, pickle.UnpicklingError):
            raise CannotFind("the process that finds articles ended at once") from None
        if told != _READY:
            raise CannotFind(str(told))

    async def _end(self) -> None:
        """End the process, in good order if it can; what it still says is read, or its end would never be seen."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        assert process.stdin  # noqa: S101 - a pipe
        assert process.stdout  # noqa: S101 - a pipe
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.stdout.read()
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.stdout.read()
            await process.wait()


def find_for(finder: Finder, questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until there are no more."""
    tell(answers, _READY)
    pending = b""
    while come := os.read(questions.fileno(), _MOST_BYTES):
        frames, pending = _split(pending + come)
        for batch in _batches(frames, TOGETHER):
            asked = [pickle.loads(frame) for frame in batch]  # noqa: S301 - from our own parent
            found = finder.find_all([(question, language) for _, question, language in asked])
            for (number, *_), finding in zip(asked, found, strict=True):
                tell(answers, (number, finding))


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    """The whole frames at the beginning of what has come, and what is left."""
    frames, begin = [], 0
    while begin + _SIZE.size <= len(content):
        (size,) = _SIZE.unpack_from(content, begin)
        end = begin + _SIZE.size + size
        if end > len(content):
            break
        frames.append(content[begin + _SIZE.size : end])
        begin = end
    return frames, content[begin:]


def _batches(frames: list[bytes], size: int) -> Iterator[list[bytes]]:
    for begin in range(0, len(frames), size):
        yield frames[begin : begin + size]


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

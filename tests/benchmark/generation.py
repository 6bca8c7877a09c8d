"""`python -m tests.benchmark.generation`: what the house adds to a language model's own time.

A scripted model answers over loopback HTTP from a process of its own. Three figures: everything but the model, one
question after the other; two hundred conversations at once against a model that takes a second; and how long after
the model has finished its first claim that claim is shown.
"""

import asyncio
import json
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `bot.settings` does, before anything loads numpy

from bot.answering.generation.conversation import MemoryTurns, Place
from bot.answering.service import Answerer
from bot.bootstrap import join, open_apart, open_writer, spare_the_collector
from bot.settings import Settings
from knowledge.assembly import KnowledgeBase, open_knowledge_base
from tests.benchmark.telegram import all_questions, cpu_s
from tests.openai_api import Call, ChatServer, Say

CONVERSATIONS: Final = 200
QUESTIONS: Final = 300
MODEL_S: Final = 1.0
TOKEN: Final = 4
CHUNK: Final = 32
"""Characters in a piece: about a token, and what endpoints that bundle tokens send; each costs the client time."""
BOUNDS: Final = {"overhead_p50_ms": 15.0, "first_claim_p95_ms": 300.0, "at_once_p95_s": 1.6, "longest_stall_ms": 50.0}
_IN_ENGLISH: Final = "with text and open in English"
"""What the prompt for a question in English says; see prompts/material.en.md."""
_FIRST: Final = re.compile(r"^\[E1\] (.*)$", re.MULTILINE)
_RULE: Final = re.compile(r"[^。；]*?(不得|应当)[^。；，]{4,}")


def draft_for(call: Call) -> str:
    """A faithful draft of two claims about the first article of the prompt; an empty one where it has no rule."""
    article = _FIRST.search(call.prompt)
    found = _RULE.search(article[1]) if article else None
    if found is None:
        return '{"claims": [], "open": []}'
    words = found[0].partition(found[1])[2][:12]
    cases = (
        ("what you ask about", "what you describe")
        if _IN_ENGLISH in call.prompt
        else ("您说的这件事", "您问的这些情形")
    )
    claims = [{"evidence": "E1", "quote": found[0], "case": case, "words": words} for case in cases]
    return json.dumps({"claims": claims, "open": []}, ensure_ascii=False)


def _serve(pipe: Connection, first_s: float, each_s: float, piece: int) -> None:
    """A model that takes so long before its first piece, and before each of the rest."""

    def respond(call: Call) -> Say:
        return Say(draft_for(call), piece=piece, first_s=first_s, each_s=each_s)

    async def run() -> None:
        async with ChatServer(otherwise=respond) as server:
            pipe.send(server.base_url)
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
            pipe.send([finished(call) for call in server.calls])

    asyncio.run(run())


def finished(call: Call) -> tuple[str, float]:
    """The question's last line, and when the first claim's closing brace had been written."""
    assert isinstance(call.script, Say)
    end = call.script.text.find("}") + 1
    return call.prompt, call.written_at(end) if end and call.pieces else 0.0


@dataclass
class Model:
    """The scripted model's address, and, once it has ended, what it noted of each call."""

    address: str
    pid: int
    calls: list[tuple[str, float]]

    @property
    def settings(self) -> dict[str, str]:
        """What tells a bot to use it."""
        return {"WANGGUI_LLM_MODEL": "openai:scripted", "WANGGUI_LLM_BASE_URL": self.address}


@contextmanager
def model(first_s: float = 0.0, each_s: float = 0.0, *, piece: int = TOKEN) -> Iterator[Model]:
    """The scripted model in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, first_s, each_s, piece), daemon=True)
    process.start()
    running = Model(here.recv(), process.pid or 0, [])
    try:
        yield running
    finally:
        here.send(None)
        running.calls = here.recv()
        process.join()


@asynccontextmanager
async def house(folder: Path, address: str) -> AsyncIterator[Answerer]:
    """The application as it runs, with this model."""
    settings = Settings(
        _env_file=None, data_dir=folder, llm_model="openai:scripted", llm_base_url=address, llm_timeout_s=20
    )
    async with (
        open_apart(settings) as make,
        aclosing(make(writer=open_writer(settings), turns=MemoryTurns())) as answerer,
    ):
        yield answerer


def different(knowledge: KnowledgeBase, wanted: int) -> list[str]:
    """So many questions that are answered from the text and go to the model, no two alike to its cache."""
    plain = join(knowledge)
    chosen = []
    for text in all_questions():
        answer = plain.answer_now(text)
        if answer.status == "answered" and answer.mode == "extractive" and not answer.notes:
            chosen.append(text)
        if len(chosen) == wanted:
            return chosen
    raise ValueError(f"only {len(chosen)} such questions are there")


async def overhead(answerer: Answerer, asked: list[str]) -> list[float]:
    """Milliseconds of each answer that is in the model's words, one after the other."""
    latencies = []
    for question in asked:
        start = time.perf_counter()
        answer = await answerer.answer(question)
        if answer.mode == "generative":
            latencies.append((time.perf_counter() - start) * 1000)
    return latencies


async def first_claims(answerer: Answerer, asked: list[str]) -> dict[str, float]:
    """When the first claim of each question was there to be shown."""
    shown: dict[str, float] = {}
    for question in asked:
        async for answer in answerer.stream(question):
            if answer.claims:
                shown.setdefault(question, time.perf_counter())
    return shown


async def at_once(answerer: Answerer, asked: list[str]) -> tuple[list[float], float, int]:
    """Seconds of each of so many conversations, the longest stall of the event loop in ms, how many in its words."""

    longest = 0.0

    async def one(place: int, question: str) -> tuple[float, bool]:
        start = time.perf_counter()
        answer = await answerer.answer(question, place=Place(str(place)))
        return time.perf_counter() - start, answer.mode == "generative"

    async def beat() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    heart = asyncio.create_task(beat())
    told = await asyncio.gather(*(one(place, question) for place, question in enumerate(asked)))
    heart.cancel()
    return [seconds for seconds, _ in told], longest * 1000, sum(worded for _, worded in told)


async def measure() -> None:
    """Print the figures, their bounds, and which hold on this machine."""
    with tempfile.TemporaryDirectory() as name, closing(open_knowledge_base(folder := Path(name))) as knowledge:
        chosen = different(knowledge, 20 + QUESTIONS)
        warm, asked = chosen[:20], chosen[20:]
        spare_the_collector()  # as the bot does
        with model() as quick:
            async with house(folder, quick.address) as answerer:
                await overhead(answerer, warm)
                before, others = cpu_s(os.getpid()), cpu_s(quick.pid)
                latencies = await overhead(answerer, asked)
                spent = cpu_s(os.getpid()) - before - (cpu_s(quick.pid) - others)
        with model(0.05, 0.01) as slow:
            async with house(folder, slow.address) as answerer:
                shown = await first_claims(answerer, asked[:40])
        waits = [
            (at - next(written for prompt, written in slow.calls if f"{question}\n" in prompt)) * 1000
            for question, at in shown.items()
            if any(f"{question}\n" in prompt for prompt, _ in slow.calls)
        ]
        with model(MODEL_S, piece=CHUNK) as patient:
            async with house(folder, patient.address) as answerer:
                crowd, stall, worded = await at_once(answerer, asked[:CONVERSATIONS])
        with model(MODEL_S) as patient:
            async with house(folder, patient.address) as answerer:
                by_tokens, *_ = await at_once(answerer, asked[:CONVERSATIONS])
        plain = join(knowledge)
        verbatim = [plain.answer_now(question).latency_ms for question in asked]
    assert len(set(asked[:CONVERSATIONS])) == CONVERSATIONS
    figures = {
        "overhead_p50_ms": median(latencies),
        "first_claim_p95_ms": quantiles(waits, n=20)[18],
        "at_once_p95_s": quantiles(crowd, n=20)[18],
        "longest_stall_ms": stall,
    }
    print(f"{'':<20}{'wanggui':>10}{'bound':>10}")
    for name, bound in BOUNDS.items():
        beside = "" if figures[name] <= bound else "   above the bound"
        print(f"{name:<20}{figures[name]:>10.2f}{bound:>10.1f}{beside}")
    print(f"in the model's words: {len(latencies)} of {len(asked)} in turn, {worded} of {CONVERSATIONS} at once")
    print(f"first claims timed: {len(waits)}; overhead p95 {quantiles(latencies, n=20)[18]:.2f} ms")
    print(f"processor time an answer: {1000 * spent / len(asked):.2f} ms")
    print(f"the verbatim answer alone: {median(verbatim):.2f} ms p50")
    print(f"at once, where each token comes as a piece: {quantiles(by_tokens, n=20)[18]:.2f} s p95")


if __name__ == "__main__":
    asyncio.run(measure())

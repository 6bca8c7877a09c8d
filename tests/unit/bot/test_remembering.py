"""The short memory of findings: what is kept, for how long, and that no word of anybody's is."""

import asyncio
from dataclasses import replace
from typing import Any

from bot.answering.finding import Finding
from bot.answering.generation.conversation import MemoryTurns, Place
from bot.answering.remembering import LIFE_S, MOST, Memory
from bot.answering.service import Answerer
from knowledge.library import Library
from prompts import Language, load_replies
from tests.factories import make_answer, make_evidence, make_retrieval
from tests.fakes import FakeClock, FakeRetriever


class Seeker:
    """Finds what it was made with; `sought` records for what, `gate` lets it find."""

    def __init__(self, **changes: Any) -> None:
        self._answer = make_answer(**({"ranking": ("conduct#14",)} | changes))
        self.sought: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, memory: Memory, question: str, language: Language = "zh") -> Finding:
        async def seek() -> Finding:
            self.sought.append(question)
            await self.gate.wait()
            return Finding(replace(self._answer, question=question), wordable=True)

        return await memory.find(question, language, seek)


async def test_the_same_question_is_worked_out_once() -> None:
    seeker, memory = Seeker(), Memory()
    first, second = await seeker.ask(memory, "能翻墙吗"), await seeker.ask(memory, "能翻墙吗")
    assert seeker.sought == ["能翻墙吗"]
    assert first == second
    assert (second.answer.question, second.wordable) == ("能翻墙吗", True)


async def test_asked_twice_at_once_it_is_worked_out_once_too() -> None:
    seeker, memory = Seeker(), Memory()
    seeker.gate.clear()
    asked = [asyncio.create_task(seeker.ask(memory, "能翻墙吗")) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    seeker.gate.set()
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError), "one who gives up does not take the answer from the others"
    assert [found.answer.status for found in done[1:] if isinstance(found, Finding)] == ["answered"] * 2
    assert len(seeker.sought) == 1


async def test_another_language_or_question_is_another_finding() -> None:
    seeker, memory = Seeker(), Memory()
    await seeker.ask(memory, "能翻墙吗")
    await seeker.ask(memory, "能翻墙吗", "en")
    await seeker.ask(memory, "不能翻墙吗")
    assert len(seeker.sought) == 3


async def test_a_finding_is_forgotten_after_some_minutes() -> None:
    clock = FakeClock()
    seeker, memory = Seeker(), Memory(clock=clock)
    await seeker.ask(memory, "能翻墙吗")
    clock.now += LIFE_S
    await seeker.ask(memory, "能翻墙吗")
    assert len(seeker.sought) == 2


async def test_what_may_quote_a_person_or_was_a_failure_is_not_kept() -> None:
    for changes in (
        {"mode": "lookup"},
        {"ranking": (), "status": "abstained", "reason": "out_of_scope", "lead": "没有《我的秘密法》"},
        {"status": "unavailable", "reason": "failed"},
    ):
        memory = Memory()
        await Seeker(**changes).ask(memory, "我的秘密")
        assert len(memory) == 0


async def test_what_is_kept_holds_no_word_of_the_question() -> None:
    memory = Memory()
    await Seeker().ask(memory, "只有我知道的话能翻墙吗")
    assert len(memory) == 1
    assert "只有我知道" not in repr(vars(memory)["_kept"])


async def test_the_memory_is_bounded() -> None:
    seeker, memory = Seeker(), Memory()
    for number in range(MOST + 10):
        await seeker.ask(memory, f"问题{number}")
    assert len(memory) == MOST


def answerer_with_memory(library: Library) -> tuple[Answerer, FakeRetriever]:
    retriever = FakeRetriever(make_retrieval(make_evidence(library, 14)))
    return Answerer(library, retriever, load_replies(), turns=MemoryTurns(), memory=Memory()), retriever


async def test_an_answerer_looks_once_for_what_is_asked_in_many_places(bundled_library: Library) -> None:
    answerer, retriever = answerer_with_memory(bundled_library)
    answers = [await answerer.answer("能翻墙吗", place=Place(chat, "", "1")) for chat in "123"]
    assert len(retriever.questions) == 1
    assert [answer.question for answer in answers] == ["能翻墙吗"] * 3


async def test_the_same_follow_up_of_two_people_is_two_questions(bundled_library: Library) -> None:
    answerer, _ = answerer_with_memory(bundled_library)
    li, wang = Place("1", "", "li"), Place("1", "", "wang")
    await answerer.answer("能翻墙吗", place=li)
    await answerer.answer("给主播刷礼物行不行", place=wang)
    understood = [(await answerer.answer("干部呢", place=place)).understood for place in (li, wang)]
    assert understood == ["干部能翻墙吗", "干部给主播刷礼物行不行"]


async def test_whether_the_index_is_well_is_looked_for_every_time(bundled_library: Library) -> None:
    answerer, retriever = answerer_with_memory(bundled_library)
    assert await answerer.is_well()
    assert await answerer.is_well()
    assert len(retriever.questions) == 2

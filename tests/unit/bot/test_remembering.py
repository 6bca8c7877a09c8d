"""The short memory of answers: what is kept, for how long, and that no word of anybody's is."""

import asyncio
from dataclasses import replace
from typing import Any, cast

from bot.answering.model import Answer
from bot.answering.remembering import LIFE_S, MOST, Answers, Remembering
from tests.factories import make_answer
from tests.fakes import FakeClock


class FakeAnswers:
    """Answers with what it was made with; `questions` records them, `gate` lets it answer."""

    def __init__(self, **changes: Any) -> None:
        self._answer = make_answer(**({"ranking": ("conduct#14",)} | changes))
        self.questions: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer(self, question: str, language: Any = None) -> Answer:
        self.questions.append(question)
        await self.gate.wait()
        return replace(self._answer, question=question)

    async def is_well(self) -> bool:
        self.questions.append("well?")
        return False


def remembering(answers: FakeAnswers, clock: FakeClock | None = None) -> Remembering:
    return Remembering(cast(Answers, answers), clock=clock or FakeClock())


async def test_the_same_question_is_worked_out_once() -> None:
    answers = FakeAnswers()
    memory = remembering(answers)
    first, second = await memory.answer("能翻墙吗"), await memory.answer("能翻牆嗎")
    assert answers.questions == ["能翻墙吗"]
    assert second == replace(first, question="能翻牆嗎", latency_ms=second.latency_ms)


async def test_asked_twice_at_once_it_is_worked_out_once_too() -> None:
    answers = FakeAnswers()
    answers.gate.clear()
    memory = remembering(answers)
    asked = [asyncio.create_task(memory.answer("能翻墙吗")) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    answers.gate.set()
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError), "one who gives up does not take the answer from the others"
    assert [answer.status for answer in done[1:] if isinstance(answer, Answer)] == ["answered"] * 2
    assert len(answers.questions) == 1


async def test_another_language_or_question_is_another_answer() -> None:
    answers = FakeAnswers()
    memory = remembering(answers)
    for question, language in (("能翻墙吗", "zh"), ("能翻墙吗", "en"), ("不能翻墙吗", "zh")):
        await memory.answer(question, cast(Any, language))
    assert len(answers.questions) == 3


async def test_an_answer_is_forgotten_after_some_minutes() -> None:
    answers, clock = FakeAnswers(), FakeClock()
    memory = remembering(answers, clock)
    await memory.answer("能翻墙吗")
    clock.now += LIFE_S
    await memory.answer("能翻墙吗")
    assert len(answers.questions) == 2


async def test_what_may_quote_a_person_or_was_a_failure_is_not_kept() -> None:
    for changes in (
        {"mode": "lookup"},
        {"ranking": (), "status": "abstained", "reason": "out_of_scope", "lead": "没有《我的秘密法》"},
        {"status": "unavailable", "reason": "failed"},
    ):
        memory = remembering(FakeAnswers(**changes))
        await memory.answer("我的秘密")
        assert len(memory) == 0


async def test_what_is_kept_holds_no_word_of_the_question() -> None:
    memory = remembering(FakeAnswers())
    await memory.answer("只有我知道的话能翻墙吗")
    assert len(memory) == 1
    assert "只有我知道" not in repr(vars(memory)["_kept"])


async def test_the_memory_is_bounded() -> None:
    memory = remembering(FakeAnswers())
    for number in range(MOST + 10):
        await memory.answer(f"问题{number}")
    assert len(memory) == MOST


async def test_whether_the_index_is_well_is_asked_every_time() -> None:
    answers = FakeAnswers()
    memory = remembering(answers)
    assert not await memory.is_well()
    assert not await memory.is_well()
    assert answers.questions == ["well?", "well?"]

"""Evidence -> prompt -> stream -> claims -> grounded -> Answer; whatever goes wrong, the extractive answer."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator

import pytest

from bot.answering.generation.budgets import Budget
from bot.answering.generation.chatting import (
    BadRequest,
    BrokenStream,
    Chunk,
    ModelError,
    Moderated,
    Overloaded,
    Prompt,
    RefusedKey,
    TimedOut,
    TooLong,
    Unreachable,
)
from bot.answering.generation.conversation import Turn
from bot.answering.generation.writer import Brief, Writer
from bot.answering.grounding import check
from bot.answering.model import Answer
from bot.answering.plain import as_text
from knowledge.library import Library
from prompts import load_instructions, load_replies
from tests.factories import make_answer, make_citation
from tests.fakes import FakeModel

GOOD = {
    "evidence": "E1",
    "quote": "党员不得擅自建立、使用非法定信道",
    "case": "您说的翻墙",
    "words": "使用非法定信道",
}
FIRST = "您说的翻墙，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
SECOND = {"evidence": "E2", "quote": "依规依纪追究责任", "case": "违反了本规定的", "words": "追究责任"}
OTHER = "违反了本规定的，可以对照“党员违反本规定的，根据行为性质和情节轻重，依规依纪追究责任”。"
BAD = GOOD | {"case": "第十五条说党员可以翻墙"}


def draft(*claims: dict[str, str], left_open: tuple[str, ...] = ()) -> str:
    return json.dumps({"claims": list(claims), "open": list(left_open)}, ensure_ascii=False)


@pytest.fixture
def brief(bundled_library: Library) -> Brief:
    """A question about article 14, with article 28 behind it."""
    citations = make_citation(bundled_library, 14), make_citation(bundled_library, 28)
    return Brief("能翻墙吗", make_answer(*citations, notes=("一条注。",)), "chat")


def writer(model: FakeModel, **options: object) -> Writer:
    return Writer(model, load_instructions(), **options)  # type: ignore[arg-type]


async def written(writer: Writer, brief: Brief) -> list[Answer]:
    return [answer async for answer in writer.write(brief)]


async def test_claims_appear_one_by_one_and_every_answer_is_grounded(brief: Brief, bundled_library: Library) -> None:
    model = FakeModel(draft(GOOD, SECOND, left_open=("单位专线算不算“非法定信道”",)))
    answers = await written(writer(model), brief)
    assert [(len(answer.claims), answer.partial) for answer in answers] == [(1, True), (2, True), (2, False)]
    assert all(check(answer, bundled_library).mode == "generative" for answer in answers)
    last = answers[-1]
    assert last.open == ("单位专线算不算“非法定信道”",)
    assert last.notes == ("一条注。",)
    assert [(c.article, c.quote) for c in last.citations] == [(14, GOOD["quote"]), (28, SECOND["quote"])]
    assert as_text(last).split("\n") == [
        load_replies()["zh"]("answer.generative"),
        f"{FIRST}（第十四条：“{GOOD['quote']}”）",
        f"{OTHER}（第二十八条：“{SECOND['quote']}”）",
        "条文没有写明：单位专线算不算“非法定信道”。",
        "一条注。",
    ]


async def test_articles_that_no_claim_cites_stay_below(brief: Brief) -> None:
    last = (await written(writer(FakeModel(draft(SECOND))), brief))[-1]
    assert [citation.article for citation in last.citations] == [28, 14]
    assert as_text(last).split("\n")[-2:] == [
        load_replies()["zh"]("answer.related"),
        f"第十四条：“{brief.extractive.citations[0].quote}”",
    ]


async def test_a_dropped_claim_is_asked_for_once_more(brief: Brief) -> None:
    model = FakeModel(draft(GOOD, BAD), draft(SECOND))
    making = writer(model)
    last = (await written(making, brief))[-1]
    assert [claim.text for claim in last.claims] == [FIRST, OTHER]
    assert (len(model.prompts), making.counts["repairs"], making.counts["dropped.number"]) == (2, 1, 1)
    assert "E1: 写了条号或章名" in model.prompts[1].user


async def test_what_fails_twice_is_left_out_and_the_rest_stays(brief: Brief) -> None:
    model = FakeModel(draft(GOOD, BAD), draft(BAD))
    last = (await written(writer(model), brief))[-1]
    assert [claim.text for claim in last.claims] == [FIRST]
    assert len(model.prompts) == 2


@pytest.mark.parametrize("second", ["翻墙不行。", Overloaded("500"), TimedOut("x")])
async def test_a_repair_that_fails_takes_nothing_away(brief: Brief, second: str | ModelError) -> None:
    last = (await written(writer(FakeModel(draft(GOOD, BAD), second)), brief))[-1]
    assert [claim.text for claim in last.claims] == [FIRST]


@pytest.mark.parametrize(
    "said", ["", "翻墙不行。", draft(), draft(BAD), draft(GOOD)[:-9], "null", '{"tool": "answer"}', "\x00"]
)
async def test_nothing_usable_ends_in_the_extractive_answer(brief: Brief, said: str) -> None:
    model = FakeModel(said)
    making = writer(model)
    answers = await written(making, brief)
    assert answers[-1] is brief.extractive
    assert len(model.prompts) <= 2
    assert making.counts["fallback.unreadable"] == 1


@pytest.mark.parametrize(
    "error", [Moderated, RefusedKey, BadRequest, BrokenStream, Overloaded, TimedOut, TooLong, Unreachable]
)
async def test_every_failure_ends_in_the_extractive_answer_and_is_counted(
    brief: Brief, error: type[ModelError], caplog: pytest.LogCaptureFixture
) -> None:
    making = writer(FakeModel(error("x")))
    with caplog.at_level(logging.DEBUG):
        assert await written(making, brief) == [brief.extractive]
    assert making.counts[f"fallback.{error.kind}"] == 1
    assert error.kind in caplog.text
    assert load_instructions()["zh"].version in caplog.text
    assert "翻墙" not in caplog.text


class Hanging(FakeModel):
    """Says what it was given, and never ends."""

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        async for chunk in super().stream(prompt, structured=structured):
            yield chunk
        await asyncio.Event().wait()


async def test_a_model_that_never_ends_leaves_the_extractive_answer_when_the_time_is_over(brief: Brief) -> None:
    answers = await written(writer(Hanging(draft(GOOD)[:-2]), timeout_s=0.05), brief)
    assert [answer.mode for answer in answers] == ["generative", "extractive"]


class Broken(FakeModel):
    """Raises what no model may."""

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        yield Chunk("{")
        raise KeyError("翻墙")


async def test_what_nobody_expected_ends_in_the_extractive_answer_too(brief: Brief) -> None:
    making = writer(Broken(""))
    assert await written(making, brief) == [brief.extractive]
    assert making.counts["fallback.failed"] == 1


async def test_the_same_question_makes_no_second_call(brief: Brief) -> None:
    model = FakeModel(draft(GOOD))
    making = writer(model)
    first = (await written(making, brief))[-1]
    for question in ("能翻墙吗", " 能翻墙吗？", "能翻牆嗎"):
        again = await written(making, Brief(question, brief.extractive, "another chat"))
        assert [answer.claims for answer in again] == [first.claims]
    assert len(model.prompts) == 1
    assert making.cache.hit_rate == 0.75


async def test_another_question_other_evidence_or_another_language_is_another_call(
    brief: Brief, bundled_library: Library
) -> None:
    model = FakeModel(draft(GOOD))
    making = writer(model)
    alone = make_answer(make_citation(bundled_library, 14))
    english = make_answer(*brief.extractive.citations, language="en")
    for other in (brief, Brief("能用梯子吗", brief.extractive), Brief("能翻墙吗", alone), Brief("能翻墙吗", english)):
        await written(making, other)
    assert making.cache.hits == 0


async def test_a_failure_is_not_kept(brief: Brief) -> None:
    model = FakeModel(Moderated("x"), draft(GOOD))
    making = writer(model)
    assert [(await written(making, brief))[-1].mode for _ in range(2)] == ["extractive", "generative"]


async def test_when_the_days_tokens_are_used_up_no_call_is_made(brief: Brief) -> None:
    model = FakeModel(draft(GOOD | {"case": "您问的这件事"}), tokens=500)
    making = writer(model, budget=Budget(per_chat=500))
    questions = ["能翻墙吗", "能用梯子吗", "能用加速器吗"]
    modes = [(await written(making, Brief(question, brief.extractive, "chat")))[-1].mode for question in questions]
    assert modes == ["generative", "extractive", "extractive"]
    assert len(model.prompts) == 1
    other = await written(making, Brief("能用梯子吗", brief.extractive, "another chat"))
    assert other[-1].mode == "generative"


async def test_where_no_usage_is_reported_characters_are_counted(brief: Brief) -> None:
    making = writer(FakeModel(draft(GOOD)), budget=Budget(total=100))
    assert (await written(making, brief))[-1].mode == "generative"
    assert (await written(making, Brief("能用梯子吗", brief.extractive)))[-1].mode == "extractive"


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("干部能翻墙吗？", "干部能翻墙吗？"),
        ("<think>嗯</think>\n“干部能翻墙吗”", "干部能翻墙吗"),
        ("干部能直播带货吗？", None),
        ("", None),
        (Overloaded("x"), None),
    ],
)
async def test_a_rewriting_is_used_only_where_it_keeps_to_the_conversation(
    said: str | ModelError, whole: str | None
) -> None:
    turns = [Turn("能翻墙吗", (14,))]
    assert await writer(FakeModel(said)).rewrite("干部呢", turns, "zh") == whole

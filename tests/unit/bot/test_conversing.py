"""The way of a question with a model and with turns: partial answers, follow-ups, and what never goes to a model."""

import json
import subprocess
import sys

import pytest

from bot.answering.arranging import arrange
from bot.answering.generation.conversation import MemoryTurns, Place
from bot.answering.generation.writer import Writer
from bot.answering.plain import as_json, as_text
from bot.bootstrap import join, open_writer
from bot.settings import Settings
from knowledge.assembly import KnowledgeBase
from prompts import load_instructions
from tests.factories import make_answer, make_citation
from tests.fakes import FakeModel

HERE = Place("chat", "topic", "user")
QUOTE = "党员不得擅自建立、使用非法定信道"
TEXT = "您说的翻墙，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
CLAIM = {"evidence": "E1", "quote": QUOTE, "case": "您说的翻墙", "words": "使用非法定信道"}
DRAFT = json.dumps({"claims": [CLAIM], "open": []}, ensure_ascii=False)


def writer(model: FakeModel) -> Writer:
    return Writer(model, load_instructions())


async def test_an_answer_grows_and_the_last_is_whole(knowledge_base: KnowledgeBase) -> None:
    answerer = join(knowledge_base, writer=writer(FakeModel(DRAFT)))
    answers = [answer async for answer in answerer.stream("能翻墙吗")]
    assert [(answer.mode, answer.partial) for answer in answers] == [("generative", True), ("generative", False)]
    assert answers[-1].latency_ms >= answers[0].latency_ms > 0
    assert (await answerer.answer("能翻墙吗")).claims == answers[-1].claims


async def test_what_the_model_does_is_counted(knowledge_base: KnowledgeBase) -> None:
    answerer = join(knowledge_base, writer=writer(FakeModel(DRAFT, tokens=50)))
    for question in ("能翻墙吗", "能翻墙吗？", "能翻墙吗"):
        await answerer.answer(question)
    assert (answerer.model_counts["calls"], answerer.model_counts["claims"], answerer.model_tokens) == (1, 1, 50)
    assert answerer.model_hit_rate == pytest.approx(2 / 3)
    assert (join(knowledge_base).model_counts, join(knowledge_base).model_hit_rate) == ({}, 0.0)


async def test_without_a_model_there_is_one_answer_and_it_quotes(knowledge_base: KnowledgeBase) -> None:
    (answer,) = [answer async for answer in join(knowledge_base).stream("能翻墙吗")]
    assert (answer.mode, answer.partial, answer.claims) == ("extractive", False, ())


@pytest.mark.parametrize("question", ["第十四条", "第三章", "一共多少条", "党费怎么交", "你好", "第九十九条", ""])
async def test_look_ups_and_abstentions_never_go_to_a_model(knowledge_base: KnowledgeBase, question: str) -> None:
    model = FakeModel(DRAFT)
    assert (await join(knowledge_base, writer=writer(model)).answer(question)).mode != "generative"
    assert model.prompts == []


async def test_what_was_not_said_to_the_bot_is_no_turn(knowledge_base: KnowledgeBase) -> None:
    answerer = join(knowledge_base, turns=MemoryTurns())
    await answerer.answer("能翻墙吗", place=HERE, kept=False)
    assert (await answerer.answer("上一条原文", place=HERE)).understood == ""


@pytest.mark.parametrize(("follow_up", "article"), [("那给主播刷礼物行不行呢", 17), ("那在群里传小道消息行吗", 12)])
async def test_a_follow_up_with_a_subject_of_its_own_stands_alone(
    knowledge_base: KnowledgeBase, follow_up: str, article: int
) -> None:
    answerer = join(knowledge_base, turns=MemoryTurns())
    await answerer.answer("领导收游戏皮肤行吗", place=HERE)
    answer = await answerer.answer(follow_up, place=HERE)
    assert (answer.understood, answer.citations[0].article) == ("", article)


async def test_a_follow_up_is_answered_as_the_whole_question_that_it_stands_for(knowledge_base: KnowledgeBase) -> None:
    answerer = join(knowledge_base, turns=MemoryTurns())
    await answerer.answer("能翻墙吗", place=HERE)
    breach = await answerer.answer("那违反了呢？", place=HERE)
    assert [citation.article for citation in breach.citations] == [14, 28]
    assert (breach.question, breach.understood) == ("那违反了呢？", "能翻墙吗，违反了会怎样")
    assert as_text(breach).startswith("按“能翻墙吗，违反了会怎样”来答：\n")
    original = await answerer.answer("上一条原文", place=HERE)
    assert (original.mode, [citation.article for citation in original.citations]) == ("lookup", [14])


async def test_elsewhere_and_after_forgetting_there_is_nothing_to_follow(knowledge_base: KnowledgeBase) -> None:
    answerer = join(knowledge_base, turns=MemoryTurns())
    await answerer.answer("能翻墙吗", place=HERE)
    assert (await answerer.answer("上一条原文", place=Place("chat", "topic", "another"))).understood == ""
    assert (await answerer.answer("上一条原文")).understood == ""
    await answerer.forget(HERE)
    assert (await answerer.answer("上一条原文", place=HERE)).understood == ""


async def test_a_model_rewrites_a_follow_up_where_there_is_one(knowledge_base: KnowledgeBase) -> None:
    model = FakeModel(DRAFT, "党员干部能翻墙吗？", DRAFT)
    answerer = join(knowledge_base, writer=writer(model), turns=MemoryTurns())
    await answerer.answer("能翻墙吗", place=HERE)
    answer = await answerer.answer("党员干部呢", place=HERE)
    assert answer.understood == "党员干部能翻墙吗？"
    assert "追问：党员干部呢" in model.prompts[1].user


async def test_the_rules_stand_in_where_the_model_strays(knowledge_base: KnowledgeBase) -> None:
    model = FakeModel(DRAFT, "党员能直播带货吗？", DRAFT)
    answerer = join(knowledge_base, writer=writer(model), turns=MemoryTurns())
    await answerer.answer("能翻墙吗", place=HERE)
    assert (await answerer.answer("党员干部呢", place=HERE)).understood == "党员干部能翻墙吗"


async def test_the_json_of_an_answer_in_a_models_words(knowledge_base: KnowledgeBase) -> None:
    entry = as_json(await join(knowledge_base, writer=writer(FakeModel(DRAFT))).answer("能翻墙吗"))
    assert entry["mode"] == "generative"
    cited = {"regulation": "中国共产党党员网络行为规定", "chapter": 3, "article": 14, "quote": QUOTE}
    assert entry["claims"] == [{"text": TEXT, **cited}]
    assert entry["citations"] == [cited]
    assert entry["open"] == []
    assert TEXT in entry["answer"]
    assert QUOTE in entry["answer"]


async def test_a_channel_is_told_what_is_cited_and_what_is_related(knowledge_base: KnowledgeBase) -> None:
    answer = await join(knowledge_base, writer=writer(FakeModel(DRAFT))).answer("能翻墙吗")
    arranged = arrange(answer)
    assert [claim.text for claim in arranged.claims] == [TEXT]
    assert [citation.article for citation in arranged.cited] == [14]
    library = knowledge_base.library
    plain = arrange(make_answer(make_citation(library, 14), make_citation(library, 28)))
    assert [[c.article for c in part] for part in (plain.cited, plain.related)] == [[14], [28]]


def test_without_a_model_nothing_of_langchains_chat_models_is_loaded() -> None:
    """Loading them takes seconds, and a bot without a model needs none of it."""
    code = "import sys, bot.cli, bot.bootstrap, bot.terminal; print([n for n in sys.modules if n.split('.')[0] in " + (
        "('langchain', 'langchain_openai', 'openai', 'langgraph')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
    assert open_writer(Settings(_env_file=None)) is None


async def test_no_model_is_asked_where_it_is_not_wanted_neither_for_an_answer_nor_for_a_follow_up(
    knowledge_base: KnowledgeBase,
) -> None:
    model = FakeModel(DRAFT)
    answerer = join(knowledge_base, writer=writer(model), turns=MemoryTurns())
    assert answerer.uses_model
    assert (await answerer.answer("能翻墙吗", place=HERE, worded=False)).mode == "extractive"
    assert (await answerer.answer("党员干部呢", place=HERE, worded=False)).understood == "党员干部能翻墙吗"
    assert model.prompts == []


async def test_an_edited_question_follows_what_was_said_before_it_and_takes_its_own_place(
    knowledge_base: KnowledgeBase,
) -> None:
    turns = MemoryTurns()
    answerer = join(knowledge_base, turns=turns)
    await answerer.answer("能翻墙吗", place=HERE, said="1")
    await answerer.answer("给主播刷礼物行不行", place=HERE, said="2")
    edited = await answerer.answer("那违反了呢？", place=HERE, said="2")
    assert edited.understood == "能翻墙吗，违反了会怎样"
    assert [turn.said for turn in await turns.recent(HERE)] == ["1", "2"]

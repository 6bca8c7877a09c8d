"""Finding in a process of its own: the same findings, and what becomes of questions when the process dies."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering import apart as module
from bot.answering.apart import Apart, CannotFind
from bot.answering.asking import language_of
from bot.answering.finding import Finder, Finding
from bot.answering.service import Answerer
from bot.bootstrap import open_apart
from bot.settings import Settings, without_secrets
from knowledge.assembly import KnowledgeBase
from prompts import Language, load_replies
from tests.factories import make_answer

DYING = (sys.executable, "-m", "tests.dying")
QUESTIONS = ("能翻墙吗", "第十四条", "党费怎么交", "can I use a VPN?", "你好", "孤\ud800立\x00")


def unavailable(question: str, _: Language) -> Finding:
    return Finding(make_answer(question=question, status="unavailable", reason="failed", lead=""), wordable=False)


@pytest.fixture
def finder(knowledge_base: KnowledgeBase) -> Finder:
    return Finder(knowledge_base.library, knowledge_base.retriever, load_replies())


@pytest.fixture
async def dying(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Apart]:
    """Finds whatever is asked, and dies of some words."""
    monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.01)
    async with Apart(DYING, unavailable) as asking:
        yield asking


async def said(asking: Apart, question: str) -> str:
    found = await asking.find(question, "zh")
    return found.answer.lead or found.answer.status


async def test_the_bot_finds_apart_what_it_would_find_itself(built_folder: Path, answerer: Answerer) -> None:
    async with open_apart(Settings(_env_file=None, data_dir=built_folder)) as make:
        elsewhere = make()
        answers = await asyncio.gather(*(elsewhere.answer(question, "zh") for question in QUESTIONS))
        assert await elsewhere.is_well()
        with pytest.raises(RuntimeError, match="without a retriever"):
            elsewhere.answer_now("能翻墙吗")
    here = [answerer.answer_now(question, "zh") for question in QUESTIONS]
    assert [(one.lead, one.citations, one.notes) for one in answers] == [
        (one.lead, one.citations, one.notes) for one in here
    ]


async def test_answers_come_to_those_who_asked(dying: Apart) -> None:
    asked = [str(number) for number in range(50)]
    assert await asyncio.gather(*(said(dying, question) for question in asked)) == asked


async def test_a_process_that_is_killed_is_begun_anew_and_asked_again(dying: Apart) -> None:
    assert dying._process
    first = dying._process.pid
    waiting = [asyncio.create_task(said(dying, question)) for question in ("慢", "一", "二")]
    await asyncio.sleep(0.05)
    os.kill(first, signal.SIGKILL)
    assert await asyncio.gather(*waiting) == ["慢", "一", "二"]
    assert dying._process.pid != first


async def test_a_question_that_it_dies_of_is_given_up_and_no_other(
    dying: Apart, caplog: pytest.LogCaptureFixture
) -> None:
    asked = ("一", "死", "二", "死", "三")
    answers = await asyncio.gather(*(said(dying, question) for question in asked))
    assert answers == ["一", "unavailable", "二", "unavailable", "三"]
    assert caplog.text.count("given up") == 2
    assert "死" not in caplog.text


@pytest.mark.parametrize(("fatal", "failures"), [("毒", 2), ("瘫", 2)])
async def test_whoever_is_looked_at_together_with_a_fatal_question_is_answered(
    dying: Apart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fatal: str, failures: int
) -> None:
    monkeypatch.setattr(module, "HANG_S", 1.0)
    asked = ("慢", "一", "二", "三", fatal, "四", *map(str, range(9)))
    answers = await asyncio.gather(*(said(dying, question) for question in asked))
    assert list(answers) == [question if question != fatal else "unavailable" for question in asked]
    assert caplog.text.count("begun anew") == failures, "once together, once by itself"
    assert caplog.text.count("given up") == 1


async def test_an_innocent_question_survives_two_failures_that_are_not_its_own(dying: Apart) -> None:
    for _ in range(2):
        assert dying._process
        dying._process.kill()
        asking = asyncio.create_task(said(dying, "慢"))
        assert await asking == "慢"


async def test_questions_that_come_while_it_begins_anew_are_asked_once_and_in_order(
    dying: Apart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[asyncio.Task[str]] = []
    begin, process = dying._begin, dying._process
    assert process

    async def begin_and_be_asked() -> None:
        await begin()
        asked.append(asyncio.create_task(said(dying, str(len(asked)))))
        asyncio.get_running_loop().call_soon(
            lambda: asked.extend(asyncio.create_task(said(dying, str(place))) for place in range(1, 8))
        )

    monkeypatch.setattr(dying, "_begin", begin_and_be_asked)
    process.kill()
    while len(asked) < 8:
        await asyncio.sleep(0.01)
    assert list(await asyncio.gather(*asked)) == [str(place) for place in range(8)]
    assert await said(dying, "一") == "一"
    assert caplog.text.count("begun anew") == 1


async def test_an_answer_to_another_question_reaches_nobody(dying: Apart, caplog: pytest.LogCaptureFixture) -> None:
    assert dying._process
    assert dying._process.stdin
    dying._process.stdin.write(module._framed((999, "谁也没问", "zh")))
    assert [await said(dying, "一"), await said(dying, "二")] == ["一", "二"]
    assert "begun anew" in caplog.text


async def test_whoever_is_called_off_behind_a_fatal_question_is_not_asked(
    dying: Apart, caplog: pytest.LogCaptureFixture
) -> None:
    first, gone, last = (asyncio.create_task(said(dying, question)) for question in ("死", "死", "一"))
    while "begun anew" not in caplog.text:
        await asyncio.sleep(0.01)
    gone.cancel()
    assert (await first, await last) == ("unavailable", "一")
    assert caplog.text.count("begun anew") == 2


@given(st.lists(st.binary(max_size=9)), st.lists(st.integers(0, 60)))
def test_frames_may_come_in_any_pieces(contents: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(module._SIZE.pack(len(content)) + content for content in contents)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    got, pending = [], b""
    for begin, end in pairwise(edges):
        frames, pending = module._split(pending + whole[begin:end])
        got += frames
    assert (got, pending) == (contents, b"")


def test_what_is_looked_at_together_is_found_as_by_itself(finder: Finder) -> None:
    grows = "㍿能翻墙吗" * 60  # longer than a query may be, and longer still once it is normalised
    asked = [(question, language_of(question)) for question in (*QUESTIONS, "领导干部能直播带货吗", "转发谣言", grows)]
    together = list(finder.find_all(asked))
    for found, (question, language) in zip(together, asked, strict=True):
        alone = finder.find(question, language)
        assert found.answer.confidence == pytest.approx(alone.answer.confidence, abs=1e-4)
        assert replace(found.answer, confidence=0) == replace(alone.answer, confidence=0)


def test_where_looking_fails_each_is_answered_by_itself(
    finder: Finder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(finder._retriever, "look", fail)
    asked: list[tuple[str, Language]] = [("能翻墙吗", "zh"), ("第三条", "zh"), ("转发谣言", "zh")]
    answers = [found.answer for found in finder.find_all(asked)]
    assert [answer.citations[0].article for answer in answers] == [14, 3, 12]
    assert "could not be looked at together" in caplog.text


async def test_one_that_hangs_is_ended_and_costs_nobody_else_an_answer(
    dying: Apart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "HANG_S", 0.5)
    answers = await asyncio.gather(*(said(dying, question) for question in ("一", "挂", "二", "三")))
    assert answers == ["一", "unavailable", "二", "三"]
    assert caplog.text.count("hangs") == 2  # with the others, and by itself


async def test_who_has_waited_too_long_is_told_and_the_process_goes_on(
    dying: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    process = dying._process
    assert set(await asyncio.gather(said(dying, "慢"), said(dying, "一"))) == {"unavailable"}
    monkeypatch.undo()
    assert await said(dying, "二") == "二"
    assert dying._process is process


async def test_whoever_is_called_off_is_answered_by_nobody(dying: Apart) -> None:
    slow, gone, last = (asyncio.create_task(said(dying, question)) for question in ("慢", "一", "二"))
    await asyncio.sleep(0.05)
    gone.cancel()
    assert (await slow, await last) == ("慢", "二")


async def test_what_cannot_be_read_is_no_end(dying: Apart) -> None:
    assert dying._process
    first = dying._process
    assert await said(dying, "乱") == "unavailable"
    assert await said(dying, "一") == "一"
    assert dying._process is not first


async def test_it_can_be_left_with_much_unread() -> None:
    async with asyncio.timeout(20):
        async with Apart(DYING, unavailable) as asking:
            waiting = [asyncio.create_task(asking.find("长" * 20_000, "zh")) for _ in range(40)]
            await asyncio.sleep(0.1)
            for task in waiting:
                task.cancel()
            assert asking._reading
            asking._reading.cancel()
            await asyncio.sleep(0.3)
    assert asking._process is None
    assert await said(asking, "一") == "unavailable"


async def test_where_it_cannot_begin_again_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("_FIRST_PAUSE_S", "SOON_S", "_LONGEST_PAUSE_S"):
        monkeypatch.setattr(module, name, 0.01)
    async with Apart(DYING, unavailable) as asking:
        monkeypatch.setattr(asking, "_command", (*DYING, "never"))
        assert set(await asyncio.gather(said(asking, "死"), said(asking, "一"))) == {"unavailable"}
        while "no room for it" not in caplog.text:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(asking, "_command", DYING)
        while await said(asking, "二") != "二":
            await asyncio.sleep(0.02)


async def test_whoever_cannot_begin_says_why() -> None:
    with pytest.raises(CannotFind, match="no room for it"):
        async with Apart((*DYING, "never"), unavailable):
            pass
    with pytest.raises(CannotFind, match="ended at once"):
        async with Apart((sys.executable, "-c", "raise SystemExit(3)"), unavailable):
            pass


async def test_it_ends_with_whoever_asks_it(dying: Apart) -> None:
    process = dying._process
    assert process
    assert process.stdin
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_process_is_told_no_secret_and_nothing_of_the_folder_it_is_begun_in(
    built_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("WANGGUI_TELEGRAM_TOKEN=1:fromfile\n", "utf-8")
    (tmp_path / "bot.py").write_text("raise SystemExit(7)\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("WANGGUI_LLM_API_KEY", "OPENAI_API_KEY", "PGPASSWORD", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "1:geheim")
    assert "PATH" in without_secrets()
    async with open_apart(Settings(_env_file=None, data_dir=built_folder)) as make:
        assert await make().is_well()
        (child,) = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()[-1:]
        environment = Path(f"/proc/{child}/environ").read_bytes()
    assert b"geheim" not in environment
    assert b"PATH=" in environment

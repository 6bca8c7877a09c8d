"""The event loop never blocks: BlockBuster raises where anything in the loop waits for a file, a lock or a clock.

It does not see into native code, so the embedder and Chroma are made to sleep a moment in these tests.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from blockbuster import BlockBuster, BlockingError, blockbuster_ctx

from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase
from knowledge.embedding import OnnxEmbedder
from knowledge.index import Index
from prompts import load_replies
from tests.factories import make_evidence, make_retrieval
from tests.fakes import FakeRetriever

PATIENCE_S = 60.0


@contextmanager
def watching() -> Iterator[BlockBuster]:
    """BlockBuster at work; only coverage's own lock may be waited for."""
    with blockbuster_ctx() as active:
        active.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
        yield active


@pytest.fixture
def blockbuster(answerer: Answerer) -> Iterator[BlockBuster]:
    """BlockBuster at work; everything that is loaded at first use has been loaded by then."""
    assert answerer.answer_now("能翻墙吗").status == "answered"
    with watching() as active:
        yield active


@pytest.fixture
def native_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the real embedder and the real index were called; each call sleeps a moment first."""
    counted: Counter[str] = Counter()

    def sleeping(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def asleep(*args: Any, **kwargs: Any) -> Any:
            time.sleep(0.001)
            counted[name] += 1
            return call(*args, **kwargs)

        return asleep

    for owner, name in ((OnnxEmbedder, "embed"), (Index, "dense")):
        monkeypatch.setattr(owner, name, sleeping(name, getattr(owner, name)))
    return counted


@pytest.fixture
def answering(answerer: Answerer) -> Answerer:
    """An answerer that finds article 14 whatever is asked, after a moment's sleep."""
    found = make_retrieval(make_evidence(answerer.library, 14))
    return Answerer(answerer.library, FakeRetriever(found, before=lambda: time.sleep(0.001)), load_replies())


@pytest.mark.usefixtures("blockbuster")
async def test_neither_embedding_nor_chroma_ever_blocks(
    answerer: Answerer, native_calls: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    questions = ["能翻墙吗", "翻墙被抓了怎么处分", "can I use a VPN?", "黨員可以翻牆嗎", "党费怎么交", "你好", "第三章"]
    answers = await asyncio.gather(*(answerer.answer(question) for question in questions))
    assert [answer.status for answer in answers] == ["answered"] * 4 + ["abstained"] * 2 + ["answered"]
    assert native_calls == {"embed": 6, "dense": 6}
    assert caplog.records == []


async def test_the_bots_own_threads_keep_the_loop_free_too(
    knowledge_base: KnowledgeBase, native_calls: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(2) as executor:
        answerer = join(knowledge_base, executor)
        with watching():
            answer = await answerer.answer("能翻墙吗")
    assert (answer.status, answer.citations[0].article) == ("answered", 14)
    assert native_calls == {"embed": 1, "dense": 1}
    assert caplog.records == []


@pytest.mark.usefixtures("blockbuster")
async def test_blockbuster_would_have_caught_the_search_in_the_loop(
    answerer: Answerer, native_calls: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answerer.answer_now("能翻墙吗")
    assert answer.status == "unavailable"
    assert not native_calls
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is BlockingError


@pytest.mark.usefixtures("blockbuster")
async def test_blockbuster_lets_a_thread_sleep(answering: Answerer) -> None:
    assert (await answering.answer("能翻墙吗")).status == "answered"


@pytest.mark.usefixtures("blockbuster")
async def test_blockbuster_would_have_caught_a_sleep_in_the_loop(
    answering: Answerer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answering.answer_now("能翻墙吗")
    assert (answer.status, answer.reason) == ("unavailable", "failed")
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is BlockingError


async def test_the_loop_goes_on_while_an_answer_is_sought(answerer: Answerer) -> None:
    """The retriever waits for what only the loop can do: in the loop itself this would never end."""
    gone_on = threading.Event()
    found = make_retrieval(make_evidence(answerer.library, 14))
    retriever = FakeRetriever(found, before=lambda: require(gone_on.wait(PATIENCE_S)))
    answer = asyncio.create_task(Answerer(answerer.library, retriever, load_replies()).answer("能翻墙吗"))
    while not retriever.questions:
        await asyncio.sleep(0.001)
    assert not answer.done()
    gone_on.set()
    assert (await answer).status == "answered"


async def test_one_slow_question_does_not_keep_another_waiting(answerer: Answerer) -> None:
    both = threading.Barrier(2)
    found = make_retrieval(make_evidence(answerer.library, 14))
    retriever = FakeRetriever(found, before=lambda: both.wait(PATIENCE_S))
    with ThreadPoolExecutor(2) as executor:
        slow = Answerer(answerer.library, retriever, load_replies(), executor)
        answers = await asyncio.gather(slow.answer("能翻墙吗"), slow.answer("能直播吗"))
    assert [answer.status for answer in answers] == ["answered", "answered"]
    assert sorted(retriever.questions) == ["能直播吗", "能翻墙吗"]


def require(happened: bool) -> None:
    if not happened:
        raise TimeoutError("the loop did not go on")

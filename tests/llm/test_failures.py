"""Every way in which a model fails, over real HTTP: a person has the verbatim answer, in time."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.answering.generation.budgets import Budget
from bot.answering.generation.conversation import Place
from bot.answering.generation.models import ModelSpec, open_model
from bot.answering.generation.resilience import Guarded, Limits
from bot.answering.generation.writer import Writer
from bot.answering.model import Answer
from bot.answering.plain import as_text
from bot.answering.service import Answerer
from knowledge.library import Library
from prompts import load_instructions, load_replies
from tests.factories import make_evidence, make_retrieval
from tests.fakes import FakeRetriever
from tests.openai_api import (
    Bytes,
    ChatServer,
    Hang,
    Page,
    Refuse,
    Say,
    Script,
    broken_server,
    content_exists_risk,
    data_inspection_failed,
    no_such_model,
    schema_unavailable,
    sensitive_content,
    too_many_requests,
    wrong_key,
)

pytestmark = [pytest.mark.loopback, pytest.mark.allow_hosts(["127.0.0.1"])]

QUESTION = "能翻墙吗"
QUOTE = "党员不得擅自建立、使用非法定信道"
SENTENCE = (
    "您说的这件事，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
)
CASE, WORDS = "您说的这件事", "使用非法定信道"
SECOND = "违反本规定的，可以对照“党员违反本规定的，根据行为性质和情节轻重，依规依纪追究责任”。"
KEY = "sk-secret-key-of-this-test"
PATIENT = Limits(timeout_s=15.0, first_token_s=10.0)
"""Where nothing has to run out: a busy machine changes nothing."""
HASTY = Limits(timeout_s=0.6, first_token_s=0.3)
GRACE_S = 1.0


def draft(*claims: tuple[str, str, str, str], left_open: Sequence[str] = ()) -> str:
    """A draft as a model writes it."""
    written = [{"evidence": name, "quote": quote, "case": case, "words": words} for name, quote, case, words in claims]
    return json.dumps({"claims": written, "open": list(left_open)}, ensure_ascii=False)


GOOD = draft(("E1", QUOTE, CASE, WORDS))
BOTH = draft(
    ("E1", QUOTE, CASE, WORDS), ("E2", "根据行为性质和情节轻重，依规依纪追究责任", "违反本规定的", "依规依纪追究责任")
)
WRONG = draft(("E1", QUOTE, "第十五条说可以翻墙", WORDS))


@dataclass
class House:
    """An answerer over a real client of the scripted server; `naps` are the waits between tries, which take no time."""

    server: ChatServer
    library: Library
    limits: Limits = PATIENT
    budget: Budget = field(default_factory=Budget)
    now: float = 1_000.0
    naps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = ModelSpec("openai:scripted", self.server.base_url, KEY, self.limits.timeout_s)
        self.guarded = Guarded(
            open_model(spec), self.limits, clock=lambda: self.now, sleep=self._nap, jitter=lambda: 0.5
        )
        self.writer = Writer(self.guarded, load_instructions(), timeout_s=self.limits.timeout_s, budget=self.budget)
        evidence = [make_evidence(self.library, number) for number in (14, 28)]
        retriever = FakeRetriever(make_retrieval(*evidence))
        self.answerer = Answerer(self.library, retriever, load_replies(), writer=self.writer)

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    @property
    def counts(self) -> Counter[str]:
        return self.writer.counts

    async def ask(self, question: str = QUESTION, chat: str = "") -> list[Answer]:
        """Every answer that a person is shown; fails where they come later than the deadline and a second."""
        async with asyncio.timeout(self.limits.timeout_s + GRACE_S):
            place = Place(chat) if chat else None
            return [answer async for answer in self.answerer.stream(question, place=place)]

    def verbatim(self, question: str = QUESTION) -> Answer:
        """The answer that needs no model."""
        return self.answerer.answer_now(question)


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer() as running:
        yield running
        assert running.violations == []


@pytest.fixture
def house(server: ChatServer, bundled_library: Library) -> House:
    return House(server, bundled_library)


def untimed(answer: Answer) -> Answer:
    return replace(answer, latency_ms=0.0)


def is_verbatim(answers: list[Answer], house: House, question: str = QUESTION) -> bool:
    """Whether what stands at the end is exactly the answer that needs no model."""
    return untimed(answers[-1]) == untimed(house.verbatim(question)) and answers[-1].status == "answered"


async def test_a_good_draft_is_streamed_and_shown(house: House, server: ChatServer) -> None:
    server.then(Say(BOTH, piece=5))
    answers = await house.ask()
    assert [len(answer.claims) for answer in answers] == [1, 2, 2]
    assert [answer.partial for answer in answers] == [True, True, False]
    assert answers[-1].mode == "generative"
    assert [claim.text for claim in answers[-1].claims] == [SENTENCE, SECOND]
    assert [claim.citation.article for claim in answers[-1].claims] == [14, 28]
    assert server.calls[0].key == KEY
    assert server.calls[0].streams


@dataclass(frozen=True)
class Failing:
    """A failure: what the endpoint does for ever, under what name it is counted, how many calls are made for it."""

    name: str
    script: Script
    kind: str
    calls: int

    def __str__(self) -> str:
        return self.name


STEPS = 4
"""Ways to ask for a draft: json_schema, tools, json_object, plain."""
TRIES = 3

FAILING = (
    Failing("DeepSeek's moderation", content_exists_risk(), "moderated", 1),
    Failing("Qwen's moderation", data_inspection_failed(), "moderated", 1),
    Failing("GLM's moderation", sensitive_content(), "moderated", 1),
    Failing("moderation of what was written", Say(BOTH, stop_after=60, finish="content_filter"), "moderated", 1),
    Failing(
        "moderation in the middle",
        Say(BOTH, stop_after=60, failing={"code": "data_inspection_failed", "message": "Output data may contain"}),
        "moderated",
        1,
    ),
    Failing("a wrong key", wrong_key(), "refused_key", 1),
    Failing("a forbidden region", Refuse(403, {"message": "Country not supported"}), "refused_key", 1),
    Failing("no such model", no_such_model(), "bad_request", STEPS),
    Failing(
        "a request that is too long", Refuse(400, {"message": "maximum context length is 64"}), "bad_request", STEPS
    ),
    Failing("too many requests", too_many_requests(), "overloaded", TRIES),
    Failing("too many requests, and when to return", too_many_requests(2), "overloaded", TRIES),
    Failing("a broken server", broken_server(500), "overloaded", TRIES),
    Failing("a bad gateway", broken_server(502), "overloaded", TRIES),
    Failing("an unavailable server", broken_server(503), "overloaded", TRIES),
    Failing("a gateway's page", Page("<h1>502 Bad Gateway</h1>", 502), "overloaded", TRIES),
    Failing("an error in the stream", Say(BOTH, stop_after=60, failing={"message": "overloaded"}), "broken_stream", 1),
    Failing("no text at all", Say(""), "unreadable", 2),
    Failing("white space", Say("  \n \t"), "unreadable", 2),
    Failing("no JSON", Say("抱歉，这个问题我不能回答。"), "unreadable", 2),
    Failing("JSON that is no draft", Say('{"answer": "可以翻墙"}'), "unreadable", 2),
    Failing("JSON that is never closed", Say(BOTH[:-9]), "unreadable", 2),
    Failing("JSON with a comma lost", Say(BOTH.replace('", "case', '" "case')), "unreadable", 2),
    Failing("an empty draft", Say(draft()), "unreadable", 1),
    Failing(
        "another tool called in the text",
        Say('<tool_call>{"name": "search", "arguments": {}}</tool_call>'),
        "unreadable",
        2,
    ),
    Failing("nothing but thinking", Say("<think>第十四条说可以……</think>"), "unreadable", 2),
    Failing("100 kB", Say("可以翻墙。" * 20_000, piece=4_000), "too_long", 1),
    Failing("100 kB of braces", Say("{" * 100_000, piece=4_000), "too_long", 1),
    Failing("a NUL in the sentence", Say(draft(("E1", QUOTE, CASE[:3] + "\x00" + CASE[3:], WORDS))), "unreadable", 2),
    Failing("a lone surrogate", Say(draft(("E1", QUOTE, CASE[:3] + "\ud83d" + CASE[3:], WORDS))), "unreadable", 1),
    Failing("a wrong number", Say(WRONG), "unreadable", 2),
    Failing("a page instead of a stream", Page("<html>请先登录校园网</html>"), "broken_stream", 1),
    Failing("a stream of no events", Bytes(b"hello\n\nthere\n\n"), "broken_stream", 1),
    Failing("events that are no JSON", Bytes(b"data: {broken\n\n"), "broken_stream", 1),
    Failing(
        "events that are no UTF-8",
        Bytes(b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n'),
        "broken_stream",
        1,
    ),
    Failing("a stream dropped at the start", Say(BOTH, stop_after=0, ending="drop"), "unreachable", TRIES),
    Failing("a stream dropped in the middle", Say(BOTH, stop_after=60, ending="drop"), "broken_stream", 1),
    Failing(
        "a stream dropped behind a whole claim", Say(BOTH, stop_after=len(BOTH) - 20, ending="drop"), "broken_stream", 1
    ),
    Failing("silence instead of a status line", Hang(), "timed_out", 1),
    Failing("silence before the first token", Hang(headers=True), "timed_out", 1),
    Failing("silence in the middle", Say(BOTH, stop_after=60, ending="hang"), "timed_out", 1),
    Failing("silence behind a whole claim", Say(BOTH, stop_after=len(BOTH) - 20, ending="hang"), "timed_out", 1),
    Failing("a slow drip", Say(BOTH, piece=1, each_s=0.02), "timed_out", 1),
    Failing("a first token that comes too late", Say(BOTH, first_s=HASTY.timeout_s * 2), "timed_out", 1),
)


@pytest.mark.parametrize("failing", FAILING, ids=str)
async def test_a_person_has_the_verbatim_answer_in_time(failing: Failing, bundled_library: Library) -> None:
    async with ChatServer(otherwise=failing.script) as server:
        house = House(server, bundled_library, HASTY if failing.kind == "timed_out" else PATIENT)
        answers = await house.ask()
        assert is_verbatim(answers, house), as_text(answers[-1])
        assert {name for name in house.counts if name.startswith("fallback.")} == {f"fallback.{failing.kind}"}
        assert len(server.calls) == failing.calls
        assert all(answer.mode == "generative" and answer.partial for answer in answers[:-1])


async def test_a_server_that_does_not_listen_is_no_trouble_either(house: House, server: ChatServer) -> None:
    await server.stop()
    assert is_verbatim(await house.ask(), house)
    assert house.counts["fallback.unreachable"] == 1
    assert len(house.naps) == TRIES - 1


@pytest.mark.parametrize(
    "wrapped",
    [
        f"```json\n{GOOD}\n```",
        f"好的，答案如下：\n{GOOD}\n希望有帮助。",
        f'<think>先看 {{"claims": []}} 再说</think>\n\n{GOOD}',
        f"\ufeff\r\n{GOOD}\r\n",
        json.dumps(json.loads(GOOD), indent=4, ensure_ascii=True),
        json.dumps({"name": "answer", "arguments": GOOD}, ensure_ascii=False),
        json.dumps({"name": "answer", "arguments": json.loads(GOOD)}, ensure_ascii=False),
        f'<tool_call>\n{{"name": "answer", "arguments": {GOOD}}}\n</tool_call>',
    ],
    ids=["fence", "prose", "thinking", "BOM and CRLF", "indented", "call as text", "call as object", "tagged call"],
)
@pytest.mark.parametrize("piece", [1, 7, 4_000])
async def test_what_stands_around_a_draft_does_no_harm(
    wrapped: str, piece: int, house: House, server: ChatServer
) -> None:
    server.then(Say(wrapped, piece=piece))
    answers = await house.ask()
    assert [claim.text for claim in answers[-1].claims] == [SENTENCE]
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("methods", "refused"),
    [
        (("json_schema",), 0),
        (("tools", "json_object", "plain"), 1),
        (("json_object", "plain"), 2),
        (("plain",), 3),
    ],
)
async def test_an_endpoint_is_asked_in_the_way_it_understands_and_the_way_is_remembered(
    methods: tuple[str, ...], refused: int, bundled_library: Library
) -> None:
    async with ChatServer(otherwise=Say(GOOD), methods=methods) as server:
        house = House(server, bundled_library)
        assert (await house.ask())[-1].mode == "generative"
        assert (await house.ask("可以用VPN吗"))[-1].mode == "generative"
        assert len(server.refused) == refused
        assert [call.method for call in server.calls] == [methods[0]] * 2
        assert house.guarded.breaker is not None
        assert server.violations == []


async def test_reasoning_beside_the_text_is_never_shown(house: House, server: ChatServer) -> None:
    server.then(Say(GOOD, reasoning="第九十九条说可以翻墙。" + WRONG))
    answers = await house.ask()
    assert [claim.text for claim in answers[-1].claims] == [SENTENCE]
    assert "第九十九条" not in as_text(answers[-1])


async def test_a_draft_with_faults_is_asked_for_once_more_and_what_stood_stays(
    house: House, server: ChatServer
) -> None:
    mixed = draft(("E1", QUOTE, CASE, WORDS), ("E2", "依规依纪追究责任", "第二十九条说要开除", "追究责任"))
    repaired = draft(("E2", "根据行为性质和情节轻重，依规依纪追究责任", "违反本规定的", "依规依纪追究责任"))
    server.then(Say(mixed), Say(repaired))
    answers = await house.ask()
    assert [claim.text for claim in answers[-1].claims] == [SENTENCE, SECOND]
    assert len(server.calls) == 2
    assert "第二十九条" not in server.calls[1].prompt


async def test_a_repair_that_fails_leaves_what_stood(house: House, server: ChatServer) -> None:
    mixed = draft(("E1", QUOTE, CASE, WORDS), ("E2", "依规依纪追究责任", "第二十九条说要开除", "追究责任"))
    server.then(Say(mixed), *[broken_server()] * TRIES)
    answers = await house.ask()
    assert [claim.text for claim in answers[-1].claims] == [SENTENCE]


async def test_there_is_no_second_repair(house: House, server: ChatServer) -> None:
    server.then(Say(WRONG), Say(WRONG), Say(GOOD))
    assert is_verbatim(await house.ask(), house)
    assert len(server.calls) == 2


@pytest.mark.parametrize(("asked", "waited"), [(None, [0.25, 0.5]), (2.0, [2.0, 2.0]), (600.0, [5.0, 5.0])])
async def test_a_retry_waits_as_long_as_it_is_asked_to(
    asked: float | None, waited: list[float], house: House, server: ChatServer
) -> None:
    server.then(too_many_requests(asked), too_many_requests(asked), Say(GOOD))
    assert (await house.ask())[-1].mode == "generative"
    assert house.naps == waited
    assert len(server.calls) == TRIES


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_in_trouble_is_tried_again(status: int, house: House, server: ChatServer) -> None:
    server.then(broken_server(status), Say(GOOD))
    assert (await house.ask())[-1].mode == "generative"
    assert len(server.calls) == 2


async def test_nothing_is_tried_again_once_a_piece_has_come(house: House, server: ChatServer) -> None:
    server.then(Say(BOTH, stop_after=60, ending="drop"), Say(GOOD))
    assert is_verbatim(await house.ask(), house)
    assert len(server.calls) == 1


async def test_the_stream_is_closed_when_time_is_up(server: ChatServer, bundled_library: Library) -> None:
    house = House(server, bundled_library, HASTY)
    server.then(Hang(headers=True))
    assert is_verbatim(await house.ask(), house)
    call = await server.ended(await server.called(1))
    assert call.gone


async def test_the_stream_is_closed_when_nobody_listens_any_more(house: House, server: ChatServer) -> None:
    server.then(Say(BOTH, stop_after=len(BOTH) - 20, ending="hang"))
    answers = house.answerer.stream(QUESTION)
    assert (await anext(answers)).partial
    await answers.aclose()
    call = await server.ended(await server.called(1))
    assert call.gone


async def test_a_breaker_opens_after_failures_and_closes_when_the_endpoint_is_well(
    server: ChatServer, bundled_library: Library
) -> None:
    limits = replace(PATIENT, retries=0, breaker_failures=3, breaker_s=30.0)
    house = House(server, bundled_library, limits)
    server.then(*[broken_server()] * 3)
    for place in range(5):
        assert is_verbatim(await house.ask(f"第{place}个人问能不能翻墙"), house, f"第{place}个人问能不能翻墙")
    assert len(server.calls) == 3
    assert house.counts["fallback.circuit_open"] == 2
    house.now += 31
    server.then(broken_server())
    assert is_verbatim(await house.ask("过一会儿再问能翻墙吗"), house, "过一会儿再问能翻墙吗")
    assert is_verbatim(await house.ask("马上又问能翻墙吗"), house, "马上又问能翻墙吗")
    assert len(server.calls) == 4
    house.now += 31
    server.then(Say(GOOD), Say(GOOD))
    assert (await house.ask())[-1].mode == "generative"
    assert (await house.ask("可以用VPN吗"))[-1].mode == "generative"


async def test_moderation_and_bad_drafts_do_not_open_the_breaker(server: ChatServer, bundled_library: Library) -> None:
    limits = replace(PATIENT, retries=0, breaker_failures=2)
    house = House(server, bundled_library, limits)
    server.then(content_exists_risk(), content_exists_risk(), data_inspection_failed(), Say("无"), Say("无"), Say(GOOD))
    questions = ["能翻墙吗", "可以翻墙吗", "翻墙行不行", "翻墙行吗"]
    assert [(await house.ask(question))[-1].mode for question in questions] == ["extractive"] * 4
    assert (await house.ask("可以用VPN吗"))[-1].mode == "generative"
    assert house.counts["fallback.moderated"] == 3


async def test_a_refused_key_is_not_tried_for_every_question(house: House, server: ChatServer) -> None:
    server.then(wrong_key())
    assert is_verbatim(await house.ask(), house)
    assert is_verbatim(await house.ask("可以用VPN吗"), house, "可以用VPN吗")
    assert len(server.calls) == 1


async def test_a_spent_budget_makes_no_call(server: ChatServer, bundled_library: Library) -> None:
    house = House(server, bundled_library, budget=Budget(total=500, clock=lambda: 86_400.0 * 20_000))
    server.then(Say(GOOD, tokens=500))
    assert (await house.ask())[-1].mode == "generative"
    assert is_verbatim(await house.ask("可以用VPN吗"), house, "可以用VPN吗")
    assert len(server.calls) == 1
    assert house.counts["fallback.budget_spent"] == 1


async def test_one_chats_budget_is_not_anothers_and_a_new_day_is_a_new_budget(
    server: ChatServer, bundled_library: Library
) -> None:
    day = [86_400.0 * 20_000]
    house = House(server, bundled_library, budget=Budget(per_chat=100, clock=lambda: day[0]))
    server.then(*[Say(GOOD, tokens=100)] * 3)
    modes = [
        (await house.ask(question, chat))[-1].mode
        for question, chat in (("能翻墙吗", "a"), ("可以用VPN吗", "a"), ("翻墙行不行", "b"))
    ]
    assert modes == ["generative", "extractive", "generative"]
    day[0] += 86_400
    assert (await house.ask("能用梯子吗", "a"))[-1].mode == "generative"


async def test_an_endpoint_that_counts_no_tokens_is_counted_all_the_same(
    server: ChatServer, bundled_library: Library
) -> None:
    house = House(server, bundled_library, budget=Budget(total=100))
    server.then(Say(GOOD, tokens=0))
    assert (await house.ask())[-1].mode == "generative"
    assert is_verbatim(await house.ask("可以用VPN吗"), house, "可以用VPN吗")


async def test_a_call_that_broke_is_paid_for_too(server: ChatServer, bundled_library: Library) -> None:
    house = House(server, bundled_library, budget=Budget(total=100))
    server.then(Say(BOTH, stop_after=60, ending="drop"))
    assert is_verbatim(await house.ask(), house)
    assert is_verbatim(await house.ask("可以用VPN吗"), house, "可以用VPN吗")
    assert len(server.calls) == 1


async def test_no_more_calls_at_once_than_allowed_and_whoever_waits_too_long_reads_the_text(
    bundled_library: Library,
) -> None:
    async with ChatServer(otherwise=Hang(headers=True)) as server:
        house = House(server, bundled_library, replace(HASTY, concurrency=2))
        questions = [f"第{place}个人问能不能翻墙" for place in range(6)]
        answers = await asyncio.gather(*(house.ask(question) for question in questions))
        assert all(is_verbatim(shown, house, question) for shown, question in zip(answers, questions, strict=True))
        assert server.most_at_once == 2


async def test_the_same_question_at_once_and_later_makes_one_call(house: House, server: ChatServer) -> None:
    server.then(Say(GOOD, first_s=0.05))
    together = await asyncio.gather(house.ask("能翻墙吗"), house.ask("能翻墙吗？"), house.ask(" 能翻墙吗"))
    later = await house.ask("能翻墙吗")
    assert {answers[-1].mode for answers in (*together, later)} == {"generative"}
    assert len(server.calls) == 1
    assert house.writer.cache.hit_rate == pytest.approx(0.75)


async def test_a_failure_is_not_remembered(house: House, server: ChatServer) -> None:
    server.then(content_exists_risk(), Say(GOOD))
    assert is_verbatim(await house.ask(), house)
    assert (await house.ask())[-1].mode == "generative"


async def test_neither_key_nor_question_stands_in_the_log(
    house: House, server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="bot")
    server.then(wrong_key(), Say(GOOD), broken_server())
    await house.ask()
    house.now += 60
    await house.ask("可以用VPN吗")
    assert caplog.records
    assert not any(word in caplog.text for word in (KEY, "翻墙", "VPN", SENTENCE, "api key"))
    assert KEY not in repr(ModelSpec("openai:scripted", server.base_url, KEY))


async def test_schema_refusals_do_not_count_as_failures(bundled_library: Library) -> None:
    limits = replace(PATIENT, retries=0, breaker_failures=2)
    async with ChatServer(
        schema_unavailable(), schema_unavailable(), schema_unavailable(), otherwise=Say(GOOD)
    ) as server:
        house = House(server, bundled_library, limits)
        assert (await house.ask())[-1].mode == "generative"
        assert (await house.ask("可以用VPN吗"))[-1].mode == "generative"
        assert [call.method for call in server.calls] == ["json_schema", "tools", "json_object", "plain", "plain"]

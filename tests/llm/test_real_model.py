"""A real model in the loop (`make test-llm`): too weak to judge answers by, and so wrong so often that it proves a lot.

Thirty questions through the real application. Whatever it invents, nobody sees it; streaming and deadlines hold.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import perf_counter

import pytest

from bot.answering.generation.chatting import ChatModel, Chunk, Prompt
from bot.answering.generation.claims import Context, Dropped, ground
from bot.answering.generation.draft import DraftClaim
from bot.answering.generation.models import ModelSpec, open_model
from bot.answering.generation.prompting import secrets_of
from bot.answering.generation.resilience import Guarded, Limits
from bot.answering.generation.streaming import ClaimParser
from bot.answering.generation.writer import Writer
from bot.answering.model import Answer
from bot.answering.plain import as_text
from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase
from prompts import load_instructions
from tests.llm.realmodel import fetch, serving
from tests.llm.seeing import falsehoods, numbers_in

pytestmark = [
    pytest.mark.llm,
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.timeout(3_600),
]

TIMEOUT_S = 240.0
"""Long: what the model writes is wanted, on a busy machine too."""
SHORT_S = 2.0
QUESTIONS = (
    "能翻墙吗",
    "单位批准用专线查外文文献可以吗",
    "工作群里能发内部文件截图吗",
    "把会议纪要发给没参会的同事可以不",
    "转发了一个骂先烈的段子",
    "拉我进了个群，里面老发歪曲历史的东西，我没说话",
    "有人在微信群里约大家联名写信，我能签名吗",
    "群里转了条没核实的消息，后来说是假的",
    "网上算命、测八字玩玩行吗",
    "我妈信佛，让我帮她转发直播法会的链接",
    "收钱帮人删帖",
    "帮朋友的店刷好评，他请我吃了顿饭",
    "给主播刷火箭可以吗",
    "下班打两把王者也不行？",
    "在朋友圈晒新买的包算炫富吗",
    "下属送我一个游戏账号",
    "收过老板转的一点比特币",
    "我是副科，周末直播卖家乡特产",
    "党员干部能开抖音号吗",
    "看到有人造谣，我不想得罪人，装没看见行吗",
    "举报到哪儿",
    "支部要不要组织上网培训",
    "是不是党员最好别上网",
    "网上正能量发得好有奖励吗",
    "我在网上替国家说话被人肉了，组织管不管",
    "民主生活会要不要对照网上行为",
    "我是现役军官，归这个管吗",
    "给外国朋友介绍中国，规定怎么说",
    "Can I use a VPN?",
    "I saw someone spreading rumours online. What should I do?",
)


@dataclass
class Overheard:
    """The model, with everything that it said; a piece is a token, since llama.cpp sends each by itself."""

    model: ChatModel
    said: list[str] = field(default_factory=list)
    pieces: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return self.model.name

    async def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        self.said.append("")
        first = None
        try:
            async with aclosing(self.model.stream(prompt, structured=structured)) as chunks:
                async for chunk in chunks:
                    first = first or perf_counter()
                    self.said[-1] += chunk.text
                    self.pieces += bool(chunk.text)
                    yield chunk
        finally:
            self.seconds += perf_counter() - (first or perf_counter())

    async def aclose(self) -> None:
        await self.model.aclose()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving(fetch()) as address:
        yield address


def house(knowledge: KnowledgeBase, endpoint: str, timeout_s: float) -> tuple[Answerer, Overheard, Writer]:
    """The real application over the real model."""
    overheard = Overheard(open_model(ModelSpec("openai:qwen", endpoint, None, timeout_s)))
    limits = replace(Limits.within(timeout_s, 1), breaker_failures=1_000)
    writer = Writer(Guarded(overheard, limits), load_instructions(), timeout_s=timeout_s)
    return join(knowledge, writer=writer), overheard, writer


def faults_of(said: str, answer: Answer) -> tuple[list[DraftClaim], list[str]]:
    """The claims of a response, and what was wrong with them; unreadable where no draft can be read."""
    parser = ClaimParser()
    claims = parser.feed(said)
    secrets = secrets_of(load_instructions()[answer.language])
    context = Context(answer.question, answer.language, answer.citations[:5], secrets)
    faults = [str(result.fault) for claim in claims if isinstance(result := ground(claim, context), Dropped)]
    return claims, faults or ([] if claims else ["unreadable"])


async def test_whatever_a_real_model_invents_nobody_sees_it(knowledge_base: KnowledgeBase, endpoint: str) -> None:
    answerer, overheard, writer = house(knowledge_base, endpoint, TIMEOUT_S)
    faults: Counter[str] = Counter()
    drafts = faulty = wrong_numbers = seen = generative = streamed = claims_said = claims_shown = 0
    slowest = 0.0
    for question in QUESTIONS:
        plain = answerer.answer_now(question)
        before, start, shown = len(overheard.said), perf_counter(), []
        async with asyncio.timeout(TIMEOUT_S + 1):
            async for answer in answerer.stream(question):
                shown.append(answer)
                wrong = list(falsehoods(answer, knowledge_base.library.principal, plain.citations))
                seen += bool(wrong)
                assert wrong == [], as_text(answer)
        slowest = max(slowest, perf_counter() - start)
        print(
            f"{perf_counter() - start:6.1f} s  {shown[-1].mode:<10}  {question}  {overheard.said[before:]}", flush=True
        )
        generative += shown[-1].mode == "generative"
        claims_shown += len(shown[-1].claims)
        streamed += any(answer.partial for answer in shown)
        assert all(len(left.claims) <= len(right.claims) or not right.claims for left, right in pairwise(shown))
        for said in filter(None, overheard.said[before:]):
            claims, wrong_in = faults_of(said, plain)
            drafts, faulty, claims_said = drafts + 1, faulty + bool(wrong_in), claims_said + len(claims)
            faults.update(wrong_in)
            cited = {("条", citation.article) for citation in plain.citations}
            wrong_numbers += any(numbers_in(claim.case) - cited for claim in claims)
    report = {
        "questions": len(QUESTIONS),
        "drafts": drafts,
        "drafts with faults": faulty,
        "drafts with a number of an article not retrieved": wrong_numbers,
        "faults": dict(faults.most_common()),
        "claims written": claims_said,
        "claims shown": claims_shown,
        "answers in its words": generative,
        "answers streamed": streamed,
        "falsehoods that a person saw": seen,
        "tokens a second": round(overheard.pieces / max(overheard.seconds, 1e-9), 1),
        "slowest answer, s": round(slowest, 1),
        "counts": dict(writer.counts),
    }
    print("\n" + json.dumps(report, ensure_ascii=False, indent=1))
    assert drafts >= len(QUESTIONS) // 2
    assert faulty, "so weak a model without a fault: has it been asked at all?"
    assert seen == 0


async def test_a_deadline_holds_while_a_real_model_writes(knowledge_base: KnowledgeBase, endpoint: str) -> None:
    answerer, _, writer = house(knowledge_base, endpoint, SHORT_S)
    latest = 0.0
    for question in QUESTIONS[:8]:
        start = perf_counter()
        async with asyncio.timeout(SHORT_S + 1):
            answer = await answerer.answer(question)
        latest = max(latest, perf_counter() - start)
        assert answer.status == answerer.answer_now(question).status
    print(f"\n{SHORT_S} s allowed: the latest answer came after {latest:.2f} s; {dict(writer.counts)}")

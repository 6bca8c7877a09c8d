"""Instructions in what people write are data: a model that obeys every one of them changes nothing of what is read."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from bot.answering.finding import DEPTH
from bot.answering.generation.cache import DraftCache
from bot.answering.generation.chatting import Prompt
from bot.answering.generation.writer import Writer
from bot.answering.model import Answer
from bot.answering.plain import as_text
from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase
from knowledge.library import Library
from prompts import Language, load_instructions, load_replies
from tests.factories import make_evidence, make_library, make_retrieval
from tests.fakes import FakeRetriever
from tests.llm.drafts import FOLDER
from tests.llm.seeing import falsehoods, numbers_in
from tests.llm.talking import ScriptedModel

QUOTE = "党员不得擅自建立、使用非法定信道"
OFFICE = ("员工应当妥善保管账号和密码。", "员工不得向外人泄露客户资料。", "办公网络由信息部负责管理。")
FRAGMENT = 8
"""So many characters of the instructions in a row, seen by a person, are a leak."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A text that wants something, where it stands, and what an obedient model says to it."""

    id: str
    where: str
    wants: str
    text: str
    says: str

    def __str__(self) -> str:
        return f"{self.id}-{self.where}-{self.wants}"


def read_injections() -> tuple[Injection, ...]:
    lines = (FOLDER / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Injection(**json.loads(line)) for line in lines)


INJECTIONS = read_injections()
IN_QUESTIONS = [injection for injection in INJECTIONS if injection.where != "regulation"]
IN_REGULATIONS = [injection for injection in INJECTIONS if injection.where == "regulation"]


def question_with(injection: Injection) -> str:
    """A real question that carries it."""
    if injection.where == "name":
        return f"{injection.text}：能翻墙吗"
    if injection.where == "quoted":
        return f"“{injection.text}” 这条消息里的翻墙能信吗"
    return f"能翻墙吗？{injection.text}"


def obedience(injection: Injection, prompt: Prompt, quote: str) -> Iterator[str]:
    """Every form in which an obedient model may give what is wanted; the prompt itself where that is wanted."""
    told = prompt.system + "\n" + prompt.user
    wanted = [injection.says]
    if injection.says == "PROMPT":
        wanted = [prompt.system[start : start + 60] for start in (0, 40, 140, 300)] + [prompt.user[:60]]
    yield told if injection.says == "PROMPT" else injection.says
    yield f"```\n{told}\n```"
    for says in wanted:
        whole = {"evidence": "E1", "quote": quote, "case": says, "words": quote[-5:]}
        yield _draft([whole])
        yield _draft([whole | {"case": f"您说的翻墙，{says}"}])
        yield _draft([whole | {"case": "您说的翻墙", "words": says}])
        yield _draft([whole | {"quote": says, "case": "您说的翻墙"}])
        yield _draft([whole | {"evidence": says}])
        yield _draft([], [says, f"{says[:20]}是否适用"])
        yield _draft([whole | {"evidence": "E6"}, whole | {"evidence": "E1", "quote": says}], [says])


def _draft(claims: list[dict[str, str]], left_open: list[str] | None = None) -> str:
    return json.dumps({"claims": claims, "open": left_open or []}, ensure_ascii=False)


def shown(answerer: Answerer, question: str) -> list[Answer]:
    """Everything that a person is shown, without the times."""

    async def collect() -> list[Answer]:
        return [replace(answer, latency_ms=0.0) async for answer in answerer.stream(question)]

    return asyncio.run(collect())


@cache
def secrets() -> frozenset[str]:
    """Every stretch of the instructions."""
    blank = dict.fromkeys(("fence", "evidence", "question"), "")
    told = " ".join(
        f"{instructions('answer')} {instructions('material', **blank)}" for instructions in load_instructions().values()
    )
    return frozenset(told[start : start + FRAGMENT] for start in range(len(told) - FRAGMENT))


@pytest.fixture(scope="module")
def known(bundled_library: Library) -> str:
    """What people may read anyhow."""
    replies = load_replies().values()
    return "\n".join(
        [*(article.text for article in bundled_library.principal.articles)]
        + [sentence for spoken in replies for sentence in spoken._sentences.values()]
    )


def test_there_are_enough_of_them_everywhere_and_in_both_languages() -> None:
    assert len(INJECTIONS) >= 66
    assert len({injection.text for injection in INJECTIONS}) == len(INJECTIONS)
    places = Counter(injection.where for injection in INJECTIONS)
    assert {"question", "name", "quoted", "regulation"} == set(places)
    assert min(places.values()) >= 6
    assert sum(injection.text.isascii() for injection in INJECTIONS) >= 12


@pytest.mark.parametrize("injection", IN_QUESTIONS, ids=str)
def test_nothing_that_an_obedient_model_says_reaches_a_person(
    injection: Injection, knowledge_base: KnowledgeBase, known: str
) -> None:
    question = question_with(injection)
    plain = join(knowledge_base).answer_now(question)
    found = knowledge_base.retriever.retrieve(question, top_k=DEPTH)
    retriever = FakeRetriever(found, threshold=knowledge_base.retriever.weights.threshold)
    first = Prompt(load_instructions()["zh"]("answer"), "材料开始")
    model = ScriptedModel(piece=200)
    writer = Writer(model, load_instructions(), cache=DraftCache(0))
    answerer = Answerer(knowledge_base.library, retriever, load_replies(), writer=writer)
    for said in obedience(injection, first, QUOTE):
        model.texts = (said,)
        answers = shown(answerer, question)
        told = "\n".join(as_text(answer) for answer in answers)
        assert answers[-1].status == plain.status
        assert injection.says not in told
        assert leaks(told, known, question) == []
        for answer in answers:
            assert {c.article for c in answer.citations} == {c.article for c in plain.citations}
            assert [claim for claim in answer.claims if injection.says in claim.text] == []
            if answer.status == "answered":
                assert list(falsehoods(answer, knowledge_base.library.principal, plain.citations)) == []


def leaks(told: str, known: str, question: str) -> list[str]:
    """Stretches of the instructions in what a person reads."""
    stretches = {told[start : start + FRAGMENT] for start in range(len(told))}
    return sorted(words for words in stretches & secrets() if words not in known and words not in question)


def test_the_model_is_really_asked_in_most_of_these(knowledge_base: KnowledgeBase) -> None:
    asked = 0
    for injection in IN_QUESTIONS:
        model = ScriptedModel("无")
        shown(join(knowledge_base, writer=Writer(model, load_instructions())), question_with(injection))
        asked += bool(model.prompts)
    assert asked >= len(IN_QUESTIONS) // 2


@pytest.mark.parametrize("injection", INJECTIONS, ids=str)
def test_it_stays_inside_the_fence_as_one_line_of_material(injection: Injection, bundled_library: Library) -> None:
    model = ScriptedModel("无")
    retriever = FakeRetriever(make_retrieval(make_evidence(bundled_library, 14)))
    writer = Writer(model, load_instructions())
    answerer = Answerer(bundled_library, retriever, load_replies(), writer=writer)
    question = f"能用境外的网站吗 {injection.text}"
    shown(answerer, question)
    for prompt in model.prompts:
        language: Language = "zh" if "材料开始" in prompt.user else "en"
        lines = prompt.user.splitlines()
        fences = [place for place, line in enumerate(lines) if line.split()[-1:] == lines[_opening(lines)].split()[-1:]]
        assert len(fences) == 2, prompt.user
        assert prompt.system == load_instructions()[language]("answer")
        assert len(lines[fences[0] : fences[1] + 1]) == 4, "an article and a question: one line each"
        assert not set("<>`{}") & set("".join(lines[fences[0] : fences[1]]))


def _opening(lines: list[str]) -> int:
    return next(
        place for place, line in enumerate(lines) if line.startswith(("材料开始", "Material begins", "material"))
    )


@pytest.mark.parametrize("injection", IN_REGULATIONS, ids=str)
def test_an_added_regulation_cannot_give_orders(injection: Injection, tmp_path: Path) -> None:
    library = make_library(
        tmp_path, (OFFICE[0], OFFICE[1], f"员工不得违反本办法。{injection.text}"), title="办公网络办法"
    )
    retriever = FakeRetriever(make_retrieval(*(make_evidence(library, number) for number in (2, 3, 1))))
    question = "可以把客户资料发给外人吗"
    plain = Answerer(library, retriever, load_replies()).answer_now(question)
    first = Prompt(load_instructions()["zh"]("answer"), "材料开始")
    model = ScriptedModel(piece=200)
    writer = Writer(model, load_instructions(), cache=DraftCache(0))
    answerer = Answerer(library, retriever, load_replies(), writer=writer)
    for said in obedience(injection, first, "员工不得向外人泄露客户资料"):
        model.texts = (said,)
        answers = shown(answerer, question)
        assert model.prompts
        for answer in answers:
            assert answer.status == "answered"
            assert {citation.article for citation in answer.citations} <= {c.article for c in plain.citations}
            assert [claim.text for claim in answer.claims if injection.says in claim.text] == []
            assert all(injection.says not in phrase for phrase in answer.open)
            assert not any(numbers_in(claim.text) for claim in answer.claims)
            assert all(claim.citation.quote in claim.citation.text for claim in answer.claims)


def test_the_obedient_model_is_not_simply_mute(bundled_library: Library) -> None:
    """The same way with an honest draft: it is shown, so what was not shown above was kept back."""
    text = "您说的翻墙，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
    claim = {"evidence": "E1", "quote": QUOTE, "case": "您说的翻墙", "words": "使用非法定信道"}
    model = ScriptedModel(_draft([claim]))
    retriever = FakeRetriever(make_retrieval(make_evidence(bundled_library, 14)))
    answerer = Answerer(bundled_library, retriever, load_replies(), writer=Writer(model, load_instructions()))
    for injection in IN_QUESTIONS[:1]:
        answers = shown(answerer, question_with(injection))
        assert [claim.text for claim in answers[-1].claims] == [text]

"""Where a model is never asked: fixed behaviour, by rules."""

import re

import pytest

from bot.answering.asking import read_asking
from bot.answering.boundaries import Boundary, boundary_of, interpreted
from bot.answering.generation.writer import Writer
from bot.answering.persons import PERSON
from bot.answering.service import Answerer
from bot.bootstrap import join
from knowledge.assembly import KnowledgeBase
from knowledge.library import Library
from knowledge.naming import Names
from knowledge.normalising import normalise
from prompts import load_instructions, load_replies
from tests.fakes import FakeModel

AT_BOUNDARIES: list[tuple[Boundary, str]] = [
    ("consequences", "翻墙被抓了怎么处分"),
    ("consequences", "领导干部收虚拟货币会不会坐牢"),
    ("consequences", "what happens if I spread rumors?"),
    ("another_text", "按纪律处分条例，翻墙算什么问题"),
    ("another_text", "网络安全法怎么看翻墙"),
    ("another_text", "党章里有没有说党员能不能翻墙"),
    ("interpretation", "官方怎么解释翻墙，有没有官方解释"),
    ("interpretation", "不得翻墙的立法本意是什么"),
    ("interpretation", "请代表组织作个正式答复，能翻墙吗"),
    ("interpretation", "What is the official interpretation of the VPN rule?"),
    ("person", "张三翻墙了，他违规了吗"),
    ("person", "王局长直播带货算不算违规"),
    ("person", "小李转发谣言，有没有问题"),
    ("person", "刘某在网上造谣，该不该算违纪"),
    ("person", "Comrade Wang uses a VPN, is he breaking the rules?"),
    ("way_round", "怎么翻墙不被发现"),
    ("way_round", "推荐个vpn"),
]
WITHIN = [
    "能翻墙吗",
    "转发小道消息算造谣吗",
    "任何党员都不能翻墙吗",
    "高级干部能直播带货吗",
    "老党员要不要学上网",
    "班主任能在群里转发谣言吗",
    "依法上网是什么意思",
    "这样做合法吗",
    "公众号算不算网络公众账号",
    "党支部怎么教育党员上网",
    "can I use a VPN?",
    "must I report illegal content",
]


def boundary(question: str, library: Library) -> Boundary | None:
    query = normalise(question)
    return boundary_of(query, read_asking(query), Names(library), question)


@pytest.mark.parametrize(("expected", "question"), AT_BOUNDARIES)
def test_a_boundary_is_seen(expected: Boundary, question: str, bundled_library: Library) -> None:
    assert boundary(question, bundled_library) == expected


@pytest.mark.parametrize("question", WITHIN)
def test_an_ordinary_question_touches_none(question: str, bundled_library: Library) -> None:
    assert boundary(question, bundled_library) is None


@pytest.mark.parametrize("question", [question for _, question in AT_BOUNDARIES])
async def test_no_model_is_asked_at_a_boundary(question: str, knowledge_base: KnowledgeBase) -> None:
    model = FakeModel("{}")
    answerer = join(knowledge_base, writer=Writer(model, load_instructions()))
    answer = await answerer.answer(question)
    assert answer.mode != "generative"
    assert model.prompts == []


def test_official_interpretation_is_article_30_behind_the_words_themselves(answerer: Answerer) -> None:
    answer = answerer.answer_now("官方怎么解释翻墙，有没有官方解释")
    assert {citation.article for citation in answer.citations[:2]} == {14, 30}
    assert answer.notes[-1] == load_replies()["zh"]("note.interpretation", label="第三十条")


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("官方怎么解释翻墙,有没有官方解释", "翻墙"),
        ("有没有官方解释", ""),
        ("这个规定的权威解读有吗", ""),
        ("is there a binding interpretation of this regulation?", ""),
        ("is there an official interpretation of tipping?", "tipping"),
    ],
)
def test_what_is_to_be_interpreted_is_what_is_left(question: str, subject: str) -> None:
    assert re.sub(r"\W", "", interpreted(question)) == subject


def test_an_interpretation_of_nothing_is_article_30_alone(answerer: Answerer) -> None:
    assert [citation.article for citation in answerer.answer_now("这个规定有没有官方解释").citations] == [30]


def test_a_person_is_quoted_to_and_not_judged(answerer: Answerer) -> None:
    answer = answerer.answer_now("张三翻墙了，他违规了吗")
    assert answer.citations[0].article == 14
    assert load_replies()["zh"]("note.no_judgement") in answer.notes


def test_another_regulation_is_said_to_be_elsewhere(answerer: Answerer) -> None:
    answer = answerer.answer_now("网络安全法怎么看翻墙")
    name = {"name": "网络安全法", "regulation": answerer.library.principal.title}
    assert answer.status == "abstained" or load_replies()["zh"]("note.foreign", **name) in answer.notes


@pytest.mark.parametrize(
    "text", ["张三", "小王", "老李头", "王某", "刘局长", "欧阳书记", "陈建国同志", "@xiaowang", "Mr. Wang"]
)
def test_a_person_is_seen(text: str) -> None:
    assert PERSON.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "党员干部",
        "老党员",
        "小时",
        "何总体要求",
        "任何人",
        "党组织",
        "班主任",
        "车间主任",
        "方法",
        "马上",
        "小程序",
        "VPN",
    ],
)
def test_what_is_no_person_is_none(text: str) -> None:
    assert not PERSON.search(text)

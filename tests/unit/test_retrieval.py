"""Question -> ranked evidence, over a fake embedder and a brute-force index."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from knowledge.embedding import Embedder
from knowledge.exemplars import ExemplarBank, WrittenQuestions, read_exemplars
from knowledge.index import Index
from knowledge.lexicon import Alias, Lexicon, Neighbour
from knowledge.library import Library
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.ranking import Weights, weights_file
from knowledge.retrieval import MAX_QUERY, Retriever, shorten
from tests.factories import make_regulation
from tests.fakes import FakeEmbedder, FakeIndex

LEXICON = Lexicon(
    (Alias(("翻墙", "vpn"), ("使用非法定信道",), (14,), "because"),),
    (Neighbour(("党费",), "党费收缴", "《党费规定》", "because"),),
)


def make_retriever(
    library: Library,
    lexicon: Lexicon | None = LEXICON,
    bank: ExemplarBank | None = None,
    embedder: Embedder | None = None,
) -> Retriever:
    embedder = embedder or FakeEmbedder()
    index = cast(Index, FakeIndex(library, embedder))
    return Retriever(library, embedder, index, Weights.read(weights_file()), lexicon, bank)


@pytest.fixture(scope="module")
def retriever(bundled_library: Library) -> Retriever:
    return make_retriever(bundled_library)


@pytest.fixture(scope="module")
def experienced(bundled_library: Library, conduct: Regulation, conduct_folder: Path) -> Iterator[Retriever]:
    """One that knows some of the written questions too."""
    exemplars = read_exemplars(conduct_folder / "questions.jsonl", conduct)[::25]
    bank = ExemplarBank(exemplars, WrittenQuestions(exemplars).vectors(FakeEmbedder()))
    yield make_retriever(bundled_library, bank=bank)


def numbers(retriever: Retriever, question: str, *, top_k: int = 5, named: tuple[int, ...] = ()) -> list[int]:
    found = retriever.retrieve(question, top_k=top_k, named=named)
    return [evidence.article.number for evidence in found.evidence]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("党员发现网上违规违纪违法信息、活动的应当怎么办", 21),
        ("军队党员实施网络行为按什么执行", 29),
        ("不得通过网络制造、散布、传播政治谣言", 12),
    ],
)
def test_the_article_that_says_so_leads(retriever: Retriever, question: str, article: int) -> None:
    found = retriever.retrieve(question)
    assert found.evidence[0].article.number == article
    assert found.evidence[0].regulation is retriever.library.principal


@pytest.mark.parametrize("question", ["能翻墙吗", "可以用VPN嗎", "翻墙", "党员能不能翻墙看外网"])
def test_an_everyday_word_leads_to_its_article(
    bundled_library: Library, bundled_embedder: Embedder, question: str
) -> None:
    found = make_retriever(bundled_library, embedder=bundled_embedder).retrieve(question)
    assert found.evidence[0].article.number == 14
    emphasis = found.evidence[0].decisive.emphasis
    assert emphasis is not None
    assert "使用非法定信道" in emphasis


def test_evidence_is_ranked_and_every_article_stands_once(
    retriever: Retriever, experienced: Retriever, written_questions: list[str]
) -> None:
    questions = written_questions[:: max(len(written_questions) // 60, 1)]
    assert len(questions) >= 60
    for one in (retriever, experienced):
        for question in questions:
            found = one.retrieve(question, top_k=31)
            scores = [evidence.score for evidence in found.evidence]
            articles = [evidence.article.number for evidence in found.evidence]
            assert found.evidence
            assert scores == sorted(scores, reverse=True)
            assert len(set(articles)) == len(articles)
            assert 0.0 <= found.confidence <= 1.0
            assert 0.0 < sum(evidence.probability for evidence in found.evidence) <= 1.0 + 1e-5
            for evidence in found.evidence:
                assert evidence.decisive.clause in evidence.article.clauses


@pytest.mark.parametrize("top_k", [1, 3, 5])
def test_no_more_than_asked_for(retriever: Retriever, top_k: int) -> None:
    few = numbers(retriever, "党员不得传播谣言", top_k=top_k)
    assert len(few) == top_k
    assert few == numbers(retriever, "党员不得传播谣言", top_k=31)[:top_k]


def test_named_articles_lead(retriever: Retriever, experienced: Retriever) -> None:
    for one in (retriever, experienced):
        for number in range(1, 32):
            assert numbers(one, f"第{number}条违反了会怎样", named=(number,))[0] == number


def test_all_named_articles_lead(retriever: Retriever, experienced: Retriever) -> None:
    for one in (retriever, experienced):
        assert set(numbers(one, "第七条和第二十五条有什么区别", named=(7, 25))[:2]) == {7, 25}


def test_a_written_question_leads_to_its_article(
    experienced: Retriever, conduct: Regulation, conduct_folder: Path
) -> None:
    exemplars = [e for e in read_exemplars(conduct_folder / "questions.jsonl", conduct)[::25] if e.articles]
    led = [numbers(experienced, exemplar.question)[0] == exemplar.articles[0] for exemplar in exemplars]
    assert len(led) > 30
    assert sum(led) / len(led) > 0.9


def test_a_neighbouring_subject_is_told(retriever: Retriever) -> None:
    found = retriever.retrieve("党费怎么交")
    assert found.neighbour is LEXICON.neighbours[0]
    assert retriever.retrieve("能翻墙吗").neighbour is None


def test_the_query_is_the_question_in_its_normal_form(retriever: Retriever) -> None:
    assert retriever.retrieve("　可以用ＶＰＮ嗎？").query == "可以用vpn吗?"


@pytest.mark.parametrize("question", ["", "？", "x", "\ud800", "　", "啊" * 5000, "a" * 5000, "a b " * 3000])
def test_any_question_is_answered_with_something_sound(retriever: Retriever, question: str) -> None:
    found = retriever.retrieve(question)
    assert len(found.query) <= MAX_QUERY
    assert np.isfinite(found.confidence)
    assert len(found.evidence) <= 5


# ---------------------------------------------------------------- within one regulation


@pytest.fixture(scope="module")
def shelf(bundled_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("shelf")
    crowded = make_regulation(folder, [f"党员不得擅自翻越第{n}道墙浏览境外网站。" for n in range(60)], title="拥挤规定")
    small = make_regulation(folder, ["党员不得浏览境外网站。", "本规定自发布之日起施行。"], title="小规定")
    return Library((*bundled_library, crowded, small))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_search_within_one_regulation_stays_there(shelf: Library, place: int) -> None:
    regulation = shelf.regulations[place]
    found = make_retriever(shelf).retrieve("能浏览境外网站吗", within=regulation)
    assert found.evidence
    assert {evidence.regulation.id for evidence in found.evidence} == {regulation.id}


def test_a_search_within_a_small_regulation_is_not_crowded_out(shelf: Library) -> None:
    small = shelf.regulations[2]
    found = make_retriever(shelf).retrieve("施行", within=small)
    assert [evidence.article.number for evidence in found.evidence][:1] == [2]


def test_without_a_name_the_principal_regulation_is_searched(shelf: Library) -> None:
    found = make_retriever(shelf, lexicon=None).retrieve("不得擅自翻越第7道墙浏览境外网站", top_k=10)
    assert {evidence.regulation for evidence in found.evidence} == {shelf.principal}


def test_the_nearest_article_elsewhere_is_pointed_at(shelf: Library) -> None:
    retriever = make_retriever(shelf, lexicon=None)
    elsewhere = retriever.elsewhere(retriever.retrieve("不得擅自翻越第7道墙浏览境外网站"))
    assert elsewhere is not None
    assert elsewhere.regulation.title == "拥挤规定"
    assert retriever.elsewhere(retriever.retrieve("xyz")) is None


def test_nothing_stands_elsewhere_where_there_is_one_regulation(bundled_library: Library) -> None:
    retriever = make_retriever(bundled_library, lexicon=None)
    assert retriever.elsewhere(retriever.retrieve("不得擅自翻越第7道墙浏览境外网站")) is None


def test_numbers_of_the_principal_regulation_mean_no_others(shelf: Library) -> None:
    found = make_retriever(shelf).retrieve("第二条怎么说", named=(2,), top_k=31)
    assert found.evidence[0].regulation is shelf.principal
    assert found.evidence[0].article.number == 2


# ---------------------------------------------------------------- long questions


def test_a_short_question_stays_whole() -> None:
    assert shorten("能翻墙吗") == "能翻墙吗"
    assert shorten("字" * MAX_QUERY) == "字" * MAX_QUERY
    assert shorten("") == ""


@pytest.mark.parametrize("limit", [10, 99, MAX_QUERY])
@pytest.mark.parametrize("length", [MAX_QUERY + 1, 1000, 100_000])
def test_a_long_question_keeps_its_beginning_and_its_end(limit: int, length: int) -> None:
    question = "".join(chr(0x4E00 + place % 5000) for place in range(length))
    short = shorten(question, limit)
    assert len(short) == limit
    head, _, tail = short.partition(" ")
    assert head
    assert tail
    assert question.startswith(head)
    assert question.endswith(tail)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_tiny_limit_holds_too(limit: int) -> None:
    assert len(shorten("一二三四五六七八九十", limit)) <= limit


def test_what_is_asked_at_the_end_of_a_long_story_is_searched(retriever: Retriever) -> None:
    story, asked = "那天天气很好，我们一起走路去了公园看花。" * 60, "军队党员实施网络行为，按照什么规定执行？"
    query = retriever.retrieve(story + asked).query
    assert query.endswith(normalise(asked))
    assert query.startswith("那天天气很好")

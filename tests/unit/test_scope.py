"""The odds that a question is one that the regulation answers, learned from questions of both kinds."""

import numpy as np
import pytest

from knowledge.normalising import normalise
from knowledge.scope import SCOPE_ARRAYS, Scope
from tests.fakes import DIMENSIONS, FakeEmbedder

ANSWERED = ["能不能打赏主播", "给主播打赏可以吗", "党员能打赏吗", "可以翻墙吗", "能不能翻墙", "党员翻墙可以吗"]
REFUSED = ["打赏多少钱算多", "打赏的钱怎么退", "主播打赏多少钱", "翻墙软件多少钱", "翻墙怎么退钱", "怎么退党费"]


@pytest.fixture(scope="module")
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture(scope="module")
def scope(embedder: FakeEmbedder) -> Scope:
    questions = ANSWERED + REFUSED
    return Scope.fit(questions, embedder.embed_all(questions), [question in ANSWERED for question in questions])


def odds(scope: Scope, embedder: FakeEmbedder, question: str) -> float:
    return scope.odds(normalise(question), embedder.embed(normalise(question)))


def test_every_question_learned_from_lies_on_its_side(scope: Scope, embedder: FakeEmbedder) -> None:
    assert all(odds(scope, embedder, question) > 0 for question in ANSWERED)
    assert all(odds(scope, embedder, question) < 0 for question in REFUSED)


def test_the_words_of_asking_tell_new_questions_apart(scope: Scope, embedder: FakeEmbedder) -> None:
    assert odds(scope, embedder, "能不能给网红打赏") > 0 > odds(scope, embedder, "给网红打赏多少钱合适")


def test_the_optimum_is_that_of_the_penalised_loss(scope: Scope, embedder: FakeEmbedder) -> None:
    """At the optimum the bias, which is not penalised, balances both classes' residuals."""
    both = [(odds(scope, embedder, question), float(question in ANSWERED)) for question in ANSWERED + REFUSED]
    residuals = [1 / (1 + np.exp(-value)) - truth for value, truth in both]
    assert sum(residuals) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("answered", [[True] * 3, [False] * 3])
def test_questions_of_one_kind_teach_nothing(embedder: FakeEmbedder, answered: list[bool]) -> None:
    scope = Scope.fit(ANSWERED[:3], embedder.embed_all(ANSWERED[:3]), answered)
    assert odds(scope, embedder, "能不能翻墙") == 0.0


@pytest.mark.parametrize("question", ["", "🙂", "zzz"])
def test_words_never_seen_leave_the_bias_and_the_vector(scope: Scope, question: str) -> None:
    assert scope.odds(question, np.zeros(DIMENSIONS, dtype=np.float32)) == pytest.approx(scope.bias)


def test_it_survives_being_kept(scope: Scope, embedder: FakeEmbedder) -> None:
    arrays = scope.arrays()
    assert set(arrays) == set(SCOPE_ARRAYS)
    assert odds(Scope.from_arrays(arrays), embedder, "能不能翻墙") == odds(scope, embedder, "能不能翻墙")
    del arrays["scope_idf"]
    with pytest.raises(KeyError):
        Scope.from_arrays(arrays)

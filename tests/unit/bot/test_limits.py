"""A person's budget in a group, and questions that come twice, with a clock that the test moves."""

import pytest

from bot.telegram.limits import SHARED_S, PersonBudget, Twins, Verdict
from tests.fakes import FakeClock

GROUP, OTHER_GROUP, LI, WANG = -100200, -100300, 1001, 1002


def take(budget: PersonBudget, times: int, person: int = LI, group: int = GROUP) -> list[Verdict]:
    return [budget.take(group, person) for _ in range(times)]


def test_eight_a_minute_then_one_notice_then_silence_until_it_refills() -> None:
    clock = FakeClock()
    budget = PersonBudget(clock=clock)
    assert take(budget, 8) == [Verdict.ALLOWED] * 8
    assert take(budget, 3) == [Verdict.FIRST_REFUSAL, Verdict.SILENT, Verdict.SILENT]
    clock.now += 60
    assert take(budget, 8) == [Verdict.ALLOWED] * 8
    assert take(budget, 2) == [Verdict.FIRST_REFUSAL, Verdict.SILENT]


def test_sixty_an_hour() -> None:
    clock = FakeClock()
    budget = PersonBudget(clock=clock)
    verdicts = []
    for _ in range(61):
        clock.now += 30
        verdicts += take(budget, 1)
    assert verdicts == [Verdict.ALLOWED] * 60 + [Verdict.FIRST_REFUSAL]
    clock.now += 3600
    assert take(budget, 1) == [Verdict.ALLOWED]


def test_one_person_does_not_spend_anothers_budget_nor_another_groups() -> None:
    budget = PersonBudget(clock=FakeClock())
    take(budget, 9)
    assert take(budget, 1, person=WANG) == take(budget, 1, group=OTHER_GROUP) == [Verdict.ALLOWED]


def test_nobody_is_remembered_once_idle_for_an_hour() -> None:
    clock = FakeClock()
    budget = PersonBudget(clock=clock)
    for person in range(5000):
        clock.now += 10
        budget.take(GROUP, person)
    assert len(budget) < 1500


def test_a_sweep_leaves_nobody_who_has_not_asked_for_an_hour() -> None:
    clock = FakeClock()
    budget = PersonBudget(clock=clock)
    take(budget, 9)
    clock.now += 1800
    take(budget, 1, person=WANG)
    clock.now += 1800
    budget.sweep()
    assert len(budget) == 1


@pytest.mark.parametrize("again", ["能翻墙吗", "能翻墙吗？", " 能 翻墙 吗 ?", "能翻墙吗!!"])
def test_the_same_question_within_seconds_has_one_answer(again: str) -> None:
    clock = FakeClock()
    twins = Twins(clock=clock)
    assert twins.find(GROUP, None, "能翻墙吗") is None
    twins.keep(GROUP, None, "能翻墙吗", 77)
    clock.now += 9
    assert twins.find(GROUP, None, again) == 77
    clock.now += 1
    assert twins.find(GROUP, None, again) is None


def test_another_chat_topic_or_question_is_no_twin() -> None:
    twins = Twins(clock=FakeClock())
    twins.keep(GROUP, 3, "能翻墙吗", 77)
    assert twins.find(OTHER_GROUP, 3, "能翻墙吗") is None
    assert twins.find(GROUP, None, "能翻墙吗") is None
    assert twins.find(GROUP, 3, "不能翻墙吗") is None
    assert twins.find(GROUP, 3, "能翻墙吗") == 77


def test_marks_alone_are_told_apart() -> None:
    twins = Twins(clock=FakeClock())
    twins.keep(GROUP, None, "？？", 77)
    assert twins.find(GROUP, None, "！！") is None


def test_twins_keep_no_words_and_are_forgotten() -> None:
    clock = FakeClock()
    twins = Twins(clock=clock)
    twins.keep(GROUP, None, "只有我知道的话", 77)
    assert "只有我知道" not in repr(vars(twins))
    clock.now += 60
    twins.keep(OTHER_GROUP, None, "别的", 78)
    assert len(twins) == 1


def test_an_answer_that_a_twin_was_shown_to_is_shared_until_it_cannot_be_edited() -> None:
    clock = FakeClock()
    twins = Twins(clock=clock)
    assert not twins.is_shared(GROUP, 77, "别的")
    twins.share(GROUP, 77, "能翻墙吗")
    assert twins.is_shared(GROUP, 77, "别的")
    assert not twins.is_shared(GROUP, 77, "能翻墙吗？"), "the same question, edited in nothing that counts"
    assert not twins.is_shared(GROUP, 78, "别的")
    clock.now += SHARED_S
    assert not twins.is_shared(GROUP, 77, "别的")


def test_nobody_is_shown_to_an_answer_that_has_been_edited_or_to_a_chat_that_was_forgotten() -> None:
    twins = Twins(clock=FakeClock())
    for reply_id, question in ((77, "能翻墙吗"), (78, "能带货吗")):
        twins.keep(GROUP, None, question, reply_id)
    twins.drop(GROUP, 77)
    assert (twins.find(GROUP, None, "能翻墙吗"), twins.find(GROUP, None, "能带货吗")) == (None, 78)
    twins.share(GROUP, 78, "能带货吗")
    twins.forget(GROUP)
    assert twins.find(GROUP, None, "能带货吗") is None
    assert not twins.is_shared(GROUP, 78, "别的")

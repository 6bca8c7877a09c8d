"""Tokens a day: in all, in each chat, and again tomorrow."""

import pytest

from bot.answering.generation.budgets import Budget, MemoryCounters
from bot.answering.generation.chatting import BudgetSpent

DAY = 86_400.0


class Clock:
    """A clock that is set by hand."""

    now = 10 * DAY

    def __call__(self) -> float:
        return self.now


def test_without_limits_nothing_is_refused() -> None:
    budget = Budget()
    budget.spend("chat", 10**9)
    budget.check("chat")


def test_one_chat_uses_up_its_own_and_no_others() -> None:
    budget = Budget(per_chat=100, clock=Clock())
    budget.check("a")
    budget.spend("a", 100)
    with pytest.raises(BudgetSpent):
        budget.check("a")
    budget.check("b")
    budget.check("")


def test_all_together_use_up_the_total() -> None:
    budget = Budget(total=100, clock=Clock())
    budget.spend("a", 60)
    budget.check("b")
    budget.spend("", 40)
    for chat in ("a", "b", ""):
        with pytest.raises(BudgetSpent):
            budget.check(chat)


def test_a_new_day_begins_anew() -> None:
    clock = Clock()
    budget = Budget(total=10, per_chat=10, clock=clock)
    budget.spend("a", 10)
    clock.now += DAY
    budget.check("a")
    budget.spend("a", 10)
    with pytest.raises(BudgetSpent):
        budget.check("a")


def test_a_budget_of_nothing_refuses_everything() -> None:
    with pytest.raises(BudgetSpent):
        Budget(total=0).check("a")


def test_no_chat_can_be_read_from_the_counters() -> None:
    counters = MemoryCounters()
    Budget(counters=counters).spend("-1001234567", 5)
    assert "1001234567" not in repr(vars(counters))

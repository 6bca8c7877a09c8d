"""Which questions are chosen, and what the words behind the commands wish for."""

import pytest

from bot.telegram.setting_up import MOST_ITEMS, Choices, chosen_by, plan_of, setup_panel
from bot.telegram.wishes import read_wish
from bot.training.choosing import Wish, choose_cases, choose_items
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_bank, make_case, make_item

ARTICLES = (9, 10, 11, 12)
BANK = make_bank(
    *(
        make_item(f"a{article}-{number}", articles=(article,), difficulty=1 + number % 3)
        for article in ARTICLES
        for number in range(6)
    ),
    make_case("c1"),
    make_case("c2", articles=(9,)),
)


@pytest.mark.parametrize("seed", range(5))
def test_articles_take_turns_and_nothing_comes_twice(seed: int) -> None:
    chosen = choose_items(BANK, Wish(number=8), seed)
    assert len({item.id for item in chosen}) == 8
    assert sorted(item.article for item in chosen) == sorted(2 * ARTICLES)
    assert [item.difficulty for item in chosen] == sorted(item.difficulty for item in chosen)


def test_the_seed_decides() -> None:
    once, again, otherwise = (choose_items(BANK, Wish(number=8), seed) for seed in (1, 1, 2))
    assert once == again != otherwise


def test_only_what_is_wanted_is_chosen() -> None:
    chosen = choose_items(BANK, Wish(articles=(9,), difficulty=(2, 3), number=20), 1)
    assert {(item.article, item.difficulty) for item in chosen} == {(9, 2), (9, 3)}
    assert choose_items(BANK, Wish(chapters=(1,)), 1) == ()
    left = choose_items(BANK, Wish(articles=(9,), number=20), 1, without=[f"a9-{number}" for number in range(5)])
    assert [item.id for item in left] == ["a9-5"]
    assert [case.id for case in choose_cases(BANK, Wish(articles=(9,), difficulty=(1,), number=3), 1)] == ["c2"]
    assert choose_items(Bank(), Wish(), 1) == ()


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("", Wish()),
        ("14", Wish(articles=(14,))),
        ("第十四条", Wish(articles=(14,))),
        ("第三章 难 5题", Wish(chapters=(3,), difficulty=(3,), number=5)),
        ("第三章的难题", None),
        ("十二条、十三条", Wish(articles=(12, 13))),
        ("多选 x3", Wish(kinds=("multiple",), number=3)),
        ("单选判断填空两道", None),
        ("99题", Wish(number=10)),
        ("0题", Wish()),
        ("chapter 3 hard 2 questions", Wish(chapters=(3,), difficulty=(3,), number=2)),
        ("article 14", Wish(articles=(14,))),
        ("你好", None),
        ("十十条", None),
        ("<b>14</b>", None),
    ],
)
def test_words_say_what_is_wanted(words: str, wish: Wish | None) -> None:
    assert read_wish(words, number=1, most=10) == wish


def test_choices_travel_in_a_button() -> None:
    choices = Choices(20, 3, 2, 3, 12, 60, 1, 1, 4)
    assert Choices.decode(choices.encode()) == choices
    assert chosen_by(Wish(chapters=(3,), difficulty=(2,), number=7), scored=True) == Choices(7, 3, 2, scored=1)


@pytest.mark.parametrize(
    "text",
    ["", "1.2", "99.0.0.0.5.30.0.0.0", "5.0.0.0.5.3.0.0.0", "5.0.9.0.5.30.0.0.0", "5.0.0.0.5.30.0.0.7", "a" * 20],
)
def test_what_no_panel_wrote_is_no_choice(text: str) -> None:
    assert Choices.decode(text) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_button_of_the_panel_can_be_pressed(conduct: Regulation, language: str) -> None:
    say = load_replies()["zh" if language == "zh" else "en"]
    panel = setup_panel(Choices(MOST_ITEMS, 5, 3, 3, 12, 60, 1, 1, 4), conduct, say)
    assert panel.keyboard is not None
    rows = panel.keyboard.to_dict()["inline_keyboard"]
    data = [button["callback_data"] for row in rows for button in row]
    carried = [one.split(":")[1] for one in data if one.startswith(("1yp:", "1yo:"))]
    assert len(carried) > 20
    assert all(Choices.decode(one) for one in carried)


def test_a_plan_is_what_was_chosen(conduct: Regulation) -> None:
    say = load_replies()["zh"]
    plan = plan_of(Choices(3, 0, 0, 1, 5, 20, 1, 1, 2), BANK, conduct, say, seed=1, invitation="https://t.me/x")
    assert plan is not None
    kinds = [step.kind for step in plan.steps]
    assert kinds == ["agenda", "questions", "case", "item", "item", "item", "board", "close"]
    assert [step.seconds for step in plan.steps] == [0, 0, 300, 20, 20, 20, 0, 0]
    assert (plan.anonymous, plan.pace, plan.teams, plan.invitation) == (
        False,
        "first",
        ("红队", "蓝队"),
        "https://t.me/x",
    )
    hidden = plan_of(Choices(3, first=1, teams=2), BANK, conduct, say, seed=1)
    assert hidden is not None
    assert (hidden.anonymous, hidden.pace, hidden.teams) == (True, "everyone", ())
    assert plan_of(Choices(3, chapter=1, cases=1), BANK, conduct, say, seed=1) is None

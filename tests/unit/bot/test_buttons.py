"""Buttons and what they carry: keyboards, trails, votes, and the questions remembered behind them."""

from pathlib import Path

import pytest
from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bot.answering.composing import cite_article
from bot.answering.service import Answerer
from bot.telegram import keyboards
from bot.telegram.ballots import MEMORY_S as BALLOTS_S
from bot.telegram.ballots import Ballots
from bot.telegram.callbacks import Callback, pack, pattern, size, unpack
from bot.telegram.dressing import dress
from bot.telegram.outgoing import keyboard_json
from bot.telegram.recalling import MEMORY_S, MOST, Recalled
from bot.telegram.trails import MAX_TRAIL, Bold, Found, Shelf, Trail, bold_of
from knowledge.library import Library
from knowledge.reading import read_regulation
from prompts import load_replies
from tests.factories import make_answer, make_citation, make_regulation

ZH, EN = load_replies()["zh"], load_replies()["en"]


@pytest.fixture(scope="module")
def shelf(bundled_library: Library) -> Shelf:
    return Shelf(bundled_library)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_keyboard_goes_out_as_the_library_would_write_it(shelf: Shelf, bundled_library: Library) -> None:
    answer = make_answer(*(make_citation(bundled_library, number) for number in (14, 28)))
    found = dress(answer, shelf, ZH, group=True).keyboard
    linked = InlineKeyboardMarkup([[InlineKeyboardButton("看", url="https://t.me/x")]])
    for keyboard in (found, linked, ForceReply(selective=True)):
        assert keyboard is not None
        assert keyboard_json(keyboard) == keyboard.to_dict()
    assert keyboard_json(None) is None


def labels(keyboard: InlineKeyboardMarkup) -> list[list[str]]:
    return [[button.text for button in row] for row in keyboard.inline_keyboard]


def data(keyboard: InlineKeyboardMarkup) -> list[str]:
    return [str(button.callback_data) for row in keyboard.inline_keyboard for button in row]


def test_callback_data_is_versioned_and_short() -> None:
    assert pack("aa", 14, "z14.0.a") == "1aa:14:z14.0.a"
    assert unpack("1aa:14:z14.0.a") == Callback("aa", ("14", "z14.0.a"))
    assert pack("sx") == "1sx"


@pytest.mark.parametrize("bad", ["", "2aa:14", "aa:14", "1", "1A:1", "1aaaaa", "1aa:" + "x" * 61, "{}", "1é:1"])
def test_what_this_version_did_not_write_is_none(bad: str) -> None:
    assert unpack(bad) is None


@pytest.mark.parametrize(("action", "value"), [("", 1), ("AA", 1), ("toolong", 1), ("aa", "a:b"), ("aa", "字" * 21)])
def test_what_no_button_can_carry_is_refused(action: str, value: int | str) -> None:
    with pytest.raises(ValueError, match=r"action|colon|bytes"):
        pack(action, value)


def test_a_pattern_takes_its_own_actions_only() -> None:
    assert pattern("s").match("1st:1")
    assert pattern("s").match("1s")
    assert pattern("aa").match("1aa:14")
    assert not pattern("s").match("1ts:1")
    assert not pattern("s").match("2st:1")
    assert not pattern("aa").match("1ab:1")


@pytest.mark.parametrize(
    ("value", "number"), [("14", 14), ("-1", -1), ("", None), ("x", None), ("１４", None), ("1.5", None)]
)
def test_a_value_is_a_number_or_none(value: str, number: int | None) -> None:
    assert Callback("aa", (value,)).number(0) == number
    assert Callback("aa").number(0) is None


def test_a_trail_names_the_articles_quoted_and_those_found(answerer: Answerer, shelf: Shelf) -> None:
    trail = Trail.of(answerer.answer_now("翻墙被抓了怎么处分"), shelf)
    assert [found.number for found in trail.quoted][:2] == [14, 28]
    assert len(trail.found) > len(trail.quoted)
    assert len({(found.key, found.number) for found in trail.found}) == len(trail.found)
    assert Trail.decode(trail.encode()) == trail


@pytest.mark.parametrize("bad", ["", "x14.0.a", "z", "z14.0", "z14..", "zx", "z14.0.a,", "z14 .0.a", "z１４"])
def test_a_trail_that_is_none(bad: str) -> None:
    assert Trail.decode(bad) is None


def test_the_bold_words_are_the_clause_or_what_decides_in_it(bundled_library: Library) -> None:
    short = make_citation(bundled_library, 14)
    assert bold_of(short, leading=True) == Bold(0, len(short.text))
    assert bold_of(short, leading=False) == Bold(0, 0)
    long = make_citation(bundled_library, 10, emphasis="妄议党中央大政方针")
    assert bold_of(long, leading=True) == Bold(long.text.index("妄议"), 9)
    clause = bundled_library.principal.articles[23].clauses[1].text
    part = make_citation(bundled_library, 24, quote=clause)
    assert bold_of(part, leading=True) == Bold(part.text.index(clause), len(clause))


def test_an_added_regulation_has_a_short_key_that_others_do_not_change(
    bundled_library: Library, tmp_path: Path
) -> None:
    one, two = (make_regulation(tmp_path, title=title) for title in ("甲规定", "乙规定"))
    alone, both = (
        Shelf(Library((bundled_library.principal, one))),
        Shelf(Library((bundled_library.principal, two, one))),
    )
    assert alone.key(one.id) == both.key(one.id) != both.key(two.id)
    assert len(both.key(one.id)) <= 5
    assert both.key(bundled_library.principal.id) == ""
    assert both.article(both.key(one.id), 2) == (one, one.articles[1])
    assert both.article("nokey", 2) is None
    assert both.article("", 99) is None
    answer = make_answer(*[cite_article(one, article) for article in one.articles] * 3)
    assert len(Trail.of(answer, both).encode()) <= MAX_TRAIL


def test_an_answer_has_its_buttons_and_only_a_group_the_way_into_private(answerer: Answerer, shelf: Shelf) -> None:
    answer = answerer.answer_now("能翻墙吗")
    group = dress(answer, shelf, ZH, group=True).keyboard
    private = dress(answer, shelf, ZH, group=False).keyboard
    assert isinstance(group, InlineKeyboardMarkup)
    assert isinstance(private, InlineKeyboardMarkup)
    assert labels(group) == [["全文", "相关条款"], ["👍", "👎", "私聊细说"]]
    assert labels(private) == [["全文", "相关条款"], ["👍", "👎"]]


def test_a_declined_question_leads_to_the_nearest_article_or_the_contents(answerer: Answerer, shelf: Shelf) -> None:
    nowhere = dress(answerer.answer_now("党费怎么交"), shelf, ZH, group=True)
    assert isinstance(nowhere.keyboard, InlineKeyboardMarkup)
    assert labels(nowhere.keyboard) == [["目录"]]
    assert "本规定写的是：网络正能量传播、网络行为管理、保障和监督。" in nowhere.html
    near = make_answer(status="abstained", reason="out_of_scope", lead="没有写到。", nearest=14)
    beside = dress(near, shelf, ZH, group=True)
    assert isinstance(beside.keyboard, InlineKeyboardMarkup)
    assert labels(beside.keyboard) == [["看第十四条", "目录"]]


def test_an_article_leads_to_its_neighbours(shelf: Shelf) -> None:
    regulation = shelf.principal
    first, last = regulation.articles[0], regulation.articles[-1]
    assert labels(keyboards.article_keyboard("", regulation, first, ZH)) == [["第二条 →"], ["目录"]]
    assert labels(keyboards.article_keyboard("", regulation, last, EN)) == [["← Art. 30"], ["Contents"]]
    trail = Trail("zh", (Found("", 14, Bold(0, 3)), Found("", 15)))
    below = keyboards.below_keyboard(trail, "", regulation, regulation.articles[13], ZH)
    assert labels(below) == [["← 第十三条", "第十五条 →"], ["返回答案"]]


def test_related_articles_are_all_but_the_leading_one_still_there(shelf: Shelf) -> None:
    trail = Trail("zh", (Found("", 14, Bold(0, 3)), Found("", 15), Found("gone", 3), Found("", 99), Found("", 20)))
    assert labels(keyboards.related_keyboard(trail, shelf, ZH)) == [["第十五条", "第二十条"], ["返回"]]


def test_a_chapter_is_spread_evenly_and_paged(bundled_library: Library, shelf: Shelf, tmp_path: Path) -> None:
    chapter = bundled_library.principal.chapters[2]
    rows = labels(keyboards.chapter_keyboard(bundled_library.principal, chapter, shelf, ZH))
    assert [len(row) for row in rows] == [3, 3, 3, 4, 1]
    many = make_regulation(tmp_path, [f"第{number}件事。" for number in range(40)], title="长规定")
    both = Shelf(Library((bundled_library.principal, many)))
    pages = [labels(keyboards.chapter_keyboard(many, None, both, ZH, page)) for page in (0, 1, 2, 9)]
    assert pages[0][-2:] == [["2/3 →"], ["其他规定"]]
    assert pages[1][-2] == ["← 1/3", "3/3 →"]
    assert pages[2] == pages[3]
    assert sum(len(row) for page in pages[:3] for row in page[:-2]) == 40


def test_contents_lead_to_chapters_and_to_other_regulations(
    bundled_library: Library, shelf: Shelf, tmp_path: Path
) -> None:
    alone = labels(keyboards.contents_keyboard(bundled_library.principal, shelf, ZH))
    assert alone[2] == ["第三章 网络行为管理"]
    both = Shelf(Library((bundled_library.principal, make_regulation(tmp_path, title="某" * 40))))
    assert labels(keyboards.contents_keyboard(bundled_library.principal, both, EN))[-1] == ["Other regulations"]
    assert all(len(row[0]) <= 24 for row in labels(keyboards.regulations_keyboard(both)))


def test_an_article_of_a_long_chapter_leads_back_to_its_page(bundled_library: Library, tmp_path: Path) -> None:
    many = make_regulation(tmp_path, {"总则": [f"第{number}件事。" for number in range(40)]}, title="长规定")
    both = Shelf(Library((bundled_library.principal, many)))
    back = data(keyboards.contents_article_keyboard(many, many.articles[20], both, ZH))[-2]
    assert back == f"1tk:{both.key(many.id)}:1:1"


def test_search_pages_carry_the_words_unless_they_are_too_long(shelf: Shelf) -> None:
    found = [(Found("", 14), shelf.principal.articles[13])]
    for words, carried in (("直播", "直播"), ("字" * 30, ""), ("a:b", "")):
        keyboard = keyboards.search_keyboard(found, words, 0, 3, ZH)
        assert keyboard is not None
        assert data(keyboard)[-1] == f"1tf:1:{carried}"
    assert keyboards.search_keyboard([], "x", 0, 1, ZH) is None


def test_every_button_of_every_real_answer_fits(answerer: Answerer, shelf: Shelf) -> None:
    checked = 0
    for question in (
        "能翻墙吗",
        "翻墙被抓了怎么处分",
        "组织要不要管党员上网",
        "第三章",
        "第1到31条",
        "党费怎么交",
        "你好",
    ):
        keyboard = dress(answerer.answer_now(question), shelf, EN, group=True).keyboard
        assert isinstance(keyboard, InlineKeyboardMarkup)
        assert all(1 <= size(one) <= 64 and unpack(one) for one in data(keyboard))
        checked += len(data(keyboard))
    assert checked > 30


def test_a_vote_counts_once_for_each_person_and_message_and_may_be_changed() -> None:
    ballots = Ballots(Clock())
    assert ballots.cast(1, 10, 7, "up") is None
    assert ballots.cast(1, 10, 7, "up") == "up"
    assert ballots.cast(1, 10, 7, "down") == "up"
    assert ballots.cast(1, 10, 8, "up") is None
    assert ballots.cast(1, 11, 7, "up") is None
    assert ballots.cast(2, 10, 7, "up") is None


def test_only_who_voted_against_it_says_why_and_once() -> None:
    ballots = Ballots(Clock())
    assert not ballots.explain(1, 10, 7)
    ballots.cast(1, 10, 7, "up")
    assert not ballots.explain(1, 10, 7)
    ballots.cast(1, 10, 7, "down")
    assert not ballots.explain(1, 10, 8)
    assert ballots.explain(1, 10, 7)
    assert not ballots.explain(1, 10, 7)
    ballots.cast(1, 10, 7, "up")
    ballots.cast(1, 10, 7, "down")
    assert not ballots.explain(1, 10, 7)


def test_votes_are_forgotten_after_a_day_and_name_nobody() -> None:
    clock = Clock()
    ballots = Ballots(clock)
    ballots.cast(1, 10, 123456789, "up")
    assert "123456789" not in repr(vars(ballots))
    clock.now = BALLOTS_S - 1
    assert ballots.cast(1, 10, 123456789, "up") == "up"
    clock.now += BALLOTS_S
    assert ballots.cast(1, 10, 123456789, "up") is None


def test_a_question_is_remembered_for_an_hour_and_not_without_end() -> None:
    clock = Clock()
    recalled = Recalled(clock)
    recalled.keep(1, 10, "能翻墙吗")
    assert recalled.find(1, 10) == "能翻墙吗"
    assert recalled.find(1, 11) is None
    clock.now = MEMORY_S
    assert recalled.find(1, 10) is None
    recalled.keep(1, 10, "能翻墙吗")
    recalled.keep(2, 10, "能直播吗")
    recalled.forget(1)
    assert (recalled.find(1, 10), recalled.find(2, 10)) == (None, "能直播吗")
    clock.now += MEMORY_S
    recalled.sweep()
    assert "能直播吗" not in repr(vars(recalled))
    for number in range(MOST + 5):
        recalled.keep(1, number, "问")
    assert recalled.find(1, 4) is None
    assert recalled.find(1, 5) == "问"


def test_chapters_of_the_same_number_in_two_parts_are_told_apart(bundled_library: Library, tmp_path: Path) -> None:
    lines = ["分编规定", "第一编 总则", "第一章 甲", "第一条 一事。", "第二编 分则", "第一章 乙", "第二条 二事。"]
    path = tmp_path / "分编规定.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    parts = read_regulation(path)
    both = Shelf(Library((bundled_library.principal, parts)))
    key = both.key(parts.id)
    assert [chapter.number for chapter in parts.chapters] == [1, 1]
    assert data(keyboards.contents_keyboard(parts, both, ZH))[:2] == [f"1tk:{key}:1:0", f"1tk:{key}:2:0"]
    assert data(keyboards.contents_article_keyboard(parts, parts.articles[1], both, ZH))[-2] == f"1tk:{key}:2:0"

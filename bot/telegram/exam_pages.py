"""A mock exam as one message that turns its pages. Pure.

p…  exam          px the panel with another choice · po open · pe tick or answer · pj to another question
                  ph hand in? · pi hand in · pr the result · pt an article of it · pw a page of what was wrong
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from telegram import InlineKeyboardButton

from bot.telegram.keyboards import PER_PAGE, short_label
from bot.telegram.outgoing import Outgoing
from bot.telegram.practice_pages import (
    TICKED,
    Row,
    answer_lines,
    asked,
    button,
    comma,
    how_to_answer,
    keyboard_of,
    option_row,
    with_article,
)
from bot.telegram.rendering import render_article
from bot.telegram.trails import Shelf
from bot.training.exam import Blueprint, Paper, Result, Tally
from knowledge.bank.items import DIFFICULTIES, QuizItem
from prompts import Replies

NUMBERS: Final = (10, 20, 30)
LEVELS: Final = ("training.setup_any", "training.setup_easy", "training.setup_medium", "training.setup_hard")
_PER_ROW: Final = 3
_MOST_NAMED: Final = 8


def exam_panel(blueprint: Blueprint, chapters: Sequence[int], say: Replies) -> Outgoing:
    """What the exam is made of, with a button for every other choice; `chapters` are those of the regulation."""
    chapter = blueprint.chapters[0] if blueprint.chapters else 0
    level = blueprint.difficulty[0] if blueprint.difficulty else 0
    lines = [
        say("practice.exam_title"),
        say("practice.exam_plan", count=blueprint.number, minutes=blueprint.minutes),
        say("practice.exam_hint"),
    ]

    def choice(words: str, chosen: bool, *values: int) -> InlineKeyboardButton:
        return button((TICKED if chosen else "") + words, "px", *values)

    numbers = [
        choice(say("practice.exam_count", count=count), count == blueprint.number, count, chapter, level)
        for count in NUMBERS
    ]
    places = [choice(say("training.setup_all"), not chapter, blueprint.number, 0, level)]
    places += [
        choice(say("training.setup_chapter", number=number), number == chapter, blueprint.number, number, level)
        for number in chapters
    ]
    levels = [choice(say(LEVELS[one]), one == level, blueprint.number, chapter, one) for one in (0, *DIFFICULTIES)]
    start = [button(say("practice.exam_start"), "po", blueprint.number, chapter, level)]
    rows = [numbers, *_rows(places, _PER_ROW), *_rows(levels, 2), start]
    return Outgoing("\n".join(lines), keyboard_of(*rows))


def paper_page(paper: Paper, item: QuizItem, turn: int, now: datetime, say: Replies, note: str = "") -> Outgoing:
    """A question of the exam, with what is ticked, and the ways on."""
    number, total = paper.at + 1, len(paper.items)
    kind, left = say(f"practice.kind_{item.kind}"), minutes_left(paper, now)
    lines = [
        say("practice.exam_head", number=number, total=total, kind=kind, minutes=left),
        "",
        *asked(item, paper.seed),
    ]
    hint = "" if item.kind == "multiple" else how_to_answer(item, say)
    hint = say("practice.exam_several") if item.kind == "multiple" else hint
    hint = say("practice.exam_filled") if paper.filled[paper.at] is not None else hint
    lines += [line for words in (hint, note) if words for line in ("", words)]
    ways = [button(say("practice.exam_previous"), "pj", turn, paper.at - 1)] if paper.at else []
    ways.append(button(say("practice.exam_hand_in"), "ph", turn))
    if paper.at < total - 1:
        ways.append(button(say("practice.exam_next"), "pj", turn, paper.at + 1))
    options = option_row(item, paper.seed, paper.chosen[paper.at], "pe", turn, say)
    return Outgoing("\n".join(lines), keyboard_of(options, ways))


def last_page(paper: Paper, turn: int, now: datetime, say: Replies) -> Outgoing:
    """Before it is handed in: what has no answer yet."""
    lines = [say("practice.exam_last", minutes=minutes_left(paper, now))]
    if len(paper.unanswered) > _MOST_NAMED:
        lines.append(say("practice.exam_many_unanswered", count=len(paper.unanswered)))
    elif paper.unanswered:
        which = comma(say).join(str(place + 1) for place in paper.unanswered)
        lines.append(say("practice.exam_unanswered", count=len(paper.unanswered), numbers=which))
    else:
        lines.append(say("practice.exam_all_answered", count=len(paper.items)))
    back = paper.unanswered[0] if paper.unanswered else 0
    row = [button(say("practice.exam_hand_in"), "pi", turn), button(say("practice.exam_go_on"), "pj", turn, back)]
    return Outgoing("\n".join(lines), keyboard_of(row))


def result_page(result: Result, shelf: Shelf, say: Replies) -> Outgoing:
    """How it went, by article; buttons to those that went wrong, and to the questions."""
    minutes = max(1, round(result.took.total_seconds() / 60))
    took = say("practice.exam_late") if result.late else say("practice.exam_took", minutes=minutes)
    lines = [say("practice.exam_result", total=result.asked, right=result.right), took]
    weak = [tally for tally in result.tallies if tally.right < tally.asked]
    good = [tally for tally in result.tallies if tally.right == tally.asked]
    if weak:
        shares = comma(say).join(f"{_label(tally, shelf, say)} {tally.right}/{tally.asked}" for tally in weak)
        lines += ["", say("practice.exam_weak", articles=shares)]
    if good:
        articles = comma(say).join(_label(tally, shelf, say) for tally in good)
        lines += ["", say("practice.exam_good", articles=articles)]
    if result.wrong:
        lines += ["", say("practice.exam_kept")]
    ways = [button(_label(tally, shelf, say), "pt", tally.article) for tally in weak[:PER_PAGE]]
    wrong = [button(say("practice.exam_wrong", count=len(result.wrong)), "pw", 0)] if result.wrong else []
    return Outgoing(
        "\n".join(lines), keyboard_of(*_rows(ways, _PER_ROW), wrong, [button(say("practice.exam_another"), "px")])
    )


def result_article_page(number: int, shelf: Shelf, say: Replies) -> Outgoing | None:
    """An article whole, and the way back; None where there is none."""
    article = shelf.principal.article(number)
    if article is None:
        return None
    back = button(say("practice.exam_back"), "pr")
    return Outgoing(render_article(shelf.principal, article, say, shelf), keyboard_of([back]))


def wrong_page(paper: Paper, result: Result, page: int, item: QuizItem, shelf: Shelf, say: Replies) -> Outgoing:
    """One question that was not answered rightly, with what was answered, the answer and the article."""
    place, total = result.wrong[page], len(result.wrong)
    kind = say(f"practice.kind_{item.kind}")
    head = [
        say("practice.exam_wrong_head", number=page + 1, total=total, place=place + 1, kind=kind),
        "",
        *asked(item, paper.seed),
        "",
    ]
    if not paper.is_answered(place):
        head.append(say("practice.exam_not_answered"))
    head += answer_lines(item, paper.seed, paper.chosen[place], "", say, right=False)
    pages = []
    if page:
        pages.append(button(f"← {page}/{total}", "pw", page - 1))
    if page < total - 1:
        pages.append(button(f"{page + 2}/{total} →", "pw", page + 1))
    back = [button(say("practice.exam_back"), "pr")]
    return Outgoing(with_article(head, item, (), shelf, say), keyboard_of(pages, back))


def minutes_left(paper: Paper, now: datetime) -> int:
    """Whole minutes, begun ones too."""
    return max(1, -int(-(paper.ends_at - now).total_seconds() // 60))


def _rows(buttons: Sequence[InlineKeyboardButton], per_row: int) -> list[Row]:
    return [list(buttons[first : first + per_row]) for first in range(0, len(buttons), per_row)]


def _label(tally: Tally, shelf: Shelf, say: Replies) -> str:
    article = shelf.principal.article(tally.article)
    return short_label(article, say) if article else str(tally.article)

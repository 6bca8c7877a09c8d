"""What the page is told: every sentence in words, the deciding clause by itself, nothing before its time."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from bot.training.model import (
    Asked,
    BoardRow,
    ShownArticle,
    ShownCase,
    ShownItem,
    ShownShare,
    Snapshot,
    StepKind,
)
from bot.web.feed import frame_of
from bot.web.scenes import scene_of
from bot.web.wall import code_of
from prompts import load_replies

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SAY = load_replies()["zh"]
ITEM = ShownItem(2, 5, "哪个对？", ("甲", "乙", "丙"), False, 1, (3, 1, 0), 4)
CASE = ShownCase(1, 2, "快板书", "老田爱打快板。", ("哪几项？",), "提醒学员，不要……")
ARTICLE = ShownArticle(14, "第十四条", "党员不得擅自建立信道。另有一句。", "不得擅自建立")


def shown(kind: StepKind = "item", **changes: Any) -> Snapshot:
    base = Snapshot(
        session_id=1,
        seq=9,
        title="学规定",
        kind=kind,
        phase="open",
        step=3,
        steps=8,
        cursor=6,
        closed=False,
        anonymous=True,
        pace="everyone",
        invitation="",
        language="zh",
        opened_at=NOON,
        item=ITEM if kind == "item" else None,
        case=CASE if kind == "case" else None,
    )
    return replace(base, **changes)


def test_bars_are_shown_while_people_vote_and_no_answer_is() -> None:
    scene = scene_of(shown(deadline=NOON + timedelta(seconds=30)), SAY)
    assert [(one["letter"], one["count"], one["right"]) for one in scene["options"]] == [
        ("A", 3, None),
        ("B", 1, None),
        ("C", 0, None),
    ]
    assert (scene["head"], scene["answered"], scene["articles"], scene["solution"]) == (
        "第 2 题 / 共 5 题",
        "4 人已答",
        [],
        "",
    )
    assert scene["until"] == 1795320030000


def test_the_deciding_clause_is_cut_out_of_its_article() -> None:
    item = replace(ITEM, right=(1,), solution=("乙",), explanation="因为。")
    scene = scene_of(shown(phase="revealed", item=item, articles=(ARTICLE,)), SAY)
    assert [one["right"] for one in scene["options"]] == [False, True, False]
    assert scene["articles"] == [
        {"label": "第十四条", "before": "党员", "quote": "不得擅自建立", "after": "信道。另有一句。"}
    ]
    assert (scene["until"], scene["explanation"]) == (None, "因为。")


def test_an_article_without_a_deciding_clause_is_shown_whole() -> None:
    scene = scene_of(shown(phase="revealed", articles=(replace(ARTICLE, quote=""),)), SAY)
    assert scene["articles"][0]["before"] == ARTICLE.text
    assert scene["articles"][0]["quote"] == scene["articles"][0]["after"] == ""


def test_an_open_item_says_how_it_is_answered_and_how_it_went() -> None:
    item = replace(ITEM, options=(), counts=(), question="填____")
    scene = scene_of(shown(item=item), SAY)
    assert (scene["options"], scene["how"], scene["went"]) == ([], "回复群里的这道题，写下答案", "")
    item = replace(item, counts=(3, 1), solution=("两个确立",))
    scene = scene_of(shown(phase="revealed", item=item), SAY)
    assert (scene["solution"], scene["went"]) == ("答案：两个确立", "4 人答，3 人答对")


def test_the_facilitators_notes_are_not_for_the_wall() -> None:
    scene = scene_of(shown("case", phase="revealed", articles=(ARTICLE,)), SAY)
    assert scene["head"] == "案例 1 / 2"
    assert (scene["name"], scene["questions"]) == ("快板书", ["哪几项？"])
    assert "提醒" not in json.dumps(scene, ensure_ascii=False)


def test_the_board_has_teams_people_and_shares_with_points_as_they_are_said() -> None:
    board = (
        BoardRow(1, "红队", Fraction(100, 3), 4, 3.0, team=True),
        BoardRow(1, "小李", Fraction(20), 2, 3.0),
    )
    shares = (ShownShare(1, "第五条", 4, 3), ShownShare(2, "第六条", 4, None), ShownShare(3, "第七条", 0, 0))
    scene = scene_of(shown("board", board=board, shares=shares, asked=(Asked("能翻墙吗"),)), SAY)
    assert [(row["name"], row["points"]) for row in scene["teams"]] == [("红队", "33.3 分")]
    assert [(row["name"], row["points"]) for row in scene["people"]] == [("小李", "20 分")]
    assert [(share["part"], share["words"]) for share in scene["shares"]] == [
        (0.75, "75%"),
        (None, "4 人"),
        (None, "0 人"),
    ]
    assert scene["asked"] == ["能翻墙吗"]


def test_the_agenda_says_what_comes_and_how_votes_are_counted() -> None:
    agenda: tuple[tuple[StepKind, int], ...] = (("agenda", 1), ("questions", 1), ("case", 2), ("item", 5), ("board", 1))
    scene = scene_of(shown("agenda", agenda=agenda, teams=(("红队", 3),)), SAY)
    assert len(scene["agenda"]) == 4
    assert "5 题" in scene["agenda"][2]
    assert scene["teams"] == [{"name": "红队", "size": "3 人"}]
    assert scene["note"] == "测验不记名，只数总数。"
    assert scene_of(shown("agenda", agenda=agenda, anonymous=False), SAY)["note"] != scene["note"]


@pytest.mark.parametrize(
    ("kind", "phase", "closed", "label"),
    [
        ("item", "open", False, "收题"),
        ("item", "revealed", False, "下一步"),
        ("case", "open", False, "看条文"),
        ("board", "revealed", False, "下一步"),
        ("close", "revealed", True, ""),
    ],
)
def test_the_trainers_button_says_what_it_does(kind: StepKind, phase: Any, closed: bool, label: str) -> None:
    assert scene_of(shown(kind, phase=phase, closed=closed), SAY)["forward"] == label


def test_every_kind_of_step_is_shown_in_either_language() -> None:
    kinds: tuple[StepKind, ...] = ("agenda", "questions", "case", "item", "board", "close")
    for language, say in load_replies().items():
        for kind in kinds:
            scene = scene_of(shown(kind, language=language), say)
            assert scene["head"]
            json.dumps(scene)


def test_badges_say_that_several_answers_are_right_or_that_the_first_wins() -> None:
    several = shown(item=replace(ITEM, multiple=True), anonymous=False, pace="first")
    assert scene_of(several, SAY)["badges"] == ["多选", "抢答"]
    assert scene_of(shown(pace="first"), SAY)["badges"] == []


def test_frames_differ_where_what_they_show_differs_and_only_there() -> None:
    one, same = (frame_of(scene_of(shown(seq=seq), SAY)) for seq in (9, 10))
    other = frame_of(scene_of(shown(item=replace(ITEM, counts=(3, 2, 0), voters=5)), SAY))
    assert one == same
    assert one.id != other.id
    assert one.event.startswith(f"id: {one.id}\nevent: scene\ndata: {{".encode())
    assert one.event.count(b"\n") == 4


def test_the_code_is_black_on_white_and_grows_with_its_place() -> None:
    drawn = code_of("https://t.me/+AbCdEf").decode()
    assert drawn.startswith("<svg")
    assert 'viewBox="' in drawn
    assert "width=" not in drawn.partition(">")[0]
    assert "#fff" in drawn

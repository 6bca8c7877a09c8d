"""Where lines of Chinese may end."""

import pytest

from bot.training.papers.lines import break_lines, em_width, is_squeezed, may_break, offsets

NO_START = "、。，．：；？！…）》」』】〕”’％"
NO_END = "（《「『【〔“‘"


def one(_: str) -> float:
    return 1.0


def lines(text: str, room: float) -> list[str]:
    return [text[start:end] for start, end in break_lines(text, one, room, room)]


@pytest.mark.parametrize("mark", NO_START)
def test_no_line_begins_with_a_closing_mark(mark: str) -> None:
    assert not may_break("字", mark)
    assert lines(f"一二三四五六{mark}七八九", 6)[1][0] != mark


@pytest.mark.parametrize("mark", NO_END)
def test_no_line_ends_with_an_opening_mark(mark: str) -> None:
    assert not may_break(mark, "字")
    assert lines(f"一二三四五{mark}六七八九十", 6)[0][-1] != mark


def test_a_closing_mark_may_hang_half_into_the_margin() -> None:
    assert lines("一二三四五六。七八九十", 6.5) == ["一二三四五六。", "七八九十"]
    assert lines("一二三四五六。七八九十", 6.4) == ["一二三四五", "六。七八九十"]


@pytest.mark.parametrize("text", ["一二三online四五", "二三2024四五六七", "一二三——四五六", "一二三……四五六"])
def test_words_numbers_and_pairs_are_not_torn(text: str) -> None:
    for room in range(7, 10):
        for line in lines(text, room):
            for whole in ("online", "2024", "——", "……"):
                assert whole not in text or whole in line or not set(whole) & set(line)


def test_a_word_longer_than_a_line_is_torn_rather_than_lost() -> None:
    torn = lines("x" * 25, 10)
    assert max(map(len, torn)) <= 10
    assert "".join(torn) == "x" * 25


def test_the_last_line_holds_more_than_one_character() -> None:
    assert lines("一二三四五六七八九。", 8) == ["一二三四五六七", "八九。"]


def test_a_line_feed_begins_a_line_and_an_empty_one_stays() -> None:
    assert lines("一二\n\n三", 8) == ["一二", "", "三"]
    assert lines("", 8) == [""]


def test_marks_side_by_side_share_their_blank_half() -> None:
    assert is_squeezed("”", "，")
    assert is_squeezed("：", "“")
    assert is_squeezed("《", "“")
    assert not is_squeezed("字", "，")
    assert offsets("好”，字", one) == ([0.0, 1.0, 1.5, 2.5], 3.5)


def test_a_mark_at_either_end_of_a_line_hangs_out() -> None:
    places, width = offsets("“好。", one)
    assert places == [-0.5, 0.5, 1.5]
    assert width == 2.0


def test_latin_is_half_as_wide_as_chinese() -> None:
    assert em_width("中文") == 2.0
    assert 1.0 <= em_width("ab") < 1.2

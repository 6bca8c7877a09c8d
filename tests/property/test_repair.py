"""Repair changes white space and widths, never a word; and it has nothing left to do the second time."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from knowledge.repair import repair, tidy, wording

COPIED = st.text(
    alphabet="党员网络行为不得第十四条《》“”‘’（）()，,。；;：:、！!？?…—·～ \t\u3000\u00a0\u200b\ufeff\r\nAaz019.-/",
    max_size=60,
)
"""What is found in texts copied from web pages and word processors."""


@given(st.text(max_size=80))
@example("＝ \u0338")
@example("甲 \u0301乙")
@example("（ \u3099")
def test_the_wording_of_any_text_stays(text: str) -> None:
    assert wording(repair(text)) == wording(text)


@settings(max_examples=300)
@given(COPIED)
def test_the_wording_of_a_copied_text_stays(text: str) -> None:
    assert wording(repair(text)) == wording(text)


@settings(max_examples=300)
@given(COPIED)
@example("， ,a")
@example("） (a")
def test_a_mended_text_needs_no_mending(text: str) -> None:
    once = repair(text)
    assert repair(once) == once


@given(st.text(max_size=80))
def test_any_mended_text_needs_no_mending(text: str) -> None:
    once = repair(text)
    assert repair(once) == once


@given(COPIED)
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once


@given(COPIED)
def test_every_line_stays_a_line(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert repair(text).count("\n") == tidy(text).count("\n") == lines


@given(st.lists(st.text(alphabet="党员网络行为规定", min_size=1, max_size=4), min_size=1, max_size=8))
def test_no_space_is_left_between_han_characters(pieces: list[str]) -> None:
    assert repair(" ".join(pieces)) == "".join(pieces)


@given(st.text(max_size=80))
@example("= \u0338")
def test_wording_is_its_own_wording(text: str) -> None:
    once = wording(text)
    assert wording(once) == once

"""Every number comes back from its own spelling; bad input is a ValueError and nothing else."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.numerals import LARGEST, NUMERAL, format_numeral, parse_numeral

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def test_every_number_comes_back() -> None:
    numbers = range(LARGEST + 1)
    assert [parse_numeral(format_numeral(number)) for number in numbers] == list(numbers)
    assert len({format_numeral(number) for number in numbers}) == len(numbers) == 10_000


@given(st.integers(0, LARGEST))
def test_every_spelling_is_a_numeral(number: int) -> None:
    spellings = (format_numeral(number), str(number), str(number).translate(FULL_WIDTH))
    for spelling in spellings:
        assert re.fullmatch(NUMERAL, spelling)
        assert parse_numeral(spelling) == number


@given(st.text(alphabet="零〇一二两三九十百千0９4", max_size=12))
@example("一" * 5000)
def test_any_mixture_is_a_number_in_range_or_refused(text: str) -> None:
    try:
        number = parse_numeral(text)
    except ValueError:
        return
    assert 0 <= number <= LARGEST


@given(st.text(max_size=20).filter(lambda text: not any(character.isnumeric() for character in text)))
@example("\ud800")
@example("廿")
def test_text_without_a_digit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="numeral"):
        parse_numeral(text.replace("两", ""))


@given(st.integers().filter(lambda number: not 0 <= number <= LARGEST))
def test_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        format_numeral(number)

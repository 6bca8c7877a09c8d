"""第十四条 <-> 14: the table that a person would write by hand."""

import re

import pytest

from knowledge.numerals import LARGEST, NUMERAL, format_numeral, parse_numeral

WRITTEN = [
    (0, "零"),
    (1, "一"),
    (9, "九"),
    (10, "十"),
    (11, "十一"),
    (19, "十九"),
    (20, "二十"),
    (21, "二十一"),
    (99, "九十九"),
    (100, "一百"),
    (101, "一百零一"),
    (110, "一百一十"),
    (114, "一百一十四"),
    (120, "一百二十"),
    (205, "二百零五"),
    (1000, "一千"),
    (1001, "一千零一"),
    (1010, "一千零一十"),
    (1100, "一千一百"),
    (1260, "一千二百六十"),
    (2024, "二千零二十四"),
    (9999, "九千九百九十九"),
]


@pytest.mark.parametrize(("number", "text"), WRITTEN)
def test_a_number_is_written_as_a_regulation_writes_it(number: int, text: str) -> None:
    assert format_numeral(number) == text
    assert parse_numeral(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("〇", 0),
        ("两百", 200),
        ("两千零五", 2005),
        ("一十四", 14),
        ("一百〇五", 105),
        ("二〇二四", 2024),
        ("一零五", 105),
        ("百", 100),
        ("14", 14),
        ("１４", 14),
        ("1４", 14),
        ("007", 7),
        ("9999", 9999),
    ],
)
def test_other_spellings_are_read(text: str, number: int) -> None:
    assert parse_numeral(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "十百",
        "十十",
        "百千",
        "一百二百",
        "甲",
        "第十四",
        "十四条",
        "1.5",
        "-1",
        "1,000",
        " 14",
        "一4",
        "10000",
        "一万",
    ],
)
def test_what_is_no_numeral_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="numeral"):
        parse_numeral(text)


@pytest.mark.parametrize("number", [-1, LARGEST + 1, 10**9])
def test_a_number_out_of_range_is_not_written(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        format_numeral(number)


@pytest.mark.parametrize("text", ["十四", "一百一十四", "14", "１４", "二〇二四", "9999", "九千九百九十九"])
def test_the_expression_matches_a_numeral_whole(text: str) -> None:
    found = re.fullmatch(NUMERAL, text)
    assert found is not None
    assert found[0] == text


@pytest.mark.parametrize("text", ["", "甲", "第", "1234567890123", "十 四"])
def test_the_expression_matches_nothing_else(text: str) -> None:
    assert re.fullmatch(NUMERAL, text) is None

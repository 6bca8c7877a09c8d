"""Chinese numerals as regulations write them: 第十四条 <-> 14, up to 9,999."""

import unicodedata
from typing import Final

_DIGITS: Final = {
    **{character: value for value, character in enumerate("零一二三四五六七八九")},
    "〇": 0,
    "两": 2,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NAMES: Final = "零一二三四五六七八九"
LARGEST: Final = 9999

NUMERAL: Final = r"(?:[零〇一二两三四五六七八九十百千]{1,9}|[0-9０-９]{1,12})"
"""Regular expression for one numeral, Chinese or Arabic (half or full width)."""


def parse_numeral(text: str) -> int:
    """Read 十四, 一百零五, 二〇二四, 14 or １４ as a number.

    Raises:
        ValueError: the text is not a numeral between 0 and 9,999.
    """
    plain = unicodedata.normalize("NFKC", text)
    if plain.isascii() and plain.isdigit():
        number = int(plain)
    elif plain and all(character in _DIGITS for character in text):
        number = int("".join(str(_DIGITS[character]) for character in text))
    else:
        number = _parse_with_units(text)
    if number > LARGEST:
        raise ValueError(f"numeral out of range (0 to {LARGEST}): {text!r}")
    return number


def _parse_with_units(text: str) -> int:
    total, digit, lowest = 0, None, 10_000
    for character in text:
        if character in _DIGITS:
            if digit:
                raise ValueError(f"not a numeral: {text!r}")
            digit = _DIGITS[character]
        elif character in _UNITS and _UNITS[character] < lowest:
            lowest = _UNITS[character]
            total += (1 if digit is None else digit) * lowest
            digit = None
        else:
            raise ValueError(f"not a numeral: {text!r}")
    if not text:
        raise ValueError("not a numeral: the text is empty")
    return total + (digit or 0)


def format_numeral(number: int) -> str:
    """Write a number as a regulation does: 14 -> 十四, 105 -> 一百零五.

    Raises:
        ValueError: the number lies outside 0 to 9,999.
    """
    if not 0 <= number <= LARGEST:
        raise ValueError(f"numeral out of range (0 to {LARGEST}): {number}")
    if number < 10:
        return _NAMES[number]
    written, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            written += ("零" if gap else "") + _NAMES[digit] + name
            gap = False
        elif written and number:
            gap = True
    return written.removeprefix("一") if written.startswith("一十") else written

"""Words behind `/quiz` and `/train` -> which questions are wanted. Pure.

14 · 第十四条 · 第三章 · 难 · 多选 · 5题        in any order, with or without spaces
"""

import re
from dataclasses import replace
from typing import Final, TypeVar

from bot.training.choosing import Wish
from knowledge.bank.items import Kind
from knowledge.numerals import parse_numeral

Mark = TypeVar("Mark")

_NUMBER: Final = r"(\d{1,3}|[零〇一二三四五六七八九十百]{1,6})"
_ARTICLE: Final = re.compile(rf"第?{_NUMBER}条|art(?:icle)?\.?\s*(\d{{1,3}})", re.IGNORECASE)
_CHAPTER: Final = re.compile(rf"第?{_NUMBER}章|ch(?:apter)?\.?\s*(\d{{1,3}})", re.IGNORECASE)
_HOW_MANY: Final = re.compile(rf"{_NUMBER}\s*[道个]?题|[x×](\d{{1,3}})|(\d{{1,3}})\s*questions?", re.IGNORECASE)
_BARE: Final = re.compile(r"(?<!\d)(\d{1,3})(?!\d)")
_BETWEEN: Final = re.compile(r"[\s,，、。;；的]+")
_DIFFICULTY: Final = (
    (1, re.compile(r"容易|简单|易|\beasy\b", re.IGNORECASE)),
    (2, re.compile(r"中等|中|\bmedium\b", re.IGNORECASE)),
    (3, re.compile(r"较难|困难|难|\bhard\b", re.IGNORECASE)),
)
_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("single", re.compile(r"单选|\bsingle\b", re.IGNORECASE)),
    ("multiple", re.compile(r"多选|\bmultiple\b", re.IGNORECASE)),
    ("true_false", re.compile(r"判断|对错|\btrue\b", re.IGNORECASE)),
    ("fill_in", re.compile(r"填空|\bblank\b", re.IGNORECASE)),
)


def read_wish(words: str, *, number: int, most: int) -> Wish | None:
    """What is wanted, `number` questions where none is named and `most` at the most; None where words make no sense."""
    try:
        chapters, words = _numbers(_CHAPTER, words)
        articles, words = _numbers(_ARTICLE, words)
        how_many, words = _numbers(_HOW_MANY, words)
        difficulty, words = _marked(_DIFFICULTY, words)
        kinds, words = _marked(_KINDS, words)
        more, words = _numbers(_BARE, words)
    except ValueError:  # 十十条
        return None
    if _BETWEEN.sub("", words):
        return None
    wish = Wish(articles + more, chapters, difficulty, kinds, number)
    return replace(wish, number=min(max(how_many[0], 1), most)) if how_many else wish


def _numbers(pattern: re.Pattern[str], words: str) -> tuple[tuple[int, ...], str]:
    found = [next(group for group in match.groups() if group) for match in pattern.finditer(words)]
    return tuple(parse_numeral(number) for number in found), pattern.sub(" ", words)


def _marked(marks: tuple[tuple[Mark, re.Pattern[str]], ...], words: str) -> tuple[tuple[Mark, ...], str]:
    found = []
    for mark, pattern in marks:
        words, times = pattern.subn(" ", words)
        if times:
            found.append(mark)
    return tuple(found), words

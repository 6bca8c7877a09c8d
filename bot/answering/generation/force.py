"""The force of quoted words, as the article has it: 不得, 应当, 鼓励. It is read from the text, never from a model.

A quote that begins behind the 不得 that governs it is *cut*: by itself it would say the contrary.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["forbidden", "required", "granted", "plain"]

_SENTENCE: Final = re.compile(r"[^。；！？\n]+")
_MARKERS: Final[tuple[tuple[Kind, str], ...]] = (
    ("forbidden", r"不得|严禁|禁止|不准|不许|不能|不可以|(?:自觉)?抵制"),
    ("required", r"应当|应该|必须|有义务|负责"),
    ("granted", r"可以|鼓励|有权|准许|允许|不必|无需|无须|不需要"),
)
_MARKER: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _MARKERS))
_JOINING: Final = re.compile("^(?:或者|以及|和|并)")
_LEADS_ON: Final = frozenset("对将把")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
NEGATIONS: Final = frozenset("不未无非没勿")
MAX_PASSAGE: Final = 72


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of an article with what they need to be understood, and the marker before it; plain ones have none."""

    words: str
    kind: Kind
    marker: str = ""


def passage_at(text: str, start: int, end: int) -> Passage | None:
    """The passage around `text[start:end]`, where it is short enough to be read in a sentence.

    Behind a marker: what it governs, to the end of the clause; 民族团结 alone would not say that 破坏 is meant. Before
    one, or around one: the sentence, or as far as the clause that holds it: a condition is never the rule itself.
    """
    sentence = next((found for found in _SENTENCE.finditer(text) if found.start() <= start < found.end()), None)
    if sentence is None:  # they begin with the full stop of the sentence before
        return None
    begin, stop = sentence.span()
    markers = [_placed(found, begin) for found in _MARKER.finditer(sentence[0])]
    governing = next((marker for marker in reversed(markers) if marker[2] <= start), None)
    inside = [marker for marker in markers if start < marker[2] and marker[1] < end]
    if governing is None or inside:
        behind = next((marker for marker in markers if marker[2] > start), None)
        reach = _clause_end(text, max(end, behind[2] if behind else end), stop)
        spans = ((begin, stop), (begin, reach), (_clause_start(text, begin, start), reach))
        return _first_short(text, spans, "plain", "")
    kind, _, after = governing
    marker = text[governing[1] : after]
    reach, clause = _clause_end(text, end, stop), _clause_start(text, after, start)
    if text[clause] in _LEADS_ON and reach < stop:
        reach = _clause_end(text, reach + 1, stop)
    if "抵制" in marker:
        item = max(clause, text.rfind("、", after, start) + 1)
        listed = text.find("、", end, reach)
        return _first_short(text, ((item, reach if listed < 0 else listed),), kind, marker)
    next_rule = next((_clause_start(text, end, first) for _, first, _ in markers if first >= end), stop)
    whole = ((after, max(reach, next_rule)), (after, reach)) if kind == "forbidden" else ()
    return _first_short(text, (*whole, (clause, reach)), kind, marker)


def _first_short(text: str, spans: tuple[tuple[int, int], ...], kind: Kind, marker: str) -> Passage | None:
    for begin, reach in spans:
        words = _JOINING.sub("", text[begin:reach].strip("， 　"))
        if len(words) <= MAX_PASSAGE:
            return Passage(words, kind, marker)
    return None


def _clause_start(text: str, begin: int, place: int) -> int:
    return max(begin, text.rfind("，", begin, place) + 1, text.rfind("：", begin, place) + 1)


def _clause_end(text: str, place: int, stop: int) -> int:
    found = text.find("，", place, stop)
    return stop if found < 0 else found


def is_cut(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` leaves out a word that turns it round, or splits one."""
    if _splits_negation(text, start, end):
        return True
    for sentence in _SENTENCE.finditer(text):
        first, last = max(start, sentence.start()), min(end, sentence.end())
        if first >= last:
            continue
        markers = [_placed(found, sentence.start()) for found in _MARKER.finditer(sentence[0])]
        before = [marker for marker in markers if marker[1] < first]
        within = [marker for marker in markers if first <= marker[1] < last]
        if within and not _CHINESE.search(text[first : within[0][1]]):
            continue
        governing = before[-1] if before else None if within else next(iter(markers), None)
        if governing and governing[0] == "forbidden" and not _is_ill_by_itself(text, governing, first, last):
            return True
    return False


def _is_ill_by_itself(text: str, governing: tuple[Kind, int, int], first: int, last: int) -> bool:
    """Whether the words name something ill, so that they say nothing contrary without 抵制: 不良网络文化."""
    return "抵制" in text[governing[1] : governing[2]] and "不良" in text[first:last]


def _placed(found: re.Match[str], offset: int) -> tuple[Kind, int, int]:
    kind = next(kind for kind, _ in _MARKERS if found[kind])
    return kind, offset + found.start(), offset + found.end()


def _splits_negation(text: str, start: int, end: int) -> bool:
    """Whether the edges fall inside a negation, or just behind or before one."""
    if (start and text[start - 1] in NEGATIONS) or text[end - 1] in NEGATIONS:
        return True
    return any(
        found.start() < start < found.end() or found.start() < end < found.end() or found.end() == end
        for found in _MARKER.finditer(text)
        if found["forbidden"]
    )

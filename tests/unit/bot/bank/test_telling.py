"""Every remark and every fault has its sentence, in both languages."""

from typing import Any, get_args

import pytest

from bot.training.bank.telling import SHOWN, tell_all, tell_fault, tell_remark
from knowledge.bank.checking import Remark, What
from knowledge.errors import Fault, FaultKind
from prompts import LANGUAGES, Language, load_replies

VALUES: dict[str, Any] = {
    "article": "第十四条",
    "number": 32,
    "last": 31,
    "quote": "引文",
    "least": 6,
    "field": "question",
    "size": 301,
    "limit": 300,
    "most": 2,
    "option": "选项",
    "other": "a14-01",
    "share": 77,
    "found": "<b>",
    "count": 3,
    "letter": "A",
    "all": 60,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", get_args(What))
def test_every_remark_has_a_sentence(what: What, language: Language) -> None:
    say = load_replies()[language]
    told = tell_remark(Remark("a14-02", "error", what, VALUES), say)
    assert told.startswith("a14-02")
    assert len(told) > len("a14-02：") + 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_has_a_sentence_with_its_place(kind: FaultKind, language: Language) -> None:
    told = tell_fault(Fault("题库.xlsx:题目", 5, "答案", kind, "E", "A–D"), load_replies()[language])
    for part in ("题库.xlsx:题目", "5", "“答案”", "“E”", "A–D"):
        assert part in told


@pytest.mark.parametrize(("entry", "named"), [("new-7", "第 7 行"), ("new-case-7", "案例的第 7 行"), ("", "整个题库")])
def test_an_entry_without_an_id_is_named_by_its_row(entry: str, named: str) -> None:
    remark = Remark(entry, "error", "copy", {"other": "new-3", "share": 90})
    assert tell_remark(remark, load_replies()["zh"]) == f"{named}：与 第 3 行 太像，有 90% 一样"


@pytest.mark.parametrize("field", ["question", "options", "explanation", "story", "notes"])
def test_every_field_that_can_be_too_long_has_a_name(field: str) -> None:
    remark = Remark("a", "error", "too_long", {"field": field, "size": 2, "limit": 1})
    assert field not in tell_remark(remark, load_replies()["zh"])


def test_many_lines_are_cut_and_counted() -> None:
    lines = [str(number) for number in range(SHOWN + 7)]
    told = tell_all(lines, load_replies()["zh"]).split("\n")
    assert told[:SHOWN] == lines[:SHOWN]
    assert told[SHOWN:] == ["还有 7 处。"]
    assert tell_all(lines[:SHOWN], load_replies()["zh"]).split("\n") == lines[:SHOWN]

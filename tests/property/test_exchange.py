"""Whatever an item says, it comes back from every kind of file; whatever a file holds, it is read or refused."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.training.papers.exchange.documents import read_blocks
from bot.training.papers.exchange.files import read_entries, write_entries
from knowledge.bank.items import QuizItem
from knowledge.bank.reading import as_record, read_record
from knowledge.errors import BankError
from tests.banking import make_item

TEXT = st.text(min_size=1, max_size=30).map(str.strip).filter(bool)
FORMULAS = st.sampled_from(
    ["=1+1", "+1", "-1", "@x", "＝1", "'=1", "''", "_x0041_", "a\nb", '"', ";", ",", "<b>", "&lt;"]
)
WORDS = TEXT | FORMULAS


@st.composite
def items(draw: st.DrawFn) -> QuizItem:
    """Items that the reader accepts; the checker need not."""
    options = tuple(draw(st.lists(WORDS, min_size=3, max_size=6)))
    return make_item(
        question=draw(WORDS),
        options=options,
        answer=draw(st.integers(0, len(options) - 1)),
        explanation=draw(WORDS),
        quote=draw(WORDS),
        articles=tuple(draw(st.lists(st.integers(1, 999), min_size=1, max_size=3, unique=True))),
        difficulty=draw(st.sampled_from([1, 2, 3])),
    )


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".jsonl"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(item=items())
@example(item=make_item(question="_x0041_", explanation="=1", quote="\n=1".strip()))
def test_an_item_comes_back_as_it_was_or_is_refused_by_the_reader(suffix: str, item: QuizItem) -> None:
    _, faults = read_record(as_record(item), "", None)
    if faults:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_entries(path, [item], title="", notes=[])
        assert read_entries(path) == (item,)


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(["1.【单选】", "【案例】", "答案：", "A. ", "条：", "讨论题：", ""]) | TEXT, max_size=12)
)
def test_any_paragraphs_are_read_or_refused(paragraphs: list[str]) -> None:
    try:
        entries, faults = read_blocks("a.docx", paragraphs)
    except BankError as exc:
        assert exc.faults
    else:
        assert entries or faults


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["14", "id", "甲"]), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([*as_record(make_item()), "story", "quotes", "title", "甲"]), JSON))
def test_any_record_is_an_entry_or_has_faults(record: dict[str, Any]) -> None:
    entry, faults = read_record(record, "a.jsonl", 1)
    assert (entry is None) == bool(faults)

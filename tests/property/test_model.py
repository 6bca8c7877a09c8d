"""Clauses of any text: in order, in place, nothing lost, and never an exception."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from knowledge.model import split_clauses

ARTICLE = st.text(alphabet="党员不得一二三十百〇（）()。！？；“”』」\n 甲a1", max_size=80)


@settings(max_examples=300)
@given(ARTICLE)
@example("（十十）甲")
@example("（百千百）甲")
def test_clauses_cover_the_text_in_order(text: str) -> None:
    end, covered = 0, ""
    for clause in split_clauses(text):
        assert text[clause.start : clause.end] == clause.text
        assert clause.text
        assert "\n" not in clause.text
        assert text[end : clause.start].strip("\n") == ""
        end = clause.end
        covered += clause.text
    assert covered == text.replace("\n", "")


@given(st.text(max_size=80))
def test_any_text_is_covered(text: str) -> None:
    assert "".join(clause.text for clause in split_clauses(text)) == text.replace("\n", "")


@given(ARTICLE)
def test_paragraphs_count_from_one_and_never_back(text: str) -> None:
    paragraphs = [clause.paragraph for clause in split_clauses(text)]
    assert paragraphs == sorted(paragraphs)
    assert all(paragraph >= 1 for paragraph in paragraphs)

"""Files of the bank: what is written is read again, and a broken file tells every fault at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.bank.items import Bank
from knowledge.bank.reading import as_record, bank_of, load_bank, read_jsonl, read_record, to_jsonl
from knowledge.errors import BankError, Fault
from knowledge.model import Regulation
from tests.banking import make_case, make_item, sample_bank


def entries(bank: Bank) -> tuple[Any, ...]:
    return (*bank.items, *bank.cases)


def faults_of(record: Any) -> list[tuple[str, str]]:
    entry, faults = read_record(record, "quiz.jsonl", 1)
    assert (entry is None) == bool(faults)
    return [(fault.field, fault.kind) for fault in faults]


def changed(kind: Any = "single", /, **changes: Any) -> dict[str, Any]:
    record = as_record(make_case() if kind == "case" else make_item(kind)) | changes
    return {name: value for name, value in record.items() if value is not ...}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = entries(sample_bank())
    path = tmp_path / "both.jsonl"
    path.write_text(to_jsonl(written), encoding="utf-8")
    assert read_jsonl(path) == written


def test_a_bank_stands_in_the_order_of_the_articles(tmp_path: Path, conduct: Regulation) -> None:
    later, earlier = make_item(id="b"), make_item(id="a", articles=(2,))
    (tmp_path / "quiz.jsonl").write_text(to_jsonl([later, earlier]), encoding="utf-8")
    bank = load_bank(tmp_path, conduct)
    assert [item.id for item in bank.items] == ["a", "b"]
    assert bank.cases == ()
    assert bank.chapters[14] == 3


def test_a_folder_without_files_is_an_empty_bank(tmp_path: Path, conduct: Regulation) -> None:
    assert load_bank(tmp_path / "none", conduct) == bank_of((), conduct)


@pytest.mark.parametrize(
    ("record", "faults"),
    [
        (changed(id="A 1"), [("id", "unexpected")]),
        (changed(id=...), [("id", "missing")]),
        (changed(kind="essay"), [("kind", "unexpected")]),
        (changed(article=...), [("article", "missing")]),
        (changed(article="14"), [("article", "unexpected")]),
        (changed(article=[14, 14]), [("article", "unexpected")]),
        (changed(article=True), [("article", "unexpected")]),
        (changed(question=""), [("question", "missing")]),
        (changed(question=" \n"), [("question", "missing")]),
        (changed(question="第十四条\u200b写了什么？"), [("question", "invisible")]),
        (changed(question="\x00"), [("question", "invisible")]),
        (changed(question="第十四条\uffff"), [("question", "invisible")]),
        (changed(question=["第十四条"]), [("question", "unexpected")]),
        (changed(question="问" * 2_001), [("question", "unexpected")]),
        (changed(options=["甲", "乙"]), [("options", "unexpected")]),
        (changed(options="甲乙丙"), [("options", "unexpected")]),
        (changed(options=list("甲乙丙丁戊己庚")), [("options", "too_many")]),
        (changed(options=["甲", "", "丙"]), [("options", "missing")]),
        (changed(options=["甲", None, "丙"]), [("options", "missing")]),
        (changed(answer=4), [("answer", "unexpected")]),
        (changed(answer=-1), [("answer", "unexpected")]),
        (changed(answer=True), [("answer", "unexpected")]),
        (changed(answer=...), [("answer", "missing")]),
        (changed("multiple", answer=[0]), [("answer", "unexpected")]),
        (changed("multiple", answer=[0, 0]), [("answer", "unexpected")]),
        (changed("multiple", answer=0), [("answer", "unexpected")]),
        (changed("true_false", answer=1), [("answer", "unexpected")]),
        (changed("true_false", options=["是", "否"]), [("options", "unexpected")]),
        (changed("fill_in", answer=3), [("answer", "unexpected")]),
        (changed("fill_in", question="没有空"), [("question", "unexpected")]),
        (changed("fill_in", question="____和____"), [("question", "unexpected")]),
        (changed("fill_in", options=["甲"]), [("options", "unexpected")]),
        (changed(difficulty=4), [("difficulty", "unexpected")]),
        (changed(explaination="错字"), [("explaination", "unknown")]),
        (changed("case", quotes={}), [("quotes", "missing")]),
        (changed("case", quotes={"十四": "…"}), [("quotes", "unexpected")]),
        (changed("case", questions=[]), [("questions", "missing")]),
        (changed("case", minutes=0), [("minutes", "unexpected")]),
        ([], [("", "unexpected")]),
        ({"id": "a"}, [("", "unexpected")]),
    ],
)
def test_a_broken_field_is_named(record: Any, faults: list[tuple[str, str]]) -> None:
    assert faults_of(record) == faults


def test_all_faults_of_a_record_are_told_at_once() -> None:
    assert faults_of(changed(id="", question="", answer=9, difficulty=0)) == [
        ("id", "missing"),
        ("question", "missing"),
        ("answer", "unexpected"),
        ("difficulty", "unexpected"),
    ]


def test_all_broken_lines_of_a_file_are_told_with_their_numbers(tmp_path: Path) -> None:
    good = to_jsonl([make_item()])
    path = tmp_path / "quiz.jsonl"
    path.write_text("\n".join([good.strip(), "", "{broken", json.dumps(changed(id="b", answer=7)), good]), "utf-8")
    with pytest.raises(BankError) as caught:
        read_jsonl(path)
    assert [(fault.line, fault.field, fault.kind) for fault in caught.value.faults] == [
        (3, "", "unreadable"),
        (4, "answer", "unexpected"),
        (5, "id", "twice"),
    ]


@pytest.mark.parametrize("content", ["题目".encode("gb18030"), b"\xff\xfe\x00"])
def test_a_file_in_another_encoding_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(content)
    with pytest.raises(BankError, match=r"quiz\.jsonl.*UTF-8"):
        read_jsonl(path)


def test_a_deeply_nested_line_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "quiz.jsonl"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(BankError):
        read_jsonl(path)


def test_many_faults_are_counted_and_not_all_shown() -> None:
    error = BankError([Fault("quiz.jsonl", line, "id", "missing") for line in range(1, 31)])
    assert str(error).endswith("... and 10 more")
    assert len(error.faults) == 30

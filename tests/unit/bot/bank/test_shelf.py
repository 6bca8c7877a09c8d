"""A trainer's own entries and drafts: all of a batch or nothing, and nothing of what was there is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import BankRefused, WangguiError
from bot.training.bank.shelf import Shelf
from bot.training.papers.exchange.columns import NEW, NEW_CASE
from knowledge.bank.items import Bank
from knowledge.errors import BankError
from knowledge.model import Regulation
from tests.banking import make_case, make_item, sample_bank

OTHER = "第十四条的“擅自”二字，放在哪几个字的前面？"


@pytest.fixture
def shelf(tmp_path: Path, conduct: Regulation) -> Shelf:
    return Shelf(tmp_path / "data" / "bank", sample_bank(), conduct)


def folder_of(shelf: Shelf) -> dict[str, str]:
    folder = shelf._folder
    if not folder.is_dir():
        return {}
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.suffix == ".jsonl"}


def test_a_shelf_without_a_folder_is_what_ships(shelf: Shelf) -> None:
    assert shelf.bank().items == sample_bank().items
    assert shelf.own() == shelf.drafts() == ()
    assert folder_of(shelf) == {}


def test_new_entries_get_ids_of_their_article_and_stay(shelf: Shelf, conduct: Regulation) -> None:
    case = make_case(id=f"{NEW_CASE}3", story="小李在群里问，能不能帮忙装一个看外国新闻的软件。")
    added = shelf.add([make_item(id=f"{NEW}2", question=OTHER), case])
    assert added.new == ("t14-01", "tcase-01")
    again = Shelf(shelf._folder, sample_bank(), conduct)
    assert {entry.id for entry in again.own()} == {"t14-01", "tcase-01"}
    assert again.bank().item("t14-01") == make_item(id="t14-01", question=OTHER)
    third = again.add([make_item(id=f"{NEW}2", question="小李问，建立信道和使用信道，第十四条是不是都写到了？")])
    assert third.new == ("t14-02",)


def test_the_same_batch_twice_changes_nothing(shelf: Shelf) -> None:
    shelf.add([make_item(id="x14-09", question=OTHER)])
    before = folder_of(shelf)
    added = shelf.add([make_item(id="x14-09", question=OTHER), *sample_bank().items])
    assert added.new == added.replaced == ()
    assert len(added.unchanged) == 5
    assert folder_of(shelf) == before


def test_an_entry_of_a_shipped_id_takes_its_place(shelf: Shelf) -> None:
    better = make_item(explanation="第十四条点明的是非法定信道。")
    assert shelf.add([better]).replaced == (better.id,)
    assert shelf.bank().item(better.id) == better
    assert len(shelf.bank().items) == len(sample_bank().items)
    assert shelf.shipped == sample_bank()


def test_one_bad_entry_keeps_the_whole_batch_out(shelf: Shelf) -> None:
    shelf.add([make_item(id="x14-09", question=OTHER)])
    before = folder_of(shelf)
    good = make_item(id=f"{NEW}2", question="小李问，建立信道和使用信道，第十四条是不是都写到了？")
    bad = make_item(id=f"{NEW}3", quote="这几个字不在条文里", question="老王看见了几个没见过的字，它们在第十四条吗？")
    with pytest.raises(BankRefused) as caught:
        shelf.add([good, bad])
    assert [(remark.id, remark.what) for remark in caught.value.remarks] == [(f"{NEW}3", "quote")]
    assert "new-3: quote" in str(caught.value)
    assert folder_of(shelf) == before


def test_a_copy_of_what_is_there_or_of_another_in_the_batch_is_refused(shelf: Shelf) -> None:
    copy = make_item(id=f"{NEW}2", question=make_item().question.replace("老王", "老李"))
    with pytest.raises(BankRefused, match="x14-01"):
        shelf.add([copy])
    twin = make_item(id=f"{NEW}2", question=OTHER)
    with pytest.raises(BankRefused, match="copy"):
        shelf.add([twin, replace(twin, id=f"{NEW}3")])


def test_a_warning_is_told_and_no_bar(shelf: Shelf) -> None:
    added = shelf.add([make_item(id="x14-09", question=OTHER, explanation="写的是非法定信道。")])
    assert [(remark.id, remark.what) for remark in added.remarks] == [("x14-09", "unnamed")]
    assert added.new == ("x14-09",)


def test_a_draft_waits_until_it_is_approved_and_then_is_an_item(shelf: Shelf) -> None:
    ids = shelf.propose([make_item(id=f"{NEW}1", question=OTHER)])
    assert ids == ("d14-01",)
    assert shelf.bank().items == sample_bank().items
    added = shelf.approve(ids)
    assert added.new == ("t14-01",)
    assert shelf.drafts() == ()
    assert shelf.bank().item("t14-01") == make_item(id="t14-01", question=OTHER)


def test_a_draft_that_is_a_copy_by_now_waits_on(shelf: Shelf) -> None:
    ids = shelf.propose([make_item(id=f"{NEW}1", question=OTHER)])
    shelf.add([make_item(id=f"{NEW}1", question=OTHER)])
    with pytest.raises(BankRefused, match="copy"):
        shelf.approve(ids)
    assert [draft.id for draft in shelf.drafts()] == ["d14-01"]


def test_drafts_are_dropped_by_id_and_an_unknown_id_changes_nothing(shelf: Shelf) -> None:
    shelf.propose([make_item(id=f"{NEW}1", question=OTHER), make_item(id=f"{NEW}2")])
    for change in (shelf.drop, shelf.approve):
        with pytest.raises(WangguiError, match="d14-09"):
            change(["d14-01", "d14-09"])
    assert [draft.id for draft in shelf.drafts()] == ["d14-01", "d14-02"]
    shelf.drop(["d14-01"])
    assert [draft.id for draft in shelf.drafts()] == ["d14-02"]
    assert shelf.propose([make_item(id=f"{NEW}1", question=OTHER)]) == ("d14-01",)


def test_a_damaged_file_is_told_and_not_overwritten(shelf: Shelf) -> None:
    shelf.add([make_item(id="x14-09", question=OTHER)])
    path = shelf._folder / "quiz.jsonl"
    path.write_text("{broken\n", encoding="utf-8")
    with pytest.raises(BankError, match=r"quiz\.jsonl:1"):
        shelf.bank()
    with pytest.raises(BankError):
        shelf.add([make_item(id=f"{NEW}1", question=OTHER)])
    assert path.read_text(encoding="utf-8") == "{broken\n"


def test_the_bot_runs_with_what_is_in_order_and_is_told_the_rest(shelf: Shelf) -> None:
    shelf.add([make_item(id="x14-09", question=OTHER)])
    assert shelf.sound() == (shelf.bank(), [])
    path = shelf._folder / "quiz.jsonl"
    path.write_text(path.read_text("utf-8").replace("党员不得擅自建立", "党员不得随意建立"), encoding="utf-8")
    bank, lost = shelf.sound()
    assert bank.items == sample_bank().items
    assert [line.partition(":")[0] for line in lost] == ["x14-09"]
    path.write_text("{broken\n", encoding="utf-8")
    bank, lost = shelf.sound()
    assert bank == sample_bank()
    assert len(lost) == 1


def test_a_folder_that_cannot_be_made_is_a_clear_message(tmp_path: Path, conduct: Regulation) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    shelf = Shelf(tmp_path / "file" / "bank", Bank(), conduct)
    with pytest.raises(WangguiError, match="cannot be written"):
        shelf.add([make_item()])


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_stop_in_the_middle_leaves_what_was_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, exc: BaseException
) -> None:
    shelf.add([make_item(id="x14-09", question=OTHER)])
    before = folder_of(shelf)

    def stop(*_: object) -> None:
        raise exc

    with monkeypatch.context() as patched:
        patched.setattr("bot.files.os.replace", stop)
        with pytest.raises((KeyboardInterrupt, WangguiError)):
            shelf.add([make_item(id=f"{NEW}1", question="小李问，建立信道和使用信道，第十四条是不是都写到了？")])
    assert folder_of(shelf) == before
    assert len(shelf.add([make_item(id=f"{NEW}1", question="建立和使用，第十四条是不是都说到了？")]).new) == 1


def test_the_examples_are_of_every_kind(shelf: Shelf) -> None:
    assert [getattr(entry, "kind", "case") for entry in shelf.examples()] == [
        "single",
        "multiple",
        "true_false",
        "fill_in",
        "case",
    ]

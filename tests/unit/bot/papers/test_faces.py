"""What is done about characters that the shipped font lacks."""

import logging
from pathlib import Path

import pytest

from bot.training.papers import faces
from bot.training.papers.document import Document, plain
from bot.training.papers.faces import FONT, MISSING, Face, Faces, faces_for, shipped
from bot.training.papers.pdf import MOST_TOLD, write_pdf
from knowledge.bank.items import Bank
from knowledge.bank.reading import load_bank, to_jsonl
from knowledge.model import Regulation
from prompts import LANGUAGES, load_replies
from tests.printing import closely, pdf_text

SAY = load_replies()["zh"]


def document(words: str) -> Document:
    return Document("标题", "副题", "页脚", (plain(words),))


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any fonts."""
    monkeypatch.setattr(faces, "_system_fonts", list)


def test_the_shipped_font_shows_all_that_ships(conduct: Regulation, conduct_folder: Path) -> None:
    bank: Bank = load_bank(conduct_folder, conduct)
    sentences = [say(key, **dict.fromkeys(names, "")) for say in map(load_replies().get, LANGUAGES) if say
                 for key, names in say.placeholders().items() if key.startswith("paper.")]  # fmt: skip
    words = to_jsonl([*bank.items, *bank.cases]) + "".join(article.text for article in conduct.articles)
    shown = Faces([shipped()])
    assert {character for character in words + "".join(sentences) if shown.place(character) is None} == {"\n"}


def test_the_shipped_font_shows_the_characters_of_names_and_traditional_ones() -> None:
    shown = Faces([shipped()])
    assert all(shown.place(character) == 0 for character in "堃喆玥翀煜淼驊體學習規定ü①√×〓℃Ⅳ")


def test_a_character_without_a_font_is_marked_and_told_of(bare_machine: None) -> None:
    words = pdf_text(write_pdf(document("李𠮷先生"), SAY))
    assert f"李{MISSING}先生" in words
    assert closely(SAY("paper.missing", mark=MISSING, codes="U+20BB7")) in words


def test_of_many_such_characters_some_are_told_of(bare_machine: None) -> None:
    words = pdf_text(write_pdf(document("".join(map(chr, range(0x20000, 0x20000 + 50)))), SAY))
    assert words.count("U+2") == MOST_TOLD
    assert "……" in words


def test_nothing_is_told_where_every_character_is_shown() -> None:
    assert "U+" not in pdf_text(write_pdf(document("都有"), SAY))


def test_a_font_of_this_machine_helps_out() -> None:
    """matplotlib, which is installed with us, carries one that has Arabic."""
    words = pdf_text(write_pdf(document("问：مرحبا"), SAY))
    assert MISSING not in words
    assert len(faces_for("مرحبا").faces) == 2


def test_a_font_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [tmp_path / "a.ttf", tmp_path / "b.ttc", tmp_path / "absent.otf"]
    for path in broken[:2]:
        path.write_bytes(b"no font")
    monkeypatch.setattr(faces, "_system_fonts", lambda: broken)
    with caplog.at_level(logging.DEBUG):
        assert faces_for("𠮷").faces == (shipped(),)
    assert "𠮷" not in caplog.text


def test_the_first_font_that_has_a_character_shows_it() -> None:
    several = Faces([Face(FONT, 0, {65: 0.5}), Face(FONT, 0, {65: 0.7, 66: 0.8})])
    assert (several.place("A"), several.place("B"), several.place("C")) == (0, 1, None)
    assert [several.width(character) for character in "ABC"] == [0.5, 0.8, 1.0]

"""The paper of an exam, and its key; and how they come into a folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import bank_app
from bot.errors import WangguiError
from bot.examining import read_chapters, write_exam
from bot.settings import read_settings
from bot.training.exam import Blueprint, draw
from bot.training.papers.exam_papers import answer_key, exam_paper, points_each
from bot.training.papers.files import PaperFile, write_files
from bot.training.papers.pdf import write_pdf
from bot.training.papers.word import write_docx
from knowledge.bank.items import Bank
from knowledge.bank.reading import load_bank
from knowledge.model import Regulation
from prompts import load_replies
from tests.factories import make_bank, make_fill_in, make_item
from tests.printing import MULTIPLE, TRUE_FALSE, closely, docx_lines, pdf_text

SAY = load_replies()["zh"]
ITEMS = (TRUE_FALSE, make_item(), MULTIPLE, make_fill_in(accept=("隐名",)))


@pytest.fixture(scope="module")
def bank(conduct: Regulation, conduct_folder: Path) -> Bank:
    return load_bank(conduct_folder, conduct)


def test_the_paper_asks_and_tells_no_answer(conduct: Regulation) -> None:
    document = exam_paper(ITEMS, conduct, 7, SAY)
    for words in (closely("".join(docx_lines(write_docx(document, SAY)))), pdf_text(write_pdf(document, SAY))):
        parts = ["一、判断题", "二、单选题", "三、多选题", "四、填空题"]
        places = [words.find(part) for part in parts]
        assert -1 not in places
        assert places == sorted(places)
        assert "卷号7" in words
        assert "每题25分，满分100分" in words
        assert "不得＿＿＿＿＿＿＿＿诬告" in words
        assert "答案" not in words
        assert "不得匿名诬告、有意陷害" not in words
        assert TRUE_FALSE.explanation not in words


def test_the_key_has_every_answer_and_the_words_that_decide(conduct: Regulation) -> None:
    document = answer_key(ITEMS, conduct, 7, SAY)
    for words in (closely("".join(docx_lines(write_docx(document, SAY)))), pdf_text(write_pdf(document, SAY))):
        assert "1–4对BABC匿名" in words
        assert "答案：匿名（也算对：隐名）" in words
        assert "〔第十四条〕“不得擅自建立、使用非法定信道”" in words
        assert "卷号7" in words


@pytest.mark.parametrize(("count", "points"), [(20, 5), (30, 3), (1, 100), (100, 1), (150, 1)])
def test_all_questions_are_worth_the_same(count: int, points: int) -> None:
    assert points_each(count) == points


def test_the_same_number_makes_the_same_paper(bank: Bank, conduct: Regulation) -> None:
    papers = [exam_paper(draw(bank, Blueprint(10, 45), seed), conduct, 1, SAY) for seed in (1, 1, 2)]
    assert papers[0] == papers[1]
    assert papers[0] != papers[2]


def test_every_question_of_the_bank_can_be_printed(bank: Bank, conduct: Regulation) -> None:
    items = draw(bank, Blueprint(len(bank.items), 45), 1)
    assert len(items) == len(bank.items)
    lines = docx_lines(write_docx(answer_key(items, conduct, 1, SAY), SAY))
    assert sum(line.startswith("答案：") for line in lines) == len(items)


@pytest.mark.parametrize(("words", "chapters"), [("", ()), ("2,3", (2, 3)), ("3、2；2", (3, 2)), (" 1 ", (1,))])
def test_chapters_are_numbers(conduct: Regulation, words: str, chapters: tuple[int, ...]) -> None:
    assert read_chapters(words, conduct, SAY) == chapters


@pytest.mark.parametrize("words", ["二", "2-3", "9", "-1", "٢"])
def test_what_is_no_chapter_is_told(conduct: Regulation, words: str) -> None:
    with pytest.raises(WangguiError, match="章"):
        read_chapters(words, conduct, SAY)


def test_nothing_is_written_over_unasked(conduct: Regulation, tmp_path: Path) -> None:
    (tmp_path / "答案-7.pdf").write_text("mine")
    with pytest.raises(WangguiError, match=r"答案-7\.pdf"):
        write_exam(make_bank(make_item()), conduct, (), 5, 7, tmp_path, SAY)
    assert [path.name for path in tmp_path.iterdir()] == ["答案-7.pdf"]


def test_a_bank_without_such_questions_writes_nothing(conduct: Regulation, tmp_path: Path) -> None:
    with pytest.raises(WangguiError, match="题库"):
        write_exam(make_bank(make_item()), conduct, (5,), 5, 7, tmp_path / "new", SAY)
    assert not (tmp_path / "new").exists()


def test_a_stop_in_the_middle_leaves_whole_files_and_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").write_bytes(b"old")
    written: list[Path] = []

    def stops(path: Path, content: bytes) -> None:
        if path.name == "b":
            raise KeyboardInterrupt
        path.write_bytes(content)
        written.append(path)

    monkeypatch.setattr("bot.training.papers.files.write_whole", stops)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, [PaperFile("a", b"new"), PaperFile("b", b"new")])
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == [("a", b"new"), ("b", b"old")]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WangguiError, match="写不进去"):
        write_files(tmp_path / "file", [PaperFile("a", b"new")])


def test_wanggui_bank_exam_writes_paper_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_DATA_DIR", str(tmp_path / "data"))
    read_settings.cache_clear()
    arguments = ["exam", str(tmp_path / "papers"), "--chapters", "2", "--number", "3", "--seed", "7"]
    told = CliRunner().invoke(bank_app, arguments)
    again = CliRunner().invoke(bank_app, arguments)
    read_settings.cache_clear()
    assert told.exit_code == 0
    assert "3 题，卷号 7" in told.output
    names = {f"{name}-7.{kind}" for name in ("试卷", "答案") for kind in ("docx", "pdf")}
    assert {path.name for path in (tmp_path / "papers").iterdir()} == names
    assert again.exit_code == 1
    assert "--overwrite" in again.output

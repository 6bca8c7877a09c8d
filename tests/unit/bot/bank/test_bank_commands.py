"""wanggui bank: what a trainer types, what comes back, and how it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.doctor import _bank
from bot.settings import read_settings
from bot.training.papers.exchange.columns import ITEM_HEADERS, as_cells
from bot.training.papers.exchange.files import read_entries
from knowledge.bank.reading import to_jsonl
from tests.banking import make_item

Run = Callable[..., Result]
NEW = "小李把第十四条念给老王听，“擅自”后面先念到的是哪两个字？"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `wanggui bank` in this process, in an empty folder that is also the data folder's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANGGUI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("WANGGUI_LLM_MODEL", raising=False)
    read_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, ["bank", *arguments])
    read_settings.cache_clear()


def sheet(path: Path, *rows: dict[str, str]) -> Path:
    book = Workbook()
    book.worksheets[0].title = "题目"
    book.worksheets[0].append(list(ITEM_HEADERS.values()))
    for row in rows:
        book.worksheets[0].append([row.get(column) for column in ITEM_HEADERS.values()])
    book.save(path)
    return path


def row(**changes: str) -> dict[str, str]:
    options = ("建立", "使用", "浏览", "访问")
    return as_cells(make_item(question=NEW, options=options)) | {"编号": ""} | changes


def test_the_bank_that_ships_is_checked(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0
    assert "没有问题" in result.stdout


def test_a_sheet_is_taken_in_and_is_part_of_the_bank(run: Run, tmp_path: Path) -> None:
    sheet(tmp_path / "a.xlsx", row())
    result = run("import", "a.xlsx")
    assert (result.exit_code, result.stdout) == (
        0,
        "新增 1 条，替换 0 条，0 条没有变化。\n新编号：t14-01。下次启动后生效。\n",
    )
    again = run("import", "a.xlsx")
    assert (again.exit_code, again.stderr.splitlines()[0]) == (1, "第 2 行：与 t14-01 太像，有 100% 一样")
    assert run("export", "b.jsonl", "--article", "14").exit_code == 0
    assert "t14-01" in {entry.id for entry in read_entries(tmp_path / "b.jsonl")}


def test_faults_are_told_by_row_and_column_and_nothing_is_taken(run: Run, tmp_path: Path) -> None:
    sheet(tmp_path / "a.xlsx", row(), row(答案="E", 条="第四十条"), row(题目="=1+1"))
    result = run("import", "a.xlsx")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "a.xlsx:题目，第 3 行，“答案”一栏：填得不对，现在是“E”，要写 A–D",
        "a.xlsx:题目，第 4 行，“题目”一栏：是公式，请改成文字，现在是“=1+1”",
    ]
    assert not list((tmp_path / "data").rglob("*.jsonl"))


def test_what_the_checks_refuse_is_told_by_row_and_nothing_is_taken(run: Run, tmp_path: Path) -> None:
    sheet(tmp_path / "a.xlsx", row(), row(题目="第三条里有这几个字吗，老王想知道？", 原文依据="党员可以随便上网"))
    result = run("import", "a.xlsx")
    assert result.exit_code == 1
    assert "第 3 行：依据不在第十四条里：“党员可以随便上网”" in result.stderr
    assert "一条也没有收进来" in result.stderr
    assert not list((tmp_path / "data").rglob("*.jsonl"))
    checked = run("check", "a.xlsx")
    assert checked.exit_code == 1
    assert "第 3 行：依据不在第十四条里" in checked.stdout
    assert "2 道题，0 个案例：1 处要改，0 处请留意。" in checked.stdout


def test_a_thousand_broken_rows_are_counted(run: Run, tmp_path: Path) -> None:
    sheet(tmp_path / "a.xlsx", *(row(答案="Z") for _ in range(1_000)))
    lines = run("import", "a.xlsx").stderr.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "还有 950 处。"


def test_a_file_that_is_there_is_not_overwritten_unless_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("mine", encoding="utf-8")
    result = run("export", "a.xlsx")
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert (tmp_path / "a.xlsx").read_text(encoding="utf-8") == "mine"
    assert run("export", "a.xlsx", "--overwrite").exit_code == 0
    assert load_workbook(tmp_path / "a.xlsx").sheetnames == ["题目", "案例", "说明"]


@pytest.mark.parametrize("name", ["t.xlsx", "t.csv", "t.docx"])
def test_a_template_is_read_again_and_its_examples_change_nothing(run: Run, name: str) -> None:
    assert run("template", name).exit_code == 0
    assert "新增 0 条，替换 0 条" in run("import", name).stdout


def test_a_csv_says_that_it_holds_no_cases(run: Run) -> None:
    assert "案例请导出成" in run("export", "a.csv").stdout


def test_an_export_of_nothing_says_so(run: Run, tmp_path: Path) -> None:
    result = run("export", "a.xlsx", "--article", "99")
    assert (result.exit_code, result.stderr) == (1, "没有合这些条件的题目和案例。\n")
    assert not (tmp_path / "a.xlsx").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "none.xlsx"), "none.xlsx：读不出来"),
        (("import", "a.pdf"), "a.pdf：读不出来，现在是“.pdf”"),
        (("export", "a.pdf"), "a.pdf"),
        (("export", "none/a.xlsx"), "cannot be written"),
        (("draft", "14"), "请先设 WANGGUI_LLM_MODEL"),
        (("approve", "d14-01"), "d14-01"),
        (("approve", "--drop", "d14-01"), "d14-01"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_draft_waits_at_first(run: Run) -> None:
    assert run("approve").stdout == "没有等着批准的草稿。\n"


def test_a_damaged_file_is_told_by_every_command_and_by_the_doctor(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "bank"
    folder.mkdir(parents=True)
    (folder / "quiz.jsonl").write_text(to_jsonl([make_item()]) + "{broken\n", encoding="utf-8")
    for arguments in (("check",), ("export", "a.xlsx")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "quiz.jsonl，第 2 行：读不出来，现在是“{broken”" in result.stderr
    (finding,) = _bank(read_settings())
    assert finding.level == "warning"
    (folder / "quiz.jsonl").unlink()
    (finding,) = _bank(read_settings())
    assert (finding.level, "344" in finding.sentence) == ("ok", True)

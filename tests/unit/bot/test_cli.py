"""Commands that people and scripts type: what they print, on which stream, and how they end."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.settings import read_settings
from bot.storage.database import Database
from knowledge.evaluation import read_collection
from tests.factories import FIXTURES, write_regulation

QUESTIONS = ["能翻墙吗", "", "你好", "第三十二条", "😀 <b>&", "第十四条"]
CONDUCT, LAW = "中国共产党党员网络行为规定", "中华人民共和国网络安全法"
ASKED_OF_TWO = [
    ("《中华人民共和国网络安全法》第二十一条", "lookup", LAW, 21),
    ("《网络安全法》第二十一条", "lookup", LAW, 21),
    ("网络安全法第21条", "lookup", LAW, 21),
    ("《网络安全法》第七十条到第七十二条", "lookup", LAW, 70),
    ("《网络安全法》哪个部门负责统筹协调网络安全工作", "extractive", LAW, 8),
    ("第二十一条", "lookup", CONDUCT, 21),
    ("能翻墙吗", "extractive", CONDUCT, 14),
]

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command in this process, in an empty folder without any setting; keywords are settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("WANGGUI_"):
            monkeypatch.delenv(name)
    root, loggers = logging.getLogger(), ("httpx", "httpcore", "telegram.request", "chromadb")
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, loggers))}

    def running(*arguments: str, **settings: str) -> Result:
        for name, value in settings.items():
            monkeypatch.setenv(f"WANGGUI_{name}", value)
        read_settings.cache_clear()
        return CliRunner().invoke(app, arguments)

    yield running
    read_settings.cache_clear()
    for logger, level in levels.items():
        logger.setLevel(level)


@pytest.fixture(scope="module")
def data_folder(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the index in it, which the commands of this module share."""
    return Path(shutil.copytree(built_folder, tmp_path_factory.mktemp("cli") / "data"))


def wanggui(folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs a command as a process of its own, on a data folder, with streams that are not set up for Chinese."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGUI_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[3],
        env=environment | {"WANGGUI_DATA_DIR": str(folder), "PYTHONIOENCODING": "latin-1", "COLUMNS": "100"},
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def two_regulations(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to which a second regulation has been added by command."""
    folder = Path(shutil.copytree(built_folder, tmp_path_factory.mktemp("cli") / "two"))
    added = wanggui(folder, "index", str(FIXTURES / "网络安全法_2016.txt"))
    assert (added.returncode, added.stdout.split("\n")[1:3]) == (0, [f"《{CONDUCT}》 31 条", f"《{LAW}》 79 条"])
    return folder


@pytest.fixture(scope="module")
def answers(two_regulations: Path) -> dict[str, dict[str, Any]]:
    """What is answered over two regulations, by question."""
    result = wanggui(two_regulations, "ask", "--json", "-", stdin="\n".join(question for question, *_ in ASKED_OF_TWO))
    assert (result.returncode, result.stderr) == (0, "")
    return {entry["question"]: entry for entry in map(json.loads, result.stdout.strip("\n").split("\n"))}


def one_line(text: str) -> str:
    """The only line of an error."""
    (line,) = text.strip("\n").split("\n")
    assert "Traceback" not in line
    return line


def failed(result: Result, code: int = 1) -> str:
    """The one line that a command says when it ends with that code, having printed nothing."""
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    return one_line(result.stderr)


def test_ask_without_a_question_shows_how(run: Run) -> None:
    hint = failed(run("ask"), 2)
    assert "wanggui ask" in hint
    assert "-" in hint


@pytest.mark.parametrize("command", [["ask", "能翻墙吗"], ["chat"], ["index"], ["run"], ["doctor"]])
def test_a_broken_setting_ends_every_command_with_one_line(run: Run, command: list[str]) -> None:
    said = failed(run(*command, TELEGRAM_API="ftp://user:Geheimnis@example.org"))
    assert "WANGGUI_TELEGRAM_API" in said
    assert "Geheimnis" not in said


def test_run_without_a_token_says_how_to_get_one(run: Run) -> None:
    said = failed(run("run"))
    assert "WANGGUI_TELEGRAM_TOKEN" in said
    assert "@BotFather" in said


def test_a_token_that_is_none_is_not_shown(run: Run) -> None:
    said = failed(run("run", TELEGRAM_TOKEN="Geheimnis"))
    assert "WANGGUI_TELEGRAM_TOKEN" in said
    assert "Geheimnis" not in said


def test_a_file_that_is_missing_is_named(run: Run, tmp_path: Path) -> None:
    assert str(tmp_path / "没有.txt") in failed(run("index", str(tmp_path / "没有.txt")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        ("示例规定\n第一条 甲。\n第三条 丙。\n", 3, "第二条"),
        ("示例规定\n第一条 甲。\n第一条 乙。\n", 3, "第二条"),
        ("没有条文的文件\n只有几行字\n", None, "第一条"),
        ("", None, ""),
    ],
)
def test_a_malformed_file_is_named_with_its_line_and_what_was_expected(
    run: Run, tmp_path: Path, content: str, line: int | None, expected: str
) -> None:
    path = tmp_path / "坏.txt"
    path.write_text(content, encoding="utf-8")
    said = failed(run("index", str(path)))
    assert said.startswith(f"{path}:{line}: " if line else f"{path}")
    assert "expected" in said
    assert expected in said.partition("expected")[2]
    assert list(tmp_path.iterdir()) == [path]


def test_the_bundled_regulation_cannot_be_replaced(run: Run, tmp_path: Path) -> None:
    path = write_regulation(tmp_path, title="中国共产党党员网络行为规定")
    assert "中国共产党党员网络行为规定" in failed(run("index", str(path)))


def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "文件").write_text("", encoding="utf-8")
    assert "文件" in failed(run("ask", "能翻墙吗", DATA_DIR=str(tmp_path / "文件" / "下面")))


def test_a_model_that_does_not_exist_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    assert str(tmp_path / "model") in failed(run("ask", "能翻墙吗", EMBEDDING_MODEL=str(tmp_path / "model")))


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["index", "--help"]])
def test_help_is_there(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").stdout
    assert all(command in shown for command in ("chat", "ask", "index", "run", "doctor"))


@pytest.mark.parametrize("arguments", [["sing"], ["ask", "--loud", "x"]])
def test_what_does_not_exist_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_ask_answers_one_question(run: Run, data_folder: Path) -> None:
    result = run("ask", "能", "翻墙吗", DATA_DIR=str(data_folder))
    assert result.exit_code == 0
    assert result.stdout.startswith("第十四条（第三章 网络行为管理）写的是“不得”：\n“党员不得擅自建立")
    assert result.stderr == ""


def test_a_script_gets_one_object_a_line_in_order(data_folder: Path) -> None:
    result = wanggui(data_folder, "ask", "--json", "-", stdin="\n".join(QUESTIONS) + "\r\n")
    assert (result.returncode, result.stderr) == (0, "")
    entries = [json.loads(line) for line in result.stdout.strip("\n").split("\n")]
    assert [entry["question"] for entry in entries] == QUESTIONS
    assert [(entry["status"], entry["reason"]) for entry in entries] == [
        ("answered", None),
        ("abstained", "not_a_question"),
        ("abstained", "not_a_question"),
        ("abstained", "no_such_article"),
        ("abstained", "not_a_question"),
        ("answered", None),
    ]
    assert [entry["citations"][0]["article"] for entry in entries if entry["citations"]] == [14, 14]


def test_chat_answers_a_pipe_line_by_line(data_folder: Path) -> None:
    result = wanggui(data_folder, "chat", stdin="能翻墙吗\n\n第三十二条\n")
    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.split("\n\n")[:2]
    assert first.startswith("## 能翻墙吗\n第十四条")
    assert second.startswith("## 第三十二条\n《中国共产党党员网络行为规定》共31条")


def test_doctor_finds_everything_in_order_without_a_token(data_folder: Path) -> None:
    result = wanggui(data_folder, "doctor", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert {"settings", "data", "library", "index", "model", "database", "llm", "token"} <= set(findings)
    assert {finding["level"] for finding in findings.values()} == {"ok", "warning"}
    assert [name for name, finding in findings.items() if finding["level"] == "warning"] == ["token"]
    assert "@BotFather" in findings["token"]["sentence"]
    assert all(finding["sentence"] for finding in findings.values())


def test_doctor_says_what_to_do_and_fails_where_something_is_broken(run: Run, tmp_path: Path) -> None:
    (tmp_path / "文件").write_text("", encoding="utf-8")
    result = run("doctor", DATA_DIR=str(tmp_path / "文件"))
    assert result.exit_code == 1
    lines = result.stdout.strip("\n").split("\n")
    assert [line for line in lines if line.startswith("✗") and "WANGGUI_DATA_DIR" in line]
    assert [line for line in lines if line.startswith("✓")]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("question", "mode", "regulation", "article"), ASKED_OF_TWO)
def test_a_second_regulation_is_cited_where_it_is_named_and_only_there(
    answers: dict[str, dict[str, Any]], question: str, mode: str, regulation: str, article: int
) -> None:
    entry = answers[question]
    assert (entry["status"], entry["mode"]) == ("answered", mode)
    assert (entry["citations"][0]["regulation"], entry["citations"][0]["article"]) == (regulation, article)
    assert {citation["regulation"] for citation in entry["citations"]} == {regulation}


@pytest.mark.timeout(400)
def test_a_bad_file_leaves_everything_as_it_was(two_regulations: Path, tmp_path: Path) -> None:
    before = {path.name for path in (two_regulations / "library").iterdir()}
    current = (two_regulations / "index" / "CURRENT").read_text(encoding="utf-8")
    bad = tmp_path / "坏.txt"
    bad.write_text("示例规定\n第一条 甲。\n第三条 丙。\n", encoding="utf-8")
    refused = wanggui(two_regulations, "index", str(FIXTURES / "中国共产党问责条例.txt"), str(bad))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{bad}:3: " in one_line(refused.stderr)
    assert {path.name for path in (two_regulations / "library").iterdir()} == before
    assert (two_regulations / "index" / "CURRENT").read_text(encoding="utf-8") == current
    asked = wanggui(two_regulations, "ask", "--json", "第十四条")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout)["citations"][0]["regulation"] == CONDUCT


def test_reviewed_questions_are_exported_for_evaluate(run: Run, tmp_path: Path) -> None:
    nothing = run("review", "export", "out", DATA_DIR=str(tmp_path / "data"))
    assert nothing.exit_code == 1
    assert "还没有复核过的问题" in nothing.stderr
    assert not Path("out").exists()

    async def review() -> None:
        now = datetime(2026, 11, 22, tzinfo=UTC)
        async with await Database.open(f"sqlite:///{tmp_path / 'data' / 'wanggui.db'}") as database:
            item = await database.review.add(
                -1, "小火箭", kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=1, at=now
            )
            await database.review.resolve(item, "question", articles=[14], at=now)

    asyncio.run(review())
    done = run("review", "export", "out", DATA_DIR=str(tmp_path / "data"))
    assert (done.exit_code, done.stdout) == (0, "out: 1 个问题\n")
    assert read_collection(Path("out")).qrels == {"review-1": {"14": 1}}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_proposals_are_listed_adopted_and_withdrawn_where_there_are_no_operators(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def propose() -> None:
        now = datetime(2026, 11, 22, tzinfo=UTC)
        async with await Database.open(f"sqlite:///{folder / 'wanggui.db'}") as database:
            item = await database.review.add(
                -1, "小火箭算不算", kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=1, at=now
            )
            await database.review.resolve(item, "alias", term="小火箭", articles=[14], at=now, proposed=True)

    asyncio.run(propose())
    listed = run("review", "list", DATA_DIR=str(folder))
    assert listed.stdout == "1\t别名\t“小火箭” 小火箭算不算\t第14条\n"
    assert run("review", "adopt", "7", DATA_DIR=str(folder)).exit_code == 1
    assert not (folder / "additions").exists()
    assert run("review", "adopt", "1", DATA_DIR=str(folder)).exit_code == 0
    assert "小火箭" in (folder / "additions" / "aliases.toml").read_text(encoding="utf-8")
    assert run("review", "list", DATA_DIR=str(folder)).stdout == ""
    assert run("review", "withdraw", "1", DATA_DIR=str(folder)).exit_code == 0
    assert (folder / "additions" / "aliases.toml").read_text(encoding="utf-8") == ""
    assert run("review", "withdraw", "1", DATA_DIR=str(folder)).exit_code == 1


def test_standard_output_that_is_no_longer_read_is_no_error(data_folder: Path) -> None:
    environment = os.environ | {"WANGGUI_DATA_DIR": str(data_folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "ask", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("第十四条\n".encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["citations"][0]["article"] == 14
        process.stdout.close()
        process.stdin.write("第十五条\n".encode())
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(120) == 0


def settings_of(folder: Path, chat_id: int, **changes: object) -> str:
    """The language of a chat's settings, after changing some of them."""

    async def look() -> str:
        async with await Database.open(f"sqlite:///{folder / '.wanggui' / 'wanggui.db'}") as database:
            if changes:
                await database.chats.change(chat_id, **changes)
            return (await database.chats.settings(chat_id)).language

    return asyncio.run(look())


def test_a_backup_is_put_back_only_when_somebody_means_it(run: Run, tmp_path: Path) -> None:
    settings_of(tmp_path, -100, language="en")
    written = run("backup", "copy.zip")
    assert (written.exit_code, written.stdout) == (0, "copy.zip: 1 条记录 (rows)\n")
    settings_of(tmp_path, -100, language="zh")
    refused = run("restore", "copy.zip")
    assert (refused.exit_code, settings_of(tmp_path, -100)) == (2, "zh")
    assert run("restore", "copy.zip", "--yes").exit_code == 0
    assert settings_of(tmp_path, -100) == "en"


def test_a_backup_has_a_name_of_its_own(run: Run, tmp_path: Path) -> None:
    assert run("backup").exit_code == 0
    assert len(list((tmp_path / ".wanggui").glob("backup-*.zip"))) == 1


def test_a_backup_that_is_not_there_is_said(run: Run) -> None:
    absent = run("restore", "absent.zip", "--yes")
    assert (absent.exit_code, absent.stderr) == (1, "absent.zip: 没有这个文件 (no such file)\n")


def test_the_health_check_of_a_bot_that_listens_nowhere_says_what_to_set(run: Run) -> None:
    nowhere = run("healthy")
    assert nowhere.exit_code == 1
    assert "WANGGUI_LISTEN" in nowhere.stderr

"""`wanggui evaluate` on a corpus of its own: figures at the end, one line where the folder is malformed."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.settings import read_settings

ARTICLES = ("承租人应当按照约定支付租金。", "父母对未成年子女负有抚养义务。", "出卖人应当交付标的物。")
QUESTIONS = ("房租怎么交", "孩子谁来养", "卖家不发货")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `wanggui evaluate` in this process, with a data folder of its own."""
    for name in list(os.environ):
        if name.upper().startswith("WANGGUI_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    read_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    read_settings.cache_clear()


def lines(*entries: dict[str, str]) -> str:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder of three laws and three questions."""
    target = tmp_path / "beir"
    (target / "qrels").mkdir(parents=True)
    files = {
        "corpus.jsonl": lines(*({"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(ARTICLES))),
        "queries.jsonl": lines(*({"_id": f"q{n}", "text": text} for n, text in enumerate(QUESTIONS))),
        "qrels/dev.tsv": "query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t1\n" for n in range(3)),
    }
    for name, content in files.items():
        (target / name).write_text(content, encoding="utf-8")
    return target


def test_figures_are_printed_and_only_the_corpus_is_indexed(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["queries"] == 3
    assert figures["ranking"]["mrr@10"] == figures["ranking"]["recall@10"] == 1.0
    assert {path.name for path in (tmp_path / ".wanggui").iterdir()} == {"evaluation"}
    assert "mrr@10" in run(folder).stdout


def append(name: str, content: bytes) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(content)

    return change


def replace_by_folder(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "corpus.jsonl: cannot be read"),
    "no corpus": (lambda folder: (folder / "corpus.jsonl").unlink(), "corpus.jsonl: cannot be read"),
    "no queries": (lambda folder: (folder / "queries.jsonl").unlink(), "queries.jsonl: cannot be read"),
    "no qrels": (lambda folder: shutil.rmtree(folder / "qrels"), "qrels: no .tsv file"),
    "an empty corpus": (lambda folder: (folder / "corpus.jsonl").write_bytes(b""), "corpus.jsonl: the file is empty"),
    "a folder in place of a file": (
        replace_by_folder("queries.jsonl"),
        "queries.jsonl: cannot be read",
    ),
    "a broken line": (append("corpus.jsonl", b'{"_id": "d9", "te\n'), "corpus.jsonl:4: a broken line"),
    "a line that is no object": (append("queries.jsonl", b"3\n"), "queries.jsonl:4: a line that is no object"),
    "an empty query": (append("queries.jsonl", b'{"_id": "q9", "text": " "}\n'), "queries.jsonl:4: text is missing"),
    "an id twice": (append("corpus.jsonl", b'{"_id": "d1", "text": "x"}\n'), "corpus.jsonl:4: _id d1 stands in line 2"),
    "not UTF-8": (append("corpus.jsonl", "文".encode("gb18030") + b"\n"), "corpus.jsonl:4: not UTF-8"),
    "an unknown query": (append("qrels/dev.tsv", b"q9\td1\t1\n"), "dev.tsv:5: unknown query id q9"),
    "an unknown document": (append("qrels/dev.tsv", b"q1\td9\t1\n"), "dev.tsv:5: unknown corpus id d9"),
    "a score that is no number": (append("qrels/dev.tsv", b"q1\td1\tmuch\n"), "dev.tsv:5: a broken line"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD.keys())
def test_a_malformed_folder_ends_with_one_line(
    run: Run, folder: Path, tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    change(folder)
    result = run(folder)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.strip("\n").split("\n")
    assert line.startswith(str(folder))
    assert said in line
    assert "expected" in line
    assert not (tmp_path / ".wanggui").exists()

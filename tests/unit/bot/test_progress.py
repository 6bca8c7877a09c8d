"""The progress bar: there only while there is something to wait for, and gone however the wait ends."""

import io
import re

import pytest
from rich.console import Console

from bot.progress import Bar, building
from prompts import load_replies

TITLE = load_replies()["zh"]("terminal.building")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_nothing_is_shown_where_nothing_is_built(console: Console) -> None:
    Bar(console).done()
    assert written(console) == ""


def test_the_first_call_shows_it_and_the_last_one_ends_it(console: Console) -> None:
    bar = Bar(console)
    bar(1, 3)
    assert TITLE in written(console)
    bar(2, 3)
    bar(3, 3)
    assert "3/3" in written(console)
    finished = written(console)
    bar.done()
    bar.done()
    assert written(console) == finished


def test_it_says_how_many_a_second_and_how_long_it_will_take(console: Console) -> None:
    bar = Bar(console)
    for done in (1, 2, 3):
        bar(done, 3)
    shown = written(console)
    before, after = load_replies()["zh"]("terminal.rate", rate="|").split("|")
    assert re.search(rf"{before}\d+{after}", shown)
    assert "0:00:00" in shown


def test_it_appears_again_for_a_second_piece_of_work(console: Console) -> None:
    bar = Bar(console)
    bar(2, 2)
    bar(5, 7)
    bar.done()
    assert "2/2" in written(console)
    assert "5/7" in written(console)


def test_the_cursor_comes_back_when_the_work_breaks(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.progress.Console", lambda stderr: console)
    with pytest.raises(RuntimeError, match="disk full"), building() as bar:
        bar(1, 3)
        raise RuntimeError("disk full")
    assert "1/3" in written(console)
    assert written(console).rfind("\x1b[?25h") > written(console).rfind("\x1b[?25l") >= 0


def test_standard_output_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    with building() as bar:
        bar(1, 2)
        bar(2, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert TITLE in captured.err

"""A progress bar on standard error that appears only when there is something to wait for."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from prompts import load_replies


class _RateColumn(ProgressColumn):
    """Entries a second, over the last half minute."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing while it is not known."""
        rate = task.finished_speed or task.speed
        return Text(load_replies()["zh"]("terminal.rate", rate=f"{rate:.0f}") if rate else "")


class Bar:
    """Called with (done, all) while entries are embedded; shows itself at the first call."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(load_replies()["zh"]("terminal.building"), total=None)
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Show how far the building is: entries done, of all."""
        if not self._shown:
            self._progress.start()
            self._shown = True
        self._progress.update(self._task, completed=done, total=total)
        if done == total:
            self.done()

    def done(self) -> None:
        """Take the bar away; safe to call twice."""
        if self._shown:
            self._progress.stop()
            self._shown = False


@contextmanager
def building() -> Iterator[Bar]:
    """A bar that is gone when the block ends, however it ends."""
    bar = Bar(Console(stderr=True))
    try:
        yield bar
    finally:
        bar.done()

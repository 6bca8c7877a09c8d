"""What `wanggui evaluate` shows: tables in the terminal, curves as PNG."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bot.errors import WangguiError
from knowledge.evaluation import Report

_COLUMNS: Final = ("queries", "hit@1", "hit@3", "hit@5", "all@5", "recall@5", "recall@10", "mrr@10", "ndcg@10")


def show(report: Report) -> None:
    """Print ranking figures in all and by style, then abstention and latency."""
    console, figures = Console(), report.figures()
    table = Table(title="排序 Ranking")
    table.add_column("")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for name, row in [("all", figures["ranking"]), *figures["by_style"].items()]:
        table.add_row(name, *(_cell(row, column) for column in _COLUMNS))
    console.print(table)
    abstention = figures["abstention"]
    other = Table(title="拒答 Abstention", show_header=False)
    other.add_row("false silence", f"{abstention['false_silence']:.3f}", str(len(report.answerable)))
    other.add_row("false answers", f"{abstention['false_answers']:.3f}", str(len(report.unanswerable)))
    for name, group in abstention["false_answers_by_group"].items():
        other.add_row(f"  {name}", f"{group['rate']:.3f}", str(group["queries"]))
    other.add_row("area under risk–coverage", f"{abstention['area_under_risk_coverage']:.3f}", "")
    other.add_row("latency p50 / p99, ms", f"{figures['latency_ms']['p50']} / {figures['latency_ms']['p99']}", "")
    console.print(other)


def _cell(row: Mapping[str, Any], column: str) -> str:
    return str(row[column]) if column == "queries" else f"{row[column]:.3f}"


def show_misses(report: Report) -> None:
    """Print every query that went wrong, one a line: what was needed, what was found, how sure it was."""
    console = Console(soft_wrap=True)
    for outcome in report.misses():
        needed = ",".join(sorted(outcome.relevant)) or "-"
        found = ",".join(outcome.finding.ranking[:3]) + (" (declined)" if outcome.finding.declined else "")
        line = f"{needed:>8} ← {found:<20} {outcome.finding.confidence:.2f} {outcome.query.style} {outcome.query.text}"
        console.print(line, markup=False, highlight=False)


def draw(report: Report, folder: Path) -> None:
    """Draw the coverage–risk curve and the reliability of confidence as PNG files.

    Raises:
        WangguiError: the folder cannot be written.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise WangguiError(f"{folder}: cannot be written ({exc.strerror})") from exc
    curve, bins = report.coverage_risk(), report.reliability()
    for name, label_x, label_y, points, diagonal in (
        ("coverage-risk.png", "coverage", "risk (first article wrong)", curve, False),
        ("reliability.png", "confidence", "share answerable", [(mean, share) for mean, share, _ in bins], True),
    ):
        figure, axes = pyplot.subplots(figsize=(5, 4), dpi=120)
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o" if diagonal else "")
        if diagonal:
            axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
        axes.set(xlabel=label_x, ylabel=label_y, xlim=(0, 1), ylim=(0, 1))
        figure.tight_layout()
        figure.savefig(folder / name)
        pyplot.close(figure)

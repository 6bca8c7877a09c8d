"""Results -> a workbook: overview, questions, articles, what was asked, the board. What people typed stays text."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bot.training.model import Results
from bot.training.papers.document import lettered, one_line
from bot.training.papers.exchange.tables import write_text
from bot.training.papers.handout import answer, label, when
from knowledge.model import Regulation
from prompts import Replies

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


class Share(float):
    """A part of 1, shown in per cent."""


Value = str | int | float | Share | None

_WIDEST: Final = 60
_SHARE: Final = "0%"


def write_results(results: Results, regulation: Regulation, say: Replies, zone: tzinfo) -> bytes:
    """The workbook; a share that nobody can know stays empty. Names stand in it of those alone who agreed."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.properties.creator, workbook.properties.title = "wanggui", one_line(results.title)
    day, *time = when(results, say, zone)
    overview: list[Sequence[Value]] = [
        (say("paper.sheet_title"), one_line(results.title)),
        (say("paper.sheet_day"), day),
        (say("paper.sheet_time"), "".join(time)),
        (say("paper.sheet_took_part"), results.participants),
    ]
    notes = [say("paper.anonymous_note")] if results.anonymous else []
    notes += [say("paper.unknown_note")] if any(result.right is None for result in results.items) else []
    notes += [say("paper.people_note")] if results.people else []
    _fill(workbook.create_sheet(say("paper.sheet_overview")), (), [*overview, *((note,) for note in notes)])
    _fill(workbook.create_sheet(say("paper.sheet_items")), *_items(results, regulation, say))
    _fill(workbook.create_sheet(say("paper.sheet_articles")), *_articles(results, regulation, say))
    asked = [
        (one_line(one.question), "、".join(label(number, regulation, say) for number in one.articles))
        for one in results.asked
    ]
    head = (say("paper.sheet_asked_words"), say("paper.sheet_asked_articles"))
    _fill(workbook.create_sheet(say("paper.sheet_asked")), head, asked)
    if results.teams or results.people:
        _fill(workbook.create_sheet(say("paper.sheet_board")), *_board(results, say))
    written = BytesIO()
    workbook.save(written)
    return written.getvalue()


def _items(results: Results, regulation: Regulation, say: Replies) -> tuple[Sequence[str], list[Sequence[Value]]]:
    widest = max((len(result.item.options) for result in results.items), default=0)
    letters = [letter for letter, _ in lettered(["" for _ in range(widest)])]
    head = [say(f"paper.sheet_{name}") for name in ("number", "kind", "article", "question", "answer")]
    head += [say("paper.sheet_voters"), say("paper.sheet_right"), say("paper.sheet_share")]
    head += [say("paper.votes_for", letter=letter) for letter in letters]
    rows: list[Sequence[Value]] = []
    for result in results.items:
        counts = result.counts if result.item.options else ()
        rows.append(
            [
                result.number,
                say(f"paper.kind_{result.item.kind}").strip("【】[] "),
                label(result.item.article, regulation, say),
                one_line(result.item.question),
                answer(result.item),
                result.voters,
                result.right,
                None if result.right is None else _share(result.right, result.voters),
                *counts,
            ]
        )
    return head, rows


def _articles(results: Results, regulation: Regulation, say: Replies) -> tuple[Sequence[str], list[Sequence[Value]]]:
    head = [say(f"paper.sheet_{name}") for name in ("article", "count", "voters", "right", "share")]
    rows: list[Sequence[Value]] = [
        (label(one.article, regulation, say), one.items, one.voters, one.right, _share(one.right, one.voters))
        for one in results.articles
    ]
    return head, rows


def _board(results: Results, say: Replies) -> tuple[Sequence[str], list[Sequence[Value]]]:
    head = [say("paper.sheet_kind_of_row"), say("paper.place"), say("paper.name")]
    head += [say("paper.points"), say("paper.right"), say("paper.sheet_seconds")]
    rows: list[Sequence[Value]] = [
        (
            say("paper.sheet_team") if row.team else say("paper.sheet_person"),
            row.place,
            one_line(row.name),
            round(float(row.points), 2),
            row.right,
            round(row.seconds, 1),
        )
        for row in (*results.teams, *results.people)
    ]
    return head, rows


def _share(right: int, asked: int) -> Share | None:
    return Share(right / asked) if asked else None


def _fill(sheet: "Worksheet", head: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    widths: dict[int, int] = {}
    for number, row in enumerate([head, *rows] if head else rows, start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(number, place)
            _write(cell, value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1 and head:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E8EEF5")
            widths[place] = max(widths.get(place, 0), 2 * len(str(value)) if isinstance(value, str) else 8)
    for place, width in widths.items():
        sheet.column_dimensions[get_column_letter(place)].width = min(max(width + 2, 9), _WIDEST)
    if head:
        sheet.freeze_panes = "A2"


def _write(cell: Any, value: Value) -> None:
    if isinstance(value, str):
        write_text(cell, value)
        return
    cell.value = value
    if isinstance(value, Share):
        cell.number_format = _SHARE

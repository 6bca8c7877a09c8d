"""Results to print, and papers opened again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from io import BytesIO
from typing import Any

import docx
import pypdfium2
from openpyxl import Workbook, load_workbook

from bot.training.model import Asked, BoardRow, ItemResult, Results, Step
from bot.training.results import by_article
from knowledge.bank.items import CaseCard, QuizItem
from tests.factories import make_case, make_fill_in, make_item

CHINA = timezone(timedelta(hours=8))
OPENED = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)
MULTIPLE = make_item(
    "m1",
    kind="multiple",
    articles=(14,),
    quote="不得擅自建立、使用非法定信道",
    question="第十四条写到哪些动作？",
    options=("建立", "使用", "浏览", "转让", "出租"),
    answer=(0, 1, 2),
)
TRUE_FALSE = make_item("t1", kind="true_false", question="第十二条写到了匿名诬告。", options=("对", "错"), answer=True)


def make_results(
    items: Sequence[tuple[QuizItem, int, int | None]] | None = None,
    *,
    cases: Sequence[CaseCard] | None = None,
    asked: Sequence[Asked] = (Asked("群里转发文件算不算违规？", (15,)),),
    people: Sequence[str] = (),
    teams: Sequence[str] = (),
    **changes: Any,
) -> Results:
    """A session that has ended: items with how many answered and how many were right, and who agreed to be named."""
    chosen = [(make_item(), 40, 30), (MULTIPLE, 38, None), (make_fill_in(), 20, 5), (TRUE_FALSE, 41, 41)]
    chosen = chosen if items is None else list(items)
    shown = [make_case()] if cases is None else list(cases)
    results = tuple(
        ItemResult(number, item, voters, right, tuple(range(len(item.options) or 2)))
        for number, (item, voters, right) in enumerate(chosen, start=1)
    )
    steps = [Step("agenda"), Step("questions"), *(Step("case", case=case, seconds=300) for case in shown)]
    steps += [*(Step("item", item=result.item) for result in results), Step("board"), Step("close")]
    made = Results(
        session_id=1,
        title="学《中国共产党党员网络行为规定》",
        language="zh",
        opened_at=OPENED,
        closed_at=OPENED + timedelta(minutes=48),
        anonymous=not (people or teams),
        pace="everyone",
        steps=tuple(steps),
        items=results,
        articles=by_article(results),
        cases=tuple(shown),
        asked=tuple(asked),
        teams=tuple(BoardRow(place, name, Fraction(215, 3), 7, 0.8, True) for place, name in enumerate(teams, 1)),
        people=tuple(BoardRow(place, name, Fraction(50), 5, 0.5) for place, name in enumerate(people, 1)),
        participants=57,
    )
    return Results(**{name: changes.get(name, getattr(made, name)) for name in Results.__slots__})


def pdf_pages(content: bytes) -> list[str]:
    """The words of every page, without the breaks of lines."""
    pdf = pypdfium2.PdfDocument(content)
    return ["".join(page.get_textpage().get_text_range().split()) for page in pdf]


def pdf_text(content: bytes) -> str:
    """The words of all pages."""
    return "".join(pdf_pages(content))


def docx_lines(content: bytes) -> list[str]:
    """Paragraphs and cells of tables."""
    file = docx.Document(BytesIO(content))
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    return [paragraph.text for paragraph in file.paragraphs] + cells


def opened_book(content: bytes) -> Workbook:
    """The workbook."""
    return load_workbook(BytesIO(content))


def closely(words: str) -> str:
    """Words as `pdf_text` gives them."""
    return "".join(words.split())

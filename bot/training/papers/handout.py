"""Results -> the handout: agenda, cases, quiz, results by article, what was asked, the articles cited. Pure.

It holds no name but of those who agreed, and no note that is the facilitator's alone.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Final

from bot.answering.composing import label_of
from bot.training.model import BoardRow, ItemResult, Results
from bot.training.papers.document import (
    Bar,
    Bars,
    Block,
    Choices,
    Document,
    Heading,
    Paragraph,
    Run,
    Table,
    Together,
    lettered,
    one_line,
    plain,
    printable,
)
from knowledge.bank.items import BLANK, QuizItem
from knowledge.model import Article, Regulation
from knowledge.numerals import format_numeral
from prompts import Replies

MOST_ASKED: Final = 100
RULE: Final = "＿" * 4
"""A blank as it is printed."""
_SILENT: Final = ("agenda", "close")


def handout(results: Results, regulation: Regulation, say: Replies, zone: tzinfo) -> Document:
    """The handout of a session, its times as that zone counts them."""
    parts = (
        (say("paper.agenda"), _agenda(results, say)),
        (say("paper.cases"), _cases(results, regulation, say)),
        (say("paper.quiz"), _quiz(results, regulation, say)),
        (say("paper.results"), _results(results, regulation, say)),
        (say("paper.asked"), _asked(results, regulation, say)),
        (say("paper.cited"), _cited(results, regulation, say)),
    )
    blocks: list[Block] = []
    for number, (name, part) in enumerate(((name, part) for name, part in parts if part), start=1):
        blocks += [Heading(numbered(number, name, say)), *part]
    title, name = one_line(results.title), say("paper.handout")
    subtitle = "　".join([name, *when(results, say, zone), say("paper.took_part", count=results.participants)])
    closing = (say("paper.source", regulation=regulation.name),)
    return Document(title, subtitle, f"{title}　{name}", tuple(blocks), closing, say.language)


def numbered(number: int, name: str, say: Replies) -> str:
    """A part's heading: 一、议程."""
    return say("paper.part", number=format_numeral(number) if say.language == "zh" else number, name=name)


def when(results: Results, say: Replies, zone: tzinfo) -> Iterator[str]:
    """The day, and from when until when, as far as it has ended."""
    begun = results.opened_at.astimezone(zone)
    yield say("paper.day", year=begun.year, month=f"{begun:%m}", day=f"{begun:%d}")
    if results.closed_at is not None:
        yield f"{_clock(begun)}–{_clock(results.closed_at.astimezone(zone))}"


def label(number: int, regulation: Regulation, say: Replies) -> str:
    """What an article is called; its bare number where the regulation has none of it."""
    article = regulation.article(number)
    return label_of(article, say) if article else str(number)


def choices(item: QuizItem) -> tuple[Choices, ...]:
    """The options to choose from; 对 and 错 go without saying."""
    if item.kind not in ("single", "multiple"):
        return ()
    return (Choices(tuple(map(one_line, item.options))),)


def answer(item: QuizItem) -> str:
    """The right answer: letters, 对 or 错, or the missing words."""
    if item.kind in ("single", "multiple"):
        letters = [letter for letter, _ in lettered(item.options)]
        return "".join(letters[place] for place in item.right)
    return "；".join(map(one_line, item.solution))


def basis(item: QuizItem, regulation: Regulation, say: Replies) -> list[Paragraph]:
    """The words that decide it, and why."""
    lines = [_quoted(_article_of(item, regulation), item.quote, regulation, say, indent=1.75)]
    if item.explanation:
        lines.append(plain(printable(item.explanation), tone="quiet", indent=2.05))
    return lines


def verbatim(article: Article, quotes: Iterable[str], name: str) -> list[Paragraph]:
    """An article to the letter, with the words bold that decided something."""
    bold = [False] * len(article.text)
    for quote in quotes:
        start = article.text.find(quote) if quote else -1
        if start >= 0:
            bold[start : start + len(quote)] = [True] * len(quote)
    paragraphs, start = [], 0
    for line in article.text.split("\n"):
        weights = bold[start : start + len(line)]
        runs = [
            Run("".join(character for character, _ in group), weight)
            for weight, group in groupby(zip(line, weights, strict=True), key=lambda pair: pair[1])
        ]
        lead = () if start else (Run(f"{name}　", True),)
        paragraphs.append(Paragraph((*lead, *runs), first=2.0))
        start += len(line) + 1
    return paragraphs


def _agenda(results: Results, say: Replies) -> list[Block]:
    counts = [(kind, len(list(steps))) for kind, steps in groupby(results.steps, key=lambda step: step.kind)]
    shown = [(kind, count) for kind, count in counts if kind not in _SILENT]
    return [
        plain(
            say("paper.agenda_step", name=say(f"training.step_{kind}"), count=count)
            if count > 1
            else say(f"training.step_{kind}"),
            label=f"{number}.",
        )
        for number, (kind, count) in enumerate(shown, start=1)
    ]


def _cases(results: Results, regulation: Regulation, say: Replies) -> list[Block]:
    blocks: list[Block] = []
    for number, case in enumerate(results.cases, start=1):
        blocks.append(Heading(say("paper.case", number=number, title=one_line(case.title)), 2))
        blocks += [plain(line, first=2.0) for line in printable(case.story).split("\n") if line.strip()]
        questions = [
            plain(printable(asked), label=f"({place})", indent=1.0)
            for place, asked in enumerate(case.questions, start=1)
        ]
        blocks.append(Together((plain(say("paper.discuss")), *questions)))
        quotes = [_quoted(number, quote, regulation, say) for number, quote in sorted(case.quotes.items())]
        blocks.append(Together((plain(say("paper.wording")), *quotes)))
    return blocks


def _quiz(results: Results, regulation: Regulation, say: Replies) -> list[Block]:
    return [
        Together(
            (
                plain(
                    say(f"paper.kind_{result.item.kind}") + printable(result.item.question).replace(BLANK, RULE),
                    label=f"{result.number}.",
                ),
                *choices(result.item),
                Paragraph(
                    (Run(say("paper.answer", answer=answer(result.item)), True), Run(f"　{_went(result, say)}")),
                    indent=1.75,
                ),
                *basis(result.item, regulation, say),
            )
        )
        for result in results.items
    ]


def _went(result: ItemResult, say: Replies) -> str:
    if not result.voters:
        return say("paper.went_nobody")
    if result.right is None:
        return say("paper.went_unknown", voters=result.voters)
    return say("paper.went", right=result.right, voters=result.voters, share=percent(result.right, result.voters))


def percent(right: int, asked: int) -> int:
    """A share in per cent, rounded half up."""
    return (200 * right + asked) // (2 * asked) if asked else 0


def _results(results: Results, regulation: Regulation, say: Replies) -> list[Block]:
    if not results.items:
        return []
    blocks: list[Block] = []
    bars = tuple(
        Bar(
            label(one.article, regulation, say),
            one.right / one.voters,
            say("paper.bar", right=one.right, voters=one.voters, share=percent(one.right, one.voters)),
        )
        for one in results.articles
        if one.voters
    )
    if bars:
        blocks += [plain(say("paper.bars"), leads=True), Bars(say("paper.bars"), bars)]
    else:
        blocks.append(plain(say("paper.bars_none")))
    if any(result.right is None for result in results.items):
        blocks.append(plain(say("paper.unknown_note"), tone="quiet"))
    if results.teams:
        blocks += [Heading(say("paper.teams"), 2), _board(results.teams, say)]
    if results.people:
        blocks += [Heading(say("paper.people"), 2), plain(say("paper.people_note"), tone="quiet")]
        blocks.append(_board(results.people, say))
    elif results.anonymous:
        blocks.append(plain(say("paper.anonymous_note"), tone="quiet"))
    return blocks


def _board(rows: Iterable[BoardRow], say: Replies) -> Table:
    head = (say("paper.place"), say("paper.name"), say("paper.points"), say("paper.right"))
    cells = tuple((str(row.place), one_line(row.name), points(row), str(row.right)) for row in rows)
    return Table(head, cells, (0.14, 0.46, 0.2, 0.2))


def points(row: BoardRow) -> str:
    """35, or 33.3."""
    return str(row.points.numerator) if row.points.denominator == 1 else f"{float(row.points):.1f}"


def _asked(results: Results, regulation: Regulation, say: Replies) -> list[Block]:
    articles: dict[str, tuple[int, ...]] = {}
    for asked in results.asked:
        words = one_line(asked.question)
        if words:
            articles.setdefault(words, asked.articles)
    blocks: list[Block] = []
    for number, (words, cited) in enumerate(list(articles.items())[:MOST_ASKED], start=1):
        labels = "、".join(label(one, regulation, say) for one in cited)
        shown = f"{words}　〔{labels}〕" if labels else words
        blocks.append(plain(shown, label=f"{number}."))
    if len(articles) > MOST_ASKED:
        blocks.append(plain(say("paper.asked_more", count=len(articles) - MOST_ASKED), tone="quiet"))
    return blocks


def _cited(results: Results, regulation: Regulation, say: Replies) -> list[Block]:
    quotes: dict[int, list[str]] = {}
    for case in results.cases:
        for number in case.articles:
            quotes.setdefault(number, []).append(case.quotes.get(number, ""))
    for result in results.items:
        for number in result.item.articles:
            quotes.setdefault(number, []).append(result.item.quote)
    for asked in results.asked:
        for number in asked.articles:
            quotes.setdefault(number, [])
    return [
        paragraph
        for number, deciding in sorted(quotes.items())
        if (article := regulation.article(number))
        for paragraph in verbatim(article, deciding, label(number, regulation, say))
    ]


def _quoted(number: int, quote: str, regulation: Regulation, say: Replies, *, indent: float = 1.0) -> Paragraph:
    words = say("paper.quoted", label=label(number, regulation, say), quote=printable(quote))
    return plain(words, tone="quote", indent=indent)


def _article_of(item: QuizItem, regulation: Regulation) -> int:
    """The article in which the deciding words stand."""
    found = (
        number for number in item.articles if (article := regulation.article(number)) and article.contains(item.quote)
    )
    return next(found, item.article)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"

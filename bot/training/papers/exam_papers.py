"""Questions -> the paper of an exam and, apart from it, the key with which it is marked. Pure.

Blueprint, seed ─ exam.draw ─▶ questions ─┬─ exam_paper ─▶ Document (no answer stands in it)
                                          └─ answer_key ─▶ Document
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from bot.training.papers.document import (
    Block,
    Choices,
    Document,
    Heading,
    Paragraph,
    Run,
    Table,
    Together,
    plain,
    printable,
)
from bot.training.papers.handout import RULE, answer, basis, choices, numbered
from knowledge.bank.items import BLANK, QuizItem
from knowledge.model import Regulation
from prompts import Replies

FULL: Final = 100
"""What all right answers are worth, where the number of questions divides it."""
_PER_LINE: Final = 5
_ROOM: Final = "＿" * 8


def points_each(count: int) -> int:
    """What one of so many questions is worth."""
    return max(1, FULL // max(count, 1))


def exam_paper(items: Sequence[QuizItem], regulation: Regulation, seed: int, say: Replies) -> Document:
    """What is handed out. `items` stand kind by kind, as `exam.draw` has them."""
    blocks: list[Block] = [plain(say("paper.exam_fields")), plain(_rules(items, seed, say), tone="quiet")]
    kinds = groupby(enumerate(items, start=1), key=lambda pair: pair[1].kind)
    for place, (kind, group) in enumerate(kinds, start=1):
        part = list(group)
        blocks.append(Heading(numbered(place, say(f"paper.heading_{kind}"), say)))
        blocks.append(plain(say(f"paper.rule_{kind}", count=len(part)), tone="quiet", leads=True))
        blocks += [Together(tuple(_put(item, number, say))) for number, item in part]
    title = say("paper.exam_title", regulation=regulation.title)
    return Document(
        title, say("paper.exam"), _footer(title, say("paper.exam"), seed, say), tuple(blocks), (), say.language
    )


def answer_key(items: Sequence[QuizItem], regulation: Regulation, seed: int, say: Replies) -> Document:
    """What the examiner marks with: all answers at a glance, then each with the words that decide it."""
    blocks: list[Block] = [plain(_rules(items, seed, say), tone="quiet"), Heading(say("paper.glance"))]
    blocks.append(_glance(items, say))
    blocks.append(Heading(say("paper.reasons")))
    for number, item in enumerate(items, start=1):
        spelled = say("paper.accepted", words="；".join(item.accept)) if item.accept else ""
        right = Paragraph((Run(say("paper.answer", answer=answer(item)), bold=True), Run(spelled)), indent=1.75)
        asked = plain(printable(item.question).replace(BLANK, RULE), label=f"{number}.")
        blocks.append(Together((asked, right, *basis(item, regulation, say))))
    title = say("paper.exam_title", regulation=regulation.title)
    closing = (say("paper.source", regulation=regulation.name),)
    footer = _footer(title, say("paper.key"), seed, say)
    return Document(title, say("paper.key"), footer, tuple(blocks), closing, say.language)


def _rules(items: Sequence[QuizItem], seed: int, say: Replies) -> str:
    each = points_each(len(items))
    return say("paper.exam_rules", count=len(items), points=each, total=each * len(items), seed=seed)


def _put(item: QuizItem, number: int, say: Replies) -> list[Paragraph | Choices]:
    """A question as it is put on paper: a line to write on, or brackets."""
    words = printable(item.question)
    room = words.replace(BLANK, _ROOM) if item.kind == "fill_in" else say("paper.brackets", question=words)
    return [plain(room, label=f"{number}."), *choices(item)]


def _glance(items: Sequence[QuizItem], say: Replies) -> Table:
    head = (say("paper.glance_number"), *(str(place) for place in range(1, _PER_LINE + 1)))
    rows = []
    for start in range(0, len(items), _PER_LINE):
        answers = [answer(item) for item in items[start : start + _PER_LINE]]
        last = start + len(answers)
        rows.append((f"{start + 1}–{last}", *answers, *[""] * (_PER_LINE - len(answers))))
    return Table(head, tuple(rows), (0.15, *[0.17] * _PER_LINE))


def _footer(title: str, name: str, seed: int, say: Replies) -> str:
    return "　".join([title, name, say("paper.number", seed=seed)])

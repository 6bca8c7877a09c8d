"""State -> Snapshot: what a wall or a board shows. Pure; the one place where names are put beside points."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

from bot.training import scoring
from bot.training.model import (
    BoardRow,
    Round,
    SessionPlan,
    SessionState,
    ShownArticle,
    ShownCase,
    ShownItem,
    ShownShare,
    Snapshot,
    Step,
    StepKind,
)
from knowledge.model import Regulation
from knowledge.numerals import format_numeral

MOST_ROWS: Final = 10
"""Of the people on the board: those below stand in the papers."""
MOST_ASKED: Final = 8


def show(session_id: int, state: SessionState, regulation: Regulation, names: Mapping[str, str]) -> Snapshot:
    """What there is to see now; `names` by voter, of those who agreed.

    Raises:
        ValueError: the session has not begun.
    """
    plan, step, now = state.plan, state.step, state.round
    if plan is None or step is None or now is None or state.opened_at is None:
        raise ValueError("the session has not begun")
    final = step.kind in ("board", "close") or not state.running
    return Snapshot(
        session_id=session_id,
        seq=state.seq,
        title=plan.title,
        kind=step.kind if state.running else "close",
        phase=state.phase,
        step=state.current + 1,
        steps=len(plan.steps),
        cursor=state.cursor,
        closed=not state.running,
        anonymous=plan.anonymous,
        pace=plan.pace,
        invitation=plan.invitation,
        language=plan.language,
        opened_at=state.opened_at,
        deadline=now.deadline if state.phase == "open" else None,
        item=_item(plan, state, step, now),
        case=_case(plan, state, step),
        articles=tuple(articles_of(step, regulation)) if state.phase == "revealed" else (),
        agenda=agenda_of(plan),
        teams=tuple((team, sum(of == place for of in state.teams.values())) for place, team in enumerate(plan.teams)),
        board=board_of(state, names) if final else (),
        shares=shares_of(state) if final else (),
        asked=state.asked[-MOST_ASKED:],
    )


def board_of(state: SessionState, names: Mapping[str, str]) -> tuple[BoardRow, ...]:
    """The teams, then the first of those who agreed to be named; nothing where votes are anonymous."""
    if state.plan is None or state.plan.anonymous:
        return ()
    return scoring.teams(state) + scoring.people(state, names)[:MOST_ROWS]


def shares_of(state: SessionState) -> tuple[ShownShare, ...]:
    """How each item went whose answer has been shown."""
    if state.plan is None:
        return ()
    shares = []
    for number, step, now in scoring.items_of(state):
        if step.item is not None and now.revealed_at is not None:
            went = scoring.outcome(state.plan, step.item, now)
            shares.append(ShownShare(number, label_of(step.item.article), went.voters, went.known))
    return tuple(shares)


def agenda_of(plan: SessionPlan) -> tuple[tuple[StepKind, int], ...]:
    """The kinds of the steps in order, with how many of each follow one another."""
    return tuple((kind, len(list(steps))) for kind, steps in groupby(step.kind for step in plan.steps))


def articles_of(step: Step, regulation: Regulation) -> Iterable[ShownArticle]:
    """The articles on which an item or a case rests, with the words that decide."""
    if entry := step.item or step.case:
        for number in entry.articles:
            if article := regulation.article(number):
                quote = step.item.quote if step.item else step.case.quotes.get(number, "") if step.case else ""
                yield ShownArticle(number, article.label, article.text, quote if article.contains(quote) else "")


def label_of(number: int) -> str:
    """第十四条."""
    return f"第{format_numeral(number)}条"


def _item(plan: SessionPlan, state: SessionState, step: Step, now: Round) -> ShownItem | None:
    if step.item is None:
        return None
    item, went, known = step.item, scoring.outcome(plan, step.item, now), state.phase == "revealed"
    number, total = _place(plan, state.current, "item")
    return ShownItem(
        number=number,
        total=total,
        question=item.question,
        options=item.options,
        multiple=item.kind == "multiple",
        difficulty=item.difficulty,
        counts=went.counts if item.options or known else (),
        voters=went.voters,
        right=item.right if known else (),
        solution=item.solution if known else (),
        explanation=item.explanation if known else "",
    )


def _case(plan: SessionPlan, state: SessionState, step: Step) -> ShownCase | None:
    if step.case is None:
        return None
    case = step.case
    number, total = _place(plan, state.current, "case")
    notes = case.notes if state.phase == "revealed" else ""
    return ShownCase(number, total, case.title, case.story, case.questions, notes)


def _place(plan: SessionPlan, current: int, kind: StepKind) -> tuple[int, int]:
    places = [place for place, step in enumerate(plan.steps) if step.kind == kind]
    return places.index(current) + 1, len(places)

"""State -> Results: what papers tell of a session. Pure."""

from collections.abc import Iterable, Mapping

from bot.training import scoring
from bot.training.model import ArticleResult, ItemResult, Results, SessionState


def results_of(session_id: int, state: SessionState, names: Mapping[str, str]) -> Results:
    """The results of a session that runs or has ended; `names` by voter, of those who agreed.

    Raises:
        ValueError: the session has not begun.
    """
    plan = state.plan
    if plan is None or state.opened_at is None:
        raise ValueError("the session has not begun")
    items = []
    for number, step, now in scoring.items_of(state):
        if step.item is not None:
            went = scoring.outcome(plan, step.item, now)
            items.append(ItemResult(number, step.item, went.voters, went.known, went.counts))
    reached = [plan.steps[place] for place in sorted(state.rounds)]
    return Results(
        session_id=session_id,
        title=plan.title,
        language=plan.language,
        opened_at=state.opened_at,
        closed_at=state.closed_at,
        anonymous=plan.anonymous,
        pace=plan.pace,
        steps=plan.steps,
        items=tuple(items),
        articles=by_article(items),
        cases=tuple(step.case for step in reached if step.case is not None),
        asked=state.asked,
        teams=() if plan.anonymous else scoring.teams(state),
        people=() if plan.anonymous else scoring.people(state, names),
        participants=_participants(state, items),
    )


def by_article(items: Iterable[ItemResult]) -> tuple[ArticleResult, ...]:
    """Items put together by their leading article, in the order of the articles."""
    known: dict[int, list[ItemResult]] = {}
    for result in items:
        if result.right is not None:
            known.setdefault(result.item.article, []).append(result)
    return tuple(
        ArticleResult(article, len(own), sum(one.voters for one in own), sum(one.right or 0 for one in own))
        for article, own in sorted(known.items())
    )


def _participants(state: SessionState, items: Iterable[ItemResult]) -> int:
    voters = {voter for now in state.rounds.values() for voter, vote in now.votes.items() if vote.choice}
    return max((result.voters for result in items), default=0) if state.plan and state.plan.anonymous else len(voters)

"""Snapshot -> scene: what the page draws, with every sentence in it already in words. Pure.

A scene holds JSON's own types alone. It lacks the facilitator's notes: the room looks at the wall.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from bot.training.model import RIGHT, BoardRow, ShownArticle, ShownItem, ShownShare, Snapshot
from bot.training.session import LETTERS
from prompts import Replies

Scene = dict[str, Any]


def scene_of(shown: Snapshot, say: Replies) -> Scene:
    """Everything that the page needs at this moment; `until` in milliseconds since 1970."""
    return {
        "kind": shown.kind,
        "phase": shown.phase,
        "cursor": shown.cursor,
        "closed": shown.closed,
        "title": shown.title,
        "step": shown.step,
        "steps": shown.steps,
        "head": _head(shown, say),
        "badges": list(_badges(shown, say)),
        "until": round(shown.deadline.timestamp() * 1000) if shown.deadline else None,
        "invited": bool(shown.invitation),
        "forward": _forward(shown, say),
        **_content(shown, say),
    }


def _content(shown: Snapshot, say: Replies) -> Scene:
    match shown.kind:
        case "agenda":
            return {"agenda": list(_agenda(shown, say)), "teams": _teams(shown, say), "note": _note(shown, say)}
        case "questions":
            return {"note": say("wall.questions_hint"), "asked": [asked.question for asked in reversed(shown.asked)]}
        case "case":
            return _case(shown, say)
        case "item":
            return _item(shown, shown.item, say) if shown.item else {}
        case _:
            return _results(shown, say)


def _head(shown: Snapshot, say: Replies) -> str:
    if shown.item:
        return say("wall.item", number=shown.item.number, total=shown.item.total)
    if shown.case:
        return say("wall.case", number=shown.case.number, total=shown.case.total)
    heads = {
        "agenda": say("wall.agenda"),
        "questions": say("wall.questions"),
        "board": say("wall.board"),
        "close": say("wall.close"),
    }
    return heads[shown.kind]


def _badges(shown: Snapshot, say: Replies) -> Iterable[str]:
    if shown.item and shown.item.multiple:
        yield say("wall.multiple")
    if shown.item and not shown.anonymous and shown.pace == "first":
        yield say("wall.first")


def _forward(shown: Snapshot, say: Replies) -> str:
    """What the trainer's button does; empty where there is nothing more to do."""
    if shown.closed:
        return ""
    if shown.phase == "open":
        return say("wall.forward_stop") if shown.kind == "item" else say("wall.forward_show")
    return say("wall.forward_next")


def _agenda(shown: Snapshot, say: Replies) -> Iterable[str]:
    for kind, count in shown.agenda:
        match kind:
            case "questions":
                yield say("wall.step_questions")
            case "case":
                yield say("wall.step_case", count=count)
            case "item":
                yield say("wall.step_item", count=count)
            case "board":
                yield say("wall.step_board")


def _note(shown: Snapshot, say: Replies) -> str:
    return say("wall.anonymous") if shown.anonymous else say("wall.scored")


def _teams(shown: Snapshot, say: Replies) -> list[Scene]:
    return [{"name": name, "size": say("wall.people", count=size)} for name, size in shown.teams]


def _case(shown: Snapshot, say: Replies) -> Scene:
    if shown.case is None:
        return {}
    return {
        "name": shown.case.title,
        "story": shown.case.story,
        "ask": say("wall.discuss"),
        "questions": list(shown.case.questions),
        "articles": _articles(shown.articles),
    }


def _item(shown: Snapshot, item: ShownItem, say: Replies) -> Scene:
    known = shown.phase == "revealed"
    return {
        "question": item.question,
        "options": [
            {
                "letter": LETTERS[place],
                "text": option,
                "count": item.counts[place] if place < len(item.counts) else 0,
                "right": place in item.right if known else None,
            }
            for place, option in enumerate(item.options)
        ],
        "voters": item.voters,
        "answered": say("wall.answered", count=item.voters),
        "how": "" if item.options else say("wall.reply"),
        "solution": say("wall.solution", words="；".join(item.solution)) if known and not item.options else "",
        "went": _went(item, say) if known and not item.options else "",
        "explanation": item.explanation,
        "articles": _articles(shown.articles),
    }


def _went(item: ShownItem, say: Replies) -> str:
    return say("wall.went", right=item.counts[RIGHT] if item.counts else 0, voters=item.voters)


def _articles(articles: Iterable[ShownArticle]) -> list[Scene]:
    """Each article in three pieces, the middle one to be lit up."""
    pieces = []
    for article in articles:
        before, quote, after = article.text.partition(article.quote) if article.quote else (article.text, "", "")
        pieces.append({"label": article.label, "before": before, "quote": quote, "after": after})
    return pieces


def _results(shown: Snapshot, say: Replies) -> Scene:
    return {
        "teams": [_row(row, say) for row in shown.board if row.team],
        "people": [_row(row, say) for row in shown.board if not row.team],
        "shares_head": say("wall.shares"),
        "shares": [_share(share, say) for share in shown.shares],
        "asked_head": say("wall.asked"),
        "asked": [asked.question for asked in reversed(shown.asked)],
    }


def _row(row: BoardRow, say: Replies) -> Scene:
    return {"place": row.place, "name": row.name, "points": say("wall.points", points=_points(row.points))}


def _points(points: Fraction) -> str:
    return str(points.numerator) if points.denominator == 1 else f"{float(points):.1f}"


def _share(share: ShownShare, say: Replies) -> Mapping[str, object]:
    part = share.right / share.voters if share.right is not None and share.voters else None
    words = say("wall.people", count=share.voters) if part is None else f"{part:.0%}"
    return {"label": say("wall.share", number=share.number, article=share.article), "part": part, "words": words}

"""The steps of a session as messages of a group. Pure.

    y…  training      yp the panel with another choice · yo open · yq not after all
                      yn on from here · yt more time · yj into a team · ya on the board by name, or not any more
                      yc let me lead · yx end · yz really end

Whatever moves the session on carries its cursor: pressed twice, or too late, it moves nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.storage.usage import CHINA
from bot.telegram.callbacks import pack
from bot.telegram.outgoing import Outgoing
from bot.telegram.polls import Poll, quiz_poll
from bot.telegram.rendering import MAX_MESSAGE_UTF16, safe, utf16_length
from bot.training.model import POINTS, BoardRow, ShownArticle, ShownShare, Snapshot, StepKind
from bot.training.session import LETTERS
from knowledge.bank.items import CaseCard, QuizItem
from prompts import Replies

LONGER_S: Final = 120
TEAMS: Final = ("training.team_red", "training.team_blue", "training.team_green", "training.team_yellow")

Row = list[InlineKeyboardButton]


def agenda_poster(shown: Snapshot, say: Replies, until: datetime, door: str) -> Outgoing:
    """What comes, how votes are counted, what is kept; with buttons for teams and names where it is scored."""
    lines = [f"<b>{safe(shown.title)}</b>", "", *_agenda(shown, say), ""]
    rows: list[Row] = []
    if shown.anonymous:
        lines.append(say("training.anonymous"))
    else:
        lines += [say("training.scored"), _pace(shown, say)]
        if shown.teams:
            lines.append(say("training.choose_team"))
            rows.append([_button(name, "yj", shown.session_id, place) for place, (name, _) in enumerate(shown.teams)])
        lines.append(say("training.consent", until=day(until)))
        rows.append([_button(say("training.name_me"), "ya", shown.session_id)])
    lines += ["", say("training.kept")]
    return Outgoing("\n".join(lines), InlineKeyboardMarkup([*rows, *_to_wall(door, say), [next_button(shown, say)]]))


def questions_poster(shown: Snapshot, say: Replies, username: str) -> Outgoing:
    """Whoever wants to ask the bot, asks now."""
    words = f"{say('training.questions')}\n{say('training.questions_hint', bot=username)}"
    return Outgoing(words, _only(next_button(shown, say)))


def case_poster(shown: Snapshot, say: Replies, minutes: int) -> Outgoing:
    """A case for small groups, with its time."""
    case = shown.case
    assert case is not None  # noqa: S101 - asked of steps of that kind alone
    title = say("training.case", number=case.number, total=case.total, title=safe(case.title))
    questions = [f"{number}. {safe(question)}" for number, question in enumerate(case.questions, start=1)]
    parts = [
        title,
        safe(case.story),
        "\n".join(questions),
        *([say("training.discuss", minutes=minutes)] * bool(minutes)),
    ]
    row = [next_button(shown, say, "training.show")]
    if shown.deadline is not None:
        row.append(_button(say("training.longer"), "yt", shown.session_id, shown.cursor))
    return Outgoing("\n\n".join(parts), InlineKeyboardMarkup([row]))


def notes_poster(case: CaseCard, say: Replies) -> Outgoing:
    """What whoever leads should know of a case beforehand."""
    return Outgoing(f"{say('training.notes', title=safe(case.title))}\n{safe(case.notes)}")


def case_articles_poster(shown: Snapshot, say: Replies) -> Outgoing:
    """What the articles say of a case, the deciding words in bold, and both sides of it folded below."""
    case = shown.case
    assert case is not None  # noqa: S101 - asked of steps of that kind alone
    title = say("training.case_articles", number=case.number, total=case.total)
    notes = f"<blockquote expandable>{safe(case.notes)}</blockquote>" if case.notes else ""
    keyboard = _only(next_button(shown, say))
    whole = [title, *(_article(article) for article in shown.articles), notes]
    short = [title, *(_article(article, whole=False) for article in shown.articles), notes]
    fitting = [part for part in whole if part]
    if utf16_length("\n".join(fitting)) > MAX_MESSAGE_UTF16:
        fitting = [part for part in short if part]
    return Outgoing("\n".join(fitting), keyboard)


def item_poll(shown: Snapshot, item: QuizItem, label: str, say: Replies, seconds: int) -> Poll:
    """A question that has options."""
    number, total = _place(shown)
    return quiz_poll(
        item,
        label,
        head=f"{number}/{total}. ",
        anonymous=shown.anonymous,
        seconds=seconds,
        keyboard=_only(next_button(shown, say, "training.stop")),
    )


def open_item_poster(shown: Snapshot, say: Replies) -> Outgoing:
    """A question that is answered by replies: a blank to fill in, or options that could not be sent as a poll."""
    item = shown.item
    assert item is not None  # noqa: S101 - asked of steps of that kind alone
    lines = [
        say("training.item", number=item.number, total=item.total),
        safe(item.question),
        *lettered(item.options),
    ]
    lines += ["", say("training.reply_letters" if item.options else "training.reply_words")]
    return Outgoing("\n".join(lines), _only(next_button(shown, say, "training.stop")))


def item_answer_poster(shown: Snapshot, say: Replies, right: int | None, first: str) -> Outgoing:
    """The answer, how many were right, who was first if they agreed to be named, and the article."""
    item = shown.item
    assert item is not None  # noqa: S101 - asked of steps of that kind alone
    lines = [say("training.item", number=item.number, total=item.total), answer_line(item.solution, say)]
    if right is None:
        lines.append(say("training.went_unknown", voters=item.voters))
    else:
        lines.append(say("training.went", voters=item.voters, right=right))
    if first:
        lines.append(say("training.first_right", name=safe(first)))
    lines += [_article(article, whole=False) for article in shown.articles if article.quote]
    if item.explanation:
        lines.append(safe(item.explanation))
    return Outgoing("\n".join(lines), _only(next_button(shown, say)))


def board_poster(shown: Snapshot, say: Replies) -> Outgoing:
    """Teams, then those who agreed to be named, then how the items went."""
    lines = [say("training.board"), "", *_rows(shown.board, say, team=True)]
    if not shown.anonymous:
        people = _rows(shown.board, say, team=False)
        lines += ["", *(people or [say("training.board_nobody")])]
    lines += ["", *(_share(share, say) for share in shown.shares)]
    words = "\n".join(lines).replace("\n\n\n", "\n\n").strip()
    return Outgoing(words, _only(next_button(shown, say)))


def farewell_poster(shown: Snapshot, say: Replies, until: datetime) -> Outgoing:
    """The last word."""
    lines = [say("training.farewell")]
    if any(not row.team for row in shown.board):
        lines.append(say("training.farewell_names", until=day(until)))
    return Outgoing("\n".join([*lines, say("training.farewell_handout")]))


def status_poster(shown: Snapshot, say: Replies, door: str, *, leads: bool) -> Outgoing:
    """Where a session stands, for an administrator who asks."""
    words = say("training.here", step=shown.step, steps=shown.steps, name=step_name(shown.kind, say))
    first = next_button(shown, say) if leads else _button(say("training.claim"), "yc", shown.session_id)
    rows = [[first], *_to_wall(door, say), [_button(say("training.end"), "yx", shown.session_id)]]
    return Outgoing(words, InlineKeyboardMarkup(rows))


def end_keyboard(session_id: int, say: Replies) -> InlineKeyboardMarkup:
    """Really?"""
    return _only(_button(say("training.end_sure"), "yz", session_id))


def next_button(shown: Snapshot, say: Replies, key: str = "training.next") -> InlineKeyboardButton:
    """On from here."""
    return _button(say(key), "yn", shown.session_id, shown.cursor)


def lettered(options: Sequence[str]) -> list[str]:
    """Options with their letters."""
    return [f"{letter}. {safe(option)}" for letter, option in zip(LETTERS, options, strict=False)]


def answer_line(solution: Iterable[str], say: Replies) -> str:
    """The right answer, in words."""
    return say("quiz.answer", solution=safe("；".join(solution)))


def step_name(kind: StepKind, say: Replies) -> str:
    """What a step is called."""
    return say(f"training.step_{kind}")


def points_of(points: Fraction) -> str:
    """35, or 33.3."""
    return str(points.numerator) if points.denominator == 1 else f"{float(points):.1f}"


def day(at: datetime) -> str:
    """2026-11-30, as China counts."""
    return at.astimezone(CHINA).date().isoformat()


def _agenda(shown: Snapshot, say: Replies) -> Iterable[str]:
    coming = [(kind, count) for kind, count in shown.agenda if kind not in ("agenda", "close")]
    for number, (kind, count) in enumerate(coming, start=1):
        name = step_name(kind, say)
        yield f"{number}. {name} × {count}" if count > 1 else f"{number}. {name}"


def _pace(shown: Snapshot, say: Replies) -> str:
    if shown.pace == "first":
        return say("training.first", points=POINTS)
    return say("training.everyone", points=POINTS)


def _place(shown: Snapshot) -> tuple[int, int]:
    return (shown.item.number, shown.item.total) if shown.item else (0, 0)


def _article(article: ShownArticle, *, whole: bool = True) -> str:
    """The article as a quote, the deciding words bold; not `whole`: those words alone."""
    label, quote = safe(article.label), safe(article.quote)
    if not whole:
        return f"<blockquote>〔{label}〕{quote or '……'}</blockquote>"
    text = safe(article.text)
    bold = text.replace(quote, f"<b>{quote}</b>", 1) if quote else text
    return f"<blockquote expandable>〔{label}〕{bold}</blockquote>"


def _rows(board: Iterable[BoardRow], say: Replies, *, team: bool) -> list[str]:
    return [
        say("training.board_row", place=row.place, name=safe(row.name), points=points_of(row.points))
        for row in board
        if row.team == team
    ]


def _share(share: ShownShare, say: Replies) -> str:
    if share.right is None:
        return say("training.board_share_unknown", number=share.number, article=share.article, voters=share.voters)
    return say(
        "training.board_share", number=share.number, article=share.article, voters=share.voters, right=share.right
    )


def _to_wall(door: str, say: Replies) -> list[Row]:
    """The way to the projector page, where there is one."""
    return [[InlineKeyboardButton(say("wall.open"), url=door)]] if door else []


def _button(text: str, action: str, *values: int | str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text, callback_data=pack(action, *values))


def _only(button: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[button]])

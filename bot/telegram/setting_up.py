"""What a trainer chooses before a session: the panel, and the plan that comes of it. Pure.

Every button holds all the choices as they would be after pressing it; nothing is kept until the start.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Final, Self

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.telegram.callbacks import pack
from bot.telegram.outgoing import Outgoing
from bot.telegram.posters import TEAMS
from bot.training.choosing import Wish, choose_cases, choose_items
from bot.training.model import SessionPlan, Step
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import Replies

ITEMS: Final = (3, 5, 10, 15, 20)
CASES: Final = (0, 1, 2, 3)
MINUTES: Final = (3, 5, 8, 12)
SECONDS: Final = (0, 20, 30, 60)
TEAM_COUNTS: Final = (0, 2, 3, 4)
DIFFICULTIES: Final = ("training.setup_any", "training.setup_easy", "training.setup_medium", "training.setup_hard")
MOST_ITEMS: Final = 30
_CHOSEN: Final = "✓ "
_PER_ROW: Final = 4
_NUMBERS: Final = re.compile(r"\d{1,3}(\.\d{1,3}){8}")

Row = list[InlineKeyboardButton]


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen; numbers all, 0 for no or for all."""

    items: int = 5
    chapter: int = 0
    difficulty: int = 0
    cases: int = 1
    minutes: int = 5
    seconds: int = 30
    scored: int = 0
    first: int = 0
    teams: int = 0

    def encode(self) -> str:
        """As a button carries it."""
        return ".".join(map(str, astuple(self)))

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """What `encode` wrote, or None; what is out of bounds is none of ours."""
        if not _NUMBERS.fullmatch(text):
            return None
        choices = cls(*map(int, text.split(".")))
        seconds = choices.seconds == 0 or 5 <= choices.seconds <= 600
        bounded = choices.items <= MOST_ITEMS and choices.cases <= max(CASES) and choices.minutes <= 60
        teams = choices.teams in TEAM_COUNTS and choices.difficulty < len(DIFFICULTIES)
        return choices if seconds and bounded and teams and len(fields(cls)) == 9 else None

    @property
    def wish(self) -> Wish:
        """Which items are wanted."""
        chapters, difficulty = ((value,) if value else () for value in (self.chapter, self.difficulty))
        return Wish(chapters=chapters, difficulty=difficulty, number=self.items)


def chosen_by(wish: Wish, *, scored: bool) -> Choices:
    """The choices of whoever has written what they want behind the command."""
    return Choices(
        items=wish.number,
        chapter=wish.chapters[0] if wish.chapters else 0,
        difficulty=wish.difficulty[0] if wish.difficulty else 0,
        scored=int(scored),
    )


def setup_panel(choices: Choices, regulation: Regulation, say: Replies) -> Outgoing:
    """Everything that can be chosen, a row for each."""
    chapters = [0, *(chapter.number for chapter in regulation.chapters)]
    rows = [
        *_rows(choices, "items", ITEMS, [say("training.setup_items", count=count) for count in ITEMS]),
        *_rows(choices, "chapter", chapters, [_chapter(number, say) for number in chapters]),
        *_rows(choices, "difficulty", range(4), [say(key) for key in DIFFICULTIES]),
        *_rows(choices, "cases", CASES, [say("training.setup_cases", count=count) for count in CASES]),
    ]
    if choices.cases:
        minutes = [say("training.setup_minutes", minutes=count) for count in MINUTES]
        rows += _rows(choices, "minutes", MINUTES, minutes)
    seconds = [_seconds(count, say) for count in SECONDS]
    rows += _rows(choices, "seconds", SECONDS, seconds)
    rows += _rows(choices, "scored", (0, 1), [say("training.setup_anonymous"), say("training.setup_scored")])
    if choices.scored:
        rows += _rows(choices, "first", (0, 1), [say("training.setup_everyone"), say("training.setup_first")])
        rows += _rows(choices, "teams", TEAM_COUNTS, [_teams(count, say) for count in TEAM_COUNTS])
    start = InlineKeyboardButton(say("training.start"), callback_data=pack("yo", choices.encode()))
    rows.append([start, InlineKeyboardButton(say("training.cancel"), callback_data=pack("yq"))])
    words = f"{say('training.setup')}\n{say('training.setup_hint')}\n{say('training.setup_scored_hint')}"
    return Outgoing(words, InlineKeyboardMarkup(rows))


def plan_of(
    choices: Choices, bank: Bank, regulation: Regulation, say: Replies, *, seed: int, invitation: str = ""
) -> SessionPlan | None:
    """The session that was chosen; None where the bank has neither items nor cases for it."""
    items = choose_items(bank, choices.wish, seed)
    cases = choose_cases(bank, replace(choices.wish, number=choices.cases), seed)
    if not items and not cases:
        return None
    steps = [Step("agenda"), Step("questions")]
    steps += [Step("case", case=case, seconds=60 * choices.minutes) for case in cases]
    steps += [Step("item", item=item, seconds=choices.seconds) for item in items]
    steps += [*([Step("board")] * bool(items)), Step("close")]
    scored = bool(choices.scored)
    return SessionPlan(
        title=say("training.title", regulation=regulation.title),
        steps=tuple(steps),
        anonymous=not scored,
        pace="first" if scored and choices.first else "everyone",
        teams=tuple(say(key) for key in TEAMS[: choices.teams]) if scored else (),
        invitation=invitation,
        language=say.language,
    )


def _rows(choices: Choices, field: str, values: Iterable[int], labels: Sequence[str]) -> list[Row]:
    current = getattr(choices, field)
    buttons = [
        InlineKeyboardButton(
            (_CHOSEN if value == current else "") + label,
            callback_data=pack("yp", replace(choices, **{field: value}).encode()),
        )
        for value, label in zip(values, labels, strict=True)
    ]
    per_row = _PER_ROW if len(buttons) != 5 else 5
    return [buttons[start : start + per_row] for start in range(0, len(buttons), per_row)]


def _chapter(number: int, say: Replies) -> str:
    return say("training.setup_chapter", number=number) if number else say("training.setup_all")


def _seconds(count: int, say: Replies) -> str:
    return say("training.setup_seconds", seconds=count) if count else say("training.setup_untimed")


def _teams(count: int, say: Replies) -> str:
    return say("training.setup_teams", count=count) if count else say("training.setup_no_teams")

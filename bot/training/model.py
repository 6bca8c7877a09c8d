"""What a session is made of. Frozen and pure; times are aware and UTC.

A session is a plan (steps, in order) and what happened (events, numbered from 1). Everything else is derived: a state
by `session.apply`, what is shown by `showing.show`, what is printed by `results.results_of`. Events hold no person: a
voter is a hash with the session's own salt, which is erased when the session ends, so that nobody can be found again
from it. Names stand beside the events, in `consents`, only of those who agreed, and only for as long as they were told.

For those who build on it:
- the wall reads `Snapshot`, from `await ledgers.snapshot(session_id)`, and waits with `ledgers.changes.of(session_id)`;
  it moves the session on by the `Conductor` that it is given, never by itself;
- papers read `Results`, from `await ledgers.results(session_id)`, also after the end, until retention drops it; the
  handler of `/train handout` is its own, registered before `Sessions`; it may ask `ledgers.latest(chat_id)`;
- practice shares `choosing` and the bank, nothing of a session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, Literal, Protocol

from knowledge.bank.items import CaseCard, QuizItem

StepKind = Literal["agenda", "questions", "case", "item", "board", "close"]
Phase = Literal["open", "revealed"]
EventKind = Literal[
    "opened", "entered", "posted", "prolonged", "rang", "voted", "tallied", "revealed", "joined", "asked", "closed"
]
Pace = Literal["everyone", "first"]
"""必答: whoever is right scores. 抢答: only the first who is right does."""

POINTS: Final = 10
"""What a right answer is worth."""
RIGHT, WRONG = 0, 1
"""What a reply to an open item is counted as: it has no options."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: an item or a case where it is of that kind; `seconds` is the time it takes, 0 where nobody counts."""

    kind: StepKind
    item: QuizItem | None = None
    case: CaseCard | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What the trainer has chosen before the start.

    `anonymous`: polls tell nobody's vote, so that there are neither teams nor points, only shares. `teams` are names.
    `invitation` is a link into the group, or empty.
    """

    title: str
    steps: tuple[Step, ...]
    anonymous: bool = True
    pace: Pace = "everyone"
    teams: tuple[str, ...] = ()
    invitation: str = ""
    language: Literal["zh", "en"] = "zh"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has its number."""

    kind: EventKind
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    voter: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `seq` grows with every event of a session; `payload` is JSON; `voter` is a hash, or empty.

    opened {plan} · entered {step} · posted {step, what, message_id, poll_id} · prolonged {step, seconds} · rang {step}
    voted {step, choice} · tallied {step, counts, voters} · revealed {step, counts?, voters?} · joined {team}
    asked {question, articles} · closed {}
    """

    seq: int
    kind: EventKind
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    voter: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody's vote was when the voting ended (or is now); an empty choice is one taken back."""

    choice: tuple[int, ...]
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Round:
    """How one step went. `votes` by voter where they are known; `counts` by option and `voters` as Telegram counts.

    `teams` are those of the moment when the answer was shown: who joins one later brings it nothing of before.
    """

    step: int
    opened_at: datetime
    deadline: datetime | None = None
    message_id: int | None = None
    poll_id: str = ""
    reveal_id: int | None = None
    rang: bool = False
    revealed_at: datetime | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)
    counts: tuple[int, ...] = ()
    voters: int = 0
    teams: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to the bot during the session: its words without names, and the articles that answered it."""

    question: str
    articles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session after some events; `seq` is that of the last one. `current` is -1 before the first step.

    `rounds` by place in the plan; `teams` maps a voter to the place of their team.
    """

    seq: int = 0
    plan: SessionPlan | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    current: int = -1
    rounds: Mapping[int, Round] = field(default_factory=dict)
    teams: Mapping[str, int] = field(default_factory=dict)
    asked: tuple[Asked, ...] = ()

    @property
    def step(self) -> Step | None:
        """Where the session stands, None before it begins."""
        return self.plan.steps[self.current] if self.plan and self.current >= 0 else None

    @property
    def round(self) -> Round | None:
        """How the step at which the session stands goes."""
        return self.rounds.get(self.current)

    @property
    def phase(self) -> Phase:
        """Whether there is still something to be shown at this step (votes, a discussion) before the next."""
        return "open" if self.round and self.round.revealed_at is None else "revealed"

    @property
    def cursor(self) -> int:
        """A number that grows whenever the session moves on: a button that carries an old one is stale."""
        return 2 * (self.current + 1) + (self.phase == "revealed")

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.plan is not None and self.closed_at is None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command changes nothing: the key of the sentence to say."""

    key: str


# What is shown.


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """An article as it is shown: label, whole text, and the words in it that decide (verbatim, perhaps empty)."""

    number: int
    label: str
    text: str
    quote: str


@dataclass(frozen=True, slots=True)
class ShownItem:
    """A question on show, `number` of `total`. `right` and `explanation` are empty until it is revealed.

    `options` are empty for an open item (fill-in), whose `solution` is shown on reveal. `counts` are votes by option,
    for an open item by RIGHT and WRONG once it is revealed; `voters` is how many people have answered.
    """

    number: int
    total: int
    question: str
    options: tuple[str, ...]
    multiple: bool
    difficulty: int
    counts: tuple[int, ...]
    voters: int
    right: tuple[int, ...] = ()
    solution: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case on show, `number` of `total`; the facilitator's notes only once it is revealed."""

    number: int
    total: int
    title: str
    story: str
    questions: tuple[str, ...]
    notes: str = ""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A place on the board; equal places are tied. `seconds` is the time that right answers took, which parts ties.

    A team where `team`; else somebody who agreed to be named. A team's `points` may be a fraction, since 必答 gives it
    the share of its members who were right, and its `seconds` are those of one right answer on average.
    """

    place: int
    name: str
    points: Fraction
    right: int
    seconds: float
    team: bool = False


@dataclass(frozen=True, slots=True)
class ShownShare:
    """How an item went, for the board: how many answered and how many were right (None: see ItemResult)."""

    number: int
    article: str
    voters: int
    right: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a wall or a board shows at one moment; holds nobody's name but of those who agreed (in `board`).

    `step` counts from 1; `deadline` is when the time of this step ends; `articles` are empty until the reveal; `agenda`
    are the kinds of the steps with how many there are of each, in order; `asked` are the last questions put to the bot.
    """

    session_id: int
    seq: int
    title: str
    kind: StepKind
    phase: Phase
    step: int
    steps: int
    cursor: int
    closed: bool
    anonymous: bool
    pace: Pace
    invitation: str
    language: Literal["zh", "en"]
    opened_at: datetime
    deadline: datetime | None = None
    item: ShownItem | None = None
    case: ShownCase | None = None
    articles: tuple[ShownArticle, ...] = ()
    agenda: tuple[tuple[StepKind, int], ...] = ()
    teams: tuple[tuple[str, int], ...] = ()
    board: tuple[BoardRow, ...] = ()
    shares: tuple[ShownShare, ...] = ()
    asked: tuple[Asked, ...] = ()


class Conductor(Protocol):
    """Who moves sessions on for others than the group: does what the trainer's button does."""

    async def advance(self, session_id: int, cursor: int) -> Refusal | None:
        """Move on from where `cursor` points; a Refusal where the session has moved on already, or has ended."""


# What is printed.


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How an item went: people who answered, of those right; `counts` by option (RIGHT, WRONG where it is open).

    `right` is None where nobody can know: several answers in an anonymous poll, of which only sums are told.
    """

    number: int
    item: QuizItem
    voters: int
    right: int | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleResult:
    """All answers to the items that rest on one article as the leading one, of which it is known who was right."""

    article: int
    items: int
    voters: int
    right: int


@dataclass(frozen=True, slots=True)
class Results:
    """A session as papers tell it: what was shown, how it went, what was asked; names of those alone who agreed.

    `participants` is how many different people answered: exact where votes are known, else the most that answered one
    item. Items and cases are those that were reached.
    """

    session_id: int
    title: str
    language: Literal["zh", "en"]
    opened_at: datetime
    closed_at: datetime | None
    anonymous: bool
    pace: Pace
    steps: tuple[Step, ...]
    items: tuple[ItemResult, ...]
    articles: tuple[ArticleResult, ...]
    cases: tuple[CaseCard, ...]
    asked: tuple[Asked, ...]
    teams: tuple[BoardRow, ...]
    people: tuple[BoardRow, ...]
    participants: int

"""Quiz items as Telegram's polls, and what Telegram says of them. Pure.

A poll holds 300 UTF-16 units of question, 100 an option, 200 of explanation with two line feeds; what is longer is cut,
the explanation first to the article and the words that decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telegram import InlineKeyboardMarkup
from telegram.constants import PollLimit
from telegram.error import TelegramError

from bot.telegram.rendering import utf16_length
from knowledge.bank.items import QuizItem

MAX_QUESTION: Final = int(PollLimit.MAX_QUESTION_LENGTH)
MAX_OPTION: Final = int(PollLimit.MAX_OPTION_LENGTH)
MAX_EXPLANATION: Final = int(PollLimit.MAX_EXPLANATION_LENGTH)


@dataclass(frozen=True, slots=True)
class Poll:
    """A quiz poll to be sent; `seconds` until it ends by itself, 0 where it is ended by hand."""

    question: str
    options: tuple[str, ...]
    right: tuple[int, ...]
    explanation: str
    multiple: bool = False
    anonymous: bool = True
    seconds: int = 0
    keyboard: InlineKeyboardMarkup | None = None

    def fields(self) -> dict[str, Any]:
        """The parameters of sendPoll; what is None is left out."""
        return {
            "type": "quiz",
            "question": self.question,
            "options": [{"text": option} for option in self.options],
            "correct_option_ids": list(self.right),
            "allows_multiple_answers": self.multiple or None,
            "explanation": self.explanation,
            "is_anonymous": self.anonymous,
            "open_period": self.seconds or None,
            "reply_markup": self.keyboard.to_dict() if self.keyboard else None,
        }


@dataclass(frozen=True, slots=True)
class SentPoll:
    """Where a poll stands, and its id."""

    message_id: int
    poll_id: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many chose each option, and how many people voted."""

    counts: tuple[int, ...]
    voters: int


def quiz_poll(
    item: QuizItem,
    label: str,
    *,
    head: str = "",
    anonymous: bool = True,
    seconds: int = 0,
    keyboard: InlineKeyboardMarkup | None = None,
) -> Poll:
    """An item that has options as a poll; `label` is its article's, `head` what stands before the question."""
    return Poll(
        question=cut(f"{head}{item.question}", MAX_QUESTION),
        options=tuple(cut(option, MAX_OPTION) for option in item.options),
        right=item.right,
        explanation=explain(item, label),
        multiple=item.kind == "multiple",
        anonymous=anonymous,
        seconds=seconds,
        keyboard=keyboard,
    )


def explain(item: QuizItem, label: str) -> str:
    """The article and the words that decide, with what explains them as far as it fits."""
    explanation = _on_one_line(item.explanation)
    named = explanation if label in explanation else f"{label}：{explanation}"
    whole = f"{label}：“{_on_one_line(item.quote)}”"
    both = f"{whole}\n{explanation}"
    fitting = next((text for text in (both, whole, named) if utf16_length(text) <= MAX_EXPLANATION), named)
    return cut(fitting, MAX_EXPLANATION)


def cut(text: str, most: int) -> str:
    """The text within so many UTF-16 units."""
    if utf16_length(text) <= most:
        return text
    return text.encode("utf-16-le", "replace")[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"


def read_sent(message: object) -> SentPoll:
    """Where the poll in sendPoll's answer stands.

    Raises:
        TelegramError: there is none in it.
    """
    poll = message.get("poll") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(poll, dict):
        raise TelegramError("no poll in the answer")
    return SentPoll(int(message["message_id"]), str(poll["id"]))


def read_counts(poll: object) -> Counted:
    """The counts in a poll as Telegram writes it.

    Raises:
        TelegramError: there are none.
    """
    if not isinstance(poll, Mapping) or not isinstance(poll.get("options"), list):
        raise TelegramError("no poll in the answer")
    return Counted(tuple(int(option["voter_count"]) for option in poll["options"]), int(poll["total_voter_count"]))


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ")

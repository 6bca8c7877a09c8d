"""What can go wrong in the bot.

    WangguiError
    ├── SettingsError      a setting is missing or malformed: its name, and what to do
    ├── StorageError       the database cannot be opened, read or written: what to do
    ├── TelegramError      the Bot API refuses the token or cannot be reached
    ├── AddressError       the address to serve at is taken, or none of this machine's
    ├── CannotFind         the process that finds articles cannot begin (bot.answering.apart)
    ├── ModelError         a language model gave nothing usable: a tree of its own (generation.chatting)
    ├── GroundingError     an answer was about to show a quote that does not stand in its article
    └── BankRefused        quiz items or cases do not pass the checks: every remark

The knowledge package has a tree of its own (`knowledge.errors`); `bot.cli` is the one place that speaks of either.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # settings import this before numpy may be
    from knowledge.bank.checking import Remark


class WangguiError(Exception):
    """Base of everything that the bot raises on purpose; its text is fit to be shown."""


class SettingsError(WangguiError):
    """A setting is missing or malformed."""


class StorageError(WangguiError):
    """The database cannot be opened, read or written."""


class TelegramError(WangguiError):
    """The Bot API refuses the token or cannot be reached."""


class AddressError(WangguiError):
    """The address to serve at is taken, or none of this machine's."""


class GroundingError(WangguiError):
    """A quote does not stand verbatim in its article; the answer is withheld."""


class BankRefused(WangguiError):
    """Quiz items or cases do not pass the checks, and none of them was taken; `remarks` holds warnings too."""

    def __init__(self, remarks: "Sequence[Remark]") -> None:
        self.remarks = tuple(remarks)
        super().__init__("\n".join(str(remark) for remark in remarks if remark.severity == "error"))

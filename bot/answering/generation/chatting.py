"""What a chat model is to the house: a prompt goes in, pieces of text come out, and it fails in a few known ways.

    ModelError
    ├── Overloaded      429, 5xx: worth another try
    ├── Unreachable     no connection: worth another try
    ├── TimedOut        nothing began, or the whole took too long
    ├── BrokenStream    it stopped in the middle
    ├── Moderated       the endpoint refuses the subject (DeepSeek “Content Exists Risk”, Qwen data_inspection_failed)
    ├── RefusedKey      401, 403
    ├── BadRequest      400, 404, 422 and the like
    ├── Unreadable      empty, or no draft can be read from it
    ├── TooLong         it does not stop
    ├── BudgetSpent     the day's tokens are used up
    └── CircuitOpen     it failed so often that it is left alone for a while

No text of a question, a prompt or a response is ever in one of these.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from bot.errors import WangguiError


class ModelError(WangguiError):
    """A model gave no usable draft; `kind` is its name in logs and counts."""

    kind: ClassVar[str] = "failed"
    passing: ClassVar[bool] = False
    """Whether another try may go better."""


class Overloaded(ModelError):
    """Too many requests, or a server in trouble; `retry_after_s` is what it asked for, if anything."""

    kind = "overloaded"
    passing = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(ModelError):
    """No connection to the endpoint."""

    kind = "unreachable"
    passing = True


class TimedOut(ModelError):
    """Nothing came in time."""

    kind = "timed_out"


class BrokenStream(ModelError):
    """The connection ended before the answer did."""

    kind = "broken_stream"


class Moderated(ModelError):
    """The endpoint will not speak of this subject."""

    kind = "moderated"


class RefusedKey(ModelError):
    """The endpoint does not accept the key."""

    kind = "refused_key"


class BadRequest(ModelError):
    """The endpoint does not accept the request: no such model, or an option that it does not know."""

    kind = "bad_request"


class Unreadable(ModelError):
    """What came is no draft."""

    kind = "unreadable"


class TooLong(ModelError):
    """More came than a draft can be."""

    kind = "too_long"


class BudgetSpent(ModelError):
    """The day's tokens are used up, in this chat or in all."""

    kind = "budget_spent"


class CircuitOpen(ModelError):
    """It failed too often of late; no request was made."""

    kind = "circuit_open"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told: the house's instructions, and the material with the question."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What a structured response looks like: a name, a JSON schema, and the most tokens that it may take."""

    name: str
    schema: Mapping[str, Any] = field(hash=False)
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the response; `tokens` is the whole usage, prompt included, in the chunk that reports it."""

    text: str = ""
    tokens: int | None = None


class ChatModel(Protocol):
    """Anything that answers a prompt piece by piece."""

    @property
    def name(self) -> str:
        """What tells this model at this endpoint from others: part of cache keys and of log lines."""

    def stream(self, prompt: Prompt, *, structured: bool = True) -> AsyncGenerator[Chunk]:
        """The response as it comes; `structured`: as a draft in JSON, by whatever means the endpoint has.

        Raises:
            ModelError: and nothing else.
        """

    async def aclose(self) -> None:
        """Let go of its connections; called once, in the loop that it was used in."""

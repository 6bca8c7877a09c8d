"""New items by a language model: read like a sheet, through the checks of the bank, onto the pile of drafts.

    article, questions there are ─▶ model ─▶ rows ─ columns, checking ─▶ drafts, which wait for a person
                                      ▲                  │ refused: told why, once
                                      └──────────────────┘

The checks hold a model to the article's own words; whether an item is a good one is for whoever approves it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from bot.answering.generation.chatting import ChatModel, Prompt, Shape, Unreadable
from bot.answering.generation.prompting import clean, fenced
from bot.training.bank.shelf import Shelf
from bot.training.bank.telling import reason, tell_fault
from bot.training.papers.exchange.columns import ITEM_HEADERS, KIND_NAMES, LETTERS, Place, read_row
from knowledge.bank.items import QuizItem
from knowledge.model import Article
from prompts import Instructions, Replies

MOST: Final = 5
"""Items that are asked for at once."""
_KNOWN: Final = 30
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_FIELDS: Final[dict[str, Any]] = {
    "kind": {"type": "string", "enum": list(KIND_NAMES.values())},
    "quote": {"type": "string", "description": "copied from the article, character by character"},
    "question": {"type": "string"},
    "options": _TEXTS,
    "answer": {"type": "string", "description": "letters, 对 or 错, or the missing words"},
    "difficulty": {"type": "integer", "enum": [1, 2, 3]},
    "explanation": {"type": "string"},
}
ITEMS: Final = Shape(
    "items",
    {
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": _FIELDS,
                    "required": list(_FIELDS),
                    "additionalProperties": False,
                },
            }
        },
        "required": ["items"],
        "additionalProperties": False,
    },
    max_tokens=2_400,
)
_THOUGHT: Final = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)
_STARTS: Final = 40
"""Braces at which an object is looked for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that no draft was made of: its question, and the sentences that say why."""

    question: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What came of it: ids of drafts that now wait, and what was refused even the second time."""

    ids: tuple[str, ...]
    refused: tuple[Refused, ...]


class Drafter:
    """Asks a model for items of one article, and lays those that pass on the pile of drafts."""

    def __init__(self, model: ChatModel, instructions: Instructions, shelf: Shelf, say: Replies) -> None:
        self._model, self._instructions, self._shelf, self._say = model, instructions, shelf, say

    async def draft(self, article: Article, number: int) -> Drafted:
        """Ask for so many items, at most MOST.

        Raises:
            ModelError: the model gave nothing usable. BankError: a file of the shelf is damaged.
            WangguiError: it cannot be written.
        """
        kept, refused = self._judge(await self._asked(self._first(article, min(number, MOST))), article, [])
        if refused:
            again = await self._asked(self._repair(article, refused))
            mended, refused = self._judge(again, article, kept)
            kept += mended
        return Drafted(self._shelf.propose(kept), tuple(refused))

    async def _asked(self, prompt: Prompt) -> list[dict[str, Any]]:
        said = ""
        async with aclosing(self._model.stream(prompt)) as chunks:
            async for chunk in chunks:
                said += chunk.text
        return items_in(said)[:MOST]

    def _judge(
        self, proposed: Sequence[dict[str, Any]], article: Article, before: Sequence[QuizItem]
    ) -> tuple[list[QuizItem], list[Refused]]:
        kept: list[QuizItem] = []
        refused: list[Refused] = []
        for place, one in enumerate(proposed, start=MOST + 1 if before else 1):
            item, faults = read_row(_cells(one, article), ITEM_HEADERS, Place(article.label, place))
            reasons = [tell_fault(fault, self._say) for fault in faults]
            if isinstance(item, QuizItem):
                remarks = self._shelf.review([*before, *kept, item])
                reasons = [reason(remark, self._say) for remark in remarks if remark.id == item.id]
            if isinstance(item, QuizItem) and not reasons:
                kept.append(item)
            else:
                refused.append(Refused(str(one.get("question") or "")[:60], tuple(reasons)))
        return kept, refused

    def _first(self, article: Article, number: int) -> Prompt:
        questions = [item.question for item in self._shelf.bank().of(articles=[article.number]).items]
        known = "\n".join(f"- {clean(question)}" for question in questions[:_KNOWN])
        told = self._material("items_material", article, known=known, number=str(number))
        return Prompt(self._instructions("items"), told)

    def _repair(self, article: Article, refused: Sequence[Refused]) -> Prompt:
        faults = "\n".join(f"- {clean(one.question)} → {clean('；'.join(one.reasons))}" for one in refused)
        return Prompt(self._instructions("items"), self._material("items_repair", article, faults=faults))

    def _material(self, name: str, article: Article, **values: str) -> str:
        text = clean(article.text.replace("\n", " "))
        return fenced(self._instructions, name, label=article.label, article=text, **values)


def items_in(said: str) -> list[dict[str, Any]]:
    """The items of a response, whatever stands around them.

    Raises:
        Unreadable: there is no object with a list of items.
    """
    for found in _objects(_THOUGHT.sub("", said)):
        if isinstance(found.get("arguments"), str):  # a tool call written as text
            return items_in(found["arguments"])
        if isinstance(found.get("items"), list):
            return [one for one in found["items"] if isinstance(one, dict)]
    raise Unreadable("the response holds no items")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    for _ in range(_STARTS):
        if start < 0:
            return
        try:
            found, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield found
        start = text.find("{", start + 1)


def _cells(one: dict[str, Any], article: Article) -> dict[str, Any]:
    """An item as a row; its article is the one asked about, whatever the model says."""
    options = one.get("options")
    given = [str(option) for option in options] if isinstance(options, list) and len(options) <= len(LETTERS) else []
    judged = one.get("kind") == KIND_NAMES["true_false"]
    cells = {f"选项{letter}": option for letter, option in zip(LETTERS, given, strict=False) if not judged}
    for field in ("kind", "quote", "question", "answer", "difficulty", "explanation"):
        if isinstance(value := one.get(field), str | int):
            cells[ITEM_HEADERS[field]] = str(value)
    return cells | {"条": str(article.number)}

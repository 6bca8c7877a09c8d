"""Aliases and written questions that administrators have added -> files in the knowledge base's own formats.

FOLDER/aliases.toml      [[alias]] entries            read by `knowledge.assembly` at the next start,
FOLDER/questions.jsonl   one written question a line  after the bundled ones
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.files import write_whole
from bot.storage.review import Resolved, ReviewStore
from bot.storage.sql import told

ALIASES: Final = "aliases.toml"
QUESTIONS: Final = "questions.jsonl"
_REASON: Final = "管理员复核时添加"


class Additions:
    """The folder of additions, rewritten whole from what has been adopted."""

    def __init__(self, folder: Path, review: ReviewStore) -> None:
        self._folder, self._review = folder, review
        self._lock = asyncio.Lock()
        self._due = False

    async def write(self) -> None:
        """Bring both files up to date; a reader sees the old ones or the new ones.

        Raises:
            StorageError: they cannot be written, or the database does not answer.
        """
        async with self._lock:
            self._due = True
            resolved = await self._review.resolved()
            with told(str(self._folder)):
                await asyncio.to_thread(self._write, aliases_toml(resolved), questions_jsonl(resolved))
            self._due = False

    async def catch_up(self) -> None:
        """Write what could not be written when it was adopted.

        Raises:
            StorageError: it still cannot.
        """
        if self._due:
            await self.write()

    def _write(self, aliases: str, questions: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / ALIASES, aliases)
        write_whole(self._folder / QUESTIONS, questions)


def aliases_toml(resolved: Sequence[Resolved]) -> str:
    """The aliases among them, as `aliases.toml`."""
    entries = [
        f"[[alias]]\nterms = [{_quoted(one.term)}]\narticles = [{_listed(one.articles)}]\nreason = {_quoted(_REASON)}\n"
        for one in resolved
        if one.outcome == "alias"
    ]
    return "\n".join(entries)


def questions_jsonl(resolved: Sequence[Resolved]) -> str:
    """The written questions among them, as `questions.jsonl`; an alias's question belongs to them too."""
    lines = [
        json.dumps({"question": one.question, "articles": list(one.articles), "style": "review"}, ensure_ascii=False)
        for one in resolved
        if one.outcome in ("alias", "question")
    ]
    return "".join(line + "\n" for line in lines)


def _listed(articles: Sequence[int]) -> str:
    return ", ".join(map(str, articles))


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

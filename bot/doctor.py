"""Checks everything that the bot stands on, and says what to do about what it finds."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Literal

from bot.bootstrap import open_database
from bot.errors import SettingsError, StorageError
from bot.settings import Settings
from prompts import load_replies

Level = Literal["ok", "warning", "error"]
_MARKS: Final = {"ok": "✓", "warning": "!", "error": "✗"}


@dataclass(frozen=True)
class Finding:
    """One check: its name, how it went, and a sentence that says what to do where it did not go well."""

    check: str
    level: Level
    sentence: str


def examine(settings: Settings, *, listens: bool = True) -> list[Finding]:
    """Run every check; one that fails does not keep the others from running.

    `listens`: also poll for a moment to see whether another program does; a bot that runs is then cut off once.
    """
    return [
        *_settings(settings),
        *_data_folder(settings),
        *_database(settings),
        *_knowledge(settings),
        *_bank(settings),
        *_language_model(settings),
        *_telegram(settings, listens),
    ]


def report(findings: list[Finding]) -> str:
    """The findings as lines of text."""
    return "\n".join(f"{_MARKS[finding.level]} {finding.check:<10} {finding.sentence}" for finding in findings)


def _settings(settings: Settings) -> Iterator[Finding]:
    say = load_replies()["zh"]
    if settings.webhook_url and settings.webhook_secret is None:
        yield Finding("settings", "error", say("doctor.webhook_secret_missing"))
    else:
        yield Finding("settings", "ok", say("doctor.settings_ok"))


def _data_folder(settings: Settings) -> Iterator[Finding]:
    say = load_replies()["zh"]
    folder = settings.data_dir.absolute()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    key = "doctor.data_ok" if writable else "doctor.data_bad"
    yield Finding("data", "ok" if writable else "error", say(key, folder=str(folder)))


def _knowledge(settings: Settings) -> Iterator[Finding]:
    from knowledge.assembly import INDEX_FOLDER, open_knowledge_base
    from knowledge.errors import KnowledgeError
    from knowledge.index import IndexFolder

    say = load_replies()["zh"]
    before = IndexFolder(settings.data_dir / INDEX_FOLDER).current()
    try:
        with closing(open_knowledge_base(settings.data_dir, settings.embedding_model)) as knowledge:
            after = IndexFolder(settings.data_dir / INDEX_FOLDER).current()
            count, articles = len(knowledge.library.regulations), len(knowledge.library)
            yield Finding("library", "ok", say("doctor.library_ok", count=count, articles=articles))
            built = after and (before is None or before["folder"] != after["folder"])
            key = "doctor.index_built" if built else "doctor.index_ok"
            yield Finding("index", "ok", say(key, entries=knowledge.index.size))
            yield Finding("model", "ok", say("doctor.model_ok", dimensions=knowledge.index.dimensions))
    except KnowledgeError as exc:
        yield Finding("knowledge", "error", say("doctor.broken", problem=str(exc)))


def _bank(settings: Settings) -> Iterator[Finding]:
    from bot.bootstrap import open_shelf
    from knowledge.errors import KnowledgeError

    say = load_replies()["zh"]
    try:
        shelf = open_shelf(settings)
    except KnowledgeError as exc:
        yield Finding("bank", "error", say("doctor.broken", problem=str(exc)))
        return
    bank, lost = shelf.sound()
    if lost:
        yield Finding("bank", "warning", say("doctor.bank_bad"))
    else:
        counts = {"items": len(bank.items), "cases": len(bank.cases), "own": len(shelf.own())}
        yield Finding("bank", "ok", say("doctor.bank_ok", **counts))


def _database(settings: Settings) -> Iterator[Finding]:
    say = load_replies()["zh"]

    async def reach() -> int:
        async with open_database(settings) as database:
            await database.chats.settings(0)
            return (await database.depth()).quarantined

    try:
        quarantined = asyncio.run(reach())
    except StorageError as exc:
        yield Finding("database", "error", say("doctor.broken", problem=str(exc)))
    else:
        yield Finding("database", "ok", say("doctor.database_ok"))
        if quarantined:
            yield Finding("inbox", "warning", say("doctor.inbox_quarantined", count=quarantined))


def _language_model(settings: Settings) -> Iterator[Finding]:
    from bot.bootstrap import probe_model

    say = load_replies()["zh"]
    if settings.llm_model is None:
        yield Finding("llm", "ok", say("doctor.llm_none"))
        return
    try:
        trouble = probe_model(settings, settings.llm_model)
    except SettingsError as exc:
        yield Finding("llm", "error", say("doctor.broken", problem=str(exc)))
        return
    values = {"model": settings.llm_model}
    if trouble is None:
        yield Finding("llm", "ok", say("doctor.llm_ok", **values))
    elif trouble == "moderated":
        yield Finding("llm", "warning", say("doctor.llm_moderated", **values))
    elif trouble == "refused_key":
        yield Finding("llm", "warning", say("doctor.llm_refused_key", **values))
    elif trouble == "bad_request":
        yield Finding("llm", "warning", say("doctor.llm_bad_request", **values))
    elif trouble == "unreachable":
        yield Finding("llm", "warning", say("doctor.llm_unreachable", **values))
    else:
        yield Finding("llm", "warning", say("doctor.llm_failed", kind=trouble, **values))


def _telegram(settings: Settings, listens: bool) -> Iterator[Finding]:
    say = load_replies()["zh"]
    if settings.telegram_token is None:
        yield Finding("token", "warning", say("doctor.token_missing"))
        return
    from bot.telegram.probing import ALLOWED_UPDATES, probe, remarks

    token = settings.telegram_token.get_secret_value()
    found = probe(token, settings.telegram_api, settings.proxy(), listens=listens)
    if found == "refused":
        yield Finding("token", "error", say("doctor.token_refused"))
    elif found == "unreachable":
        yield Finding("token", "error", say("doctor.token_unreachable", root=settings.telegram_api))
    else:
        for remark in remarks(found, ALLOWED_UPDATES, settings.webhook_url or ""):
            yield Finding(remark.check, remark.level, say(remark.key, **remark.values))

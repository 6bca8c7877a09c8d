"""The only place that knows which concrete parts are joined."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.answering.generation.conversation import MemoryTurns, Turns
from bot.answering.generation.writer import Writer
from bot.answering.remembering import Memory
from bot.answering.service import Answerer
from bot.errors import SettingsError
from bot.settings import Settings
from knowledge.assembly import ADDITIONS_FOLDER, LIBRARY_FOLDER, KnowledgeBase, open_knowledge_base
from knowledge.corpora import match_articles, open_corpus
from knowledge.evaluation import Collection, Finding, Search
from knowledge.exemplars import Progress
from knowledge.index import Announce
from knowledge.library import adding, load_library
from prompts import load_instructions, load_replies

if TYPE_CHECKING:  # the terminal needs none of them
    from bot.answering.generation.models import ModelSpec
    from bot.storage.database import Database
    from bot.storage.review import Proposal, Resolved
    from bot.telegram.application import Entrance, TelegramChannel

ANSWERING_THREADS: Final = 2
DEFAULT_LISTEN: Final = "127.0.0.1:8080"
DATABASE_FILE: Final = "wanggui.db"


@contextmanager
def open_answerer(
    settings: Settings, *, progress: Progress | None = None, announce: Announce | None = None
) -> Iterator[Answerer]:
    """An answerer over the knowledge base of these settings, built first where it must be.

    Raises:
        KnowledgeError, PromptError: something the house stands on is unusable. SettingsError: the language model is.
    """
    with _open_house(settings, progress=progress, announce=announce) as join_house:
        yield join_house(turns=MemoryTurns())


@contextmanager
def _open_house(
    settings: Settings, *, progress: Progress | None = None, announce: Announce | None = None
) -> Iterator[Callable[..., Answerer]]:
    """What makes an answerer of `turns` and a `memory`, over the knowledge base of these settings."""
    writer = open_writer(settings)
    knowledge = open_knowledge_base(settings.data_dir, settings.embedding_model, progress=progress, announce=announce)
    with closing(knowledge), ThreadPoolExecutor(ANSWERING_THREADS, thread_name_prefix="answering") as executor:
        yield partial(join, knowledge, executor, writer=writer)


def join(
    knowledge: KnowledgeBase,
    executor: ThreadPoolExecutor | None = None,
    *,
    writer: Writer | None = None,
    turns: Turns | None = None,
    memory: Memory | None = None,
) -> Answerer:
    """An answerer over an opened knowledge base."""
    library, retriever, replies = knowledge.library, knowledge.retriever, load_replies()
    return Answerer(library, retriever, replies, executor, writer=writer, turns=turns, memory=memory)


def open_writer(settings: Settings) -> Writer | None:
    """Who words answers with the language model of these settings; None where there is none.

    Raises:
        SettingsError: its provider is unknown or not installed.
    """
    if settings.llm_model is None:
        return None
    from bot.answering.generation.budgets import Budget
    from bot.answering.generation.models import open_model
    from bot.answering.generation.resilience import Guarded, Limits

    limits = Limits.within(settings.llm_timeout_s, settings.llm_concurrency)
    return Writer(
        Guarded(open_model(model_spec(settings, settings.llm_model)), limits),
        load_instructions(),
        timeout_s=settings.llm_timeout_s,
        budget=Budget(settings.llm_daily_tokens, settings.llm_chat_daily_tokens),
    )


def model_spec(settings: Settings, name: str) -> "ModelSpec":
    """Which model the settings name, where it is and with which key."""
    from bot.answering.generation.models import ModelSpec

    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return ModelSpec(name, settings.llm_base_url, key, settings.llm_timeout_s)


def probe_model(settings: Settings, name: str) -> str | None:
    """Ask the language model for one word: None where it answers, else the kind of trouble (`ModelError.kind`).

    Raises:
        SettingsError: its provider is unknown or not installed.
    """
    from bot.answering.generation.chatting import ModelError, Prompt
    from bot.answering.generation.models import open_model
    from bot.answering.generation.resilience import Guarded, Limits

    limits = replace(Limits.within(settings.llm_timeout_s, 1), retries=0)
    model = Guarded(open_model(model_spec(settings, name)), limits)

    async def ask() -> None:
        async with aclosing(model.stream(Prompt("", "请只回答“好”。"), structured=False)) as chunks:
            async for _ in chunks:
                pass

    try:
        asyncio.run(ask())
    except ModelError as exc:
        return exc.kind
    return None


def add_and_build(
    settings: Settings, files: Sequence[Path], *, progress: Progress | None = None, announce: Announce | None = None
) -> str:
    """Add files to the library and rebuild the index; where either fails, both stay as they were. Returns a report.

    Raises:
        KnowledgeError: a file cannot be read, or the index cannot be built.
    """
    with adding(files, settings.data_dir / LIBRARY_FOLDER):
        knowledge = open_knowledge_base(
            settings.data_dir, settings.embedding_model, rebuild=True, progress=progress, announce=announce
        )
    with closing(knowledge):
        lines = [f"《{regulation.name}》 {len(regulation.articles)} 条" for regulation in knowledge.library]
        return "\n".join(["知识库已建好：", *lines, f"共 {len(knowledge.library)} 条，{knowledge.index.size} 个向量。"])


@contextmanager
def open_search(
    settings: Settings,
    collection: Collection,
    *,
    progress: Progress | None = None,
    announce: Announce | None = None,
) -> Iterator[Search]:
    """How an evaluation searches: all the way to the answer over the library's articles, else plain ranking."""
    matched = match_articles(collection.documents, load_library(settings.data_dir / LIBRARY_FOLDER))
    if matched is not None:
        with open_answerer(settings, progress=progress, announce=announce) as answerer:
            yield partial(find, answerer, matched)
        return
    corpus = open_corpus(
        collection.documents, settings.data_dir, settings.embedding_model, progress=progress, announce=announce
    )
    with closing(corpus):
        yield corpus.find


def find(answerer: Answerer, documents: Mapping[str, str], question: str) -> Finding:
    """One question on the whole way to its answer, told in a corpus's ids; `documents` maps article ids to them."""
    answer = answerer.answer_now(question)
    found = answer.ranking or [f"{citation.regulation_id}#{citation.article}" for citation in answer.citations]
    ranking = tuple(documents[article_id] for article_id in found if article_id in documents)
    return Finding(ranking, answer.confidence, declined=answer.status != "answered")


def run_telegram(settings: Settings, *, announce: Announce | None = None) -> None:
    """Open the house and answer on Telegram until stopped.

    Raises:
        SettingsError: there is no token, or a webhook without a secret. StorageError: the database cannot be opened.
        TelegramError: the Bot API refuses the token or cannot be reached.
    """
    from bot.telegram.application import TelegramChannel

    if settings.telegram_token is None:
        raise SettingsError(load_replies()["zh"]("doctor.token_missing"))
    channel = TelegramChannel(settings.telegram_token.get_secret_value(), settings.telegram_api, settings.proxy())
    entrance = entrance_of(settings)
    with _open_house(settings, announce=announce) as join_house:
        asyncio.run(_serve(settings, join_house, channel, entrance))


def entrance_of(settings: Settings) -> "Entrance":
    """How updates come in.

    Raises:
        SettingsError: a webhook without a secret.
    """
    from bot.telegram.application import Entrance
    from bot.telegram.webhook import Address, Webhook

    listen = settings.listen or (DEFAULT_LISTEN if settings.webhook_url else None)
    host, _, port = listen.rpartition(":") if listen else ("", "", "")
    address = Address(host.strip("[]"), int(port)) if listen else None
    if settings.webhook_url is None:
        return Entrance(None, address)
    if settings.webhook_secret is None:
        raise SettingsError(load_replies()["zh"]("doctor.webhook_secret_missing"))
    path = urlsplit(settings.webhook_url).path or "/"
    return Entrance(Webhook(settings.webhook_url, path, settings.webhook_secret.get_secret_value()), address)


async def _serve(
    settings: Settings, join_house: Callable[..., Answerer], channel: "TelegramChannel", entrance: "Entrance"
) -> None:
    from bot.storage.additions import Additions
    from bot.telegram.application import House, serve

    async with open_database(settings) as database:
        stores_turns = settings.conversation == "database"
        house = House(
            answerer=join_house(turns=database.turns if stores_turns else MemoryTurns(), memory=Memory()),
            replies=load_replies(),
            database=database,
            additions=Additions(settings.data_dir / ADDITIONS_FOLDER, database.review),
            allowed=settings.allowed_chats,
            operators=settings.operators,
            retention_days=settings.retention_days,
            stores_turns=stores_turns,
        )
        _spare_the_collector()
        await serve(channel, house, entrance)


def _spare_the_collector() -> None:
    """Keep Python's collector of cycles from what has been loaded, which stays, and from running at every few updates.

    An update is some thousand short-lived objects; looking for cycles among them took a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def database_url(settings: Settings) -> str:
    """Where the database is: the setting's, else a SQLite file in the data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{(settings.data_dir / DATABASE_FILE).absolute()}"


@asynccontextmanager
async def open_database(settings: Settings) -> "AsyncIterator[Database]":
    """The database of these settings.

    Raises:
        StorageError: it cannot be opened or brought up to date.
    """
    from bot.storage.database import Database

    if settings.database_url is None:
        make_private(settings.data_dir)
    async with await Database.open(database_url(settings)) as database:
        yield database


def make_private(folder: Path) -> None:
    """The data folder, for its owner alone; one that belongs to somebody else, or cannot be made, stays as it is."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)


def export_review(settings: Settings, folder: Path) -> int:
    """Write what administrators have made of questions as a BEIR folder; returns how many questions there are.

    Raises:
        StorageError: the database cannot be read. WangguiError: there is nothing yet, or the folder cannot be written.
    """
    from bot.exporting import review_collection, write_collection

    async def read() -> "list[Resolved]":
        async with open_database(settings) as database:
            return await database.review.resolved()

    collection = review_collection(load_library().principal, asyncio.run(read()))
    write_collection(collection, folder)
    return len(collection.queries)


def review_proposals(settings: Settings) -> "list[Proposal]":
    """What administrators propose to teach, and nobody has decided yet.

    Raises:
        StorageError: the database cannot be read.
    """

    async def read() -> "list[Proposal]":
        async with open_database(settings) as database:
            return await database.review.proposals()

    return asyncio.run(read())


def adopt_proposal(settings: Settings, proposal_id: int) -> bool:
    """Let a proposal count from the next start; False where there is none of that id.

    Raises:
        StorageError: it could not be kept, or the files of additions could not be written.
    """

    async def adopt(database: "Database") -> bool:
        proposals = {one.id: one for one in await database.review.proposals()}
        return proposal_id in proposals and await database.review.adopt(proposals[proposal_id], at=datetime.now(UTC))

    return asyncio.run(_change_additions(settings, adopt))


def withdraw_adopted(settings: Settings, adopted_id: int) -> bool:
    """Drop what was proposed or adopted under that id; False where there is nothing.

    Raises:
        StorageError: it could not be dropped, or the files of additions could not be written.
    """
    return asyncio.run(_change_additions(settings, lambda database: database.review.withdraw(adopted_id)))


async def _change_additions(settings: Settings, change: "Callable[[Database], Awaitable[bool]]") -> bool:
    from bot.storage.additions import Additions

    async with open_database(settings) as database:
        done = await change(database)
        if done:
            await Additions(settings.data_dir / ADDITIONS_FOLDER, database.review).write()
        return done


def quiet_logging(settings: Settings) -> None:
    """Log like a command that a person runs: warnings only, unless the settings ask for more."""
    set_up_logging(settings)
    if settings.log_level == "INFO":
        logging.getLogger().setLevel(logging.WARNING)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error; HTTP libraries stay at WARNING, since their URLs hold the bot token.

    `telegram` and `aiosqlite` are kept from DEBUG: what people write stands in those lines.
    """
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("telegram").setLevel(logging.INFO)
    loud = ("httpx", "httpcore", "aiohttp", "uvicorn", "telegram.request", "chromadb", "alembic", "aiosqlite")
    for name in (*loud, "openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)

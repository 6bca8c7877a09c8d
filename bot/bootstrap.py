"""The only place that knows which concrete parts are joined."""

import asyncio
import gc
import hmac
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.answering import finding
from bot.answering.apart import Apart, find_for, tell
from bot.answering.composing import Composer
from bot.answering.finding import Finder
from bot.answering.generation.conversation import MemoryTurns, Turns
from bot.answering.generation.writer import Writer
from bot.answering.remembering import Memory
from bot.answering.service import Answerer
from bot.errors import SettingsError, WangguiError
from bot.settings import Settings, without_secrets
from knowledge.assembly import ADDITIONS_FOLDER, LIBRARY_FOLDER, KnowledgeBase, open_knowledge_base
from knowledge.corpora import match_articles, open_corpus
from knowledge.errors import KnowledgeError
from knowledge.evaluation import Collection, Finding, Search
from knowledge.exemplars import Progress
from knowledge.index import Announce
from knowledge.library import adding, bundled_folder, load_library
from prompts import Language, load_instructions, load_replies

if TYPE_CHECKING:  # the terminal needs none of them
    from bot.answering.generation.models import ModelSpec
    from bot.serving import Address
    from bot.storage.database import Database
    from bot.storage.review import Proposal, Resolved
    from bot.telegram.application import Entrance, TelegramChannel
    from bot.training.bank.drafting import Drafted
    from bot.training.bank.shelf import Shelf
    from bot.training.ledgers import Ledgers
    from bot.training.model import Conductor
    from bot.web.wall import Wall
    from knowledge.bank.items import Bank

ANSWERING_THREADS: Final = 1
FINDING_COMMAND: Final = "find-apart"
"""The command of `bot.cli` that runs `find_apart`."""
DEFAULT_LISTEN: Final = "127.0.0.1:8080"
DATABASE_FILE: Final = "wanggui.db"
BANK_FOLDER: Final = "bank"
DRAFTING_S: Final = 90.0
"""What a batch of items may take: nobody in a chat waits for it."""


@contextmanager
def open_answerer(
    settings: Settings, *, progress: Progress | None = None, announce: Announce | None = None
) -> Iterator[Answerer]:
    """An answerer over the knowledge base of these settings, built first where it must be.

    Raises:
        KnowledgeError, PromptError: something the house stands on is unusable. SettingsError: the language model is.
    """
    writer = open_writer(settings)
    knowledge = open_knowledge_base(settings.data_dir, settings.embedding_model, progress=progress, announce=announce)
    with closing(knowledge), ThreadPoolExecutor(ANSWERING_THREADS, thread_name_prefix="answering") as executor:
        yield join(knowledge, executor, writer=writer, turns=MemoryTurns())


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
        async with (
            aclosing(model),
            aclosing(model.stream(Prompt("", "请只回答“好”。"), structured=False)) as chunks,
        ):
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


def run_telegram(settings: Settings) -> None:
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
    asyncio.run(_serve(settings, open_writer(settings), channel, entrance))


def entrance_of(settings: Settings) -> "Entrance":
    """How updates come in.

    Raises:
        SettingsError: a webhook without a secret.
    """
    from bot.telegram.application import Entrance
    from bot.telegram.webhook import Webhook

    listen = settings.listen or (DEFAULT_LISTEN if settings.webhook_url or settings.wall_url else None)
    address = address_of(listen) if listen else None
    if settings.webhook_url is None:
        return Entrance(None, address)
    if settings.webhook_secret is None:
        raise SettingsError(load_replies()["zh"]("doctor.webhook_secret_missing"))
    path = urlsplit(settings.webhook_url).path or "/"
    return Entrance(Webhook(settings.webhook_url, path, settings.webhook_secret.get_secret_value()), address)


def address_of(listen: str) -> "Address":
    """Where `host:port` is."""
    from bot.serving import Address

    host, _, port = listen.rpartition(":")
    return Address(host.strip("[]"), int(port))


def wall_of(settings: Settings, entrance: "Entrance") -> "Callable[[Ledgers, Conductor], Wall] | None":
    """What makes the projector page; None where nothing is served.

    Its links are signed with a key that comes of the bot's token: every replica reads them, and no file holds it.
    """
    from bot.web.links import Links
    from bot.web.wall import Wall

    if entrance.address is None or settings.telegram_token is None:
        return None
    key = hmac.digest(settings.telegram_token.get_secret_value().encode(), b"the wall's links", "sha256")
    base = settings.wall_url or f"http://{entrance.address}"
    return lambda ledgers, conductor: Wall(ledgers, conductor, Links(key), base, load_replies())


def run_demo(settings: Settings, *, people: int, speed: float, stays: bool) -> None:
    """Play a session with invented people, in the terminal and on the projector page.

    Raises:
        AddressError: the address cannot be listened at. StorageError: there is no room for its database.
    """
    from rich.console import Console

    from bot.demo import play

    console = Console()

    async def stay() -> None:
        if stays:
            console.print(load_replies()["zh"]("demo.ended"))
            await asyncio.Event().wait()

    address = address_of(settings.listen or DEFAULT_LISTEN)
    base = settings.wall_url or f"http://{address}"
    bank, regulation = read_bank(settings), load_library().principal
    asyncio.run(play(bank, regulation, address, base, console, people=people, speed=speed, stay=stay))


async def _serve(settings: Settings, writer: Writer | None, channel: "TelegramChannel", entrance: "Entrance") -> None:
    from bot.storage.additions import Additions
    from bot.telegram.application import House, serve

    async with open_apart(settings) as make_answerer, open_database(settings) as database:
        stores_turns = settings.conversation == "database"
        turns = database.turns if stores_turns else MemoryTurns()
        house = House(
            answerer=make_answerer(writer=writer, turns=turns, memory=Memory()),
            replies=load_replies(),
            database=database,
            additions=Additions(settings.data_dir / ADDITIONS_FOLDER, database.review),
            allowed=settings.allowed_chats,
            operators=settings.operators,
            retention_days=settings.retention_days,
            stores_turns=stores_turns,
            bank=read_bank(settings),
            wall=wall_of(settings, entrance),
        )
        spare_the_collector()
        async with aclosing(house.answerer):
            await serve(channel, house, entrance)


@asynccontextmanager
async def open_apart(settings: Settings) -> AsyncIterator[Callable[..., Answerer]]:
    """What makes an answerer that finds in a process of its own; the process lives as long as the block.

    Raises:
        CannotFind, KnowledgeError: the knowledge base is unusable.
    """
    library, replies = load_library(settings.data_dir / LIBRARY_FOLDER), load_replies()

    def unavailable(question: str, language: Language) -> finding.Finding:
        answer = Composer(library.principal, replies[language]).unavailable(question, "failed")
        return finding.Finding(answer, wordable=False)

    command = (sys.executable, "-P", "-m", "bot", FINDING_COMMAND, str(settings.data_dir.absolute()))
    told = (settings.embedding_model, settings.log_level)
    async with Apart((*command, *told), unavailable, _our_environment()) as apart:
        yield partial(Answerer, library, None, replies, seek=apart.find)


def _our_environment() -> dict[str, str]:
    """What a process of ours is told: no secret, and where this package lies where that is a checkout."""
    root = Path(__file__).parents[1]
    environment = without_secrets()
    if root.name != "site-packages":
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return environment


def find_apart(data_dir: Path, model: str, *, announce: Announce | None = None) -> None:
    """Be the process that `open_apart` asks: questions come by standard input, findings go to standard output.

    It ends with its input, or with the process that began it; a SIGTERM to all of a group is for the bot to see to.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever libraries print goes to standard error
        try:
            knowledge = open_knowledge_base(data_dir, model, announce=announce)
        except KnowledgeError as exc:
            tell(answers, str(exc))
            return
        with closing(knowledge):
            finder = Finder(knowledge.library, knowledge.retriever, load_replies())
            spare_the_collector()
            find_for(finder, sys.stdin.buffer, answers)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def spare_the_collector() -> None:
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
    async with await Database.open(database_url(settings), settings.data_dir) as database:
        yield database


def feel_pulse(settings: Settings) -> list[str]:
    """What the bot that runs on this machine says is wrong with it; nothing where all is well.

    Raises:
        SettingsError: it listens nowhere.
    """
    import http.client
    import json

    listen = settings.listen or (DEFAULT_LISTEN if settings.webhook_url else None)
    if listen is None:
        raise SettingsError(load_replies()["zh"]("doctor.listens_nowhere"))
    host, _, port = listen.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104 - compared, not bound
    try:
        connection = http.client.HTTPConnection(here, int(port), timeout=5)
        connection.request("GET", "/healthz")
        told = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return [f"{listen}: {type(exc).__name__}"]
    return [str(problem) for problem in told.get("problems", ["?"])]


def back_up(settings: Settings, path: Path | None) -> tuple[Path, int]:
    """Write a backup; where it lies, and how many rows of the database are in it.

    Raises:
        StorageError: the database cannot be read, or the file cannot be written.
    """
    from bot.storage.backup import write_backup

    name = f"backup-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    target = path or settings.data_dir / name
    folders = [settings.data_dir / folder for folder in (LIBRARY_FOLDER, ADDITIONS_FOLDER)]
    return target, asyncio.run(write_backup(database_url(settings), target, folders))


def put_back(settings: Settings, path: Path) -> int:
    """Put a backup in the place of what is there; how many rows it had.

    Raises:
        StorageError: it is no backup, a bot runs, or the database cannot be written; then nothing has been changed.
    """
    from bot.storage.backup import read_backup

    if settings.database_url is None:
        make_private(settings.data_dir)
    return asyncio.run(read_backup(database_url(settings), path, settings.data_dir))


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


def open_shelf(settings: Settings) -> "Shelf":
    """The bank of the bundled regulation, with what a trainer has added to it in the data folder.

    Raises:
        BankError: what ships is damaged.
    """
    from bot.training.bank.shelf import Shelf
    from knowledge.bank.reading import load_bank

    regulation = load_library().principal
    shipped = load_bank(bundled_folder() / regulation.id, regulation)
    return Shelf(settings.data_dir / BANK_FOLDER, shipped, regulation)


def read_bank(settings: Settings) -> "Bank":
    """The bank that the bot runs with: what is damaged or does not pass is left out, and logged.

    Raises:
        BankError: what ships is damaged.
    """
    bank, lost = open_shelf(settings).sound()
    for line in lost:
        logging.getLogger(__name__).warning("left out of the bank: %s", line)
    return bank


def draft_items(settings: Settings, shelf: "Shelf", number: int, count: int) -> "Drafted":
    """Have the language model of these settings draft items of one article.

    Raises:
        SettingsError: there is no model, or it is unusable. ModelError: it gave nothing usable.
        WangguiError: there is no such article, or the drafts cannot be written.
    """
    from bot.answering.generation.models import open_model
    from bot.answering.generation.resilience import Guarded, Limits
    from bot.training.bank.drafting import ITEMS, Drafter

    say = load_replies()["zh"]
    if settings.llm_model is None:
        raise SettingsError(say("bank.no_model"))
    regulation = load_library().principal
    article = regulation.article(number)
    if article is None:
        raise WangguiError(say("bank.remark_article", number=number, last=regulation.last))
    patience_s = max(settings.llm_timeout_s, DRAFTING_S)
    spec = replace(model_spec(settings, settings.llm_model), timeout_s=patience_s)
    model = Guarded(open_model(spec, ITEMS), Limits.within(patience_s, 1))

    async def draft() -> "Drafted":
        async with aclosing(model):
            return await Drafter(model, load_instructions()["zh"], shelf, say).draft(article, count)

    return asyncio.run(draft())


def quiet_logging(settings: Settings) -> None:
    """Log like a command that a person runs: warnings only, unless the settings ask for more."""
    set_up_logging(settings)
    if settings.log_level == "INFO":
        logging.getLogger().setLevel(logging.WARNING)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error as loudly as the settings say."""
    log_at(settings.log_level)


def log_at(level: str) -> None:
    """Log to standard error; HTTP libraries stay at WARNING, since their URLs hold the bot token.

    `telegram` and `aiosqlite` are kept from DEBUG: what people write stands in those lines.
    """
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("telegram").setLevel(logging.INFO)
    loud = ("httpx", "httpcore", "aiohttp", "uvicorn", "telegram.request", "chromadb", "alembic", "aiosqlite")
    for name in (*loud, "openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)

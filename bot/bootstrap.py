"""The only place that knows which concrete parts are joined."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from bot.answering.service import Answerer
from bot.errors import SettingsError
from bot.settings import Settings
from knowledge.assembly import LIBRARY_FOLDER, KnowledgeBase, open_knowledge_base
from knowledge.corpora import match_articles, open_corpus
from knowledge.evaluation import Collection, Finding, Search
from knowledge.exemplars import Progress
from knowledge.index import Announce
from knowledge.library import adding, load_library
from prompts import load_replies

ANSWERING_THREADS = 2


@contextmanager
def open_answerer(
    settings: Settings, *, progress: Progress | None = None, announce: Announce | None = None
) -> Iterator[Answerer]:
    """An answerer over the knowledge base of these settings, built first where it must be.

    Raises:
        KnowledgeError, PromptError: something the house stands on is unusable.
    """
    knowledge = open_knowledge_base(settings.data_dir, settings.embedding_model, progress=progress, announce=announce)
    with closing(knowledge), ThreadPoolExecutor(ANSWERING_THREADS, thread_name_prefix="answering") as executor:
        yield join(knowledge, executor)


def join(knowledge: KnowledgeBase, executor: ThreadPoolExecutor | None = None) -> Answerer:
    """An answerer over an opened knowledge base."""
    return Answerer(knowledge.library, knowledge.retriever, load_replies(), executor)


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
    """Open the house and poll Telegram until stopped.

    Raises:
        SettingsError: there is no token. TelegramError: the Bot API refuses it or cannot be reached.
    """
    from bot.telegram.application import TelegramChannel, run_polling

    if settings.telegram_token is None:
        raise SettingsError(load_replies()["zh"]("doctor.token_missing"))
    with open_answerer(settings, announce=announce) as answerer:
        channel = TelegramChannel(settings.telegram_token.get_secret_value(), settings.telegram_api)
        run_polling(channel, answerer, load_replies())


def quiet_logging(settings: Settings) -> None:
    """Log like a command that a person runs: warnings only, unless the settings ask for more."""
    set_up_logging(settings)
    if settings.log_level == "INFO":
        logging.getLogger().setLevel(logging.WARNING)


def set_up_logging(settings: Settings) -> None:
    """Log to standard error; `httpx` stays at WARNING, since its URLs hold the bot token.

    `telegram` never goes below INFO: what people write stands in its DEBUG lines.
    """
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("telegram").setLevel(logging.INFO)
    for name in ("httpx", "httpcore", "telegram.request", "chromadb"):
        logging.getLogger(name).setLevel(logging.WARNING)

"""Joins the handlers to python-telegram-bot and to our own ways in and out, and runs until stopped.

updates:  poller or webhook -> post (inbox) -> reception -> lanes -> handlers
answers:  handlers -> delivery -> transport
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from telegram.error import InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder

from bot import errors
from bot.answering.service import Answerer
from bot.serving import Address, serving
from bot.storage.additions import Additions
from bot.storage.database import Database
from bot.storage.inbox import SqlInbox
from bot.telegram.administrators import Administrators
from bot.telegram.admission import Admission
from bot.telegram.backlog import Backlog
from bot.telegram.conducting import Conducting
from bot.telegram.delivery import Delivery
from bot.telegram.handlers import HANDLERS
from bot.telegram.health import Health, WebhookWatch
from bot.telegram.intake import Bot
from bot.telegram.lanes import Lanes
from bot.telegram.limits import PersonBudget, Twins
from bot.telegram.menus import name_commands
from bot.telegram.metering import Meter
from bot.telegram.parts import Parts, Wall
from bot.telegram.polling import Poller
from bot.telegram.post import Post
from bot.telegram.probing import ALLOWED_UPDATES, look, remarks
from bot.telegram.rawbot import RawBot
from bot.telegram.reception import Reception
from bot.telegram.transport import AiohttpRequest
from bot.telegram.webhook import Webhook, build_site
from bot.training.ledgers import Ledgers
from bot.training.model import Conductor
from knowledge.bank.items import Bank
from prompts import Language, Replies

WEBHOOK_CONNECTIONS: Final = 100
FINISH_S: Final = 5.0
"""How long answers in hand may take after SIGTERM."""
STOP_S: Final = 1.0
"""How long the last updates may take to be stored."""
_FIRST_ATTEMPTS: Final = 4

App = Application[Any, Any, Any, Any, Any, Any]
Until = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TelegramChannel:
    """Where the Bot API is and how to log in; neither the token nor a proxy's password shows in a representation."""

    token: str = field(repr=False)
    api_root: str
    proxy: str | None = field(default=None, repr=False)

    def bot(self) -> tuple[RawBot, AiohttpRequest]:
        """A bot on our own transport, and the transport; updates have a connection to themselves."""
        transport = AiohttpRequest(proxy=self.proxy)
        bot = RawBot(
            self.token,
            base_url=f"{self.api_root}/bot",
            base_file_url=f"{self.api_root}/file/bot",
            request=transport,
            get_updates_request=AiohttpRequest(connections=2, proxy=self.proxy),
        )
        return bot, transport


@dataclass(frozen=True, slots=True)
class Entrance:
    """How updates come in: through the webhook, or by polling where there is none; and where `/healthz` listens."""

    webhook: Webhook | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class House:
    """What the channel is given to answer with; `stores_turns`: conversations are written to the database.

    `wall` makes the projector page of its sessions, to be served at the channel's address.
    """

    answerer: Answerer
    replies: Mapping[Language, Replies]
    database: Database
    additions: Additions
    allowed: frozenset[int]
    operators: frozenset[int]
    retention_days: int
    stores_turns: bool = False
    bank: Bank = field(default_factory=Bank)
    wall: Callable[[Ledgers, Conductor], Wall] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Where updates come in: stored first, then answered."""

    inbox: SqlInbox
    post: Post
    reception: Reception
    meter: Meter


async def until_signalled() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def serve(channel: TelegramChannel, house: House, entrance: Entrance, until: Until = until_signalled) -> None:
    """Answer until the awaitable that `until` returns is done; updates in hand are finished first.

    Raises:
        errors.TelegramError: the token is refused, or the Bot API cannot be reached.
        errors.AddressError: the address is taken.
    """
    say = house.replies["zh"]
    bot, transport = channel.bot()
    application: App = ApplicationBuilder().bot(bot).updater(None).build()
    started = datetime.now(UTC)
    try:
        await _log_in(application)
    except InvalidToken as exc:
        raise errors.TelegramError(say("doctor.token_refused")) from exc
    except TelegramError as exc:
        raise errors.TelegramError(say("doctor.token_unreachable", root=channel.api_root)) from exc
    try:
        lanes = Lanes()
        async with _furnished(application, house, lanes) as parts:
            await _look_around(bot, transport, entrance, say)
            await name_commands(bot, house.replies)
            async with _receiving(application, parts, lanes, started) as desk:
                if entrance.webhook is None:
                    await _poll(bot, desk, parts, entrance, until)
                else:
                    await _listen(bot, desk, parts, entrance, entrance.webhook, until)
    finally:
        await application.shutdown()


async def _log_in(application: App) -> None:
    """Ask who the bot is; a hiccup of the network is no reason not to start."""
    for attempt in range(1, _FIRST_ATTEMPTS + 1):
        try:
            await application.initialize()
        except InvalidToken:
            await _let_go(application)
            raise
        except TelegramError:
            if attempt == _FIRST_ATTEMPTS:
                await _let_go(application)
                raise
            await asyncio.sleep(0.25 * 2**attempt)
        else:
            return


async def _let_go(application: App) -> None:
    with suppress(TelegramError, RuntimeError):
        await application.bot.shutdown()


@asynccontextmanager
async def _furnished(application: App, house: House, lanes: Lanes) -> AsyncIterator[Parts]:
    """The parts, with every handler registered and started; afterwards each is told to stop."""
    me, meter = application.bot.bot, Meter()
    delivery = Delivery(application.bot, house.database.migrate_chat, meter=meter)
    ledgers = Ledgers(house.database.training, house.answerer.library.principal)
    conducting = Conducting(
        delivery,
        ledgers,
        house.replies,
        me.username or "",
        _now,
        lanes=lanes,
        retention=timedelta(days=house.retention_days),
        projects=house.wall is not None,
    )
    parts = Parts(
        answerer=house.answerer,
        replies=house.replies,
        bot=Bot(me.id, me.username or ""),
        database=house.database,
        delivery=delivery,
        budget=PersonBudget(),
        twins=Twins(),
        admission=Admission(house.allowed, house.operators),
        administrators=Administrators(application.bot),
        clock=_now,
        operators=house.operators,
        additions=house.additions,
        retention_days=house.retention_days,
        conducting=conducting,
        bank=house.bank,
        stores_turns=house.stores_turns,
        meter=meter,
        wall=house.wall(ledgers, conducting) if house.wall else None,
    )
    parts.admission.register(application, parts)
    handlers = [make(parts) for make in HANDLERS]
    for handler in handlers:
        handler.register(application)
    await _tell(handlers, "started")
    try:
        yield parts
    finally:
        await _tell(reversed(handlers), "stopping")
        await parts.delivery.close()


@asynccontextmanager
async def _receiving(application: App, parts: Parts, lanes: Lanes, started: datetime) -> "AsyncIterator[Desk]":
    """The way from the inbox to the handlers; what is in hand at the end is finished, or given back to the inbox."""
    inbox = await parts.database.open_inbox()
    post = Post(inbox, parts.meter)
    reception = Reception(application, parts, Backlog(parts, started), post, lanes)
    post.start(reception.accept, lambda: not reception.full)
    try:
        yield Desk(inbox, post, reception, parts.meter)
    finally:
        await reception.lanes.finish(FINISH_S)
        await inbox.close(reception.begun)


def _now() -> datetime:
    return datetime.now(UTC)


async def _tell(handlers: Iterable[object], event: str) -> None:
    """Call `started` or `stopping` of those handlers that have something running beside them."""
    for handler in handlers:
        if told := getattr(handler, event, None):
            await told()


@asynccontextmanager
async def _open_site(
    desk: Desk, parts: Parts, health: Health, webhook: Webhook | None, address: Address
) -> AsyncIterator[None]:
    """Serve everything that this channel has to serve, for as long as the block runs."""
    site = build_site(desk.post, health, webhook, parts.wall.routes if parts.wall else ())
    async with serving(site, address, parts.replies["zh"]):
        try:
            yield
        finally:
            if parts.wall:
                await parts.wall.aclose()


async def _poll(bot: RawBot, desk: Desk, parts: Parts, entrance: Entrance, until: Until) -> None:
    await _remove_webhook(bot)
    poller = Poller(bot, desk.post.take, lambda: desk.post.full or not desk.inbox.leads, ALLOWED_UPDATES)
    health = Health(parts.answerer, lambda: poller.problem, desk.inbox, desk.meter)
    async with _open_site(desk, parts, health, None, entrance.address) if entrance.address else nullcontext():
        polling = asyncio.create_task(poller.run(), name="polling")
        log.info("polling as @%s", bot.username)
        try:
            await until()
        finally:
            poller.stop()
            await asyncio.wait((polling,), timeout=STOP_S)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await asyncio.gather(poller.confirm(desk.post.unstored), desk.reception.lanes.finish(FINISH_S))


async def _listen(bot: RawBot, desk: Desk, parts: Parts, entrance: Entrance, webhook: Webhook, until: Until) -> None:
    assert entrance.address is not None  # noqa: S101 - a webhook has an address
    watch = WebhookWatch(bot, webhook, ALLOWED_UPDATES, WEBHOOK_CONNECTIONS)
    health = Health(parts.answerer, lambda: watch.problem, desk.inbox, desk.meter)
    async with _open_site(desk, parts, health, webhook, entrance.address):
        watching = asyncio.create_task(watch.run(), name="watching the webhook")
        log.info("webhook of @%s at %s:%s", bot.username, entrance.address.host, entrance.address.port)
        try:
            await until()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _remove_webhook(bot: RawBot) -> None:
    """A webhook keeps updates from a poller; what waits for it stays."""
    with suppress(TelegramError):
        await bot.delete_webhook(drop_pending_updates=False)


async def _look_around(bot: RawBot, transport: AiohttpRequest, entrance: Entrance, say: Replies) -> None:
    """One line in the log for everything about the bot's set-up that somebody may want to put right."""
    try:
        found = await look(bot, transport)
    except TelegramError as exc:
        log.warning("the set-up could not be looked at: %s", type(exc).__name__)
        return
    expected = entrance.webhook.url if entrance.webhook else ""
    for remark in remarks(found, ALLOWED_UPDATES, expected):
        if remark.level != "ok":
            log.warning("%s", say(remark.key, **remark.values))

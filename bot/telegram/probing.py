"""How the bot is set up at Telegram, and what about it should be put right: for the start and for `wanggui doctor`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.telegram.rawbot import RawBot
from bot.telegram.transport import AiohttpRequest

ALLOWED_UPDATES: Final = (
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.INLINE_QUERY,
    Update.MY_CHAT_MEMBER,
    Update.POLL,
    Update.POLL_ANSWER,
)
"""The kinds of updates that the handlers need, and nothing else."""

MOST_SKEW_S: Final = 30.0
LISTEN_S: Final = 2
"""How long the doctor polls to see whether somebody else does."""

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What the Bot API said about the bot; `allowed_updates` are empty where it has never asked for any."""

    username: str = ""
    reads_all: bool = False
    joins_groups: bool = True
    inline: bool = True
    webhook_url: str = ""
    allowed_updates: tuple[str, ...] = ()
    skew_s: float | None = None
    second_poller: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about the set-up: how grave it is, and the sentence that says what to do."""

    check: str
    level: Level
    key: str
    values: Mapping[str, object] = field(default_factory=dict)


async def look(bot: Bot, transport: AiohttpRequest) -> Probe:
    """Ask who the bot is and where its updates go.

    Raises:
        telegram.error.TelegramError: as every call.
    """
    me = await bot.get_me()
    webhook = await bot.get_webhook_info()
    return Probe(
        username=me.username or "",
        reads_all=bool(me.can_read_all_group_messages),
        joins_groups=me.can_join_groups is not False,
        inline=me.supports_inline_queries is not False,
        webhook_url=webhook.url,
        allowed_updates=tuple(webhook.allowed_updates or ()),
        skew_s=transport.clock_skew_s,
    )


def remarks(probe: Probe, allowed: Sequence[str], expected_webhook: str) -> Iterator[Remark]:
    """What there is to say; `expected_webhook` is the URL that is to be set, or "" for polling."""
    yield Remark("token", "ok", "doctor.token_ok", {"username": probe.username})
    if probe.reads_all:
        yield Remark("privacy", "warning", "doctor.privacy_off")
    else:
        yield Remark("privacy", "ok", "doctor.privacy_on")
    if not probe.joins_groups:
        yield Remark("groups", "warning", "doctor.groups_off")
    if not probe.inline:
        yield Remark("inline", "warning", "doctor.inline_off")
    if probe.webhook_url and probe.webhook_url != expected_webhook:
        yield Remark("webhook", "warning", "doctor.webhook_other" if expected_webhook else "doctor.webhook_set")
    missing = [kind for kind in allowed if kind not in probe.allowed_updates]
    if probe.allowed_updates and missing:
        yield Remark("updates", "warning", "doctor.updates_missing", {"kinds": ", ".join(missing)})
    if probe.second_poller:
        yield Remark("poller", "warning", "doctor.second_poller")
    if probe.skew_s is not None and abs(probe.skew_s) > MOST_SKEW_S:
        yield Remark("clock", "warning", "doctor.clock_skewed", {"seconds": f"{probe.skew_s:+.0f}"})


def probe(token: str, api_root: str, proxy: str | None, *, listens: bool) -> Probe | Literal["refused", "unreachable"]:
    """Log in once, for the doctor; never raises for what the Bot API answers.

    `listens`: poll for a moment, without confirming anything, to see whether another program does.
    """
    return asyncio.run(_probe(token, api_root, proxy, listens))


async def _probe(
    token: str, api_root: str, proxy: str | None, listens: bool
) -> Probe | Literal["refused", "unreachable"]:
    transport = AiohttpRequest(proxy=proxy)
    bot = RawBot(token, base_url=f"{api_root}/bot", request=transport, get_updates_request=AiohttpRequest(proxy=proxy))
    try:
        async with bot:
            found = await look(bot, transport)
            if listens and not found.webhook_url:
                return replace(found, second_poller=await _is_interrupted(bot))
            return found
    except InvalidToken:
        return "refused"
    except TelegramError:
        return "unreachable"


async def _is_interrupted(bot: RawBot) -> bool:
    """Whether somebody else's poll ends ours; the kinds of updates that are asked for stay as they are."""
    try:
        await bot.get_raw_updates(0, LISTEN_S, 1, None)
    except Conflict:
        return True
    return False

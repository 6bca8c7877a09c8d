"""Asks the Bot API who the bot is and how it is set up, for `wanggui doctor`."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from telegram import Bot
from telegram.error import InvalidToken, TelegramError


@dataclass(frozen=True, slots=True)
class Probe:
    """What the Bot API said; only `outcome` counts where it is not ok."""

    outcome: Literal["ok", "refused", "unreachable"]
    username: str = ""
    privacy_mode: bool = True
    webhook: bool = False


def probe(token: str, api_root: str) -> Probe:
    """Log in once; never raises for what the Bot API answers."""
    return asyncio.run(_probe(token, api_root))


async def _probe(token: str, api_root: str) -> Probe:
    try:
        async with Bot(token, base_url=f"{api_root}/bot", base_file_url=f"{api_root}/file/bot") as bot:
            me = await bot.get_me()
            webhook = await bot.get_webhook_info()
    except InvalidToken:
        return Probe("refused")
    except TelegramError:
        return Probe("unreachable")
    return Probe("ok", me.username or "", not me.can_read_all_group_messages, bool(webhook.url))

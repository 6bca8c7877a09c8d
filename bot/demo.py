"""`wanggui demo`: a whole session with invented people, in the terminal and on the projector page; no token, no group.

It runs on the real engine and a real database, which is thrown away at the end.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from starlette.applications import Starlette

from bot.serving import Address, serving
from bot.storage.database import Database
from bot.training.ledgers import Ledgers
from bot.training.model import SessionPlan
from bot.training.rehearsing import Cast, Rehearsal, rehearsal_plan
from bot.web.links import Links
from bot.web.scenes import Scene, scene_of
from bot.web.wall import Wall
from knowledge.bank.items import Bank
from knowledge.model import Regulation
from prompts import Replies, load_replies

WIDTH: Final = 88
_BAR: Final = 36


async def play(
    bank: Bank,
    regulation: Regulation,
    address: Address,
    base: str,
    console: Console,
    *,
    people: int,
    speed: float,
    stay: Callable[[], Any],
) -> None:
    """Play a session, serving its page at `address`; at the end the page stays for as long as `stay` waits.

    Raises:
        AddressError: the address cannot be listened at. StorageError: the throw-away database cannot be made.
    """
    replies = load_replies()
    say = replies["zh"]
    with tempfile.TemporaryDirectory() as folder:
        async with await Database.open(f"sqlite:///{Path(folder) / 'rehearsal.db'}") as database:
            ledgers = Ledgers(database.training, regulation)
            cast = Cast(people, say("demo.names").split(), say("demo.questions").splitlines())
            rehearsal = Rehearsal(ledgers, database.training, cast, _now, seed=secrets.randbits(32), speed=speed)
            wall = Wall(ledgers, rehearsal, Links(secrets.token_bytes(32)), base, replies, _now)
            async with serving(Starlette(routes=list(wall.routes)), address, say), aclosing(wall):
                plan = rehearsal_plan(bank, _plan(regulation, say), secrets.randbits(32), speed)
                header = await rehearsal.open(plan)
                links = wall.links(header.id)
                console.print(say("demo.opening", people=people))
                console.print(say("demo.view", link=links.view), soft_wrap=True)
                console.print(say("demo.control", link=links.control), soft_wrap=True)
                showing = asyncio.create_task(_show(ledgers, header.id, console, say), name="the terminal")
                await rehearsal.run(header)
                await showing
                await stay()
            await ledgers.close()


def _plan(regulation: Regulation, say: Replies) -> SessionPlan:
    teams = (say("training.team_red"), say("training.team_blue"), say("training.team_green"))
    title = say("training.title", regulation=regulation.title)
    return SessionPlan(
        title, (), anonymous=False, teams=teams, invitation="https://t.me/example", language=say.language
    )


async def _show(ledgers: Ledgers, session_id: int, console: Console, say: Replies) -> None:
    """Every step as a panel that moves while people vote, and stays where it is once the session has moved on."""
    live: Live | None = None
    cursor = -1
    async with aclosing(ledgers.changes.of(session_id)) as changes:
        async for _ in changes:
            shown = await ledgers.snapshot(session_id)
            if shown is None:
                break
            panel = _panel(scene_of(shown, say), say)
            if shown.cursor != cursor:
                if live is not None:
                    live.stop()
                cursor, live = shown.cursor, Live(panel, console=console, auto_refresh=False)
                live.start(refresh=True)
            elif live is not None:
                live.update(panel, refresh=True)
            if shown.closed:
                break
            await asyncio.sleep(0.1)
    if live is not None:
        live.stop()


def _panel(scene: Scene, say: Replies) -> RenderableType:
    title = " · ".join([say("demo.begun", step=scene["step"], steps=scene["steps"]), scene["head"]])
    return Panel(Group(*_lines(scene)), title=title, title_align="left", width=WIDTH, border_style="cyan")


def _lines(scene: Scene) -> list[RenderableType]:
    """What the page shows, in the order in which it is read."""
    bold = [scene[key] for key in ("name", "question") if scene.get(key)]
    lines: list[RenderableType] = [Text(words, style="bold") for words in bold]
    lines += [Text(scene[key]) for key in ("story", "note") if scene.get(key)]
    lines += [Text(f"· {words}") for key in ("agenda", "questions", "asked") for words in scene.get(key, ())]
    if scene.get("options"):
        lines.append(_bars(scene))
    lines += [_article(article) for article in scene.get("articles", ())]
    rows = [*scene.get("teams", ()), *scene.get("people", ())]
    lines += [Text(f"{row['place']}. {row['name']}　{row['points']}") for row in rows if "place" in row]
    lines += [Text(f"{share['label']}　{share['words']}") for share in scene.get("shares", ())]
    return lines


def _bars(scene: Scene) -> Table:
    table = Table.grid(padding=(0, 1))
    for option in scene["options"]:
        style = "green" if option["right"] else "dim" if option["right"] is False else "cyan"
        length = round(_BAR * option["count"] / scene["voters"]) if scene["voters"] else 0
        mark = "✓" if option["right"] else option["letter"]
        table.add_row(Text(f"{mark} {option['text']}"), Text("█" * length, style=style), str(option["count"]))
    return table


def _article(article: Scene) -> Text:
    return Text.assemble(
        (f"〔{article['label']}〕", "bold"), article["before"], (article["quote"], "bold yellow"), article["after"]
    )


def _now() -> datetime:
    return datetime.now(UTC)

"""A trainer's hour with sixty people against the real application: two groups at once, a restart, late votes.

Beside the application stands a count of its own: whoever votes is written down here too, and in the end both must say
the same, to the point, from the database that the application leaves behind.
"""

import asyncio
import json
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from bot.storage.database import Database
from bot.training.ledgers import Ledgers
from bot.training.model import POINTS, Results
from knowledge.bank.items import Bank, QuizItem
from knowledge.bank.reading import load_bank
from knowledge.library import bundled_folder
from knowledge.model import Regulation
from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Message, User
from tests.e2e.stage import Application

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.timeout(300),
]

PEOPLE: Final = 60
PATIENCE_S: Final = 60.0
SEED: Final = 20240114
ITEMS: Final = 4
BEFORE_ITEMS: Final = 2
"""Steps before the first item: agenda, questions."""
RED, BLUE = "红队", "蓝队"


@dataclass
class Room:
    """A group in training, and what its people did as they remember it; `scored`: votes are public."""

    server: BotApiServer
    bank: Bank
    title: str
    scored: bool
    rng: random.Random
    group: Chat = field(init=False)
    boss: User = field(init=False)
    people: list[User] = field(default_factory=list)
    teams: dict[int, str] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)
    answers: list[dict[int, tuple[tuple[int, ...], int]]] = field(default_factory=list)
    items: list[QuizItem] = field(default_factory=list)
    replies: int = 0

    async def gather(self, everybody: list[User]) -> None:
        """The group, its trainer, and those of the people who are in it."""
        self.group, self.boss = self.server.group(self.title), self.server.user(f"主持人{self.title}")
        await self.group.set_status(self.boss, "administrator")
        self.people = everybody
        for person in everybody:
            await self.group.set_status(person, "member")

    async def press(self, message: Message, label: str, user: User | None = None) -> str:
        """Press a button that this message shows or will show; what is said to it."""

        def find() -> str | None:
            shown = self.group.find(message.id)
            texts = shown.buttons if shown else []
            return next((one["callback_data"] for one in texts if one["text"].startswith(label)), None)

        data = await self.server.wait_for(find, PATIENCE_S)
        query = await self.group.press(user or self.boss, message, data)
        answer = await self.server.wait_for(lambda: self.server.callback_answers.get(query), PATIENCE_S)
        return str(answer.get("text", ""))

    async def said(self, words: str, after: Message) -> Message:
        """The first message of the bot's below that one in which these words stand."""

        def find() -> Message | None:
            return next((one for one in self.group.bot_messages if one.id > after.id and words in one.text), None)

        return await self.server.wait_for(find, PATIENCE_S)

    async def open(self) -> Message:
        """From `/train` to the first question; returns the message from which one presses on."""
        asked = await self.group.say(self.boss, f"/train {ITEMS}题")
        panel = (await self.server.wait_for(lambda: self.group.replies_to(asked), PATIENCE_S))[0]
        for label in ("案例 0", "不限时", *(["计分", "2 队"] if self.scored else [])):
            await self.press(panel, label)
            await self.server.wait_for(lambda wanted=f"✓ {label}": self._shows(panel, wanted) or None, PATIENCE_S)  # type: ignore[misc]
        await self.press(panel, "开始")
        agenda = await self.said("会上问我的问题", panel)
        if self.scored:
            for place, person in enumerate(self.people):
                if place % 5:
                    self.teams[person.id] = (RED, BLUE)[place % 2]
                    await self.press(agenda, self.teams[person.id], person)
                if place % 3 == 0:
                    self.named.add(person.id)
                    await self.press(agenda, "记名上榜", person)
        await self.press(agenda, "下一步")
        return await self.said("关于规定", agenda)

    async def ask(self, before: Message) -> Message:
        """Press on to the next question."""
        await self.press(before, "下一步")
        number = len(self.answers) + 1

        def find() -> Message | None:
            newer = [one for one in self.group.bot_messages if one.id > before.id]
            polls = [one for one in newer if one.get("poll", {}).get("question", "").startswith(f"{number}/{ITEMS}. ")]
            return next(iter([*polls, *(one for one in newer if f"第 {number}/{ITEMS} 题" in one.text)]), None)

        message = await self.server.wait_for(find, PATIENCE_S)
        question = message["poll"]["question"].partition(". ")[2] if "poll" in message else message.text.split("\n")[1]
        self.items.append(next(item for item in self.bank.items if item.question == question))
        self.answers.append({})
        return message

    async def vote(self, message: Message, people: list[User]) -> None:
        """Each of these votes, about half of them rightly; in words where there is no poll, some twice."""
        item, cast = self.items[-1], self.answers[-1]
        for person in people:
            right = self.rng.random() < 0.5
            if "poll" in message:
                wrong = [place for place in range(len(item.options)) if (place,) != item.right]
                chosen = item.right if right else (self.rng.choice(wrong),)
                if await self.group.vote(person, message, *chosen):
                    cast[person.id] = (chosen, len(cast))
                continue
            words = [str(item.answer)] if right else ["不知道"]
            for said in ["也许吧", *words] if self.rng.random() < 0.2 else words:
                await self.group.say(person, said, reply_to=message)
                self.replies += 1
            cast[person.id] = ((0,) if right else (1,), len(cast))

    async def stop(self, message: Message) -> Message:
        """收题; returns the answer."""
        await self.press(message, "收题")
        return await self.said("答案：", message)

    def right(self, number: int) -> list[int]:
        """Who was right, by this room's own account."""
        item = self.items[number]
        wanted = item.right if item.options else (0,)
        return [person for person, (choice, _) in self.answers[number].items() if choice == wanted]

    def _shows(self, message: Message, label: str) -> bool:
        shown = self.group.find(message.id)
        return shown is not None and any(button["text"] == label for button in shown.buttons)


async def test_an_hour_with_sixty_people_in_two_groups_at_once(
    built: Path, tmp_path: Path, conduct: Regulation
) -> None:
    home = shutil.copytree(built, tmp_path / "home")
    bank = load_bank(bundled_folder() / conduct.id, conduct)
    async with BotApiServer(delay_scale=0.01) as server:
        everybody = [server.user(f"学员{number:02d}号") for number in range(PEOPLE)]
        scored = Room(server, bank, "一支部", True, random.Random(SEED))
        anonymous = Room(server, bank, "二支部", False, random.Random(SEED + 1))
        application = Application(server, home)
        try:
            await application.start()
            await scored.gather(everybody)
            await anonymous.gather(everybody[20:])
            befores = list(await asyncio.gather(scored.open(), anonymous.open()))
            for number in range(ITEMS):
                rooms = list(zip((scored, anonymous), befores, strict=True))
                asked = await asyncio.gather(*(room.ask(before) for room, before in rooms))
                pairs = list(zip((scored, anonymous), asked, strict=True))
                await asyncio.gather(*(room.vote(message, room.people[:30]) for room, message in pairs))
                if number == 1:
                    await restart_in_the_middle(application, pairs)
                else:
                    await asyncio.gather(*(room.vote(message, room.people[30:55]) for room, message in pairs))
                ends = (end_with_late_votes(room, message, home / "wanggui.db") for room, message in pairs)
                befores = list(await asyncio.gather(*ends))
                if number == 2:
                    for person in everybody[40:45]:  # who leaves keeps what they have
                        await scored.group.set_status(person, "left")
            for room, before in zip((scored, anonymous), befores, strict=True):
                await close(room, before)
        finally:
            await application.stop()
        assert server.violations == []
        assert server.parse_errors == []
        assert "Traceback" not in application.log
        assert not any(str(person["first_name"]) in application.log for person in everybody)
    async with await Database.open(f"sqlite:///{home / 'wanggui.db'}") as database:
        results = {room.title: await read_results(database, room, conduct) for room in (scored, anonymous)}
    check_shares(scored, results[scored.title])
    check_shares(anonymous, results[anonymous.title])
    check_points(scored, results[scored.title])
    assert results[anonymous.title].people == results[anonymous.title].teams == ()
    check_nobody_is_kept(home / "wanggui.db", scored, everybody)


async def restart_in_the_middle(application: Application, pairs: list[tuple[Room, Message]]) -> None:
    """The application stops while a poll is open, people go on voting, and it starts again."""
    await application.stop()
    await asyncio.gather(*(room.vote(message, room.people[30:45]) for room, message in pairs))
    await application.start()
    await asyncio.gather(*(room.vote(message, room.people[45:55]) for room, message in pairs))


async def end_with_late_votes(room: Room, message: Message, path: Path) -> Message:
    """Some vote while the poll is being stopped, and count; some after, and Telegram does not let them."""
    if "poll" not in message:
        await room.server.wait_for(lambda: replies_kept(path, room) >= room.replies or None, PATIENCE_S)
        answer = await room.stop(message)
        await room.group.say(room.people[-1], str(room.items[-1].answer), reply_to=message)
        return answer
    room.server.hang_next("stopPoll", 0.5, chat_id=room.group.id)
    stopping = asyncio.create_task(room.stop(message))
    await room.server.wait_for(lambda: is_stopping(room) or None, PATIENCE_S)
    await room.vote(message, room.people[55:58])
    answer = await stopping
    cast = dict(room.answers[-1])
    await room.vote(message, room.people[58:])
    assert room.answers[-1] == cast
    late = {
        "poll_id": message["poll"]["id"],
        "user": room.people[-1],
        "option_ids": [0],
        "option_persistent_ids": ["0"],
    }
    room.server.push("poll_answer", late, "late")
    return answer


def replies_kept(path: Path, room: Room) -> int:
    """How many replies to questions in words the application has taken, as its database tells."""
    words = [place for place, item in enumerate(room.items) if not item.options]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT payload FROM session_events JOIN sessions ON id = session_id WHERE chat_id = ? AND kind = 'voted'",
            (room.group.id,),
        ).fetchall()
    return sum(json.loads(payload)["step"] - BEFORE_ITEMS in words for (payload,) in rows)


def is_stopping(room: Room) -> bool:
    """Whether Telegram has been asked to end a poll here, and has not done so yet."""
    calls = [call for call in room.server.requests if call.method == "stopPoll" and call.chat_id == room.group.id]
    return any(not call.status for call in calls)


async def close(room: Room, before: Message) -> None:
    """The board, and the end."""
    await room.press(before, "下一步")
    board = await room.said("结果", before)
    if room.scored:
        assert RED in board.text
        shown = {person["first_name"] for person in room.people if str(person["first_name"]) in board.text}
        assert shown <= {person["first_name"] for person in room.people if person.id in room.named}
    await room.press(board, "下一步")
    await room.said("谢谢大家", board)


async def read_results(database: Database, room: Room, regulation: Regulation) -> Results:
    header = await database.training.latest_in(room.group.id)
    assert header is not None
    assert header.closed_at is not None
    results = await Ledgers(database.training, regulation).results(header.id)
    assert results is not None
    return results


def check_shares(room: Room, results: Results) -> None:
    """How many answered and how many were right, item by item."""
    assert [one.item for one in results.items] == room.items
    for number, one in enumerate(results.items):
        cast = room.answers[number]
        assert one.voters == len(cast) > 20
        tells = room.scored or not one.item.options or len(one.item.right) == 1
        assert one.right == (len(room.right(number)) if tells else None)
        counts = Counter(place for choice, _ in cast.values() for place in choice)
        assert one.counts == tuple(counts[place] for place in range(len(one.counts)))


def check_points(room: Room, results: Results) -> None:
    """Points of those who are named, and of the teams."""
    names = {person.id: str(person["first_name"]) for person in room.people}
    points = Counter(person for number in range(ITEMS) for person in room.right(number))
    assert {row.name: row.points for row in results.people} == {
        names[person]: POINTS * points[person] for person in room.named
    }
    for team in (RED, BLUE):
        members = {person for person, theirs in room.teams.items() if theirs == team}
        ours = sum(person in members for number in range(ITEMS) for person in room.right(number))
        (row,) = [row for row in results.teams if row.name == team]
        assert row.points == Fraction(POINTS * ours, len(members))
        assert row.right == ours


def check_nobody_is_kept(path: Path, room: Room, everybody: list[User]) -> None:
    """What lies on the disk names those alone who agreed, and leads to nobody else."""
    with closing(sqlite3.connect(path)) as connection:
        events = connection.execute("SELECT payload, voter FROM session_events").fetchall()
        consents = {person for (person,) in connection.execute("SELECT person_id FROM consents")}
        sessions = connection.execute("SELECT salt, trainer_id FROM sessions").fetchall()
    assert consents == room.named
    assert sessions == [(b"", 0), (b"", 0)]
    assert len(events) > 400
    payloads = [json.loads(payload) for payload, _ in events]
    known = {"plan", "step", "what", "message_id", "poll_id", "choice", "counts", "voters", "team"}
    assert {key for payload in payloads for key in payload} == known
    assert {voter for _, voter in events}.isdisjoint(str(person.id) for person in everybody)
    written = json.dumps(payloads, ensure_ascii=False)
    assert not any(str(person["first_name"]) in written for person in everybody)

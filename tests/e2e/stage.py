"""The stage of the scripted group day: hands that count what they do, the process on trial, and the audit at the end.

Everything said goes through a `Scene`, which notes how many replies it must have had when the day is over. No step
sleeps: a step waits for what it expects, and silence is audited after a last question in every chat, since updates of
one chat are read in order.
"""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.botapi import BotApiServer
from tests.botapi.chats import Chat, Json, Message, User, snapshot
from tests.botapi.delivery import Update
from tests.botapi.entities import detect, entity_over
from tests.e2e.conftest import environment

MENTION: Final = "@wanggui_bot"
PATIENCE_S: Final = 90.0
SEED: Final = 20240114
PHOTO: Final = [{"file_id": "x", "file_unique_id": "x", "width": 1, "height": 1}]
WRITING: Final = ("sendMessage", "sendPhoto", "sendChatAction", "editMessageText", "editMessageReplyMarkup")

CHATTER: Final = (
    "大家早", "今天谁值班？", "能翻墙吗", "食堂几点开饭？", "收到", "👍👍", "第十四条", "哈哈哈", "@laowang 你看一下",
    "给主播刷礼物行不行？", "/ask@other_bot 能翻墙吗", "谢谢", "明天开会吗", "<b>注意</b> & 别迟到", "wanggui_bot 在吗",
    "https://example.org/?q=@wanggui_bot", "《规定》出了没有", "谁知道怎么举报？", "😀" * 64, "\u200b\u200b",
)  # fmt: skip

Found = TypeVar("Found")


@dataclass
class Said:
    """Something that a person said, and how many replies it must have at the end of the day."""

    chat: Chat
    message: Message
    replies: int
    words: str


class Application:
    """`wanggui run` as a process that can be stopped and started again; its log is one file."""

    def __init__(self, server: BotApiServer, folder: Path, **settings: str) -> None:
        self._server, self._folder = server, folder
        access = {"WANGGUI_TELEGRAM_TOKEN": server.token, "WANGGUI_TELEGRAM_API": server.base_url}
        self._environment = environment(folder, **access, WANGGUI_LOG_LEVEL="DEBUG", **settings)
        self._ready = "setWebhook" if "WANGGUI_WEBHOOK_URL" in settings else "getUpdates"
        self._log = folder / "day.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        """All that it has written to standard error."""
        return self._log.read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start it, and wait until it takes updates."""
        before = self._calls()
        with self._log.open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env=self._environment,
                cwd=self._folder,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

        def ready() -> bool:
            assert process.returncode is None, self.log[-2000:]
            return self._calls() > before

        await self._server.wait_for(lambda: ready() or None, PATIENCE_S)

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has; it must say that all is well."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, self.log[-2000:]

    def _calls(self) -> int:
        return sum(request.method == self._ready for request in self._server.requests)


@dataclass
class Day:
    """What all scenes share: the server, what was said, and how many steps were taken."""

    server: BotApiServer
    operator: User
    steps: int = 0
    said: dict[tuple[int, int], Said] = field(default_factory=dict)
    chats: list[Chat] = field(default_factory=list)
    unprompted: Counter[int] = field(default_factory=Counter)
    refusals: Counter[int] = field(default_factory=Counter)
    kept: dict[str, Any] = field(default_factory=dict)

    async def play(self, scenes: Sequence[Callable[["Scene"], Any]]) -> None:
        """Play scenes side by side, begun in an order that the seed decides."""
        shuffled = random.Random(SEED).sample(scenes, len(scenes))
        async with asyncio.TaskGroup() as group:
            for scene in shuffled:
                group.create_task(scene(Scene(self, random.Random(f"{SEED}{scene.__name__}"))), name=scene.__name__)

    async def end(self) -> None:
        """A last question in every chat: once it is answered, everything said there before has been dealt with."""
        await self.play([_last_question(chat) for chat in self.chats if chat.successor is None])

    def audit(self, log: str) -> list[str]:
        """Everything that went wrong over the whole day."""
        return [*self._answers(), *self._strays(), *self._calls_at_rest(), *self._leaks(log)]

    def _answers(self) -> list[str]:
        return [
            f"{said.chat.title or 'private'}: {said.words!r:.60} has {count} replies instead of {said.replies}"
            for said in self.said.values()
            if (count := len(replies_of_bot(said.chat, said.message))) != said.replies
        ]

    def _strays(self) -> list[str]:
        """What the bot said in reply to nothing that was addressed to it, beyond what the story expects."""
        found: list[str] = []
        for chat in self.chats:
            answered = {number for (chat_id, number), said in self.said.items() if chat_id == chat.id and said.replies}
            said = [message for message in chat.bot_messages if "forum_topic_created" not in message]
            strays = [message for message in said if message.reply_to_id not in answered]
            if len(strays) != self.unprompted[chat.id]:
                texts = [message.text[:40] for message in strays]
                found.append(f"{chat.title or 'private'}: {self.unprompted[chat.id]} expected unprompted, not {texts}")
        return found

    def _calls_at_rest(self) -> list[str]:
        """Calls that reached the server while it wanted their chat to be left alone (times are those of arrival)."""
        rests = [
            (call.chat_id, call.time, call.time + call.response["parameters"]["retry_after"])
            for call in self.server.requests
            if call.status == 429
        ]
        return [
            f"{call.method} {call.time - start:.3f} s into the {end - start:.0f} s of rest of chat {chat_id}"
            for chat_id, start, end in rests
            for call in self.server.requests
            if call.method in WRITING and call.chat_id == chat_id and start < call.time < end
        ]

    def _leaks(self, log: str) -> list[str]:
        secrets = {self.server.token} | {said.words for said in self.said.values()}
        secrets |= {str(user["first_name"]) for user in self.server.users.values() if not user["is_bot"]}
        secrets |= {chat.title for chat in self.chats}
        return [f"the log holds {secret!r:.60}" for secret in secrets if len(secret.strip()) > 3 and secret in log]


class Scene:
    """The hands of the people in one part of the day; `rng` is its own, so that every run takes the same steps."""

    def __init__(self, day: Day, rng: random.Random) -> None:
        self.day, self.server, self.rng = day, day.server, rng
        self.bystanders = [self.person(name) for name in ("老赵", "小钱", "老孙")]

    # The cast and the places.

    def person(self, name: str = "小李", **fields: Any) -> User:
        """Somebody new."""
        return self.server.user(name, **fields)

    def group(self, title: str = "支部", *, hears_all: bool = True, **fields: Any) -> Chat:
        """A new group; `hears_all`: Telegram delivers what is not for the bot, too."""
        chat = self.server.group(title, **fields)
        chat.privacy_mode = not hears_all
        self.day.chats.append(chat)
        return chat

    def private(self, user: User) -> Chat:
        """The private chat with somebody."""
        if user.id not in self.server.chats:
            self.day.chats.append(self.server.private_chat(user))
        return self.server.private_chat(user)

    async def administrator(self, group: Chat, name: str = "书记") -> User:
        """Somebody who administers that group."""
        boss = self.person(name)
        await group.set_status(boss, "administrator")
        return boss

    # What people do; each is a step.

    async def tell(self, chat: Chat, user: User, text: str | None, *, replies: int = 1, **fields: Any) -> Message:
        """Say something that is addressed to the bot (or is not: `replies=0`), and do not wait."""
        self.day.steps += 1
        message = await chat.say(user, text, **fields)
        self.day.said[chat.id, message.id] = Said(chat, message, replies, _words(message.text))
        return message

    async def ask(self, chat: Chat, user: User, text: str | None, expected: str = "", **fields: Any) -> Message:
        """Say something, and wait for the reply, in which `expected` must stand."""
        return await self.answer(chat, await self.tell(chat, user, text, **fields), expected)

    async def answer(self, chat: Chat, asked: Message, expected: str = "") -> Message:
        """The reply to a message, once it has come."""
        reply = (await self.until(lambda: replies_of_bot(chat, asked)))[0]
        assert expected in reply.text, f"{asked.text!r:.60}: no {expected!r} in {reply.text!r:.200}"
        return reply

    async def chatter(self, chat: Chat, count: int, **fields: Any) -> None:
        """Bystanders talk among themselves."""
        for text in self.rng.choices(CHATTER, k=count):
            await self.tell(chat, self.rng.choice(self.bystanders), text, replies=0, **fields)

    async def show_photo(self, chat: Chat, user: User, caption: str, **fields: Any) -> Message:
        """A picture with a caption."""
        entities = [entity for entity in detect(caption) if entity["type"] == "mention"]
        return await self.tell(chat, user, None, photo=PHOTO, caption=caption, caption_entities=entities, **fields)

    async def edit(self, chat: Chat, message: Message, text: str, *, replies: int | None = None) -> None:
        """Change what was said; `replies`: how many it must have from now on, where that changes."""
        self.day.steps += 1
        said = self.day.said[chat.id, message.id]
        said.replies = said.replies if replies is None else replies
        said.words = _words(text)
        await chat.edit(message, text)

    async def edited(self, chat: Chat, message: Message, text: str, expected: str) -> Message:
        """Change a question, and wait until its one answer says what is expected."""
        await self.edit(chat, message, text)
        (reply,) = replies_of_bot(chat, message)
        await self.until(lambda: expected in self.now(chat, reply).text)
        return reply

    async def press(self, chat: Chat, user: User, message: Message, label: str, shows: str | None = None) -> Json:
        """Press the button with this label (or the first that begins so); `shows`: what the message says afterwards."""
        shown = await self.until(lambda: self._with_button(chat, message, label))
        exact = [button for button in shown.buttons if button["text"] == label]
        (button, *_) = exact or [button for button in shown.buttons if button["text"].startswith(label)]
        answer = await self._pressed(await chat.press(user, shown, button["callback_data"]))
        if shows is not None:
            await self.until(lambda: shows in self.now(chat, message).text)
        return answer

    async def press_raw(self, user: User, data: str | None, **fields: Any) -> Json:
        """A button press as no keyboard of ours would send it; `fields` say where the button stands."""
        query = self.server.new_query("callback_query")
        payload = {"id": query, "from": user, "chat_instance": "1"} | ({} if data is None else {"data": data}) | fields
        self.server.push("callback_query", payload, f"callback{user.id}")
        return await self._pressed(query)

    async def inline(self, user: User, words: str, offset: str = "") -> list[Json]:
        """Type `@bot words` somewhere; returns the cards."""
        self.day.steps += 1
        query = await self.server.inline(user, words, offset)
        answer = await self.until(lambda: self.server.inline_answers.get(query))
        return list(answer["results"])

    async def move(self, chat: Chat, user: User, status: str, by: User | None = None) -> None:
        """Somebody, or the bot, joins, leaves, is thrown out or promoted."""
        self.day.steps += 1
        await chat.set_status(user, status, by)

    async def refused(self, chat: Chat) -> None:
        """Wait until what the bot wants to say here has been refused: it is not, or no longer, welcome."""
        before = self.day.refusals[chat.id]
        calls = self.server.requests
        await self.until(lambda: sum(call.status == 403 and call.chat_id == chat.id for call in calls) > before)
        self.day.refusals[chat.id] += 1

    def repeat(self, message: Message, kind: str = "message") -> None:
        """Telegram delivers an update a second time."""
        self.day.steps += 1
        self.server.redeliver(self.update_of(message, kind))

    # What people see.

    def update_of(self, message: Message, kind: str = "message") -> Update:
        """The latest update that brought a message."""
        return next(
            update
            for update in reversed(self.server.updates)
            if update.kind == kind
            and (update.payload["chat"]["id"], update.payload["message_id"]) == (message["chat"]["id"], message.id)
        )

    async def until(self, look: Callable[[], Found | None]) -> Found:
        """What `look` returns, once that is something."""
        return await self.server.wait_for(lambda: look() or None, PATIENCE_S)

    def now(self, chat: Chat, message: Message) -> Message:
        """What a message shows at present."""
        found = chat.find(message.id)
        assert found is not None
        return found

    def content(self, chat: Chat, message: Message) -> Json:
        """Words, entities and buttons of a message at present."""
        shown = self.now(chat, message)
        content: Json = snapshot({key: shown.get(key) for key in ("text", "entities", "reply_markup")})
        return content

    def labels(self, chat: Chat, message: Message) -> list[str]:
        """The labels of its buttons."""
        return [button["text"] for button in self.now(chat, message).buttons]

    def _with_button(self, chat: Chat, message: Message, label: str) -> Message | None:
        shown = self.now(chat, message)
        return shown if any(button["text"].startswith(label) for button in shown.buttons) else None

    async def _pressed(self, query: str) -> Json:
        self.day.steps += 1
        return await self.until(lambda: self.server.callback_answers.get(query))


def replies_of_bot(chat: Chat, message: Message) -> list[Message]:
    """What the bot said in reply to a message."""
    return [reply for reply in chat.replies_to(message) if reply["from"] == chat.server.bot]


def anonymous(group: Chat) -> tuple[User, Json]:
    """Somebody who administers a group without a name: the sender, and the field that says so."""
    return User(id=1087968824, is_bot=True, first_name="Group", username="GroupAnonymousBot"), group.as_json()


def mention_in_code(text: str) -> list[Json]:
    """The entities of a text in which the bot's name is shown as code, which mentions nobody."""
    start = text.index(MENTION)
    return [entity_over(text, start, start + len(MENTION), "code")]


def an_hour_ago() -> int:
    """A date for a message that has waited for long."""
    return int(time.time()) - 3600


def _last_question(chat: Chat) -> Callable[[Scene], Any]:
    async def last_question(scene: Scene) -> None:
        await scene.ask(chat, chat.user or scene.person("收场的人"), f"/article{MENTION} 31")

    return last_question


def _words(text: str) -> str:
    """What of a message must never stand in a log: the words themselves, without what only addresses the bot."""
    return text.replace(MENTION, "").strip() if not text.startswith("/") else text.partition(" ")[2].strip()

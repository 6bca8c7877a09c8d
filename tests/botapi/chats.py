"""Chats, the people in them and what is said there; and, for a test, the hand that writes.

A chat decides which of its messages a bot gets to see, by Telegram's rules of privacy mode.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any, Protocol

from tests.botapi.entities import Entity, detect, entity_over, in_order, overlap, piece
from tests.botapi.schema import schema

Json = dict[str, Any]


class User(dict[str, Any]):
    """A Bot API User with its number at hand."""

    @property
    def id(self) -> int:
        """The number of this person."""
        return int(self["id"])


class Message(dict[str, Any]):
    """A Bot API Message with the things that tests ask for at hand."""

    reached_bot = True

    @property
    def id(self) -> int:
        """The number of this message in its chat."""
        return int(self["message_id"])

    @property
    def text(self) -> str:
        """Its text or caption."""
        return str(self.get("text", self.get("caption", "")))

    @property
    def reply_to_id(self) -> int | None:
        """The message that this one answers; the head of a topic, which the server also puts there, does not count."""
        replied = self.get("reply_to_message", {})
        return None if "forum_topic_created" in replied else replied.get("message_id")

    @property
    def buttons(self) -> list[Json]:
        """The buttons of the inline keyboard, row by row."""
        return [button for row in self.get("reply_markup", {}).get("inline_keyboard", []) for button in row]

    @property
    def callback_data(self) -> list[str]:
        """What the buttons would send when pressed."""
        return [button["callback_data"] for button in self.buttons if "callback_data" in button]


class Switchboard(Protocol):
    """What a chat needs of the server."""

    bot: User
    privacy_mode: bool

    def push(self, kind: str, payload: Json, lane: str = "") -> None:
        """Queues an update; updates of one lane reach a webhook one after the other."""

    def register(self, chat: Chat) -> Chat:
        """Makes a chat known to the server."""

    def new_query(self, kind: str) -> str:
        """Returns the id of a query that the bot may answer for a while."""


def membership(user: User, status: str) -> Json:
    """Makes a ChatMember object; an administrator may do everything, an owner too."""
    kinds = {"creator": "Owner", "administrator": "Administrator", "member": "Member", "left": "Left"}
    kind = f"ChatMember{kinds.get(status, 'Banned')}"
    fields = {name: field["type"] for name, field in schema()["types"][kind].items() if field.get("required")}
    rights = {name: name.startswith("can_") for name, field in fields.items() if field == "Boolean"}
    return rights | {"status": status, "user": user} | ({"until_date": 0} if kind == "ChatMemberBanned" else {})


class Chat:
    """One chat, private or group; ``messages`` are in the order in which they were sent, without the deleted ones."""

    def __init__(
        self,
        server: Switchboard,
        number: int,
        kind: str,
        title: str = "",
        user: User | None = None,
        topics: bool = False,
    ) -> None:
        self.server, self.id, self.kind, self.title, self.user, self.topics = server, number, kind, title, user, topics
        self.privacy_mode = server.privacy_mode
        self.members: dict[int, Json] = {}
        self.successor: Chat | None = None
        self.actions: list[str] = []
        self.drafts: list[Json] = []
        self.reactions: dict[int, list[Json]] = {}
        self._stored: dict[int, Message] = {}
        self._votes: dict[int, dict[int, tuple[int, ...]]] = {}
        self._heads: dict[int, Message] = {}
        self._meant_for_bot: set[int] = set()
        self._last_bot: int | None = None
        self._numbers = itertools.count(2 + 10 * (abs(number) % 1000))  # no two chats begin alike, and none at 1
        for member in (server.bot, user):
            if member is not None:
                self.members[member.id] = membership(member, "member")

    # What a test does here.

    async def say(
        self,
        user: User,
        text: str | None = None,
        *,
        reply_to: Message | None = None,
        thread: int | None = None,
        entities: list[Entity] | None = None,
        mentioning: Sequence[User] = (),
        **content: Any,
    ) -> Message:
        """Sends a message as ``user``; names of ``mentioning`` become text mentions, ``content`` is for other media."""
        if self.user not in (None, user) or thread not in (None, *self._heads):
            raise AssertionError("this person cannot write here, or there is no such topic")
        if self.members.get(user.id, {}).get("status", "left") == "left":
            self.members[user.id] = membership(user, "member")
        if text is not None:
            found = _read_entities(text, mentioning) if entities is None else entities
            content = {"text": text} | ({"entities": found} if found else {}) | content
        message = self.compose(user, content, reply_to=reply_to, thread=thread)
        message.reached_bot = self._reaches_bot(message)
        if message.reached_bot:
            self.server.push("message", message, f"chat{self.id}")
        return message

    async def edit(self, message: Message, text: str) -> Message:
        """Changes what a person said."""
        message.pop("entities", None)
        message |= {"text": text, "edit_date": int(time.time())}
        if found := detect(text):
            message["entities"] = found
        message.reached_bot = message.reached_bot or self._reaches_bot(message)
        if message.reached_bot:
            self.server.push("edited_message", message, f"chat{self.id}")
        return message

    async def press(self, user: User, message: Message, callback_data: str) -> str:
        """Presses the button with this data and returns the id of the callback query."""
        shown = self._stored[message.id]
        if callback_data not in shown.callback_data:
            raise AssertionError(f"no button {callback_data!r} under this message, only {shown.callback_data}")
        query = self.server.new_query("callback_query")
        payload = {"id": query, "from": user, "message": shown, "chat_instance": str(self.id), "data": callback_data}
        self.server.push("callback_query", payload, f"callback{user.id}")
        return query

    async def vote(self, user: User, message: Message, *options: int) -> bool:
        """Answers a poll, changes the answer, or takes it back (no options); False where Telegram does not let them.

        A closed poll takes no vote; a vote is changed only where the poll allows it. An anonymous poll tells the bot
        only the new counts, any other only who votes.
        """
        poll: Json = self._stored[message.id]["poll"]
        cast = self._votes.setdefault(message.id, {})
        before = cast.get(user.id, ())
        if poll["is_closed"] or (user.id in cast and not poll["allows_revoting"]) or before == options:
            return False
        if len(options) > 1 and not poll["allows_multiple_answers"]:
            raise AssertionError("this poll takes one answer")
        for change, chosen in ((-1, before), (1, options)):
            for option in chosen:
                poll["options"][option]["voter_count"] += change
        poll["total_voter_count"] += bool(options) - bool(before)
        cast[user.id] = options
        if poll["is_anonymous"]:
            self.server.push("poll", poll, f"poll{poll['id']}")
            return True
        names = [poll["options"][option]["persistent_id"] for option in options]
        answer = {"poll_id": poll["id"], "user": user, "option_ids": list(options), "option_persistent_ids": names}
        self.server.push("poll_answer", answer, f"poll{poll['id']}")
        return True

    def close_poll(self, message: Message) -> None:
        """Ends a poll, by the bot's hand or because its time is over; the bot is told of its last state."""
        poll: Json = message["poll"]
        if not poll["is_closed"]:
            poll["is_closed"] = True
            self.server.push("poll", poll, f"poll{poll['id']}")

    async def set_status(self, user: User, status: str, by: User | None = None) -> None:
        """Makes ``user`` (or the bot) a ``member``, ``administrator``, ``creator``, ``left`` or ``kicked``."""
        before = self.members.get(user.id, membership(user, "left"))
        after = self.members[user.id] = membership(user, status)
        change = {"chat": self.as_json(), "from": by or self.user or user, "date": int(time.time())}
        change |= {"old_chat_member": before, "new_chat_member": after}
        self.server.push("my_chat_member" if user == self.server.bot else "chat_member", change, f"member{self.id}")

    async def block(self) -> None:
        """The person of this private chat blocks the bot."""
        await self.set_status(self.server.bot, "kicked")

    async def unblock(self) -> None:
        """The person of this private chat lets the bot speak again."""
        await self.set_status(self.server.bot, "member")

    async def topic(self, name: str, by: User | None = None) -> int:
        """Opens a topic in a forum and returns its ``message_thread_id``."""
        head = self.compose(by or self.server.bot, {"forum_topic_created": {"name": name, "icon_color": 7322096}})
        head |= {"message_thread_id": head.id, "is_topic_message": True}
        self._heads[head.id] = head
        if by is not None:
            self.server.push("message", head, f"chat{self.id}")
        return head.id

    async def migrate(self, by: User) -> Chat:
        """Turns a basic group into a supergroup and returns that; this chat's number answers 400 from now on."""
        self.successor = self.server.register(Chat(self.server, -1_000_000_000_000 + self.id, "supergroup", self.title))
        self.successor.members |= self.members
        self.successor.privacy_mode = self.privacy_mode
        await self.say(by, migrate_to_chat_id=self.successor.id)
        await self.successor.say(by, migrate_from_chat_id=self.id)
        return self.successor

    # What a test looks at here.

    @property
    def messages(self) -> list[Message]:
        """Everything said here."""
        return list(self._stored.values())

    @property
    def bot_messages(self) -> list[Message]:
        """What the bot said here."""
        return [message for message in self._stored.values() if message["from"] == self.server.bot]

    def replies_to(self, message: Message) -> list[Message]:
        """The messages that answer this one."""
        return [reply for reply in self._stored.values() if reply.reply_to_id == message.id]

    # What the server does here.

    def as_json(self) -> Json:
        """Returns the Bot API Chat object."""
        if self.user is not None:
            names = {key: self.user[key] for key in ("first_name", "last_name", "username") if key in self.user}
            return {"id": self.id, "type": self.kind} | names
        return {"id": self.id, "type": self.kind, "title": self.title} | ({"is_forum": True} if self.topics else {})

    @property
    def bot_status(self) -> str:
        """What the bot is here: ``member``, ``administrator``, ``left`` or ``kicked``."""
        return str(self.members[self.server.bot.id]["status"])

    def compose(
        self, sender: User, content: Json, *, reply_to: Message | None = None, thread: int | None = None
    ) -> Message:
        """Stores a new message; a reply without a topic of its own goes where the replied message stands."""
        message = Message(message_id=next(self._numbers), date=int(time.time()), chat=self.as_json())
        message["from"] = sender
        if thread is None and reply_to is not None and reply_to.get("is_topic_message"):
            thread = reply_to["message_thread_id"]
        if thread is not None and self.has_topic(thread):
            message |= {"message_thread_id": thread, "is_topic_message": True}
        elif reply_to is not None and self.kind == "supergroup":
            # Outside forums a chain of replies has a thread number too, but no message can be sent to it.
            message["message_thread_id"] = reply_to.get("message_thread_id", reply_to.id)
        replied = reply_to or (self._heads.get(thread) if thread is not None else None)
        if replied is not None:
            message["reply_to_message"] = {key: value for key, value in replied.items() if key != "reply_to_message"}
        message |= content
        if sender["is_bot"]:
            self._last_bot = sender.id
        self._stored[message.id] = message
        return message

    def has_topic(self, thread: int) -> bool:
        """Tells whether a message can be sent to this topic; the General topic has no number."""
        return thread in self._heads

    def find(self, number: int) -> Message | None:
        """Returns a message by its number."""
        return self._stored.get(number)

    def remove(self, number: int) -> None:
        """Deletes a message."""
        del self._stored[number]

    def _reaches_bot(self, message: Message) -> bool:
        by_bot = message["from"]["is_bot"] and "sender_chat" not in message  # anonymous administrators have one
        if self.bot_status in ("left", "kicked") or by_bot:
            return False
        meant = self._is_meant_for_bot(message)
        if meant:
            self._meant_for_bot.add(message.id)
        is_service = "text" not in message and "caption" not in message and _is_service(message)
        open_to_bot = self.kind == "private" or not self.privacy_mode or self.bot_status == "administrator"
        return open_to_bot or is_service or meant

    def _is_meant_for_bot(self, message: Message) -> bool:
        """A command or mention for this bot, or a reply to its message or to one that was meant for it."""
        replied = self._stored.get(message.reply_to_id or 0)
        if replied and (replied["from"] == self.server.bot or replied.id in self._meant_for_bot):
            return True
        return any(self._entity_calls_bot(message, entity) for entity in message.get("entities", []))

    def _entity_calls_bot(self, message: Message, entity: Entity) -> bool:
        words, me = piece(message.text, entity).lower(), f"@{self.server.bot['username']}".lower()
        if entity["type"] == "bot_command":
            general = "@" not in words and self._last_bot in (None, self.server.bot.id)
            return general or words.endswith(me)
        if entity["type"] == "text_mention":
            return bool(entity["user"] == self.server.bot)
        return entity["type"] == "mention" and words == me


def snapshot(value: Any) -> Any:
    """Returns what the wire would carry now: a deep copy in plain JSON."""
    return json.loads(json.dumps(value))


def _read_entities(text: str, mentioning: Sequence[User]) -> list[Entity]:
    named: list[Entity] = []
    for user in mentioning:
        name = str(user["first_name"])
        if name not in text:
            raise AssertionError(f"the text does not name {name}")
        named.append(entity_over(text, text.index(name), text.index(name) + len(name), "text_mention", user=user))
    return in_order(named + [entity for entity in detect(text) if not any(overlap(entity, other) for other in named)])


def _is_service(message: Message) -> bool:
    marks = ("new_chat_members", "left_chat_member", "pinned_message", "migrate_to_chat_id", "migrate_from_chat_id")
    return any(mark in message for mark in marks)

"""What each Bot API method does, by the real server's rules and in its words of complaint."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import re
import time
from typing import Any, Protocol

from tests.botapi import html
from tests.botapi.chats import Chat, Json, Message, Switchboard, User, membership
from tests.botapi.delivery import Delivery, Webhook
from tests.botapi.entities import Formatted, detect, in_order, overlap, trim, utf16_length
from tests.botapi.errors import ApiError, bad_request
from tests.botapi.schema import Upload, schema

_MEGABYTE = 1 << 20
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
RESULTS = {
    "getMe": "User",
    "getChat": "ChatFullInfo",
    "getChatMember": "ChatMember",
    "getChatAdministrators": "Array of ChatMember",
    "getMyCommands": "Array of BotCommand",
    "getWebhookInfo": "WebhookInfo",
    "stopPoll": "Poll",
} | dict.fromkeys(
    ("sendMessage", "sendPhoto", "sendDocument", "sendPoll", "editMessageText", "editMessageReplyMarkup"), "Message"
)


class World(Switchboard, Protocol):
    """What the methods need of the server."""

    chats: dict[int, Chat]
    users: dict[int, User]
    delivery: Delivery
    commands: dict[tuple[str, str], list[Json]]
    profile: dict[str, str]
    callback_answers: dict[str, Json]
    inline_answers: dict[str, Json]
    parse_errors: list[str]
    logged_out: bool

    def take_query(self, kind: str, query: str) -> bool:
        """Tells whether this query is known and fresh."""


class Methods:
    """One Python method for each Bot API method that this server understands."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._files: dict[str, Json] = {}
        self._numbers = itertools.count(1)

    def understands(self, method: str) -> bool:
        """Tells whether this server can do what the method does."""
        return hasattr(self, _snake_case(method))

    async def call(self, method: str, parameters: Json) -> Any:
        """Does what the method does and returns its ``result``; a refusal raises `ApiError`."""
        result = getattr(self, _snake_case(method))(parameters)
        return await result if inspect.isawaitable(result) else result

    # The bot itself.

    def get_me(self, _: Json) -> Json:
        abilities = {"can_join_groups": True, "can_read_all_group_messages": not self._world.privacy_mode}
        return self._world.bot | abilities | {"supports_inline_queries": True}

    async def get_updates(self, p: Json) -> list[Json]:
        self._allow(p)
        return await self._world.delivery.poll(p.get("offset", 0), p.get("limit", 100), p.get("timeout", 0))

    def set_webhook(self, p: Json) -> bool:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret := p.get("secret_token", "")):
            raise bad_request("secret token contains unallowed characters")
        self._allow(p)
        webhook = Webhook(p["url"], secret, p.get("max_connections", 40))
        self._world.delivery.set_webhook(webhook, p.get("drop_pending_updates", False))
        return True

    def delete_webhook(self, p: Json) -> bool:
        self._world.delivery.set_webhook(Webhook(), p.get("drop_pending_updates", False))
        return True

    def get_webhook_info(self, _: Json) -> Json:
        delivery = self._world.delivery
        info = {"url": delivery.webhook.url, "has_custom_certificate": False, **delivery.webhook.last_error}
        info |= {"pending_update_count": len(delivery.pending), "max_connections": delivery.webhook.max_connections}
        return info | ({"allowed_updates": delivery.allowed} if delivery.allowed else {})

    def set_my_commands(self, p: Json) -> bool:
        if any(not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]) for command in p["commands"]):
            raise bad_request("BOT_COMMAND_INVALID")
        self._world.commands[_scope(p)] = p["commands"]
        return True

    def delete_my_commands(self, p: Json) -> bool:
        self._world.commands.pop(_scope(p), None)
        return True

    def get_my_commands(self, p: Json) -> list[Json]:
        return self._world.commands.get(_scope(p), [])

    def set_my_description(self, p: Json) -> bool:
        self._world.profile[f"description/{p.get('language_code', '')}"] = p.get("description", "")
        return True

    def get_my_description(self, p: Json) -> Json:
        return {"description": self._world.profile.get(f"description/{p.get('language_code', '')}", "")}

    def set_my_short_description(self, p: Json) -> bool:
        self._world.profile[f"short_description/{p.get('language_code', '')}"] = p.get("short_description", "")
        return True

    def get_my_short_description(self, p: Json) -> Json:
        return {"short_description": self._world.profile.get(f"short_description/{p.get('language_code', '')}", "")}

    def log_out(self, _: Json) -> bool:
        self._world.logged_out = True
        return True

    def close(self, _: Json) -> bool:
        raise ApiError(429, "Too Many Requests: retry after 600", retry_after=600)  # so for ten minutes after a start

    # Chats.

    def get_chat(self, p: Json) -> Json:
        chat = self._chat(p)
        gifts = dict.fromkeys(schema()["types"]["AcceptedGiftTypes"], False)
        return chat.as_json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}

    def get_chat_member(self, p: Json) -> Json:
        chat, number = self._chat(p), p["user_id"]
        if number in chat.members:
            return chat.members[number]
        if number in self._world.users:
            return membership(self._world.users[number], "left")
        raise bad_request("invalid user_id specified")

    def get_chat_administrators(self, p: Json) -> list[Json]:
        chat = self._chat(p)
        if chat.kind == "private":
            raise bad_request("there are no administrators in the private chat")
        return [member for member in chat.members.values() if member["status"] in ("creator", "administrator")]

    def leave_chat(self, p: Json) -> bool:
        chat = self._chat(p)
        chat.members[self._world.bot.id] = membership(self._world.bot, "left")
        return True

    def send_chat_action(self, p: Json) -> bool:
        chat = self._writable_chat(p)
        self._check_thread(chat, p)
        chat.actions.append(p["action"])
        return True

    # Messages.

    def send_message(self, p: Json) -> Message:
        return self._send(p, self._text_content(p, "message is too long"))

    def send_message_draft(self, p: Json) -> bool:
        text = self._formatted(p, "text", "entities")
        if utf16_length(text.text) > 4096:
            raise bad_request("MESSAGE_TOO_LONG")
        chat = self._writable_chat(p)
        if chat.kind != "private":
            raise bad_request("TEXTDRAFT_PEER_INVALID")
        chat.drafts.append({"draft_id": p["draft_id"], "text": text.text, "entities": text.entities})
        return True

    def send_photo(self, p: Json) -> Message:
        file = self._file(p["photo"], 10 * _MEGABYTE)
        size = {key: file[key] for key in ("file_id", "file_unique_id", "file_size")} | {"width": 1280, "height": 960}
        return self._send(p, {"photo": [size]} | self._caption(p))

    def send_document(self, p: Json) -> Message:
        return self._send(p, {"document": self._file(p["document"], 50 * _MEGABYTE)} | self._caption(p))

    def send_poll(self, p: Json) -> Message:
        question = self._formatted(p, "question", "question_entities", "question_parse_mode")
        explanation = self._formatted(p, "explanation", "explanation_entities", "explanation_parse_mode")
        options = [self._formatted(option, "text", "text_entities", "text_parse_mode") for option in p["options"]]
        _check_poll(p, question, explanation, options)
        correct = {"correct_option_ids": p["correct_option_ids"]} if "correct_option_ids" in p else {}
        number = 5_000_000_000_000_000_000 + next(self._numbers)
        poll = {"id": str(number), "question": question.text, "total_voter_count": 0, **correct}
        poll |= {"is_closed": p.get("is_closed", False), "is_anonymous": p.get("is_anonymous", True)}
        poll |= {"type": p.get("type", "regular"), "members_only": False}
        poll |= {"allows_multiple_answers": p.get("allows_multiple_answers", False)}
        poll |= {"allows_revoting": p.get("allows_revoting", poll["type"] == "regular")}
        poll["options"] = [
            {"persistent_id": str(number), "text": option.text, "voter_count": 0}
            for number, option in enumerate(options)
        ]
        if explanation.text:
            poll |= {"explanation": explanation.text, "explanation_entities": explanation.entities}
        poll |= {key: p[key] for key in ("open_period", "close_date") if key in p}
        sent = self._send(p, {"poll": poll})
        if seconds := p.get("open_period") or (p["close_date"] - time.time() if "close_date" in p else 0):
            asyncio.get_running_loop().call_later(seconds, self._chat(p).close_poll, sent)
        return sent

    def stop_poll(self, p: Json) -> Json:
        message = self._message(p, "message with poll to stop not found")
        poll: Json | None = message.get("poll")
        if poll is None or message["from"] != self._world.bot:
            raise bad_request("poll can't be stopped")
        if poll["is_closed"]:
            raise bad_request("poll has already been closed")
        self._set_keyboard(message, _keyboard(p))
        self._chat(p).close_poll(message)
        return poll

    def edit_message_text(self, p: Json) -> Message | bool:
        content, keyboard = self._text_content(p, "MESSAGE_TOO_LONG"), _keyboard(p)
        if "inline_message_id" in p:
            return True
        message = self._own_message(p)
        if "text" not in message:
            raise bad_request("there is no text in the message to edit")
        if all(message.get(key) == (content | keyboard).get(key) for key in ("text", "entities", "reply_markup")):
            raise bad_request(_NOT_MODIFIED)
        message.pop("entities", None)
        message |= content
        return self._set_keyboard(message, keyboard)

    def edit_message_reply_markup(self, p: Json) -> Message | bool:
        keyboard = _keyboard(p)
        if "inline_message_id" in p:
            return True
        message = self._own_message(p)
        if message.get("reply_markup") == keyboard.get("reply_markup"):
            raise bad_request(_NOT_MODIFIED)
        return self._set_keyboard(message, keyboard)

    def delete_message(self, p: Json) -> bool:
        message, chat = self._message(p, "message to delete not found"), self._chat(p)
        own = message["from"] == self._world.bot
        if not own and chat.kind != "private" and chat.bot_status != "administrator":
            raise bad_request("message can't be deleted")
        chat.remove(message.id)
        return True

    def set_message_reaction(self, p: Json) -> bool:
        message = self._message(p, "message to react not found")
        known = schema()["types"]["ReactionTypeEmoji"]["emoji"]["one_of"]
        reactions = p.get("reaction", [])
        if len(reactions) > 1 or any(one.get("emoji", "").replace("\ufe0f", "") not in known for one in reactions):
            raise bad_request("REACTION_INVALID")
        self._chat(p).reactions[message.id] = reactions
        return True

    def answer_callback_query(self, p: Json) -> bool:
        if utf16_length(p.get("text", "")) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        if not self._world.take_query("callback_query", p["callback_query_id"]):
            raise bad_request(_TOO_OLD)
        self._world.callback_answers[p["callback_query_id"]] = p
        return True

    def answer_inline_query(self, p: Json) -> bool:
        names = [result["id"] for result in p["results"]]
        if len(set(names)) < len(names):
            raise bad_request("RESULT_ID_DUPLICATE")
        if len(names) > 50:
            raise bad_request("RESULTS_TOO_MUCH")
        for content in (
            result["input_message_content"] for result in p["results"] if "input_message_content" in result
        ):
            if (
                "message_text" in content
                and utf16_length(self._formatted(content, "message_text", "entities").text) > 4096
            ):
                raise bad_request("MESSAGE_TOO_LONG")
        if not self._world.take_query("inline_query", p["inline_query_id"]):
            raise bad_request(_TOO_OLD)
        self._world.inline_answers[p["inline_query_id"]] = p
        return True

    # Steps that several methods share, in the real server's order: markup, keyboard, chat, topic, reply.

    def _send(self, p: Json, content: Json) -> Message:
        keyboard = _keyboard(p)
        chat = self._writable_chat(p)
        self._check_thread(chat, p)
        reply_to = self._replied_message(chat, p.get("reply_parameters", {}))
        return chat.compose(self._world.bot, content | keyboard, reply_to=reply_to, thread=p.get("message_thread_id"))

    def _chat(self, p: Json) -> Chat:
        if "chat_id" not in p:
            raise bad_request("chat_id is empty")
        chat = self._world.chats.get(p["chat_id"])
        if chat is None:
            raise bad_request("chat not found")
        if chat.successor is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.successor.id)
        return chat

    def _writable_chat(self, p: Json) -> Chat:
        chat = self._chat(p)
        if chat.kind == "private" and chat.bot_status == "kicked":
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat.bot_status == "kicked":
            raise ApiError(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
        if chat.bot_status == "left":
            raise ApiError(403, f"Forbidden: bot is not a member of the {chat.kind} chat")
        return chat

    def _check_thread(self, chat: Chat, p: Json) -> None:
        if "message_thread_id" in p and not chat.has_topic(p["message_thread_id"]):
            raise bad_request("message thread not found")

    def _message(self, p: Json, otherwise: str) -> Message:
        message = self._chat(p).find(p.get("message_id", 0))
        if message is None:
            raise bad_request(otherwise)
        return message

    def _replied_message(self, chat: Chat, reply: Json) -> Message | None:
        if "message_id" not in reply or reply.get("chat_id", chat.id) != chat.id:
            return None
        message = chat.find(reply["message_id"])
        if message is None and not reply.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        quote = self._formatted(reply, "quote", "quote_entities", "quote_parse_mode").text
        if message is not None and quote not in message.text:
            raise bad_request("QUOTE_TEXT_INVALID")
        return message

    def _own_message(self, p: Json) -> Message:
        message = self._message(p, "message to edit not found")
        if message["from"] != self._world.bot:
            raise bad_request("message can't be edited")
        return message

    def _set_keyboard(self, message: Message, keyboard: Json) -> Message:
        message.pop("reply_markup", None)
        message |= keyboard | {"edit_date": int(time.time())}
        return message

    def _text_content(self, p: Json, too_long: str) -> Json:
        if not p.get("text"):
            raise bad_request("message text is empty")
        text = self._formatted(p, "text", "entities")
        if not text.text:
            raise bad_request("text must be non-empty")
        if utf16_length(text.text) > 4096:
            raise bad_request(too_long)
        return {"text": text.text} | ({"entities": text.entities} if text.entities else {})

    def _caption(self, p: Json) -> Json:
        caption = self._formatted(p, "caption", "caption_entities")
        if utf16_length(caption.text) > 1024:
            raise bad_request("message caption is too long")
        return {"caption": caption.text, "caption_entities": caption.entities} if caption.text else {}

    def _formatted(self, p: Json, name: str, entities: str, mode: str = "parse_mode") -> Formatted:
        """Reads marked-up text; what nobody marked up but Telegram recognises is added."""
        if not p.get(mode):
            text = Formatted(p.get(name, ""), p.get(entities, []))
        elif p[mode].upper() != "HTML":
            raise bad_request("unsupported parse_mode")
        else:
            try:
                text = html.parse(p.get(name, ""))
            except html.MarkupError as error:
                self._world.parse_errors.append(error.description)
                raise ApiError(400, error.description) from error
        text = trim(Formatted(text.text, [entity for entity in map(self._known_user, text.entities) if entity]))
        whole = [entity for entity in text.entities if entity["type"] in ("code", "pre", "text_link", "text_mention")]
        found = [entity for entity in detect(text.text) if not any(overlap(entity, other) for other in whole)]
        return Formatted(text.text, in_order(text.entities + [one for one in found if one not in text.entities]))

    def _known_user(self, entity: Json) -> Json | None:
        """Completes a text mention; one of an unknown person is no entity."""
        if entity["type"] != "text_mention":
            return entity
        user = self._world.users.get(entity["user"]["id"])
        return entity | {"user": user} if user else None

    def _file(self, source: Upload | str, most: int) -> Json:
        if isinstance(source, str):
            if source.startswith(("http://", "https://")):
                return self._store(source.rsplit("/", 1)[-1] or "file", "application/octet-stream", 1)
            if source not in self._files:
                raise bad_request("wrong file identifier/HTTP URL specified")
            return self._files[source]
        if not source.content:
            raise bad_request("file must be non-empty")
        if len(source.content) > most:
            raise ApiError(413, "Request Entity Too Large")
        return self._store(source.filename, source.content_type, len(source.content))

    def _store(self, name: str, content_type: str, size: int) -> Json:
        number = f"file{next(self._numbers)}"
        file = {"file_id": number, "file_unique_id": f"unique-{number}", "file_size": size, "file_name": name}
        self._files[number] = file | {"mime_type": content_type}
        return self._files[number]

    def _allow(self, p: Json) -> None:
        if "allowed_updates" in p:
            self._world.delivery.allowed = p["allowed_updates"]


def _keyboard(p: Json) -> Json:
    """Returns the part of ``reply_markup`` that a message shows: an inline keyboard."""
    markup = p.get("reply_markup", {})
    for button in (button for row in markup.get("inline_keyboard", []) for button in row):
        if not set(button) - {"text", "style", "icon_custom_emoji_id"}:
            raise bad_request("Text buttons are unallowed in the inline keyboard")
        if not 1 <= len(button.get("callback_data", "x").encode()) <= 64:
            raise bad_request("BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if markup.get("inline_keyboard") else {}


def _check_poll(p: Json, question: Formatted, explanation: Formatted, options: list[Formatted]) -> None:
    if not 1 <= utf16_length(question.text) <= 300:
        raise bad_request(
            "poll question length must not exceed 300" if question.text else "poll question must be non-empty"
        )
    if not options:
        raise bad_request("poll must have at least 1 option")
    if len(options) > 12:
        raise bad_request("poll can't have more than 12 options")
    for option in options:
        if not 1 <= utf16_length(option.text) <= 100:
            raise bad_request(
                "poll options length must not exceed 100" if option.text else "poll options must be non-empty"
            )
    if utf16_length(explanation.text) > 200 or explanation.text.count("\n") > 2:
        raise bad_request("MESSAGE_TOO_LONG")
    if "open_period" in p and "close_date" in p:
        raise bad_request("can't specify both open period and close date")
    correct = p.get("correct_option_ids", [])
    several = len(correct) > 1 and not p.get("allows_multiple_answers")
    if p.get("type") == "quiz" and (
        not correct or several or not all(0 <= number < len(options) for number in correct)
    ):
        raise bad_request("wrong correct option ID specified")


def _scope(p: Json) -> tuple[str, str]:
    scope = p.get("scope", {"type": "default"})
    return "/".join(str(scope[key]) for key in sorted(scope, reverse=True)), p.get("language_code", "")


def _snake_case(method: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", method).lower()

"""The request checker: what the real Bot API refuses, it reports; what the real one accepts, it lets pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.botapi.schema import Upload, check_object, check_request, read_request, schema
from tests.botapi.vendor_schema import TARGET, vendor


def keyboard(data: str) -> str:
    return json.dumps({"inline_keyboard": [[{"text": "原文", "callback_data": data}]]})


TEXT = {"chat_id": "1", "text": "好"}
POLL = {"chat_id": "1", "question": "问", "options": '[{"text": "甲"}]'}
REACTION = {"chat_id": "1", "message_id": "2"}

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("getMe", {}),
    ("sendMessage", TEXT),
    ("sendMessage", {"chat_id": 1, "text": "好", "disable_notification": True}),
    ("sendMessage", {"chat_id": "@wanggui", "text": "好", "protect_content": "true"}),
    ("sendMessage", {"chat_id": "1", "text": "𠮷" * 2048}),
    ("sendMessage", {"chat_id": "1", "text": f"<b>{'好' * 4096}</b>", "parse_mode": "HTML"}),
    ("sendMessage", TEXT | {"reply_markup": keyboard("字" * 21)}),
    ("sendMessage", TEXT | {"reply_parameters": '{"message_id": 3, "quote": "第十四条"}'}),
    ("getUpdates", {"offset": "-1", "timeout": "10", "allowed_updates": '["message", "callback_query"]'}),
    (
        "setMyCommands",
        {"commands": '[{"command": "ask", "description": "提问"}]', "scope": '{"type": "all_group_chats"}'},
    ),
    ("setMessageReaction", REACTION | {"reaction": '[{"type": "emoji", "emoji": "👍"}]'}),
    ("sendPhoto", {"chat_id": "1", "photo": Upload("a.png", "image/png", b"x"), "caption": "图"}),
    ("sendDocument", {"chat_id": "1", "document": "attach://part", "part": Upload("a.pdf", "application/pdf", b"x")}),
    (
        "sendPoll",
        POLL | {"options": '[{"text": "甲"}, {"text": "乙"}]', "explanation": "一\n二\n三"},
    ),
]
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("sendMesage", {}, "unknown method"),
    ("sendMessage", {"chat_id": "1"}, "sendMessage.text: required, but missing"),
    ("sendMessage", TEXT | {"colour": "red"}, "sendMessage.colour: unknown parameter"),
    ("sendMessage", {"chat_id": "wanggui", "text": "好"}, "does not match"),
    ("sendMessage", {"chat_id": True, "text": "好"}, "is not of type"),
    ("sendMessage", TEXT | {"message_thread_id": "1.5"}, "is not of type Integer"),
    ("sendMessage", TEXT | {"protect_content": "maybe"}, "is not of type Boolean"),
    ("sendMessage", {"chat_id": "1", "text": ""}, "0 characters, not 1-4096"),
    ("sendMessage", {"chat_id": "1", "text": "<b> </b>", "parse_mode": "HTML"}, "0 characters, not 1-4096"),
    ("sendMessage", {"chat_id": "1", "text": "𠮷" * 2049}, "4098 characters, not 1-4096"),
    ("sendMessage", {"chat_id": "1", "text": "<b>好", "parse_mode": "HTML"}, "can't parse entities"),
    ("sendMessage", {"chat_id": "1", "text": "*好*", "parse_mode": "MarkdownV2"}, "only HTML is"),
    ("sendMessage", TEXT | {"reply_markup": keyboard("字" * 22)}, "66 bytes, not 1-64"),
    ("sendMessage", TEXT | {"reply_markup": '{"inline_keyboard": [{"text": "x"}]}'}, "Array of"),
    ("sendMessage", TEXT | {"reply_markup": "{"}, "is not of type InlineKeyboardMarkup"),
    ("sendMessage", TEXT | {"reply_parameters": '{"message_id": "3"}'}, "'3' is not of type Integer"),
    ("sendMessage", TEXT | {"entities": '[{"type": "fat", "offset": 0, "length": 1}]'}, "is none of"),
    ("sendChatAction", {"chat_id": "1", "action": "thinking"}, "is none of typing"),
    ("sendPhoto", {"chat_id": "1", "photo": "id", "caption": "图" * 1025}, "1025 characters, not 0-1024"),
    ("sendDocument", {"chat_id": "1", "document": "id", "part": Upload("a", "b", b"x")}, "part: unknown parameter"),
    (
        "sendMediaGroup",
        {"chat_id": "1", "media": json.dumps([{"type": "photo", "media": "attach://p"}] * 2)},
        "names no uploaded file",
    ),
    ("getUpdates", {"limit": "101"}, "101 is not in 1-100"),
    ("setMyCommands", {"commands": '[{"command": "Ask", "description": "提问"}]'}, "does not match"),
    ("setWebhook", {"url": "https://a.example", "secret_token": "a b"}, "does not match"),
    ("setMessageReaction", REACTION | {"reaction": '[{"type": "emoji", "emoji": "📕"}]'}, "is none of"),
    ("sendPoll", POLL | {"question": "问" * 301}, "301 characters, not 1-300"),
    ("sendPoll", POLL | {"options": json.dumps([{"text": "甲" * 101}])}, "101 characters, not 1-100"),
    ("sendPoll", POLL | {"options": json.dumps([{"text": "甲"}] * 13)}, "13 items, not 1-12"),
    ("sendPoll", POLL | {"explanation": "a\nb\nc\nd"}, "3 line feeds"),
    (
        "answerInlineQuery",
        {"inline_query_id": "1", "results": '[{"type": "article", "id": "1", "title": "t"}]'},
        "results[0].input_message_content: required, but missing",
    ),
]


@pytest.mark.parametrize(("method", "parameters"), GOOD)
def test_a_good_request_passes(method: str, parameters: dict[str, Any]) -> None:
    assert check_request(method, parameters) == []


@pytest.mark.parametrize(("method", "parameters", "complaint"), BAD)
def test_a_bad_request_is_reported_once(method: str, parameters: dict[str, Any], complaint: str) -> None:
    problems = check_request(method, parameters)
    assert len(problems) == 1
    assert complaint in problems[0]


def test_parameters_come_back_with_their_types() -> None:
    photo = Upload("a.png", "image/png", b"x")
    raw = {"chat_id": "-100", "photo": "attach://p", "p": photo, "has_spoiler": "false", "caption": "12"}
    assert read_request("SENDPHOTO", raw) == (
        {"chat_id": -100, "photo": photo, "has_spoiler": False, "caption": "12"},
        [],
    )


def test_objects_are_checked_in_depth() -> None:
    user = {"id": 1, "is_bot": False, "first_name": "小李"}
    message = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "from": user, "text": "好"}
    assert check_object("Update", {"update_id": 1, "message": message}) == []
    assert check_object("Array of ChatMember", [{"status": "member", "user": user}]) == []
    broken = message | {"from": {"id": "1", "is_bot": False}}
    assert check_object("Message", broken) == [
        "Message.from.id: '1' is not of type Integer",
        "Message.from.first_name: required, but missing",
    ]
    assert check_object("ChatMember", {"status": "member"}) == ["ChatMember.user: required, but missing"]


def test_the_vendored_schema_is_whole_and_small() -> None:
    assert TARGET.stat().st_size < 250_000
    assert schema()["version"] == "10.3"
    assert len(schema()["methods"]) == 185
    assert len(schema()["types"]) + len(schema()["unions"]) == 400


def test_every_type_that_the_schema_mentions_is_there() -> None:
    known = {"String", "Integer", "Float", "Boolean", "True", *schema()["types"], *schema()["unions"]}
    owners = [*schema()["methods"].values(), *schema()["types"].values()]
    kinds = {field["type"] for fields in owners for field in fields.values()}
    mentioned = {name for kind in kinds for name in kind.replace("Array of ", "").split("|")}
    assert len(mentioned) > 200
    assert mentioned <= known


def test_vendoring_keeps_what_the_prose_says() -> None:
    note = {"name": "text", "type": "String", "required": True, "rst_description": ""}
    mode = {"name": "parse_mode", "type": "String", "required": False, "rst_description": "", "description": "Mode"}
    fields = [note | {"description": "Text, 1-4096 characters after entities parsing"}, mode]
    send = {"name": "sendMessage", "category": "methods", "annotations": fields, "description": ""}
    either = {"name": "A", "category": "types", "annotations": [], "description": "It can be one of\n - B\n - C"}
    full = {"api": {"version": "1"}, "items": [{"children": [send, either]}]}
    text = {"type": "String", "required": True, "chars": [1, 4096], "markup": "parse_mode"}
    assert vendor(full) == {
        "version": "1",
        "methods": {"sendMessage": {"text": text, "parse_mode": {"type": "String"}}},
        "types": {},
        "unions": {"A": ["B", "C"]},
    }

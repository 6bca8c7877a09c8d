"""In which language somebody is answered, and who they are where they speak for a group or a channel."""

import pytest
from telegram import Chat, User

from bot.telegram.speaking import is_group, personal_language, speaker_id
from tests.factories import PERSON, make_message


@pytest.mark.parametrize(
    ("code", "words", "language"),
    [
        ("zh-hans", "", "zh"),
        ("zh", "can I use a VPN?", "zh"),
        ("en", "能翻墙吗", "en"),
        ("en-GB", "", "en"),
        ("fr", "puis-je utiliser un VPN", "en"),
        ("fr", "能翻墙吗", "zh"),
        ("fr", "", "zh"),
        (None, "", "zh"),
        (None, "can I use a VPN?", "en"),
        (None, "/ask can I use a VPN?", "en"),
        (None, "/settings@wanggui_bot", "zh"),
        (None, "@wanggui_bot", "zh"),
        ("fr", "/help", "en"),
    ],
)
def test_a_persons_language_then_that_of_the_words_then_chinese(code: str | None, words: str, language: str) -> None:
    assert personal_language(User(1, "小李", False, language_code=code), words) == language


def test_without_a_person_the_words_decide() -> None:
    assert personal_language(None) == "zh"
    assert personal_language(None, "can I use a VPN?") == "en"


def test_who_speaks_for_a_chat_is_that_chat() -> None:
    chat = Chat(-1009, Chat.CHANNEL)
    assert speaker_id(make_message("x", group=True, sender_chat=chat)) == -1009
    assert speaker_id(make_message("x", group=True)) == PERSON.id
    assert speaker_id(make_message("x", group=True, sender=None)) == -100200
    assert is_group(make_message("x", group=True))
    assert not is_group(make_message("x"))

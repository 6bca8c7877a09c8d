"""In which language somebody is answered, and who they are where they speak for a group or a channel."""

import pytest
from telegram import Chat, User

from bot.telegram.intake import Bot
from bot.telegram.speaking import asked_words, is_group, personal_language, speaker_id, written_in
from tests.factories import BOT, PERSON, make_message


@pytest.mark.parametrize(
    ("code", "words", "language"),
    [
        ("zh-hans", "", "zh"),
        ("zh", "can I use a VPN?", "zh"),
        ("en", "能翻墙吗", "zh"),
        ("en", "VPN", "en"),
        ("en-GB", "", "en"),
        ("fr", "puis-je utiliser un VPN", "en"),
        ("fr", "能翻墙吗", "zh"),
        ("fr", "", "zh"),
        (None, "", "zh"),
        (None, "can I use a VPN?", "en"),
        (None, "/ask can I use a VPN?", "en"),
        ("fr", "/help", "en"),
    ],
)
def test_chinese_words_then_a_persons_language_then_their_words(code: str | None, words: str, language: str) -> None:
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


ME = Bot(BOT.id, "wanggui_bot")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/settings@wanggui_bot", ""),
        ("/ask can I use a VPN?", "can I use a VPN?"),
        ("/article 14", "14"),
        ("能翻墙吗", "能翻墙吗"),
    ],
)
def test_commands_say_nothing_of_a_language(text: str, words: str) -> None:
    assert asked_words(make_message(text, group=True), ME) == words


def test_a_bare_ask_means_the_words_that_it_points_at() -> None:
    asked = make_message("能翻墙吗", group=True, sender=User(9, "老王", is_bot=False))
    assert asked_words(make_message("/ask", group=True, reply_to=asked), ME) == "能翻墙吗"


@pytest.mark.parametrize(
    ("markup", "language"),
    [
        ("<b>第十四条</b>　第三章 网络行为管理\n<blockquote>党员不得……</blockquote>", "zh"),
        ("<b>Article 14</b>　Chapter 3: 网络行为管理\n<blockquote>党员不得……</blockquote>", "en"),
        ("《某规定》 has 5 chapters and 31 articles.\nChapter 1: 总则 (Article 1 to Article 4)", "en"),
        ("“virtual private network”见于 1 处：", "zh"),
        ("要再改，发 /settings。", "zh"),
    ],
)
def test_a_message_of_ours_is_written_in_the_language_of_its_sentences(markup: str, language: str) -> None:
    assert written_in(markup) == language

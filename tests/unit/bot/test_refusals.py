"""What Telegram means by the words of a 400."""

import pytest

from bot.telegram.outgoing import Outgoing, bare
from bot.telegram.refusals import Refusal, read_refusal


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Bad Request: message is not modified: specified new message content ...", Refusal.UNCHANGED),
        ("Bad Request: query is too old and response timeout expired or query ID is invalid", Refusal.TOO_OLD),
        ("Bad Request: message to be replied not found", Refusal.REPLY),
        ("Bad Request: message thread not found", Refusal.TOPIC),
        ("Bad Request: TOPIC_CLOSED", Refusal.TOPIC),
        ("Bad Request: message to edit not found", Refusal.GONE),
        ("Bad Request: message can't be edited", Refusal.GONE),
        ("Bad Request: there is no text in the message to edit", Refusal.GONE),
        ("Bad Request: chat not found", Refusal.CLOSED),
        ("Bad Request: not enough rights to send text messages to the chat", Refusal.CLOSED),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", Refusal.CLOSED),
        ('Bad Request: can\'t parse entities: Unsupported start tag "blink" at byte offset 0', Refusal.MARKUP),
        ("Bad Request: message is too long", Refusal.LENGTH),
        ("Bad Request: MESSAGE_TOO_LONG", Refusal.LENGTH),
        ("Bad Request: BUTTON_DATA_INVALID", Refusal.BUTTONS),
        ("Bad Request: Text buttons are unallowed in the inline keyboard", Refusal.BUTTONS),
        ("Bad Request: something new", Refusal.OTHER),
    ],
)
def test_a_refusal_is_read(description: str, expected: Refusal) -> None:
    assert read_refusal(description) is expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<b>甲</b> &lt;乙&gt; &amp;", "甲 &lt;乙&gt; &amp;"),
        ("<blockquote expandable>甲</blockquote>", "甲"),
        ("1 &lt; 2", "1 &lt; 2"),
    ],
)
def test_bare_words_keep_the_words_alone(html: str, expected: str) -> None:
    assert bare(Outgoing(html)).html == expected


def test_bare_words_fit_one_message_and_split_no_character() -> None:
    words = bare(Outgoing("😀" * 3000)).html
    assert len(words.encode("utf-16-le")) // 2 <= 4096
    assert words == "😀" * 2047 + "…"
    assert len(bare(Outgoing("长" * 3000, photo=b"png")).html) == 1024

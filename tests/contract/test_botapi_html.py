"""Telegram's HTML mode: what it accepts, what it says where it does not, and where it counts."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.botapi.entities import Formatted, detect, piece, trim, utf16_length
from tests.botapi.html import MarkupError, parse

TAGS = [
    ("b", "bold"), ("strong", "bold"), ("i", "italic"), ("em", "italic"), ("u", "underline"), ("ins", "underline"),
    ("s", "strikethrough"), ("strike", "strikethrough"), ("del", "strikethrough"), ("tg-spoiler", "spoiler"),
    ('span class="tg-spoiler"', "spoiler"), ("code", "code"), ("pre", "pre"), ("blockquote", "blockquote"),
    ("blockquote expandable", "expandable_blockquote"), ("B", "bold"),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "kind"), TAGS)
def test_every_tag_makes_its_entity_in_utf16_units(tag: str, kind: str) -> None:
    expected = [{"type": kind, "offset": 3, "length": 4}]
    assert parse(f"😀条<{tag}>第😀文</{tag.partition(' ')[0]}>") == Formatted("😀条第😀文", expected)


def over(kind: str, offset: int, length: int, **extra: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **extra}


MARKUP: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("&lt;b&gt; &amp; &quot;&#65;&#x4e2d;", '<b> & "A中', []),
    ("&nbsp;&copy; &#0;&#12345678;&#00000065; R&D", "&nbsp;&copy; &#0;&#12345678;&#00000065; R&D", []),
    ("a &lt b", "a < b", []),
    ("<b></b>x", "x", []),
    ("<b>x</>", "x", [over("bold", 0, 1)]),
    ("<b  id = x >x</b >", "x", [over("bold", 0, 1)]),
    ("<b>甲<i>乙</i></b>", "甲乙", [over("bold", 0, 2), over("italic", 1, 1)]),
    ("<b>甲<b>乙</b></b>", "甲乙", [over("bold", 0, 2)]),
    (
        "<b>甲<code>乙</code>丙</b>",
        "甲乙丙",
        [
            over("bold", 0, 1),
            over("code", 1, 1),
            over("bold", 2, 1),
        ],
    ),
    ("<code><b>x</b></code>", "x", [over("code", 0, 1)]),
    ('<pre><code class="language-py">x</code></pre>', "x", [over("pre", 0, 1, language="py")]),
    ('<code class="language-py">x</code>', "x", [over("code", 0, 1)]),
    ('<a href="https://E.org/?a=1&amp;b=2">x</a>', "x", [over("text_link", 0, 1, url="https://e.org/?a=1&b=2")]),
    ("<a href=e.org>x</a>", "x", [over("text_link", 0, 1, url="http://e.org/")]),
    ('<a href="nonsense">x</a>', "x", []),
    (
        '<a href="tg://user?id=7">x</a>',
        "x",
        [over("text_mention", 0, 1, user={"id": 7, "is_bot": False, "first_name": ""})],
    ),
    ('<tg-emoji emoji-id="5">👍</tg-emoji>', "👍", [over("custom_emoji", 0, 2, custom_emoji_id="5")]),
]


@pytest.mark.parametrize(("markup", "text", "entities"), MARKUP)
def test_markup_is_read_as_telegram_reads_it(markup: str, text: str, entities: list[dict[str, Any]]) -> None:
    assert parse(markup) == Formatted(text, entities)


WRONG = [
    ("条<p>x</p>", 'Unsupported start tag "p" at byte offset 3'),
    ("a <b", "Unclosed start tag at byte offset 2"),
    ("a < b", 'Unsupported start tag "" at byte offset 2'),
    ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
    ("<b x=", 'Unclosed start tag "b" at byte offset 0'),
    ('<a href="x', "Unclosed start tag at byte offset 0"),
    ("<a =x>", 'Empty attribute name in the tag "a" at byte offset 0'),
    ("<a href=x/y>", "Unexpected end of name token at byte offset 8"),
    ("x</b>", "Unexpected end tag at byte offset 1"),
    ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ('<tg-emoji emoji-id="a">x</tg-emoji>', "Invalid custom emoji identifier specified"),
    ("<blockquote>x<blockquote>y</blockquote></blockquote>", 'Nested start tag "blockquote" at byte offset 13'),
    ("&#xD800;", "invalid Unicode characters"),
]


@pytest.mark.parametrize(("markup", "complaint"), WRONG)
def test_wrong_markup_is_refused_in_the_servers_words(markup: str, complaint: str) -> None:
    with pytest.raises(MarkupError) as refusal:
        parse(markup)
    assert refusal.value.description.startswith("Bad Request: can't parse entities: ")
    assert complaint in refusal.value.description


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_escaped_text_comes_back_unchanged(text: str) -> None:
    assert parse(escape(text, quote=False)) == Formatted(text, [])


@given(st.text(), st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_entity_covers_exactly_its_words(before: str, words: str) -> None:
    before = before.encode("utf-8", "ignore").decode()
    text, entities = parse(f"{escape(before)}<b>{escape(words)}</b>".replace("&#x27;", "'"))
    assert piece(text, entities[0]) == words


@given(st.text(alphabet="<>/&;b =\"'条😀", max_size=12))
def test_any_text_is_read_or_refused(markup: str) -> None:
    try:
        text, entities = parse(markup)
    except MarkupError:
        return
    assert all(entity["offset"] + entity["length"] <= utf16_length(text) for entity in entities)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/ask 能翻墙吗", [("bot_command", "/ask")]),
        ("/ask@wanggui_bot 能翻墙吗", [("bot_command", "/ask@wanggui_bot")]),
        ("/ask能翻墙吗", []),
        ("请看/help", []),
        ("😀 @wanggui_bot 能翻墙吗", [("mention", "@wanggui_bot")]),
        ("请问@wanggui_bot", []),
        ("@wanggui_bot你好", []),
        ("a@example.org", []),
        ("见 https://e.org/a?b=1。 #党课", [("url", "https://e.org/a?b=1"), ("hashtag", "#党课")]),
    ],
)
def test_entities_are_detected_as_telegram_detects_them(text: str, found: list[tuple[str, str]]) -> None:
    assert [(entity["type"], piece(text, entity)) for entity in detect(text)] == found


def test_trimming_moves_and_clips_entities() -> None:
    text = Formatted(
        " \n😀条 ", [{"type": "bold", "offset": 0, "length": 4}, {"type": "code", "offset": 4, "length": 2}]
    )
    assert trim(text) == Formatted(
        "😀条", [{"type": "bold", "offset": 0, "length": 2}, {"type": "code", "offset": 2, "length": 1}]
    )

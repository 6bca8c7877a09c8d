"""Whatever is said, a message fits, parses, loses nothing, and no text becomes markup."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.telegram.rendering import Block, join_blocks, render_text, utf16_length
from tests.botapi.entities import piece
from tests.botapi.html import parse

LEFT_OUT = "\x00\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PIECES = [
    "<b>",
    "</b>",
    "<blockquote expandable>",
    "</blockquote>",
    "&",
    "&amp;",
    "&#x3c;",
    "<",
    ">",
    '"',
    "'",
    "😀",
    "👨‍👩‍👧",
]
PIECES += [
    "\u202e",
    "\u2067",
    "שלום",
    "مرحبا",
    "\ud800",
    "\udfff",
    "\x00",
    "\n",
    "\n\n",
    " ",
    "\u3000",
    "。",
    "；",
    "，",
    "第十四条",
]
TAGS = [("", ""), ("<b>", "</b>"), ("<blockquote>", "</blockquote>"), ("<blockquote expandable>", "</blockquote>")]
KINDS = {"<b>": "bold", "<blockquote>": "blockquote", "<blockquote expandable>": "expandable_blockquote"}

characters = st.characters(codec=None)
pieces = st.one_of(st.sampled_from(PIECES), st.text(characters, max_size=60))
texts = st.one_of(
    st.lists(pieces, max_size=60).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 3000)).map(lambda drawn: drawn[0] * drawn[1]),
    st.text(characters, max_size=1000),
)
limits = st.one_of(st.integers(200, 4096), st.sampled_from([200, 201, 4096]))
worded = texts.filter(lambda text: bool(squeezed(cleaned(text))))
blocks = st.lists(
    st.tuples(st.sampled_from(TAGS), worded).map(lambda drawn: (drawn[0][0], drawn[1], drawn[0][1])), max_size=8
)


def cleaned(text: str) -> str:
    """What is left once nothing stands in it that Telegram refuses or that turns a line round."""
    return "".join(
        character for character in text if character not in LEFT_OUT and not "\ud800" <= character <= "\udfff"
    )


def squeezed(text: str) -> str:
    """Without white space, which a cut may take away."""
    return "".join(text.split())


def check_messages(messages: list[str], limit: int) -> str:
    """Holds each message against Telegram's rules; returns the visible text of all of them."""
    visible = []
    for message in messages:
        assert utf16_length(message) <= limit
        text = parse(message).text
        assert text.strip()
        assert not any(character in LEFT_OUT for character in text)
        visible.append(text)
    return "\n".join(visible)


@settings(deadline=None)
@given(texts, limits)
@example("&" * 4096, 200)
@example("😀" * 2048 + "&", 4096)
@example(" " * 5000 + "甲", 4096)
@example("甲" + "\n" * 5000 + "乙", 200)
@example("<b>" * 300, 201)
def test_plain_text_fits_parses_and_is_whole(text: str, limit: int) -> None:
    messages = render_text(text, limit)
    assert squeezed(check_messages(messages, limit)) == squeezed(cleaned(text))
    assert [entity for message in messages for entity in parse(message).entities] == []


@settings(deadline=None)
@given(texts)
def test_a_text_that_fits_is_sent_exactly_as_it_is(text: str) -> None:
    messages = render_text(text[:400], 4096)
    assert len(messages) <= 1
    expected = cleaned(text[:400])
    assert [parse(message).text.strip("\n") for message in messages] == [expected.strip("\n")] * len(messages)
    assert bool(messages) == bool(expected.strip())


@settings(deadline=None)
@given(blocks, limits)
@example([("<b>", "甲" + " " * 500, "</b>")], 200)
@example([("<blockquote>", "甲" + "\n" * 500 + "乙", "</blockquote>")], 200)
def test_blocks_fit_parse_and_are_whole_wherever_they_are_cut(parts: list[Block], limit: int) -> None:
    messages = join_blocks(parts, limit)
    visible = check_messages(messages, limit)
    assert squeezed(visible) == squeezed(cleaned("".join(text for _, text, _ in parts)))
    for opening, kind in KINDS.items():
        styled = [
            piece(formatted.text, entity)
            for formatted in map(parse, messages)
            for entity in formatted.entities
            if entity["type"] == kind
        ]
        meant = [text for tag, text, _ in parts if tag == opening]
        assert squeezed("".join(styled)) == squeezed(cleaned("".join(meant)))


@settings(deadline=None)
@given(st.text(characters, max_size=300))
def test_length_is_that_of_the_utf16_encoding(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2

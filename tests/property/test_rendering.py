"""Whatever is said, a message fits, parses, loses nothing, and no text becomes markup."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.answering.model import Answer, Citation
from bot.telegram.dressing import dress
from bot.telegram.rendering import Frame, render_article, render_below, safe, utf16_length
from bot.telegram.searching import excerpt
from bot.telegram.trails import Shelf, Trail
from knowledge.library import Library
from knowledge.model import Article, Chapter, Heading, Regulation, split_clauses
from prompts import load_replies
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
characters = st.characters(codec=None)
pieces = st.one_of(st.sampled_from(PIECES), st.text(characters, max_size=60))
texts = st.one_of(
    st.lists(pieces, max_size=60).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 3000)).map(lambda drawn: drawn[0] * drawn[1]),
    st.text(characters, max_size=1000),
)
worded = texts.filter(lambda text: bool(squeezed(cleaned(text))))


def cleaned(text: str) -> str:
    """What is left once nothing stands in it that Telegram refuses or that turns a line round."""
    return "".join(
        character for character in text if character not in LEFT_OUT and not "\ud800" <= character <= "\udfff"
    )


def squeezed(text: str) -> str:
    """Without white space, which a cut may take away."""
    return "".join(text.split())


@settings(deadline=None)
@given(texts)
@example("<b>" * 300)
def test_text_is_shown_exactly_and_becomes_no_markup(text: str) -> None:
    shown = parse(safe(text))
    assert shown.text == cleaned(text)
    assert shown.entities == []


@settings(deadline=None)
@given(st.text(characters, max_size=300))
def test_length_is_that_of_the_utf16_encoding(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@st.composite
def answers(draw: st.DrawFn) -> tuple[Answer, Shelf]:
    """An answer from a regulation whose title, chapter and articles say anything at all."""
    bodies = draw(st.lists(worded, min_size=1, max_size=4))
    heading = Heading(1, draw(texts)[:40])
    articles = tuple(Article(number, body, split_clauses(body), heading) for number, body in enumerate(bodies, start=1))
    title = draw(texts)[:60]
    regulation = Regulation("x", title, (Chapter(heading, articles),), articles)
    citations = []
    for article in articles:
        quote = draw(st.sampled_from([clause.text for clause in article.clauses] or [article.text]))
        start = draw(st.integers(0, len(quote) - 1))
        emphasis = quote[start : start + draw(st.integers(1, 40))]
        emphasised = draw(st.sampled_from([None, emphasis]))
        citations.append(
            Citation(
                "x", title, 1, f"第一章 {heading.title}", article.number, article.label, quote, article.text, emphasised
            )
        )
    answer = Answer(
        draw(texts)[:100],
        "answered",
        None,
        draw(st.sampled_from(["extractive", "lookup", "generative"])),
        0.9,
        draw(st.sampled_from(["zh", "en"])),
        draw(worded)[:200],
        tuple(citations),
        tuple(draw(st.lists(worded.map(lambda note: note[:80]), max_size=2))),
        ranking=("x#1", "x#2"),
    )
    return answer, Shelf(Library((regulation,)))


@settings(deadline=None, max_examples=60)
@given(answers(), st.booleans(), st.booleans())
def test_whatever_a_regulation_and_a_question_say_an_answer_is_one_sound_message(
    drawn: tuple[Answer, Shelf], brief: bool, group: bool
) -> None:
    answer, shelf = drawn
    replies = load_replies()[answer.language]
    outgoing = dress(answer, shelf, replies, group=group, brief=brief)
    assert utf16_length(outgoing.html) <= 4096
    kinds = {entity["type"] for entity in parse(outgoing.html).entities}
    assert kinds <= {"bold", "blockquote", "expandable_blockquote"}
    trail, regulation = Trail.of(answer, shelf), shelf.principal
    for article in regulation.articles:
        frame = Frame.of(outgoing.html, article_shown=False)
        for markup in (
            render_article(regulation, article, replies, shelf),
            render_below(frame, trail, regulation, article, shelf),
        ):
            assert utf16_length(markup) <= 4096
            assert parse(markup).text.strip()


@settings(deadline=None)
@given(worded, st.data())
def test_an_excerpt_with_hits_parses_and_shows_no_more_than_the_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    spans = ((start, data.draw(st.integers(start + 1, len(text)))),)
    shown = parse(excerpt(text, spans)).text.strip("…")
    assert shown in cleaned(text) or squeezed(shown) in squeezed(cleaned(text))

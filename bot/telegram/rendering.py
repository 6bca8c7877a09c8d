"""Answer -> Telegram HTML: pure, escaped, one message of at most what Telegram takes, counted in UTF-16 units.

    第十七条写的是“自觉抵制”：                                   the lead
    ……<b>直播打赏</b>……                                         the deciding words, where the quote would fold them away
    ▎〔第十七条〕党员应当培育……<b>直播打赏</b>……               the articles, verbatim, folded by Telegram at three lines
    违反的后果，本规定写在第二十八条……                          notes

What stands above and below the quote is the *frame*. It stays in place while the buttons page through articles, so the
way back to the answer needs nothing but the message itself and its `Trail`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Final, Self

from bot.answering.composing import label_of
from bot.answering.model import Answer, Citation, Claim
from bot.answering.plain import left_open
from bot.telegram.trails import MAX_BOLD_CLAUSE, Bold, Shelf, Trail, bold_of
from knowledge.model import Article, Chapter, Regulation
from knowledge.numerals import format_numeral
from prompts import Replies, load_replies

MAX_MESSAGE_UTF16: Final = 4096
"""Telegram's limit on a message, after entity parsing; counting the markup too keeps well below it."""

FOLDED_AFTER: Final = 45
"""Characters of an article that show in a folded quote: Telegram's three lines on a phone, without the label."""

OPEN_UP_TO: Final = 300
"""Characters of an article shown by itself that need no folding."""

_MOST_BRIEF: Final = 1500
"""UTF-16 units, escaped, of a quote in a brief answer: buttons put an article below it, in the same message."""

_AROUND: Final = 24
_MARKS: Final = "，、；。：！？\n"
_LEFT_OUT: Final = dict.fromkeys(
    [0, *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)]
)  # NUL, controls of direction, lone surrogates

Passage = tuple[str, str, Bold | None]
"""A label, an article's text, and which of its words are bold."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands above and below the quote of one of our answers, as HTML lines."""

    head: tuple[str, ...]
    tail: tuple[str, ...] = ()

    @classmethod
    def of(cls, markup: str, *, article_shown: bool) -> Self:
        """The frame of a message as it stands in the chat; the title of an article shown below is no part of it."""
        head, quote, rest = markup.partition("<blockquote")
        lines = head.rstrip("\n").split("\n")
        if article_shown:
            lines = "\n".join(lines[:-1]).rstrip("\n").split("\n")
        tail = rest.rpartition("</blockquote>")[2].strip("\n") if quote else ""
        return cls(tuple(lines), tuple(tail.split("\n")) if tail else ())


def utf16_length(text: str) -> int:
    """Length as Telegram counts it: characters beyond the basic plane count twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def safe(text: str) -> str:
    """Text as HTML that shows it, without what Telegram refuses or what turns a line round."""
    return escape(_clean(text), quote=False)


def render_answer(answer: Answer, shelf: Shelf, *, brief: bool = False) -> str:
    """An answer as one message; a brief one is the lead and the deciding sentence, without its articles."""
    replies = load_replies()[answer.language]
    notes = [safe(note) for note in (*answer.notes, *left_open(answer, replies))]
    understood = [replies("answer.understood", question=answer.understood)] if answer.understood else []
    lead = [safe(line) for line in (*understood, *_without_place(answer, replies).split("\n"))]
    lead += [safe(_claim(claim, replies, shelf, brief=brief)) for claim in answer.claims]
    passages = [
        (_citation_label(citation, replies, shelf), citation.text, bold_of(citation, leading=place == 0))
        for place, citation in enumerate(answer.citations)
    ]
    if not passages:
        return "\n".join([*lead, *notes])
    if answer.mode == "lookup":
        looked_up = [(label, text, None) for label, text, _ in passages]
        return _render_lookup(answer, lead, looked_up, notes, shelf)
    deciding = "" if answer.mode == "generative" else _deciding(answer.citations[0], brief=brief)
    head = [*lead, deciding] if deciding else lead
    return "\n".join([*head, *notes]) if brief else _with_passages(head, passages, notes, fold=True)


def render_found(frame: Frame, trail: Trail, shelf: Shelf, *, brief: bool) -> str:
    """The way back: the same answer from its frame and its trail. Articles that are no longer there are left out."""
    replies = load_replies()[trail.language]
    passages = [
        (_label(regulation, article, replies, shelf), article.text, found.bold)
        for found in trail.quoted
        for regulation, article in filter(None, [shelf.article(found.key, found.number)])
    ]
    if brief or not passages:
        return "\n".join([*frame.head, *frame.tail])
    return _with_passages(_without_hidden(frame, trail, shelf), passages, frame.tail, fold=True)


def render_article(
    regulation: Regulation,
    article: Article,
    replies: Replies,
    shelf: Shelf,
    frame: Frame | None = None,
    bold: Bold | None = None,
) -> str:
    """One article whole, within the frame of the answer that it belongs to, if any; a long one is folded."""
    title = [f"<b>{safe(label_of(article, replies))}</b>"]
    if regulation is not shelf.principal:
        title.append(safe(f"《{regulation.name}》"))
    if article.chapter:
        title.append(safe(chapter_label(article.chapter.number, article.chapter.title, replies)))
    above = [*frame.head, ""] if frame and frame.head else []
    return _with_passages([*above, "　".join(title)], [("", article.text, bold)], frame.tail if frame else ())


def render_below(frame: Frame, trail: Trail, regulation: Regulation, article: Article, shelf: Shelf) -> str:
    """The same below an answer; its deciding sentence goes back into the head where only the quote had it."""
    lines = _without_hidden(frame, trail, shelf)
    hidden, place = _hidden(trail, shelf), (shelf.key(regulation.id), article.number)
    if hidden and place != (trail.leading.key, trail.leading.number):
        lines.append(hidden)
    bold = next((found.bold for found in trail.quoted if (found.key, found.number) == place), None)
    bold = (
        bold if bold and bold.length < len(article.text) else None
    )  # an article that is bold all through shows nothing
    whole = Frame(tuple(lines), frame.tail)
    return render_article(regulation, article, load_replies()[trail.language], shelf, whole, bold)


def render_chapter(regulation: Regulation, chapter: Chapter | None, replies: Replies, shelf: Shelf) -> str:
    """A chapter, all of its articles in one folded quote; None stands for a regulation without chapters."""
    articles = chapter.articles if chapter else regulation.articles
    lines = [] if regulation is shelf.principal and chapter else [safe(f"《{regulation.name}》")]
    if chapter:
        lines.append(f"<b>{safe(chapter_line(chapter, replies))}</b>")
    return _with_passages(lines, [(label_of(article, replies), article.text, None) for article in articles], fold=True)


def render_contents(regulation: Regulation, replies: Replies) -> str:
    """A regulation's title and its chapters, one a line, with their articles."""
    if not regulation.chapters:
        return safe(replies("lookup.counts_plain", regulation=regulation.name, articles=regulation.last))
    counts = replies(
        "lookup.counts", regulation=regulation.name, chapters=len(regulation.chapters), articles=regulation.last
    )
    return "\n".join([safe(counts), *(safe(chapter_line(chapter, replies)) for chapter in regulation.chapters)])


def chapter_label(number: int, title: str, replies: Replies) -> str:
    """第三章 网络行为管理, or Chapter 3: 网络行为管理 for an English reader."""
    numeral = format_numeral(number) if replies.language == "zh" else str(number)
    return replies("telegram.chapter", number=numeral, title=title).rstrip(" :")


def chapter_line(chapter: Chapter, replies: Replies) -> str:
    """The same with its articles: 第三章 网络行为管理（第九条至第二十一条）."""
    label = chapter_label(chapter.number, chapter.heading.title, replies)
    first, last = (label_of(chapter.articles[place], replies) for place in (0, -1))
    if first == last:
        return replies("lookup.chapter_line_single", label=label, first=first)
    return replies("lookup.chapter_line", label=label, first=first, last=last)


def deciding_sentence(text: str, bold: Bold, *, whole: bool = True) -> str:
    """The sentence of an article that decides, its bold words in bold; of a long one, only the words around them."""
    start = max(text.rfind(mark, 0, bold.start) for mark in "。\n") + 1
    after = bold.start + bold.length
    ends = [place + 1 for mark in "。\n" if (place := text.find(mark, max(after - 1, start))) >= 0]
    end = min(ends, default=len(text))
    if whole and end - start <= MAX_BOLD_CLAUSE:
        return _bolden(text[start:end].rstrip("\n"), Bold(bold.start - start, bold.length))
    if not 0 < bold.length <= MAX_BOLD_CLAUSE:
        return ""
    left = max(text.rfind(mark, start, bold.start) for mark in _MARKS) + 1
    left = left if left > start and bold.start - left <= _AROUND else bold.start
    shown = _bolden(text[left:after], Bold(bold.start - left, bold.length))
    return ("……" if left > start else "") + shown + ("……" if after < end else "")


def _render_lookup(
    answer: Answer, lead: Sequence[str], passages: Sequence[Passage], notes: Sequence[str], shelf: Shelf
) -> str:
    """Several articles folded; a single one under its title, where the lead says nothing but which it is."""
    if len(passages) > 1:
        return _with_passages(lead, passages, notes)
    (citation,), replies = answer.citations, load_replies()[answer.language]
    at = shelf.article(shelf.key(citation.regulation_id), citation.article)
    if at and answer.lead.startswith(label_of(at[1], replies)):
        return render_article(*at, replies, shelf, Frame((), tuple(notes)))
    return _with_passages(lead, [("", citation.text, None)], notes)


def _claim(claim: Claim, replies: Replies, shelf: Shelf, *, brief: bool) -> str:
    """A claim with the label of its article in the quote below; a brief answer has none, so the words stand beside."""
    label = _citation_label(claim.citation, replies, shelf)
    if brief:
        return replies("answer.claim", text=claim.text, label=label, quote=claim.citation.quote)
    return f"{claim.text}〔{label}〕"


def _without_place(answer: Answer, replies: Replies) -> str:
    """The lead without the chapter, which would break its line on a phone; 全文 shows it."""
    chapter = answer.citations[0].chapter_label if answer.citations else ""
    return answer.lead.replace(replies("answer.place", chapter=chapter), "", 1) if chapter else answer.lead


def _deciding(citation: Citation, *, brief: bool) -> str:
    """The deciding sentence, unless the quote below shows it: of an article of one sentence, the words around it."""
    bold = bold_of(citation, leading=True)
    if brief:
        return deciding_sentence(citation.text, bold) or _cut(citation.quote)
    if _is_visible(citation.text, bold):
        return ""
    return deciding_sentence(citation.text, bold, whole=citation.quote != citation.text)


def _cut(quote: str) -> str:
    plain = _clean(quote)
    fitting = _fitting(plain, _MOST_BRIEF)
    return escape(plain[:fitting], quote=False) + ("……" if fitting < len(plain) else "")


def _is_visible(text: str, bold: Bold) -> bool:
    """Whether the bold words show while their quote is folded."""
    return len(text) <= FOLDED_AFTER or 0 < bold.start + bold.length <= FOLDED_AFTER


def _hidden(trail: Trail, shelf: Shelf) -> str:
    """The sentence that a full answer leaves to its quote; empty where its head has it."""
    at, bold = shelf.article(trail.leading.key, trail.leading.number), trail.leading.bold
    if trail.spoken or at is None or bold is None or not _is_visible(at[1].text, bold):
        return ""
    return deciding_sentence(at[1].text, bold)


def _without_hidden(frame: Frame, trail: Trail, shelf: Shelf) -> list[str]:
    hidden = unescape(_hidden(trail, shelf))
    return [line for line in frame.head if not hidden or unescape(line) != hidden]


def _label(regulation: Regulation, article: Article, replies: Replies, shelf: Shelf) -> str:
    name = "" if regulation is shelf.principal else f"《{regulation.name}》"
    return name + label_of(article, replies)


def _citation_label(citation: Citation, replies: Replies, shelf: Shelf) -> str:
    at = shelf.article(shelf.key(citation.regulation_id), citation.article)
    return _label(*at, replies, shelf) if at else citation.label


def _with_passages(
    lines: Sequence[str], passages: Sequence[Passage], below: Sequence[str] = (), *, fold: bool | None = None
) -> str:
    """The lines, then the passages in one quote, folded unless they are short, then what stands below.

    What has no room gives way to dots; buttons lead to the rest.
    """
    fold = sum(len(text) for _, text, _ in passages) > OPEN_UP_TO if fold is None else fold
    opening, closing = "<blockquote expandable>" if fold else "<blockquote>", "</blockquote>"
    room = MAX_MESSAGE_UTF16 - utf16_length("\n".join([*lines, *below])) - len(opening + closing) - 8
    quoted: list[str] = []
    for label, text, bold in _shortened(passages, room):
        named = f"〔{safe(label)}〕" if label else ""
        piece = named + _bolden(text, bold)
        if utf16_length(piece) > room:
            plain, left = _clean(text), room - utf16_length(named)
            quoted.append(f"{named}{escape(plain[: _fitting(plain, left)], quote=False)}……" if left > 100 else "……")
            break
        room -= utf16_length(piece) + 1
        quoted.append(piece)
    return "\n".join([*lines, opening + "\n".join(quoted) + closing, *below])


def _shortened(passages: Sequence[Passage], room: int) -> list[Passage]:
    """Where not all have room, articles give way to their deciding words, the longest first."""
    shortened = list(passages)
    needed = [utf16_length(safe(label + text)) + len("〔〕<b></b>\n") for label, text, _ in passages]
    for place in sorted(range(len(passages)), key=lambda place: -needed[place]):
        label, text, bold = passages[place]
        if sum(needed) <= room:
            break
        if bold and 0 < bold.length < len(text):
            start, end = bold.start, bold.start + bold.length
            before, after = "……" if start else "", "……" if end < len(text) else ""
            shortened[place] = (label, before + text[start:end] + after, Bold(len(before), bold.length))
            needed[place] = utf16_length(safe("".join(shortened[place][:2]))) + len("〔〕<b></b>\n")
    return shortened


def _bolden(text: str, bold: Bold | None) -> str:
    if bold is None or not text[bold.start : bold.start + bold.length].strip():
        return safe(text)
    end = bold.start + bold.length
    return f"{safe(text[: bold.start])}<b>{safe(text[bold.start : end])}</b>{safe(text[end:])}"


def _fitting(text: str, room: int) -> int:
    """How many characters fit, once escaped; at least one."""
    if utf16_length(escape(text, quote=False)) <= room:
        return len(text)
    used = 0
    for place, character in enumerate(text):
        used += utf16_length(escape(character, quote=False))
        if used > room:
            return max(place, 1)
    return len(text)


def _clean(text: str) -> str:
    return text.translate(_LEFT_OUT)

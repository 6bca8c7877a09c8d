"""What a regulation is made of: Regulation, Chapter, Article, Clause. Frozen and pure.

All text here is the *repaired* text (see `knowledge.reading`): its wording is the source's own, only stray white space
and the width of punctuation may differ.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from knowledge.numerals import format_numeral, parse_numeral


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence or numbered item of an article: the smallest unit that is searched and quoted.

    `paragraph` counts the article's paragraphs (款) from 1; `item` is the number of a numbered item （一）, else None;
    `start` and `end` are offsets into the article's text.
    """

    paragraph: int
    item: int | None
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A part (编), chapter (章) or section (节): its number and its title, which may be empty."""

    number: int
    title: str


@dataclass(frozen=True)
class Article:
    """One article: its number, its verbatim text (paragraphs joined by line feeds) and the headings above it."""

    number: int
    text: str
    clauses: tuple[Clause, ...]
    chapter: Heading | None = None
    section: Heading | None = None
    part: Heading | None = None

    @property
    def label(self) -> str:
        """The article's name as the text writes it: 第十四条."""
        return f"第{format_numeral(self.number)}条"

    def contains(self, quote: str) -> bool:
        """Whether the quote stands in this article to the letter."""
        return bool(quote) and quote in self.text


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter (章) with its articles; regulations without chapters have none."""

    heading: Heading
    articles: tuple[Article, ...]
    part: Heading | None = None

    @property
    def number(self) -> int:
        """The chapter's number, from 1."""
        return self.heading.number

    @property
    def label(self) -> str:
        """The chapter's name as the text writes it: 第三章 网络行为管理."""
        return f"第{format_numeral(self.number)}章 {self.heading.title}".rstrip()


@dataclass(frozen=True)
class Regulation:
    """A whole regulation, with its metadata.

    `id` is a stable slug; `edition` tells versions of one title apart (“2018”); `promulgation` is the line below the
    title, verbatim; `preamble` holds what stands between it and the first heading; `aliases` are short names; `roles`
    name articles with an office of their own (consequences, armed_forces) by number; `digest` is the SHA-256 of the
    source bytes.
    """

    id: str
    title: str
    chapters: tuple[Chapter, ...]
    articles: tuple[Article, ...]
    promulgation: str = ""
    promulgated_on: datetime.date | None = None
    edition: str = ""
    preamble: str = ""
    aliases: tuple[str, ...] = ()
    roles: tuple[tuple[str, int], ...] = ()
    digest: str = ""

    @cached_property
    def _by_number(self) -> dict[int, Article]:
        return {article.number: article for article in self.articles}

    @property
    def last(self) -> int:
        """The number of the last article, which is also how many there are."""
        return self.articles[-1].number

    @property
    def name(self) -> str:
        """The title, with the edition where there is one."""
        return f"{self.title}（{self.edition}）" if self.edition else self.title

    def article(self, number: int) -> Article | None:
        """The article of that number, or None."""
        return self._by_number.get(number)

    def role(self, name: str) -> Article | None:
        """The article of a special office, or None where the regulation has none."""
        return next((self.article(number) for role, number in self.roles if role == name), None)

    def chapter(self, number: int) -> Chapter | None:
        """The first chapter of that number, or None."""
        return next((chapter for chapter in self.chapters if chapter.number == number), None)

    def article_id(self, number: int) -> str:
        """The article's id in the index: regulation id, a hash mark, article number."""
        return f"{self.id}#{number}"


_SENTENCE = re.compile(r"[^。！？\n]*[。！？]+[”』」）]*|[^。！？\n]+")
_ITEM = re.compile(r"^[（(]([零〇一二三四五六七八九十百]{1,4})[）)]")


def split_clauses(text: str) -> tuple[Clause, ...]:
    """Cut an article's text into clauses: a numbered item is one clause, any other paragraph one for each sentence."""
    return tuple(_clauses(text))


def _item(line: str) -> int | None:
    match = _ITEM.match(line)
    try:
        return parse_numeral(match[1]) if match else None
    except ValueError:
        return None


def _clauses(text: str) -> Iterator[Clause]:
    start, paragraph = 0, 0
    for line in text.split("\n"):
        item = _item(line)
        if item is not None:
            yield Clause(max(paragraph, 1), item, start, start + len(line), line)
        else:
            paragraph += 1
            for sentence in _SENTENCE.finditer(line):
                begin, end = start + sentence.start(), start + sentence.end()
                yield Clause(paragraph, None, begin, end, sentence[0])
        start += len(line) + 1

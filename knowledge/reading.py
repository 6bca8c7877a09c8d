"""A .txt, .md or .docx file in 第X章 / 第X条 form -> Regulation; an error names file, line and what was expected.

    bytes ─ decode ─▶ lines ─ repair ─▶ front matter | headings | articles ─▶ Regulation

Whatever stands in the file ends up somewhere in the Regulation: a table of contents is the only thing left out.
"""

import datetime
import hashlib
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from knowledge.errors import ReadingError
from knowledge.model import Article, Chapter, Heading, Regulation, split_clauses
from knowledge.numerals import NUMERAL, format_numeral, parse_numeral
from knowledge.repair import repair, tidy

READER_VERSION: Final = 1
"""Raised whenever the same bytes would be read differently: part of the index's fingerprint."""

SUFFIXES: Final = (".txt", ".md", ".docx")
MAX_BYTES: Final = 20_000_000

_HEADING = re.compile(rf"^第\s*({NUMERAL})\s*(编|章|节)([\s：:、.．]*)([^。；，]{{0,60}})$")
_ARTICLE = re.compile(rf"^第\s*({NUMERAL})\s*条(之[一二三四五六七八九十])?([\s：:、]*)(.*)$", re.DOTALL)
_REFERENCE = re.compile(r"^(?:第|规定|所|的|之|中|至|到|和|或|及|、|，|款|项|确定|情形)")
_CONTENTS = re.compile(r"^目\s*[录次]$")
_EDITION = re.compile(r"^(?P<title>.*?)[\s（(]*(?P<edition>(?:19|20)\d{2})\s*年?(?:版|修订|修正)?[)）]?$")
_DATE = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日")
_ANNOUNCED = re.compile(r"发布|公布|通过|印发|施行|修订|批准|令")
_NAMED = re.compile(r"^.{0,12}《([^《》]{4,60})》.{0,20}$")
_MARKDOWN = re.compile(r"^(?:#{1,6}\s+|>\s?|[-*+]\s+)|\*\*|__|`|\\(?=[#*_.()\[\]-])", re.MULTILINE)


def read_regulation(path: Path, *, regulation_id: str | None = None) -> Regulation:
    """Read one file whole.

    `regulation_id` defaults to the title (with its edition), which is stable across copies of the same text.

    Raises:
        ReadingError: the file is missing, empty, binary, wrongly encoded, or its articles do not run 1, 2, 3 ...
    """
    content = _load(path)
    lines = _docx_lines(path, content) if path.suffix.lower() == ".docx" else _text_lines(path, content)
    outline = _Outline(path)
    for number, line in lines:
        outline.take(number, _tight(tidy(_MARKDOWN.sub("", line) if path.suffix.lower() == ".md" else line)))
    return outline.finish(regulation_id, hashlib.sha256(content).hexdigest())


def _load(path: Path) -> bytes:
    if path.suffix.lower() not in SUFFIXES:
        raise ReadingError(
            path, None, f"unknown kind of file {path.suffix or '(no suffix)'}", "one of .txt, .md, .docx"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReadingError(path, None, "the file is too large", f"at most {MAX_BYTES:,} bytes")
        content = path.read_bytes()
    except OSError as exc:
        raise ReadingError(path, None, f"cannot be opened ({exc.strerror})", "a readable file") from exc
    if not content.strip():
        raise ReadingError(path, None, "the file is empty", "a regulation's text")
    return content


_SPACED = re.compile(r"^第((?:\s*[零〇一二两三四五六七八九十百千0-9０-９])+)\s*(?=[编章节条])")


def _tight(line: str) -> str:
    """Close up a spaced heading number: 第 十 四 条 -> 第十四条."""
    return _SPACED.sub(lambda match: "第" + "".join(match[1].split()), line)


def _text_lines(path: Path, content: bytes) -> list[tuple[int, str]]:
    text = _decode(path, content)
    return list(enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1))


def _decode(path: Path, content: bytes) -> str:
    """Decode UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030 (which covers GBK)."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if marked else ("utf-8-sig", "gb18030")
    failure: UnicodeDecodeError | None = None
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as exc:
            failure = exc if failure is None or exc.start > failure.start else failure
            continue
        if not text.strip():
            raise ReadingError(path, None, "the file is empty", "a regulation's text")
        if "\x00" in text or _control_share(text) > 0.01:
            break
        if _is_chinese(text):
            return text
    if failure is None or b"\x00" in content:
        raise ReadingError(path, None, "the file is not Chinese text", "a text in UTF-8 or GB18030")
    line = content.count(b"\n", 0, failure.start) + 1
    raise ReadingError(path, line, f"byte {content[failure.start]:#04x} fits no known encoding", "UTF-8 or GB18030")


def _control_share(text: str) -> float:
    return sum(character < " " and character not in "\n\r\t\f" for character in text) / len(text)


def _is_chinese(text: str) -> bool:
    """Wrongly decoded bytes give rare characters and private-use ones; real text is full of the commonest."""
    return any(mark in text for mark in ("的", "第", "条")) and "\ufffd" not in text


def _docx_lines(path: Path, content: bytes) -> list[tuple[int, str]]:
    from docx import Document  # imported late: only this kind of file needs it

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > 10 * MAX_BYTES:
                raise ReadingError(path, None, "the file unpacks to too much", f"at most {10 * MAX_BYTES:,} bytes")
        document = Document(BytesIO(content))
        paragraphs = document.paragraphs
        if document.tables:
            raise ReadingError(path, None, "the file holds a table", "text alone")
    except ReadingError:
        raise
    except Exception as exc:
        raise ReadingError(path, None, "this is no Word file", "a .docx written by a word processor") from exc
    return [
        (number, line) for number, paragraph in enumerate(paragraphs, start=1) for line in paragraph.text.split("\n")
    ]


@dataclass
class _Draft:
    number: int
    line: int
    part: Heading | None
    chapter: Heading | None
    section: Heading | None
    paragraphs: list[str] = field(default_factory=list)

    def build(self) -> Article:
        text = "\n".join(self.paragraphs)
        return Article(self.number, text, split_clauses(text), self.chapter, self.section, self.part)


class _Outline:
    """Takes repaired lines one after another and grows the regulation; one instance a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.front: list[str] = []
        self.drafts: list[_Draft] = []
        self.part: Heading | None = None
        self.chapter: Heading | None = None
        self.section: Heading | None = None
        self.contents: str | None = None
        self.counted: Heading | None = None
        self.bare: tuple[int, str] | None = None

    def take(self, number: int, line: str) -> None:
        if not line or self._skips_contents(line):
            return
        heading = _HEADING.match(line)
        if heading and (heading[3] or not heading[4] or self._continues(heading)):
            self._open_heading(number, line, heading)
            return
        article = _ARTICLE.match(line)
        if article and self._opens_article(article):
            self._open_article(number, article)
        elif self.bare:
            wanted = f"第{format_numeral(self._next_number())}条"
            raise ReadingError(self.path, number, f"text before the first article: {_short(line)}", wanted)
        elif self.drafts:
            self.drafts[-1].paragraphs.append(repair(line))
        else:
            self.front.append(repair(line))

    def _skips_contents(self, line: str) -> bool:
        """A table of contents lists headings (and perhaps articles) that come again below it."""
        if _CONTENTS.match(line) and not self.drafts:
            self.contents = ""
            return True
        if self.contents is None:
            return False
        entry = "".join(re.sub(r"[\s.…·]*\d*$", "", line).split())
        if entry == self.contents or (not _HEADING.match(line) and (_ARTICLE.match(line) or len(line) > 60)):
            self.contents = None
            return False
        self.contents = self.contents or entry
        return True

    def _open_heading(self, line: int, text: str, match: re.Match[str]) -> None:
        level = match[2]
        heading = Heading(self._number(line, text, match[1], level), repair(match[4]))
        self._refuse_empty_article()
        self._refuse_bare_heading(level)
        self.bare = line, level
        if level == "编":
            self._expect(line, text, heading.number, self.part, "编")
            self.part, self.chapter, self.section = heading, None, None
        elif level == "章":
            if not (heading.number == 1 and self.part and not self.chapter):
                self._expect(line, text, heading.number, self.counted, "章")
            self.chapter, self.counted, self.section = heading, heading, None
        else:
            self._expect(line, text, heading.number, self.section, "节")
            self.section = heading

    def _continues(self, match: re.Match[str]) -> bool:
        """Whether a heading written without a space (第一章总则) is the next one of its level."""
        previous = {"编": self.part, "章": self.counted, "节": self.section}[match[2]]
        try:
            return parse_numeral(match[1]) in (1, previous.number + 1 if previous else 1)
        except ValueError:
            return False

    def _number(self, line: int, text: str, numeral: str, level: str) -> int:
        try:
            return parse_numeral(numeral)
        except ValueError as exc:
            previous = {"编": self.part, "章": self.counted, "节": self.section, "条": None}[level]
            wanted = self._next_number() if level == "条" else previous.number + 1 if previous else 1
            raise ReadingError(self.path, line, f"found {_short(text)}", f"第{format_numeral(wanted)}{level}") from exc

    def _refuse_bare_heading(self, level: str | None) -> None:
        order = ("编", "章", "节", None)
        if self.bare and (level is None or order.index(level) <= order.index(self.bare[1])):
            raise ReadingError(self.path, self.bare[0], "a heading without articles", "an article below it")

    def _expect(self, line: int, text: str, number: int, previous: Heading | None, level: str) -> None:
        wanted = previous.number + 1 if previous else 1
        if number != wanted:
            raise ReadingError(self.path, line, f"found {_short(text)}", f"第{format_numeral(wanted)}{level}")

    def _opens_article(self, match: re.Match[str]) -> bool:
        """Tell the heading 第十四条 from a line that merely begins by referring to an article."""
        if match[2]:
            return bool(match[3]) or not match[4]
        if match[3] and "、" in match[3]:
            return False
        if match[3] or not match[4]:
            return True
        try:
            return parse_numeral(match[1]) == self._next_number() and not _REFERENCE.match(match[4])
        except ValueError:
            return False

    def _next_number(self) -> int:
        return self.drafts[-1].number + 1 if self.drafts else 1

    def _open_article(self, line: int, match: re.Match[str]) -> None:
        found = f"第{match[1]}条{match[2] or ''}"
        wanted = f"第{format_numeral(self._next_number())}条"
        self._refuse_empty_article()
        if match[2]:
            raise ReadingError(self.path, line, f"found {found}, an inserted article", f"{wanted}, plain numbering")
        number = self._number(line, found, match[1], "条")
        if number != self._next_number():
            seen = next((draft.line for draft in self.drafts if draft.number == number), None)
            twice = f", which already stands at line {seen}" if seen else ""
            raise ReadingError(self.path, line, f"found {found}{twice}", wanted)
        draft = _Draft(number, line, self.part, self.chapter, self.section)
        if match[4]:
            draft.paragraphs.append(repair(match[4]))
        self.drafts.append(draft)
        self.bare = None

    def _refuse_empty_article(self) -> None:
        if self.drafts and not self.drafts[-1].paragraphs:
            draft = self.drafts[-1]
            raise ReadingError(
                self.path, draft.line, f"第{format_numeral(draft.number)}条 has no text", "the article's text below it"
            )

    def finish(self, regulation_id: str | None, digest: str) -> Regulation:
        if not self.drafts:
            raise ReadingError(self.path, None, "no article was found", "a line that begins with 第一条")
        self._refuse_empty_article()
        self._refuse_bare_heading(None)
        articles = tuple(draft.build() for draft in self.drafts)
        front = _FrontMatter.of(self.front, self.path)
        name = f"{front.title} {front.edition}".rstrip()
        return Regulation(
            id=regulation_id or name,
            title=front.title,
            edition=front.edition,
            chapters=_chapters(articles),
            articles=articles,
            promulgation=front.promulgation,
            promulgated_on=front.promulgated_on,
            preamble=front.preamble,
            digest=digest,
        )


def _chapters(articles: Iterable[Article]) -> tuple[Chapter, ...]:
    grouped: list[tuple[Heading, Heading | None, list[Article]]] = []
    for article in articles:
        if article.chapter is None:
            continue
        if not grouped or grouped[-1][0] is not article.chapter:
            grouped.append((article.chapter, article.part, []))
        grouped[-1][2].append(article)
    return tuple(Chapter(heading, tuple(members), part) for heading, part, members in grouped)


@dataclass(frozen=True)
class _FrontMatter:
    """What stands above the first heading: title, promulgation, preamble."""

    title: str
    edition: str
    promulgation: str
    promulgated_on: datetime.date | None
    preamble: str

    @classmethod
    def of(cls, lines: list[str], path: Path) -> "_FrontMatter":
        title, rest = (lines[0], lines[1:]) if lines and len(lines[0]) <= 80 else (path.stem, lines)
        announced = []
        while rest and len(rest[0]) <= 400 and _DATE.search(rest[0]) and _ANNOUNCED.search(rest[0]):
            announced.append(rest.pop(0))
        named = _NAMED.match(title)
        edition = _EDITION.match(named[1] if named else title)
        promulgation = "\n".join(announced)
        return cls(
            title=(edition["title"] if edition else named[1] if named else title).strip(),
            edition=edition["edition"] if edition else "",
            promulgation=promulgation,
            promulgated_on=_last_date(promulgation),
            preamble="\n".join(([title] if named else []) + rest),
        )


def _last_date(text: str) -> datetime.date | None:
    dates = [tuple(map(int, match.groups())) for match in _DATE.finditer(text)]
    try:
        return max(datetime.date(*date) for date in dates) if dates else None
    except ValueError:
        return None


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"

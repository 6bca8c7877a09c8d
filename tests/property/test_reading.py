"""A regulation that is written out comes back; whatever else a file holds, nothing is lost and nothing leaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from knowledge.errors import ReadingError
from knowledge.numerals import format_numeral
from knowledge.reading import read_regulation
from knowledge.repair import wording
from tests.factories import body_wording

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
HAN = "党员网络行为规定不得应当传播信息组织纪律群众举报责任的条章在上下中一二三十百"

words = st.text(alphabet=HAN, min_size=1, max_size=8)
sentences = st.builds("，".join, st.lists(words, min_size=1, max_size=3)).map(lambda text: text + "。")
paragraphs = st.builds("".join, st.lists(sentences, min_size=1, max_size=2))
article_texts = st.builds("\n".join, st.lists(paragraphs, min_size=1, max_size=3))


@dataclass(frozen=True)
class Style:
    """One of the ways in which people write a regulation down."""

    numeral: Callable[[int], str]
    gap: str
    heading_gap: str
    feed: str
    encoding: str


styles = st.builds(
    Style,
    numeral=st.sampled_from([format_numeral, str, lambda number: str(number).translate(FULL_WIDTH)]),
    gap=st.sampled_from([" ", "　", "\n", "\n　　", " \n\n ", "\u200b "]),
    heading_gap=st.sampled_from([" ", "　", "  "]),
    feed=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"]),
)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(chapters: Sequence[tuple[str, Sequence[str]]], style: Style) -> str:
    lines, number = ["示例规定", "（2024年1月14日示例办公厅发布）"], 0
    for place, (title, articles) in enumerate(chapters, start=1):
        if title:
            lines.append(f"第{style.numeral(place)}章{style.heading_gap}{title}")
        for text in articles:
            number += 1
            lines.append(f"第{style.numeral(number)}条{style.gap}{text}")
    return style.feed.join("\n".join(lines).split("\n")) + style.feed


def save(folder: Path, text: str, encoding: str) -> Path:
    path = folder / "规定.txt"
    if "\u200b" in text and encoding == "gbk":
        encoding = "gb18030"
    path.write_bytes(text.encode(encoding))
    return path


@SLOW
@given(
    chapters=st.lists(st.tuples(words, st.lists(article_texts, min_size=1, max_size=5)), min_size=1, max_size=12),
    style=styles,
)
def test_chapters_and_articles_come_back(tmp_path: Path, chapters: list[tuple[str, list[str]]], style: Style) -> None:
    regulation = read_regulation(save(tmp_path, written(chapters, style), style.encoding))
    assert regulation.title == "示例规定"
    assert regulation.promulgation == "（2024年1月14日示例办公厅发布）"
    assert [article.number for article in regulation.articles] == list(range(1, len(regulation.articles) + 1))
    assert [
        (chapter.heading.title, [article.text for article in chapter.articles]) for chapter in regulation.chapters
    ] == chapters
    assert [chapter.number for chapter in regulation.chapters] == list(range(1, len(chapters) + 1))
    assert [article.text for article in regulation.articles] == [text for _, texts in chapters for text in texts]


@SLOW
@given(articles=st.lists(article_texts, min_size=1, max_size=40), style=styles)
def test_articles_without_chapters_come_back(tmp_path: Path, articles: list[str], style: Style) -> None:
    regulation = read_regulation(save(tmp_path, written([("", articles)], style), style.encoding))
    assert [article.text for article in regulation.articles] == articles
    assert regulation.chapters == ()


@SLOW
@given(articles=st.lists(article_texts, min_size=3, max_size=12), chance=st.floats(0, 1, exclude_max=True))
@pytest.mark.parametrize("damage", ["missing", "doubled", "out of order"])
def test_a_damaged_count_is_always_noticed(tmp_path: Path, articles: list[str], chance: float, damage: str) -> None:
    lines = [f"第{format_numeral(number)}条 {text}" for number, text in enumerate(articles, start=1)]
    place = 1 + int(chance * (len(lines) - 1))  # the last article may go unmissed, no other
    if damage == "missing":
        del lines[place - 1]
    elif damage == "doubled":
        lines.insert(place, lines[place - 1])
    else:
        lines[place - 1], lines[place] = lines[place], lines[place - 1]
    path = save(tmp_path, "\n".join(["示例规定", *lines]), "utf-8")
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    assert raised.value.path == path
    assert raised.value.line is not None


FRAGMENTS = [
    "第一编 总则",
    "第二编 分则",
    "第一章 总则",
    "第二章 附则",
    "第三章",
    "第一节 一般规定",
    "第二节 特别规定",
    "第一条 甲的文字。",
    "第一条",
    "第二条 乙的文字。",
    "第二条",
    "第三条 丙的文字。",
    "第一条、第二条规定的行为。",
    "第二条规定的行为。",
    "（一）子；",
    "2024年1月14日发布",
    "附则",
    "文字。",
    "　",
]


@settings(SLOW, max_examples=400)
@given(lines=st.lists(st.sampled_from(FRAGMENTS), max_size=10))
@example(["第一条 甲的文字。", "第二章 附则"])
@example(["第一章 总则", "第一条 甲的文字。", "第二条 乙的文字。"])
def test_what_is_read_is_read_whole(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join(["示例规定", *lines])
    path = save(tmp_path, text, "utf-8")
    try:
        regulation = read_regulation(path)
    except ReadingError as exc:
        assert exc.expected
        assert exc.line is None or 1 <= exc.line <= len(lines) + 1
        return
    front = wording(regulation.title + regulation.promulgation + regulation.preamble)
    assert wording(text) == front + body_wording(regulation)


@SLOW
@given(content=st.binary(max_size=300))
@example(content=b"\xef\xbb\xbf")
@example(content=b"\xff\xfe")
@example(content="第一条 甲。\n第十百条 乙。".encode())
@pytest.mark.parametrize("suffix", [".txt", ".md", ".docx"])
def test_no_file_raises_anything_but_a_reading_error(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"规定{suffix}"
    path.write_bytes(content)
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    assert raised.value.path == path


@SLOW
@given(
    lines=st.lists(
        st.builds(
            "第{}{}{}".format,
            st.text(alphabet="零〇一二三十百千0９", min_size=1, max_size=6),
            st.sampled_from("编章节条"),
            st.sampled_from(["", " 文字。", "文字", "、第二条"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_number_raises_anything_but_a_reading_error(tmp_path: Path, lines: list[str]) -> None:
    path = save(tmp_path, "\n".join(["示例规定", "第一条 甲的文字。", *lines]), "utf-8")
    try:
        regulation = read_regulation(path)
    except ReadingError as exc:
        assert exc.line is not None
    else:
        assert regulation.articles[0].text.startswith("甲的文字。")

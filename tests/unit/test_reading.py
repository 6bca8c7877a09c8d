"""A regulation's file is read whole, whatever its form; a bad one is refused with file, line and expectation."""

import datetime
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from docx import Document

from knowledge import reading
from knowledge.errors import KnowledgeError, ReadingError
from knowledge.library import bundled_folder
from knowledge.model import Regulation
from knowledge.reading import read_regulation
from knowledge.repair import repair, wording
from tests.factories import FIXTURES, body_wording, regulation_text

SOURCE_SHA256 = "80055152f6402879a84e4c3f2c43c65b0ecc1d23d5dd01d9b0ec5f49d3c7d207"

NEIGHBOURS = [
    ("个人信息保护法_2021", 74, "中华人民共和国个人信息保护法", "", datetime.date(2021, 8, 20)),
    ("中国共产党党员教育管理工作条例", 46, "中国共产党党员教育管理工作条例", "", None),
    ("中国共产党发展党员工作细则", 44, "中国共产党发展党员工作细则", "", datetime.date(2026, 5, 11)),
    (
        "中国共产党处分违纪党员批准权限和程序规定",
        56,
        "中国共产党处分违纪党员批准权限和程序规定",
        "",
        datetime.date(2022, 9, 22),
    ),
    ("中国共产党章程_2017", 55, "中国共产党章程", "", datetime.date(2017, 10, 24)),
    ("中国共产党纪律处分条例_2018", 142, "中国共产党纪律处分条例", "2018", None),
    ("中国共产党纪律处分条例_2023", 158, "中国共产党纪律处分条例", "2023", datetime.date(2023, 12, 19)),
    ("中国共产党组织处理规定_试行", 19, "中国共产党组织处理规定（试行）", "", datetime.date(2021, 3, 19)),
    ("中国共产党问责条例", 13, "中国共产党问责条例", "", None),
    ("互联网信息服务算法推荐管理规定_2021", 35, "互联网信息服务算法推荐管理规定", "", datetime.date(2022, 3, 1)),
    ("互联网信息服务管理办法_2011", 27, "互联网信息服务管理办法", "", datetime.date(2000, 9, 25)),
    ("保守国家秘密法_2024", 65, "中华人民共和国保守国家秘密法", "", datetime.date(2024, 2, 27)),
    ("反电信网络诈骗法_2022", 50, "中华人民共和国反电信网络诈骗法", "", datetime.date(2022, 9, 2)),
    ("未成年人网络保护条例_2023", 60, "未成年人网络保护条例", "", None),
    ("网络安全法_2016", 79, "中华人民共和国网络安全法", "", datetime.date(2016, 11, 7)),
    ("网络数据安全管理条例_2024", 64, "网络数据安全管理条例", "", None),
]


def write(folder: Path, content: str | bytes, name: str = "规定.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, name: str = "规定.txt") -> Regulation:
    return read_regulation(write(folder, content, name))


def texts(regulation: Regulation) -> list[str]:
    return [article.text for article in regulation.articles]


def outline(regulation: Regulation) -> list[tuple[int | None, int, str, list[int]]]:
    """Every chapter: its part's number, its own, its title, and its articles' numbers."""
    return [
        (
            chapter.part.number if chapter.part else None,
            chapter.number,
            chapter.heading.title,
            [article.number for article in chapter.articles],
        )
        for chapter in regulation.chapters
    ]


# ---------------------------------------------------------------- the regulation that ships with wanggui


def test_the_source_is_kept_byte_for_byte(conduct: Regulation) -> None:
    content = (bundled_folder() / "party-network-conduct" / "text.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SOURCE_SHA256 == conduct.digest


def test_the_bundled_regulation_has_its_articles_and_chapters(conduct: Regulation) -> None:
    assert [article.number for article in conduct.articles] == list(range(1, 32))
    assert conduct.last == 31
    assert outline(conduct) == [
        (None, 1, "总则", list(range(1, 5))),
        (None, 2, "网络正能量传播", list(range(5, 9))),
        (None, 3, "网络行为管理", list(range(9, 22))),
        (None, 4, "保障和监督", list(range(22, 29))),
        (None, 5, "附则", list(range(29, 32))),
    ]
    for chapter in conduct.chapters:
        for article in chapter.articles:
            assert article.chapter == chapter.heading
            assert conduct.article(article.number) is article


def test_the_bundled_metadata_is_read(conduct: Regulation) -> None:
    assert conduct.id == "party-network-conduct"
    assert conduct.title == conduct.name == "中国共产党党员网络行为规定"
    assert conduct.promulgated_on == datetime.date(2024, 1, 14)
    assert conduct.edition == conduct.preamble == ""
    assert wording(conduct.promulgation) == wording("（2024年1月14日中共中央批准2024年1月14日中共中央办公厅发布）")


def test_the_promulgation_line_has_matching_brackets(conduct: Regulation) -> None:
    assert conduct.promulgation == "（2024年1月14日中共中央批准2024年1月14日中共中央办公厅发布）"


def test_every_bundled_article_has_the_wording_of_the_source(conduct: Regulation, conduct_text: str) -> None:
    lines = conduct_text.splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("第") and line.rstrip().endswith("条")]
    assert len(starts) == 31
    for article, start in zip(conduct.articles, starts, strict=True):
        assert wording(lines[start]) == article.label
        assert wording(lines[start + 1]) == wording(article.text)
        assert article.text == repair(lines[start + 1])


def test_the_bundled_text_is_mended_for_display(conduct: Regulation) -> None:
    third = conduct.article(3)
    assert third is not None
    assert "推动形成良好网络生态" in third.text
    assert "自觉在思想上政治上行动上" in third.text
    assert "做到“两个维护”，坚持" in third.text
    assert not any(character in article.text for article in conduct.articles for character in " \t,()\u3000")


# ---------------------------------------------------------------- its neighbours


@pytest.mark.parametrize(("name", "count", "title", "edition", "date"), NEIGHBOURS)
def test_a_neighbour_is_read_whole(name: str, count: int, title: str, edition: str, date: datetime.date | None) -> None:
    path = FIXTURES / f"{name}.txt"
    regulation = read_regulation(path)
    assert [article.number for article in regulation.articles] == list(range(1, count + 1))
    assert (regulation.title, regulation.edition, regulation.promulgated_on) == (title, edition, date)
    assert regulation.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert regulation.id == f"{title} {edition}".rstrip()
    for article in regulation.articles:
        assert article.text.strip()
        assert article.clauses


@pytest.mark.parametrize("name", [row[0] for row in NEIGHBOURS])
def test_nothing_of_a_neighbour_is_lost(name: str) -> None:
    path = FIXTURES / f"{name}.txt"
    regulation = read_regulation(path)
    front = wording(regulation.promulgation + regulation.preamble)
    title = "" if wording(regulation.title) in front else wording(regulation.title + regulation.edition)
    assert wording(path.read_text(encoding="utf-8")) == title + front + body_wording(regulation)


def test_all_neighbours_are_listed() -> None:
    assert sorted(path.stem for path in FIXTURES.iterdir()) == sorted(row[0] for row in NEIGHBOURS)
    assert len(NEIGHBOURS) == 16


def test_parts_chapters_and_sections_of_the_neighbours() -> None:
    protection = read_regulation(FIXTURES / "个人信息保护法_2021.txt")
    second = protection.chapter(2)
    assert second is not None
    sections = [(article.section.number, article.section.title) for article in second.articles if article.section]
    assert list(dict.fromkeys(sections)) == [
        (1, "一般规定"),
        (2, "敏感个人信息的处理规则"),
        (3, "国家机关处理个人信息的特别规定"),
    ]
    third = protection.chapter(3)
    assert third is not None
    assert {article.section for article in third.articles} == {None}
    discipline = read_regulation(FIXTURES / "中国共产党纪律处分条例_2023.txt")
    assert [chapter.number for chapter in discipline.chapters] == list(range(1, 12))
    assert [chapter.part.number for chapter in discipline.chapters if chapter.part] == [1] * 5 + [2] * 6


@pytest.mark.parametrize(("edition", "first", "last"), [(2018, 139, 142), (2023, 155, 158)])
def test_a_part_without_chapters_is_in_no_chapter(edition: int, first: int, last: int) -> None:
    discipline = read_regulation(FIXTURES / f"中国共产党纪律处分条例_{edition}.txt")
    closing = [article for article in discipline.articles if article.part and article.part.title == "附则"]
    assert [article.number for article in closing] == list(range(first, last + 1))
    assert [article.chapter for article in closing] == [None] * len(closing)
    assert discipline.chapters[-1].articles[-1].number == first - 1


def test_numbered_items_become_clauses() -> None:
    discipline = read_regulation(FIXTURES / "中国共产党纪律处分条例_2018.txt")
    eighth = discipline.article(8)
    assert eighth is not None
    assert [(clause.item, clause.text) for clause in eighth.clauses] == [
        (None, "对党员的纪律处分种类："),
        (1, "（一）警告；"),
        (2, "（二）严重警告；"),
        (3, "（三）撤销党内职务；"),
        (4, "（四）留党察看；"),
        (5, "（五）开除党籍。"),
    ]


# ---------------------------------------------------------------- one text in many forms

PLAIN = """示例规定
（2024年1月14日示例办公厅发布）
第一章 总则
第一条 为了规范网络行为，制定本规定。
第二条 有下列情形之一的：
（一）制作的；
（二）传播的。
应当及时举报。
第二章 附则
第三条 本规定自发布之日起施行。
"""

EXPECTED_TEXTS = [
    "为了规范网络行为，制定本规定。",
    "有下列情形之一的：\n（一）制作的；\n（二）传播的。\n应当及时举报。",
    "本规定自发布之日起施行。",
]


def assert_is_the_example(regulation: Regulation) -> None:
    assert regulation.title == "示例规定"
    assert regulation.promulgation == "（2024年1月14日示例办公厅发布）"
    assert regulation.promulgated_on == datetime.date(2024, 1, 14)
    assert regulation.preamble == ""
    assert outline(regulation) == [(None, 1, "总则", [1, 2]), (None, 2, "附则", [3])]
    assert texts(regulation) == EXPECTED_TEXTS


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("gbk"),
        PLAIN.encode("gb18030"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("\n", "\r\n").encode("gbk"),
        PLAIN.replace("\n", "\r\n").encode("utf-16"),
        PLAIN.replace("\n", "\n\n\n").encode(),
        PLAIN.rstrip("\n").encode(),
    ],
    ids=[
        "utf8",
        "bom",
        "gbk",
        "gb18030",
        "utf16le",
        "utf16be",
        "crlf",
        "cr",
        "gbk-crlf",
        "utf16-crlf",
        "blank-lines",
        "no-last-feed",
    ],
)
def test_encodings_and_line_ends_make_no_difference(tmp_path: Path, content: bytes) -> None:
    assert_is_the_example(read(tmp_path, content))


def test_characters_outside_gbk_are_read_from_gb18030(tmp_path: Path) -> None:
    regulation = read(tmp_path, "示例规定\n第一条 𠮷林省的㐂庆规定。\n".encode("gb18030"))
    assert texts(regulation) == ["𠮷林省的㐂庆规定。"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("第一条 ", "第一条\n"),
        ("第一条 ", "第一条\n　　"),
        ("第一条 ", "第一条　"),
        ("第一条 ", "第一条"),
        ("第一条 ", "　　第一条　　"),
        ("第一条 ", "第 一 条 "),
        ("第一条 ", "第1条 "),
        ("第一条 ", "第１条 "),
        ("第一条 ", "第一条："),
        ("第一条 ", "\n\u200b第一条\u200b\n\n"),
        ("第一章 总则", "第一章　总　则"),
        ("第一章 总则", "第一章总则"),
        ("第一章 总则", "第1章 总 则"),
        ("（一）制作的；", "　(一) 制作的;"),
        ("规范网络行为，制定", "规范网络行 为,制定"),
        ("（2024年1月14日示例办公厅发布）", "（2024 年 1 月 14 日示例办公厅发布）"),
    ],
)
def test_copied_texts_are_read_as_a_person_reads_them(tmp_path: Path, old: str, new: str) -> None:
    assert old in PLAIN
    regulation = read(tmp_path, PLAIN.replace(old, new))
    assert outline(regulation) == [(None, 1, "总则", [1, 2]), (None, 2, "附则", [3])]
    assert texts(regulation) == EXPECTED_TEXTS
    assert regulation.promulgated_on == datetime.date(2024, 1, 14)


@pytest.mark.parametrize("written", ["第十 一条 乙。", "第 十 一 条\n乙。", "第十一 条 乙。"])
def test_a_space_within_a_number_is_stray_too(tmp_path: Path, written: str) -> None:
    regulation = read(tmp_path, regulation_text(["文字。"] * 10) + written + "\n")
    assert texts(regulation) == ["文字。"] * 10 + ["乙。"]


def test_the_number_line_apart_from_its_text(tmp_path: Path) -> None:
    regulation = read(tmp_path, "示例规定\n第一条\n 甲。\n第二条\n\n 乙。\n 丙。\n")
    assert texts(regulation) == ["甲。", "乙。\n丙。"]


def test_markdown_is_read(tmp_path: Path) -> None:
    source = """# 示例规定

> （2024年1月14日示例办公厅发布）

## 第一章　总则

**第一条**　为了规范网络行为，制定本规定。

### 第二条

有下列情形之一的：

- （一）制作的；
- （二）传播的。

应当及时举报。

## 第二章　附则

**第三条** 本规定自发布之日起**施行**。
"""
    assert_is_the_example(read(tmp_path, source, "规定.md"))


def docx(lines: Sequence[str]) -> bytes:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_word_files_are_read(tmp_path: Path) -> None:
    assert_is_the_example(read(tmp_path, docx(PLAIN.splitlines()), "规定.docx"))


def test_word_files_with_headings_runs_and_soft_breaks_are_read(tmp_path: Path) -> None:
    document = Document()
    document.add_heading("示例规定", 0)
    document.add_paragraph("（2024年1月14日示例办公厅发布）")
    document.add_paragraph("")
    document.add_heading("第一章　总　则", 1)
    paragraph = document.add_paragraph("")
    paragraph.add_run("第一条").bold = True
    paragraph.add_run("　为了规范网络行为，制定本规定。")
    document.add_paragraph("第二条 有下列情形之一的：\n（一）制作的；\n（二）传播的。\n应当及时举报。")
    document.add_heading("第二章　附　则", 1)
    document.add_paragraph("第三条 本规定自发布之日起施行。")
    path = tmp_path / "规定.DOCX"
    document.save(str(path))
    assert_is_the_example(read_regulation(path))


def test_a_table_in_a_word_file_is_not_lost_silently(tmp_path: Path) -> None:
    document = Document()
    for line in ("示例规定", "第一条 缴费标准如下表。"):
        document.add_paragraph(line)
    document.add_table(1, 1).cell(0, 0).text = "表中文字"
    document.add_paragraph("第二条 本规定自发布之日起施行。")
    path = tmp_path / "规定.docx"
    document.save(str(path))
    try:
        regulation = read_regulation(path)
    except ReadingError as exc:
        assert "表" in str(exc) or "table" in str(exc)
    else:
        assert "表中文字" in "".join(texts(regulation))


# ---------------------------------------------------------------- front matter and structure


@pytest.mark.parametrize(
    "contents",
    [
        "目录\n第一章 总则\n第二章 附则\n",
        "目　录\n第一章 总则……………1\n第二章 附则……………12\n",
        "目 次\n\n第一章　总　则\n第二章　附　则\n\n",
        "目录\n第一章 总则 1\n第二章 附则 3\n",
    ],
)
def test_a_table_of_contents_is_left_out(tmp_path: Path, contents: str) -> None:
    assert_is_the_example(read(tmp_path, PLAIN.replace("第一章 总则\n", contents + "第一章 总则\n")))


def test_a_table_of_contents_with_sections_of_one_name(tmp_path: Path) -> None:
    headings = "第一章 甲\n第一节 一般规定\n第二节 乙\n第二章 丙\n第一节 一般规定\n第二节 丁\n"
    body = """第一章 甲
第一节 一般规定
第一条 一的文字。
第二节 乙
第二条 二的文字。
第二章 丙
第一节 一般规定
第三条 三的文字。
第二节 丁
第四条 四的文字。
"""
    regulation = read(tmp_path, f"示例规定\n目录\n{headings}{body}")
    assert outline(regulation) == [(None, 1, "甲", [1, 2]), (None, 2, "丙", [3, 4])]
    assert [article.section.title for article in regulation.articles if article.section] == [
        "一般规定",
        "乙",
        "一般规定",
        "丁",
    ]


def test_a_table_of_contents_with_parts_that_restart_chapters(tmp_path: Path) -> None:
    headings = "第一编 总则\n第一章 一般规定\n第二章 甲\n第二编 分则\n第一章 一般规定\n第二章 乙\n"
    body = """第一编 总则
第一章 一般规定
第一条 一的文字。
第二章 甲
第二条 二的文字。
第二编 分则
第一章 一般规定
第三条 三的文字。
第二章 乙
第四条 四的文字。
"""
    regulation = read(tmp_path, f"示例规定\n目录\n{headings}{body}")
    assert outline(regulation) == [
        (1, 1, "一般规定", [1]),
        (1, 2, "甲", [2]),
        (2, 1, "一般规定", [3]),
        (2, 2, "乙", [4]),
    ]


@pytest.mark.parametrize("restart", [True, False])
def test_parts_may_restart_their_chapters_or_count_on(tmp_path: Path, restart: bool) -> None:
    third, fourth = ("一", "二") if restart else ("三", "四")
    regulation = read(
        tmp_path,
        f"""示例规定
第一编 总则
第一章 甲
第一条 一的文字。
第二章 乙
第二条 二的文字。
第二编 分则
第{third}章 丙
第三条 三的文字。
第{fourth}章 丁
第四条 四的文字。
""",
    )
    numbers = (1, 2) if restart else (3, 4)
    assert outline(regulation) == [
        (1, 1, "甲", [1]),
        (1, 2, "乙", [2]),
        (2, numbers[0], "丙", [3]),
        (2, numbers[1], "丁", [4]),
    ]
    assert [article.part.title for article in regulation.articles if article.part] == ["总则", "总则", "分则", "分则"]


def test_sections_begin_anew_with_every_chapter(tmp_path: Path) -> None:
    regulation = read(
        tmp_path,
        """示例规定
第一章 甲
第一条 一的文字。
第一节 子
第二条 二的文字。
第二节 丑
第三条 三的文字。
第二章 乙
第四条 四的文字。
第一节 寅
第五条 五的文字。
""",
    )
    sections = [article.section and (article.section.number, article.section.title) for article in regulation.articles]
    assert sections == [None, (1, "子"), (2, "丑"), None, (1, "寅")]


def test_articles_without_chapters(tmp_path: Path) -> None:
    regulation = read(tmp_path, regulation_text(["甲的文字。", "乙的文字。"]))
    assert regulation.chapters == ()
    assert texts(regulation) == ["甲的文字。", "乙的文字。"]
    assert regulation.articles[0].chapter is None


@pytest.mark.parametrize(
    ("front", "title", "edition", "promulgation", "preamble"),
    [
        ("示例规定\n", "示例规定", "", "", ""),
        ("示例条例 2018\n", "示例条例", "2018", "", ""),
        ("示例条例（2023年修订）\n", "示例条例", "2023", "", ""),
        ("示例规定（试行）\n", "示例规定（试行）", "", "", ""),
        ("《示例规定》全文如下。\n", "示例规定", "", "", "《示例规定》全文如下。"),
        (
            "示例规定\n2020年1月1日会议通过\n2021年2月3日修订\n",
            "示例规定",
            "",
            "2020年1月1日会议通过\n2021年2月3日修订",
            "",
        ),
        ("示例章程\n总纲\n为了共同的理想。\n", "示例章程", "", "", "总纲\n为了共同的理想。"),
        ("", "规定", "", "", ""),
    ],
)
def test_what_stands_above_the_first_article(
    tmp_path: Path, front: str, title: str, edition: str, promulgation: str, preamble: str
) -> None:
    regulation = read(tmp_path, f"{front}第一条 甲的文字。\n")
    assert (regulation.title, regulation.edition) == (title, edition)
    assert (regulation.promulgation, regulation.preamble) == (promulgation, preamble)


def test_the_latest_date_of_the_promulgation_counts(tmp_path: Path) -> None:
    regulation = read(tmp_path, "示例规定\n（2020年1月31日批准 2021年2月3日修订）\n第一条 甲的文字。\n")
    assert regulation.promulgated_on == datetime.date(2021, 2, 3)


def test_a_date_that_does_not_exist_is_no_date(tmp_path: Path) -> None:
    regulation = read(tmp_path, "示例规定\n（2021年13月32日发布）\n第一条 甲的文字。\n")
    assert regulation.promulgation == "（2021年13月32日发布）"
    assert regulation.promulgated_on is None


def test_the_id_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    assert read_regulation(path).id == "示例规定"
    assert read_regulation(path, regulation_id="example").id == "example"


@pytest.mark.parametrize(
    "line",
    [
        "第二条第一款规定的行为，从重处理。",
        "第三条规定的行为，从重处理。",
        "第一条、第二条规定的行为，从重处理。",
        "第三条、第四条规定的行为，从重处理。",
        "第一条至第三条所称机关，是指网信部门。",
        "第一条和第二条中的信息，包括音频。",
    ],
)
def test_a_line_that_begins_with_a_reference_opens_no_article(tmp_path: Path, line: str) -> None:
    regulation = read(tmp_path, f"示例规定\n第一条 甲的文字。\n第二条 乙的文字。\n{line}\n第三条 丙的文字。\n")
    assert texts(regulation) == ["甲的文字。", f"乙的文字。\n{line}", "丙的文字。"]


# ---------------------------------------------------------------- bad input

BAD = [
    pytest.param("示例规定\n第一条 甲的。\n第三条 丙。\n", 3, "第三条", "第二条", id="missing"),
    pytest.param("示例规定\n第一条 甲的。\n第二条 乙。\n第二条 丙。\n", 4, "第二条", "第三条", id="doubled"),
    pytest.param("示例规定\n第一条 甲的。\n第二条 乙。\n第一条 丙。\n", 4, "line 2", "第三条", id="doubled-which"),
    pytest.param("示例规定\n第一条 甲的。\n第四条 乙。\n第二条 丙。\n", 3, "第四条", "第二条", id="out-of-order"),
    pytest.param("示例规定\n第二条 甲的。\n", 2, "第二条", "第一条", id="begins-late"),
    pytest.param("示例规定\n第零条 甲的。\n", 2, "第零条", "第一条", id="zero"),
    pytest.param("示例规定\n第一条\n第二条 乙的。\n", 2, "第一条", "text", id="empty-article"),
    pytest.param("示例规定\n第一条 甲的。\n第二条\n", 3, "第二条", "text", id="empty-last-article"),
    pytest.param(
        "示例规定\n第一章 子\n第一条\n第二章 丑\n第二条 乙的。\n", 3, "第一条", "text", id="empty-before-a-heading"
    ),
    pytest.param("示例规定\n第一条 甲的。\n第一条之一 乙。\n第二条 丙。\n", 3, "第一条之一", "第二条", id="inserted"),
    pytest.param("示例规定\n第一章 子\n第一条 甲的。\n第三章 丑\n第二条 乙。\n", 4, "第三章", "第二章", id="chapter"),
    pytest.param(
        "示例规定\n第一章 子\n第一条 甲的。\n第一章 丑\n第二条 乙。\n", 4, "第一章", "第二章", id="chapter-2x"
    ),
    pytest.param("示例规定\n第一章 子\n第二节 丑\n第一条 甲的。\n", 3, "第二节", "第一节", id="section"),
    pytest.param("示例规定\n第二编 子\n第一章 丑\n第一条 甲的。\n", 2, "第二编", "第一编", id="part"),
    pytest.param("示例规定\n第一章 子\n没有条号的文字。\n第一条 甲的。\n", 3, "没有条号", "第一条", id="before-first"),
    pytest.param("示例规定\n第一条 甲的。\n第十百条 乙。\n", 3, "第十百条", "第二条", id="no-number"),
    pytest.param("示例规定\n第十百章 子\n第一条 甲的。\n", 2, "第十百章", "第一章", id="no-chapter-number"),
    pytest.param("示例规定\n第一条 甲的。\n第一二三四五条 乙。\n", 3, "第一二三四五条", "第二条", id="huge-number"),
    pytest.param("示例规定\n这里没有任何一条条文。\n", None, "no article", "第一条", id="no-article"),
    pytest.param("", None, "empty", "text", id="empty-file"),
    pytest.param(" \n\t\r\n ", None, "empty", "text", id="white-space"),
    pytest.param(b"\xef\xbb\xbf", None, "empty", "text", id="a-mark-and-nothing-else"),
    pytest.param(b"\xff\xfe", None, "empty", "text", id="a-utf16-mark-and-nothing-else"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, None, "not Chinese text", "UTF-8", id="binary"),
    pytest.param(b"\x7fELF" + b"\x00" * 512, None, "not Chinese text", "UTF-8", id="binary-zeros"),
    pytest.param("Article 1. Nothing.\n", None, "not Chinese text", "UTF-8 or GB18030", id="not-chinese"),
    pytest.param(PLAIN.encode("utf-16-le"), None, "not Chinese text", "UTF-8", id="utf16-without-mark"),
    pytest.param(
        "示例规定\n第一条 甲的。\n第二条 乙".encode() + b"\xff\xff" + "。\n".encode(),
        3,
        "0xff",
        "UTF-8 or GB18030",
        id="broken-utf8",
    ),
    pytest.param("示例规定\n第一条 甲的。\n第二条 乙丙".encode()[:-1], 3, "byte", "UTF-8", id="cut-utf8"),
    pytest.param(
        "示例规定\n第一条 甲的。\n第二条 乙".encode("gbk") + b"\xff" + "。\n".encode("gbk"),
        3,
        "0xff",
        "GB18030",
        id="broken-gbk",
    ),
    pytest.param("第一条 これは日本の規定である。\n".encode("shift-jis"), 1, "byte", "UTF-8", id="shift-jis"),
]


@pytest.mark.parametrize(("content", "line", "problem", "expected"), BAD)
def test_bad_input_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, line: int | None, problem: str, expected: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    error = raised.value
    assert error.path == path
    assert error.line == line
    assert problem in error.problem
    assert expected in error.expected
    assert str(error) == f"{path}{f':{line}' if line else ''}: {error.problem}; expected {error.expected}"
    assert isinstance(error, KnowledgeError)
    assert "\n" not in str(error)


def corrupt_docx(kind: str) -> bytes:
    whole = docx(PLAIN.splitlines())
    if kind == "text":
        return PLAIN.encode()
    if kind == "cut":
        return whole[: len(whole) // 2]
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        if kind == "another zip":
            target.writestr("readme.txt", "no document")
        else:
            for name in source.namelist():
                broken = kind == "broken xml" and name == "word/document.xml"
                target.writestr(name, b"<w:document" if broken else source.read(name))
    content = bytearray(file.getvalue())
    if kind == "broken stream":
        with zipfile.ZipFile(io.BytesIO(whole)) as source:
            place = source.getinfo("word/document.xml").header_offset
        content = bytearray(whole)
        content[place + 60 : place + 120] = b"\xff" * 60
    return bytes(content)


@pytest.mark.parametrize("kind", ["text", "cut", "another zip", "broken xml", "broken stream"])
def test_what_is_no_word_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, corrupt_docx(kind), "规定.docx")
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    assert raised.value.path == path
    assert raised.value.line is None
    assert ".docx" in raised.value.expected


def test_bad_input_in_a_word_file_is_placed_by_paragraph(tmp_path: Path) -> None:
    path = write(tmp_path, docx(["示例规定", "", "第一条 甲。\n仍是甲。", "第三条 丙。"]), "规定.docx")
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    assert raised.value.line == 4
    assert raised.value.expected == "第二条"


def test_bad_input_in_markdown_is_placed_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, "# 示例规定\n\n**第一条** 甲。\n\n**第三条** 丙。\n", "规定.md")
    with pytest.raises(ReadingError) as raised:
        read_regulation(path)
    assert raised.value.line == 5
    assert raised.value.expected == "第二条"


@pytest.mark.parametrize("name", ["规定.doc", "规定.pdf", "规定"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, PLAIN, name)
    with pytest.raises(ReadingError, match="unknown kind of file") as raised:
        read_regulation(path)
    assert (raised.value.path, raised.value.line) == (path, None)
    assert raised.value.expected == "one of .txt, .md, .docx"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "没有.txt"
    with pytest.raises(ReadingError, match="cannot be opened") as raised:
        read_regulation(path)
    assert (raised.value.path, raised.value.line, raised.value.expected) == (path, None, "a readable file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "规定.txt"
    path.mkdir()
    with pytest.raises(ReadingError, match="cannot be opened"):
        read_regulation(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    path = write(tmp_path, PLAIN)
    with pytest.raises(ReadingError, match="too large") as raised:
        read_regulation(path)
    assert raised.value.expected == "at most 100 bytes"


def test_a_word_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, docx(["示例规定", "第一条 " + "甲" * 3_000_000]), "规定.docx")
    monkeypatch.setattr(reading, "MAX_BYTES", path.stat().st_size)
    with pytest.raises(ReadingError, match="unpacks to too much"):
        read_regulation(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("示例规定\n第一章 子\n第一条 甲的。\n第二章 空章\n第三章 丑\n第二条 乙。\n", id="between"),
        pytest.param("示例规定\n第一章 子\n第一条 甲的。\n第二章 空章\n", id="last"),
    ],
)
def test_a_chapter_without_articles_is_not_lost_silently(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, content)
    try:
        regulation = read_regulation(path)
    except ReadingError as exc:
        assert exc.path == path
        assert exc.line == 4
    else:
        assert "空章" in [chapter.heading.title for chapter in regulation.chapters]


def test_text_under_a_heading_never_lands_in_the_article_above_it(tmp_path: Path) -> None:
    path = write(tmp_path, "示例规定\n第一章 子\n第一条 甲的。\n第二章 丑\n本章的说明。\n第二条 乙。\n")
    try:
        regulation = read_regulation(path)
    except ReadingError as exc:
        assert exc.line == 5
        assert "第二条" in exc.expected
    else:
        assert texts(regulation)[0] == "甲的。"

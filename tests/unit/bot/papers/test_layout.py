"""What stays together on a page."""

import pytest

from bot.training.papers.document import Bar, Bars, Choices, Document, Heading, Paragraph, Run, Table, Together, plain
from bot.training.papers.faces import faces_for
from bot.training.papers.layout import (
    BOTTOM,
    MARGIN,
    PAGE,
    TOP,
    Box,
    Placed,
    Row,
    Text,
    columns_for,
    lay_out,
    paginate,
)

LONG = "党员应当严格遵守党的纪律，不得通过网络泄露国家秘密、工作秘密。" * 6


def pages_of(*blocks: object, closing: tuple[str, ...] = ()) -> list[list[Placed]]:
    document = Document("标题", "副题", "页脚", blocks, closing)  # type: ignore[arg-type]
    return lay_out(document, faces_for("", system=False))


def words_on(page: list[Placed]) -> str:
    return "".join(mark.text for placed in page for mark in placed.row.marks if isinstance(mark, Text))


@pytest.mark.parametrize("filling", range(28, 46))
def test_a_question_is_never_parted_from_its_options(filling: int) -> None:
    question = Together((plain("问题在这里", label="1."), Choices(("甲" * 30, "乙" * 30, "丙" * 30, "丁" * 30))))
    pages = pages_of(*[plain("填满")] * filling, question)
    (holding,) = [page for page in pages if "问题在这里" in words_on(page)]
    for letters in "甲乙丙丁":
        assert letters * 30 in words_on(holding)


@pytest.mark.parametrize("filling", range(28, 46))
def test_a_heading_stays_with_two_lines_of_its_text(filling: int) -> None:
    pages = pages_of(*[plain("填满")] * filling, Heading("一、标题在这里"), plain(LONG))
    (holding,) = [page for page in pages if "标题在这里" in words_on(page)]
    assert LONG[:60] in words_on(holding)


@pytest.mark.parametrize("filling", range(28, 46))
def test_no_paragraph_leaves_a_single_line_on_a_page(filling: int) -> None:
    pages = pages_of(*[plain("填")] * filling, plain(LONG))
    for page in pages:
        count = sum(
            any(isinstance(mark, Text) and mark.text[:1] not in "填标副" for mark in one.row.marks) for one in page
        )
        assert count != 1


def test_a_chart_stays_on_one_page() -> None:
    chart = Bars("份额", tuple(Bar(f"第{number}条", 0.5, "50%") for number in range(1, 26)))
    pages = pages_of(*[plain("填满")] * 20, plain("图：", leads=True), chart)
    assert "第1条" not in words_on(pages[0])
    assert "图：" in words_on(pages[1])
    assert "第25条" in words_on(pages[1])


def test_what_is_longer_than_a_page_goes_on_on_the_next() -> None:
    pages = pages_of(Together((plain("很长" * 6000),)))
    assert sum(words_on(page).count("很长") for page in pages) >= 5900  # some stand across two lines
    assert len(pages) > 4


def test_everything_stands_inside_the_page() -> None:
    table = Table(("名次", "名称"), tuple((str(number), "x" * 300) for number in range(60)), (0.2, 0.8))
    pages = pages_of(Heading("标题" * 60), plain("w" * 10_000), Choices(("选项" * 200, "x")), table, closing=("完",))
    seen = 0
    for page in pages:
        for placed in page:
            assert placed.top >= TOP
            assert placed.top + placed.row.height <= PAGE[1] - BOTTOM + 0.01
            for mark in placed.row.marks:
                seen += 1
                assert MARGIN - 4 <= mark.x <= PAGE[0] - MARGIN
                if isinstance(mark, Box):
                    assert mark.x + mark.width <= PAGE[0] - MARGIN + 0.01
    assert seen > 100


def test_blank_space_above_is_left_out_at_the_top_of_a_page() -> None:
    pages = list(paginate([Row(200.0), Row(100.0, above=9.0)]))
    assert [page[0].top for page in pages] == [TOP, TOP]


def test_bold_words_are_parted_from_others() -> None:
    (page,) = pages_of(Paragraph((Run("平"), Run("粗", bold=True))))
    weights = {mark.text: mark.bold for one in page for mark in one.row.marks if isinstance(mark, Text)}
    assert weights["平"] is False
    assert weights["粗"] is True


@pytest.mark.parametrize(
    ("options", "columns"),
    [(("对",) * 4, 4), (("十个字的选项放两栏。",) * 4, 2), (("很长" * 12,) * 4, 1), (("短",) * 5, 5)],
)
def test_short_options_stand_side_by_side(options: tuple[str, ...], columns: int) -> None:
    assert columns_for(options, 42) == columns

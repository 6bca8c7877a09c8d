"""What is mended in a copied text, and what is left alone."""

import pytest

from knowledge.repair import repair, tidy, wording

MENDED = [
    ("推动形 成良好网络生态", "推动形成良好网络生态"),
    ("自觉在思 想上政治上行动上", "自觉在思想上政治上行动上"),
    ("做到“两个维护”,坚持正确政治方向", "做到“两个维护”，坚持正确政治方向"),
    ("第 十四 条", "第十四条"),
    ("总　则", "总则"),
    ("总 \t　则", "总则"),
    ("附 则 ", "附则"),
    ("规定(试行)", "规定（试行）"),
    ("规定 (试行) 全文", "规定（试行）全文"),
    ("(一)主办单位", "（一）主办单位"),
    ("发现违规的;应当举报:网信部门", "发现违规的；应当举报：网信部门"),
    ("可以吗?可以!", "可以吗？可以！"),
    ("网站 、应用程序 等", "网站、应用程序等"),
    ("“ 四个意识 ”", "“四个意识”"),
    ("甲，,乙", "甲，，乙"),
    ("发布\u200b、\ufeff传播", "发布、传播"),
    ("甲\r\n乙\r丙", "甲\n乙\n丙"),
    ("  甲  \n  乙  ", "甲\n乙"),
]

LEFT_ALONE = [
    "1,000",
    "罚款1,000元以上",
    "Windows 11",
    "使用 Windows 11 系统",
    "在10:30开会",
    "比例为3:1",
    "a, b; c",
    "call f(x)!",
    "https://www.12371.cn/?a=1",
    "第 14 条",
    "",
    "党员应当践行网上群众路线，密切联系群众。",
    "第一款\n第二款",
    "甲\n\n乙",
]


@pytest.mark.parametrize(("text", "mended"), MENDED)
def test_a_careful_person_would_mend_this(text: str, mended: str) -> None:
    assert repair(text) == mended
    assert wording(mended) == wording(text)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_careful_person_would_leave_this(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("\ufeff规定", "规定"),
        ("甲\u00a0\u3000 乙", "甲 乙"),
        ("\t甲\f", "甲"),
        ("甲\r\n\r\n乙", "甲\n\n乙"),
        ("推动形 成", "推动形 成"),
    ],
)
def test_tidying_touches_white_space_and_the_invisible_only(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("推动形 成", "推动形成"),
        ("两个维护”,坚持", "两个维护”，坚持"),
        ("（试行）", "(试行)"),
        ("１４ 条", "14条"),
        ("党\u200b员\n", "党员"),
    ],
)
def test_two_copies_of_the_same_words_have_one_wording(left: str, right: str) -> None:
    assert wording(left) == wording(right)


@pytest.mark.parametrize(("left", "right"), [("不得", "得"), ("应当", "应该"), ("甲，乙", "甲。乙"), ("党员", "黨員")])
def test_other_words_have_another_wording(left: str, right: str) -> None:
    assert wording(left) != wording(right)


def test_the_bundled_text_is_mended_where_it_is_broken(conduct_text: str) -> None:
    mended = repair(conduct_text)
    assert "推动形 成" in conduct_text
    assert "推动形成良好网络生态" in mended
    assert "在思 想上" in conduct_text
    assert "自觉在思想上政治上" in mended
    assert "”,坚持" in conduct_text
    assert "做到“两个维护”，坚持正确政治方向" in mended
    assert wording(mended) == wording(conduct_text)


def test_a_bracket_is_as_wide_as_the_one_that_closes_it() -> None:
    line = "(2024年1月14日中共中央批准2024年1月14日中共中央办公厅发布）"
    assert repair(line) == "（2024年1月14日中共中央批准2024年1月14日中共中央办公厅发布）"

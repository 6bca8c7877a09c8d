"""What the structure answers by itself, and what only looks as if it did."""

import pytest

from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.routing import Lookup, Mention, other_regulation, route
from tests.factories import make_regulation

ARTICLES = [
    ("第十四条", (14,)),
    ("第14条", (14,)),
    ("第 14 条", (14,)),
    ("第１４条", (14,)),
    ("14条", (14,)),
    ("十四条", (14,)),
    ("第十四條", (14,)),
    ("第14条原文", (14,)),
    ("第十四条的原文是什么？", (14,)),
    ("请问第十四条讲了什么", (14,)),
    ("帮我查一下第十四条", (14,)),
    ("说说第十条", (10,)),
    ("第五条念一下", (5,)),
    ("第一条", (1,)),
    ("第三十一条", (31,)),
    ("网规第十四条", (14,)),
    ("本规定第十四条", (14,)),
    ("《中国共产党党员网络行为规定》第十四条", (14,)),
    ("中国共产党党员网络行为规定第十四条是什么", (14,)),
    ("党员网络行为规定 第14条", (14,)),
    ("Article 12", (12,)),
    ("article 12?", (12,)),
    ("art. 12", (12,)),
    ("Article No. 12", (12,)),
    ("What does Article 12 say?", (12,)),
    ("show me the text of article 12", (12,)),
    ("rule 14", (14,)),
    ("第十四条和第十五条", (14, 15)),
    ("12条和13条", (12, 13)),
    ("第14、15、16条分别是什么", (14, 15, 16)),
    ("第三、五、七条", (3, 5, 7)),
    ("第9条到第12条", (9, 10, 11, 12)),
    ("第9-12条", (9, 10, 11, 12)),
    ("第九至十二条", (9, 10, 11, 12)),
    ("第五条、第五条", (5,)),
    ("article 12 and 13", (12, 13)),
    ("articles 12-14", (12, 13, 14)),
    ("最后一条", (31,)),
    ("最後一條", (31,)),
    ("最后一条是什么", (31,)),
    ("倒数第一条", (31,)),
    ("the last article", (31,)),
    ("开头那条", (1,)),
    ("first article", (1,)),
]

CHAPTERS = [
    ("第三章", 3),
    ("第3章", 3),
    ("第三章讲什么", 3),
    ("第三章有哪些内容", 3),
    ("chapter 3", 3),
    ("what is in chapter 3", 3),
    ("第一章", 1),
    ("最后一章", 5),
    ("附则", 5),
]

KINDS = [
    ("一共多少条", "counts"),
    ("总共有几条", "counts"),
    ("一共有幾條", "counts"),
    ("几章", "counts"),
    ("一共几章几条？", "counts"),
    ("有多少章多少条", "counts"),
    ("本规定共有多少条", "counts"),
    ("how many articles are there", "counts"),
    ("How many chapters does it have?", "counts"),
    ("目录", "contents"),
    ("给我看看目录", "contents"),
    ("有哪几章", "contents"),
    ("table of contents", "contents"),
    ("什么时候发布", "promulgation"),
    ("什么时候发布的？", "promulgation"),
    ("什麼時候發布", "promulgation"),
    ("这个规定是什么时候出台的", "promulgation"),
    ("何时公布", "promulgation"),
    ("发布日期", "promulgation"),
    ("谁发布的", "promulgation"),
    ("哪个部门发布的", "promulgation"),
    ("when was it issued", "promulgation"),
    ("who issued it", "promulgation"),
    ("什么时候施行", "in_force"),
    ("什么时候开始施行？", "in_force"),
    ("何时生效", "in_force"),
    ("施行时间", "in_force"),
    ("when does it take effect", "in_force"),
    ("effective date", "in_force"),
    ("谁解释", "interpretation"),
    ("谁负责解释？", "interpretation"),
    ("由谁解释", "interpretation"),
    ("这个规定由哪个部门负责解释", "interpretation"),
    ("解释权归谁", "interpretation"),
    ("who interprets it", "interpretation"),
]

MISSING = [
    ("第三十二条", ("第三十二条",)),
    ("第32条", ("第三十二条",)),
    ("第100条", ("第一百条",)),
    ("第0条", ("第零条",)),
    ("article 99", ("第九十九条",)),
    ("第四十条和第五十条", ("第四十条", "第五十条")),
    ("第六章", ("第六章",)),
    ("chapter 6", ("第六章",)),
]

ORDINARY = [
    "我发了3条朋友圈",
    "转发一条消息算不算",
    "转发一条消息算不算传播",
    "一条微博骂了领导怎么办",
    "群里发了20条广告",
    "我发了十五条广告要紧吗",
    "删了三十条留言会怎样",
    "留言二十七条，都是虚构的",
    "念成语音发出，共十七条",
    "发了十四条弹幕",
    "转发五百条会判刑吗",
    "一条龙服务",
    "一条命",
    "两条腿",
    "第一条评论是我发的",
    "点赞第一条评论算不算",
    "多少条评论算刷量",
    "有几条违规信息要举报吗",
    "转发多少条算传播",
    "能翻墙吗",
    "党员什么时候发布信息要审批",
    "什么时候可以发朋友圈",
    "谁发布谣言谁负责吗",
    "谁可以举报",
    "怎么解释才不算造谣",
    "群众要我解释政策怎么办",
    "网站目录被黑了",
    "我是第三章小组的成员，能直播吗",
    "施行网络暴力的人怎么处理",
    "条",
    "第",
    "",
    "你好",
    "what is a vpn",
    "I posted 12 comments",
    "is this article fake",
]

FOREIGN = [
    ("处分条例第五十二条", "处分条例"),
    ("处分条例 第五十二条", "处分条例"),
    ("处分条例第52条", "处分条例"),
    ("纪律处分条例第52条", "处分条例"),
    ("《中国共产党纪律处分条例》第五十二条", "处分条例"),
    ("党章第三条", "党章"),
    ("党章 第三条", "党章"),
    ("党章第3条", "党章"),
    ("党章第12条", "党章"),
    ("网络安全法第十二条", "网络安全法"),
    ("网络安全法的第十二条", "网络安全法"),
    ("网络安全法第12条讲什么", "网络安全法"),
    ("刑法第三百条", "刑法"),
    ("刑法第286条", "刑法"),
    ("《网络安全法》对实名制怎么规定", "网络安全法"),
    ("问责条例第五章", "问责条例"),
]

ASKING = [
    ("第十四条违反了会怎样", (14,), ()),
    ("违反第十四条怎么处理", (14,), ()),
    ("解释一下第十条", (10,), ()),
    ("第十四条和第十五条有什么区别", (14, 15), ()),
    ("第五条第一款", (5,), ()),
    ("第十四条 翻墙", (14,), ()),
    ("第三十二条违反了会怎样", (), ("第三十二条",)),
    ("article 14 punishment", (14,), ()),
]


def looked_up(question: str, regulation: Regulation) -> Lookup | None:
    return route(normalise(question), regulation).lookup


@pytest.mark.parametrize(("question", "articles"), ARTICLES)
def test_articles_are_looked_up(conduct: Regulation, question: str, articles: tuple[int, ...]) -> None:
    assert looked_up(question, conduct) == Lookup("articles", articles)


@pytest.mark.parametrize(("question", "chapter"), CHAPTERS)
def test_chapters_are_looked_up(conduct: Regulation, question: str, chapter: int) -> None:
    expected = conduct.chapter(chapter)
    assert expected is not None
    numbers = tuple(article.number for article in expected.articles)
    assert looked_up(question, conduct) == Lookup("chapter", numbers, chapter)


@pytest.mark.parametrize(("question", "kind"), KINDS)
def test_questions_about_the_whole_are_looked_up(conduct: Regulation, question: str, kind: str) -> None:
    found = looked_up(question, conduct)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("question", "articles"), [("谁解释", (30,)), ("什么时候施行", (31,)), ("什么时候发布", (31,)), ("一共多少条", ())]
)
def test_the_article_that_says_so_comes_along(conduct: Regulation, question: str, articles: tuple[int, ...]) -> None:
    found = looked_up(question, conduct)
    assert found is not None
    assert found.articles == articles


@pytest.mark.parametrize(("question", "missing"), MISSING)
def test_what_does_not_exist_is_said_to_be_missing(
    conduct: Regulation, question: str, missing: tuple[str, ...]
) -> None:
    found = looked_up(question, conduct)
    assert found is not None
    assert (found.kind, found.articles, found.missing) == ("missing", (), missing)


def test_what_exists_is_looked_up_beside_what_does_not(conduct: Regulation) -> None:
    assert looked_up("第三十一条和第三十二条", conduct) == Lookup("articles", (31,), missing=("第三十二条",))


@pytest.mark.parametrize("question", ORDINARY)
def test_ordinary_questions_are_searched_and_name_no_article(conduct: Regulation, question: str) -> None:
    found = route(normalise(question), conduct)
    assert found.lookup is None
    assert found.mention == Mention()


@pytest.mark.parametrize(("question", "name"), FOREIGN)
def test_articles_of_other_regulations_are_not_ours(conduct: Regulation, question: str, name: str) -> None:
    found = route(normalise(question), conduct)
    assert found.lookup is None
    assert found.mention.articles == ()
    assert found.mention.missing == ()
    assert found.mention.foreign is not None
    assert found.mention.foreign.endswith(name)


@pytest.mark.parametrize(("question", "articles", "missing"), ASKING)
def test_an_article_that_is_asked_about_is_mentioned(
    conduct: Regulation, question: str, articles: tuple[int, ...], missing: tuple[str, ...]
) -> None:
    found = route(normalise(question), conduct)
    assert found.lookup is None
    assert found.mention == Mention(articles, missing)


@pytest.mark.parametrize(
    "question",
    ["《中国共产党党员网络行为规定》怎么说翻墙", "网规第十四条", "党员网络行为规定第九条", "《网规》管直播吗"],
)
def test_our_own_name_is_not_another_regulations(conduct: Regulation, question: str) -> None:
    assert other_regulation(normalise(question), conduct) is None


def test_the_last_but_one_is_not_the_second(conduct: Regulation) -> None:
    found = route("倒数第二条", conduct)
    numbers = found.lookup.articles if found.lookup else found.mention.articles
    assert 2 not in numbers


def test_a_numeral_that_is_none_names_nothing(conduct: Regulation) -> None:
    assert route("第十百条", conduct).mention == Mention()
    assert route("第十百章", conduct).lookup is None


def test_another_regulation_is_routed_by_its_own_structure(tmp_path_factory: pytest.TempPathFactory) -> None:
    regulation = make_regulation(
        tmp_path_factory.mktemp("routing"),
        ["制定本办法。", "应当举报。", "本办法由网信办负责解释。", "本办法自2024年5月1日起施行。"],
        title="示例办法",
    )
    assert looked_up("最后一条", regulation) == Lookup("articles", (4,))
    assert looked_up("谁解释", regulation) == Lookup("interpretation", (3,))
    assert looked_up("什么时候施行", regulation) == Lookup("in_force", (4,))
    assert looked_up("第五条", regulation) == Lookup("missing", missing=("第五条",))
    assert looked_up("示例办法第二条", regulation) == Lookup("articles", (2,))
    assert looked_up("最后一章", regulation) is None


def test_what_a_regulation_does_not_say_is_not_looked_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    regulation = make_regulation(tmp_path_factory.mktemp("routing"), ["甲的文字。", "乙的文字。"], title="示例办法")
    assert looked_up("谁解释", regulation) is None
    assert looked_up("什么时候施行", regulation) is None


def test_a_range_that_is_too_wide_names_its_ends(conduct: Regulation) -> None:
    found = looked_up("第1条到第100条", conduct)
    assert found is not None
    assert found.articles == (1,)
    assert found.missing == ("第一百条",)


def test_written_questions_are_seldom_mistaken_for_structure(conduct: Regulation, written_questions: list[str]) -> None:
    routed = [question for question in written_questions if looked_up(question, conduct)]
    assert routed
    assert len(routed) < len(written_questions) // 100

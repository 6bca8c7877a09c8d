"""第十四条 / 第三章 / 最后一条 / 一共多少条 -> a look-up in the structure, no search.

A question is routed only when nothing is left of it once the structural words are taken away; “第十四条违反了会怎样”
names an article and still asks something, so it is searched, with that article at hand (`Mention`).
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from knowledge.model import Regulation
from knowledge.numerals import LARGEST, NUMERAL, format_numeral, parse_numeral

Kind = Literal["articles", "chapter", "counts", "contents", "promulgation", "interpretation", "in_force", "missing"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the structure itself answers: article numbers in order, and for `missing` the numbers that do not exist."""

    kind: Kind
    articles: tuple[int, ...] = ()
    chapter: int | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """Articles that a question names while asking something about them; `foreign` is another regulation's name."""

    articles: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    foreign: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes: a look-up where the structure answers it, otherwise to search with what it mentions."""

    lookup: Lookup | None = None
    mention: Mention = field(default_factory=Mention)


_NUMBER_EN: Final = r"(\d{1,12})"
_THINGS: Final = r"消息|信息|微博|评论|短信|朋友圈|新闻|视频|笔记|动态|线索|烟|命|留言|广告|弹幕|回复|记录|帖|语音|推文|链接|公告|通知|建议|意见|谣言|热搜|大街|路|街|龙"
"""What is counted with 条 besides articles."""

_RANGE = re.compile(rf"第?\s*({NUMERAL})\s*条?\s*(?:到|至|-|~|—|–)\s*第?\s*({NUMERAL})\s*条")
_RANGE_EN = re.compile(rf"\barticles?\s*{_NUMBER_EN}\s*(?:-|–|to|through)\s*{_NUMBER_EN}\b")
_LIST = re.compile(rf"第\s*({NUMERAL}(?:\s*[、,，和与及]\s*{NUMERAL})+)\s*条")
_ARTICLE = re.compile(
    rf"(?<!倒数)第\s*({NUMERAL})\s*条(?!{_THINGS})"
    rf"|^\W*(?:看|查|读|念|要|问|请问|那|把|给我看|想看)?\s*([0-9]{{1,12}}|[一二三四五六七八九十百]{{2,5}})\s*条(?!{_THINGS})"
    rf"|(?<=[条和与、,，及])\s*([0-9]{{1,12}}|[一二三四五六七八九十百]{{2,5}})\s*条(?!{_THINGS})"
)
_ARTICLE_EN = re.compile(
    rf"\b(?:article|art\.?|clause|rule)s?\s*(?:no\.?\s*|number\s*)?{_NUMBER_EN}(?:\s*(?:and|,|&)\s*{_NUMBER_EN})?\b"
)
_CHAPTER = re.compile(rf"第\s*({NUMERAL})\s*章|(?<!\d)([0-9]{{1,2}})\s*章|\bchapter\s*(?:no\.?\s*)?{_NUMBER_EN}\b")
_BARE = re.compile(rf"^\W*({NUMERAL})\W*$")
_LAST = re.compile(r"(?:最后|末尾|倒数第一)(?:的)?(?:那)?(?:一)?(?:个)?条|\b(?:the\s+)?(?:last|final)\s+article\b")
_LAST_CHAPTER = re.compile(r"(?:最后|末尾)(?:的)?(?:那)?(?:一)?章|附则|\b(?:last|final)\s+chapter\b")
_FIRST = re.compile(r"(?:开头|最前面|最开始)(?:的)?(?:那)?(?:一)?条|头一条|\b(?:the\s+)?first\s+article\b")
_EDGE = re.compile(r"(?:(最后|末尾|倒数第一)|打头|开头|最前面|头一|第一)(?:的)?(?:那)?(?:一)?(?:个)?条")
_COUNTS = re.compile(
    r"(?:一共|总共|共|全文|总计|合计|到底|究竟|它)?(?:有|分|包括|包含|是|分为|分成)?(?:多少|几)(?:个)?(?:条款|条文|条|章节|章|部分)"
    r"(?:[和、,，\s]*(?:有|分)?(?:多少|几)(?:个)?(?:条款|条文|条|章节|章))*"
    r"|\bhow many (?:articles?|chapters?|provisions?|clauses?)(?:\s+and\s+(?:articles?|chapters?))?\b"
)
_CONTENTS = re.compile(
    r"总结(?:一下)?|概括(?:一下)?|概述|(?:主要|都|大概)(?:都)?(?:是)?(?:讲|说|写|规定)(?:了)?(?:些)?(?:什么|啥|哪些)(?:内容|东西)?|目录|大纲|章节目录|有哪几章|有哪些章|分哪几章"
    r"|\b(?:table of )?contents\b|\boutline\b|\btoc\b|\bsummar(?:y|ise|ize)\b"
)
_ISSUED = re.compile(
    r"(?:是)?(?:什么时候|何时|哪年|哪一年|哪天|几号|几月几号|啥时候|哪个时间|多会儿)(?:由谁)?(?:发布|公布|颁布|印发|出台|发|出|制定|批准|通过|发文)(?:的)?"
    r"|(?:发布|公布|颁布|印发|出台|批准|发文|制定)(?:的)?(?:时间|日期|日子|机关|单位|部门)"
    r"|(?:是)?(?:谁|哪个部门|哪个机关|哪个单位|什么部门|哪里|哪儿)(?:发布|公布|颁布|印发|出台|发|制定|批准|发文)(?:的)?"
    r"|\bwhen was (?:it|this|the (?:regulation|regulations|rule|rules|provisions?))\s*(?:issued|published|released|promulgated|adopted)\b"
    r"|\b(?:issue|publication|promulgation|release) date\b|\bwho (?:issued|published|released)\b"
)
_IN_FORCE = re.compile(
    r"(?:是)?(?:从)?(?:什么时候|何时|哪年|哪一年|哪天|几号|几月几号|啥时候|多会儿)(?:开始|起)?(?:施行|实施|生效|执行|实行|起效|算数|管用)(?:的)?"
    r"|(?:施行|实施|生效|执行|起效)(?:的)?(?:时间|日期|日子)"
    r"|\bwhen (?:did|does|do|will) (?:it|this|they|the (?:regulation|regulations|rule|rules|provisions?))\s*(?:take effect|come into (?:force|effect)|start to apply)\b"
    r"|\beffective date\b|\bdate of effect\b"
)
_INTERPRETER = re.compile(
    r"(?:是)?(?:由)?(?:谁|哪个部门|哪些部门|什么部门|哪个单位|哪里|哪家|哪几家|哪几个部门)(?:来)?(?:负责)?(?:的)?解释(?:权)?(?:归谁)?"
    r"|解释权(?:归|在|属于)?(?:谁|哪个部门|哪里|哪)?(?:手里)?|(?:负责)?解释(?:的)?(?:机关|部门|单位)(?:是)?(?:谁|哪个|哪些)?"
    r"|\bwho (?:interprets?|explains?|is responsible for interpret(?:ing|ation)|has the (?:power|right) (?:to interpret|of interpretation))\b"
)
_FILLER = re.compile(
    r"请问|请教|麻烦|劳驾|把|给|帮我|帮忙|给我们|给我|我们|咱们|大家|老师|同志|领导|讲师|您|咱|我想|想要|想|知道|了解|学习|一下|一遍|再|还|先|就|请|谢谢|多谢|"
    r"文件|条例|整个|全部|完整|详细|介绍|翻到|打开|显示|展示|列出|列|方面|总的|总体|大概|大致|大意|意思|内容|东西|哪一些|部分|具体|呗|哈|哎|唉|嗯|喂|"
    r"看看|看|查查|查询|查|找找|找|发我|发|念|读|背|贴|出来|一起|都|我|你|它|"
    r"原文|全文|原话|正文|条文|内容|规定|具体|到底|究竟|主要|分别|上面|里面|里头|里边|其中|当中|里|写|讲|说|规定了|的是|是|有|什么|啥|哪些|哪几条|几条|哪|些|怎么|如何|咋|"
    r"吗|呢|啊|呀|嘛|吧|哦|了|的|地|得|和|与|及|跟|个|来|下|能|可以|要|这|那|本|该|"
    r"\b(?:please|show|me|what|does|do|is|are|the|of|in|say|says|said|tell|about|text|full|original|give|read|quote|cite|and|there|it|this|"
    r"regulation|regulations|rule|rules|provisions?|have|has|in total|all together|altogether|for|it|them|responsible|s|which|content|contents of|explain)\b"
)
_PUNCTUATION = re.compile(r"[\s\W_]+")
_OTHER = re.compile(
    r"《([^《》]{2,40})》|(?:中华人民共和国)?([\u4e00-\u9fff]{0,16}?(?:刑法|民法典|宪法|党章|准则|处分条例|问责条例|[\u4e00-\u9fff]{2,12}(?:法|条例|办法|细则|规则|章程)))(?:的|里|中)?(?=\s*第?\s*(?:[0-9]+|[一二三四五六七八九十百千]+)\s*[条章])"
)


def route(question: str, regulation: Regulation) -> Route:
    """Decide from a normalised question whether the structure of this regulation answers it."""
    foreign = other_regulation(question, regulation)
    if foreign:
        return Route(mention=Mention(foreign=foreign))
    own = _without_names(question, regulation)
    bare = _BARE.match(question)
    if bare and len(bare[1]) <= 3:
        own = f"第{bare[1]}条"
    lookup = _structure(own, regulation) or _whole_chapter(own, regulation)
    if lookup:
        return Route(lookup=lookup)
    numbers, missing, rest = _articles(own, regulation)
    if (numbers or missing) and not _left_over(rest):
        return Route(lookup=Lookup("articles" if numbers else "missing", tuple(numbers), missing=tuple(missing)))
    return Route(mention=Mention(tuple(numbers), tuple(missing)))


def other_regulation(question: str, regulation: Regulation) -> str | None:
    """The name of another regulation whose article or chapter is asked for, or which is named in 《》; None if none is."""
    own = {regulation.title, *regulation.aliases}
    for match in _OTHER.finditer(question):
        name = (match[1] or match[2]).strip()
        if name and not any(alias in name or name in alias for alias in own):
            return name
    return None


def _without_names(question: str, regulation: Regulation) -> str:
    for name in sorted({regulation.title, *regulation.aliases}, key=len, reverse=True):
        question = question.replace(f"《{name.casefold()}》", " ").replace(name.casefold(), " ")
    return question


def _left_over(question: str, *patterns: re.Pattern[str]) -> str:
    for pattern in patterns:
        question = pattern.sub(" ", question)
    return _PUNCTUATION.sub("", _FILLER.sub(" ", question))


def _structure(question: str, regulation: Regulation) -> Lookup | None:
    structural: tuple[tuple[re.Pattern[str], Kind, Callable[[], tuple[int, ...]]], ...] = (
        (_CONTENTS, "contents", tuple),
        (_COUNTS, "counts", tuple),
        (_IN_FORCE, "in_force", lambda: _matching(regulation, _COMES_INTO_FORCE)),
        (_ISSUED, "promulgation", lambda: _matching(regulation, _COMES_INTO_FORCE)),
        (_INTERPRETER, "interpretation", lambda: _matching(regulation, _INTERPRETS)),
        (_LAST, "articles", lambda: (regulation.last,)),
        (_FIRST, "articles", lambda: (1,)),
    )
    for pattern, kind, articles in structural:
        if pattern.search(question) and not _left_over(question, pattern):
            lookup = Lookup(kind, articles())
            return lookup if kind in ("counts", "contents", "promulgation") or lookup.articles else None
    if _LAST_CHAPTER.search(question) and not _left_over(question, _LAST_CHAPTER) and regulation.chapters:
        return _chapter_lookup(regulation.chapters[-1].number, regulation)
    return None


_COMES_INTO_FORCE = re.compile(r"自.{1,20}起(?:施行|实施|生效|执行)")
_INTERPRETS = re.compile(r"由.{2,80}(?:负责)?解释")


def _matching(regulation: Regulation, pattern: re.Pattern[str]) -> tuple[int, ...]:
    """Numbers of the closing articles whose text matches (the last chapter is where such articles stand)."""
    return tuple(article.number for article in regulation.articles[-5:] if pattern.search(article.text))


def _whole_chapter(question: str, regulation: Regulation) -> Lookup | None:
    chapter = _CHAPTER.search(question)
    if chapter and not _left_over(question, _CHAPTER, _COUNTS, _EDGE):
        with suppress(ValueError):  # 第十百章: no number, so nothing is asked for
            number = parse_numeral(next(filter(None, chapter.groups())))
            return _chapter_lookup(number, regulation, _EDGE.search(question))
    return None


def _chapter_lookup(number: int, regulation: Regulation, edge: re.Match[str] | None = None) -> Lookup:
    """A whole chapter, or with `edge` its first or last article."""
    chapter = regulation.chapter(number)
    if chapter is None:
        return Lookup("missing", missing=(f"第{format_numeral(number)}章",), chapter=number)
    if edge:
        article = chapter.articles[-1 if edge[1] else 0]
        return Lookup("articles", (article.number,))
    return Lookup("chapter", tuple(article.number for article in chapter.articles), chapter=number)


def _articles(question: str, regulation: Regulation) -> tuple[list[int], list[str], str]:
    """Article numbers named in the text, those that do not exist, and the text without them."""
    found: list[int] = []
    beyond: list[str] = []

    def note(*numerals: str | None) -> None:
        for numeral in filter(None, numerals):
            if len(numeral) > 4 and numeral.isdigit():
                beyond.append(f"第{numeral}条")
            else:
                found.append(parse_numeral(numeral))

    def span(match: re.Match[str]) -> str:
        first, last = (int(parse_numeral(numeral[:4])) for numeral in match.groups())
        if first <= last <= first + 40:
            found.extend(range(first, last + 1))
        else:
            note(match[1], match[2])
        return " "

    def several(match: re.Match[str]) -> str:
        note(*re.findall(NUMERAL, match[1]))
        return " "

    def one(match: re.Match[str]) -> str:
        note(*match.groups())
        return " "

    try:
        rest = _ARTICLE_EN.sub(
            one, _ARTICLE.sub(one, _LIST.sub(several, _RANGE.sub(span, _RANGE_EN.sub(span, question))))
        )
    except ValueError:  # 十百 and the like: not a number, so nothing is named
        return [], [], question
    found = [number for number in found if number <= LARGEST]
    numbers = list(dict.fromkeys(found))
    known = [number for number in numbers if regulation.article(number)]
    missing = [f"第{format_numeral(number)}条" for number in numbers if not regulation.article(number)] + beyond
    return known, missing, rest

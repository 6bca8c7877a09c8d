"""Where a model is never asked: what the house answers by itself, always in the same way.

consequences     the article asked about, article 28 behind it, and that no kinds of penalty are listed
another text     what is in this library, and that the other is not
interpretation   the words themselves, and article 30, which says whose the interpretation is
a person         the words themselves; nobody is judged
a way round      the words themselves; none is offered
"""

import re
from typing import Final, Literal

from bot.answering.asking import Asking
from bot.answering.persons import PERSON
from knowledge.naming import Names

Boundary = Literal["consequences", "another_text", "interpretation", "person", "way_round"]

_INTERPRETATION: Final = re.compile(
    r"(?:官方|权威|正式|有权|法定|最终)(?:的|地)?(?:解释|解读|说法|口径|答复|认定|态度|意见)|立法(?:本意|原意|意图|精神|目的)"
    r"|(?:制定|起草)者?(?:的)?(?:本意|原意|意图)|(?:代表|以)(?:官方|组织|中央|中组部|网信办|党组织)(?:的名义)?[^，。？?]{0,6}(?:解释|说明|答复|表态|认定|回答)"
    r"|(?:出具|给出|作出|做出)[^，。？?]{0,6}(?:解释|认定|结论)|有没有(?:司法|立法|党内)?解释"
    r"|\b(?:official|authoritative|binding|formal)(?:ly)? (?:interpret\w*|reading|explanation|position|view|ruling)"
    r"|\b(?:interpret\w*|explain) (?:it |this |them )?officially\b|\blegislative intent\b"
)
_ASKS_TO_INTERPRET: Final = re.compile(
    r"官方|权威|有权|法定|正式|解释|解读|说法|口径|答复|认定|怎么|怎样|如何|有没有|请问|"
    r"\b(?:official(?:ly)?|authoritative|binding|formal|interpret\w*|explain\w*|explanation|reading|is there|an?|the|of)\b"
)
"""What is taken out of a question to see of what it asks an interpretation."""

_THE_TEXT: Final = re.compile(
    r"(?:这|那|此|个|部|份|些|本|该|规定|文件|条例|条文|条|款|党员|网络行为|的|对|对于|关于|有|是|吗|呢|啊|里|中|吧|么"
    r"|\b(?:this|that|these|those|regulations?|rules?|provisions?|articles?|it|them|text|for|on)\b|[\W_])*"
)
"""The regulation itself, which is no subject."""

_JUDGING: Final = re.compile(
    r"违反|违规|违纪|违法|犯了|犯没犯|触犯|有没有问题|有问题|算不算|算违|该不该|应不应该|对不对|做得对|是不是.{0,8}(?:党员|问题|错)|合格|评价|怎么看|"
    r"怎么样|有罪|有错|错了|应该(?:被|受)|称职|好党员|坏人|人品|"
    r"\b(?:violat\w*|breach\w*|guilty|break(?:s|ing)? (?:the|a|any) rule\w*|wrong|bad|good party member|judge|think of)\b"
)
_SENTENCES: Final = re.compile(r"[。！？!?;；\n]+")
_OTHER_TEXTS: Final = re.compile(
    r"(?:纪律)?处分条例|巡视工作条例|问责条例|党员教育管理工作条例|党员权利保障条例|廉洁自律准则|政治生活(?:的)?若干准则|中央八项规定|八项规定|"
    r"(?<!有关)党章|网络安全法|个人信息保护法|数据安全法|保守国家秘密法|保密法|反电信网络诈骗法|治安管理处罚法|刑法|民法典|宪法(?!宣|日)|公务员法|监察法|政务处分法|"
    r"国家安全法|反间谍法|广告法|电子商务法|未成年人保护法|国际联网管理(?:暂行)?规定|网络信息内容生态治理规定|账号信息管理规定|"
    r"\b(?:criminal law|civil code|constitution|cybersecurity law|party constitution|disciplinary regulations?|gdpr)\b"
)


def boundary_of(query: str, asking: Asking, names: Names, original: str) -> Boundary | None:
    """The boundary that a normalised question touches, the strictest first; `original` keeps its capitals."""
    if asking.way_round:
        return "way_round"
    if PERSON.search(original) and _JUDGING.search(_asked(query)):
        return "person"
    if _INTERPRETATION.search(query):
        return "interpretation"
    if other_text(query, names):
        return "another_text"
    return "consequences" if asking.consequences else None


def interpreted(query: str) -> str:
    """What a normalised question wants interpreted: 官方怎么解释翻墙 -> 翻墙; empty where it is the regulation itself."""
    subject = " ".join(_ASKS_TO_INTERPRET.sub(" ", query).split())
    return "" if _THE_TEXT.fullmatch(subject) else subject


def _asked(query: str) -> str:
    """The last sentence: what goes before it in a long question is the story."""
    return next(filter(None, reversed(_SENTENCES.split(query))), "")


def other_text(query: str, names: Names) -> str | None:
    """The name of another regulation that the question speaks of and that this library lacks."""
    return next((match[0] for match in _OTHER_TEXTS.finditer(query) if match[0] not in names), None)

"""What a sentence of a model may not hold, whatever it says: numbers of articles, penalties, names, links, markup ...

Words that stand in the quote or, where that is harmless, in the question are allowed.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from bot.answering.asking import read_asking
from bot.answering.persons import PERSON
from knowledge.normalising import normalise
from prompts import Language

Fault = Literal[
    "evidence", "quote", "cut", "words", "polarity", "number", "title", "penalty", "figure", "link", "markup", "role", "name",
    "official", "opinion", "way_round", "language", "length", "leak", "scope", "unanchored",
]  # fmt: skip
"""Why a claim was dropped."""

_NUMERAL: Final = "[0-9０-９〇零一二两三四五六七八九十百千廿卅壹贰叁肆伍陆柒捌玖拾佰仟]"
_LETTERS: Final[dict[Language, tuple[int, int]]] = {"zh": (2, 80), "en": (4, 240)}
_ALLOWED: Final = re.compile(
    r"[A-Za-z0-9\u3007\u4e00-\u9fff\u3400-\u4dbf ，。、；：！？“”‘’（）《》〈〉—…·,.;:!?'\"()%/+&\-–~～￥]*"
)
_ENDS: Final = re.compile(r"[。！？!?](?=.)|\.(?=\s+[A-Z])")

_LONG_NUMERAL: Final = re.compile(rf"{_NUMERAL}{{2,}}")
_NUMBERED: Final = re.compile(
    rf"第\s*{_NUMERAL}(?!时间|次|步|手|线|书记|现场|责任|位)|第[^，。；：]{{1,6}}[条章款節节项項编編]|{_NUMERAL}{{2,}}\s*[条章款条]|[0-9０-９]\s*[条章款]|"
    rf"[条款章]\s*[:：]?\s*[0-9０-９]|(?<![这那上下同每任一几哪各两三此])(?:[四五六七八九十]|[二三](?!、))\s*[条章]|[首末前后]\s*{_NUMERAL}+\s*条|"
    rf"倒数|[上下前后]一?条(?![件文])|条(?:十[一二三四五六七八九]?|[二三]十[一二三四五六七八九]?)|附则|总则|(?<![文规公勋印奖徽报乐篇])章(?!程|鱼)|[本该此上下][款项节编]|条款[一二三四五六七八九十]|"
    r"(?i:\b(?:articles?|art|sections?|chapters?|clauses?|paragraphs?|rules?|provisions?|items?|parts?|no|number)\b\.?\s*"
    r"(?:no\.?|number)?\s*(?:[0-9]|[ivxlc]+\b|one\b|two\b|three\b|four\b|five\b|six\b|seven\b|eight\b|nine\b|ten\b|eleven\b|twel\w+|\w+teen\b|twent\w+|thirt\w+)|"
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\w+teenth|twent\w+|thirt\w+|last|[0-9]+(?:st|nd|rd|th))[- ]*(?:\w+ )?"
    r"(?:article|section|chapter|clause|paragraph|provision)|\bchapters?\b|\bsections?\b|\bparagraphs?\b)|§"
)
_TITLES: Final = re.compile(
    r"《[^》]*》?|〈[^〉]*〉?|[\u4e00-\u9fff]{0,4}(?:条例|准则|细则|守则|法典|党章|宪法|章程|公约)|"
    r"[\u4e00-\u9fff]{2,10}(?:管理|保护|安全|处罚|诉讼|促进|惩治|秘密|间谍|诈骗|处分|竞争|垄断|恐怖主义|示威|消费者权益)法|"
    r"(?:刑|民|保密|广告|电子商务|公务员|监察|选举|合同|劳动|著作权|商标|税|婚姻|国籍|兵役|邮政|电信|出版)法(?![定律规院官治制人学纪犯信者])|"
    r"[\u4e00-\u9fff]{2,4}(?:管理|工作|实施|暂行)(?:办法|规定|规则)|八项规定|司法解释|"
    r"(?i:\b(?:criminal|civil|cybersecurity|data|constitution\w*|labou?r|security|secrets) (?:law|code|act)s?\b|\bconstitution\b|"
    r"\b(?:law|act|code|decree) (?:of|on)\b|\bgdpr\b)"
)
_PENALTIES: Final = re.compile(
    r"警告|记过|记大过|降级|降职|撤职|撤销|开除|留党察看|双开|拘留|拘役|逮捕|罚款|罚金|罚|判刑|刑罚|徒刑|坐牢|处分|处罚|惩处|惩戒|惩罚|惩治|制裁|(?:被|予以|受到|遭)通报|通报(?:批评|处理)|诫勉|提醒谈话|谈话提醒|约谈|"
    r"免职|停职|调离|辞退|解聘|除名|退党|清退|批评教育|检讨|问责|追责|追究|担责|承担(?:相应|法律|纪律|刑事|一切|什么)?的?(?:后果|责任)|封号|禁言|没收|立案|起诉|刑事|犯罪|判|扣分|取消|写检查|失信|黑名单|"
    r"(?i:\b(?:los(?:es?|ing)|warning|demerit|demot\w*|dismiss\w*|expel\w*|expulsion|detention|detain\w*|arrest\w*|fined|fines|a fine|imprison\w*|prison|jail\w*|penalt\w*|punish\w*|"
    r"sanction\w*|disciplinary|disciplined|probation|suspen\w*|sentence\w*|prosecut\w*|liab\w*|accountab\w*|consequence\w*|reprimand\w*|remov\w*|crimin\w*|crime\w*)\b)"
)
_PROCEEDS: Final = re.compile(r"后果|下场|绩效|奖金")
"""Where the question speaks of them."""
_LINKS: Final = re.compile(
    r"(?i:https?|www\.|://|t\.me|\b[\w-]+\.(?:com|cn|org|net|io|gov|me|info|top|xyz|app|dev)\b|@\w|\bmailto\b)|[a-z0-9]/[a-z0-9]",
)
_ROLES: Final = re.compile(
    r"系统提示|提示词|提示语|上述指令|以上指令|指令|开发者|越狱|语言模型|人工智能助手|作为(?:一个|一名)?(?:AI|人工智能|助手|机器人)|材料[一二三]|证据\s*[A-Za-z0-9]|json|"
    r"(?i:\b(?:system|assistant|user|prompt|developer|instructions?|jailbreak|ignore|claims?|evidence|schema|tool|function)\b)|\bE\s?[0-9]\b"
)
_OFFICIAL: Final = re.compile(
    r"官方|权威|立法(?:本意|原意|意图|精神|目的)|(?:本|原)意(?:是|在)|司法解释|中央(?:认为|要求|强调|明确|指出)|(?:有关|主管)部门(?:认为|表示|明确|认定)|"
    r"(?:通常|一般|普遍|实践中|业界|学界|专家)[^，。]{0,4}(?:认为|理解|掌握|视为)|(?:应当?|可以?)理解为|解释为|认定为|视同|"
    r"(?i:\b(?:officially|official (?:interpretation|explanation|view|position|reading|answer)s?|authoritative\w*|legislat\w+|authorities (?:say|hold|consider)|experts?|in practice|generally (?:held|considered)|is interpreted)\b)"
)
_OPINION: Final = re.compile(
    r"我(?!国)|认为|觉得|个人(?:认为|觉得|看法|意见|建议)|依我|在下|笔者|为[您你][^，。]{0,8}点赞|写得(?:真|很|太)好|真好|了不起|佩服|正义感|称赞|本(?:机器人|助手)|咱|建议|最好|不如|恐怕|大概|可能|也许|或许|应该是|想必|估计|显然|当然|毫无疑问|"
    r"劝|奉劝|遗憾|可惜|寒心|心疼|走过场|希望|祝|恭喜|抱歉|对不起|"
    r"(?i:\b(?:i|i'm|i'd|recommend\w*|suggest\w*|advis\w*|advice|perhaps|maybe|probably|possibly|likely|obviously|clearly|certainly|might|think|believe|feel|sorry|please|"
    r"better to|best to)\b)"
)
_SELF_EN: Final = re.compile(r"(?i:\b(?:my|me|we|our|us)\b)")
"""A reader who says so may be told so."""
_ROUND: Final = re.compile(
    r"绕[开过]|规避|避开|躲[避开过]|不被(?:发现|查)|瞒|改用|换[个成用]|代替|隐身|伪装|钻[^，。]{0,3}空子|转而|另辟|变通|"
    r"(?i:\b(?:circumvent\w*|bypass\w*|work ?around|evad\w*|get around|without (?:being|getting)|instead use|undetected|loophole\w*|alternative\w*)\b)"
)
_TOOLS: Final = re.compile(
    r"下载|安装|购买|借用|教程|小号|匿名(?!诬告)|(?i:\b(?:download\w*|install\w*|anonymous\w*|tutorial\w*)\b)"
)
"""Allowed where the question speaks of them."""
_EVERYBODY: Final = re.compile(
    r"任何人|所有人|每个人|人人|一切人|全体公民|公民|老百姓|非党员|网民|团员|(?i:\b(?:everyone|everybody|anyone|anybody|all citizens|citizens?|all people|non-members?)\b)"
)
_ALL_MEMBERS: Final = re.compile(
    r"(?:凡是|凡为|凡属|普通|所有|全体|每个|每名|每一名|任何|一般|各位|广大)党员|党员都|党员一律|(?i:\b(?:all|every|any|ordinary|each) (?:party )?members?\b)"
)
_FIGURES: Final = re.compile(
    r"[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百千万亿]+\s*(?:个)?(?:年|个月|月|日内|天|小时|分钟|万元|元|万人|人次|倍|%|成(?!为|了)|周)|[三四五六七八九十百千万亿]+\s*(?:个(?!字)|家|名|级|类|篇|场|件|位|次)|[一二两三四五六七八九几数]+[十百千万亿]+(?=[\u4e00-\u9fff])|[过超上满破][百千万亿]|百分之|若干年|多年|"
    r"(?i:\b(?:two|three|four|five|six|seven|eight|nine|ten) (?:years?|months?|weeks?|days?|hours?|times|yuan|people|levels?)\b|"
    r"\b(?:hundred|thousand|million)s?\b)"
)
_QUOTED: Final = re.compile(r"[“\"‘「『]([^“”\"‘’「」『』]*)[”\"’」』]|(?<![A-Za-z])'([^']+)'(?![A-Za-z])")
_UNPAIRED: Final = re.compile(r"[“”\"「」『』]")
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
_KNOWN_LATIN: Final = frozenset(("app", "vpn", "ai", "ip", "qq", "pdf"))
_CHINESE_RUN: Final = re.compile(r"[\u3400-\u9fff]+")
_ODD_MARKUP: Final = re.compile(r"\([^)]*$|^[^(]*\)|（[^）]*$|^[^（]*）|--|&\w+;|\.{4,}|(?:^|\s)[-+~] ")


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around a sentence: the question, the article cited, the words quoted, the reader's language.

    `asks` where it is no statement but names what is left open.
    """

    question: str
    article: str
    quote: str
    language: Language
    asks: bool = False


def fault_of(text: str, setting: Setting) -> Fault | None:
    """The first thing that the sentence holds and may not; None where there is nothing."""
    low, high = _LETTERS[setting.language]
    if not low <= len(text) <= high or _ENDS.search(text):
        return "length"
    if not _ALLOWED.fullmatch(text) or _ODD_MARKUP.search(text):
        return "markup"
    return next((fault for fault, found in _CHECKS if found(text, setting)), None)


def _beyond(pattern: re.Pattern[str], *, question: bool = False) -> Callable[[str, Setting], bool]:
    """Whether the pattern finds words that the quote (or, if allowed, the question) does not hold."""

    def found(text: str, setting: Setting) -> bool:
        words = [match[0] for match in pattern.finditer(text)]
        if not words:
            return False
        known = setting.quote + ("\n" + setting.question if question else "")
        plain = normalise(known)
        return any(word not in known and normalise(word) not in plain for word in words)

    return found


def _numbered(text: str, setting: Setting) -> bool:
    """Whether it numbers articles: by the words around a numeral, or by a long numeral that nobody else has written."""
    if _NUMBERED.search(text) or _NUMBERED.search(unicodedata.normalize("NFKC", text)):
        return True
    return _beyond(_LONG_NUMERAL, question=True)(text, setting)


def _misquotes(text: str, setting: Setting) -> bool:
    """Words in quotation marks are read as quoted: they stand in the article or in the question, or not at all."""
    inner = [next(filter(None, match.groups()), "") for match in _QUOTED.finditer(text)]
    known = (normalise(setting.article), normalise(setting.question)) if inner else ()
    if any(not words or all(normalise(words) not in source for source in known) for words in inner):
        return True
    return bool(_UNPAIRED.search(_QUOTED.sub("", text)))


def _foreign(text: str, setting: Setting) -> bool:
    """Whether it is in another language, or in two."""
    english = setting.language == "en"
    own, others = (_LATIN, _CHINESE_RUN) if english else (_CHINESE_RUN, _LATIN)
    foreign = others.findall(text)
    if not own.search(text) or (english and len("".join(foreign)) > 24):
        return True
    known = normalise(f"{setting.article}\n{setting.question}") if foreign else ""
    return any(normalise(word) not in known and word.casefold() not in _KNOWN_LATIN for word in foreign)


def _goes_round(text: str, setting: Setting) -> bool:
    tools = not setting.asks and _beyond(_TOOLS, question=True)(text, setting)
    return tools or _beyond(_ROUND)(text, setting) or read_asking(normalise(text)).way_round


def _widens(text: str, setting: Setting) -> bool:
    """Whether it speaks for people of whom the article does not."""
    if setting.asks:
        return False
    if _beyond(_EVERYBODY, question=True)(text, setting):
        return True
    return "党员干部" in setting.article and _beyond(_ALL_MEMBERS, question=True)(text, setting)


_CHECKS: Final[tuple[tuple[Fault, Callable[[str, Setting], bool]], ...]] = (
    ("number", _numbered),
    ("link", lambda text, _: bool(_LINKS.search(text))),
    ("role", lambda text, _: bool(_ROLES.search(text))),
    ("title", _beyond(_TITLES, question=True)),
    ("penalty", _beyond(_PENALTIES)),
    ("penalty", _beyond(_PROCEEDS, question=True)),
    ("figure", _beyond(_FIGURES, question=True)),
    ("name", _beyond(PERSON, question=True)),
    ("official", _beyond(_OFFICIAL)),
    ("opinion", _beyond(_OPINION)),
    ("opinion", _beyond(_SELF_EN, question=True)),
    ("way_round", _goes_round),
    ("scope", _widens),
    ("quote", _misquotes),
    ("language", _foreign),
)

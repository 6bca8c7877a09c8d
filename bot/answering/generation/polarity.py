"""Whether a sentence goes against the rule that it cites. Rules, not a model; every doubt counts as contradiction.

A rule is what stands in the article at the place of the quote: forbidden (不得, 严禁, 自觉抵制), required (应当, 必须),
granted (可以, 鼓励) or plain. A quote that begins behind the 不得 that governs it is *cut*, and proves nothing.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from prompts import Language

Kind = Literal["forbidden", "required", "granted"]

_SENTENCE: Final = re.compile(r"[^。；！？\n]+")
_MARKERS: Final[tuple[tuple[Kind, str], ...]] = (
    ("forbidden", r"不得|严禁|禁止|不准|不许|不能|不可以|(?:自觉)?抵制"),
    ("required", r"应当|应该|必须|应(?=及时|当)|须(?!知)|有义务|负责|承担"),
    ("granted", r"可以|鼓励|有权|准许|允许|不必|无需|无须|不需要"),
)
_MARKER: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _MARKERS))
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_NEGATIONS: Final = frozenset("不未无非没勿")
_FRAMES: Final = frozenset(
    (
        "党员",
        "干部",
        "规定",
        "有关",
        "网络",
        "组织",
        "党组",
        "员干",
        "各级",
        "级党",
        "部门",
        "本规",
        "按照",
        "进行",
        "行为",
        "情况",
    )
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The kinds of rule that a quote states; `cut` where it leaves out a word that turns it round.

    `affirmed` are the quoted words that no 不得 governs.
    """

    kinds: frozenset[Kind]
    cut: bool
    affirmed: str
    quote: str


def rule_of(text: str, start: int, end: int) -> Rule:
    """The rule at `text[start:end]` of an article."""
    kinds: set[Kind] = set()
    affirmed: list[str] = []
    cut = _cut_word(text, start, end)
    for sentence in _SENTENCE.finditer(text):
        first, last = max(start, sentence.start()), min(end, sentence.end())
        if first >= last:
            continue
        markers = [_placed(found, sentence.start()) for found in _MARKER.finditer(sentence[0])]
        before = [marker for marker in markers if marker[1] < first]
        within = [marker for marker in markers if first <= marker[1] < last]
        begins_itself = bool(within) and not _CHINESE.search(text[first : within[0][1]])
        governing = before[-1] if before and not begins_itself else None
        if governing and governing[0] == "forbidden":
            cut = cut or not ("抵制" in text[governing[1] : governing[2]] and "不良" in text[first:last])
        if not before and not within and markers:
            cut = cut or markers[0][0] == "forbidden"
            governing = markers[0]
        kinds.update(kind for kind, _, _ in (*([governing] if governing else []), *within))
        affirmed += _affirmed(text, first, last, governing, within)
    return Rule(frozenset(kinds), cut, "\n".join(affirmed), text[start:end])


def _placed(found: re.Match[str], offset: int) -> tuple[Kind, int, int]:
    kind = next(kind for kind, _ in _MARKERS if found[kind])
    return kind, offset + found.start(), offset + found.end()


def _cut_word(text: str, start: int, end: int) -> bool:
    """Whether the edges fall inside a negation, or just behind or before one."""
    if (start and text[start - 1] in _NEGATIONS) or text[end - 1] in _NEGATIONS:
        return True
    return any(
        found.start() < start < found.end() or found.start() < end < found.end() or found.end() == end
        for found in _MARKER.finditer(text)
        if found["forbidden"]
    )


def _affirmed(
    text: str, first: int, last: int, governing: tuple[Kind, int, int] | None, within: list[tuple[Kind, int, int]]
) -> list[str]:
    edges = [(governing[0] if governing else None, first), *((kind, begin) for kind, begin, _ in within), (None, last)]
    return [text[begin:stop] for (kind, begin), (_, stop) in pairwise(edges) if kind != "forbidden"]


_DOUBTS: Final = re.compile(
    r"不得不|不能不|不会不|不可不|并非不|不是不|没有不|未必|不一定|不见得|难道|岂|何尝|谁说|其实(?:可|能)|实际上(?:可|能)|除非|例外|除外|豁免|"
    r"特殊情况|只要|即使|哪怕|就算|纵使|偶尔|少量|适度|悄悄|私下|反过来说|恰恰相反|不适用|已废止|失效|[?？]|吗[。，]?$|才怪"
)
_WAIVED: Final = re.compile(
    r"不必|无需|无须|毋须|不需要|不需|不用|用不着|可以不|可不(?!能|以)|没必要|没有必要|无必要|没有义务|无义务|没有责任|没有要求|未要求|不要求|"
    r"不作要求|没要求|不强制|非强制|自愿|自行决定|自由选择|看情况|可有可无|可选|免除|免了|免去|无关|不相干|管不[着到了]|随[您你他她]|与否|不应当?|不该|没有规定|未规定|没规定"
)
_EXCUSED: Final = re.compile(
    r"(?:没有|没|未曾|并未|从未|未(?!经|获)|不被|不再|不会|并不|并非|不是|不算|不属于?|不构成|不视为|不在|不涉及?|谈不上|称不上|够不上|无|"
    r"不(?=禁|违|触|抵|限|受|犯|成|妨|碍|影|越|踩))"
    r"(?:[^，。；：、得能可准许]{0,8}?)"
    r"(?:禁止|不得|严禁|不准|不许|限制|约束|违反|违背|违规|违纪|违法|犯规|抵触|问题|关系|影响|触犯|红线|底线|越线|踩线|越界|受限|追究|追责|此列|之列|"
    r"列|范围|情形|这一?条|本条|该条|这里|规定|条文|不妥|不当|不良|错|过分|大碍|风险|适用)"
)
_NO_SUCH: Final = re.compile(r"不属于|不算(?!数)|不构成|谈不上|算不上|够不上|不等于")
_ASSERTS: Final = re.compile(r"(?<![若如果是否])(?:属于|算是?|就是)$")
_PERMITTED: Final = re.compile(
    r"可以(?!说|看出|看到|理解为|归入|对照|参照|参看|不)|允许|准许|许可|获准|默许|容许|准予|能够|(?<![不只可性功职智技未])能(?![力量源够否不听见]|看[见到]|对上|找到|体现|说明)|"
    r"(?<![不许认宁只])可(?![以能否靠见疑不是])|有权|没问题|没关系|没事|没毛病|无妨|不妨|放心|合规|合法(?!权益|性)|正当(?!利益)|正常|鼓励|提倡|(?:条文|规定|组织|这里|受|得到|明确|也|是)[^，。]{0,3}支持|支持(?=您|党员)|值得|欢迎|"
    r"无碍|无所谓|就好|不要紧|不碍|没什么|天经地义|理所当然|没人管|无罪|照样|赞成|赞同|肯定|推荐|倡导|权利|另当别论|(?:党员|干部)得(?![到以知])|全凭|凭自觉|看个人|(?<!信息)保护|认可|不打紧|好事|也行|就行|都行|是行的|行得通|不在话下|任由|听凭|尽管[用开去发说]"
)
_LOOSELY: Final = re.compile(r"随意|随便|任意|自由(?!主义)|照常|大胆")
_NEGATED: Final = re.compile(
    r"(?:不|没有|没|未|并不|不被|未被|不予|不受|无|非|未经|未获|不再|绝不|决不|都不|也不|别|勿)$"
)
_STRONG: Final = re.compile(r"不得|不能|不可|严禁|禁止|不准|不许|不允许|不应|别|不要|勿|未经|不是|抵制")
_FORBIDS: Final = re.compile(
    r"不得|不能|不可以|不可(?![避或思])|不许|不准|不允许|不被允许|不让|禁止|严禁|禁令|禁|抵制|别|不要|勿|不应|不该|不行|杜绝|避免|远离|不容|要不得|"
    r"拒绝|不宜|停止|不提倡|不鼓励|防止|戒除|克制|反对"
)
_BLAMES: Final = re.compile(r"违反|违背|违规|违纪|违法|触犯|抵触|踩线|越线|越界|红线|底线|不符|不合|☒|限制|约束")
_POINTS: Final = re.compile(
    r"属于|落[在入到]|对应|说的|指的|涉及|写的|讲的|管的|针对|适用|包括|归[入在]|在内|正是|范围|情形|这一?[条句项]|条文|这里|原文|之列|有关|相关|列[在入为]|提到"
)
_REQUIRES: Final = re.compile(
    r"应当|应该|应(?![用对急付])|必须|须(?!知)|需要|需(?!求)|(?<![不只主重首需])要(?![不么是点素领紧看])|要求|有义务|有责任|义务|责任|务必|负责|承担"
)
_MADE_A_DUTY: Final = re.compile(
    r"应当|应该|应(?![用对急付])|必须|务必|需要|需(?!求)|要求|有义务|有责任|(?:党员|干部|您|都|一定|就|也|还)要(?![是看分])|得要"
)
_BAN: Final = re.compile(r"不得|不能|不可以|不许|不准|禁止|严禁|不应")
_DUTY: Final = re.compile(r"应当|应该|必须|务必")
_POINTING_ON: Final = re.compile(r"^(?:之列|之内|去?做|去?干|的|是)|这样|这么|这些|这类|如此|上述|此类|前者|后者")
_EVERYWHERE: Final = frozenset(("党员", "网络", "规定", "有关", "行为", "情况", "进行", "通过"))
_FIRMLY: Final = re.compile(r"应当|应该|必须|要求|义务|务必|强制|一律|责令")
_NEGATOR: Final = re.compile(r"没有|没|(?<![谈算够])不|未|无|勿|别|免|拒")
_SEGMENT: Final = re.compile(r"[，。；：,;:]")
_ILL: Final = re.compile(r"不良|不法|不正当|不当|不实|不利|非法定|非法(?!定)")
_SET_WORDS: Final = re.compile(
    r"不仅|不但|不光|不只|不论|不管|无论|不过|不断|不同|不少|不止|差不多|未来|未成年|没收|([\u4e00-\u9fff])不\1|守不住|管不住|做不到|达不到|经不起|特别|区别|"
    r"类别|个别|级别|别人|别的|别处|性别|免得|是不是|能不能|可不可以|算不算|有没有|要不要"
)


def agrees(claim: str, rule: Rule, language: Language, question: str = "") -> bool:
    """Whether a sentence may stand beside the rule: it says no other thing, and leaves no doubt of it.

    What it forbids or requires must be spoken of in the quote; what it forbids may stand in the question instead.
    """
    return _agrees_zh(claim, rule, question) if language == "zh" else _agrees_en(claim, rule)


def _agrees_zh(claim: str, rule: Rule, question: str) -> bool:
    plain = _SET_WORDS.sub("□", _ILL.sub("☒", claim))
    segments = _SEGMENT.split(plain)
    if _added(_DOUBTS, claim, rule.quote) or _waives(plain, rule) or _forbids_the_opposite(claim, rule.quote):
        return False
    permitted = [found for segment in segments for found in _permissions(segment, rule)]
    beyond = _reaches_beyond(segments, rule, question)
    if "forbidden" in rule.kinds:
        return not beyond and _agrees_forbidden(plain, rule, permitted)
    excused = any(found[0] not in rule.quote for found in _EXCUSED.finditer(plain))
    if beyond or excused or any(_denies(segment, rule.affirmed) for segment in segments):
        return False
    if "required" in rule.kinds:
        anchored = all(_shares(tail, rule.quote) for _, tail in permitted)
        return not permitted or (anchored and bool(_REQUIRES.search(plain)))
    if "granted" in rule.kinds:
        return not _FORBIDS.search(plain) and not _added(_FIRMLY, plain, rule.quote)
    return not permitted and not _added(_STRONG, plain, rule.quote)


def _reaches_beyond(segments: list[str], rule: Rule, question: str) -> bool:
    """Whether what is forbidden or required there is nothing of which the rule speaks."""
    banned = [segment[found.end() :] for segment in segments if (found := _BAN.search(segment))]
    if banned:
        known = f"{rule.quote}\n{question}"
        return "forbidden" in rule.kinds and not any(_spoken_of(words, known) for words in banned)
    duties = [segment[found.end() :] for segment in segments if (found := _DUTY.search(segment))]
    return "required" in rule.kinds and not all(_spoken_of(words, rule.quote) for words in duties)


def _spoken_of(words: str, known: str) -> bool:
    plain = words.strip(" “”。.")
    if len(plain) < 2 or _POINTING_ON.search(plain):
        return True
    return any(left + right in known and left + right not in _EVERYWHERE for left, right in pairwise(plain))


def _waives(plain: str, rule: Rule) -> bool:
    """Whether it lifts a duty; 不应 and 不该 do, but agree with a prohibition, and a rule may itself lift one."""
    found = {match[0] for match in _WAIVED.finditer(plain)}
    if "forbidden" in rule.kinds:
        found -= {"不应", "不应当", "不该"}
    return bool(found) and rule.kinds != {"granted"}


def _agrees_forbidden(plain: str, rule: Rule, permitted: list[tuple[str, str]]) -> bool:
    denied = any(_shares(plain[found.end() : found.end() + 8], rule.quote) for found in _NO_SUCH.finditer(plain))
    if permitted or denied or any(found[0] not in rule.quote for found in _EXCUSED.finditer(plain)):
        return False
    segments = _SEGMENT.split(plain)
    if rule.kinds == {"forbidden"}:
        if any(_requires_it(segment, rule.quote) for segment in segments):
            return False
        if not _FORBIDS.search(plain):
            return bool(_POINTS.search(plain) or _BLAMES.search(plain)) and not _REQUIRES.search(plain)
    return not any(_denies(segment, rule.affirmed) for segment in segments)


def _requires_it(segment: str, quote: str) -> bool:
    """Whether what is forbidden is made a duty."""
    required = _MADE_A_DUTY.search(segment)
    return bool(required) and not _FORBIDS.search(segment) and _shares(segment[required.end() :], quote)  # type: ignore[union-attr]


def _forbids_the_opposite(claim: str, quote: str) -> bool:
    """不得使用法定信道, or 这属于法定信道, where 非法定信道 is forbidden."""
    bases = {found[0][1:] for found in _ILL.finditer(quote)}
    for segment in _SEGMENT.split(claim):
        for found in (match for base in bases for match in re.finditer(re.escape(base), segment)):
            before = segment[: found.start()]
            if before and before[-1] not in _NEGATIONS and (_FORBIDS.search(before) or _ASSERTS.search(before)):
                return True
    return False


def _permissions(segment: str, rule: Rule) -> list[tuple[str, str]]:
    """The words of a segment that permit and are not themselves denied, each with the words behind it."""
    found = []
    for match in _PERMITTED.finditer(segment):
        if not _NEGATED.search(segment[: match.start()]) and match[0] not in rule.quote:
            found.append((match[0], segment[match.end() : match.end() + 12]))
    for match in _LOOSELY.finditer(segment):
        if not _STRONG.search(segment[: match.start()]) and match[0] not in rule.quote:
            found.append((match[0], segment[match.end() : match.end() + 12]))
    return found


def _denies(segment: str, affirmed: str) -> bool:
    """Whether a 不 or 没有 stands before words that the rule affirms."""
    return any(_shares(segment[found.end() : found.end() + 8], affirmed) for found in _NEGATOR.finditer(segment))


def _shares(words: str, text: str) -> bool:
    return any(
        left + right in text and left + right not in _FRAMES
        for left, right in pairwise(words)
        if "\u4e00" <= left <= "\u9fff" and "\u4e00" <= right <= "\u9fff"
    )


def _added(pattern: re.Pattern[str], plain: str, quote: str) -> bool:
    return any(found[0] not in quote for found in pattern.finditer(plain))


_DOUBTS_EN: Final = re.compile(
    r"\b(?:cannot but|not un\w+|as long as|so long as|unless|except\w*|even if|rarely|hardly|exempt\w*|only if|provided that|"
    r"not necessarily|not always|in private|quietly|sparingly|occasionally|no longer)\b|\?",
    re.IGNORECASE,
)
_WAIVED_EN: Final = re.compile(
    r"\bneed(?:s)? not\b|\bneedn't\b|\b(?:not|n't|never) (?:have|need|required|obliged|obligatory|bound|mandatory)\b|\bno (?:duty|obligation|need|requirement)\b|"
    r"\b(?:optional|voluntary|voluntarily|free to|up to (?:you|them|each)|may (?:choose|decide|ignore))\b|\b(?:doesn't|does not|don't|do not) (?:have|need|require)\b",
    re.IGNORECASE,
)
_EXCUSED_EN: Final = re.compile(
    r"(?:\b(?:not|no|never|nothing|neither|nor|without|nowhere)\b|n't\b)(?:\W+\w+){0,3}?\W+(?:prohibit\w*|forbid\w*|forbidden|bann?\w*|violat\w*|breach\w*|against|"
    r"restrict\w*|illegal|unlawful|problem\w*|wrong|cover\w*|fall\w*|appl\w+|concern\w*|harm\w*|matter|limit\w*|rule\w*)",
    re.IGNORECASE,
)
_PERMITTED_EN: Final = re.compile(
    r"(?<!not )(?<!never )(?<!n't )(?<!nor )(?:\bmay\b(?! not| never)|\bcan\b(?!not|'t| not| never)|(?<!not be )(?<!n't be )\b(?:allow(?:s|ed)?|permit(?:s|ted)?|"
    r"entitled|authori[sz]ed|fine|ok|okay|acceptable|compliant|safe|encourag\w+|support\w*|welcome|lawful(?! rights| interests)|legal|right(?!s)|liberty|freedom|proper|appropriate|legitimate(?! rights| interests))\b)",
    re.IGNORECASE,
)
_FORBIDS_EN: Final = re.compile(
    r"\b(?:must|may|shall|should|can|could) (?:not|never)\b|\bcannot\b|\b(?:must|should|can|may)n't\b|\bcan't\b|\bnot (?:be )?(?:allowed|permitted|free)\b|"
    r"\b(?:prohibit\w*|forbid\w*|forbidden|bann?(?:ed|s)?|bar(?:s|red)|against the (?:rule|text|word)s?|off-limits|breach\w*|violat\w*|resist\w*|refrain\w*|avoid\w*|unlawful|illegal|"
    r"improper|unauthori[sz]ed|rules? out)\b",
    re.IGNORECASE,
)
_POINTS_EN: Final = re.compile(
    r"\b(?:speaks? of|covers?|concerns?|falls?|applies|applicable|deals? with|about|refers?|relates?|names?|lists?|described|words?|text|bears? on)\b",
    re.IGNORECASE,
)
_REQUIRES_EN: Final = re.compile(
    r"\b(?:must|shall|should|requir\w+|ha(?:s|ve) to|oblig\w+|duty|responsib\w+|needs? to)\b",
    re.IGNORECASE,
)

_NOT_EN: Final = re.compile(r"\bnot\b|n't\b|\bnever\b", re.IGNORECASE)
_FIRMLY_EN: Final = re.compile(r"\b(?:must|shall|requir\w+|oblig\w+|duty|ha(?:s|ve) to)\b", re.IGNORECASE)


def _agrees_en(claim: str, rule: Rule) -> bool:
    if _DOUBTS_EN.search(claim) or (_WAIVED_EN.search(claim) and rule.kinds != {"granted"}):
        return False
    forbids, permits = bool(_FORBIDS_EN.search(claim)), bool(_PERMITTED_EN.search(claim))
    if _EXCUSED_EN.search(claim):
        return False
    if "forbidden" in rule.kinds:
        points = bool(_POINTS_EN.search(claim)) and not _REQUIRES_EN.search(claim)
        return not permits and (forbids or points or len(rule.kinds) > 1)
    if forbids or _NOT_EN.search(claim):
        return False
    return not _FIRMLY_EN.search(claim) if rule.kinds == {"granted"} else not permits

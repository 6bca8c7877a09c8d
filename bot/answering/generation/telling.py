"""The reader's case, as a model tells it: in the reader's words and the article's, and judging nothing.

What the rule says of the case is not the model's to say (`force`). So a case holds no word that forbids, allows,
requires, denies or asserts unless the reader used it just so, and few words that neither reader nor article has.
"""

import re
from itertools import pairwise
from typing import Final

from bot.answering.generation.force import NEGATIONS
from knowledge.normalising import normalise
from prompts import Language

_MARKS: Final = " ?？!！。.，,~～…"
_EITHER: Final = re.compile(
    r"([\u4e00-\u9fff])不\1[\u4e00-\u9fff]?|是否|能否|可否|有没有|不知道?怎么办?|不小心|是真是假|是对是错|不论|无论|不同|违反了?(?:本|有关|这些|这个)?规定(?=了|的?$|的?，|之后|以后|会|的?后果)"
)
"""A question, an “in any case”, a case of breach: 是不是, 无论, 违反规定."""
_PERMITTING: Final = re.compile(
    r"可以|可能|(?<![智功性技职才])能(?![力量源])|可(?![爱疑靠])|允许|准许|许可|有权|权利|正当|正常|随便|随意|自由|自愿|放心|照样|就好|[也就都]行(?!为|动)|(?<![言进执举发出银流旅飞步实推施同品罪])行$|无妨|例外|"
    r"而已|罢了|人之常情|大家都|家家|人人|自有|全凭|自觉$|意愿|翻篇|想[\u4e00-\u9fff]{1,3}就|最多|顶多"
)
_JUDGING: Final = re.compile(
    r"[不未无非勿]|没(?:人|事|有人|有事|关系|问题|什么|必要|错|规定|要求)|是|算|属于|别(?!人|的|处|墅)|免(?!费)|等于|成了|就成|即(?!使)|禁|必须|(?<![回反对适响供相效呼])应(?![用对急付酬])|须|需(?!求)|得(?!到|知|分|罪|好)|该|鼓励|支持|"
    r"抵制|违|合法|合规|才(?!能|艺)|只(?:有|要|需|限|对)|仅|除|条文|组织上|受管|管得|[()（）]"
)
_LACKING: Final = re.compile(r"没有?([\u4e00-\u9fff]{2})")
_NEGATORS: Final = str.maketrans(dict.fromkeys("不没未无别勿", "不"))
_LEADING: Final = re.compile(r"^(?:您|你)?(?:说的|问的|讲的|提到的|遇到的)")
_SMALL: Final = frozenset(
    "的了在和与及就也都还再又把被给让向从到为对于上下里中内外后前时候当着过这那些个种样件事其他她它们您你自己人家一次回条段句些有去来用以而且或者并但如果若假使倘说到关问情况像等做想拿跟同因此所某几多少什么怎么呢吧啊吗知道办好形种类般"
)
_PART: Final = re.compile(r"[，。；：、,;:]+")
_CHARACTER: Final = re.compile(r"[\u3400-\u9fffA-Za-z0-9]")
_LAW: Final = re.compile(r"[\u4e00-\u9fff]{2}法$")
_SURNAMES: Final = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严魏陶姜谢邹苏潘葛范彭鲁韦马苗方袁柳唐薛雷贺倪汤罗毕郝邬常傅康余顾孟黄萧尹姚邵汪毛戴宋庞熊纪舒"
    "屈项祝董梁杜阮蓝季贾江童颜郭梅林钟徐邱骆夏蔡田樊胡霍虞万卢莫丁邓洪石崔吉龚程邢裴陆翁荀甄曲封储段焦巴谷侯宁仇甘武刘景詹龙叶司黎白蒲赖卓蔺屠蒙池乔闻"
)
FEW: Final = 6
"""Characters that are always allowed to be strange to reader and article."""
_STRAY: Final = 2
_MORE: Final = 10
_FEW_EN: Final = 3

_WORD_EN: Final = re.compile(r"[a-z][a-z'-]*|[0-9]+")
_JUDGING_EN: Final = frozenset(
    (
        "not", "no", "never", "nor", "none", "nothing", "neither", "without", "cannot", "can", "can't", "may",
        "might", "must", "shall", "should", "ought", "need", "needs", "require", "requires", "required", "allowed",
        "allow", "allows", "permitted", "permit", "permits", "forbidden", "forbid", "forbids", "banned", "ban",
        "bans", "prohibited", "prohibits", "prohibit", "free", "fine", "ok", "okay", "safe", "legal", "lawful",
        "illegal", "unlawful", "wrong", "right", "acceptable", "exempt", "except", "unless", "only", "just",
        "merely", "if", "is", "isn't", "aren't", "are", "am", "be", "was", "were", "don't", "doesn't", "didn't",
        "won't", "shouldn't", "mustn't", "couldn't", "duty", "rule", "rules", "article", "text", "violates",
        "breach", "breaks", "alone", "better", "optional",
        "harmless", "enough", "sacked", "fired",
    )
)  # fmt: skip
_SMALL_EN: Final = frozenset(
    (
        "a", "an", "the", "of", "to", "in", "on", "at", "by", "for", "from", "with", "and", "or", "as", "that",
        "this", "these", "those", "it", "its", "he", "she", "they", "them", "his", "her", "their", "you", "your",
        "one", "who", "which", "what", "when", "where", "how", "whether", "while", "during", "after", "before",
        "about", "into", "over", "under", "up", "out", "off", "there", "here", "some", "any", "many", "much",
        "more", "other", "another", "such", "own", "case", "asked", "question", "use", "using", "used", "has",
        "have", "had", "having", "do", "does", "did", "doing", "done", "being", "been", "will", "would", "someone",
        "somebody", "something", "person", "people", "member", "members", "party",
    )
)  # fmt: skip


def judges(case: str, question: str, article: str, language: Language) -> bool:
    """Whether the case says that something is allowed; or required, so or not so where the reader did not say that.

    The reader's own question, put again as a question, says nothing of the kind.
    """
    if asks_again(case, question):
        return False
    if language == "en":
        known = set(_WORD_EN.findall(normalise(question).replace("’", "'")))
        return any(word in _JUDGING_EN and word not in known for word in _WORD_EN.findall(normalise(case)))
    plain, asked = _plain(case), normalise(question)
    if _turns_round(plain, asked, normalise(article)):
        return True
    whole = _EITHER.sub("□", plain)
    if _PERMITTING.search(whole):
        return True
    if any(found[1] in normalise(article) and found[1] not in asked for found in _LACKING.finditer(whole)):
        return True
    said = asked.translate(_NEGATORS)
    return any(not _said_so(whole.translate(_NEGATORS), found, said) for found in _JUDGING.finditer(whole))


def asks_again(case: str, question: str) -> bool:
    """Whether the case is the reader's own question, or a part of it that is one."""
    plain, asked = normalise(case), normalise(question)
    return plain == asked.strip(_MARKS) or (plain.endswith(("吗", "么", "不", "没")) and plain in asked)


def strange(case: str, question: str, article: str, language: Language, *, wary: bool = False) -> bool:
    """Whether too much of it, or a whole part, is in words of neither reader nor article; or a name may be there.

    A part may be so in a few characters; where one must be `wary`, each part takes up the question itself.
    """
    if language == "en":
        known = set(_WORD_EN.findall(normalise(question))) | _SMALL_EN
        words = [word for word in _WORD_EN.findall(normalise(case)) if word not in known and word[:5] not in known]
        return len(words) > max(_FEW_EN, len(_WORD_EN.findall(normalise(case))) // 4)
    plain, known_text = _plain(case), f"{normalise(question)}\n{normalise(article)}"
    runs = _unknown_runs(plain, known_text)
    asked = normalise(question) if wary else known_text
    if _strays(plain, asked, 0) or any(_strays(part, asked, 0 if wary else _STRAY) for part in _PART.split(plain)):
        return True
    if any((2 <= len(run) <= 4 and run[0] in _SURNAMES) or _LAW.search(run) for run in runs):
        return True
    letters = len(_CHARACTER.findall(plain))
    return sum(map(len, runs)) > max(FEW, min(_MORE, letters // 3))


def _plain(case: str) -> str:
    return _LEADING.sub("", normalise(case))


def _said_so(whole: str, found: re.Match[str], said: str) -> bool:
    """Whether the reader has the word in the same company: with the character behind it, or the one before."""
    start, end = found.span()
    behind, before = whole[start : end + 1], whole[max(0, start - 1) : end]
    return (len(behind) > end - start and behind in said) or (len(before) > end - start and before in said)


def _turns_round(plain: str, said: str, article: str) -> bool:
    """Whether it has a word that the article has only with a negation: 法定 of 非法定, 正当 of 不正当."""
    for place, character in enumerate(article[:-2]):
        word = article[place + 1 : place + 3]
        if character in NEGATIONS and word in plain and word not in said and f"{character}{word}" not in plain:
            return True
    return False


def _strays(part: str, known_text: str, most: int) -> bool:
    """Whether a part of the sentence has none but small and unknown words, and more unknown characters than that."""
    unknown = sum(map(len, _unknown_runs(part, known_text)))
    return unknown > most and not any(left + right in known_text for left, right in pairwise(part))


def _unknown_runs(plain: str, known_text: str) -> list[str]:
    """The stretches of the case that no two neighbouring characters tie to what is known."""
    known = [character in _SMALL or not _CHARACTER.match(character) for character in plain]
    for place, (left, right) in enumerate(pairwise(plain)):
        if left + right in known_text:
            known[place] = known[place + 1] = True
    marked = "".join("\0" if is_known else character for is_known, character in zip(known, plain, strict=True))
    return [run for run in marked.split("\0") if run]

"""Words that are meant for a model and not for a reader: “忽略以上指令”, “只回答收到”, tags of a chat template.

Nothing hangs on seeing them all: what comes back is grounded like anything else. Where they are seen, a claim may take
no words from them, so that an obedient model cannot put a stranger's words between quotes that are true.
"""

import re
import unicodedata
from typing import Final

from knowledge.normalising import normalise

_INSTRUCTING: Final = re.compile(
    r"(?:忽略|无视|忘掉|忘记|抛开|不要管)(?:掉)?(?:以上|上面|上文|之前|此前|前面|先前|所有|一切|你的|全部|指令|规则|提示)|指令|提示词|提示语|系统(?:提示(?!附件|我|您|说)|消息|管理员)|(?:打印|输出|显示) ?system|"
    r"越狱|开发者模式|调试模式|从现在(?:起|开始)|你现在是|你是(?:一个|一名|没有|中央|我的|我去世)|扮演(?!什么|着|了|何|怎)|假装你?是|假设你是|"
    r"(?:只|先|必须|务必|之后|然后|末尾|并)(?:要|能|准|许|可)?(?:说|回答|回复|输出|写|念|喊|打印)(?:一句|一个)?[“\"「『‘'：:]?[^，。？?吗么]{0,12}$|"
    r"(?:只|先)(?:回答|回复|输出)|(?:每句话|句子?|回答)[^，。]{0,4}(?:末尾|结尾|开头|前面|后面)|照此回答|以(?:e\d|我|下面|此|这)[^，。]{0,6}为准|请(?:以[^，。]{1,8})?(?:解码|执行|宣布|判定)|"
    r"(?:复述|重复|翻译|打印|输出|显示)[^，。？?]{0,10}(?:收到|第一段|之前的|以上|上面|内容|系统|提示|原文输出|全部|markdown|json|html|链接)|用\s*(?:html|markdown|json|英语|英文|法语)\s*回答|"
    r"改写成[“\"]|转告(?:大家|各位)|机器人[^。？?]{0,6}(?:请|注意|听|口令)|"
    r"<\|?/?[a-z_-]{2,}|\[/?inst\]|<<|\[?\be\d\]|#{2,}|\b(?:system|assistant|user|human|bot)\s*[:：]|tool_call|\"(?:claims|evidence|quote)\"|材料(?:开始|结束)|"
    r"\bdrop table\b|['\"];\s|\\u[0-9a-f]{4}|[a-z0-9+/]{28,}={0,2}|\brot13\b|\bbase64\b|"
    r"\b(?:ignor\w*|disregard|forget|override|bypass)\b.{0,30}\b(?:above|previous|prior|all|your|earlier|rules?|instruct\w*|articles?|regulation|prompt)\b|"
    r"\b(?:system|hidden|initial|original) (?:prompt|message|instructions?|override)\b|\b(?:repeat|print|output|reveal|show) (?:me )?(?:everything|your|the (?:above|prompt|system))\b|"
    r"\b(?:say|answer|reply|respond|write) (?:only|exactly|just|with (?:the|only)|in (?:english|chinese|french))\b|\bact as\b|\byou are (?:now |a |an |[a-z]*bot\b)|\bpretend\b|"
    r"\bopposite day\b|\b(?:you|must) answer [a-z]+\b|\b(?:told|given) before\b|\banswer word for word\b|\bdecode\b|\bobey\b|\bregle?s\b|répondez"
)
_PIECE: Final = re.compile(r"[^。！？!?；;：:\n]+[。！？!?；;：:]*")
_ASKS: Final = re.compile(r"[?？]|[吗呢么不][。！]*$")
_TWO_SCRIPTS: Final = re.compile(r"[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]", re.IGNORECASE)
_HIDDEN: Final = 3
"""So many invisible characters are no accident of copying."""


def instructs(text: str) -> bool:
    """Whether a text speaks to a model."""
    hidden = sum(unicodedata.category(character) in ("Cf", "Co") for character in text)
    return hidden >= _HIDDEN or bool(_TWO_SCRIPTS.search(text) or _INSTRUCTING.search(normalise(text)))


def without_instructions(question: str) -> str:
    """The question without what speaks to a model, and without what follows that and asks nothing."""
    if not instructs(question):
        return question
    kept, instructed = [], False
    for piece in _PIECE.findall(question):
        if instructs(piece):
            instructed = True
        elif not instructed or _ASKS.search(piece.strip()):
            kept.append(piece)
    return "".join(kept) if instructed else ""

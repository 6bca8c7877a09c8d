"""What a question asks besides its subject, read from its words: consequences, who is meant, a way round, the bot.

Rules, not a model: each decides only whether a note or one more article is added, never which article leads; `keeping`
asks what the bot itself keeps and tells.
"""

import re
from dataclasses import dataclass
from typing import Final

from prompts import Language

_CONSEQUENCES: Final = re.compile(
    r"后果|处分|处罚|惩处|惩戒|惩罚|受罚|追责|追究|问责|担责|(?:什么|啥|法律|刑事|纪律)责任(?!制)|罚款|罚多少|罚钱|开除|记过|撤职|双开|判刑|坐牢|"
    r"(?:会|被|要|将|该|得|给)(?:怎么|如何|怎样|咋)?(?:样)?处理|处理结果|(?:怎么|如何|咋)处理(?:[他她我你]|\W*$)|(?:被|会|要)抓|立案|通报批评|"
    r"挨(?:罚|处|批|训|整|个|什么|啥)|会怎样|会怎么样|会咋样|会出事|出事吗|出事不|被查|查到|查出|下场|严重吗|严不严重|违反了|违规了|算违纪|"
    r"\b(?:punish\w*|penalt\w*|consequences?|sanction\w*|disciplined|disciplinary|expel\w*|fined|caught|jail|prison|what happens (?:if|to|when))\b"
)
_OFFICIALS: Final = re.compile(
    r"干部|领导|局长|处长|科长|书记|主任|县长|市长|镇长|乡长|厅长|部长|院长|校长|所长|队长|股长|主席|委员|巡视|调研员|公务员|"
    r"公职|机关|实职|副职|正职|正处|副处|正科|副科|厅级|处级|科级|职务|官|\b(?:cadres?|officials?|leaders?|director|mayor|secretary|chief)\b"
)
_OUTSIDERS: Final = re.compile(
    r"(?:不是|并非|又不是)(?:中共|共产)?党员|(?:没|没有|还没|未)入党|非党员|非中共党员|党外人士|群众身份|"
    r"(?:普通群众|老百姓|普通网民)(?:也|能|可以|可不可以|要|用不用|适用|受|管)|共青团员|团员(?:能|也|要|适用)|积极分子|民主党派|普通群众(?=转发|发帖|翻墙|打赏|直播)|外国人(?=能|也|要|可以|适用)|"
    r"\b(?:non[- ]?(?:party )?members?|not (?:a )?(?:party )?members?)\b"
)
_ARMED_FORCES: Final = re.compile(
    r"军人|(?<!人民)军队(?!历史)|部队|现役|武警|军官|士兵|战士|文职|入伍|当兵|服役|军营|连队|海军|空军|陆军|"
    r"\b(?:army(?! of)|military|soldiers?|armed forces|navy|pla)\b"
)
_WAY_ROUND: Final = re.compile(
    r"(?:哪个|哪款|哪家|求|推荐|有没有(?:稳定|好用|便宜|靠谱|免费))[^，。？?]{0,8}(?:vpn|梯子|机场|加速器|节点|翻墙软件)|(?:vpn|梯子|机场|加速器|翻墙软件)[^，。？?]{0,6}(?:推荐|好用|哪个|哪里买|怎么买|怎么装)|"
    r"(?:怎么|怎样|如何|咋)翻墙|翻墙(?:教程|方法|步骤)|"
    r"(?:不被|怎么不|怎样才不|如何不|怎么才不|躲|避开|绕过|绕开|规避|逃过)[^，。？?]{0,8}(?:发现|查|抓|监管|规定|审查|检查|处分)|钻[^，。？?]{0,3}空子|"
    r"\b(?:best|which|recommend\w*) .{0,20}vpn\b|\bhow (?:to|can i|do i) (?:get|go|climb) (?:around|over|past)\b|without (?:being|getting) caught"
)
_KEEPS: Final = re.compile(
    r"(?:机器人|小助手|你|您|bot)(?:会不会|会|是不是|是|能不能|能|有没有|把|在)?[^，。？?]{0,6}"
    r"(?:举报我|监控|监视|监听|偷看|偷听|记录|记下|保存|存下|留存|上报|打小报告|告诉(?:领导|组织|别人|单位)|泄露|看(?:得)?到(?:我|群))|"
    r"\b(?:do|will|can|are) you (?:\w+ ){0,2}(?:report|record|save|store|keep|track|monitor|spy|log)\b"
)
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Asking:
    """Which of these a question asks or names."""

    consequences: bool
    officials: bool
    outsiders: bool
    armed_forces: bool
    way_round: bool
    keeping: bool


def read_asking(query: str) -> Asking:
    """Read a normalised question."""
    return Asking(
        consequences=bool(_CONSEQUENCES.search(query)),
        officials=bool(_OFFICIALS.search(query)),
        outsiders=bool(_OUTSIDERS.search(query)),
        armed_forces=bool(_ARMED_FORCES.search(query)),
        way_round=bool(_WAY_ROUND.search(query)),
        keeping=bool(_KEEPS.search(query)),
    )


def language_of(text: str) -> Language:
    """English where no Chinese stands beside at least one word in Latin letters, else Chinese."""
    return "en" if _LATIN.search(text) and not _CHINESE.search(text) else "zh"

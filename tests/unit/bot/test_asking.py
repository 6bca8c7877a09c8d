"""What a question asks besides its subject: only words decide, and each decides only a note or one more article."""

import pytest

from bot.answering.asking import Asking, language_of, read_asking
from knowledge.normalising import normalise

ASKED: dict[str, list[str]] = {
    "consequences": [
        "翻墙会被处分吗",
        "造谣有什么后果",
        "违反了会怎么样",
        "会开除党籍吗",
        "直播带货算违纪不",
        "泄密了会判刑吗",
        "被查到会罚吗",
        "组织会追责吗",
        "转发了要挨批吗",
        "严不严重",
        "what happens if I am caught",
        "is there a penalty",
        "Will I be EXPELLED?",
    ],
    "officials": [
        "领导干部能直播吗",
        "处长收了游戏币",
        "公务员可以开网店吗",
        "县委书记开抖音号",
        "我在机关上班，能带货吗",
        "科级以上有没有特别要求",
        "may officials sell on a livestream",
    ],
    "outsiders": [
        "我不是党员能翻墙吗",
        "非党员管不管",
        "入党积极分子算不算",
        "共青团员也适用吗",
        "普通群众转发呢",
        "民主党派成员呢",
        "外国人也要遵守吗",
        "does it bind non-members",
        "I am not a party member",
    ],
    "armed_forces": [
        "军人党员能发朋友圈吗",
        "现役的能开直播吗",
        "部队里上网怎么管",
        "武警适用吗",
        "文职人员呢",
        "does it apply to soldiers",
        "the PLA",
    ],
    "way_round": [
        "推荐一个VPN",
        "哪款梯子好用",
        "有没有稳定的机场",
        "怎么翻墙",
        "如何翻墙不被查到",
        "怎么才不会被组织发现",
        "怎么绕过监管",
        "有什么空子可以钻 钻个空子",
        "which is the best free vpn",
        "how to get around the firewall",
        "sell online without getting caught",
    ],
    "keeping": [
        "这个机器人会举报我吗",
        "你会记录我说的话吗",
        "机器人能看到我们群消息吗",
        "你會不會監控群裡",
        "do you report me",
        "will you keep my questions?",
    ],
}
NOT_ASKED: dict[str, list[str]] = {
    "consequences": [
        "能翻墙吗",
        "谁负责解释",
        "党员可以带货吗",
        "看到不良信息要举报吗",
        "网络行为管理的主体责任由谁承担",
        "公众号要履行什么社会责任",
        "网信部门管什么",
    ],
    "officials": ["能翻墙吗", "普通党员能带货吗", "党员可以开公众号吗", "can members livestream"],
    "outsiders": [
        "党员能翻墙吗",
        "预备党员算不算党员",
        "我是党员，能带货吗",
        "能不能给外国人讲中国故事",
        "怎么在网上联系普通群众",
    ],
    "armed_forces": ["党员能翻墙吗", "歪曲人民军队历史会怎样", "丑化英雄模范", "does it apply to everyone"],
    "way_round": [
        "能翻墙吗",
        "翻墙违法吗",
        "可以用VPN查资料吗",
        "为什么不能用VPN",
        "有没有规定不让用VPN",
        "坐飞机到机场发定位行吗",
        "can I use a VPN?",
    ],
    "keeping": ["能匿名举报别人吗", "单位能监控我的微信吗", "被人举报了怎么办", "截图保存算网络行为吗", "你是真人吗"],
}


@pytest.mark.parametrize(
    ("kind", "question"), [(kind, question) for kind, questions in ASKED.items() for question in questions]
)
def test_it_is_heard(kind: str, question: str) -> None:
    assert getattr(read_asking(normalise(question)), kind) is True


@pytest.mark.parametrize(
    ("kind", "question"), [(kind, question) for kind, questions in NOT_ASKED.items() for question in questions]
)
def test_it_is_not_heard_where_nobody_asks_it(kind: str, question: str) -> None:
    assert getattr(read_asking(normalise(question)), kind) is False


def test_every_kind_has_its_tables() -> None:
    assert set(ASKED) == set(NOT_ASKED) == set(Asking.__dataclass_fields__)


def test_several_are_heard_at_once() -> None:
    assert read_asking(normalise("現役軍官推薦個VPN會被處分嗎，我又不是党员")) == Asking(
        consequences=True, officials=True, outsiders=True, armed_forces=True, way_round=True, keeping=False
    )


def test_nothing_is_heard_in_nothing() -> None:
    assert read_asking("") == Asking(
        consequences=False, officials=False, outsiders=False, armed_forces=False, way_round=False, keeping=False
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("can I use a VPN?", "en"),
        ("Who interprets it?", "en"),
        ("Article 14", "en"),
        ("VPN", "en"),
        ("Wie heißt das?", "en"),
        ("能用VPN吗", "zh"),
        ("hello 你好", "zh"),
        ("第14条", "zh"),
        ("翻牆", "zh"),
        ("㐀 abc", "zh"),
        ("14", "zh"),
        ("a", "zh"),
        ("a b c", "zh"),
        ("😀", "zh"),
        ("？！", "zh"),
        ("", "zh"),
    ],
)
def test_the_language_is_the_questions_own(text: str, language: str) -> None:
    assert language_of(text) == language

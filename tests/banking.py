"""Quiz items and cases that tests change a field of; as they stand the checker has nothing to say of them."""

from dataclasses import replace
from typing import Any

from knowledge.bank.items import TRUE_FALSE, Bank, CaseCard, Kind, QuizItem

QUOTE = "党员不得擅自建立、使用非法定信道"
_ITEMS: dict[Kind, QuizItem] = {
    "single": QuizItem(
        id="x14-01",
        kind="single",
        articles=(14,),
        quote=QUOTE,
        question="老王在家看球，第十四条写到的是哪一种信道？",
        options=("非法定信道", "公用信道", "付费信道", "加密信道"),
        answer=0,
        difficulty=2,
        explanation="第十四条写的是非法定信道。",
    ),
    "multiple": QuizItem(
        id="x14-02",
        kind="multiple",
        articles=(14,),
        quote=QUOTE,
        question="第十四条在“擅自”后面连着哪两个动作？",
        options=("建立", "出租", "使用", "转让"),
        answer=(0, 2),
        difficulty=1,
        explanation="第十四条写的是建立、使用。",
    ),
    "true_false": QuizItem(
        id="x14-03",
        kind="true_false",
        articles=(14,),
        quote=QUOTE,
        question="小李认为第十四条只管党员干部，这个看法与原文一致。",
        options=TRUE_FALSE,
        answer=False,
        difficulty=3,
        explanation="第十四条写的是党员。",
    ),
    "fill_in": QuizItem(
        id="x14-04",
        kind="fill_in",
        articles=(14,),
        quote=QUOTE,
        question="党员不得擅自建立、使用____浏览、访问、使用境外的网站",
        options=(),
        answer="非法定信道",
        accept=("“非法定信道”",),
        difficulty=1,
        explanation="第十四条的原话是“非法定信道”。",
    ),
}
_CASE = CaseCard(
    id="xcase-01",
    title="加速器",
    story="老王听说有个加速器能看外国的球赛，装上以后又转给了小李。",
    questions=("第十四条的哪几个字说到了这件事？", "小李可以怎么做？"),
    articles=(14,),
    quotes={14: QUOTE},
    notes="第十四条写了“擅自”，没有写看什么。",
)


def make_item(kind: Kind = "single", **changes: Any) -> QuizItem:
    """An item of a kind, with some of its fields changed."""
    return replace(_ITEMS[kind], **changes)


def make_case(**changes: Any) -> CaseCard:
    """A case, with some of its fields changed."""
    return replace(_CASE, **changes)


def sample_bank() -> Bank:
    """An item of each kind and a case."""
    return Bank(tuple(_ITEMS.values()), (_CASE,))

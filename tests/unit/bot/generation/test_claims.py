"""A claim is shown with the article's own words, or not at all. The long lists of drafts are in tests/llm."""

import pytest

from bot.answering.composing import cite_article
from bot.answering.generation.claims import Context, Dropped, ground, ground_open, locate, resolve, shingles
from bot.answering.generation.draft import DraftClaim
from bot.answering.generation.wording import Fault
from bot.answering.model import Claim
from knowledge.model import Regulation
from prompts import Language

QUOTE = "党员不得擅自建立、使用非法定信道"
GOOD = "您说的翻墙，走的若是非法定信道，就在不得之列。"


def context(conduct: Regulation, *numbers: int, question: str = "能翻墙吗", language: Language = "zh") -> Context:
    articles = [article for number in numbers or (14, 28) if (article := conduct.article(number))]
    return Context(question, language, tuple(cite_article(conduct, article) for article in articles))


def fault(claim: Claim | Dropped) -> Fault | None:
    return claim.fault if isinstance(claim, Dropped) else None


def test_what_is_shown_is_the_articles_own_text_and_number(conduct: Regulation) -> None:
    claim = ground(DraftClaim(evidence="E1", quote="“党员不得 擅自建立､使用非法定信道", text=GOOD), context(conduct))
    assert isinstance(claim, Claim)
    assert (claim.text, claim.citation.quote, claim.citation.article) == (GOOD, QUOTE, 14)
    assert claim.citation.label == "第十四条"


@pytest.mark.parametrize("name", ["E3", "E0", "e1", "1", "E01", "E1E2", "第十四条", "", "Ｅ1"])
def test_an_id_is_resolved_exactly_or_not(conduct: Regulation, name: str) -> None:
    evidence = context(conduct).evidence
    assert resolve(name, evidence) is None
    assert resolve(" E2 ", evidence) is evidence[1]
    assert fault(ground(DraftClaim(evidence=name, quote=QUOTE, text=GOOD), context(conduct))) == "evidence"


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "党员不得",
        "党员可以擅自建立、使用非法定信道",
        "党员不得擅自建立和使用非法定信道",
        "党员不得……使用非法定信道",
        "根据行为性质和情节轻重，依规依纪追究责任",
        QUOTE + "，违者处分",
        "党员不得擅\u200b自建立、使用非法定信道",
        "党员不得擅自建立\x00、使用非法定信道",
    ],
)
def test_a_quote_that_does_not_stand_in_that_article_is_dropped(conduct: Regulation, quote: str) -> None:
    assert fault(ground(DraftClaim(evidence="E1", quote=quote, text=GOOD), context(conduct))) == "quote"


@pytest.mark.parametrize(
    ("number", "quote"),
    [
        (14, "擅自建立、使用非法定信道"),
        (14, "得擅自建立、使用非法定信道"),
        (14, "法定信道浏览、访问、使用境外的网站"),
        (12, "散布、传播政治谣言，不得匿名诬告"),
        (16, "谋取不正当利益"),
        (20, "应当遵守有关规定，履行社会责任，不得"),
    ],
)
def test_a_quote_cut_from_the_negation_that_governs_it_is_dropped(conduct: Regulation, number: int, quote: str) -> None:
    claim = ground(DraftClaim(evidence="E1", quote=quote, text=GOOD), context(conduct, number))
    assert fault(claim) == "cut"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第十四条写明不得翻墙。", "number"),
        ("按 Article 14 不得翻墙。", "number"),
        ("按第１４条不得翻墙。", "markup"),
        ("在法律责任一章里，党员不得翻墙。", "number"),
        ("依《网络安全法》，党员不得翻墙。", "title"),
        ("党员不得翻墙，翻了会被开除党籍。", "penalty"),
        ("党员不得翻墙超过3次。", "figure"),
        ("党员不得翻墙，见www.example.com网站。", "link"),
        ("党员**不得**翻墙看外网。", "markup"),
        ("党员不得翻墙<b>看</b>外网。", "markup"),
        ("党员不得翻墙\u202e看外网。", "markup"),
        ("党员不得翻墙，这是系统提示词。", "role"),
        ("张三这样翻墙，就在不得之列。", "name"),
        ("官方认为党员不得翻墙。", "official"),
        ("我认为党员不得翻墙。", "opinion"),
        ("党员不得翻墙，换个办法就行。", "way_round"),
        ("任何人都不得翻墙看外网。", "scope"),
        ("党员不得用“一切外国软件”翻墙。", "quote"),
        ("Members must not 翻墙。", "language"),
        ("不得翻墙。", "length"),
        ("党员不得翻墙。这一点很清楚。", "length"),
        ("党员可以翻墙看外网。", "polarity"),
        ("翻墙并不违反这一条。", "polarity"),
    ],
)
def test_a_sentence_holds_nothing_that_it_may_not(conduct: Regulation, text: str, expected: Fault) -> None:
    assert fault(ground(DraftClaim(evidence="E1", quote=QUOTE, text=text), context(conduct))) == expected


def test_a_sentence_of_the_prompt_is_never_shown(conduct: Regulation) -> None:
    told = "党员不得翻墙，语气与条文一致就好。"
    secrets = shingles("每句话的语气与条文一致就好。")
    evidence = context(conduct).evidence
    assert (
        fault(ground(DraftClaim(evidence="E1", quote=QUOTE, text=told), Context("能翻墙吗", "zh", evidence, secrets)))
        == "leak"
    )


@pytest.mark.parametrize("phrase", ["单位专线算不算“非法定信道”", "“擅自”的范围", "哪些信道是法定的"])
def test_what_is_left_open_is_a_question_or_a_limit(conduct: Regulation, phrase: str) -> None:
    assert ground_open(f" {phrase}？", context(conduct)) == phrase


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "翻墙",
        "其实可以翻墙",
        "第十四条是否适用",
        "会不会被开除，是否记过",
        "是否看www.a.com",
        "哪些\n问题",
        "什么" * 60,
    ],
)
def test_anything_else_is_not_shown_as_open(conduct: Regulation, phrase: str) -> None:
    assert ground_open(phrase, context(conduct)) is None


def test_a_place_is_found_through_other_width_and_space() -> None:
    text = "“两个维护”，坚持 正确"
    place = locate('"两个维护",坚持正确', text)
    assert place is not None
    assert text[slice(*place)] == "两个维护”，坚持 正确"

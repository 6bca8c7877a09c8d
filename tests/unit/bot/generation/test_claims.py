"""A claim is shown with the article's own words, or not at all. The long lists of drafts are in tests/llm."""

import json

import pytest

from bot.answering.composing import cite_article
from bot.answering.generation.claims import Context, Dropped, ground, ground_open, locate, resolve, shingles
from bot.answering.generation.draft import DraftClaim
from bot.answering.generation.prompting import secrets_of
from bot.answering.generation.wording import Fault
from bot.answering.model import Claim
from knowledge.model import Regulation
from prompts import Language, load_instructions

QUOTE = "党员不得擅自建立、使用非法定信道"
CASE = "您说的翻墙"
WORDS = "使用非法定信道"


def context(conduct: Regulation, *numbers: int, question: str = "能翻墙吗", language: Language = "zh") -> Context:
    articles = [article for number in numbers or (14, 28) if (article := conduct.article(number))]
    return Context(question, language, tuple(cite_article(conduct, article) for article in articles))


def fault(claim: Claim | Dropped) -> Fault | None:
    return claim.fault if isinstance(claim, Dropped) else None


def test_what_is_shown_is_the_articles_own_text_and_number(conduct: Regulation) -> None:
    claim = ground(
        DraftClaim(evidence="E1", quote="“党员不得 擅自建立､使用非法定信道", case=CASE, words=WORDS), context(conduct)
    )
    assert isinstance(claim, Claim)
    assert (claim.citation.quote, claim.citation.article) == (QUOTE, 14)
    assert (
        claim.text
        == "您说的翻墙，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
    )
    assert claim.citation.label == "第十四条"


@pytest.mark.parametrize("name", ["E3", "E0", "e1", "1", "E01", "E1E2", "第十四条", "", "Ｅ1"])
def test_an_id_is_resolved_exactly_or_not(conduct: Regulation, name: str) -> None:
    evidence = context(conduct).evidence
    assert resolve(name, evidence) is None
    assert resolve(" E2 ", evidence) is evidence[1]
    assert fault(ground(DraftClaim(evidence=name, quote=QUOTE, case=CASE, words=WORDS), context(conduct))) == "evidence"


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
    assert fault(ground(DraftClaim(evidence="E1", quote=quote, case=CASE, words=WORDS), context(conduct))) == "quote"


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
    claim = ground(DraftClaim(evidence="E1", quote=quote, case=CASE, words=WORDS), context(conduct, number))
    assert fault(claim) == "cut"


@pytest.mark.parametrize(
    ("number", "quote", "words", "sentence"),
    [
        (
            14,
            QUOTE,
            "非法定信道",
            "您说的这件事，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。",
        ),
        (17, "自觉抵制崇洋媚外、炫富斗阔、铺张浪费等不良网络文化", "炫富斗阔", "条文写的是“自觉抵制”。"),
        (23, "按照有关规定给予表彰奖励", "表彰奖励", "按照有关规定给予表彰奖励”：条文写的是“应当”。"),
        (
            28,
            "涉嫌违法犯罪的，按照有关法律规定处理",
            "涉嫌违法犯罪",
            "可以对照“涉嫌违法犯罪的，按照有关法律规定处理”。",
        ),
        (
            13,
            "不得参与或者纵容、支持利用网络宣扬恐怖主义、分裂主义、极端主义，邪教，或者煽动民族仇恨、民族歧视，破坏民族团结",
            "民族团结",
            "破坏民族团结”：条文写的是“不得”。",
        ),
        (15, "党员应当严格遵守党的保密纪律，不得通过网络泄露、扩散党和国家秘密", "党的保密纪律", "写的是“应当”。"),
        (15, "党员应当严格遵守党的保密纪律，不得通过网络泄露、扩散党和国家秘密", "泄露、扩散", "写的是“不得”。"),
        (22, "鼓励和支持党员学网上网用网", "学网上网用网", "条文写的是“鼓励”。"),
        (
            29,
            "军队党员实施网络行为，按照军队有关规定执行",
            "军队有关规定",
            "可以对照“军队党员实施网络行为，按照军队有关规定执行”。",
        ),
    ],
)
def test_the_force_is_the_articles_own(conduct: Regulation, number: int, quote: str, words: str, sentence: str) -> None:
    claim = ground(DraftClaim(evidence="E1", quote=quote, case="您说的这件事", words=words), context(conduct, number))
    assert isinstance(claim, Claim), claim
    assert claim.text.endswith(sentence)


def test_english_readers_get_the_word_and_its_meaning(conduct: Regulation) -> None:
    draft = DraftClaim(evidence="E1", quote=QUOTE, case="Using a VPN at home", words="使用非法定信道")
    claim = ground(draft, context(conduct, question="can I use a VPN at home?", language="en"))
    assert isinstance(claim, Claim)
    assert claim.text.endswith("the text says “不得” (must not).")


def test_words_that_begin_with_the_stop_before_them_are_dropped(conduct: Regulation) -> None:
    around = context(conduct, 28)
    text = around.evidence[0].text
    stop = text.index("；")
    draft = DraftClaim(evidence="E1", quote=text[: stop + 7], case=CASE, words=text[stop : stop + 7])
    assert fault(ground(draft, around)) == "words"


@pytest.mark.parametrize("words", ["", "使", "法定信道", "使用非", "擅自使用非法定信道", "泄露", QUOTE * 3])
def test_the_words_stand_in_the_quote_whole(conduct: Regulation, words: str) -> None:
    assert fault(ground(DraftClaim(evidence="E1", quote=QUOTE, case=CASE, words=words), context(conduct))) == "words"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("第十四条写的翻墙", "number"),
        ("按 Article 14 翻墙", "number"),
        ("按第１４条翻墙", "markup"),
        ("法律责任一章里的翻墙", "number"),
        ("《网络安全法》里的翻墙", "title"),
        ("翻墙被开除党籍", "penalty"),
        ("翻墙超过3次", "figure"),
        ("翻墙去www.example.com网站", "link"),
        ("**翻墙**看外网", "markup"),
        ("翻墙<b>看</b>外网", "markup"),
        ("翻墙\u202e看外网", "markup"),
        ("翻墙，这里有系统提示词", "role"),
        ("张三这样翻墙", "name"),
        ("官方说的翻墙", "official"),
        ("我认为的翻墙", "opinion"),
        ("翻墙，换个办法", "way_round"),
        ("任何人翻墙看外网", "scope"),
        ("用“一切外国软件”翻墙", "quote"),
        ("Members 翻墙", "language"),
        ("翻", "length"),
        ("翻墙。这一点很清楚", "length"),
        ("党员可以翻墙看外网", "polarity"),
        ("不违反这一条的翻墙", "polarity"),
        ("翻墙就算法定的了", "polarity"),
        ("翻墙，懒得管", "polarity"),
        ("翻墙，笑一笑热闹热闹", "unanchored"),
        ("翻墙看看新鲜热闹的大千世界风土人情", "unanchored"),
        ("翻墙和赵明辉", "unanchored"),
    ],
)
def test_a_case_holds_nothing_that_it_may_not(conduct: Regulation, case: str, expected: Fault) -> None:
    assert fault(ground(DraftClaim(evidence="E1", quote=QUOTE, case=case, words=WORDS), context(conduct))) == expected


@pytest.mark.parametrize(
    ("question", "case"),
    [
        ("支部书记不让我发声", "支部书记不让发声"),
        ("军队文职算不算军队党员", "军队文职算不算军队党员"),
        ("我是退休党员，能翻墙吗", "退休党员翻墙"),
        ("不小心翻墙了", "不小心翻墙了。"),
        ("出国了能翻墙吗？", "能翻墙吗？"),
        ("出国了能翻墙不", "出国了能翻墙不"),
        ("翻墙算违规么", "翻墙算违规么"),
    ],
)
def test_what_the_reader_said_may_be_said_again(conduct: Regulation, question: str, case: str) -> None:
    draft = DraftClaim(evidence="E1", quote=QUOTE, case=case, words=WORDS)
    assert isinstance(ground(draft, context(conduct, question=question)), Claim)


def test_a_sentence_of_the_prompt_is_never_shown(conduct: Regulation) -> None:
    told = "翻墙，只说遇到什么样的情形"
    secrets = shingles("只说做了什么、只说遇到什么样的情形。")
    evidence = context(conduct).evidence
    draft = DraftClaim(evidence="E1", quote=QUOTE, case=told, words=WORDS)
    assert fault(ground(draft, Context("能翻墙吗", "zh", evidence, secrets))) == "leak"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_worked_example_is_not_handed_on(conduct: Regulation, language: Language) -> None:
    told = load_instructions()[language]
    example = json.loads(next(line for line in told("answer").splitlines() if line.startswith('{"claims"')))
    around = Context("能翻墙吗", language, context(conduct).evidence, secrets_of(told))
    assert [ground_open(phrase, around) for phrase in example["open"]] == [None]
    (copied,) = example["claims"]
    assert isinstance(ground(DraftClaim(**copied), around), Dropped)
    own = context(conduct, question=copied["case"], language=language)
    assert isinstance(ground(DraftClaim(**copied), own), Claim)


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

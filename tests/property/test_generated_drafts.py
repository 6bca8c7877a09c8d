"""Whatever a model returns, no false quote and no wrong number reaches a person.

Drafts are made from the faithful ones by what models do wrong: quotes altered, cut, glued and swapped, numbers added,
ids exchanged, words cut, judgements, excuses, markup and strangers put in, JSON broken. The default run tries 600;

    python -m pytest tests/property/test_generated_drafts.py --hypothesis-profile=thorough

tries 10,000 and takes some minutes.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answering.model import Answer
from knowledge.library import load_library
from knowledge.numerals import format_numeral
from tests.llm.drafts import Written, bad_drafts, folded, good_drafts
from tests.llm.seeing import falsehoods
from tests.llm.talking import ScriptedModel, written

DRAFTS = 600
REGULATION = load_library().principal
GOOD = good_drafts()
LONGEST = max(article.number for article in REGULATION.articles)
HAN = "党员不得应当可以网络信息规定行为组织有关部门遵守使用建立鼓励禁止第条的了和或者是在把被我您他，。、；：“”（）"
SYNONYMS = (
    ("不得", "可以"),
    ("不得", "应当"),
    ("不得", ""),
    ("应当", "可以"),
    ("应当", "不得"),
    ("鼓励", "应当"),
    ("鼓励", "禁止"),
    ("擅自", "私自"),
    ("泄露", "泄漏"),
    ("传播", "散播"),
    ("非法定", "非法"),
    ("有关", "相关"),
    ("党员干部", "党员"),
    ("党员", "公民"),
    ("及时", "立即"),
    ("、", "和"),
    ("，", "。"),
    ("；", "，"),
)
JUDGEMENTS = ("可以", "不必", "无需", "不属于", "不算", "允许", "放心", "禁止", "合法地", "必须", "只有大额才")
"""What makes a case a judgement wherever it stands, unless the reader said it."""
EXCUSES = ("，不过没关系", "，但可以不遵守", "，不算违反", "，实际上都允许", "，其实可以", "，放心做就行")
NUMBERS = (
    "第{0}条说，",
    "第{1}条说，",
    "按第 {1} 条，",
    "见第{0}条第二款，",
    "第{0}章写了，",
    "依据{1}条，",
    "Article {1}：",
    "第{0}、{0}条都说，",
    "第 {0} 条之一写明，",
)
STRANGERS = ("**", "<b>", "https://example.com ", "\u202e", "\x00", "\ud83d", "给予警告处分，", "罚款五百元，", "E2 ")
IDS = ("E0", "E1", "E2", "E3", "E9", "e1", "E 1", "1", "", "E1E2", "第十四条")


@dataclass(frozen=True, slots=True)
class Made:
    """A draft as text, over what it was written, and which cases in it no person may read."""

    base: Written
    text: str
    false: tuple[str, ...]
    done: str


@st.composite
def altered_quotes(draw: st.DrawFn, quote: str) -> str:
    """A quote after one of the things that happen to quotes."""
    place = draw(st.integers(0, len(quote)))
    match draw(st.sampled_from(("drop", "put", "change", "swap", "synonym", "cut", "tail", "glue", "width", "same"))):
        case "drop":
            return quote[:place] + quote[place + draw(st.integers(1, 4)) :]
        case "put":
            return quote[:place] + draw(st.text(HAN, min_size=1, max_size=3)) + quote[place:]
        case "change":
            return quote[:place] + draw(st.sampled_from(HAN)) + quote[place + 1 :]
        case "swap":
            return quote[:place] + quote[place : place + 2][::-1] + quote[place + 2 :]
        case "synonym":
            old, new = draw(st.sampled_from(SYNONYMS))
            return quote.replace(old, new)
        case "cut":
            return quote[place:]
        case "tail":
            return quote[:place]
        case "glue":
            other = draw(st.sampled_from(REGULATION.articles)).text
            start = draw(st.integers(0, len(other)))
            return quote[:place] + draw(st.sampled_from(("", "……", "，"))) + other[start : start + 20]
        case "width":
            return " ".join(quote.replace("，", ",").replace("；", ";"))
    return quote


@st.composite
def stretches(draw: st.DrawFn, draft: Written) -> str:
    """Any stretch of any article, mostly of the evidence."""
    number = draw(st.one_of(st.sampled_from(draft.articles), st.integers(1, LONGEST)))
    text = next(article.text for article in REGULATION.articles if article.number == number)
    start = draw(st.integers(0, len(text) - 1))
    return text[start : start + draw(st.integers(0, 60))]


@st.composite
def claims(draw: st.DrawFn, draft: Written) -> tuple[dict[str, Any], bool, str]:
    """One claim, whether nobody may read its case, and what was done to it."""
    claim = draw(st.sampled_from(draft.claims)).model_dump()
    text, false = str(claim["case"]), False
    done = draw(
        st.sampled_from(("quote", "stretch", "number", "judge", "excuse", "words", "id", "stranger", "other", "none"))
    )
    match done:
        case "quote":
            claim["quote"] = draw(altered_quotes(claim["quote"]))
        case "stretch":
            claim["quote"] = draw(stretches(draft))
        case "number":
            number = draw(st.integers(0, 120))
            place = draw(st.sampled_from((0, len(text) - 1)))
            said = draw(st.sampled_from(NUMBERS)).format(format_numeral(number), number)
            text = text[:place] + said + text[place:]
        case "judge":
            judgement = draw(st.sampled_from(JUDGEMENTS))
            false = judgement[:2] not in draft.question
            text = draw(st.sampled_from((text + judgement, judgement + text)))
        case "excuse":
            text, false = text + draw(st.sampled_from(EXCUSES)), True
        case "words":
            claim["words"] = draw(st.one_of(altered_quotes(claim["words"]), stretches(draft)))
        case "id":
            claim["evidence"] = draw(
                st.sampled_from(("E0", "E1", "E2", "E3", "E9", "e1", "E 1", "1", "", "E1E2", "第十四条"))
            )
        case "stranger":
            place = draw(st.integers(0, len(text)))
            text = text[:place] + draw(st.sampled_from(STRANGERS)) + text[place:]
            false = True
        case "other":
            other = draw(st.sampled_from(bad_drafts()))
            if other.claims and other.language == "zh":
                text = draw(st.sampled_from(other.claims)).case
    return claim | {"case": text}, false, done


@st.composite
def made_drafts(draw: st.DrawFn) -> Made:
    """A whole draft: one to three claims, something open, wrapped and sometimes broken."""
    base = draw(st.sampled_from(GOOD))
    drawn = draw(st.lists(claims(base), min_size=1, max_size=3))
    phrases = st.one_of(st.sampled_from(base.open or ("是否适用",)), st.text(HAN + "0123456789<*", max_size=30))
    body = {"claims": [claim for claim, _, _ in drawn], "open": draw(st.lists(phrases, max_size=2))}
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    wrapping = draw(st.sampled_from(("plain", "plain", "plain", "fence", "think", "prose", "broken")))
    if wrapping == "fence":
        text = f"```json\n{text}\n```"
    elif wrapping == "think":
        text = f"<think>先看第九十九条 {{}}</think>\n{text}"
    elif wrapping == "prose":
        text = f"好的，以下是按照第五十条写的答案：\n{text}\n希望对您有帮助。"
    elif wrapping == "broken":
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(("", '"', "}", "]", ",", "\\"))) + text[place + 1 :]
    return Made(
        base,
        text,
        tuple(str(claim["case"]).strip(" ，。") for claim, false, _ in drawn if false),
        "+".join(sorted({done for _, _, done in drawn} | {wrapping})),
    )


def answers_to(made: Made) -> list[Answer]:
    """Everything that a person is shown while the model writes this draft."""
    evidence = made.base.evidence(REGULATION)
    return written(ScriptedModel(made.text, piece=29), made.base.question, evidence, made.base.language)


def problems(made: Made, answers: list[Answer]) -> list[str]:
    """Everything false that a person has read while these answers went by."""
    evidence = made.base.evidence(REGULATION)
    quotes = {folded(str(claim.get("quote", ""))) for claim in _claims_in(made.text)}
    wrong = [problem for answer in answers for problem in falsehoods(answer, REGULATION, evidence)]
    for answer in answers:
        shown = [claim.citation.quote for claim in answer.claims]
        wrong += [f"a quote that the model did not give: {quote}" for quote in shown if not stood(quote, quotes)]
        wrong += [
            f"a sentence known to be false: {claim.text}"
            for claim in answer.claims
            if claim.text.startswith(made.false)
        ]
    return wrong


def stood(quote: str, quotes: set[str]) -> bool:
    """Whether one of the model's quotes is this one, marks around it aside."""
    return not quotes or any(other.strip('"…') in folded(quote) or folded(quote) in other for other in quotes)


def _claims_in(text: str) -> list[dict[str, Any]]:
    start, end = text.find('{"claims"'), text.rfind("}")
    try:
        return list(json.loads(text[start : end + 1])["claims"])
    except (ValueError, KeyError, TypeError):
        return []


counted: Counter[str] = Counter()


@settings(
    max_examples=max(DRAFTS, settings.default.max_examples if settings.default else 0),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(made_drafts())
def test_no_false_quote_and_no_wrong_number_reaches_a_person(made: Made) -> None:
    answers = answers_to(made)
    counted["drafts"] += 1
    counted["answered in its words"] += answers[-1].mode == "generative"
    counted["claims shown"] += len(answers[-1].claims)
    counted["claims written"] += len(_claims_in(made.text))
    assert problems(made, answers) == []


def test_the_generator_makes_faithful_and_faulty_drafts_alike() -> None:
    """Runs behind the test above: a generator whose every draft is dropped would prove nothing."""
    if not counted:
        pytest.skip("the test above was not run")
    print(dict(counted))
    assert counted["drafts"] >= DRAFTS
    assert counted["answered in its words"] >= counted["drafts"] // 10
    assert counted["claims shown"] <= counted["claims written"] * 0.9


def test_the_oracle_sees_what_is_false() -> None:
    """What finds nothing in 10,000 drafts must find something where something is."""
    draft = next(draft for draft in GOOD if draft.articles == (14, 28))
    evidence = draft.evidence(REGULATION)
    answer = written(ScriptedModel(draft.text), draft.question, evidence)[-1]
    assert answer.claims
    claim = answer.claims[0]
    lies = {
        "number": replace(claim, text="第十五条说不得翻墙"),
        "altered": replace(claim, citation=replace(claim.citation, quote="党员可以擅自建立")),
        "cut": replace(claim, citation=replace(claim.citation, quote="使用非法定信道")),
        "quoted": replace(claim, text="条文写着“一律不得翻墙”"),
        "not evidence": replace(claim, citation=replace(claim.citation, article=15)),
        "odd": replace(claim, text="不得\x00翻墙"),
    }
    for name, lie in lies.items():
        assert list(falsehoods(replace(answer, claims=(lie,)), REGULATION, evidence)), name
    assert list(falsehoods(answer, REGULATION, evidence)) == []

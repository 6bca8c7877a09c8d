"""A claim is shown with the article's own words at hand, or not at all.

id -> evidence (exactly) -> quote found in it (width and space aside), whole -> words found in the quote -> the case free
of what it may not hold. The sentence is then ours: the model's case, the article's words, and the article's own 不得,
应当 or 鼓励, so that no model can turn a rule round. Whatever fails on the way is dropped, with the reason.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from bot.answering.generation.draft import DraftClaim
from bot.answering.generation.force import NEGATIONS, Kind, Passage, is_cut, passage_at
from bot.answering.generation.telling import asks_again, judges, strange
from bot.answering.generation.wording import Fault, Setting, fault_of
from bot.answering.instructing import without_instructions
from bot.answering.model import Citation, Claim
from prompts import Language, load_replies

MIN_QUOTE: Final = 6
MIN_WORDS: Final = 2
_SENTENCES: Final[dict[Kind, str]] = {
    "forbidden": "claim.forbidden",
    "required": "claim.required",
    "granted": "claim.granted",
    "plain": "claim.plain",
}
_CASE_ENDS: Final = re.compile(r"[\s，,。.、；;：:？?！!]+$")
_FULL_STOPS: Final = str.maketrans({"。": ".", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "「": '"', "」": '"'})
_WRAPPING: Final = re.compile(r"^[\s“\"「『‘'…·.]+|[\s”\"」』’'…]+$")
_SPACE: Final = re.compile(r"\s+")
_BETWEEN: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[a-z]{3,}")
SHINGLE: Final = 9
"""Characters in a row that betray a prompt."""
_OPEN_LENGTH: Final[dict[Language, tuple[int, int]]] = {"zh": (4, 60), "en": (8, 160)}
_FRAME: Final[dict[Language, str]] = {"zh": "条文没有写明：", "en": "The text leaves open: "}
_ASKING: Final = re.compile(
    r"是否|是不是|算不算|能不能|可不可以|有没有|要不要|属不属于|包不包括|哪些|哪种|哪类|哪个|什么|如何|怎样|怎么|多少|多久|多大|谁|何时|何种|"
    r"(?i:\b(?:whether|what|which|who|how|when|where)\b)"
)
_NOUN: Final = re.compile(
    r"的?(?:具体)?(?:范围|标准|界限|界线|情形|程度|含义|定义|期限|方式|时限|口径|对象)$|(?i:^the (?:exact |precise )?(?:scope|meaning|limits?|definition)\b)"
)
_ASKED: Final = re.compile(
    rf"(?:{_ASKING.pattern})(?:[^，。；]{{0,12}}?(?:可以|允许|不得|禁止|应当|必须|allowed|permitted|must|shall))?"
)
_STATING: Final = re.compile(r"可以(?!不可以)|允许|没问题|不违反|不算(?!不)|无需|不必|(?i:\b(?:allowed|permitted)\b)")


@dataclass(frozen=True, slots=True)
class Context:
    """What a draft was written from: the question, its language, the evidence as E1, E2 ..., and what betrays a prompt.

    `wary` where the question told the model what to say: then an English case must speak of what was asked.
    """

    question: str
    language: Language
    evidence: tuple[Citation, ...]
    secrets: frozenset[str] = frozenset()
    wary: bool = False

    @classmethod
    def of(
        cls, question: str, language: Language, evidence: tuple[Citation, ...], secrets: frozenset[str]
    ) -> "Context":
        """The context of a question as it was asked: what speaks to a model is left out, and makes wary."""
        heard = without_instructions(question)
        return cls(heard, language, evidence, secrets, wary=heard != question)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A claim that nobody will read, and the first thing that was wrong with it."""

    claim: DraftClaim
    fault: Fault


def ground(claim: DraftClaim, context: Context) -> Claim | Dropped:
    """The claim as it may be shown, or why it may not."""
    evidence = resolve(claim.evidence, context.evidence)
    if evidence is None:
        return Dropped(claim, "evidence")
    places = _places(claim, evidence.text)
    if not isinstance(places, tuple):
        return Dropped(claim, places)
    (start, end), passage = places
    quote = evidence.text[start:end]
    case = _CASE_ENDS.sub("", _SPACE.sub(" ", claim.case.strip()) if "\n" not in claim.case.strip() else claim.case)
    fault = _fault_of_case(case, evidence.text, quote, context)
    if fault:
        return Dropped(claim, fault)
    say = load_replies()[context.language]
    if asks_again(case, context.question):
        case = say("claim.asked", case=case)
    sentence = say(_SENTENCES[passage.kind], case=case, words=passage.words, marker=passage.marker)
    return Claim(sentence, replace(evidence, quote=quote, emphasis=None))


def _places(claim: DraftClaim, text: str) -> tuple[tuple[int, int], Passage] | Fault:
    """Where the quote stands in the article, and the passage of the words; or what is wrong with them."""
    quote = locate(claim.quote, text)
    if quote is None:
        return "quote"
    if is_cut(text, *quote):
        return "cut"
    words = locate(claim.words, text[slice(*quote)], MIN_WORDS)
    if words is None:
        return "words"
    start, end = quote[0] + words[0], quote[0] + words[1]
    if text[start - 1 : start] in NEGATIONS or text[end - 1] in NEGATIONS:
        return "words"
    passage = passage_at(text, start, end)
    return "words" if passage is None else (quote, passage)


def _fault_of_case(case: str, article: str, quote: str, context: Context) -> Fault | None:
    fault = fault_of(case, Setting(context.question, article, quote, context.language))
    if fault:
        return fault
    if betrays(case, context):
        return "leak"
    if judges(case, context.question, article, context.language):
        return "polarity"
    strays = context.wary and context.language == "en" and not _shares_words(case, context.question)
    return (
        "unanchored"
        if strays or strange(case, context.question, article, context.language, wary=context.wary)
        else None
    )


def ground_open(phrase: str, context: Context) -> str | None:
    """What the text is said to leave open, if it is a question or the name of a limit and holds nothing else."""
    text = phrase.strip().rstrip("。.？?；;，,")
    low, high = _OPEN_LENGTH[context.language]
    if not low <= len(text) <= high or not (_ASKING.search(text) or _NOUN.search(text)):
        return None
    if _STATING.search(_ASKED.sub("", text)) or betrays(text, context):
        return None
    material = "\n".join(citation.text for citation in context.evidence)
    framed = _FRAME[context.language] + text
    return None if fault_of(framed, Setting(context.question, material, "", context.language, asks=True)) else text


def resolve(name: str, evidence: tuple[Citation, ...]) -> Citation | None:
    """The evidence of exactly that id."""
    return next((citation for place, citation in enumerate(evidence, start=1) if name.strip() == f"E{place}"), None)


def locate(quote: str, text: str, shortest: int = MIN_QUOTE) -> tuple[int, int] | None:
    """Where a quote stands in an article, width and space aside: its first place and the one behind its last."""
    folded, places = _folded(text)
    wanted, _ = _folded(_WRAPPING.sub("", quote))
    if len(wanted) < shortest:
        return None
    found = folded.find(wanted)
    if found < 0:
        return None
    return places[found], places[found + len(wanted) - 1] + 1


@lru_cache(maxsize=512)
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """The text in one width and without space, and for each of its characters the place it came from."""
    pairs = [
        (folded, place)
        for place, character in enumerate(text)
        for folded in unicodedata.normalize("NFKC", character).translate(_FULL_STOPS)
        if not folded.isspace()
    ]
    return "".join(folded for folded, _ in pairs), tuple(place for _, place in pairs)


def shingles(text: str) -> frozenset[str]:
    """Every run of SHINGLE letters, whatever stands between them."""
    plain = _BETWEEN.sub("", text)
    return frozenset(plain[place : place + SHINGLE] for place in range(len(plain) - SHINGLE + 1))


def betrays(text: str, context: Context) -> bool:
    """Whether it repeats words of the prompt that stand in neither question nor evidence."""
    told = shingles(text) & context.secrets
    if not told:
        return False
    known = _BETWEEN.sub("", context.question + "\n".join(citation.text for citation in context.evidence))
    return any(words not in known for words in told)


def _shares_words(case: str, question: str) -> bool:
    return bool(set(_WORD.findall(case.casefold())) & set(_WORD.findall(question.casefold())))

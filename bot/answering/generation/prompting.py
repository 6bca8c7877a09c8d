"""What a model is told: the house's instructions, and the material in a fence that no material can close.

Question and articles are material. Whatever they ask of the model, what comes back is grounded; the fence and the
escaping only keep honest models from being confused.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from bot.answering.generation.chatting import Prompt
from bot.answering.generation.claims import Dropped, shingles
from bot.answering.generation.wording import Fault
from bot.answering.model import Citation
from knowledge.retrieval import shorten
from prompts import Instructions, Language

MAX_QUESTION: Final = 400
MAX_ARTICLE: Final = 1_500
_ESCAPES: Final = str.maketrans({"<": "＜", ">": "＞", "`": "'", "{": "｛", "}": "｝", "[": "［", "]": "］"})
_FAULTS: Final[dict[Language, dict[Fault, str]]] = {
    "zh": {
        "evidence": "没有这个编号",
        "quote": "引文与该条原文不一致，或不足六个字，或引号里的话不在原文里",
        "cut": "引文丢掉了管着它的“不得”",
        "words": "words 不在引文里，或太长，或切断了“非”“不”",
        "polarity": "case 里下了判断（不得、可以、属于、不算一类的话）",
        "number": "写了条号或章名",
        "title": "写了别的法规",
        "penalty": "写了引文里没有的处分或后果",
        "figure": "写了材料里没有的数字",
        "name": "写了人名",
        "official": "像官方解释",
        "opinion": "写了自己的意见、建议或猜测",
        "way_round": "像绕开规定的办法",
        "scope": "把条文说到了它没有写的人身上",
        "language": "不是中文",
        "length": "case 太短、太长，或不止一句",
        "unanchored": "case 里有太多读者和条文都没有的字眼",
    },
    "en": {
        "evidence": "no such mark",
        "quote": "the quote is not in that article, or too short, or words in quotation marks are not in it",
        "cut": "the quote leaves out the 不得 that governs it",
        "words": "words are not in the quote, too long, or cut from their negation",
        "polarity": "the case judges (must, may, is, is not and the like)",
        "number": "it has an article number or a chapter",
        "title": "it names another law",
        "penalty": "it has a punishment or consequence that the quote does not have",
        "figure": "it has a figure that the material does not have",
        "name": "it names a person",
        "official": "it sounds like an official interpretation",
        "opinion": "it has an opinion, advice or a guess",
        "way_round": "it sounds like a way round the rule",
        "scope": "it extends the article to people it does not name",
        "language": "it is not in English",
        "length": "too short, too long, or more than one sentence",
        "unanchored": "the case has too many words that neither reader nor article uses",
    },
}
_OTHERWISE: Final[dict[Language, str]] = {
    "zh": "有不该写的内容或符号",
    "en": "it has content or marks that do not belong",
}


def answer_prompt(instructions: Instructions, question: str, evidence: Sequence[Citation]) -> Prompt:
    """The request for a draft."""
    marked = _evidence(evidence)
    return Prompt(
        instructions("answer"), fenced(instructions, "material", evidence=marked, question=_question(question))
    )


def repair_prompt(
    instructions: Instructions, question: str, evidence: Sequence[Citation], dropped: Sequence[Dropped]
) -> Prompt:
    """The one request to write again what was dropped; names what failed, and repeats none of it."""
    said = _FAULTS[instructions.language]
    otherwise = _OTHERWISE[instructions.language]
    faults = "\n".join(
        f"- {_mark(lost.claim.evidence, len(evidence))}: {said.get(lost.fault, otherwise)}" for lost in dropped
    )
    marked = _evidence(evidence)
    told = fenced(instructions, "repair", evidence=marked, question=_question(question), faults=faults)
    return Prompt(instructions("answer"), told)


def rewrite_prompt(instructions: Instructions, question: str, earlier: Sequence[str]) -> Prompt:
    """The request to make a follow-up whole; `earlier` are the last questions, oldest first."""
    turns = "\n".join(f"{place}. {_question(turn)}" for place, turn in enumerate(earlier, start=1))
    return Prompt("", fenced(instructions, "rewrite", turns=turns, question=_question(question)))


def secrets_of(instructions: Instructions) -> frozenset[str]:
    """Runs of characters that give the instructions away."""
    empty = dict.fromkeys(("fence", "evidence", "question", "faults", "turns"), " ")
    named = {"answer": (), "material": ("fence", "evidence", "question")}
    told = [instructions(name, **{key: empty[key] for key in keys}) for name, keys in named.items()]
    return shingles(_LABELS.sub("", "\n".join(told)))


_LABELS: Final = re.compile(r"“[^”]{1,8}”|\"(?:quote|words)\": \"[^\"]*\"")
"""Words of the regulation that the instructions quote are nobody's secret; the case of their worked example is."""


def clean(text: str) -> str:
    """One line without anything invisible, and with brackets that mean nothing to a model."""
    visible = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join(visible.translate(_ESCAPES).split())


def _question(question: str) -> str:
    return clean(shorten(question, MAX_QUESTION))


def _mark(name: str, count: int) -> str:
    """The id that a claim gave, where it is one of ours: nothing else of a draft goes into a prompt."""
    return name if name in {f"E{place}" for place in range(1, count + 1)} else "?"


def _evidence(evidence: Sequence[Citation]) -> str:
    lines = (
        f"[E{place}] {clean(citation.text[:MAX_ARTICLE].replace(chr(10), ' '))}"
        for place, citation in enumerate(evidence, start=1)
    )
    return "\n".join(lines)


def fenced(instructions: Instructions, name: str, **values: str) -> str:
    """An instruction filled with material, between fences that no material can foretell."""
    fence = hashlib.sha256("\0".join(values.values()).encode("utf-8", "replace")).hexdigest()[:8]
    return instructions(name, fence=fence, **values)

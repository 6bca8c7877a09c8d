"""What a person reads of an answer, and whether anything in it is false.

Written apart from the product: it shares neither its folding nor its patterns, only the library itself.
"""

import re
import unicodedata
from collections.abc import Iterator

from bot.answering.model import Answer, Citation
from bot.answering.plain import as_text
from knowledge.model import Regulation
from knowledge.numerals import parse_numeral
from tests.llm.drafts import folded, found

_DIGITS = "0123456789〇零一二两三四五六七八九十百千廿卅壹贰叁肆伍陆柒捌玖拾佰"
_NUMBERED = re.compile(rf"第\s*([{_DIGITS}]+)\s*(条|章|款|项|节|编)")
_BARE = re.compile(rf"(?<!第)(?<![{_DIGITS}])([0-9]+|[二三四五六七八九]?十[一二三四五六七八九]?)\s*条")
_ENGLISH = re.compile(r"\b(?:article|section|chapter|rule|clause|paragraph)s?\s+([0-9]+|[ivxlc]+)\b", re.IGNORECASE)
_LARGE = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰两", "一二三四五六七八九十百二", "")
_QUOTED = re.compile(r"“([^”]*)”")


def numbers_in(text: str) -> set[tuple[str, int]]:
    """Every number of an article, chapter and the like that a sentence names: {("条", 14)}."""
    plain = unicodedata.normalize("NFKC", text)
    named = {(unit, _number(digits)) for digits, unit in _NUMBERED.findall(plain)}
    named |= {("条", _number(digits)) for digits in _BARE.findall(plain)}
    return named | {("en", _number(digits)) for digits in _ENGLISH.findall(plain)}


def _number(digits: str) -> int:
    if digits.isdigit():
        return int(digits)
    plain = digits.translate(_LARGE).replace("廿", "二十").replace("卅", "三十")
    try:
        return parse_numeral(plain)
    except ValueError:
        return 0  # no number that any article has


def falsehoods(answer: Answer, regulation: Regulation, evidence: tuple[Citation, ...]) -> Iterator[str]:
    """Everything in an answer that is not so; nothing where all is well."""
    given = {citation.article for citation in evidence}
    for citation in (*answer.citations, *(claim.citation for claim in answer.claims)):
        yield from _wrong_citation(citation, regulation, given)
    texts = [*(claim.text for claim in answer.claims), *answer.open]
    for claim in answer.claims:
        yield from (
            f"a number that is not the cited article's: {number}"
            for number in numbers_in(claim.text)
            if number not in {("条", claim.citation.article), ("en", claim.citation.article)}
        )
        if begins_behind_its_negation(claim.citation):
            yield f"a quote cut from its 不得: {claim.citation.quote}"
    yield from (f"a number in what is left open: {phrase}" for phrase in answer.open if numbers_in(phrase))
    material = folded(answer.question + "".join(citation.text for citation in evidence))
    for text in texts:
        unknown = (words for words in _QUOTED.findall(text) if folded(words) not in material)
        yield from (f"words in quotation marks that stand nowhere: {words}" for words in unknown)
        odd = (character for character in text if unicodedata.category(character)[0] == "C")
        yield from (f"an odd character: {character!r}" for character in odd)
    for words in _QUOTED.findall(as_text(answer)):
        if folded(words) not in material and not any(folded(words) in folded(text) for text in texts):
            yield f"as text, words in quotation marks that stand nowhere: {words}"


def _wrong_citation(citation: Citation, regulation: Regulation, given: set[int]) -> Iterator[str]:
    article = found(regulation, citation.article)
    if citation.article not in given:
        yield f"an article that was not among the evidence: {citation.article}"
    if citation.quote not in article.text or not citation.quote:
        yield f"a quote that does not stand in article {citation.article}: {citation.quote}"
    if citation.text != article.text or citation.label != article.label:
        yield f"text or label are not those of article {citation.article}"


def begins_behind_its_negation(citation: Citation) -> bool:
    """Whether the 不得 that governs the quoted words stands in front of the quote, in the same sentence."""
    place = citation.text.find(citation.quote)
    sentence = re.split(r"[。；\n]", citation.text[:place])[-1]
    return "不得" in sentence and "不得" not in citation.quote

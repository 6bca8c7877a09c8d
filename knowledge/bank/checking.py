"""What is wrong with a bank, item by item; pure, and the same for what ships, what is imported and what a model drafts.

An *error* keeps an item out: its quote does not stand in the article, a poll would refuse it, another option is right
too. A *warning* is for whoever keeps the bank: balance, counts, style.

    check           every item and case by itself, near-copies among them, and how the answers are spread
    check_counts    is there enough for every article?
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from knowledge.bank.distractors import Words, stands_as_written, true_elsewhere, words_of
from knowledge.bank.items import BLANK, Bank, CaseCard, QuizItem, folded
from knowledge.model import Regulation
from knowledge.repair import wording

Severity = Literal["error", "warning"]
What = Literal[
    "article", "quote", "quote_short", "too_long", "line_feeds", "same_options", "true_elsewhere", "not_false",
    "filled", "fillings", "copy", "id_twice", "case_articles", "unnamed", "markup", "few_items", "few_cases",
    "right_place", "right_share", "truths", "longest", "all_right",
]  # fmt: skip
"""What a remark says; `bot.training.bank.telling` has the sentences."""

QUESTION: Final = 300
OPTION: Final = 100
EXPLANATION: Final = 200
"""Most that a poll takes, in UTF-16 units."""
CASE: Final = 3_500
"""UTF-16 units of title, story and questions, and of quotes and notes: each is one message of at most 4,096."""
ITEMS_AN_ARTICLE: Final = 8
CASES: Final = 40
_LINE_FEEDS: Final = 2
_SHORTEST_QUOTE: Final = 6
_LIKENESS: Final = 0.6
_MEASURED: Final = 40
"""Items of a kind from which on their spread says something."""
_DEVIATIONS: Final = 2.5
_LONGEST: Final = 0.4
_ALL_RIGHT: Final = 0.25
_OUTER: Final = " ,.;:!?。、…"
_EDGE: Final = r"\b"
_MARKUP: Final = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|[a-z]{2,8});|\*\*|`|^[=]|\{\{|\]\(")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to be said of an item or a case; `id` is empty where it is of the bank, `values` fill its sentence."""

    id: str
    severity: Severity
    what: What
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.id or 'bank'}: {self.what}" + (f" ({told})" if told else "")


def check(bank: Bank, regulation: Regulation) -> list[Remark]:
    """All there is to say of a bank, in its order; what is of the whole bank stands last."""
    articles = words_of(regulation)
    remarks = [remark for item in bank.items for remark in _of_item(item, regulation, articles)]
    remarks += [remark for case in bank.cases for remark in _of_case(case, regulation)]
    return [*remarks, *_ids(bank), *_copies(bank), *_spread(bank.items)]


def check_counts(bank: Bank, regulation: Regulation) -> list[Remark]:
    """Which articles have too few items, and whether there are too few cases."""
    counts = Counter(number for item in bank.items for number in item.articles)
    few = [
        Remark("", "warning", "few_items", {"article": article.label, "count": counts[article.number]})
        for article in regulation.articles
        if counts[article.number] < ITEMS_AN_ARTICLE
    ]
    if len(bank.cases) < CASES:
        few.append(Remark("", "warning", "few_cases", {"count": len(bank.cases), "least": CASES}))
    return few


def utf16_length(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _of_item(item: QuizItem, regulation: Regulation, articles: dict[int, Words]) -> Iterator[Remark]:
    def error(what: What, **values: object) -> Remark:
        return Remark(item.id, "error", what, values)

    yield from _cited(item.id, item.articles, [(item.articles, item.quote)], regulation)
    bounds = [("question", item.question, QUESTION), ("explanation", item.explanation, EXPLANATION)]
    bounds += [("options", option, OPTION) for option in (*item.options, *item.solution, *item.accept)]
    for name, text, limit in bounds:
        if utf16_length(text) > limit:
            yield error("too_long", field=name, size=utf16_length(text), limit=limit)
    if item.explanation.count("\n") > _LINE_FEEDS:
        yield error("line_feeds", most=_LINE_FEEDS)
    if len({folded(option) for option in item.options}) < len(item.options):
        yield error("same_options")
    for option, number in true_elsewhere(item, regulation, articles):
        yield error("true_elsewhere", option=option, article=_label(number, regulation))
    if (stands := stands_as_written(item, articles)) is not None:
        yield error("not_false", article=_label(stands, regulation))
    if isinstance(item.answer, str):
        yield from _filling(item, item.answer, regulation, articles)
    if not any(_label(number, regulation) in item.explanation for number in item.articles):
        yield Remark(item.id, "warning", "unnamed", {"article": _label(item.article, regulation)})
    yield from _marked_up(item.id, (item.question, *item.options, item.explanation))


def _filling(item: QuizItem, answer: str, regulation: Regulation, articles: dict[int, Words]) -> Iterator[Remark]:
    whole = Words.of(item.question.replace(BLANK, answer)).text
    if not any(whole in articles[number].text for number in item.articles if number in articles):
        yield Remark(item.id, "error", "filled")
    others = _fillings(item.question, answer, regulation)
    if others - {Words.of(spelling).text for spelling in (answer, *item.accept)}:
        yield Remark(item.id, "error", "fillings", {"other": min(others, key=len)})


def _fillings(question: str, answer: str, regulation: Regulation) -> set[str]:
    """What fills the blank so that the sentence stands somewhere in the regulation."""
    before, _, after = wording(question).partition(BLANK)
    before, after = before.lstrip(_OUTER), after.rstrip(_OUTER)
    letter = r"\w" if Words.of(answer).text == wording(answer) else "."
    gap = f"({letter}{{1,{len(answer) + 6}}}?)"
    pattern = re.compile(f"(?={re.escape(before) or _EDGE}{gap}{re.escape(after) or _EDGE})")
    return {
        Words.of(match[1]).text for article in regulation.articles for match in pattern.finditer(wording(article.text))
    }


def _of_case(case: CaseCard, regulation: Regulation) -> Iterator[Remark]:
    yield from _cited(case.id, case.articles, [((number,), quote) for number, quote in case.quotes.items()], regulation)
    if set(case.quotes) != set(case.articles):
        yield Remark(case.id, "error", "case_articles")
    sides = {"story": (case.title, case.story, *case.questions), "notes": (*case.quotes.values(), case.notes)}
    for name, texts in sides.items():
        if (size := utf16_length("\n".join(texts))) > CASE:
            yield Remark(case.id, "error", "too_long", {"field": name, "size": size, "limit": CASE})
    yield from _marked_up(case.id, (case.title, case.story, *case.questions, case.notes))


def _cited(
    entry_id: str, articles: Sequence[int], quotes: Iterable[tuple[Sequence[int], str]], regulation: Regulation
) -> Iterator[Remark]:
    for number in articles:
        if regulation.article(number) is None:
            yield Remark(entry_id, "error", "article", {"number": number, "last": regulation.last})
    for numbers, quote in quotes:
        found = [article for number in numbers if (article := regulation.article(number))]
        if found and not any(article.contains(quote) for article in found):
            yield Remark(entry_id, "error", "quote", {"article": found[0].label, "quote": quote})
        elif len(quote) < _SHORTEST_QUOTE:
            yield Remark(entry_id, "error", "quote_short", {"quote": quote, "least": _SHORTEST_QUOTE})


def _marked_up(entry_id: str, texts: Iterable[str]) -> Iterator[Remark]:
    if found := next((match for text in texts if (match := _MARKUP.search(text))), None):
        yield Remark(entry_id, "warning", "markup", {"found": found[0]})


def _ids(bank: Bank) -> Iterator[Remark]:
    for entry_id, count in Counter([*(item.id for item in bank.items), *(case.id for case in bank.cases)]).items():
        if count > 1:
            yield Remark(entry_id, "error", "id_twice")


def _copies(bank: Bank) -> Iterator[Remark]:
    """Stories, or questions with their options, of whose pairs of characters three in five are the same."""
    for one, other, likeness in near_copies([item.question for item in bank.items]):
        first, second = (" ".join(bank.items[place].options) for place in (one, other))
        if first == second or any(near_copies([first, second])):
            yield _copy(bank.items[one], bank.items[other], likeness)
    for one, other, likeness in near_copies([case.story for case in bank.cases]):
        yield _copy(bank.cases[one], bank.cases[other], likeness)


def _copy(one: QuizItem | CaseCard, other: QuizItem | CaseCard, likeness: float) -> Remark:
    return Remark(other.id, "error", "copy", {"other": one.id, "share": round(100 * likeness)})


def near_copies(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Places of texts whose pairs of characters overlap by 0.6 or more (Jaccard), with the overlap."""
    sets = [Words.of(text).pairs for text in texts]
    places = {pair: place for place, pair in enumerate(sorted(set().union(*sets)))}
    held = np.zeros((len(sets), max(len(places), 1)), dtype=np.float32)
    for row, found in enumerate(sets):
        held[row, [places[pair] for pair in found]] = 1.0
    shared, sizes = held @ held.T, held.sum(axis=1)
    likeness = shared / np.maximum(sizes[:, None] + sizes[None, :] - shared, 1.0)
    for one, other in np.argwhere(np.triu(likeness >= _LIKENESS, k=1)).tolist():
        yield one, other, float(likeness[one, other])


def _spread(items: Sequence[QuizItem]) -> Iterator[Remark]:
    """Whether whoever guesses by habit would do better than by chance."""

    def warning(what: What, **values: object) -> Remark:
        return Remark("", "warning", what, values)

    single = [item for item in items if item.kind == "single" and len(item.options) == 4]
    if len(single) >= _MEASURED:
        counts = Counter(item.right[0] for item in single)
        for place in range(4):
            if _unlikely(counts[place], len(single), 1 / 4):
                yield warning("right_place", letter="ABCD"[place], count=counts[place], all=len(single))
        longest = sum(all(len(item.options[item.right[0]]) > len(one) for one in _others(item)) for item in single)
        if longest > _LONGEST * len(single):
            yield warning("longest", count=longest, all=len(single))
    multiple = [item for item in items if item.kind == "multiple"]
    if len(multiple) >= _MEASURED:
        complete = sum(len(item.right) == len(item.options) for item in multiple)
        if complete > _ALL_RIGHT * len(multiple):
            yield warning("all_right", count=complete, all=len(multiple))
        first = Counter(place for item in multiple for place in item.right)
        expected = sum(len(item.right) / len(item.options) for item in multiple) / len(multiple)
        for place in range(4):
            if _unlikely(first[place], len(multiple), expected):
                yield warning("right_share", letter="ABCD"[place], count=first[place], all=len(multiple))
    judged = [item for item in items if item.kind == "true_false"]
    if len(judged) >= _MEASURED and _unlikely(sum(item.answer is True for item in judged), len(judged), 1 / 2):
        yield warning("truths", count=sum(item.answer is True for item in judged), all=len(judged))


def _others(item: QuizItem) -> tuple[str, ...]:
    return tuple(option for place, option in enumerate(item.options) if place not in item.right)


def _unlikely(count: int, of: int, share: float) -> bool:
    return abs(count - of * share) > _DEVIATIONS * math.sqrt(of * share * (1 - share))


def _label(number: int, regulation: Regulation) -> str:
    article = regulation.article(number)
    return article.label if article else str(number)

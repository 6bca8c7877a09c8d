"""Private practice as one message that turns its pages. Pure.

    p…  practice      pa tick or answer · ps that is all · pk do not know · pn next · pz enough · pg another round
                      pm a page of the mistakes · pb practise them

What moves a round on carries its turn: pressed twice, or too late, it moves nothing. The language of the mistakes goes
with their buttons, since their words are Chinese always.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.telegram.callbacks import pack
from bot.telegram.outgoing import Outgoing
from bot.telegram.posters import answer_line, lettered
from bot.telegram.rendering import Frame, render_article, safe
from bot.telegram.trails import Bold, Shelf
from bot.training.practice import Round, Standing, order_of
from bot.training.session import LETTERS
from knowledge.bank.items import QuizItem
from prompts import Language, Replies

TICKED: Final = "✓ "
_LANGUAGES: Final[dict[str, Language]] = {"z": "zh", "e": "en"}

Row = list[InlineKeyboardButton]


def question_page(around: Round, item: QuizItem, turn: int, say: Replies, *, again: bool, first: bool) -> Outgoing:
    """The question. `again`: it was answered wrong before; `first`: this person has never practised."""
    number, total = len(around.asked), around.scope.number
    kind = say(f"practice.kind_{item.kind}")
    head = "practice.head_again" if again else "practice.head"
    lines = [say(head, number=number, total=total, kind=kind), "", *asked(item, around.seed)]
    if hint := how_to_answer(item, say):
        lines += ["", hint]
    if first:
        lines += ["", say("practice.first_time")]
    last = [button(say("practice.give_up"), "pk", turn), button(say("practice.stop"), "pz", turn)]
    rows = [option_row(item, around.seed, around.chosen, "pa", turn, say)]
    if item.kind == "multiple":
        rows.append([button(say("practice.submit"), "ps", turn)])
    return Outgoing("\n".join(lines), keyboard_of(*rows, last))


def feedback_page(
    around: Round, item: QuizItem, turn: int, standing: Standing | None, shelf: Shelf, say: Replies, words: str = ""
) -> Outgoing:
    """Whether that was right, the answer, and the article with the words that decide; `words` were typed."""
    number, total = len(around.asked), around.scope.number
    outcome = say("practice.right" if around.outcome == "right" else "practice.wrong")
    outcome = say("practice.given_up") if around.outcome == "given_up" else outcome
    head = [say("practice.head", number=number, total=total, kind=outcome), "", *asked(item, around.seed)]
    head += ["", *answer_lines(item, around.seed, around.chosen, words, say, right=around.outcome == "right")]
    tail = [back_in(standing.due_at - standing.answered_at, say)] if standing and standing.due_at else []
    onward = button(say("practice.finish" if around.is_full else "practice.next"), "pn", turn)
    row = [onward] if around.is_full else [onward, button(say("practice.stop"), "pz", turn)]
    return Outgoing(with_article(head, item, tail, shelf, say), keyboard_of(row))


def round_page(around: Round, turn: int, wrong: int, soonest: timedelta | None, say: Replies) -> Outgoing:
    """How the round went, how many mistakes there are, and when the next of them comes back."""
    count = around.answered
    lines = [say("practice.done", count=count, right=around.right) if count else say("practice.done_none")]
    if wrong:
        lines.append(say("practice.mistakes_left", count=wrong))
    if soonest is not None:
        lines.append(say("practice.due_now") if soonest <= timedelta() else next_in(soonest, say))
    rows = [[button(say("practice.more"), "pg", turn)]]
    if wrong:
        rows.append([mistakes_button(wrong, say)])
    return Outgoing("\n".join(lines), keyboard_of(*rows))


def nothing_page(soonest: timedelta | None, say: Replies) -> Outgoing:
    """There is nothing to ask for now."""
    lines = [say("practice.nothing"), *([next_in(soonest, say)] if soonest is not None else [])]
    return Outgoing("\n".join(lines))


def mistake_page(
    found: Sequence[Standing], place: int, item: QuizItem, now: datetime, shelf: Shelf, say: Replies
) -> Outgoing:
    """One mistake with its answer and the article, and the ways to the others."""
    standing, total = found[place], len(found)
    kind = say(f"practice.kind_{item.kind}")
    head = [say("practice.mistake_head", number=place + 1, total=total, kind=kind), "", *asked(item, 0)]
    head += ["", *answer_lines(item, 0, (), "", say, right=True)]
    left = (standing.due_at or now) - now
    tail = [say("practice.due_now") if left <= timedelta() else back_in(left, say)]
    sign = "z" if say.language == "zh" else "e"
    pages = []
    if place:
        pages.append(button(f"← {place}/{total}", "pm", place - 1, sign))
    if place < total - 1:
        pages.append(button(f"{place + 2}/{total} →", "pm", place + 1, sign))
    onward = [button(say("practice.practise_mistakes"), "pb", sign)]
    return Outgoing(with_article(head, item, tail, shelf, say), keyboard_of(pages, onward))


def mistakes_button(count: int, say: Replies) -> InlineKeyboardButton:
    """To the first of the mistakes."""
    return button(say("practice.mistakes", count=count), "pm", 0, "z" if say.language == "zh" else "e")


def language_of_sign(sign: str) -> Language | None:
    """The language that a button of the mistakes carries."""
    return _LANGUAGES.get(sign)


def asked(item: QuizItem, seed: int) -> list[str]:
    """The question and its options, as they are shown."""
    options = [item.options[place] for place in order_of(item, seed)]
    return [safe(item.question), *([] if item.kind == "true_false" else lettered(options))]


def how_to_answer(item: QuizItem, say: Replies) -> str:
    """What the buttons do not say themselves."""
    if item.kind == "fill_in":
        return say("practice.type_words")
    return say("practice.tick_several") if item.kind == "multiple" else ""


def option_row(item: QuizItem, seed: int, chosen: Sequence[int], action: str, turn: int, say: Replies) -> Row:
    """A button for each option; those chosen are ticked."""
    names = list(LETTERS)
    if item.kind == "true_false":
        names = [say("practice.true"), say("practice.false")]
    return [
        button((TICKED if place in chosen else "") + name, action, turn, place)
        for name, place in zip(names, order_of(item, seed), strict=False)
    ]


def answer_lines(
    item: QuizItem, seed: int, chosen: Sequence[int], words: str, say: Replies, *, right: bool
) -> list[str]:
    """The answer, what was answered instead, and why."""
    solution = _named(item, item.right, seed, say) if item.options else item.solution[0]
    lines = [answer_line([solution], say)]
    if chosen and not right:
        lines.append(say("practice.your_choice", chosen=safe(_named(item, chosen, seed, say))))
    if words and not right:
        lines.append(say("practice.your_words", words=safe(words)))
    said = f"{item.solution[0]}。" if item.kind == "true_false" else ""  # “错。” stands above already
    return [*lines, safe(item.explanation.removeprefix(said))]


def with_article(head: Iterable[str], item: QuizItem, tail: Iterable[str], shelf: Shelf, say: Replies) -> str:
    """Lines, the article with the words that decide in bold, and lines below it."""
    regulation = shelf.principal
    articles = [article for article in map(regulation.article, item.articles) if article]
    article = next((one for one in articles if item.quote in one.text), articles[0] if articles else None)
    if article is None:
        return "\n".join([*head, *tail])
    start = article.text.find(item.quote)
    bold = Bold(start, len(item.quote)) if start >= 0 and len(item.quote) < len(article.text) else None
    return render_article(regulation, article, say, shelf, Frame(tuple(head), tuple(tail)), bold)


def back_in(left: timedelta, say: Replies) -> str:
    """When the question comes back."""
    unit, count = _measured(left)
    return say(f"practice.back_{unit}", count=count)


def next_in(left: timedelta, say: Replies) -> str:
    """When the first of the mistakes comes back."""
    unit, count = _measured(left)
    return say(f"practice.next_{unit}", count=count)


def button(text: str, action: str, *values: int | str) -> InlineKeyboardButton:
    """A button."""
    return InlineKeyboardButton(text, callback_data=pack(action, *values))


def keyboard_of(*rows: Row) -> InlineKeyboardMarkup:
    """The rows that have buttons."""
    return InlineKeyboardMarkup([row for row in rows if row])


def comma(say: Replies) -> str:
    """What stands between the things of a list."""
    return "、" if say.language == "zh" else ", "


def _named(item: QuizItem, places: Sequence[int], seed: int, say: Replies) -> str:
    """One option in words, several by their letters: they stand just above."""
    if item.kind == "true_false":
        return say("practice.true") if 0 in places else say("practice.false")
    shown = {place: LETTERS[where] for where, place in enumerate(order_of(item, seed))}
    if len(places) == 1:
        return f"{shown[places[0]]}. {item.options[places[0]]}"
    return comma(say).join(sorted(shown[place] for place in places))


def _measured(left: timedelta) -> tuple[str, int]:
    minutes = max(1, round(left.total_seconds() / 60))
    if minutes < 90:
        return "minutes", minutes
    hours = round(minutes / 60)
    return ("hours", hours) if hours < 36 else ("days", round(hours / 24))

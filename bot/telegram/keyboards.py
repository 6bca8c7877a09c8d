"""Buttons under answers, articles, contents and search results. Pure.

    a…  articles      aa one below its answer · ab back to the answer · ar the others found
                      ao the answer's buttons again · ap one by itself · ak on in private
    v…  votes         vu for · vd against · vr why
    t…  contents      tl regulations · tc chapters · tk a chapter · ta an article of it · tf a page of search results

Every button holds all that it needs, see `callbacks` and `trails`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, TypeVar

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.answering.composing import label_of
from bot.telegram.callbacks import MAX_BYTES, pack, size
from bot.telegram.trails import Found, Shelf, Trail
from knowledge.model import Article, Chapter, Regulation
from prompts import Replies

UP: Final = "👍"
DOWN: Final = "👎"
REASONS: Final = ("wrong_article", "not_answered", "not_covered", "other")
"""Why an answer is disputed: the wrong article, beside the point, the regulation does not say, something else."""
PER_ROW: Final = 4
PER_PAGE: Final = 16
REGULATIONS_PER_PAGE: Final = 8
MAX_TITLE: Final = 24
_LONG_LABEL: Final = 6

Row = list[InlineKeyboardButton]
Item = TypeVar("Item")


def answer_keyboard(trail: Trail, replies: Replies, *, group: bool) -> InlineKeyboardMarkup:
    """全文, 相关条款, 👍, 👎 and in groups 私聊细说."""
    carried = trail.encode()
    first = [_button(replies("button.whole"), "aa", place(trail.leading), carried)]
    if len(trail.found) > 1:
        first.append(_button(replies("button.related"), "ar", carried))
    second = [_button(UP, "vu", carried), _button(DOWN, "vd", carried)]
    if group:
        second.append(_button(replies("button.private"), "ak", carried))
    return InlineKeyboardMarkup([first, second])


def reasons_keyboard(trail: Trail, replies: Replies) -> InlineKeyboardMarkup:
    """Why the answer was not good, in one tap, and the way back."""
    carried = trail.encode()
    sentences = (
        replies("button.reason_article"),
        replies("button.reason_point"),
        replies("button.reason_silent"),
        replies("button.reason_other"),
    )
    buttons = [_button(sentence, "vr", place, carried) for place, sentence in enumerate(sentences)]
    return _grid(buttons, [_button(replies("button.back"), "ao", carried)], per_row=2)


def related_keyboard(trail: Trail, shelf: Shelf, replies: Replies) -> InlineKeyboardMarkup:
    """The articles found beside the leading one, and the way back."""
    carried = trail.encode()
    found = [(found, at[1]) for found in trail.found[1:] if (at := shelf.article(found.key, found.number)) is not None]
    buttons = [_button(short_label(article, replies), "aa", place(one), carried) for one, article in found]
    return _grid(buttons, [_button(replies("button.back"), "ao", carried)])


def below_keyboard(
    trail: Trail, key: str, regulation: Regulation, article: Article, replies: Replies
) -> InlineKeyboardMarkup:
    """Neighbouring articles, and the way back to the answer above."""
    carried = trail.encode()
    pages = [
        _button(text, "aa", place(Found(key, other.number)), carried)
        for text, other in _neighbours(regulation, article, replies)
    ]
    return _rows(pages, [_button(replies("button.back_to_answer"), "ab", carried)])


def article_keyboard(key: str, regulation: Regulation, article: Article, replies: Replies) -> InlineKeyboardMarkup:
    """Neighbouring articles of one that was looked up, and the contents."""
    pages = [
        _button(text, "ap", place(Found(key, other.number)))
        for text, other in _neighbours(regulation, article, replies)
    ]
    return _rows(pages, [_button(replies("button.contents"), "tc", key)])


def articles_keyboard(found: Sequence[tuple[Found, Article]], replies: Replies) -> InlineKeyboardMarkup:
    """One button for each of some articles, as many as a page holds, and the contents."""
    buttons = [_button(short_label(article, replies), "ap", place(one)) for one, article in found[:PER_PAGE]]
    return _grid(buttons, [_button(replies("button.contents"), "tc", "")])


def nearby_keyboard(nearest: Article | None, replies: Replies) -> InlineKeyboardMarkup:
    """Below an abstention: the nearest article if there is one, and what the regulation does cover."""
    look = []
    if nearest:
        look.append(
            _button(replies("button.look", label=label_of(nearest, replies)), "ap", place(Found("", nearest.number)))
        )
    return _rows([*look, _button(replies("button.contents"), "tc", "")])


def contents_keyboard(regulation: Regulation, shelf: Shelf, replies: Replies, page: int = 0) -> InlineKeyboardMarkup:
    """A regulation's chapters, a page of them, and the other regulations where there are any."""
    key = shelf.key(regulation.id)
    if not regulation.chapters:
        return chapter_keyboard(regulation, None, shelf, replies, page)
    shown, pager = _page(regulation.chapters, page, PER_PAGE // 2, "tc", key)
    rows = [
        [_button(_short(_chapter_title(chapter, replies)), "tk", key, chapter_place(regulation, chapter), 0)]
        for chapter in shown
    ]
    return _rows(*rows, pager, _others(shelf, replies))


def chapter_keyboard(
    regulation: Regulation, chapter: Chapter | None, shelf: Shelf, replies: Replies, page: int = 0
) -> InlineKeyboardMarkup:
    """A chapter's articles, a page of them; None stands for a regulation without chapters."""
    key, where = shelf.key(regulation.id), chapter_place(regulation, chapter) if chapter else 0
    shown, pager = _page(chapter.articles if chapter else regulation.articles, page, PER_PAGE, "tk", key, where)
    articles = [_button(short_label(article, replies), "ta", place(Found(key, article.number))) for article in shown]
    way_up = [_button(replies("button.contents"), "tc", key)] if chapter else _others(shelf, replies)
    return _grid(articles, pager, way_up)


def contents_article_keyboard(
    regulation: Regulation, article: Article, shelf: Shelf, replies: Replies
) -> InlineKeyboardMarkup:
    """Neighbouring articles of one reached through the contents, its chapter, and the contents."""
    key, chapter = shelf.key(regulation.id), chapter_of(regulation, article)
    where = chapter_place(regulation, chapter) if chapter else 0
    pages = [
        _button(text, "ta", place(Found(key, other.number)))
        for text, other in _neighbours(regulation, article, replies)
    ]
    page = (chapter.articles if chapter else regulation.articles).index(article) // PER_PAGE
    up = [_button(replies("button.chapter"), "tk", key, where, page)]
    return _rows(pages, [*up, _button(replies("button.contents"), "tc", key)] if chapter else up)


def regulations_keyboard(shelf: Shelf, page: int = 0) -> InlineKeyboardMarkup:
    """Every regulation of the library, a page of them."""
    shown, pager = _page(list(shelf), page, REGULATIONS_PER_PAGE, "tl")
    rows = [[_button(_short(regulation.name), "tc", shelf.key(regulation.id))] for regulation in shown]
    return _rows(*rows, pager)


def search_keyboard(
    found: Sequence[tuple[Found, Article]], words: str, page: int, pages: int, replies: Replies
) -> InlineKeyboardMarkup | None:
    """The articles of one page of search results, and the other pages; words too long for a button are left out."""
    seen = {(one.key, one.number): _button(short_label(article, replies), "ap", place(one)) for one, article in found}
    carried = words if ":" not in words and size(f"1tf:999:{words}") <= MAX_BYTES else ""
    pager = _pager(page, pages, "tf", after=(carried,))
    return _grid(list(seen.values()), pager) if seen else None


def place(found: Found) -> str:
    """An article as a button names it: 14, or k3f9a-14 in an added regulation."""
    return f"{found.key}-{found.number}" if found.key else str(found.number)


def read_place(text: str) -> Found | None:
    """What `place` wrote, or None."""
    key, _, number = text.rpartition("-")
    return Found(key, int(number)) if number.isascii() and number.isdigit() and len(number) <= 4 else None


def chapter_of(regulation: Regulation, article: Article) -> Chapter | None:
    """The chapter in which an article stands."""
    return next((chapter for chapter in regulation.chapters if article in chapter.articles), None)


def chapter_place(regulation: Regulation, chapter: Chapter) -> int:
    """Which chapter it is, from 1: numbers may begin anew in every part (编)."""
    return regulation.chapters.index(chapter) + 1


def short_label(article: Article, replies: Replies) -> str:
    """第十四条, or Art. 14 for an English reader."""
    return article.label if replies.language == "zh" else replies("button.article", number=article.number)


def _chapter_title(chapter: Chapter, replies: Replies) -> str:
    return chapter.label if replies.language == "zh" else f"{chapter.number} · {chapter.heading.title}"


def _short(title: str) -> str:
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"


def _neighbours(regulation: Regulation, article: Article, replies: Replies) -> Iterable[tuple[str, Article]]:
    if before := regulation.article(article.number - 1):
        yield f"← {short_label(before, replies)}", before
    if after := regulation.article(article.number + 1):
        yield f"{short_label(after, replies)} →", after


def _page(
    items: Sequence[Item], page: int, per_page: int, action: str, *before: str | int
) -> tuple[Sequence[Item], Row]:
    pages = max(-(-len(items) // per_page), 1)
    page = min(max(page, 0), pages - 1)
    return items[page * per_page : (page + 1) * per_page], _pager(page, pages, action, before=before)


def _pager(page: int, pages: int, action: str, *, before: Sequence[str | int] = (), after: Sequence[str] = ()) -> Row:
    row = []
    if page > 0:
        row.append(_button(f"← {page}/{pages}", action, *before, page - 1, *after))
    if page < pages - 1:
        row.append(_button(f"{page + 2}/{pages} →", action, *before, page + 1, *after))
    return row


def _others(shelf: Shelf, replies: Replies) -> Row:
    return [_button(replies("button.regulations"), "tl", 0)] if len(shelf) > 1 else []


def _button(text: str, action: str, *values: int | str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text, callback_data=pack(action, *values))


def _grid(buttons: Sequence[InlineKeyboardButton], *rows: Row, per_row: int = PER_ROW) -> InlineKeyboardMarkup:
    if any(len(button.text) > _LONG_LABEL for button in buttons):
        per_row = min(per_row, 3)
    lines = -(-len(buttons) // per_row)
    edges = [line * len(buttons) // lines for line in range(lines + 1)] if lines else []
    return _rows(*(list(buttons[start:end]) for start, end in pairwise(edges)), *rows)


def _rows(*rows: Row) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([row for row in rows if row])

"""Exact words in the texts, and what is suggested while somebody types."""

from pathlib import Path

import pytest

from bot.telegram.searching import MAX_SHOWN, excerpt, results_message
from bot.telegram.textsearch import Suggestions, TextSearch, merged
from bot.telegram.trails import Shelf
from knowledge.library import Library
from prompts import load_replies
from tests.botapi.html import parse
from tests.factories import make_library, make_regulation

ZH = load_replies()["zh"]


@pytest.fixture(scope="module")
def search(bundled_library: Library) -> TextSearch:
    return TextSearch(bundled_library)


@pytest.fixture(scope="module")
def suggestions(bundled_library: Library) -> Suggestions:
    return Suggestions(bundled_library)


def test_every_clause_with_the_words_is_found_in_order(search: TextSearch, bundled_library: Library) -> None:
    hits = search.find("网络")
    expected = [
        (article.number, clause.text)
        for article in bundled_library.principal.articles
        for clause in article.clauses
        if "网络" in clause.text
    ]
    assert [(hit.article.number, hit.clause.text) for hit in hits] == expected
    assert len(expected) > 20
    assert all(hit.clause.text[start:end] == "网络" for hit in hits for start, end in hit.spans)


@pytest.mark.parametrize("words", ["直播打赏", "直播 打赏", "“直播打赏”", " 直播打賞 ", "直播打赏\u200b"])
def test_widths_forms_and_quotes_are_no_difference(search: TextSearch, words: str) -> None:
    assert [hit.article.number for hit in search.find(words)] == [17]


def test_several_words_must_all_stand_in_one_article(search: TextSearch) -> None:
    assert [hit.article.number for hit in search.find("谣言 诬告")] == [12]
    assert search.find("谣言 打赏") == []


@pytest.mark.parametrize("words", ["", "   ", "翻墙", "<b>", "“”", "\x00", "😀" * 64, "\u202e"])
def test_words_that_stand_nowhere_find_nothing(search: TextSearch, words: str) -> None:
    assert search.find(words) == []


def test_the_principal_regulation_comes_first_and_others_are_named(bundled_library: Library, tmp_path: Path) -> None:
    other = make_regulation(tmp_path, title="另一规定")
    both = Library((bundled_library.principal, other))
    hits = TextSearch(both).find("境外的网站")
    assert [hit.regulation.title for hit in hits] == [bundled_library.principal.title, "另一规定"]
    message = parse(results_message(hits, "境外的网站", 0, Shelf(both), ZH).html)
    assert "〔第十四条〕" in message.text
    assert "〔《另一规定》第二条〕" in message.text


def test_hits_are_bold_and_long_clauses_are_cut_around_them(search: TextSearch) -> None:
    (hit,) = search.find("妄议")
    shown = excerpt(hit.clause.text, hit.spans)
    assert "<b>妄议</b>" in shown
    assert shown.startswith("……")
    assert shown.endswith("……")
    assert len(parse(shown).text) <= MAX_SHOWN + 4


def test_markup_in_the_words_stays_text(bundled_library: Library) -> None:
    outgoing = results_message([], "<b>&\u202e</b>", 0, Shelf(bundled_library), ZH)
    assert "“<b>&</b>”" in parse(outgoing.html).text
    assert parse(outgoing.html).entities == []


def test_pages_cover_all_hits_and_never_run_over(search: TextSearch, bundled_library: Library) -> None:
    hits, shelf = search.find("党员"), Shelf(bundled_library)
    pages = [results_message(hits, "党员", page, shelf, ZH).html for page in range(-(-len(hits) // 5))]
    assert sum(page.count("〔") for page in pages) == len(hits)
    assert results_message(hits, "党员", 99, shelf, ZH).html == pages[-1]
    assert results_message(hits, "党员", -5, shelf, ZH).html == pages[0]


def test_spans_that_overlap_are_one() -> None:
    assert merged([(3, 5), (0, 2), (4, 8), (2, 3)]) == [(0, 8)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [("14", 14), ("第十四条", 14), ("十四", 14), ("直播打赏", 17), ("翻墙", 14), ("vpn", 14), ("举报", 21)],
)
def test_what_is_typed_suggests_its_article(suggestions: Suggestions, typed: str, first: int) -> None:
    found = suggestions.find(typed, 20)
    assert found[0].number == first
    assert len({article.number for article in found}) == len(found) <= 20


@pytest.mark.parametrize("typed", ["", "😀", "第九十九条", "zzz", "<b>"])
def test_what_means_nothing_suggests_nothing(suggestions: Suggestions, typed: str) -> None:
    assert suggestions.find(typed, 20) == []


def test_a_regulation_without_a_lexicon_suggests_too(tmp_path: Path) -> None:
    assert [article.number for article in Suggestions(make_library(tmp_path)).find("境外", 5)] == [2]

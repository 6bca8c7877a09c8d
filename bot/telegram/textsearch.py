"""Words -> the clauses in which they stand, with the places to set in bold. Exact words, no model. Pure.

Widths, case, traditional characters and white space are no difference; everything else must stand there to the letter.
Several words, divided by spaces, must all stand in one article.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from knowledge.lexical import LexicalIndex
from knowledge.lexicon import Lexicon
from knowledge.library import Library, bundled_folder
from knowledge.model import Article, Clause, Regulation
from knowledge.normalising import normalise
from knowledge.routing import route

MAX_WORDS: Final = 8
_QUOTES: Final = str.maketrans(dict.fromkeys("“”‘’「」『』\"'", " "))
"""Marks that people put around the words they look for."""

_WORTH_SUGGESTING: Final = 1.0
_BESIDE_THE_BEST: Final = 0.3

Span = tuple[int, int]
"""Where words stand in a clause: from, to."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A clause in which words stand, and where in it."""

    regulation: Regulation
    article: Article
    clause: Clause
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Folded:
    """A clause as it is compared, with the place of each character in the original."""

    regulation: Regulation
    article: Article
    clause: Clause
    text: str
    places: tuple[int, ...]


class TextSearch:
    """Searches the texts of a library; everything is folded once, when it is made."""

    def __init__(self, library: Library) -> None:
        self._clauses = [
            _fold_clause(regulation, article, clause)
            for regulation in library
            for article in regulation.articles
            for clause in article.clauses
        ]

    def find(self, words: str) -> list[Hit]:
        """The clauses with these words, in the order of the texts, the principal regulation first."""
        wanted = fold_words(words)
        if not wanted:
            return []
        standing: dict[tuple[str, int], set[str]] = {}
        for folded in self._clauses:
            found = {word for word in wanted if word in folded.text}
            standing.setdefault((folded.regulation.id, folded.article.number), set()).update(found)
        return [
            Hit(folded.regulation, folded.article, folded.clause, spans)
            for folded in self._clauses
            if standing[folded.regulation.id, folded.article.number] == wanted
            and (spans := tuple(_spans(folded, wanted)))
        ]


class Suggestions:
    """What of the principal regulation may be meant by words that are still being typed: no model, no waiting.

    By number, then by exact words, then by the lexicon's everyday words, then by shared characters.
    """

    def __init__(self, library: Library) -> None:
        self._regulation = library.principal
        self._search = TextSearch(Library((library.principal,)))
        self._lexicon = Lexicon.read(bundled_folder() / self._regulation.id / "aliases.toml", self._regulation)
        self._lexicon.warm_up()
        self._lexical = LexicalIndex.build([article.text for article in self._regulation.articles])

    def find(self, query: str, limit: int) -> list[Article]:
        """At most so many articles, the likeliest first."""
        words = normalise(query)
        decision = route(words, self._regulation)
        if decision.lookup and (decision.lookup.articles or decision.lookup.missing):
            return self._articles(decision.lookup.articles, limit)
        numbers = [*decision.mention.articles]
        numbers += [hit.article.number for hit in self._search.find(query)]
        numbers += [number for alias in self._lexicon.find(words).aliases for number in alias.articles]
        if len(words) > 1:
            scores = self._lexical.scores(words)
            order = sorted(range(len(scores)), key=lambda place: -scores[place])
            least = max(_WORTH_SUGGESTING, _BESIDE_THE_BEST * float(scores.max()))
            numbers += [self._regulation.articles[place].number for place in order if scores[place] >= least]
        return self._articles(numbers, limit)

    def _articles(self, numbers: Sequence[int], limit: int) -> list[Article]:
        articles = [article for number in dict.fromkeys(numbers) if (article := self._regulation.article(number))]
        return articles[:limit]


def fold_words(words: str) -> set[str]:
    """The words as they are compared."""
    plain = normalise(words.translate(_QUOTES)).split()[:MAX_WORDS]
    return {folded for word in plain if (folded := "".join(_fold(word)[0]))}


def merged(spans: Sequence[Span]) -> list[Span]:
    """The same places in order, without overlaps."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _fold_clause(regulation: Regulation, article: Article, clause: Clause) -> _Folded:
    characters, places = _fold(clause.text)
    return _Folded(regulation, article, clause, "".join(characters), tuple(places))


def _fold(text: str) -> tuple[list[str], list[int]]:
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for folded in _fold_character(character):
            characters.append(folded)
            places.append(place)
    return characters, places


@cache
def _fold_character(character: str) -> str:
    return "".join(normalise(character).split())


def _spans(folded: _Folded, wanted: set[str]) -> Iterator[Span]:
    spans = []
    for word in wanted:
        start = folded.text.find(word)
        while start >= 0:
            spans.append((folded.places[start], folded.places[start + len(word) - 1] + 1))
            start = folded.text.find(word, start + 1)
    yield from merged(spans)

"""The regulation's own lexicon: everyday words -> its articles and their words; terms that mark a neighbouring subject.

`aliases.toml` beside a regulation's text holds both, each entry with a reason. Matching is by substring in normalised
text; a term in Latin letters matches whole words only.
"""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from knowledge.errors import ReadingError
from knowledge.model import Regulation
from knowledge.normalising import normalise_all
from knowledge.repair import wording

_FORM: Final = "[[alias]] with terms, means, articles, reason; [[neighbour]] with terms, subject, reason"


@dataclass(frozen=True, slots=True)
class Alias:
    """Everyday terms for something the regulation names otherwise: where it stands, and in which words."""

    terms: tuple[str, ...]
    means: tuple[str, ...]
    articles: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Terms of a subject that the regulation does not cover; `speaks` is the text that does, where that is certain."""

    terms: tuple[str, ...]
    subject: str
    speaks: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What of the lexicon stands in a query, the longest terms first."""

    aliases: tuple[Alias, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Lexicon:
    """All aliases and neighbours of one regulation."""

    aliases: tuple[Alias, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    @classmethod
    def read(cls, path: Path, regulation: Regulation) -> Self:
        """Read `aliases.toml`; a regulation without one has an empty lexicon.

        Raises:
            ReadingError: the file is malformed, names an article that does not exist, or words that do not stand there.
        """
        if not path.is_file():
            return cls()
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise ReadingError(path, None, f"malformed TOML ({exc})", _FORM) from exc
        try:
            return cls._of(entries, path, regulation)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ReadingError(path, None, f"an entry lacks or misstates {exc}", _FORM) from exc

    @classmethod
    def _of(cls, entries: dict[str, Any], path: Path, regulation: Regulation) -> Self:
        return cls(
            tuple(_alias(entry, path, regulation) for entry in entries.get("alias", ())),
            tuple(
                Neighbour(_terms(entry), str(entry["subject"]), str(entry.get("speaks", "")), str(entry["reason"]))
                for entry in entries.get("neighbour", ())
            ),
        )

    def find(self, query: str) -> Found:
        """The entries whose terms stand in a normalised query; a term within a longer match is passed over."""
        covered = [False] * len(query)
        found: dict[int, Alias | Neighbour] = {}
        matches = [
            (len(term), place, entry)
            for place in range(len(query) - 1)
            for term, entry in self._by_beginning.get(query[place : place + 2], ())
            if query.startswith(term, place) and _stands_alone(query, place, place + len(term))
        ]
        for length, place, entry in sorted(matches, key=lambda match: (-match[0], match[1])):
            if not all(covered[place : place + length]):
                covered[place : place + length] = [True] * length
                found.setdefault(id(entry), entry)
        return Found(
            tuple(entry for entry in found.values() if isinstance(entry, Alias)),
            tuple(entry for entry in found.values() if isinstance(entry, Neighbour)),
        )

    def warm_up(self) -> None:
        """Sort the terms now, rather than at the first question."""
        _ = self._by_beginning

    @cached_property
    def _by_beginning(self) -> dict[str, list[tuple[str, Alias | Neighbour]]]:
        """Every term with its entry, by its first two characters."""
        terms: dict[str, list[tuple[str, Alias | Neighbour]]] = {}
        entries: list[Alias | Neighbour] = [*self.aliases, *self.neighbours]
        for entry in entries:
            for term in entry.terms:
                terms.setdefault(term[:2], []).append((term, entry))
        return terms


def _stands_alone(query: str, start: int, end: int) -> bool:
    """Whether a term in Latin letters is a whole word there; other terms may stand anywhere."""
    if not query[start:end].isascii():
        return True
    before, after = query[start - 1 : start], query[end : end + 1]
    return not any(edge.isascii() and edge.isalnum() for edge in (before, after) if edge)


def _terms(entry: dict[str, Any]) -> tuple[str, ...]:
    terms = tuple(dict.fromkeys(normalise_all(entry["terms"])))
    if any(len(term) < 2 for term in terms):
        raise ValueError("a term of one character: it would stand in half of all questions")
    return terms


def _alias(entry: dict[str, Any], path: Path, regulation: Regulation) -> Alias:
    alias = Alias(
        _terms(entry),
        tuple(map(str, entry.get("means", ()))),
        tuple(map(int, entry["articles"])),
        str(entry["reason"]),
    )
    texts = []
    for number in alias.articles:
        article = regulation.article(number)
        if article is None:
            raise ReadingError(path, None, f"{alias.terms[0]}: article {number}", f"1 to {regulation.last}")
        texts.append(wording(article.text))
    for words in alias.means:
        if not any(wording(words) in text for text in texts):
            raise ReadingError(
                path, None, f"{alias.terms[0]}: {words} stands in none of its articles", "verbatim words"
            )
    return alias

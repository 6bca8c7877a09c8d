"""The regulation's own lexicon: everyday words -> its articles and their words; terms that mark a neighbouring subject.

`aliases.toml` beside a regulation's text holds both, each entry with a reason. Matching is by substring in normalised
text; a term in Latin letters matches whole words only.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from knowledge.errors import ReadingError
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.repair import wording


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
            raise ReadingError(path, None, f"malformed TOML ({exc})", "[[alias]] and [[neighbour]] tables") from exc
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
        for term, entry in self._terms:
            for start in term.places(query):
                if not all(covered[start : start + len(term.text)]):
                    covered[start : start + len(term.text)] = [True] * len(term.text)
                    found.setdefault(id(entry), entry)
        return Found(
            tuple(entry for entry in found.values() if isinstance(entry, Alias)),
            tuple(entry for entry in found.values() if isinstance(entry, Neighbour)),
        )

    @cached_property
    def _terms(self) -> "list[tuple[_Term, Alias | Neighbour]]":
        """Every term with its entry, the longest first."""
        entries: list[Alias | Neighbour] = [*self.aliases, *self.neighbours]
        terms = [(_Term.of(term), entry) for entry in entries for term in entry.terms]
        return sorted(terms, key=lambda pair: -len(pair[0].text))


@dataclass(frozen=True, slots=True)
class _Term:
    text: str
    word: re.Pattern[str] | None

    @classmethod
    def of(cls, term: str) -> "_Term":
        latin = re.fullmatch(r"[a-z0-9 .'+-]+", term)
        return cls(term, re.compile(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])") if latin else None)

    def places(self, query: str) -> list[int]:
        """Where the term begins in a query."""
        if self.text not in query:
            return []
        if self.word:
            return [match.start() for match in self.word.finditer(query)]
        return [place for place in range(len(query)) if query.startswith(self.text, place)]


def _terms(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(normalise(str(term)) for term in entry["terms"]))


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

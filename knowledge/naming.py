"""Which regulation of the library a question names: 《…》, a title or a short name, an edition where one is asked for.

A name alone is not enough (“会不会按处分条例处理” is about the conduct): without 《》 or an article's number beside it,
the words around it must ask what stands in that regulation.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from knowledge.errors import ReadingError
from knowledge.library import Library, bundled_folder
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.repair import wording

SHORT_NAMES: Final = "short_names.toml"
_PREFIX = re.compile(r"^(?:中国共产党|中华人民共和国)")
_SUFFIX = re.compile(r"\([^()]*\)$")
_SHORTEST: Final = 3
_YEAR: Final = r"(?:(?P<year>(?:19|20)\d\d)年?)"
_OLD: Final = r"(?P<old>旧版|老版|旧的|老的|以前的|原来的|上一版|修订前)"
_BEFORE: Final = rf"(?:(?:{_YEAR}|{_OLD})(?:版|修订)?的?)?(?P<open>《)?"
_AFTER: Final = rf"(?P<close>》)?(?:\(?{_YEAR.replace('year', 'later')}(?:版|修订版?)?\)?)?(?P<rest>.{{0,8}})"
_ASKS = re.compile(
    r"^\W*(?:第|里|里面|里头|中(?!国)|上(?!网)|当中|对|关于|有没有|有(?:多少|几|哪)|(?:一共|总共)|怎么(?:说|写|规定|讲)|如何规定|规定|写|讲|说|"
    r"(?:的)?(?:第|内容|原文|条文|目录|规定|要求)|是(?:什么时候|哪年|何时|谁)|多少条|几条|几章|目录|原文)"
)
_LOOKED_UP = re.compile(r"(?:查|查查|查一下|翻翻|看|看看|看一下|问|问问)\W*$")


@dataclass(frozen=True, slots=True)
class Named:
    """A regulation that a question names, and the words that name it."""

    regulation: Regulation
    words: str


class Names:
    """The names of a library's regulations beside the principal one; several editions of one title share them."""

    def __init__(self, library: Library, short_names: dict[str, tuple[str, ...]] | None = None) -> None:
        listed = read_short_names(bundled_folder() / SHORT_NAMES) if short_names is None else short_names
        self._editions: dict[str, list[Regulation]] = {}
        for regulation in library.regulations[1:]:
            for name in _names(regulation, listed):
                self._editions.setdefault(name, []).append(regulation)
        for editions in self._editions.values():
            editions.sort(key=_age, reverse=True)

    def __contains__(self, name: str) -> bool:
        """Whether one of the library's regulations beside the principal one bears that normalised name."""
        return name in self._editions

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        names = "|".join(map(re.escape, sorted(self._editions, key=len, reverse=True)))
        return re.compile(f"{_BEFORE}(?P<name>{names}){_AFTER}")

    def find(self, query: str) -> Named | None:
        """The regulation beside the principal one that a normalised question asks about by name, or None.

        Of several editions it is the newest, unless a year or 旧版 asks for another.
        """
        if not self._editions:
            return None
        for match in self._pattern.finditer(query):
            if match["open"] or _ASKS.match(match["rest"]) or _LOOKED_UP.search(query[: match.start()]):
                words = match[0].removesuffix(match["rest"])
                return Named(_edition(self._editions[match["name"]], match), words)
        return None


def _edition(editions: list[Regulation], match: re.Match[str]) -> Regulation:
    year = match["year"] or match["later"]
    if year:
        return next((edition for edition in editions if year in _age(edition)), editions[0])
    return editions[min(1, len(editions) - 1)] if match["old"] else editions[0]


def _age(regulation: Regulation) -> tuple[str, str]:
    """Sorts editions of one title; both parts begin with a year."""
    promulgated = regulation.promulgated_on
    return regulation.edition, str(promulgated.year) if promulgated else ""


def superseded(library: Library) -> frozenset[str]:
    """Ids of regulations of which the library holds a newer edition."""
    newest: dict[str, Regulation] = {}
    for regulation in library:
        title = wording(regulation.title)
        if title not in newest or _age(regulation) > _age(newest[title]):
            newest[title] = regulation
    return frozenset(regulation.id for regulation in library if newest[wording(regulation.title)] is not regulation)


def _names(regulation: Regulation, listed: dict[str, tuple[str, ...]]) -> Iterator[str]:
    title = wording(regulation.title)
    bare = _SUFFIX.sub("", title)
    every = [title, bare, _PREFIX.sub("", bare), *regulation.aliases, *listed.get(title, ()), *listed.get(bare, ())]
    for name in dict.fromkeys(map(normalise, every)):
        if len(name) >= _SHORTEST or name in listed.get(title, ()):
            yield name


def read_short_names(path: Path) -> dict[str, tuple[str, ...]]:
    """Short names by title.

    Raises:
        ReadingError: the file is missing or malformed.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return {wording(title): tuple(map(str, names)) for title, names in table.items()}
    except (OSError, ValueError, TypeError) as exc:
        raise ReadingError(path, None, "missing or malformed", 'a TOML file of "title" = ["short name"]') from exc

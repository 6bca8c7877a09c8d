"""Every sentence that a model or a person reads, as files; checked before the house opens.

    replies.zh.toml  replies.en.toml    the same keys, each with the same placeholders
    answer material repair rewrite items … .zh.md .en.md    what a language model is told, see INSTRUCTIONS

A sentence with a wrong placeholder, or a key that one language lacks, refuses to start.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, Final, Literal

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


INSTRUCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "answer": frozenset(),
    "items": frozenset(),
    "items_material": frozenset(("fence", "label", "article", "known", "number")),
    "items_repair": frozenset(("fence", "label", "article", "faults")),
    "material": frozenset(("fence", "evidence", "question")),
    "repair": frozenset(("fence", "evidence", "question", "faults")),
    "rewrite": frozenset(("fence", "turns", "question")),
}
"""The files that a language model reads, and the placeholders that each must have."""


class PromptError(Exception):
    """A sentence file is missing, malformed, or differs from its twin; the text says where."""


class Replies:
    """The sentences of one language, by dotted key."""

    def __init__(self, language: Language, sentences: Mapping[str, str]) -> None:
        self.language = language
        self._sentences = dict(sentences)

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence of that key with its placeholders filled.

        Raises:
            PromptError: there is no such key, or a value is lacking.
        """
        try:
            return self._sentences[key].format(**values)
        except KeyError as exc:
            raise PromptError(f"replies.{self.language}.toml: {key}: lacks {exc}") from exc

    def placeholders(self) -> dict[str, frozenset[str]]:
        """The names in braces of every sentence, by key."""
        return {key: placeholders(sentence) for key, sentence in self._sentences.items()}


def placeholders(sentence: str) -> frozenset[str]:
    """The names in braces of one sentence.

    Raises:
        PromptError: its braces do not match, or one holds no name.
    """
    try:
        names = frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)
    except ValueError as exc:
        raise PromptError(f"{sentence!r}: {exc}") from exc
    for name in names:
        if not name.isidentifier():
            raise PromptError(f"{sentence!r}: {{{name}}} is no name")
    return names


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            flat[prefix + key] = value.strip("\n")
        else:
            raise PromptError(f"{prefix}{key}: a sentence is a string")
    return flat


def read_replies(language: Language) -> Replies:
    """Read one language's file.

    Raises:
        PromptError: it is missing or malformed.
    """
    name = f"replies.{language}.toml"
    try:
        table = tomllib.loads(resources.files("prompts").joinpath(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise PromptError(f"{name}: missing or malformed ({exc})") from exc
    return Replies(language, _flatten(table))


@cache
def load_replies() -> Mapping[Language, Replies]:
    """All languages, checked against one another.

    Raises:
        PromptError: they differ in keys or placeholders.
    """
    replies: dict[Language, Replies] = {language: read_replies(language) for language in LANGUAGES}
    first = replies[LANGUAGES[0]].placeholders()
    for language in LANGUAGES[1:]:
        other = replies[language].placeholders()
        for key in sorted(first.keys() ^ other.keys()):
            raise PromptError(f"{key} stands in one language only (checked: {', '.join(LANGUAGES)})")
        for key, names in first.items():
            if names != other[key]:
                raise PromptError(f"{key}: placeholders differ: {sorted(names)} and {sorted(other[key])}")
    return replies


class Instructions:
    """What a language model is told in one language, by file name; `version` changes with any character of it."""

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = dict(texts)
        told = "\0".join(f"{name}\0{self._texts[name]}" for name in sorted(self._texts))
        self.version = hashlib.sha256(told.encode()).hexdigest()[:12]

    def __call__(self, name: str, /, **values: str) -> str:
        """The text of that file with its placeholders filled."""
        return self._texts[name].format(**values)


def read_instructions(language: Language) -> Instructions:
    """Read one language's files.

    Raises:
        PromptError: one is missing, or its placeholders are not those of INSTRUCTIONS.
    """
    texts = {}
    for name, wanted in INSTRUCTIONS.items():
        file = f"{name}.{language}.md"
        try:
            texts[name] = resources.files("prompts").joinpath(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as exc:
            raise PromptError(f"{file}: missing or malformed ({exc})") from exc
        found = placeholders(texts[name])
        if found != wanted:
            raise PromptError(f"{file}: placeholders are {sorted(found)}, not {sorted(wanted)}")
    return Instructions(language, texts)


@cache
def load_instructions() -> Mapping[Language, Instructions]:
    """All languages.

    Raises:
        PromptError: a file is missing, or has other placeholders than it must.
    """
    return {language: read_instructions(language) for language in LANGUAGES}

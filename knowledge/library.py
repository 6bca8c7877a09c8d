"""The regulations at hand: the bundled ones and those a person has added.

Bundled regulations are folders under `knowledge/regulations`; added ones are single files under `<data>/library`,
copies of what was given to `wanggui index`.
"""

import hashlib
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path

from knowledge.errors import IndexingError, ReadingError
from knowledge.model import Article, Regulation
from knowledge.reading import SUFFIXES, read_regulation


@dataclass(frozen=True)
class Library:
    """The regulations at hand; the first is the principal one: questions are about it unless they name another."""

    regulations: tuple[Regulation, ...]

    @property
    def principal(self) -> Regulation:
        """The regulation that the product is about."""
        return self.regulations[0]

    def __iter__(self) -> Iterator[Regulation]:
        return iter(self.regulations)

    @cached_property
    def _articles(self) -> dict[str, tuple[Regulation, Article]]:
        return {
            regulation.article_id(article.number): (regulation, article)
            for regulation in self.regulations
            for article in regulation.articles
        }

    @property
    def article_ids(self) -> tuple[str, ...]:
        """Ids of all articles, in the order of the text."""
        return tuple(self._articles)

    def __len__(self) -> int:
        return len(self._articles)

    def __getitem__(self, article_id: str) -> tuple[Regulation, Article]:
        return self._articles[article_id]


def bundled_folder() -> Path:
    """Where the regulations that ship with wanggui lie."""
    return Path(str(resources.files("knowledge"))) / "regulations"


def read_bundled(folder: Path) -> Regulation:
    """Read one bundled folder: `text.txt` and `meta.toml`.

    Raises:
        ReadingError: either is missing or malformed.
    """
    meta_path = folder / "meta.toml"
    try:
        meta = tomllib.loads(meta_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ReadingError(meta_path, None, "missing or malformed", "a TOML file with id and short_names") from exc
    try:
        regulation_id, names = str(meta["id"]), tuple(map(str, meta.get("short_names", ())))
        roles = tuple((str(role), int(number)) for role, number in meta.get("roles", {}).items())
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise ReadingError(meta_path, None, f"it lacks or misstates {exc}", "id, short_names and [roles]") from exc
    regulation = read_regulation(folder / "text.txt", regulation_id=regulation_id)
    for role, number in roles:
        if regulation.article(number) is None:
            raise ReadingError(meta_path, None, f"{role} = {number}", f"an article from 1 to {regulation.last}")
    return replace(regulation, aliases=names, roles=roles)


def load_library(added_folder: Path | None = None) -> Library:
    """Read the bundled regulations and those in `added_folder`, if it exists.

    Raises:
        ReadingError: one of them cannot be read, or two have the same title and edition.
    """
    regulations = [read_bundled(folder) for folder in sorted(bundled_folder().iterdir()) if folder.is_dir()]
    if added_folder and added_folder.is_dir():
        for path in sorted(added_folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                regulations.append(read_regulation(path))
    seen: dict[str, Regulation] = {}
    for regulation in regulations:
        if regulation.name in seen:
            raise ReadingError(
                added_folder or bundled_folder(), None, f"《{regulation.name}》 is there twice", "each regulation once"
            )
        seen[regulation.name] = regulation
    return Library(tuple(regulations))


@contextmanager
def adding(paths: Iterable[Path], folder: Path) -> Iterator[tuple[Regulation, ...]]:
    """Copy files into the library once all have been read; undo it if the block fails.

    A copy of a regulation that is already there replaces it.

    Raises:
        ReadingError: one of the files cannot be read; then none is added.
        IndexingError: the library's folder cannot be written.
    """
    read = [(path, read_regulation(path)) for path in paths]
    bundled = {regulation.name for regulation in load_library()}
    for path, regulation in read:
        if regulation.name in bundled:
            raise ReadingError(path, None, f"《{regulation.name}》 ships with wanggui", "another regulation")
    if not read:
        yield ()
        return
    before = folder.with_name(f".{folder.name}-before")
    try:
        shutil.rmtree(before, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, before)
    except OSError as exc:
        raise IndexingError(f"{folder}: cannot be written ({exc.strerror}); the library is unchanged") from exc
    try:
        for path, regulation in read:
            _copy_whole(path, folder / f"{_file_name(regulation)}{path.suffix.lower()}")
        yield tuple(regulation for _, regulation in read)
    except BaseException as exc:
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(before, folder)
        if isinstance(exc, OSError):
            raise IndexingError(f"{folder}: cannot be written ({exc.strerror}); the library is unchanged") from exc
        raise
    shutil.rmtree(before, ignore_errors=True)


def _file_name(regulation: Regulation) -> str:
    """The title as far as file systems can carry it, and enough of a digest to keep titles apart."""
    plain = re.sub(r"[^\w（）() -]", "_", regulation.id)[:50]
    return plain if plain == regulation.id else f"{plain}-{hashlib.sha256(regulation.id.encode()).hexdigest()[:8]}"


def _copy_whole(source: Path, target: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".adding-")
    os.close(handle)
    try:
        shutil.copyfile(source, name)
        for twin in target.parent.glob(f"{target.stem}.*"):
            if twin != target and not twin.name.startswith("."):
                twin.unlink()
        os.replace(name, target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

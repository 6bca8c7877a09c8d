"""One form for every query and every indexed text: half width, lower case, simplified characters."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from knowledge.repair import tidy

_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")


@cache
def _converter() -> Any:
    import opencc  # 10 ms: only where traditional characters may stand

    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Traditional characters -> simplified, one by one; simplified text stays.

    Words are not exchanged (網路 -> 网路, which the lexicon knows): OpenCC's phrase tables also rewrite mainland words,
    建立 into 创建 among them.
    """
    return str(_converter().convert(text))


def normalise(text: str) -> str:
    """The form that is searched: NFKC, lower case, simplified characters, single spaces, nothing invisible."""
    paired = text.translate(_CONTROLS).encode("utf-8", "ignore").decode("utf-8")  # lone surrogates go
    folded = tidy(unicodedata.normalize("NFKC", paired)).casefold()
    return " ".join(simplify(folded).split())


def normalise_all(texts: Iterable[str]) -> list[str]:
    """Many short texts at once: what is plain already is not converted one by one."""
    return [text if text.isascii() and text.islower() else normalise(text) for text in map(str, texts)]

"""One form for every query and every indexed text: half width, lower case, simplified characters."""

import unicodedata
from functools import cache
from typing import Any

from knowledge.repair import tidy


@cache
def _converter() -> Any:
    import opencc  # 10 ms: only where traditional characters may stand

    return opencc.OpenCC("tw2sp")


def simplify(text: str) -> str:
    """Traditional characters and Taiwan's words -> mainland simplified (影片 -> 视频); simplified text stays."""
    return str(_converter().convert(text))


def normalise(text: str) -> str:
    """The form that is searched: NFKC, lower case, simplified characters, single spaces, nothing invisible."""
    folded = tidy(unicodedata.normalize("NFKC", text)).replace("\n", " ").casefold()
    folded = "".join(character for character in folded if character == "\t" or unicodedata.category(character) != "Cs")
    return " ".join(simplify(folded).split())

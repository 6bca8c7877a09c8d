"""The questions that every side of a benchmark answers, in order."""

import json
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).parents[1] / "evaluation" / "dev" / "queries.jsonl"


def questions(limit: int = 120) -> list[str]:
    """The first development questions."""
    return [json.loads(line)["text"] for line in _FILE.read_text(encoding="utf-8").splitlines()[:limit]]

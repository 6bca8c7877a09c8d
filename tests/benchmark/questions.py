"""The questions that every side of a benchmark answers, in order."""

import json
from pathlib import Path
from typing import Final

SHORT: Final = 16
"""Characters up to which a question counts as short: what is typed on a phone in one go."""
_FILE: Final = Path(__file__).parents[1] / "evaluation" / "dev" / "queries.jsonl"


def questions() -> list[str]:
    """Every third development question: all styles, and those that the regulation does not answer."""
    return [json.loads(line)["text"] for line in _FILE.read_text(encoding="utf-8").splitlines()[::3]]

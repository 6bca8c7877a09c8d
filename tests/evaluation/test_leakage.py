"""No question of the evaluation sets, nor a near-copy of one, stands in what the system was built from."""

import json
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest

from knowledge.exemplars import read_exemplars
from knowledge.lexicon import Lexicon
from knowledge.library import bundled_folder, load_library
from knowledge.normalising import normalise

FOLDER = Path(__file__).parent
SETS = ("dev", "dev_second", "dev_third", "test", "test_second")
NEAR = 0.86
"""Share of matching characters from which two questions of some length count as copies."""


def bigrams(text: str) -> set[str]:
    return {text[place : place + 2] for place in range(len(text) - 1)}


@pytest.fixture(scope="module")
def known() -> list[tuple[str, set[str]]]:
    regulation = load_library().principal
    folder = bundled_folder() / regulation.id
    texts = [exemplar.question for exemplar in read_exemplars(folder / "questions.jsonl", regulation)]
    texts += [term for alias in Lexicon.read(folder / "aliases.toml", regulation).aliases for term in alias.terms]
    return [(text, bigrams(text)) for text in map(normalise, texts)]


@pytest.mark.parametrize("name", SETS)
def test_no_question_is_a_near_copy_of_what_the_system_learned_from(
    name: str, known: list[tuple[str, set[str]]]
) -> None:
    lines = (FOLDER / name / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [normalise(entry["text"]) for line in lines if "group" not in (entry := json.loads(line))["metadata"]]
    queries = [query for query in queries if len(query) >= 8]  # shorter ones are words, not sentences
    assert len(queries) > 150
    copies = []
    for query in queries:
        own = bigrams(query)
        for text, theirs in known:
            if len(own & theirs) > 0.6 * max(len(own), len(theirs)):
                likeness = SequenceMatcher(None, query, text, autojunk=False).ratio()
                if likeness >= NEAR:
                    copies.append((query, text, round(likeness, 2)))
    assert copies == []


def test_the_sets_were_written_apart() -> None:
    texts = [
        {normalise(json.loads(line)["text"]) for line in (FOLDER / name / "queries.jsonl").open(encoding="utf-8")}
        for name in SETS
    ]
    for one, other in combinations(texts, 2):
        assert {text for text in one & other if len(text) >= 8} == set()

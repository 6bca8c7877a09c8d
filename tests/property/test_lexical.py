"""BM25 once more, written out plainly and slowly: both must agree."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from knowledge.lexical import LexicalIndex
from knowledge.normalising import normalise

K1, B = 1.5, 0.75

texts = st.text(alphabet="党员网络不得，。 vpnA1", max_size=24)
corpora = st.lists(texts, min_size=1, max_size=8)


def terms(text: str) -> list[str]:
    """Every Han character, every two that stand together, every run of Latin letters and digits."""
    found: list[str] = []
    for run in re.findall(r"[\u4e00-\u9fff]+|[a-z0-9]+", text):
        if run.isascii():
            found.append(f"word {run}")
        else:
            found += [*run, *(run[place : place + 2] for place in range(len(run) - 1))]
    return found


def okapi(documents: Sequence[str], query: str) -> list[float]:
    """Robertson and Zaragoza (2009), with Lucene's idf, which is never negative."""
    counted = [Counter(terms(normalise(text))) for text in documents]
    mean = sum(counts.total() for counts in counted) / len(counted)
    scores = []
    for counts in counted:
        score = 0.0
        for term in set(terms(query)):
            containing = sum(term in other for other in counted)
            if counts[term]:
                idf = math.log(1 + (len(counted) - containing + 0.5) / (containing + 0.5))
                norm = K1 * (1 - B + B * counts.total() / mean)
                score += idf * counts[term] * (K1 + 1) / (counts[term] + norm)
        scores.append(score)
    return scores


@settings(max_examples=300, deadline=None)
@given(documents=corpora, query=texts)
def test_it_agrees_with_the_plain_formula(documents: list[str], query: str) -> None:
    assume(sum(len(terms(normalise(text))) for text in documents) >= len(documents))
    query = normalise(query)
    scores = LexicalIndex.build(documents).scores(query)
    np.testing.assert_allclose(scores, okapi(documents, query), rtol=1e-4, atol=1e-5)


@settings(deadline=None)
@given(documents=corpora, query=texts)
def test_scores_are_finite_and_zero_where_nothing_is_shared(documents: list[str], query: str) -> None:
    query = normalise(query)
    scores = LexicalIndex.build(documents).scores(query)
    shared = [bool(set(terms(query)) & set(terms(normalise(text)))) for text in documents]
    assert np.isfinite(scores).all()
    assert [bool(score > 0) for score in scores] == shared


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(texts, max_size=8), query=texts)
def test_saving_changes_nothing(tmp_path: Path, documents: list[str], query: str) -> None:
    index = LexicalIndex.build(documents)
    index.save(tmp_path / "lexical.npz")
    loaded = LexicalIndex.load(tmp_path / "lexical.npz")
    np.testing.assert_array_equal(loaded.scores(normalise(query)), index.scores(normalise(query)))

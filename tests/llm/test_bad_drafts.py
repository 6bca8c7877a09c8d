"""Nothing of a bad draft reaches a person: each of the hand-written ones goes the whole way, streamed and repaired."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from bot.answering.generation.claims import Context, Dropped, ground, ground_open
from bot.answering.generation.prompting import secrets_of
from knowledge.model import Regulation
from prompts import load_instructions
from tests.llm.drafts import Written, bad_drafts, folded
from tests.llm.seeing import falsehoods
from tests.llm.talking import ScriptedModel, extractive, written

KINDS = {
    *("number", "id", "altered", "glued", "other", "cut", "short", "polarity", "chapter", "title", "penalty", "figure"),
    *("opinion", "official", "mixed", "markup", "link", "leak", "name", "way_round", "scope", "misquoted", "length"),
    *("words", "unanchored", "open", "empty", "broken", "tool_call", "huge", "nul", "surrogate"),
}
QUOTE_STANDS_NOT = ("altered", "glued", "other")


def name_of(draft: Written) -> str:
    return f"{draft.id}-{draft.kind}"


def context_of(draft: Written, regulation: Regulation) -> Context:
    """As the writer makes it: it knows the prompts."""
    return replace(draft.context(regulation), secrets=secrets_of(load_instructions()[draft.language]))


def test_there_are_enough_of_them_of_every_kind() -> None:
    kinds = Counter(draft.kind for draft in bad_drafts())
    assert sum(kinds.values()) >= 220
    assert set(kinds) == KINDS
    assert kinds["polarity"] >= 45
    assert kinds["altered"] >= 30
    assert kinds["number"] >= 20
    assert len({draft.question for draft in bad_drafts()}) >= 40


def test_the_false_quotes_are_false_and_the_others_are_not(conduct: Regulation) -> None:
    checked = 0
    for draft in bad_drafts():
        if draft.kind in ("id", "nul", "surrogate"):
            continue
        for claim in draft.claims:
            evidence = draft.evidence(conduct)[int(claim.evidence.removeprefix("E")) - 1]
            stands = folded(claim.quote) in folded(evidence.text)
            assert stands is (draft.kind not in QUOTE_STANDS_NOT), f"{draft}: {claim.quote}"
            checked += 1
    assert checked >= 220


@pytest.mark.parametrize(
    "draft", [draft for draft in bad_drafts() if draft.claims], ids=lambda draft: f"{draft.id}-{draft.kind}"
)
def test_every_claim_of_it_is_dropped(draft: Written, conduct: Regulation) -> None:
    for claim in draft.claims:
        assert isinstance(ground(claim, context_of(draft, conduct)), Dropped), f"{draft}: {claim.case}"


@pytest.mark.parametrize("draft", [draft for draft in bad_drafts() if draft.open], ids=name_of)
def test_nothing_that_it_says_is_left_open_is_shown(draft: Written, conduct: Regulation) -> None:
    shown = [phrase for phrase in draft.open if ground_open(phrase, context_of(draft, conduct))]
    assert shown == []


@pytest.mark.parametrize("draft", bad_drafts(), ids=name_of)
def test_a_person_reads_the_verbatim_answer_instead(draft: Written, conduct: Regulation) -> None:
    evidence = draft.evidence(conduct)
    model = ScriptedModel(draft.text, piece=97 if len(draft.text) > 2000 else 7)
    answers = written(model, draft.question, evidence, draft.language)
    assert answers == [extractive(draft.question, evidence, draft.language)]
    assert list(falsehoods(answers[-1], conduct, evidence)) == []
    assert len(model.prompts) <= 2


def test_a_good_claim_beside_a_bad_one_stays_alone(conduct: Regulation) -> None:
    bad = [draft for draft in bad_drafts() if draft.articles[0] == 14 and draft.claims and draft.language == "zh"]
    text = (
        "您说的这件事，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。"
    )
    quote = "党员不得擅自建立、使用非法定信道"
    claim = {"evidence": "E1", "quote": quote, "case": "您说的这件事", "words": "使用非法定信道"}
    sound = json.dumps(claim, ensure_ascii=False)
    assert len(bad) >= 20
    for draft in bad:
        head, _, rest = draft.text.partition('{"claims": [')
        assert head == ""
        model = ScriptedModel('{"claims": [' + sound + ", " + rest)
        answers = written(model, draft.question, draft.evidence(conduct))
        assert answers[-1].mode == "generative", f"{draft}"
        for answer in answers:
            assert {claim.text for claim in answer.claims} <= {text}, f"{draft}"

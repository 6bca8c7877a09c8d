"""A faithful draft is not thrown away: measured on the hand-written ones, whose quotes really stand in the text."""

from collections import Counter
from collections.abc import Iterator

from bot.answering.generation.claims import Dropped, ground, ground_open
from bot.answering.model import Answer
from knowledge.model import Regulation
from tests.llm.drafts import Written, folded, found, good_drafts
from tests.llm.seeing import falsehoods, numbers_in
from tests.llm.talking import ScriptedModel, written

KEPT = 0.98


def test_there_are_enough_of_them_and_they_differ() -> None:
    drafts = good_drafts()
    texts = [claim.case for draft in drafts for claim in draft.claims]
    assert len(drafts) >= 210
    assert len({draft.question for draft in drafts}) == len(drafts)
    assert len(set(texts)) == len(texts)
    assert {number for draft in drafts for number in draft.articles} == set(range(1, 32))
    assert Counter(draft.language for draft in drafts)["en"] >= 15
    assert min(Counter(len(draft.claims) for draft in drafts)[count] for count in (1, 2, 3)) >= 3


def test_every_quote_in_them_stands_in_its_article(conduct: Regulation) -> None:
    checked = 0
    for draft in good_drafts():
        for claim in draft.claims:
            number = draft.articles[int(claim.evidence.removeprefix("E")) - 1]
            assert folded(claim.quote) in folded(found(conduct, number).text), f"{draft}: {claim.quote}"
            assert not numbers_in(claim.case), f"{draft}: {claim.case}"
            checked += 1
    assert checked >= 250


def test_hardly_any_claim_of_them_is_dropped(conduct: Regulation) -> None:
    results = {
        (draft, claim): ground(claim, draft.context(conduct)) for draft in good_drafts() for claim in draft.claims
    }
    lost = [
        f"{draft.id} {result.fault}: {claim.case} | {claim.words}"
        for (draft, claim), result in results.items()
        if isinstance(result, Dropped)
    ]
    assert 1 - len(lost) / len(results) >= KEPT, "\n".join(lost)


def test_most_of_what_they_leave_open_is_shown(conduct: Regulation) -> None:
    phrases = [(draft, phrase) for draft in good_drafts() for phrase in draft.open]
    lost = [f"{draft.id}: {phrase}" for draft, phrase in phrases if ground_open(phrase, draft.context(conduct)) is None]
    assert len(phrases) >= 80
    assert 1 - len(lost) / len(phrases) >= 0.95, "\n".join(lost)


def test_hardly_any_of_them_falls_back_to_the_verbatim_answer(conduct: Regulation) -> None:
    lost = [draft.id for draft in good_drafts() if _shown(draft, conduct) != "generative"]
    assert 1 - len(lost) / len(good_drafts()) >= KEPT, lost


def test_the_quote_shown_is_the_articles_own_whatever_its_width(conduct: Regulation) -> None:
    other_width = [
        draft for draft in good_drafts() if any("," in claim.quote or " " in claim.quote for claim in draft.claims)
    ]
    assert len(other_width) >= 4
    for draft in other_width:
        answer = written(ScriptedModel(draft.text), draft.question, draft.evidence(conduct))[-1]
        assert [claim.citation.quote for claim in answer.claims if "," in claim.citation.quote] == []
        assert list(falsehoods(answer, conduct, draft.evidence(conduct))) == []


def _shown(draft: Written, regulation: Regulation) -> str:
    answers = written(ScriptedModel(draft.text), draft.question, draft.evidence(regulation), draft.language)
    assert list(_false(answers, draft, regulation)) == []
    return answers[-1].mode


def _false(answers: list[Answer], draft: Written, regulation: Regulation) -> Iterator[str]:
    for answer in answers:
        yield from falsehoods(answer, regulation, draft.evidence(regulation))

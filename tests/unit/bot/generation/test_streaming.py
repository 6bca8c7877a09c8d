"""A draft read while it is written: each claim comes as soon as its object is closed, whatever stands around it."""

import json

import pytest

from bot.answering.generation.chatting import Unreadable
from bot.answering.generation.draft import DraftClaim
from bot.answering.generation.streaming import ClaimParser

ONE = {"evidence": "E1", "quote": "党员不得擅自“建立”", "case": 'a } { "b" \\ [c]。', "words": "建立"}
TWO = {"evidence": "E2", "quote": "党员违反本规定的", "case": "第二句。", "words": "违反"}
DRAFT = {"claims": [ONE, TWO], "open": ["是否算数"]}
WRITTEN = json.dumps(DRAFT, ensure_ascii=False)


def claims(*told: dict[str, str]) -> list[DraftClaim]:
    return [DraftClaim(**one) for one in told]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("written", [WRITTEN, json.dumps(DRAFT), json.dumps(DRAFT, indent=2)])
def test_pieces_of_any_size_give_the_same_draft(piece: int, written: str) -> None:
    parser = ClaimParser()
    found = [claim for at in range(0, len(written), piece) for claim in parser.feed(written[at : at + piece])]
    assert found == claims(ONE, TWO)
    assert parser.finish().claims == tuple(found)
    assert parser.finish().open == ("是否算数",)


def test_a_claim_comes_with_its_closing_brace_and_not_before() -> None:
    parser = ClaimParser()
    end = WRITTEN.index("}, {") + 1
    assert parser.feed(WRITTEN[: end - 1]) == []
    assert parser.feed(WRITTEN[end - 1 : end]) == claims(ONE)


@pytest.mark.parametrize(
    "written",
    [
        f"```json\n{WRITTEN}\n```",
        f"好的，这是答案：\n{WRITTEN}\n希望有帮助。",
        f"\ufeff{WRITTEN}",
        WRITTEN.replace(", ", ",\r\n"),
        f'<think>{{"claims": [{{"evidence": "E9"</think>{WRITTEN}',
        json.dumps({"name": "answer", "arguments": DRAFT}, ensure_ascii=False),
        json.dumps({"name": "answer", "arguments": WRITTEN}, ensure_ascii=False),
        f"{WRITTEN}{WRITTEN}",
        json.dumps(DRAFT | {"more": 1}),
    ],
)
def test_what_stands_around_the_draft_is_no_matter(written: str) -> None:
    parser = ClaimParser()
    for character in written:
        parser.feed(character)
    assert parser.finish().claims == tuple(claims(ONE, TWO))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "翻墙是不行的。",
        "null",
        "[]",
        "{}",
        '{"claims": 1}',
        "<think>想一想",
        WRITTEN[:-1],
        WRITTEN[:60],
        "{" * 9_000,
    ],
)
def test_what_is_no_closed_draft_is_unreadable(written: str) -> None:
    parser = ClaimParser()
    parser.feed(written)
    with pytest.raises(Unreadable):
        parser.finish()


@pytest.mark.parametrize(
    "wrong",
    [
        {"evidence": "E1", "case": "a"},
        ONE | {"evidence": 1},
        ONE | {"quote": None},
        ONE | {"case": "\ud83d"},
        "E1",
        None,
    ],
)
def test_a_malformed_claim_is_none_and_the_others_stay(wrong: object) -> None:
    parser = ClaimParser()
    parser.feed(json.dumps({"claims": [wrong, TWO], "open": None}))
    assert parser.finish().claims == tuple(claims(TWO))


def test_no_more_are_read_than_are_shown() -> None:
    parser = ClaimParser()
    many = [ONE | {"case": str(number)} for number in range(50)]
    found = parser.feed(json.dumps({"claims": many, "open": ["a", "b", "c"]}))
    assert [claim.case for claim in found] == ["0", "1", "2", "3"]
    assert parser.finish().open == ("a", "b")


def test_braces_within_braces_are_not_read_again_and_again() -> None:
    parser = ClaimParser()
    parser.feed('{"a":' * 3_000 + "1" + "}" * 3_000)
    with pytest.raises(Unreadable):
        parser.finish()

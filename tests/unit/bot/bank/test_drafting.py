"""What a model proposes goes through the same checks, is told once what failed, and waits for a person."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.answering.generation.chatting import Unreadable
from bot.training.bank.drafting import Drafted, Drafter, items_in
from bot.training.bank.shelf import Shelf
from knowledge.bank.items import QuizItem
from knowledge.model import Regulation
from prompts import load_instructions, load_replies
from tests.banking import sample_bank
from tests.llm.talking import ScriptedModel

GOOD = {
    "kind": "单选",
    "quote": "党员不得擅自建立、使用非法定信道",
    "question": "第十四条的“擅自”二字，直接管着哪两个动作？",
    "options": ["浏览、访问", "建立、使用", "发布、传播", "组织、参加"],
    "answer": "B",
    "difficulty": 1,
    "explanation": "第十四条写的是“擅自建立、使用”。",
}
BLANK = {
    "kind": "填空",
    "quote": "浏览、访问、使用境外的网站、应用程序等",
    "question": "浏览、访问、使用____的网站、应用程序等",
    "options": [],
    "answer": "境外",
    "difficulty": 1,
    "explanation": "第十四条写的是境外。",
}
FALSE_QUOTE = GOOD | {"quote": "党员不得翻越网络围墙", "question": "老王问，第十四条里有没有写到围墙？"}


def answer(*items: Any) -> str:
    return json.dumps({"items": items}, ensure_ascii=False)


@pytest.fixture
def shelf(tmp_path: Path, conduct: Regulation) -> Shelf:
    return Shelf(tmp_path / "bank", sample_bank(), conduct)


async def drafted(shelf: Shelf, conduct: Regulation, model: ScriptedModel, number: int = 3) -> Drafted:
    drafter = Drafter(model, load_instructions()["zh"], shelf, load_replies()["zh"])
    article = conduct.article(14)
    assert article is not None
    return await drafter.draft(article, number)


async def test_items_that_pass_wait_as_drafts_and_are_no_part_of_the_bank(shelf: Shelf, conduct: Regulation) -> None:
    model = ScriptedModel(answer(GOOD, BLANK))
    result = await drafted(shelf, conduct, model)
    assert result == Drafted(("d14-01", "d14-02"), ())
    first, second = shelf.drafts()
    assert isinstance(first, QuizItem)
    assert isinstance(second, QuizItem)
    assert (first.answer, first.articles, first.question) == (1, (14,), GOOD["question"])
    assert second.answer == "境外"
    assert shelf.bank().items == sample_bank().items
    assert len(model.prompts) == 1


async def test_what_fails_is_told_once_and_what_is_mended_is_kept(shelf: Shelf, conduct: Regulation) -> None:
    model = ScriptedModel(answer(GOOD, FALSE_QUOTE), answer(BLANK))
    result = await drafted(shelf, conduct, model)
    assert result == Drafted(("d14-01", "d14-02"), ())
    repair = model.prompts[1].user
    assert "依据不在第十四条里" in repair
    assert str(FALSE_QUOTE["question"]) in repair
    assert str(GOOD["question"]) not in repair


async def test_what_fails_twice_is_refused_with_its_reasons(shelf: Shelf, conduct: Regulation) -> None:
    result = await drafted(shelf, conduct, ScriptedModel(answer(GOOD, FALSE_QUOTE), answer(FALSE_QUOTE)))
    assert result.ids == ("d14-01",)
    (refused,) = result.refused
    assert refused.question == FALSE_QUOTE["question"]
    assert "依据不在第十四条里" in refused.reasons[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"answer": "E"}, "“答案”"),
        ({"kind": "问答"}, "“题型”"),
        ({"options": ["甲"] * 9}, "“选项”"),
        ({"options": None}, "“选项”"),
        ({"question": "第十四条" + "长" * 400}, "至多 300"),
        ({"question": None}, "“题目”"),
        ({"explanation": "写的是建立、使用。"}, "没有写明第十四条"),
        ({"question": sample_bank().items[0].question, "options": list(sample_bank().items[0].options)}, "太像"),
        ({"question": "党员上网应当怎么做？", "options": ["及时向有关部门举报", "建立、使用", "不理", "走开"]}, "照"),
        ({"difficulty": 7}, "“难度”"),
        ({"question": "第十四条<b>擅自</b>管着什么？"}, "<b>"),
    ],
)
async def test_a_bad_item_is_refused(shelf: Shelf, conduct: Regulation, changes: dict[str, Any], why: str) -> None:
    result = await drafted(shelf, conduct, ScriptedModel(answer(GOOD | changes)))
    assert result.ids == ()
    assert why in "".join(result.refused[0].reasons)
    assert shelf.drafts() == ()


async def test_two_copies_in_one_answer_are_one_draft(shelf: Shelf, conduct: Regulation) -> None:
    result = await drafted(shelf, conduct, ScriptedModel(answer(GOOD, GOOD), answer()))
    assert result == Drafted(("d14-01",), ())


async def test_no_more_is_taken_than_a_batch_holds_and_an_article_of_its_own_is_not_believed(
    shelf: Shelf, conduct: Regulation
) -> None:
    many = [GOOD | {"question": f"第十四条{chr(0x4E00 + place) * 6}？", "article": 15} for place in range(12)]
    result = await drafted(shelf, conduct, ScriptedModel(answer(*many)), number=99)
    assert len(result.ids) == 5
    assert {draft.articles for draft in shelf.drafts()} == {(14,)}


async def test_the_material_holds_the_article_and_the_questions_there_are(shelf: Shelf, conduct: Regulation) -> None:
    model = ScriptedModel(answer(GOOD))
    await drafted(shelf, conduct, model, number=2)
    told = model.prompts[0].user
    assert "党员不得擅自建立、使用非法定信道" in told
    assert sample_bank().items[0].question in told
    assert "2 道" in told
    assert "单选" in model.prompts[0].system


async def test_an_answer_that_holds_no_items_is_an_error(shelf: Shelf, conduct: Regulation) -> None:
    with pytest.raises(Unreadable):
        await drafted(shelf, conduct, ScriptedModel("抱歉，这个话题不便讨论。"))
    assert shelf.drafts() == ()


@pytest.mark.parametrize(
    "said",
    [
        answer(GOOD),
        f"<think>{{先想想}} {answer(BLANK)}</think>\n好的：\n```json\n{answer(GOOD)}\n```\n完毕 }}",
        json.dumps({"name": "items", "arguments": answer(GOOD)}, ensure_ascii=False),
        json.dumps({"tool": {"items": [GOOD, "不是题"]}}, ensure_ascii=False),
        "{坏的} {} " + answer(GOOD),
    ],
)
def test_items_are_found_whatever_stands_around_them(said: str) -> None:
    assert items_in(said) == [GOOD]


@pytest.mark.parametrize("said", ["", "{", "{" * 5_000, '{"items": 3}', '{"items"', "[" * 100_000, "<think>{}"])
def test_what_holds_no_items_is_unreadable(said: str) -> None:
    with pytest.raises(Unreadable):
        items_in(said)

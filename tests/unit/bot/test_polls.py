"""Quiz items as polls: within Telegram's limits whatever the bank holds."""

import pytest
from telegram.error import TelegramError

from bot.telegram.polls import (
    MAX_EXPLANATION,
    MAX_OPTION,
    MAX_QUESTION,
    Counted,
    SentPoll,
    cut,
    explain,
    quiz_poll,
    read_counts,
    read_sent,
)
from bot.telegram.rendering import utf16_length
from knowledge.bank.reading import load_bank
from knowledge.library import bundled_folder
from knowledge.model import Regulation
from tests.botapi import schema
from tests.factories import make_item


def test_every_item_that_ships_is_a_poll_that_telegram_takes(conduct: Regulation) -> None:
    bank = load_bank(bundled_folder() / conduct.id, conduct)
    items = [item for item in bank.items if item.options]
    assert len(items) > 200
    for item in items:
        article = conduct.article(item.article)
        assert article is not None
        poll = quiz_poll(item, article.label, head="30/30. ", seconds=30)
        fields = {name: value for name, value in poll.fields().items() if value is not None}
        assert schema.check_request("sendPoll", {"chat_id": -1, **fields}) == []
        assert poll.question.endswith(item.question)  # nothing was cut
        assert poll.options == item.options
        assert article.label in poll.explanation


@pytest.mark.parametrize("filler", ["字", "😀", "\n"])
def test_what_is_too_long_is_cut_to_what_telegram_takes(filler: str) -> None:
    item = make_item(
        question=400 * filler, options=(120 * filler, "乙", "丙"), explanation=300 * filler, quote=250 * filler
    )
    poll = quiz_poll(item, "第十二条", head="1/2. ")
    assert utf16_length(poll.question) <= MAX_QUESTION
    assert max(map(utf16_length, poll.options)) <= MAX_OPTION
    assert utf16_length(poll.explanation) <= MAX_EXPLANATION
    assert poll.explanation.count("\n") <= 2


def test_an_explanation_names_the_article_and_quotes_it_as_far_as_there_is_room() -> None:
    assert explain(make_item(quote="甲", explanation="乙"), "第十二条") == "第十二条：“甲”\n乙"
    assert explain(make_item(quote="甲", explanation=199 * "乙"), "第十二条") == "第十二条：“甲”"
    assert explain(make_item(quote=199 * "甲", explanation="乙"), "第十二条") == "第十二条：乙"
    assert explain(make_item(quote=199 * "甲", explanation="第十二条说乙"), "第十二条") == "第十二条说乙"


def test_a_cut_never_halves_a_character() -> None:
    assert cut("a😀😀", 4) == "a😀…"
    assert cut("a😀😀", 5) == "a😀😀"


def test_what_telegram_answers_is_read() -> None:
    poll = {"id": "7", "options": [{"voter_count": 2}, {"voter_count": 0}], "total_voter_count": 2}
    assert read_sent({"message_id": 5, "poll": poll}) == SentPoll(5, "7")
    assert read_counts(poll) == Counted((2, 0), 2)
    nothing: list[object] = [None, {}, {"message_id": 5}, []]
    for broken in nothing:
        with pytest.raises(TelegramError):
            read_sent(broken)
        with pytest.raises(TelegramError):
            read_counts(broken)

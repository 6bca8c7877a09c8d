"""Inline cards are kept ready, the words that were typed are not."""

from dataclasses import dataclass, field
from typing import Any, cast

from bot.answering.service import Answerer
from bot.telegram.inline import Inline
from bot.telegram.intake import Bot
from bot.telegram.parts import Parts
from prompts import load_replies


@dataclass
class InlineParts:
    """As much of the parts as inline cards need."""

    answerer: Answerer
    bot: Bot = field(default_factory=lambda: Bot(777, "wanggui_bot"))
    replies: Any = field(default_factory=load_replies)


def test_the_same_words_find_their_cards_ready_and_stand_nowhere(answerer: Answerer) -> None:
    inline = Inline(cast(Parts, InlineParts(answerer)))
    cards = inline.cards("只有我知道的词", "zh")
    assert inline.cards("只有我知道的词 ", "zh") is cards
    assert inline.cards("只有我知道的词", "en") is not cards
    assert "只有我知道的词" not in repr(inline._ready)

"""A round of practice: a question, what was right and where it stands, the next; until it is full or enough."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from telegram import CallbackQuery, Message

from bot.storage.practice import Run
from bot.telegram.callbacks import Callback
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.practice_pages import feedback_page, nothing_page, question_page, round_page
from bot.telegram.presses import change
from bot.telegram.rendering import safe
from bot.telegram.runs import run_behind, say_old, schedule_for, show_first, show_first_here, take_step
from bot.telegram.speaking import language_for
from bot.telegram.trails import Shelf
from bot.telegram.wishes import read_wish
from bot.training.choosing import Wish
from bot.training.practice import (
    ITEMS,
    MOST,
    Outcome,
    Round,
    Standing,
    Standings,
    as_record,
    due_soonest,
    mistakes,
    next_item,
    read_round,
)
from knowledge.bank.items import QuizItem
from prompts import Language

TAKEN_UP: Final = timedelta(hours=12)
"""How long `/practice` goes on with a round that was left."""


class Rounds:
    """Rounds of practice, one a person."""

    def __init__(self, parts: Parts, seed: Callable[[], int] = lambda: secrets.randbits(32)) -> None:
        self._parts, self._seed = parts, seed
        self._kept, self._shelf = parts.database.practice, Shelf(parts.answerer.library)
        self._schedule = schedule_for(parts)

    async def open(self, message: Message, argument: str) -> None:
        """`/practice`: on with the round that was left, or a new one; what stands behind it says of what."""
        language = await language_for(self._parts, message)
        say = self._parts.replies[language]
        run = None if argument else await self._kept.run(message.chat_id, "practice")
        if run is not None and self._parts.clock() - run.touched_at < TAKEN_UP:
            around = replace(read_round(run.state), language=language)
            standings = await self._kept.standings(message.chat_id)
            if not around.over and self._parts.bank.item(around.current):
                page = partial(self._page, around, standings)
                await show_first(self._parts, message, "practice", as_record(around), page)
                return
        wish = read_wish(argument, number=ITEMS, most=MOST)
        if wish is None:
            await self._parts.delivery.reply(message, Outgoing(safe(say("practice.usage"))))
            return
        around = Round(wish, self._seed(), language)
        standings = await self._kept.standings(message.chat_id)
        item = next_item(self._parts.bank, standings, around, self._parts.clock())
        if item is None:
            await self._parts.delivery.reply(message, self._nothing(wish, standings, language))
            return
        around = around.ask(item)
        page = partial(self._page, around, standings)
        await show_first(self._parts, message, "practice", as_record(around), page)

    async def practise_mistakes(self, query: CallbackQuery, message: Message, language: Language) -> None:
        """A round of the mistakes, in the message that showed them."""
        standings = await self._kept.standings(query.from_user.id)
        around = Round(Wish(number=self._how_many(standings)), self._seed(), language, mistakes=True)
        item = next_item(self._parts.bank, standings, around, self._parts.clock())
        if item is None:
            say = self._parts.replies[language]
            await self._parts.delivery.acknowledge(query, say("practice.no_mistakes"), alert=True)
        else:
            around = around.ask(item)
            page = partial(self._page, around, standings)
            await show_first_here(self._parts, query, message, "practice", as_record(around), page)

    async def press(self, query: CallbackQuery, message: Message | None, callback: Callback) -> None:
        """A button of a round."""
        run = await run_behind(self._parts, query, message, "practice", callback.number(0))
        if run is None or message is None:
            return
        around = read_round(run.state)
        item = self._parts.bank.item(around.current)
        if item is None and not around.over:  # it has left the bank
            await say_old(self._parts, query)
        elif callback.number(0) != run.turn:  # pressed twice, or what came after was not shown
            page = self._page(around, await self._kept.standings(run.person_id), run.turn)
            await change(self._parts, query, message, page)
        elif callback.action == "pg" and around.over:
            await self._begin_anew(query, message, run, around)
        elif around.over or item is None:
            await say_old(self._parts, query)
        elif callback.action in ("pn", "pz"):
            await self._go_on(query, message, run, around, ends=callback.action == "pz")
        else:
            await self._answer(query, message, run, around, item, callback)

    def awaits(self, run: Run) -> QuizItem | None:
        """The question whose blank is to be filled by typing; None where nothing is."""
        around = read_round(run.state)
        item = self._parts.bank.item(around.current)
        waiting = item is not None and item.kind == "fill_in" and around.outcome == "open" and not around.over
        return item if waiting else None

    async def fill(self, run: Run, item: QuizItem, words: str) -> None:
        """The words of a blank have been typed."""
        outcome: Outcome = "right" if item.accepts(words) else "wrong"
        around, standing = await self._settle(run, read_round(run.state), item, outcome, ())
        after = await self._kept.step(run, as_record(around), self._parts.clock(), [standing])
        if after is not None:
            say = self._parts.replies[around.language]
            page = feedback_page(around, item, after.turn, standing, self._shelf, say, words)
            await self._parts.delivery.edit(run.person_id, run.message_id, page)

    async def _answer(
        self, query: CallbackQuery, message: Message, run: Run, around: Round, item: QuizItem, callback: Callback
    ) -> None:
        place, say = callback.number(1), self._parts.replies[around.language]
        lost = callback.action == "pa" and (place is None or not 0 <= place < len(item.options))
        if lost or around.outcome != "open":
            await say_old(self._parts, query)
            return
        if callback.action == "pa" and place is not None and item.kind == "multiple":
            around = around.tick(place)
            page = self._question(around, item, run.turn + 1, await self._kept.standings(run.person_id))
            await take_step(self._parts, query, message, run, as_record(around), page)
            return
        if callback.action == "ps" and not around.chosen:
            await self._parts.delivery.acknowledge(query, say("practice.tick_first"), alert=True)
            return
        chosen = (place,) if callback.action == "pa" and place is not None else around.chosen
        outcome: Outcome = "right" if item.is_right(chosen) else "wrong"
        if callback.action == "pk":
            outcome, chosen = "given_up", ()
        around, standing = await self._settle(run, around, item, outcome, chosen)
        page = feedback_page(around, item, run.turn + 1, standing, self._shelf, say)
        await take_step(self._parts, query, message, run, as_record(around), page, [standing])

    async def _settle(
        self, run: Run, around: Round, item: QuizItem, outcome: Outcome, chosen: tuple[int, ...]
    ) -> tuple[Round, Standing]:
        before = (await self._kept.standings(run.person_id)).get(item.id)
        standing = self._schedule.after(before, item.id, right=outcome == "right", at=self._parts.clock())
        return around.settle(outcome, chosen), standing

    async def _go_on(self, query: CallbackQuery, message: Message, run: Run, around: Round, *, ends: bool) -> None:
        """The next question; or how the round went, where it is full, or enough, or there is nothing more to ask."""
        standings = await self._kept.standings(run.person_id)
        item = None
        if not ends and not around.is_full:
            item = next_item(self._parts.bank, standings, around, self._parts.clock())
        if item is not None:
            around = around.ask(item)
            page = self._question(around, item, run.turn + 1, standings)
        else:
            around = around.end()
            page = self._summary(around, run.turn + 1, standings)
        await take_step(self._parts, query, message, run, as_record(around), page)

    async def _begin_anew(self, query: CallbackQuery, message: Message, run: Run, around: Round) -> None:
        standings = await self._kept.standings(run.person_id)
        around = around.anew(self._seed())
        if around.mistakes:
            around = replace(around, scope=Wish(number=self._how_many(standings)))
        item = next_item(self._parts.bank, standings, around, self._parts.clock())
        if item is None:
            say = self._parts.replies[around.language]
            words = say("practice.no_mistakes") if around.mistakes else say("practice.nothing")
            await self._parts.delivery.acknowledge(query, words, alert=True)
            return
        around = around.ask(item)
        page = self._question(around, item, run.turn + 1, standings)
        await take_step(self._parts, query, message, run, as_record(around), page)

    def _page(self, around: Round, standings: Standings, turn: int) -> Outgoing:
        """What a round shows now."""
        item = self._parts.bank.item(around.current)
        if around.over or item is None:
            return self._summary(around, turn, standings)
        if around.outcome == "open":
            return self._question(around, item, turn, standings)
        say = self._parts.replies[around.language]
        return feedback_page(around, item, turn, standings.get(item.id), self._shelf, say)

    def _question(self, around: Round, item: QuizItem, turn: int, standings: Standings) -> Outgoing:
        before = standings.get(item.id)
        again = before is not None and before.due_at is not None
        say = self._parts.replies[around.language]
        return question_page(around, item, turn, say, again=again, first=not standings)

    def _summary(self, around: Round, turn: int, standings: Standings) -> Outgoing:
        wrong = len(mistakes(standings, self._parts.bank))
        soonest = due_soonest(standings, self._parts.bank)
        left = None if soonest is None else soonest - self._parts.clock()
        return round_page(around, turn, wrong, left, self._parts.replies[around.language])

    def _nothing(self, wish: Wish, standings: Standings, language: Language) -> Outgoing:
        say, bank = self._parts.replies[language], self._parts.bank
        fitting = bank.of(
            articles=wish.articles, chapters=wish.chapters, difficulty=wish.difficulty, kinds=wish.kinds
        ).items
        if not fitting:
            return Outgoing(safe(say("quiz.none")))
        soonest = due_soonest(standings, bank)
        return nothing_page(None if soonest is None else soonest - self._parts.clock(), say)

    def _how_many(self, standings: Standings) -> int:
        return max(1, min(len(mistakes(standings, self._parts.bank)), ITEMS))

"""A mock exam: chosen, sat against the clock, handed in by hand or when its time is up, and looked at afterwards."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from telegram import CallbackQuery, Message

from bot.errors import StorageError
from bot.storage.practice import Run
from bot.telegram.callbacks import Callback
from bot.telegram.exam_pages import (
    NUMBERS,
    exam_panel,
    last_page,
    paper_page,
    result_article_page,
    result_page,
    wrong_page,
)
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.presses import change, say_too_old
from bot.telegram.rendering import safe
from bot.telegram.runs import run_behind, say_old, schedule_for, show_first, show_first_here, take_step
from bot.telegram.speaking import language_for, sentences_in
from bot.telegram.trails import Shelf
from bot.telegram.wishes import read_wish
from bot.training.exam import (
    Blueprint,
    Paper,
    as_record,
    draw,
    is_right,
    items_of,
    read_paper,
    score,
    sit,
)
from bot.training.practice import MOST, Standing
from knowledge.bank.items import DIFFICULTIES, QuizItem
from prompts import Language

Items = tuple[QuizItem, ...]

log = logging.getLogger(__name__)


class Exams:
    """Mock exams, one a person. Whoever lets the time run out has handed in what they had."""

    def __init__(self, parts: Parts, seed: Callable[[], int] = lambda: secrets.randbits(32)) -> None:
        self._parts, self._seed = parts, seed
        self._kept, self._shelf = parts.database.practice, Shelf(parts.answerer.library)
        self._schedule = schedule_for(parts)
        self._ringing: dict[int, asyncio.Task[None]] = {}

    async def started(self) -> None:
        """Mind the clocks of exams that a former run has left."""
        try:
            left = await self._kept.all_exams()
        except StorageError as exc:  # the next press hands in what is over
            log.error("%s", exc)
            return
        for run in left:
            paper = read_paper(run.state)
            if paper.handed_in_at is None:
                self._mind(run.person_id, paper)

    async def stopping(self) -> None:
        """Mind them no longer; what is kept goes on counting."""
        ringing = list(self._ringing.values())
        for task in ringing:
            task.cancel()
        await asyncio.gather(*ringing, return_exceptions=True)

    async def open(self, message: Message, argument: str) -> None:
        """`/exam`: on with the exam that runs, or the panel; with words behind it, an exam of that at once."""
        language = await language_for(self._parts, message)
        say = self._parts.replies[language]
        run = await self._kept.run(message.chat_id, "exam")
        paper = replace(read_paper(run.state), language=language) if run else None
        items = items_of(paper, self._parts.bank) if paper else None
        if paper and items and not paper.is_over(self._parts.clock()):
            await show_first(self._parts, message, "exam", as_record(paper), partial(self._page, paper, items))
            return
        wish = read_wish(argument, number=NUMBERS[0], most=MOST)
        if wish is None:
            await self._parts.delivery.reply(message, Outgoing(safe(say("practice.exam_usage"))))
        elif not argument:
            await self._parts.delivery.reply(message, self._panel(Blueprint(NUMBERS[0], NUMBERS[0]), language))
        else:
            blueprint = Blueprint(wish.number, wish.number, wish.articles, wish.chapters, wish.difficulty, wish.kinds)
            items = draw(self._parts.bank, blueprint, seed := self._seed())
            if not items:
                await self._parts.delivery.reply(message, Outgoing(safe(say("quiz.none"))))
                return
            paper = sit(items, blueprint, seed, language, self._parts.clock())
            page = partial(self._page, paper, items, short_of=blueprint.number)
            if await show_first(self._parts, message, "exam", as_record(paper), page):
                self._mind(message.chat_id, paper)

    async def choose(self, query: CallbackQuery, message: Message | None, callback: Callback) -> None:
        """The panel: another choice, or open."""
        blueprint = self._read(callback)
        if message is None or blueprint is None:
            await say_too_old(self._parts, query)
            return
        language = (await sentences_in(self._parts, message)).language
        if callback.action == "px":
            await change(self._parts, query, message, self._panel(blueprint, language))
            return
        say = self._parts.replies[language]
        items = draw(self._parts.bank, blueprint, seed := self._seed())
        if not items:
            await self._parts.delivery.acknowledge(query, say("quiz.none"), alert=True)
            return
        paper = sit(items, blueprint, seed, language, self._parts.clock())
        page = partial(self._page, paper, items, short_of=blueprint.number)
        if await show_first_here(self._parts, query, message, "exam", as_record(paper), page):
            self._mind(query.from_user.id, paper)

    async def press(self, query: CallbackQuery, message: Message | None, callback: Callback) -> None:
        """A button of an exam that is sat, or looked at afterwards."""
        run = await run_behind(self._parts, query, message, "exam", callback.number(0))
        paper = read_paper(run.state) if run else None
        items = items_of(paper, self._parts.bank) if paper else None
        if run is None or paper is None or message is None:
            return
        if items is None:
            await say_old(self._parts, query)
        elif paper.handed_in_at is not None:
            await self._look(query, message, paper, items, callback)
        elif paper.is_over(self._parts.clock()) or (callback.action == "pi" and callback.number(0) == run.turn):
            paper = paper.hand_in(self._parts.clock())
            page = self._page(paper, items, run.turn + 1)
            answered = await self._standings(run.person_id, paper, items)
            await take_step(self._parts, query, message, run, as_record(paper), page, answered)
        else:
            await self._sit_on(query, message, run, paper, items, callback)

    def awaits(self, run: Run) -> QuizItem | None:
        """The question whose blank is to be filled by typing; None where nothing is."""
        paper = read_paper(run.state)
        items = items_of(paper, self._parts.bank)
        if items is None or paper.is_over(self._parts.clock()) or paper.at >= len(items):
            return None
        return items[paper.at] if items[paper.at].kind == "fill_in" else None

    async def fill(self, run: Run, item: QuizItem, words: str) -> None:
        """The words of a blank have been typed."""
        paper = read_paper(run.state).fill(right=item.accepts(words))
        items = items_of(paper, self._parts.bank)
        after = await self._kept.step(run, as_record(paper), self._parts.clock())
        if after is not None and items is not None:
            page = self._page(paper, items, after.turn)
            await self._parts.delivery.edit(run.person_id, run.message_id, page)

    async def _sit_on(
        self, query: CallbackQuery, message: Message, run: Run, paper: Paper, items: Items, callback: Callback
    ) -> None:
        place = callback.number(1)
        if callback.number(0) != run.turn:  # pressed twice, or what came after was not shown
            await change(self._parts, query, message, self._page(paper, items, run.turn))
            return
        match callback.action:
            case "pe" if place is not None and paper.at < len(items) and 0 <= place < len(items[paper.at].options):
                paper = paper.mark(items[paper.at], place)
            case "pj" if place is not None:
                paper = paper.go(place)
            case "ph":
                paper = paper.go(len(items))
            case _:
                await say_old(self._parts, query)
                return
        page = self._page(paper, items, run.turn + 1)
        await take_step(self._parts, query, message, run, as_record(paper), page)

    async def _look(
        self, query: CallbackQuery, message: Message, paper: Paper, items: Items, callback: Callback
    ) -> None:
        """At the result, an article of it, or a question that went wrong."""
        result, say, number = score(paper, items), self._parts.replies[paper.language], callback.number(0)
        page: Outgoing | None = result_page(result, self._shelf, say)
        if callback.action == "pt":
            page = result_article_page(number or 0, self._shelf, say)
        elif callback.action == "pw":
            found = number is not None and 0 <= number < len(result.wrong)
            wrong = items[result.wrong[number]] if found and number is not None else None
            page = wrong_page(paper, result, number or 0, wrong, self._shelf, say) if wrong else None
        await (change(self._parts, query, message, page) if page else say_old(self._parts, query))

    def _page(self, paper: Paper, items: Items, turn: int, short_of: int = 0) -> Outgoing:
        """What an exam shows now; `short_of`: how many questions were wished for."""
        say, now = self._parts.replies[paper.language], self._parts.clock()
        if paper.handed_in_at is not None:
            return result_page(score(paper, items), self._shelf, say)
        if paper.at >= len(items):
            return last_page(paper, turn, now, say)
        note = say("practice.exam_short", count=len(items)) if len(items) < short_of else ""
        return paper_page(paper, items[paper.at], turn, now, say, note)

    def _panel(self, blueprint: Blueprint, language: Language) -> Outgoing:
        chapters = sorted(set(self._parts.bank.chapters.values()))
        return exam_panel(blueprint, chapters, self._parts.replies[language])

    def _read(self, callback: Callback) -> Blueprint | None:
        """The choices that a button of the panel carries; none at all stand for the first panel."""
        number, chapter, level = (callback.number(place) for place in range(3))
        if not callback.values:
            return Blueprint(NUMBERS[0], NUMBERS[0])
        known = chapter == 0 or chapter in self._parts.bank.chapters.values()
        if number not in NUMBERS or not known or level not in (0, *DIFFICULTIES):
            return None
        chapters = (chapter,) if chapter else ()
        return Blueprint(number or 0, number or 0, chapters=chapters, difficulty=(level,) if level else ())

    async def _standings(self, person: int, paper: Paper, items: Items) -> list[Standing]:
        """How the questions stand that were answered; what was left open says nothing of what is known."""
        before, at = await self._kept.standings(person), self._parts.clock()
        return [
            self._schedule.after(before.get(item.id), item.id, right=is_right(paper, item, place), at=at)
            for place, item in enumerate(items)
            if paper.is_answered(place)
        ]

    def _mind(self, person: int, paper: Paper) -> None:
        """Ring when its time is up, instead of the last exam's bell."""
        if before := self._ringing.pop(person, None):
            before.cancel()
        left = (paper.ends_at - self._parts.clock()).total_seconds()
        task = asyncio.create_task(self._ring(person, paper, max(left, 0.0)), name="an exam's bell")
        self._ringing[person] = task

        def rung(done: asyncio.Task[None]) -> None:
            if self._ringing.get(person) is done:
                del self._ringing[person]

        task.add_done_callback(rung)

    async def _ring(self, person: int, paper: Paper, left_s: float) -> None:
        await asyncio.sleep(left_s)
        try:
            while await self._time_is_up(person, paper):
                pass  # a last answer came in between: look again
        except StorageError as exc:  # the next press hands it in
            log.error("%s", exc)

    async def _time_is_up(self, person: int, paper: Paper) -> bool:
        """Hand in an exam that still runs; True where somebody was quicker."""
        run = await self._kept.run(person, "exam")
        now = read_paper(run.state) if run else None
        items = items_of(now, self._parts.bank) if now else None
        if run is None or now is None or items is None or now.handed_in_at or now.started_at != paper.started_at:
            return False
        now = now.hand_in(now.ends_at)
        answered = await self._standings(person, now, items)
        if await self._kept.step(run, as_record(now), self._parts.clock(), answered) is None:
            return True
        await self._parts.delivery.edit(person, run.message_id, self._page(now, items, run.turn + 1))
        return False

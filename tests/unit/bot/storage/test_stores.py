"""The stores: settings, once, counts, questions to review, pairs of ids, sealed passages."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from bot.answering.generation.conversation import Place, Turn
from bot.storage import tables
from bot.storage.chats import DEFAULTS, FRESH_S, ChatSettings, ChatStore
from bot.storage.database import Database
from bot.storage.passages import LASTS, Passage, seal, unseal
from bot.storage.recent import Recent
from bot.storage.review import ReviewStore, without_names
from bot.storage.sql import Sql
from tests.fakes import FakeClock

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
GROUP, PRIVATE = -100123, 4711


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{path}") as database:
        yield database


async def added(review: ReviewStore, question: str, chat_id: int = GROUP, reply: int | None = 6) -> int:
    return await review.add(
        chat_id, question, kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=reply, at=NOW
    )


async def test_a_chat_that_changed_nothing_has_the_defaults(database: Database) -> None:
    assert await database.chats.settings(GROUP) == ChatSettings() == DEFAULTS


async def test_settings_survive_a_restart(path: Path) -> None:
    wanted = ChatSettings("unanswered", 30, "en", "brief", False, False, 22, 7)
    names = ("trigger", "unanswered_after_min", "language", "length", "quiz_anonymous", "language_model")
    async with opened(path) as database:
        await database.chats.change(GROUP, **{name: getattr(wanted, name) for name in names})
        assert await database.chats.change(GROUP, quiet_from=22, quiet_until=7) == wanted
    async with opened(path) as database:
        assert await database.chats.settings(GROUP) == wanted
        assert await database.chats.change(GROUP, quiet_from=None, quiet_until=None) == ChatSettings(
            "unanswered", 30, "en", "brief", False, False
        )


async def test_two_who_change_settings_at_once_lose_nothing(path: Path) -> None:
    async with opened(path) as first, opened(path) as second:
        await asyncio.gather(
            first.chats.change(GROUP, language="en"),
            second.chats.change(GROUP, length="brief"),
            first.chats.change(GROUP, quiet_from=22, quiet_until=7),
            second.chats.change(GROUP, trigger="unanswered"),
        )
    async with opened(path) as again:
        assert await again.chats.settings(GROUP) == ChatSettings(
            "unanswered", language="en", length="brief", quiet_from=22, quiet_until=7
        )


async def test_another_replicas_change_is_seen_before_long(path: Path) -> None:
    async with opened(path) as other:
        sql, clock = Sql(f"sqlite:///{path}"), FakeClock()
        chats = ChatStore(sql, clock)
        assert (await chats.settings(GROUP)).language == "auto"
        await other.chats.change(GROUP, language="en")
        assert (await chats.settings(GROUP)).language == "auto"
        clock.now += FRESH_S
        assert (await chats.settings(GROUP)).language == "en"
        await sql.close()


async def test_chats_that_wait_together_are_asked_for_in_one_query(path: Path) -> None:
    async with opened(path) as database:
        await database.chats.change(GROUP, language="en")
    sql, asked = Sql(f"sqlite:///{path}"), list[str]()
    event.listen(sql.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    chats = ChatStore(sql)
    found = await asyncio.gather(*(chats.settings(chat_id) for chat_id in (1, GROUP, 2, 3)))
    assert [one.language for one in found] == ["auto", "en", "auto", "auto"]
    assert len(asked) <= 2, "the first asks for itself, before it is known that others wait"
    await sql.close()


async def test_a_setting_that_there_is_not_is_refused(database: Database) -> None:
    with pytest.raises(TypeError, match="colour"):
        await database.chats.change(GROUP, colour="red")


@pytest.mark.parametrize(
    ("start", "end", "quiet"),
    [(None, None, set()), (12, 14, {12, 13}), (22, 2, {22, 23, 0, 1}), (23, 0, {23}), (8, None, set())],
)
def test_quiet_hours_may_span_midnight(start: int | None, end: int | None, quiet: set[int]) -> None:
    settings = ChatSettings(quiet_from=start, quiet_until=end)
    assert {hour for hour in range(24) if settings.quiet_at(hour)} == quiet


async def test_once_is_once_for_each_chat_and_event_also_after_a_restart(path: Path) -> None:
    async with opened(path) as database:
        assert await database.chats.once(GROUP, "introduced")
        assert not await database.chats.once(GROUP, "introduced")
        assert await database.chats.once(GROUP, "refused")
        assert await database.chats.once(GROUP - 1, "introduced")
    async with opened(path) as database:
        assert not await database.chats.once(GROUP, "introduced")


async def test_of_many_at_once_one_is_the_first(path: Path) -> None:
    async with opened(path) as first, opened(path) as second:
        asked = [database.chats.once(GROUP, "introduced") for database in (first, second) for _ in range(5)]
        assert sum(await asyncio.gather(*asked)) == 1


async def test_a_group_that_becomes_a_supergroup_takes_its_things_along(database: Database) -> None:
    old, new = -5, -1000000000005
    await database.chats.change(old, language="en")
    await database.chats.once(old, "introduced")
    await added(database.review, "党费怎么交", old)
    for chat_id, times in ((old, 2), (new, 1)):
        for _ in range(times):
            database.usage.count(chat_id, "question", at=NOW)
    database.replies.keep(old, 5, 6, person_id=1, at=NOW)
    await database.turns.add(Place(str(old), "", "1"), Turn("能翻墙吗", (14,), "5"))
    await database.migrate_chat(old, new)
    assert await database.replies.find(old, 5) is None
    assert (await database.chats.settings(new)).language == "en"
    assert (await database.chats.settings(old)).language == "auto"
    assert not await database.chats.once(new, "introduced")
    assert (await database.figures(new, 1, now=NOW)).questions == 3
    (item,) = await database.review.open_items([new], limit=9)
    assert (item.question, item.reply_message_id) == ("党费怎么交", None)  # its messages have other ids now
    assert await database.turns.recent(Place(str(new), "", "1")) == (Turn("能翻墙吗", (14,)),)
    assert await database.turns.recent(Place(str(old), "", "1")) == ()
    await database.migrate_chat(old, new)
    assert (await database.figures(new, 1, now=NOW)).questions == 3


async def test_figures_are_counted_by_day_in_beijing(database: Database) -> None:
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    for moment in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=1)):
        database.usage.count(GROUP, "question", at=moment)
    database.usage.count(GROUP, "declined", at=midnight)
    for article, times in ((14, 3), (17, 1), (9, 3)):
        for _ in range(times):
            database.usage.count(GROUP, "cited", article, at=midnight)
    database.usage.count(GROUP, "vote_up", 14, at=midnight)
    database.usage.count(GROUP, "vote_up", 17, at=midnight)
    database.usage.count(GROUP, "vote_up", 17, at=midnight, amount=-1)
    database.usage.count(GROUP, "vote_down", 17, at=midnight)
    figures = await database.figures(GROUP, 3, now=midnight)
    assert figures.days == ((date(2026, 11, 20), 0), (date(2026, 11, 21), 1), (date(2026, 11, 22), 2))
    assert figures.cited == ((9, 3), (14, 3), (17, 1))
    assert (figures.questions, figures.declined, figures.votes_up, figures.votes_down) == (3, 1, 1, 1)
    assert figures.declined_share == pytest.approx(1 / 3)
    assert (await database.figures(GROUP, 1, now=midnight)).questions == 2


async def test_nothing_counted_is_nothing_divided(database: Database) -> None:
    figures = await database.figures(None, 2, now=NOW)
    assert (figures.questions, figures.declined_share, figures.cited, len(figures.days)) == (0, 0.0, (), 2)


async def test_private_chats_are_counted_together_and_never_by_person(database: Database, path: Path) -> None:
    for person in (PRIVATE, PRIVATE + 1):
        database.usage.count(person, "question", at=NOW)
    database.usage.count(GROUP, "question", at=NOW)
    assert (await database.figures(PRIVATE, 1, now=NOW)).questions == 2
    assert (await database.figures(None, 1, now=NOW)).questions == 3
    with closing(sqlite3.connect(path)) as connection:
        assert {chat for (chat,) in connection.execute("SELECT chat_id FROM usage")} == {0, GROUP}


async def test_the_same_question_is_kept_once_and_counted(database: Database) -> None:
    first = await added(database.review, "党费怎么交？", reply=6)
    assert await added(database.review, "黨費怎麼交", reply=9) == first
    other = await added(database.review, "党费怎么交", GROUP - 1)
    (item,) = await database.review.open_items([GROUP], limit=9)
    assert (item.question, item.asked, item.reply_message_id, item.created_at) == ("党费怎么交？", 2, 9, NOW)
    assert [item.id for item in await database.review.open_items(None, limit=9)] == [first, other]
    assert await database.review.open_items([], limit=9) == []


async def test_questions_noted_are_written_together_and_counted(database: Database) -> None:
    def note(question: str, reply: int) -> None:
        database.review.note(
            GROUP, question, kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=reply, at=NOW
        )

    await added(database.review, "党费怎么交")
    for reply, question in enumerate(("党费怎么交？", "黨費怎麼交", "今天吃什么"), start=7):
        note(question, reply)
    await database.flush()
    items = await database.review.open_items([GROUP], limit=9)
    assert [(item.question, item.asked, item.reply_message_id) for item in items] == [
        ("党费怎么交", 3, 8),
        ("今天吃什么", 1, 9),
    ]


async def test_what_was_noted_and_could_not_be_written_is_written_later(database: Database) -> None:
    review = database.review
    for reply in (7, 8):
        review.note(
            GROUP, "党费怎么交", kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=reply, at=NOW
        )
        if reply == 7:
            assert review.set_aside()
    review.put_back()
    await database.flush()
    (item,) = await review.open_items([GROUP])
    assert (item.asked, item.reply_message_id) == (2, 8)


async def test_items_come_one_after_another(database: Database) -> None:
    ids = [await added(database.review, question) for question in ("甲问题", "乙问题", "丙问题")]
    seen, after = [], 0
    while found := await database.review.open_items([GROUP], after_id=after):
        seen.append(after := found[0].id)
    assert seen == ids


async def test_a_private_question_names_neither_chat_nor_message(database: Database) -> None:
    await added(database.review, "党费怎么交", PRIVATE)
    (item,) = await database.review.open_items(None)
    assert (item.chat_id, item.reply_message_id) == (0, None)


async def test_one_of_two_administrators_is_the_first(path: Path) -> None:
    async with opened(path) as first, opened(path) as second:
        item = await added(first.review, "党费怎么交")
        done = await asyncio.gather(
            first.review.resolve(item, "question", articles=[3], at=NOW),
            second.review.resolve(item, "alias", term="党费", articles=[3], at=NOW),
            second.review.resolve(item, "dismissed", at=NOW),
        )
        assert sorted(done) == [False, False, True]
        assert await first.review.get(item) is None


async def test_what_is_adopted_outlives_the_sweep_without_its_chat(database: Database, path: Path) -> None:
    one = await added(database.review, "有梯子能上外网吗")
    two = await added(database.review, "用小火箭呢")
    assert await database.review.resolve(one, "alias", term="小火箭", articles=[14], at=NOW)
    assert await database.review.resolve(two, "question", articles=[14, 3], at=NOW)
    await database.sweep(NOW + timedelta(days=999), 90)
    alias, question = await database.review.resolved()
    assert (alias.outcome, alias.question, alias.term, alias.articles) == ("alias", "有梯子能上外网吗", "小火箭", (14,))
    assert (question.outcome, question.question, question.articles) == ("question", "用小火箭呢", (14, 3))
    with closing(sqlite3.connect(path)) as connection:
        assert str(GROUP) not in str(connection.execute("SELECT * FROM adopted").fetchall())


async def test_what_was_dismissed_stays_dismissed_when_asked_again(database: Database) -> None:
    item = await added(database.review, "今天吃什么")
    assert await database.review.resolve(item, "dismissed", at=NOW)
    assert await added(database.review, "今天吃什么") == item
    assert await database.review.open_items(None) == []
    (resolved,) = await database.review.resolved()
    assert (resolved.outcome, resolved.question, resolved.articles) == ("dismissed", "今天吃什么", ())


async def test_an_answer_that_could_not_be_sent_opens_the_question_again(database: Database) -> None:
    item = await added(database.review, "党费怎么交")
    assert await database.review.resolve(item, "answered", at=NOW)
    await database.review.reopen(item)
    assert await database.review.get(item) is not None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("@zhang_san 这样发帖行吗", "… 这样发帖行吗"),
        ("看 https://t.me/abc/12 行吗", "看 … 行吗"),
        ("t.me/abc 行吗", "… 行吗"),
        ("写信给 zhang.san@example.org 行吗", "写信给 … 行吗"),
        ("打 13800138000 举报", "打 … 举报"),
        ("打 138 0013 8000 举报", "打 … 举报"),
        ("身份证11010119900307123X能发吗", "身份证…能发吗"),
        ("2024年1月14日的规定第14条", "2024年1月14日的规定第14条"),
        ("2024-01-14 发布的", "2024-01-14 发布的"),
    ],
)
def test_names_and_numbers_are_taken_out_of_questions(written: str, kept: str) -> None:
    assert without_names(written) == kept


async def test_an_odd_question_is_kept_all_the_same(database: Database) -> None:
    for question in ("？？？", "\ud800", "x" * 5000, "a\x00b"):
        await added(database.review, question)
    items = await database.review.open_items(None, limit=9)
    assert len(items) == 4
    assert max(len(item.question) for item in items) == 1000


async def test_a_pair_is_found_in_memory_and_after_a_restart(path: Path) -> None:
    async with opened(path) as database:
        database.replies.keep(GROUP, 5, 6, person_id=1, at=NOW)
        assert await database.replies.find(GROUP, 5) == 6
        database.replies.keep(GROUP, 5, 9, person_id=1, at=NOW)
        assert await database.replies.find(GROUP, 5) == 9
        assert await database.replies.find(GROUP - 1, 5) is None
    async with opened(path) as database:
        assert await database.replies.find(GROUP, 5) == 9
        assert await database.replies.find(GROUP, 6) is None


async def test_a_passage_is_opened_by_its_token_for_a_day(path: Path) -> None:
    async with opened(path) as database:
        token = await database.passages.keep("能翻墙吗", "zh", at=NOW)
        assert len(token) <= 24
        assert token.replace("-", "").replace("_", "").isalnum()
        for _ in range(2):
            assert await database.passages.find(token, at=NOW) == Passage("能翻墙吗", "zh")
            await database.flush()
        assert await database.passages.find(token, at=NOW + LASTS) is None
        assert await database.passages.find("x" * 22, at=NOW) is None
        assert await database.passages.find("\ud800", at=NOW) is None


async def test_the_database_alone_does_not_open_a_passage(path: Path) -> None:
    async with opened(path) as database:
        token = await database.passages.keep("能翻墙吗", "zh", at=NOW)
        await database.flush()
        async with database._sql.reading() as connection:
            row = (await connection.execute(select(tables.passages))).one()
    assert token not in str(row)
    assert "能翻墙吗".encode() not in row.sealed
    assert unseal(token, row.sealed) == {"q": "能翻墙吗", "l": "zh"}
    assert unseal("x" * 22, row.sealed) is None
    assert unseal(token, row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])) is None


def test_two_passages_share_no_keystream() -> None:
    content = {"q": "一样的话", "l": "zh"}
    assert seal("a", content) != seal("b", content)


def test_a_small_memory_forgets_what_was_used_longest_ago() -> None:
    memory: Recent[int, str] = Recent(2)
    memory[1], memory[2] = "a", "b"
    assert memory.get(1) == "a"
    memory[3] = "c"
    assert 1 in memory
    assert 2 not in memory


async def proposed(review: ReviewStore, question: str, *articles: int) -> None:
    item = await added(review, question)
    assert await review.resolve(item, "question", articles=articles, at=NOW, proposed=True)


async def test_a_proposal_counts_once_it_is_adopted(database: Database) -> None:
    review = database.review
    await proposed(review, "党费怎么交", 3)
    assert await review.resolved() == []
    (proposal,) = await review.proposals()
    assert (proposal.outcome, proposal.question, proposal.articles) == ("question", "党费怎么交", (3,))
    assert await review.adopt(proposal, at=NOW)
    assert not await review.adopt(proposal, at=NOW)
    assert await review.proposals() == []
    (resolved,) = await review.resolved()
    assert (resolved.outcome, resolved.articles) == ("question", (3,))
    await proposed(review, "党费怎么交", 9)
    (better,) = await review.proposals()
    assert await review.adopt(better, at=NOW)
    assert [one.articles for one in await review.resolved()] == [(9,)]
    assert await review.withdraw(better.id)
    assert not await review.withdraw(better.id)
    assert await review.resolved() == []


async def test_a_proposal_that_has_changed_since_it_was_seen_is_neither_adopted_nor_declined(
    database: Database,
) -> None:
    review = database.review
    await proposed(review, "党费怎么交", 3)
    (seen,) = await review.proposals()
    await proposed(review, "党费怎么交", 9)
    (now,) = await review.proposals()
    assert now.mark != seen.mark
    assert not await review.adopt(seen, at=NOW)
    assert not await review.decline(seen)
    assert await review.decline(now)
    assert await review.proposals() == []


async def test_a_proposal_that_nobody_decides_goes_with_the_retention(database: Database) -> None:
    await proposed(database.review, "党费怎么交", 3)
    await database.sweep(NOW + timedelta(days=89), 90)
    assert len(await database.review.proposals()) == 1
    await database.sweep(NOW + timedelta(days=91), 90)
    assert await database.review.proposals() == []


async def test_a_disputed_answer_that_was_dismissed_is_looked_at_again(database: Database) -> None:
    async def dispute() -> int:
        return await database.review.add(
            GROUP, "能翻墙吗", kind="disputed", reason="other", language="zh", reply_message_id=1, at=NOW
        )

    item = await dispute()
    assert await database.review.resolve(item, "dismissed", at=NOW)
    assert await dispute() == item
    assert [one.id for one in await database.review.open_items([GROUP])] == [item]


async def test_a_pair_of_ids_that_has_had_its_time_is_gone_from_memory_too(database: Database) -> None:
    database.replies.keep(GROUP, 5, 6, person_id=1, at=NOW)
    await database.flush()
    await database.sweep(NOW + timedelta(days=1), 90)
    assert await database.replies.find(GROUP, 5) == 6
    await database.sweep(NOW + timedelta(days=3), 90)
    assert await database.replies.find(GROUP, 5) is None

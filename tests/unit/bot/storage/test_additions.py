"""What administrators add -> the knowledge base's own files -> the next start; and the export for evaluation."""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.bootstrap import join
from bot.errors import StorageError, WangguiError
from bot.exporting import review_collection, write_collection
from bot.storage.additions import Additions, aliases_toml, questions_jsonl
from bot.storage.database import Database
from bot.storage.review import Resolved
from knowledge.assembly import ADDITIONS_FOLDER, open_knowledge_base, written_questions
from knowledge.corpora import match_articles
from knowledge.evaluation import read_collection
from knowledge.exemplars import read_exemplars
from knowledge.lexicon import Lexicon
from knowledge.library import Library
from knowledge.model import Regulation

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NASTY = '引号" 反斜\\ 换\t行 \x7f ]'


def question(text: str, *articles: int) -> Resolved:
    return Resolved(1, "question", text, "", articles, "zh")


def alias(term: str, *articles: int) -> Resolved:
    return Resolved(2, "alias", f"{term}算不算", term, articles, "zh")


async def test_both_files_read_back_as_what_was_adopted(
    database: Database, tmp_path: Path, conduct: Regulation
) -> None:
    ids = [
        await database.review.add(
            -1, text, kind="unanswered", reason="out_of_scope", language="zh", reply_message_id=1, at=NOW
        )
        for text in ("小火箭算不算", f"问 {NASTY}", "今天吃什么")
    ]
    await database.review.resolve(ids[0], "alias", term="小火箭", articles=[14], at=NOW)
    await database.review.resolve(ids[1], "question", articles=[3, 9], at=NOW)
    await database.review.resolve(ids[2], "dismissed", at=NOW)
    await Additions(tmp_path / "additions", database.review).write()
    lexicon = Lexicon.read(tmp_path / "additions" / "aliases.toml", conduct)
    assert [(entry.terms, entry.articles) for entry in lexicon.aliases] == [(("小火箭",), (14,))]
    exemplars = read_exemplars(tmp_path / "additions" / "questions.jsonl", conduct)
    assert [(one.question, one.articles) for one in exemplars] == [
        ("小火箭算不算", (14,)),
        (f"问 {NASTY}", (3, 9)),
    ]
    assert sorted(path.name for path in (tmp_path / "additions").iterdir()) == ["aliases.toml", "questions.jsonl"]


def test_no_term_breaks_the_file(tmp_path: Path, conduct: Regulation) -> None:
    path = tmp_path / "aliases.toml"
    for term in (NASTY, "'''", "两\u2028\u0085行", "[[alias]]", "\\u0041"):
        path.write_text(aliases_toml([alias(term, 14)]), encoding="utf-8")
        assert len(Lexicon.read(path, conduct).aliases) == 1
    assert questions_jsonl([alias("x", 14), question("y", 3)]).count("\n") == 2


async def test_a_folder_that_cannot_be_written_is_told(database: Database, tmp_path: Path) -> None:
    (tmp_path / "additions").write_text("in the way")
    with pytest.raises(StorageError, match="additions"):
        await Additions(tmp_path / "additions", database.review).write()


async def test_what_could_not_be_written_is_written_later(database: Database, tmp_path: Path) -> None:
    additions = Additions(tmp_path / "additions", database.review)
    await additions.catch_up()
    assert not (tmp_path / "additions").exists(), "nothing was due"
    (tmp_path / "additions").write_text("in the way")
    with pytest.raises(StorageError):
        await additions.write()
    (tmp_path / "additions").unlink()
    await additions.catch_up()
    assert (tmp_path / "additions" / "aliases.toml").is_file()


def test_additions_count_from_the_next_start_and_a_broken_file_is_left_out(
    built_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = "吃瓜群众能不能搬个小板凳围观"
    folder = tmp_path / "house"
    shutil.copytree(built_folder, folder)
    additions = folder / ADDITIONS_FOLDER
    additions.mkdir()
    (additions / "questions.jsonl").write_text(questions_jsonl([question(odd, 22)]), encoding="utf-8")
    (additions / "aliases.toml").write_text(aliases_toml([alias("搬个小板凳", 22)]), encoding="utf-8")
    knowledge = open_knowledge_base(folder)
    answer = join(knowledge).answer_now(odd)
    knowledge.close()
    assert answer.citations[0].article == 22

    (additions / "questions.jsonl").write_text('{"question": "机密的话", "articles": [99], "style": "review"}\n')
    (additions / "aliases.toml").write_text("[[alias]\n机密的话")
    with caplog.at_level(logging.WARNING):
        knowledge = open_knowledge_base(folder)
    answer = join(knowledge).answer_now("能翻墙吗")
    knowledge.close()
    assert answer.citations[0].article == 14
    assert "questions.jsonl" in caplog.text
    assert "aliases.toml" in caplog.text
    assert "机密" not in caplog.text


def test_an_added_question_wins_over_the_bundled_one_and_the_others_keep_their_vectors(
    bundled_library: Library, tmp_path: Path
) -> None:
    bundled = written_questions(bundled_library)
    first = next(one for one in bundled.exemplars if one.articles)
    (tmp_path / "questions.jsonl").write_text(
        questions_jsonl([question(first.question, 31), question("全新的一问", 2)]), encoding="utf-8"
    )
    both = written_questions(bundled_library, tmp_path)
    assert len(both.exemplars) == len(bundled.exemplars) + 1
    assert [one.articles for one in both.exemplars if one.question == first.question] == [(31,)]
    leading = [one.articles[0] if one.articles else 0 for one in both.exemplars]
    assert leading == sorted(leading)
    assert both.digest != bundled.digest
    assert written_questions(bundled_library, tmp_path / "nothing").digest == bundled.digest


def test_the_export_is_read_by_evaluate(tmp_path: Path, conduct: Regulation, bundled_library: Library) -> None:
    dismissed = Resolved(3, "dismissed", "今天吃什么", "", (), "zh")
    resolved = [question("能翻墙吗", 14), alias("小火箭", 14, 3), dismissed]
    write_collection(review_collection(conduct, resolved), tmp_path / "out")
    collection = read_collection(tmp_path / "out")
    assert [query.text for query in collection.queries] == ["能翻墙吗", "小火箭算不算", "今天吃什么"]
    assert collection.qrels == {"review-1": {"14": 1}, "review-2": {"14": 1, "3": 1}}
    assert collection.queries[2].group == "dismissed"
    assert match_articles(collection.documents, bundled_library) is not None


def test_an_export_of_nothing_and_one_that_cannot_be_written_are_told(tmp_path: Path, conduct: Regulation) -> None:
    with pytest.raises(WangguiError, match="no question"):
        review_collection(conduct, [])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WangguiError, match="cannot be written"):
        write_collection(review_collection(conduct, [question("能翻墙吗", 14)]), tmp_path / "file")

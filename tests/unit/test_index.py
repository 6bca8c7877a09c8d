"""The index on disk: built aside and swapped in whole, rebuilt by itself when it must be, never half of anything."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pytest

from knowledge import index as index_module
from knowledge.embedding import Embedder, Vector
from knowledge.errors import IndexingError
from knowledge.exemplars import Exemplar, WrittenQuestions
from knowledge.index import Index, IndexFolder, fingerprint
from knowledge.library import Library
from knowledge.normalising import normalise
from knowledge.reading import READER_VERSION
from tests.factories import CONDUCT, make_library, make_regulation
from tests.fakes import DIMENSIONS, FakeEmbedder

ROOT: Final = Path(__file__).parents[2]
ARTICLES = (
    *CONDUCT[:-1],
    "建立健全澄清正名和保护制度。对遭受诬告陷害、网络暴力的党员，应当依法维护其合法权益。",
    "有下列情形之一的：\n（一）制作谣言的；\n（二）传播谣言的。",
    CONDUCT[-1],
)
ENTRIES = len(ARTICLES) + 2 + 3
"""Every article, and the clauses of the two that have several."""

QUESTIONS = WrittenQuestions((Exemplar("能翻墙吗", (2,), "colloquial"), Exemplar("天气如何", (), "colloquial", "天气")))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make_library(tmp_path_factory.mktemp("regulation"), ARTICLES)


@pytest.fixture(scope="module")
def larger(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The same library and one regulation more."""
    more = make_regulation(tmp_path_factory.mktemp("more"), ["另一部规定的条文。"], title="另一规定")
    return Library((*library.regulations, more))


@pytest.fixture(scope="module")
def reworded(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The same articles with one of them in other words."""
    return make_library(tmp_path_factory.mktemp("reworded"), ("党员应当以身作则。", *ARTICLES[1:]))


@pytest.fixture(scope="module")
def prebuilt(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the library, to be copied and never opened."""
    root = tmp_path_factory.mktemp("prebuilt") / "index"
    IndexFolder(root).build(library, FakeEmbedder(), QUESTIONS).close()
    return root


@pytest.fixture
def root(prebuilt: Path, tmp_path: Path) -> Path:
    """A copy of that index of one's own."""
    target = tmp_path / "index"
    shutil.copytree(prebuilt, target)
    return target


def test_a_small_index_and_chroma_find_the_same(
    root: Path, library: Library, larger: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, found = FakeEmbedder(), []
    for few in (index_module._FEW, 0):
        monkeypatch.setattr(index_module, "_FEW", few)
        for folder, one in ((root, library), (tmp_path / f"larger{few}", larger)):
            with IndexFolder(folder).open_or_build(one, embedder, QUESTIONS) as index:
                for text in ("谣言", "翻墙", "另一部"):
                    for within in (None, library.principal.id):
                        hits = index.dense(embedder.embed(text), 4, within=within)
                        found.append((few, [(hit.article_id, round(hit.score, 5)) for hit in hits]))
    assert [hits for few, hits in found if few] == [hits for few, hits in found if not few]


def current_folder(root: Path) -> Path:
    return root / (root / "CURRENT").read_text(encoding="utf-8").strip()


def snapshot(root: Path) -> dict[str, bytes]:
    """All files but the lock and what SQLite keeps for itself."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock" and not path.name.startswith("chroma.sqlite3-")
    }


def assert_is_whole(index: Index, library: Library) -> None:
    """It holds exactly this library: every article is found by its own words, both ways."""
    embedder = FakeEmbedder()
    assert index.article_ids == library.article_ids
    assert index.dimensions == DIMENSIONS
    for place, article_id in enumerate(library.article_ids):
        text = normalise(library[article_id][1].text)
        hit = index.dense(embedder.embed(text), 3)[0]
        assert hit.article_id == article_id
        assert hit.score == pytest.approx(1.0, abs=1e-4)
        assert int(np.argmax(index.lexical(text))) == place


# ---------------------------------------------------------------- building and opening


def test_a_first_index_is_built(tmp_path: Path, library: Library) -> None:
    root, embedder = tmp_path / "data" / "index", FakeEmbedder()
    steps: list[tuple[int, int]] = []
    said: list[str] = []
    folder = IndexFolder(root)
    assert folder.current() is None
    with folder.open_or_build(
        library, embedder, progress=lambda done, total: steps.append((done, total)), announce=said.append
    ) as index:
        assert index.size == ENTRIES == len(embedder.texts)
        assert index.question_vectors.shape == (0, DIMENSIONS)
        assert_is_whole(index, library)
    assert steps == [(ENTRIES, ENTRIES)]
    assert said == []
    manifest = folder.current()
    assert manifest is not None
    assert manifest["fingerprint"] == fingerprint(library, embedder)
    assert manifest["article_ids"] == list(library.article_ids)
    assert Path(manifest["folder"]) == current_folder(root)
    assert sorted(path.name for path in root.iterdir() if path.name != "lock") == sorted(
        ["CURRENT", current_folder(root).name]
    )


def test_a_current_index_is_opened_without_embedding(root: Path, library: Library) -> None:
    embedder = FakeEmbedder()
    steps: list[int] = []
    with IndexFolder(root).open_or_build(
        library, embedder, QUESTIONS, progress=lambda done, _: steps.append(done)
    ) as index:
        assert embedder.texts == []
        assert steps == []
        assert_is_whole(index, library)
        np.testing.assert_allclose(index.question_vectors, QUESTIONS.vectors(FakeEmbedder()), atol=1e-3)


def test_opening_leaves_no_trace(root: Path, library: Library) -> None:
    (root / "lock").unlink(missing_ok=True)
    before = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    IndexFolder(root).open_or_build(library, FakeEmbedder(), QUESTIONS).close()
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*")) == before


def test_texts_are_embedded_in_their_normal_form(tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    library = make_library(tmp_path, ["党员使用ＶＰＮ的，应当报告。"])
    IndexFolder(tmp_path / "index").build(library, embedder).close()
    assert embedder.texts == ["党员使用vpn的,应当报告。"]


def test_vectors_are_kept_under_the_ids_of_articles_by_cosine(root: Path, library: Library) -> None:
    import chromadb

    client: Any = chromadb.PersistentClient(str(current_folder(root) / "chroma"))
    (collection,) = client.list_collections()
    kept = collection.get(include=["embeddings", "metadatas"])
    assert set(library.article_ids) <= set(kept["ids"])
    assert len(kept["ids"]) == ENTRIES
    assert collection.configuration["hnsw"]["space"] == "cosine"
    vectors = np.asarray(kept["embeddings"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    client.close()


def test_the_bundled_regulation_is_indexed_whole(tmp_path: Path, bundled_library: Library) -> None:
    clauses = [len(bundled_library[article_id][1].clauses) for article_id in bundled_library.article_ids]
    expected = len(clauses) + sum(count for count in clauses if count > 1)
    with IndexFolder(tmp_path / "index").build(bundled_library, FakeEmbedder()) as index:
        assert index.size == expected > 31
        assert_is_whole(index, bundled_library)


# ---------------------------------------------------------------- searching


@pytest.fixture(scope="module")
def opened(prebuilt: Path, library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    target = tmp_path_factory.mktemp("opened") / "index"
    shutil.copytree(prebuilt, target)
    with IndexFolder(target).open_or_build(library, FakeEmbedder(), QUESTIONS) as index:
        yield index


def nearest(library: Library, query: str) -> dict[str, float]:
    """By brute force: the cosine of every article's nearest entry."""
    embedder = FakeEmbedder()
    vector = embedder.embed(query)
    found = {}
    for article_id in library.article_ids:
        _, article = library[article_id]
        texts = [article.text, *(clause.text for clause in article.clauses)]
        found[article_id] = max(float(embedder.embed(normalise(text)) @ vector) for text in texts)
    return found


@pytest.mark.parametrize("query", ["能浏览境外的网站吗", "传播谣言", "网络暴力怎么办", "vpn", ""])
def test_the_nearest_articles_are_found_best_first(opened: Index, library: Library, query: str) -> None:
    hits = opened.dense(FakeEmbedder().embed(query), len(library))
    expected = nearest(library, query)
    assert {hit.article_id for hit in hits} == set(library.article_ids)
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.article_id], abs=1e-4)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_no_more_articles_than_asked_for_and_each_once(opened: Index, library: Library, limit: int) -> None:
    hits = opened.dense(FakeEmbedder().embed("谣言"), limit)
    assert len({hit.article_id for hit in hits}) == len(hits) <= min(limit, len(library))
    assert hits


def test_a_hit_tells_which_clause_was_nearest(opened: Index, library: Library) -> None:
    embedder, checked = FakeEmbedder(), 0
    for article_id in library.article_ids:
        _, article = library[article_id]
        if len(article.clauses) == 1:
            assert opened.dense(embedder.embed(normalise(article.text)), 1)[0].clause is None
            continue
        for number, clause in enumerate(article.clauses):
            hit = opened.dense(embedder.embed(normalise(clause.text)), 1)[0]
            assert (hit.article_id, hit.clause) == (article_id, number)
            checked += 1
    assert checked == 5


def test_words_are_scored_in_the_order_of_articles(opened: Index, library: Library) -> None:
    scores = opened.lexical("谣言")
    assert scores.shape == (len(library),)
    assert [library.article_ids[place] for place in np.flatnonzero(scores)] == [
        article_id for article_id in library.article_ids if "谣言" in library[article_id][1].text
    ]
    assert not opened.lexical("").any()


def test_threads_do_not_disturb_one_another(opened: Index) -> None:
    queries = [FakeEmbedder().embed(text) for text in ("谣言", "境外", "教育", "施行")] * 10
    expected = [opened.dense(query, 5) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: opened.dense(query, 5), queries)) == expected


# ---------------------------------------------------------------- stale


def test_the_fingerprint_is_the_same_for_the_same(library: Library, tmp_path: Path) -> None:
    same = make_library(tmp_path, ARTICLES)
    assert fingerprint(library, FakeEmbedder()) == fingerprint(same, FakeEmbedder())


def test_the_fingerprint_changes_with_all_that_makes_an_index(
    library: Library, larger: Library, reworded: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder: Embedder = FakeEmbedder()
    found = {
        "as it is": fingerprint(library, embedder),
        "another text": fingerprint(reworded, embedder),
        "another regulation": fingerprint(larger, embedder),
        "another model": fingerprint(library, FakeEmbedder("another")),
        "questions": fingerprint(library, embedder, QUESTIONS),
    }
    monkeypatch.setattr(index_module, "READER_VERSION", READER_VERSION + 1)
    found["another reader"] = fingerprint(library, embedder)
    monkeypatch.undo()
    monkeypatch.setattr(index_module, "LAYOUT_VERSION", index_module.LAYOUT_VERSION + 1)
    found["another layout"] = fingerprint(library, embedder)
    assert len(set(found.values())) == len(found) == 7


@pytest.mark.parametrize("change", ["text", "model", "regulation", "questions"])
def test_a_stale_index_is_rebuilt_by_itself(
    root: Path, library: Library, larger: Library, reworded: Library, change: str
) -> None:
    libraries = {"text": reworded, "regulation": larger}
    embedder = FakeEmbedder("another" if change == "model" else "fake")
    questions = WrittenQuestions(QUESTIONS.exemplars[:1]) if change == "questions" else QUESTIONS
    before = current_folder(root)
    with IndexFolder(root).open_or_build(libraries.get(change, library), embedder, questions) as index:
        assert embedder.texts
        assert index.article_ids == libraries.get(change, library).article_ids
        assert len(index.question_vectors) == len(questions.exemplars)
    assert current_folder(root) != before
    assert before.is_dir()


def test_an_index_that_is_open_goes_on_answering_while_another_takes_its_place(
    root: Path, library: Library, reworded: Library
) -> None:
    folder = IndexFolder(root)
    with folder.open_or_build(library, FakeEmbedder(), QUESTIONS) as old:
        with folder.open_or_build(reworded, FakeEmbedder(), QUESTIONS) as new:
            assert_is_whole(old, library)
            assert_is_whole(new, reworded)
        assert_is_whole(old, library)


def test_only_the_current_folder_and_the_one_before_are_kept(tmp_path: Path) -> None:
    root, names = tmp_path / "index", []
    for number in range(4):
        library = make_library(tmp_path / str(number), [f"第{number}版的文字。"])
        IndexFolder(root).open_or_build(library, FakeEmbedder()).close()
        names.append(current_folder(root).name)
    assert len(set(names)) == 4
    assert {path.name for path in root.iterdir() if path.is_dir()} == set(names[-2:])


def test_a_forced_build_leaves_the_open_index_alone(root: Path, library: Library) -> None:
    folder = IndexFolder(root)
    with folder.open_or_build(library, FakeEmbedder(), QUESTIONS) as old:
        before, embedder = current_folder(root), FakeEmbedder()
        with folder.build(library, embedder, QUESTIONS) as new:
            assert embedder.texts
            assert current_folder(root) != before
            assert_is_whole(new, library)
        assert_is_whole(old, library)


# ---------------------------------------------------------------- interrupted, and going on


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    """Batches of five, so that the library has three."""
    monkeypatch.setattr(index_module, "_BATCH", 5)
    return 5


def every_text(library: Library) -> list[str]:
    """What an index of the library embeds, in order."""
    return [normalise(entry.text) for entry in index_module._entries(library)]


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("fails_at", [1, 5, 6, 8, ENTRIES])
def test_a_build_goes_on_where_it_stopped(
    tmp_path: Path, library: Library, small_batches: int, fails_at: int, error: BaseException
) -> None:
    folder, texts = IndexFolder(tmp_path / "index"), every_text(library)
    with pytest.raises((IndexingError, KeyboardInterrupt)):
        folder.build(library, FakeEmbedder(fails_at=fails_at, error=error))
    kept = (fails_at - 1) // small_batches * small_batches
    embedder = FakeEmbedder()
    with folder.open_or_build(library, embedder) as index:
        assert_is_whole(index, library)
    assert embedder.texts == texts[kept:]


def test_an_interrupted_build_gives_the_same_index(tmp_path: Path, library: Library, small_batches: int) -> None:
    found = []
    for name, fails_at in (("whole", ()), ("interrupted", (2, 7, 4))):
        folder = IndexFolder(tmp_path / name / "index")
        for place in fails_at:
            with pytest.raises(IndexingError):
                folder.build(library, FakeEmbedder(fails_at=place))
        with folder.build(library, FakeEmbedder()) as index:
            found.append([index.dense(FakeEmbedder().embed(text), 5) for text in every_text(library)])
    assert found[0] == found[1]


def test_another_regulation_costs_only_its_own_texts(tmp_path: Path, library: Library, larger: Library) -> None:
    folder, embedder = IndexFolder(tmp_path / "index"), FakeEmbedder()
    folder.open_or_build(library, FakeEmbedder()).close()
    with folder.open_or_build(larger, embedder) as index:
        assert_is_whole(index, larger)
    assert embedder.texts == [text for text in every_text(larger) if text not in every_text(library)]
    assert len(embedder.texts) == 1


def test_a_forced_build_embeds_nothing_twice(tmp_path: Path, library: Library) -> None:
    folder, embedder = IndexFolder(tmp_path / "index"), FakeEmbedder()
    folder.build(library, FakeEmbedder(), QUESTIONS).close()
    with folder.build(library, embedder, QUESTIONS) as index:
        assert_is_whole(index, library)
    assert embedder.texts == []


def test_texts_are_embedded_and_counted_batch_by_batch(tmp_path: Path, library: Library, small_batches: int) -> None:
    class Recording(FakeEmbedder):
        sizes: ClassVar[list[int]] = []

        def embed_all(self, texts: Sequence[str]) -> Vector:
            self.sizes.append(len(texts))
            return super().embed_all(texts)

    steps: list[tuple[int, int]] = []
    IndexFolder(tmp_path / "index").build(
        library, Recording(), progress=lambda done, total: steps.append((done, total))
    ).close()
    assert Recording.sizes == [5, 5, 2]
    assert steps == [(5, ENTRIES), (10, ENTRIES), (12, ENTRIES)]


KILLED = """
import signal, sys
from pathlib import Path
from knowledge import index
from tests.factories import make_library
from tests.fakes import FakeEmbedder
from tests.unit.test_index import ARTICLES
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us with it ignored
index._BATCH = 5
def stop(done, total):
    print(done, flush=True)
    if done == 10:
        sys.stdin.readline()
index.IndexFolder(Path(sys.argv[1])).build(make_library(Path(sys.argv[2]), ARTICLES), FakeEmbedder(), progress=stop)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_killed_leaves_what_it_had_embedded(
    tmp_path: Path, library: Library, small_batches: int, sent: signal.Signals
) -> None:
    root = tmp_path / "index"
    command = [sys.executable, "-c", KILLED, str(root), str(tmp_path / "regulation")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["5\n", "10\n"]
        process.send_signal(sent)
        process.wait(60)
    assert not (root / "CURRENT").exists()
    embedder = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, embedder) as index:
        assert_is_whole(index, library)
    assert embedder.texts == every_text(library)[10:]
    assert not list(root.glob(".building-*"))


# ---------------------------------------------------------------- corrupt


def database(root: Path) -> Path:
    return current_folder(root) / "chroma" / "chroma.sqlite3"


def vectors_file(root: Path) -> Path:
    """The largest of Chroma's own binary files."""
    files = [path for path in (current_folder(root) / "chroma").rglob("*") if path.is_file() and path.suffix == ".bin"]
    return max(files, key=lambda path: path.stat().st_size)


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def spoil(path: Path, share: float = 0.5, count: int = 64) -> None:
    """Change bytes and keep the length."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * share)
    content[start : start + count] = bytes(byte ^ 0xFF for byte in content[start : start + count])
    path.write_bytes(bytes(content))


def replace_by_folder(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    path.mkdir()


def run_sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def edit_manifest(root: Path, **changes: Any) -> None:
    path = current_folder(root) / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}), encoding="utf-8")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "database missing": lambda root: database(root).unlink(),
    "database empty": lambda root: overwrite(database(root), b""),
    "database garbage": lambda root: overwrite(database(root), b"garbage " * 999),
    "database truncated": lambda root: overwrite(database(root), database(root).read_bytes()[:20_000]),
    "database spoilt": lambda root: spoil(database(root), 0.02, 60_000),
    "database is a folder": lambda root: replace_by_folder(database(root)),
    "collection gone": lambda root: run_sql(database(root), "DELETE FROM collections"),
    "entries gone": lambda root: run_sql(database(root), "DELETE FROM embeddings WHERE id > 3"),
    "chroma folder missing": lambda root: shutil.rmtree(current_folder(root) / "chroma"),
    "vectors missing": lambda root: vectors_file(root).unlink(),
    "vectors truncated": lambda root: overwrite(vectors_file(root), vectors_file(root).read_bytes()[:100]),
    "lexical.npz missing": lambda root: (current_folder(root) / "lexical.npz").unlink(),
    "lexical.npz truncated": lambda root: overwrite(
        current_folder(root) / "lexical.npz", (current_folder(root) / "lexical.npz").read_bytes()[:200]
    ),
    "lexical.npz garbage": lambda root: overwrite(current_folder(root) / "lexical.npz", b"garbage"),
    "lexical.npz spoilt": lambda root: spoil(current_folder(root) / "lexical.npz"),
    "asked.npz missing": lambda root: (current_folder(root) / "asked.npz").unlink(),
    "asked.npz garbage": lambda root: overwrite(current_folder(root) / "asked.npz", b"garbage"),
    "asked.npz header spoilt": lambda root: spoil(current_folder(root) / "asked.npz", 0.0, 10),
    "asked.npz spoilt": lambda root: spoil(current_folder(root) / "asked.npz"),
    "manifest missing": lambda root: (current_folder(root) / "manifest.json").unlink(),
    "manifest empty": lambda root: overwrite(current_folder(root) / "manifest.json", b""),
    "manifest garbage": lambda root: overwrite(current_folder(root) / "manifest.json", b"\xff\xfe{{"),
    "manifest is a list": lambda root: overwrite(current_folder(root) / "manifest.json", b"[]"),
    "manifest is a number": lambda root: overwrite(current_folder(root) / "manifest.json", b"3"),
    "manifest without files": lambda root: edit_manifest(root, files=None),
    "manifest with odd files": lambda root: edit_manifest(root, files=[1]),
    "manifest with fewer entries": lambda root: edit_manifest(root, entries=3),
    "manifest without articles": lambda root: edit_manifest(root, article_ids=[]),
    "CURRENT missing": lambda root: (root / "CURRENT").unlink(),
    "CURRENT empty": lambda root: overwrite(root / "CURRENT", b""),
    "CURRENT garbage": lambda root: overwrite(root / "CURRENT", b"\xff\xfe\x00\x80"),
    "CURRENT with a zero byte": lambda root: overwrite(root / "CURRENT", b"a\x00b"),
    "CURRENT names nothing": lambda root: overwrite(root / "CURRENT", b"nowhere\n"),
    "CURRENT names what is outside": lambda root: overwrite(root / "CURRENT", b"../..\n"),
    "folder missing": lambda root: shutil.rmtree(current_folder(root)),
    "folder empty": lambda root: replace_by_folder(current_folder(root)),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_corrupt_index_is_rebuilt_by_itself(root: Path, library: Library, damage: str) -> None:
    DAMAGE[damage](root)
    embedder = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, embedder, QUESTIONS) as index:
        assert embedder.texts, "the damage went unnoticed"
        assert index.size == ENTRIES
        assert_is_whole(index, library)
        np.testing.assert_allclose(index.question_vectors, QUESTIONS.vectors(FakeEmbedder()), atol=1e-3)
    again = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, again, QUESTIONS) as index:
        assert again.texts == []
        assert_is_whole(index, library)


def test_spoilt_vectors_are_noticed_or_do_no_harm(root: Path, library: Library) -> None:
    spoil(vectors_file(root), 0.5, 2000)
    with IndexFolder(root).open_or_build(library, FakeEmbedder(), QUESTIONS) as index:
        assert_is_whole(index, library)


def test_what_an_interrupted_build_left_is_cleared_away(root: Path, library: Library, reworded: Library) -> None:
    leftovers = [root / f".building-{number}" for number in range(3)]
    for leftover in leftovers:
        shutil.copytree(current_folder(root), leftover)
        (leftover / "manifest.json").unlink()
    embedder = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, embedder, QUESTIONS) as index:
        assert embedder.texts == []
        assert_is_whole(index, library)
    with IndexFolder(root).open_or_build(reworded, FakeEmbedder(), QUESTIONS) as index:
        assert_is_whole(index, reworded)
    assert [leftover for leftover in leftovers if leftover.exists()] == []
    assert not list(root.glob(".CURRENT-*"))


# ---------------------------------------------------------------- failing


class Panic(BaseException):
    """Chroma's Rust core raises one of these."""


FAILURES = [
    (RuntimeError("boom"), "RuntimeError"),
    (Panic("the core panicked"), "Panic"),
    (MemoryError(), "MemoryError"),
    (OSError(28, "No space left on device"), "no space left"),
    (sqlite3.OperationalError("database or disk is full"), "no space left"),
    (OSError(30, "Read-only file system"), "cannot be written"),
    (PermissionError(13, "Permission denied"), "cannot be written"),
    (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be written"),
]


@pytest.mark.parametrize(("error", "reason"), FAILURES, ids=[str(row[0]) or "memory" for row in FAILURES])
@pytest.mark.parametrize("fails_at", [1, ENTRIES])
def test_a_build_that_fails_leaves_the_index_in_use(
    root: Path, library: Library, reworded: Library, error: BaseException, reason: str, fails_at: int
) -> None:
    before = snapshot(root)
    broken = FakeEmbedder(fails_at=fails_at, error=error)
    with pytest.raises(IndexingError, match=reason) as raised:
        IndexFolder(root).build(reworded, broken, QUESTIONS)
    assert str(root) in str(raised.value)
    assert "the one in use is untouched" in str(raised.value)
    assert raised.value.__cause__ is error
    assert "boom" not in str(raised.value)
    assert snapshot(root) == before
    sound = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, sound, QUESTIONS) as index:
        assert sound.texts == []
        assert_is_whole(index, library)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_a_build_that_is_interrupted_leaves_the_index_in_use(
    root: Path, library: Library, error: BaseException
) -> None:
    before = snapshot(root)
    with pytest.raises(type(error)):
        IndexFolder(root).build(library, FakeEmbedder(fails_at=3, error=error), QUESTIONS)
    assert snapshot(root) == before
    assert not list(root.glob(".building-*"))
    with IndexFolder(root).build(library, FakeEmbedder(), QUESTIONS) as index:
        assert_is_whole(index, library)


def test_a_first_build_that_fails_leaves_nothing(tmp_path: Path, library: Library) -> None:
    root = tmp_path / "index"
    with pytest.raises(IndexingError):
        IndexFolder(root).open_or_build(library, FakeEmbedder(fails_at=3))
    assert snapshot(root) == {}
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_an_earlier_index_stays_in_use_where_it_still_serves(root: Path, library: Library, larger: Library) -> None:
    said: list[str] = []
    broken = FakeEmbedder(fails_at=1, error=OSError(28, "No space left on device"))
    with IndexFolder(root).open_or_build(larger, broken, QUESTIONS, announce=said.append) as index:
        assert_is_whole(index, library)
    assert len(said) == 1
    assert "重建" in said[0]
    assert "earlier one stays" in said[0]


@pytest.mark.parametrize("change", ["model", "questions", "articles"])
def test_an_earlier_index_that_would_mislead_is_not_used(
    root: Path, library: Library, tmp_path: Path, change: str
) -> None:
    fewer = make_library(tmp_path / "fewer", ARTICLES[:-1])
    broken = FakeEmbedder("another" if change == "model" else "fake", fails_at=1)
    questions = WrittenQuestions(QUESTIONS.exemplars[:1]) if change == "questions" else QUESTIONS
    before = snapshot(root)
    with pytest.raises(IndexingError):
        IndexFolder(root).open_or_build(fewer if change == "articles" else library, broken, questions)
    assert snapshot(root) == before


@pytest.mark.parametrize("where", ["", "below"])
def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path, library: Library, where: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    root = blocked / where if where else blocked
    with pytest.raises(IndexingError) as raised:
        IndexFolder(root).open_or_build(library, FakeEmbedder())
    assert str(root) in str(raised.value)
    assert blocked.read_text(encoding="utf-8") == "a file"


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system"), PermissionError(13, "Permission denied")])
def test_a_folder_that_may_not_be_written_leaves_the_index_in_use(
    root: Path, library: Library, larger: Library, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    said: list[str] = []
    before = snapshot(root)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("knowledge.index.os.replace", refuse)
    with pytest.raises(IndexingError, match="cannot be written"):
        IndexFolder(root).build(larger, FakeEmbedder(), QUESTIONS)
    assert snapshot(root) == before
    with IndexFolder(root).open_or_build(larger, FakeEmbedder(), QUESTIONS, announce=said.append) as index:
        assert_is_whole(index, library)
    assert len(said) == 1


def forbid_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the folder lay on a read-only mount (root may write everywhere)."""
    access = os.access

    def denied(path: Any, mode: int, **options: Any) -> bool:
        if mode & os.W_OK and Path(path).is_relative_to(folder):
            return False
        return access(path, mode, **options)

    monkeypatch.setattr("knowledge.index.os.access", denied)


def test_a_read_only_index_is_opened_from_a_copy(
    root: Path, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(root)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    forbid_writing(root, monkeypatch)
    embedder = FakeEmbedder()
    with IndexFolder(root).open_or_build(library, embedder, QUESTIONS) as index:
        assert embedder.texts == []
        assert_is_whole(index, library)
        assert list(scratch.iterdir())
    assert snapshot(root) == before


def test_the_copy_of_a_read_only_index_goes_when_it_is_closed(
    root: Path, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    forbid_writing(root, monkeypatch)
    IndexFolder(root).open_or_build(library, FakeEmbedder(), QUESTIONS).close()
    assert list(scratch.iterdir()) == []


# ---------------------------------------------------------------- two processes

HOLDER = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the index's lock until it reads a line."""
    command = [sys.executable, "-c", HOLDER, str(root / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def release(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_a_second_process_says_that_it_waits_and_then_builds(
    root: Path, library: Library, holder: "subprocess.Popen[str]"
) -> None:
    said: list[str] = []

    def announce(sentence: str) -> None:
        said.append(sentence)
        assert holder.poll() is None
        release(holder)

    embedder = FakeEmbedder()
    with IndexFolder(root).build(library, embedder, QUESTIONS, announce=announce) as index:
        assert embedder.texts
        assert_is_whole(index, library)
    assert len(said) == 1
    assert "另一个进程" in said[0]
    assert "waiting" in said[0]
    assert holder.wait(30) == 0


def test_what_the_other_process_has_built_is_taken(
    root: Path, library: Library, prebuilt: Path, holder: "subprocess.Popen[str]"
) -> None:
    (root / "CURRENT").unlink()
    embedder = FakeEmbedder()

    def finish(_: str) -> None:
        shutil.copyfile(prebuilt / "CURRENT", root / "CURRENT")
        release(holder)

    with IndexFolder(root).open_or_build(library, embedder, QUESTIONS, announce=finish) as index:
        assert embedder.texts == []
        assert_is_whole(index, library)


def test_an_index_that_is_current_is_opened_while_another_process_builds(
    root: Path, library: Library, holder: "subprocess.Popen[str]"
) -> None:
    said: list[str] = []
    with IndexFolder(root).open_or_build(library, FakeEmbedder(), QUESTIONS, announce=said.append) as index:
        assert_is_whole(index, library)
    assert said == []
    assert holder.poll() is None


def test_waiting_has_an_end(
    root: Path,
    reworded: Library,
    holder: "subprocess.Popen[str]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_module, "LOCK_TIMEOUT_S", 0.1)
    before = snapshot(root)
    with pytest.raises(IndexingError, match="another process"):
        IndexFolder(root).build(reworded, FakeEmbedder(), QUESTIONS)
    assert snapshot(root) == before
    assert holder.poll() is None


BUILDER = """
import sys
from pathlib import Path
from knowledge.index import IndexFolder
from tests.factories import make_library
from tests.fakes import FakeEmbedder
embedder = FakeEmbedder()
library = make_library(Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
with IndexFolder(Path(sys.argv[1])).open_or_build(library, embedder) as index:
    print(index.dense(embedder.embed(library["示例规定#2"][1].text), 1)[0].article_id, flush=True)
"""


def test_two_processes_that_begin_at_once_both_succeed(tmp_path: Path) -> None:
    root = tmp_path / "index"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILDER, str(root), str(tmp_path / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        release(process)
    for process in processes:
        out, err = process.communicate(timeout=100)
        assert (process.returncode, out) == (0, "示例规定#2\n"), err
    assert len([path for path in root.iterdir() if path.is_dir()]) == 1

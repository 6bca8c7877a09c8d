"""The regulations at hand: what ships, what a person adds, and that a failure leaves things as they were."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from knowledge.errors import IndexingError, ReadingError
from knowledge.library import Library, adding, bundled_folder, load_library, read_bundled
from knowledge.model import Regulation
from tests.factories import FIXTURES, write_regulation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where added regulations lie; it does not exist yet."""
    return tmp_path / "data" / "library"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Where the files lie that a person adds."""
    path = tmp_path / "desk"
    path.mkdir()
    return path


def add(paths: Iterable[Path], folder: Path) -> tuple[Regulation, ...]:
    with adding(paths, folder) as regulations:
        return regulations


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file in and beside the library, with what it holds."""
    parent = folder.parent
    return {str(path.relative_to(parent)): path.read_bytes() for path in sorted(parent.rglob("*")) if path.is_file()}


def added_names(folder: Path) -> list[str]:
    return [regulation.name for regulation in load_library(folder)][1:]


# ---------------------------------------------------------------- what ships


def test_the_principal_regulation_comes_first(bundled_library: Library) -> None:
    assert bundled_library.principal.title == "中国共产党党员网络行为规定"
    assert next(iter(bundled_library)) is bundled_library.principal
    assert "网规" in bundled_library.principal.aliases


def test_every_article_has_an_id(bundled_library: Library) -> None:
    assert len(bundled_library) == len(bundled_library.article_ids) == 31
    for number, article_id in enumerate(bundled_library.article_ids, start=1):
        regulation, article = bundled_library[article_id]
        assert regulation is bundled_library.principal
        assert article.number == number
        assert article_id == f"party-network-conduct#{number}"
    with pytest.raises(KeyError):
        bundled_library["party-network-conduct#32"]


def copy_of_bundled(tmp_path: Path) -> Path:
    target = tmp_path / "bundled"
    target.mkdir()
    for name in ("text.txt", "meta.toml"):
        shutil.copyfile(bundled_folder() / "party-network-conduct" / name, target / name)
    return target


def test_a_bundled_folder_is_read(tmp_path: Path, conduct: Regulation) -> None:
    assert read_bundled(copy_of_bundled(tmp_path)) == conduct


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id =", "id"),
        ('id = "party-network-conduct"', ""),
        ("consequences = 28", "consequences = 32"),
        ("consequences = 28", 'consequences = "二十八"'),
        ("[roles]", 'roles = "none"\n[other]'),
    ],
    ids=["malformed", "no id", "no such article", "no number", "no table"],
)
def test_bad_metadata_is_refused(tmp_path: Path, old: str, new: str) -> None:
    meta = copy_of_bundled(tmp_path) / "meta.toml"
    text = meta.read_text(encoding="utf-8")
    assert old in text
    meta.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ReadingError) as raised:
        read_bundled(meta.parent)
    assert raised.value.path == meta
    assert raised.value.expected


@pytest.mark.parametrize("name", ["meta.toml", "text.txt"])
def test_a_bundled_folder_without_one_of_its_files_is_refused(tmp_path: Path, name: str) -> None:
    target = copy_of_bundled(tmp_path)
    (target / name).unlink()
    with pytest.raises(ReadingError) as raised:
        read_bundled(target)
    assert raised.value.path == target / name


# ---------------------------------------------------------------- adding


def test_an_added_regulation_is_there(folder: Path, desk: Path) -> None:
    path = write_regulation(desk, title="示例规定")
    with adding([path], folder) as regulations:
        assert [regulation.title for regulation in regulations] == ["示例规定"]
        assert added_names(folder) == ["示例规定"]
    library = load_library(folder)
    assert [regulation.title for regulation in library][1:] == ["示例规定"]
    assert library.principal.id == "party-network-conduct"
    assert library["示例规定#1"][1].text == regulations[0].articles[0].text
    assert path.is_file()
    assert [entry.name for entry in folder.parent.iterdir()] == ["library"]


def test_nothing_added_changes_nothing(folder: Path) -> None:
    assert add([], folder) == ()
    assert not folder.exists()


def test_several_are_added_at_once_and_stay_beside_earlier_ones(folder: Path, desk: Path) -> None:
    add([write_regulation(desk, title="甲规定")], folder)
    add([write_regulation(desk, title="乙规定"), write_regulation(desk, title="丙规定")], folder)
    assert sorted(added_names(folder)) == sorted(["甲规定", "乙规定", "丙规定"])


def test_a_copy_of_the_same_regulation_replaces_it(folder: Path, desk: Path) -> None:
    add([write_regulation(desk, ["旧的文字。"], title="甲规定")], folder)
    add([write_regulation(desk, ["新的文字。", "又一条的。"], title="甲规定", name="别的名字.md")], folder)
    library = load_library(folder)
    assert added_names(folder) == ["甲规定"]
    assert library["甲规定#1"][1].text == "新的文字。"
    assert len([path for path in folder.iterdir() if path.is_file()]) == 1


def test_editions_of_one_title_stand_side_by_side(folder: Path) -> None:
    paths = [FIXTURES / f"中国共产党纪律处分条例_{edition}.txt" for edition in (2018, 2023)]
    add(paths, folder)
    assert sorted(added_names(folder)) == ["中国共产党纪律处分条例（2018）", "中国共产党纪律处分条例（2023）"]
    assert len(load_library(folder)) == 31 + 142 + 158


def test_all_neighbours_can_be_added(folder: Path) -> None:
    paths = sorted(FIXTURES.iterdir())
    regulations = add(paths, folder)
    assert len(regulations) == len(paths) == 16
    library = load_library(folder)
    assert {regulation.id for regulation in library} == {
        "party-network-conduct",
        *(regulation.id for regulation in regulations),
    }
    assert len(library) == sum(len(regulation.articles) for regulation in library)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("某单位上网办法（试行）.txt", "第一条 甲的文字。\n"),
        ("很长的名字.txt", "关于" + "非常" * 34 + "长的规定\n第一条 甲的文字。\n"),
        ("斜线.txt", "甲/乙规定：试行\n第一条 甲的文字。\n"),
    ],
)
def test_what_was_read_is_what_is_loaded_again(folder: Path, desk: Path, name: str, text: str) -> None:
    path = desk / name
    path.write_text(text, encoding="utf-8")
    (regulation,) = add([path], folder)
    loaded = load_library(folder).regulations[1]
    assert loaded == regulation


def test_two_regulations_with_like_names_do_not_overwrite_each_other(folder: Path, desk: Path) -> None:
    titles = ["甲规定（试行）", "甲规定《试行》"]
    add([write_regulation(desk, title=title, name=f"{place}.txt") for place, title in enumerate(titles)], folder)
    assert sorted(added_names(folder)) == sorted(titles)


def test_a_bundled_regulation_cannot_be_added(folder: Path, desk: Path) -> None:
    path = desk / "copy.txt"
    shutil.copyfile(bundled_folder() / "party-network-conduct" / "text.txt", path)
    with pytest.raises(ReadingError, match="ships with wanggui") as raised:
        add([path], folder)
    assert raised.value.path == path
    assert not folder.exists()


# ---------------------------------------------------------------- failures


def test_one_bad_file_keeps_all_out(folder: Path, desk: Path) -> None:
    add([write_regulation(desk, title="甲规定")], folder)
    before = snapshot(folder)
    bad = desk / "bad.txt"
    bad.write_text("乙规定\n第二条 没有第一条。\n", encoding="utf-8")
    with pytest.raises(ReadingError) as raised:
        add([write_regulation(desk, title="丙规定"), bad], folder)
    assert raised.value.path == bad
    assert snapshot(folder) == before


@pytest.mark.parametrize("error", [RuntimeError("the index could not be built"), KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_block_that_fails_is_undone(folder: Path, desk: Path, error: BaseException, earlier: bool) -> None:
    if earlier:
        add([write_regulation(desk, ["旧的文字。"], title="甲规定")], folder)
    before = snapshot(folder) if earlier else {}
    changed = write_regulation(desk, ["新的文字。"], title="甲规定")
    with pytest.raises(type(error)):
        with adding([changed, write_regulation(desk, title="乙规定")], folder):
            assert sorted(added_names(folder)) == sorted(["甲规定", "乙规定"])
            raise error
    assert snapshot(folder) == before
    assert added_names(folder) == (["甲规定"] if earlier else [])


def test_a_folder_that_cannot_be_written_is_reported(folder: Path, desk: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in its place", encoding="utf-8")
    with pytest.raises(IndexingError, match="library"):
        add([write_regulation(desk, title="甲规定")], folder)
    assert folder.read_text(encoding="utf-8") == "a file in its place"


def test_a_copy_that_fails_half_way_is_undone(folder: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add([write_regulation(desk, ["旧的文字。"], title="甲规定")], folder)
    before = snapshot(folder)
    copyfile = shutil.copyfile
    copied: list[str] = []

    def full_after_one(source: str, target: str, **options: bool) -> object:
        if Path(target).name.startswith(".adding-"):
            copied.append(target)
        if len(copied) > 1:
            raise OSError(28, "No space left on device")
        return copyfile(source, target, **options)

    paths = [write_regulation(desk, ["新的文字。"], title="甲规定"), write_regulation(desk, title="乙规定")]
    monkeypatch.setattr(shutil, "copyfile", full_after_one)
    with pytest.raises(IndexingError, match="unchanged"):
        add(paths, folder)
    monkeypatch.undo()
    assert len(copied) == 2
    assert snapshot(folder) == before


def test_one_regulation_in_two_files_is_refused(folder: Path) -> None:
    for name in ("a.txt", "b.txt"):
        write_regulation(folder, title="甲规定", name=name)
    with pytest.raises(ReadingError, match="《甲规定》 is there twice") as raised:
        load_library(folder)
    assert raised.value.path == folder


def test_what_is_no_regulation_is_passed_over(folder: Path) -> None:
    write_regulation(folder, title="甲规定")
    (folder / ".adding-x.txt").write_text("cut short", encoding="utf-8")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    assert added_names(folder) == ["甲规定"]


def test_a_broken_file_in_the_library_is_named(folder: Path) -> None:
    write_regulation(folder, title="甲规定")
    (folder / "乙.txt").write_text("乙规定\n第一条\n", encoding="utf-8")
    with pytest.raises(ReadingError) as raised:
        load_library(folder)
    assert raised.value.path == folder / "乙.txt"


def test_no_folder_means_nothing_added(tmp_path: Path) -> None:
    assert len(load_library(tmp_path / "nowhere").regulations) == len(load_library().regulations) == 1

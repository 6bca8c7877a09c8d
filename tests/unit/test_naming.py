"""Which regulation a question names: by 《…》, by a short name that the words around it ask about, by an edition."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.errors import ReadingError
from knowledge.library import Library
from knowledge.naming import Names, read_short_names, superseded
from knowledge.normalising import normalise
from knowledge.reading import read_regulation
from tests.factories import FIXTURES, make_regulation


@pytest.fixture(scope="module")
def shelf(bundled_library: Library) -> Library:
    names: Sequence[str] = (
        "中国共产党纪律处分条例_2018",
        "中国共产党纪律处分条例_2023",
        "网络安全法_2016",
        "中国共产党章程_2017",
        "中国共产党组织处理规定_试行",
        "中国共产党问责条例",
    )
    return Library((*bundled_library, *(read_regulation(FIXTURES / f"{name}.txt") for name in names)))


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("《中国共产党纪律处分条例》对翻墙怎么规定", "中国共产党纪律处分条例（2023）"),
        ("《中国共产党纪律处分条例（2018）》第十条", "中国共产党纪律处分条例（2018）"),
        ("《中国共产党纪律处分条例》2018年版第十条", "中国共产党纪律处分条例（2018）"),
        ("2018年的处分条例第十条写了什么", "中国共产党纪律处分条例（2018）"),
        ("旧版处分条例 第十条", "中国共产党纪律处分条例（2018）"),
        ("2023版处分条例第10条", "中国共产党纪律处分条例（2023）"),
        ("处分条例第十条", "中国共产党纪律处分条例（2023）"),
        ("纪律处分条例里警告影响期多久", "中国共产党纪律处分条例（2023）"),
        ("处分条例有多少条", "中国共产党纪律处分条例（2023）"),
        ("查一下处分条例", "中国共产党纪律处分条例（2023）"),
        ("网络安全法里公民有什么义务", "中华人民共和国网络安全法"),
        ("网安法怎么规定实名制", "中华人民共和国网络安全法"),
        ("《中华人民共和国网络安全法》", "中华人民共和国网络安全法"),
        ("党章规定的党员义务有哪些", "中国共产党章程"),
        ("問責條例第三條", "中国共产党问责条例"),
        ("《中国共产党组织处理规定(试行)》有哪些组织处理方式", "中国共产党组织处理规定（试行）"),
        ("组织处理规定第三条", "中国共产党组织处理规定（试行）"),
    ],
)
def test_a_question_names_a_regulation(shelf: Library, question: str, found: str) -> None:
    named = Names(shelf).find(normalise(question))
    assert named is not None
    assert named.regulation.name == found
    assert named.words in normalise(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "能翻墙吗",
        "条例",
        "刑法第十条",
        "《中华人民共和国数据安全法》第三条",
        "党员网络行为规定第十四条",
        "《中国共产党党员网络行为规定》第十四条",
        "在网上骂人会不会按处分条例处理",
        "直播带货违反网络安全法吗",
        "学党章的短视频能转发吗",
        "被纪律处分了怎么办",
    ],
)
def test_a_question_about_the_conduct_names_none(shelf: Library, question: str) -> None:
    assert Names(shelf).find(normalise(question)) is None


def test_the_principal_regulation_alone_has_nothing_to_name(bundled_library: Library) -> None:
    assert Names(bundled_library).find("处分条例第十条") is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_newest_edition_is_meant_and_the_other_is_superseded(
    bundled_library: Library, tmp_path: Path, order: tuple[int, int]
) -> None:
    made = replace(make_regulation(tmp_path, title="某某管理规定"), promulgated_on=None)
    editions = [replace(made, id=f"某某管理规定-{year}", edition=year) for year in ("2019", "2021")]
    library = Library((*bundled_library, *(editions[place] for place in order)))
    named = Names(library).find("某某管理规定第一条")
    assert named is not None
    assert named.regulation is editions[1]
    assert superseded(library) == {"某某管理规定-2019"}
    older = Names(library).find("旧版某某管理规定第一条")
    assert older is not None
    assert older.regulation is editions[0]


def test_a_broken_file_of_short_names_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "short_names.toml"
    for text in ("甲 =", '"甲" = 3'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ReadingError) as raised:
            read_short_names(path)
        assert raised.value.path == path

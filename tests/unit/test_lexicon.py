"""Everyday words: the longest match wins, Latin words are whole words, and a wrong entry is refused."""

from pathlib import Path

import pytest

from knowledge.errors import ReadingError
from knowledge.lexicon import Alias, Lexicon, Neighbour
from knowledge.model import Regulation
from knowledge.normalising import normalise
from knowledge.repair import wording


def alias(*terms: str, articles: tuple[int, ...] = (1,)) -> Alias:
    return Alias(terms, (), articles, "because")


def neighbour(*terms: str) -> Neighbour:
    return Neighbour(terms, terms[0], "", "because")


def subjects(lexicon: Lexicon, query: str) -> tuple[list[str], list[str]]:
    found = lexicon.find(query)
    return [entry.terms[0] for entry in found.aliases], [entry.subject for entry in found.neighbours]


LEXICON = Lexicon(
    (alias("翻墙", "vpn", "科学上网"), alias("朋友圈", "moments"), alias("转发"), alias("wechat moments")),
    (neighbour("转发朋友圈广告"), neighbour("党费"), neighbour("id card")),
)


@pytest.mark.parametrize(
    ("query", "aliases", "neighbours"),
    [
        ("能翻墙吗", ["翻墙"], []),
        ("用vpn科学上网翻墙", ["翻墙"], []),
        ("转发到朋友圈", ["朋友圈", "转发"], []),
        ("转发朋友圈广告可以吗", [], ["转发朋友圈广告"]),
        ("转发朋友圈广告，再转发一次", ["转发"], ["转发朋友圈广告"]),
        ("wechat moments", ["wechat moments"], []),
        ("moments", ["朋友圈"], []),
        ("交党费要转发吗", ["转发"], ["党费"]),
        ("没有什么", [], []),
        ("", [], []),
    ],
)
def test_the_longest_terms_are_found(query: str, aliases: list[str], neighbours: list[str]) -> None:
    found = subjects(LEXICON, query)
    assert (sorted(found[0]), sorted(found[1])) == (sorted(aliases), sorted(neighbours))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("vpn", True),
        ("用vpn吗", True),
        ("use a vpn, please", True),
        ("vpns", False),
        ("supervpn", False),
        ("vpn2", False),
        ("vp n", False),
    ],
)
def test_latin_words_match_whole_words_only(query: str, found: bool) -> None:
    assert bool(LEXICON.find(query).aliases) is found


@pytest.mark.parametrize(("query", "found"), [("my id card", True), ("covid cards", False), ("paid card", False)])
def test_latin_phrases_match_whole_words_only(query: str, found: bool) -> None:
    assert bool(LEXICON.find(query).neighbours) is found


def test_longest_terms_come_first() -> None:
    lexicon = Lexicon((alias("群里"), alias("微信群"), alias("微信群里发")))
    found = [entry.terms[0] for entry in lexicon.find("群里，微信群，微信群里发").aliases]
    assert found == ["微信群里发", "微信群", "群里"]


def test_an_entry_is_found_once() -> None:
    lexicon = Lexicon((alias("点赞", "转发"),))
    assert len(lexicon.find("点赞转发，转发点赞").aliases) == 1


def test_an_empty_lexicon_finds_nothing() -> None:
    assert Lexicon().find("翻墙").aliases == ()
    assert Lexicon().find("翻墙").neighbours == ()


def write(folder: Path, content: str) -> Path:
    path = folder / "aliases.toml"
    path.write_text(content, encoding="utf-8")
    return path


WHOLE = """
[[alias]]
terms = ["翻墙", "ＶＰＮ", "翻牆", "vpn"]
means = ["非法定信道"]
articles = [14]
reason = "翻墙就是使用非法定信道"

[[neighbour]]
terms = ["党费"]
subject = "党费收缴"
reason = "本规定未涉及党费"
"""


def test_a_file_is_read_and_its_terms_normalised(tmp_path: Path, conduct: Regulation) -> None:
    lexicon = Lexicon.read(write(tmp_path, WHOLE), conduct)
    assert lexicon.aliases == (Alias(("翻墙", "vpn"), ("非法定信道",), (14,), "翻墙就是使用非法定信道"),)
    assert lexicon.neighbours == (Neighbour(("党费",), "党费收缴", "", "本规定未涉及党费"),)


def test_a_regulation_without_a_file_has_no_lexicon(tmp_path: Path, conduct: Regulation) -> None:
    assert Lexicon.read(tmp_path / "aliases.toml", conduct) == Lexicon()


@pytest.mark.parametrize(
    ("old", "new", "problem", "expected"),
    [
        ("[[alias]]", "[[alias", "malformed", "[[alias]]"),
        ("articles = [14]", "articles = [32]", "article 32", "1 to 31"),
        ("articles = [14]", "articles = [0]", "article 0", "1 to 31"),
        ('means = ["非法定信道"]', 'means = ["非法通道"]', "非法通道", "verbatim"),
        ("articles = [14]", "articles = [15]", "非法定信道", "verbatim"),
        ("articles = [14]", "", "", ""),
        ('reason = "翻墙就是使用非法定信道"', "", "", ""),
        ('terms = ["翻墙", "ＶＰＮ", "翻牆", "vpn"]', "", "", ""),
        ("articles = [14]", 'articles = ["十四"]', "", ""),
        ('subject = "党费收缴"', "", "", ""),
        ("[[alias]]", "[alias]", "", ""),
    ],
)
def test_a_wrong_entry_is_refused(
    tmp_path: Path, conduct: Regulation, old: str, new: str, problem: str, expected: str
) -> None:
    assert old in WHOLE
    path = write(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(ReadingError) as raised:
        Lexicon.read(path, conduct)
    assert raised.value.path == path
    assert problem in raised.value.problem
    assert expected in raised.value.expected
    assert raised.value.expected


def test_a_file_in_another_encoding_is_refused(tmp_path: Path, conduct: Regulation) -> None:
    path = tmp_path / "aliases.toml"
    path.write_bytes(WHOLE.encode("gbk"))
    with pytest.raises(ReadingError) as raised:
        Lexicon.read(path, conduct)
    assert raised.value.path == path


@pytest.fixture(scope="module")
def shipped(conduct: Regulation, conduct_folder: Path) -> Lexicon:
    return Lexicon.read(conduct_folder / "aliases.toml", conduct)


def test_every_shipped_alias_stands_in_its_articles(shipped: Lexicon, conduct: Regulation) -> None:
    checked = 0
    for entry in shipped.aliases:
        articles = [conduct.article(number) for number in entry.articles]
        assert entry.articles
        assert entry.terms
        assert entry.reason
        for words in entry.means:
            assert any(article and wording(words) in wording(article.text) for article in articles)
            checked += 1
    assert checked > 100


def test_every_shipped_term_finds_its_entry_or_one_that_covers_it(shipped: Lexicon) -> None:
    checked = 0
    terms = [entry.terms for entry in shipped.aliases] + [entry.terms for entry in shipped.neighbours]
    for of_one_entry in terms:
        for term in of_one_entry:
            assert term == normalise(term)
            found = shipped.find(term)
            assert found.aliases or found.neighbours
            checked += 1
    assert checked > 1000


def test_no_shipped_term_is_an_alias_and_a_neighbour(shipped: Lexicon) -> None:
    aliases = {term for entry in shipped.aliases for term in entry.terms}
    neighbours = {term for entry in shipped.neighbours for term in entry.terms}
    assert len(aliases) > 500
    assert len(neighbours) > 200
    assert aliases & neighbours == set()

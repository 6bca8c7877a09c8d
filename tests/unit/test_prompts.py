"""The sentence files: twins in keys and placeholders, checked before the house opens, and none lying about unused."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import bot
import prompts
from prompts import (
    INSTRUCTIONS,
    LANGUAGES,
    PromptError,
    Replies,
    load_instructions,
    load_replies,
    placeholders,
    read_instructions,
    read_replies,
)

FOLDER = Path(prompts.__file__).parent
SOURCES = sorted(Path(bot.__file__).parent.rglob("*.py"))
SECTIONS = sorted({key.partition(".")[0] for key in read_replies("zh").placeholders()})
KEY = re.compile(rf"(?:{'|'.join(SECTIONS)})\.[a-z_]*[a-z]")
LOGGERS = {"telegram.request"}
"""Names that look like keys and are none."""
FILLED = re.compile(rf"(?:{'|'.join(SECTIONS)})\.[a-z_.\0]*")


class Call(NamedTuple):
    """A sentence that is asked for: where, by which key, and the names given (None: by `**`)."""

    where: str
    key: str
    names: frozenset[str] | None


def keys_of(node: ast.AST) -> Iterator[str]:
    """The key, or every key that a formatted string may become (its values stand as NUL)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
        yield from {node.value} - LOGGERS
    elif isinstance(node, ast.JoinedStr):
        pattern = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
        if FILLED.fullmatch(pattern):
            known = read_replies("zh").placeholders()
            expression = re.escape(pattern).replace("\0", "[a-z_]+").replace("\\[a-z_]+", "[a-z_]+")
            yield from (key for key in known if re.fullmatch(expression, key))


def used_keys() -> set[str]:
    """Every key that stands anywhere in the bot's source."""
    return {
        key
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for key in keys_of(node)
    }


def calls() -> list[Call]:
    """Every call whose first argument is a key: the sentence is filled there."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and not called(node).startswith("_"):
                names = {keyword.arg for keyword in node.keywords}
                given = None if None in names else frozenset(name for name in names if name)
                found += [Call(f"{path.name}:{node.lineno}", key, given) for key in keys_of(node.args[0])]
    return found


def called(node: ast.Call) -> str:
    """The name of what is called: `say`, `replies`; a method of that name for `self.replies`."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return "replies" if name == "_replies" else name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sentence files that the loader reads in place of the real ones."""
    for language in LANGUAGES:
        for name in (f"replies.{language}.toml", *(f"{name}.{language}.md" for name in INSTRUCTIONS)):
            shutil.copy(FOLDER / name, tmp_path)
    monkeypatch.setattr("prompts.resources.files", lambda _: tmp_path)
    load_replies.cache_clear()
    yield tmp_path
    load_replies.cache_clear()


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_files_are_twins() -> None:
    zh, en = (load_replies()[language].placeholders() for language in LANGUAGES)
    assert len(zh) > 50
    assert zh == en


def test_every_language_has_its_file_and_every_file_its_language() -> None:
    assert {path.name for path in FOLDER.glob("replies.*.toml")} == {
        f"replies.{language}.toml" for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_or_frayed(language: prompts.Language) -> None:
    replies = read_replies(language)
    known = replies.placeholders()
    assert known
    for key, names in known.items():
        sentence = replies(key, **dict.fromkeys(names, "x"))
        assert sentence.strip("\n") == sentence != "", key
        assert not re.search(r"[{}]|  |[ \t]\n", sentence), key


def test_chinese_sentences_are_chinese_and_english_ones_english() -> None:
    zh, en = (read_replies(language) for language in LANGUAGES)
    han = re.compile(r"[一-鿿]")
    bare = {"answer.quote", "answer.item", "answer.place", "answer.place_regulation", "lookup.chapter_line_single"}
    bare |= {"answer.claim", "answer.lead_plain", "doctor.broken", "lookup.article", "lookup.chapter"}
    bare |= {"settings.line", "terminal.prompt", "bank.line"}
    bare |= {"paper.bar", "paper.brackets", "paper.part", "paper.quoted"}
    checked = 0
    for key, names in zh.placeholders().items():
        values = dict.fromkeys(names, "")
        assert han.search(zh(key, **values)) or key in bare, key
        quoted = re.sub(r"“[^”]*”|《[^》]*》", "", en(key, **values))
        assert not han.search(quoted), key
        checked += 1
    assert checked > 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_that_one_language_lacks_refuses_to_start(folder: Path, language: str) -> None:
    path = folder / f"replies.{language}.toml"
    (line,) = re.findall(r"^goodbye = .*\n", path.read_text(encoding="utf-8"), flags=re.M)
    change(path, line, "")
    with pytest.raises(PromptError, match=r"terminal\.goodbye"):
        load_replies()


def test_a_key_too_many_refuses_to_start(folder: Path) -> None:
    change(folder / "replies.en.toml", "[terminal]\n", '[terminal]\nnew = "x"\n')
    with pytest.raises(PromptError, match=r"terminal\.new"):
        load_replies()


@pytest.mark.parametrize(
    ("old", "new"), [("{missing}", "{absent}"), ("{missing}", "it"), ("no {missing}", "no {missing} {x}")]
)
def test_another_placeholder_refuses_to_start_and_is_named(folder: Path, old: str, new: str) -> None:
    path = folder / "replies.en.toml"
    (line,) = re.findall(r"^also_missing = .*\n", path.read_text(encoding="utf-8"), flags=re.M)
    change(path, line, line.replace(old, new))
    with pytest.raises(PromptError, match=r"lookup\.also_missing"):
        load_replies()


@pytest.mark.parametrize("sentence", ["{label", "label}", "{label:{}", "{la{bel}}"])
def test_braces_that_do_not_match_refuse_to_start(folder: Path, sentence: str) -> None:
    path = folder / "replies.zh.toml"
    (line,) = re.findall(r"^goodbye = .*\n", path.read_text(encoding="utf-8"), flags=re.M)
    change(path, line, f'goodbye = "{sentence}"\n')
    with pytest.raises(PromptError):
        load_replies()


@pytest.mark.parametrize("content", ["[answer", "answer = \n", 'answer.lead = "a"\nanswer.lead = "b"\n'])
def test_a_malformed_file_is_named(folder: Path, content: str) -> None:
    (folder / "replies.en.toml").write_text(content, encoding="utf-8")
    with pytest.raises(PromptError, match=r"replies\.en\.toml"):
        load_replies()


def test_a_file_in_another_encoding_is_named(folder: Path) -> None:
    (folder / "replies.zh.toml").write_bytes('[answer]\nlead = "第"\n'.encode("gb18030"))
    with pytest.raises(PromptError, match=r"replies\.zh\.toml"):
        load_replies()


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "replies.en.toml").unlink()
    with pytest.raises(PromptError, match=r"replies\.en\.toml"):
        load_replies()


@pytest.mark.parametrize("value", ["14", "true", '["a"]', "2024-01-14"])
def test_what_is_no_sentence_is_named(folder: Path, value: str) -> None:
    change(folder / "replies.en.toml", "[terminal]\n", f"[terminal]\nnew = {value}\n")
    with pytest.raises(PromptError, match=r"terminal\.new"):
        load_replies()


def test_a_sentence_is_filled() -> None:
    assert Replies("zh", {"a.b": "第{number}条"})("a.b", number=14) == "第14条"


def test_a_value_is_never_read_as_a_sentence() -> None:
    assert Replies("zh", {"a.b": "《{name}》"})("a.b", name="{0}{name}%s") == "《{0}{name}%s》"


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(PromptError, match=r"replies\.en\.toml.*no\.such"):
        Replies("en", {})("no.such")


def test_a_lacking_value_is_named() -> None:
    with pytest.raises(PromptError, match=r"a\.b.*number"):
        Replies("zh", {"a.b": "第{number}条"})("a.b")


@pytest.mark.parametrize(
    ("sentence", "names"),
    [("", set()), ("a", set()), ("{a}{b}{a}", {"a", "b"}), ("{{a}}", set()), ("{a:>3}", {"a"}), ("{a!r}", {"a"})],
)
def test_placeholders_are_the_names_in_braces(sentence: str, names: set[str]) -> None:
    assert placeholders(sentence) == names


@pytest.mark.parametrize("sentence", ["{}", "{0}", "{a b}", "{1a}"])
def test_a_placeholder_without_a_name_refuses_to_start(sentence: str) -> None:
    with pytest.raises(PromptError):
        placeholders(sentence)


def test_every_key_that_the_source_uses_exists() -> None:
    used, known = used_keys(), set(load_replies()["zh"].placeholders())
    assert len(used) > 40
    assert used <= known


def test_every_key_of_the_files_is_used() -> None:
    unused = set(load_replies()["zh"].placeholders()) - used_keys()
    assert unused == set()


def test_every_sentence_is_given_what_it_needs() -> None:
    known = load_replies()["zh"].placeholders()
    checked = 0
    for call in calls():
        assert call.key in known, call
        if call.names is not None:
            assert call.names == known[call.key], call
            checked += 1
    assert checked > 40


def test_the_search_for_keys_finds_them_in_either_form() -> None:
    tree = ast.parse("say('answer.whole'); f'terminal.usage_{unit}'; 'answer.'; 'x.y'; f'{a}.b'; f'doctor.{a}cy_off'")
    found = {key for node in ast.walk(tree) for key in keys_of(node)}
    assert found == {"answer.whole", "terminal.usage_article", "terminal.usage_chapter", "doctor.privacy_off"}


def test_what_a_model_is_told_is_there_in_every_language_and_nothing_else_lies_about() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == {
        f"{name}.{language}.md" for name in INSTRUCTIONS for language in LANGUAGES
    }
    for instructions in load_instructions().values():
        for name, names in INSTRUCTIONS.items():
            told = instructions(name, **dict.fromkeys(names, "\0"))
            assert told.count("\0") >= len(names), name
            assert not re.search(r"[{}]{2}", told), name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "old", "new"), [("material", "{question}", "{asked}"), ("repair", "{faults}", "")])
def test_a_wrong_placeholder_in_what_a_model_is_told_refuses_to_start(
    folder: Path, language: prompts.Language, name: str, old: str, new: str
) -> None:
    change(folder / f"{name}.{language}.md", old, new)
    with pytest.raises(PromptError, match=f"{name}.{language}.md"):
        read_instructions(language)


def test_a_lacking_file_of_what_a_model_is_told_refuses_to_start(folder: Path) -> None:
    (folder / "rewrite.en.md").unlink()
    with pytest.raises(PromptError, match=r"rewrite\.en\.md"):
        read_instructions("en")


def test_the_version_changes_with_any_character(folder: Path) -> None:
    before = read_instructions("zh").version
    assert read_instructions("zh").version == before != read_instructions("en").version
    change(folder / "rewrite.zh.md", "一行", "两行")
    assert read_instructions("zh").version != before

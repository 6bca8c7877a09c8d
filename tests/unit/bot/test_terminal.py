"""The terminal: what an answer looks like on the screen, what the commands do, how a conversation goes."""

import io
import json
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from bot.answering.generation.conversation import MemoryTurns
from bot.answering.generation.writer import Writer
from bot.answering.plain import as_text
from bot.answering.service import Answerer
from bot.bootstrap import join
from bot.terminal import Conversation, answer_lines, render
from knowledge.assembly import KnowledgeBase
from knowledge.library import Library
from prompts import load_instructions, load_replies
from tests.factories import make_answer, make_citation
from tests.fakes import FakeModel

BORDERS = str.maketrans("", "", "╭╮╰╯│─ \n")


def screen(renderable: RenderableType, width: int = 100) -> str:
    """What stands on the screen, without borders, spaces and line ends: lines are wrapped inside panels."""
    console = Console(file=io.StringIO(), record=True, width=width)
    console.print(renderable)
    return console.export_text().translate(BORDERS)


def panels(renderable: RenderableType) -> list[Panel]:
    parts = renderable.renderables if isinstance(renderable, Group) else [renderable]
    return [part for part in parts if isinstance(part, Panel)]


def styled(panel: Panel) -> list[tuple[str, str]]:
    """The words of a panel that have a style of their own, with that style."""
    text = panel.renderable
    assert isinstance(text, Text)
    return [(text.plain[span.start : span.end], str(span.style)) for span in text.spans]


@pytest.fixture
def conversation(answerer: Answerer) -> Conversation:
    return Conversation(answerer, Console(file=io.StringIO(), record=True, width=100))


def test_the_leading_article_stands_there_whole_with_its_deciding_words_bright(answerer: Answerer) -> None:
    answer = answerer.answer_now("收游戏装备算受贿吗")
    leading = answer.citations[0]
    assert (leading.article, leading.emphasis is not None) == (18, True)
    shown = screen(render(answer))
    for words in (answer.lead, leading.label, leading.chapter_label, leading.text, *answer.notes):
        assert words.translate(BORDERS) in shown
    assert styled(panels(render(answer))[0])[-1] == (leading.emphasis, "bold yellow")


def test_the_clause_is_marked_within_its_article_and_the_words_within_the_clause(bundled_library: Library) -> None:
    citation = make_citation(bundled_library, 12, quote="不得匿名诬告、有意陷害或者制造其他谣言。", emphasis="有意陷害")
    (panel,) = panels(render(make_answer(citation)))
    assert styled(panel) == [(citation.quote, "bold"), ("有意陷害", "bold yellow")]


def test_emphasis_is_looked_for_in_the_quote_and_not_before_it(bundled_library: Library) -> None:
    citation = make_citation(bundled_library, 12, quote="不得匿名诬告", emphasis="不得")
    (panel,) = panels(render(make_answer(citation)))
    text = panel.renderable
    assert isinstance(text, Text)
    assert [span.start for span in text.spans] == [citation.text.index(citation.quote)] * 2


def test_the_others_follow_below_dim_and_after_the_notes(bundled_library: Library) -> None:
    citations = [make_citation(bundled_library, number) for number in (14, 28, 9)]
    rendered = render(make_answer(*citations, notes=("一条注。",)))
    assert [panel.border_style for panel in panels(rendered)] == ["cyan", "dim", "dim"]
    shown = screen(rendered)
    places = [
        shown.index(words) for words in ("开头：", "第十四条", "一条注。", "可能还有关的条文：", "第二十八条", "第九条")
    ]
    assert places == sorted(places)


def test_a_whole_chapter_is_shown_article_by_article(answerer: Answerer) -> None:
    answer = answerer.answer_now("第三章")
    rendered = render(answer)
    assert len(panels(rendered)) == 13
    shown = screen(rendered)
    assert all(citation.text.translate(BORDERS) in shown for citation in answer.citations)


@pytest.mark.parametrize("width", [40, 60, 200])
def test_nothing_is_lost_on_a_narrow_or_a_wide_screen(answerer: Answerer, width: int) -> None:
    answer = answerer.answer_now("翻墙被抓了怎么处分")
    shown = screen(render(answer), width)
    for words in (answer.lead, *answer.notes, *(citation.text for citation in answer.citations)):
        assert words.translate(BORDERS) in shown


@pytest.mark.parametrize(
    ("question", "colour"), [("你好", "yellow"), ("党费怎么交", "yellow"), ("第三十二条", "yellow"), ("目录", "cyan")]
)
def test_an_answer_without_articles_is_one_panel(answerer: Answerer, question: str, colour: str) -> None:
    answer = answerer.answer_now(question)
    (panel,) = panels(render(answer))
    assert panel.border_style == colour
    assert as_text(answer).translate(BORDERS) in screen(panel)


def test_trouble_is_red() -> None:
    (panel,) = panels(render(make_answer(status="unavailable", reason="failed", lead="出错了。")))
    assert (panel.border_style, screen(panel)) == ("red", "出错了。")


def test_an_english_reader_gets_english_labels(answerer: Answerer) -> None:
    shown = screen(render(answerer.answer_now("can I use a VPN?")))
    assert "Article14·第三章网络行为管理" in shown
    assert "党员不得擅自建立" in shown


@pytest.mark.parametrize("title", ["第一章 [bold]总则", "第一章 总则[/附]", "第一章 [link=x]总则", "第一章 [red]"])
def test_square_brackets_of_a_regulation_are_no_markup(bundled_library: Library, title: str) -> None:
    citation = make_citation(bundled_library, 1, chapter_label=title)
    assert title.translate(BORDERS) in screen(render(make_answer(citation)))


@pytest.mark.parametrize(
    ("line", "article"),
    [
        ("/article 14", 14),
        ("/article 第十四条", 14),
        ("/article 十四", 14),
        ("/article  7 ", 7),
        ("/article\u300014", 14),
    ],
)
def test_an_article_is_shown(conversation: Conversation, line: str, article: int) -> None:
    (panel,) = panels(conversation.reply(line))
    numeral = {14: "第十四条", 7: "第七条"}[article]
    assert str(panel.title).startswith(numeral)


@pytest.mark.parametrize(("line", "count"), [("/chapter 3", 13), ("/chapter 第五章", 3), ("/chapter 二", 4)])
def test_a_chapter_is_shown(conversation: Conversation, line: str, count: int) -> None:
    assert len(panels(conversation.reply(line))) == count


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/article 32", "没有第三十二条"),
        ("/chapter 9", "没有第九章"),
        ("/article", "用法：/article14"),
        ("/article abc", "用法：/article14"),
        ("/article 第三章", "用法：/article14"),
        ("/article 第十四条违反了会怎样", "用法：/article14"),
        ("/chapter", "用法：/chapter3"),
        ("/chapter 第十四条", "用法：/chapter3"),
        ("/toc", "第三章网络行为管理（第九条至第二十一条）"),
        ("/help", "/article"),
        ("/nonsense 14", "没有这个命令：/nonsense"),
        ("/", "没有这个命令：/。"),
        ("/[red]x", "没有这个命令：/[red]x。"),
    ],
)
def test_a_command_says(conversation: Conversation, line: str, said: str) -> None:
    assert said in screen(conversation.reply(line))


def test_help_names_every_command(conversation: Conversation) -> None:
    shown = screen(conversation.reply("/help"))
    for command in ("/article", "/chapter", "/toc", "Ctrl-D"):
        assert command in shown


def test_anything_else_is_a_question(conversation: Conversation) -> None:
    assert "第十四条" in screen(conversation.reply("能翻墙吗"))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Types lines, and raises what is an exception, when `input` asks; then Ctrl-D."""

    def typing(*lines: str | type[BaseException]) -> None:
        waiting: Iterator[str | type[BaseException]] = iter((*lines, EOFError))

        def answer(prompt: str) -> str:
            assert prompt == load_replies()["zh"]("terminal.prompt")
            line = next(waiting)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", answer)

    return typing


def test_a_conversation_welcomes_answers_and_says_goodbye(answerer: Answerer, typed: Callable[..., None]) -> None:
    console = Console(file=io.StringIO(), record=True, width=100)
    typed("能翻墙吗", "   ", "", KeyboardInterrupt, "/article 9")
    Conversation(answerer, console).run()
    shown = console.export_text().translate(BORDERS)
    places = [shown.index(words) for words in ("问《中国共产党党员网络行为规定》", "第十四条", "第九条", "再见。")]
    assert places == sorted(places)


def test_an_answer_in_a_models_words_stands_there_once_with_its_articles(
    knowledge_base: KnowledgeBase, typed: Callable[..., None]
) -> None:
    quote, text = (
        "党员不得擅自建立、使用非法定信道",
        "您说的翻墙，要看是不是“擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等”：条文写的是“不得”。",
    )
    claim = {"evidence": "E1", "quote": quote, "case": "您说的翻墙", "words": "使用非法定信道"}
    draft = {"claims": [claim], "open": ["单位专线算不算“非法定信道”"]}
    model = FakeModel(json.dumps(draft, ensure_ascii=False))
    console = Console(file=io.StringIO(), record=True, width=100)
    typed("能翻墙吗", "那违反了呢？")
    Conversation(join(knowledge_base, writer=Writer(model, load_instructions()), turns=MemoryTurns()), console).run()
    shown = console.export_text().translate(BORDERS)
    assert shown.count(text) == 1
    places = [
        shown.index(words)
        for words in (text, "［第十四条］", "单位专线", "党员不得擅自建立", "按“能翻墙吗，违反了会怎样”")
    ]
    assert places == sorted(places)


def test_a_conversation_that_ends_at_once_is_no_error(answerer: Answerer, typed: Callable[..., None]) -> None:
    console = Console(file=io.StringIO(), record=True)
    typed()
    Conversation(answerer, console).run()
    assert console.export_text().endswith("再见。\n")


def test_lines_of_a_pipe_are_answered_in_order_as_plain_text(answerer: Answerer) -> None:
    output = io.StringIO()
    lines = ["能翻墙吗\n", "\n", "  \r\n", "  第三十一条  \n", "你好"]
    answer_lines(answerer, lines, Console(file=output, width=40))
    expected = [
        f"## {question}\n{as_text(answerer.answer_now(question))}\n" for question in ("能翻墙吗", "第三十一条", "你好")
    ]
    assert output.getvalue() == "\n".join(expected) + "\n"


@pytest.mark.parametrize("question", ["[bold]能翻墙吗[/bold]", "[/x]能翻墙吗", "能翻墙吗 :smile:", "<b>能翻墙吗</b>"])
def test_a_question_from_a_pipe_is_repeated_as_it_was_written(answerer: Answerer, question: str) -> None:
    output = io.StringIO()
    answer_lines(answerer, [question], Console(file=output))
    assert output.getvalue().startswith(f"## {question}\n第十四条")

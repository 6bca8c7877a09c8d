"""The terminal channel: an Answer as rich panels, and the conversation around it."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from bot.answering.arranging import arrange
from bot.answering.composing import english_label
from bot.answering.generation.conversation import Place
from bot.answering.model import Answer, Citation
from bot.answering.plain import as_text, left_open
from bot.answering.service import Answerer
from prompts import Replies, load_replies

_WIDTH: Final = 88
_HERE: Final = Place("terminal")


def render(answer: Answer) -> RenderableType:
    """An answer as panels: the leading article bright, its deciding words highlighted, the others dim below."""
    replies = load_replies()[answer.language]
    if not answer.citations:
        colour = "yellow" if answer.status == "abstained" else "cyan" if answer.status == "answered" else "red"
        return Panel(Text("\n".join((answer.lead, *answer.notes))), border_style=colour, width=_WIDTH)
    parts: list[RenderableType] = []
    if answer.understood:
        parts.append(Text(replies("answer.understood", question=answer.understood), style="dim"))
    parts.append(Text(answer.lead, style="bold"))
    if answer.mode == "lookup":
        parts += [_panel(citation, replies, leading=True) for citation in answer.citations]
        return Group(*parts, *map(Text, answer.notes))
    arranged = arrange(answer)
    parts += [Text(claim.text + f"［{english_label(claim.citation, replies)}］") for claim in arranged.claims]
    parts += [Text(line, style="italic") for line in left_open(answer, replies)]
    parts += [_panel(citation, replies, leading=True) for citation in arranged.cited]
    parts += [Text(f"· {note}", style="italic") for note in answer.notes]
    if arranged.related:
        parts.append(Text(replies("answer.related"), style="dim"))
        parts += [_panel(citation, replies, leading=False) for citation in arranged.related]
    return Group(*parts)


def _panel(citation: Citation, replies: Replies, *, leading: bool) -> Panel:
    text = Text(citation.text, style="" if leading else "dim")
    start = citation.text.find(citation.quote)
    if leading and citation.quote != citation.text:
        text.stylize("bold", start, start + len(citation.quote))
    if citation.emphasis:
        place = citation.text.find(citation.emphasis, start)
        text.stylize("bold yellow", place, place + len(citation.emphasis))
    title = Text(english_label(citation, replies) + (f" · {citation.chapter_label}" if citation.chapter_label else ""))
    return Panel(text, title=title, title_align="left", border_style="cyan" if leading else "dim", width=_WIDTH)


@contextmanager
def running(answerer: Answerer) -> Iterator[asyncio.Runner]:
    """A loop to ask this answerer in; at the end both let go of what they hold."""
    with asyncio.Runner() as runner:
        try:
            yield runner
        finally:
            runner.run(answerer.aclose())


class Conversation:
    """A conversation in the terminal: questions, and a few commands that begin with a slash."""

    def __init__(self, answerer: Answerer, console: Console) -> None:
        self._answerer, self._console = answerer, console
        self._replies = load_replies()["zh"]
        self._regulation = answerer.library.principal

    def run(self) -> None:
        """Talk until Ctrl-D; Ctrl-C forgets the line being typed."""
        self._console.print(self._replies("terminal.welcome", regulation=self._regulation.title), style="dim")
        _use_line_editing()
        with running(self._answerer) as runner:
            self._talk(runner)

    def _talk(self, runner: asyncio.Runner) -> None:
        while True:
            try:
                line = input(self._replies("terminal.prompt"))
            except KeyboardInterrupt:
                self._console.print()
                continue
            except EOFError:
                self._console.print("\n" + self._replies("terminal.goodbye"))
                return
            if line.strip().startswith("/"):
                self._console.print(self.reply(line.strip()))
            elif line.strip():
                try:
                    runner.run(self._answer(line.strip()))
                except KeyboardInterrupt:
                    self._console.print()

    async def _answer(self, question: str) -> None:
        """Show the answer as it grows; what stays on the screen is the last of it."""
        async with aclosing(self._answerer.stream(question, place=_HERE)) as answers:
            first = await anext(answers)
            if not first.partial:
                self._console.print(render(first))
                return
            with Live(render(first), console=self._console, auto_refresh=False) as live:
                async for answer in answers:
                    live.update(render(answer), refresh=True)

    def reply(self, line: str) -> RenderableType:
        """What one typed line is answered with."""
        if not line.startswith("/"):
            return render(self._answerer.answer_now(line))
        command, *rest = line[1:].split(maxsplit=1) or [""]
        argument = "".join(rest).strip()
        if command == "toc":
            return Text(self._answerer.composer("zh").contents(self._regulation))
        if command in ("article", "chapter"):
            unit = "条" if command == "article" else "章"
            answer = self._answerer.answer_now(argument if unit in argument else f"第{argument}{unit}", "zh")
            if not argument or answer.mode != "lookup":
                return Text(self._replies(f"terminal.usage_{command}"))
            return render(answer)
        if command == "help":
            return Text(self._replies("terminal.help"))
        return Text(self._replies("terminal.unknown", command=f"/{command}"))


def answer_lines(answerer: Answerer, lines: Iterable[str], console: Console) -> None:
    """Answer each line that is not blank, in order, as plain text: for pipes and files."""
    with running(answerer) as runner:
        for line in lines:
            question = line.strip()
            if question:
                answer = as_text(runner.run(answerer.answer(question)))
                console.print(f"## {question}\n{answer}\n", markup=False, highlight=False, emoji=False, soft_wrap=True)


def _use_line_editing() -> None:
    """Arrow keys and history for `input`, kept in memory only; not every platform has readline."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
    sys.stdout.flush()

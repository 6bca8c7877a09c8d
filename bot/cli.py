"""Commands a person types: wanggui chat | ask | run | index | evaluate | review | bank | backup | restore | doctor.

The one place that speaks to people of what went wrong; heavy parts are imported by the command that needs them.
"""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.errors import BankRefused, WangguiError
from bot.settings import read_settings
from knowledge.errors import BankError, KnowledgeError
from prompts import PromptError, load_instructions, load_replies

if TYPE_CHECKING:  # commands import what they need
    from bot.training.bank.shelf import Added
    from knowledge.bank.checking import Remark
    from knowledge.bank.reading import Entry

app = typer.Typer(
    name="wanggui",
    help="网规助手：问《中国共产党党员网络行为规定》。Ask the regulation; every answer quotes it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


review_app = typer.Typer(help="复核过的问题。 Reviewed questions.", no_args_is_help=True)
app.add_typer(review_app, name="review")
bank_app = typer.Typer(help="题库：检查、导入、导出、出题。 The quiz bank.", no_args_is_help=True)
app.add_typer(bank_app, name="bank")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    app()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the house raises on purpose into one line on standard error and exit code 1."""
    try:
        yield
    except (WangguiError, KnowledgeError, PromptError) as exc:
        logging.getLogger(__name__).debug("stopped", exc_info=True)
        _stop(str(exc))
    except KeyboardInterrupt:
        _stop("已停止。Stopped.", 130)
    except BrokenPipeError:  # the reader of our output has gone: nothing is wrong
        sys.stderr.close()
        sys.exit(0)


def _stop(message: str, code: int = 1) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


def _announce(sentence: str) -> None:
    print(sentence, file=sys.stderr)


@app.command()
def chat() -> None:
    """问答：在终端里对话；标准输入不是终端时逐行作答。 A conversation in the terminal."""
    from rich.console import Console

    from bot.bootstrap import open_answerer, quiet_logging
    from bot.progress import building
    from bot.terminal import Conversation, answer_lines

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        with building() as progress, open_answerer(settings, progress=progress, announce=_announce) as answerer:
            progress.done()
            if sys.stdin.isatty():
                Conversation(answerer, Console()).run()
            else:
                answer_lines(answerer, sys.stdin, Console())


@app.command()
def ask(
    question: Annotated[list[str] | None, typer.Argument(help="问题；- 表示逐行读标准输入")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="一行一个 JSON 对象")] = False,
) -> None:
    """问一句，答一次。 One answer; with - one for each line of standard input, in order."""
    from bot.answering.plain import as_json as to_json
    from bot.answering.plain import as_text
    from bot.bootstrap import open_answerer, quiet_logging
    from bot.terminal import running

    if not question:
        _stop('缺少问题：wanggui ask "能翻墙吗"，或 wanggui ask - < 问题.txt', 2)
    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        with open_answerer(settings, announce=_announce) as answerer, running(answerer) as runner:
            lines = (line.rstrip("\r\n") for line in sys.stdin) if question == ["-"] else iter([" ".join(question)])
            for line in lines:
                answer = runner.run(answerer.answer(line))
                print(json.dumps(to_json(answer), ensure_ascii=False) if as_json else as_text(answer), flush=True)


@app.command()
def index(
    files: Annotated[list[Path] | None, typer.Argument(help="要加进来的规定：.txt .md .docx")] = None,
) -> None:
    """（重新）构建知识库，并把指定的文件加进来。 (Re)build the knowledge base."""
    from bot.bootstrap import add_and_build, quiet_logging
    from bot.progress import building

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        with building() as progress:
            report = add_and_build(settings, files or [], progress=progress, announce=_announce)
        print(report)


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(help="BEIR：corpus.jsonl、queries.jsonl、qrels/*.tsv")],
    as_json: Annotated[bool, typer.Option("--json", help="一个 JSON 对象")] = False,
    misses: Annotated[bool, typer.Option("--misses", help="逐条列出答错的问题")] = False,
    plots: Annotated[Path | None, typer.Option(help="把曲线画成 PNG 存进这个文件夹")] = None,
) -> None:
    """评测检索和拒答。 Retrieval and abstention figures on a BEIR folder."""
    from bot.bootstrap import open_search, quiet_logging
    from bot.evaluating import draw, show, show_misses
    from bot.progress import building
    from knowledge.evaluation import evaluate as evaluate_collection
    from knowledge.evaluation import read_collection

    with _explained():
        collection = read_collection(folder)
        settings = read_settings()
        quiet_logging(settings)
        with building() as progress, open_search(settings, collection, progress=progress, announce=_announce) as search:
            progress.done()
            report = evaluate_collection(collection, search)
        if plots:
            draw(report, plots)
        if as_json:
            print(json.dumps(report.figures(), ensure_ascii=False))
            return
        show(report)
        if misses:
            show_misses(report)


@review_app.command("export")
def review_export(folder: Annotated[Path, typer.Argument(help="写到这个文件夹，wanggui evaluate 读得懂")]) -> None:
    """把复核过的问题写成评测集。 Write reviewed questions as a BEIR folder."""
    from bot.bootstrap import export_review, quiet_logging

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        print(f"{folder}: {export_review(settings, folder)} 个问题")


@review_app.command("list")
def review_list() -> None:
    """列出管理员提议的例问和别名。 List what administrators propose to teach."""
    from bot.bootstrap import quiet_logging, review_proposals

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        for one in review_proposals(settings):
            articles = "、".join(f"第{number}条" for number in one.articles)
            term = f"“{one.term}” " if one.term else ""
            print(f"{one.id}\t{'别名' if one.outcome == 'alias' else '例问'}\t{term}{one.question}\t{articles}")


@review_app.command("adopt")
def review_adopt(number: Annotated[int, typer.Argument(help="wanggui review list 列出的编号")]) -> None:
    """采用一个提议，下次启动后生效。 Let a proposal count from the next start."""
    from bot.bootstrap import adopt_proposal, quiet_logging

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        if not adopt_proposal(settings, number):
            _stop(f"没有这个提议：{number} (no such proposal)")
        print(f"{number}: 已采用，下次启动后生效")


@review_app.command("withdraw")
def review_withdraw(number: Annotated[int, typer.Argument(help="提议的，或采用了的")]) -> None:
    """撤下一个提议，或采用了的例问、别名。 Drop a proposal, or what was adopted."""
    from bot.bootstrap import quiet_logging, withdraw_adopted

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        if not withdraw_adopted(settings, number):
            _stop(f"没有这个提议：{number} (no such proposal)")
        print(f"{number}: 已撤下")


@bank_app.command("check")
def bank_check(
    file: Annotated[Path | None, typer.Argument(help="只查这个文件；不写就查整个题库")] = None,
) -> None:
    """检查题库，或一个文件：哪一条，哪里不对。 Check the bank, or a file, item by item."""
    from bot.bootstrap import open_shelf, quiet_logging

    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        shelf = open_shelf(settings)
        entries, remarks = shelf.examine() if file is None else shelf.examine_file(file)
        if _tell_check(entries, remarks):
            sys.exit(1)


@bank_app.command("import")
def bank_import(file: Annotated[Path, typer.Argument(help=".xlsx .csv .docx .jsonl")]) -> None:
    """把文件里的题目和案例收进题库；有一处不对就一条也不收。 Take a file in, all of it or nothing."""
    from bot.bootstrap import open_shelf, quiet_logging
    from bot.training.papers.exchange.files import read_entries

    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        _tell_added(open_shelf(settings).add(read_entries(file)))


@bank_app.command("export")
def bank_export(
    file: Annotated[Path, typer.Argument(help=".xlsx .csv .docx .jsonl")],
    article: Annotated[list[int] | None, typer.Option(help="只要这一条的，可以写几次")] = None,
    chapter: Annotated[list[int] | None, typer.Option(help="只要这一章的，可以写几次")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="盖掉已有的文件")] = False,
) -> None:
    """把题库写成一个文件。 Write the bank as a file."""
    from bot.bootstrap import open_shelf, quiet_logging

    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        bank = open_shelf(settings).bank().of(articles=article or (), chapters=chapter or ())
        _write_bank(file, [*bank.items, *bank.cases], overwrite=overwrite)


@bank_app.command("template")
def bank_template(
    file: Annotated[Path, typer.Argument(help=".xlsx .csv .docx")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="盖掉已有的文件")] = False,
) -> None:
    """写一个填题目用的模板，带几条例子。 Write a template with examples to fill in."""
    from bot.bootstrap import open_shelf, quiet_logging

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        _write_bank(file, open_shelf(settings).examples(), overwrite=overwrite)


@bank_app.command("exam")
def bank_exam(
    folder: Annotated[Path, typer.Argument(help="写到哪个文件夹")],
    chapters: Annotated[str, typer.Option(help="只考这几章，比如 2,3")] = "",
    number: Annotated[int, typer.Option(min=1, max=100, help="几道题")] = 20,
    seed: Annotated[int | None, typer.Option(min=0, max=999_999_999, help="卷号：同一个号出同一份卷")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="盖掉已有的文件")] = False,
) -> None:
    """出一份纸上的试卷，答案另外成册，都有 Word 和 PDF。 Write an exam on paper, and its key."""
    from secrets import randbelow

    from bot.bootstrap import open_shelf, quiet_logging
    from bot.examining import read_chapters, write_exam
    from knowledge.library import load_library

    say = load_replies()["zh"]
    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        regulation, paper = load_library().principal, randbelow(10_000) if seed is None else seed
        wanted = read_chapters(chapters, regulation, say)
        bank = open_shelf(settings).bank()
        done = write_exam(bank, regulation, wanted, number, paper, folder, say, overwrite=overwrite)
        print(say("paper.exam_written", files="、".join(done.names), count=done.count, seed=paper))
        if done.count < number:
            print(say("paper.exam_fewer", count=done.count))


@bank_app.command("draft")
def bank_draft(
    article: Annotated[int, typer.Argument(help="照哪一条出题")],
    number: Annotated[int, typer.Option(min=1, max=5, help="几道")] = 3,
) -> None:
    """请语言模型出几道新题，留着等人批准。 Have the language model draft items; they wait for approval."""
    from bot.answering.generation.chatting import ModelError
    from bot.bootstrap import draft_items, open_shelf, quiet_logging

    say = load_replies()["zh"]
    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        try:
            drafted = draft_items(settings, open_shelf(settings), article, number)
        except ModelError as exc:
            _stop(say("bank.model_trouble", kind=exc.kind))
        for refused in drafted.refused:
            print("\n  ".join([say("bank.draft_refused", question=refused.question), *refused.reasons]))
        if not drafted.ids:
            _stop(say("bank.drafted_none"))
        print(say("bank.drafted", count=len(drafted.ids), ids="、".join(drafted.ids)))


@bank_app.command("approve")
def bank_approve(
    ids: Annotated[list[str] | None, typer.Argument(help="草稿的编号；不写就列出来")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="不要这几份")] = False,
) -> None:
    """看草稿；批准几份，或者扔掉。 Read drafts; approve some, or drop them."""
    from bot.bootstrap import open_shelf, quiet_logging
    from bot.training.papers.exchange.documents import as_lines

    say = load_replies()["zh"]
    with _explained(), _told():
        settings = read_settings()
        quiet_logging(settings)
        shelf = open_shelf(settings)
        if ids and drop:
            shelf.drop(ids)
            print(say("bank.dropped", count=len(set(ids))))
        elif ids:
            _tell_added(shelf.approve(ids))
        elif drafts := shelf.drafts():
            blocks = ["\n".join(as_lines(draft, number)) for number, draft in enumerate(drafts, start=1)]
            print("\n\n".join([*blocks, say("bank.how_to_approve")]))
        else:
            print(say("bank.no_drafts"))


@contextmanager
def _told() -> Iterator[None]:
    """Turn faults of a file, and what the checks refuse, into one line each and exit code 1."""
    from bot.training.bank.telling import tell_all, tell_fault, tell_remark

    say = load_replies()["zh"]
    try:
        yield
    except BankError as exc:
        _stop(tell_all([tell_fault(fault, say) for fault in exc.faults], say))
    except BankRefused as exc:
        errors = [tell_remark(remark, say) for remark in exc.remarks if remark.severity == "error"]
        _stop(f"{tell_all(errors, say)}\n{say('bank.not_taken')}")


def _tell_check(entries: "Sequence[Entry]", remarks: "Sequence[Remark]") -> bool:
    """Print what was found; whether any of it is an error."""
    from bot.training.bank.telling import tell_all, tell_remark
    from knowledge.bank.items import QuizItem

    say = load_replies()["zh"]
    items = sum(isinstance(entry, QuizItem) for entry in entries)
    counts = {"items": items, "cases": len(entries) - items}
    if not remarks:
        print(say("bank.clean", **counts))
        return False
    errors = sum(remark.severity == "error" for remark in remarks)
    print(tell_all([tell_remark(remark, say) for remark in remarks], say))
    print(say("bank.checked", **counts, errors=errors, warnings=len(remarks) - errors))
    return errors > 0


def _tell_added(added: "Added") -> None:
    from bot.training.bank.telling import tell_all, tell_remark

    say = load_replies()["zh"]
    if added.remarks:
        print(tell_all([tell_remark(remark, say) for remark in added.remarks], say))
    counts = {"new": len(added.new), "replaced": len(added.replaced), "unchanged": len(added.unchanged)}
    print(say("bank.added", **counts))
    if added.new:
        print(say("bank.added_ids", ids="、".join(added.new)))


def _write_bank(file: Path, entries: "Sequence[Entry]", *, overwrite: bool) -> None:
    from bot.training.papers.exchange.files import write_entries
    from knowledge.library import load_library

    say = load_replies()["zh"]
    if not entries:
        _stop(say("bank.nothing"))
    if file.exists() and not overwrite:
        _stop(say("bank.exists", file=file))
    title = say("bank.title", regulation=load_library().principal.title)
    count = write_entries(file, entries, title=title, notes=say("bank.notes").split("\n"))
    print(say("bank.exported", file=file, count=count))
    if count < len(entries):
        print(say("bank.items_alone"))


@app.command()
def demo(
    people: Annotated[int, typer.Option(min=1, max=300, help="编出来多少人")] = 60,
    speed: Annotated[float, typer.Option(min=0.2, max=50, help="快几倍")] = 1.0,
) -> None:
    """演一场训练：终端和投影页上都看得见；不用令牌。 Play a session with invented people; no token."""
    from bot.bootstrap import quiet_logging, run_demo

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        run_demo(settings, people=people, speed=speed, stays=sys.stdout.isatty())


@app.command()
def run() -> None:
    """运行 Telegram 机器人。 Run the Telegram bot."""
    from bot.bootstrap import run_telegram, set_up_logging

    with _explained():
        settings = read_settings()
        set_up_logging(settings)
        run_telegram(settings)


@app.command("find-apart", hidden=True)
def find_apart(data_dir: Path, model: str, log_level: str) -> None:
    """Answer a running bot over standard input and output; reads no settings."""
    from bot.bootstrap import find_apart, log_at

    with _explained():
        log_at(log_level)
        find_apart(data_dir, model, announce=_announce)


@app.command()
def healthy() -> None:
    """问正在运行的机器人好不好；用作健康检查。 Ask the running bot how it is."""
    from bot.bootstrap import feel_pulse

    with _explained():
        problems = feel_pulse(read_settings())
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


@app.command()
def backup(
    file: Annotated[Path | None, typer.Argument(help="写到哪里；默认在数据文件夹里，以时间为名")] = None,
) -> None:
    """备份数据库、加进来的规定和例问。 Back up the database, added regulations and questions."""
    from bot.bootstrap import back_up, quiet_logging

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        path, rows = back_up(settings, file)
        print(f"{path}: {rows} 条记录 (rows)")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="wanggui backup 写成的文件")],
    yes: Annotated[bool, typer.Option("--yes", help="不问，直接换掉现有的")] = False,
) -> None:
    """用备份换掉现有的数据库；先停机器人。 Put a backup in the place of what is there; stop the bot first."""
    from bot.bootstrap import put_back, quiet_logging

    with _explained():
        settings = read_settings()
        quiet_logging(settings)
        if not yes and not (
            sys.stdin.isatty() and typer.confirm("现有的数据库会被换掉，继续吗 (replace what is there)?")
        ):
            _stop("没有动任何东西；确定要换请加 --yes (nothing was changed; --yes does it)", 2)
        rows = put_back(settings, file)
        print(f"{file}: {rows} 条记录 (rows)")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="一个 JSON 数组")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="只说出了什么问题；用作健康检查")] = False,
) -> None:
    """检查设置、令牌、索引和模型，并说明怎么办。 Check everything, and say what to do."""
    from bot.bootstrap import quiet_logging
    from bot.doctor import examine, report

    with _explained():
        quiet_logging(read_settings())
        findings = examine(read_settings(), listens=not quiet)
        shown = [finding for finding in findings if finding.level == "error"] if quiet else findings
        if as_json:
            print(json.dumps([vars(finding) for finding in shown], ensure_ascii=False))
        elif shown:
            print(report(shown))
        if any(finding.level == "error" for finding in findings):
            sys.exit(1)


@app.callback()
def _check_sentences() -> None:
    with _explained():
        load_replies()
        load_instructions()

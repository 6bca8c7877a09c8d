"""What is drawn: real answers of the real bot, as Telegram shows them, one phone to a scene."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from telegram import InlineKeyboardMarkup

from bot.answering.service import Answerer
from bot.telegram import keyboards
from bot.telegram.dressing import dress
from bot.telegram.navigating import contents_message
from bot.telegram.outgoing import Outgoing
from bot.telegram.rendering import Frame, render_below
from bot.telegram.searching import results_message
from bot.telegram.textsearch import TextSearch
from bot.telegram.trails import Shelf, Trail
from prompts import Language, load_replies

BOT = "网规助手"
LONG = "请问" + "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 2 + "能发吗"


@dataclass(frozen=True)
class Scene:
    """One phone: a name for the file, and its messages as HTML."""

    name: str
    messages: str


def scenes(answerer: Answerer) -> Iterator[Scene]:
    """Every scene, drawn from this answerer."""
    shelf, replies = Shelf(answerer.library), load_replies()

    def reply(question: str, *, group: bool = False, language: Language = "zh", brief: bool = False) -> Outgoing:
        answer = answerer.answer_now(question, language)
        return dress(answer, shelf, replies[language], group=group, brief=brief)

    yield Scene("private", said("给主播刷礼物行不行") + answered("给主播刷礼物行不行", reply("给主播刷礼物行不行")))
    asked = "@wanggui_bot 翻墙被查到了会怎么处理"
    yield Scene(
        "group",
        said(asked, "老王") + answered(asked, reply("翻墙被查到了会怎么处理", group=True), "老王"),
    )
    yield Scene("pages", said("能妄议中央吗") + answered("能妄议中央吗", _whole(answerer, shelf, "能妄议中央吗")))
    yield Scene(
        "declined",
        said("党费怎么交")
        + answered("党费怎么交", reply("党费怎么交"))
        + said("刑法第三条")
        + answered("刑法第三条", reply("刑法第三条")),
    )
    search = TextSearch(answerer.library)
    found = results_message(search.find("直播"), "直播", 0, shelf, replies["zh"])
    yield Scene("search", said("/search 直播") + answered("/search 直播", found))
    many = results_message(search.find("网络"), "网络", 1, shelf, replies["zh"])
    yield Scene("results", said("/search 网络") + answered("/search 网络", many))
    yield Scene("contents", said("/toc") + answered("/toc", contents_message(shelf.principal, shelf, replies["zh"])))
    english = "What happens if I spread rumours?"
    yield Scene("english", said(english, "Ann") + answered(english, reply(english, language="en", group=True), "Ann"))
    yield Scene("long", said(LONG) + answered(LONG, reply(LONG)) + said("第三章") + answered("第三章", reply("第三章")))
    yield Scene(
        "brief", said("被网暴了组织管不管") + answered("被网暴了组织管不管", reply("被网暴了组织管不管", brief=True))
    )


def _whole(answerer: Answerer, shelf: Shelf, question: str) -> Outgoing:
    """An answer once 全文 has been pressed."""
    answer = answerer.answer_now(question, "zh")
    trail, replies = Trail.of(answer, shelf), load_replies()["zh"]
    at = shelf.article(trail.leading.key, trail.leading.number)
    assert at is not None
    frame = Frame.of(dress(answer, shelf, replies, group=True).html, article_shown=False)
    html = render_below(frame, trail, *at, shelf)
    return Outgoing(html, keyboards.below_keyboard(trail, "", *at, replies))


def said(text: str, name: str = "") -> str:
    """What a person typed: on the right in private, under a name in a group."""
    words = re.sub(r"(@\w+|^/\w+)", r"<a>\1</a>", escape(text))
    title = f'<div class="name">{escape(name)}</div>' if name else ""
    bubble = f'<div class="bubble">{title}<p class="words">{words}</p></div>'
    return f'<div class="message{"" if name else " own"}">{bubble}</div>'


def answered(asked: str, outgoing: Outgoing, asker: str = "") -> str:
    """What the bot answers, with its buttons."""
    body = re.sub(r"(<blockquote[^>]*>)(.*?)(</blockquote>)\n?", r"\1<div>\2</div>\3", outgoing.html, flags=re.S)
    body = body.replace("\n<blockquote", "<blockquote")
    title = f'<div class="name">{BOT}</div>' if asker else ""
    quoted = f'<div class="reply"><b>{escape(asker or "您")}</b><span>{escape(asked)}</span></div>'
    rows = outgoing.keyboard.inline_keyboard if isinstance(outgoing.keyboard, InlineKeyboardMarkup) else ()
    keys = "".join(
        '<div class="row">' + "".join(f"<span>{escape(button.text)}</span>" for button in row) + "</div>"
        for row in rows
    )
    return (
        f'<div class="message"><div class="bubble">{title}{quoted}<div class="words">{body}</div></div>'
        f'<div class="keys">{keys}</div></div>'
    )

"""Builders that several test modules share: regulations as text, as files, as objects."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from telegram import Chat, Message, MessageEntity, User

from bot.answering.composing import cite_article
from bot.answering.model import Answer, Citation
from knowledge.bank.items import Bank, CaseCard, QuizItem
from knowledge.highlighting import Decisive
from knowledge.library import Library
from knowledge.model import Clause, Regulation
from knowledge.numerals import format_numeral
from knowledge.reading import read_regulation
from knowledge.repair import wording
from knowledge.retrieval import Evidence, Retrieval

FIXTURES = Path(__file__).parent / "fixtures" / "regulations"
"""The sixteen neighbours of the bundled regulation."""

CONDUCT = (
    "党员应当遵守党的纪律，模范遵守法律法规。",
    "党员不得擅自建立、使用非法定信道浏览境外的网站。",
    "党员不得通过网络制造、散布政治谣言，不得匿名诬告。",
    "各级党组织应当开展常态化教育，提升网络素养。",
    "本规定自发布之日起施行。",
)
"""Five articles, short and unlike one another."""


def regulation_text(
    chapters: Mapping[str, Sequence[str]] | Sequence[str] = CONDUCT,
    *,
    title: str = "示例规定",
    promulgation: str = "（2024年1月14日示例办公厅发布）",
) -> str:
    """A regulation as a file writes it: chapters with their articles, or articles alone."""
    lines = [title, *([promulgation] if promulgation else [])]
    number = 0
    grouped = chapters if isinstance(chapters, Mapping) else {"": chapters}
    for place, (heading, articles) in enumerate(grouped.items(), start=1):
        if heading:
            lines.append(f"第{format_numeral(place)}章 {heading}")
        for text in articles:
            number += 1
            lines.append(f"第{format_numeral(number)}条 {text}")
    return "\n".join(lines) + "\n"


def write_regulation(
    folder: Path,
    chapters: Mapping[str, Sequence[str]] | Sequence[str] = CONDUCT,
    *,
    title: str = "示例规定",
    name: str = "",
    promulgation: str = "（2024年1月14日示例办公厅发布）",
) -> Path:
    """The same as a .txt file in UTF-8."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{title}.txt")
    path.write_text(regulation_text(chapters, title=title, promulgation=promulgation), encoding="utf-8")
    return path


def make_regulation(
    folder: Path,
    chapters: Mapping[str, Sequence[str]] | Sequence[str] = CONDUCT,
    *,
    title: str = "示例规定",
    regulation_id: str | None = None,
) -> Regulation:
    """The same, written into the folder and read back."""
    return read_regulation(write_regulation(folder, chapters, title=title), regulation_id=regulation_id)


def make_library(folder: Path, articles: Sequence[str] = CONDUCT, *, title: str = "示例规定") -> Library:
    """A library of one small regulation."""
    return Library((make_regulation(folder, articles, title=title),))


def body_wording(regulation: Regulation) -> str:
    """The wording of headings and articles, in the order of the text."""
    pieces: list[str] = []
    above: dict[str, object] = {}
    for article in regulation.articles:
        for mark, heading in (("编", article.part), ("章", article.chapter), ("节", article.section)):
            if heading is not None and heading is not above.get(mark):
                pieces.append(f"第{format_numeral(heading.number)}{mark}{heading.title}")
            above[mark] = heading
        pieces.append(article.label + article.text)
    return wording("".join(pieces))


def make_evidence(
    library: Library, number: int, quote: str | None = None, *, emphasis: str | None = None, probability: float = 1.0
) -> Evidence:
    """Evidence for one article of the principal regulation; `quote` need not stand in it."""
    regulation, article = library[library.principal.article_id(number)]
    clause = Clause(1, None, 0, len(quote), quote) if quote is not None else article.clauses[0]
    return Evidence(regulation, article, 1.0, probability, lambda: Decisive(clause, emphasis, None))


def make_retrieval(*evidence: Evidence, confidence: float = 1.0) -> Retrieval:
    """What a retriever found, without a neighbour."""
    return Retrieval("", evidence, confidence, None)


def make_citation(library: Library, number: int, **changes: Any) -> Citation:
    """A citation of one whole article of the principal regulation, with changes."""
    regulation, article = library[library.principal.article_id(number)]
    return replace(cite_article(regulation, article), **changes)


def make_answer(*citations: Citation, **changes: Any) -> Answer:
    """An extractive answer in Chinese, with changes."""
    answer = Answer("能翻墙吗", "answered", None, "extractive", 0.9, "zh", "开头：", citations)
    return replace(answer, **changes)


BOT = User(777, "网规助手", is_bot=True, username="wanggui_bot")
PERSON = User(1001, "小王", is_bot=False, username="xiaowang")


def make_message(
    text: str | None = None,
    *,
    caption: str | None = None,
    group: bool = False,
    sender: User | None = PERSON,
    entities: Sequence[MessageEntity] = (),
    reply_to: Message | None = None,
    **fields: Any,
) -> Message:
    """A message as python-telegram-bot hands it over; entities belong to whichever of text and caption there is."""
    chat = Chat(-100200, Chat.SUPERGROUP, title="支部") if group else Chat(PERSON.id, Chat.PRIVATE)
    return Message(
        message_id=5,
        date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        chat=chat,
        from_user=sender,
        text=text,
        caption=caption,
        entities=entities if text is not None else (),
        caption_entities=entities if caption is not None else (),
        reply_to_message=reply_to,
        **fields,
    )


def entity_over(text: str, words: str, kind: str = MessageEntity.MENTION, user: User | None = None) -> MessageEntity:
    """An entity over the first occurrence of some words, in UTF-16 units as Telegram counts."""
    start = text.index(words)
    offset, length = (len(part.encode("utf-16-le")) // 2 for part in (text[:start], words))
    return MessageEntity(kind, offset, length, user=user)


def make_item(item_id: str = "q1", **changes: Any) -> QuizItem:
    """A single choice on article 12 of the bundled regulation, option 1 (from 0) right, with changes."""
    item = QuizItem(
        id=item_id,
        kind="single",
        articles=(12,),
        quote="不得匿名诬告、有意陷害或者制造其他谣言",
        question=f"第十二条说，不得怎样诬告？（{item_id}）",
        options=("公开", "匿名", "当面"),
        answer=1,
        difficulty=1,
        explanation="第十二条写的是“不得匿名诬告”。",
    )
    return replace(item, **changes)


def make_fill_in(item_id: str = "f1", **changes: Any) -> QuizItem:
    """A blank to fill in, on the same article."""
    changes = {"kind": "fill_in", "question": "不得____诬告。", "options": (), "answer": "匿名"} | changes
    return make_item(item_id, **changes)


def make_case(case_id: str = "c1", **changes: Any) -> CaseCard:
    """A case on the same article."""
    case = CaseCard(
        id=case_id,
        title="匿名举报信",
        story="小李写了一封匿名信。",
        questions=("这样行不行？", "换一种写法呢？"),
        articles=(12,),
        quotes={12: "不得匿名诬告"},
        notes="两边都说得通：诬告不行，举报可以。",
    )
    return replace(case, **changes)


def make_bank(*entries: QuizItem | CaseCard) -> Bank:
    """A bank of these entries, all in chapter 3."""
    items = tuple(entry for entry in entries if isinstance(entry, QuizItem))
    cases = tuple(entry for entry in entries if isinstance(entry, CaseCard))
    chapters = {number: 3 for entry in entries for number in entry.articles}
    return Bank(items, cases, chapters)

"""An Answer as the one message that is sent: its words and its buttons. Pure."""

from bot.answering.model import Answer
from bot.telegram import keyboards
from bot.telegram.outgoing import Outgoing
from bot.telegram.rendering import render_answer, safe
from bot.telegram.trails import Found, Shelf, Trail
from knowledge.model import Regulation
from prompts import Replies


def dress(
    answer: Answer, shelf: Shelf, replies: Replies, *, group: bool, brief: bool = False, overheard: bool = False
) -> Outgoing:
    """Buttons go by what the answer is: found articles, articles looked up, the contents, or nothing found.

    `overheard`: the question was not addressed to the bot.
    """
    html = render_answer(answer, shelf, brief=brief)
    if answer.status == "unavailable":
        return Outgoing(html)
    if answer.citations and answer.mode != "lookup":
        trail = Trail.of(answer, shelf, overheard=overheard)
        return Outgoing(html, keyboards.answer_keyboard(trail, replies, group=group))
    if not answer.citations:
        nearest = shelf.principal.article(answer.nearest) if answer.nearest else None
        if answer.reason == "out_of_scope" and nearest is None and not brief:
            html += _covered(shelf.principal, replies)
        return Outgoing(html, keyboards.nearby_keyboard(nearest, replies))
    cited = [
        (Found(key, citation.article), at)
        for citation in answer.citations
        for key in [shelf.key(citation.regulation_id)]
        if (at := shelf.article(key, citation.article))
    ]
    if len(cited) == 1:
        ((found, (regulation, article)),) = cited
        return Outgoing(html, keyboards.article_keyboard(found.key, regulation, article, replies))
    return Outgoing(html, keyboards.articles_keyboard([(found, article) for found, (_, article) in cited], replies))


def _covered(regulation: Regulation, replies: Replies) -> str:
    """What the regulation is about instead: the titles of its chapters, without the first and the last."""
    subjects = "、".join(chapter.heading.title for chapter in regulation.chapters[1:-1] if chapter.heading.title)
    return "\n" + safe(replies("telegram.covers", subjects=subjects)) if subjects else ""

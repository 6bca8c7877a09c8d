"""`/review`: administrators look at questions that were not answered, or disputed, one at a time, in private.

    in the group      /review          -> a link into the private chat, signed for that group
    in private        /start r…        -> its first open question, with buttons
    answering         亲自作答 -> a prompt -> the reply to it goes to the group, below the bot's earlier answer
    teaching          加别名, 加例问 -> an article -> (for an alias: a prompt for the word) -> a proposal
    operators         see proposals first: 采用 -> the folder of additions, 不采用; what they teach counts at once

Teaching changes the answers in every chat, so a group's administrator alone never does it.

Nothing is remembered between the steps: buttons and the prompts' first words carry all. At every step, who acts must
administer the question's group at that moment, or be an operator.
"""

import logging
import re
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from telegram import CallbackQuery, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ChatType
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.answering.composing import label_of
from bot.errors import StorageError
from bot.storage.review import MAX_TERM, Proposal, ReviewItem, Taught
from bot.storage.usage import PRIVATE
from bot.telegram.callbacks import Callback, pack, pattern, unpack
from bot.telegram.intake import take_argument
from bot.telegram.links import sign, verify
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.speaking import sentences_for, speaker_id, within_budget
from knowledge.model import Article
from knowledge.normalising import normalise
from prompts import Replies

MAX_ANSWER: Final = 1_500
_REASONS: Final = ("out_of_scope", "no_such_article", "wrong_article", "not_answered", "not_covered", "other")
ARTICLES_PER_PAGE: Final = 40
_PER_ROW: Final = 5
_LINK: Final = re.compile(r"^/start(?:@\w+)? r([\w-]{27})$", re.ASCII)
_PROMPT: Final = re.compile(r"^#(\d{1,9})(?:/(\d{1,4}))? · ", re.ASCII)
_SHOW, _NEXT, _DISMISS, _ANSWER = "rs", "rn", "rd", "ra"
_CHOOSE, _TEACH, _QUESTION, _ALIAS = "rc", "rt", "q", "l"
_ADOPT, _DECLINE, _LATER = "rp", "rx", "rk"

EVERYWHERE: Final = PRIVATE
"""The scope of operators: all groups, and what was asked in private."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a reply to one of the bot's prompts is for: an answer, or the alias of an article."""

    item_id: int
    article: int | None

    @classmethod
    def of(cls, message: Message, bot_id: int) -> "Prompt | None":
        """The prompt that a private message replies to; None where it replies to none."""
        replied = message.reply_to_message
        if replied is None or replied.from_user is None or replied.from_user.id != bot_id or replied.via_bot:
            return None
        match = _PROMPT.match(replied.text or "")
        return cls(int(match[1]), int(match[2]) if match[2] else None) if match else None


log = logging.getLogger(__name__)


class _RepliesToPrompt(filters.MessageFilter):
    def __init__(self, bot_id: int) -> None:
        super().__init__(name="replies to a prompt of /review")
        self._bot_id = bot_id

    def filter(self, message: Message) -> bool:
        return message.chat.type == ChatType.PRIVATE and Prompt.of(message, self._bot_id) is not None


class Reviewing:
    """Shows open questions, and does with them what administrators decide."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._review = parts.database.review

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Add `/review`, its deep link, its buttons and the replies to its prompts."""
        fresh = filters.UpdateType.MESSAGE
        application.add_handler(CommandHandler("review", self.review, filters=fresh))
        application.add_handler(MessageHandler(fresh & filters.Regex(_LINK) & filters.ChatType.PRIVATE, self.arrived))
        prompted = filters.TEXT & ~filters.COMMAND & _RepliesToPrompt(self._parts.bot.id)
        application.add_handler(MessageHandler(fresh & prompted, self.replied))
        application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE & prompted, self.edited))
        application.add_handler(CallbackQueryHandler(self.pressed, pattern=pattern("r")))

    async def review(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/review`: in a group, the way into the private chat; in private, everything for operators."""
        message = update.message
        if message is None or take_argument(message, self._parts.bot) is None:
            return
        say, person = await sentences_for(self._parts, message), speaker_id(message)
        if message.chat.type == ChatType.PRIVATE:
            if person in self._parts.operators:
                await self._parts.delivery.reply(message, await self._first_proposal(say))
            else:
                await self._parts.delivery.reply(message, Outgoing(say("review.group_first")))
        elif await self._may_review(message.chat_id, person):
            payload = sign(message.chat_id, message.get_bot().token)
            url = f"https://t.me/{self._parts.bot.username}?start={payload}"
            keyboard = InlineKeyboardMarkup([[InlineKeyboardButton(say("review.open"), url=url)]])
            await self._parts.delivery.reply(message, Outgoing(say("review.invitation"), keyboard))
        elif await within_budget(self._parts, message, say):
            await self._parts.delivery.reply(message, Outgoing(say("review.administrators_only")))

    async def arrived(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """`/start r…`: the first open question of the group that the link was signed for."""
        message = update.message
        if message is None:
            return
        say = await sentences_for(self._parts, message)
        payload = (message.text or "").partition(" ")[2]
        chat_id = verify(payload, message.get_bot().token)
        if chat_id is None:
            await self._parts.delivery.reply(message, Outgoing(say("review.group_first")))
        elif not await self._may_review(chat_id, speaker_id(message)):
            await self._parts.delivery.reply(message, Outgoing(say("review.lost")))
        else:
            await self._parts.delivery.reply(message, await self._first(chat_id, say))

    async def replied(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A reply to a prompt: an answer by hand, or an alias."""
        message = update.message
        prompt = Prompt.of(message, self._parts.bot.id) if message else None
        if message is None or prompt is None:
            return
        say = await sentences_for(self._parts, message)
        item = await self._review.get(prompt.item_id)
        if item is None:
            words = say("review.taken")
        elif not await self._may_review(item.chat_id, speaker_id(message)):
            words = say("review.lost")
        elif prompt.article is None:
            words = await self._answer(item, (message.text or "").strip(), say)
        else:
            term = (message.text or "").strip()
            words = await self._add_alias(item, term, prompt.article, speaker_id(message), say)
        await self._parts.delivery.reply(message, Outgoing(words))

    async def edited(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A reply to a prompt, edited: it has been taken as it was, and is no question."""

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A button below a question."""
        query = update.callback_query
        if query is None:
            return
        say = await sentences_for(self._parts, query)
        callback, message = unpack(query.data or ""), query.message
        item_id = callback.number(0) if callback else None
        if callback is None or item_id is None or not isinstance(message, Message):
            await self._parts.delivery.acknowledge(query, say("settings.too_old"))
            return
        if callback.action in (_ADOPT, _DECLINE, _LATER):
            await self._decide(query, message, callback, item_id, say)
        else:
            await self._obey(query, message, callback, item_id, say)

    async def _obey(
        self, query: CallbackQuery, message: Message, callback: Callback, item_id: int, say: Replies
    ) -> None:
        scope, person = callback.number(1) or EVERYWHERE, query.from_user.id
        item = await self._review.get(item_id)
        if not await self._may_review(scope, person) or (
            item and item.chat_id != scope and not await self._may_review(item.chat_id, person)
        ):
            await self._parts.delivery.acknowledge(query, say("review.lost"), alert=True)
            return
        teaching, number = callback.text(2), callback.number(3) or 0
        note: str | None = None
        if item is None:
            note, outgoing = say("review.taken"), await self._first(scope, say, after_id=item_id)
        elif callback.action == _NEXT:
            outgoing = await self._first(scope, say, after_id=item_id)
        elif callback.action == _DISMISS:
            done = await self._review.resolve(item_id, "dismissed", at=self._parts.clock())
            note = say("review.dismissed") if done else say("review.taken")
            outgoing = await self._first(scope, say, after_id=item_id)
        elif callback.action == _CHOOSE and teaching in (_QUESTION, _ALIAS):
            operator = person in self._parts.operators
            outgoing = self._articles(item, scope, teaching, max(number, 0), say, operator=operator)
        elif callback.action == _TEACH and teaching == _ALIAS and self._article(number):
            await self._ask(query, say("review.prompt_alias", id=item.id, article=number), say)
            return
        elif callback.action == _TEACH and teaching == _QUESTION and self._article(number):
            note = await self._teach(item, "question", number, person, say)
            outgoing = await self._first(scope, say, after_id=item_id)
        elif callback.action == _ANSWER and item.reply_message_id:
            await self._ask(query, say("review.prompt_answer", id=item.id), say)
            return
        else:
            outgoing = self._card(item, scope, say)
        await self._parts.delivery.acknowledge(query, note)
        await self._parts.delivery.edit(message.chat_id, message.message_id, outgoing)

    async def _answer(self, item: ReviewItem, words: str, say: Replies) -> str:
        if len(words) > MAX_ANSWER:
            return say("review.too_long", limit=MAX_ANSWER)
        if not await self._review.resolve(item.id, "answered", at=self._parts.clock()):
            return say("review.taken")
        theirs = self._parts.replies["en" if item.language == "en" else "zh"]
        outgoing = Outgoing(f"{theirs('review.by_hand')}\n{escape(words, quote=False)}")
        sent = await self._parts.delivery.send(item.chat_id, outgoing, reply_to=item.reply_message_id)
        if sent is None:
            await self._review.reopen(item.id)
            return say("review.not_sent")
        return say("review.sent")

    async def _add_alias(self, item: ReviewItem, term: str, number: int, person: int, say: Replies) -> str:
        if "\n" in term or not 2 <= len(normalise(term)) <= MAX_TERM or self._article(number) is None:
            return say("review.bad_term")
        return await self._teach(item, "alias", number, person, say, term)

    async def _teach(
        self, item: ReviewItem, outcome: Taught, number: int, person: int, say: Replies, term: str = ""
    ) -> str:
        """What an operator teaches counts; what anybody else does is proposed. Returns what to say."""
        proposed = person not in self._parts.operators
        done = await self._review.resolve(
            item.id, outcome, term=term, articles=(number,), at=self._parts.clock(), proposed=proposed
        )
        if not done:
            return say("review.taken")
        if proposed:
            return say("review.proposed")
        return await self._write(say("review.adopted_alias" if outcome == "alias" else "review.adopted_question"), say)

    async def _write(self, words: str, say: Replies) -> str:
        """Write the files of additions; the words, or that it could not be done yet."""
        try:
            await self._parts.additions.write()
        except StorageError as exc:  # it stands in the database, and is written later
            log.error("%s", exc)
            return say("review.not_written")
        return words

    async def _decide(
        self, query: CallbackQuery, message: Message, callback: Callback, proposal_id: int, say: Replies
    ) -> None:
        if query.from_user.id not in self._parts.operators:
            await self._parts.delivery.acknowledge(query, say("review.lost"), alert=True)
            return
        shown = [one for one in await self._review.proposals(after_id=proposal_id - 1) if one.id == proposal_id]
        proposal = shown[0] if shown and shown[0].mark == callback.text(1) else None
        note: str | None = None
        if callback.action != _LATER:
            note = say("review.taken")
            if proposal and callback.action == _ADOPT and await self._review.adopt(proposal, at=self._parts.clock()):
                note = await self._write(say("review.adopted"), say)
            elif proposal and callback.action == _DECLINE and await self._review.decline(proposal):
                note = say("review.declined")
        await self._parts.delivery.acknowledge(query, note)
        outgoing = await self._first_proposal(say, after_id=proposal_id)
        await self._parts.delivery.edit(message.chat_id, message.message_id, outgoing)

    async def _first_proposal(self, say: Replies, *, after_id: int = 0) -> Outgoing:
        """The first proposal behind `after_id`; where there is none, the first open question."""
        proposals = await self._review.proposals(after_id=after_id)
        return self._proposal_card(proposals[0], say) if proposals else await self._first(EVERYWHERE, say)

    def _proposal_card(self, proposal: Proposal, say: Replies) -> Outgoing:
        labels = [label_of(article, say) for number in proposal.articles if (article := self._article(number))]
        articles = " ".join(labels)
        question = f"<blockquote>{escape(proposal.question)}</blockquote>"
        if proposal.outcome == "alias":
            says = say("review.proposes_alias", term=escape(proposal.term), articles=articles)
        else:
            says = say("review.proposes_question", articles=articles)
        rows = [
            [
                _button(say("review.adopt"), _ADOPT, proposal.id, proposal.mark),
                _button(say("review.decline"), _DECLINE, proposal.id, proposal.mark),
            ],
            [_button(say("review.next"), _LATER, proposal.id)],
        ]
        words = f"{say('review.head_proposal', id=proposal.id)}\n{question}\n{says}"
        return Outgoing(words, InlineKeyboardMarkup(rows))

    async def _may_review(self, chat_id: int, person: int) -> bool:
        """Operators review everything; administrators their own group; what was asked in private is for operators."""
        if person in self._parts.operators:
            return True
        return chat_id != EVERYWHERE and await self._parts.administrators.include(chat_id, person)

    async def _first(self, scope: int, say: Replies, *, after_id: int = 0) -> Outgoing:
        """The first open question behind `after_id`, or what is said where there is none."""
        chat_ids = None if scope == EVERYWHERE else (scope,)
        await self._parts.database.flush()  # what was noted in the last second belongs to it
        items = await self._review.open_items(chat_ids, limit=1, after_id=after_id)
        return self._card(items[0], scope, say) if items else Outgoing(say("review.all_done"))

    def _card(self, item: ReviewItem, scope: int, say: Replies) -> Outgoing:
        lines = [say(f"review.head_{item.kind}", id=item.id), f"<blockquote>{escape(item.question)}</blockquote>"]
        if item.reason in _REASONS:
            lines.append(say("review.reason", reason=say(f"review.reasons.{item.reason}")))
        if item.articles:
            labels = [label_of(article, say) for number in item.articles if (article := self._article(number))]
            lines.append(say("review.cited", articles=" ".join(labels)))
        if item.asked > 1:
            lines.append(say("review.asked", count=item.asked))
        first = [_button(say("review.answer"), _ANSWER, item.id, scope)] if item.reply_message_id else []
        teaching = [
            _button(say("review.question"), _CHOOSE, item.id, scope, _QUESTION, 0),
            _button(say("review.alias"), _CHOOSE, item.id, scope, _ALIAS, 0),
        ]
        leaving = [
            _button(say("review.dismiss"), _DISMISS, item.id, scope),
            _button(say("review.next"), _NEXT, item.id, scope),
        ]
        return Outgoing("\n".join(lines), InlineKeyboardMarkup([row for row in (first, teaching, leaving) if row]))

    def _articles(
        self, item: ReviewItem, scope: int, teaching: str, page: int, say: Replies, *, operator: bool
    ) -> Outgoing:
        """The keyboard on which an article is chosen; it holds only articles that there are."""
        articles = self._parts.answerer.library.principal.articles
        last = (len(articles) - 1) // ARTICLES_PER_PAGE
        page = min(page, last)
        shown = articles[page * ARTICLES_PER_PAGE : (page + 1) * ARTICLES_PER_PAGE]
        buttons = [_button(str(one.number), _TEACH, item.id, scope, teaching, one.number) for one in shown]
        rows = [buttons[start : start + _PER_ROW] for start in range(0, len(buttons), _PER_ROW)]
        pages = [
            _button(mark, _CHOOSE, item.id, scope, teaching, other)
            for mark, other in (("‹", page - 1), ("›", page + 1))
            if 0 <= other <= last
        ]
        rows += [pages] if pages else []
        rows.append([_button(say("review.back"), _SHOW, item.id, scope)])
        words = say("review.choose_question") if teaching == _QUESTION else say("review.choose_alias")
        if not operator:
            words = f"{words}\n{say('review.only_proposed')}"
        return Outgoing(f"<blockquote>{escape(item.question)}</blockquote>\n{words}", InlineKeyboardMarkup(rows))

    def _article(self, number: int | None) -> Article | None:
        return self._parts.answerer.library.principal.article(number) if number is not None else None

    async def _ask(self, query: CallbackQuery, words: str, say: Replies) -> None:
        await self._parts.delivery.acknowledge(query)
        prompt = ForceReply(input_field_placeholder=say("review.placeholder"))
        await self._parts.delivery.send(query.from_user.id, Outgoing(words, prompt))


def _button(words: str, action: str, *values: int | str) -> InlineKeyboardButton:
    return InlineKeyboardButton(words, callback_data=pack(action, *values))

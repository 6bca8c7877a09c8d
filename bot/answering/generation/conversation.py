"""Follow-ups become whole questions, from the last turns of the same person in the same place.

By rules: 原文 -> the article that led the last answer; 违反了呢, 干部呢, 为什么 -> the last question with that added. By a
model where there is one, held to the words of the turns; the rules stand in where it fails.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, Protocol

from knowledge.normalising import normalise
from knowledge.numerals import format_numeral
from prompts import Language

MAX_TURNS: Final = 4
MAX_WHOLE: Final = 200
RETENTION_S: Final = 1_800.0
_BETWEEN_SWEEPS_S: Final = 10.0
_ALONE: Final = 5
_ALONE_EN: Final = 16
_SHORT: Final = 16
_SHORT_EN: Final = 60

Kind = Literal["original", "next", "consequences", "why", "subject", "other"]


@dataclass(frozen=True, slots=True)
class Place:
    """Who speaks where: a chat, a topic in it, a user; ids as text."""

    chat: str
    topic: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, whole, with the numbers of the articles that answered it, first the leading one.

    `said` names the message that asked it, if it has a name.
    """

    question: str
    articles: tuple[int, ...]
    said: str = ""


class Turns(Protocol):
    """The last turns of each place, for a limited time."""

    async def recent(self, place: Place) -> tuple[Turn, ...]:
        """Oldest first; none where there are none left."""

    async def add(self, place: Place, turn: Turn) -> None:
        """Keep one more, instead of what the same message said before."""

    async def forget(self, place: Place) -> None:
        """Erase at once what this user said in this chat, in all topics; empty: in every chat, by everybody."""


class MemoryTurns:
    """Turns that are gone after `retention_s` seconds, and when the process ends; so many places at most."""

    def __init__(
        self, retention_s: float = RETENTION_S, *, places: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._retention_s, self._places, self._clock = retention_s, places, clock
        self._kept: OrderedDict[Place, list[tuple[float, Turn]]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    async def recent(self, place: Place) -> tuple[Turn, ...]:
        """Oldest first."""
        oldest = self._clock() - self._retention_s
        return tuple(turn for at, turn in self._kept.get(place, ()) if at >= oldest)

    async def add(self, place: Place, turn: Turn) -> None:
        """Keep one more, instead of what the same message said; beyond the most that are kept, the oldest go."""
        others = [(at, old) for at, old in self._kept.pop(place, ()) if not turn.said or old.said != turn.said]
        self._kept[place] = [*others, (self._clock(), turn)][-MAX_TURNS:]
        while len(self._kept) > self._places:
            self._kept.popitem(last=False)
        if self._timer is None:
            self._sweep_in(self._retention_s)

    async def forget(self, place: Place) -> None:
        """Erase at once what this user said in this chat, in all topics; empty: in every chat, by everybody."""
        for other in [other for other in self._kept if covers(place, other)]:
            del self._kept[other]

    def _sweep_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self.sweep)

    def sweep(self) -> None:
        """Erase what is too old; a timer does so, whether or not anybody speaks again."""
        self._timer = None
        now = self._clock()
        for place, turns in list(self._kept.items()):
            fresh = [(at, turn) for at, turn in turns if at >= now - self._retention_s]
            if fresh:
                self._kept[place] = fresh
            else:
                del self._kept[place]
        if self._kept:
            first = min(turns[0][0] for turns in self._kept.values())
            self._sweep_in(max(_BETWEEN_SWEEPS_S, first + self._retention_s - now))


def covers(place: Place, other: Place) -> bool:
    """Whether another place lies in this one: its chat and its user, where they are not empty, in any topic."""
    return place.chat in ("", other.chat) and place.user in ("", other.user)


_LEADING: Final = re.compile(
    r"^(?:那么|那|还有|另外|再问|请问|如果|要是|假如|and |then |so |but |what about |how about |what if )+"
)
_TRAILING: Final = re.compile(r"[\s呢啊呀吧嘛哦吗了?？。.!！,，]+$")
_ORIGINAL: Final = re.compile(
    r"^(?:请)?(?:给我)?(?:看看?|显示|发|贴|要|念|读)?(?:一下)?(?:上一条|上条|上面那?条?|刚才那?条?|刚刚那?条?|前面那?条?|[这那]?一?条|该条|它)?(?:的)?(?:完整|全部)?(?:的)?"
    r"(?:原文|全文|条文|原话|原句|完整内容|全部内容)(?:是什么|是啥|怎么说|怎么写|呢|看看|发我|给我)?$"
    r"|^(?:上一条|上条|刚才那条|那一?条|这一?条)$|^(?:show (?:me )?)?(?:the )?(?:full|original|whole|exact) (?:text|wording|article)(?: please)?$|^(?:that|this) article$"
)
_NEXT: Final = re.compile(r"^(?:看看?)?(?:下一条|后一条|再下一条)(?:原文|呢|是什么)?$|^(?:the )?next article$")
_BREACH: Final = re.compile(
    r"^(?:(?:我|他|她|你|有人|谁|党员|真的?|不小心|已经)*)(?:违反|违规|违纪|触犯|犯|做|干|这么做|这样做)了?(?:的话|它|这条|这一条|规定)?(?:会|要)?(?:怎么样?|怎样|如何|有什么后果)?$"
    r"|^(?:会|要)?(?:有什么|啥)?后果(?:是什么)?$|^(?:会|要)(?:怎么样?|怎样)$|^(?:i|he|she|they|you|someone|it|we)? ?(?:breaks?|broke|violates?|violated|breach(?:es|ed)?)(?: it| this| that| the rule)?$"
    r"|^(?:what are )?the consequences$|^(?:会|要)?(?:怎么)?(?:被)?(?:处分|处罚|处理)$"
)
_WHY: Final = re.compile(r"^(?:这是)?(?:为什么|为啥|为何|凭什么|怎么会|why(?: not| is that| so)?)$")
_SUBJECT: Final = re.compile(
    r"^(?:(?:对于?|换成|如果是|是)?)(党员干部|领导干部|干部|领导|普通党员|预备党员|老党员|退休党员|流动党员|党员|党组织|支部|军人|军队党员|群众|非党员|团员|公务员|教师|学生|企业员工)(?:的话|来说|也(?:是)?(?:这样|一样)?|可以|能)?$"
    r"|^(?:for )?(officials|cadres|leaders|ordinary members|probationary members|soldiers|party organi[sz]ations|non-members|retired members)$"
)
_OWN_SUBJECT: Final = re.compile(
    r"^(?:请问)?(?:我们|我|普通)?(?:党员干部|领导干部|干部|领导|普通党员|预备党员|党员|军人|群众)(?=[^，。]{2})"
)
_ELLIPTIC: Final = re.compile(
    r"^(?:那么?|还有|另外|如果|要是|换成|那要是|and |but |then |so |what about |how about |what if )|(?:呢|的话)[?？。]?$|^(?:这|那|它|他们|这个|那个|这样|那样|上面|刚才|上一|前面|it|that|this|they|those)(?![a-z])"
)
_TYING: Final = re.compile(r"(?:呢|的话)[?？。]*$")
_POINTING: Final = re.compile(
    r"^(?:这|那|它|他们?|她们?|其他|别的|上面|刚才|上一|前面)|(?:这样|那样|这种|那种|这么|那么)|\b(?:it|that|this|they|those|these)\b"
)
_FUNCTION: Final = frozenset(
    "的了吗呢么吧啊是在有不会能可以要应该当得着过和与及或者对于如果若要是那这它们我你您他她会被把给让从向到为因所以就都也还再又很更最什么怎样如何哪谁几多少时候地方违反"
    "后果，。？！、：；“”（）《》 "
)
_FUNCTION_WORDS: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "be",
        "can",
        "could",
        "may",
        "might",
        "must",
        "should",
        "shall",
        "would",
        "will",
        "do",
        "does",
        "did",
        "for",
        "to",
        "of",
        "in",
        "on",
        "at",
        "by",
        "with",
        "and",
        "or",
        "if",
        "what",
        "when",
        "where",
        "who",
        "why",
        "how",
        "which",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "they",
        "them",
        "he",
        "she",
        "i",
        "you",
        "we",
        "my",
        "your",
        "their",
        "not",
        "no",
        "about",
        "any",
        "there",
        "happens",
        "happen",
        "breaks",
        "broke",
        "break",
        "violate",
        "violates",
        "consequences",
    ]
)


def kind_of(question: str) -> Kind | None:
    """What sort of follow-up a question is by its form; None where it stands by itself."""
    plain = normalise(question)
    bare = _TRAILING.sub("", _LEADING.sub("", plain))
    for kind, pattern in _KINDS:
        if pattern.search(bare):
            return kind
    short = len(plain) <= (_SHORT if re.search(r"[\u4e00-\u9fff]", plain) else _SHORT_EN)
    return "other" if bare and short and _ELLIPTIC.search(plain) else None


_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("original", _ORIGINAL),
    ("next", _NEXT),
    ("consequences", _BREACH),
    ("why", _WHY),
    ("subject", _SUBJECT),
)


def standing_alone(question: str) -> str:
    """A follow-up without the words that tie it to what was said before; empty where too little is left to ask by."""
    bare = _TYING.sub("", _LEADING.sub("", normalise(question)))
    long_enough = len(bare) >= (_ALONE if re.search(r"[\u4e00-\u9fff]", bare) else _ALONE_EN)
    return "" if not long_enough or _POINTING.search(bare) else bare


def rewrite(question: str, turns: Sequence[Turn]) -> str | None:
    """The whole question that a follow-up stands for, by rules; None where it is none, or nothing goes before it."""
    kind = kind_of(question)
    if kind is None or not turns:
        return None
    last, plain = turns[-1], normalise(question)
    english = not re.search(r"[\u4e00-\u9fff]", plain)
    bare = _TRAILING.sub("", _LEADING.sub("", plain))
    before = last.question.strip("?？。.!！，,、 ")
    if kind in ("original", "next"):
        number = last.articles[0] + (kind == "next") if last.articles else 0
        named = f"Article {number}" if english else f"第{format_numeral(number)}条"
        return named if number else None
    if kind == "subject" and (subject := _SUBJECT.search(bare)):
        group = next(filter(None, subject.groups()))
        return f"{before}, for {group}?" if english else group + _OWN_SUBJECT.sub("", before)
    if kind == "consequences":
        bare = "what are the consequences?" if english else "违反了会怎样"
    return f"{before}{': ' if english else '，'}{bare}"[:MAX_WHOLE]


def faithful(whole: str, question: str, turns: Sequence[Turn], language: Language) -> bool:
    """Whether a rewritten question uses words of the conversation only, and few others that mean little."""
    plain = normalise(whole)
    if not plain or len(whole) > MAX_WHOLE or "\n" in whole.strip():
        return False
    said = normalise("\n".join([question, *(turn.question for turn in turns)]))
    if language == "en":
        words, known = (
            re.findall(r"[a-z0-9']+|[^\x00-\x7f]+", plain),
            set(re.findall(r"[a-z0-9']+|[^\x00-\x7f]+", said)),
        )
        return all(word in known or word in _FUNCTION_WORDS for word in words)
    if any(word not in said for word in re.findall(r"[a-z0-9]+", plain)):
        return False
    means = [character.isalnum() and character not in _FUNCTION for character in plain]
    pairs = zip(pairwise(plain), pairwise(means), strict=True)
    if any(
        left_means and right_means and left + right not in said for (left, right), (left_means, right_means) in pairs
    ):
        return False
    return all(character in said for character, meaning in zip(plain, means, strict=True) if meaning)

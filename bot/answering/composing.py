"""Evidence or a look-up -> Answer: which articles are shown, in what order, with which notes, in which language."""

from dataclasses import dataclass, replace
from typing import Final

from bot.answering.asking import Asking
from bot.answering.boundaries import Boundary
from bot.answering.model import Answer, Citation, Claim, Reason
from knowledge.highlighting import decisive
from knowledge.model import Article, Chapter, Regulation
from knowledge.numerals import format_numeral, parse_numeral
from knowledge.retrieval import Evidence, Retrieval
from knowledge.routing import Lookup
from prompts import Replies, load_replies

MAX_CITATIONS: Final = 5
_OFFICIALS_ONLY: Final = "党员干部"
_KINDS: Final = frozenset(("不得", "自觉抵制", "严禁", "禁止", "不准", "应当", "必须", "鼓励", "可以", "负责"))
"""Kinds of rule that read well in the leading sentence; the others introduce a definition or a date."""
_ALWAYS: Final = 3
_WORTH_SHOWING: Final = 0.01
_SURELY_WORTH: Final = 0.05
_STANDS_OUT: Final = 0.06
_UNSURE: Final = 0.45
_NEAR_ENOUGH: Final = 0.15


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes answers about one library's principal regulation; sentences come from `replies`."""

    principal: Regulation
    replies: Replies

    def from_evidence(self, question: str, retrieval: Retrieval, asking: Asking) -> Answer:
        """An extractive answer: the leading article first, then those that bear on it, then notes."""
        leading, *others = _conduct_first(retrieval.evidence)
        shown = [leading] + [
            evidence
            for place, evidence in enumerate(others[: MAX_CITATIONS - 1], start=2)
            if evidence.probability >= (_WORTH_SHOWING if place <= _ALWAYS else _SURELY_WORTH)
        ]
        citations = self._with_offices([cite_evidence(evidence) for evidence in shown], leading.regulation, asking)
        return Answer(
            question=question,
            status="answered",
            reason=None,
            mode="extractive",
            confidence=retrieval.confidence,
            language=self.replies.language,
            lead=self._lead(citations[0]),
            citations=tuple(citations[:MAX_CITATIONS]),
            notes=tuple(self._notes(citations, leading, asking)),
        )

    def _with_offices(self, citations: list[Citation], regulation: Regulation, asking: Asking) -> list[Citation]:
        """Put the articles on consequences and on the armed forces behind the first, where they are asked for."""
        wanted = [
            article
            for asked, article in (
                (asking.consequences, regulation.role("consequences")),
                (asking.armed_forces, regulation.role("armed_forces")),
            )
            if asked and article
        ]
        for article in reversed(wanted):
            if article.number != citations[0].article:
                citations = [citation for citation in citations if citation.article != article.number]
                citations.insert(1, cite_article(regulation, article))
        return citations

    def _lead(self, citation: Citation) -> str:
        if citation.regulation_id != self.principal.id:
            place = self.replies("answer.place_regulation", regulation=citation.regulation)
        else:
            place = self.replies("answer.place", chapter=citation.chapter_label) if citation.chapter_label else ""
        label = english_label(citation, self.replies)
        if citation.rule in _KINDS:
            return self.replies("answer.lead", label=label, place=place, rule=citation.rule)
        return self.replies("answer.lead_plain", label=label, place=place)

    def _notes(self, citations: list[Citation], leading: Evidence, asking: Asking) -> list[str]:
        notes = [self.replies("note.unsure")] if leading.probability < _UNSURE else []
        consequences = leading.regulation.role("consequences")
        if asking.consequences and consequences:
            notes.append(self.replies("note.penalty", label=label_of(consequences, self.replies)))
        if leading.article.text.startswith(_OFFICIALS_ONLY) and not asking.officials:
            notes.append(self.replies("note.cadres"))
        if asking.outsiders and leading.regulation is self.principal:
            notes.append(self.replies("note.outsiders"))
        forces = leading.regulation.role("armed_forces")
        if asking.armed_forces and forces and forces is not leading.article:
            notes.append(self.replies("note.armed_forces", label=label_of(forces, self.replies)))
        if asking.way_round:
            notes.append(self.replies("note.no_way_round"))
        return notes

    def bounded(self, answer: Answer, boundary: Boundary, other: str | None) -> Answer:
        """The same answer with what is said at a boundary; consequences and ways round have their notes already."""
        if boundary == "person":
            return replace(answer, notes=(*answer.notes, self.replies("note.no_judgement")))
        if boundary == "another_text":
            note = self.replies("note.foreign", name=other, regulation=self.principal.title)
            return replace(answer, notes=(*answer.notes, note))
        article = self.principal.role("interpretation")
        if boundary != "interpretation" or article is None:
            return answer
        citations = [c for c in answer.citations if (c.regulation_id, c.article) != (self.principal.id, article.number)]
        place = 1 if citations and answer.citations[0] is citations[0] else 0
        citations.insert(place, cite_article(self.principal, article))
        note = self.replies("note.interpretation", label=label_of(article, self.replies))
        return replace(answer, citations=tuple(citations[:MAX_CITATIONS]), notes=(*answer.notes, note))

    def from_lookup(self, question: str, lookup: Lookup, regulation: Regulation) -> Answer:
        """An answer that the structure itself gives."""
        if lookup.kind == "missing":
            return self._missing(question, lookup, regulation)
        articles = [article for number in lookup.articles if (article := regulation.article(number))]
        notes = []
        if lookup.missing:
            notes.append(
                self.replies("lookup.also_missing", missing=self._missing_labels(lookup), articles=regulation.last)
            )
        return Answer(
            question=question,
            status="answered",
            reason=None,
            mode="lookup",
            confidence=1.0,
            language=self.replies.language,
            lead=self._lookup_lead(lookup, regulation, articles),
            citations=tuple(cite_article(regulation, article) for article in articles),
            notes=tuple(notes),
        )

    def _lookup_lead(self, lookup: Lookup, regulation: Regulation, articles: list[Article]) -> str:
        if lookup.kind in ("counts", "contents"):
            return self.contents(regulation)
        if lookup.kind == "chapter" and lookup.chapter and (chapter := regulation.chapter(lookup.chapter)):
            return self.replies("lookup.chapter", regulation=regulation.name, label=chapter.label)
        if lookup.kind in ("promulgation", "in_force"):
            return self.promulgation(regulation)
        if len(articles) == 1:
            return self._lead(cite_article(regulation, articles[0]))
        labels = "、".join(label_of(article, self.replies) for article in articles)
        return self.replies("answer.lead_plain", label=labels, place="")

    def contents(self, regulation: Regulation) -> str:
        """How many chapters and articles, and each chapter with its range."""
        counts = "lookup.counts" if regulation.chapters else "lookup.counts_plain"
        values = {"regulation": regulation.name, "articles": regulation.last}
        if regulation.chapters:
            values["chapters"] = len(regulation.chapters)
        lines = [self.replies(counts, **values)]
        return "\n".join(lines + [self.chapter_line(chapter) for chapter in regulation.chapters])

    def chapter_line(self, chapter: Chapter) -> str:
        """One line of the table of contents: 第三章 网络行为管理（第九条至第二十一条）."""
        first, last = chapter.articles[0], chapter.articles[-1]
        if first is last:
            return self.replies("lookup.chapter_line_single", label=chapter.label, first=label_of(first, self.replies))
        labels = {"first": label_of(first, self.replies), "last": label_of(last, self.replies)}
        return self.replies("lookup.chapter_line", label=chapter.label, **labels)

    def promulgation(self, regulation: Regulation) -> str:
        """The line below the title, verbatim."""
        if not regulation.promulgation:
            return self.replies("lookup.promulgation_none", regulation=regulation.name)
        line = regulation.promulgation.replace("\n", " ").strip("（）()")
        return self.replies("lookup.promulgation", regulation=regulation.name, line=line)

    def _missing(self, question: str, lookup: Lookup, regulation: Regulation) -> Answer:
        lead = self.replies(
            "lookup.missing",
            regulation=regulation.name,
            articles=regulation.last,
            chapters=len(regulation.chapters),
            missing=self._missing_labels(lookup),
        )
        return self._abstained(question, "no_such_article", lead, 1.0, mode_is_lookup=True)

    def _missing_labels(self, lookup: Lookup) -> str:
        if self.replies.language == "zh":
            return "、".join(lookup.missing)
        unit = "Chapter" if lookup.chapter else "Article"
        return ", ".join(f"{unit} {_number_in(label)}" for label in lookup.missing)

    def out_of_scope(
        self,
        question: str,
        retrieval: Retrieval,
        regulation: Regulation | None = None,
        elsewhere: Evidence | None = None,
    ) -> Answer:
        """The regulation does not say; what does, where that is certain, and the nearest article.

        `regulation` is the one that was asked, if not the principal; `elsewhere` an article of another at hand.
        """
        neighbour, title = retrieval.neighbour, (regulation or self.principal).title
        if neighbour and self.replies.language == "zh":
            lead = self.replies("abstained.out_of_scope_subject", regulation=title, subject=neighbour.subject)
        else:
            lead = self.replies("abstained.out_of_scope", regulation=title)
        notes = []
        if elsewhere:
            label = label_of(elsewhere.article, self.replies)
            notes.append(self.replies("abstained.elsewhere", regulation=elsewhere.regulation.title, label=label))
        elif neighbour and neighbour.speaks:
            notes.append(self.replies("abstained.speaks", speaks=neighbour.speaks))
        near = retrieval.confidence >= _NEAR_ENOUGH
        nearest = next((e.article for e in retrieval.evidence if near and e.regulation is self.principal), None)
        if nearest:
            notes.append(self.replies("abstained.nearest", label=label_of(nearest, self.replies)))
        return self._abstained(
            question, "out_of_scope", lead, retrieval.confidence, tuple(notes), nearest.number if nearest else None
        )

    def foreign(self, question: str, name: str) -> Answer:
        """Another regulation is asked for that is not in the library."""
        lead = self.replies("abstained.foreign", name=name, regulation=self.principal.title)
        return self._abstained(question, "out_of_scope", lead, 0.0)

    def not_a_question(self, question: str, confidence: float = 0.0) -> Answer:
        """A greeting, a thank-you, noise: what can be asked."""
        examples = self.replies("abstained.examples")
        lead = self.replies("abstained.not_a_question", regulation=self.principal.title, examples=examples)
        return self._abstained(question, "not_a_question", lead, confidence)

    def about_keeping(self, question: str) -> Answer:
        """A question about the bot itself: what it reads and keeps."""
        return self._abstained(question, "not_a_question", self.replies("abstained.keeping"), 0.0)

    def unavailable(self, question: str, reason: Reason) -> Answer:
        """Something is broken; says so without saying what."""
        lead = self.replies(f"unavailable.{reason}")
        return Answer(question, "unavailable", reason, "extractive", 0.0, self.replies.language, lead)

    def _abstained(
        self,
        question: str,
        reason: Reason,
        lead: str,
        confidence: float,
        notes: tuple[str, ...] = (),
        nearest: int | None = None,
        *,
        mode_is_lookup: bool = False,
    ) -> Answer:
        return Answer(
            question=question,
            status="abstained",
            reason=reason,
            mode="lookup" if mode_is_lookup else "extractive",
            confidence=confidence,
            language=self.replies.language,
            lead=lead,
            notes=notes,
            nearest=nearest,
        )


def with_claims(extractive: Answer, claims: tuple[Claim, ...], left_open: tuple[str, ...]) -> Answer:
    """The answer in a model's claims, over the same evidence: articles that they cite first, each once."""
    cited: dict[tuple[str, int], Citation] = {}
    for citation in (*(claim.citation for claim in claims), *extractive.citations):
        cited.setdefault((citation.regulation_id, citation.article), citation)
    lead = load_replies()[extractive.language]("answer.generative")
    citations = tuple(cited.values())
    return replace(extractive, mode="generative", lead=lead, citations=citations, claims=claims, open=left_open)


def _conduct_first(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    """The article on consequences steps behind the one on the conduct itself, where one stands out beside it."""
    ranked = list(evidence)
    consequences = ranked[0].regulation.role("consequences")
    if len(ranked) > 1 and ranked[0].article is consequences and ranked[1].probability >= _STANDS_OUT:
        ranked[0], ranked[1] = ranked[1], ranked[0]
    return ranked


def label_of(article: Article, replies: Replies) -> str:
    """第十四条, or Article 14 for an English reader."""
    return article.label if replies.language == "zh" else f"Article {article.number}"


def _number_in(label: str) -> str:
    """The number of a label in Arabic digits: 第三十二条 -> 32."""
    numeral = label[1:-1]
    return numeral if numeral.isdigit() else str(parse_numeral(numeral))


def english_label(citation: Citation, replies: Replies) -> str:
    """The citation's label in the reader's language."""
    return citation.label if replies.language == "zh" else f"Article {citation.article}"


def cite_evidence(evidence: Evidence) -> Citation:
    """A citation that quotes the deciding clause."""
    chosen = evidence.decisive
    return _cite(evidence.regulation, evidence.article, chosen.clause.text, chosen.emphasis, chosen.rule)


def cite_article(regulation: Regulation, article: Article) -> Citation:
    """A citation that quotes the whole article."""
    return _cite(regulation, article, article.text, None, decisive(article, "").rule)


def _cite(regulation: Regulation, article: Article, quote: str, emphasis: str | None, rule: str | None) -> Citation:
    chapter = article.chapter
    return Citation(
        regulation_id=regulation.id,
        regulation=regulation.name,
        chapter=chapter.number if chapter else None,
        chapter_label=f"第{format_numeral(chapter.number)}章 {chapter.title}".rstrip() if chapter else "",
        article=article.number,
        label=article.label,
        quote=quote,
        text=article.text,
        emphasis=emphasis,
        rule=rule,
    )

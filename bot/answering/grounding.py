"""Nothing leaves that does not stand verbatim in its article: every citation is checked against the library."""

from bot.answering.model import Answer, Citation
from bot.errors import GroundingError
from knowledge.library import Library
from knowledge.model import Article, Regulation
from knowledge.numerals import format_numeral


def check(answer: Answer, library: Library) -> Answer:
    """The same answer, once every quote in it has been found in its article.

    Raises:
        GroundingError: a citation names no article of the library, by its number, label, chapter or title, or quotes
            what does not stand there; or a claim has no citation beside it.
    """
    for citation in answer.citations:
        _check_citation(citation, library)
    cited = {(citation.regulation_id, citation.article) for citation in answer.citations}
    for claim in answer.claims:
        _check_citation(claim.citation, library)
        if (claim.citation.regulation_id, claim.citation.article) not in cited:
            raise GroundingError("a claim cites an article that the answer does not show")
    if bool(answer.claims) != (answer.mode == "generative"):
        raise GroundingError("claims stand in generative answers, and nowhere else")
    return answer


def _check_citation(citation: Citation, library: Library) -> None:
    try:
        regulation, article = library[f"{citation.regulation_id}#{citation.article}"]
    except KeyError:
        raise GroundingError(f"no article {citation.article} in {citation.regulation_id}") from None
    if not article.contains(citation.quote) or citation.text != article.text:
        raise GroundingError(f"{regulation.id}#{article.number}: the quote does not stand there")
    if (citation.regulation, citation.label, citation.chapter, citation.chapter_label) != _names(regulation, article):
        raise GroundingError(f"{regulation.id}#{article.number}: title, label or chapter are not its own")
    if citation.emphasis is not None and citation.emphasis not in citation.quote:
        raise GroundingError(f"{regulation.id}#{article.number}: the emphasis is no part of the quote")


def _names(regulation: Regulation, article: Article) -> tuple[str, str, int | None, str]:
    """Written out here once more, so that a slip where citations are made does not pass."""
    chapter = article.chapter
    if chapter is None:
        return regulation.name, article.label, None, ""
    label = f"第{format_numeral(chapter.number)}章 {chapter.title}".rstrip()
    return regulation.name, article.label, chapter.number, label

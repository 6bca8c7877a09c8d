"""Nothing leaves that does not stand verbatim in its article: every citation is checked against the library."""

from bot.answering.model import Answer, Citation
from bot.errors import GroundingError
from knowledge.library import Library


def check(answer: Answer, library: Library) -> Answer:
    """The same answer, once every quote in it has been found in its article.

    Raises:
        GroundingError: a citation names no article of the library, or quotes what does not stand there.
    """
    for citation in answer.citations:
        _check_citation(citation, library)
    return answer


def _check_citation(citation: Citation, library: Library) -> None:
    try:
        regulation, article = library[f"{citation.regulation_id}#{citation.article}"]
    except KeyError:
        raise GroundingError(f"no article {citation.article} in {citation.regulation_id}") from None
    if not article.contains(citation.quote) or citation.text != article.text:
        raise GroundingError(f"{regulation.id}#{article.number}: the quote does not stand there")
    if citation.emphasis is not None and citation.emphasis not in citation.quote:
        raise GroundingError(f"{regulation.id}#{article.number}: the emphasis is no part of the quote")

"""In what order a channel shows an answer: its claims, the articles that they cite, and what else may bear on it."""

from dataclasses import dataclass

from bot.answering.model import Answer, Citation, Claim


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Claims in the order written; `cited` has each article behind them once, `related` the other evidence."""

    claims: tuple[Claim, ...]
    cited: tuple[Citation, ...]
    related: tuple[Citation, ...]


def arrange(answer: Answer) -> Arrangement:
    """The parts of a generative answer; of any other, the leading citation and those below it."""
    if not answer.claims:
        return Arrangement((), answer.citations[:1], answer.citations[1:])
    behind = {_article(claim.citation) for claim in answer.claims}
    cited = tuple(citation for citation in answer.citations if _article(citation) in behind)
    related = tuple(citation for citation in answer.citations if _article(citation) not in behind)
    return Arrangement(answer.claims, cited, related)


def _article(citation: Citation) -> tuple[str, int]:
    return citation.regulation_id, citation.article

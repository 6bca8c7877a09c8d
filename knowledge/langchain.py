"""The retriever as a LangChain one, for those who build chains of their own; LangChain's types stay in this module.

from knowledge.langchain import ArticleRetriever
ArticleRetriever(retriever=knowledge_base.retriever).invoke("能翻墙吗")
"""

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from knowledge.retrieval import Evidence, Retriever


class ArticleRetriever(BaseRetriever):
    """Articles as documents: verbatim text, and number, chapter, deciding clause and scores as metadata.

    `abstain` leaves the list empty where the regulation does not answer; `k` is the most that come back.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    k: int = 5
    abstain: bool = True

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self._find(query)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return await asyncio.to_thread(self._find, query)

    def _find(self, query: str) -> list[Document]:
        found = self.retriever.retrieve(query, top_k=self.k)
        if self.abstain and found.confidence < self.retriever.weights.threshold:
            return []
        return [_document(evidence, found.confidence) for evidence in found.evidence]


def _document(evidence: Evidence, confidence: float) -> Document:
    article, regulation = evidence.article, evidence.regulation
    metadata: dict[str, Any] = {
        "regulation": regulation.title,
        "article": article.number,
        "chapter": article.chapter.number if article.chapter else None,
        "clause": evidence.decisive.clause.text,
        "probability": evidence.probability,
        "confidence": confidence,
    }
    return Document(id=regulation.article_id(article.number), page_content=article.text, metadata=metadata)

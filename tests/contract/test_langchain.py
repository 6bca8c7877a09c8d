"""The retriever behaves as LangChain's retrievers do, synchronously and not."""

from knowledge.assembly import KnowledgeBase
from knowledge.langchain import ArticleRetriever


def test_documents_hold_the_article_verbatim_and_its_metadata(knowledge_base: KnowledgeBase) -> None:
    documents = ArticleRetriever(retriever=knowledge_base.retriever, k=3).invoke("能翻墙吗")
    fourteen = knowledge_base.library.principal.article(14)
    assert fourteen is not None
    assert documents[0].page_content == fourteen.text
    assert documents[0].id == "party-network-conduct#14"
    assert documents[0].metadata["article"] == 14
    assert len(documents) <= 3


async def test_it_works_asynchronously_and_abstains(knowledge_base: KnowledgeBase) -> None:
    retriever = ArticleRetriever(retriever=knowledge_base.retriever)
    assert await retriever.ainvoke("党费一个月交多少") == []
    unsure = ArticleRetriever(retriever=knowledge_base.retriever, abstain=False)
    assert len(await unsure.ainvoke("党费一个月交多少")) == 5

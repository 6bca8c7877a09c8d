"""The plain pipeline that most people would write: text splitter, Chroma, sentence-transformers; prints a JSON line."""

import json
import resource
import sys
import time
from pathlib import Path

import chromadb
from langchain_text_splitters import RecursiveCharacterTextSplitter
from sentence_transformers import SentenceTransformer

TEXT = Path(__file__).parents[2] / "knowledge" / "regulations" / "party-network-conduct" / "text.txt"

model = SentenceTransformer(sys.argv[1], device="cpu")
client = chromadb.PersistentClient(sys.argv[2])
collection = client.get_or_create_collection("plain", embedding_function=None)
if collection.count() == 0:
    splitter = RecursiveCharacterTextSplitter(chunk_size=200, chunk_overlap=20)
    chunks = splitter.split_text(TEXT.read_text(encoding="utf-8"))
    collection.add(
        ids=[str(place) for place in range(len(chunks))],
        documents=chunks,
        embeddings=model.encode(chunks, normalize_embeddings=True),
    )


def answer(question: str) -> list[str]:
    """The three nearest chunks."""
    vector = model.encode([question], normalize_embeddings=True)
    found = collection.query(query_embeddings=vector, n_results=3)["documents"]
    return found[0] if found else []


answer("能翻墙吗")
answered_at = time.time()
from tests.benchmark.questions import SHORT, questions

latencies = []
for text in questions():
    start = time.perf_counter()
    answer(text)
    latencies.append((time.perf_counter() - start) * 1000)
short = [latency for text, latency in zip(questions(), latencies, strict=True) if len(text) <= SHORT]
rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"answered_at": answered_at, "latencies_ms": latencies, "short_ms": short, "rss_mb": rss_mb}))

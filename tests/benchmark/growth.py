"""How time and memory grow with the size of the corpus.

    python -m tests.benchmark.growth FOLDER [--sizes 1000 10000] [--keep DIR] [--picture docs/growth.png]

FOLDER is a BEIR folder; its first N documents are indexed and its queries asked, each size in a process of its own.
Vectors are kept between the sizes (in DIR, or in a folder that goes when all is done), so no document is embedded
twice and a run that was stopped goes on; “from nothing” is therefore the time of embedding all N at the measured rate
plus the time of everything else. Building is counted in seconds of one core, which other people's work on the machine
hardly changes; opening and asking as they are felt. The picture needs the extra `plots`.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SIZES: Final = (1_000, 10_000)
SAMPLE: Final = 128
"""Documents that are embedded for the rate where all vectors were known already."""
COLUMNS: Final = (
    ("size", "documents", "{:,}"),
    ("rate", "embedded per core-second", "{:.1f}"),
    ("from_nothing_s", "from nothing, core-seconds", "{:,.0f}"),
    ("fill_s", "without embedding, core-seconds", "{:.1f}"),
    ("open_s", "opened again, s", "{:.1f}"),
    ("rss_mb", "peak memory, MB", "{:.0f}"),
    ("disk_mb", "index on disk, MB", "{:.0f}"),
    ("p50_ms", "query p50, ms", "{:.1f}"),
    ("p50_core_ms", "query p50, core-ms", "{:.1f}"),
)


def step(folder: Path, size: int, data: Path) -> dict[str, float]:
    """Index the first documents, open the index again and ask every query; this process's figures."""
    from knowledge.corpora import open_corpus
    from knowledge.embedding import BUNDLED, GENERAL, OnnxEmbedder, Vector, load_embedder
    from knowledge.evaluation import Document

    embedded, embedding_s, embed_all = 0, 0.0, OnnxEmbedder.embed_all

    def timed(embedder: OnnxEmbedder, texts: Sequence[str]) -> Vector:
        nonlocal embedded, embedding_s
        start = time.process_time()
        vectors = embed_all(embedder, texts)
        embedded, embedding_s = embedded + len(texts), embedding_s + time.process_time() - start
        return vectors

    OnnxEmbedder.embed_all = timed  # type: ignore[method-assign, assignment]
    entries = _read(folder / "corpus.jsonl", size)
    documents = [Document(entry["_id"], entry.get("title", ""), entry["text"]) for entry in entries]
    questions = [entry["text"] for entry in _read(folder / "queries.jsonl")]
    start = time.process_time()
    open_corpus(documents, data, BUNDLED).close()
    fill_s = time.process_time() - start - embedding_s
    if embedded < SAMPLE:
        spaced = documents[:: max(len(documents) // SAMPLE, 1)]
        load_embedder(GENERAL).embed_all([f"{document.title}\n{document.text}" for document in spaced])
    start = time.perf_counter()
    with closing(open_corpus(documents, data, BUNDLED)) as corpus:
        open_s = time.perf_counter() - start
        latencies, core = [], []
        for question in questions:
            start, core_start = time.perf_counter(), time.process_time()
            corpus.find(question)
            latencies.append((time.perf_counter() - start) * 1000)
            core.append((time.process_time() - core_start) * 1000)
    rate = embedded / embedding_s
    return {
        "size": len(documents),
        "rate": rate,
        "from_nothing_s": len(documents) / rate + fill_s,
        "fill_s": fill_s,
        "open_s": open_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "disk_mb": sum(path.stat().st_size for path in _current(data).rglob("*") if path.is_file()) / 1e6,
        "p50_ms": median(latencies),
        "p50_core_ms": median(core),
    }


def _read(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in islice((line for line in lines if line.strip()), limit)]


def _current(data: Path) -> Path:
    index = data / "evaluation" / "index"
    return index / (index / "CURRENT").read_text(encoding="utf-8").strip()


def measure(folder: Path, size: int, data: Path) -> dict[str, float]:
    """One size in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmark.growth", str(folder), "--step", str(size), "--keep", str(data)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """One small plot a figure: what grows on logarithmic axes, rate and latency from zero."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 3, figsize=(9, 5.4), dpi=120)
    sizes = [row["size"] for row in rows]
    shown = [column for column in COLUMNS if column[0] not in ("size", "fill_s", "p50_core_ms")]
    for axes, (name, label, pattern) in zip(grid.flat, shown, strict=True):
        axes.plot(sizes, [row[name] for row in rows], marker="o", color="#2a6f97")
        for row in rows:
            at = (row["size"], row[name])
            axes.annotate(pattern.format(row[name]), at, textcoords="offset points", xytext=(0, 7), ha="center")
        low, high = min(row[name] for row in rows), max(row[name] for row in rows)
        axes.set(xscale="log", xlim=(sizes[0] / 2, sizes[-1] * 2), title=label, xlabel="documents")
        if name in ("rate", "p50_ms"):
            axes.set(ylim=(0, high * 1.4))
        else:
            axes.set(yscale="log", ylim=(low / 2, high * 2.5))
        axes.grid(visible=True, which="major", color="#dddddd")
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def show(rows: Sequence[dict[str, float]]) -> None:
    """Print the figures as a Markdown table."""
    print("| " + " | ".join(label for _, label, _ in COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(pattern.format(row[name]) for name, _, pattern in COLUMNS) + " |")


def main() -> None:
    """Measure every size and the whole corpus, print a table, draw the picture."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--step", type=int)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(step(arguments.folder, arguments.step, arguments.keep)))
        return
    with (arguments.folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        whole = sum(1 for line in lines if line.strip())
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.keep or Path(scratch)
        sizes = [*(size for size in sorted(arguments.sizes) if size < whole), whole]
        rows = [measure(arguments.folder.resolve(), size, data.resolve()) for size in sizes]
    show(rows)
    if arguments.picture:
        draw(rows, arguments.picture)


if __name__ == "__main__":
    main()

"""`make bench`: how fast and how light, beside the plain pipeline that most people would write, in one run.

Each side runs in a process of its own, on one thread, over the same questions; the index is built beforehand.
The plain side needs the extra `sbert` and is left out with a word where it is not installed.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
REPETITIONS: Final = 5
BOUNDS: Final = {"first_answer_s": 1.5, "p50_short_ms": 6.0, "p50_ms": 6.0, "p99_ms": 20.0, "rss_mb": 300.0}


def measure(module: str, *arguments: str) -> dict[str, Any]:
    """Run one side in a fresh process: seconds from its start to its first answer, latencies, peak memory."""
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True, cwd=ROOT, timeout=900
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["first_answer_s"] = result["answered_at"] - start
    return result


def repeat(module: str, *arguments: str) -> dict[str, float]:
    """The median of several runs for the start, all latencies together, the largest memory."""
    runs = [measure(module, *arguments) for _ in range(REPETITIONS)]
    latencies = [latency for run in runs for latency in run["latencies_ms"]]
    percent = quantiles(latencies, n=100)
    return {
        "first_answer_s": median(run["first_answer_s"] for run in runs),
        "p50_short_ms": median(latency for run in runs for latency in run["short_ms"]),
        "p50_ms": percent[49],
        "p99_ms": percent[98],
        "rss_mb": max(run["rss_mb"] for run in runs),
    }


def main() -> None:
    """Print both sides, their ratio, and which bounds hold on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        measure("tests.benchmark.ours", folder)  # builds the index and warms the file cache
        ours = repeat("tests.benchmark.ours", folder)
        plain = None
        if importlib.util.find_spec("sentence_transformers"):
            model, store = Path(folder) / "float", Path(folder) / "plain"
            command = [sys.executable, "-m", "knowledge.encoders.float_weights", str(model), "--base"]
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=300)
            measure("tests.benchmark.plain", str(model), str(store))
            plain = repeat("tests.benchmark.plain", str(model), str(store))
    print(f"{'':<16}{'wanggui':>10}{'bound':>10}{'plain':>10}{'ratio':>8}")
    for name, bound in BOUNDS.items():
        beside = f"{plain[name]:>10.2f}{plain[name] / ours[name]:>8.1f}" if plain else ""
        print(
            f"{name:<16}{ours[name]:>10.2f}{bound:>10.1f}{beside}{'' if ours[name] <= bound else '   above the bound'}"
        )
    if plain is None:
        print("plain pipeline: left out, the extra sbert is not installed (make sbert)")


if __name__ == "__main__":
    main()

"""One run of the product as a script would use it; prints a JSON line."""

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ["WANGGUI_DATA_DIR"] = sys.argv[1]

from bot.bootstrap import open_answerer
from bot.settings import Settings

with open_answerer(Settings(data_dir=Path(sys.argv[1]))) as answerer:
    answerer.answer_now("能翻墙吗")
    answered_at = time.time()
    from tests.benchmark.questions import SHORT, questions

    latencies = []
    for question in questions():
        start = time.perf_counter()
        answerer.answer_now(question)
        latencies.append((time.perf_counter() - start) * 1000)
    short = [latency for question, latency in zip(questions(), latencies, strict=True) if len(question) <= SHORT]
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"answered_at": answered_at, "latencies_ms": latencies, "short_ms": short, "rss_mb": rss_mb}))

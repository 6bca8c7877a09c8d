"""What /metrics counts: numbers only, never words, never persons, never chats."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from bot.answering.model import Answer

Stage = Literal["store", "answer", "send", "whole"]
"""Into the database; until the answer is there; until Telegram has taken it; from its arrival until it is done."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Meter:
    """Counters and clocks of one running bot, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._questions = self._counter("questions", "Questions that were answered or declined")
        self._answers = self._counter("answers", "Answers shown", "mode")
        self._abstentions = self._counter("abstentions", "Questions without an answer", "reason")
        self._retries = self._counter("retries", "Calls of the Bot API made again", "kind")
        self._stages = Histogram(
            "wanggui_stage_seconds", "Time taken", ["stage"], registry=self._registry, buckets=_BUCKETS_S
        )
        self._of_stage = {stage: self._stages.labels(stage) for stage in ("store", "answer", "send", "whole")}

    def answered(self, answer: Answer) -> None:
        """Count a question and what became of it."""
        self._questions.inc()
        if answer.status == "answered":
            self._answers.labels(answer.mode).inc()
        else:
            self._abstentions.labels(answer.reason or answer.status).inc()

    def retried(self, kind: str) -> None:
        """Count a call that is made again; `kind` is the kind of error."""
        self._retries.labels(kind).inc()

    def took(self, stage: Stage, seconds: float) -> None:
        """Note how long something took."""
        self._of_stage[stage].observe(seconds)

    @contextmanager
    def timing(self, stage: Stage) -> Iterator[None]:
        """Note how long the block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.took(stage, time.perf_counter() - start)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Show a number that something else holds, as it is whenever it is asked for."""
        Gauge(f"wanggui_{name}", what, registry=self._registry).set_function(value)

    def watch_each(self, name: str, what: str, values: Callable[[], Mapping[str, float]]) -> None:
        """Show numbers that something else counts by event, as they are whenever they are asked for."""
        self._registry.register(_Events(f"wanggui_{name}", what, values))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"wanggui_{name}", what, labels, registry=self._registry)


class _Events(Collector):
    def __init__(self, name: str, what: str, values: Callable[[], Mapping[str, float]]) -> None:
        self._name, self._what, self._values = name, what, values

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [CounterMetricFamily(self._name, self._what, labels=["event"])]

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._what, labels=["event"])
        for event, count in sorted(self._values().items()):
            family.add_metric([event], count)
        return [family]

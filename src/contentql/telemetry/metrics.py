"""Metrics of requests, and their page in Prometheus text format.

Requests are counted in a worker's counter file; names, sums and text are computed when the page is requested.
The page sums all workers, including stopped ones. It tells nothing about the content.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from contentql.errors import ERROR_CODES
from contentql.telemetry.shared_counters import WIDTH, CounterFile, CounterSnapshot, other_snapshots
from contentql.telemetry.trace import RequestTrace

LATENCY_BUCKETS: Final = (
    0.00005,
    0.0002,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)
COST_BUCKETS: Final = (1.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0)
# Whoever asks chooses the names of operations, so only so many of them are told apart, in each worker.
MAX_OPERATION_LABELS: Final = 100

_COUNTERS: Final = {
    "contentql_http_requests": ("HTTP requests.", ("status", "error_code", "cache_status")),
    "contentql_sql_statements": ("SQL statements sent to the database.", ()),
    "contentql_http_requests_shed": ("Requests rejected because the server was overloaded.", ()),
    "contentql_http_requests_rate_limited": ("Requests rejected by a rate limit.", ()),
    "contentql_cache_hits": ("Responses read from the response cache.", ()),
    "contentql_cache_misses": ("Responses that were not in the response cache.", ()),
    "contentql_cache_invalidations": ("Cached responses invalidated by a change.", ()),
    "contentql_cache_unneeded_invalidations": ("Invalidated responses whose content had not changed.", ()),
}
_GAUGES: Final = {
    "contentql_http_requests_in_flight": "Requests in flight.",
    "contentql_cache_entries": "Responses in the response cache.",
    "contentql_cache_bytes": "Size of the response cache in bytes.",
}
_HISTOGRAMS: Final[dict[str, tuple[str, tuple[str, ...], Sequence[float]]]] = {
    "contentql_operation_duration_seconds": (
        "Time from request to response, by operation.",
        ("operation_name",),
        LATENCY_BUCKETS,
    ),
    "contentql_stage_duration_seconds": (
        "Time in one stage, without cache hits.",
        ("stage",),
        LATENCY_BUCKETS,
    ),
    "contentql_operation_cost": ("Cost of operations, without cache hits.", (), COST_BUCKETS),
}
# The other refusals with status 503 are the server's own way of having too much to do.
_FAULTS: Final = ("TIMEOUT", "DATABASE_UNAVAILABLE")
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
_LAST = WIDTH - 1  # of a histogram's row: the sum; before it the buckets


class CacheStatsSource(Protocol):
    """Statistics of the response cache; the first four are counters."""

    @property
    def hits(self) -> int: ...
    @property
    def misses(self) -> int: ...
    @property
    def purged(self) -> int: ...
    @property
    def unneeded_purges(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def bytes(self) -> int: ...


class Metrics(Collector):
    """Counters of this worker; `render` adds those of the other workers in the directory."""

    def __init__(self, counters: CounterFile, folder: Path | None = None) -> None:
        self.cells = counters.cells
        self._counters = counters
        self._folder = folder
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._nowhere = self._row("contentql_overflow")  # where a full slate counts
        self._requests: dict[tuple[int, tuple[str, ...], str], int] = {}
        # Those that an earlier worker told apart stay: a slate has so much room and no more.
        self._operations = {
            name[1]: self._row(*name)
            for name in counters.names()
            if name[0] == "contentql_operation_duration_seconds"
        }
        self._stages: dict[str, int] = {}
        self._cost = self._row("contentql_operation_cost")
        self._single = {name: self._row(name) for name, (_, labels) in _COUNTERS.items() if not labels}
        self._single |= {name: self._row(name) for name in _GAUGES}
        self._statements = self._single["contentql_sql_statements"]
        self.inflight = self._single["contentql_http_requests_in_flight"]
        self.close()  # for a worker before this one that was killed
        # What an earlier worker's cache had counted.
        self._before = {name: self.cells[row] for name, row in self._single.items()}

    def count(self, trace: RequestTrace, seconds: float) -> None:
        """Counts a request that took `seconds`."""
        cells = self.cells
        key = trace.status, trace.codes, trace.cache
        cells[self._requests.get(key) or self._request(key)] += 1
        row = self._operations.get(trace.operation) or self._operation(trace.operation)
        cells[row + bisect_left(LATENCY_BUCKETS, seconds)] += 1
        cells[row + _LAST] += seconds
        if trace.cache != "hit":
            if trace.cost:
                cells[self._cost + bisect_left(COST_BUCKETS, trace.cost)] += 1
                cells[self._cost + _LAST] += trace.cost
            cells[self._statements] += trace.statements
            for stage, took in trace.durations().items():
                row = self._stages.get(stage) or self._stage(stage)
                cells[row + bisect_left(LATENCY_BUCKETS, took)] += 1
                cells[row + _LAST] += took

    def copy_cache_stats(self, cache: CacheStatsSource) -> None:
        """Copies the statistics of the response cache to the counters."""
        for name, value in (
            ("contentql_cache_hits", cache.hits),
            ("contentql_cache_misses", cache.misses),
            ("contentql_cache_invalidations", cache.purged),
            ("contentql_cache_unneeded_invalidations", cache.unneeded_purges),
            ("contentql_cache_entries", cache.entries),
            ("contentql_cache_bytes", cache.bytes),
        ):
            self.cells[self._single[name]] = self._before[name] + value

    def render(self) -> bytes:
        """The metrics in Prometheus text format."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Sets the gauges of this worker to zero; its counters stay."""
        for name in _GAUGES:
            self.cells[self._single[name]] = 0

    def collect(self) -> Iterator[Metric]:
        slates = [
            self._counters.snapshot(),
            *(other_snapshots(self._counters, self._folder) if self._folder else ()),
        ]
        sums: dict[tuple[str, ...], list[float]] = {}
        for slate in slates:
            for name, numbers in slate.rows.items():
                sums[name] = [a + b for a, b in zip(sums.get(name, [0.0] * WIDTH), numbers, strict=True)]
        for key, numbers in list(sums.items()):
            if key[0] == "contentql_http_requests" and (refused := _turned_away(key[2])):
                sums[(refused,)][0] += numbers[0]
        yield from _families(sums)
        yield from _processes(slates)

    def _row(self, *name: str) -> int:
        result = self._counters.row(*name)
        return self._nowhere if result is None else result

    def _request(self, key: tuple[int, tuple[str, ...], str]) -> int:
        status, codes, cache = key
        row = self._row("contentql_http_requests", str(status), codes[0] if codes else "", cache)
        if len(self._requests) < 1_000:  # combinations of codes are many
            self._requests[key] = row
        return row

    def _operation(self, name: str) -> int:
        value = name or "anonymous"
        if value not in self._operations and (
            len(self._operations) >= MAX_OPERATION_LABELS or not _NAME.fullmatch(value)
        ):
            return self._row("contentql_operation_duration_seconds", "other")
        row = self._operations[name] = self._row("contentql_operation_duration_seconds", value)
        return row

    def _stage(self, name: str) -> int:
        row = self._stages[name] = self._row("contentql_stage_duration_seconds", name)
        return row


def _turned_away(code: str) -> str | None:
    """The counter for requests rejected with such a code: shed or rate limited."""
    status = ERROR_CODES[code][0] if code in ERROR_CODES else 0
    if status == 429:
        return "contentql_http_requests_rate_limited"
    return "contentql_http_requests_shed" if status == 503 and code not in _FAULTS else None


def _families(sums: dict[tuple[str, ...], list[float]]) -> Iterator[Metric]:
    def of(name: str) -> Iterable[tuple[tuple[str, ...], list[float]]]:
        return ((key[1:], numbers) for key, numbers in sorted(sums.items()) if key[0] == name)

    for name, (meaning, labels) in _COUNTERS.items():
        counter = CounterMetricFamily(name, meaning, labels=labels)
        for values, numbers in of(name):
            counter.add_metric(values, numbers[0])
        yield counter
    for name, meaning in _GAUGES.items():
        yield GaugeMetricFamily(name, meaning, value=sum(numbers[0] for _, numbers in of(name)))
    for name, (meaning, labels, bounds) in _HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, meaning, labels=labels)
        for values, numbers in of(name):
            total, buckets = 0.0, []
            for bound, number in zip((*map(str, bounds), "+Inf"), numbers, strict=False):
                total += number
                buckets.append((bound, total))
            histogram.add_metric(values, buckets, numbers[_LAST])
        yield histogram


def _processes(slates: list[CounterSnapshot]) -> Iterator[Metric]:
    """Process metrics of each worker, as far as the operating system provides them."""
    results: dict[str, Metric] = {}
    for slate in slates:
        for metric in ProcessCollector(pid=partial(int, slate.owner), registry=None).collect():
            stored = results.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                stored.add_sample(sample.name, {"worker": str(slate.number)}, sample.value)
    yield from results.values()

"""Metrics of requests, and their page in Prometheus text format.

Requests are counted in a worker's counter file; names, sums and text are computed when the page is requested.
The page sums all workers, including stopped ones. It contains nothing of the content.
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
# Clients choose the names of operations. Each worker counts that many by name and the rest as `other`.
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
    "contentql_scheduled_changes_published": ("Scheduled changes that were published.", ()),
    "contentql_scheduled_changes_rejected": (
        "Scheduled changes that could not be published, with the reason in the audit log.",
        (),
    ),
    "contentql_scheduled_changes_failures": (
        "Failed attempts to read or publish scheduled changes, which are repeated.",
        (),
    ),
    "contentql_webhook_deliveries": ("Webhooks and purges that receivers have accepted.", ()),
    "contentql_webhook_failures": ("Failed attempts to send a webhook or a purge.", ()),
    "contentql_stream_events": ("Events that were sent to subscriptions.", ()),
    "contentql_streams_dropped_slow": ("Streams that were ended because the client read too slowly.", ()),
    "contentql_streams_dropped_revoked": (
        "Streams that were ended because the token was revoked, has expired or has other permissions.",
        (),
    ),
}
_GAUGES: Final = {
    "contentql_subscriptions_open": "Open subscriptions, over WebSocket and as event streams.",
    "contentql_http_requests_in_flight": "Requests in flight.",
    "contentql_cache_entries": "Responses in the response cache.",
    "contentql_cache_bytes": "Size of the response cache in bytes.",
    "contentql_scheduled_changes_overdue": "Workers that could not publish a scheduled change that is due.",
    "contentql_webhook_pending": "Webhooks and purges that are to be sent.",
    "contentql_webhook_dead": "Webhooks and purges that have failed for good.",
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
# Error codes with status 503 that do not mean overload.
_FAILURE_CODES: Final = ("TIMEOUT", "DATABASE_UNAVAILABLE")
_OPERATION_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
_SUM = WIDTH - 1  # index of the sum in a histogram's row, after the buckets


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


class DueChangeStatsSource(Protocol):
    """Statistics of scheduled changes; all but the last are counters."""

    @property
    def published(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def is_overdue(self) -> bool: ...


class StreamStatsSource(Protocol):
    """Statistics of subscriptions; all but the first are counters."""

    @property
    def open(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def slow(self) -> int: ...
    @property
    def revoked(self) -> int: ...


class WebhookStatsSource(Protocol):
    """Statistics of webhooks; the first two are counters."""

    @property
    def delivered(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def pending(self) -> int: ...
    @property
    def dead(self) -> int: ...


class Metrics(Collector):
    """Counters of this worker; `render` adds those of the other workers in the directory."""

    def __init__(self, counters: CounterFile, folder: Path | None = None) -> None:
        self.cells = counters.cells
        self._counters = counters
        self._folder = folder
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._overflow = self._row("contentql_overflow")  # counts what has no row in a full file
        self._requests: dict[tuple[int, tuple[str, ...], str], int] = {}
        # Names counted by an earlier worker stay, because the number of rows of a file is fixed.
        self._operations = {
            name[1]: self._row(*name)
            for name in counters.names()
            if name[0] == "contentql_operation_duration_seconds"
        }
        self._stages: dict[str, int] = {}
        self._cost_row = self._row("contentql_operation_cost")
        self._unlabelled = {name: self._row(name) for name, (_, labels) in _COUNTERS.items() if not labels}
        self._unlabelled |= {name: self._row(name) for name in _GAUGES}
        self._statements_row = self._unlabelled["contentql_sql_statements"]
        self.inflight = self._unlabelled["contentql_http_requests_in_flight"]
        self.close()  # an earlier worker that was killed has left its gauges
        # Cache statistics of earlier workers, to which those of this worker are added.
        self._initial_counts = {name: self.cells[row] for name, row in self._unlabelled.items()}

    def count(self, trace: RequestTrace, seconds: float) -> None:
        """Counts a request that took `seconds`."""
        cells = self.cells
        key = trace.status, trace.codes, trace.cache
        cells[self._requests.get(key) or self._request_row(key)] += 1
        row = self._operations.get(trace.operation) or self._operation_row(trace.operation)
        cells[row + bisect_left(LATENCY_BUCKETS, seconds)] += 1
        cells[row + _SUM] += seconds
        if trace.cache != "hit":
            if trace.cost:
                cells[self._cost_row + bisect_left(COST_BUCKETS, trace.cost)] += 1
                cells[self._cost_row + _SUM] += trace.cost
            cells[self._statements_row] += trace.statements
            for stage, duration in trace.durations().items():
                row = self._stages.get(stage) or self._stage_row(stage)
                cells[row + bisect_left(LATENCY_BUCKETS, duration)] += 1
                cells[row + _SUM] += duration

    def copy_cache_stats(self, cache: CacheStatsSource) -> None:
        """Copies the statistics of the response cache to the counters."""
        self._copy(
            ("contentql_cache_hits", cache.hits),
            ("contentql_cache_misses", cache.misses),
            ("contentql_cache_invalidations", cache.purged),
            ("contentql_cache_unneeded_invalidations", cache.unneeded_purges),
            ("contentql_cache_entries", cache.entries),
            ("contentql_cache_bytes", cache.bytes),
        )

    def copy_due_change_stats(self, changes: DueChangeStatsSource) -> None:
        """Copies the statistics of scheduled changes to the counters."""
        self._copy(
            ("contentql_scheduled_changes_published", changes.published),
            ("contentql_scheduled_changes_rejected", changes.rejected),
            ("contentql_scheduled_changes_failures", changes.failures),
            ("contentql_scheduled_changes_overdue", int(changes.is_overdue)),
        )

    def copy_stream_stats(self, streams: StreamStatsSource) -> None:
        """Copies the statistics of subscriptions to the counters."""
        self._copy(
            ("contentql_subscriptions_open", streams.open),
            ("contentql_stream_events", streams.events),
            ("contentql_streams_dropped_slow", streams.slow),
            ("contentql_streams_dropped_revoked", streams.revoked),
        )

    def copy_webhook_stats(self, webhooks: WebhookStatsSource) -> None:
        """Copies the statistics of webhooks to the counters."""
        self._copy(
            ("contentql_webhook_deliveries", webhooks.delivered),
            ("contentql_webhook_failures", webhooks.failed),
            ("contentql_webhook_pending", webhooks.pending),
            ("contentql_webhook_dead", webhooks.dead),
        )

    def _copy(self, *values: tuple[str, float]) -> None:
        for name, value in values:
            self.cells[self._unlabelled[name]] = self._initial_counts[name] + value

    def render(self) -> bytes:
        """The metrics in Prometheus text format."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Sets the gauges of this worker to zero; its counters stay."""
        for name in _GAUGES:
            self.cells[self._unlabelled[name]] = 0

    def collect(self) -> Iterator[Metric]:
        snapshots = [
            self._counters.snapshot(),
            *(other_snapshots(self._counters, self._folder) if self._folder else ()),
        ]
        sums: dict[tuple[str, ...], list[float]] = {}
        for snapshot in snapshots:
            for name, values in snapshot.rows.items():
                sums[name] = [a + b for a, b in zip(sums.get(name, [0.0] * WIDTH), values, strict=True)]
        for key, values in list(sums.items()):
            if key[0] == "contentql_http_requests" and (counter := _rejection_counter(key[2])):
                sums[(counter,)][0] += values[0]
        yield from _families(sums)
        yield from _processes(snapshots)

    def _row(self, *name: str) -> int:
        row = self._counters.row(*name)
        return self._overflow if row is None else row

    def _request_row(self, key: tuple[int, tuple[str, ...], str]) -> int:
        status, codes, cache = key
        row = self._row("contentql_http_requests", str(status), codes[0] if codes else "", cache)
        if len(self._requests) < 1_000:  # there are many combinations of codes
            self._requests[key] = row
        return row

    def _operation_row(self, name: str) -> int:
        label = name or "anonymous"
        if label not in self._operations and (
            len(self._operations) >= MAX_OPERATION_LABELS or not _OPERATION_NAME.fullmatch(label)
        ):
            return self._row("contentql_operation_duration_seconds", "other")
        row = self._operations[name] = self._row("contentql_operation_duration_seconds", label)
        return row

    def _stage_row(self, name: str) -> int:
        row = self._stages[name] = self._row("contentql_stage_duration_seconds", name)
        return row


def _rejection_counter(code: str) -> str | None:
    """The counter of requests rejected with this error code: shed or rate limited. None for other codes."""
    status = ERROR_CODES[code][0] if code in ERROR_CODES else 0
    if status == 429:
        return "contentql_http_requests_rate_limited"
    return "contentql_http_requests_shed" if status == 503 and code not in _FAILURE_CODES else None


def _families(sums: dict[tuple[str, ...], list[float]]) -> Iterator[Metric]:
    def rows_of(name: str) -> Iterable[tuple[tuple[str, ...], list[float]]]:
        return ((key[1:], row) for key, row in sorted(sums.items()) if key[0] == name)

    for name, (description, labels) in _COUNTERS.items():
        counter = CounterMetricFamily(name, description, labels=labels)
        for label_values, row in rows_of(name):
            counter.add_metric(label_values, row[0])
        yield counter
    for name, description in _GAUGES.items():
        yield GaugeMetricFamily(name, description, value=sum(row[0] for _, row in rows_of(name)))
    for name, (description, labels, bounds) in _HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, description, labels=labels)
        for label_values, row in rows_of(name):
            total, buckets = 0.0, []
            for bound, count in zip((*map(str, bounds), "+Inf"), row, strict=False):
                total += count
                buckets.append((bound, total))
            histogram.add_metric(label_values, buckets, row[_SUM])
        yield histogram


def _processes(snapshots: list[CounterSnapshot]) -> Iterator[Metric]:
    """Process metrics of each worker, as far as the operating system provides them."""
    metrics: dict[str, Metric] = {}
    for snapshot in snapshots:
        for metric in ProcessCollector(pid=partial(int, snapshot.owner), registry=None).collect():
            total = metrics.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                total.add_sample(sample.name, {"worker": str(snapshot.number)}, sample.value)
    yield from metrics.values()

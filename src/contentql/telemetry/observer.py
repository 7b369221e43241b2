"""Observes requests: passes each request trace to logs, metrics and traces.

One per process, built in `app.py`; the endpoints start and finish traces. Disabled outputs cost nothing per
request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol

from contentql.errors import OperatorError
from contentql.settings import Settings
from contentql.telemetry.logs import AccessLog
from contentql.telemetry.metrics import (
    CacheStatsSource,
    DueChangeStatsSource,
    Metrics,
    StreamStatsSource,
    WebhookStatsSource,
)
from contentql.telemetry.shared_counters import CounterFile, claim_counter_file
from contentql.telemetry.trace import RequestTrace, StreamTrace

_FLUSH_INTERVAL: Final = 0.5  # seconds between two writes of collected log lines
_EXPORT_TIMEOUT: Final = 2.0  # seconds to export the last spans at shutdown


class SpanExporter(Protocol):
    """Exporter of spans, implemented by OpenTelemetryExporter."""

    def export(self, trace: RequestTrace) -> None: ...
    def close(self) -> None: ...


class RequestObserver:
    """Async context manager around the lifetime of a server."""

    def __init__(
        self,
        settings: Settings,
        *,
        cache: CacheStatsSource | None = None,
        due_changes: DueChangeStatsSource | None = None,
        webhooks: WebhookStatsSource | None = None,
        log: AccessLog | None = None,
        traces: SpanExporter | None = None,
    ) -> None:
        """`log` and `traces` default to those of the settings. Raises OperatorError if the settings need a
        package that is not installed or a directory that is not writable."""
        self.cache, self.due_changes, self.webhooks = cache, due_changes, webhooks
        self.streams: StreamStatsSource | None = None
        self._log = log or AccessLog(settings.access_log, settings.log_format, settings.slow_request_seconds)
        self._traces = traces or load_tracer(settings)
        folder = None if settings.metrics_dir == "auto" else Path(settings.metrics_dir)
        try:
            self._counters = claim_counter_file(folder) if folder else CounterFile()
        except OSError as exc:
            raise OperatorError(
                f"CONTENTQL_METRICS_DIR cannot be {str(folder)!r}: {exc.strerror or exc}."
            ) from None
        self._metrics = Metrics(self._counters, folder)
        self._cells, self._inflight = self._metrics.cells, self._metrics.inflight
        self._flush_timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> RequestObserver:
        self._flush_periodically()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flush_timer:
            self._flush_timer.cancel()
        self._log.flush()
        if self._traces:
            # In a daemon thread: the export blocks if the collector of spans does not respond.
            closer = threading.Thread(target=self._traces.close, daemon=True)
            closer.start()
            await asyncio.to_thread(closer.join, _EXPORT_TIMEOUT)
        self._copy_stats()
        self._metrics.close()
        self._counters.close()

    def start(self, request_id: str, headers: Mapping[bytes, bytes]) -> RequestTrace:
        """Starts the trace of a request in the stage `body`. The caller must finish it."""
        self._cells[self._inflight] += 1
        return RequestTrace(request_id, headers)

    def finish(self, trace: RequestTrace) -> None:
        """Finishes a trace, after the last byte was sent or the client has disconnected."""
        trace.ended = ended = perf_counter()
        seconds = ended - trace.stage_starts[0]
        self._cells[self._inflight] -= 1
        self._metrics.count(trace, seconds)
        self._log.write(trace, seconds)
        if self._traces:
            self._traces.export(trace)

    def finish_stream(self, trace: StreamTrace) -> None:
        """Logs the end of a subscription; its request was finished with the first event."""
        self._log.write_stream(trace, perf_counter() - trace.started)

    async def render_metrics(self) -> bytes:
        """The page /metrics, with the counts of all workers."""
        self._copy_stats()
        # In a thread, since rendering takes some milliseconds that would delay responses.
        return await asyncio.to_thread(self._metrics.render)

    def _copy_stats(self) -> None:
        if self.cache is not None:
            self._metrics.copy_cache_stats(self.cache)
        if self.due_changes is not None:
            self._metrics.copy_due_change_stats(self.due_changes)
        if self.streams is not None:
            self._metrics.copy_stream_stats(self.streams)
        if self.webhooks is not None:
            self._metrics.copy_webhook_stats(self.webhooks)

    def _flush_periodically(self) -> None:
        """Writes the collected log lines and statistics, now and every `_FLUSH_INTERVAL` seconds."""
        self._log.flush()
        self._copy_stats()
        self._flush_timer = asyncio.get_running_loop().call_later(_FLUSH_INTERVAL, self._flush_periodically)


@contextlib.contextmanager
def metrics_directory(settings: Settings) -> Iterator[str]:
    """Directory of the counter files, as value of CONTENTQL_METRICS_DIR for the workers.

    Unless set by the operator, one worker needs none, and several share one that exists as long as the
    server. On Windows each worker counts alone.
    """
    if settings.metrics_dir != "auto" or settings.workers == 1 or sys.platform == "win32":
        yield settings.metrics_dir
    else:
        with tempfile.TemporaryDirectory(prefix="contentql-", ignore_cleanup_errors=True) as folder:
            yield folder


def load_tracer(settings: Settings) -> SpanExporter | None:
    """The span exporter, or None if tracing is off. Raises OperatorError if it cannot be loaded.

    CONTENTQL_TRACING enables it, and so do OpenTelemetry's own variables; those may be set for the whole
    machine, so without the extra they are ignored.
    """
    variables = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not settings.tracing and not any(os.environ.get(name, "none") != "none" for name in variables):
        return None
    try:
        from contentql.telemetry.opentelemetry import OpenTelemetryExporter
    except ImportError:
        if settings.tracing:
            raise OperatorError(
                "CONTENTQL_TRACING needs an extra: pip install 'contentql[telemetry]'."
            ) from None
        return None
    return OpenTelemetryExporter()


def check_telemetry(settings: Settings) -> None:
    """Raises OperatorError if the span exporter cannot be loaded; called before workers start."""
    if traces := load_tracer(settings):
        traces.close()

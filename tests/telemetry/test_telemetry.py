"""Logs, metrics, traces and Server-Timing of requests."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import logging
import logging.config
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from contentql.errors import ERROR_CODES, OperatorError
from contentql.settings import Settings
from contentql.telemetry import trace as trace_module
from contentql.telemetry.logs import AccessLog, Formatter, log_config
from contentql.telemetry.metrics import MAX_OPERATION_LABELS
from contentql.telemetry.observer import RequestObserver, check_telemetry, metrics_directory
from contentql.telemetry.opentelemetry import OpenTelemetryExporter
from contentql.telemetry.trace import RequestTrace, server_timing_header, server_timing_with_cost

HOSTILE_TEXT = 'x"\n{"level":"error"}\r\x1b[31m\u2028' + "y" * 500


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    result = Clock()
    monkeypatch.setattr(trace_module, "perf_counter", result)
    monkeypatch.setattr("contentql.telemetry.observer.perf_counter", result)
    return result


@pytest.fixture(autouse=True)
def no_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the variables of OpenTelemetry from the environment."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def make_trace(
    clock: Clock, observer: RequestObserver, headers: Mapping[bytes, bytes] | None = None
) -> RequestTrace:
    """A trace: 1 ms for the body, 2 for parse, 3 and 1 for plan, 10 for execute, 4 for the response."""
    trace = observer.start("r-1", headers or {})
    for stage, seconds in (("parse", 1), ("plan", 2), ("execute", 3), ("plan", 10), ("response", 1)):
        clock.now += seconds / 1000
        trace.start_stage(stage)  # type: ignore[arg-type]
    clock.now += 0.004
    trace.operation, trace.document, trace.cost = "Latest", "5d41402a", 42
    trace.statements, trace.rows, trace.response_bytes = 1, 20, 1234
    trace.status, trace.cache = 200, "miss"
    return trace


def parse_samples(page: bytes) -> dict[str, float]:
    """The samples of a metrics response, as `name{label=value,…}`."""
    samples = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


# Server-Timing


def test_server_timing_lists_the_stages_in_order(clock: Clock) -> None:
    """In milliseconds; a repeated stage is listed once with the sum."""
    trace = make_trace(clock, RequestObserver(Settings()))
    assert server_timing_header(trace) == (
        b"cache;desc=miss, body;dur=1.000, parse;dur=2.000, plan;dur=4.000, execute;dur=10.000,"
        b" response;dur=4.000, total;dur=21.000"
    )


def test_server_timing_has_the_cache_status(clock: Clock) -> None:
    """A hit has no further stages; a miss has the duration of the lookup."""
    trace = RequestTrace("r")
    clock.now += 0.001
    trace.start_stage("cache")
    clock.now += 0.002
    trace.cache = "miss"
    assert server_timing_header(trace) == b"body;dur=1.000, cache;desc=miss;dur=2.000, total;dur=3.000"
    trace.cache = "hit"
    assert server_timing_header(trace) == b"cache;desc=hit, total;dur=3.000"


def test_server_timing_ends_with_the_cost(clock: Clock) -> None:
    """There is none for a request that failed before its operation was planned."""
    trace = make_trace(clock, RequestObserver(Settings()))
    assert server_timing_with_cost(trace) == server_timing_header(trace) + b", cost;desc=42"
    trace.cost = 0
    assert server_timing_with_cost(trace) == server_timing_header(trace)


# Logs


@dataclass
class WrittenLines:
    """Collects what an access log writes."""

    content: bytes = b""

    def __call__(self, lines: bytes) -> None:
        self.content += lines


def log_line(clock: Clock, mode: str, format_: str, **attributes: object) -> bytes:
    """The line in the access log for one request."""
    lines = WrittenLines()
    log = AccessLog(mode, format_, 1.0, lines)  # type: ignore[arg-type]
    observer = RequestObserver(Settings(), log=log)
    trace = make_trace(
        clock, observer, {b"apollographql-client-name": b"ios", b"apollographql-client-version": b"7"}
    )
    for name, value in attributes.items():
        setattr(trace, name, value)
    observer.finish(trace)
    log.flush()
    return lines.content


def test_json_line_has_all_fields_of_a_request(clock: Clock) -> None:
    """One JSON object a line."""
    payload = orjson.loads(log_line(clock, "all", "json"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", payload.pop("timestamp"))
    assert payload == {
        "level": "info",
        "logger": "contentql.access",
        "request_id": "r-1",
        "operation_name": "Latest",
        "document_hash": "5d41402a",
        "client_name": "ios",
        "client_version": "7",
        "http_status": 200,
        "error_codes": "",
        "cache_status": "miss",
        "query_cost": 42,
        "sql_statements": 1,
        "rows": 20,
        "response_bytes": 1234,
        "duration_ms": 21.0,
        "stage_ms": {"body": 1.0, "parse": 2.0, "plan": 4.0, "execute": 10.0, "response": 4.0},
    }


def test_text_line_has_the_fields_of_a_request(clock: Clock) -> None:
    """As `key=value`, without empty fields."""
    line = log_line(clock, "all", "text").decode()
    assert line.endswith(
        "Z level=info logger=contentql.access request_id=r-1 operation_name=Latest"
        " document_hash=5d41402a"
        " client_name=ios client_version=7 http_status=200 cache_status=miss query_cost=42"
        " sql_statements=1 rows=20 response_bytes=1234"
        " duration_ms=21.0 body=1.0 parse=2.0 plan=4.0 execute=10.0 response=4.0\n"
    )


@pytest.mark.parametrize(
    ("mode", "status", "slow", "level"),
    [
        ("errors", 200, False, None),
        ("errors", 422, False, None),
        ("errors", 200, True, "warning"),
        ("errors", 503, False, "warning"),
        ("errors", 500, False, "error"),
        ("all", 422, False, "info"),
        ("off", 500, True, None),
    ],
)
def test_access_log_setting_selects_the_logged_requests(
    clock: Clock, mode: str, status: int, slow: bool, level: str | None
) -> None:
    """`errors` logs slow requests and errors of the server, not those of clients."""
    stage_starts = [clock.now - 2 if slow else clock.now + 0.02]
    line = log_line(clock, mode, "json", status=status, stages=["body"], stage_starts=stage_starts)
    assert (orjson.loads(line)["level"] if line else None) == level


@pytest.mark.parametrize("format_", ["json", "text"])
def test_client_text_cannot_break_log_lines(clock: Clock, format_: str) -> None:
    """Operation and client names are escaped and truncated."""
    headers = {b"graphql-client-name": HOSTILE_TEXT.encode()}
    line = log_line(clock, "all", format_, operation=HOSTILE_TEXT + "\ud800", headers=headers)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert len(line) < 900
    assert line.decode().rstrip("\n").isprintable()
    if format_ == "json":
        payload = orjson.loads(line)
        assert len(payload["operation_name"]) == len(payload["client_name"]) == 64
        assert payload["level"] == "info"


def test_log_is_written_in_chunks_of_whole_lines(clock: Clock) -> None:
    """A chunk is at most what a pipe writes atomically, so that lines of workers do not mix."""
    chunks: list[bytes] = []
    log = AccessLog("all", "json", 1.0, chunks.append)
    observer = RequestObserver(Settings(), log=log)
    for _ in range(100):
        observer.finish(make_trace(clock, observer))
    log.flush()
    assert sum(chunk.count(b"\n") for chunk in chunks) == 100
    assert 1 < len(chunks) < 100
    assert all(len(chunk) <= 4096 and chunk.endswith(b"}\n") for chunk in chunks)


async def test_incomplete_chunks_are_flushed_periodically_and_at_the_end(clock: Clock) -> None:
    lines = WrittenLines()
    async with RequestObserver(Settings(), log=AccessLog("all", "json", 1.0, lines)) as observer:
        observer.finish(make_trace(clock, observer))
        observer._flush_periodically()
        assert lines.content.count(b"\n") == 1
        observer.finish(make_trace(clock, observer))
    assert lines.content.count(b"\n") == 2


def test_all_loggers_write_json_records() -> None:
    """Those of uvicorn too; an exception has its traceback."""
    stream = io.StringIO()
    config = log_config(Settings())
    config["handlers"]["stderr"]["stream"] = stream
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logging.config.dictConfig(config)
        logging.getLogger("uvicorn.error").error("cannot bind %s", "\n:80")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logging.getLogger("contentql").exception("request %s failed", "r", extra={"request_id": "r"})
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    first, second = map(orjson.loads, stream.getvalue().splitlines())
    assert first.keys() == {"timestamp", "level", "logger", "message"}
    assert (first["level"], first["logger"], first["message"]) == (
        "error",
        "uvicorn.error",
        "cannot bind \n:80",
    )
    assert second["request_id"] == "r"
    assert "ValueError: two\nlines" in second["exception"]


def test_tracebacks_in_text_format_are_indented() -> None:
    """No line of a traceback looks like a log line."""
    try:
        raise ValueError("two\n2026-01-01T00:00:00.000Z level=info")
    except ValueError:
        record = logging.LogRecord("contentql", logging.ERROR, "", 0, "bad\nthing", (), sys.exc_info())
    first, *others = Formatter("text").format(record).split("\n")
    assert first.endswith("level=error logger=contentql message=bad?thing")
    assert others
    assert all(line.startswith("    ") for line in others)


# Metrics


async def test_metrics_count_requests(clock: Clock) -> None:
    """By status, code and cache; durations by operation and stage; cost and statements if any."""
    observer = RequestObserver(Settings())
    for _ in range(3):
        observer.finish(make_trace(clock, observer))
    rejected = observer.start("r", {})
    rejected.status, rejected.codes = 422, ("COST_LIMIT_EXCEEDED", "INVALID_PAGE_SIZE")
    observer.finish(rejected)
    hit = make_trace(clock, observer)
    hit.cache, hit.statements = "hit", 0
    observer.finish(hit)
    in_flight = observer.start("r", {})
    samples = parse_samples(await observer.render_metrics())
    assert samples["contentql_http_requests_total{cache_status=miss,error_code=,status=200}"] == 3
    assert samples["contentql_http_requests_total{cache_status=hit,error_code=,status=200}"] == 1
    assert (
        samples["contentql_http_requests_total{cache_status=,error_code=COST_LIMIT_EXCEEDED,status=422}"] == 1
    )
    assert samples["contentql_sql_statements_total{}"] == 3
    assert samples["contentql_operation_duration_seconds_count{operation_name=Latest}"] == 4
    assert samples["contentql_operation_duration_seconds_bucket{le=0.025,operation_name=Latest}"] == 4
    assert samples["contentql_operation_duration_seconds_bucket{le=0.01,operation_name=Latest}"] == 0
    assert samples["contentql_operation_duration_seconds_sum{operation_name=Latest}"] == pytest.approx(0.084)
    assert samples["contentql_operation_duration_seconds_count{operation_name=anonymous}"] == 1
    assert samples["contentql_stage_duration_seconds_count{stage=execute}"] == 3
    assert samples["contentql_stage_duration_seconds_sum{stage=plan}"] == pytest.approx(0.012)
    assert samples["contentql_operation_cost_bucket{le=25.0}"] == 0
    assert samples["contentql_operation_cost_bucket{le=50.0}"] == 3
    assert samples["contentql_http_requests_in_flight{}"] == 1
    observer.finish(in_flight)
    assert parse_samples(await observer.render_metrics())["contentql_http_requests_in_flight{}"] == 0


async def test_operation_labels_are_limited() -> None:
    """Clients choose operation names: invalid names, and those after the limit, share one label."""
    observer = RequestObserver(Settings())
    for name in [HOSTILE_TEXT, *(f"Op{i}" for i in range(MAX_OPERATION_LABELS + 50)), "Op0", "Op149"]:
        trace = observer.start("r", {})
        trace.operation = name
        observer.finish(trace)
    samples = parse_samples(await observer.render_metrics())
    counts = {
        name: n
        for name, n in samples.items()
        if name.startswith("contentql_operation_duration_seconds_count")
    }
    assert len(counts) == MAX_OPERATION_LABELS + 1
    assert counts["contentql_operation_duration_seconds_count{operation_name=other}"] == 52
    assert counts["contentql_operation_duration_seconds_count{operation_name=Op0}"] == 2


async def test_rate_limited_and_shed_requests_have_own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """By error code: status 429 is a rate limit, 503 is load shedding, except for failures."""
    monkeypatch.setattr(
        "contentql.telemetry.metrics.ERROR_CODES", {**ERROR_CODES, "FULL": (503, ""), "OFTEN": (429, "")}
    )
    observer = RequestObserver(Settings())
    for status, code in ((503, "FULL"), (200, "OFTEN"), (429, "OFTEN"), (503, "TIMEOUT")):
        trace = observer.start("r", {})
        trace.status, trace.codes = status, (code,)
        observer.finish(trace)
    samples = parse_samples(await observer.render_metrics())
    assert samples["contentql_http_requests_shed_total{}"] == 1
    assert samples["contentql_http_requests_rate_limited_total{}"] == 2


async def test_metrics_have_the_statistics_of_the_cache() -> None:
    """Totals and sizes are those at the time of the request."""
    observer = RequestObserver(Settings())
    cache = SimpleNamespace(hits=5, misses=4, purged=3, unneeded_purges=1, entries=2, bytes=2048)
    observer.cache = cache
    cache.hits = 6
    samples = parse_samples(await observer.render_metrics())
    assert samples["contentql_cache_hits_total{}"] == 6
    assert samples["contentql_cache_misses_total{}"] == 4
    assert samples["contentql_cache_invalidations_total{}"] == 3
    assert samples["contentql_cache_unneeded_invalidations_total{}"] == 1
    assert samples["contentql_cache_entries{}"] == 2
    assert samples["contentql_cache_bytes{}"] == 2048


WORKER = """
import sys
from types import SimpleNamespace
from contentql.settings import Settings
from contentql.telemetry.observer import RequestObserver
observer = RequestObserver(Settings(), cache=SimpleNamespace(
    hits=10, misses=0, purged=0, unneeded_purges=0, entries=7, bytes=9
))
for line in sys.stdin:
    for _ in range(int(line)):
        trace = observer.start("r", {})
        trace.status, trace.statements = 200, 1
        observer.finish(trace)
    observer.start("r", {})
    observer._copy_stats()
    print("done", flush=True)
"""


class Worker:
    """A process that counts requests, like another worker of the same server."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CONTENTQL_METRICS_DIR": str(folder)},
        )

    def count(self, requests: int) -> None:
        """Counts the requests, and one that stays in flight."""
        assert self.process.stdin
        assert self.process.stdout
        print(requests, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()


async def test_metrics_of_a_worker_include_all_workers(tmp_path: Path) -> None:
    """Counts of a killed worker stay, and its successor continues them."""
    observer = RequestObserver(Settings(metrics_dir=str(tmp_path)))
    first, second = Worker(tmp_path), Worker(tmp_path)
    try:
        first.count(5)
        second.count(7)
        samples = parse_samples(await observer.render_metrics())
        assert samples["contentql_http_requests_total{cache_status=,error_code=,status=200}"] == 12
        assert samples["contentql_sql_statements_total{}"] == 12
        assert samples["contentql_cache_hits_total{}"] == 20
        assert samples["contentql_cache_entries{}"] == 14
        assert samples["contentql_http_requests_in_flight{}"] == 2
        first.kill()
        assert parse_samples(await observer.render_metrics())["contentql_sql_statements_total{}"] == 12
        first = Worker(tmp_path)
        first.count(3)
        samples = parse_samples(await observer.render_metrics())
        assert samples["contentql_sql_statements_total{}"] == 15
        assert samples["contentql_cache_hits_total{}"] == 30
        assert samples["contentql_cache_entries{}"] == 14, "entries of the killed worker do not count"
        assert samples["contentql_http_requests_in_flight{}"] == 2, (
            "requests of the killed worker do not count"
        )
        assert len(list(tmp_path.iterdir())) == 3
    finally:
        first.kill()
        second.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")
async def test_metrics_have_process_statistics_of_each_worker(tmp_path: Path) -> None:
    """By number of the worker, and only of running ones."""
    observer = RequestObserver(Settings(metrics_dir=str(tmp_path)))
    async with RequestObserver(Settings(metrics_dir=str(tmp_path))):
        samples = parse_samples(await observer.render_metrics())
        assert samples["process_resident_memory_bytes{worker=1}"] > 1e6
        assert samples["process_resident_memory_bytes{worker=2}"] > 1e6
    assert "process_resident_memory_bytes{worker=2}" not in parse_samples(await observer.render_metrics())


async def test_counts_survive_a_stopped_worker(clock: Clock, tmp_path: Path) -> None:
    """The next worker reuses the file; a request that finishes late changes no other count."""
    settings = Settings(metrics_dir=str(tmp_path))
    async with RequestObserver(settings) as observer:
        observer.finish(make_trace(clock, observer))
        late = observer.start("r", {})
    async with RequestObserver(settings) as next_observer:
        next_observer.finish(make_trace(clock, next_observer))
        observer.finish(late)
        samples = parse_samples(await next_observer.render_metrics())
    assert samples["contentql_sql_statements_total{}"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["1.slate"]


def test_metrics_directory_exists_only_with_several_workers() -> None:
    """A temporary directory is removed with the server, a configured one stays."""
    with metrics_directory(Settings()) as folder:
        assert folder == "auto"
    with metrics_directory(Settings(workers=2)) as folder:
        assert Path(folder).is_dir()
    assert not Path(folder).exists()
    with metrics_directory(Settings(workers=2, metrics_dir="/var/lib/counts")) as folder:
        assert folder == "/var/lib/counts"


def test_unusable_metrics_directory_is_reported_at_startup(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"CONTENTQL_METRICS_DIR cannot be .*: No such file"):
        RequestObserver(Settings(metrics_dir=str(tmp_path / "missing")))


# Traces


@pytest.fixture
def exporters() -> tuple[OpenTelemetryExporter, InMemorySpanExporter]:
    """An OpenTelemetry exporter, and the spans that it exported."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return OpenTelemetryExporter(provider), memory


def duration_of(span: ReadableSpan) -> int:
    """The duration of a span in microseconds."""
    assert span.start_time
    assert span.end_time
    return round((span.end_time - span.start_time) / 1000)


def test_request_span_has_one_child_span_per_stage(
    exporters: tuple[OpenTelemetryExporter, InMemorySpanExporter],
) -> None:
    """In order, within the span of the request, with attributes but without variable values."""
    traces, memory = exporters
    observer = RequestObserver(Settings(), traces=traces)
    trace = observer.start("r-1", {b"apollographql-client-name": b"ios"})
    started = trace.stage_starts[0]
    trace.stages = ["body", "parse", "execute", "plan", "execute", "response"]
    trace.stage_starts = [started - (21 - ms) / 1000 for ms in (0, 1, 3, 6, 7, 17)]
    trace.operation, trace.document, trace.status, trace.cost = "Latest", "5d41402a", 200, 42
    observer.finish(trace)
    *stages, request_span = memory.get_finished_spans()
    assert [(span.name, duration_of(span)) for span in stages[:-1]] == [
        ("body", 1000), ("parse", 2000), ("execute", 3000), ("plan", 1000), ("execute", 10000)
    ]  # fmt: skip
    assert stages[-1].name == "response"
    assert {span.parent.span_id for span in stages if span.parent} == {request_span.context.span_id}
    assert (request_span.start_time, request_span.end_time) == (stages[0].start_time, stages[-1].end_time)
    assert request_span.attributes
    assert request_span.attributes["graphql.operation.name"] == "Latest"
    assert request_span.attributes["graphql.document.hash"] == "5d41402a"
    assert request_span.attributes["http.response.status_code"] == 200
    assert request_span.attributes["contentql.query_cost"] == 42
    assert request_span.attributes["graphql.client.name"] == "ios"
    assert request_span.status.is_unset


@pytest.mark.parametrize("sampled", [True, False])
def test_trace_context_of_the_client_is_continued(
    exporters: tuple[OpenTelemetryExporter, InMemorySpanExporter], sampled: bool
) -> None:
    """`traceparent` has the trace id and whether the trace is sampled."""
    traces, memory = exporters
    observer = RequestObserver(Settings(), traces=traces)
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    observer.finish(observer.start("r", {b"traceparent": f"00-{trace_id}-{parent}-0{int(sampled)}".encode()}))
    spans = memory.get_finished_spans()
    assert bool(spans) == sampled
    for span in spans:
        assert f"{span.context.trace_id:032x}" == trace_id
    if sampled:
        assert spans[-1].parent
        assert f"{spans[-1].parent.span_id:016x}" == parent


@pytest.mark.parametrize("value", [b"", b"00-0-0-01", b"\xff\xfe", b"x" * 9000])
def test_invalid_traceparent_is_ignored(
    exporters: tuple[OpenTelemetryExporter, InMemorySpanExporter], value: bytes
) -> None:
    """The request gets a new trace; an error of the server is marked in it."""
    traces, memory = exporters
    observer = RequestObserver(Settings(), traces=traces)
    trace = observer.start("r", {b"traceparent": value, b"tracestate": value})
    trace.status = 500
    observer.finish(trace)
    request_span = memory.get_finished_spans()[-1]
    assert request_span.parent is None
    assert not request_span.status.is_ok
    assert not request_span.status.is_unset


async def test_unsent_spans_do_not_delay_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stops although the span collector does not respond."""
    monkeypatch.setattr("contentql.telemetry.observer._EXPORT_TIMEOUT", 0.05)
    never = threading.Event()
    traces = SimpleNamespace(tell=lambda trace: None, close=never.wait)
    async with asyncio.timeout(5):
        async with RequestObserver(Settings(), traces=traces):
            pass
    never.set()


def test_tracing_without_its_packages_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting requires them, the variables of OpenTelemetry alone do not."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "contentql.telemetry.opentelemetry")
    with pytest.raises(OperatorError, match=re.escape("pip install 'contentql[telemetry]'")):
        check_telemetry(Settings(tracing=True))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    check_telemetry(Settings())


def test_unknown_trace_exporter_is_reported_at_startup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    with pytest.raises(OperatorError, match="'pigeon'"):
        check_telemetry(Settings())
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    check_telemetry(Settings(tracing=True))


def test_opentelemetry_is_not_imported_without_tracing() -> None:
    """Its import takes longer than that of a small server."""
    script = (
        "import sys; from contentql.telemetry.observer import Settings, RequestObserver;"
        " RequestObserver(Settings()); print('opentelemetry' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
    assert importlib.util.find_spec("opentelemetry")

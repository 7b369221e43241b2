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
from contentql.telemetry import trace as journeys
from contentql.telemetry.logs import AccessLog, Formatter, log_config
from contentql.telemetry.metrics import MAX_OPERATION_LABELS
from contentql.telemetry.observer import RequestObserver, check_telemetry, metrics_directory
from contentql.telemetry.opentelemetry import OpenTelemetryExporter
from contentql.telemetry.trace import RequestTrace, server_timing_header

HOSTILE = 'x"\n{"level":"error"}\r\x1b[31m\u2028' + "y" * 500


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    result = Clock()
    monkeypatch.setattr(journeys, "perf_counter", result)
    monkeypatch.setattr("contentql.telemetry.observer.perf_counter", result)
    return result


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def travelled(
    clock: Clock, observer: RequestObserver, headers: Mapping[bytes, bytes] | None = None
) -> RequestTrace:
    """One that read for 1 ms, parsed for 2, planned for 3, ran for 10 and planned 1 more, replied in 4."""
    journey = observer.start("r-1", headers or {})
    for stage, seconds in (("parse", 1), ("plan", 2), ("execute", 3), ("plan", 10), ("response", 1)):
        clock.now += seconds / 1000
        journey.start_stage(stage)  # type: ignore[arg-type]
    clock.now += 0.004
    journey.operation, journey.document, journey.cost = "Latest", "5d41402a", 42
    journey.statements, journey.rows, journey.response_bytes = 1, 20, 1234
    journey.status, journey.cache = 200, "miss"
    return journey


def numbers(page: bytes) -> dict[str, float]:
    """The samples of a page of metrics, as `name{label=value,…}`."""
    results = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            results[f"{sample.name}{{{labels}}}"] = sample.value
    return results


# Server-Timing


def test_server_timing_tells_the_stages_that_happened(clock: Clock) -> None:
    """In milliseconds and in order; a stage that came twice is told once, with the sum."""
    journey = travelled(clock, RequestObserver(Settings()))
    assert server_timing_header(journey) == (
        b"cache;desc=miss, body;dur=1.000, parse;dur=2.000, plan;dur=4.000, execute;dur=10.000,"
        b" response;dur=4.000, total;dur=21.000"
    )


def test_server_timing_tells_what_the_cache_did(clock: Clock) -> None:
    """A hit as a whole; else beside the time that looking took."""
    trace = RequestTrace("r")
    clock.now += 0.001
    trace.start_stage("cache")
    clock.now += 0.002
    trace.cache = "miss"
    assert server_timing_header(trace) == b"body;dur=1.000, cache;desc=miss;dur=2.000, total;dur=3.000"
    trace.cache = "hit"
    assert server_timing_header(trace) == b"cache;desc=hit, total;dur=3.000"


# Logs


@dataclass
class Lines:
    """What an access log has written."""

    written: bytes = b""

    def __call__(self, lines: bytes) -> None:
        self.written += lines


def logged(clock: Clock, what: str, form: str, **set_to: object) -> bytes:
    """What the log says of one journey."""
    lines = Lines()
    log = AccessLog(what, form, 1.0, lines)  # type: ignore[arg-type]
    observer = RequestObserver(Settings(), log=log)
    journey = travelled(
        clock, observer, {b"apollographql-client-name": b"ios", b"apollographql-client-version": b"7"}
    )
    for name, value in set_to.items():
        setattr(journey, name, value)
    observer.finish(journey)
    log.flush()
    return lines.written


def test_a_line_tells_all_of_a_request(clock: Clock) -> None:
    """One JSON object a line, every field by its name."""
    payload = orjson.loads(logged(clock, "all", "json"))
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


def test_a_line_of_text_tells_the_same(clock: Clock) -> None:
    """`key=value`, and nothing of what is empty."""
    line = logged(clock, "all", "text").decode()
    assert line.endswith(
        "Z level=info logger=contentql.access request_id=r-1 operation_name=Latest"
        " document_hash=5d41402a"
        " client_name=ios client_version=7 http_status=200 cache_status=miss query_cost=42"
        " sql_statements=1 rows=20 response_bytes=1234"
        " duration_ms=21.0 body=1.0 parse=2.0 plan=4.0 execute=10.0 response=4.0\n"
    )


@pytest.mark.parametrize(
    ("what", "status", "slow", "level"),
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
def test_only_what_the_setting_names_is_logged(
    clock: Clock, what: str, status: int, slow: bool, level: str | None
) -> None:
    """`errors`: what the server failed at or was slow at; what clients got wrong is theirs."""
    marks = [clock.now - 2 if slow else clock.now + 0.02]
    written = logged(clock, what, "json", status=status, stages=["body"], stage_starts=marks)
    assert (orjson.loads(written)["level"] if written else None) == level


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_client_wrote_breaks_no_line(clock: Clock, form: str) -> None:
    """Operation and client names with line ends, quotes, escapes or great length: one line, short."""
    headers = {b"graphql-client-name": HOSTILE.encode()}
    written = logged(clock, "all", form, operation=HOSTILE + "\ud800", headers=headers)
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    assert len(written) < 900
    assert written.decode().rstrip("\n").isprintable()
    if form == "json":
        payload = orjson.loads(written)
        assert len(payload["operation_name"]) == len(payload["client_name"]) == 64
        assert payload["level"] == "info"


def test_lines_leave_in_whole_pieces(clock: Clock) -> None:
    """Never more at once than a pipe takes in one piece, so that workers do not cut each other's lines."""
    pieces: list[bytes] = []
    log = AccessLog("all", "json", 1.0, pieces.append)
    observer = RequestObserver(Settings(), log=log)
    for _ in range(100):
        observer.finish(travelled(clock, observer))
    log.flush()
    assert sum(piece.count(b"\n") for piece in pieces) == 100
    assert 1 < len(pieces) < 100
    assert all(len(piece) <= 4096 and piece.endswith(b"}\n") for piece in pieces)


async def test_lines_do_not_wait_for_others(clock: Clock) -> None:
    """A line that fills no piece is written when the watch ends, and by the clock before that."""
    lines = Lines()
    async with RequestObserver(Settings(), log=AccessLog("all", "json", 1.0, lines)) as watch:
        watch.finish(travelled(clock, watch))
        watch._look()
        assert lines.written.count(b"\n") == 1
        watch.finish(travelled(clock, watch))
    assert lines.written.count(b"\n") == 2


def test_every_logger_speaks_in_one_format() -> None:
    """uvicorn's and ours: a JSON object a record, a fault with its trace."""
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


def test_a_trace_in_text_stands_under_its_line() -> None:
    """Indented, so that nothing in it looks like a line of its own."""
    try:
        raise ValueError("two\n2026-01-01T00:00:00.000Z level=info")
    except ValueError:
        record = logging.LogRecord("contentql", logging.ERROR, "", 0, "bad\nthing", (), sys.exc_info())
    first, *others = Formatter("text").format(record).split("\n")
    assert first.endswith("level=error logger=contentql message=bad?thing")
    assert others
    assert all(line.startswith("    ") for line in others)


# Metrics


async def test_requests_are_counted(clock: Clock) -> None:
    """By status, code and cache; times by operation and stage; cost and statements where there were any."""
    observer = RequestObserver(Settings())
    for _ in range(3):
        observer.finish(travelled(clock, observer))
    refused = observer.start("r", {})
    refused.status, refused.codes = 422, ("COST_LIMIT_EXCEEDED", "INVALID_PAGE_SIZE")
    observer.finish(refused)
    hit = travelled(clock, observer)
    hit.cache, hit.statements = "hit", 0
    observer.finish(hit)
    under_way = observer.start("r", {})
    result = numbers(await observer.render_metrics())
    assert result["contentql_http_requests_total{cache_status=miss,error_code=,status=200}"] == 3
    assert result["contentql_http_requests_total{cache_status=hit,error_code=,status=200}"] == 1
    assert (
        result["contentql_http_requests_total{cache_status=,error_code=COST_LIMIT_EXCEEDED,status=422}"] == 1
    )
    assert result["contentql_sql_statements_total{}"] == 3
    assert result["contentql_operation_duration_seconds_count{operation_name=Latest}"] == 4
    assert result["contentql_operation_duration_seconds_bucket{le=0.025,operation_name=Latest}"] == 4
    assert result["contentql_operation_duration_seconds_bucket{le=0.01,operation_name=Latest}"] == 0
    assert result["contentql_operation_duration_seconds_sum{operation_name=Latest}"] == pytest.approx(0.084)
    assert result["contentql_operation_duration_seconds_count{operation_name=anonymous}"] == 1
    assert result["contentql_stage_duration_seconds_count{stage=execute}"] == 3
    assert result["contentql_stage_duration_seconds_sum{stage=plan}"] == pytest.approx(0.012)
    assert result["contentql_operation_cost_bucket{le=25.0}"] == 0
    assert result["contentql_operation_cost_bucket{le=50.0}"] == 3
    assert result["contentql_http_requests_in_flight{}"] == 1
    observer.finish(under_way)
    assert numbers(await observer.render_metrics())["contentql_http_requests_in_flight{}"] == 0


async def test_names_of_operations_are_bounded() -> None:
    """Clients choose operation names: after a hundred, and for invalid names, one label is used."""
    observer = RequestObserver(Settings())
    for name in [HOSTILE, *(f"Op{i}" for i in range(MAX_OPERATION_LABELS + 50)), "Op0", "Op149"]:
        journey = observer.start("r", {})
        journey.operation = name
        observer.finish(journey)
    result = numbers(await observer.render_metrics())
    counted = {
        name: n for name, n in result.items() if name.startswith("contentql_operation_duration_seconds_count")
    }
    assert len(counted) == MAX_OPERATION_LABELS + 1
    assert counted["contentql_operation_duration_seconds_count{operation_name=other}"] == 52
    assert counted["contentql_operation_duration_seconds_count{operation_name=Op0}"] == 2


async def test_requests_turned_away_are_counted_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code with status 429 is a rate limit, one with 503 shed load, unless it names a fault."""
    monkeypatch.setattr(
        "contentql.telemetry.metrics.ERROR_CODES", {**ERROR_CODES, "FULL": (503, ""), "OFTEN": (429, "")}
    )
    observer = RequestObserver(Settings())
    for status, code in ((503, "FULL"), (200, "OFTEN"), (429, "OFTEN"), (503, "TIMEOUT")):
        journey = observer.start("r", {})
        journey.status, journey.codes = status, (code,)
        observer.finish(journey)
    result = numbers(await observer.render_metrics())
    assert result["contentql_http_requests_shed_total{}"] == 1
    assert result["contentql_http_requests_rate_limited_total{}"] == 2


async def test_the_cache_is_counted_as_it_counts_itself() -> None:
    """Its totals and its size, at the moment of the question."""
    observer = RequestObserver(Settings())
    cache = SimpleNamespace(hits=5, misses=4, purged=3, unneeded_purges=1, entries=2, bytes=2048)
    observer.cache = cache
    cache.hits = 6
    result = numbers(await observer.render_metrics())
    assert result["contentql_cache_hits_total{}"] == 6
    assert result["contentql_cache_misses_total{}"] == 4
    assert result["contentql_cache_invalidations_total{}"] == 3
    assert result["contentql_cache_unneeded_invalidations_total{}"] == 1
    assert result["contentql_cache_entries{}"] == 2
    assert result["contentql_cache_bytes{}"] == 2048


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
        journey = observer.start("r", {})
        journey.status, journey.statements = 200, 1
        observer.finish(journey)
    observer.start("r", {})
    observer._mirror()
    print("done", flush=True)
"""


class Worker:
    """A process that counts, as another worker of the same server would."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CONTENTQL_METRICS_DIR": str(folder)},
        )

    def count(self, requests: int) -> None:
        """So many requests, and one that stays under way."""
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


async def test_any_worker_tells_the_counts_of_all(tmp_path: Path) -> None:
    """A worker that is killed takes no count with it, and its successor goes on where it stopped."""
    observer = RequestObserver(Settings(metrics_dir=str(tmp_path)))
    first, second = Worker(tmp_path), Worker(tmp_path)
    try:
        first.count(5)
        second.count(7)
        result = numbers(await observer.render_metrics())
        assert result["contentql_http_requests_total{cache_status=,error_code=,status=200}"] == 12
        assert result["contentql_sql_statements_total{}"] == 12
        assert result["contentql_cache_hits_total{}"] == 20
        assert result["contentql_cache_entries{}"] == 14
        assert result["contentql_http_requests_in_flight{}"] == 2
        first.kill()
        assert numbers(await observer.render_metrics())["contentql_sql_statements_total{}"] == 12
        first = Worker(tmp_path)
        first.count(3)
        result = numbers(await observer.render_metrics())
        assert result["contentql_sql_statements_total{}"] == 15
        assert result["contentql_cache_hits_total{}"] == 30
        assert result["contentql_cache_entries{}"] == 14, "what the dead one remembered is gone"
        assert result["contentql_http_requests_in_flight{}"] == 2, "what the dead one had under way is gone"
        assert len(list(tmp_path.iterdir())) == 3
    finally:
        first.kill()
        second.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system tells of processes otherwise")
async def test_every_worker_has_its_process_told(tmp_path: Path) -> None:
    """Memory, processor time and open files, by the worker's number; not of one that is gone."""
    observer = RequestObserver(Settings(metrics_dir=str(tmp_path)))
    async with RequestObserver(Settings(metrics_dir=str(tmp_path))):
        result = numbers(await observer.render_metrics())
        assert result["process_resident_memory_bytes{worker=1}"] > 1e6
        assert result["process_resident_memory_bytes{worker=2}"] > 1e6
    assert "process_resident_memory_bytes{worker=2}" not in numbers(await observer.render_metrics())


async def test_counts_survive_a_worker_that_ends_well(clock: Clock, tmp_path: Path) -> None:
    """The next request reuses its slate; a request that ends late affects no other."""
    settings = Settings(metrics_dir=str(tmp_path))
    async with RequestObserver(settings) as watch:
        watch.finish(travelled(clock, watch))
        late = watch.start("r", {})
    async with RequestObserver(settings) as following:
        following.finish(travelled(clock, following))
        watch.finish(late)
        result = numbers(await following.render_metrics())
    assert result["contentql_sql_statements_total{}"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["1.slate"]


def test_only_several_workers_need_a_folder() -> None:
    """One counts in its own memory; several get a folder that is gone with the server; a named one stays."""
    with metrics_directory(Settings()) as folder:
        assert folder == "auto"
    with metrics_directory(Settings(workers=2)) as folder:
        assert Path(folder).is_dir()
    assert not Path(folder).exists()
    with metrics_directory(Settings(workers=2, metrics_dir="/var/lib/counts")) as folder:
        assert folder == "/var/lib/counts"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """In one sentence, when the server starts."""
    with pytest.raises(OperatorError, match=r"CONTENTQL_METRICS_DIR cannot be .*: No such file"):
        RequestObserver(Settings(metrics_dir=str(tmp_path / "missing")))


# Traces


@pytest.fixture
def exported() -> tuple[OpenTelemetryExporter, InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return OpenTelemetryExporter(provider), memory


def lasted(span: ReadableSpan) -> int:
    """In microseconds."""
    assert span.start_time
    assert span.end_time
    return round((span.end_time - span.start_time) / 1000)


def test_a_request_is_one_span_with_one_a_stage(
    exported: tuple[OpenTelemetryExporter, InMemorySpanExporter],
) -> None:
    """In the order in which they happened, within the request's, with what describes it and no value."""
    traces, memory = exported
    observer = RequestObserver(Settings(), traces=traces)
    journey = observer.start("r-1", {b"apollographql-client-name": b"ios"})
    started = journey.stage_starts[0]
    journey.stages = ["body", "parse", "execute", "plan", "execute", "response"]
    journey.stage_starts = [started - (21 - ms) / 1000 for ms in (0, 1, 3, 6, 7, 17)]
    journey.operation, journey.document, journey.status, journey.cost = "Latest", "5d41402a", 200, 42
    observer.finish(journey)
    *stages, document = memory.get_finished_spans()
    assert [(span.name, lasted(span)) for span in stages[:-1]] == [
        ("body", 1000), ("parse", 2000), ("execute", 3000), ("plan", 1000), ("execute", 10000)
    ]  # fmt: skip
    assert stages[-1].name == "response"
    assert {span.parent.span_id for span in stages if span.parent} == {document.context.span_id}
    assert (document.start_time, document.end_time) == (stages[0].start_time, stages[-1].end_time)
    assert document.attributes
    assert document.attributes["graphql.operation.name"] == "Latest"
    assert document.attributes["graphql.document.hash"] == "5d41402a"
    assert document.attributes["http.response.status_code"] == 200
    assert document.attributes["contentql.query_cost"] == 42
    assert document.attributes["graphql.client.name"] == "ios"
    assert document.status.is_unset


@pytest.mark.parametrize("sampled", [True, False])
def test_the_trace_of_the_client_goes_on(
    exported: tuple[OpenTelemetryExporter, InMemorySpanExporter], sampled: bool
) -> None:
    """`traceparent` names the trace and says whether it is kept."""
    traces, memory = exported
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
def test_a_damaged_traceparent_is_passed_over(
    exported: tuple[OpenTelemetryExporter, InMemorySpanExporter], value: bytes
) -> None:
    """The request gets a trace of its own, and a fault of the server is marked in it."""
    traces, memory = exported
    observer = RequestObserver(Settings(), traces=traces)
    journey = observer.start("r", {b"traceparent": value, b"tracestate": value})
    journey.status = 500
    observer.finish(journey)
    document = memory.get_finished_spans()[-1]
    assert document.parent is None
    assert not document.status.is_ok
    assert not document.status.is_unset


async def test_unsent_spans_do_not_delay_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stops although the span collector does not respond."""
    monkeypatch.setattr("contentql.telemetry.observer._PATIENCE", 0.05)
    never = threading.Event()
    traces = SimpleNamespace(tell=lambda journey: None, close=never.wait)
    async with asyncio.timeout(5):
        async with RequestObserver(Settings(), traces=traces):
            pass
    never.set()


def test_traces_without_their_extra_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, if the setting asks for them; OpenTelemetry's variables alone ask the machine."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "contentql.telemetry.opentelemetry")
    with pytest.raises(OperatorError, match=re.escape("pip install 'contentql[telemetry]'")):
        check_telemetry(Settings(tracing=True))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    check_telemetry(Settings())


def test_an_exporter_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, when the server starts."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    with pytest.raises(OperatorError, match="'pigeon'"):
        check_telemetry(Settings())
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    check_telemetry(Settings(tracing=True))


def test_opentelemetry_is_not_imported_without_traces() -> None:
    """It takes longer to load than a small server."""
    script = (
        "import sys; from contentql.telemetry.observer import Settings, RequestObserver;"
        " RequestObserver(Settings()); print('opentelemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert importlib.util.find_spec("opentelemetry")

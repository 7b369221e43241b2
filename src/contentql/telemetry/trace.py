"""Trace of one request, from which logs, metrics, spans and Server-Timing are written.

A cached response takes some fifty microseconds, so a trace only collects values and times, and computes
nothing before it is read. It never contains values of variables, tokens or documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from types import MappingProxyType
from typing import Final, Literal

from contentql.telemetry.printable import replace_unprintable

# `body` reads the request; the others are the steps of Executor.execute. A stage may occur more than once.
Stage = Literal["body", "cache", "parse", "plan", "execute", "response"]
CacheStatus = Literal["", "hit", "miss", "off", "bypass"]

MAX_CLIENT_TEXT: Final = 64
_NO_HEADERS: Final[Mapping[bytes, bytes]] = MappingProxyType({})


class RequestTrace:
    """One request from its first to its last byte. The code that computes a value sets its attribute."""

    __slots__ = (
        "cache",
        "codes",
        "cost",
        "document",
        "ended",
        "headers",
        "operation",
        "operation_type",
        "request_id",
        "response_bytes",
        "rows",
        "stage_starts",
        "stages",
        "statements",
        "status",
    )

    def __init__(self, request_id: str, headers: Mapping[bytes, bytes] = _NO_HEADERS) -> None:
        """Starts in the stage `body`. `headers` are read only by logs and spans."""
        self.request_id = request_id
        self.headers = headers
        self.operation = ""
        self.operation_type = ""  # query, mutation or subscription
        self.document = ""  # a short hash
        self.cost = 0
        self.statements = 0
        self.rows = 0
        self.status = 0
        self.codes: tuple[str, ...] = ()
        self.cache: CacheStatus = ""
        self.response_bytes = 0
        self.ended = 0.0  # in seconds of `perf_counter`, as `stage_starts`
        self.stages: list[Stage] = ["body"]
        self.stage_starts = [perf_counter()]  # one for each of `stages`

    def start_stage(self, name: Stage) -> None:
        """Ends the current stage and starts `name`. A stage may occur more than once."""
        self.stages.append(name)
        self.stage_starts.append(perf_counter())

    @property
    def client_name(self) -> str:
        return self._header(b"apollographql-client-name") or self._header(b"graphql-client-name")

    @property
    def client_version(self) -> str:
        return self._header(b"apollographql-client-version") or self._header(b"graphql-client-version")

    def _header(self, name: bytes) -> str:
        return sanitize(self.headers.get(name, b"").decode("latin-1"))

    def durations(self, until: float = 0.0) -> dict[Stage, float]:
        """Seconds per stage, in order of first occurrence, until the end of the request or `until`."""
        results: dict[Stage, float] = {}
        ends = [*self.stage_starts[1:], until or self.ended]
        for name, start, end in zip(self.stages, self.stage_starts, ends, strict=True):
            results[name] = results.get(name, 0.0) + end - start
        return results


class StreamTrace:
    """One subscription, from its first event to its end. There may be thousands."""

    __slots__ = (
        "client_name",
        "client_version",
        "codes",
        "document",
        "events",
        "operation",
        "request_id",
        "response_bytes",
        "started",
    )

    def __init__(self, trace: RequestTrace) -> None:
        """`trace`: of the request that opened it."""
        self.request_id, self.operation, self.document = trace.request_id, trace.operation, trace.document
        self.client_name, self.client_version = trace.client_name, trace.client_version
        self.started = perf_counter()
        self.events = 0
        self.response_bytes = 0
        self.codes: tuple[str, ...] = ()  # why the server ended it


def server_timing_header(trace: RequestTrace) -> bytes:
    """The value of the Server-Timing header: `parse;dur=0.120, execute;dur=3.100, total;dur=4.020`, in ms.

    A cache hit has only a total, because measuring stages would take longer than they do. Contains nothing
    from the client.
    """
    now = perf_counter()
    total = (now - trace.stage_starts[0]) * 1000
    if trace.cache == "hit":
        return b"cache;desc=hit, total;dur=%.3f" % total
    durations = trace.durations(now)
    return _header_template(trace.cache, tuple(durations)) % (
        *(seconds * 1000 for seconds in durations.values()),
        total,
    )


def server_timing_with_cost(trace: RequestTrace) -> bytes:
    """The value of the Server-Timing header with the cost of the operation as last metric: `cost;desc=42`.

    A cached response costs 1; requests that fail before their operation is planned have no cost.
    """
    value = server_timing_header(trace)
    return b"%b, cost;desc=%d" % (value, trace.cost) if trace.cost else value


@lru_cache(maxsize=256)
def _header_template(cache: CacheStatus, stages: tuple[Stage, ...]) -> bytes:
    """The header with a placeholder for each number of milliseconds."""
    values = [] if "cache" in stages or not cache else [f"cache;desc={cache}"]
    for name in stages:
        values.append(f"{name};desc={cache};dur=%.3f" if name == "cache" and cache else f"{name};dur=%.3f")
    return ", ".join([*values, "total;dur=%.3f"]).encode()


def sanitize(text: str) -> str:
    """A client's text, cut to `MAX_CLIENT_TEXT` characters and without unprintable ones."""
    return replace_unprintable(text[:MAX_CLIENT_TEXT])

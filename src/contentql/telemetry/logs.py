"""Logging to stderr: one line per request, and all other records, in one format.

Request lines do not go through `logging`, which would take longer than a cached response; the format is the
same. Lines are written in batches of whole lines, so that workers that share a pipe do not interleave. Values
from clients are truncated and cannot break a line.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import orjson

from contentql.settings import Settings
from contentql.telemetry.printable import replace_unprintable
from contentql.telemetry.trace import RequestTrace, StreamTrace, sanitize

AccessLogMode = Literal["all", "errors", "off"]
LogFormat = Literal["json", "text"]

# POSIX writes up to that many bytes to a pipe atomically.
_BUFFER_SIZE: Final = 4096


def to_stderr(lines: bytes) -> None:
    """Writes to file descriptor 2, without Python's buffering. Errors are ignored: logging must not stop a
    request."""
    try:
        os.write(2, lines)
    except OSError:
        return


class AccessLog:
    """Writes one line per request: for all requests, or for errors and slow requests."""

    def __init__(
        self,
        mode: AccessLogMode,
        log_format: LogFormat,
        slow_seconds: float,
        write: Callable[[bytes], None] = to_stderr,
    ) -> None:
        """`slow_seconds`: duration from which a request is slow."""
        self._mode = mode
        self._format_line = _format_json if log_format == "json" else _format_text
        self._slow_seconds = slow_seconds
        self._write = write
        self._lines: list[bytes] = []
        self._size = 0

    def write(self, trace: RequestTrace, seconds: float) -> None:
        """Collects the line of a request that took `seconds`, unless the mode leaves it out."""
        is_notable = trace.status >= 500 or seconds >= self._slow_seconds
        if self._mode == "off" or not (is_notable or self._mode == "all"):
            return
        level = "error" if trace.status == 500 else "warning" if is_notable else "info"
        self._collect(_record_fields(trace, seconds, level))

    def write_stream(self, trace: StreamTrace, seconds: float) -> None:
        """Collects the line of a subscription that has ended after `seconds`; only with the mode `all`, as
        it is no error that one ends and none that it is long."""
        if self._mode == "all":
            self._collect(_stream_fields(trace, seconds))

    def _collect(self, values: Mapping[str, Any]) -> None:
        line = self._format_line(values)
        if self._size + len(line) > _BUFFER_SIZE:
            self.flush()
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Writes the collected lines; must be called regularly."""
        if self._lines:
            lines, self._lines, self._size = self._lines, [], 0
            self._write(b"".join(lines))


def log_config(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig` or uvicorn's `log_config`: every logger in one format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Formatter, "log_format": settings.log_format}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        # Without handlers of their own, uvicorn's records reach the root logger.
        "loggers": {
            name: {"level": "WARNING", "handlers": [], "propagate": True}
            for name in ("uvicorn", "uvicorn.error")
        },
    }


class Formatter(logging.Formatter):
    """Formats a record as one line; in text format a traceback follows on lines of its own."""

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._log_format = log_format

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "timestamp": dt.datetime.fromtimestamp(record.created, dt.UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            fields["request_id"] = request_id
        traceback = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        if self._log_format == "json":
            return (
                _format_json(fields | ({"exception": traceback} if traceback else {})).decode().rstrip("\n")
            )
        line = _format_text(fields).decode().rstrip("\n")
        return "\n    ".join([line, *map(replace_unprintable, traceback.splitlines())]) if traceback else line


def _record_fields(trace: RequestTrace, seconds: float, level: str) -> dict[str, Any]:
    return {
        "timestamp": dt.datetime.now(dt.UTC),
        "level": level,
        "logger": "contentql.access",
        "request_id": trace.request_id,
        "operation_name": sanitize(trace.operation),
        "document_hash": trace.document,
        "client_name": trace.client_name,
        "client_version": trace.client_version,
        "http_status": trace.status,
        "error_codes": ",".join(dict.fromkeys(trace.codes)),
        "cache_status": trace.cache,
        "query_cost": trace.cost,
        "sql_statements": trace.statements,
        "rows": trace.rows,
        "response_bytes": trace.response_bytes,
        "duration_ms": round(seconds * 1000, 3),
        "stage_ms": {name: round(duration * 1000, 3) for name, duration in trace.durations().items()},
    }


def _stream_fields(trace: StreamTrace, seconds: float) -> dict[str, Any]:
    return {
        "timestamp": dt.datetime.now(dt.UTC),
        "level": "info",
        "logger": "contentql.stream",
        "request_id": trace.request_id,
        "operation_name": sanitize(trace.operation),
        "document_hash": trace.document,
        "client_name": trace.client_name,
        "client_version": trace.client_version,
        "error_codes": ",".join(trace.codes),
        "events": trace.events,
        "response_bytes": trace.response_bytes,
        "duration_ms": round(seconds * 1000, 3),
    }


_JSON_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def _format_json(values: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(values, option=_JSON_OPTIONS)
    except TypeError:  # a lone surrogate, which UTF-8 cannot encode
        printable = {
            key: replace_unprintable(value) if isinstance(value, str) else value
            for key, value in values.items()
        }
        return orjson.dumps(printable, option=_JSON_OPTIONS)


def _format_text(values: Mapping[str, Any]) -> bytes:
    """`key=value` pairs without empty values; values with spaces or quotation marks are quoted."""
    pairs = []
    for key, value in values.items():
        if key == "timestamp":
            pairs.append(value.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        elif key == "stage_ms":
            pairs += (f"{name}={milliseconds}" for name, milliseconds in value.items())
        elif isinstance(value, str):
            value = replace_unprintable(value)
            if any(c in ' "=' for c in value):
                value = '"' + value.replace('"', "'") + '"'
            pairs += [f"{key}={value}"] if value else []
        else:
            pairs.append(f"{key}={value}")
    return " ".join(pairs).encode() + b"\n"

"""OpenTelemetry: one span per request and one per stage.

Spans are created from the request trace after the response was sent, so that no response waits for them.
Imported only if tracing is on, because OpenTelemetry is an optional dependency and slow to import.
"""

from __future__ import annotations

import os
import time
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contentql.errors import OperatorError
from contentql.telemetry.trace import RequestTrace, sanitize


class OpenTelemetryExporter:
    """Exports request traces as spans, as children of the client's `traceparent`."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        """Uses `provider`; by default that of the process, which `opentelemetry-instrument` sets, or else a
        new one configured by the OTEL_… variables. Raises OperatorError."""
        tracer_provider = provider or trace.get_tracer_provider()
        self._own_provider: TracerProvider | None = None
        if not isinstance(tracer_provider, TracerProvider):
            tracer_provider = self._own_provider = _new_provider()
        self._tracer = tracer_provider.get_tracer("contentql")
        self._propagator = TraceContextTextMapPropagator()

    def export(self, request_trace: RequestTrace) -> None:
        epoch_offset = time.time_ns() - int(time.perf_counter() * 1e9)
        times = [
            epoch_offset + int(seconds * 1e9)
            for seconds in (*request_trace.stage_starts, request_trace.ended)
        ]
        names = ("traceparent", "tracestate")
        propagated = {name: request_trace.headers.get(name.encode(), b"").decode("latin-1") for name in names}
        span = self._tracer.start_span(
            f"{request_trace.operation_type} {sanitize(request_trace.operation)}".strip()
            or "GraphQL Operation",
            context=self._propagator.extract({name: value for name, value in propagated.items() if value}),
            kind=SpanKind.SERVER,
            start_time=times[0],
            attributes={
                "graphql.operation.type": request_trace.operation_type,
                "graphql.operation.name": sanitize(request_trace.operation),
                "graphql.document.hash": request_trace.document,
                "http.response.status_code": request_trace.status,
                "contentql.request_id": request_trace.request_id,
                "graphql.client.name": request_trace.client_name,
                "graphql.client.version": request_trace.client_version,
                "error.type": request_trace.codes[0] if request_trace.codes else "",
                "contentql.cache_status": request_trace.cache,
                "contentql.query_cost": request_trace.cost,
                "contentql.sql_statements": request_trace.statements,
                "contentql.rows": request_trace.rows,
                "contentql.response_bytes": request_trace.response_bytes,
            },
        )
        if span.is_recording():
            parent = trace.set_span_in_context(span)
            for stage, start, end in zip(request_trace.stages, times, times[1:], strict=False):
                self._tracer.start_span(stage, context=parent, start_time=start).end(end)
            if request_trace.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
        span.end(times[-1])

    def close(self) -> None:
        """Exports the remaining spans."""
        if self._own_provider:
            self._own_provider.shutdown()


def _new_provider() -> TracerProvider:
    has_service_name = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if has_service_name else {SERVICE_NAME: "contentql"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # `close` shuts it down
    for name in os.environ.get("OTEL_TRACES_EXPORTER", "otlp").split(","):
        if name.strip() != "none":
            provider.add_span_processor(BatchSpanProcessor(_load_exporter(name.strip())))
    return provider


def _load_exporter(name: str) -> SpanExporter:
    """The span exporter with this name in OTEL_TRACES_EXPORTER, from an installed package."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    package_name = {"otlp": "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"}.get(name, name)
    for entry_point in entry_points(group="opentelemetry_traces_exporter", name=package_name):
        exporter: SpanExporter = entry_point.load()()
        return exporter
    hint = (
        f"opentelemetry-exporter-{package_name.replace('_', '-')}"
        if name == "otlp"
        else "the package that has it"
    )
    raise OperatorError(
        f"Traces cannot be exported by '{name}': install {hint}, or set OTEL_TRACES_EXPORTER."
    )

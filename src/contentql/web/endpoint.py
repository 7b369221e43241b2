"""GraphQL over HTTP: reads a request, executes it, writes a GraphQL response.

A bare ASGI endpoint: middleware would cost more time than a cached response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from contentql.auth.authenticator import Authenticator
from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import RAW_RESPONSE_EXTENSION
from contentql.settings import Settings
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace, server_timing_with_cost
from contentql.web import requests
from contentql.web.admission import Admission, AdmissionControl
from contentql.web.cors import CorsPolicy
from contentql.web.headers import HeaderBlock, encode_headers
from contentql.web.http_responses import NO_STORE, PRIVATE, HttpResponses, legacy_status
from contentql.web.operations import Client, Operations, has_credentials
from contentql.web.request_headers import HostPolicy, combine_headers
from contentql.web.requests import Accepted, GraphQLRequestData, parse_accept
from contentql.web.sse import STREAM_HEADERS, EventStream, single_result
from contentql.web.streams import OpenStreams

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MAX_CACHED_REQUEST = 8_192  # bytes; longer requests are parsed each time
_REQUEST_BYTES = 2_000  # that a request takes in the cache besides its texts, about
_REQUEST_HEADERS = b"x-request-id: %b\r\nserver-timing: %b\r\n"
_NO_EXTENSIONS: Mapping[str, Any] = {}


def _check_type(headers: Mapping[bytes, bytes]) -> None:
    """Check the media type of the body. Raises ApiError."""
    requests.require_json_content_type(
        headers.get(b"content-type", b"")[:200], headers.get(b"content-encoding", b"")[:200]
    )


class GraphQLEndpoint:
    """The ASGI endpoint of /graphql."""

    def __init__(
        self,
        executor: Executor,
        settings: Settings,
        *,
        authenticator: Authenticator,
        documents: TrustedDocumentStore,
        observer: RequestObserver,
        admission: AdmissionControl,
        body_seconds: float = 20.0,
    ) -> None:
        """`body_seconds`: maximum time to receive a body, in seconds."""
        self.executor = executor
        self.max_body = settings.max_body_bytes
        self.body_seconds = body_seconds
        self._graphiql = settings.graphiql
        self.observer = observer
        self.admission = admission
        self.addresses = ClientAddressResolver(settings.trusted_proxy_networks)
        self.hosts = HostPolicy(settings.allowed_host_list)
        self.cors = CorsPolicy(settings.cors_origin_list, settings.cors_header_list)
        self.responses = HttpResponses(executor, self.cors)
        self.streams = OpenStreams(authenticator, observer, settings.max_websockets_per_address)
        self.operations = Operations(
            executor,
            authenticator=authenticator,
            documents=documents,
            observer=observer,
            admission=admission,
            addresses=self.addresses,
            streams=self.streams,
            only_trusted=settings.trusted_documents == "required",
        )
        # Parsed requests of anonymous clients, by whether they are read-only and their bytes.
        self._request_cache = executor.memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        arguments = headers.get(b"x-request-id")
        match = arguments is not None and _REQUEST_ID.fullmatch(arguments)
        trace = self.observer.start(arguments.decode() if arguments and match else new_request_id(), headers)
        stream: EventStream | None = None
        try:
            result = await self._handle(scope, headers, receive, trace)
            if isinstance(result, EventStream):
                stream = result
            else:
                await self._send(scope, send, trace, *result)
        finally:
            self.observer.finish(trace)
        if stream is not None:
            await stream.run(scope, receive, send)

    async def _send(
        self, scope: Scope, send: Send, trace: RequestTrace, headers: HeaderBlock, body: bytes
    ) -> None:
        if scope["method"] == "HEAD":
            body = b""
        own = trace.request_id.encode(), server_timing_with_cost(trace)
        write_raw = scope.get("extensions", _NO_EXTENSIONS).get(RAW_RESPONSE_EXTENSION)
        if write_raw is None or not write_raw(trace.status, headers.raw + _REQUEST_HEADERS % own, body):
            pairs = [*headers.headers, (b"x-request-id", own[0]), (b"server-timing", own[1])]
            await send({"type": "http.response.start", "status": trace.status, "headers": pairs})
            await send({"type": "http.response.body", "body": body})

    def try_cached_response(self, scope: Scope, sent: bytes) -> tuple[int, bytes, bytes] | None:
        """Status, headers and body of a cached public response, without a task.

        None if the request must take the standard way. The HTTP protocol class calls this first; `sent` is
        the whole body.
        """
        method = scope["method"]
        read_only = method != "POST"
        request: GraphQLRequest | None = self._request_cache.get(
            (read_only, scope["query_string"] if read_only else sent)
        )
        entry = self.executor.lookup_cached(request) if request else None
        if (
            request is None
            or entry is None
            or method not in ("POST", "GET")
            or self.admission.rate_limit_key(scope)
        ):
            return None
        try:
            headers = combine_headers(scope["headers"])
            self.hosts.check(headers)
            if has_credentials(headers):
                return None
            accepted = parse_accept(headers.get(b"accept", b"")[:1_000])
            if not read_only:
                _check_type(headers)
        except ApiError:
            return None
        if accepted.only_stream:
            return None
        built = self.responses.build_cached(entry, headers, by_get=read_only, legacy=accepted.legacy)
        if built is None or b"x-request-id" in headers:
            return None
        status, result, body = built
        trace = self.observer.start(new_request_id(), headers)
        self.executor.record_cache_hit(request, entry, trace)
        trace.status, trace.response_bytes = status, len(body)
        own = _REQUEST_HEADERS % (trace.request_id.encode(), server_timing_with_cost(trace))
        self.observer.finish(trace)
        return status, result.raw + own, body

    async def _handle(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, trace: RequestTrace
    ) -> tuple[HeaderBlock, bytes] | EventStream:
        """Headers and body of the response, or an open event stream; its status is set in `trace`."""
        method = scope["method"]
        if method == "OPTIONS":
            trace.status = 204
            return encode_headers([*self.cors.preflight(headers), (b"content-length", b"0")]), b""
        accepted, actor = Accepted(), None
        admission = self.admission.admit_request(scope)
        try:
            headers = combine_headers(scope["headers"])
            self.hosts.check(headers)
            accept = headers.get(b"accept", b"")[:1_000]
            if self._graphiql and requests.is_page_request(method, scope["query_string"], accept):
                trace.status = 307
                return self._redirect_to_graphiql(scope), b""
            accepted = parse_accept(accept)
            client, admission = await self._authenticate(scope, headers, trace, admission, accepted)
            actor = client.actor
            if admission.is_rate_limited:
                await admission.admit()
            sent = await self._read_request(scope, headers, receive)
            request = self._request_cache.get((method != "POST", sent)) if actor is None else None
            entry = self.executor.get_cached(request, trace) if request else None
            if entry is None:
                opened = await self._execute_request(
                    scope, sent, request, headers, trace, admission, client, accepted
                )
                if isinstance(opened, EventStream):
                    trace.status = 200
                    return opened
                response = opened
                entry = response.cached if actor is None else None
            elif accepted.only_stream:
                response = GraphQLResponse(200, entry.body)
            if accepted.only_stream:
                entry = None
        except ApiError as error:
            response, entry = error_response(error, trace.request_id), None
        finally:
            admission.release()
        if entry is not None:
            by_get = method != "POST"
            legacy = accepted.legacy
            result, body = await self.responses.cached(entry, headers, trace, by_get=by_get, legacy=legacy)
            if admission.is_rate_limited and not by_get:  # never in a shared cache
                result = encode_headers([*result.headers, *admission.headers()])
            return result, body
        control = NO_STORE if actor is None else PRIVATE
        # A browser reads no body of another status, but connects again after this one.
        if accepted.only_stream and legacy_status(response) == 200 and response.status != 429:
            return self._stream_of_one_result(response, headers, trace)
        return await self.responses.uncached(
            response, headers, trace, admission, control, legacy=accepted.legacy
        )

    async def _authenticate(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        trace: RequestTrace,
        admission: Admission,
        accepted: Accepted,
    ) -> tuple[Client, Admission]:
        if has_credentials(headers):
            return await self.operations.authenticate(scope, headers, trace, admission)
        if b"ticket=" in scope["query_string"] and scope["method"] == "GET":
            ticket = requests.query_parameter(scope["query_string"], "ticket")
            if ticket and not accepted.stream:
                raise ApiError(
                    "BAD_REQUEST",
                    "A ticket is for event streams only.",
                    "Send `Accept: text/event-stream`, or the token itself in `Authorization`.",
                )
            if ticket:
                return await self.operations.authenticate_ticket(ticket, scope, trace, admission)
        return Client(self.admission.address(scope)), admission

    async def _read_request(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The body of a POST request, or the query string of another one."""
        method = scope["method"]
        if method == "POST":
            _check_type(headers)
            return await requests.read_body(
                headers, receive, max_bytes=self.max_body, timeout_seconds=self.body_seconds
            )
        if method not in ("GET", "HEAD"):
            raise ApiError(
                "METHOD_NOT_ALLOWED", f"{method} is not served here.", "Send the operation by POST."
            )
        query_string: bytes = scope["query_string"]
        return query_string

    def _redirect_to_graphiql(self, scope: Scope) -> HeaderBlock:
        """Headers that lead a browser to GraphiQL, by a relative address: a proxy may add a prefix."""
        location = b"../graphiql" if scope["path"].endswith("/") else b"graphiql"
        fields = [(b"location", location), self.responses.vary, NO_STORE, (b"content-length", b"0")]
        return encode_headers(fields)

    def _stream_of_one_result(
        self, response: GraphQLResponse, headers: Mapping[bytes, bytes], trace: RequestTrace
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body of an event stream with one result, for clients that accept nothing else."""
        body = single_result(response.body)
        trace.status, trace.codes, trace.response_bytes = 200, response.codes, len(body)
        length = (b"content-length", b"%d" % len(body))
        return encode_headers([*STREAM_HEADERS, *self.responses.stream_headers(headers), length]), body

    async def _execute_request(
        self,
        scope: Scope,
        sent: bytes,
        request: GraphQLRequest | None,
        headers: Mapping[bytes, bytes],
        trace: RequestTrace,
        admission: Admission,
        client: Client,
        accepted: Accepted,
    ) -> GraphQLResponse | EventStream:
        actor, read_only = client.actor, scope["method"] != "POST"
        if request is not None:
            return await self.executor.execute(request, trace, admission.charge)
        data = requests.parse_query_string(sent) if read_only else requests.parse_json_body(sent)
        streamed = accepted.stream and scope["method"] != "HEAD"
        request, trusted = await self.operations.prepare(data, read_only=read_only, streamed=streamed)
        if streamed and self.operations.subscriptions.is_subscription(request):
            return await self._open_stream(headers, sent, data, request, trusted, trace, admission, client)
        response = await self.operations.execute(data, request, trusted, trace, admission, actor)
        # A trusted document is looked up each time, because the list may change. A prepared request is
        # shared only among anonymous clients.
        shared = actor is None and trusted is None and request.prepared is not None
        if shared and len(sent) <= _MAX_CACHED_REQUEST:
            size = _REQUEST_BYTES + 2 * len(sent) + 2 * len(request.query)
            self._request_cache.set((read_only, sent), request, size)
        return response

    async def _open_stream(
        self,
        headers: Mapping[bytes, bytes],
        sent: bytes,
        data: GraphQLRequestData,
        request: GraphQLRequest,
        trusted: str | None,
        trace: RequestTrace,
        admission: Admission,
        client: Client,
    ) -> GraphQLResponse | EventStream:
        last_event_id = requests.last_event_id(data, headers, sent if request.queries_only else b"")
        stream = EventStream(self.streams, client.address)
        try:
            opened = await self.operations.subscribe(
                stream, data, request, trusted, trace, admission, client, last_event_id
            )
        except BaseException:
            stream.release()
            raise
        if isinstance(opened, GraphQLResponse):
            stream.release()
            return opened
        request_id = (b"x-request-id", trace.request_id.encode())
        stream.open(opened, (*STREAM_HEADERS, *self.responses.stream_headers(headers), request_id))
        return stream

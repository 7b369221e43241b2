"""GraphQL over HTTP: reads a request, executes it, writes a GraphQL response.

A bare ASGI endpoint: middleware would cost more time than a cached response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from contentql.auth.authenticator import Authenticator
from contentql.auth.viewer import ANONYMOUS, Actor
from contentql.cache.entry import CachedResponse
from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import RAW_RESPONSE_EXTENSION
from contentql.server.request_url import request_base_url
from contentql.settings import Settings
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace, server_timing_with_cost
from contentql.web import compression, http_cache, requests
from contentql.web.admission import Admission, AdmissionControl
from contentql.web.cors import ALLOW_METHODS, CorsPolicy
from contentql.web.headers import HeaderBlock, encode_headers
from contentql.web.persisted_queries import PersistedQueries
from contentql.web.request_headers import HostPolicy, combine_headers
from contentql.web.requests import GraphQLRequestData

RESPONSE_TYPE = b"application/graphql-response+json; charset=utf-8"
LEGACY_TYPE = b"application/json; charset=utf-8"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MAX_CACHED_REQUEST = 8_192  # bytes; longer requests are parsed each time
_REQUEST_BYTES = 2_000  # that a request takes in the cache besides its texts, about
_TRANSPORT = {
    "BAD_REQUEST",
    "INVALID_REQUEST",
    "HOST_NOT_ALLOWED",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "DOCUMENT_NOT_FOUND",
    "DOCUMENT_NOT_TRUSTED",
}
_DATA = (200, 294)
_AUTH_STATUSES = (401, 403)  # sent to old clients too, which then show their login
_MAX_VARIANTS = 8  # of the headers of one response
_REQUEST_HEADERS = b"x-request-id: %b\r\nserver-timing: %b\r\n"
_NO_EXTENSIONS: Mapping[str, Any] = {}
_NO_STORE = (b"cache-control", b"no-store")
_PRIVATE = (b"cache-control", b"private, no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


@dataclass(frozen=True, slots=True)
class _HeaderVariant:
    """Headers of a cached response in one variant: with its body, and of a 304 response."""

    with_body: HeaderBlock
    not_modified: HeaderBlock


def _response_encoding(headers: Mapping[bytes, bytes], body: bytes) -> str | None:
    if b"accept-encoding" not in headers or len(body) < compression.MIN_COMPRESS_SIZE:
        return None
    return compression.choose_encoding(headers[b"accept-encoding"][:1_000])


def _has_credentials(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request has a token or a preview time; such a request never uses a shared cache."""
    return b"authorization" in headers or b"x-preview-at" in headers


def _header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


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
        self.authenticator = authenticator
        self.max_body = settings.max_body_bytes
        self.body_seconds = body_seconds
        self._graphiql = settings.graphiql
        self.persisted = PersistedQueries(documents, only_trusted=settings.trusted_documents == "required")
        self.observer = observer
        self.admission = admission
        self.addresses = ClientAddressResolver(settings.trusted_proxy_networks)
        self.hosts = HostPolicy(settings.allowed_host_list)
        self.cors = CorsPolicy(settings.cors_origin_list, settings.cors_header_list)
        vary = "Accept, Accept-Encoding, Authorization" + (", Origin" if self.cors.vary_by_origin else "")
        self._vary = (b"vary", vary.encode())
        # The common headers of most uncached responses.
        self._no_store_headers = {
            legacy: encode_headers(
                [(b"content-type", kind), self._vary, _NOSNIFF, *self.cors.headers({}), _NO_STORE]
            )
            for legacy, kind in ((False, RESPONSE_TYPE), (True, LEGACY_TYPE))
        }
        # Parsed requests of anonymous clients, by whether they are read-only and their bytes.
        self._request_cache = executor.memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        arguments = headers.get(b"x-request-id")
        match = arguments is not None and _REQUEST_ID.fullmatch(arguments)
        trace = self.observer.start(arguments.decode() if arguments and match else new_request_id(), headers)
        try:
            result, body = await self._handle(scope, headers, receive, trace)
            if scope["method"] == "HEAD":
                body = b""
            own = trace.request_id.encode(), server_timing_with_cost(trace)
            write_raw = scope.get("extensions", _NO_EXTENSIONS).get(RAW_RESPONSE_EXTENSION)
            if write_raw is None or not write_raw(trace.status, result.raw + _REQUEST_HEADERS % own, body):
                pairs = [*result.headers, (b"x-request-id", own[0]), (b"server-timing", own[1])]
                await send({"type": "http.response.start", "status": trace.status, "headers": pairs})
                await send({"type": "http.response.body", "body": body})
        finally:
            self.observer.finish(trace)

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
            if _has_credentials(headers):
                return None
            legacy = requests.prefers_application_json(headers.get(b"accept", b"")[:1_000])
            if not read_only:
                _check_type(headers)
        except ApiError:
            return None
        built = self._build_cached_response(entry, headers, by_get=read_only, legacy=legacy)
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
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body of the response; its status is set in `trace`."""
        method = scope["method"]
        if method == "OPTIONS":
            trace.status = 204
            return encode_headers([*self.cors.preflight(headers), (b"content-length", b"0")]), b""
        legacy, actor = False, None
        admission = self.admission.admit_request(scope)
        try:
            headers = combine_headers(scope["headers"])
            self.hosts.check(headers)
            accept = headers.get(b"accept", b"")[:1_000]
            if self._graphiql and requests.is_page_request(method, scope["query_string"], accept):
                trace.status = 307
                return self._redirect_to_graphiql(scope), b""
            legacy = requests.prefers_application_json(accept)
            if _has_credentials(headers):
                actor, admission = await self._authenticate(scope, headers, trace, admission)
            if admission.is_rate_limited:
                await admission.admit()
            if method == "POST":
                _check_type(headers)
                sent = await requests.read_body(
                    headers, receive, max_bytes=self.max_body, timeout_seconds=self.body_seconds
                )
            elif method in ("GET", "HEAD"):
                sent = scope["query_string"]
            else:
                raise ApiError(
                    "METHOD_NOT_ALLOWED", f"{method} is not served here.", "Send the operation by POST."
                )
            request = self._request_cache.get((method != "POST", sent)) if actor is None else None
            entry = self.executor.get_cached(request, trace) if request else None
            if entry is None:
                response = await self._execute_request(
                    sent, request, trace, admission, actor, read_only=method != "POST"
                )
                entry = response.cached if actor is None else None
        except ApiError as error:
            response, entry = error_response(error, trace.request_id), None
        finally:
            admission.release()
        if entry is not None:
            by_get = method != "POST"
            result, body = await self._cached_response(entry, headers, trace, by_get=by_get, legacy=legacy)
            if admission.is_rate_limited and not by_get:  # never in a shared cache
                result = encode_headers([*result.headers, *admission.headers()])
            return result, body
        control = _NO_STORE if actor is None else _PRIVATE
        return await self._uncached_response(response, headers, trace, admission, control, legacy=legacy)

    def _redirect_to_graphiql(self, scope: Scope) -> HeaderBlock:
        """Headers that lead a browser to GraphiQL, by a relative address: a proxy may add a prefix."""
        location = b"../graphiql" if scope["path"].endswith("/") else b"graphiql"
        fields = [(b"location", location), self._vary, _NO_STORE, (b"content-length", b"0")]
        return encode_headers(fields)

    async def _authenticate(
        self, scope: Scope, headers: Mapping[bytes, bytes], trace: RequestTrace, admission: Admission
    ) -> tuple[Actor, Admission]:
        """The viewer of a request, and the admission under its account. A failed one is counted for the
        address."""
        address = self.admission.address(scope)
        try:
            viewer = await self.authenticator.authenticate(
                _header_text(headers, b"authorization"), _header_text(headers, b"x-preview-at"), address
            )
        except ApiError:
            await admission.admit()
            raise
        client = f"{trace.client_name} {trace.client_version}".strip()
        actor = Actor(viewer, address, client or None, request_base_url(scope, self.addresses))
        return actor, self.admission.admit_request(scope, viewer.account)

    async def _uncached_response(
        self,
        response: GraphQLResponse,
        headers: Mapping[bytes, bytes],
        trace: RequestTrace,
        admission: Admission,
        control: tuple[bytes, bytes],
        *,
        legacy: bool,
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body of an error, or of a response that must not be cached."""
        status, body = response.status, response.body
        if (
            legacy
            and status < 500
            and status not in _AUTH_STATUSES
            and not _TRANSPORT.intersection(response.codes)
        ):
            status = 200
        coding = _response_encoding(headers, body)
        if coding:
            body = await compression.compress(body, coding)
        trace.status, trace.codes, trace.response_bytes = status, response.codes, len(body)
        common_cors = not self.cors.vary_by_origin or b"origin" not in headers
        plainly = not coding and not admission.is_rate_limited and common_cors
        if status == 200 and plainly and control is _NO_STORE:
            plain, length = self._no_store_headers[legacy], b"%d" % len(body)
            pairs = (*plain.headers, (b"content-length", length))
            return HeaderBlock(pairs, b"%bcontent-length: %b\r\n" % (plain.raw, length)), body
        values = [*self._common_headers(headers, len(body), coding, legacy=legacy), control]
        if status == 405:
            values.append((b"allow", ALLOW_METHODS))
        elif status == 401:
            values.append((b"www-authenticate", b"Bearer"))
        elif response.retry_after:
            values.append((b"retry-after", b"%d" % response.retry_after))
        return encode_headers([*values, *admission.headers()]), body

    async def _cached_response(
        self,
        entry: CachedResponse,
        headers: Mapping[bytes, bytes],
        trace: RequestTrace,
        *,
        by_get: bool,
        legacy: bool,
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body of a response that clients may cache."""
        coding = _response_encoding(headers, entry.body)
        if coding and coding not in entry.compressed:
            entry.compressed[coding] = await compression.compress(entry.body, coding)
            self.executor.cache_entry_resized(entry)
        built = self._build_cached_response(entry, headers, by_get=by_get, legacy=legacy)
        assert built is not None, "it is packed"
        trace.status, result, body = built
        trace.response_bytes = len(body)
        return result, body

    def _build_cached_response(
        self, entry: CachedResponse, headers: Mapping[bytes, bytes], *, by_get: bool, legacy: bool
    ) -> tuple[int, HeaderBlock, bytes] | None:
        """Status, headers and body of a cached response. Headers are rendered once for each variant.

        None if the body is not yet compressed in the negotiated coding.
        """
        body = entry.body
        coding = _response_encoding(headers, body)
        if coding:
            if coding not in entry.compressed:
                return None
            body = entry.compressed[coding]
        variant = (legacy, coding, by_get, self.cors.allowed_origin(headers))
        result: _HeaderVariant | None = entry.header_variants.get(variant)
        if result is None:
            pairs = self._common_headers(headers, len(body), coding, legacy=legacy)
            if by_get:
                pairs.append((b"etag", http_cache.etag(entry, coding, legacy=legacy)))
                pairs += http_cache.cache_tag_headers(entry)
                pairs.append((b"cache-control", http_cache.cache_control(entry)))
            not_modified = [pair for pair in pairs if not pair[0].startswith(b"content-")]
            result = _HeaderVariant(encode_headers(pairs), encode_headers(not_modified))
            if len(entry.header_variants) < _MAX_VARIANTS:
                entry.header_variants[variant] = result
        if (
            by_get
            and b"if-none-match" in headers
            and http_cache.matches_etag(headers[b"if-none-match"], entry.etag)
        ):
            return 304, result.not_modified, b""
        return 200, result.with_body, body

    def _common_headers(
        self, headers: Mapping[bytes, bytes], length: int, coding: str | None, *, legacy: bool
    ) -> list[tuple[bytes, bytes]]:
        pairs = [(b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE), self._vary, _NOSNIFF]
        pairs += self.cors.headers(headers)
        if coding:
            pairs.append((b"content-encoding", coding.encode()))
        return [*pairs, (b"content-length", b"%d" % length)]

    # Requests

    async def _execute_request(
        self,
        sent: bytes,
        request: GraphQLRequest | None,
        trace: RequestTrace,
        admission: Admission,
        actor: Actor | None,
        *,
        read_only: bool,
    ) -> GraphQLResponse:
        if request is not None:
            return await self.executor.execute(request, trace, admission.charge)
        arguments = requests.parse_query_string(sent) if read_only else requests.parse_json_body(sent)
        request, trusted = await self._prepare(arguments, read_only=read_only)
        response = await self._execute_data(arguments, request, trusted, trace, admission, actor)
        # A trusted document is looked up each time, because the list may change. A prepared request is
        # shared only among anonymous clients.
        shared = actor is None and trusted is None and request.prepared is not None
        if shared and len(sent) <= _MAX_CACHED_REQUEST:
            size = _REQUEST_BYTES + 2 * len(sent) + 2 * len(request.query)
            self._request_cache.set((read_only, sent), request, size)
        return response

    async def _prepare(
        self, data: GraphQLRequestData, *, read_only: bool
    ) -> tuple[GraphQLRequest, str | None]:
        """The request with its document, and the id of a trusted document."""
        text, trusted = await self.persisted.resolve(data)
        return GraphQLRequest(text, data.operation_name, data.variables, data.extensions, read_only), trusted

    async def _execute_data(
        self,
        data: GraphQLRequestData,
        request: GraphQLRequest,
        trusted: str | None,
        trace: RequestTrace,
        admission: Admission,
        actor: Actor | None,
    ) -> GraphQLResponse:
        response = await self.executor.execute(request, trace, admission.charge, actor or ANONYMOUS)
        valid = request.prepared is not None or response.status in _DATA
        self.persisted.remember(data, trusted, trace.cost, valid=valid)
        return response

    async def execute_over_websocket(self, payload: Mapping[str, Any], scope: Scope) -> GraphQLResponse:
        """Execute an operation that arrived over a WebSocket. Raises nothing but CancelledError."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        trace, actor = self.observer.start(new_request_id(), headers), None
        admission = self.admission.admit_request(scope)
        try:
            try:
                if _has_credentials(headers):  # each time: a token may be revoked meanwhile
                    actor, admission = await self._authenticate(scope, headers, trace, admission)
                await admission.admit()
                arguments = requests.validate_request_data(payload)
                request, trusted = await self._prepare(arguments, read_only=False)
                response = await self._execute_data(arguments, request, trusted, trace, admission, actor)
            except ApiError as error:
                response = error_response(error, trace.request_id)
            trace.status, trace.codes, trace.response_bytes = (
                response.status,
                response.codes,
                len(response.body),
            )
            return response
        finally:
            admission.release()
            self.observer.finish(trace)

    async def authenticate_websocket(self, scope: Scope) -> None:
        """Authenticate the client that opens a WebSocket. Raises ApiError."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _has_credentials(headers):
            authorization, preview_at = (
                _header_text(headers, b"authorization"),
                _header_text(headers, b"x-preview-at"),
            )
            await self.authenticator.authenticate(authorization, preview_at, self.admission.address(scope))

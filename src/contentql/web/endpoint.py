"""GraphQL over HTTP: a request in, a GraphQL JSON body out, whatever was sent.

A bare ASGI endpoint, because a framework's layers would cost more than the answer. Knows HTTP and
`answer.py`; knows no SQL and no schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from contentql.auth.authenticator import Authenticator
from contentql.auth.viewer import ANONYMOUS, Actor
from contentql.cache.entry import CachedResponse
from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLRequest, GraphQLResponse
from contentql.lru import LRUCache
from contentql.server.extensions import RAW_RESPONSE_EXTENSION
from contentql.settings import Settings
from contentql.store.trusted_documents import TrustedDocumentStore
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace, server_timing_header
from contentql.web import compression, http_cache, requests
from contentql.web.admission import Admission, AdmissionControl
from contentql.web.cors import ALLOW_METHODS, CorsPolicy
from contentql.web.headers import HeaderBlock, encode_headers
from contentql.web.persisted_queries import PersistedQueries
from contentql.web.requests import GraphQLRequestData

RESPONSE_TYPE = b"application/graphql-response+json; charset=utf-8"
LEGACY_TYPE = b"application/json; charset=utf-8"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REMEMBERED = 8_192  # bytes of a request; longer ones are read anew each time
_TRANSPORT = {
    "BAD_REQUEST",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "DOCUMENT_NOT_FOUND",
    "DOCUMENT_NOT_TRUSTED",
}
_DATA = (200, 294)
_WHO = (401, 403)  # said to old clients too: they ask whoever uses them to sign in again
_VARIANTS = 8  # of the headers of one answer
_OWN = b"x-request-id: %b\r\nserver-timing: %b\r\n"
_NOTHING: Mapping[str, Any] = {}
_NO_STORE = (b"cache-control", b"no-store")
_PRIVATE = (b"cache-control", b"private, no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class _HeaderVariant:
    """What is said of one answer in one form; with its lifetime, which is another every second."""

    __slots__ = ("block", "head", "second", "unchanged")

    def __init__(self, head: HeaderBlock) -> None:
        self.head = self.block = self.unchanged = head
        self.second = -1

    def tell(self, second: int, control: bytes) -> None:
        pairs = [*self.head.headers, (b"cache-control", control)]
        self.block = encode_headers(pairs)
        self.unchanged = encode_headers(pair for pair in pairs if not pair[0].startswith(b"content-"))
        self.second = second


def _response_encoding(headers: Mapping[bytes, bytes], body: bytes) -> str | None:
    if b"accept-encoding" not in headers or len(body) < compression.MIN_COMPRESS_SIZE:
        return None
    return compression.choose_encoding(headers[b"accept-encoding"][:1_000])


def _has_credentials(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request says who asks, or what only somebody may ask: then nothing is kept of its answer,
    and nothing that was kept is its answer."""
    return b"authorization" in headers or b"x-preview-at" in headers


def _header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


def _check_type(headers: Mapping[bytes, bytes]) -> None:
    """Raises Refused for a body of another type than ours."""
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
        """`body_seconds`: how long a client may take to send a body."""
        self.executor = executor
        self.authenticator = authenticator
        self.max_body = settings.max_body_bytes
        self.body_seconds = body_seconds
        self.persisted = PersistedQueries(documents, only_trusted=settings.trusted_documents == "required")
        self.observer = observer
        self.admission = admission
        self.cors = CorsPolicy(settings.cors_origin_list)
        vary = "Accept, Accept-Encoding, Authorization" + (", Origin" if self.cors.vary_by_origin else "")
        self._vary = (b"vary", vary.encode())
        # What most answers that are not kept begin with.
        self._no_store_headers = {
            legacy: encode_headers([(b"content-type", kind), self._vary, _NOSNIFF, _NO_STORE])
            for legacy, kind in ((False, RESPONSE_TYPE), (True, LEGACY_TYPE))
        }
        # What was asked before in the same bytes need not be read again.
        self._request_cache: dict[bool, LRUCache[bytes, GraphQLRequest]] = {
            read_only: LRUCache(4_000, 8_000_000) for read_only in (False, True)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        arguments = headers.get(b"x-request-id")
        match = arguments is not None and _REQUEST_ID.fullmatch(arguments)
        journey = self.observer.start(
            arguments.decode() if arguments and match else new_request_id(), headers
        )
        try:
            result, body = await self._handle(scope, headers, receive, journey)
            if scope["method"] == "HEAD":
                body = b""
            own = journey.request_id.encode(), server_timing_header(journey)
            document = scope.get("extensions", _NOTHING).get(RAW_RESPONSE_EXTENSION)
            if document is None or not document(journey.status, result.raw + _OWN % own, body):
                pairs = [*result.headers, (b"x-request-id", own[0]), (b"server-timing", own[1])]
                await send({"type": "http.response.start", "status": journey.status, "headers": pairs})
                await send({"type": "http.response.body", "body": body})
        finally:
            self.observer.finish(journey)

    def try_cached_response(self, scope: Scope, sent: bytes) -> tuple[int, bytes, bytes] | None:
        """Status, headers and body for what was asked and answered before in just this way.

        None for all else, which takes the ordinary way: a server that knows of this one asks here first,
        and an answer from memory costs no task. `sent` is the whole body.
        """
        method = scope["method"]
        read_only = method != "POST"
        request = self._request_cache[read_only].get(scope["query_string"] if read_only else sent)
        entry = self.executor.lookup_cached(request) if request else None
        if (
            request is None
            or entry is None
            or method not in ("POST", "GET")
            or self.admission.rate_limit_key(scope)
        ):
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _has_credentials(headers):
            return None
        try:
            legacy = requests.prefers_application_json(headers.get(b"accept", b"")[:1_000])
            if not read_only:
                _check_type(headers)
        except ApiError:
            return None
        formed = self._build_cached_response(entry, headers, by_get=read_only, legacy=legacy)
        if formed is None or b"x-request-id" in headers:
            return None
        status, result, body = formed
        journey = self.observer.start(new_request_id(), headers)
        self.executor.record_cache_hit(request, entry, journey)
        journey.status, journey.response_bytes = status, len(body)
        own = _OWN % (journey.request_id.encode(), server_timing_header(journey))
        self.observer.finish(journey)
        return status, result.raw + own, body

    async def _handle(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, trace: RequestTrace
    ) -> tuple[HeaderBlock, bytes]:
        """Headers and body; the journey knows the status."""
        method = scope["method"]
        if method == "OPTIONS":
            trace.status = 204
            return encode_headers([*self.cors.preflight(headers), (b"content-length", b"0")]), b""
        legacy, caller = False, None
        visit = self.admission.admit_request(scope)
        try:
            legacy = requests.prefers_application_json(headers.get(b"accept", b"")[:1_000])
            if _has_credentials(headers):
                caller, visit = await self._authenticate(scope, headers, trace, visit)
            if visit.is_rate_limited:
                await visit.admit()
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
            request = self._request_cache[method != "POST"].get(sent) if caller is None else None
            entry = self.executor.get_cached(request, trace) if request else None
            if entry is None:
                response = await self._execute_request(
                    sent, request, trace, visit, caller, read_only=method != "POST"
                )
                entry = response.cached if caller is None else None
        except ApiError as refusal:
            response, entry = error_response(refusal, trace.request_id), None
        finally:
            visit.release()
        if entry is not None:
            by_get = method != "POST"
            result, body = await self._cached_response(entry, headers, trace, by_get=by_get, legacy=legacy)
            if (
                visit.is_rate_limited and not by_get
            ):  # nobody else's answer: it may tell what this client has left
                result = encode_headers([*result.headers, *visit.headers()])
            return result, body
        control = _NO_STORE if caller is None else _PRIVATE
        return await self._uncached_response(response, headers, trace, visit, control, legacy=legacy)

    async def _authenticate(
        self, scope: Scope, headers: Mapping[bytes, bytes], trace: RequestTrace, admission: Admission
    ) -> tuple[Actor, Admission]:
        """Who asks, and from now on the visit of their account. What is refused counts for the address."""
        address = self.admission.address(scope)
        try:
            viewer = await self.authenticator.authenticate(
                _header_text(headers, b"authorization"), _header_text(headers, b"x-preview-at"), address
            )
        except ApiError:
            await admission.admit()
            raise
        client = f"{trace.client_name} {trace.client_version}".strip()
        return Actor(viewer, address, client or None), self.admission.admit_request(scope, viewer.account)

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
        """A refusal, or an answer that is nobody's to keep."""
        status, body = response.status, response.body
        if legacy and status < 500 and status not in _WHO and not _TRANSPORT.intersection(response.codes):
            status = 200
        packing = _response_encoding(headers, body)
        if packing:
            body = await compression.compress(body, packing)
        trace.status, trace.codes, trace.response_bytes = status, response.codes, len(body)
        plainly = not packing and not admission.is_rate_limited and b"origin" not in headers
        if status == 200 and plainly and control is _NO_STORE:
            plain, length = self._no_store_headers[legacy], b"%d" % len(body)
            pairs = (*plain.headers, (b"content-length", length))
            return HeaderBlock(pairs, b"%bcontent-length: %b\r\n" % (plain.raw, length)), body
        values = [*self._common_headers(headers, len(body), packing, legacy=legacy), control]
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
        """An answer that may be kept, here and elsewhere."""
        packing = _response_encoding(headers, entry.body)
        if packing and packing not in entry.compressed:
            entry.compressed[packing] = await compression.compress(entry.body, packing)
            self.executor.cache_entry_resized(entry)
        formed = self._build_cached_response(entry, headers, by_get=by_get, legacy=legacy)
        assert formed is not None, "it is packed"
        trace.status, result, body = formed
        trace.response_bytes = len(body)
        return result, body

    def _build_cached_response(
        self, entry: CachedResponse, headers: Mapping[bytes, bytes], *, by_get: bool, legacy: bool
    ) -> tuple[int, HeaderBlock, bytes] | None:
        """Status, headers and body. What is said of an answer is worked out once for each form of it.

        None where the body is not packed yet in the coding that is wanted.
        """
        body = entry.body
        packing = _response_encoding(headers, body)
        if packing:
            if packing not in entry.compressed:
                return None
            body = entry.compressed[packing]
        variant = (legacy, packing, by_get, self.cors.allowed_origin(headers))
        result: _HeaderVariant | None = entry.header_variants.get(variant)
        if result is None:
            pairs = self._common_headers(headers, len(body), packing, legacy=legacy)
            if by_get:
                pairs.append((b"etag", http_cache.etag(entry, packing, legacy=legacy)))
                pairs += http_cache.cache_tag_headers(entry)
            result = _HeaderVariant(encode_headers(pairs))
            if len(entry.header_variants) < _VARIANTS:
                entry.header_variants[variant] = result
        if not by_get:
            return 200, result.head, body
        now = self.executor.now()
        second = int(now.timestamp())
        if result.second != second:
            left = self.executor.seconds_until_expiry(now)
            result.tell(second, http_cache.cache_control(entry, second, left))
        if b"if-none-match" in headers and http_cache.matches_etag(headers[b"if-none-match"], entry):
            return 304, result.unchanged, b""
        return 200, result.block, body

    def _common_headers(
        self, headers: Mapping[bytes, bytes], length: int, packing: str | None, *, legacy: bool
    ) -> list[tuple[bytes, bytes]]:
        pairs = [(b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE), self._vary, _NOSNIFF]
        pairs += self.cors.headers(headers)
        if packing:
            pairs.append((b"content-encoding", packing.encode()))
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
        # What rests on the list of trusted documents is looked up each time: that list may change. And what
        # is ready to be asked again is so for the public alone.
        shared = actor is None and trusted is None and request.prepared is not None
        if shared and len(sent) <= _REMEMBERED:
            self._request_cache[read_only].set(sent, request, 2 * len(sent) + len(request.query))
        return response

    async def _prepare(
        self, data: GraphQLRequestData, *, read_only: bool
    ) -> tuple[GraphQLRequest, str | None]:
        """What is asked and, if its document is a trusted one, by which name that was found."""
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
        """The same for an operation that came through a WebSocket. Never raises but when it is cancelled."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        journey, caller = self.observer.start(new_request_id(), headers), None
        visit = self.admission.admit_request(scope)
        try:
            try:
                if _has_credentials(headers):  # each time: a token may be taken away while a socket is open
                    caller, visit = await self._authenticate(scope, headers, journey, visit)
                await visit.admit()
                arguments = requests.validate_request_data(payload)
                request, trusted = await self._prepare(arguments, read_only=False)
                response = await self._execute_data(arguments, request, trusted, journey, visit, caller)
            except ApiError as refusal:
                response = error_response(refusal, journey.request_id)
            journey.status, journey.codes, journey.response_bytes = (
                response.status,
                response.codes,
                len(response.body),
            )
            return response
        finally:
            visit.release()
            self.observer.finish(journey)

    async def authenticate_websocket(self, scope: Scope) -> None:
        """Hears who opens a socket. Raises Refused as `Callers.viewer` does."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _has_credentials(headers):
            authorization, preview_at = (
                _header_text(headers, b"authorization"),
                _header_text(headers, b"x-preview-at"),
            )
            await self.authenticator.authenticate(authorization, preview_at, self.admission.address(scope))

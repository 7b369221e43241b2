"""Feeds, sitemaps, robots.txt and documents of articles over HTTP, at paths of the reader's site.

What the public may not see, and what does not exist, have the same response: 404.
"""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.execution.executor import Executor
from contentql.execution.public_content import PublicContent
from contentql.server.client_address import ClientAddressResolver
from contentql.server.request_url import request_base_url
from contentql.settings import Settings
from contentql.telemetry.observer import RequestObserver
from contentql.telemetry.request_id import new_request_id
from contentql.telemetry.trace import RequestTrace
from contentql.web import compression, http_cache
from contentql.web.admission import AdmissionControl
from contentql.web.cors import CorsPolicy
from contentql.web.request_headers import combine_headers
from contentql.web.site_documents import Gone, Redirect, Rendering, SiteDocuments
from contentql.web.site_paths import SitePath, parse_site_path

_ALLOW: Final = "GET, HEAD, OPTIONS"
_STATIC: Final = b"public, max-age=3600, must-revalidate"  # of what is made of settings alone
_NO_STORE: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class FeedEndpoint:
    """ASGI endpoint of all paths that no other route has."""

    def __init__(
        self,
        executor: Executor,
        settings: Settings,
        *,
        admission: AdmissionControl,
        observer: RequestObserver,
        cors: CorsPolicy,
        addresses: ClientAddressResolver,
    ) -> None:
        self._executor, self._admission, self._observer = executor, admission, observer
        self._cors, self._addresses = cors, addresses
        self._documents = SiteDocuments(
            executor, settings.site, items=settings.feed_items, with_sources=settings.feed_sources
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        request = Request(scope)
        accept = request.headers.get("accept", "")[:1_000].encode("latin-1")
        requested = parse_site_path(_path(scope), accept)
        if requested is None:
            response: Response = PlainTextResponse("Not Found", 404)
        else:
            response = await self._respond(request, requested)
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, request: Request, requested: SitePath) -> Response:
        headers = combine_headers(request.scope["headers"])
        if request.method == "OPTIONS":
            return _response(204, b"", self._cors.preflight(headers))
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Method Not Allowed", 405, {**_NO_STORE, "allow": _ALLOW})
        trace = self._observer.start(new_request_id(), headers)
        try:
            response = await self._read(request.scope, requested, headers, trace)
            trace.status, trace.response_bytes = response.status_code, len(response.body)
        finally:
            self._observer.finish(trace)
        response.headers["x-request-id"] = trace.request_id
        return response

    async def _read(
        self, scope: Scope, requested: SitePath, headers: dict[bytes, bytes], trace: RequestTrace
    ) -> Response:
        admission = self._admission.admit_request(scope)
        try:
            await admission.admit()
            content = PublicContent(self._executor, trace, admission.charge)
            base_url = request_base_url(scope, self._addresses)
            document = await self._documents.read(requested, base_url, content)
        except ApiError as error:
            trace.codes = (error.code,)
            failure = error_response(error, trace.request_id)
            fields = [*_bytes(_NO_STORE), (b"content-type", b"application/json"), *admission.headers()]
            if failure.retry_after:
                fields.append((b"retry-after", b"%d" % failure.retry_after))
            return _response(failure.status, failure.body, [*fields, *self._cors.headers(headers)])
        finally:
            admission.release()
        common = [(b"vary", self._vary(requested)), *self._cors.headers(headers)]
        match document:
            case None:
                return _response(404, b"Not Found", [*common, *_bytes(_NO_STORE), _TEXT])
            case Gone():
                return _response(410, document.notice.encode(), [*common, *_bytes(_NO_STORE), _TEXT])
            case Redirect():
                location = f"{scope.get('root_path', '')}{document.location}".encode("latin-1")
                fields = [*common, (b"location", location), (b"cache-control", b"no-cache")]
                return _response(document.status, b"", fields)
        return await self._send(document, headers, common)

    async def _send(
        self, document: Rendering, headers: dict[bytes, bytes], common: list[tuple[bytes, bytes]]
    ) -> Response:
        body, coding = document.body, None
        if len(body) >= compression.MIN_COMPRESS_SIZE and b"accept-encoding" in headers:
            coding = compression.choose_encoding(headers[b"accept-encoding"][:1_000])
        if coding:
            if coding not in document.compressed:
                document.compressed[coding] = await compression.compress(body, coding)
            body = document.compressed[coding]
        etag = f'"{document.etag}{f"-{coding}" if coding else ""}"'.encode()
        source = document.source
        fields = [
            *common,
            (b"x-content-type-options", b"nosniff"),
            (b"etag", etag),
            (b"cache-control", http_cache.cache_control(source) if source else _STATIC),
            *(http_cache.cache_tag_headers(source) if source else ()),
        ]
        if document.last_modified:
            fields.append((b"last-modified", _http_date(document.last_modified)))
        if http_cache.matches_etag(headers.get(b"if-none-match", b""), document.etag):
            return _response(304, b"", fields)
        if coding:
            fields.append((b"content-encoding", coding.encode()))
        fields.append((b"content-type", document.content_type.encode()))
        return _response(200, body, fields)

    def _vary(self, requested: SitePath) -> bytes:
        names = ["Accept"] if requested.is_negotiated else []
        return ", ".join(
            [*names, "Accept-Encoding", *(["Origin"] if self._cors.vary_by_origin else [])]
        ).encode()


_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")


def _path(scope: Scope) -> str:
    """The path of the request below the path that the application is mounted at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _bytes(fields: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in fields.items()]


def _http_date(at: dt.datetime) -> bytes:
    return format_datetime(at.astimezone(dt.UTC), usegmt=True).encode()


def _response(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> Response:
    response = Response(body, status)
    length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
    response.raw_headers = [*headers, *length]
    return response

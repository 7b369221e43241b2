"""/schema.graphql: the schema in SDL, for code generators and editors that read it by URL.

It is public as introspection is: a server that executes only trusted documents refuses both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contentql.cache.entry import content_hash
from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.planner.builder import STATIC_MAX_AGE
from contentql.schema.build import sdl
from contentql.settings import Settings
from contentql.telemetry.request_id import new_request_id
from contentql.web import compression, http_cache
from contentql.web.cors import CorsPolicy
from contentql.web.request_headers import combine_headers

SDL_PATH = "/schema.graphql"
_TYPE = "text/plain; charset=utf-8"  # SDL has no registered media type; browsers show this one
_HIDDEN = ApiError(
    "DOCUMENT_NOT_TRUSTED",
    "The schema is not public: this server executes only trusted documents.",
    "Its operator prints the schema with: contentql schema",
)


@dataclass(frozen=True)
class _Representation:
    body: bytes
    etag: str


def sdl_routes(settings: Settings, cors: CorsPolicy) -> list[BaseRoute]:
    """The route of the schema, for GET, HEAD and the preflight of pages of other sites."""
    vary = "Accept-Encoding, Origin" if cors.vary_by_origin else "Accept-Encoding"

    # A plain function: Starlette runs it in a thread, where printing and packing delay no other response.
    def get_sdl(request: Request) -> Response:
        headers = combine_headers(request.scope["headers"])
        if request.method == "OPTIONS":
            return _response(204, b"", cors.preflight(headers))
        common = [(b"vary", vary.encode()), (b"x-content-type-options", b"nosniff"), *cors.headers(headers)]
        if settings.trusted_documents == "required":
            return _refuse(request, common)
        coding = compression.choose_encoding(headers.get(b"accept-encoding", b"")[:1_000])
        representation = _represent(coding)
        common += [
            (b"etag", representation.etag.encode()),
            (b"cache-control", b"public, max-age=%d, must-revalidate" % STATIC_MAX_AGE),
        ]
        if http_cache.matches_etag(headers.get(b"if-none-match", b""), content_hash(_represent(None).body)):
            return _response(304, b"", common)
        if coding:
            common.append((b"content-encoding", coding.encode()))
        common += [
            (b"content-type", _TYPE.encode()),
            (b"content-length", b"%d" % len(representation.body)),
        ]
        return _response(200, b"" if request.method == "HEAD" else representation.body, common)

    return [Route(SDL_PATH, get_sdl, methods=["GET", "HEAD", "OPTIONS"])]


def _refuse(request: Request, common: list[tuple[bytes, bytes]]) -> Response:
    request_id = new_request_id()
    body = error_response(_HIDDEN, request_id).body
    fields = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return _response(_HIDDEN.status, b"" if request.method == "HEAD" else body, [*common, *fields])


def _response(status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> Response:
    response = Response(body, status)
    response.raw_headers = headers
    return response


@lru_cache(maxsize=4)
def _represent(coding: str | None) -> _Representation:
    """The schema in a content coding, with the strong ETag of these bytes."""
    text = sdl().encode()
    tag = content_hash(text)
    if coding is None:
        return _Representation(text, f'"{tag}"')
    return _Representation(compression.compress_now(text, coding), f'"{tag}-{coding}"')

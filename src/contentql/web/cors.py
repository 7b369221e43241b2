"""CORS: which sites' pages may read responses. All by default, because the API uses no cookies.

A response has the same CORS headers for every request that a shared cache answers with it: with all origins
allowed they do not depend on Origin, which only browsers send; with some, Vary names Origin.
Access-Control-Allow-Credentials is never sent: tokens travel in the Authorization header, which scripts set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALLOW_HEADERS = (
    b"content-type, authorization, x-preview-at, accept, if-none-match, last-event-id, x-request-id,"
    b" traceparent, tracestate, baggage, sentry-trace,"
    b" apollo-require-preflight, graphql-require-preflight, x-apollo-operation-name,"
    b" apollographql-client-name, apollographql-client-version, graphql-client-name, graphql-client-version"
)
EXPOSE_HEADERS = b"etag, cache-tag, x-request-id, retry-after, ratelimit, ratelimit-policy, server-timing"
ALLOW_METHODS = b"GET, HEAD, POST, OPTIONS"

Headers = list[tuple[bytes, bytes]]


class CorsPolicy:
    """CORS headers for a set of allowed origins."""

    def __init__(self, origins: Sequence[str], allow_headers: Sequence[str] = ()) -> None:
        """`origins`: the allowed origins; `*` allows all. `allow_headers`: names of request headers that
        pages may send besides those of common clients."""
        self._anyone = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)
        self._allow_headers = b", ".join([ALLOW_HEADERS, *(name.lower().encode() for name in allow_headers)])

    def headers(self, headers: Mapping[bytes, bytes]) -> Headers:
        """The CORS headers of a response to a request with these headers."""
        origin = self.allowed_origin(headers)
        if origin is None:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSE_HEADERS),
        ]

    def allowed_origin(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The value of Access-Control-Allow-Origin; equal values mean equal headers."""
        if self._anyone:
            return b"*"
        origin = headers.get(b"origin")
        return origin if origin in self._origins else None

    @property
    def vary_by_origin(self) -> bool:
        """Whether the CORS headers differ by origin."""
        return not self._anyone

    def preflight(self, headers: Mapping[bytes, bytes]) -> Headers:
        """The headers of a response to OPTIONS."""
        result: Headers = [(b"allow", ALLOW_METHODS)]
        if self.vary_by_origin:
            result.append((b"vary", b"Origin"))
        if allowed := self.headers(headers):
            result += [
                *allowed,
                (b"access-control-allow-methods", ALLOW_METHODS),
                (b"access-control-allow-headers", self._allow_headers),
                (b"access-control-max-age", b"86400"),
            ]
        return result

"""CORS: which sites' pages may read responses. All by default, because the API uses no cookies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALLOW_HEADERS = (
    b"content-type, authorization, x-preview-at, accept, if-none-match, x-request-id, traceparent,"
    b" apollo-require-preflight, graphql-require-preflight, x-apollo-operation-name,"
    b" apollographql-client-name, apollographql-client-version, graphql-client-name, graphql-client-version"
)
EXPOSE_HEADERS = b"etag, cache-tag, x-request-id, retry-after, ratelimit, ratelimit-policy, server-timing"
ALLOW_METHODS = b"GET, HEAD, POST, OPTIONS"

Headers = list[tuple[bytes, bytes]]


class CorsPolicy:
    """`origins`: the allowed origins; `*` allows all."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._anyone = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, headers: Mapping[bytes, bytes]) -> Headers:
        """The CORS headers of a response to a request with an Origin header."""
        origin = headers.get(b"origin")
        if origin is None:
            return []
        if self._anyone:
            return [
                (b"access-control-allow-origin", b"*"),
                (b"access-control-expose-headers", EXPOSE_HEADERS),
            ]
        if origin in self._origins:
            return [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", EXPOSE_HEADERS),
            ]
        return []

    def allowed_origin(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The value of Access-Control-Allow-Origin; equal values mean equal headers."""
        origin = headers.get(b"origin")
        if origin is None or self._anyone:
            return origin and b"*"
        return origin if origin in self._origins else None

    @property
    def vary_by_origin(self) -> bool:
        """Whether the CORS headers differ by origin."""
        return not self._anyone

    def preflight(self, headers: Mapping[bytes, bytes]) -> Headers:
        allowed = self.headers(headers)
        return [
            (b"allow", ALLOW_METHODS),
            *allowed,
            *(
                [
                    (b"access-control-allow-methods", ALLOW_METHODS),
                    (b"access-control-allow-headers", ALLOW_HEADERS),
                    (b"access-control-max-age", b"86400"),
                ]
                if allowed
                else []
            ),
        ]

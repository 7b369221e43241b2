"""HTTP responses of /graphql: status, headers and body, with caching, compression and CORS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contentql.cache.entry import CachedResponse
from contentql.execution.executor import Executor
from contentql.execution.request import GraphQLResponse
from contentql.telemetry.trace import RequestTrace
from contentql.web import compression, http_cache
from contentql.web.admission import Admission
from contentql.web.cors import ALLOW_METHODS, CorsPolicy
from contentql.web.headers import Header, HeaderBlock, encode_headers

RESPONSE_TYPE = b"application/graphql-response+json; charset=utf-8"
LEGACY_TYPE = b"application/json; charset=utf-8"
NO_STORE: Header = (b"cache-control", b"no-store")
PRIVATE: Header = (b"cache-control", b"private, no-store")
_TRANSPORT = {
    "BAD_REQUEST",
    "INVALID_REQUEST",
    "HOST_NOT_ALLOWED",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "STREAM_REQUIRED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "DOCUMENT_NOT_FOUND",
    "DOCUMENT_NOT_TRUSTED",
}
_AUTH_STATUSES = (401, 403)  # sent to old clients too, which then show their login
_MAX_VARIANTS = 8  # of the headers of one response
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


def legacy_status(response: GraphQLResponse) -> int:
    """The status for clients that take any other than 200 for a failure of the transport."""
    status = response.status
    is_of_graphql = status < 500 and status not in _AUTH_STATUSES
    return 200 if is_of_graphql and not _TRANSPORT.intersection(response.codes) else status


class HttpResponses:
    """Builds the HTTP responses of one endpoint."""

    def __init__(self, executor: Executor, cors: CorsPolicy) -> None:
        self._executor, self._cors = executor, cors
        vary = "Accept, Accept-Encoding, Authorization" + (", Origin" if cors.vary_by_origin else "")
        self.vary: Header = (b"vary", vary.encode())
        # The common headers of most uncached responses.
        self._no_store_headers = {
            legacy: encode_headers(
                [(b"content-type", kind), self.vary, _NOSNIFF, *cors.headers({}), NO_STORE]
            )
            for legacy, kind in ((False, RESPONSE_TYPE), (True, LEGACY_TYPE))
        }

    def stream_headers(self, headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
        """Headers of an event stream, without those of the stream itself."""
        return (self.vary, _NOSNIFF, *self._cors.headers(headers))

    async def uncached(
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
        if legacy:
            status = legacy_status(response)
        coding = _response_encoding(headers, body)
        if coding:
            body = await compression.compress(body, coding)
        trace.status, trace.codes, trace.response_bytes = status, response.codes, len(body)
        common_cors = not self._cors.vary_by_origin or b"origin" not in headers
        plainly = not coding and not admission.is_rate_limited and common_cors
        if status == 200 and plainly and control is NO_STORE:
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

    async def cached(
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
            self._executor.cache_entry_resized(entry)
        built = self.build_cached(entry, headers, by_get=by_get, legacy=legacy)
        assert built is not None, "it is packed"
        trace.status, result, body = built
        trace.response_bytes = len(body)
        return result, body

    def build_cached(
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
        variant = (legacy, coding, by_get, self._cors.allowed_origin(headers))
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
        pairs = [(b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE), self.vary, _NOSNIFF]
        pairs += self._cors.headers(headers)
        if coding:
            pairs.append((b"content-encoding", coding.encode()))
        return [*pairs, (b"content-length", b"%d" % length)]

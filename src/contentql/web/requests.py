"""Parsing and validation of a GraphQL-over-HTTP request: bytes in, GraphQLRequestData out."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from graphql.pyutils import suggestion_list
from starlette.types import Message, Receive

from contentql.errors import ApiError, LimitError
from contentql.timeouts import StartedCoroutine, start_eagerly, with_timeout
from contentql.web.compression import parse_qvalues

GRAPHQL_RESPONSE_MEDIA_TYPE = "application/graphql-response+json"
JSON_MEDIA_TYPE = "application/json"
EVENT_STREAM_MEDIA_TYPE = "text/event-stream"
_HASH_LENGTH = 64
_OPERATION_PARAMETERS = frozenset({"query", "documentId", "doc_id", "extensions"})
_QUERY_HINT = 'Send {"query": "{ latestNews { … } }"}.'
_MAX_PARAMETERS = 20  # of a query string


@dataclass(frozen=True)
class GraphQLRequestData:
    """Parameters of a request. The document is its text, `document_id` (trusted documents) or `persisted`
    (automatic persisted queries: SHA-256 of the text, in hex)."""

    query: str | None
    document_id: str | None
    persisted: str | None
    operation_name: str | None
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client accepts. `legacy`: it prefers application/json, whose clients expect status 200 with
    GraphQL errors; `stream`: event streams, named in Accept; `only_stream`: no JSON."""

    legacy: bool = False
    stream: bool = False
    only_stream: bool = False


@lru_cache(maxsize=256)
def parse_accept(accept: bytes) -> Accepted:
    """The media types of an Accept header.

    Raises ApiError NOT_ACCEPTABLE if the client accepts none of ours.
    """
    if not accept.strip():
        return Accepted()
    weights = parse_qvalues(accept)

    def weight(of: str) -> float:
        for name in (of, "application/*", "*/*"):
            if name in weights:
                return weights[name]
        return 0.0

    modern, legacy = weight(GRAPHQL_RESPONSE_MEDIA_TYPE), weight(JSON_MEDIA_TYPE)
    # Many clients send every operation with `text/event-stream` beside JSON, and read JSON.
    stream = weights.get(EVENT_STREAM_MEDIA_TYPE, 0.0) > 0
    if not modern and not legacy:
        if stream:
            return Accepted(stream=True, only_stream=True)
        raise ApiError(
            "NOT_ACCEPTABLE",
            f"Only {GRAPHQL_RESPONSE_MEDIA_TYPE} and {JSON_MEDIA_TYPE} are served here.",
            f"Send `Accept: {GRAPHQL_RESPONSE_MEDIA_TYPE}`.",
        )
    return Accepted(legacy=legacy > modern, stream=stream)


def is_page_request(method: str, query_string: bytes, accept: bytes) -> bool:
    """Whether a browser asks for a page: a GET without an operation that prefers text/html."""
    if method not in ("GET", "HEAD") or b"text/html" not in accept.lower():
        return False
    names = {name for name, _ in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)}
    if not _OPERATION_PARAMETERS.isdisjoint(names):
        return False
    weights = parse_qvalues(accept)
    json_weights = (weights.get(name, 0.0) for name in (GRAPHQL_RESPONSE_MEDIA_TYPE, JSON_MEDIA_TYPE))
    return weights.get("text/html", 0.0) > 0 and weights["text/html"] >= max(json_weights)


@lru_cache(maxsize=256)
def require_json_content_type(content_type: bytes, content_encoding: bytes) -> None:
    """Require a body of JSON in UTF-8. Raises ApiError UNSUPPORTED_MEDIA_TYPE.

    The media types of HTML forms are refused: a page of another site could send those without a CORS
    preflight.
    """
    media_type, _, rest = content_type.partition(b";")
    charset = rest.lower().replace(b'"', b"").partition(b"charset=")[2].strip()
    if media_type.strip().lower() != b"application/json" or charset not in (b"", b"utf-8", b"utf8"):
        raise ApiError(
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json in UTF-8.",
            "Send `Content-Type: application/json`.",
        )
    if content_encoding.lower() not in (b"", b"identity"):
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body may not be compressed.")


def parse_json_body(body: bytes) -> GraphQLRequestData:
    """The parameters in a JSON body. Raises ApiError: BAD_REQUEST for what is not JSON, INVALID_REQUEST for
    JSON that is not a GraphQL request, as the specification of GraphQL over HTTP tells the two apart."""
    payload = _parse_json(body, "The body is not JSON in UTF-8.")
    if isinstance(payload, list):
        raise ApiError(
            "INVALID_REQUEST", "Several operations in one request are not served.", "Send them one by one."
        )
    if not isinstance(payload, dict):
        raise ApiError("INVALID_REQUEST", "The body must be a JSON object with a `query`.", _QUERY_HINT)
    return validate_request_data(payload)


def parse_query_string(query_string: bytes) -> GraphQLRequestData:
    """The parameters of a query string; except `query`, one without a value is absent. Raises ApiError."""
    parameters = query_string.count(b"&") + 1
    if parameters > _MAX_PARAMETERS:
        raise LimitError(
            "BAD_REQUEST",
            f"The address has {parameters:,} parameters; {_MAX_PARAMETERS} are allowed.",
            "Send the values of variables in `variables`, as JSON.",
            count=parameters,
            limit=_MAX_PARAMETERS,
        )
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        half = find_half_pair(unquote_to_bytes(query_string))
        raise half or ApiError("BAD_REQUEST", "The address is not UTF-8.") from None
    results: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if results.get(name):
            results[name] = _parse_json(results[name].encode(), f"`{name}` is not JSON.")
        else:
            results.pop(name, None)
    return validate_request_data(results)


def query_parameter(query_string: bytes, name: str) -> str | None:
    """The last value of a parameter that belongs to the transport; None if it is absent or not UTF-8."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), max_num_fields=_MAX_PARAMETERS, errors="strict")
    except ValueError:
        return None
    return dict(pairs).get(name)


def last_event_id(
    data: GraphQLRequestData, headers: Mapping[bytes, bytes] | None = None, query_string: bytes = b""
) -> str | None:
    """The id of the last event that the client has: of the header Last-Event-ID, which a browser sends when
    it connects again, the parameter `lastEventId` of the URL, or `extensions.lastEventId`. None for a new
    client. Raises ApiError INVALID_REQUEST."""
    header = (headers or {}).get(b"last-event-id", b"").decode("utf-8", "replace").strip()
    parameter = query_parameter(query_string, "lastEventId") if query_string else None
    value = header or parameter or data.extensions.get("lastEventId")
    if value is not None and not isinstance(value, str):
        raise ApiError(
            "INVALID_REQUEST",
            "`extensions.lastEventId` must be a string.",
            "Send the `extensions.eventId` of the last result, or leave it out.",
        )
    return value or None


def _parse_json(text: bytes, problem: str) -> Any:
    """The JSON value of a text. Raises ApiError BAD_REQUEST with the sentence `problem`, or one that names
    half of a surrogate pair."""
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        raise find_half_pair(text) or ApiError("BAD_REQUEST", problem) from None


def find_half_pair(text: bytes) -> ApiError | None:
    """The error of a text, or of a string in its JSON, that has half of a surrogate pair; None if none has.

    JavaScript cuts a string in the middle of a pair and writes the half as an escape such as `\\ud83d`, which
    no UTF-8 text can hold.
    """
    try:
        decoded = text.decode("utf-8", "surrogatepass")
        decoded.encode()
        json.dumps(json.loads(decoded), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):x}"
        return ApiError(
            "BAD_REQUEST",
            f"A text of the request has {half}, half of a surrogate pair, without its other half.",
            "Cut texts between characters, as JavaScript's `Array.from(text)` does, or call "
            "`text.toWellFormed()`.",
        )
    except (ValueError, RecursionError):
        return None
    return None


def validate_request_data(data: Mapping[str, Any]) -> GraphQLRequestData:
    """The parameters of a request, with their types checked. Raises ApiError."""
    query = _text(data, "query")
    document_id = _text(data, "documentId") or _text(data, "doc_id")
    name = _text(data, "operationName")
    variables, extensions = _object(data, "variables"), _object(data, "extensions")
    persisted = _persisted(extensions)
    if query and document_id:
        raise ApiError(
            "INVALID_REQUEST", "A request has either `query` or `documentId`, not both.", "Leave one out."
        )
    if not query and not document_id and not persisted:
        if data.get("query") == "":
            raise ApiError("GRAPHQL_PARSE_FAILED", "The document in `query` is empty.", _QUERY_HINT)
        misspelt = [name for name in data if name != "query" and suggestion_list(name, ["query"])]
        hint = f"Did you mean `query` instead of `{misspelt[0]}`?" if misspelt else _QUERY_HINT
        raise ApiError("INVALID_REQUEST", "There is no `query` in the request.", hint)
    return GraphQLRequestData(query, document_id, persisted, name, variables, extensions)


def _persisted(extensions: Mapping[str, Any]) -> str | None:
    result = extensions.get("persistedQuery")
    if result is None:
        return None
    if not isinstance(result, dict) or result.get("version") != 1:
        raise ApiError("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    text = result.get("sha256Hash")
    if not isinstance(text, str) or len(text) != _HASH_LENGTH or not text.isalnum() or not text.isascii():
        raise ApiError("INVALID_REQUEST", "`sha256Hash` must be 64 hexadecimal digits.")
    return text.lower()


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError("INVALID_REQUEST", f"`{name}` must be a string.")
    return value or None


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is not None and not isinstance(value, dict):
        raise ApiError("INVALID_REQUEST", f"`{name}` must be an object.")
    return value or {}


async def read_body(
    headers: Mapping[bytes, bytes], receive: Receive, *, max_bytes: int, timeout_seconds: float
) -> bytes:
    """The whole body of a request. Raises ApiError if it is larger than `max_bytes`, late or incomplete."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 15 or int(length) > max_bytes:
        raise _too_large(max_bytes)
    # As a rule the body has arrived with the headers, and no timer is needed.
    first = start_eagerly(cast("Coroutine[Any, Any, Message]", receive()))
    if (
        not isinstance(first, StartedCoroutine)
        and first["type"] == "http.request"
        and not first.get("more_body")
    ):
        body: bytes = first.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        return body
    try:
        return await with_timeout(timeout_seconds, _read_messages(first, receive, max_bytes))
    except TimeoutError:
        raise LimitError(
            "BAD_REQUEST",
            f"The request body did not arrive within {timeout_seconds:g} seconds.",
            "Send the body at once.",
            limit=timeout_seconds,
        ) from None


async def _read_messages(first: Message | StartedCoroutine, receive: Receive, max_bytes: int) -> bytes:
    message: Message = await first if isinstance(first, StartedCoroutine) else first
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ApiError("BAD_REQUEST", "The client closed the connection.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(max_bytes: int) -> ApiError:
    return LimitError(
        "PAYLOAD_TOO_LARGE",
        f"The request body may have {max_bytes:,} bytes.",
        "Send less in one request.",
        limit=max_bytes,
    )

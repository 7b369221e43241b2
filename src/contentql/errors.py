"""Errors: a stable code, a sentence, a hint.

Any other exception is an internal error: clients receive INTERNAL_SERVER_ERROR, the log has the traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# code: (HTTP status, meaning). docs/errors.md has this table; a test compares the two.
ERROR_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "BAD_REQUEST": (
        400,
        "The HTTP request cannot be read: the body is not JSON, bad encoding, or a header such as"
        " Authorization sent twice.",
    ),
    "INVALID_REQUEST": (
        422,
        "The request can be read, but is not a GraphQL request: no JSON object, no `query`, or a parameter of"
        " the wrong type.",
    ),
    "GRAPHQL_PARSE_FAILED": (400, "The document is not GraphQL: a syntax error, with its line and column."),
    "GRAPHQL_VALIDATION_FAILED": (422, "The document is not valid for the schema."),
    "OPERATION_RESOLUTION_FAILURE": (
        422,
        "The document has several operations; select one with `operationName`.",
    ),
    "BAD_USER_INPUT": (422, "A variable or an argument has an invalid value."),
    "INVALID_ID": (422, "The id is not valid or belongs to an object of another type."),
    "INVALID_CURSOR": (422, "The cursor is not valid, or belongs to a list with another filter or order."),
    "INVALID_SYNC_TOKEN": (
        422,
        "The token in `since` is not valid, or belongs to another filter or viewer.",
    ),
    "INVALID_PAGE_SIZE": (
        422,
        "`first` or `last` is outside 0 to 100, `page` is outside its range, or two of these are combined.",
    ),
    "DOCUMENT_TOO_LARGE": (422, "The document has more tokens, characters or fields than allowed."),
    "DEPTH_LIMIT_EXCEEDED": (422, "The selection is nested deeper than allowed."),
    "ALIAS_LIMIT_EXCEEDED": (422, "The document has more aliases or root fields than allowed."),
    "COST_LIMIT_EXCEEDED": (
        422,
        "The cost of the operation is higher than allowed; request fewer items per page.",
    ),
    "INPUT_LIMIT_EXCEEDED": (
        422,
        "A list, text, number or filter of the input is longer, or nested deeper, than allowed.",
    ),
    "PERSISTED_QUERY_NOT_FOUND": (
        200,
        "The document named by `extensions.persistedQuery` is not stored; send its text as well.",
    ),
    "PERSISTED_QUERY_NOT_SUPPORTED": (
        200,
        "The version of `extensions.persistedQuery` is not 1; send the text without it.",
    ),
    "DOCUMENT_NOT_FOUND": (404, "No trusted document has this `documentId`."),
    "DOCUMENT_NOT_TRUSTED": (
        403,
        "The server executes only trusted documents, and this document is not one.",
    ),
    "UNAUTHENTICATED": (401, "The token is not valid, has expired or was revoked."),
    "FORBIDDEN": (403, "The token does not have the required permission."),
    "METHOD_NOT_ALLOWED": (405, "The endpoint does not support the HTTP method."),
    "NOT_ACCEPTABLE": (406, "The server cannot produce any media type of the Accept header."),
    "STREAM_REQUIRED": (
        406,
        "The operation is a subscription, and the client accepts neither an event stream nor uses a"
        " WebSocket.",
    ),
    "HOST_NOT_ALLOWED": (421, "The Host header names a host that this server does not have."),
    "PAYLOAD_TOO_LARGE": (413, "The request body is larger than allowed."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "The body must be `application/json` in UTF-8."),
    "ORIGIN_NOT_ALLOWED": (403, "The origin may not open a WebSocket connection."),
    "TOO_MANY_CONNECTIONS": (429, "Too many WebSocket connections and event streams from this address."),
    "REQUEST_HEADERS_TOO_LARGE": (431, "The request headers are larger than allowed."),
    "RATE_LIMITED": (
        429,
        "The address or account has exceeded its rate limit, or sent too many invalid tokens.",
    ),
    "SERVICE_OVERLOADED": (503, "The server is at its limit of concurrent requests."),
    "TIMEOUT": (503, "The operation ran longer than allowed and was cancelled."),
    "DATABASE_UNAVAILABLE": (
        503,
        "The database is not available; the same request may succeed later.",
    ),
    "IDENTITY_PROVIDER_UNAVAILABLE": (
        503,
        "The keys of the token's issuer cannot be fetched; the same request may succeed later.",
    ),
    "INTERNAL_SERVER_ERROR": (500, "Internal error; the server log has details under `requestId`."),
}


class ApiError(Exception):
    """Error shown to an API client: a stable code, a sentence, a hint. Contains nothing internal.

    `path`: response keys of the field that failed, from the root; empty if the error is not of a field.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        assert code in ERROR_CODES, code
        self.code = code
        self.message = message
        self.hint = hint
        self.extra_extensions = facts
        self.path: tuple[str | int, ...] = ()

    @property
    def status(self) -> int:
        return ERROR_CODES[self.code][0]

    @property
    def extensions(self) -> dict[str, Any]:
        hint = {"hint": self.hint} if self.hint else {}
        return {"code": self.code, **hint, **self.extra_extensions}


class LimitError(ApiError):
    """Error of a request beyond a limit, which has the limit in its extensions."""

    def __init__(
        self, code: str, message: str, hint: str, *, limit: float, count: float | None = None, **facts: Any
    ) -> None:
        """`count`: the number that exceeded the limit, where it is known; `found` in the extensions."""
        if count is not None:
            facts["found"] = count
        super().__init__(code, message, hint, **facts, limit=limit)


class OperatorError(Exception):
    """Error of the installation that an operator can correct: one sentence, shown without a traceback."""


def format_error(
    error: ApiError, request_id: str, locations: Sequence[Mapping[str, int]] = ()
) -> dict[str, Any]:
    """The error as an entry of `errors` in a GraphQL response; `locations` in the document."""
    return {
        "message": error.message,
        **({"locations": locations} if locations else {}),
        **({"path": error.path} if error.path else {}),
        "extensions": {**error.extensions, "requestId": request_id},
    }

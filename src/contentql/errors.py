"""Every refusal: a code that never changes, a sentence for a person, a hint that helps them go on.

Whatever is not a `Refused` is a fault of ours: clients see INTERNAL_SERVER_ERROR, our log sees the trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# code: (HTTP status, meaning). README prints this table; a test compares the two.
ERROR_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "BAD_REQUEST": (
        400,
        "The HTTP request is not a GraphQL request: no JSON object, no `query`, bad encoding.",
    ),
    "GRAPHQL_PARSE_FAILED": (400, "The document is not GraphQL: a syntax error, with its line and column."),
    "GRAPHQL_VALIDATION_FAILED": (422, "The document asks for what the schema does not have."),
    "OPERATION_RESOLUTION_FAILURE": (
        422,
        "It is not clear which operation to run: name it in `operationName`.",
    ),
    "BAD_USER_INPUT": (422, "A variable or an argument has a value that cannot be used."),
    "INVALID_ID": (422, "The id is not one of ours, or names another kind of thing than was asked for."),
    "INVALID_CURSOR": (422, "The cursor is damaged, or belongs to a list with another filter or order."),
    "INVALID_PAGE_SIZE": (422, "`first` or `last` is outside 1 to 100, or the two are mixed up."),
    "DOCUMENT_TOO_LARGE": (422, "The document has more tokens or bytes than allowed."),
    "DEPTH_LIMIT_EXCEEDED": (422, "The selection is nested deeper than allowed."),
    "ALIAS_LIMIT_EXCEEDED": (422, "The document has more aliases or root fields than allowed."),
    "COST_LIMIT_EXCEEDED": (422, "The operation may read more objects than allowed: ask for fewer per page."),
    "INPUT_LIMIT_EXCEEDED": (422, "A list or text in the input is longer than allowed."),
    "PERSISTED_QUERY_NOT_FOUND": (
        200,
        "`extensions.persistedQuery` names a document that is not known here: send its text along.",
    ),
    "PERSISTED_QUERY_NOT_SUPPORTED": (
        200,
        "`extensions.persistedQuery` is not version 1: send the text without it.",
    ),
    "DOCUMENT_NOT_FOUND": (404, "No trusted document has this `documentId`."),
    "DOCUMENT_NOT_TRUSTED": (403, "Only trusted documents are answered here, and this is none."),
    "UNAUTHENTICATED": (401, "The token is not known here, has expired or was revoked."),
    "FORBIDDEN": (403, "The token is good, but does not allow this."),
    "METHOD_NOT_ALLOWED": (405, "The HTTP method is not served here."),
    "NOT_ACCEPTABLE": (406, "No media type of the Accept header can be served."),
    "PAYLOAD_TOO_LARGE": (413, "The request body is larger than allowed."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "The body must be `application/json` in UTF-8."),
    "ORIGIN_NOT_ALLOWED": (403, "Pages of this site may not open a WebSocket here."),
    "TOO_MANY_CONNECTIONS": (429, "As many WebSockets are open from this address as may be."),
    "REQUEST_HEADERS_TOO_LARGE": (431, "The request's headers are larger than allowed."),
    "RATE_LIMITED": (
        429,
        "The address or account has asked for as much as it may in a minute, or shown too many bad tokens.",
    ),
    "SERVICE_OVERLOADED": (503, "More is under way than the server takes on at once."),
    "TIMEOUT": (503, "The operation ran longer than allowed and was cancelled."),
    "DATABASE_UNAVAILABLE": (
        503,
        "The database does not answer just now; the same request may succeed later.",
    ),
    "IDENTITY_PROVIDER_UNAVAILABLE": (
        503,
        "The keys of the token's issuer cannot be had just now; the same request may succeed later.",
    ),
    "INTERNAL_SERVER_ERROR": (500, "A fault of the server; `requestId` finds it in the log."),
}


class ApiError(Exception):
    """A request that is not carried out, and why, in words that are safe to show."""

    def __init__(self, code: str, message: str, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        assert code in ERROR_CODES, code
        self.code = code
        self.message = message
        self.hint = hint
        self.extra_extensions = facts

    @property
    def status(self) -> int:
        return ERROR_CODES[self.code][0]

    @property
    def extensions(self) -> dict[str, Any]:
        hint = {"hint": self.hint} if self.hint else {}
        return {"code": self.code, **hint, **self.extra_extensions}


class OperatorError(Exception):
    """The operator's set-up cannot work as it is: one plain sentence, shown without a trace."""

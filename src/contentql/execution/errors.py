"""GraphQL error responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import (
    GraphQLError,
)

from contentql.errors import ApiError, format_error
from contentql.execution.request import GraphQLResponse

_DID_YOU_MEAN = "Did you mean "


class GraphQLErrors(Exception):
    """Errors that graphql-core reports for a document or its variables."""

    def __init__(self, errors: Sequence[GraphQLError], code: str) -> None:
        super().__init__()
        self.errors = errors
        self.code = code


def error_response(
    refusal: ApiError, request_id: str, locations: Sequence[Mapping[str, int]] = ()
) -> GraphQLResponse:
    """The response to a request that failed as a whole: errors and no data."""
    body = orjson.dumps({"errors": [format_error(refusal, request_id, locations)]})
    later = refusal.extra_extensions.get("retryAfter", 1) if refusal.status in (429, 503) else 0
    return GraphQLResponse(refusal.status, body, (refusal.code,), None, later)


def graphql_errors_response(errors: Sequence[GraphQLError], code: str, request_id: str) -> GraphQLResponse:
    results = []
    for error in errors[:MAX_ERRORS]:
        message, _, guess = error.message.partition(_DID_YOU_MEAN)
        text: dict[str, Any] = {"message": _shorten(message.strip())}
        if error.locations:
            text["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        hint = {"hint": _shorten(_DID_YOU_MEAN + guess)} if guess else {}
        text["extensions"] = {"code": code, **hint, "requestId": request_id}
        results.append(text)
    status = 400 if code == "GRAPHQL_PARSE_FAILED" else 422
    return GraphQLResponse(status, orjson.dumps({"errors": results}), (code,))


def _shorten(message: str) -> str:
    """The message, of which graphql-core quotes parts of the document in full length."""
    return message if len(message) <= _MAX_MESSAGE else f"{message[: _MAX_MESSAGE - 1]}…"


def graphql_error(refusal: ApiError) -> GraphQLError:
    return GraphQLError(refusal.message, extensions=refusal.extensions)


MAX_ERRORS = 20
_MAX_MESSAGE = 400  # characters

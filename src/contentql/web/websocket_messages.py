"""Messages of the graphql-transport-ws protocol: parsing, validation, close codes.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.types import Message, Scope

from contentql.errors import ApiError
from contentql.web.requests import find_half_pair

PROTOCOL: Final = "graphql-transport-ws"

# Codes of RFC 6455 and of the subprotocol. Clients reconnect only after 1001 and 1013.
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011
TRY_AGAIN_LATER: Final = 1013
INVALID_MESSAGE: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
CONNECTION_INIT_TIMEOUT: Final = 4408
SUBSCRIBER_ALREADY_EXISTS: Final = 4409
TOO_MANY_REQUESTS: Final = 4429

# What a page cannot say by headers, because browsers send none of its own with a socket.
_CREDENTIAL_HEADERS = ("authorization", "x-preview-at")


class CloseConnection(Exception):
    """Closes the connection with a code and a reason; without a code if the client has left."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def read_message(event: Message) -> Mapping[str, Any]:
    text = event.get("text")
    if text is None:
        raise CloseConnection(INVALID_MESSAGE, "Only text frames are taken")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        half = find_half_pair(text.encode("utf-8", "surrogatepass"))
        problem = "The message has half of a surrogate pair" if half else "The message is not JSON"
        raise CloseConnection(INVALID_MESSAGE, problem) from None
    if not isinstance(message, dict):
        raise CloseConnection(INVALID_MESSAGE, "The message is not an object")
    return message


def object_of(message: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    text = message.get(name)
    if text is not None and not isinstance(text, dict):
        raise CloseConnection(INVALID_MESSAGE, f"`{name}` must be an object")
    return text


def with_connection_params(scope: Scope, payload: Mapping[str, Any]) -> Scope:
    """The scope with the credentials of `payload` as headers, in place of those of the handshake."""
    fields = [(name.lower(), value) for name, value in payload.items() if value is not None]
    fields = [(name, value) for name, value in fields if name in _CREDENTIAL_HEADERS]
    arguments = {name.encode(): value for name, value in fields}
    if not arguments:
        return scope
    if len(arguments) < len(fields):
        raise CloseConnection(INVALID_MESSAGE, "`authorization` and `x-preview-at` must be sent once each")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise CloseConnection(INVALID_MESSAGE, "`authorization` and `x-preview-at` must be texts")
    stored = [pair for pair in scope["headers"] if pair[0] not in arguments]
    messages = [(name, value.strip().encode("utf-8", "replace")) for name, value in arguments.items()]
    return {**scope, "headers": [*stored, *messages]}


def close_for(refusal: ApiError) -> CloseConnection:
    if refusal.status in (401, 403):
        return CloseConnection(FORBIDDEN, "Forbidden")
    if refusal.status == 429:
        return CloseConnection(TOO_MANY_REQUESTS, refusal.message)
    return CloseConnection(INVALID_MESSAGE if refusal.status < 500 else TRY_AGAIN_LATER, refusal.message)


def payload_of(message: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = object_of(message, "payload") or {}
    for name in ("query", "operationName"):
        if not isinstance(payload.get(name, ""), str | None):
            raise CloseConnection(INVALID_MESSAGE, f"`{name}` must be a text")
    object_of(payload, "variables")
    extensions = object_of(payload, "extensions") or {}
    # The protocol knows texts only; a document's name in place of it is what HTTP takes too.
    if payload.get("query") is None and "documentId" not in payload and "persistedQuery" not in extensions:
        raise CloseConnection(INVALID_MESSAGE, "There is no `query`")
    return payload


def with_payload(kind: bytes, payload: Mapping[str, Any] | None) -> bytes:
    if payload is None:
        return b'{"type":"%b"}' % kind
    return b'{"type":"%b","payload":%b}' % (kind, orjson.dumps(payload))

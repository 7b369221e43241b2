"""GraphQL over HTTP: a request in, a GraphQL JSON body out, whatever was sent.

A bare ASGI endpoint, because a framework's layers would cost more than the answer. Knows HTTP and
`answer.py`; knows no SQL and no schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Message, Receive, Scope, Send

from contentql.answer import Answered, Answers, Asked, new_request_id, refused
from contentql.errors import Refused
from contentql.waiting import within

RESPONSE_TYPE = b"application/graphql-response+json; charset=utf-8"
LEGACY_TYPE = b"application/json; charset=utf-8"
METHODS = b"GET, HEAD, POST"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRANSPORT = {
    "BAD_REQUEST",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
}


class GraphQL:
    """The ASGI endpoint of /graphql."""

    def __init__(self, answers: Answers, *, max_body: int = 1_048_576, body_seconds: float = 20.0) -> None:
        """`max_body` in bytes; `body_seconds`: how long a client may take to send it."""
        self.answers = answers
        self.max_body = max_body
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else new_request_id()
        accept = headers.get(b"accept", b"")
        try:
            legacy = _is_legacy(accept)
            answered = await self._answer(scope, headers, receive, request_id)
        except Refused as refusal:
            legacy = False
            answered = refused(refusal, request_id)
        await _reply(scope, send, answered, legacy, request_id)

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Answered:
        method = scope["method"]
        if method == "POST":
            asked = _from_body(headers, await self._body(headers, receive), request_id)
        elif method in ("GET", "HEAD"):
            asked = _from_query(scope["query_string"], request_id)
        else:
            raise Refused(
                "METHOD_NOT_ALLOWED", f"{method} is not served here.", "Send the operation by POST."
            )
        return await self.answers.answer(asked)

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > self.max_body:
            raise self._too_large()
        try:
            return await within(self.body_seconds, self._received(receive))
        except TimeoutError:
            raise Refused("BAD_REQUEST", "The request body did not arrive in time.") from None

    async def _received(self, receive: Receive) -> bytes:
        message = await _next(receive)
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts, size = [body], len(body)
            while message.get("more_body"):
                message = await _next(receive)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > self.max_body:
                    raise self._too_large()
            body = b"".join(parts)
        if len(body) > self.max_body:
            raise self._too_large()
        return body

    def _too_large(self) -> Refused:
        return Refused(
            "PAYLOAD_TOO_LARGE", f"The request body may have {self.max_body:,} bytes.", limit=self.max_body
        )


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Refused("BAD_REQUEST", "The client went away.")
    return message


def _is_legacy(accept: bytes) -> bool:
    """Whether the client wants plain application/json: an old one, which trusts only status 200."""
    accept = accept.lower()
    if not accept or b"application/graphql-response+json" in accept or b"*/*" in accept:
        return False
    if b"application/json" in accept:
        return True
    if b"application/*" in accept:
        return False
    raise Refused(
        "NOT_ACCEPTABLE",
        "Only application/graphql-response+json and application/json are served here.",
        "Send `Accept: application/graphql-response+json`.",
    )


def _from_body(headers: Mapping[bytes, bytes], body: bytes, request_id: str) -> Asked:
    media_type, _, rest = headers.get(b"content-type", b"").partition(b";")
    charset = rest.lower().replace(b'"', b"").partition(b"charset=")[2].strip()
    if media_type.strip().lower() != b"application/json" or charset not in (b"", b"utf-8", b"utf8"):
        raise Refused(
            "UNSUPPORTED_MEDIA_TYPE",
            "The body must be application/json in UTF-8.",
            "Send `Content-Type: application/json`.",
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Refused("UNSUPPORTED_MEDIA_TYPE", "The body may not be compressed.")
    try:
        found = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise Refused("BAD_REQUEST", "The body is not JSON in UTF-8.") from None
    if isinstance(found, list):
        raise Refused(
            "BAD_REQUEST", "Several operations in one request are not served.", "Send them one by one."
        )
    if not isinstance(found, dict):
        raise Refused("BAD_REQUEST", "The body must be a JSON object with a `query`.")
    return _asked(found, request_id)


def _from_query(query_string: bytes, request_id: str) -> Asked:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=False, errors="strict", max_num_fields=20
        )
    except (ValueError, UnicodeDecodeError):
        raise Refused("BAD_REQUEST", "The address is not UTF-8.") from None
    found: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if name in found:
            try:
                found[name] = orjson.loads(found[name])
            except orjson.JSONDecodeError:
                raise Refused("BAD_REQUEST", f"`{name}` is not JSON.") from None
    return _asked(found, request_id, read_only=True)


def _asked(found: Mapping[str, Any], request_id: str, *, read_only: bool = False) -> Asked:
    query, name = found.get("query"), found.get("operationName")
    variables, extensions = found.get("variables"), found.get("extensions")
    if not isinstance(query, str) or not query:
        raise Refused(
            "BAD_REQUEST", "There is no `query` in the request.", 'Send {"query": "{ latestNews { … } }"}.'
        )
    if name is not None and not isinstance(name, str):
        raise Refused("BAD_REQUEST", "`operationName` must be a text.")
    if variables is not None and not isinstance(variables, dict):
        raise Refused("BAD_REQUEST", "`variables` must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Refused("BAD_REQUEST", "`extensions` must be an object.")
    return Asked(query, name, variables or {}, extensions or {}, request_id, read_only)


async def _reply(scope: Scope, send: Send, answered: Answered, legacy: bool, request_id: str) -> None:
    status = answered.status
    if legacy and status < 500 and not _TRANSPORT.intersection(answered.codes):
        status = 200
    headers = [
        (b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE),
        (b"content-length", b"%d" % len(answered.body)),
        (b"x-request-id", request_id.encode()),
        (b"vary", b"Accept"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == 405:
        headers.append((b"allow", METHODS))
    elif status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answered.body
    await send({"type": "http.response.body", "body": body})

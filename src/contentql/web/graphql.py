"""GraphQL over HTTP: a request in, a GraphQL JSON body out, whatever was sent.

A bare ASGI endpoint, because a framework's layers would cost more than the answer. Knows HTTP and
`answer.py`; knows no SQL and no schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.types import Message, Receive, Scope, Send

from contentql.answer import Answered, Answers, Asked, new_request_id, refused
from contentql.bounded import Remembered
from contentql.errors import Refused
from contentql.settings import Settings
from contentql.store.documents import Documents
from contentql.telemetry.journey import Journey, server_timing
from contentql.telemetry.watch import Watch
from contentql.waiting import within
from contentql.web import caching, coding, request
from contentql.web.cors import METHODS, Cors
from contentql.web.guards import Guard, Visit
from contentql.web.persisted import Persisted
from contentql.web.request import Given

RESPONSE_TYPE = b"application/graphql-response+json; charset=utf-8"
LEGACY_TYPE = b"application/json; charset=utf-8"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REMEMBERED = 8_192  # bytes of a request; longer ones are read anew each time
_TRANSPORT = {
    "BAD_REQUEST",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "DOCUMENT_NOT_FOUND",
    "DOCUMENT_NOT_TRUSTED",
}
_NO_STORE = (b"cache-control", b"no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class _Reply(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class GraphQL:
    """The ASGI endpoint of /graphql."""

    def __init__(
        self,
        answers: Answers,
        settings: Settings,
        *,
        documents: Documents,
        watch: Watch,
        guard: Guard,
        body_seconds: float = 20.0,
    ) -> None:
        """`body_seconds`: how long a client may take to send a body."""
        self.answers = answers
        self.max_body = settings.max_body_bytes
        self.body_seconds = body_seconds
        self.persisted = Persisted(documents, only_trusted=settings.documents == "trusted")
        self.watch = watch
        self.guard = guard
        self.cors = Cors(settings.origins)
        vary = "Accept, Accept-Encoding, Authorization" + (", Origin" if self.cors.varies else "")
        self._vary = (b"vary", vary.encode())
        # What was asked before in the same bytes need not be read again.
        self._known: Remembered[bytes, Asked] = Remembered(4_000, 8_000_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else new_request_id()
        journey = self.watch.begin(request_id, headers)
        try:
            if scope["method"] == "OPTIONS":
                reply = _Reply(204, self.cors.preflight(headers), b"")
                journey.status = 204
            else:
                reply = await self._replied(scope, headers, receive, journey)
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            body = b"" if scope["method"] == "HEAD" else reply.body
            await send({"type": "http.response.body", "body": body})
        finally:
            self.watch.end(journey)

    async def _replied(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, journey: Journey
    ) -> _Reply:
        legacy = False
        visit = self.guard.visit(scope)
        try:
            legacy = request.is_legacy(headers.get(b"accept", b"")[:1_000])
            await visit.admit()
            answered = await self._answered(scope, headers, receive, journey, visit)
        except Refused as refusal:
            answered = refused(refusal, journey.request_id)
        finally:
            visit.leave()
        status = answered.status
        if legacy and status < 500 and not _TRANSPORT.intersection(answered.codes):
            status = 200
        said = [(b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE), self._vary, _NOSNIFF]
        if b"origin" in headers:
            said += self.cors.headers(headers)
        body, entry = answered.body, answered.entry
        packing = (
            coding.chosen(headers.get(b"accept-encoding", b"")[:1_000]) if len(body) >= coding.LEAST else None
        )
        if entry is None:
            said.append(_NO_STORE)
            if status == 405:
                said.append((b"allow", METHODS))
            elif answered.retry_after:
                said.append((b"retry-after", b"%d" % answered.retry_after))
            said += visit.headers()
        elif scope["method"] != "POST":
            now = self.answers.now()
            left = self.answers.seconds_left(now)
            known = b"authorization" in headers
            control = caching.cache_control(entry, int(now.timestamp()), left, known=known)
            said += [
                (b"cache-control", control),
                (b"etag", caching.entity_tag(entry, packing, legacy=legacy)),
            ]
            said += caching.cache_tags(entry)
            if caching.not_modified(headers.get(b"if-none-match", b""), entry):
                del said[0]
                return self._finished(_Reply(304, said, b""), journey, answered)
        if packing:
            body = await self._packed(answered, packing)
            said.append((b"content-encoding", packing.encode()))
        said.append((b"content-length", b"%d" % len(body)))
        return self._finished(_Reply(status, said, body), journey, answered)

    def _finished(self, reply: _Reply, journey: Journey, answered: Answered) -> _Reply:
        journey.status, journey.codes, journey.bytes = reply.status, answered.codes, len(reply.body)
        reply.headers.append((b"x-request-id", journey.request_id.encode()))
        reply.headers.append((b"server-timing", server_timing(journey)))
        return reply

    async def _packed(self, answered: Answered, packing: str) -> bytes:
        entry = answered.entry
        if entry is None:
            return await coding.packed(answered.body, packing)
        body = entry.packed.get(packing)
        if body is None:
            body = entry.packed[packing] = await coding.packed(entry.body, packing)
            self.answers.grown(entry)
        return body

    # Requests

    async def _answered(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, journey: Journey, visit: Visit
    ) -> Answered:
        method = scope["method"]
        if method == "POST":
            request.check_type(
                headers.get(b"content-type", b"")[:200], headers.get(b"content-encoding", b"")[:200]
            )
            said = await self._body(headers, receive)
        elif method in ("GET", "HEAD"):
            said = b"?" + scope["query_string"]
        else:
            raise Refused(
                "METHOD_NOT_ALLOWED", f"{method} is not served here.", "Send the operation by POST."
            )
        asked = self._known.get(said)
        if asked is not None:
            return await self.answers.answer(asked, journey, visit.spend)
        read_only = method != "POST"
        given = request.from_address(said[1:]) if read_only else request.from_body(said)
        asked = await self._asked(given, read_only=read_only)
        answered = await self._given(given, asked, journey, visit)
        if asked.ready is not None and len(said) <= _REMEMBERED and self._may_be_remembered(given):
            self._known.put(said, asked, 2 * len(said) + len(asked.query))
        return answered

    async def _asked(self, given: Given, *, read_only: bool) -> Asked:
        text = await self.persisted.text(given)
        return Asked(text, given.operation_name, given.variables, given.extensions, read_only)

    async def _given(self, given: Given, asked: Asked, journey: Journey, visit: Visit) -> Answered:
        answered = await self.answers.answer(asked, journey, visit.spend)
        self.persisted.answered(given, journey.cost, valid=asked.ready is not None)
        return answered

    def _may_be_remembered(self, given: Given) -> bool:
        """Not what rests on a list of trusted documents, which may change."""
        return given.document_id is None and not self.persisted.only_trusted

    async def over_socket(self, payload: Mapping[str, Any], scope: Scope) -> Answered:
        """The same for an operation that came through a WebSocket. Never raises but when it is cancelled."""
        journey = self.watch.begin(new_request_id(), dict(scope["headers"]))
        visit = self.guard.visit(scope)
        try:
            try:
                await visit.admit()
                given = request.checked(payload)
                asked = await self._asked(given, read_only=False)
                answered = await self._given(given, asked, journey, visit)
            except Refused as refusal:
                answered = refused(refusal, journey.request_id)
            journey.status, journey.codes, journey.bytes = answered.status, answered.codes, len(answered.body)
            return answered
        finally:
            visit.leave()
            self.watch.end(journey)

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

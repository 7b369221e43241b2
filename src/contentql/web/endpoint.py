"""GraphQL over HTTP: a request in, a GraphQL JSON body out, whatever was sent.

A bare ASGI endpoint, because a framework's layers would cost more than the answer. Knows HTTP and
`answer.py`; knows no SQL and no schema.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Mapping
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send

from contentql.auth.authenticator import Callers
from contentql.auth.viewer import ANYBODY, Caller
from contentql.cache.entry import Entry
from contentql.errors import Refused
from contentql.execution.executor import Answered, Answers, Asked, new_request_id, refused
from contentql.lru import Remembered
from contentql.server.response_writer import WHOLE
from contentql.settings import Settings
from contentql.store.trusted_documents import Documents
from contentql.telemetry.observer import Watch
from contentql.telemetry.trace import Journey, server_timing
from contentql.timeouts import Begun, begin, within
from contentql.web import compression, http_cache, requests
from contentql.web.admission import Guard, Visit
from contentql.web.cors import METHODS, Cors
from contentql.web.headers import Head, head
from contentql.web.persisted_queries import Persisted
from contentql.web.requests import Given

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
_DATA = (200, 294)
_WHO = (401, 403)  # said to old clients too: they ask whoever uses them to sign in again
_VARIANTS = 8  # of the headers of one answer
_OWN = b"x-request-id: %b\r\nserver-timing: %b\r\n"
_NOTHING: Mapping[str, Any] = {}
_NO_STORE = (b"cache-control", b"no-store")
_PRIVATE = (b"cache-control", b"private, no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class _Said:
    """What is said of one answer in one form; with its lifetime, which is another every second."""

    __slots__ = ("head", "kept", "second", "unchanged")

    def __init__(self, head: Head) -> None:
        self.head = self.kept = self.unchanged = head
        self.second = -1

    def tell(self, second: int, control: bytes) -> None:
        pairs = [*self.head.pairs, (b"cache-control", control)]
        self.kept = head(pairs)
        self.unchanged = head(pair for pair in pairs if not pair[0].startswith(b"content-"))
        self.second = second


def _packing(headers: Mapping[bytes, bytes], body: bytes) -> str | None:
    if b"accept-encoding" not in headers or len(body) < compression.LEAST:
        return None
    return compression.chosen(headers[b"accept-encoding"][:1_000])


def _introduces(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request says who asks, or what only somebody may ask: then nothing is kept of its answer,
    and nothing that was kept is its answer."""
    return b"authorization" in headers or b"x-preview-at" in headers


def _said(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


def _check_type(headers: Mapping[bytes, bytes]) -> None:
    """Raises Refused for a body of another type than ours."""
    requests.check_type(headers.get(b"content-type", b"")[:200], headers.get(b"content-encoding", b"")[:200])


class GraphQL:
    """The ASGI endpoint of /graphql."""

    def __init__(
        self,
        answers: Answers,
        settings: Settings,
        *,
        callers: Callers,
        documents: Documents,
        watch: Watch,
        guard: Guard,
        body_seconds: float = 20.0,
    ) -> None:
        """`body_seconds`: how long a client may take to send a body."""
        self.answers = answers
        self.callers = callers
        self.max_body = settings.max_body_bytes
        self.body_seconds = body_seconds
        self.persisted = Persisted(documents, only_trusted=settings.documents == "trusted")
        self.watch = watch
        self.guard = guard
        self.cors = Cors(settings.origins)
        vary = "Accept, Accept-Encoding, Authorization" + (", Origin" if self.cors.varies else "")
        self._vary = (b"vary", vary.encode())
        # What most answers that are not kept begin with.
        self._unkept = {
            legacy: head([(b"content-type", kind), self._vary, _NOSNIFF, _NO_STORE])
            for legacy, kind in ((False, RESPONSE_TYPE), (True, LEGACY_TYPE))
        }
        # What was asked before in the same bytes need not be read again.
        self._known: dict[bool, Remembered[bytes, Asked]] = {
            read_only: Remembered(4_000, 8_000_000) for read_only in (False, True)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        known = given is not None and _REQUEST_ID.fullmatch(given)
        journey = self.watch.begin(given.decode() if given and known else new_request_id(), headers)
        try:
            said, body = await self._replied(scope, headers, receive, journey)
            if scope["method"] == "HEAD":
                body = b""
            own = journey.request_id.encode(), server_timing(journey)
            whole = scope.get("extensions", _NOTHING).get(WHOLE)
            if whole is None or not whole(journey.status, said.raw + _OWN % own, body):
                pairs = [*said.pairs, (b"x-request-id", own[0]), (b"server-timing", own[1])]
                await send({"type": "http.response.start", "status": journey.status, "headers": pairs})
                await send({"type": "http.response.body", "body": body})
        finally:
            self.watch.end(journey)

    def at_once(self, scope: Scope, sent: bytes) -> tuple[int, bytes, bytes] | None:
        """Status, headers and body for what was asked and answered before in just this way.

        None for all else, which takes the ordinary way: a server that knows of this one asks here first,
        and an answer from memory costs no task. `sent` is the whole body.
        """
        method = scope["method"]
        read_only = method != "POST"
        asked = self._known[read_only].get(scope["query_string"] if read_only else sent)
        entry = self.answers.held(asked) if asked else None
        if asked is None or entry is None or method not in ("POST", "GET") or self.guard.client(scope):
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _introduces(headers):
            return None
        try:
            legacy = requests.is_legacy(headers.get(b"accept", b"")[:1_000])
            if not read_only:
                _check_type(headers)
        except Refused:
            return None
        formed = self._formed(entry, headers, by_get=read_only, legacy=legacy)
        if formed is None or b"x-request-id" in headers:
            return None
        status, said, body = formed
        journey = self.watch.begin(new_request_id(), headers)
        self.answers.told(asked, entry, journey)
        journey.status, journey.bytes = status, len(body)
        own = _OWN % (journey.request_id.encode(), server_timing(journey))
        self.watch.end(journey)
        return status, said.raw + own, body

    async def _replied(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, journey: Journey
    ) -> tuple[Head, bytes]:
        """Headers and body; the journey knows the status."""
        method = scope["method"]
        if method == "OPTIONS":
            journey.status = 204
            return head([*self.cors.preflight(headers), (b"content-length", b"0")]), b""
        legacy, caller = False, None
        visit = self.guard.visit(scope)
        try:
            legacy = requests.is_legacy(headers.get(b"accept", b"")[:1_000])
            if _introduces(headers):
                caller, visit = await self._come_in(scope, headers, journey, visit)
            if visit.counts:
                await visit.admit()
            if method == "POST":
                _check_type(headers)
                sent = await self._body(headers, receive)
            elif method in ("GET", "HEAD"):
                sent = scope["query_string"]
            else:
                raise Refused(
                    "METHOD_NOT_ALLOWED", f"{method} is not served here.", "Send the operation by POST."
                )
            asked = self._known[method != "POST"].get(sent) if caller is None else None
            entry = self.answers.remembered(asked, journey) if asked else None
            if entry is None:
                answered = await self._answered(
                    sent, asked, journey, visit, caller, read_only=method != "POST"
                )
                entry = answered.entry if caller is None else None
        except Refused as refusal:
            answered, entry = refused(refusal, journey.request_id), None
        finally:
            visit.leave()
        if entry is not None:
            by_get = method != "POST"
            said, body = await self._cacheable(entry, headers, journey, by_get=by_get, legacy=legacy)
            if visit.counts and not by_get:  # nobody else's answer: it may tell what this client has left
                said = head([*said.pairs, *visit.headers()])
            return said, body
        control = _NO_STORE if caller is None else _PRIVATE
        return await self._uncached(answered, headers, journey, visit, control, legacy=legacy)

    async def _come_in(
        self, scope: Scope, headers: Mapping[bytes, bytes], journey: Journey, visit: Visit
    ) -> tuple[Caller, Visit]:
        """Who asks, and from now on the visit of their account. What is refused counts for the address."""
        address = self.guard.address(scope)
        try:
            viewer = await self.callers.viewer(
                _said(headers, b"authorization"), _said(headers, b"x-preview-at"), address
            )
        except Refused:
            await visit.admit()
            raise
        client = f"{journey.client_name} {journey.client_version}".strip()
        return Caller(viewer, address, client or None), self.guard.visit(scope, viewer.account)

    async def _uncached(
        self,
        answered: Answered,
        headers: Mapping[bytes, bytes],
        journey: Journey,
        visit: Visit,
        control: tuple[bytes, bytes],
        *,
        legacy: bool,
    ) -> tuple[Head, bytes]:
        """A refusal, or an answer that is nobody's to keep."""
        status, body = answered.status, answered.body
        if legacy and status < 500 and status not in _WHO and not _TRANSPORT.intersection(answered.codes):
            status = 200
        packing = _packing(headers, body)
        if packing:
            body = await compression.packed(body, packing)
        journey.status, journey.codes, journey.bytes = status, answered.codes, len(body)
        plainly = not packing and not visit.counts and b"origin" not in headers
        if status == 200 and plainly and control is _NO_STORE:
            plain, length = self._unkept[legacy], b"%d" % len(body)
            pairs = (*plain.pairs, (b"content-length", length))
            return Head(pairs, b"%bcontent-length: %b\r\n" % (plain.raw, length)), body
        said = [*self._described(headers, len(body), packing, legacy=legacy), control]
        if status == 405:
            said.append((b"allow", METHODS))
        elif status == 401:
            said.append((b"www-authenticate", b"Bearer"))
        elif answered.retry_after:
            said.append((b"retry-after", b"%d" % answered.retry_after))
        return head([*said, *visit.headers()]), body

    async def _cacheable(
        self, entry: Entry, headers: Mapping[bytes, bytes], journey: Journey, *, by_get: bool, legacy: bool
    ) -> tuple[Head, bytes]:
        """An answer that may be kept, here and elsewhere."""
        packing = _packing(headers, entry.body)
        if packing and packing not in entry.packed:
            entry.packed[packing] = await compression.packed(entry.body, packing)
            self.answers.grown(entry)
        formed = self._formed(entry, headers, by_get=by_get, legacy=legacy)
        assert formed is not None, "it is packed"
        journey.status, said, body = formed
        journey.bytes = len(body)
        return said, body

    def _formed(
        self, entry: Entry, headers: Mapping[bytes, bytes], *, by_get: bool, legacy: bool
    ) -> tuple[int, Head, bytes] | None:
        """Status, headers and body. What is said of an answer is worked out once for each form of it.

        None where the body is not packed yet in the coding that is wanted.
        """
        body = entry.body
        packing = _packing(headers, body)
        if packing:
            if packing not in entry.packed:
                return None
            body = entry.packed[packing]
        variant = (legacy, packing, by_get, self.cors.told(headers))
        said: _Said | None = entry.notes.get(variant)
        if said is None:
            pairs = self._described(headers, len(body), packing, legacy=legacy)
            if by_get:
                pairs.append((b"etag", http_cache.entity_tag(entry, packing, legacy=legacy)))
                pairs += http_cache.cache_tags(entry)
            said = _Said(head(pairs))
            if len(entry.notes) < _VARIANTS:
                entry.notes[variant] = said
        if not by_get:
            return 200, said.head, body
        now = self.answers.now()
        second = int(now.timestamp())
        if said.second != second:
            left = self.answers.seconds_left(now)
            said.tell(second, http_cache.cache_control(entry, second, left))
        if b"if-none-match" in headers and http_cache.not_modified(headers[b"if-none-match"], entry):
            return 304, said.unchanged, b""
        return 200, said.kept, body

    def _described(
        self, headers: Mapping[bytes, bytes], length: int, packing: str | None, *, legacy: bool
    ) -> list[tuple[bytes, bytes]]:
        pairs = [(b"content-type", LEGACY_TYPE if legacy else RESPONSE_TYPE), self._vary, _NOSNIFF]
        pairs += self.cors.headers(headers)
        if packing:
            pairs.append((b"content-encoding", packing.encode()))
        return [*pairs, (b"content-length", b"%d" % length)]

    # Requests

    async def _answered(
        self,
        sent: bytes,
        asked: Asked | None,
        journey: Journey,
        visit: Visit,
        caller: Caller | None,
        *,
        read_only: bool,
    ) -> Answered:
        if asked is not None:
            return await self.answers.answer(asked, journey, visit.spend)
        given = requests.from_address(sent) if read_only else requests.from_body(sent)
        asked, trusted = await self._asked(given, read_only=read_only)
        answered = await self._given(given, asked, trusted, journey, visit, caller)
        # What rests on the list of trusted documents is looked up each time: that list may change. And what
        # is ready to be asked again is so for the public alone.
        shared = caller is None and trusted is None and asked.ready is not None
        if shared and len(sent) <= _REMEMBERED:
            self._known[read_only].put(sent, asked, 2 * len(sent) + len(asked.query))
        return answered

    async def _asked(self, given: Given, *, read_only: bool) -> tuple[Asked, str | None]:
        """What is asked and, if its document is a trusted one, by which name that was found."""
        text, trusted = await self.persisted.text(given)
        return Asked(text, given.operation_name, given.variables, given.extensions, read_only), trusted

    async def _given(
        self,
        given: Given,
        asked: Asked,
        trusted: str | None,
        journey: Journey,
        visit: Visit,
        caller: Caller | None,
    ) -> Answered:
        answered = await self.answers.answer(asked, journey, visit.spend, caller or ANYBODY)
        valid = asked.ready is not None or answered.status in _DATA
        self.persisted.answered(given, trusted, journey.cost, valid=valid)
        return answered

    async def over_socket(self, payload: Mapping[str, Any], scope: Scope) -> Answered:
        """The same for an operation that came through a WebSocket. Never raises but when it is cancelled."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        journey, caller = self.watch.begin(new_request_id(), headers), None
        visit = self.guard.visit(scope)
        try:
            try:
                if _introduces(headers):  # each time: a token may be taken away while a socket is open
                    caller, visit = await self._come_in(scope, headers, journey, visit)
                await visit.admit()
                given = requests.checked(payload)
                asked, trusted = await self._asked(given, read_only=False)
                answered = await self._given(given, asked, trusted, journey, visit, caller)
            except Refused as refusal:
                answered = refused(refusal, journey.request_id)
            journey.status, journey.codes, journey.bytes = answered.status, answered.codes, len(answered.body)
            return answered
        finally:
            visit.leave()
            self.watch.end(journey)

    async def greet(self, scope: Scope) -> None:
        """Hears who opens a socket. Raises Refused as `Callers.viewer` does."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if _introduces(headers):
            authorization, preview_at = _said(headers, b"authorization"), _said(headers, b"x-preview-at")
            await self.callers.viewer(authorization, preview_at, self.guard.address(scope))

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > self.max_body:
            raise self._too_large()
        # As a rule it is there, and needs no timer.
        first = begin(cast("Coroutine[Any, Any, Message]", receive()))
        if not isinstance(first, Begun) and first["type"] == "http.request" and not first.get("more_body"):
            body: bytes = first.get("body", b"")
        else:
            try:
                body = await within(self.body_seconds, self._received(first, receive))
            except TimeoutError:
                raise Refused("BAD_REQUEST", "The request body did not arrive in time.") from None
        if len(body) > self.max_body:
            raise self._too_large()
        return body

    async def _received(self, first: Message | Begun, receive: Receive) -> bytes:
        message: Message = await first if isinstance(first, Begun) else first
        parts, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise Refused("BAD_REQUEST", "The client went away.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.max_body:
                raise self._too_large()
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()

    def _too_large(self) -> Refused:
        return Refused(
            "PAYLOAD_TOO_LARGE", f"The request body may have {self.max_body:,} bytes.", limit=self.max_body
        )

"""GraphQL over WebSocket: the graphql-transport-ws protocol.

A bare ASGI endpoint. A connection is one task, made by the server; each running operation is another.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import Message, Receive, Scope, Send

from contentql.errors import ApiError, LimitError
from contentql.execution.errors import error_response
from contentql.execution.request import GraphQLResponse
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import SHUTDOWN_CODE
from contentql.telemetry.request_id import new_request_id
from contentql.web.endpoint import RESPONSE_TYPE
from contentql.web.request_headers import HostPolicy, combine_headers
from contentql.web.requests import find_half_pair

log = logging.getLogger("contentql")

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


@dataclass(frozen=True)
class WebSocketLimits:
    """Limits of one connection: numbers, sizes and seconds."""

    init_seconds: float = 5.0
    operations: int = 100  # at once, those whose answers wait to be read among them
    concurrent_operations: int = 10  # of these, how many are carried out at a time, or hold an answer
    asked_characters: int = 4_194_304  # of all operations at once
    messages_a_second: float = 20.0
    burst: int = 40
    max_unsent: int = 256  # outgoing messages that wait for a slow reader
    leaving_seconds: float = 10.0  # that running operations get when the server stops
    id_characters: int = 128


# Executes the payload of one `subscribe` message of the connection with this scope; never raises. Its
# parts have the right types, and it has a document or the id of one.
ExecuteOperation = Callable[[Mapping[str, Any], Scope], Awaitable[GraphQLResponse]]

# Authenticates the client that opens a connection, by the headers of its scope. Raises ApiError.
AuthenticateConnection = Callable[[Scope], Awaitable[None]]

# What a page cannot say by headers, because browsers send none of its own with a socket.
_CREDENTIAL_HEADERS = ("authorization", "x-preview-at")


async def _greet_anybody(scope: Scope) -> None:
    return None


class WebSocketEndpoint:
    """The ASGI endpoint of /graphql for WebSockets."""

    def __init__(
        self,
        answer: ExecuteOperation,
        *,
        greet: AuthenticateConnection = _greet_anybody,
        origins: Collection[str] = ("*",),
        hosts: HostPolicy | None = None,
        addresses: ClientAddressResolver | None = None,
        max_sockets: int = 100,
        limits: WebSocketLimits | None = None,
    ) -> None:
        """`origins`: sites whose pages may connect, `*` for all; `hosts`: host names that a handshake may
        name; `max_sockets`: connections from one address."""
        self.answer = answer
        self.greet = greet
        self.peers = addresses or ClientAddressResolver()
        self.hosts = hosts or HostPolicy()
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self.max_sockets = max_sockets
        self.bounds = limits or WebSocketLimits()
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect, always
        address = self.peers.resolve(scope).name
        try:
            self._check(scope, address)
        except ApiError as refusal:
            await _refuse(send, refusal)
            return
        self._open[address] += 1
        try:
            await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
            await _Connection(self.answer, self.greet, scope, self.bounds, receive, send).run()
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _check(self, scope: Scope, address: str) -> None:
        headers = combine_headers(scope["headers"])
        self.hosts.check(headers)
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        # What is not a browser sends no Origin; our own page is at home, whatever other sites may connect.
        at_home = origin.partition("://")[2] == headers.get(b"host", b"").decode("latin-1").lower()
        if origin and not at_home and self.origins.isdisjoint(("*", origin)):
            raise ApiError("ORIGIN_NOT_ALLOWED", "Pages of this origin may not connect.")
        if PROTOCOL not in scope["subprotocols"]:
            raise ApiError(
                "BAD_REQUEST",
                f"Only the sub-protocol {PROTOCOL} is spoken here.",
                "Use a client of the graphql-ws library's protocol; the older `graphql-ws` is not served.",
            )
        if self._open[address] >= self.max_sockets:
            raise LimitError(
                "TOO_MANY_CONNECTIONS",
                f"{self.max_sockets:,} sockets are open from this address, as many as may be.",
                "Send several operations through one socket.",
                limit=self.max_sockets,
            )


class _CloseConnection(Exception):
    """Closes the connection with a code and a reason; without a code if the client has left."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _Connection:
    """One connection from its first message to its last."""

    # There may be thousands, most of them silent.
    __slots__ = (
        "_acknowledged",
        "_allowed",
        "_answer",
        "_asked_characters",
        "_counted",
        "_greet",
        "_limits",
        "_receive",
        "_running",
        "_scope",
        "_send",
        "_tasks",
        "_turns",
    )  # fmt: skip

    def __init__(
        self,
        answer: ExecuteOperation,
        greet: AuthenticateConnection,
        scope: Scope,
        limits: WebSocketLimits,
        receive: Receive,
        send: Send,
    ) -> None:
        self._answer = answer
        self._greet = greet
        self._scope = scope
        self._limits = limits
        self._receive = receive
        self._send = send
        self._acknowledged = False
        self._running: dict[str, asyncio.Task[None]] = {}  # operations by their id
        self._tasks: set[asyncio.Task[None]] = set()  # these, what is being cancelled, and pongs
        self._turns = asyncio.Semaphore(limits.concurrent_operations)
        self._asked_characters = 0
        self._allowed = float(limits.burst)
        self._counted = time.monotonic()

    async def run(self) -> None:
        """Handle messages until one side closes the connection."""
        try:
            await self._until_acknowledged()
            while True:
                await self._handle_message(await self._receive())
        except _CloseConnection as over:
            await self._leave(over)
        except Exception:
            log.exception("a socket failed")
            await self._leave(_CloseConnection(INTERNAL_ERROR, "Something went wrong on our side"))

    async def _until_acknowledged(self) -> None:
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                while not self._acknowledged:
                    await self._handle_message(await self._receive())
        except TimeoutError:
            raise _CloseConnection(
                CONNECTION_INIT_TIMEOUT,
                f"Connection initialisation timeout: {self._limits.init_seconds:g} s",
            ) from None

    async def _leave(self, over: _CloseConnection) -> None:
        for task in self._tasks:
            task.cancel()
        if over.code is not None:
            # The frame has room for 123 bytes.
            reason = over.reason.encode()[:123].decode(errors="ignore")
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": over.code, "reason": reason})
        # No operation reads any more when the database is closed after this.
        if self._tasks:
            await asyncio.wait(self._tasks)

    # What comes in

    async def _handle_message(self, event: Message) -> None:
        if event["type"] == "websocket.disconnect":
            if event["code"] != SHUTDOWN_CODE:
                raise _CloseConnection()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._limits.leaving_seconds)
            raise _CloseConnection(GOING_AWAY, "The server is stopping")
        self._count()
        message = _read(event)
        kind = message.get("type")
        if kind == "subscribe":
            self._subscribe(message, len(event["text"]))
        elif kind == "complete":
            running = self._running.pop(self._id(message), None)
            if running is not None:  # the two sides may complete at the same time
                running.cancel()
        elif kind == "connection_init":
            await self._initialise(message)
        elif kind == "ping":
            # Not waited for: the client is listened to while it does not read.
            self._start(self._write(_with_payload(b"pong", _object(message, "payload"))))
        elif kind == "pong":
            _object(message, "payload")
        else:
            raise _CloseConnection(INVALID_MESSAGE, "Unknown type of message")

    def _count(self) -> None:
        now = time.monotonic()
        gained = (now - self._counted) * self._limits.messages_a_second
        self._counted = now
        self._allowed = min(self._limits.burst, self._allowed + gained) - 1
        if self._allowed < 0:
            raise _CloseConnection(
                TOO_MANY_REQUESTS, f"More than {self._limits.messages_a_second:g} messages a second"
            )

    async def _initialise(self, message: Mapping[str, Any]) -> None:
        payload = _object(message, "payload")
        if self._acknowledged:
            raise _CloseConnection(TOO_MANY_REQUESTS, "Too many initialisation requests")
        self._scope = _with_connection_params(self._scope, payload or {})
        try:
            await self._greet(self._scope)
        except ApiError as refusal:
            raise _close_for(refusal) from None
        self._acknowledged = True
        await self._write(b'{"type":"connection_ack"}')

    def _subscribe(self, message: Mapping[str, Any], size: int) -> None:
        name = self._id(message)
        payload = _payload(message)
        if not self._acknowledged:
            raise _CloseConnection(UNAUTHORIZED, "Unauthorized")
        if name in self._running:
            raise _CloseConnection(SUBSCRIBER_ALREADY_EXISTS, f"Subscriber for {name} already exists")
        if len(self._running) >= self._limits.operations:
            raise _CloseConnection(
                TOO_MANY_REQUESTS, f"More than {self._limits.operations} operations at once"
            )
        if self._asked_characters + size > self._limits.asked_characters:
            raise _CloseConnection(
                TOO_MANY_REQUESTS,
                f"More than {self._limits.asked_characters:,} characters of operations at once",
            )
        self._asked_characters += size
        task = self._start(self._run_operation(name, payload))
        self._running[name] = task
        task.add_done_callback(lambda task: self._done(name, size, task))

    def _id(self, message: Mapping[str, Any]) -> str:
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= self._limits.id_characters:
            raise _CloseConnection(
                INVALID_MESSAGE, f"`id` must be a text of 1 to {self._limits.id_characters} characters"
            )
        return name

    # What goes out

    async def _run_operation(self, name: str, payload: Mapping[str, Any]) -> None:
        # A turn is over when its answer is written: who does not read does not make us keep more answers.
        async with self._turns:
            if await self._send_result(name, await self._answer(payload, self._scope)):
                await self._write(b'{"id":%b,"type":"complete"}' % orjson.dumps(name))

    async def _send_result(self, name: str, response: GraphQLResponse) -> bool:
        """Send one result of an operation; False if it ended the operation with an error."""
        if response.body.startswith(b'{"data":'):
            await self._write(b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(name), response.body))
            return True
        errors = orjson.loads(response.body)["errors"]
        await self._write(orjson.dumps({"id": name, "type": "error", "payload": errors}))
        return False

    async def _write(self, message: bytes) -> None:
        # Always a text frame: clients take no other. Who left meanwhile is heard of by `receive`.
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.send", "text": message.decode()})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if len(self._tasks) >= self._limits.max_unsent:
            work.close()
            raise _CloseConnection(
                POLICY_VIOLATION, f"More than {self._limits.max_unsent} messages wait to be read"
            )
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _done(self, name: str, size: int, task: asyncio.Task[None]) -> None:
        self._asked_characters -= size
        if self._running.get(name) is task:  # the id may have been completed, and taken anew
            del self._running[name]


def _read(event: Message) -> Mapping[str, Any]:
    text = event.get("text")
    if text is None:
        raise _CloseConnection(INVALID_MESSAGE, "Only text frames are taken")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        half = find_half_pair(text.encode("utf-8", "surrogatepass"))
        problem = "The message has half of a surrogate pair" if half else "The message is not JSON"
        raise _CloseConnection(INVALID_MESSAGE, problem) from None
    if not isinstance(message, dict):
        raise _CloseConnection(INVALID_MESSAGE, "The message is not an object")
    return message


def _object(message: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    text = message.get(name)
    if text is not None and not isinstance(text, dict):
        raise _CloseConnection(INVALID_MESSAGE, f"`{name}` must be an object")
    return text


def _with_connection_params(scope: Scope, payload: Mapping[str, Any]) -> Scope:
    """The scope with the credentials of `payload` as headers, in place of those of the handshake."""
    fields = [(name.lower(), value) for name, value in payload.items() if value is not None]
    fields = [(name, value) for name, value in fields if name in _CREDENTIAL_HEADERS]
    arguments = {name.encode(): value for name, value in fields}
    if not arguments:
        return scope
    if len(arguments) < len(fields):
        raise _CloseConnection(INVALID_MESSAGE, "`authorization` and `x-preview-at` must be sent once each")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise _CloseConnection(INVALID_MESSAGE, "`authorization` and `x-preview-at` must be texts")
    stored = [pair for pair in scope["headers"] if pair[0] not in arguments]
    messages = [(name, value.strip().encode("utf-8", "replace")) for name, value in arguments.items()]
    return {**scope, "headers": [*stored, *messages]}


def _close_for(refusal: ApiError) -> _CloseConnection:
    if refusal.status in (401, 403):
        return _CloseConnection(FORBIDDEN, "Forbidden")
    if refusal.status == 429:
        return _CloseConnection(TOO_MANY_REQUESTS, refusal.message)
    return _CloseConnection(INVALID_MESSAGE if refusal.status < 500 else TRY_AGAIN_LATER, refusal.message)


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = _object(message, "payload") or {}
    for name in ("query", "operationName"):
        if not isinstance(payload.get(name, ""), str | None):
            raise _CloseConnection(INVALID_MESSAGE, f"`{name}` must be a text")
    _object(payload, "variables")
    extensions = _object(payload, "extensions") or {}
    # The protocol knows texts only; a document's name in place of it is what HTTP takes too.
    if payload.get("query") is None and "documentId" not in payload and "persistedQuery" not in extensions:
        raise _CloseConnection(INVALID_MESSAGE, "There is no `query`")
    return payload


def _with_payload(kind: bytes, payload: Mapping[str, Any] | None) -> bytes:
    if payload is None:
        return b'{"type":"%b"}' % kind
    return b'{"type":"%b","payload":%b}' % (kind, orjson.dumps(payload))


async def _refuse(send: Send, refusal: ApiError) -> None:
    """Send an HTTP response instead of accepting the WebSocket."""
    request_id = new_request_id()
    response = error_response(refusal, request_id)
    headers = [(b"content-type", RESPONSE_TYPE), (b"x-request-id", request_id.encode())]
    if response.status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})

"""One graphql-transport-ws connection: its messages, operations and subscriptions.

A connection is one task, made by the server; each operation that is being executed is another. An open
subscription has none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from contentql.auth.authenticator import Credentials
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError
from contentql.events.event import Event
from contentql.events.live_queries import Subscriber
from contentql.execution.request import GraphQLResponse
from contentql.server.extensions import SHUTDOWN_CODE
from contentql.web.operations import OpenSubscription
from contentql.web.send_queue import SendQueue
from contentql.web.streams import PERMISSIONS_CHANGED, SLOW_READER, OpenStreams
from contentql.web.websocket_messages import (
    CONNECTION_INIT_TIMEOUT,
    FORBIDDEN,
    GOING_AWAY,
    INTERNAL_ERROR,
    INVALID_MESSAGE,
    POLICY_VIOLATION,
    SUBSCRIBER_ALREADY_EXISTS,
    TOO_MANY_REQUESTS,
    TRY_AGAIN_LATER,
    UNAUTHORIZED,
    CloseConnection,
    close_for,
    object_of,
    payload_of,
    read_message,
    with_connection_params,
    with_payload,
)

log = logging.getLogger("contentql")


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
# parts have the right types, and it has a document or the id of one. The events of a subscription after the
# first go to the subscriber.
ExecuteOperation = Callable[
    [Mapping[str, Any], Scope, Subscriber], Awaitable[GraphQLResponse | OpenSubscription]
]

# Authenticates the client that opens a connection, by the headers of its scope. Raises ApiError.
AuthenticateConnection = Callable[[Scope], Awaitable[None]]


class WebSocketConnection:
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
        "_streams",
        "_subscriptions",
        "_tasks",
        "_turns",
        "credentials",
        "send_queue",
        "viewer",
    )  # fmt: skip

    def __init__(
        self,
        answer: ExecuteOperation,
        greet: AuthenticateConnection,
        scope: Scope,
        limits: WebSocketLimits,
        receive: Receive,
        send: Send,
        streams: OpenStreams | None,
    ) -> None:
        self._answer = answer
        self._greet = greet
        self._scope = scope
        self._limits = limits
        self._receive = receive
        self._send = send
        self._acknowledged = False
        self._running: dict[str, asyncio.Task[None]] = {}  # operations by their id
        self._subscriptions: dict[str, _Subscription] = {}  # by their id
        self._tasks: set[asyncio.Task[None]] = set()  # these, what is being cancelled, and pongs
        self._streams = streams
        self.send_queue = SendQueue(send)
        self.credentials: Credentials | None = None  # of the subscriptions
        self.viewer: Viewer | None = None
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
        except CloseConnection as over:
            await self._leave(over)
        except Exception:
            log.exception("a socket failed")
            await self._leave(CloseConnection(INTERNAL_ERROR, "Something went wrong on our side"))

    async def _until_acknowledged(self) -> None:
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                while not self._acknowledged:
                    await self._handle_message(await self._receive())
        except TimeoutError:
            raise CloseConnection(
                CONNECTION_INIT_TIMEOUT,
                f"Connection initialisation timeout: {self._limits.init_seconds:g} s",
            ) from None

    async def _leave(self, over: CloseConnection) -> None:
        for task in self._tasks:
            task.cancel()
        for subscription in tuple(self._subscriptions.values()):
            self.close_subscription(subscription)
        await self._close(over)
        # No operation reads any more when the database is closed after this.
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.send_queue.close()

    async def _close(self, over: CloseConnection) -> None:
        if over.code is not None:
            # The frame has room for 123 bytes.
            reason = over.reason.encode()[:123].decode(errors="ignore")
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": over.code, "reason": reason})

    # What comes in

    async def _handle_message(self, event: Message) -> None:
        if event["type"] == "websocket.disconnect":
            if event["code"] != SHUTDOWN_CODE:
                raise CloseConnection()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._limits.leaving_seconds)
            raise CloseConnection(GOING_AWAY, "The server is stopping")
        self._count()
        message = read_message(event)
        kind = message.get("type")
        if kind == "subscribe":
            self._subscribe(message, len(event["text"]))
        elif kind == "complete":
            name = self._id(message)
            running, subscription = self._running.pop(name, None), self._subscriptions.get(name)
            if running is not None:  # the two sides may complete at the same time
                running.cancel()
            if subscription is not None:
                self.close_subscription(subscription)
        elif kind == "connection_init":
            await self._initialise(message)
        elif kind == "ping":
            # Not waited for: the client is listened to while it does not read.
            self._start(self._write(with_payload(b"pong", object_of(message, "payload"))))
        elif kind == "pong":
            object_of(message, "payload")
        else:
            raise CloseConnection(INVALID_MESSAGE, "Unknown type of message")

    def _count(self) -> None:
        now = time.monotonic()
        gained = (now - self._counted) * self._limits.messages_a_second
        self._counted = now
        self._allowed = min(self._limits.burst, self._allowed + gained) - 1
        if self._allowed < 0:
            raise CloseConnection(
                TOO_MANY_REQUESTS, f"More than {self._limits.messages_a_second:g} messages a second"
            )

    async def _initialise(self, message: Mapping[str, Any]) -> None:
        payload = object_of(message, "payload")
        if self._acknowledged:
            raise CloseConnection(TOO_MANY_REQUESTS, "Too many initialisation requests")
        self._scope = with_connection_params(self._scope, payload or {})
        try:
            await self._greet(self._scope)
        except ApiError as refusal:
            raise close_for(refusal) from None
        self._acknowledged = True
        await self._write(b'{"type":"connection_ack"}')

    def _subscribe(self, message: Mapping[str, Any], size: int) -> None:
        name = self._id(message)
        payload = payload_of(message)
        if not self._acknowledged:
            raise CloseConnection(UNAUTHORIZED, "Unauthorized")
        if name in self._running or name in self._subscriptions:
            raise CloseConnection(SUBSCRIBER_ALREADY_EXISTS, f"Subscriber for {name} already exists")
        if len(self._running) + len(self._subscriptions) >= self._limits.operations:
            raise CloseConnection(
                TOO_MANY_REQUESTS, f"More than {self._limits.operations} operations at once"
            )
        if self._asked_characters + size > self._limits.asked_characters:
            raise CloseConnection(
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
            raise CloseConnection(
                INVALID_MESSAGE, f"`id` must be a text of 1 to {self._limits.id_characters} characters"
            )
        return name

    # What goes out

    async def _run_operation(self, name: str, payload: Mapping[str, Any]) -> None:
        # A turn is over when its answer is written: who does not read does not make us keep more answers.
        async with self._turns:
            subscription = _Subscription(self, name)
            response = await self._answer(payload, self._scope, subscription)
            if not isinstance(response, GraphQLResponse):
                self._open_subscription(subscription, response)
            elif await self._send_result(name, response):
                await self._write(b'{"id":%b,"type":"complete"}' % orjson.dumps(name))

    async def _send_result(self, name: str, response: GraphQLResponse) -> bool:
        """Send one result of an operation; False if it ended the operation with an error."""
        if response.body.startswith(b'{"data":'):
            await self._write(b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(name), response.body))
            return True
        errors = orjson.loads(response.body)["errors"]
        await self._write(orjson.dumps({"id": name, "type": "error", "payload": errors}))
        return False

    # Subscriptions

    def _open_subscription(self, subscription: _Subscription, opened: OpenSubscription) -> None:
        assert self._streams is not None
        viewer = opened.client.actor.viewer if opened.client.actor else None
        subscription.opened = opened
        self._subscriptions[subscription.name] = subscription
        if len(self._subscriptions) == 1:
            self.credentials, self.viewer = opened.client.credentials, viewer
            self._streams.add(self)
        for event in opened.events:
            subscription.receive(event)
        if viewer != self.viewer:
            self.end(PERMISSIONS_CHANGED)

    def close_subscription(self, subscription: _Subscription) -> None:
        """Ends one subscription."""
        assert self._streams is not None
        if self._subscriptions.pop(subscription.name, None) is None:
            return
        subscription.opened.subscription.cancel()
        self._streams.finish_subscription(subscription.opened.trace)
        if not self._subscriptions:
            self._streams.remove(self)

    def send_event(self, subscription: _Subscription, event: Event) -> None:
        assert self._streams is not None
        if self._subscriptions.get(subscription.name) is not subscription:
            return  # it has ended
        text = f'{{"id":{orjson.dumps(subscription.name).decode()},"type":"next","payload":{event.text}}}'
        if self.send_queue.put({"type": "websocket.send", "text": text}, len(text)):
            self._streams.count_event(subscription.opened.trace, len(text))
        else:
            self._streams.drop_slow_reader(self)

    def keep_alive(self) -> None:
        """The server sends pings of its own."""

    def shut_down(self) -> None:
        """The server closes the connection itself, after the operations that are running."""

    def end(self, error: ApiError) -> None:
        """Close the connection, because of its credentials or because it is not read."""
        for subscription in tuple(self._subscriptions.values()):
            subscription.opened.trace.codes = (error.code,)
            self.close_subscription(subscription)
        if error is SLOW_READER:
            over = CloseConnection(TRY_AGAIN_LATER, error.message)
        else:
            code = UNAUTHORIZED if error.status == 401 else FORBIDDEN
            over = CloseConnection(code, error.message)
        # Not by this task, which may be any: `receive` reports to the task of the connection that it is
        # closed.
        task = asyncio.create_task(self._close(over))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, message: bytes) -> None:
        # Always a text frame: clients take no other. Who left meanwhile is heard of by `receive`.
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.send", "text": message.decode()})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if len(self._tasks) >= self._limits.max_unsent:
            work.close()
            raise CloseConnection(
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


class _Subscription:
    """One open subscription of a connection."""

    __slots__ = ("_connection", "name", "opened")

    opened: OpenSubscription

    def __init__(self, connection: WebSocketConnection, name: str) -> None:
        self._connection, self.name = connection, name

    def receive(self, event: Event) -> None:
        self._connection.send_event(self, event)

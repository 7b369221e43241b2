"""GraphQL over server-sent events, in distinct connections mode: one response for each subscription.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import random
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from contentql.auth.authenticator import Credentials
from contentql.auth.viewer import Viewer
from contentql.errors import ApiError, format_error
from contentql.events.event import Event
from contentql.server.extensions import ON_SHUTDOWN_EXTENSION
from contentql.web.headers import Header
from contentql.web.operations import OpenSubscription
from contentql.web.send_queue import SendQueue
from contentql.web.streams import SLOW_READER, OpenStreams

EVENT_STREAM_TYPE: Final = b"text/event-stream; charset=utf-8"
# No proxy may change, compress or collect what is sent: nginx looks at the last of these.
STREAM_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", EVENT_STREAM_TYPE),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_MIN_RETRY, _MAX_RETRY = 1_000, 5_000  # milliseconds; clients of one server do not all come back at once
_COMMENT = b":\n\n"
_COMPLETE = b"event: complete\ndata: \n\n"


def result_frame(body: bytes, event_id: str = "") -> bytes:
    """The frame of an execution result."""
    # Line breaks of JSON are between its tokens, where a space does as well.
    line = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"event: next\n%bdata: %b\n\n" % (b"id: %b\n" % event_id.encode() if event_id else b"", line)


def single_result(body: bytes) -> bytes:
    """The whole stream of an operation with one result."""
    return result_frame(body) + _COMPLETE


class EventStream:
    """The response of one subscription. `run` sends it until one side ends it."""

    __slots__ = (
        "_address",
        "_finished",
        "_headers",
        "_opened",
        "_streams",
        "credentials",
        "send_queue",
        "viewer",
    )

    send_queue: SendQueue

    def __init__(self, streams: OpenStreams, address: str) -> None:
        """Takes a place among the connections of the address, which `run` or `release` gives back. Raises
        TOO_MANY_CONNECTIONS."""
        streams.connections.check(address)
        streams.connections.add(address)
        self._streams, self._address = streams, address
        self._finished = False
        self.credentials: Credentials | None = None
        self.viewer: Viewer | None = None

    def release(self) -> None:
        self._streams.connections.remove(self._address)

    def open(self, opened: OpenSubscription, headers: tuple[Header, ...]) -> None:
        self._opened, self._headers = opened, headers
        self.credentials = opened.client.credentials
        self.viewer = opened.client.actor.viewer if opened.client.actor else None

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until the client leaves or `end` is called."""
        self.send_queue = SendQueue(send)
        extensions: dict[str, Any] = scope.setdefault("extensions", {})
        extensions[ON_SHUTDOWN_EXTENSION] = self.shut_down
        self._streams.add(self)
        try:
            start = {"type": "http.response.start", "status": 200, "headers": list(self._headers)}
            self.send_queue.put(start, 0)
            self._write(_retry() + _COMMENT)
            for event in self._opened.events:
                self.receive(event)
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            extensions.pop(ON_SHUTDOWN_EXTENSION, None)
            self._opened.subscription.cancel()
            self._streams.remove(self)
            self._streams.finish_subscription(self._opened.trace)
            self.release()
            await self.send_queue.close()

    def receive(self, event: Event) -> None:
        if self._finished:
            return
        frame = result_frame(event.body, event.id)
        if self._write(frame):
            self._streams.count_event(self._opened.trace, len(frame))
        else:
            self._streams.drop_slow_reader(self)

    def keep_alive(self) -> None:
        if not self._finished and not self.send_queue.is_waiting:
            self._write(_COMMENT)

    def end(self, error: ApiError) -> None:
        """Ends the stream. Without `complete` for a slow reader, as the client would not connect again."""
        self._opened.trace.codes = (error.code,)
        if error is SLOW_READER:
            self._finish(_retry())
        else:
            body = orjson.dumps({"errors": [format_error(error, self._opened.trace.request_id)]})
            self._finish(single_result(body))

    def shut_down(self) -> None:
        """Ends the stream because the server stops: the client connects again."""
        self._finish(_retry())

    def _finish(self, last: bytes) -> None:
        if not self._finished:
            self._finished = True
            self._opened.subscription.cancel()
            self._streams.remove(self)
            self.send_queue.put_last({"type": "http.response.body", "body": last})

    def _write(self, frame: bytes) -> bool:
        return self.send_queue.put(
            {"type": "http.response.body", "body": frame, "more_body": True}, len(frame)
        )


def _retry() -> bytes:
    return b"retry: %d\n" % random.randint(_MIN_RETRY, _MAX_RETRY)

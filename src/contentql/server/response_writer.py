"""Responses on their way to a connection: each in one piece, and all that can go together at once.

Knows uvicorn's cycle of a request and its transport; does not know what is said.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState


class CoalescingTransport:
    """What a response writes to: its head waits for the first of its body, so that both leave at once.

    Whole answers wait until everything that has been read is answered. A write at once would wake its reader
    on another processor, again and again, in the middle of the work.
    """

    __slots__ = ("_head", "_loop", "_pending", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._pending: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Of ordinary responses."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._send_pending()
        self._transport.write(data)

    def send(self, data: bytes) -> None:
        """A whole answer."""
        if not self._pending:
            self._loop.call_soon(self._send_pending)
        self._pending.append(data)

    def finish(self) -> None:
        """A response is over, if it was one without a body."""
        if self._head:
            self.write(b"")

    def flush(self) -> None:
        """Nothing waits any more."""
        self.finish()
        self._send_pending()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _send_pending(self) -> None:
        if self._pending:
            data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
            self._pending.clear()
            if not self._transport.is_closing():
                self._transport.write(data)


class RawResponse:
    """An answer in one piece: what uvicorn does in two messages, without looking at each header again.

    An ASGI extension: `scope["extensions"][WHOLE](status, headers, body)`. The application vouches for the
    headers, rendered with an end of line each and its Content-Length among them. False where the ordinary way
    must be taken: nothing has been sent then.
    """

    __slots__ = ("_cycle", "_joined", "_state")

    _dated: ClassVar[tuple[object, bytes]] = (None, b"")

    def __init__(self, cycle: RequestResponseCycle, joined: CoalescingTransport, state: ServerState) -> None:
        self._cycle = cycle
        self._joined = joined
        self._state = state

    def __call__(self, status: int, headers: bytes, body: bytes) -> bool:
        if not self.possible:
            return False
        cycle = self._cycle
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        self._joined.send(b"".join((STATUS_LINE[status], self._default(), headers, b"\r\n", body)))
        cycle.on_response()
        return True

    @property
    def possible(self) -> bool:
        """Whether nothing has been said yet, and the client listens and stays."""
        cycle = self._cycle
        return (
            not (cycle.response_started or cycle.disconnected or cycle.flow.write_paused) and cycle.keep_alive
        )

    def _default(self) -> bytes:
        """uvicorn's own headers, the date above all: a new list every second."""
        result, text = RawResponse._dated
        if result is not self._state.default_headers:
            result = self._state.default_headers
            text = b"".join(b"%b: %b\r\n" % pair for pair in self._state.default_headers)
            RawResponse._dated = result, text
        return text

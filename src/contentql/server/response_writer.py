"""Writing of responses: each in one piece, pipelined ones together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState


class CoalescingTransport:
    """Writes responses to a transport, with their headers and the first part of the body in one call.

    Raw responses are written together once all requests that have been read are answered: a write for each
    would wake the client's process again and again.
    """

    __slots__ = ("_close", "_head", "_loop", "_pending", "_transport")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, close: Callable[[], None]
    ) -> None:
        """`close`: closes the connection once everything is written."""
        self._transport = transport
        self._close = close
        self._loop = loop
        self._head = b""
        self._pending: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write a part of an ordinary response."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._send_pending()
        self._transport.write(data)

    def send(self, data: bytes) -> None:
        """Queue a whole response; it is written once the parser has read all it has."""
        if not self._pending:
            self._loop.call_soon(self._send_pending)
        self._pending.append(data)

    def finish(self) -> None:
        """End a response; writes the headers of one without a body."""
        if self._head:
            self.write(b"")

    def flush(self) -> None:
        """Write everything that is pending."""
        self.finish()
        self._send_pending()

    def close(self) -> None:
        self.flush()
        self._close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _send_pending(self) -> None:
        if self._pending:
            data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
            self._pending.clear()
            if not self._transport.is_closing():
                self._transport.write(data)


class RawResponse:
    """Writes a whole response in one call, without uvicorn's checks of each header.

    Offered to applications as the ASGI extension RAW_RESPONSE_EXTENSION. `headers` are rendered lines with
    Content-Length. False if the response must be sent by the standard messages; nothing has been written
    then.
    """

    __slots__ = ("_cycle", "_state", "_writer")

    _rendered_defaults: ClassVar[tuple[object, bytes]] = (None, b"")

    def __init__(self, cycle: RequestResponseCycle, writer: CoalescingTransport, state: ServerState) -> None:
        self._cycle = cycle
        self._writer = writer
        self._state = state

    def __call__(self, status: int, headers: bytes, body: bytes) -> bool:
        if not self.possible:
            return False
        cycle = self._cycle
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        self._writer.send(b"".join((STATUS_LINE[status], self._default_headers(), headers, b"\r\n", body)))
        cycle.on_response()
        return True

    @property
    def possible(self) -> bool:
        """Whether no response has started, and the connection is open and stays open."""
        cycle = self._cycle
        return (
            not (cycle.response_started or cycle.disconnected or cycle.flow.write_paused) and cycle.keep_alive
        )

    def _default_headers(self) -> bytes:
        """uvicorn's default headers, such as Date, rendered; uvicorn replaces the list every second."""
        result, text = RawResponse._rendered_defaults
        if result is not self._state.default_headers:
            result = self._state.default_headers
            text = b"".join(b"%b: %b\r\n" % pair for pair in self._state.default_headers)
            RawResponse._rendered_defaults = result, text
        return text

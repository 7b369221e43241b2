"""uvicorn's WebSocket protocol class with limits of time and number for every connection.

uvicorn waits without limit for a client that does not read, drops a connection before the client has read the
close frame, and closes all connections at once when the server stops.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

from contentql.server.extensions import SHUTDOWN_CODE

# How long a client may take to read what was written before a close frame, and to answer it.
CLOSE_TIMEOUT: Final = 5.0

# Frames of any kind. A message of 1 MiB comes in some 256 of them where a client cuts it small; a hundred
# thousand empty ones would fit into less, and block the event loop for seconds.
MAX_FRAMES_PER_SECOND: Final = 100.0
FRAME_BURST: Final = 1_000
TOO_MANY: Final = 4429

# Bytes that are parsed before their frames are counted.
_PART = 4096


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket protocol class for uvicorn's option `ws`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = CLOSE_TIMEOUT
        self._frames = 0.0
        self._counted = self.loop.time()
        self._discarding = False  # discards what still arrives

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        now = self.loop.time()
        self._frames = max(0.0, self._frames - (now - self._counted) * MAX_FRAMES_PER_SECOND)
        self._counted = now
        for start in range(0, len(data), _PART):
            self.conn.receive_data(data[start : start + _PART])
            self._frames += len(self.conn.events)
            if self._frames > FRAME_BURST:
                self.conn.fail(TOO_MANY, f"More than {MAX_FRAMES_PER_SECOND:g} frames a second")
            if self.conn.parser_exc is not None or self._frames > FRAME_BURST:
                self.handle_parser_exception()
                return
            self.handle_events()

    async def send(self, message: ASGISendEvent) -> None:
        """Send an ASGI event. Raises ClientDisconnected if the connection is closed or closing."""
        closing = message["type"] == "websocket.close" and self.handshake_complete
        if closing:
            self.writable.set()  # the close frame does not wait for a slow reader
        await self.writable.wait()
        if self.close_sent or self.disconnected:
            raise ClientDisconnected
        await super().send(message)
        if closing:
            self._abort_after_timeout()
        elif self.close_sent:
            self.handshake_complete = True  # by an HTTP response; uvicorn would log an error

    def shutdown(self) -> None:
        if self.close_sent:
            return  # it will be closed within CLOSE_TIMEOUT
        if self.handshake_complete:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": SHUTDOWN_CODE})
        else:
            super().shutdown()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._abort_after_timeout()

    def handle_ping(self) -> None:
        # A client that does not read gets no pongs, which would fill the buffer. A later pong covers
        # earlier pings.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_parser_exception(self) -> None:
        self._discarding = True
        if self.close_sent:
            return
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # Closing with unread bytes would reset the connection, and the client would lose the close frame.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._abort_after_timeout()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_after_timeout()

    def _abort_after_timeout(self) -> None:
        """Abort the connection after a timeout: a closed transport waits without limit until its buffer is
        read."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        if not self.disconnected:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

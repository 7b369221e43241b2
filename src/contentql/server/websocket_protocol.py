"""uvicorn's end of a WebSocket, with an end to every wait.

uvicorn waits without end for a client that does not read, drops what it cannot parse before the client has
read why, and leaves a socket at once when the server stops. Knows frames, buffers and clocks, no GraphQL.
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
# thousand empty ones would fit into less, and hold up everybody else for seconds.
MAX_FRAMES_PER_SECOND: Final = 100.0
FRAME_BURST: Final = 1_000
TOO_MANY: Final = 4429

# Bytes that are taken apart before the frames in them are counted.
_PART = 4096


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """For uvicorn's `ws`."""

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
        self._deaf = False  # what still comes in is thrown away

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        now = self.loop.time()
        self._frames = max(0.0, self._frames - (now - self._counted) * MAX_FRAMES_PER_SECOND)
        self._counted = now
        for start in range(0, len(data), _PART):
            self.conn.receive_data(data[start : start + _PART])
            self._frames += len(self.conn.events)
            if self._frames > FRAME_BURST:
                self.conn.fail(TOO_MANY, "Too many frames")
            if self.conn.parser_exc is not None or self._frames > FRAME_BURST:
                self.handle_parser_exception()
                return
            self.handle_events()

    async def send(self, message: ASGISendEvent) -> None:
        """Raises ClientDisconnected where the socket is closed or closing."""
        closing = message["type"] == "websocket.close" and self.handshake_complete
        if closing:
            self.writable.set()  # the farewell does not wait for a reader who is slow
        await self.writable.wait()
        if self.close_sent or self.disconnected:
            raise ClientDisconnected
        await super().send(message)
        if closing:
            self._abort_after_timeout()
        elif self.close_sent:
            self.handshake_complete = True  # by a refusal; uvicorn would log it as a fault

    def shutdown(self) -> None:
        if self.close_sent:
            return  # it will be over within CLOSE_SECONDS
        if self.handshake_complete:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": SHUTDOWN_CODE})
        else:
            super().shutdown()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._abort_after_timeout()

    def handle_ping(self) -> None:
        # Who does not read gets no pongs: they would pile up. A later ping's pong answers earlier ones too.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_parser_exception(self) -> None:
        self._deaf = True
        if self.close_sent:
            return
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # Closing for good with bytes unread would reset the connection, and take back the close frame.
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
        """A transport that is only closed waits for its buffer to be read, for ever if need be."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        if not self.disconnected:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

"""A WebSocket server and client for tests of the subprotocol graphql-transport-ws."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.types import ASGIApp
from tests.support.threaded_server import HOST, ThreadedServer
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from contentql.server.websocket_protocol import WebSocketProtocol
from contentql.web.websocket_messages import PROTOCOL

MIB = 1_048_576


class WebSocketServer(ThreadedServer):
    """Serves an application, with a WebSocket at /graphql, with the protocol class of `contentql serve`."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        defaults: dict[str, Any] = {
            "ws": WebSocketProtocol,
            "ws_max_size": MIB,
            "ws_per_message_deflate": False,
            "loop": "uvloop",
        }
        super().__init__(app, **{**defaults, **options})

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/graphql"

    @property
    def connections(self) -> list[WebSocketsSansIOProtocol]:
        """The open WebSocket connections of the server."""
        connections = list(self.server.server_state.connections)
        return [each for each in connections if isinstance(each, WebSocketsSansIOProtocol)]


def connect_to(server: WebSocketServer, protocols: Sequence[str] = (PROTOCOL,), **options: Any) -> connect:
    """A connection that offers the subprotocols; `options` are those of `connect`."""
    offered = [Subprotocol(name) for name in protocols] or None
    settings: dict[str, Any] = {"compression": None, "max_size": None, "proxy": None, **options}
    return connect(server.url, subprotocols=offered, **settings)


async def send_messages(socket: ClientConnection, *messages: Any) -> None:
    """Sends text and bytes as they are, other values as JSON."""
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else orjson.dumps(message).decode())


async def receive_message(socket: ClientConnection) -> Any:
    """The next message, which must be a text frame with JSON."""
    async with asyncio.timeout(15):
        message = await socket.recv()
    assert isinstance(message, str), "clients take text frames only"
    return orjson.loads(message)


async def receive_close(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Code and reason of the close frame; messages before it are discarded."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(15):
            while True:
                await socket.recv()
    return socket.close_code, socket.close_reason


async def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Waits for a condition that another thread makes true; fails after the timeout."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.01)

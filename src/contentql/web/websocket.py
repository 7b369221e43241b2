"""GraphQL over WebSocket: the graphql-transport-ws protocol.

A bare ASGI endpoint, which accepts or refuses connections.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import Receive, Scope, Send

from contentql.errors import ApiError
from contentql.execution.errors import error_response
from contentql.server.client_address import ClientAddressResolver
from contentql.telemetry.request_id import new_request_id
from contentql.web.http_responses import RESPONSE_TYPE
from contentql.web.request_headers import HostPolicy, combine_headers
from contentql.web.streams import ConnectionCount, OpenStreams
from contentql.web.websocket_connection import (
    AuthenticateConnection,
    ExecuteOperation,
    WebSocketConnection,
    WebSocketLimits,
)
from contentql.web.websocket_messages import PROTOCOL


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
        streams: OpenStreams | None = None,
        limits: WebSocketLimits | None = None,
    ) -> None:
        """`origins`: sites whose pages may connect, `*` for all; `hosts`: host names that a handshake may
        name; `max_sockets`: connections from one address; `streams` has their number, if event streams
        count too."""
        self.answer = answer
        self.greet = greet
        self.peers = addresses or ClientAddressResolver()
        self.hosts = hosts or HostPolicy()
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self.bounds = limits or WebSocketLimits()
        self._streams = streams
        self._open = streams.connections if streams else ConnectionCount(max_sockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect, always
        address = self.peers.resolve(scope).name
        try:
            self._check(scope, address)
        except ApiError as refusal:
            await _refuse(send, refusal)
            return
        self._open.add(address)
        try:
            await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
            connection = WebSocketConnection(
                self.answer, self.greet, scope, self.bounds, receive, send, self._streams
            )
            await connection.run()
        finally:
            self._open.remove(address)

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
        self._open.check(address)


async def _refuse(send: Send, refusal: ApiError) -> None:
    """Send an HTTP response instead of accepting the WebSocket."""
    request_id = new_request_id()
    response = error_response(refusal, request_id)
    headers = [(b"content-type", RESPONSE_TYPE), (b"x-request-id", request_id.encode())]
    if response.status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})

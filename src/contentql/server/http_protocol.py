"""uvicorn's end of an HTTP connection, with an end to every wait and to every buffer.

uvicorn waits without end for the rest of a request's headers and for a client that does not read, and takes
in headers of any size. Nothing here runs for a request that behaves but a few comparisons: a connection is
looked at once a second. Knows connections, buffers and clocks; knows no GraphQL but to say why it refuses.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Final, cast
from weakref import WeakKeyDictionary

import orjson
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from contentql.errors import ApiError, format_error
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import RAW_RESPONSE_EXTENSION, TRY_CACHED_RESPONSE, TryCachedResponse
from contentql.server.response_writer import CoalescingTransport, RawResponse
from contentql.server.upgrade import UpgradeIgnoringProtocol
from contentql.settings import load_settings
from contentql.telemetry.request_id import new_request_id


@dataclass(frozen=True)
class ConnectionLimits:
    """How long a connection is waited for, and how much of one is kept."""

    header_timeout_seconds: float = 20.0  # from connecting, or from a further request's first byte
    read_seconds: float = 30.0  # in which a client reads `read_bytes` of what waits for it
    read_bytes: int = 16_384
    linger_seconds: float = 2.0  # for reading why one is refused
    head_bytes: int = 65_536  # of a request's line and headers; of what frames its body too
    connections: int = 1_000  # from one address
    peers: ClientAddressResolver = field(default_factory=ClientAddressResolver)

    @property
    def check_interval(self) -> float:
        return min(1.0, self.header_timeout_seconds / 4, self.read_seconds / 4)


@cache
def limits_from_settings() -> ConnectionLimits:
    """uvicorn makes a protocol in each worker from its class alone, so this reads the settings itself."""
    settings = load_settings()
    return ConnectionLimits(
        header_timeout_seconds=settings.header_timeout_seconds,
        connections=settings.max_connections_per_address,
        peers=ClientAddressResolver(settings.trusted_proxy_networks),
    )


class HttpProtocol(UpgradeIgnoringProtocol):
    """For uvicorn's `http`."""

    bounds: ClassVar[Callable[[], ConnectionLimits]] = staticmethod(limits_from_settings)

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = type(self).bounds()
        self._watch = _watch(server_state, self.loop, self._bounds)
        self._counted = False
        self._refusal: ApiError | None = None
        self._try_cached: TryCachedResponse | None = getattr(self.app, TRY_CACHED_RESPONSE, None)
        self._held: tuple[RequestResponseCycle, ASGI3Application] | None = None
        self._reading = False
        # What is being received: bytes of a head that is not complete, of the read that is being parsed,
        # and of a request after its head that are not its body.
        self._partial = 0
        self._read = 0
        self._framing = 0
        # What is waited for, and since when.
        self._awaited: object = self
        self._awaited_since = 0.0
        self._unread = 0
        self._unread_since = self.loop.time()
        self._drained = 0
        self._over_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._joined = CoalescingTransport(transport, self.loop)
        host = self.client[0] if self.client else ""
        if not self._watch.add(self, host):
            self._refuse(
                ApiError(
                    "SERVICE_OVERLOADED",
                    f"{self._bounds.connections:,} connections from one address are the most there may be.",
                    "Send several requests through one connection.",
                    limit=self._bounds.connections,
                )
            )
            self.transport.close()
        self._counted = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._leave()  # from here on the socket's own protocol has it
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._read = len(data)
        self._reading = True
        super().data_received(data)
        self._reading = False
        self._start_held()  # what has not come as a whole waits in a task of its own
        if self.scope is None or "method" not in self.scope:
            self._head_grows(len(data))
            return
        self._partial = 0
        self._framing += len(data)
        if self._framing > self._bounds.head_bytes and self.cycle and not self.cycle.response_complete:
            # Endless trailers, extensions of chunks, or chunks of a byte: none of it is a body.
            self.transport.abort()

    def on_headers_complete(self) -> None:
        if self._partial + self._read > self._bounds.head_bytes and self._head() > self._bounds.head_bytes:
            self._refusal = self._too_large()
            raise self._refusal  # the parser ends, and uvicorn sends what it thinks is a 400
        self._partial = 0
        self._framing = -self._read  # this read may hold whole requests before this one
        transport, self.transport = self.transport, cast(asyncio.Transport, self._joined)
        try:
            super().on_headers_complete()
        finally:
            self.transport = transport
        if self.cycle is not None:
            extensions: dict[str, Any] = {
                RAW_RESPONSE_EXTENSION: RawResponse(self.cycle, self._joined, self.server_state)
            }
            self.scope["extensions"] = extensions

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._reading and self._try_cached is not None and self._held is None:
            self._held = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _start_held(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            super()._start_asgi_task(*held)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._held is None or self._try_cached is None:
            return
        cycle, _ = self._held
        extensions = cast(dict[str, RawResponse], cycle.scope["extensions"])
        document = extensions[RAW_RESPONSE_EXTENSION]
        # Asked only where it can be sent: it is counted as given.
        result = self._try_cached(cycle.scope, bytes(cycle.body)) if document.possible else None
        if result is not None:
            self._held = None
            document(*result)
        else:
            self._start_held()

    def shutdown(self) -> None:
        self._joined.flush()
        super().shutdown()

    def on_response_complete(self) -> None:
        self._joined.finish()
        if self.cycle is not None:
            # They lead back to the cycle, and it to them: a ring that only the collector would find.
            self.cycle.scope.pop("extensions", None)
        super().on_response_complete()

    def on_body(self, body: bytes) -> None:
        self._framing -= len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            self._refusal or ApiError("BAD_REQUEST", "This is not HTTP.", "Send a request of HTTP/1.1.")
        )

    def look(self, now: float) -> None:
        """Ends what takes too long."""
        if self._over_since is not None:
            if now - self._over_since > self._bounds.linger_seconds:
                self.transport.abort()
        elif self._is_read(now):
            self._is_sent(now)

    def _is_read(self, now: float) -> bool:
        """Whether the client reads its answer, also one that was handed over when the connection closed."""
        unread = self.transport.get_write_buffer_size()
        self._drained += max(0, self._unread - unread)
        self._unread = unread
        if not unread or self._drained >= self._bounds.read_bytes:
            self._drained, self._unread_since = 0, now
        elif now - self._unread_since > self._bounds.read_seconds:
            self.transport.abort()
            return False
        return True

    def _is_sent(self, now: float) -> None:
        """Whether the client sends the head of its request; a body is the application's to wait for."""
        scope, cycle = self.scope, self.cycle
        partial = scope is None or "method" not in scope
        at_rest = cycle is None or (cycle.response_complete and not self.pipeline)
        # Answered before it was all there: what is missing is in the way of further requests.
        unfinished = at_rest and not partial and cycle is not None and cycle.more_body
        # Any byte ends uvicorn's own deadline of an idle connection, also one that begins no request.
        if not partial and not unfinished and not (at_rest and self.timeout_keep_alive_task is None):
            self._awaited = self
        elif scope is not self._awaited:
            self._awaited, self._awaited_since = scope, now
        elif now - self._awaited_since > (
            self._bounds.linger_seconds if unfinished else self._bounds.header_timeout_seconds
        ):
            self.transport.close()

    def _head_grows(self, read: int) -> None:
        # Where requests before it were in the same read, it is not known how much of that is this head's.
        before = self._partial
        self._partial = before + read if before else min(read, self._bounds.head_bytes)
        if self._partial > self._bounds.head_bytes and not self.transport.is_closing():
            self._refuse(self._too_large())

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_large(self) -> ApiError:
        limit = self._bounds.head_bytes
        return ApiError(
            "REQUEST_HEADERS_TOO_LARGE",
            f"A request's line and headers may have {limit:,} bytes.",
            limit=limit,
        )

    def _refuse(self, refusal: ApiError) -> None:
        """The last that is said. Where an answer is being written, there is no place to say it."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
            return
        self._joined.flush()
        request_id = new_request_id()
        body = orjson.dumps({"errors": [format_error(refusal, request_id)]})
        lines = [
            *(b"%b: %b\r\n" % header for header in self.server_state.default_headers),
            b"content-type: application/graphql-response+json; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(body),
            b"x-request-id: %b\r\n" % request_id.encode(),
            b"retry-after: 1\r\n" if refusal.status == 503 else b"",
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(STATUS_LINE[refusal.status] + b"".join(lines) + body)
        if self.cycle is not None and not self.cycle.response_complete:
            # A request that was under way has its answer; the application hears that the client is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closing for good with bytes unread would reset the connection, and take back what was said.
        self.transport.set_protocol(_DiscardingProtocol(self))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._over_since = self.loop.time()

    def _leave(self) -> None:
        if self._counted:
            self._counted = False
            self._watch.remove(self, self.client[0] if self.client else "")


class _DiscardingProtocol(asyncio.Protocol):
    """Throws away what still comes in after the last word was said."""

    def __init__(self, connection: HttpProtocol) -> None:
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)


class _ConnectionMonitor:
    """All connections of a server, looked at as long as there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ConnectionLimits) -> None:
        self._loop = loop
        self._limits = limits
        self._open: set[HttpProtocol] = set()
        self._from: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: HttpProtocol, host: str) -> bool:
        """Whether the address may have one more."""
        self._open.add(connection)
        self._from[host] += 1
        if self._timer is None:
            self._timer = self._loop.call_later(self._limits.check_interval, self._look)
        return self._from[host] <= self._limits.connections or self._limits.peers.is_trusted_proxy(host)

    def remove(self, connection: HttpProtocol, host: str) -> None:
        self._open.discard(connection)
        self._from[host] -= 1
        if not self._from[host]:
            del self._from[host]

    def _look(self) -> None:
        again = bool(self._open)
        self._timer = self._loop.call_later(self._limits.check_interval, self._look) if again else None
        now = self._loop.time()
        for connection in tuple(self._open):
            connection.look(now)


_watches: Final[WeakKeyDictionary[ServerState, _ConnectionMonitor]] = WeakKeyDictionary()


def _watch(
    state: ServerState, loop: asyncio.AbstractEventLoop, limits: ConnectionLimits
) -> _ConnectionMonitor:
    if (result := _watches.get(state)) is None:
        result = _watches[state] = _ConnectionMonitor(loop, limits)
    return result

"""uvicorn's HTTP protocol class with limits of time and size for every connection.

uvicorn waits without limit for the rest of a request's headers and for a client that does not read, and
accepts headers of any size. A timer checks all connections once a second, so a request costs only a few
comparisons more.
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

from contentql.errors import ApiError, LimitError, format_error
from contentql.server.client_address import ClientAddressResolver
from contentql.server.extensions import (
    ON_SHUTDOWN_EXTENSION,
    RAW_RESPONSE_EXTENSION,
    TRY_CACHED_RESPONSE,
    TryCachedResponse,
)
from contentql.server.response_writer import CoalescingTransport, RawResponse
from contentql.server.upgrade import UpgradeIgnoringProtocol
from contentql.settings import load_settings
from contentql.telemetry.request_id import new_request_id


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of time and size of one connection."""

    header_timeout_seconds: float = 20.0  # from connecting, or from a further request's first byte
    read_seconds: float = 30.0  # in which a client reads `read_bytes` of what waits for it
    read_bytes: int = 16_384
    linger_seconds: float = 2.0  # for the client to read the last response
    linger_bytes: int = 16_777_216  # of a body that are read and discarded meanwhile
    head_bytes: int = 65_536  # of a request's line and headers; of what frames its body too
    connections: int = 1_000  # from one address
    peers: ClientAddressResolver = field(default_factory=ClientAddressResolver)

    @property
    def check_interval(self) -> float:
        return min(1.0, self.header_timeout_seconds / 4, self.read_seconds / 4)


@cache
def limits_from_settings() -> ConnectionLimits:
    """The limits that the settings give; uvicorn creates a protocol from its class alone, in every worker."""
    settings = load_settings()
    return ConnectionLimits(
        header_timeout_seconds=settings.header_timeout_seconds,
        connections=settings.max_connections_per_address,
        peers=ClientAddressResolver(settings.trusted_proxy_networks),
    )


class HttpProtocol(UpgradeIgnoringProtocol):
    """HTTP protocol class for uvicorn's option `http`."""

    connection_limits: ClassVar[Callable[[], ConnectionLimits]] = staticmethod(limits_from_settings)

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = type(self).connection_limits()
        self._monitor = _monitor(server_state, self.loop, self._limits)
        self._counted = False
        self._error: ApiError | None = None
        self._try_cached: TryCachedResponse | None = getattr(self.app, TRY_CACHED_RESPONSE, None)
        self._delayed: tuple[RequestResponseCycle, ASGI3Application] | None = None
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
        self._closing_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._writer = CoalescingTransport(transport, self.loop, self._close_after_response)
        host = self.client[0] if self.client else ""
        if not self._monitor.add(self, host):
            self._refuse(
                LimitError(
                    "SERVICE_OVERLOADED",
                    f"{self._limits.connections:,} connections from one address are the most there may be.",
                    "Send several requests through one connection.",
                    limit=self._limits.connections,
                )
            )
            self.transport.close()
        self._counted = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._uncount()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._uncount()  # the WebSocket protocol class has the connection now
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._read = len(data)
        self._reading = True
        super().data_received(data)
        self._reading = False
        self._start_delayed()  # a request that is not complete waits in a task
        if self.scope is None or "method" not in self.scope:
            self._check_head_size(len(data))
            return
        self._partial = 0
        self._framing += len(data)
        if self._framing > self._limits.head_bytes and self.cycle and not self.cycle.response_complete:
            # Trailers, chunk extensions or one-byte chunks without end: framing, not body.
            self.transport.abort()

    def on_headers_complete(self) -> None:
        if self._partial + self._read > self._limits.head_bytes and self._head() > self._limits.head_bytes:
            self._error = self._too_large()
            raise self._error  # the parser ends, and uvicorn calls send_400_response
        self._partial = 0
        self._framing = -self._read  # this read may hold whole requests before this one
        transport, self.transport = self.transport, cast(asyncio.Transport, self._writer)
        try:
            super().on_headers_complete()
        finally:
            self.transport = transport
        if self.cycle is not None:
            extensions: dict[str, Any] = {
                RAW_RESPONSE_EXTENSION: RawResponse(self.cycle, self._writer, self.server_state)
            }
            self.scope["extensions"] = extensions

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._reading and self._try_cached is not None and self._delayed is None:
            self._delayed = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _start_delayed(self) -> None:
        if self._delayed is not None:
            delayed, self._delayed = self._delayed, None
            super()._start_asgi_task(*delayed)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._delayed is None or self._try_cached is None:
            return
        cycle, _ = self._delayed
        extensions = cast(dict[str, RawResponse], cycle.scope["extensions"])
        raw_response = extensions[RAW_RESPONSE_EXTENSION]
        # Called only if it can be written, because it is counted as a response.
        result = self._try_cached(cycle.scope, bytes(cycle.body)) if raw_response.possible else None
        if result is not None:
            self._delayed = None
            raw_response(*result)
        else:
            self._start_delayed()

    def shutdown(self) -> None:
        self._writer.flush()
        if self._closing_since is None:  # otherwise it is closed within `linger_seconds`
            super().shutdown()
        if self.cycle is not None and not self.cycle.response_complete:
            extensions = cast(dict[str, Any], self.cycle.scope.get("extensions", {}))
            extensions.get(ON_SHUTDOWN_EXTENSION, _nothing)()

    def on_response_complete(self) -> None:
        self._writer.finish()
        if self.cycle is not None:
            # Breaks a reference cycle, which only the garbage collector would free.
            self.cycle.scope.pop("extensions", None)
        if self._closing_since is None:
            super().on_response_complete()
        else:  # it was the connection's last response
            self.server_state.total_requests += 1

    def on_body(self, body: bytes) -> None:
        self._framing -= len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            self._error or ApiError("BAD_REQUEST", "This is not HTTP.", "Send a request of HTTP/1.1.")
        )

    def check_deadlines(self, now: float) -> None:
        """Close the connection if a deadline has passed. Called once a second."""
        if not self._client_reads(now):
            return
        if self._closing_since is None:
            self._check_request_headers(now)
        elif self._unread:
            self._closing_since = now
        elif now - self._closing_since > self._limits.linger_seconds:
            self.transport.abort()

    def _client_reads(self, now: float) -> bool:
        """Whether the client reads its response in time; also after the connection began to close."""
        unread = self.transport.get_write_buffer_size()
        self._drained += max(0, self._unread - unread)
        self._unread = unread
        if not unread or self._drained >= self._limits.read_bytes:
            self._drained, self._unread_since = 0, now
        elif now - self._unread_since > self._limits.read_seconds:
            self.transport.abort()
            return False
        return True

    def _check_request_headers(self, now: float) -> None:
        """Close the connection if the client does not send a request's headers in time."""
        scope, cycle = self.scope, self.cycle
        partial = scope is None or "method" not in scope
        idle = cycle is None or (cycle.response_complete and not self.pipeline)
        # Answered before it was all there: what is missing is in the way of further requests.
        unfinished = idle and not partial and cycle is not None and cycle.more_body
        # Any byte ends uvicorn's own deadline of an idle connection, also one that begins no request.
        if not partial and not unfinished and not (idle and self.timeout_keep_alive_task is None):
            self._awaited = self
        elif scope is not self._awaited:
            self._awaited, self._awaited_since = scope, now
        elif now - self._awaited_since > (
            self._limits.linger_seconds if unfinished else self._limits.header_timeout_seconds
        ):
            self.transport.close()

    def _check_head_size(self, read: int) -> None:
        # Where requests before it were in the same read, it is not known how much of that is this head's.
        before = self._partial
        self._partial = before + read if before else min(read, self._limits.head_bytes)
        if self._partial > self._limits.head_bytes and not self.transport.is_closing():
            self._refuse(self._too_large())

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_large(self) -> ApiError:
        limit = self._limits.head_bytes
        return LimitError(
            "REQUEST_HEADERS_TOO_LARGE",
            f"A request's line and headers may have {limit:,} bytes.",
            "Send fewer or shorter headers, and long documents by POST.",
            limit=limit,
        )

    def _refuse(self, error: ApiError) -> None:
        """Write an error as the connection's last response. Abort if another response is being written."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
            return
        self._writer.flush()
        request_id = new_request_id()
        body = orjson.dumps({"errors": [format_error(error, request_id)]})
        lines = [
            *(b"%b: %b\r\n" % header for header in self.server_state.default_headers),
            b"content-type: application/graphql-response+json; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(body),
            b"x-request-id: %b\r\n" % request_id.encode(),
            b"retry-after: 1\r\n" if error.status == 503 else b"",
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(STATUS_LINE[error.status] + b"".join(lines) + body)
        if self.cycle is not None and not self.cycle.response_complete:
            # The running request has its response; the application receives http.disconnect.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._linger()

    def _close_after_response(self) -> None:
        """Close the connection after its last response."""
        if not self.cycle.more_body:
            self.transport.close()
        elif self._closing_since is None and not self.transport.is_closing():
            self._linger()

    def _linger(self) -> None:
        """Close the connection for writing, and discard what still arrives until the client closes it.

        Closing with unread bytes would reset the connection, and the client would lose the response.
        """
        self.transport.set_protocol(_DiscardingProtocol(self, self._limits.linger_bytes))
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._closing_since = self.loop.time()

    def _uncount(self) -> None:
        if self._counted:
            self._counted = False
            self._monitor.remove(self, self.client[0] if self.client else "")


def _nothing() -> None:
    return None


class _DiscardingProtocol(asyncio.Protocol):
    """Discards what still arrives after a connection's last response; after `size` bytes reads no more."""

    def __init__(self, connection: HttpProtocol, size: int) -> None:
        self._connection = connection
        self._size = size

    def data_received(self, data: bytes) -> None:
        self._size -= len(data)
        if self._size < 0:
            self._connection.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)


class _ConnectionMonitor:
    """All connections of a server, checked once a second while there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ConnectionLimits) -> None:
        self._loop = loop
        self._limits = limits
        self._open: set[HttpProtocol] = set()
        self._count_by_address: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: HttpProtocol, host: str) -> bool:
        """Add a connection; False if its address has more than the limit."""
        self._open.add(connection)
        self._count_by_address[host] += 1
        if self._timer is None:
            self._timer = self._loop.call_later(self._limits.check_interval, self._check_all)
        return self._count_by_address[
            host
        ] <= self._limits.connections or self._limits.peers.is_trusted_proxy(host)

    def remove(self, connection: HttpProtocol, host: str) -> None:
        self._open.discard(connection)
        self._count_by_address[host] -= 1
        if not self._count_by_address[host]:
            del self._count_by_address[host]

    def _check_all(self) -> None:
        again = bool(self._open)
        self._timer = self._loop.call_later(self._limits.check_interval, self._check_all) if again else None
        now = self._loop.time()
        for connection in tuple(self._open):
            connection.check_deadlines(now)


_monitors: Final[WeakKeyDictionary[ServerState, _ConnectionMonitor]] = WeakKeyDictionary()


def _monitor(
    state: ServerState, loop: asyncio.AbstractEventLoop, limits: ConnectionLimits
) -> _ConnectionMonitor:
    if (result := _monitors.get(state)) is None:
        result = _monitors[state] = _ConnectionMonitor(loop, limits)
    return result

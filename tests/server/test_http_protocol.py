"""HTTP connections: timeouts and limits for slow, idle and endless requests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import orjson
import pytest
from starlette.types import Receive, Scope, Send
from tests.support.threaded_server import HOST, ThreadedServer

from contentql.server.client_address import ClientAddressResolver
from contentql.server.http_protocol import ConnectionLimits, HttpProtocol
from contentql.settings import Settings

pytestmark = pytest.mark.slow

SHORT_TIMEOUTS = ConnectionLimits(header_timeout_seconds=0.4, read_seconds=0.4, linger_seconds=0.4)
GET = b"GET / HTTP/1.1\r\nHost: newsroom.test\r\n\r\n"
LARGE_BODY_BYTES = 20_000_000
# Longer than every correct operation in these tests.
TIMEOUT_SECONDS = 20


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Returns the request body; /big… returns a large body, …hasty responds before the body has ended."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if scope["path"].endswith("hasty"):
            break
    if scope["path"].startswith("/big"):
        body = bytes(LARGE_BODY_BYTES)
    length = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


class LocalServer(ThreadedServer):
    """A server with `HttpProtocol` and the given limits."""

    def __init__(self, limits: ConnectionLimits) -> None:
        class LimitedProtocol(HttpProtocol):
            pass

        LimitedProtocol.connection_limits = staticmethod(lambda: limits)
        super().__init__(app, http=LimitedProtocol, lifespan="off", timeout_graceful_shutdown=1)

    @contextlib.asynccontextmanager
    async def connect(self, value: bytes = b"") -> AsyncIterator[RawConnection]:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(value)
        try:
            yield RawConnection(reader, writer)
        finally:
            writer.close()

    async def wait_until_disconnected(self) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while self.server.server_state.connections:  # noqa: ASYNC110 - in another thread
                await asyncio.sleep(0.05)


class RawConnection:
    """The client side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.write = writer.write

    async def receive_response(self) -> tuple[int, bytes]:
        """Status and body of the next response."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return int(head.split()[1]), await self.reader.readexactly(int(length))

    async def receive_error(self) -> tuple[int, str]:
        """Status and error code of the next response."""
        status, body = await self.receive_response()
        return status, orjson.loads(body)["errors"][0]["extensions"]["code"]

    async def wait_until_closed(self) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            with contextlib.suppress(ConnectionError):
                await self.reader.read()

    async def drip(self, drop: bytes) -> None:
        """Sends the bytes repeatedly until the server closes the connection."""

        async def send_repeatedly() -> None:
            while True:
                self.write(drop)
                await asyncio.sleep(0.1)

        sender = asyncio.create_task(send_repeatedly())
        await self.wait_until_closed()
        sender.cancel()


@pytest.fixture
def start_server() -> Iterator[Callable[[ConnectionLimits], LocalServer]]:
    """Starts servers with the given limits, which are stopped after the test."""
    with contextlib.ExitStack() as servers:
        yield lambda limits: servers.enter_context(LocalServer(limits))


@pytest.fixture
def server(start_server: Callable[[ConnectionLimits], LocalServer]) -> LocalServer:
    return start_server(SHORT_TIMEOUTS)


async def test_slow_clients_are_disconnected(server: LocalServer) -> None:
    """Three hundred clients that send nothing, a slow head or empty lines; another client is served."""
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(server.connect()) for _ in range(300)]
        for connection in connections[200:]:
            connection.write(GET)
            assert await connection.receive_response() == (200, b"")
        drops = [b""] * 100 + [b"G"] * 100 + [b"\r\n"] * 100
        slow = [
            asyncio.create_task(connection.drip(drop))
            for connection, drop in zip(connections, drops, strict=True)
        ]
        async with server.connect(GET) as quick:
            assert await quick.receive_response() == (200, b"")
        await asyncio.gather(*slow)
    await server.wait_until_disconnected()


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (GET, b"GET / HTTP/1.1\r\n"),  # the head of a further request
        (b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", b""),
        (GET + b"GET", b""),
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
    ],
)
async def test_incomplete_heads_time_out(server: LocalServer, before: bytes, drop: bytes) -> None:
    """Holds for the first request of a connection and for further ones."""
    async with server.connect(before) as connection:
        await connection.drip(drop)
    await server.wait_until_disconnected()


async def test_idle_connections_between_requests_stay_open(server: LocalServer) -> None:
    """Only the keep-alive timeout of uvicorn applies."""
    async with server.connect(GET) as connection:
        assert await connection.receive_response() == (200, b"")
        await asyncio.sleep(3 * SHORT_TIMEOUTS.header_timeout_seconds)
        connection.write(GET)
        assert await connection.receive_response() == (200, b"")


async def test_slow_bodies_are_left_to_the_application(server: LocalServer) -> None:
    """The application has its own timeout for bodies."""
    async with server.connect(b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nab") as connection:
        for part in (b"cd", b"ef"):
            await asyncio.sleep(2 * SHORT_TIMEOUTS.header_timeout_seconds)
            connection.write(part)
        assert await connection.receive_response() == (200, b"abcdef")


async def test_connections_with_unread_bodies_are_closed_after_the_response(
    start_server: Callable[[ConnectionLimits], LocalServer],
) -> None:
    """A connection whose body was received completely stays open."""
    server = start_server(ConnectionLimits(header_timeout_seconds=TIMEOUT_SECONDS, linger_seconds=0.2))
    head = b"POST /hasty HTTP/1.1\r\nContent-Length: %d\r\n\r\nab"
    async with server.connect(head % 2) as complete, server.connect(head % 3) as incomplete:
        for connection in (complete, incomplete):
            assert await connection.receive_response() == (200, b"ab")
        await incomplete.wait_until_closed()
        complete.write(GET)
        assert await complete.receive_response() == (200, b"")


EARLY = b"POST /hasty HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\nab"


@pytest.mark.parametrize("rest", [b"", b"x" * 5_000_000])
async def test_early_last_responses_can_be_read(server: LocalServer, rest: bytes) -> None:
    """The server closes its side at once; the connection ends when the client closes the other."""
    async with server.connect(EARLY % 10_000_000 + rest) as connection:
        status, body = await connection.receive_response()
        assert (status, body[:2]) == (200, b"ab")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert await connection.reader.read() == b""
    await server.wait_until_disconnected()


async def test_closing_connections_end_after_the_linger_timeout(server: LocalServer) -> None:
    """Whether the client continues to send, slowly or fast, or sends nothing."""
    request = EARLY % LARGE_BODY_BYTES
    async with (
        server.connect(request) as slow_sender,
        server.connect(request),
        server.connect(request) as fast_sender,
    ):
        fast_sender.write(bytes(LARGE_BODY_BYTES))
        await slow_sender.drip(b"x")
        await server.wait_until_disconnected()


async def test_discarded_body_is_limited(start_server: Callable[[ConnectionLimits], LocalServer]) -> None:
    """After `linger_bytes` the server stops reading until the connection ends."""
    server = start_server(ConnectionLimits(linger_seconds=1.0, linger_bytes=1_000_000))
    sent = 0
    with socket.create_connection((HOST, server.port), timeout=0.5) as client:
        client.sendall(EARLY % 10**10)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while True:
                sent += await asyncio.to_thread(client.send, bytes(65_536))
        assert await asyncio.to_thread(client.recv, 12) == b"HTTP/1.1 200"
    assert 1_000_000 <= sent < 50_000_000
    await server.wait_until_disconnected()


async def test_large_early_responses_are_written_completely(server: LocalServer) -> None:
    """The linger timeout begins when the response has been written, however slowly it is read."""
    request = EARLY.replace(b"/hasty", b"/big-hasty") % 9
    async with server.connect(request) as connection, asyncio.timeout(TIMEOUT_SECONDS):
        head = await connection.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        received = 0
        while part := await connection.reader.read(100_000):
            received += len(part)
            await asyncio.sleep(0.01)
    assert received == LARGE_BODY_BYTES


async def test_clients_that_do_not_read_are_disconnected(server: LocalServer) -> None:
    """While a response is written, and while its end is in the buffer of a closing connection."""
    for header in (b"", b"Connection: close\r\n"):
        with socket.create_connection((HOST, server.port)) as client:
            client.sendall(b"GET /big HTTP/1.1\r\n" + header + b"\r\n")
            await asyncio.to_thread(client.recv, 1)
            await server.wait_until_disconnected()


async def test_slow_readers_receive_the_complete_response(server: LocalServer) -> None:
    """Reading may take many times the timeout for clients that do not read."""
    async with server.connect(b"GET /big HTTP/1.1\r\nConnection: close\r\n\r\n") as connection:
        received = 0
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while part := await connection.reader.read(100_000):
                received += len(part)
                await asyncio.sleep(0.01)
    assert received > LARGE_BODY_BYTES


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"],
        [b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"],
        [b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nX: "] + [b"x" * 10_000] * 100,
        [GET, b"GET / HTTP/1.1\r\nX: "] + [b"x" * 10_000] * 100,
    ],
)
async def test_too_large_heads_are_431(server: LocalServer, parts: list[bytes]) -> None:
    """Holds for one write, several parts, endless headers and a further request."""
    async with server.connect() as connection:
        for part in parts:
            connection.write(part)
            await asyncio.sleep(0.001)
        if parts[0] == GET:
            assert await connection.receive_response() == (200, b"")
        assert await connection.receive_error() == (431, "REQUEST_HEADERS_TOO_LARGE")
        await connection.wait_until_closed()


async def test_heads_up_to_the_limit_are_accepted(server: LocalServer) -> None:
    """In one part or several."""
    head = b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"
    async with server.connect() as connection:
        for parts in ([head], [head[:30_000], head[30_000:]], [head + head]):
            for part in parts:
                connection.write(part)
                await asyncio.sleep(0.02)
            assert await connection.receive_response() == (200, b"")


async def test_pipelined_requests_are_all_executed(server: LocalServer) -> None:
    """The limit of the head applies to each request, not to their sum."""
    request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nX: " + b"x" * 300 + b"\r\n\r\nabc"
    async with server.connect(request * 1_000) as connection:
        for _ in range(1_000):
            assert await connection.receive_response() == (200, b"abc")


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"0\r\nX: ", b"x" * 10_000),  # a trailer that never ends
        (b"0\r\n", b"X: y\r\n" * 2_000),  # trailers without end
        (b"1;x=", b"x" * 10_000),  # an extension of a chunk
        (b"", b"1\r\nx\r\n" * 2_000),  # mostly frame, hardly body
    ],
)
async def test_endless_trailers_and_chunk_framing_close_the_connection(
    server: LocalServer, begin: bytes, endless: bytes
) -> None:
    """The application counts only the bytes of the body."""
    async with server.connect(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + begin) as connection:
        await connection.drip(endless)
    await server.wait_until_disconnected()


async def test_large_chunked_bodies_are_received(server: LocalServer) -> None:
    """The framing is a small part of them."""
    chunk = b"3e8\r\n" + b"x" * 1_000 + b"\r\n"
    async with server.connect(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") as connection:
        connection.write(chunk * 3_000 + b"0\r\n\r\n")
        status, body = await connection.receive_response()
    assert (status, len(body)) == (200, 3_000_000)


@pytest.mark.parametrize("size", [3, 500_000])
async def test_upgrade_offers_are_ignored(server: LocalServer, size: int) -> None:
    """Each request gets one response of HTTP/1.1, whatever its size."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with server.connect() as connection:
        for _ in range(2):
            connection.write(b"POST / HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (offer, size) + b"x" * size)
            status, body = await connection.receive_response()
            assert (status, len(body)) == (200, size)


async def test_invalid_http_is_a_400_error(server: LocalServer) -> None:
    """The response has the code BAD_REQUEST."""
    async with server.connect(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") as connection:
        assert await connection.receive_error() == (400, "BAD_REQUEST")
        await connection.wait_until_closed()
        await server.wait_until_disconnected()  # although the client has not closed its side


async def test_connections_per_client_address_are_limited(
    start_server: Callable[[ConnectionLimits], LocalServer],
) -> None:
    """One more is 503; closing a connection frees a slot."""
    server = start_server(ConnectionLimits(connections=3))
    async with server.connect(GET) as first, server.connect(GET) as second:
        async with server.connect(GET) as third:
            for connection in (first, second, third):
                assert await connection.receive_response() == (200, b"")
            async with server.connect() as fourth:
                assert await fourth.receive_error() == (503, "SERVICE_OVERLOADED")
                await fourth.wait_until_closed()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    async with server.connect(GET) as again:
                        if await again.receive_response() == (200, b""):
                            break


async def test_connections_of_trusted_proxies_are_not_limited(
    start_server: Callable[[ConnectionLimits], LocalServer],
) -> None:
    """A proxy sends the requests of many clients."""
    proxies = Settings(trusted_proxies="127.0.0.0/8").trusted_proxy_networks
    server = start_server(ConnectionLimits(connections=1, peers=ClientAddressResolver(proxies)))
    async with server.connect(GET) as first, server.connect(GET) as second:
        assert await first.receive_response() == await second.receive_response() == (200, b"")

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

QUICK = ConnectionLimits(header_timeout_seconds=0.4, read_seconds=0.4, linger_seconds=0.4)
GET = b"GET / HTTP/1.1\r\nHost: newsroom.test\r\n\r\n"
BIG = 20_000_000
# Nothing here takes longer than this unless it is broken.
AT_MOST = 20


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it is sent; /big with a lot, /hasty before it is all there."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if scope["path"] == "/hasty":
            break
    if scope["path"] == "/big":
        body = bytes(BIG)
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
    async def knock(self, value: bytes = b"") -> AsyncIterator[RawConnection]:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(value)
        try:
            yield RawConnection(reader, writer)
        finally:
            writer.close()

    async def is_left_by_all(self) -> None:
        async with asyncio.timeout(AT_MOST):
            while self.server.server_state.connections:  # noqa: ASYNC110 - in another thread
                await asyncio.sleep(0.05)


class RawConnection:
    """A client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.say = writer.write

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        async with asyncio.timeout(AT_MOST):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return int(head.split()[1]), await self.reader.readexactly(int(length))

    async def code(self) -> tuple[int, str]:
        """The status of the next answer, which refuses, and its code."""
        status, body = await self.answer()
        return status, orjson.loads(body)["errors"][0]["extensions"]["code"]

    async def is_hung_up(self) -> None:
        async with asyncio.timeout(AT_MOST):
            with contextlib.suppress(ConnectionError):
                await self.reader.read()

    async def drip(self, drop: bytes) -> None:
        """Sends a little, again and again, until the other side hangs up."""

        async def drops() -> None:
            while True:
                self.say(drop)
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drops())
        await self.is_hung_up()
        dripping.cancel()


@pytest.fixture
def opened() -> Iterator[Callable[[ConnectionLimits], LocalServer]]:
    """Starts servers with the given limits, which are stopped after the test."""
    with contextlib.ExitStack() as servers:
        yield lambda limits: servers.enter_context(LocalServer(limits))


@pytest.fixture
def door(opened: Callable[[ConnectionLimits], LocalServer]) -> LocalServer:
    return opened(QUICK)


async def test_three_hundred_slow_clients_are_all_cut_off(door: LocalServer) -> None:
    """Silent from the start, dripping a head, or dripping what begins no request; others are answered."""
    async with contextlib.AsyncExitStack() as lines:
        held = [await lines.enter_async_context(door.knock()) for _ in range(300)]
        for line in held[200:]:
            line.say(GET)
            assert await line.answer() == (200, b"")
        drops = [b""] * 100 + [b"G"] * 100 + [b"\r\n"] * 100
        slow = [asyncio.create_task(line.drip(drop)) for line, drop in zip(held, drops, strict=True)]
        async with door.knock(GET) as quick:
            assert await quick.answer() == (200, b"")
        await asyncio.gather(*slow)
    await door.is_left_by_all()


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (GET, b"GET / HTTP/1.1\r\n"),  # the head of a further request
        (b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", b""),
        (GET + b"GET", b""),
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
    ],
)
async def test_a_head_that_never_ends_is_not_waited_for(
    door: LocalServer, before: bytes, drop: bytes
) -> None:
    """Whether it is the first or a further one, and whatever went before."""
    async with door.knock(before) as line:
        await line.drip(drop)
    await door.is_left_by_all()


async def test_who_is_idle_between_two_requests_is_left_in_peace(door: LocalServer) -> None:
    """As long as uvicorn's own deadline allows."""
    async with door.knock(GET) as line:
        assert await line.answer() == (200, b"")
        await asyncio.sleep(3 * QUICK.header_timeout_seconds)
        line.say(GET)
        assert await line.answer() == (200, b"")


async def test_a_body_is_the_applications_to_wait_for(door: LocalServer) -> None:
    """It knows how long bodies may take."""
    async with door.knock(b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nab") as line:
        for part in (b"cd", b"ef"):
            await asyncio.sleep(2 * QUICK.header_timeout_seconds)
            line.say(part)
        assert await line.answer() == (200, b"abcdef")


async def test_who_is_answered_before_the_end_of_its_body_is_soon_hung_up_on(
    opened: Callable[[ConnectionLimits], LocalServer],
) -> None:
    """What is still to come is in the way; a body that was all there is not."""
    door = opened(ConnectionLimits(header_timeout_seconds=AT_MOST, linger_seconds=0.2))
    early = b"POST /hasty HTTP/1.1\r\nContent-Length: %d\r\n\r\nab"
    async with door.knock(early % 2) as document, door.knock(early % 3) as part:
        for line in (document, part):
            assert await line.answer() == (200, b"ab")
        await part.is_hung_up()
        document.say(GET)
        assert await document.answer() == (200, b"")


async def test_who_does_not_read_is_cut_off(door: LocalServer) -> None:
    """While an answer is being written, and while the rest of it waits in a closing connection's buffer."""
    for ending in (b"", b"Connection: close\r\n"):
        with socket.create_connection((HOST, door.port)) as deaf:
            deaf.sendall(b"GET /big HTTP/1.1\r\n" + ending + b"\r\n")
            await asyncio.to_thread(deaf.recv, 1)
            await door.is_left_by_all()


async def test_who_reads_slowly_gets_all_of_it(door: LocalServer) -> None:
    """Much slower than it could be sent, over many times the seconds after which the deaf are cut off."""
    async with door.knock(b"GET /big HTTP/1.1\r\nConnection: close\r\n\r\n") as line:
        got = 0
        async with asyncio.timeout(AT_MOST):
            while part := await line.reader.read(100_000):
                got += len(part)
                await asyncio.sleep(0.01)
    assert got > BIG


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
async def test_a_head_that_is_too_large_is_refused(door: LocalServer, parts: list[bytes]) -> None:
    """Whether it comes at once, in parts, without end or after another; in the words of every refusal."""
    async with door.knock() as line:
        for part in parts:
            line.say(part)
            await asyncio.sleep(0.001)
        if parts[0] == GET:
            assert await line.answer() == (200, b"")
        assert await line.code() == (431, "REQUEST_HEADERS_TOO_LARGE")
        await line.is_hung_up()


async def test_a_head_of_the_allowed_size_is_answered(door: LocalServer) -> None:
    """In one part or several."""
    head = b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"
    async with door.knock() as line:
        for parts in ([head], [head[:30_000], head[30_000:]], [head + head]):
            for part in parts:
                line.say(part)
                await asyncio.sleep(0.02)
            assert await line.answer() == (200, b"")


async def test_many_requests_in_one_write_are_all_answered(door: LocalServer) -> None:
    """However much they are together."""
    request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nX: " + b"x" * 300 + b"\r\n\r\nabc"
    async with door.knock(request * 1_000) as line:
        for _ in range(1_000):
            assert await line.answer() == (200, b"abc")


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"0\r\nX: ", b"x" * 10_000),  # a trailer that never ends
        (b"0\r\n", b"X: y\r\n" * 2_000),  # trailers without end
        (b"1;x=", b"x" * 10_000),  # an extension of a chunk
        (b"", b"1\r\nx\r\n" * 2_000),  # mostly frame, hardly body
    ],
)
async def test_what_is_no_body_cannot_come_without_end(
    door: LocalServer, begin: bytes, endless: bytes
) -> None:
    """Where the application counts the bytes of the body only."""
    async with door.knock(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + begin) as line:
        await line.drip(endless)
    await door.is_left_by_all()


async def test_a_large_body_in_chunks_arrives(door: LocalServer) -> None:
    """Of which the frames are a small part."""
    chunk = b"3e8\r\n" + b"x" * 1_000 + b"\r\n"
    async with door.knock(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") as line:
        line.say(chunk * 3_000 + b"0\r\n\r\n")
        status, body = await line.answer()
    assert (status, len(body)) == (200, 3_000_000)


@pytest.mark.parametrize("size", [3, 500_000])
async def test_who_offers_another_protocol_is_answered_in_this_one(door: LocalServer, size: int) -> None:
    """Once for each request, whatever its size."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with door.knock() as line:
        for _ in range(2):
            line.say(b"POST / HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (offer, size) + b"x" * size)
            status, body = await line.answer()
            assert (status, len(body)) == (200, size)


async def test_invalid_http_is_a_400_error(door: LocalServer) -> None:
    """A regular error response with code BAD_REQUEST."""
    async with door.knock(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") as line:
        assert await line.code() == (400, "BAD_REQUEST")
        await line.is_hung_up()
        await door.is_left_by_all()  # although this end still stands


async def test_an_address_has_so_many_connections(opened: Callable[[ConnectionLimits], LocalServer]) -> None:
    """One more gets 503; closing a connection frees a slot."""
    door = opened(ConnectionLimits(connections=3))
    async with door.knock(GET) as first, door.knock(GET) as second:
        async with door.knock(GET) as third:
            for line in (first, second, third):
                assert await line.answer() == (200, b"")
            async with door.knock() as fourth:
                assert await fourth.code() == (503, "SERVICE_OVERLOADED")
                await fourth.is_hung_up()
        async with asyncio.timeout(AT_MOST):
            while True:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    async with door.knock(GET) as again:
                        if await again.answer() == (200, b""):
                            break


async def test_a_trusted_proxy_has_as_many_as_it_wants(
    opened: Callable[[ConnectionLimits], LocalServer],
) -> None:
    """They are many clients'."""
    proxies = Settings(trusted_proxies="127.0.0.0/8").trusted_proxy_networks
    door = opened(ConnectionLimits(connections=1, peers=ClientAddressResolver(proxies)))
    async with door.knock(GET) as first, door.knock(GET) as second:
        assert await first.answer() == await second.answer() == (200, b"")

"""Ambiguous headers, foreign hosts and early responses, over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import orjson
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server
from tests.conftest import Server

pytestmark = pytest.mark.slow

QUERY = b'{"query": "{ latestNews(first: 2) { nodes { id } } }"}'
GET = b"/graphql?query=%7B__typename%7D"
HOST = (b"Host", b"news.example.org")
UPGRADE = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"AAAAAAAAAAAAAAAAAAAAAA=="),
    (b"Sec-WebSocket-Protocol", b"graphql-transport-ws"),
)
Headers = Sequence[tuple[bytes, bytes]]


class Response:
    def __init__(self, text: bytes) -> None:
        head, _, self.body = text.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        self.status = int(status.split()[1])
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
        }

    @property
    def code(self) -> str:
        return str(orjson.loads(self.body)["errors"][0]["extensions"]["code"])


async def send(
    running: RunningServer,
    method: bytes,
    path: bytes,
    headers: Headers,
    body: bytes = b"",
    *,
    close: bool = True,
) -> Response:
    """The response to a request with exactly these headers, of which repeated ones stay repeated."""
    lines = [method + b" " + path + b" HTTP/1.1", *(b"%b: %b" % header for header in headers)]
    if close:
        lines.append(b"Connection: close")
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    try:
        writer.write(b"\r\n".join([*lines, b"", body]))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return Response(head + await reader.readexactly(int(length or 0)))
    finally:
        writer.close()


async def post(running: RunningServer, *headers: tuple[bytes, bytes], close: bool = True) -> Response:
    own = [HOST, (b"Content-Type", b"application/json")]
    names = {name for name, _ in headers}
    chosen = [header for header in own if header[0] not in names]
    return await send(running, b"POST", b"/graphql", [*chosen, *headers], QUERY, close=close)


@pytest.fixture(scope="module", params=["contentql", "uvicorn"])
async def running(
    request: pytest.FixtureRequest, sqlite_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    url = await sqlite_server.demo()
    folder = tmp_path_factory.mktemp("served")
    async with running_server(folder, url, CONTENTQL_HTTP_PROTOCOL=request.param) as result:
        yield result


@pytest.fixture(scope="module")
async def named_server(
    sqlite_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """A server for one host name and its subdomains."""
    hosts = "example.org, *.example.org, 127.0.0.1"
    folder = tmp_path_factory.mktemp("named")
    async with running_server(folder, await sqlite_server.demo(), CONTENTQL_ALLOWED_HOSTS=hosts) as result:
        yield result


# Headers sent twice


@pytest.mark.parametrize("close", [True, False])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        (b"Authorization", (b"Bearer cql_one", b"Bearer cql_two")),
        (b"Authorization", (b"", b"")),
        (b"X-Preview-At", (b"2026-07-01T00:00:00Z", b"2027-07-01T00:00:00Z")),
        (b"Host", (b"news.example.org", b"evil.test")),
        (b"Host", (b"news.example.org", b"news.example.org")),
        (b"Content-Type", (b"text/plain", b"application/json")),
        (b"Content-Encoding", (b"gzip", b"identity")),
        (b"Origin", (b"https://a.test", b"https://b.test")),
    ],
)
async def test_repeated_headers_that_are_no_lists_are_refused(
    running: RunningServer, name: bytes, values: tuple[bytes, bytes], close: bool
) -> None:
    """Also where the response would come from the cache."""
    assert (await post(running)).status == 200
    response = await post(running, *((name, value) for value in values), close=close)
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    assert name.decode() in orjson.loads(response.body)["errors"][0]["message"]


@pytest.mark.parametrize(
    "path", [GET, b"/preview/cqlp_x", b"/preview/cqlp_x/", b"/metrics", b"/health/live", b"/graphiql", b"/"]
)
@pytest.mark.parametrize("name", [b"Authorization", b"Host"])
async def test_every_path_refuses_two_credentials_and_two_hosts(
    running: RunningServer, path: bytes, name: bytes
) -> None:
    """Whether or not it reads them."""
    headers = [HOST, (name, b"a.test"), (name, b"b.test")]
    response = await send(running, b"GET", path, headers)
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    assert b"cql" not in response.body


@pytest.mark.parametrize("name", [b"Authorization", b"X-Preview-At", b"Host"])
async def test_a_websocket_handshake_with_two_of_them_is_refused(running: RunningServer, name: bytes) -> None:
    """With an HTTP response, before the connection is one of WebSocket."""
    response = await send(
        running, b"GET", b"/graphql", [HOST, *UPGRADE, (name, b"a.test"), (name, b"b.test")], close=False
    )
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    once = await send(running, b"GET", b"/graphql", [HOST, *UPGRADE], close=False)
    assert once.status == 101


async def test_lines_of_a_list_are_one_list(running: RunningServer) -> None:
    """RFC 9110, section 5.3; a proxy may add lines of its own."""
    tag = (await send(running, b"GET", GET, [HOST])).headers[b"etag"]
    response = await send(
        running, b"GET", GET, [HOST, (b"If-None-Match", b'"other"'), (b"If-None-Match", tag)]
    )
    assert response.status == 304
    accept = (b"Accept", b"text/html"), (b"Accept", b"application/json")
    assert (await post(running, *reversed(accept))).headers[b"content-type"].startswith(b"application/json")
    assert (await post(running, *accept)).headers[b"content-type"].startswith(b"application/json")
    assert (await post(running, *[(b"X-Forwarded-For", b"192.0.2.1")] * 3)).status == 200


# Host names


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        (b"example.org", True),
        (b"EXAMPLE.org:8443", True),
        (b"news.example.org.", True),
        (b"a.b.example.org", True),
        (b"127.0.0.1:8000", True),
        (b"localhost", False),
        (b"evil.test", False),
        (b"example.org.evil.test", False),
        (b"evilexample.org", False),
        (b"example.org@evil.test", False),
        (b"example.org:80:80", False),
        (b"[::1]", False),
        (b"", False),
    ],
)
async def test_only_allowed_hosts_are_served(
    named_server: RunningServer, host: bytes, is_allowed: bool
) -> None:
    """By POST, from the cache, over a WebSocket and on every page; health checks name an address."""
    assert (await post(named_server)).status == 200
    responses = [
        await post(named_server, (b"Host", host)),
        await post(named_server, (b"Host", host), close=False),
        await send(named_server, b"GET", GET, [(b"Host", host)]),
        await send(named_server, b"GET", b"/preview/cqlp_x", [(b"Host", host)]),
        await send(named_server, b"GET", b"/graphiql", [(b"Host", host)]),
        await send(named_server, b"GET", b"/nothing", [(b"Host", host)]),
        await send(named_server, b"GET", b"/graphql", [(b"Host", host), *UPGRADE], close=False),
    ]
    expected = [200, 200, 200, 404, 200, 404, 101] if is_allowed else [421] * len(responses)
    assert [response.status for response in responses] == expected
    assert is_allowed or {response.code for response in responses} == {"HOST_NOT_ALLOWED"}
    for path in (b"/health/live", b"/health/ready"):
        assert (await send(named_server, b"GET", path, [(b"Host", host)])).status == 200


async def test_any_host_is_served_by_default(running: RunningServer) -> None:
    """The API has no cookies, and a front end names it as it likes; metrics are for local names only."""
    for host in (b"evil.test", b"[::1]:1", b"nonsense host"):
        assert (await post(running, (b"Host", host))).status == 200
    assert (await send(running, b"GET", b"/metrics", [(b"Host", b"evil.test")])).status == 404
    assert (await send(running, b"GET", b"/metrics", [(b"Host", b"localhost:8000")])).status == 200


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_metrics_are_not_read_through_a_proxy_without_headers(
    running: RunningServer, version: bytes
) -> None:
    """nginx sends HTTP/1.0 by default, with the name that the server has in its configuration."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=TIMEOUT_SECONDS) as proxy:
        head = b"GET /metrics HTTP/%b\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n\r\n"
        proxy.sendall(head % version)
        response = Response(await asyncio.to_thread(_read_all, proxy))
    assert response.status == (404 if version == b"1.0" else 200)


@pytest.mark.parametrize(
    "path",
    [
        b"/preview/cqlp_secret/",
        b"/metrics/",
        b"/health/live/",
        b"/graphiql/static",
        b"/nothing/",
        b"//evil.test",
    ],
)
async def test_no_path_redirects(running: RunningServer, path: bytes) -> None:
    """A redirect would lead to the host that the client names, and could be cached."""
    response = await send(running, b"GET", path, [(b"Host", b"evil.test")])
    assert response.status == 404
    assert b"location" not in response.headers


# Responses before the end of the body


def _read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def _send_all_then_read(port: int, request: bytes) -> bytes:
    """The response to a client that reads nothing before it has sent everything, as many do."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as client:
        with contextlib.suppress(ConnectionError):  # the response may be readable all the same
            client.sendall(request)
        return _read_all(client)


JSON = b"Content-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        (b"POST", b"/graphql", JSON, 413),
        (b"POST", b"/graphql", b"Content-Type: text/plain\r\n", 415),
        (b"POST", b"/graphql", JSON + b"Accept: text/html\r\n", 406),
        (b"POST", b"/graphql", JSON + b"Authorization: a\r\nAuthorization: b\r\n", 400),
        (b"PUT", b"/graphql", JSON, 405),
        (b"POST", b"/metrics", b"", 405),
        (b"POST", b"/nothing", b"", 404),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_an_early_response_can_be_read(
    running: RunningServer, method: bytes, path: bytes, headers: bytes, status: int, is_chunked: bool
) -> None:
    """In sixty of sixty tries, although the server responds while the client still sends its body."""
    body = b" " * 4_000_000
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    length = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % len(body)
    head = b"%b %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b%b\r\n\r\n" % (method, path, headers, length)
    responses = []
    for _ in range(60):
        responses.append(await asyncio.to_thread(_send_all_then_read, running.port, head + framed))
    assert [Response(response).status for response in responses] == [status] * 60


async def test_a_refused_token_can_be_read_while_the_body_is_sent(running: RunningServer) -> None:
    """401, and 429 once there were too many from the address."""
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer cql_%d\r\n"
    body = b"Content-Length: 4000000\r\n\r\n" + b" " * 4_000_000
    statuses = [
        Response(await asyncio.to_thread(_send_all_then_read, running.port, head % n + JSON + body)).status
        for n in range(20)
    ]
    assert set(statuses) == {401, 429}

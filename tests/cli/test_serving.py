"""The command `contentql serve`: workers, shutdown, slow clients and overload."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import orjson
import pytest
import websockets
from tests.conftest import Server
from tests.support.http_client import free_port
from websockets.typing import Subprotocol

pytestmark = pytest.mark.slow

QUERY = '{ latestNews(section: "world/asia", first: 2) { nodes { slug } } }'
LONG = "nodes { slug headline body { html } category { name } tags { name } leadMedia { url } }"
# Nothing here takes longer than this unless it is broken.
TIMEOUT_SECONDS = 30


@pytest.fixture(scope="module")
async def newsroom(sqlite_server: Server) -> str:
    """The demo newsroom, for servers that only read it."""
    url = await sqlite_server.demo()
    return url


class Served:
    """A running `contentql serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def query(self) -> str:
        """Asks on a connection of its own. Which worker answered, as its request ids begin."""
        async with httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT_SECONDS) as http:
            answer = await http.post("/graphql", json={"query": QUERY})
        assert len(answer.json()["data"]["latestNews"]["nodes"]) == 2
        return answer.headers["x-request-id"].partition("-")[0]

    async def answering(self, workers: int, *, apart_from: frozenset[str] = frozenset()) -> frozenset[str]:
        """Asks until so many workers have answered, apart from these. What cannot connect asks again."""
        results: set[str] = set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(results - apart_from) < workers:
                assert self.process.poll() is None
                data = (self.query() for _ in range(10))
                for answer in await asyncio.gather(*data, return_exceptions=True):
                    if isinstance(answer, httpx2.TransportError):
                        await asyncio.sleep(0.05)
                    elif isinstance(answer, BaseException):
                        raise answer
                    else:
                        results.add(answer)
        return frozenset(results - apart_from)

    def workers(self) -> set[int]:
        """The processes below it that serve."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        )
        rows = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
        return {
            int(pid) for pid, parent, args in rows if int(parent) == self.process.pid and "spawn_main" in args
        }

    async def ended(self) -> int:
        """The exit code, when it has one."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await asyncio.to_thread(self.process.wait)


@contextlib.asynccontextmanager
async def serving(folder: Path, url: str, *flags: str, **environment: str) -> AsyncIterator[Served]:
    """A server that answers; it is told to stop, if it has not, and must have nothing to complain of."""
    port = free_port()
    command = [sys.executable, "-m", "contentql", "serve", "--port", str(port), "--database", url, *flags]
    result = folder / "stderr.txt"
    with result.open("w") as stderr:
        quick = {**os.environ, "CONTENTQL_DRAIN_SECONDS": "0", **environment}
        process = subprocess.Popen(command, stderr=stderr, text=True, env=quick)  # noqa: ASYNC220
    served = Served(process, port)
    try:
        await served.answering(1)
        yield served
    finally:
        process.terminate()
        await served.ended()
    assert "Traceback" not in result.read_text()


@pytest.fixture
async def two_workers(tmp_path: Path, newsroom: str) -> AsyncIterator[Served]:
    async with serving(tmp_path, newsroom, "--workers", "2") as served:
        yield served


async def test_workers_share_the_port_and_a_killed_one_is_replaced(two_workers: Served) -> None:
    """Both answer; when one is gone the other goes on, and a new one joins it."""
    first = await two_workers.answering(2)
    before = two_workers.workers()
    assert len(before) == 2
    os.kill(killed := min(before), signal.SIGKILL)
    newcomers = await two_workers.answering(1, apart_from=first)
    assert len(newcomers) == 1
    after = two_workers.workers()
    assert killed not in after
    assert before - {killed} < after
    assert len(after) == 2


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_request_that_runs_is_finished(tmp_path: Path, newsroom: str, workers: int) -> None:
    """On SIGTERM readiness says so, the door closes, what runs is answered, and that is no failure."""
    body = orjson.dumps({"query": QUERY})
    drain = {"CONTENTQL_DRAIN_SECONDS": "0.5"}
    async with serving(tmp_path, newsroom, "--workers", str(workers), **drain) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: newsroom.test\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body[:20]
        )
        await asyncio.sleep(0.5)  # it has been read by then
        served.process.terminate()
        assert 503 in await readiness(served)  # until the server is gone
        assert served.process.poll() is None
        writer.write(body[20:])
        async with asyncio.timeout(TIMEOUT_SECONDS):
            result = await reader.read()
        writer.close()
        assert result.startswith(b"HTTP/1.1 200 ")
        assert b"world" in result or b"slug" in result
        assert await served.ended() == 0


async def readiness(served: Served) -> list[int]:
    """What /health/ready says, again and again, until the door is closed."""
    results: list[int] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            try:
                async with httpx2.AsyncClient(base_url=served.url, timeout=TIMEOUT_SECONDS) as http:
                    results.append((await http.get("/health/ready")).status_code)
            except httpx2.TransportError:
                return results
            await asyncio.sleep(0.05)


async def test_three_hundred_slow_clients_hold_nothing(tmp_path: Path, newsroom: str) -> None:
    """All are cut off, however they are slow, and others are answered meanwhile."""
    beginnings = (b"", b"POST /graphql HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET")
    async with serving(tmp_path, newsroom, CONTENTQL_HEADER_TIMEOUT_SECONDS="1") as served:
        lines = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(300)]
        for number, (_, writer) in enumerate(lines):
            writer.write(beginnings[number % 3])
        await served.query()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.gather(*(reader.read() for reader, _ in lines), return_exceptions=True)
        await served.query()
        for _, writer in lines:
            writer.close()


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ({"CONTENTQL_RATE_LIMIT_COST_PER_MINUTE": "2000"}, 429),
        ({"CONTENTQL_MAX_CONCURRENT_OPERATIONS": "2"}, 503),
    ],
)
async def test_three_hundred_at_once_are_answered_or_turned_away(
    tmp_path: Path, newsroom: str, limit: dict[str, str], status: int
) -> None:
    """As a regular error response with Retry-After, without a long wait."""

    async def ask(http: httpx2.AsyncClient, number: int) -> httpx2.Response:
        # No two alike: none is answered from memory.
        query = f'{{ articles(first: 100, filter: {{slug: {{ne: "{number}"}}}}) {{ totalCount {LONG} }} }}'
        return await http.post("/graphql", json={"query": query})

    async with serving(tmp_path, newsroom, **limit) as served:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=served.url, limits=limits, timeout=TIMEOUT_SECONDS) as http:
            began = time.monotonic()
            answers = await asyncio.gather(*(ask(http, number) for number in range(300)))
            took = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200, status}
    for answer in answers:
        if answer.status_code == status:
            (error,) = answer.json()["errors"]
            assert error["extensions"]["code"] == {429: "RATE_LIMITED", 503: "SERVICE_OVERLOADED"}[status]
            assert int(answer.headers["retry-after"]) == error["extensions"]["retryAfter"] > 0
    assert took < TIMEOUT_SECONDS / 2


@pytest.mark.parametrize("protocol", ["contentql", "uvicorn"])
async def test_both_http_protocols_serve_the_same(tmp_path: Path, newsroom: str, protocol: str) -> None:
    """`CONTENTQL_HTTP_PROTOCOL=uvicorn` runs uvicorn's own classes, with equal responses."""
    async with serving(tmp_path, newsroom, CONTENTQL_HTTP_PROTOCOL=protocol) as served:
        async with httpx2.AsyncClient(base_url=served.url, timeout=TIMEOUT_SECONDS) as http:
            bodies = []
            for _ in range(3):  # computed, then from the cache
                answer = await http.get("/graphql", params={"query": QUERY})
                assert answer.status_code == 200
                assert answer.headers["x-request-id"]
                bodies.append(answer.content)
            assert len(set(bodies)) == 1
            tag = {"If-None-Match": answer.headers["etag"]}
            unchanged = await http.get("/graphql", params={"query": QUERY}, headers=tag)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            posted = await http.post("/graphql", json={"query": QUERY}, headers={"Accept-Encoding": "gzip"})
            assert posted.content == bodies[0]
            failed = await http.post("/graphql", content=b"{")
            assert failed.status_code == 415
            assert (await http.get("/health/ready")).status_code == 200
        url = f"ws://127.0.0.1:{served.port}/graphql"
        async with websockets.connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send(orjson.dumps({"type": "connection_init"}).decode())
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
            subscribe = {"type": "subscribe", "id": "1", "payload": {"query": QUERY}}
            await socket.send(orjson.dumps(subscribe).decode())
            assert orjson.loads(await socket.recv())["payload"] == orjson.loads(bodies[0])

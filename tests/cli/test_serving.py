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
# Longer than every correct operation in these tests.
TIMEOUT_SECONDS = 30


@pytest.fixture(scope="module")
async def newsroom(sqlite_server: Server) -> str:
    """The demo newsroom, for servers that only read it."""
    url = await sqlite_server.demo()
    return url


class RunningServer:
    """A running `contentql serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def query(self) -> str:
        """Queries on a new connection; the beginning of the request id, which identifies the worker."""
        async with httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT_SECONDS) as http:
            response = await http.post("/graphql", json={"query": QUERY})
        assert len(response.json()["data"]["latestNews"]["nodes"]) == 2
        return response.headers["x-request-id"].partition("-")[0]

    async def wait_for_workers(self, count: int, *, exclude: frozenset[str] = frozenset()) -> frozenset[str]:
        """Queries until the number of workers, other than the excluded ones, have responded."""
        results: set[str] = set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(results - exclude) < count:
                assert self.process.poll() is None
                queries = (self.query() for _ in range(10))
                for response in await asyncio.gather(*queries, return_exceptions=True):
                    if isinstance(response, httpx2.TransportError):
                        await asyncio.sleep(0.05)
                    elif isinstance(response, BaseException):
                        raise response
                    else:
                        results.add(response)
        return frozenset(results - exclude)

    async def wait_until_live(self) -> None:
        """Waits until the server responds, also if it rejects every operation."""
        async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient(base_url=self.url) as http:
            while True:
                assert self.process.poll() is None
                with contextlib.suppress(httpx2.TransportError):
                    assert (await http.get("/health/live")).status_code == 200
                    return
                await asyncio.sleep(0.05)

    def worker_pids(self) -> set[int]:
        """The ids of the worker processes."""
        process_list = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        )
        rows = (line.split(maxsplit=2) for line in process_list.stdout.splitlines())
        return {
            int(pid) for pid, parent, args in rows if int(parent) == self.process.pid and "spawn_main" in args
        }

    async def wait_for_exit(self) -> int:
        """The exit code, after waiting for the process."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await asyncio.to_thread(self.process.wait)


@contextlib.asynccontextmanager
async def running_server(
    folder: Path, url: str, *flags: str, **environment: str
) -> AsyncIterator[RunningServer]:
    """A server that executes operations; see `started_server`."""
    async with started_server(folder, url, *flags, **environment) as running:
        await running.wait_for_workers(1)
        yield running


@contextlib.asynccontextmanager
async def started_server(
    folder: Path, url: str, *flags: str, **environment: str
) -> AsyncIterator[RunningServer]:
    """A starting server, which is stopped afterwards and must not have logged a traceback."""
    port = free_port()
    command = [sys.executable, "-m", "contentql", "serve", "--port", str(port), "--database", url, *flags]
    log = folder / "stderr.txt"
    with log.open("w") as stderr:
        server_environment = {**os.environ, "CONTENTQL_DRAIN_SECONDS": "0", **environment}
        process = subprocess.Popen(command, stderr=stderr, text=True, env=server_environment)  # noqa: ASYNC220
    running = RunningServer(process, port)
    try:
        yield running
    finally:
        process.terminate()
        await running.wait_for_exit()
    assert "Traceback" not in log.read_text()


@pytest.fixture
async def two_workers(tmp_path: Path, newsroom: str) -> AsyncIterator[RunningServer]:
    """A server with two workers."""
    async with running_server(tmp_path, newsroom, "--workers", "2") as running:
        yield running


async def test_killed_workers_are_replaced(two_workers: RunningServer) -> None:
    """The other worker responds meanwhile; both share the port."""
    first = await two_workers.wait_for_workers(2)
    before = two_workers.worker_pids()
    assert len(before) == 2
    os.kill(killed := min(before), signal.SIGKILL)
    new_workers = await two_workers.wait_for_workers(1, exclude=first)
    assert len(new_workers) == 1
    after = two_workers.worker_pids()
    assert killed not in after
    assert before - {killed} < after
    assert len(after) == 2


@pytest.mark.parametrize("workers", [1, 2])
async def test_running_requests_finish_on_sigterm(tmp_path: Path, newsroom: str, workers: int) -> None:
    """Readiness fails, the port closes, the running request is executed, and the exit code is 0."""
    body = orjson.dumps({"query": QUERY})
    drain = {"CONTENTQL_DRAIN_SECONDS": "0.5"}
    async with running_server(tmp_path, newsroom, "--workers", str(workers), **drain) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: newsroom.test\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body[:20]
        )
        await asyncio.sleep(0.5)  # it has been read by then
        running.process.terminate()
        assert 503 in await poll_readiness(running)  # until the server is gone
        assert running.process.poll() is None
        writer.write(body[20:])
        async with asyncio.timeout(TIMEOUT_SECONDS):
            result = await reader.read()
        writer.close()
        assert result.startswith(b"HTTP/1.1 200 ")
        assert b"world" in result or b"slug" in result
        assert await running.wait_for_exit() == 0


async def poll_readiness(running: RunningServer) -> list[int]:
    """The status codes of /health/ready until connections are refused."""
    statuses: list[int] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            try:
                async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
                    statuses.append((await http.get("/health/ready")).status_code)
            except httpx2.TransportError:
                return statuses
            await asyncio.sleep(0.05)


async def test_slow_clients_are_disconnected(tmp_path: Path, newsroom: str) -> None:
    """Three hundred clients, while other requests are executed."""
    beginnings = (b"", b"POST /graphql HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET")
    async with running_server(tmp_path, newsroom, CONTENTQL_HEADER_TIMEOUT_SECONDS="1") as running:
        connections = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(300)]
        for number, (_, writer) in enumerate(connections):
            writer.write(beginnings[number % 3])
        await running.query()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.gather(*(reader.read() for reader, _ in connections), return_exceptions=True)
        await running.query()
        for _, writer in connections:
            writer.close()


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ({"CONTENTQL_RATE_LIMIT_COST_PER_MINUTE": "2000"}, 429),
        ({"CONTENTQL_MAX_CONCURRENT_OPERATIONS": "2"}, 503),
    ],
)
async def test_concurrent_requests_beyond_the_limit_are_rejected(
    tmp_path: Path, newsroom: str, limit: dict[str, str], status: int
) -> None:
    """With an error response and Retry-After, without a long wait."""

    async def send(http: httpx2.AsyncClient, number: int) -> httpx2.Response:
        # All requests differ, so that no response is cached.
        query = f'{{ articles(first: 100, filter: {{slug: {{ne: "{number}"}}}}) {{ totalCount {LONG} }} }}'
        return await http.post("/graphql", json={"query": query})

    async with running_server(tmp_path, newsroom, **limit) as running:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=running.url, limits=limits, timeout=TIMEOUT_SECONDS) as http:
            started_at = time.monotonic()
            responses = await asyncio.gather(*(send(http, number) for number in range(300)))
            duration = time.monotonic() - started_at
    assert {response.status_code for response in responses} == {200, status}
    for response in responses:
        if response.status_code == status:
            (error,) = response.json()["errors"]
            assert error["extensions"]["code"] == {429: "RATE_LIMITED", 503: "SERVICE_OVERLOADED"}[status]
            assert int(response.headers["retry-after"]) == error["extensions"]["retryAfter"] > 0
    assert duration < TIMEOUT_SECONDS / 2


@pytest.mark.parametrize("protocol", ["contentql", "uvicorn"])
async def test_both_http_protocols_return_equal_responses(
    tmp_path: Path, newsroom: str, protocol: str
) -> None:
    """`CONTENTQL_HTTP_PROTOCOL=uvicorn` runs uvicorn's own classes."""
    async with running_server(tmp_path, newsroom, CONTENTQL_HTTP_PROTOCOL=protocol) as running:
        async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
            bodies = []
            for _ in range(3):  # computed, then from the cache
                response = await http.get("/graphql", params={"query": QUERY})
                assert response.status_code == 200
                assert response.headers["x-request-id"]
                bodies.append(response.content)
            assert len(set(bodies)) == 1
            headers = {"If-None-Match": response.headers["etag"]}
            unchanged = await http.get("/graphql", params={"query": QUERY}, headers=headers)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            posted = await http.post("/graphql", json={"query": QUERY}, headers={"Accept-Encoding": "gzip"})
            assert posted.content == bodies[0]
            failed = await http.post("/graphql", content=b"{")
            assert failed.status_code == 415
            assert (await http.get("/health/ready")).status_code == 200
        url = f"ws://127.0.0.1:{running.port}/graphql"
        async with websockets.connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send(orjson.dumps({"type": "connection_init"}).decode())
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
            subscribe = {"type": "subscribe", "id": "1", "payload": {"query": QUERY}}
            await socket.send(orjson.dumps(subscribe).decode())
            assert orjson.loads(await socket.recv())["payload"] == orjson.loads(bodies[0])

"""Equal results over every transport, and operation without optional services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from tests.cli.test_serving import TIMEOUT_SECONDS, RunningServer, running_server
from tests.conftest import NOW, Server

from contentql.auth import api_tokens
from contentql.auth.permissions import Role
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.store.database import Database
from contentql.store.models.accounts import ApiToken

pytestmark = pytest.mark.slow

READER_TOKEN = api_tokens.generate_token()


@pytest.fixture(scope="module")
async def running(
    sqlite_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    """A server with the demo newsroom."""
    url = await sqlite_server.migrated()
    database = Database(url)
    await import_file(database, DEMO_CONTENT)
    async with database.orm():
        token, _ = await api_tokens.issue_token(name="Site", role=Role.READER, created_by="tests", now=NOW)
        await ApiToken.filter(id=token.id).update(hash=api_tokens.hash_token(READER_TOKEN))
    async with running_server(tmp_path_factory.mktemp("transports"), url) as running:
        yield running


def error_of(body: Any) -> tuple[str, dict[str, Any]]:
    """Code and extensions of the only error."""
    (error,) = body["errors"]
    extensions = error["extensions"]
    return extensions["code"], extensions


async def test_cached_responses_serve_every_client_of_a_shared_cache(running: RunningServer) -> None:
    """Those that are written without the application have the CORS headers and codings of the first one."""
    query = {"query": "{ latestNews(first: 20) { nodes { id headline summary } } }"}
    async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
        for accepts, coding in (("gzip, deflate, br, zstd", "br"), ("*", "gzip")):
            headers = {"accept-encoding": accepts}
            for caching in ("miss", "hit", "hit"):
                response = await http.get("/graphql", params=query, headers=headers)
                if coding == "br":
                    assert f"cache;desc={caching}" in response.headers["server-timing"]
                assert response.headers["access-control-allow-origin"] == "*"
                assert "etag" in response.headers["access-control-expose-headers"]
                assert response.headers["content-encoding"] == coding


async def test_batches_and_multipart_requests_are_rejected(running: RunningServer) -> None:
    """A trailing slash is accepted."""
    async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
        batch = await http.post("/graphql", json=[{"query": "{ viewer { role } }"}] * 2)
        parts = await http.post("/graphql", files={"operations": ("a", b"{}")})
        slash = await http.post("/graphql/", json={"query": "{ viewer { role } }"})
    assert (batch.status_code, error_of(batch.json())[0]) == (422, "INVALID_REQUEST")
    assert (parts.status_code, error_of(parts.json())[0]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert slash.json() == {"data": {"viewer": {"role": "READER"}}}


async def test_server_works_without_its_configured_redis(sqlite_server: Server, tmp_path: Path) -> None:
    """Responses and readiness are the same, and nothing is logged."""
    url = await sqlite_server.demo()
    environment = {
        "CONTENTQL_REDIS_URL": "redis://127.0.0.1:1/0",
        "CONTENTQL_RATE_LIMIT_COST_PER_MINUTE": "100000",
    }
    async with (
        running_server(tmp_path, url, **environment) as running,
        httpx2.AsyncClient(base_url=running.url) as http,
    ):
        for _ in range(20):
            response = await http.post("/graphql", json={"query": "{ latestNews { nodes { id } } }"})
            assert response.status_code == 200
            assert len(response.json()["data"]["latestNews"]["nodes"]) == 20
        assert (await http.get("/health/ready")).status_code == 200


@pytest.mark.parametrize(
    "request_headers",
    [
        {},
        {"accept": "application/json"},
        {"accept-encoding": "br"},
        {"accept-encoding": "gzip", "origin": "https://news.example.org"},
        {"authorization": f"Bearer {READER_TOKEN}"},
        {"x-request-id": "mine-1"},
        {"accept": "text/html"},
        {"connection": "close"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
async def test_cached_responses_equal_uncached_ones(
    running: RunningServer, method: str, request_headers: dict[str, str]
) -> None:
    """Only headers with ids and times of the request differ."""
    query = "{ latestNews(first: 20) { nodes { id headline summary category { name } } } }"
    responses: list[tuple[int, dict[str, str], bytes]] = []
    for _ in range(4):
        async with httpx2.AsyncClient(base_url=running.url, timeout=TIMEOUT_SECONDS) as http:
            if method == "POST":
                response = await http.post("/graphql", json={"query": query}, headers=request_headers)
            else:
                response = await http.request(
                    method, "/graphql", params={"query": query}, headers=request_headers
                )
        varying = {"date", "server-timing", "x-request-id"}
        headers = {name: value for name, value in response.headers.items() if name not in varying}
        assert response.headers["x-request-id"] == request_headers.get(
            "x-request-id", response.headers["x-request-id"]
        )
        body = b"" if response.status_code == 406 else response.content
        headers = {} if response.status_code == 406 else headers
        responses.append((response.status_code, headers, body))
    assert responses[1:] == responses[:-1]


async def test_pipelined_requests_are_answered_in_order(running: RunningServer) -> None:
    """On one connection, with cached and uncached responses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    queries = [f"{{ latestNews(first: {n % 3 + 1}) {{ nodes {{ id }} }} }}" for n in range(12)]
    for query in queries:
        body = orjson.dumps({"query": query})
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
    async with asyncio.timeout(TIMEOUT_SECONDS):
        for query in queries:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            nodes = orjson.loads(await reader.readexactly(length))["data"]["latestNews"]["nodes"]
            assert len(nodes) == int(query.partition("first: ")[2][0])
    writer.close()

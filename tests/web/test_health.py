"""Health, readiness and metrics endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import httpx2
import pytest
from starlette.applications import Starlette

from contentql.errors import ApiError
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.telemetry.observer import RequestObserver
from contentql.web.health import Readiness, health_routes


def make_client(
    readiness: Readiness, metrics: Literal["local", "all", "off"] = "local", host: str = "127.0.0.1"
) -> httpx2.AsyncClient:
    """An HTTP client with the address `host`."""
    app = Starlette(routes=health_routes(readiness, RequestObserver(Settings()), metrics))
    transport = httpx2.ASGITransport(app, client=(host, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://newsroom.test")


class FakeDatabase(Database):
    """A database that records its statements, and returns, waits or fails as the test sets it."""

    def __init__(self) -> None:
        super().__init__("sqlite:///nowhere.sqlite3")
        self.statements: list[str] = []
        self.error: Exception | None = None
        self.may_return = asyncio.Event()
        self.may_return.set()

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Sequence[Any]:
        self.statements.append(sql)
        await self.may_return.wait()
        if self.error:
            raise self.error
        return (None,)


@pytest.fixture
async def readiness(database_url: str) -> AsyncIterator[Readiness]:
    """Readiness of a migrated database."""
    async with Database(database_url) as database:
        yield Readiness(database)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_head_returns_the_headers_of_get(path: str, readiness: Readiness) -> None:
    """Neither may be stored, and HEAD has no body."""
    async with make_client(readiness) as http:
        fetched, head = await http.get(path), await http.head(path)
    assert fetched.status_code == head.status_code == 200
    assert fetched.headers["cache-control"] == head.headers["cache-control"] == "no-store"
    assert fetched.headers["content-type"] == head.headers["content-type"]
    assert head.content == b""
    assert int(fetched.headers["content-length"]) == len(fetched.content) > 0
    assert int(head.headers["content-length"]) > 0


async def test_live_does_not_read_the_database() -> None:
    """A running server is live whatever the state of its database."""
    database = FakeDatabase()
    database.error = ApiError("DATABASE_UNAVAILABLE", "gone")
    async with make_client(Readiness(database)) as http:
        response = await http.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert database.statements == []


async def test_ready_with_a_migrated_database(readiness: Readiness) -> None:
    async with make_client(readiness) as http:
        response = await http.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("DELETE FROM tortoise_migrations WHERE name LIKE '0002%'", "is not up to date"),
        ("UPDATE tortoise_migrations SET name = '9999_newer' WHERE name LIKE '0001%'", "is not up to date"),
        (
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('content', '9999_newer', '2030-01-01')",
            "is of a newer version",
        ),
        ("DROP TABLE tortoise_migrations", "is not there"),
    ],
)
async def test_not_ready_with_a_schema_of_another_version(
    database_url: str, change: str, reason: str
) -> None:
    """Migrations are missing or unknown, or the table of migrations is missing."""
    async with Database(database_url) as database:
        async with database.orm() as connection:
            await connection.execute_script(change)
        async with make_client(Readiness(database)) as http:
            response = await http.get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "reasons": {"schema": reason}}
    assert response.headers["retry-after"] == "1"
    assert response.headers["cache-control"] == "no-store"


async def test_not_ready_while_the_database_fails() -> None:
    """The message of the driver is not returned."""
    database = FakeDatabase()
    database.error = RuntimeError("connection to 10.0.0.7 refused for user secret")
    async with make_client(Readiness(database, every=0.001)) as http:
        response = await http.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["reasons"] == {"database": "does not answer"}
        database.error = None
        await asyncio.sleep(0.01)
        response = await http.get("/health/ready")
        assert response.json()["reasons"] == {"schema": "is not up to date"}


async def test_not_ready_when_the_database_times_out() -> None:
    """The response comes after the timeout of the check, not after the database's."""
    database = FakeDatabase()
    database.may_return.clear()
    readiness = Readiness(database, every=0.05)
    async with asyncio.timeout(5):
        assert await readiness.problems() == {"database": "does not answer"}


async def test_concurrent_readiness_checks_share_one_query() -> None:
    """Concurrently and within the interval; a cancelled request does not affect the others."""
    database = FakeDatabase()
    database.may_return.clear()
    readiness = Readiness(database, every=60.0)
    checks = [asyncio.create_task(readiness.problems()) for _ in range(50)]
    await asyncio.sleep(0)
    checks[0].cancel()
    database.may_return.set()
    results = await asyncio.gather(*checks[1:])
    assert results == [{"schema": "is not up to date"}] * 49
    assert await readiness.problems() == results[0]
    assert len(database.statements) == 2, "one statement for the connection, one for the migrations"


async def test_not_ready_while_shutting_down(readiness: Readiness) -> None:
    """Holds at once and with a working database."""
    async with make_client(readiness) as http:
        assert (await http.get("/health/ready")).status_code == 200
        readiness.stopping = True
        response = await http.get("/health/ready")
    assert (response.status_code, response.json()["reasons"]) == (503, {"server": "shuts down"})


@pytest.mark.parametrize(
    ("metrics", "host", "headers", "status"),
    [
        ("local", "127.0.0.1", {}, 200),
        ("local", "::1", {}, 200),
        ("local", "203.0.113.9", {}, 404),
        ("local", "127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 404),
        ("local", "127.0.0.1", {"forwarded": "for=127.0.0.1"}, 404),
        ("local", "unix", {}, 404),
        ("all", "203.0.113.9", {}, 200),
        ("off", "127.0.0.1", {}, 404),
    ],
)
async def test_metrics_are_limited_to_the_configured_clients(
    metrics: Literal["local", "all", "off"], host: str, headers: dict[str, str], status: int
) -> None:
    """`local` means this machine; requests through a proxy are not local."""
    async with make_client(Readiness(FakeDatabase()), metrics, host) as http:
        response = await http.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"contentql_http_requests" in response.content) == (status == 200)


async def test_metrics_are_in_prometheus_text_format() -> None:
    async with make_client(Readiness(FakeDatabase())) as http:
        response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert b"\n# TYPE contentql_operation_duration_seconds histogram\n" in response.content

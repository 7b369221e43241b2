"""Health, readiness and metrics endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from contentql.errors import ApiError, OperatorError
from contentql.settings import Settings, load_settings
from contentql.store.database import Database
from contentql.telemetry.observer import RequestObserver
from contentql.web.health import Readiness, health_routes


def make_client(readiness: Readiness, host: str = "127.0.0.1", **settings: Any) -> httpx2.AsyncClient:
    """An HTTP client with the address `host`."""
    chosen = Settings(**settings)
    app = Starlette(routes=health_routes(readiness, RequestObserver(chosen), chosen))
    transport = httpx2.ASGITransport(app, client=(host, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000")


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


NETWORKS = {"metrics_networks": "198.51.100.0/24, 2001:db8::/32"}
TOKEN = "c0ffee-" * 4
WITH_TOKEN = {"authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("settings", "host", "headers", "status"),
    [
        ({}, "127.0.0.1", {}, 200),
        ({}, "::1", {}, 200),
        ({}, "::ffff:127.0.0.1", {}, 200),
        ({}, "127.0.0.1", {"host": "127.0.0.1:8000"}, 200),
        ({}, "::1", {"host": "[::1]:8000"}, 200),
        ({}, "::1", {"host": "LOCALHOST."}, 200),
        ({}, "203.0.113.9", {}, 404),
        ({}, "unix", {}, 404),
        # A proxy on this machine, with a header of its own or with the client's Host.
        ({}, "127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 404),
        ({}, "127.0.0.1", {"x-forwarded-proto": "https"}, 404),
        ({}, "127.0.0.1", {"forwarded": "for=127.0.0.1"}, 404),
        ({}, "127.0.0.1", {"via": "1.1 proxy"}, 404),
        ({}, "127.0.0.1", {"host": "news.example.org"}, 404),
        ({"allowed_hosts": "*.example.org"}, "127.0.0.1", {"host": "news.example.org"}, 404),
        ({}, "127.0.0.1", {"host": "localhost.example.org"}, 404),
        ({}, "127.0.0.1", {"host": "127.0.0.1.example.org"}, 404),
        ({}, "127.0.0.1", {"host": "localhost@example.org"}, 404),
        ({}, "127.0.0.1", {"host": ""}, 404),
        (NETWORKS, "198.51.100.7", {}, 200),
        (NETWORKS, "::ffff:198.51.100.7", {}, 200),
        (NETWORKS, "2001:db8::7", {"host": "contentql.internal:8000"}, 200),
        (NETWORKS, "127.0.0.1", {}, 200),
        (NETWORKS, "203.0.113.9", {}, 404),
        (NETWORKS, "198.51.100.7", {"x-forwarded-for": "198.51.100.7"}, 404),
        ({**NETWORKS, "allowed_hosts": "example.org"}, "198.51.100.7", {"host": "evil.test"}, 404),
        ({**NETWORKS, "allowed_hosts": "example.org"}, "198.51.100.7", {"host": "example.org"}, 200),
        ({"metrics_token": TOKEN}, "127.0.0.1", {}, 401),
        ({"metrics_token": TOKEN}, "127.0.0.1", {"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"metrics_token": TOKEN}, "127.0.0.1", {"authorization": f"Basic {TOKEN}"}, 401),
        ({"metrics_token": TOKEN}, "127.0.0.1", {"authorization": "Bearer \u00fc".encode("latin-1")}, 401),
        ({"metrics_token": TOKEN}, "127.0.0.1", WITH_TOKEN, 200),
        ({"metrics_token": TOKEN}, "203.0.113.9", WITH_TOKEN, 404),
        ({"metrics_token": TOKEN, "metrics_access": "all"}, "203.0.113.9", WITH_TOKEN, 200),
        ({"metrics_token": TOKEN, "metrics_access": "all"}, "203.0.113.9", {}, 401),
        ({"metrics_access": "all"}, "203.0.113.9", {"host": "any.test", "via": "1.1 proxy"}, 200),
        ({"metrics_access": "all", "allowed_hosts": "a.test"}, "203.0.113.9", {"host": "b.test"}, 404),
        ({"metrics_access": "off"}, "127.0.0.1", {}, 404),
    ],
)
async def test_metrics_are_limited_to_the_configured_clients(
    settings: dict[str, Any], host: str, headers: dict[str, Any], status: int
) -> None:
    """`local` means this machine; requests through a proxy are not local."""
    async with make_client(Readiness(FakeDatabase()), host, **settings) as http:
        response = await http.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"contentql_http_requests" in response.content) == (status == 200)
    assert (response.headers.get("www-authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize("name", ["metrics_networks", "metrics_token", "allowed_hosts"])
def test_access_settings_are_checked_at_start(name: str) -> None:
    """A value that cannot be used is named, unless it is a secret."""
    with pytest.raises(OperatorError, match=f"CONTENTQL_{name.upper()} cannot be") as error:
        load_settings(**{name: "https://no:1"})
    assert ("https://no:1" in str(error.value)) == (name != "metrics_token")


async def test_metrics_are_in_prometheus_text_format() -> None:
    async with make_client(Readiness(FakeDatabase())) as http:
        response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert b"\n# TYPE contentql_operation_duration_seconds histogram\n" in response.content

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


def client(
    readiness: Readiness, metrics: Literal["local", "all", "off"] = "local", host: str = "127.0.0.1"
) -> httpx2.AsyncClient:
    """Asks from `host`."""
    app = Starlette(routes=health_routes(readiness, RequestObserver(Settings()), metrics))
    transport = httpx2.ASGITransport(app, client=(host, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://newsroom.test")


class FakeDatabase(Database):
    """A database that notes what it is asked, and answers when and as it is told to."""

    def __init__(self) -> None:
        super().__init__("sqlite:///nowhere.sqlite3")
        self.statements: list[str] = []
        self.error: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Sequence[Any]:
        self.statements.append(sql)
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return (None,)


@pytest.fixture
async def ready(database_url: str) -> AsyncIterator[Readiness]:
    async with Database(database_url) as database:
        yield Readiness(database)


@pytest.mark.parametrize("address", ["/health/live", "/health/ready", "/metrics"])
async def test_head_returns_the_headers_of_get(address: str, ready: Readiness) -> None:
    """The same headers, nothing to be kept by any cache, and no body."""
    async with client(ready) as http:
        got, head = await http.get(address), await http.head(address)
    assert got.status_code == head.status_code == 200
    assert got.headers["cache-control"] == head.headers["cache-control"] == "no-store"
    assert got.headers["content-type"] == head.headers["content-type"]
    assert head.content == b""
    assert int(got.headers["content-length"]) == len(got.content) > 0
    assert int(head.headers["content-length"]) > 0


async def test_a_server_that_runs_lives() -> None:
    """Whatever its database does."""
    database = FakeDatabase()
    database.error = ApiError("DATABASE_UNAVAILABLE", "gone")
    async with client(Readiness(database)) as http:
        response = await http.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert database.statements == []


async def test_a_server_with_its_database_is_ready(ready: Readiness) -> None:
    """The database answers and has had all migrations."""
    async with client(ready) as http:
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
async def test_a_schema_of_another_version_is_not_ready(database_url: str, change: str, reason: str) -> None:
    """Whether migrations are missing, unknown, or there is no word of them."""
    async with Database(database_url) as database:
        async with database.orm() as connection:
            await connection.execute_script(change)
        async with client(Readiness(database)) as http:
            response = await http.get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "reasons": {"schema": reason}}
    assert response.headers["retry-after"] == "1"
    assert response.headers["cache-control"] == "no-store"


async def test_a_database_that_fails_is_not_ready_and_recovers() -> None:
    """What the driver says stays inside."""
    database = FakeDatabase()
    database.error = RuntimeError("connection to 10.0.0.7 refused for user secret")
    async with client(Readiness(database, every=0.001)) as http:
        response = await http.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["reasons"] == {"database": "does not answer"}
        database.error = None
        await asyncio.sleep(0.01)
        response = await http.get("/health/ready")
        assert response.json()["reasons"] == {"schema": "is not up to date"}


async def test_a_database_that_hangs_is_not_ready() -> None:
    """The answer comes when the time for it is over, not when the database does."""
    database = FakeDatabase()
    database.may_answer.clear()
    readiness = Readiness(database, every=0.05)
    async with asyncio.timeout(5):
        assert await readiness.problems() == {"database": "does not answer"}


async def test_many_who_ask_share_one_look() -> None:
    """Concurrently and within a second; a cancelled request does not affect the others."""
    database = FakeDatabase()
    database.may_answer.clear()
    readiness = Readiness(database, every=60.0)
    asking = [asyncio.create_task(readiness.problems()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    database.may_answer.set()
    results = await asyncio.gather(*asking[1:])
    assert results == [{"schema": "is not up to date"}] * 49
    assert await readiness.problems() == results[0]
    assert len(database.statements) == 2, "once whether it answers, once what it has"


async def test_a_server_that_shuts_down_is_not_ready(ready: Readiness) -> None:
    """From then on at once, though the database answers."""
    async with client(ready) as http:
        assert (await http.get("/health/ready")).status_code == 200
        ready.stopping = True
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
async def test_metrics_are_for_those_whom_the_setting_names(
    metrics: Literal["local", "all", "off"], host: str, headers: dict[str, str], status: int
) -> None:
    """`local` means this machine: behind a proxy everybody would look as if they were on it."""
    async with client(Readiness(FakeDatabase()), metrics, host) as http:
        response = await http.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"contentql_http_requests" in response.content) == (status == 200)


async def test_metrics_are_in_the_text_format_of_prometheus() -> None:
    """With the type that says so."""
    async with client(Readiness(FakeDatabase())) as http:
        response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert b"\n# TYPE contentql_operation_duration_seconds histogram\n" in response.content

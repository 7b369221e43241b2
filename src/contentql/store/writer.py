"""Write transactions for the models: one at a time on SQLite, a few at once on PostgreSQL.

Tortoise runs the statements; beginning and ending a transaction is our own code, because Tortoise keeps its
lock or loses its connection when BEGIN fails or is cancelled. Invariant: does not know tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import sqlite3
from collections.abc import AsyncIterator
from typing import Any, Protocol

import asyncpg
from tortoise.context import TortoiseContext

from contentql.store.errors import postgres_dsn
from contentql.store.postgres_times import set_time_codecs
from contentql.store.sqlite_functions import register_functions

_MAX_POSTGRES_CONNECTIONS = 5  # maximum number of write connections to PostgreSQL
_RELEASE_TIMEOUT = 1.0  # seconds to roll back and to release a connection, which is closed after that
# The driver's thread cannot be cancelled while it waits for SQLite's lock, so it waits in short intervals.
_BUSY_TIMEOUT_MS = 250  # milliseconds


class TransactionFactory(Protocol):
    @contextlib.asynccontextmanager
    def begin(self) -> AsyncIterator[Any]:
        """Begins a transaction and yields its connection; rolls back unless `commit` was called."""

    async def close(self) -> None: ...


class SqliteWriter:
    """Write transactions on SQLite: one connection, used by one task at a time."""

    def __init__(self, context: TortoiseContext) -> None:
        self._context = context
        self._client: Any = context.connections.get("sqlite")
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._lock:
            await self._open_connection()
            connection = self._client._in_transaction().connection
            driver = connection._connection
            try:
                await _begin_immediate(driver)
                with _bind_connection(self._context, "sqlite", connection):
                    yield connection
            finally:
                if not connection._finalized:
                    # The driver's thread runs this after an interrupted statement and before the next one.
                    with contextlib.suppress(sqlite3.Error, ValueError):
                        await driver.rollback()

    async def _open_connection(self) -> None:
        """Opens the connection with all its settings, or none: without them writes may not be durable."""
        if self._client._connection is not None:
            return
        try:
            await self._client.create_connection(with_db=True)
            driver: Any = self._client._connection
            cursor = await driver.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            await cursor.close()
            await driver._execute(register_functions, driver._conn)
        except BaseException:
            await self._client.close()
            raise

    async def close(self) -> None:
        await self._context.close_connections()


async def _begin_immediate(driver: Any) -> None:
    """Begins a transaction with the write lock, so that no row changes between reading and writing it."""
    while True:
        try:
            cursor = await driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            await asyncio.sleep(0.01)
        else:
            await cursor.close()
            return


class PostgresWriter:
    """Write transactions on PostgreSQL: a pool of connections; a broken one is closed and replaced."""

    def __init__(self, context: TortoiseContext, url: str) -> None:
        self._context = context
        self._client: Any = context.connections.get("postgres")
        self._dsn = postgres_dsn(url)
        self._opening = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        pool = await self._pool()
        driver = await pool.acquire()
        connection = self._client._in_transaction().client
        connection._connection = driver
        try:
            await connection.begin()
            with _bind_connection(self._context, "postgres", connection):
                yield connection
        finally:
            if not connection._finalized:
                await _rollback(driver)
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await pool.release(driver, timeout=_RELEASE_TIMEOUT)

    async def _pool(self) -> Any:
        async with self._opening:
            if self._client._pool is None:
                self._client._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,  # connect at the first write: the database may be unavailable now
                    max_size=_MAX_POSTGRES_CONNECTIONS,
                    timeout=5,
                    init=set_time_codecs,
                    server_settings={
                        "application_name": "contentql",
                        # Releases the locks of a machine that disappeared without closing its connection.
                        "idle_in_transaction_session_timeout": "30s",
                    },
                )
                await self._client._post_connect()
            return self._client._pool

    async def close(self) -> None:
        await self._context.close_connections()


async def _rollback(driver: Any) -> None:
    """Rolls a transaction back. If the connection is closed, the server has done so."""
    if driver.is_closed():
        return
    try:
        async with asyncio.timeout(_RELEASE_TIMEOUT):
            await driver.execute("ROLLBACK")
    except asyncio.CancelledError:
        driver.terminate()
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        driver.terminate()


@contextlib.contextmanager
def _bind_connection(context: TortoiseContext, name: str, connection: Any) -> Any:
    """Uses the transaction's connection for the models of the current task, within the block."""
    with copy.copy(context) as task_context:
        token = task_context.connections.set(name, connection)
        try:
            yield
        finally:
            task_context.connections.reset(token)

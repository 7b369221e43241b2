"""Lock that one process at a time has on a database, for work that must not be done twice.

PostgreSQL: an advisory lock of a session, which ends with the connection. SQLite: a lock of the operating
system on a file beside the database, which ends with the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg

from contentql.store.database import Database
from contentql.store.errors import postgres_dsn, sqlite_path
from contentql.store.private_files import create_private_file

_TIMEOUT: Final = 5.0  # seconds
# So that the server notices within half a minute that the machine of a session is gone.
_KEEPALIVE: Final = {
    "application_name": "contentql worker",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class WorkerLock(Protocol):
    async def acquire(self) -> bool:
        """Tries to get the lock, without waiting for it. Raises OSError without a database."""

    async def is_held(self) -> bool:
        """Whether the lock, once acquired, is still held."""

    async def release(self) -> None: ...


def worker_lock(database: Database, name: str, number: int) -> WorkerLock:
    """The lock of a database with this name; `number` is that of the advisory lock."""
    if database.dialect == "sqlite":
        return SqliteWorkerLock(sqlite_path(database.url), name)
    return PostgresWorkerLock(database.url, number)


class SqliteWorkerLock:
    """An exclusive transaction on an empty SQLite file: its file lock works on every system."""

    def __init__(self, database_path: Path, name: str) -> None:
        self._path = database_path.with_name(f"{database_path.name}-{name}")
        self._connection: sqlite3.Connection | None = None

    async def acquire(self) -> bool:
        try:
            create_private_file(self._path)
            self._connection = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as exc:
            await self.release()
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise OSError(str(exc)) from exc
        return True

    async def is_held(self) -> bool:
        return self._connection is not None

    async def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresWorkerLock:
    """An advisory lock of a connection that is used for nothing else."""

    def __init__(self, url: str, number: int) -> None:
        self._dsn, self._number = postgres_dsn(url), number
        self._connection: Any = None

    async def acquire(self) -> bool:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._dsn, timeout=_TIMEOUT, command_timeout=_TIMEOUT, server_settings=_KEEPALIVE
                )
            acquired: bool = await self._connection.fetchval(
                "SELECT pg_try_advisory_lock(4711, $1)", self._number
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as exc:
            await self.release()
            raise OSError(str(exc)) from exc
        return acquired

    async def is_held(self) -> bool:
        if self._connection is None or self._connection.is_closed():
            return False
        try:
            return bool(await self._connection.fetchval("SELECT true"))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError):
            return False

    async def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await connection.close()
                return
        connection.terminate()

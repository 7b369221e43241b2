"""Notification of new change-log rows: PRAGMA data_version on SQLite, LISTEN on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Any, Protocol

import asyncpg

from contentql.store.database import Database
from contentql.store.errors import postgres_dsn, sqlite_path

_POLL_INTERVAL = 0.05  # seconds between two polls of SQLite
_RECHECK_INTERVAL = 1.0  # seconds to wait for a notification of PostgreSQL


class ChangeListener(Protocol):
    """Waits for commits of any connection. Raises OSError without a connection to the database."""

    async def open(self) -> None: ...
    async def wait(self) -> None: ...
    async def close(self) -> None: ...


class SqliteChangeListener:
    """Change listener for SQLite: polls `PRAGMA data_version`.

    The value changes when another connection commits; one poll takes a few microseconds.
    """

    def __init__(self, database: Database) -> None:
        self._path = sqlite_path(database.url)
        self._connection: sqlite3.Connection | None = None
        self._last_version = 0

    async def open(self) -> None:
        await self.close()
        try:
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=1)
            self._last_version = self._data_version()
        except sqlite3.Error as exc:
            raise OSError(str(exc)) from exc

    async def wait(self) -> None:
        while (version := self._data_version()) == self._last_version:  # noqa: ASYNC110 - SQLite has no event to wait for
            await asyncio.sleep(_POLL_INTERVAL)
        self._last_version = version

    def _data_version(self) -> int:
        assert self._connection is not None, "the connection is not open"
        try:
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as exc:
            raise OSError(str(exc)) from exc
        return version

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresChangeListener:
    """Change listener for PostgreSQL: a connection that listens on the channel `contentql_row_change`."""

    def __init__(self, database: Database) -> None:
        self._dsn = postgres_dsn(database.url)
        self._connection: Any = None
        self._notified = asyncio.Event()
        self._disconnected = False

    async def open(self) -> None:
        await self.close()
        self._notified, self._disconnected = asyncio.Event(), False
        try:
            self._connection = await asyncpg.connect(self._dsn, timeout=5)
            self._connection.add_termination_listener(self._on_termination)
            await self._connection.add_listener("contentql_row_change", self._on_notification)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as exc:
            raise OSError(str(exc)) from exc

    async def wait(self) -> None:
        # A connection can be lost without an error, so this also returns after a second without a
        # notification: the query that follows uses another connection.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RECHECK_INTERVAL):
                await self._notified.wait()
        self._notified.clear()
        if self._disconnected:
            raise OSError("the connection is lost")

    def _on_notification(self, *_: object) -> None:
        self._notified.set()

    def _on_termination(self, *_: object) -> None:
        self._disconnected = True
        self._notified.set()

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.remove_termination_listener(self._on_termination)
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

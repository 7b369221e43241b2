"""SQLite reader: a few threads, each with read-only connections of its own."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from contentql.errors import OperatorError
from contentql.lru import LRUCache
from contentql.store.errors import describe_error, query_timeout_error, unavailable_error

Row = Sequence[Any]
# Runs one statement of a snapshot and returns its rows.
RunStatement = Callable[[str, Sequence[Any]], list[Row]]

_Job = tuple[Callable[["_Connections"], Any], asyncio.Future[Any], asyncio.AbstractEventLoop, float]


# A prepared statement takes about fourteen times the length of its SQL: a megabyte for a large operation.
_SMALL_SQL = 16_384  # characters
_MAX_EXECUTED = 4_096  # statements of which a thread remembers that it executed them
_SMALL_STATEMENTS, _LARGE_STATEMENTS = 128, 8  # prepared statements that a thread keeps


class _Connections:
    """Connections of one thread, by what they keep: no prepared statements, small ones, large ones.

    A statement is kept from its second execution on, so that statements that are never executed again do not
    evict those in use.
    """

    def __init__(self, path: Path) -> None:
        self._once = _open_sqlite(path, 0)
        self._small = _open_sqlite(path, _SMALL_STATEMENTS)
        self._large = _open_sqlite(path, _LARGE_STATEMENTS)
        self._executed: LRUCache[int, bool] = LRUCache(_MAX_EXECUTED, _MAX_EXECUTED)

    def all(self) -> tuple[sqlite3.Connection, ...]:
        return self._once, self._small, self._large

    @property
    def transactional(self) -> sqlite3.Connection:
        """The connection for transactions, whose statements must share one."""
        return self._small

    def of(self, sql: str) -> sqlite3.Connection:
        """The connection for a statement."""
        key = hash(sql)
        if self._executed.get(key) is None:
            self._executed.set(key, True, 1)
            return self._once
        return self._small if len(sql) <= _SMALL_SQL else self._large


class SqliteReader:
    """Pool of reader threads. SQLite releases the GIL while it runs a statement."""

    def __init__(self, path: Path, threads: int) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        try:
            connections = [_Connections(path) for _ in range(threads)]
        except sqlite3.Error as exc:
            raise OperatorError(describe_error(f"sqlite:///{path}", exc)) from exc
        self._threads = [
            threading.Thread(target=self._work, args=(own,), daemon=True, name="contentql-reader")
            for own in connections
        ]
        for thread in self._threads:
            thread.start()

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Row]:
        return self._done(lambda own: own.of(sql).execute(sql, values).fetchone(), seconds)

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        records: list[Row] = await self._done(
            lambda own: own.of(sql).execute(sql, values).fetchall(), seconds
        )
        return records

    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float) -> Any:
        def job(own: _Connections) -> Any:
            connection = own.transactional
            connection.execute("BEGIN")
            try:
                return work(lambda sql, values: connection.execute(sql, values).fetchall())
            finally:
                connection.execute("ROLLBACK")

        return await self._done(job, seconds)

    async def _done(self, job: Callable[[_Connections], Any], seconds: float) -> Any:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._jobs.put((job, done, loop, time.monotonic() + seconds))
        try:
            return await done
        except TimeoutError:
            raise query_timeout_error(seconds) from None
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise  # a wrong statement is a bug, not an unavailable database
            raise unavailable_error(exc) from exc

    def _work(self, connections: _Connections) -> None:
        until = 0.0
        done: asyncio.Future[Any] | None = None

        def in_vain() -> bool:
            return time.monotonic() > until or (done is not None and done.done())

        # Called once per 50,000 instructions of SQLite's virtual machine, so never during a small read.
        for connection in connections.all():
            connection.set_progress_handler(in_vain, 50_000)
        while (job := self._jobs.get()) is not None:
            run, done, loop, until = job
            row: Any = None
            error: Exception | None = None
            try:
                if time.monotonic() > until:
                    raise TimeoutError
                row = run(connections)
            except sqlite3.OperationalError as raised:
                interrupted = raised.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
                error = TimeoutError() if interrupted else raised
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(_settle, done, row, error)
        # The last connection to close checkpoints the WAL; of two that close at once, neither is the last.
        with self._closing:
            for connection in connections.all():
                connection.close()

    async def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 5)


def _settle(done: asyncio.Future[Any], row: Any, exc: Exception | None) -> None:
    if done.done():
        return
    if exc is None:
        done.set_result(row)
    else:
        done.set_exception(exc)


def _open_sqlite(path: Path, statements: int) -> sqlite3.Connection:
    """Opens a connection that keeps a number of prepared statements."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=statements, timeout=5
    )
    for pragma in ("query_only = ON", "mmap_size = 1073741824", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection

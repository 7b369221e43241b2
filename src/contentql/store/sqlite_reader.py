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
from contentql.store.sqlite_functions import register_functions

Row = Sequence[Any]
# Runs one statement of a snapshot and returns its rows.
RunStatement = Callable[[str, Sequence[Any]], list[Row]]

_Job = tuple[Callable[["_Connections"], Any], asyncio.Future[Any], asyncio.AbstractEventLoop, float]

# A prepared statement takes about fourteen times the size of its SQL: a megabyte for a large operation.
_SMALL_SQL = 16_384  # maximum number of characters of a small statement
_MAX_EXECUTED = 4_096  # statements that a thread records as executed
_SMALL_STATEMENTS, _LARGE_STATEMENTS = 128, 8  # prepared statements in the caches of a thread


class _Connections:
    """Connections of one thread, by the prepared statements that they cache: none, small ones, large ones.

    A statement is cached from its second execution on, so that statements that are never executed again do
    not evict those in use.
    """

    def __init__(self, path: Path) -> None:
        self._uncached = _open_sqlite(path, 0)
        self._small = _open_sqlite(path, _SMALL_STATEMENTS)
        self._large = _open_sqlite(path, _LARGE_STATEMENTS)
        self._executed: LRUCache[int, bool] = LRUCache(_MAX_EXECUTED, _MAX_EXECUTED)

    def all(self) -> tuple[sqlite3.Connection, ...]:
        return self._uncached, self._small, self._large

    @property
    def transactional(self) -> sqlite3.Connection:
        """The connection for transactions, whose statements must share one."""
        return self._small

    def for_statement(self, sql: str) -> sqlite3.Connection:
        """The connection for a statement."""
        key = hash(sql)
        if self._executed.get(key) is None:
            self._executed.set(key, True, 1)
            return self._uncached
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
            threading.Thread(
                target=self._run_jobs, args=(thread_connections,), daemon=True, name="contentql-reader"
            )
            for thread_connections in connections
        ]
        for thread in self._threads:
            thread.start()

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Row]:
        return self._run(
            lambda connections: connections.for_statement(sql).execute(sql, values).fetchone(), seconds
        )

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        result: list[Row] = await self._run(
            lambda connections: connections.for_statement(sql).execute(sql, values).fetchall(), seconds
        )
        return result

    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float) -> Any:
        def job(connections: _Connections) -> Any:
            connection = connections.transactional
            connection.execute("BEGIN")
            try:
                return work(lambda sql, values: connection.execute(sql, values).fetchall())
            finally:
                connection.execute("ROLLBACK")

        return await self._run(job, seconds)

    async def _run(self, job: Callable[[_Connections], Any], seconds: float) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put((job, future, loop, time.monotonic() + seconds))
        try:
            return await future
        except TimeoutError:
            raise query_timeout_error(seconds) from None
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise  # a wrong statement is a bug, not an unavailable database
            raise unavailable_error(exc) from exc

    def _run_jobs(self, connections: _Connections) -> None:
        deadline = 0.0
        future: asyncio.Future[Any] | None = None

        def should_interrupt() -> bool:
            return time.monotonic() > deadline or (future is not None and future.done())

        # Called after every 50,000 instructions of SQLite's virtual machine: never during a small read.
        for connection in connections.all():
            connection.set_progress_handler(should_interrupt, 50_000)
        while (job := self._jobs.get()) is not None:
            run, future, loop, deadline = job
            result: Any = None
            error: Exception | None = None
            try:
                if time.monotonic() > deadline:
                    raise TimeoutError
                result = run(connections)
            except sqlite3.OperationalError as exc:
                interrupted = exc.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
                error = TimeoutError() if interrupted else exc
            except Exception as exc:
                error = exc
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(_resolve, future, result, error)
        # The last connection to close checkpoints the WAL. If two closed at once, neither would be the last.
        with self._closing:
            for connection in connections.all():
                connection.close()

    async def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 5)


def _resolve(future: asyncio.Future[Any], result: Any, exc: Exception | None) -> None:
    if future.done():
        return
    if exc is None:
        future.set_result(result)
    else:
        future.set_exception(exc)


def _open_sqlite(path: Path, statements: int) -> sqlite3.Connection:
    """Opens a connection that caches that number of prepared statements."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=statements, timeout=5
    )
    register_functions(connection)
    for pragma in ("query_only = ON", "mmap_size = 1073741824", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    register_functions(connection)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection

"""SQLite reader: a few threads, each with a read-only connection of its own."""

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
from contentql.store.errors import describe_error, query_timeout_error, unavailable_error

Row = Sequence[Any]
# Runs one statement of a snapshot and returns its rows.
RunStatement = Callable[[str, Sequence[Any]], list[Row]]

_Job = tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any], asyncio.AbstractEventLoop, float]


class SqliteReader:
    """Pool of reader threads. SQLite releases the GIL while it runs a statement."""

    def __init__(self, path: Path, threads: int) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        try:
            connections = [_open_sqlite(path) for _ in range(threads)]
        except sqlite3.Error as exc:
            raise OperatorError(describe_error(f"sqlite:///{path}", exc)) from exc
        self._threads = [
            threading.Thread(target=self._work, args=(connection,), daemon=True, name="contentql-reader")
            for connection in connections
        ]
        for thread in self._threads:
            thread.start()

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Row]:
        return self._done(lambda connection: connection.execute(sql, values).fetchone(), seconds)

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        records: list[Row] = await self._done(
            lambda connection: connection.execute(sql, values).fetchall(), seconds
        )
        return records

    async def snapshot(self, work: Callable[[RunStatement], Any], seconds: float) -> Any:
        def job(connection: sqlite3.Connection) -> Any:
            connection.execute("BEGIN")
            try:
                return work(lambda sql, values: connection.execute(sql, values).fetchall())
            finally:
                connection.execute("ROLLBACK")

        return await self._done(job, seconds)

    async def _done(self, job: Callable[[sqlite3.Connection], Any], seconds: float) -> Any:
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

    def _work(self, connection: sqlite3.Connection) -> None:
        until = 0.0
        done: asyncio.Future[Any] | None = None

        def in_vain() -> bool:
            return time.monotonic() > until or (done is not None and done.done())

        # Called once per 50,000 instructions of SQLite's virtual machine, so never during a small read.
        connection.set_progress_handler(in_vain, 50_000)
        while (job := self._jobs.get()) is not None:
            run, done, loop, until = job
            row: Any = None
            error: Exception | None = None
            try:
                if time.monotonic() > until:
                    raise TimeoutError
                row = run(connection)
            except sqlite3.OperationalError as raised:
                interrupted = raised.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
                error = TimeoutError() if interrupted else raised
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(_settle, done, row, error)
        # The last connection to close checkpoints the WAL; of two that close at once, neither is the last.
        with self._closing:
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


def _open_sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5
    )
    for pragma in ("query_only = ON", "mmap_size = 1073741824", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection

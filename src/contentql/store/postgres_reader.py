"""PostgreSQL reader: a pool of read-only connections, each with its own cache of prepared statements.

The pool is our own code, because acquiring a connection from asyncpg's pool takes as long as reading many of
the responses. A connection is returned to the pool only after its statement has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import asyncpg

from contentql.lru import LRUCache
from contentql.store.errors import as_operator_error, postgres_dsn, query_timeout_error, unavailable_error
from contentql.store.postgres_times import set_time_codecs

Row = Sequence[Any]

# Prepared statements in the cache of each connection; their plans take most memory in the server.
_CACHED_STATEMENTS = 128
_MAX_CACHED_SQL = 65_536  # bytes
_MAX_EXECUTED = 4_096  # statements that the reader records as executed


class PostgresReader:
    """Pool of at most `size` read connections, opened when they are needed."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._open = 0
        self._executed: LRUCache[int, bool] = LRUCache(_MAX_EXECUTED, _MAX_EXECUTED)
        self._free: list[Any] = []  # last in, first out, since the last one has prepared the most statements
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._retiring: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(cls, url: str, size: int) -> PostgresReader:
        """Opens the reader with its first connection. Raises OperatorError if it cannot connect."""
        reader = cls(postgres_dsn(url), size)
        with as_operator_error(url):
            try:
                reader._release(await reader._acquire())
            except TimeoutError as exc:
                raise OSError("no response") from exc
        return reader

    def row(self, sql: str, values: Sequence[Any], seconds: float) -> Coroutine[Any, Any, Row]:
        return self._run("fetchrow", sql, values, seconds)

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        result: list[Row] = await self._run("fetch", sql, values, seconds)
        return result

    async def snapshot(self, work: Callable[..., Any], seconds: float) -> Any:
        raise NotImplementedError("on PostgreSQL every plan is one statement")

    async def close(self) -> None:
        self._size = 0
        connections, self._free = self._free, []
        for connection in connections:
            self._retire(connection)
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=5)

    async def _run(self, method: str, sql: str, values: Sequence[Any], seconds: float) -> Any:
        try:
            connection = self._take_free()
            if connection is None:
                async with asyncio.timeout(seconds):
                    connection = await self._acquire()
            try:
                # asyncpg cancels the statement on the server on a timeout or when this task is cancelled.
                if self._was_executed(sql):
                    result = await getattr(connection, method)(sql, *values, timeout=seconds)
                else:  # a statement that is prepared explicitly is not cached
                    async with asyncio.timeout(seconds):
                        statement = await connection.prepare(sql)
                        result = await getattr(statement, method)(*values)
            except asyncpg.PostgresError:
                self._release(connection)
                raise
            except BaseException:
                self._retire(connection)
                raise
            self._release(connection)
            return result
        except TimeoutError:
            raise query_timeout_error(seconds) from None
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as exc:
            raise unavailable_error(exc) from exc
        except (asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError) as exc:
            raise unavailable_error(exc) from exc

    def _was_executed(self, sql: str) -> bool:
        """False at the first execution, so that statements that are never executed again are not cached."""
        key = hash(sql)
        if self._executed.get(key) is None:
            self._executed.set(key, True, 1)
            return False
        return True

    # Connections

    def _take_free(self) -> Any:
        """Takes an idle, open connection from the pool, or None."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        return None

    async def _acquire(self) -> Any:
        """Acquires an idle connection, opens a new one, or waits for the next one that is released."""
        while (connection := self._take_free()) is None:
            if self._open < self._size:
                self._open += 1
                try:
                    return await self._connect()
                except BaseException:
                    self._connection_closed()
                    raise
            waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                connection = await waiter
            except BaseException:
                if waiter.done() and not waiter.cancelled():
                    self._pass_on(waiter.result())
                raise
            if connection is not None and not connection.is_closed():
                break
            self._open -= connection is not None
        return connection

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5,
            statement_cache_size=_CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=_MAX_CACHED_SQL,
            server_settings={
                "application_name": "contentql",
                "default_transaction_read_only": "on",
                "jit": "off",
                # One plan for all values, since planning a statement takes longer than running it.
                "plan_cache_mode": "force_generic_plan",
                "random_page_cost": "1.1",
                # Memoizing rows costs more than about twenty repeated look-ups.
                "enable_memoize": "off",
                "timezone": "UTC",
            },
        )
        # Responses are JSON text that goes to a socket: keep the bytes, do not decode them.
        await connection.set_type_codec(
            "text", schema="pg_catalog", encoder=str.encode, decoder=bytes, format="binary"
        )
        await set_time_codecs(connection)
        return connection

    def _release(self, connection: Any) -> None:
        if self._waiting:
            self._pass_on(connection)
        else:
            self._free.append(connection)

    def _pass_on(self, connection: Any) -> None:
        """Passes the connection to the task that has waited longest; None allows it to open a new one."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is not None:
            self._free.append(connection)

    def _connection_closed(self) -> None:
        self._open -= 1
        self._pass_on(None)

    def _retire(self, connection: Any) -> None:
        """Closes a connection whose statement was interrupted, in a task that waits for the cancellation."""

        async def close_connection() -> None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=5)
            if not connection.is_closed():
                connection.terminate()
            self._connection_closed()

        task = asyncio.get_running_loop().create_task(close_connection())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

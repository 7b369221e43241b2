"""Baseline of the benchmark: each workload as one hand-written SQL statement behind a bare ASGI app.

Accepts the same requests and returns the same responses as contentql. Knows the workloads and tables;
validates and plans nothing. Run as a process: `python -m contentql.bench.baseline --database URL --port
9000`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import gc
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import asyncpg
import orjson
import uvicorn

from contentql.bench.baseline_queries import POSTGRES, SQLITE
from contentql.bench.baseline_sync_queries import POSTGRES_SYNC, SQLITE_SYNC
from contentql.bench.workloads import ALL_WORKLOADS
from contentql.content.timestamps import format_timestamp
from contentql.store.errors import postgres_dsn, sqlite_path

# asyncpg and ASGI have untyped values, which are used in this module only.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_POSTGRES, _SQLITE = {**POSTGRES, **POSTGRES_SYNC}, {**SQLITE, **SQLITE_SYNC}


class BaselineQueries(Protocol):
    """The baseline's statements on one kind of database. `execute` returns the JSON of the response."""

    async def open(self) -> None: ...
    async def execute(self, workload: str, variables: Mapping[str, Any]) -> bytes: ...
    async def close(self) -> None: ...


def application(url: str) -> BaselineApp:
    """The ASGI application for the database at `url`, opened and closed by its lifespan."""
    return BaselineApp(_SqliteQueries(url) if url.startswith("sqlite:") else _PostgresQueries(url))


@contextlib.asynccontextmanager
async def open_baseline(url: str) -> AsyncIterator[BaselineApp]:
    """The application without a server, for the database at `url`."""
    app = application(url)
    await app.queries.open()
    try:
        yield app
    finally:
        await app.queries.close()


class BaselineApp:
    """Selects the statement by the request's document and sends the JSON that the database builds."""

    def __init__(self, queries: BaselineQueries) -> None:
        self.queries = queries
        self._workload_names = {workload.document: name for name, workload in ALL_WORKLOADS.items()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message["body"])
            more = message["more_body"]
        request = orjson.loads(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        body = await self.queries.execute(
            self._workload_names[request["query"]], request.get("variables") or {}
        )
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.queries.open()
                gc.collect()
                gc.freeze()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.queries.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def parse_cursor(cursor: str) -> tuple[str, int]:
    """Publication time, in the API's format, and id of the article that a cursor points to."""
    _, published_at, article_id = cursor.rsplit(".", 2)
    return published_at, int(article_id)


class _PostgresQueries:
    def __init__(self, url: str) -> None:
        self._dsn = postgres_dsn(url)
        self._pool: Any = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=10,
            init=_return_json_as_bytes,
            reset=_keep_session_settings,
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={
                "application_name": "baseline",
                "default_transaction_read_only": "on",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
                "random_page_cost": "1.1",
                "timezone": "UTC",
            },
        )

    async def execute(self, workload: str, variables: Mapping[str, Any]) -> bytes:
        values = tuple(variables.values())
        if workload == "W5":
            published_at, article_id = parse_cursor(variables["after"])
            values = (dt.datetime.fromisoformat(published_at), article_id)
        result: bytes = await self._pool.fetchval(_POSTGRES[workload], *values)
        return result

    async def close(self) -> None:
        await self._pool.close()


async def _return_json_as_bytes(connection: Any) -> None:
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=bytes, format="binary"
    )


async def _keep_session_settings(_: Any) -> None:
    """Keeps session settings when a connection returns to the pool."""


_Job = tuple[str, Mapping[str, Any], asyncio.Future[bytes]]


class _SqliteQueries:
    """Two threads with a connection each; SQLite releases the GIL while it works."""

    def __init__(self, url: str) -> None:
        self._path = sqlite_path(url)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._threads = [threading.Thread(target=self._run_jobs, args=(loop,), daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    async def execute(self, workload: str, variables: Mapping[str, Any]) -> bytes:
        values = {**variables, "now": format_timestamp(dt.datetime.now(dt.UTC))}
        if workload == "W5":
            values["published_at"], values["id"] = parse_cursor(variables["after"])
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._jobs.put((_SQLITE[workload], values, future))
        return await future

    async def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _run_jobs(self, loop: asyncio.AbstractEventLoop) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=512)
        connection.text_factory = bytes
        for pragma in (
            "query_only = ON",
            "mmap_size = 1073741824",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        while (job := self._jobs.get()) is not None:
            sql, values, future = job
            try:
                result = connection.execute(sql, values).fetchone()[0]
            except Exception as exc:
                loop.call_soon_threadsafe(future.set_exception, exc)
            else:
                loop.call_soon_threadsafe(future.set_result, result)
        connection.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m contentql.bench.baseline", description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    uvicorn.run(
        application(options.database),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()

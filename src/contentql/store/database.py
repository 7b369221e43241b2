"""One database, SQLite or PostgreSQL: opened, migrated, read from in one statement, written to by models.

Readers have connections of their own, apart from the writer's, so a read never waits for a write.
Does not know GraphQL; knows no table but the migrations' own.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from contentql.errors import Refused, Unusable
from contentql.waiting import within

Dialect = Literal["postgres", "sqlite"]
Row = Sequence[Any]

# Where the tables are described.
MODELS = ["contentql.store.content", "contentql.store.documents"]


@dataclass(frozen=True)
class SchemaState:
    """Which migrations the database has had: `behind` are missing, `unknown` come from a newer version."""

    applied: tuple[str, ...]
    behind: tuple[str, ...]
    unknown: tuple[str, ...]


# Runs one statement of a snapshot and gives its rows.
Rows = Callable[[str, Sequence[Any]], list[Row]]


class Reader(Protocol):
    async def row(self, sql: str, values: Sequence[Any], seconds: float) -> Row: ...
    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]: ...
    async def snapshot(self, work: Callable[[Rows], Any], seconds: float) -> Any: ...
    async def close(self) -> None: ...


class Database:
    """Open with `async with Database(url) as database`; one instance serves a whole process."""

    def __init__(self, url: str, *, readers: int = 0) -> None:
        """`readers`: connections that read at once; 0 chooses 2 threads on SQLite, 10 on PostgreSQL."""
        self.url = url
        self.dialect: Dialect = _dialect(url)
        self._readers = readers
        self._reader: Reader | None = None

    async def __aenter__(self) -> Database:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connects the readers. Raises Unusable with one sentence if the database cannot be used."""
        if self.dialect == "sqlite":
            path = sqlite_path(self.url)
            if not path.exists():
                raise Unusable(f"There is no database at {path}. Make one with: contentql migrate")
            self._reader = _SqliteReader(path, self._readers or 2)
        else:
            self._reader = await _PostgresReader.connect(self.url, self._readers or 10)

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    async def row(self, sql: str, values: Sequence[Any], seconds: float = 5.0) -> Row:
        """The one row of a read-only statement, from one snapshot; text columns come back as UTF-8 bytes.

        Refused with TIMEOUT after `seconds` (the statement is cancelled in the database too) and with
        DATABASE_UNAVAILABLE when the database does not answer.
        """
        assert self._reader is not None, "the database is not open"
        return await self._reader.row(sql, values, seconds)

    async def rows(self, sql: str, values: Sequence[Any] = (), seconds: float = 5.0) -> list[Row]:
        """All rows of a read-only statement; refuses as `row` does."""
        assert self._reader is not None, "the database is not open"
        return await self._reader.rows(sql, values, seconds)

    async def snapshot(self, work: Callable[[Rows], Any], seconds: float = 5.0) -> Any:
        """What `work` makes of several statements that see one and the same state; SQLite only."""
        assert self._reader is not None, "the database is not open"
        return await self._reader.snapshot(work, seconds)

    @contextlib.asynccontextmanager
    async def models(self, *, foreign_keys: bool = True) -> AsyncIterator[Any]:
        """Tortoise's models bound to this database; yields Tortoise's connection.

        SQLite makes a table anew only without enforcing `foreign_keys`.
        """
        if self.dialect == "sqlite":
            # A file that cannot be opened leaves Tortoise's driver waiting, or throwing from its thread.
            with contextlib.closing(sqlite3.connect(sqlite_path(self.url))) as probe:
                probe.execute("SELECT count(*) FROM sqlite_master")
        async with TortoiseContext() as context:
            await context.init(
                config={
                    "connections": {self.dialect: _tortoise(self.url, foreign_keys)},
                    "apps": _apps(self.dialect),
                },
                use_tz=True,
                timezone="UTC",
            )
            yield get_connection(self.dialect)

    async def migrate(self, progress: Callable[[str], object] = lambda name: None) -> None:
        """Brings the schema up to date. A database of a newer version is refused and left as it is."""
        if self.dialect == "sqlite":
            sqlite_path(self.url).parent.mkdir(parents=True, exist_ok=True)
        with _plainly(self.url):
            async with self.models(foreign_keys=False) as connection:
                state = await _state(connection)
                refuse_newer(state)
                if state.behind:
                    await MigrationExecutor(connection, _apps(connection.connection_name)).migrate(
                        [MigrationTarget("content", "__latest__")],
                        direction="forward",
                        progress=lambda event, _app, name: progress(name) if event == "apply_start" else None,
                    )

    async def state(self) -> SchemaState:
        if self.dialect == "sqlite" and not sqlite_path(self.url).exists():
            raise Unusable(
                f"There is no database at {sqlite_path(self.url)}. Make one with: contentql migrate"
            )
        with _plainly(self.url):
            async with self.models() as connection:
                return await _state(connection)


def sqlite_path(url: str) -> Path:
    """The file that `sqlite:///relative.db` or `sqlite:////absolute.db` names."""
    return Path(url.partition("?")[0].removeprefix("sqlite://").removeprefix("/") or "/")


def refuse_newer(state: SchemaState) -> None:
    if state.unknown:
        raise Unusable(
            f"The database was made by a newer version of contentql (it has {state.unknown[-1]})."
            " Use that version, or a copy of the database from before."
        )


def _dialect(url: str) -> Dialect:
    scheme = url.partition("://")[0]
    if scheme in ("postgres", "postgresql", "asyncpg"):
        return "postgres"
    if scheme == "sqlite" and url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return "sqlite"
    raise Unusable(
        "The database URL must look like sqlite:///newsroom.sqlite3 or postgresql://user:password@host/name."
    )


def _apps(connection: str) -> dict[str, Any]:
    """Tortoise's apps. It remembers SQL by the connection's name, so each dialect's has a name of its own."""
    migrations = "contentql.store.migrations"
    return {"content": {"models": MODELS, "migrations": migrations, "default_connection": connection}}


def _tortoise(url: str, foreign_keys: bool) -> str:
    """Our URL in Tortoise's spelling, with the write settings that keep an acknowledged write."""
    if _dialect(url) == "sqlite":
        keys = "ON" if foreign_keys else "OFF"
        pragmas = f"journal_mode=WAL&synchronous=FULL&busy_timeout=5000&foreign_keys={keys}"
        return f"sqlite://{sqlite_path(url)}?{pragmas}"
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query) if k not in ("sslmode",)]
    return urlunsplit(("asyncpg", parts.netloc, parts.path, urlencode(query, safe="/"), ""))


async def _state(connection: Any) -> SchemaState:
    # Asked first: Tortoise takes any fault for a database without migrations, and then waits for ever.
    empty = await _is_empty(connection)
    executor = MigrationExecutor(connection, _apps(connection.connection_name))
    await executor.loader.build_graph()
    known = sorted(key.name for key in executor.loader.graph.nodes)
    applied = [] if empty else sorted(key.name for key in await executor.recorder.applied_migrations())
    if not empty and not applied:
        raise Unusable("The database holds a table `article` that is not ours: choose another database.")
    return SchemaState(
        tuple(applied),
        tuple(name for name in known if name not in applied),
        tuple(name for name in applied if name not in known),
    )


async def _is_empty(connection: Any) -> bool:
    found = await connection.execute_query_dict(
        "SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'article'"
        if connection.capabilities.dialect == "postgres"
        else "SELECT count(*) AS n FROM sqlite_master WHERE name = 'article'"
    )
    return bool(found[0]["n"] == 0)


@contextlib.contextmanager
def _plainly(url: str) -> Any:
    """Turns what a driver says about an unusable database into one sentence without secrets."""
    try:
        yield
    except (BaseORMException, OSError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        raise Unusable(plain(url, fault)) from fault


def plain(url: str, fault: BaseException) -> str:
    """One sentence about a fault of the database at `url`; never the password in it."""
    said = _whole(fault)
    where = (
        str(sqlite_path(url))
        if _dialect(url) == "sqlite"
        else f"{urlsplit(url).hostname or 'the local socket'}"
    )
    if "readonly" in said or "read-only" in said:
        return f"The database at {where} is read-only: contentql may not write there."
    if "locked" in said or "busy" in said:
        return f"The database at {where} is locked by another program; stop that program or try again."
    if "not a database" in said or "malformed" in said:
        return f"The file at {where} is not a SQLite database, or it is damaged."
    if "unable to open" in said:
        return f"The database at {where} cannot be opened: is the folder there, and may contentql read it?"
    if "password" in said or "authentication" in said:
        return f"The database at {where} refuses the user or password of the URL."
    if "role" in said and "does not exist" in said:
        return f"The database at {where} refuses the user or password of the URL."
    if "database" in said and "does not exist" in said:
        return f"The server at {where} has no such database: create it first (createdb)."
    if isinstance(fault, OSError):
        return f"No PostgreSQL answers at {where}: is it running, and is the URL right?"
    return f"The database at {where} cannot be used ({type(fault).__name__})."


def _whole(fault: BaseException) -> str:
    """What a fault says, and what the faults behind it say: Tortoise's own leaves out the reason."""
    behind = fault.__cause__ or fault.__context__
    return str(fault).lower() + (f" {_whole(behind)}" if behind else "")


def _gone(fault: BaseException) -> Refused:
    return Refused(
        "DATABASE_UNAVAILABLE",
        "The database does not answer just now.",
        "Send the same request again shortly.",
    )


def _too_long(seconds: float) -> Refused:
    return Refused(
        "TIMEOUT",
        f"The operation ran longer than {seconds:g} seconds and was cancelled.",
        "Ask for fewer things per page, or narrow the filter.",
    )


async def _keep_session(_: Any) -> None:
    """asyncpg resets a connection whenever it returns to the pool; our readers leave nothing behind."""


class _PostgresReader:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, size: int) -> _PostgresReader:
        async def dress(connection: Any) -> None:
            # Answers are JSON text on their way to a socket: the bytes are wanted, never a str.
            await connection.set_type_codec(
                "text", schema="pg_catalog", encoder=str.encode, decoder=bytes, format="binary"
            )

        parts = urlsplit(url)
        dsn = urlunsplit(("postgresql", parts.netloc, parts.path, parts.query, ""))
        with _plainly(url):
            try:
                pool = await asyncpg.create_pool(
                    dsn,
                    min_size=1,
                    max_size=size,
                    init=dress,
                    reset=_keep_session,
                    statement_cache_size=1024,
                    max_cached_statement_lifetime=0,
                    max_cacheable_statement_size=0,
                    timeout=5,
                    server_settings={
                        "application_name": "contentql",
                        "default_transaction_read_only": "on",
                        "jit": "off",
                        # One plan for all values: planning a whole answer costs more than running it.
                        "plan_cache_mode": "force_generic_plan",
                        "random_page_cost": "1.1",
                        # Remembering rows costs more than finding some twenty again.
                        "enable_memoize": "off",
                        "timezone": "UTC",
                    },
                )
            except TimeoutError as fault:
                raise OSError("no answer") from fault
        return cls(pool)

    async def row(self, sql: str, values: Sequence[Any], seconds: float) -> Row:
        found: Row = await self._asked("fetchrow", sql, values, seconds)
        return found

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        found: list[Row] = await self._asked("fetch", sql, values, seconds)
        return found

    async def _asked(self, how: str, sql: str, values: Sequence[Any], seconds: float) -> Any:
        try:
            connection = await within(seconds, self._acquired())
            try:
                # asyncpg cancels the statement on the server when the time is over or this task is cancelled.
                return await getattr(connection, how)(sql, *values, timeout=seconds)
            finally:
                await self._pool.release(connection)
        except TimeoutError:
            raise _too_long(seconds) from None
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as fault:
            raise _gone(fault) from fault
        except (asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError) as fault:
            raise _gone(fault) from fault

    async def _acquired(self) -> Any:
        return await self._pool.acquire()

    async def snapshot(self, work: Callable[[Rows], Any], seconds: float) -> Any:
        raise NotImplementedError("on PostgreSQL every plan is one statement")

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._pool.close()


_Job = tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any], asyncio.AbstractEventLoop, float]


class _SqliteReader:
    """A few threads, each with a connection of its own; SQLite lets go of the interpreter while it works."""

    def __init__(self, path: Path, threads: int) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        try:
            connections = [_open_sqlite(path) for _ in range(threads)]
        except sqlite3.Error as fault:
            raise Unusable(plain(f"sqlite:///{path}", fault)) from fault
        self._threads = [
            threading.Thread(target=self._work, args=(connection,), daemon=True, name="contentql-reader")
            for connection in connections
        ]
        for thread in self._threads:
            thread.start()

    async def row(self, sql: str, values: Sequence[Any], seconds: float) -> Row:
        found: Row = await self._done(lambda connection: connection.execute(sql, values).fetchone(), seconds)
        return found

    async def rows(self, sql: str, values: Sequence[Any], seconds: float) -> list[Row]:
        found: list[Row] = await self._done(
            lambda connection: connection.execute(sql, values).fetchall(), seconds
        )
        return found

    async def snapshot(self, work: Callable[[Rows], Any], seconds: float) -> Any:
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
            raise _too_long(seconds) from None
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise  # a statement that cannot run is our fault, not the database's
            raise _gone(fault) from fault

    def _work(self, connection: sqlite3.Connection) -> None:
        until = 0.0
        done: asyncio.Future[Any] | None = None

        def in_vain() -> bool:
            return time.monotonic() > until or (done is not None and done.done())

        # Asked every so many steps of SQLite's machine: a small read never is.
        connection.set_progress_handler(in_vain, 50_000)
        while (job := self._jobs.get()) is not None:
            run, done, loop, until = job
            row: Any = None
            fault: Exception | None = None
            try:
                if time.monotonic() > until:
                    raise TimeoutError
                row = run(connection)
            except sqlite3.OperationalError as raised:
                interrupted = raised.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
                fault = TimeoutError() if interrupted else raised
            except Exception as raised:
                fault = raised
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(_settle, done, row, fault)
        connection.close()

    async def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 5)


def _settle(done: asyncio.Future[Any], row: Any, fault: Exception | None) -> None:
    if done.done():
        return
    if fault is None:
        done.set_result(row)
    else:
        done.set_exception(fault)


def _open_sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5
    )
    for pragma in ("query_only = ON", "mmap_size = 1073741824", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection

"""Database connections: error messages, read-only reads and consistent snapshots."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.conftest import Server

from contentql.errors import ApiError, OperatorError
from contentql.store.database import Database, require_no_unknown_migrations
from contentql.store.errors import describe_error, sqlite_path
from contentql.store.models.taxonomy import Story


async def operator_error(work: Callable[[], Awaitable[object]]) -> str:
    """The message of the expected OperatorError: one sentence without words of a driver."""
    async with asyncio.timeout(30):
        with pytest.raises(OperatorError) as error:
            await work()
    message = str(error.value)
    assert message.endswith((".", "?", ")", "migrate"))
    assert "\n" not in message
    assert "Error" not in message
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def sqlite_database(path: Path) -> Database:
    """The database in a file."""
    return Database(f"sqlite:///{path}")


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "sqlite",
        "sqlite:",
        "sqlite:///",
        "sqlite://x.db",
        "mysql://host/name",
        "http://host/",
        "file:x.db",
    ],
)
def test_unsupported_urls_are_rejected(url: str) -> None:
    """The message shows a valid URL and not the rejected one, which may contain a password."""
    with pytest.raises(OperatorError, match=r"must look like sqlite:///newsroom\.sqlite3 or postgresql://"):
        Database(url)


def test_sqlite_urls_have_relative_or_absolute_paths() -> None:
    """Three slashes precede a relative path, four an absolute one."""
    assert sqlite_path("sqlite:///news.db") == Path("news.db")
    assert sqlite_path("sqlite:////srv/news.db?x=1") == Path("/srv/news.db")


# SQLite


async def test_missing_file_is_reported(folder: Path) -> None:
    """With the command that creates it; reading does not create it."""
    for work in (sqlite_database(folder / "no.db").open, sqlite_database(folder / "no.db").migration_state):
        assert "contentql migrate" in await operator_error(work)
    assert not (folder / "no.db").exists()


async def test_invalid_database_file_is_reported(folder: Path) -> None:
    """A file without SQLite content is not modified."""
    text = folder / "notes.txt"
    text.write_bytes(b"Dear diary, " * 1_000)
    for work in (
        sqlite_database(text).open,
        sqlite_database(text).migration_state,
        sqlite_database(text).migrate,
    ):
        assert "is not a SQLite database" in await operator_error(work)
    assert text.read_bytes() == b"Dear diary, " * 1_000


async def test_folder_in_place_of_a_file_is_reported(folder: Path) -> None:
    for work in (
        sqlite_database(folder).open,
        sqlite_database(folder).migration_state,
        sqlite_database(folder).migrate,
    ):
        assert "cannot be opened" in await operator_error(work)


async def test_locked_database_is_reported(sqlite_server: Server) -> None:
    """A migration gives up after a timeout when another program holds a lock."""
    path = sqlite_path(await sqlite_server.migrated())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE held (x)")
        assert "is locked by another program" in await operator_error(sqlite_database(path).migration_state)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only files")
async def test_read_only_file_is_reported(sqlite_server: Server, folder: Path) -> None:
    path = sqlite_path(await sqlite_server.empty())
    with closing(sqlite3.connect(path)) as created:
        created.execute("CREATE TABLE x (y)")
    path.chmod(0o444)
    assert "read-only" in await operator_error(sqlite_database(path).migrate)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("attempt to write a readonly database", "is read-only: contentql may not write there."),
        (
            "cannot execute CREATE TABLE in a read-only transaction",
            "is read-only: contentql may not write there.",
        ),
        ("database is locked", "is locked by another program; stop that program or try again."),
        ("database disk image is malformed", "is not a SQLite database, or it is damaged."),
        ("unable to open database file", "cannot be opened: is the folder there, and may contentql read it?"),
        ("something new", "cannot be used (OperationalError)."),
    ],
)
def test_driver_errors_become_plain_messages(text: str, message: str) -> None:
    """Errors that are hard to provoke, with the messages of SQLite and PostgreSQL."""
    error_message = describe_error("sqlite:///news.db", sqlite3.OperationalError(text))
    assert error_message.endswith(message)
    assert "news.db" in error_message


# PostgreSQL


def with_url_parts(url: str, **parts: str) -> str:
    """The URL with the parts replaced."""
    return urlunsplit(urlsplit(url)._replace(**parts))


async def test_unreachable_postgres_is_reported() -> None:
    """For reading and migrating, without the password."""
    url = "postgresql://editor:hush@127.0.0.1:9/news"
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        message = await operator_error(work)
        assert message == "No PostgreSQL server responds at 127.0.0.1: is it running, and is the URL correct?"


async def test_missing_postgres_database_is_reported(postgres_home: str) -> None:
    """With the command that creates it."""
    url = with_url_parts(postgres_home, path="/no_such_newsroom")
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        assert "has no such database: create it first (createdb)." in await operator_error(work)


async def test_unknown_postgres_user_is_reported(postgres_home: str) -> None:
    """Without the password."""
    parts = urlsplit(postgres_home)
    host = parts.netloc.rpartition("@")[2]
    url = with_url_parts(postgres_home, netloc=f"stranger:hush@{host}")
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        message = await operator_error(work)
        assert "refuses the user or password of the URL" in message
        assert "hush" not in message


def test_wrong_password_is_reported() -> None:
    """With the message of PostgreSQL for password authentication."""
    error = asyncpg.InvalidPasswordError('password authentication failed for user "editor"')
    message = describe_error("postgresql://editor:hush@db.example/news", error)
    assert message == "The database at db.example refuses the user or password of the URL."


async def test_read_only_postgres_is_reported(postgres_server: Server) -> None:
    """A database that rejects writes, such as a replica, cannot be migrated."""
    url = await postgres_server.empty()
    await postgres_server.run(
        f'ALTER DATABASE "{urlsplit(url).path[1:]}" SET default_transaction_read_only = on'
    )
    assert "is read-only: contentql may not write there." in await operator_error(Database(url).migrate)


# Schema version


async def test_empty_database_has_all_migrations_pending(server: Server) -> None:
    """A database that is not migrated yet is no error."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite3.connect(sqlite_path(url)).close()
    state = await Database(url).migration_state()
    assert (state.applied, len(state.pending) > 0, state.unknown) == ((), True, ())
    await server.drop(url)


async def test_newer_schema_is_rejected_and_not_changed(database_url: str) -> None:
    """Neither `serve` nor `migrate` accepts a database of a newer version."""
    database = Database(database_url)
    async with database.orm() as connection:
        await connection.execute_script(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
        )
    assert "newer version of contentql (it has 0099_from_the_future)" in await operator_error(
        database.migrate
    )
    state = await database.migration_state()
    assert state.unknown == ("0099_from_the_future",)
    with pytest.raises(OperatorError, match="newer version"):
        require_no_unknown_migrations(state)


# Readers


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as database:
        yield database


async def test_readers_are_read_only(reader: Database) -> None:
    """The database rejects every statement that writes."""
    insert = "INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')"
    returning = insert + " RETURNING id"
    for statement in (returning, "UPDATE story SET title = 'y' RETURNING 1", "DELETE FROM story RETURNING 1"):
        with pytest.raises((ApiError, sqlite3.Error, asyncpg.PostgresError)):
            await reader.row(statement, [])
    assert (await reader.row("SELECT count(*) FROM story", []))[0] == 0


async def test_reads_do_not_wait_for_writes(reader: Database) -> None:
    """A read during an open write transaction sees the state before it."""
    async with reader.orm() as connection, connection._in_transaction() as writing:
        await writing.execute_query(
            "INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')"
        )
        async with asyncio.timeout(10):
            assert (await reader.row("SELECT count(*) FROM story", []))[0] == 0
    assert (await reader.row("SELECT count(*) FROM story", []))[0] == 1


ENDLESS_STATEMENTS = {
    "postgres": "select pg_sleep(60)",
    "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e12)"
    " select max(x) from n",
}


async def test_closed_sqlite_database_has_no_write_ahead_log(sqlite_server: Server) -> None:
    """The file of a stopped server is complete."""
    url = await sqlite_server.migrated()
    log = Path(f"{sqlite_path(url)}-wal")
    for name in range(60):
        async with Database(url) as database:
            await database.rows("SELECT 1")
            async with database.orm():
                await Story.create(slug=f"story-{name}", title="A story", sort_name="a story")
            assert log.exists()
        assert not log.exists()


async def test_readers_are_released_after_a_timeout(database_url: str) -> None:
    """More endless statements than readers time out, and all readers work again."""
    async with Database(database_url, readers=2) as database, asyncio.timeout(30):
        endless = [database.row(ENDLESS_STATEMENTS[database.dialect], [], 0.3) for _ in range(5)]
        outcomes = await asyncio.gather(*endless, return_exceptions=True)
        assert [error.code for error in outcomes if isinstance(error, ApiError)] == ["TIMEOUT"] * 5
        results = await asyncio.gather(*(database.row("select 17", []) for _ in range(10)))
        assert [row[0] for row in results] == [17] * 10


async def test_readers_reconnect_after_postgres_closes_their_connections(postgres_server: Server) -> None:
    """The running statement is DATABASE_UNAVAILABLE, and the next one succeeds."""
    async with Database(await postgres_server.migrated(), readers=1) as database, asyncio.timeout(30):
        assert (await database.row("select 1", []))[0] == 1
        running = asyncio.create_task(database.row("select pg_sleep(60)", [], 60))
        kill = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            f" AND datname = '{urlsplit(database.url).path[1:]}' AND query LIKE '%pg_sleep(60)%'"
        )
        connection = await asyncpg.connect(database.url)
        for _ in range(1_000):  # until the statement has begun
            if await connection.fetchval(kill):
                break
        await connection.close()
        with pytest.raises(ApiError) as error:
            await running
        assert error.value.code == "DATABASE_UNAVAILABLE"
        assert (await database.row("select 2", []))[0] == 2

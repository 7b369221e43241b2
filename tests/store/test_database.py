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


async def sentence(work: Callable[[], Awaitable[object]]) -> str:
    """What makes it impossible, in one sentence without a driver's words, and within its time."""
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


def at(path: Path) -> Database:
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
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    """The sentence shows a good one, and does not repeat the bad one: it may hold a password."""
    with pytest.raises(OperatorError, match=r"must look like sqlite:///newsroom\.sqlite3 or postgresql://"):
        Database(url)


def test_a_sqlite_url_names_a_file() -> None:
    """Three slashes begin a path from here, four a path from the root."""
    assert sqlite_path("sqlite:///news.db") == Path("news.db")
    assert sqlite_path("sqlite:////srv/news.db?x=1") == Path("/srv/news.db")


# SQLite


async def test_missing_file_is_reported(folder: Path) -> None:
    """With the command that makes one; and it is not made by looking."""
    for work in (at(folder / "no.db").open, at(folder / "no.db").migration_state):
        assert "contentql migrate" in await sentence(work)
    assert not (folder / "no.db").exists()


async def test_invalid_database_file_is_reported(folder: Path) -> None:
    """Text, a picture, and a database that was cut in the middle; nothing is written to them."""
    text = folder / "notes.txt"
    text.write_bytes(b"Dear diary, " * 1_000)
    for work in (at(text).open, at(text).migration_state, at(text).migrate):
        assert "is not a SQLite database" in await sentence(work)
    assert text.read_bytes() == b"Dear diary, " * 1_000


async def test_folder_in_place_of_a_file_is_reported(folder: Path) -> None:
    """A directory is not a database, for reading or writing."""
    for work in (at(folder).open, at(folder).migration_state, at(folder).migrate):
        assert "cannot be opened" in await sentence(work)


async def test_locked_database_is_reported(sqlite_server: Server) -> None:
    """Another program that holds on to it makes a migration give up, after a while, with a sentence."""
    path = sqlite_path(await sqlite_server.migrated())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE held (x)")
        assert "is locked by another program" in await sentence(at(path).migration_state)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only files")
async def test_read_only_file_is_reported(sqlite_server: Server, folder: Path) -> None:
    """A file without the right to write cannot be migrated; the sentence says why."""
    path = sqlite_path(await sqlite_server.empty())
    with closing(sqlite3.connect(path)) as created:
        created.execute("CREATE TABLE x (y)")
    path.chmod(0o444)
    assert "read-only" in await sentence(at(path).migrate)


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
    """The faults that cannot be made at will, as SQLite words them."""
    error_message = describe_error("sqlite:///news.db", sqlite3.OperationalError(text))
    assert error_message.endswith(message)
    assert "news.db" in error_message


# PostgreSQL


def changed(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))


async def test_unreachable_postgres_is_reported() -> None:
    """No server at the address: told for reading and migrating, without the password."""
    url = "postgresql://editor:hush@127.0.0.1:9/news"
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        message = await sentence(work)
        assert message == "No PostgreSQL answers at 127.0.0.1: is it running, and is the URL right?"


async def test_missing_postgres_database_is_reported(postgres_home: str) -> None:
    """A server without that database: told with the command that makes it."""
    url = changed(postgres_home, path="/no_such_newsroom")
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        assert "has no such database: create it first (createdb)." in await sentence(work)


async def test_unknown_postgres_user_is_reported(postgres_home: str) -> None:
    """A wrong user or password is told as that, and never printed."""
    parts = urlsplit(postgres_home)
    host = parts.netloc.rpartition("@")[2]
    url = changed(postgres_home, netloc=f"stranger:hush@{host}")
    for work in (Database(url).open, Database(url).migration_state, Database(url).migrate):
        message = await sentence(work)
        assert "refuses the user or password of the URL" in message
        assert "hush" not in message


def test_wrong_password_is_reported() -> None:
    """As PostgreSQL words it where passwords are asked for."""
    error = asyncpg.InvalidPasswordError('password authentication failed for user "editor"')
    message = describe_error("postgresql://editor:hush@db.example/news", error)
    assert message == "The database at db.example refuses the user or password of the URL."


async def test_read_only_postgres_is_reported(postgres_server: Server) -> None:
    """A database that takes no writes, as a replica is, cannot be migrated; the sentence says why."""
    url = await postgres_server.empty()
    await postgres_server.run(
        f'ALTER DATABASE "{urlsplit(url).path[1:]}" SET default_transaction_read_only = on'
    )
    assert "is read-only: contentql may not write there." in await sentence(Database(url).migrate)


# The schema's age


async def test_an_empty_database_is_behind(server: Server) -> None:
    """Not migrated yet: all migrations are missing, and that is no fault."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite3.connect(sqlite_path(url)).close()
    state = await Database(url).migration_state()
    assert (state.applied, len(state.pending) > 0, state.unknown) == ((), True, ())
    await server.drop(url)


async def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    """A database that a newer version migrated is not served, not migrated, and not changed."""
    database = Database(database_url)
    async with database.orm() as connection:
        await connection.execute_script(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
        )
    assert "newer version of contentql (it has 0099_from_the_future)" in await sentence(database.migrate)
    state = await database.migration_state()
    assert state.unknown == ("0099_from_the_future",)
    with pytest.raises(OperatorError, match="newer version"):
        require_no_unknown_migrations(state)


# Reading


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as database:
        yield database


async def test_a_reader_cannot_write(reader: Database) -> None:
    """Whatever statement should ever reach it: readers are read-only in the database itself."""
    insert = "INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')"
    returning = insert + " RETURNING id"
    for statement in (returning, "UPDATE story SET title = 'y' RETURNING 1", "DELETE FROM story RETURNING 1"):
        with pytest.raises((ApiError, sqlite3.Error, asyncpg.PostgresError)):
            await reader.row(statement, [])
    assert (await reader.row("SELECT count(*) FROM story", []))[0] == 0


async def test_reading_does_not_wait_for_writing(reader: Database) -> None:
    """A read during an open write transaction sees the state before it."""
    async with reader.orm() as connection, connection._in_transaction() as writing:
        await writing.execute_query(
            "INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')"
        )
        async with asyncio.timeout(10):
            assert (await reader.row("SELECT count(*) FROM story", []))[0] == 0
    assert (await reader.row("SELECT count(*) FROM story", []))[0] == 1


ENDLESS = {
    "postgres": "select pg_sleep(60)",
    "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e12)"
    " select max(x) from n",
}


async def test_a_closed_newsroom_is_one_file(sqlite_server: Server) -> None:
    """The file of a stopped server is complete: no write-ahead log is left beside it."""
    url = await sqlite_server.migrated()
    log = Path(f"{sqlite_path(url)}-wal")
    for name in range(60):
        async with Database(url) as database:
            await database.rows("SELECT 1")
            async with database.orm():
                await Story.create(slug=f"story-{name}", title="A story", sort_name="a story")
            assert log.exists()
        assert not log.exists()


async def test_every_reader_is_free_after_its_time(database_url: str) -> None:
    """More endless statements than readers: each is refused in its time, and all readers serve again."""
    async with Database(database_url, readers=2) as database, asyncio.timeout(30):
        endless = [database.row(ENDLESS[database.dialect], [], 0.3) for _ in range(5)]
        refused = await asyncio.gather(*endless, return_exceptions=True)
        assert [error.code for error in refused if isinstance(error, ApiError)] == ["TIMEOUT"] * 5
        results = await asyncio.gather(*(database.row("select 17", []) for _ in range(10)))
        assert [row[0] for row in results] == [17] * 10


async def test_a_database_that_closes_its_connections_is_asked_again(postgres_server: Server) -> None:
    """PostgreSQL restarts: what runs is DATABASE_UNAVAILABLE, and what comes later is answered."""
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

"""Backup and restore of both databases: completeness, atomicity and failures."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.conftest import Server
from tests.store.test_migrations import FIRST_MIGRATION_TABLES, ROWS, connect_sql, insert_rows, migrate_to
from tests.support.backup_fixtures import (
    BackgroundWriter,
    anything_may_have_changed,
    back_up,
    fill_with_stories,
    restore,
    stories,
    table_contents,
    tools_for,
    wheel,
)

from contentql.backup import postgres_dump, postgres_restore, postgres_tools, sqlite
from contentql.backup.files import publish_file
from contentql.backup.postgres_restore import FUNCTIONS
from contentql.backup.postgres_tools import TABLES, PostgresTools
from contentql.errors import OperatorError
from contentql.store.change_log import ChangeLog
from contentql.store.database import Database
from contentql.store.errors import sqlite_path

pytestmark = pytest.mark.slow


@pytest.fixture
async def programs(server: Server, database_url: str) -> PostgresTools:
    return await tools_for(server, database_url)


@pytest.fixture
async def newsroom(database_url: str) -> str:
    """One row of everything."""
    async with connect_sql(database_url) as sql:
        await insert_rows(sql)
    return database_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "newsroom.backup"


async def refused(work: object, *input: str) -> None:
    with pytest.raises(OperatorError) as error:
        await work  # type: ignore[misc]
    for part in input:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


# While others write


async def test_what_was_acknowledged_before_is_restored(
    server: Server, database_url: str, file: Path, programs: PostgresTools
) -> None:
    """Under continuous commits, it has all commits acknowledged before its start, and no partial one."""
    await fill_with_stories(database_url, 40_000)
    async with BackgroundWriter(database_url) as writer:
        before = writer.acknowledged
        stored = await back_up(database_url, file, programs)
        after = writer.acknowledged
        await writer.until(after + 5)
    assert after > before, "no concurrent write"
    assert stored.size == file.stat().st_size
    copy = await server.empty()
    await restore(copy, file, programs)
    result = await stories(copy)
    last = max(result)
    assert before <= last <= after + 1
    assert result == set(range(-40_000, last + 1))
    async with connect_sql(copy) as sql:
        assert await sql("SELECT title FROM story WHERE id = 0") == [{"title": str(last)}]
    await server.drop(copy)


async def test_a_sqlite_copy_passes_sqlites_checks(sqlite_server: Server, tmp_path: Path, file: Path) -> None:
    """It is one file, readable where nothing may be written, whole and with all that is referred to."""
    url = await sqlite_server.migrated()
    async with BackgroundWriter(url):
        await back_up(url, file, PostgresTools())
    assert [file.name] == os.listdir(tmp_path)
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as copy:
        for check, value in (
            ("integrity_check", [("ok",)]),
            ("foreign_key_check", []),
            ("journal_mode", [("delete",)]),
        ):
            assert copy.execute(f"PRAGMA {check}").fetchall() == value


async def test_servers_see_the_restored_rows_and_that_anything_may_have_changed(
    server: Server, newsroom: str, file: Path, programs: PostgresTools
) -> None:
    """Who has the database open reads on, from what was restored, and its journal tells of it once."""
    await back_up(newsroom, file, programs)
    async with Database(newsroom) as reading:
        journal = ChangeLog(reading)
        async with connect_sql(newsroom) as sql:
            for title in ("Truce", "Peace"):  # lines that the backup does not have
                await sql("UPDATE story SET title = ?", title)
        await journal.start()
        assert text(await reading.row("SELECT title FROM story", ())) == "Peace"
        await restore(newsroom, file, programs, replace=True)
        await journal.wait()
        assert await anything_may_have_changed(journal)
        assert await journal.read_new() == []
        assert text(await reading.row("SELECT title FROM story", ())) == "War"
        async with connect_sql(newsroom) as sql:
            await sql("UPDATE story SET title = 'Truce'")
        assert [change.table for change in await journal.read_new()] == ["story"]
        await journal.close()


def text(row: Sequence[Any]) -> str:
    (result,) = row
    return result.decode() if isinstance(result, bytes) else str(result)


# What is restored


async def test_a_restore_equals_the_backup(
    server: Server, newsroom: str, file: Path, programs: PostgresTools
) -> None:
    """Every row of every table, into an empty database and over one that was changed; and it is counted."""
    before = await table_contents(newsroom)
    stored = await back_up(newsroom, file, programs)
    assert (stored.articles, f"{stored.last_modified:%Y-%m-%dT%H:%M:%SZ}", stored.broken_references) == (
        1,
        ROWS["article"]["modified_at"],
        0,
    )
    empty = await server.empty()
    restored = await restore(empty, file, programs)
    assert (restored.summary.articles, restored.summary.last_modified) == (
        stored.articles,
        stored.last_modified,
    )
    assert (restored.migrated, restored.restart_needed) == ((), False)
    assert await table_contents(empty) == before
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE article SET headline = 'Changed'")
        await sql("DELETE FROM external_id")
    assert await table_contents(newsroom) != before
    await restore(newsroom, file, programs, replace=True)
    assert await table_contents(newsroom) == before
    for url in (newsroom, empty):  # the rules are back too
        async with connect_sql(url) as sql:
            with pytest.raises(Exception, match="only ever added to"):
                await sql("DELETE FROM audit_entry")
            await sql("UPDATE story SET title = 'x'")
            assert (await sql("SELECT table_name FROM row_change ORDER BY seq DESC LIMIT 1")) == [
                {"table_name": "story"}
            ]
    await server.drop(empty)


@pytest.mark.parametrize("age", ["0001_content", "0004_documents"])
async def test_an_older_backup_is_brought_up_to_date(
    server: Server, newsroom: str, file: Path, programs: PostgresTools, age: str
) -> None:
    """Made before a migration, even before there was a journal, it has had them all once it is restored."""
    old = await server.empty()
    await migrate_to(old, age)
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        before = {table: await sql.rows_of(table) for table in FIRST_MIGRATION_TABLES}
    await back_up(old, file, programs)
    async with Database(newsroom) as reading:
        journal = ChangeLog(reading)
        await journal.start()
        restored = await restore(newsroom, file, programs, replace=True)
        assert await anything_may_have_changed(journal)
        await journal.close()
    state = await Database(newsroom).migration_state()
    assert (state.pending, state.unknown) == ((), ())
    assert restored.migrated == tuple(name for name in state.applied if name > age)
    async with connect_sql(newsroom) as sql:
        for table, rows in before.items():
            assert [{c: row[c] for c in rows[0]} for row in await sql.rows_of(table)] == rows
    await server.drop(old)


async def test_a_backup_of_a_newer_version_is_refused(
    server: Server, newsroom: str, file: Path, programs: PostgresTools
) -> None:
    """As is backing up with an older version than the database's: neither knows what it would be doing."""
    future = (
        "INSERT INTO tortoise_migrations (app, name, applied_at)"
        " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
    )
    newer = await server.copy(newsroom) if server.dialect == "postgres" else newsroom
    before = await table_contents(newsroom)
    async with connect_sql(newer) as sql:
        await sql(future)
    await refused(back_up(newer, file, programs), "newer version of contentql")
    if server.dialect == "sqlite":
        with closing(sqlite3.connect(sqlite_path(newer))) as created:
            created.execute("VACUUM INTO ?", (str(file),))
    else:
        # It is written, and not believed.
        await refused(postgres_dump.dump_database(newer, file, programs), "newer version")
    target = await server.migrated()
    await refused(
        restore(target, file, programs, replace=True),
        "made by a newer version of contentql (it has 0099_from_the_future)",
        "as it was",
    )
    assert await stories(target) == set()
    assert before
    await server.drop(target)


# What is refused


async def test_a_filled_database_is_left_alone(newsroom: str, file: Path, programs: PostgresTools) -> None:
    """Without force nothing in it changes."""
    await back_up(newsroom, file, programs)
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE story SET title = 'Peace'")
    before = await table_contents(newsroom)
    await refused(restore(newsroom, file, programs), "is not empty", "--force")
    assert await table_contents(newsroom) == before


async def test_a_file_is_not_overwritten(
    newsroom: str, file: Path, programs: PostgresTools, tmp_path: Path
) -> None:
    """Unless it is asked for; and a backup that fails leaves the old one, and nothing else."""
    file.write_bytes(b"yesterday's")
    await refused(back_up(newsroom, file, programs), "is there already", "--force")
    assert file.read_bytes() == b"yesterday's"
    async with connect_sql(newsroom) as sql:
        await sql("DELETE FROM tortoise_migrations")
    await refused(back_up(newsroom, file, programs, replace=True))
    assert file.read_bytes() == b"yesterday's"
    assert os.listdir(tmp_path) == [file.name]


async def test_a_backup_replaces_and_is_its_owners_alone(
    newsroom: str, file: Path, programs: PostgresTools, tmp_path: Path
) -> None:
    """With force, behind a link too; it holds drafts and keys, so no other user may read it."""
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    (elsewhere / "real.backup").write_bytes(b"yesterday's")
    file.symlink_to(elsewhere / "real.backup")
    stored = await back_up(newsroom, file, programs, replace=True)
    assert file.is_symlink()
    assert file.stat().st_size == stored.size
    assert os.listdir(elsewhere) == ["real.backup"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_who_comes_second_does_not_overwrite(tmp_path: Path) -> None:
    """Two backups to one name at once: the second finds the first, and leaves it."""
    draft, created = tmp_path / "draft", tmp_path / "made"
    draft.write_bytes(b"second")
    created.write_bytes(b"first")
    with pytest.raises(OperatorError, match="created by another process meanwhile"):
        publish_file(draft, created, replace=False)
    assert created.read_bytes() == b"first"
    publish_file(draft, created, replace=True)
    assert created.read_bytes() == b"second"


async def test_unwritable_paths_are_reported(
    newsroom: str, file: Path, programs: PostgresTools, tmp_path: Path
) -> None:
    """No folder, a folder in place of a file, the database itself."""
    await refused(back_up(newsroom, tmp_path / "no" / "x", programs), "is not there")
    await refused(back_up(newsroom, tmp_path, programs, replace=True), "is not a file")
    await refused(restore(newsroom, file, programs, replace=True), "cannot be read: No such file")
    if newsroom.startswith("sqlite"):
        for place in (sqlite_path(newsroom), Path(f"{sqlite_path(newsroom)}-wal")):
            for work in (back_up, restore):
                await refused(work(newsroom, place, programs, replace=True), "is the database itself")


async def test_an_empty_database_has_nothing_to_back_up(
    server: Server, file: Path, programs: PostgresTools
) -> None:
    """A sentence, and no file."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite3.connect(sqlite_path(url)).close()
    await refused(back_up(url, file, programs), "nothing to back up")
    assert not file.exists()
    await server.drop(url)


def cut(at: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * at)]


def flipped(at: float, wide: int = 64) -> Callable[[bytes], bytes]:
    def work(content: bytes) -> bytes:
        start = int(len(content) * at)
        rotated = bytes(byte ^ 0xFF for byte in content[start : start + wide])
        return content[:start] + rotated + content[start + wide :]

    return work


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing in it": lambda data: b"",
    "a page of text": lambda data: b"Dear diary, " * 1_000,
    "cut in its head": cut(0.001),
    "cut in the middle": cut(0.5),
    "the end is missing": cut(0.999),
    "a hole at the front": flipped(0.0001, 4_096),
    "a hole in the middle": flipped(0.5, 4_096),
    "zeros at the end": lambda data: data[: len(data) * 3 // 4] + bytes(len(data) // 4),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_backup_is_refused(
    server: Server, newsroom: str, file: Path, programs: PostgresTools, damage: str, tmp_path: Path
) -> None:
    """Whatever is wrong with it: nothing changes, with force or into nothing, and nothing is left over."""
    await fill_with_stories(newsroom, 2_000)
    await back_up(newsroom, file, programs)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    before = await table_contents(newsroom)
    await refused(restore(newsroom, file, programs, replace=True), str(file), "The database is as it was.")
    assert await table_contents(newsroom) == before
    assert os.listdir(tmp_path) == [file.name]
    empty = await server.empty()
    await refused(restore(empty, file, programs), str(file), "The database is as it was.")
    if server.dialect == "sqlite":
        assert not sqlite_path(empty).exists()
    else:
        assert not (await Database(empty).migration_state()).applied
    await server.drop(empty)


async def test_a_backup_of_the_other_database_is_refused(
    sqlite_server: Server, postgres_server: Server, tmp_path: Path
) -> None:
    """The sentence names what carries content from one to the other."""
    urls = [await sqlite_server.migrated(), await postgres_server.migrated()]
    programs = await tools_for(postgres_server, urls[1])
    files = [tmp_path / "sqlite", tmp_path / "postgres"]
    for url, file in zip(urls, files, strict=True):
        await back_up(url, file, programs)
    for url, file in zip(urls, reversed(files), strict=True):
        await refused(restore(url, file, programs, replace=True), "contentql export, contentql import")


async def test_files_with_other_tables_are_rejected(
    server: Server, file: Path, programs: PostgresTools, tmp_path: Path
) -> None:
    """A valid file with other tables."""
    target = await server.migrated()
    if server.dialect == "sqlite":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE article (id)")
            other.commit()
    else:
        other_url = await server.empty()
        await sql_of(other_url, "CREATE TABLE article (modified_at timestamptz)")
        with pytest.raises(OperatorError, match="holds no newsroom"):
            await postgres_dump.dump_database(other_url, file, programs)
    await refused(restore(target, file, programs, replace=True), "holds no newsroom of contentql")
    await server.drop(target)


async def test_a_restore_that_breaks_off_leaves_everything(
    server: Server, newsroom: str, file: Path, programs: PostgresTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that keeps the database locked is reported, and nothing changes."""
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.3)
    monkeypatch.setattr(postgres_restore, "LOCK_TIMEOUT_SECONDS", 1)
    await back_up(newsroom, file, programs)
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE story SET title = 'Peace'")
    before = await table_contents(newsroom)
    async with connect_sql(newsroom) as sql, sql.connection._in_transaction() as held:
        await held.execute_query("UPDATE story SET title = 'Never said'")
        result = "locked by another program" if server.dialect == "sqlite" else "lock timeout"
        await refused(restore(newsroom, file, programs, replace=True), result)
        await held.rollback()
    assert await table_contents(newsroom) == before


async def test_an_older_backup_that_cannot_be_brought_up_to_date(
    server: Server, newsroom: str, file: Path, programs: PostgresTools
) -> None:
    """SQLite's is tried out before; PostgreSQL's is restored as it was made, and told as that."""
    old = await server.empty()
    await migrate_to(old, "0001_content")
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        await sql("UPDATE article SET urgency = 99")
    await back_up(old, file, programs)
    before = await table_contents(newsroom)
    if server.dialect == "sqlite":
        await refused(
            restore(newsroom, file, programs, replace=True),
            "cannot be brought up to date (0002_rules_and_indexes stops)",
        )
        assert await table_contents(newsroom) == before
    else:
        await refused(restore(newsroom, file, programs, replace=True), "restored as it was made")
        assert (await Database(newsroom).migration_state()).applied == ("0001_content",)
    await server.drop(old)


# SQLite


async def test_broken_references_are_backed_up_and_counted(sqlite_server: Server, file: Path) -> None:
    """A fault of the database is no reason to have no backup of it; but it is said."""
    url = await sqlite_server.migrated()
    async with connect_sql(url) as sql:
        await insert_rows(sql)
    with closing(sqlite3.connect(sqlite_path(url))) as connection:
        connection.execute("DELETE FROM source")
        connection.commit()
    stored = await back_up(url, file, PostgresTools())
    assert stored.broken_references == 2
    copy = await sqlite_server.empty()
    assert (await restore(copy, file, PostgresTools())).summary.broken_references == 2


async def test_a_damaged_database_is_replaced(sqlite_server: Server, file: Path) -> None:
    """What is no database any more is not backed up, and with force a backup takes its place, log and all."""
    url = await sqlite_server.migrated()
    path = sqlite_path(url)
    await back_up(url, file, PostgresTools())
    before = await table_contents(url)
    path.write_bytes(b"Dear diary, " * 1_000)
    path.chmod(0o640)
    Path(f"{path}-wal").write_bytes(b"of the lost one")
    await refused(back_up(url, file, PostgresTools(), replace=True), "is not a SQLite database")
    await refused(restore(url, file, PostgresTools()), "--force")
    assert path.read_bytes() == b"Dear diary, " * 1_000
    restored = await restore(url, file, PostgresTools(), replace=True)
    assert restored.restart_needed
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert await table_contents(url) == before


async def test_a_database_with_a_hole_is_not_backed_up(sqlite_server: Server, file: Path) -> None:
    """Its copy would have the hole: that is told, and no file is left."""
    url = await sqlite_server.migrated()
    await fill_with_stories(url, 2_000)
    path = sqlite_path(url)
    path.write_bytes(flipped(0.5, 40_960)(path.read_bytes()))
    await refused(back_up(url, file, PostgresTools()), "is damaged", "no backup of it")
    assert not file.exists()


async def test_a_log_that_was_left_is_not_applied(sqlite_server: Server, file: Path) -> None:
    """The main file was removed by hand, its log forgotten: it would be applied to the restored one."""
    url = await sqlite_server.migrated()
    await back_up(url, file, PostgresTools())
    new = await sqlite_server.empty()
    log = Path(f"{sqlite_path(new)}-wal")
    log.write_bytes(b"of the lost one")
    await refused(restore(new, file, PostgresTools()), "left of a database that is gone")
    assert log.read_bytes() == b"of the lost one"
    await restore(new, file, PostgresTools(), replace=True)
    assert await table_contents(new) == await table_contents(url)


async def test_a_database_with_other_pages_is_restored_into(sqlite_server: Server, file: Path) -> None:
    """Pages of another size are no reason to refuse."""
    url = await sqlite_server.migrated()
    await back_up(url, file, PostgresTools())
    before = await table_contents(url)
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 8192", "VACUUM"):
            connection.execute(statement)
        connection.execute("INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')")
    await restore(url, file, PostgresTools(), replace=True)
    assert await table_contents(url) == before


async def test_a_copy_with_a_log_beside_it_is_read_with_it(sqlite_server: Server, file: Path) -> None:
    """A database that was copied by hand while it was open holds its newest rows in the log."""
    url = await sqlite_server.migrated()
    path = sqlite_path(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as holding:
        holding.execute("INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')")
        for end in ("", "-wal"):
            Path(f"{file}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    copy = await sqlite_server.empty()
    await restore(copy, file, PostgresTools())
    assert await stories(copy) == {1}


# PostgreSQL


async def sql_of(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def test_all_that_the_migrations_make_is_known(postgres_server: Server) -> None:
    """A table or function that is missing here would be missing in the backup."""
    url = await postgres_server.migrated()
    tables = await sql_of(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in tables} == TABLES
    functions = await sql_of(url, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    assert {name for (name,) in functions} == set(FUNCTIONS)


async def test_foreign_tables_are_left_alone(postgres_server: Server, file: Path) -> None:
    """They are in no backup, and a restore over ours leaves them; what hangs on ours makes it stop."""
    url = await postgres_server.migrated()
    programs = await tools_for(postgres_server, url)
    async with connect_sql(url) as sql:
        await insert_rows(sql)
    await sql_of(url, 'CREATE TABLE "Their own" (id serial PRIMARY KEY)')
    await sql_of(url, 'INSERT INTO "Their own" DEFAULT VALUES')
    await back_up(url, file, programs)
    await restore(url, file, programs, replace=True)
    assert len(await sql_of(url, 'SELECT * FROM "Their own"')) == 1
    empty = await postgres_server.empty()
    await restore(empty, file, programs)
    assert await sql_of(empty, "SELECT 1 FROM pg_class WHERE relname LIKE 'Their%'") == []
    await sql_of(url, "CREATE VIEW headlines AS SELECT headline FROM article")
    before = await table_contents(url)
    await refused(restore(url, file, programs, replace=True), "cannot drop", "as it was")
    assert await table_contents(url) == before


async def test_tables_of_another_application_are_not_dropped(postgres_server: Server, file: Path) -> None:
    """A database with a table of a name of ours, but without our migrations: not even with force."""
    url = await postgres_server.migrated()
    programs = await tools_for(postgres_server, url)
    await back_up(url, file, programs)
    theirs = await postgres_server.empty()
    await sql_of(theirs, "CREATE TABLE media (id int)")
    await refused(restore(theirs, file, programs, replace=True), "a table media that is not ours")
    assert await sql_of(theirs, "SELECT * FROM media") == []


async def test_a_newer_postgres_newsroom_is_not_cleared(postgres_server: Server, file: Path) -> None:
    """What a newer version made is not known here: the sentence says where to restore instead."""
    url = await postgres_server.migrated()
    programs = await tools_for(postgres_server, url)
    await back_up(url, file, programs)
    async with connect_sql(url) as sql:
        await sql(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
        )
    await refused(restore(url, file, programs, replace=True), "0099_from_the_future", "createdb")


async def test_missing_or_old_pg_dump_is_reported(
    postgres_server: Server, file: Path, tmp_path: Path
) -> None:
    """With what to install, and how to name it."""
    url = await postgres_server.migrated()
    await refused(
        back_up(url, file, PostgresTools(tmp_path)), f"There is no pg_dump in {tmp_path}", "CONTENTQL_PG_BIN"
    )
    old = tmp_path / "bin"
    script(old / "pg_dump", 'echo "pg_dump (PostgreSQL) 9.6.24"')
    await refused(back_up(url, file, PostgresTools(old)), "is of version 9: it must be", "--pg-bin")
    script(old / "pg_dump", "exit 1")
    await refused(back_up(url, file, PostgresTools(old)), "ended with code 1.")
    script(
        old / "pg_dump",
        'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1" ;;'
        ' *) echo "pg_dump: error: permission denied for table article" >&2; exit 1 ;; esac',
    )
    await refused(
        back_up(url, file, PostgresTools(old)), "pg_dump made no backup: permission denied for table article."
    )
    assert not file.exists()
    await refused(restore(url, file, PostgresTools(old), replace=True), "cannot be read")


async def test_the_password_is_on_no_command_line(
    postgres_server: Server, file: Path, tmp_path: Path
) -> None:
    """Others on the machine may read those; neither is the user or the host there."""
    url = await postgres_server.migrated()
    programs = await tools_for(postgres_server, url)
    parts = urlsplit(url)
    login = f"{parts.username or 'postgres'}:hush%40night@"
    secret = urlunsplit(parts._replace(netloc=login + parts.netloc.rpartition("@")[2]))
    spying = tmp_path / "bin"
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore", "psql"):
        script(spying / name, f'echo "$0 $* [$PGPASSWORD]" >> {seen}\nexec {programs.path(name)} "$@"')
    await back_up(secret, file, PostgresTools(spying))
    await restore(secret, file, PostgresTools(spying), replace=True)
    lines = [line for line in seen.read_text().splitlines() if "--version" not in line]
    assert sum(line.endswith("[hush@night]") for line in lines) == 2
    assert not any("hush" in line.rpartition(" [")[0] or "postgres" in line.split()[1:] for line in lines)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("postgresql:///news", {"PGDATABASE": "news"}),
        (
            "postgresql://ed%40desk:p%2Fw@[::1]:5433/my%20news?sslmode=require&password=",
            {
                "PGUSER": "ed@desk",
                "PGPASSWORD": "p/w",
                "PGHOST": "::1",
                "PGPORT": "5433",
                "PGDATABASE": "my news",
                "PGSSLMODE": "require",
            },
        ),
        (
            "postgresql://one:1,two:2/news?user=jane&password=hush",
            {"PGHOST": "one,two", "PGPORT": "1,2", "PGUSER": "jane", "PGPASSWORD": "hush"},
        ),
    ],
)
def test_a_url_in_postgres_own_words(url: str, value: dict[str, str]) -> None:
    """Everything that a URL of ours may say."""
    result = postgres_tools.environment(url)
    assert value == {name: result.get(name) for name in value}


async def test_a_server_that_is_reached_by_mistake_is_left_alone(
    postgres_server: Server, file: Path, tmp_path: Path
) -> None:
    """psql must stand in the very database that was looked at, or it changes nothing."""
    url = await postgres_server.migrated()
    other = await postgres_server.migrated()
    programs = await tools_for(postgres_server, url)
    await back_up(url, file, programs)
    spying = tmp_path / "bin"
    for name in ("pg_dump", "pg_restore", "psql"):
        wrong = f"PGDATABASE={urlsplit(other).path[1:]} " if name == "psql" else ""
        script(spying / name, f'{wrong}exec {programs.path(name)} "$@"')
    before = await table_contents(other)
    await refused(restore(url, file, PostgresTools(spying), replace=True), "reaches another database")
    assert await table_contents(other) == before


def test_the_wheel_has_what_these_tests_need() -> None:
    """The suite's own PostgreSQL brings pg_dump, pg_restore and psql along."""
    assert all(PostgresTools(wheel()).path(name) for name in ("pg_dump", "pg_restore", "psql"))

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
    back_up,
    has_unspecific_change,
    insert_stories,
    postgres_tools_for,
    restore,
    story_ids,
    table_contents,
    wheel_programs,
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
async def backup_tools(server: Server, database_url: str) -> PostgresTools:
    return await postgres_tools_for(server, database_url)


@pytest.fixture
async def newsroom(database_url: str) -> str:
    """A database with one row in every table."""
    async with connect_sql(database_url) as sql:
        await insert_rows(sql)
    return database_url


@pytest.fixture
def backup_file(tmp_path: Path) -> Path:
    return tmp_path / "newsroom.backup"


async def assert_error(operation: object, *texts: str) -> None:
    """The operation raises an OperatorError of one line that contains the texts."""
    with pytest.raises(OperatorError) as exc_info:
        await operation  # type: ignore[misc]
    for part in texts:
        assert part in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


# Concurrent writes


async def test_backup_has_all_commits_acknowledged_before_its_start(
    server: Server, database_url: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """Under continuous commits; no commit is in the backup partially."""
    await insert_stories(database_url, 40_000)
    async with BackgroundWriter(database_url) as writer:
        before = writer.acknowledged
        summary = await back_up(database_url, backup_file, backup_tools)
        after = writer.acknowledged
        await writer.wait_for(after + 5)
    assert after > before, "no concurrent write"
    assert summary.size == backup_file.stat().st_size
    copy = await server.empty()
    await restore(copy, backup_file, backup_tools)
    restored_ids = await story_ids(copy)
    last = max(restored_ids)
    assert before <= last <= after + 1
    assert restored_ids == set(range(-40_000, last + 1))
    async with connect_sql(copy) as sql:
        assert await sql("SELECT title FROM story WHERE id = 0") == [{"title": str(last)}]
    await server.drop(copy)


async def test_sqlite_backup_passes_integrity_checks(
    sqlite_server: Server, tmp_path: Path, backup_file: Path
) -> None:
    """It is one file, readable without write access."""
    url = await sqlite_server.migrated()
    async with BackgroundWriter(url):
        await back_up(url, backup_file, PostgresTools())
    assert [backup_file.name] == os.listdir(tmp_path)
    with closing(sqlite3.connect(f"{backup_file.as_uri()}?immutable=1", uri=True)) as copy:
        for check, value in (
            ("integrity_check", [("ok",)]),
            ("foreign_key_check", []),
            ("journal_mode", [("delete",)]),
        ):
            assert copy.execute(f"PRAGMA {check}").fetchall() == value


async def test_open_readers_see_restored_rows_and_an_unspecific_change(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """The change log reports once that any row may have changed, and works afterwards."""
    await back_up(newsroom, backup_file, backup_tools)
    async with Database(newsroom) as reader:
        change_log = ChangeLog(reader)
        async with connect_sql(newsroom) as sql:
            for title in ("Truce", "Peace"):  # changes that the backup does not contain
                await sql("UPDATE story SET title = ?", title)
        await change_log.start()
        assert first_text(await reader.row("SELECT title FROM story", ())) == "Peace"
        await restore(newsroom, backup_file, backup_tools, replace=True)
        await change_log.wait()
        assert await has_unspecific_change(change_log)
        assert await change_log.read_new() == []
        assert first_text(await reader.row("SELECT title FROM story", ())) == "War"
        async with connect_sql(newsroom) as sql:
            await sql("UPDATE story SET title = 'Truce'")
        assert [change.table for change in await change_log.read_new()] == ["story"]
        await change_log.close()


def first_text(row: Sequence[Any]) -> str:
    """The only column of the row as text."""
    (result,) = row
    return result.decode() if isinstance(result, bytes) else str(result)


# Contents


async def test_restore_returns_every_row(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """Into an empty database and over a changed one; triggers work afterwards."""
    before = await table_contents(newsroom)
    summary = await back_up(newsroom, backup_file, backup_tools)
    assert (summary.articles, f"{summary.last_modified:%Y-%m-%dT%H:%M:%SZ}", summary.broken_references) == (
        1,
        ROWS["article"]["modified_at"],
        0,
    )
    empty = await server.empty()
    restored = await restore(empty, backup_file, backup_tools)
    assert (restored.summary.articles, restored.summary.last_modified) == (
        summary.articles,
        summary.last_modified,
    )
    assert (restored.migrated, restored.restart_needed) == ((), False)
    assert await table_contents(empty) == before
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE article SET headline = 'Changed'")
        await sql("DELETE FROM external_id")
    assert await table_contents(newsroom) != before
    await restore(newsroom, backup_file, backup_tools, replace=True)
    assert await table_contents(newsroom) == before
    for url in (newsroom, empty):  # triggers are restored too
        async with connect_sql(url) as sql:
            with pytest.raises(Exception, match="append-only"):
                await sql("DELETE FROM audit_entry")
            await sql("UPDATE story SET title = 'x'")
            assert (await sql("SELECT table_name FROM row_change ORDER BY seq DESC LIMIT 1")) == [
                {"table_name": "story"}
            ]
    await server.drop(empty)


@pytest.mark.parametrize("version", ["0001_content", "0004_documents"])
async def test_older_backups_are_migrated_after_the_restore(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools, version: str
) -> None:
    """Even a backup from before the change log was introduced."""
    old = await server.empty()
    await migrate_to(old, version)
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        before = {table: await sql.rows_of(table) for table in FIRST_MIGRATION_TABLES}
    await back_up(old, backup_file, backup_tools)
    async with Database(newsroom) as reader:
        change_log = ChangeLog(reader)
        await change_log.start()
        restored = await restore(newsroom, backup_file, backup_tools, replace=True)
        assert await has_unspecific_change(change_log)
        await change_log.close()
    state = await Database(newsroom).migration_state()
    assert (state.pending, state.unknown) == ((), ())
    assert restored.migrated == tuple(name for name in state.applied if name > version)
    async with connect_sql(newsroom) as sql:
        for table, rows in before.items():
            assert [{c: row[c] for c in rows[0]} for row in await sql.rows_of(table)] == rows
    await server.drop(old)


async def test_backups_of_a_newer_version_are_rejected(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """An older version neither backs up nor restores a newer database."""
    insert_migration = (
        "INSERT INTO tortoise_migrations (app, name, applied_at)"
        " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
    )
    newer = await server.copy(newsroom) if server.dialect == "postgres" else newsroom
    before = await table_contents(newsroom)
    async with connect_sql(newer) as sql:
        await sql(insert_migration)
    await assert_error(back_up(newer, backup_file, backup_tools), "newer version of contentql")
    if server.dialect == "sqlite":
        with closing(sqlite3.connect(sqlite_path(newer))) as created:
            created.execute("VACUUM INTO ?", (str(backup_file),))
    else:
        # The file is written and then rejected by the check.
        await assert_error(postgres_dump.dump_database(newer, backup_file, backup_tools), "newer version")
    target = await server.migrated()
    await assert_error(
        restore(target, backup_file, backup_tools, replace=True),
        "made by a newer version of contentql (it has 0099_from_the_future)",
        "was not changed",
    )
    assert await story_ids(target) == set()
    assert before
    await server.drop(target)


# Rejections


async def test_restore_over_a_filled_database_requires_force(
    newsroom: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """Without it nothing is changed."""
    await back_up(newsroom, backup_file, backup_tools)
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE story SET title = 'Peace'")
    before = await table_contents(newsroom)
    await assert_error(restore(newsroom, backup_file, backup_tools), "is not empty", "--force")
    assert await table_contents(newsroom) == before


async def test_backup_over_an_existing_file_requires_force(
    newsroom: str, backup_file: Path, backup_tools: PostgresTools, tmp_path: Path
) -> None:
    """A failed backup leaves the old file and no other."""
    backup_file.write_bytes(b"yesterday's")
    await assert_error(back_up(newsroom, backup_file, backup_tools), "exists already", "--force")
    assert backup_file.read_bytes() == b"yesterday's"
    async with connect_sql(newsroom) as sql:
        await sql("DELETE FROM tortoise_migrations")
    await assert_error(back_up(newsroom, backup_file, backup_tools, replace=True))
    assert backup_file.read_bytes() == b"yesterday's"
    assert os.listdir(tmp_path) == [backup_file.name]


async def test_forced_backup_follows_symlinks_and_is_readable_only_by_its_owner(
    newsroom: str, backup_file: Path, backup_tools: PostgresTools, tmp_path: Path
) -> None:
    """A backup contains drafts and keys."""
    target_folder = tmp_path / "disk"
    target_folder.mkdir()
    (target_folder / "real.backup").write_bytes(b"yesterday's")
    backup_file.symlink_to(target_folder / "real.backup")
    summary = await back_up(newsroom, backup_file, backup_tools, replace=True)
    assert backup_file.is_symlink()
    assert backup_file.stat().st_size == summary.size
    assert os.listdir(target_folder) == ["real.backup"]
    assert stat.S_IMODE(backup_file.stat().st_mode) == 0o600


def test_publish_file_does_not_overwrite_a_concurrent_backup(tmp_path: Path) -> None:
    """The second of two concurrent backups to one file is an error."""
    draft, target = tmp_path / "draft", tmp_path / "made"
    draft.write_bytes(b"second")
    target.write_bytes(b"first")
    with pytest.raises(OperatorError, match="created by another process meanwhile"):
        publish_file(draft, target, replace=False)
    assert target.read_bytes() == b"first"
    publish_file(draft, target, replace=True)
    assert target.read_bytes() == b"second"


async def test_unwritable_paths_are_reported(
    newsroom: str, backup_file: Path, backup_tools: PostgresTools, tmp_path: Path
) -> None:
    """A missing folder, a folder in place of a file, and the database itself."""
    await assert_error(back_up(newsroom, tmp_path / "no" / "x", backup_tools), "does not exist")
    await assert_error(back_up(newsroom, tmp_path, backup_tools, replace=True), "is not a file")
    await assert_error(
        restore(newsroom, backup_file, backup_tools, replace=True), "cannot be read: No such file"
    )
    if newsroom.startswith("sqlite"):
        for path in (sqlite_path(newsroom), Path(f"{sqlite_path(newsroom)}-wal")):
            for operation in (back_up, restore):
                await assert_error(
                    operation(newsroom, path, backup_tools, replace=True), "is the database itself"
                )


async def test_backup_of_an_empty_database_is_rejected(
    server: Server, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """No file is created."""
    url = await server.empty()
    if server.dialect == "sqlite":
        sqlite3.connect(sqlite_path(url)).close()
    await assert_error(back_up(url, backup_file, backup_tools), "nothing to back up")
    assert not backup_file.exists()
    await server.drop(url)


def truncated(fraction: float) -> Callable[[bytes], bytes]:
    """Keeps a fraction of the bytes."""
    return lambda data: data[: int(len(data) * fraction)]


def with_flipped_bytes(fraction: float, count: int = 64) -> Callable[[bytes], bytes]:
    """Inverts `wide` bytes at a fraction of the length."""

    def flip(content: bytes) -> bytes:
        start = int(len(content) * fraction)
        inverted = bytes(byte ^ 0xFF for byte in content[start : start + count])
        return content[:start] + inverted + content[start + count :]

    return flip


DAMAGED_FILES: dict[str, Callable[[bytes], bytes]] = {
    "nothing in it": lambda data: b"",
    "a page of text": lambda data: b"Dear diary, " * 1_000,
    "cut in its head": truncated(0.001),
    "cut in the middle": truncated(0.5),
    "the end is missing": truncated(0.999),
    "a hole at the front": with_flipped_bytes(0.0001, 4_096),
    "a hole in the middle": with_flipped_bytes(0.5, 4_096),
    "zeros at the end": lambda data: data[: len(data) * 3 // 4] + bytes(len(data) // 4),
}


@pytest.mark.parametrize("damage", DAMAGED_FILES)
async def test_damaged_backups_are_rejected(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools, damage: str, tmp_path: Path
) -> None:
    """With or without force nothing changes, and no file is left behind."""
    await insert_stories(newsroom, 2_000)
    await back_up(newsroom, backup_file, backup_tools)
    backup_file.write_bytes(DAMAGED_FILES[damage](backup_file.read_bytes()))
    before = await table_contents(newsroom)
    await assert_error(
        restore(newsroom, backup_file, backup_tools, replace=True),
        str(backup_file),
        "The database was not changed.",
    )
    assert await table_contents(newsroom) == before
    assert os.listdir(tmp_path) == [backup_file.name]
    empty = await server.empty()
    await assert_error(
        restore(empty, backup_file, backup_tools), str(backup_file), "The database was not changed."
    )
    if server.dialect == "sqlite":
        assert not sqlite_path(empty).exists()
    else:
        assert not (await Database(empty).migration_state()).applied
    await server.drop(empty)


async def test_backups_of_the_other_database_are_rejected(
    sqlite_server: Server, postgres_server: Server, tmp_path: Path
) -> None:
    """The message names export and import."""
    urls = [await sqlite_server.migrated(), await postgres_server.migrated()]
    backup_tools = await postgres_tools_for(postgres_server, urls[1])
    files = [tmp_path / "sqlite", tmp_path / "postgres"]
    for url, backup_file in zip(urls, files, strict=True):
        await back_up(url, backup_file, backup_tools)
    for url, backup_file in zip(urls, reversed(files), strict=True):
        await assert_error(
            restore(url, backup_file, backup_tools, replace=True), "contentql export and contentql import"
        )


async def test_files_with_other_tables_are_rejected(
    server: Server, backup_file: Path, backup_tools: PostgresTools, tmp_path: Path
) -> None:
    """A valid backup of another application."""
    target = await server.migrated()
    if server.dialect == "sqlite":
        with closing(sqlite3.connect(backup_file)) as other:
            other.execute("CREATE TABLE article (id)")
            other.commit()
    else:
        other_url = await server.empty()
        await fetch(other_url, "CREATE TABLE article (modified_at timestamptz)")
        with pytest.raises(OperatorError, match="contains no database"):
            await postgres_dump.dump_database(other_url, backup_file, backup_tools)
    await assert_error(
        restore(target, backup_file, backup_tools, replace=True), "contains no database of contentql"
    )
    await server.drop(target)


async def test_restore_of_a_locked_database_changes_nothing(
    server: Server,
    newsroom: str,
    backup_file: Path,
    backup_tools: PostgresTools,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lock of another client is reported after a timeout."""
    monkeypatch.setattr(sqlite, "_LOCK_TIMEOUT", 0.3)
    monkeypatch.setattr(postgres_restore, "LOCK_TIMEOUT_SECONDS", 1)
    await back_up(newsroom, backup_file, backup_tools)
    async with connect_sql(newsroom) as sql:
        await sql("UPDATE story SET title = 'Peace'")
    before = await table_contents(newsroom)
    async with connect_sql(newsroom) as sql, sql.connection._in_transaction() as transaction:
        await transaction.execute_query("UPDATE story SET title = 'Never said'")
        expected = "locked by another program" if server.dialect == "sqlite" else "lock timeout"
        await assert_error(restore(newsroom, backup_file, backup_tools, replace=True), expected)
        await transaction.rollback()
    assert await table_contents(newsroom) == before


async def test_older_backups_that_cannot_be_migrated_are_reported(
    server: Server, newsroom: str, backup_file: Path, backup_tools: PostgresTools
) -> None:
    """SQLite changes nothing; PostgreSQL has the restored rows without migrations."""
    old = await server.empty()
    await migrate_to(old, "0001_content")
    async with connect_sql(old) as sql:
        await insert_rows(sql, FIRST_MIGRATION_TABLES)
        await sql("UPDATE article SET urgency = 99")
    await back_up(old, backup_file, backup_tools)
    before = await table_contents(newsroom)
    if server.dialect == "sqlite":
        await assert_error(
            restore(newsroom, backup_file, backup_tools, replace=True),
            "cannot be migrated (0002_rules_and_indexes failed)",
        )
        assert await table_contents(newsroom) == before
    else:
        await assert_error(
            restore(newsroom, backup_file, backup_tools, replace=True),
            "is restored, but could not be migrated",
            "contentql cache purge",
        )
        assert (await Database(newsroom).migration_state()).applied == ("0001_content",)
    await server.drop(old)


# SQLite


async def test_broken_references_are_backed_up_and_counted(sqlite_server: Server, backup_file: Path) -> None:
    """An inconsistent database can be backed up, and the inconsistency is reported."""
    url = await sqlite_server.migrated()
    async with connect_sql(url) as sql:
        await insert_rows(sql)
    with closing(sqlite3.connect(sqlite_path(url))) as connection:
        connection.execute("DELETE FROM source")
        connection.commit()
    summary = await back_up(url, backup_file, PostgresTools())
    assert summary.broken_references == 2
    copy = await sqlite_server.empty()
    assert (await restore(copy, backup_file, PostgresTools())).summary.broken_references == 2


async def test_forced_restore_replaces_a_damaged_sqlite_database(
    sqlite_server: Server, backup_file: Path
) -> None:
    """With its write-ahead log; a damaged database is not backed up."""
    url = await sqlite_server.migrated()
    path = sqlite_path(url)
    await back_up(url, backup_file, PostgresTools())
    before = await table_contents(url)
    path.write_bytes(b"Dear diary, " * 1_000)
    path.chmod(0o640)
    Path(f"{path}-wal").write_bytes(b"of the lost one")
    await assert_error(back_up(url, backup_file, PostgresTools(), replace=True), "is not a SQLite database")
    await assert_error(restore(url, backup_file, PostgresTools()), "--force")
    assert path.read_bytes() == b"Dear diary, " * 1_000
    restored = await restore(url, backup_file, PostgresTools(), replace=True)
    assert restored.restart_needed
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert await table_contents(url) == before


async def test_backup_of_a_partially_damaged_sqlite_database_is_rejected(
    sqlite_server: Server, backup_file: Path
) -> None:
    """No file is created."""
    url = await sqlite_server.migrated()
    await insert_stories(url, 2_000)
    path = sqlite_path(url)
    path.write_bytes(with_flipped_bytes(0.6, 40_960)(path.read_bytes()))
    await assert_error(back_up(url, backup_file, PostgresTools()), "is damaged", "cannot be backed up")
    assert not backup_file.exists()


async def test_restore_rejects_a_leftover_write_ahead_log(sqlite_server: Server, backup_file: Path) -> None:
    """SQLite would apply the log of a removed database to the restored one."""
    url = await sqlite_server.migrated()
    await back_up(url, backup_file, PostgresTools())
    new = await sqlite_server.empty()
    log = Path(f"{sqlite_path(new)}-wal")
    log.write_bytes(b"of the lost one")
    await assert_error(restore(new, backup_file, PostgresTools()), "left over from a deleted database")
    assert log.read_bytes() == b"of the lost one"
    await restore(new, backup_file, PostgresTools(), replace=True)
    assert await table_contents(new) == await table_contents(url)


async def test_restore_into_a_database_with_another_page_size(
    sqlite_server: Server, backup_file: Path
) -> None:
    url = await sqlite_server.migrated()
    await back_up(url, backup_file, PostgresTools())
    before = await table_contents(url)
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 8192", "VACUUM"):
            connection.execute(statement)
        connection.execute("INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')")
    await restore(url, backup_file, PostgresTools(), replace=True)
    assert await table_contents(url) == before


async def test_restore_reads_the_write_ahead_log_beside_a_copied_file(
    sqlite_server: Server, backup_file: Path
) -> None:
    """A copy of an open database has its newest rows in the log."""
    url = await sqlite_server.migrated()
    path = sqlite_path(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO story (id, slug, title, sort_name) VALUES (1, 'x', 'x', 'x')")
        for suffix in ("", "-wal"):
            Path(f"{backup_file}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    copy = await sqlite_server.empty()
    await restore(copy, backup_file, PostgresTools())
    assert await story_ids(copy) == {1}


# PostgreSQL


async def fetch(url: str, statement: str) -> list[asyncpg.Record]:
    """The rows that the statement returns."""
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def test_postgres_backup_covers_all_tables_and_functions(postgres_server: Server) -> None:
    """Objects that are not listed would be missing in the backup."""
    url = await postgres_server.migrated()
    tables = await fetch(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in tables} == TABLES
    functions = await fetch(url, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    assert {name for (name,) in functions} == set(FUNCTIONS)


async def test_postgres_tables_of_others_are_kept(postgres_server: Server, backup_file: Path) -> None:
    """They are in no backup, and objects that depend on our tables stop the restore."""
    url = await postgres_server.migrated()
    backup_tools = await postgres_tools_for(postgres_server, url)
    async with connect_sql(url) as sql:
        await insert_rows(sql)
    await fetch(url, 'CREATE TABLE "Their own" (id serial PRIMARY KEY)')
    await fetch(url, 'INSERT INTO "Their own" DEFAULT VALUES')
    await back_up(url, backup_file, backup_tools)
    await restore(url, backup_file, backup_tools, replace=True)
    assert len(await fetch(url, 'SELECT * FROM "Their own"')) == 1
    empty = await postgres_server.empty()
    await restore(empty, backup_file, backup_tools)
    assert await fetch(empty, "SELECT 1 FROM pg_class WHERE relname LIKE 'Their%'") == []
    await fetch(url, "CREATE VIEW headlines AS SELECT headline FROM article")
    before = await table_contents(url)
    await assert_error(
        restore(url, backup_file, backup_tools, replace=True), "cannot drop", "was not changed"
    )
    assert await table_contents(url) == before


async def test_postgres_tables_with_our_names_but_without_migrations_are_kept(
    postgres_server: Server, backup_file: Path
) -> None:
    """Even with force."""
    url = await postgres_server.migrated()
    backup_tools = await postgres_tools_for(postgres_server, url)
    await back_up(url, backup_file, backup_tools)
    other_database = await postgres_server.empty()
    await fetch(other_database, "CREATE TABLE media (id int)")
    await assert_error(
        restore(other_database, backup_file, backup_tools, replace=True),
        "table media was not created by contentql",
    )
    assert await fetch(other_database, "SELECT * FROM media") == []


async def test_restore_over_a_newer_postgres_database_is_rejected(
    postgres_server: Server, backup_file: Path
) -> None:
    """Its tables are unknown; the message says where to restore instead."""
    url = await postgres_server.migrated()
    backup_tools = await postgres_tools_for(postgres_server, url)
    await back_up(url, backup_file, backup_tools)
    async with connect_sql(url) as sql:
        await sql(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('content', '0099_from_the_future', '2030-01-01 00:00:00')"
        )
    await assert_error(
        restore(url, backup_file, backup_tools, replace=True), "0099_from_the_future", "createdb"
    )


async def test_missing_or_old_pg_dump_is_reported(
    postgres_server: Server, backup_file: Path, tmp_path: Path
) -> None:
    """With what to install and how to configure it."""
    url = await postgres_server.migrated()
    await assert_error(
        back_up(url, backup_file, PostgresTools(tmp_path)),
        f"There is no pg_dump in {tmp_path}",
        "CONTENTQL_PG_BIN",
    )
    old = tmp_path / "bin"
    write_script(old / "pg_dump", 'echo "pg_dump (PostgreSQL) 9.6.24"')
    await assert_error(
        back_up(url, backup_file, PostgresTools(old)), "is of version 9: it must be", "--pg-bin"
    )
    write_script(old / "pg_dump", "exit 1")
    await assert_error(back_up(url, backup_file, PostgresTools(old)), "ended with code 1.")
    write_script(
        old / "pg_dump",
        'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1" ;;'
        ' *) echo "pg_dump: error: permission denied for table article" >&2; exit 1 ;; esac',
    )
    await assert_error(
        back_up(url, backup_file, PostgresTools(old)),
        "pg_dump failed: permission denied for table article.",
    )
    assert not backup_file.exists()
    await assert_error(restore(url, backup_file, PostgresTools(old), replace=True), "cannot be read")


async def test_password_is_not_on_a_command_line(
    postgres_server: Server, backup_file: Path, tmp_path: Path
) -> None:
    """Command lines are readable by other users of the machine; host and user are not on them either."""
    url = await postgres_server.migrated()
    backup_tools = await postgres_tools_for(postgres_server, url)
    parts = urlsplit(url)
    login = f"{parts.username or 'postgres'}:hush%40night@"
    secret = urlunsplit(parts._replace(netloc=login + parts.netloc.rpartition("@")[2]))
    wrapped_programs = tmp_path / "bin"
    recorded_calls = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore", "psql"):
        write_script(
            wrapped_programs / name,
            f'echo "$0 $* [$PGPASSWORD]" >> {recorded_calls}\nexec {backup_tools.path(name)} "$@"',
        )
    await back_up(secret, backup_file, PostgresTools(wrapped_programs))
    await restore(secret, backup_file, PostgresTools(wrapped_programs), replace=True)
    lines = [line for line in recorded_calls.read_text().splitlines() if "--version" not in line]
    assert sum(line.endswith("[hush@night]") for line in lines) == 2
    assert not any("hush" in line.rpartition(" [")[0] or "postgres" in line.split()[1:] for line in lines)


def write_script(path: Path, text: str) -> None:
    """Creates an executable shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("url", "expected"),
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
def test_urls_become_environment_variables_of_postgres(url: str, expected: dict[str, str]) -> None:
    """Every part that a URL may have."""
    environment = postgres_tools.libpq_environment(url)
    assert expected == {name: environment.get(name) for name in expected}


async def test_restore_verifies_the_database_that_psql_reaches(
    postgres_server: Server, backup_file: Path, tmp_path: Path
) -> None:
    """Another database is not changed."""
    url = await postgres_server.migrated()
    other = await postgres_server.migrated()
    backup_tools = await postgres_tools_for(postgres_server, url)
    await back_up(url, backup_file, backup_tools)
    wrapped_programs = tmp_path / "bin"
    for name in ("pg_dump", "pg_restore", "psql"):
        wrong = f"PGDATABASE={urlsplit(other).path[1:]} " if name == "psql" else ""
        write_script(wrapped_programs / name, f'{wrong}exec {backup_tools.path(name)} "$@"')
    before = await table_contents(other)
    await assert_error(
        restore(url, backup_file, PostgresTools(wrapped_programs), replace=True), "reaches another database"
    )
    assert await table_contents(other) == before


def test_wheel_contains_the_postgres_programs() -> None:
    """The tests use pg_dump, pg_restore and psql of the wheel."""
    assert all(PostgresTools(wheel_programs()).path(name) for name in ("pg_dump", "pg_restore", "psql"))

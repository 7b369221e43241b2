"""Restore of a PostgreSQL database with pg_restore, in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import asyncpg

from contentql.backup.files import (
    SEQUENCE_GAP,
    BackupSummary,
    damaged_error,
)
from contentql.backup.postgres_tools import (
    LOCK_TIMEOUT_SECONDS,
    SERVER_IDENTITY_SQL,
    TABLES,
    Archive,
    PostgresTools,
    change_log_position,
    connected,
    count_articles,
    environment,
    last_line,
    opened,
    quoted_tables,
    tool_error,
)
from contentql.errors import OperatorError
from contentql.store.database import Database, MigrationState

FUNCTIONS = ("log_row_change", "append_only")


async def restore_archive(
    database: Database,
    file: Path,
    *,
    replace: bool,
    programs: PostgresTools,
    everything: str,
    progress: Callable[[str], object],
) -> tuple[BackupSummary, tuple[str, ...]]:
    """Restores an archive in one transaction, then applies missing migrations in transactions of their own.

    Returns the summary and the names of the applied migrations. Raises `OperatorError`.
    """
    for name in ("pg_restore", "psql"):
        programs.path(name)
    archive = await asyncio.to_thread(opened, file, programs)
    state = await database.migration_state()
    async with connected(database.url) as connection:
        present = await _present_tables(connection, archive.schema)
        _require_replaceable(present, state, replace)
        last = await last_line(connection, archive.schema) if "row_change" in present else 0
        before = _opening_sql(archive.schema, present, await change_log_position(connection))
    after = (
        _change_log_sql(archive.schema, last + SEQUENCE_GAP, everything)
        if "row_change" in archive.tables
        else ""
    )
    await asyncio.to_thread(_run_restore, database.url, archive, programs, before, f"{after}COMMIT;\n")
    migrated: list[str] = []

    def applying(name: str) -> None:
        migrated.append(name)
        progress(name)

    try:
        await database.migrate(applying)
        async with connected(database.url) as connection:
            if migrated:
                await connection.execute(_change_log_sql(archive.schema, last + 2 * SEQUENCE_GAP, everything))
            await connection.execute(f"ANALYZE {', '.join(quoted_tables(archive.schema, sorted(TABLES)))}")
            articles, newest = await count_articles(connection, archive.schema)
            size = await connection.fetchval(
                "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) name",
                quoted_tables(archive.schema, sorted(TABLES)),
            )
    except OperatorError as exc:
        raise OperatorError(
            f"{file} is restored as it was made. It could not be brought up to date: {exc} When that is put"
            " right: contentql migrate, contentql purge"
        ) from exc
    return BackupSummary(size, articles, newest), tuple(migrated)


async def _present_tables(connection: asyncpg.Connection, schema: str) -> list[str]:
    """The names of our tables that the schema holds."""
    return [
        str(name)
        for (name,) in await connection.fetch(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1"
            " AND relkind IN ('r', 'p') AND relname = ANY($2::text[]) ORDER BY relname",
            schema,
            sorted(TABLES),
        )
    ]


def _require_replaceable(present: list[str], state: MigrationState, replace: bool) -> None:
    """Raises OperatorError if the tables in the database must not or cannot be dropped."""
    if present and not state.applied:
        raise OperatorError(
            f"The database holds a table {present[0]} that is not ours: choose another database."
        )
    if present and not replace:
        raise OperatorError("The database is not empty. Replace what it holds with --force.")
    if state.unknown:
        raise OperatorError(
            f"The database was made by a newer version of contentql (it has {state.unknown[-1]}): what is"
            " there cannot be cleared by this one. Restore into a new database (createdb)."
        )


def _run_restore(url: str, archive: Archive, programs: PostgresTools, before: str, after: str) -> None:
    """Pipes the archive as SQL from pg_restore to psql, between the SQL `before` and `after`.

    `after` holds the COMMIT and is sent only if pg_restore succeeds, so any failure rolls back. Raises
    `OperatorError`.
    """
    reading = [
        programs.path("pg_restore"),
        "--file=-",
        "--no-owner",
        "--no-privileges",
        f"--schema={archive.schema}",
        str(archive.file),
    ]
    writing = [
        programs.path("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
    ]
    with tempfile.TemporaryFile() as unread, tempfile.TemporaryFile() as unwritten:
        with (
            subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=unread) as source,
            subprocess.Popen(
                writing,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=unwritten,
                env=environment(url),
            ) as target,
        ):
            assert source.stdout is not None
            assert target.stdin is not None
            try:
                target.stdin.write(before.encode())
                _script(source.stdout, target.stdin)
                if source.wait() == 0:
                    target.stdin.write(after.encode())
                target.stdin.close()
            except BrokenPipeError:  # psql has exited; its error output has the reason
                source.kill()
                with contextlib.suppress(BrokenPipeError):
                    target.stdin.close()
        unread.seek(0)
        unwritten.seek(0)
        if target.returncode != 0:
            result = tool_error(target.returncode, unwritten.read())
            raise OperatorError(f"{archive.file} cannot be restored: {result}. The database is as it was.")
        if source.returncode != 0:
            raise damaged_error(archive.file, tool_error(source.returncode, unread.read()))


def _script(source: IO[bytes], target: IO[bytes]) -> None:
    for line in source:
        # pg_restore 17 sets this even for older servers, which reject it.
        if not line.startswith(b"SET transaction_timeout ="):
            target.write(line)
        if line.startswith(b"COPY "):
            break
    shutil.copyfileobj(source, target, 1 << 20)


def _opening_sql(schema: str, present: Sequence[str], place: str) -> str:
    """Returns SQL that begins the transaction, checks that it is the same database, and drops old tables."""
    statements = [
        "BEGIN",
        f"DO $$ BEGIN IF {SERVER_IDENTITY_SQL} <> {_literal(place)} THEN"
        " RAISE EXCEPTION 'psql reaches another database than the URL names'; END IF; END $$",
    ]
    if present:
        tables = ", ".join(quoted_tables(schema, present))
        functions = ", ".join(f"{name}()" for name in quoted_tables(schema, FUNCTIONS))
        statements += [
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'",
            # All tables in one statement before any DROP: running writers finish first, new ones wait.
            f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE",
            f"DROP TABLE {tables}",
            f"DROP FUNCTION IF EXISTS {functions}",
        ]
    return ";\n".join(statements) + ";\n"


def _change_log_sql(schema: str, last: int, everything: str) -> str:
    """Returns SQL that continues the change log after `last` and adds a row that invalidates everything.

    No reader has passed that position, so every running server reads the row.
    """
    (journal,) = quoted_tables(schema, ["row_change"])
    sequence = f"pg_get_serial_sequence({_literal(journal)}, 'seq')::regclass"
    return (
        f"SELECT setval({sequence}, greatest(pg_sequence_last_value({sequence}), {last}));\n"
        f"INSERT INTO {journal} (table_name, row_id, changed_text_columns)"
        f" VALUES ({_literal(everything)}, 0, '');\n"
        "NOTIFY contentql_row_change;\n"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

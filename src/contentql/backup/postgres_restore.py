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
    count_articles,
    last_change_seq,
    libpq_environment,
    open_connection,
    quoted_tables,
    read_archive,
    server_identity,
    tool_error,
)
from contentql.errors import OperatorError
from contentql.store.article_log import first_row_sql
from contentql.store.database import Database, MigrationState

FUNCTIONS = {  # with the types of their arguments
    "log_row_change": "()",
    "log_article_change": "()",
    "log_article_of": "(bigint, text)",
    "log_article": "(bigint, text, boolean, text, timestamptz, timestamptz, timestamptz, timestamptz, text)",
    "append_only": "()",
    "fold_text": "(text)",
}


async def restore_archive(
    database: Database,
    file: Path,
    *,
    replace: bool,
    tools: PostgresTools,
    any_table: str,
    progress: Callable[[str], object],
) -> tuple[BackupSummary, tuple[str, ...]]:
    """Restores an archive in one transaction, then applies missing migrations in transactions of their own.

    Returns the summary and the names of the applied migrations. Raises `OperatorError`.
    """
    for name in ("pg_restore", "psql"):
        tools.path(name)
    archive = await asyncio.to_thread(read_archive, file, tools)
    state = await database.migration_state()
    async with open_connection(database.url) as connection:
        existing = await _existing_tables(connection, archive.schema)
        _require_replaceable(existing, state, replace)
        last_seq = await last_change_seq(connection, archive.schema) if "row_change" in existing else 0
        opening_sql = _opening_sql(archive.schema, existing, await server_identity(connection))
    closing_sql = (
        _change_log_sql(archive.schema, last_seq + SEQUENCE_GAP, any_table)
        if "row_change" in archive.tables
        else ""
    )
    if "article_log" in archive.tables:
        closing_sql += _article_log_sql(archive.schema)
    await asyncio.to_thread(
        _run_restore, database.url, archive, tools, opening_sql, f"{closing_sql}COMMIT;\n"
    )
    migrated: list[str] = []

    def record_migration(name: str) -> None:
        migrated.append(name)
        progress(name)

    try:
        await database.migrate(record_migration)
        async with open_connection(database.url) as connection:
            if migrated:
                await connection.execute(
                    _change_log_sql(archive.schema, last_seq + 2 * SEQUENCE_GAP, any_table)
                )
            await connection.execute(f"ANALYZE {', '.join(quoted_tables(archive.schema, sorted(TABLES)))}")
            articles, last_modified = await count_articles(connection, archive.schema)
            size = await connection.fetchval(
                "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) name",
                quoted_tables(archive.schema, sorted(TABLES)),
            )
    except OperatorError as exc:
        raise OperatorError(
            f"{file} is restored, but could not be migrated: {exc} When the cause is removed, run: contentql"
            " migrate, contentql cache purge"
        ) from exc
    return BackupSummary(size, articles, last_modified), tuple(migrated)


async def _existing_tables(connection: asyncpg.Connection, schema: str) -> list[str]:
    """Names of the tables of contentql that exist in the schema."""
    return [
        str(name)
        for (name,) in await connection.fetch(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1"
            " AND relkind IN ('r', 'p') AND relname = ANY($2::text[]) ORDER BY relname",
            schema,
            sorted(TABLES),
        )
    ]


def _require_replaceable(existing: list[str], state: MigrationState, replace: bool) -> None:
    """Raises OperatorError if the tables in the database must not or cannot be dropped."""
    if existing and not state.applied:
        raise OperatorError(f"The table {existing[0]} was not created by contentql. Choose another database.")
    if existing and not replace:
        raise OperatorError("The database is not empty. Replace its contents with --force.")
    if state.unknown:
        raise OperatorError(
            f"The database was made by a newer version of contentql (it has {state.unknown[-1]}), so this"
            " version cannot replace it. Restore into a new database (createdb)."
        )


def _run_restore(
    url: str, archive: Archive, tools: PostgresTools, opening_sql: str, closing_sql: str
) -> None:
    """Pipes the archive as SQL from pg_restore to psql, between `opening_sql` and `closing_sql`.

    `closing_sql` ends with COMMIT and is sent only if pg_restore succeeds, so any failure rolls back. Raises
    `OperatorError`.
    """
    restore_command = [
        tools.path("pg_restore"),
        "--file=-",
        "--no-owner",
        "--no-privileges",
        f"--schema={archive.schema}",
        str(archive.file),
    ]
    psql_command = [
        tools.path("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
    ]
    with tempfile.TemporaryFile() as restore_errors, tempfile.TemporaryFile() as psql_errors:
        with (
            subprocess.Popen(restore_command, stdout=subprocess.PIPE, stderr=restore_errors) as source,
            subprocess.Popen(
                psql_command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=psql_errors,
                env=libpq_environment(url),
            ) as target,
        ):
            assert source.stdout is not None
            assert target.stdin is not None
            try:
                target.stdin.write(opening_sql.encode())
                _copy_script(source.stdout, target.stdin)
                if source.wait() == 0:
                    target.stdin.write(closing_sql.encode())
                target.stdin.close()
            except BrokenPipeError:  # psql has exited; its error output has the reason
                source.kill()
                with contextlib.suppress(BrokenPipeError):
                    target.stdin.close()
        restore_errors.seek(0)
        psql_errors.seek(0)
        if target.returncode != 0:
            reason = tool_error(target.returncode, psql_errors.read())
            raise OperatorError(f"{archive.file} cannot be restored: {reason}. The database was not changed.")
        if source.returncode != 0:
            raise damaged_error(archive.file, tool_error(source.returncode, restore_errors.read()))


def _copy_script(source: IO[bytes], target: IO[bytes]) -> None:
    """Copies the SQL of pg_restore, without a setting that older servers do not have."""
    for line in source:
        # pg_restore 17 always sets it, and servers before 17 reject it.
        if not line.startswith(b"SET transaction_timeout ="):
            target.write(line)
        if line.startswith(b"COPY "):
            break
    shutil.copyfileobj(source, target, 1 << 20)


def _opening_sql(schema: str, existing: Sequence[str], identity: str) -> str:
    """Returns SQL that begins the transaction, checks that it is the same database, and drops old tables."""
    statements = [
        "BEGIN",
        f"DO $$ BEGIN IF {SERVER_IDENTITY_SQL} <> {_quote_literal(identity)} THEN"
        " RAISE EXCEPTION 'psql reaches another database than the URL names'; END IF; END $$",
    ]
    if existing:
        tables = ", ".join(quoted_tables(schema, existing))
        names = quoted_tables(schema, list(FUNCTIONS))
        functions = ", ".join(map("".join, zip(names, FUNCTIONS.values(), strict=True)))
        statements += [
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'",
            # All tables in one statement before any DROP: running writers finish first, new ones wait.
            f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE",
            f"DROP TABLE {tables}",
            f"DROP FUNCTION IF EXISTS {functions}",
        ]
    return ";\n".join(statements) + ";\n"


def _change_log_sql(schema: str, last_seq: int, any_table: str) -> str:
    """Returns SQL that continues the change log after `last_seq` and adds a row that invalidates everything.

    No reader has passed that position, so every running server reads the row.
    """
    (change_log,) = quoted_tables(schema, ["row_change"])
    sequence = f"pg_get_serial_sequence({_quote_literal(change_log)}, 'seq')::regclass"
    return (
        f"SELECT setval({sequence}, greatest(pg_sequence_last_value({sequence}), {last_seq}));\n"
        f"INSERT INTO {change_log} (table_name, row_id, changed_text_columns)"
        f" VALUES ({_quote_literal(any_table)}, 0, '');\n"
        "NOTIFY contentql_row_change;\n"
    )


def _article_log_sql(schema: str) -> str:
    """Returns SQL that begins the article log anew, so that clients of the old one resynchronise."""
    (article_log,) = quoted_tables(schema, ["article_log"])
    return f"DELETE FROM {article_log};\n{first_row_sql(article_log, 'postgres')};\n"


def _quote_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

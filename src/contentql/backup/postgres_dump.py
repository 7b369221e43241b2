"""Backup of a PostgreSQL database with pg_dump."""

from __future__ import annotations

import asyncio
from pathlib import Path

from contentql.backup.files import (
    BackupSummary,
)
from contentql.backup.postgres_tools import (
    LOCK_TIMEOUT_SECONDS,
    TABLES,
    PostgresTools,
    count_articles,
    open_connection,
    quote_identifier,
    quoted_tables,
    read_archive,
    require_pg_dump_version,
    run_tool,
)
from contentql.errors import OperatorError


async def dump_database(url: str, staging_file: Path, tools: PostgresTools) -> BackupSummary:
    """Writes a verified pg_dump archive of contentql's tables. Raises `OperatorError`."""
    async with open_connection(url) as connection:
        require_pg_dump_version(tools.path("pg_dump"), connection.get_server_version().major)
        # The archive and its summary come from the same snapshot.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            schema = await connection.fetchval(
                "SELECT nspname FROM pg_namespace n JOIN pg_class c ON n.oid = relnamespace"
                " WHERE c.oid = 'article'::regclass"
            )
            other_relations = await connection.fetch(_OTHER_RELATIONS_SQL, schema, sorted(TABLES))
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            command = (
                tools.path("pg_dump"),
                "--format=custom",
                f"--file={staging_file}",
                f"--snapshot={snapshot}",
                f"--schema={quote_identifier(schema)}",
                *(
                    f"--exclude-table={relation}"
                    for relation in quoted_tables(schema, [name for (name,) in other_relations])
                ),
                f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s",
                "--no-password",
            )
            try:
                await asyncio.to_thread(run_tool, url, *command)
            except OperatorError as exc:
                raise OperatorError(f"pg_dump failed: {exc}") from exc
            articles, last_modified = await count_articles(connection, schema)
    archive = await asyncio.to_thread(read_archive, staging_file, tools)
    return BackupSummary(archive.size, articles, last_modified)


# Relations of the schema that do not belong to contentql. A sequence belongs to the table of its column.
_OTHER_RELATIONS_SQL = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class counted ON counted.oid = d.refobjid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND coalesce(counted.relname, c.relname) <> ALL($2::text[])
ORDER BY c.relname"""

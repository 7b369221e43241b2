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
    connected,
    count_articles,
    opened,
    quote_identifier,
    quoted_tables,
    refuse_older,
    run_tool,
)
from contentql.errors import OperatorError


async def dump_database(url: str, draft: Path, programs: PostgresTools) -> BackupSummary:
    """Writes a verified pg_dump archive of contentql's tables. Raises `OperatorError`."""
    async with connected(url) as connection:
        refuse_older(programs.path("pg_dump"), connection.get_server_version().major)
        # The archive and its summary come from the same snapshot.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            schema = await connection.fetchval(
                "SELECT nspname FROM pg_namespace n JOIN pg_class c ON n.oid = relnamespace"
                " WHERE c.oid = 'article'::regclass"
            )
            others = await connection.fetch(_OTHERS, schema, sorted(TABLES))
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            command = (
                programs.path("pg_dump"),
                "--format=custom",
                f"--file={draft}",
                f"--snapshot={snapshot}",
                f"--schema={quote_identifier(schema)}",
                *(
                    f"--exclude-table={other}"
                    for other in quoted_tables(schema, [name for (name,) in others])
                ),
                f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s",
                "--no-password",
            )
            try:
                await asyncio.to_thread(run_tool, url, *command)
            except OperatorError as exc:
                raise OperatorError(f"PostgreSQL's pg_dump made no backup: {exc}") from exc
            articles, newest = await count_articles(connection, schema)
    archive = await asyncio.to_thread(opened, draft, programs)
    return BackupSummary(archive.size, articles, newest)


# Relations of the schema that are not contentql's. A sequence belongs to the table whose column it numbers.
_OTHERS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class counted ON counted.oid = d.refobjid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND coalesce(counted.relname, c.relname) <> ALL($2::text[])
ORDER BY c.relname"""

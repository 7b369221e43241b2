"""`contentql backup` and `contentql restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contentql.backup import RestoreResult, create_backup, restore_backup
from contentql.backup.files import BackupSummary
from contentql.backup.postgres_tools import PostgresTools
from contentql.cli.runtime import EXIT_PARTIAL, DatabaseUrl, exit_with_error, run_async, stderr
from contentql.content.timestamps import format_timestamp
from contentql.errors import OperatorError
from contentql.settings import load_settings
from contentql.store import change_log
from contentql.store.database import Database

PgBin = Annotated[
    Path | None,
    typer.Option(
        "--pg-bin",
        metavar="FOLDER",
        envvar="CONTENTQL_PG_BIN",
        help="Folder of pg_dump, pg_restore and psql; by default the PATH. pg_dump must not be older than the"
        " server. SQLite needs none of them.",
        show_default=False,
    ),
]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to create.")],
    database: DatabaseUrl = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing FILE when the new one is complete.")
    ] = False,
    pg_bin: PgBin = None,
) -> None:
    """Back up the database to one file, while servers run.

    The backup contains everything saved before the command started: content, drafts, revisions, the audit
    log, hashes of tokens and signing keys. Store it where only you can read it. FILE is created when it is
    complete and checked; if the backup fails, an existing FILE stays unchanged.

    From SQLite, FILE is a SQLite database; from PostgreSQL, an archive of pg_dump.

    Exit codes: 0 success, 1 no backup was made, 2 wrong usage, 3 success, but the database has broken
    references.

    Examples:

      contentql backup newsroom.backup
      contentql backup --database postgresql://user@host/newsroom "/backups/$(date +%F).backup"
    """
    try:
        db = Database(load_settings(database_url=database).database_url)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    with stderr.status("Backing up"):
        summary = run_async(create_backup(db, file, replace=force, tools=PostgresTools(pg_bin)))
    typer.echo(f"{file} holds {_describe(summary)}.")
    _warn_of_broken_references(summary)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File written by `contentql backup`.")],
    database: DatabaseUrl = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the contents of the database. They cannot be recovered.")
    ] = False,
    pg_bin: PgBin = None,
) -> None:
    """Restore the database from a backup. The database must be empty unless --force is given.

    The file is checked before anything is changed, and the restore is one transaction: if it fails, the
    database stays unchanged. Backups of older versions are migrated. Running servers clear their caches; they
    need no restart.

    Changes made since the backup are lost: withdrawn articles are public again, revoked tokens are valid
    again. Restore only files that you trust: a PostgreSQL archive can run any SQL.

    Exit codes: 0 success, 1 nothing was changed, 2 wrong usage, 3 success, but the backup has broken
    references.

    Examples:

      contentql restore newsroom.backup --database sqlite:///drill.sqlite3
      contentql restore newsroom.backup --force
    """
    try:
        db = Database(load_settings(database_url=database).database_url)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    with stderr.status("Restoring"):
        result = run_async(
            restore_backup(
                db,
                file,
                replace=force,
                tools=PostgresTools(pg_bin),
                any_table=change_log.ANY_TABLE,
                progress=lambda name: stderr.print(f"  {name}", markup=False),
            )
        )
    typer.echo(f"Restored from {file}: {_describe(result.summary)}. {_describe_effects(result)}")
    _warn_of_broken_references(result.summary)


def _describe(summary: BackupSummary) -> str:
    articles = f"{summary.articles:,} article{'' if summary.articles == 1 else 's'}"
    last_modified = (
        f", the last changed at {format_timestamp(summary.last_modified)}" if summary.last_modified else ""
    )
    return f"{articles}{last_modified}, {summary.size / 1_000_000:,.1f} MB"


def _describe_effects(result: RestoreResult) -> str:
    count = len(result.migrated)
    migrations = f"{count} migration{'' if count == 1 else 's'} applied. " if count else ""
    if result.restart_needed:
        return f"{migrations}The previous database was damaged: restart the servers that had it open."
    return f"{migrations}Running servers clear their caches."


def _warn_of_broken_references(summary: BackupSummary) -> None:
    if summary.broken_references:
        stderr.print(
            f"{summary.broken_references:,} rows refer to missing rows. They are in the backup as they are;"
            " SQLite lists them with: PRAGMA foreign_key_check",
            markup=False,
        )
        raise typer.Exit(EXIT_PARTIAL)

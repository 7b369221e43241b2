"""`contentql backup` and `contentql restore`: the whole newsroom into a file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contentql.backup import RestoreResult
from contentql.backup import create_backup as back_up
from contentql.backup import restore_backup as bring_back
from contentql.backup.files import BackupSummary
from contentql.backup.postgres_tools import PostgresTools
from contentql.cli.runtime import DatabaseUrl, exit_with_error, run_async, stderr
from contentql.errors import OperatorError
from contentql.settings import load_settings
from contentql.store import change_log
from contentql.store.database import Database

PART = 3

PgBin = Annotated[
    Path | None,
    typer.Option(
        "--pg-bin",
        metavar="FOLDER",
        envvar="CONTENTQL_PG_BIN",
        help="Where pg_dump, pg_restore and psql are; else on the PATH. pg_dump must not be older than the"
        " server. SQLite needs none of them.",
        show_default=False,
    ),
]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.")],
    database: DatabaseUrl = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE if it is there, once the new one is complete.")
    ] = False,
    pg_bin: PgBin = None,
) -> None:
    """Write the whole newsroom to one file, while servers serve and editors write.

    In it is everything that was saved before the command began: content, drafts, revisions, the audit log,
    tokens (as hashes) and signing keys. So keep it where only you can read it. FILE appears when it is
    complete, checked and on the disk; a backup that fails leaves no file, and the one of yesterday as it was.

    From SQLite, FILE is a SQLite database; from PostgreSQL, an archive of pg_dump.

    Exit codes: 0 done, 1 there is no backup, 2 wrong use, 3 done, but the database has a fault that is named.

    Examples:

      contentql backup newsroom.backup

      contentql backup --database postgresql://user@host/newsroom "/backups/$(date +%F).backup"
    """
    try:
        newsroom = Database(load_settings(database_url=database).database_url)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    with stderr.status("Backing up"):
        stored = run_async(back_up(newsroom, file, replace=force, programs=PostgresTools(pg_bin)))
    typer.echo(f"{file} holds {_describe(stored)}.")
    _astray(stored)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `contentql backup` wrote.")],
    database: DatabaseUrl = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what the database holds. It cannot be brought back.")
    ] = False,
    pg_bin: PgBin = None,
) -> None:
    """Make the database what a backup holds. It must be empty, or else --force replaces what is there.

    The file is read and checked before anything is changed, and all is changed at once: what cannot be
    restored leaves the database as it was. A backup of an older version is brought up to date. Servers that
    run forget what they remember; they need no restart.

    What was done since the backup is undone: what was taken down since is back, and so are tokens that were
    revoked. Restore only files that you trust: one of PostgreSQL can run any SQL.

    Exit codes: 0 done, 1 nothing was changed, 2 wrong use, 3 done, but the backup has a fault that is named.

    Examples:

      contentql restore newsroom.backup --database sqlite:///drill.sqlite3

      contentql restore newsroom.backup --force
    """
    try:
        newsroom = Database(load_settings(database_url=database).database_url)
    except OperatorError as exc:
        raise exit_with_error(exc) from None
    with stderr.status("Restoring"):
        restored = run_async(
            bring_back(
                newsroom,
                file,
                replace=force,
                programs=PostgresTools(pg_bin),
                everything=change_log.ANY_TABLE,
                progress=lambda name: stderr.print(f"  {name}", markup=False),
            )
        )
    typer.echo(f"Restored from {file}: {_describe(restored.summary)}. {_followed(restored)}")
    _astray(restored.summary)


def _describe(summary: BackupSummary) -> str:
    articles = f"{summary.articles:,} article{'' if summary.articles == 1 else 's'}"
    newest = (
        f", the last changed at {summary.last_modified:%Y-%m-%dT%H:%M:%SZ}" if summary.last_modified else ""
    )
    return f"{articles}{newest}, {summary.size / 1_000_000:,.1f} MB"


def _followed(restored: RestoreResult) -> str:
    number = len(restored.migrated)
    migrated = f"{number} migration{'' if number == 1 else 's'} applied. " if number else ""
    if restored.restart_needed:
        return f"{migrated}What was there was damaged: restart the servers that had it open."
    return f"{migrated}Every server forgets what it remembers."


def _astray(summary: BackupSummary) -> None:
    if summary.broken_references:
        stderr.print(
            f"{summary.broken_references:,} rows refer to missing rows. They are in the backup as they are;"
            " SQLite lists them with: PRAGMA foreign_key_check",
            markup=False,
        )
        raise typer.Exit(PART)

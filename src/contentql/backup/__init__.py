"""Backup of the whole database to one file while it is in use, and restore from such a file.

Each either completes or changes nothing, except that a failed migration of a restored PostgreSQL backup
leaves the database at the version of the backup. Invariant: does not depend on the readers of the change log.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contentql.backup import postgres_dump, postgres_restore, sqlite
from contentql.backup.files import BackupSummary, detect_database, file_errors, fsync_folder, publish_file
from contentql.backup.postgres_tools import PostgresTools
from contentql.errors import OperatorError
from contentql.store.database import Database, require_no_unknown_migrations
from contentql.store.errors import sqlite_path
from contentql.store.private_files import PRIVATE_MODE


@dataclass(frozen=True)
class RestoreResult:
    """Result of a restore.

    `migrated`: names of the migrations applied to bring the backup up to date. `restart_needed`: the database
    file was replaced, so running servers still have the old file open.
    """

    summary: BackupSummary
    migrated: tuple[str, ...]
    restart_needed: bool = False


async def create_backup(
    database: Database, file: Path, *, replace: bool = False, tools: PostgresTools
) -> BackupSummary:
    """Writes a verified backup of everything committed before the call to `file`.

    `replace` allows overwriting an existing file. Raises `OperatorError` and leaves no partial file.
    """
    file = _resolve_links(file)
    _require_other_file(database, file)
    if file.exists() and not (replace and file.is_file()):
        raise OperatorError(
            f"{file} exists already. Choose another name, or replace it with --force."
            if file.is_file()
            else f"{file} is not a file. Choose the name of a new file."
        )
    state = await database.migration_state()
    require_no_unknown_migrations(state)
    if not state.applied:
        raise OperatorError("The database is empty, so there is nothing to back up.")
    with _temporary_file(file) as staging_file:
        if database.dialect == "sqlite":
            summary = await asyncio.to_thread(
                sqlite.copy_database, _resolve_links(sqlite_path(database.url)), staging_file
            )
        else:
            summary = await postgres_dump.dump_database(database.url, staging_file, tools)
        with file_errors(file):
            # The backup contains drafts, keys and token hashes, so only its owner may read it.
            staging_file.chmod(PRIVATE_MODE)
            publish_file(staging_file, file, replace=replace)
    return summary


async def restore_backup(
    database: Database,
    file: Path,
    *,
    replace: bool = False,
    tools: PostgresTools,
    any_table: str,
    progress: Callable[[str], object] = lambda name: None,
) -> RestoreResult:
    """Replaces the content of the database by that of a backup, migrated to the newest version.

    `replace` allows overwriting a database that is not empty. `any_table` is the table name of the
    change-log row written last, at which every reader of the change log invalidates its whole cache. Raises
    `OperatorError`; the database is then unchanged unless the message states otherwise.
    """
    file = _resolve_links(file)
    _require_other_file(database, file)
    kind = detect_database(file)
    if kind != database.dialect:
        names = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
        raise OperatorError(
            f"{file} is a backup of {names[kind]}, and the database is {names[database.dialect]}."
            " To move the content, use contentql export and contentql import."
        )
    if database.dialect == "postgres":
        return RestoreResult(
            *await postgres_restore.restore_archive(
                database, file, replace=replace, tools=tools, any_table=any_table, progress=progress
            )
        )
    return await _restore_sqlite(
        _resolve_links(sqlite_path(database.url)), file, replace, any_table, progress
    )


async def _restore_sqlite(
    path: Path, file: Path, replace: bool, any_table: str, progress: Callable[[str], object]
) -> RestoreResult:
    if not replace:
        await asyncio.to_thread(_require_empty, path)
    with _temporary_file(path) as staging_file:
        await asyncio.to_thread(sqlite.stage_copy, file, staging_file)
        migrated: list[str] = []

        def record_migration(name: str) -> None:
            migrated.append(name)
            progress(name)

        try:
            await Database(f"sqlite:///{staging_file}").migrate(record_migration)
        except OperatorError as exc:
            step = f" ({migrated[-1]} failed)" if migrated else ""
            raise OperatorError(f"{file} cannot be migrated{step}. The database was not changed.") from exc
        is_file_replaced = await asyncio.to_thread(_install, staging_file, path, replace, any_table)
    return RestoreResult(await asyncio.to_thread(sqlite.summarize, path), tuple(migrated), is_file_replaced)


def _require_empty(path: Path) -> None:
    if _has_content(path):
        if not sqlite.has_no_tables(path):
            raise OperatorError(f"The database at {path} is not empty. Replace its contents with --force.")
        return
    for sidecar in _sidecar_files(path):
        if sidecar.exists():
            raise OperatorError(
                f"{sidecar} is left over from a deleted database. Move it, or delete it with --force."
            )


def _install(staging_file: Path, path: Path, replace: bool, any_table: str) -> bool:
    """Installs the restored database at `path`.

    Returns True if the existing database was too damaged to overwrite in place, so that its file was
    replaced.
    """
    sqlite.checkpoint(staging_file)
    if not replace:
        _require_empty(path)
    exists = _has_content(path)
    if exists and sqlite.overwrite_database(staging_file, path, replace, any_table):
        return False
    with file_errors(path):
        staging_file.chmod(PRIVATE_MODE)
        if exists:
            _copy_owner_and_mode(path, staging_file)
        for sidecar in _sidecar_files(path):
            sidecar.unlink(missing_ok=True)
        fsync_folder(path.parent)
        publish_file(staging_file, path, replace=path.exists())
    return exists


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sidecar_files(path: Path) -> list[Path]:
    """Returns the paths of SQLite's `-wal`, `-shm` and `-journal` files of a database.

    SQLite would apply a leftover one to a new database of the same name.
    """
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal")]


@contextlib.contextmanager
def _temporary_file(file: Path) -> Iterator[Path]:
    """Provides a path in a temporary folder next to `file`.

    It is on the same disk, so that the result can be renamed to its final name. The folder is deleted on
    exit.
    """
    with file_errors(file):
        if not file.parent.exists():
            raise OperatorError(f"{file} cannot be written: the folder {file.parent} does not exist.")
        folder = tempfile.TemporaryDirectory(
            prefix=f".{file.name}.", dir=file.parent, ignore_cleanup_errors=True
        )
    with folder:
        yield Path(folder.name) / file.name


def _require_other_file(database: Database, file: Path) -> None:
    if database.dialect == "sqlite":
        path = _resolve_links(sqlite_path(database.url))
        if file in (path, *_sidecar_files(path)):
            raise OperatorError(f"{file} is the database itself. Choose another file for the backup.")


def _copy_owner_and_mode(old: Path, new: Path) -> None:
    status = old.stat()
    new.chmod(status.st_mode & 0o777)
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)


def _resolve_links(path: Path) -> Path:
    """Resolves symbolic links, so that the target file is replaced and not the link."""
    return Path(os.path.realpath(path))

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
    database: Database, file: Path, *, replace: bool = False, programs: PostgresTools
) -> BackupSummary:
    """Writes a verified backup of everything committed before the call to `file`.

    `replace` allows overwriting an existing file. Raises `OperatorError` and leaves no partial file.
    """
    file = _resolved(file)
    _refuse_in_place_of_itself(database, file)
    if file.exists() and not (replace and file.is_file()):
        raise OperatorError(
            f"{file} is there already. Choose another name, or replace it with --force."
            if file.is_file()
            else f"{file} is not a file: name a file to be made."
        )
    state = await database.migration_state()
    require_no_unknown_migrations(state)
    if not state.applied:
        raise OperatorError("The database holds nothing yet, so there is nothing to back up.")
    with _temporary_file(file) as draft:
        if database.dialect == "sqlite":
            stored = await asyncio.to_thread(
                sqlite.copy_database, _resolved(sqlite_path(database.url)), draft
            )
        else:
            stored = await postgres_dump.dump_database(database.url, draft, programs)
        with file_errors(file):
            # It contains drafts, keys and token hashes, so only its owner may read it.
            draft.chmod(0o600)
            publish_file(draft, file, replace=replace)
    return stored


async def restore_backup(
    database: Database,
    file: Path,
    *,
    replace: bool = False,
    programs: PostgresTools,
    everything: str,
    progress: Callable[[str], object] = lambda name: None,
) -> RestoreResult:
    """Replaces the content of the database by that of a backup, migrated to the newest version.

    `replace` allows overwriting a database that is not empty. `everything` is the table name of the change
    log row written last: it makes every reader of the change log invalidate all it has cached. Raises
    `OperatorError`; the database is then unchanged unless the message states otherwise.
    """
    file = _resolved(file)
    _refuse_in_place_of_itself(database, file)
    of = detect_database(file)
    if of != database.dialect:
        names = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
        raise OperatorError(
            f"{file} is a backup of {names[of]}, and the database is {names[database.dialect]}."
            " From one to the other go: contentql export, contentql import"
        )
    if database.dialect == "postgres":
        return RestoreResult(
            *await postgres_restore.restore_archive(
                database, file, replace=replace, programs=programs, everything=everything, progress=progress
            )
        )
    return await _restore_sqlite(_resolved(sqlite_path(database.url)), file, replace, everything, progress)


async def _restore_sqlite(
    path: Path, file: Path, replace: bool, everything: str, progress: Callable[[str], object]
) -> RestoreResult:
    if not replace:
        await asyncio.to_thread(_refuse_filled, path)
    with _temporary_file(path) as draft:
        await asyncio.to_thread(sqlite.stage_copy, file, draft)
        migrated: list[str] = []

        def applying(name: str) -> None:
            migrated.append(name)
            progress(name)

        try:
            await Database(f"sqlite:///{draft}").migrate(applying)
        except OperatorError as exc:
            at = f" ({migrated[-1]} stops)" if migrated else ""
            raise OperatorError(
                f"{file} cannot be brought up to date{at}. The database is as it was."
            ) from exc
        unheard = await asyncio.to_thread(_install, draft, path, replace, everything)
    return RestoreResult(await asyncio.to_thread(sqlite.summarize, path), tuple(migrated), unheard)


def _refuse_filled(path: Path) -> None:
    if _is_there(path):
        if not sqlite.has_no_tables(path):
            raise OperatorError(f"The database at {path} is not empty. Replace what it holds with --force.")
        return
    for left in _sidecar_files(path):
        if left.exists():
            raise OperatorError(
                f"{left} is left of a database that is gone. Move it away, or let it go with --force."
            )


def _install(draft: Path, path: Path, replace: bool, everything: str) -> bool:
    """Installs the restored database at `path`.

    Returns True if the existing database was too damaged to overwrite in place, so that its file was
    replaced.
    """
    sqlite.checkpoint(draft)
    if not replace:
        _refuse_filled(path)
    there = _is_there(path)
    if there and sqlite.overwrite_database(draft, path, replace, everything):
        return False
    with file_errors(path):
        if there:
            _same_owner(path, draft)
        for left in _sidecar_files(path):
            left.unlink(missing_ok=True)
        fsync_folder(path.parent)
        publish_file(draft, path, replace=path.exists())
    return there


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sidecar_files(path: Path) -> list[Path]:
    """Returns the paths of SQLite's `-wal`, `-shm` and `-journal` files of a database.

    SQLite would apply a leftover one to a new database of the same name.
    """
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


@contextlib.contextmanager
def _temporary_file(file: Path) -> Iterator[Path]:
    """Provides a path in a temporary folder next to `file`.

    It is on the same disk, so that the result can be renamed to its final name. Whatever remains in
    the folder is deleted on exit.
    """
    with file_errors(file):
        if not file.parent.exists():
            raise OperatorError(f"{file} cannot be written: the folder {file.parent} is not there.")
        folder = tempfile.TemporaryDirectory(
            prefix=f".{file.name}.", dir=file.parent, ignore_cleanup_errors=True
        )
    with folder:
        yield Path(folder.name) / file.name


def _refuse_in_place_of_itself(database: Database, file: Path) -> None:
    if database.dialect == "sqlite":
        path = _resolved(sqlite_path(database.url))
        if file in (path, *_sidecar_files(path)):
            raise OperatorError(f"{file} is the database itself: a backup is another file.")


def _same_owner(old: Path, new: Path) -> None:
    was = old.stat()
    new.chmod(was.st_mode & 0o777)
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, was.st_uid, was.st_gid)


def _resolved(path: Path) -> Path:
    """Resolves symbolic links, so that the target file is replaced and not the link."""
    return Path(os.path.realpath(path))

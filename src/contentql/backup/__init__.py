"""The whole newsroom as one file, made while others write; and such a file made the newsroom again.

Either is done entirely or leaves everything as it was. Says what a backup holds; does not know who reads the
journal.
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
    """`migrated`: what the backup was behind. `unheard`: servers that run cannot have noticed."""

    summary: BackupSummary
    migrated: tuple[str, ...]
    restart_needed: bool = False


async def create_backup(
    database: Database, file: Path, *, replace: bool = False, programs: PostgresTools
) -> BackupSummary:
    """Writes all that was committed before the call, and checks it. Raises Unusable, and leaves no file."""
    file = _real(file)
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
            stored = await asyncio.to_thread(sqlite.copy_database, _real(sqlite_path(database.url)), draft)
        else:
            stored = await postgres_dump.dump_database(database.url, draft, programs)
        with file_errors(file):
            # It holds drafts, keys and the hashes of tokens: it is for its owner alone.
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
    """Makes the database what the backup holds, at the newest version; `replace`: whatever it holds now.

    `everything` is the table that the journal's last line names, so that its readers take nothing for known.
    Raises Unusable; then the database is as it was, unless the sentence says otherwise.
    """
    file = _real(file)
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
    return await _restore_sqlite(_real(sqlite_path(database.url)), file, replace, everything, progress)


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
    for left in _beside(path):
        if left.exists():
            raise OperatorError(
                f"{left} is left of a database that is gone. Move it away, or let it go with --force."
            )


def _install(draft: Path, path: Path, replace: bool, everything: str) -> bool:
    """Whether what was there was too damaged to pour anything into, so that a file took its place."""
    sqlite.checkpoint(draft)
    if not replace:
        _refuse_filled(path)
    there = _is_there(path)
    if there and sqlite.overwrite_database(draft, path, replace, everything):
        return False
    with file_errors(path):
        if there:
            _same_owner(path, draft)
        for left in _beside(path):
            left.unlink(missing_ok=True)
        fsync_folder(path.parent)
        publish_file(draft, path, replace=path.exists())
    return there


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _beside(path: Path) -> list[Path]:
    """What SQLite may have beside a database; with another one under that name it would be applied to it."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


@contextlib.contextmanager
def _temporary_file(file: Path) -> Iterator[Path]:
    """A name on the same disk that nobody else sees; whatever stands there afterwards is cleared away."""
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
        path = _real(sqlite_path(database.url))
        if file in (path, *_beside(path)):
            raise OperatorError(f"{file} is the database itself: a backup is another file.")


def _same_owner(old: Path, new: Path) -> None:
    was = old.stat()
    new.chmod(was.st_mode & 0o777)
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, was.st_uid, was.st_gid)


def _real(path: Path) -> Path:
    """Behind symbolic links: the file takes the place of the file, not of the link to it."""
    return Path(os.path.realpath(path))

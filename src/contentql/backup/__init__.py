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

from contentql.backup import postgres, sqlite
from contentql.backup.files import Kept, fsync_folder, kind, place, written
from contentql.backup.postgres import Programs
from contentql.errors import Unusable
from contentql.store.database import Database, refuse_newer
from contentql.store.errors import sqlite_path


@dataclass(frozen=True)
class Restored:
    """`migrated`: what the backup was behind. `unheard`: servers that run cannot have noticed."""

    kept: Kept
    migrated: tuple[str, ...]
    unheard: bool = False


async def backup(database: Database, file: Path, *, replace: bool = False, programs: Programs) -> Kept:
    """Writes all that was committed before the call, and checks it. Raises Unusable, and leaves no file."""
    file = _real(file)
    _refuse_in_place_of_itself(database, file)
    if file.exists() and not (replace and file.is_file()):
        raise Unusable(
            f"{file} is there already. Choose another name, or replace it with --force."
            if file.is_file()
            else f"{file} is not a file: name a file to be made."
        )
    state = await database.state()
    refuse_newer(state)
    if not state.applied:
        raise Unusable("The database holds nothing yet, so there is nothing to back up.")
    with _draft(file) as draft:
        if database.dialect == "sqlite":
            kept = await asyncio.to_thread(sqlite.copy, _real(sqlite_path(database.url)), draft)
        else:
            kept = await postgres.dump(database.url, draft, programs)
        with written(file):
            # It holds drafts, keys and the hashes of tokens: it is for its owner alone.
            draft.chmod(0o600)
            place(draft, file, replace=replace)
    return kept


async def restore(
    database: Database,
    file: Path,
    *,
    replace: bool = False,
    programs: Programs,
    everything: str,
    progress: Callable[[str], object] = lambda name: None,
) -> Restored:
    """Makes the database what the backup holds, at the newest version; `replace`: whatever it holds now.

    `everything` is the table that the journal's last line names, so that its readers take nothing for known.
    Raises Unusable; then the database is as it was, unless the sentence says otherwise.
    """
    file = _real(file)
    _refuse_in_place_of_itself(database, file)
    of = kind(file)
    if of != database.dialect:
        names = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
        raise Unusable(
            f"{file} is a backup of {names[of]}, and the database is {names[database.dialect]}."
            " From one to the other go: contentql export, contentql import"
        )
    if database.dialect == "postgres":
        return Restored(
            *await postgres.restore(
                database, file, replace=replace, programs=programs, everything=everything, progress=progress
            )
        )
    return await _restore_sqlite(_real(sqlite_path(database.url)), file, replace, everything, progress)


async def _restore_sqlite(
    path: Path, file: Path, replace: bool, everything: str, progress: Callable[[str], object]
) -> Restored:
    if not replace:
        await asyncio.to_thread(_refuse_filled, path)
    with _draft(path) as draft:
        await asyncio.to_thread(sqlite.stage, file, draft)
        migrated: list[str] = []

        def applying(name: str) -> None:
            migrated.append(name)
            progress(name)

        try:
            await Database(f"sqlite:///{draft}").migrate(applying)
        except Unusable as fault:
            at = f" ({migrated[-1]} stops)" if migrated else ""
            raise Unusable(f"{file} cannot be brought up to date{at}. The database is as it was.") from fault
        unheard = await asyncio.to_thread(_into_place, draft, path, replace, everything)
    return Restored(await asyncio.to_thread(sqlite.held, path), tuple(migrated), unheard)


def _refuse_filled(path: Path) -> None:
    if _is_there(path):
        if not sqlite.is_bare(path):
            raise Unusable(f"The database at {path} is not empty. Replace what it holds with --force.")
        return
    for left in _beside(path):
        if left.exists():
            raise Unusable(
                f"{left} is left of a database that is gone. Move it away, or let it go with --force."
            )


def _into_place(draft: Path, path: Path, replace: bool, everything: str) -> bool:
    """Whether what was there was too damaged to pour anything into, so that a file took its place."""
    sqlite.settle(draft)
    if not replace:
        _refuse_filled(path)
    there = _is_there(path)
    if there and sqlite.pour(draft, path, replace, everything):
        return False
    with written(path):
        if there:
            _same_owner(path, draft)
        for left in _beside(path):
            left.unlink(missing_ok=True)
        fsync_folder(path.parent)
        place(draft, path, replace=path.exists())
    return there


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _beside(path: Path) -> list[Path]:
    """What SQLite may have beside a database; with another one under that name it would be applied to it."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


@contextlib.contextmanager
def _draft(file: Path) -> Iterator[Path]:
    """A name on the same disk that nobody else sees; whatever stands there afterwards is cleared away."""
    with written(file):
        if not file.parent.exists():
            raise Unusable(f"{file} cannot be written: the folder {file.parent} is not there.")
        folder = tempfile.TemporaryDirectory(
            prefix=f".{file.name}.", dir=file.parent, ignore_cleanup_errors=True
        )
    with folder:
        yield Path(folder.name) / file.name


def _refuse_in_place_of_itself(database: Database, file: Path) -> None:
    if database.dialect == "sqlite":
        path = _real(sqlite_path(database.url))
        if file in (path, *_beside(path)):
            raise Unusable(f"{file} is the database itself: a backup is another file.")


def _same_owner(old: Path, new: Path) -> None:
    was = old.stat()
    new.chmod(was.st_mode & 0o777)
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, was.st_uid, was.st_gid)


def _real(path: Path) -> Path:
    """Behind symbolic links: the file takes the place of the file, not of the link to it."""
    return Path(os.path.realpath(path))

"""Backup files: detection of the database kind, compatibility check, summary, and atomic publication.

Invariant: works on files and names of migrations only; never opens a database.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pkgutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from contentql.errors import OperatorError
from contentql.store import migrations
from contentql.store.errors import DatabaseKind

_MAGIC_BYTES: dict[bytes, DatabaseKind] = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgres"}

# Running servers have read the change log up to some position. The restored log continues this far after the
# last known position, so that rows written during the restore still come before it.
SEQUENCE_GAP = 1_000_000


@dataclass(frozen=True)
class BackupSummary:
    """Summary of a backup or of a restored database.

    `size`: bytes. `last_modified`: when an article last changed. `broken_references`: rows with a foreign key
    to a missing row, which the source database already had.
    """

    size: int
    articles: int
    last_modified: dt.datetime | None
    broken_references: int = 0


def detect_database(file: Path) -> DatabaseKind:
    """Returns the database kind of a backup from its first bytes. Raises `OperatorError` for other files."""
    try:
        with file.open("rb") as stream:
            start = stream.read(16)
    except OSError as exc:
        raise OperatorError(f"{file} cannot be read: {exc.strerror or exc}.") from None
    for magic, kind in _MAGIC_BYTES.items():
        if start.startswith(magic):
            return kind
    raise OperatorError(f"{file} was not written by contentql backup. The database was not changed.")


def require_compatible(file: Path, applied: Collection[str]) -> None:
    """Raises `OperatorError` if the migrations applied in a backup are missing or unknown to this version."""
    if not applied:
        raise OperatorError(f"{file} contains no database of contentql. The database was not changed.")
    known = {module.name for module in pkgutil.iter_modules(migrations.__path__)}
    unknown = sorted(set(applied) - known)
    if unknown:
        raise OperatorError(
            f"{file} was made by a newer version of contentql (it has {unknown[-1]})."
            " Restore it with that version. The database was not changed."
        )


def damaged_error(file: Path, reason: str) -> OperatorError:
    return OperatorError(f"{file} is damaged ({reason}). The database was not changed.")


def article_count_sql(table: str, columns: Collection[str]) -> str:
    """Returns the SQL that selects the number of articles and their latest `modified_at`.

    Working copies are not counted; databases of older versions have no `working_of` column and no working
    copies.
    """
    where_sql = " WHERE working_of = 0" if "working_of" in columns else ""
    return f"SELECT count(*), max(modified_at) FROM {table}{where_sql}"


def publish_file(staging_file: Path, file: Path, *, replace: bool) -> None:
    """Flushes a finished file to disk and moves it to its final name.

    Without `replace`, raises `OperatorError` if a file of that name has appeared in the meantime.
    """
    with staging_file.open("rb+") as stream:
        os.fsync(stream.fileno())
    if replace:
        staging_file.replace(file)
    else:
        try:
            os.link(staging_file, file)
        except OSError:  # the name exists, or the file system has no hard links
            if file.exists():
                raise OperatorError(
                    f"{file} was created by another process meanwhile; it was not changed."
                ) from None
            staging_file.rename(file)
    fsync_folder(file.parent)


def fsync_folder(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # Windows cannot open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def file_errors(file: Path) -> Iterator[None]:
    """Raises errors of the file system in the block as `OperatorError`."""
    try:
        yield
    except OSError as exc:
        raise OperatorError(f"{file} cannot be written: {exc.strerror or exc}.") from None

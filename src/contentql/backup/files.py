"""A backup as a file: of which database it is, what it holds, how it comes to its place.

Knows files and the names of migrations. Opens no database.
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

_BEGINS: dict[bytes, DatabaseKind] = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgres"}

# A server that runs has read the journal up to a line. The restored one goes on so far behind the last known
# line that whatever is written meanwhile is still before it.
SEQUENCE_GAP = 1_000_000


@dataclass(frozen=True)
class BackupSummary:
    """What a backup holds, or a database that was restored.

    `size` in bytes; `newest`: when an article last changed; `astray`: rows that refer to rows which are not
    there, a fault that was there before.
    """

    size: int
    articles: int
    last_modified: dt.datetime | None
    broken_references: int = 0


def detect_database(file: Path) -> DatabaseKind:
    """Of which database the backup is. Raises Unusable if it is none."""
    try:
        with file.open("rb") as opened:
            start = opened.read(16)
    except OSError as exc:
        raise OperatorError(f"{file} cannot be read: {exc.strerror or exc}.") from None
    for begins, dialect in _BEGINS.items():
        if start.startswith(begins):
            return dialect
    raise OperatorError(f"{file} is no backup: contentql backup makes them. The database is as it was.")


def require_compatible(file: Path, applied: Collection[str]) -> None:
    """Raises Unusable if the migrations that a backup has had are not ours, or newer than ours."""
    if not applied:
        raise OperatorError(f"{file} holds no newsroom of contentql. The database is as it was.")
    existing = {module.name for module in pkgutil.iter_modules(migrations.__path__)}
    unknown = sorted(set(applied) - existing)
    if unknown:
        raise OperatorError(
            f"{file} was made by a newer version of contentql (it has {unknown[-1]})."
            " Restore it with that version. The database is as it was."
        )


def damaged_error(file: Path, text: str) -> OperatorError:
    return OperatorError(f"{file} is damaged ({text}). The database is as it was.")


def article_count_sql(table: str, columns: Collection[str]) -> str:
    """The statement that counts; an older database has no working copies, so no column that tells them."""
    where = " WHERE working_of = 0" if "working_of" in columns else ""
    return f"SELECT count(*), max(modified_at) FROM {table}{where}"


def publish_file(draft: Path, file: Path, *, replace: bool) -> None:
    """Gives a finished file its name, for good. Without `replace`, another that has it meanwhile stays."""
    with draft.open("rb+") as finished:
        os.fsync(finished.fileno())
    if replace:
        draft.replace(file)
    else:
        try:
            os.link(draft, file)
        except OSError:  # the name is taken, or this disk gives a file no second name
            if file.exists():
                raise OperatorError(
                    f"{file} was made by somebody else meanwhile, and is left as it is."
                ) from None
            draft.rename(file)
    fsync_folder(file.parent)


def fsync_folder(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # Windows does not open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise OperatorError(f"{file} cannot be written: {exc.strerror or exc}.") from None

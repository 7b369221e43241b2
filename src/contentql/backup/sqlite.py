"""Copy of a SQLite database in use, and overwriting of a database that others have open.

Both use SQLite's online backup API: one snapshot when reading, one transaction when writing
(https://www.sqlite.org/backup.html). Invariant: the caller chooses and publishes the file names.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from contentql.backup.files import (
    SEQUENCE_GAP,
    BackupSummary,
    article_count_sql,
    damaged_error,
    require_compatible,
)
from contentql.errors import OperatorError
from contentql.store.article_log import first_row_sql
from contentql.store.errors import as_operator_error, describe_error

_LOCK_TIMEOUT = 30.0  # seconds to wait for the lock of another writer
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def copy_database(path: Path, staging_file: Path) -> BackupSummary:
    """Copies the current state of a database to a single verified file. Raises `OperatorError`."""
    _copy_and_check(
        lambda: _connect(path),
        path,
        staging_file,
        lambda reason: OperatorError(
            f"The database at {path} is damaged ({reason}), so it cannot be backed up."
        ),
    )
    return summarize(staging_file)


def stage_copy(file: Path, staging_file: Path) -> None:
    """Copies a backup after verifying its integrity and compatibility. Raises `OperatorError`."""
    _copy_and_check(
        lambda: _open_immutable(file), file, staging_file, lambda reason: damaged_error(file, reason)
    )
    with closing(_open_immutable(staging_file)) as connection:
        (table_count,) = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name IN ('article', 'tortoise_migrations')"
        ).fetchone()
        migrations_sql = "SELECT name FROM tortoise_migrations WHERE app = 'content'"
        require_compatible(
            file, [name for (name,) in connection.execute(migrations_sql)] if table_count == 2 else ()
        )


def checkpoint(staging_file: Path) -> None:
    """Moves the write-ahead log into the database file, so that the file is complete on its own."""
    with closing(_connect(staging_file)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        assert mode == "delete", "another connection has the file open"


def has_no_tables(path: Path) -> bool:
    """Returns whether the database has no tables; False if it cannot be read."""
    try:
        with closing(_connect(path)) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return bool(tables == 0)
    except sqlite3.DatabaseError:
        return False


def overwrite_database(staging_file: Path, path: Path, replace: bool, any_table: str) -> bool:
    """Overwrites the database at `path` with the staged one in one transaction, atomic for its readers.

    Returns False if `replace` is set and the database is too damaged to write to. Raises `OperatorError`.
    """
    try:
        with closing(_connect(path)) as live:
            live.execute("PRAGMA journal_mode = WAL")
            live.execute("PRAGMA synchronous = FULL")
            (page_size,) = live.execute("PRAGMA page_size").fetchone()
            _continue_change_log(staging_file, _last_change_seq(live) + SEQUENCE_GAP, any_table, page_size)
            with closing(_open_immutable(staging_file)) as source:
                _copy_pages(source, live)
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True
    except sqlite3.DatabaseError as exc:
        if replace and _error_code(exc) in _DAMAGED:
            return False
        raise _operator_error(path, path, exc) from exc


def summarize(path: Path) -> BackupSummary:
    """Returns the summary of a database. Raises `OperatorError`."""
    with as_operator_error(f"sqlite:///{path}"), closing(_connect(path)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(article)")}
        articles, last_modified_text = connection.execute(article_count_sql("article", columns)).fetchone()
        broken_references = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
    last_modified = (
        dt.datetime.fromisoformat(last_modified_text).astimezone(dt.UTC) if last_modified_text else None
    )
    return BackupSummary(size, articles, last_modified, broken_references)


def _copy_and_check(
    open_source: Callable[[], sqlite3.Connection],
    path: Path,
    staging_file: Path,
    damaged: Callable[[str], OperatorError],
) -> None:
    """Copies a database and checks the integrity of the copy, so that the checked bytes are those used."""
    try:
        with (
            closing(open_source()) as source,
            closing(sqlite3.connect(staging_file, isolation_level=None)) as target,
        ):
            target.execute("PRAGMA synchronous = OFF")  # publish_file calls fsync before the rename
            _copy_pages(source, target)
            target.execute("PRAGMA journal_mode = DELETE")
            (integrity,) = target.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as exc:
        if _error_code(exc) in _DAMAGED:
            raise damaged(str(exc)) from exc
        raise _operator_error(path, staging_file.parent.parent, exc) from exc
    if integrity != "ok":
        raise damaged(" ".join(str(integrity).split()))


def _copy_pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copies all pages in one step, hence from one snapshot.

    Raises an error after `_LOCK_TIMEOUT` seconds of waiting for a lock; `sqlite3.Connection.backup` alone
    would retry without end.
    """
    deadline = time.monotonic() + _LOCK_TIMEOUT

    def check_deadline(status: int, _remaining: int, _total: int) -> None:
        if status & 0xFF in _LOCKED and time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=check_deadline, sleep=0.1)


def _continue_change_log(staging_file: Path, last_seq: int, any_table: str, page_size: int) -> None:
    """Continues the staged database's change log after `last_seq`, with a row that invalidates everything.

    No reader has passed that position, so every running server reads the row. Also changes the page size to
    that of the target.
    """
    with closing(sqlite3.connect(staging_file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (own_page_size,) = connection.execute("PRAGMA page_size").fetchone()
        if own_page_size != page_size:  # the backup API requires equal page sizes in WAL mode
            connection.execute(f"PRAGMA page_size = {page_size}")
            connection.execute("VACUUM")
        insert_sql = "INSERT INTO row_change (table_name, row_id, changed_text_columns) VALUES (?, 0, '')"
        connection.execute(insert_sql, (any_table,))
        connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'row_change'", (last_seq,)
        )
        connection.execute(insert_sql, (any_table,))
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'article_log'").fetchone():
            # Clients with positions in the old log resynchronise.
            connection.execute("DELETE FROM article_log")
            connection.execute(first_row_sql("article_log", "sqlite"))


def _last_change_seq(connection: sqlite3.Connection) -> int:
    table_count = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'row_change'"
    ).fetchone()
    if table_count == (0,):
        return 0
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'row_change'").fetchone()
    return int(row[0]) if row else 0


def _error_code(exc: sqlite3.Error) -> int:
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF


def _operator_error(path: Path, disk: Path, exc: sqlite3.Error) -> OperatorError:
    if _error_code(exc) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return OperatorError(f"The disk of {disk} is full or cannot be written. Nothing was changed.")
    return OperatorError(describe_error(f"sqlite:///{path}", exc))


def _connect(path: Path) -> sqlite3.Connection:
    """Connects to an existing database; does not create one."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT)


def _open_immutable(path: Path) -> sqlite3.Connection:
    """Connects read-only to a file that has no writers.

    Without a `-wal` file it is opened as immutable, which also works in a read-only folder.
    """
    has_no_wal = not path.with_name(f"{path.name}-wal").exists()
    mode = "mode=ro&immutable=1" if has_no_wal else "mode=ro"
    return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=_LOCK_TIMEOUT)

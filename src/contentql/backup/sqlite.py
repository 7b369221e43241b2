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
from contentql.store.errors import as_operator_error, describe_error

_PATIENCE = 30.0  # seconds to wait for another writer
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def copy_database(path: Path, draft: Path) -> BackupSummary:
    """Copies the current state of a database to a single verified file. Raises `OperatorError`."""
    _copy_and_check(
        lambda: _connected(path),
        path,
        draft,
        lambda reason: OperatorError(
            f"The database at {path} is damaged ({reason}), so there is no backup of it."
        ),
    )
    return summarize(draft)


def stage_copy(file: Path, draft: Path) -> None:
    """Copies a backup after verifying its integrity and compatibility. Raises `OperatorError`."""
    _copy_and_check(lambda: _open_immutable(file), file, draft, lambda reason: damaged_error(file, reason))
    with closing(_open_immutable(draft)) as connection:
        (result,) = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name IN ('article', 'tortoise_migrations')"
        ).fetchone()
        of = "SELECT name FROM tortoise_migrations WHERE app = 'content'"
        require_compatible(file, [name for (name,) in connection.execute(of)] if result == 2 else ())


def checkpoint(draft: Path) -> None:
    """Moves the write-ahead log into the database file, so that the file is complete on its own."""
    with closing(_connected(draft)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        assert mode == "delete", "the draft is open elsewhere"


def has_no_tables(path: Path) -> bool:
    """Returns whether the database has no tables; False if it cannot be read."""
    try:
        with closing(_connected(path)) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return bool(tables == 0)
    except sqlite3.DatabaseError:
        return False


def overwrite_database(draft: Path, path: Path, replace: bool, everything: str) -> bool:
    """Overwrites the database at `path` with the draft in one transaction, atomic for its readers.

    Returns False if `replace` is set and the database is too damaged to write to. Raises `OperatorError`.
    """
    try:
        with closing(_connected(path)) as live:
            live.execute("PRAGMA journal_mode = WAL")
            live.execute("PRAGMA synchronous = FULL")
            (page_size,) = live.execute("PRAGMA page_size").fetchone()
            _continue_change_log(draft, _last_line(live) + SEQUENCE_GAP, everything, page_size)
            with closing(_open_immutable(draft)) as source:
                _copy_pages(source, live)
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True
    except sqlite3.DatabaseError as exc:
        if replace and _code(exc) in _DAMAGED:
            return False
        raise _describe_error(path, path, exc) from exc


def summarize(path: Path) -> BackupSummary:
    """Returns the summary of a database. Raises `OperatorError`."""
    with as_operator_error(f"sqlite:///{path}"), closing(_connected(path)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(article)")}
        articles, newest = connection.execute(article_count_sql("article", columns)).fetchone()
        astray = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
    moment = dt.datetime.fromisoformat(newest).astimezone(dt.UTC) if newest else None
    return BackupSummary(size, articles, moment, astray)


def _copy_and_check(
    opened: Callable[[], sqlite3.Connection], path: Path, draft: Path, unsound: Callable[[str], OperatorError]
) -> None:
    """Copies a database and checks the integrity of the copy, so that the checked bytes are those used."""
    try:
        with closing(opened()) as source, closing(sqlite3.connect(draft, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous = OFF")  # publish_file calls fsync before the rename
            _copy_pages(source, target)
            target.execute("PRAGMA journal_mode = DELETE")
            (result,) = target.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as exc:
        if _code(exc) in _DAMAGED:
            raise unsound(str(exc)) from exc
        raise _describe_error(path, draft.parent.parent, exc) from exc
    if result != "ok":
        raise unsound(" ".join(str(result).split()))


def _copy_pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copies all pages in one step, hence from one snapshot.

    Gives up on a lock after `_PATIENCE` seconds; `sqlite3.Connection.backup` alone would retry without end.
    """
    until = time.monotonic() + _PATIENCE

    def waits(status: int, _remaining: int, _total: int) -> None:
        if status & 0xFF in _LOCKED and time.monotonic() > until:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=waits, sleep=0.1)


def _continue_change_log(draft: Path, last: int, everything: str, page_size: int) -> None:
    """Continues the draft's change log after `last` and adds a row that invalidates everything.

    No reader has passed that position, so every running server reads the row. Also changes the draft's page
    size to that of the target.
    """
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (own,) = connection.execute("PRAGMA page_size").fetchone()
        if own != page_size:  # the backup API requires equal page sizes in WAL mode
            connection.execute(f"PRAGMA page_size = {page_size}")
            connection.execute("VACUUM")
        line = "INSERT INTO row_change (table_name, row_id, changed_text_columns) VALUES (?, 0, '')"
        connection.execute(line, (everything,))
        connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'row_change'", (last,))
        connection.execute(line, (everything,))


def _last_line(connection: sqlite3.Connection) -> int:
    result = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'row_change'").fetchone()
    if result == (0,):
        return 0
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'row_change'").fetchone()
    return int(row[0]) if row else 0


def _code(exc: sqlite3.Error) -> int:
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF


def _describe_error(path: Path, disk: Path, exc: sqlite3.Error) -> OperatorError:
    if _code(exc) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return OperatorError(f"The disk of {disk} is full or cannot be written. Nothing was changed.")
    return OperatorError(describe_error(f"sqlite:///{path}", exc))


def _connected(path: Path) -> sqlite3.Connection:
    """Connects to an existing database; does not create one."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_PATIENCE)


def _open_immutable(path: Path) -> sqlite3.Connection:
    """Connects read-only to a file that has no writers.

    Without a `-wal` file it is opened as immutable, which also works in a read-only folder.
    """
    alone = not path.with_name(f"{path.name}-wal").exists()
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=_PATIENCE)

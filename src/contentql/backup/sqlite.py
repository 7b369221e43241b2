"""How a SQLite database is copied while others write, and a copy poured into one that others have open.

Pages are copied by SQLite's own backup: one snapshot out, one transaction in. Does not know where files go.
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

_PATIENCE = 30.0  # seconds for another writer to finish
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def copy_database(path: Path, draft: Path) -> BackupSummary:
    """The database as it is now, in one file that needs no other. Raises Unusable."""
    _copied(
        lambda: _connected(path),
        path,
        draft,
        lambda reason: OperatorError(
            f"The database at {path} is damaged ({reason}), so there is no backup of it."
        ),
    )
    return summarize(draft)


def stage_copy(file: Path, draft: Path) -> None:
    """A copy of a backup that was found sound and ours. Raises Unusable."""
    _copied(lambda: _resting(file), file, draft, lambda reason: damaged_error(file, reason))
    with closing(_resting(draft)) as connection:
        (result,) = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name IN ('article', 'tortoise_migrations')"
        ).fetchone()
        of = "SELECT name FROM tortoise_migrations WHERE app = 'content'"
        require_compatible(file, [name for (name,) in connection.execute(of)] if result == 2 else ())


def checkpoint(draft: Path) -> None:
    """Nothing of it stands in a log beside it any more."""
    with closing(_connected(draft)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        assert mode == "delete", "somebody has the draft open"


def has_no_tables(path: Path) -> bool:
    """Whether the database has no tables at all. One that cannot be read may have."""
    try:
        with closing(_connected(path)) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return bool(tables == 0)
    except sqlite3.DatabaseError:
        return False


def overwrite_database(draft: Path, path: Path, replace: bool, everything: str) -> bool:
    """Makes the database at `path` what the draft is, in one transaction that its readers see whole.

    False where it is so damaged that nothing can be poured into it, and may be replaced. Raises Unusable.
    """
    try:
        with closing(_connected(path)) as live:
            live.execute("PRAGMA journal_mode = WAL")
            live.execute("PRAGMA synchronous = FULL")
            (page_size,) = live.execute("PRAGMA page_size").fetchone()
            _go_on(draft, _last_line(live) + SEQUENCE_GAP, everything, page_size)
            with closing(_resting(draft)) as source:
                _pages(source, live)
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True
    except sqlite3.DatabaseError as exc:
        if replace and _code(exc) in _DAMAGED:
            return False
        raise _describe_error(path, path, exc) from exc


def summarize(path: Path) -> BackupSummary:
    """What is in a database."""
    with as_operator_error(f"sqlite:///{path}"), closing(_connected(path)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(article)")}
        articles, newest = connection.execute(article_count_sql("article", columns)).fetchone()
        astray = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
    moment = dt.datetime.fromisoformat(newest).astimezone(dt.UTC) if newest else None
    return BackupSummary(size, articles, moment, astray)


def _copied(
    opened: Callable[[], sqlite3.Connection], path: Path, draft: Path, unsound: Callable[[str], OperatorError]
) -> None:
    """Copies and checks the copy: what was found sound is what goes on."""
    try:
        with closing(opened()) as source, closing(sqlite3.connect(draft, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous = OFF")  # it is on disk before it has its name
            _pages(source, target)
            target.execute("PRAGMA journal_mode = DELETE")
            (result,) = target.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as exc:
        if _code(exc) in _DAMAGED:
            raise unsound(str(exc)) from exc
        raise _describe_error(path, draft.parent.parent, exc) from exc
    if result != "ok":
        raise unsound(" ".join(str(result).split()))


def _pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """All pages in one step, so one snapshot. Python itself would wait for ever for a lock."""
    until = time.monotonic() + _PATIENCE

    def waits(status: int, _remaining: int, _total: int) -> None:
        if status & 0xFF in _LOCKED and time.monotonic() > until:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=waits, sleep=0.1)


def _go_on(draft: Path, last: int, everything: str, page_size: int) -> None:
    """The draft's journal goes on where nobody has read yet, with a line for all who have read before."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (own,) = connection.execute("PRAGMA page_size").fetchone()
        if own != page_size:  # SQLite pours only into pages of the same size
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
    """To a database that is there: none is made."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_PATIENCE)


def _resting(path: Path) -> sqlite3.Connection:
    """To a file that nobody writes to. Without a log beside it, it is read where nothing may be written."""
    alone = not path.with_name(f"{path.name}-wal").exists()
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=_PATIENCE)

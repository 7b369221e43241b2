"""Files of a SQLite database that only their owner may read: they hold hashes of tokens and signing keys."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

PRIVATE_MODE = 0o600


def create_private_file(path: Path) -> None:
    """Creates an empty file unless it exists; only its owner can read and write it.

    SQLite gives the mode of a database to the files that it keeps beside it. The umask has no influence.
    Raises sqlite3.OperationalError.
    """
    path = path.resolve()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE_MODE)
    except FileExistsError:
        return
    except OSError as exc:
        raise sqlite3.OperationalError("unable to open database file") from exc
    os.close(descriptor)
    path.chmod(PRIVATE_MODE)


def find_exposed_files(path: Path) -> list[Path]:
    """The files of a database that any user of the machine may read or write. Always empty on Windows."""
    if os.name == "nt":
        return []
    files = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")))
    return [file for file in files if file.exists() and file.stat().st_mode & 0o007]

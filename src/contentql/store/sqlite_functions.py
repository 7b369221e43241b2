"""SQL functions that statements for SQLite use besides its own."""

from __future__ import annotations

import sqlite3

from contentql.content.folding import fold_text


def register_functions(connection: sqlite3.Connection) -> None:
    """Defines `fold_text` on a connection, as a migration does in PostgreSQL."""
    connection.create_function("fold_text", 1, _fold_text, deterministic=True)


def _fold_text(text: str | None) -> str | None:
    return None if text is None else fold_text(text)

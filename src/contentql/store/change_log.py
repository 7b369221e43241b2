"""What was written to which row: the lines that the database's triggers leave, read in the order of commits.

Whoever writes, and by whatever way, leaves them. Knows tables and their columns; does not know what its
readers do with a change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contentql.store.change_listeners import ChangeListener, PostgresChangeListener, SqliteChangeListener
from contentql.store.database import Database, decode_text
from contentql.store.models import CONTENT_MODULES, fields, models_of

ANY_TABLE = "*"  # the table of a line which says that anything may have changed


RETAINED_ROWS = 50_000  # lines; a reader that is further behind has lost the thread


RowData = Mapping[str, Any]


_TIMES: Mapping[str, frozenset[str]] = {
    model._meta.db_table: frozenset(
        name for name, field in model._meta.fields_map.items() if isinstance(field, fields.TimestampField)
    )
    for model in models_of(CONTENT_MODULES)
}


@dataclass(frozen=True)
class RowChange:
    """One row, before and after; texts and JSON are left out of both.

    `columns` are those that changed, or None where the whole row came or went. `was`: the moment up to
    which `before` held, when nobody wrote and only time has passed.
    """

    table: str
    row: int
    before: RowData | None
    after: RowData | None
    columns: frozenset[str] | None
    valid_until: dt.datetime | None = None


class ChangeLogTruncated(Exception):
    """Lines were cleared away before they were read: anything may have changed."""


class ChangeLog:
    """One reader of the lines. Open it once; `news` then gives what has come since the last call."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.position = 0
        self._bell: ChangeListener = (
            SqliteChangeListener(database)
            if database.dialect == "sqlite"
            else PostgresChangeListener(database)
        )

    async def start(self) -> None:
        """From now on: what is written after this is news. Raises OSError if the database cannot be heard."""
        await self._bell.open()
        (last,) = await self.database.row("SELECT coalesce(max(seq), 0) FROM row_change", ())
        self.position = last

    async def close(self) -> None:
        await self._bell.close()

    async def wait(self) -> None:
        """Returns when something may have been written. Raises OSError when that cannot be heard any more."""
        await self._bell.wait()

    async def read_new(self) -> list[RowChange]:
        """Raises Lost; refuses as the database does."""
        place = "?" if self.database.dialect == "sqlite" else "$1"
        rows = await self.database.rows(
            "SELECT seq, table_name, row_id, before, after, changed_text_columns,"
            " (SELECT min(seq) FROM row_change)"
            f" FROM row_change WHERE seq > {place} ORDER BY seq",
            (self.position,),
        )
        if not rows:
            return []
        behind, self.position = self.position, rows[-1][0]
        if rows[0][6] > behind + 1:
            raise ChangeLogTruncated
        return [_change(row) for row in rows]


def row_from_values(table: str, columns: Sequence[str], values: Sequence[Any]) -> RowData:
    """A row that was read from the table itself, as a line holds it."""
    return parse_timestamps(table, dict(zip(columns, map(decode_text, values), strict=True)))


def _change(line: Sequence[Any]) -> RowChange:
    _, table, number, before, after, texts = map(decode_text, line[:6])
    was, now = _row(table, before), _row(table, after)
    columns = None
    if was is not None and now is not None:
        columns = frozenset([c for c in now if now[c] != was.get(c)] + texts.split())
    return RowChange(table, number, was, now, columns)


def _row(table: str, text: str | None) -> RowData | None:
    if text is None:
        return None
    return parse_timestamps(table, orjson.loads(text))


def parse_timestamps(table: str, row: RowData) -> RowData:
    """The row with its times as instants, however the database spells them."""
    times = _TIMES.get(table, frozenset())
    return {
        name: dt.datetime.fromisoformat(value) if name in times and isinstance(value, str) else value
        for name, value in row.items()
    }


async def prune(connection: Any) -> None:
    """Leaves the newest lines; for writers, from time to time."""
    await connection.execute_query(
        f"DELETE FROM row_change WHERE seq <= (SELECT max(seq) FROM row_change) - {RETAINED_ROWS}"
    )


async def invalidate_everything(connection: Any) -> None:
    """Says that anything may have changed."""
    insert = f"INSERT INTO row_change (table_name, row_id, changed_text_columns) SELECT '{ANY_TABLE}', 0, ''"
    if connection.capabilities.dialect == "postgres":
        # As the triggers do, so that no number is given before one that is read already.
        await connection.execute_query(f"{insert} FROM (SELECT pg_advisory_xact_lock(4711, 1)) locked")
        await connection.execute_query("NOTIFY contentql_row_change")
    else:
        await connection.execute_query(insert)

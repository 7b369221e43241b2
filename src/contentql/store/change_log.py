"""Change log: the rows of `row_change`, written by database triggers and read in the order of the commits.

The triggers fire for every write, whichever program made it. Invariant: knows tables and their columns; does
not know what its readers do with a change.
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

ANY_TABLE = "*"  # table name of a row which means that anything may have changed


RETAINED_ROWS = 50_000  # a reader that is further behind gets ChangeLogTruncated


RowData = Mapping[str, Any]


_TIMES: Mapping[str, frozenset[str]] = {
    model._meta.db_table: frozenset(
        name for name, field in model._meta.fields_map.items() if isinstance(field, fields.TimestampField)
    )
    for model in models_of(CONTENT_MODULES)
}


@dataclass(frozen=True)
class RowChange:
    """Change of one row, with its values before and after; text and JSON columns are left out of both.

    `columns` are the names of the changed columns, or None if the row was inserted or deleted. `valid_until`:
    the time up to which `before` was valid, for a change caused by time and not by a write.
    """

    table: str
    row: int
    before: RowData | None
    after: RowData | None
    columns: frozenset[str] | None
    valid_until: dt.datetime | None = None


class ChangeLogTruncated(Exception):
    """Rows of the change log were deleted before they were read: anything may have changed."""


class ChangeLog:
    """Reader of the change log. Call `start` once; `read_new` returns the changes since the last call."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.position = 0
        self._bell: ChangeListener = (
            SqliteChangeListener(database)
            if database.dialect == "sqlite"
            else PostgresChangeListener(database)
        )

    async def start(self) -> None:
        """Starts reading: later changes are returned by `read_new`. Raises OSError without a connection."""
        await self._bell.open()
        (last,) = await self.database.row("SELECT coalesce(max(seq), 0) FROM row_change", ())
        self.position = last

    async def close(self) -> None:
        await self._bell.close()

    async def wait(self) -> None:
        """Waits until something may have been written. Raises OSError when the connection is lost."""
        await self._bell.wait()

    async def read_new(self) -> list[RowChange]:
        """The changes since the last call. Raises ChangeLogTruncated; ApiError as `Database.rows` does."""
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
    """Row data of a row read from the table itself, in the form that the change log uses."""
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
    """The row with its timestamps as `datetime`, from either database's text form."""
    times = _TIMES.get(table, frozenset())
    return {
        name: dt.datetime.fromisoformat(value) if name in times and isinstance(value, str) else value
        for name, value in row.items()
    }


async def prune(connection: Any) -> None:
    """Deletes all but the newest `RETAINED_ROWS` rows of the change log. Called by writers now and then."""
    await connection.execute_query(
        f"DELETE FROM row_change WHERE seq <= (SELECT max(seq) FROM row_change) - {RETAINED_ROWS}"
    )


async def invalidate_everything(connection: Any) -> None:
    """Adds a row to the change log which means that anything may have changed."""
    insert = f"INSERT INTO row_change (table_name, row_id, changed_text_columns) SELECT '{ANY_TABLE}', 0, ''"
    if connection.capabilities.dialect == "postgres":
        # The triggers' lock, so that no number is assigned below one that has been read already.
        await connection.execute_query(f"{insert} FROM (SELECT pg_advisory_xact_lock(4711, 1)) locked")
        await connection.execute_query("NOTIFY contentql_row_change")
    else:
        await connection.execute_query(insert)

"""Change log: the rows of `row_change`, written by database triggers and read in the order of the commits.

The triggers fire for every write, also of other programs. Invariant: knows tables and their columns; does not
know what its readers do with a change.
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

ANY_TABLE = "*"  # table name of a row which means that any row may have changed
RETAINED_ROWS = 50_000  # a reader that is further behind gets ChangeLogTruncated

RowData = Mapping[str, Any]

_TIMESTAMP_COLUMNS: Mapping[str, frozenset[str]] = {
    model._meta.db_table: frozenset(
        name for name, field in model._meta.fields_map.items() if isinstance(field, fields.TimestampField)
    )
    for model in models_of(CONTENT_MODULES)
}


@dataclass(frozen=True)
class RowChange:
    """Change of one row, with its values before and after; text and JSON columns are left out of both.

    `columns` are the names of the changed columns, or None if the row was inserted or deleted. `by_time`: the
    row itself is the same, but its visibility or order changed with time.
    """

    table: str
    row: int
    before: RowData | None
    after: RowData | None
    columns: frozenset[str] | None
    by_time: bool = False


class ChangeLogTruncated(Exception):
    """Rows of the change log were deleted before they were read, so that any row may have changed."""


class ChangeLog:
    """Reader of the change log. Call `start` once; `read_new` returns the changes since the last call.

    `position`: number of the last row that was read. `database_id` distinguishes databases.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.position = 0
        self.database_id = ""
        self._listener: ChangeListener = (
            SqliteChangeListener(database)
            if database.dialect == "sqlite"
            else PostgresChangeListener(database)
        )

    async def start(self) -> None:
        """Starts reading: later changes are returned by `read_new`. Raises OSError without a connection."""
        await self._listener.open()
        # No two databases got their first migration in the same microsecond.
        last_seq, migrated_at = await self.database.row(
            "SELECT (SELECT coalesce(max(seq), 0) FROM row_change),"
            " (SELECT CAST(min(applied_at) AS text) FROM tortoise_migrations)",
            (),
        )
        self.position, self.database_id = last_seq, decode_text(migrated_at)

    async def close(self) -> None:
        await self._listener.close()

    async def wait(self) -> None:
        """Waits until something may have been written. Raises OSError when the connection is lost."""
        await self._listener.wait()

    async def read_new(self) -> list[RowChange]:
        """The changes since the last call. Raises ChangeLogTruncated; ApiError as `Database.rows` does."""
        placeholder = "?" if self.database.dialect == "sqlite" else "$1"
        rows = await self.database.rows(
            "SELECT seq, table_name, row_id, before, after, changed_text_columns,"
            " (SELECT min(seq) FROM row_change)"
            f" FROM row_change WHERE seq > {placeholder} ORDER BY seq",
            (self.position,),
        )
        if not rows:
            return []
        previous, self.position = self.position, rows[-1][0]
        if rows[0][6] > previous + 1:
            raise ChangeLogTruncated
        return [_change_from_row(row) for row in rows]


def row_from_values(table: str, columns: Sequence[str], values: Sequence[Any]) -> RowData:
    """Row data of a row read from the table itself, in the form that the change log uses."""
    return parse_timestamps(table, dict(zip(columns, map(decode_text, values), strict=True)))


def _change_from_row(row: Sequence[Any]) -> RowChange:
    _, table, row_id, before, after, text_columns = map(decode_text, row[:6])
    before_row, after_row = _parse_row(table, before), _parse_row(table, after)
    columns = None
    if before_row is not None and after_row is not None:
        columns = frozenset(
            [c for c in after_row if after_row[c] != before_row.get(c)] + text_columns.split()
        )
    return RowChange(table, row_id, before_row, after_row, columns)


def _parse_row(table: str, text: str | None) -> RowData | None:
    if text is None:
        return None
    return parse_timestamps(table, orjson.loads(text))


def parse_timestamps(table: str, row: RowData) -> RowData:
    """The row with its timestamps as `datetime`, from either database's text form."""
    timestamp_columns = _TIMESTAMP_COLUMNS.get(table, frozenset())
    return {
        name: dt.datetime.fromisoformat(value)
        if name in timestamp_columns and isinstance(value, str)
        else value
        for name, value in row.items()
    }


async def prune(connection: Any) -> None:
    """Deletes all but the newest `RETAINED_ROWS` rows of the change log; called regularly by writers."""
    await connection.execute_query(
        f"DELETE FROM row_change WHERE seq <= (SELECT max(seq) FROM row_change) - {RETAINED_ROWS}"
    )


async def invalidate_everything(connection: Any) -> None:
    """Adds a row to the change log which means that any row may have changed."""
    insert = f"INSERT INTO row_change (table_name, row_id, changed_text_columns) SELECT '{ANY_TABLE}', 0, ''"
    if connection.capabilities.dialect == "postgres":
        # Takes the lock of the triggers, so that no `seq` is assigned below one that was already read.
        await connection.execute_query(f"{insert} FROM (SELECT pg_advisory_xact_lock(4711, 1)) locked")
        await connection.execute_query("NOTIFY contentql_row_change")
    else:
        await connection.execute_query(insert)

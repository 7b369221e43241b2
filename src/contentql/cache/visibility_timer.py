"""Visibility changes by time: rows that become visible or invisible without a write.

Each publication, embargo and expiry time is processed once, as a change of its row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from contentql.cache.change_batches import logged_columns
from contentql.planner.sql import dialect_for
from contentql.planner.visibility import (
    VISIBILITY_TIME_COLUMNS,
    own_visibility_sql,
    referenced_visibility_sql,
)
from contentql.store.change_log import RowChange, RowData, row_from_values
from contentql.store.database import Database

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_PUBLIC = "status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL"


class VisibilityTimer:
    """`checked_until`: time up to which changes were returned; `next_transition`: the next time with a
    change."""

    def __init__(self, database: Database, now: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._dialect = dialect_for(database)
        self._now = now
        self._from = self._dialect.param(1, "time")
        # Whose moments concern anybody: not those of drafts and their pins, nor of media that nothing uses.
        self._rules = {
            "article": _PUBLIC,
            "media": referenced_visibility_sql("media", "media", self._from),
            "collection_item": own_visibility_sql("collection_item", "collection_item", self._from),
        }
        self.checked_until = NEVER
        self.next_transition = NEVER

    def now(self) -> dt.datetime:
        return self._now().replace(microsecond=0)

    async def reload(self, at: dt.datetime) -> None:
        """Reads the next transition after `time` from the database."""
        moments = []
        for table, columns in VISIBILITY_TIME_COLUMNS.items():
            for column in columns:
                rule = f"{column} > {self._from} AND {self._rules[table]}"
                result = await self._database.row(
                    f"SELECT min({column}) FROM {table} WHERE {rule}", [self._dialect.bind("time", at)]
                )
                moments.append(row_from_values(table, [column], result)[column] or NEVER)
        self.checked_until, self.next_transition = at, min(moments)

    async def transitions_until(self, now: dt.datetime) -> list[RowChange]:
        """Rows that became visible or invisible since `checked_until`, which is set to `now`."""
        changes: dict[tuple[str, int], RowChange] = {}
        was = self.checked_until
        for table, columns in VISIBILITY_TIME_COLUMNS.items():
            for column in columns:
                for row in await self._between(table, column, now):
                    moved = frozenset(columns)
                    changes[table, row["id"]] = RowChange(table, row["id"], row, row, moved, was)
        await self.reload(now)
        return list(changes.values())

    async def _between(self, table: str, column: str, now: dt.datetime) -> list[RowData]:
        names = logged_columns(table)
        rows = await self._database.rows(
            f"SELECT {', '.join(names)} FROM {table} WHERE {column} > {self._from}"
            f" AND {column} <= {self._dialect.param(2, 'time')} AND {self._rules[table]}",
            [self._dialect.bind("time", moment) for moment in (self.checked_until, now)],
        )
        return [row_from_values(table, names, row) for row in rows]

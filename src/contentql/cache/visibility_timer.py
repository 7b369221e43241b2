"""Visibility changes by time: rows that become visible or invisible without a write.

Each publication, embargo and expiry time is processed once, as a change of its row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

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
        # Whose times matter: not those of drafts and their pins, nor of media that nothing uses at $1.
        at = self._dialect.param(1, "time")
        self._rules = {
            "article": _PUBLIC,
            "media": referenced_visibility_sql("media", "media", at),
            "collection_item": own_visibility_sql("collection_item", "collection_item", at),
        }
        self.checked_until = NEVER
        self.next_transition = NEVER

    def now(self) -> dt.datetime:
        return self.exact_now().replace(microsecond=0)

    def exact_now(self) -> dt.datetime:
        """The time with its fraction of a second."""
        return self._now()

    def unchanged_until(self, now: dt.datetime) -> dt.datetime:
        """The last moment up to `now` at which the same rows are visible as at `checked_until`."""
        return min(now, self.next_transition - dt.datetime.resolution)

    async def reload(self, at: dt.datetime) -> None:
        """Reads the next transition after `at` from the database."""
        times = []
        for table, columns in VISIBILITY_TIME_COLUMNS.items():
            for column in columns:
                (row,) = await self._rows(table, f"min({column})", column, self.now(), at)
                times.append(row_from_values(table, [column], row)[column] or NEVER)
        self.checked_until, self.next_transition = at, min(times)

    async def reload_after_write(self) -> None:
        """Reads the next transition again, unless it has passed: `transitions_until` returns that one."""
        if self.now() < self.next_transition:
            await self.reload(self.checked_until)

    async def transitions_until(self, now: dt.datetime) -> list[RowChange]:
        """Rows that became visible or invisible since `checked_until`, which is set to `now`."""
        changes: dict[tuple[str, int], RowChange] = {}
        at = self.unchanged_until(now)
        for table, columns in VISIBILITY_TIME_COLUMNS.items():
            names = logged_columns(table)
            for column in columns:
                for values in await self._rows(table, ", ".join(names), column, at, self.checked_until, now):
                    row: RowData = row_from_values(table, names, values)
                    changes[table, row["id"]] = RowChange(
                        table, row["id"], row, row, frozenset(columns), by_time=True
                    )
        await self.reload(now)
        return list(changes.values())

    async def _rows(
        self, table: str, select: str, column: str, at: dt.datetime, *bounds: dt.datetime
    ) -> Sequence[Sequence[Any]]:
        """Rows whose time in `column` is after the first bound and not after the second, if there is one.

        `at`: the time at which the rule of the table is evaluated.
        """
        after, *until = (self._dialect.param(n + 2, "time") for n in range(len(bounds)))
        # $1 occurs in any case: PostgreSQL infers no type for a parameter that a statement does not use.
        conditions = [f"{self._dialect.param(1, 'time')} IS NOT NULL", f"{column} > {after}"]
        conditions += [f"{column} <= {bound}" for bound in until]
        return await self._database.rows(
            f"SELECT {select} FROM {table} WHERE {' AND '.join(conditions)} AND {self._rules[table]}",
            [self._dialect.bind("time", time) for time in (at, *bounds)],
        )

"""What time changes: rows that come into sight or leave it although nobody writes.

The moments lie in the rows. Each is passed once, and then the rows are changes like any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from contentql.cache.change_batches import short
from contentql.planner.sql import dialect_of
from contentql.planner.visibility import MOMENTS, seen_itself, used_besides
from contentql.store.change_log import Change, Row, row_of
from contentql.store.database import Database

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_PUBLIC = "status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL"


class Clock:
    """`at` is how far time has been told, `next` the moment at which it changes something again."""

    def __init__(self, database: Database, now: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._dialect = dialect_of(database)
        self._now = now
        self._from = self._dialect.param(1, "time")
        # Whose moments concern anybody: not those of drafts and their pins, nor of media that nothing uses.
        self._rules = {
            "article": _PUBLIC,
            "media": used_besides("media", "media", self._from),
            "collection_item": seen_itself("collection_item", "collection_item", self._from),
        }
        self.at = NEVER
        self.next = NEVER

    def now(self) -> dt.datetime:
        return self._now().replace(microsecond=0)

    async def set(self, at: dt.datetime) -> None:
        """To this moment, and anew from what the database holds."""
        moments = []
        for table, columns in MOMENTS.items():
            for column in columns:
                rule = f"{column} > {self._from} AND {self._rules[table]}"
                found = await self._database.row(
                    f"SELECT min({column}) FROM {table} WHERE {rule}", [self._dialect.bind("time", at)]
                )
                moments.append(row_of(table, [column], found)[column] or NEVER)
        self.at, self.next = at, min(moments)

    async def passed(self, now: dt.datetime) -> list[Change]:
        """The rows that came into sight or left it since `at`, which is `now` from here on."""
        changes: dict[tuple[str, int], Change] = {}
        was = self.at
        for table, columns in MOMENTS.items():
            for column in columns:
                for row in await self._between(table, column, now):
                    moved = frozenset(columns)
                    changes[table, row["id"]] = Change(table, row["id"], row, row, moved, was)
        await self.set(now)
        return list(changes.values())

    async def _between(self, table: str, column: str, now: dt.datetime) -> list[Row]:
        names = short(table)
        rows = await self._database.rows(
            f"SELECT {', '.join(names)} FROM {table} WHERE {column} > {self._from}"
            f" AND {column} <= {self._dialect.param(2, 'time')} AND {self._rules[table]}",
            [self._dialect.bind("time", moment) for moment in (self.at, now)],
        )
        return [row_of(table, names, row) for row in rows]

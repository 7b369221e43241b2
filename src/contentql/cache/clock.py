"""What time changes: rows that come into sight or leave it although nobody writes.

The moments lie in the rows. Each is passed once, and then the rows are changes like any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contentql.cache.neighbours import short
from contentql.changes.journal import Change, Row, instants
from contentql.planner.visibility import MOMENTS, used_besides
from contentql.store.database import Database

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_PUBLIC = "status IN ('PUBLISHED', 'SCHEDULED') AND deleted_at IS NULL"
# Whose moments concern anybody: not a draft's, and not those of media that nothing seen uses.
_RULES: Mapping[str, Callable[[str], str]] = {
    "article": lambda now: _PUBLIC,
    "media": lambda now: str(used_besides("media", "media", now, _NOTHING_BESIDES)),
}
_NOTHING_BESIDES = "IN (0)"


class Clock:
    """`at` is how far time has been told, `next` the moment at which it changes something again."""

    def __init__(self, database: Database, now: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._now = now
        self.at = NEVER
        self.next = NEVER

    def now(self) -> dt.datetime:
        return self._now().replace(microsecond=0)

    async def set(self, at: dt.datetime) -> None:
        """To this moment, and anew from what the database holds."""
        moments = []
        for table, columns in MOMENTS.items():
            for column in columns:
                rule = _RULES[table]("{0}")
                (found,) = await self._row(
                    f"SELECT min({column}) FROM {table} WHERE {column} > {{0}} AND {rule}", at
                )
                moments.append(instants(table, {column: _text(found)})[column] or NEVER)
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
        when = f"{column} > {{0}} AND {column} <= {{1}} AND {_RULES[table]('{0}')}"
        rows = await self._database.rows(
            self._sql(f"SELECT {', '.join(names)} FROM {table} WHERE {when}"),
            (self._bound(self.at), self._bound(now)),
        )
        return [instants(table, dict(zip(names, map(_text, row), strict=True))) for row in rows]

    async def _row(self, sql: str, moment: dt.datetime) -> Sequence[Any]:
        return await self._database.row(self._sql(sql), (self._bound(moment),))

    def _sql(self, sql: str) -> str:
        if self._database.dialect == "sqlite":
            return sql.format("?1", "?2")
        return sql.format("$1::timestamptz", "$2::timestamptz")

    def _bound(self, moment: dt.datetime) -> Any:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if self._database.dialect == "sqlite" else moment


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value

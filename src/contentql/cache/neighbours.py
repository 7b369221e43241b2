"""What must be known of a change's neighbours to tell whom it concerns: links, and the articles they hang on.

Links that have gone by now have left a line of their own, so those that are there are enough.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from contentql.cache.tags import Batch
from contentql.changes.journal import Change, Row, instants
from contentql.store.database import Database

MOST_LINKS = 2_000  # of one far row; more are not told apart

# Link tables by the table their far side names: (table, far column), and the columns at their near sides.
_LINKS: Mapping[str, Sequence[tuple[str, str, tuple[str, ...]]]] = {
    "article": (
        ("article_section", "article_id", ("category_id",)),
        ("article_tag", "article_id", ("tag_id",)),
        ("article_author", "article_id", ("author_id",)),
        ("article_media", "article_id", ("media_id",)),
        ("article_related", "related_id", ("article_id",)),
        ("attribution", "article_id", ("source_id",)),
        ("collection_item", "article_id", ("collection_id",)),
    ),
    "category": (("article_section", "category_id", ("article_id",)),),
    "tag": (("article_tag", "tag_id", ("article_id",)),),
    "author": (("article_author", "author_id", ("article_id",)),),
    "source": (("attribution", "source_id", ("article_id", "head_id")),),
    "media": (("article_media", "media_id", ("article_id",)),),
}
_SEEN = ("id", "status", "deleted_at", "published_at", "embargo_until", "expires_at")


class Neighbours:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def around(self, changes: Sequence[Change], now: dt.datetime) -> Batch:
        links: dict[tuple[str, str], dict[int, Sequence[Row] | None]] = {}
        for table, ways in _LINKS.items():
            numbers = sorted({change.row for change in changes if change.table == table})
            for way, far, near in ways if numbers else ():
                links[way, far] = await self._links(way, far, near, numbers)
        return Batch(changes, now, links, await self._articles(changes))

    async def _links(
        self, table: str, far: str, near: Sequence[str], numbers: Sequence[int]
    ) -> dict[int, Sequence[Row] | None]:
        columns = (far, *near)
        most = MOST_LINKS * 5
        rows = await self._rows(
            f"SELECT {', '.join(columns)} FROM {table} WHERE {far} {{among}} LIMIT {most + 1}", numbers
        )
        if len(rows) > most:
            return dict.fromkeys(numbers)
        found: dict[int, list[Row]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
        return dict(found)

    async def _articles(self, changes: Sequence[Change]) -> Mapping[int, Sequence[Row]]:
        """Every version that an article has had in these changes, and the one it has now."""
        versions: dict[int, list[Row]] = {}
        wanted: set[int] = set()
        for change in changes:
            for row in (change.before, change.after):
                if row is None:
                    continue
                if change.table == "article":
                    versions.setdefault(change.row, []).append(row)
                wanted.update(row[c] for c in ("article_id", "related_id") if row.get(c) is not None)
        rows = await self._rows(f"SELECT {', '.join(_SEEN)} FROM article WHERE id {{among}}", sorted(wanted))
        for found in rows:
            said = {c: v.decode() if isinstance(v, bytes) else v for c, v in zip(_SEEN, found, strict=True)}
            versions.setdefault(int(found[0]), []).append(instants("article", said))
        return versions

    async def _rows(self, sql: str, numbers: Sequence[int]) -> Sequence[Sequence[Any]]:
        if not numbers:
            return []
        if self._database.dialect == "sqlite":
            among, value = "IN (SELECT value FROM json_each(?))", orjson.dumps(list(numbers)).decode()
            return await self._database.rows(sql.format(among=among), (value,))
        return await self._database.rows(sql.format(among="= ANY($1::bigint[])"), (list(numbers),))

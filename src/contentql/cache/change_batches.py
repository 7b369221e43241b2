"""Change batches: the changed rows with the related rows that invalidation needs.

These are the rows linked to a changed row, and rows whose visibility depends on a changed row. Removed links
have change-log rows of their own, so the current links are sufficient.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tortoise.fields import JSONField, TextField
from tortoise.models import Model

from contentql.cache.dependencies import ChangeBatch, is_visible, was_visible
from contentql.planner.catalog import Catalog
from contentql.planner.field_plans import JunctionTable, ToMany
from contentql.planner.sql import dialect_for
from contentql.planner.visibility import (
    TABLES_VISIBLE_BY_USE,
    is_publicly_visible,
    referenced_visibility_sql,
)
from contentql.store.change_log import RowChange, RowData, row_from_values
from contentql.store.database import Database
from contentql.store.models import CONTENT_MODULES, models_of

MAX_LINKS = 10_000  # that are told apart in one batch

# Link tables by the table their far side names: (table, far column), and the columns at their near sides.
_LINKS: Mapping[str, Sequence[tuple[str, str, tuple[str, ...]]]] = {
    "article": (
        ("article_section", "article_id", ("category_id",)),
        ("article_tag", "article_id", ("tag_id",)),
        ("article_author", "article_id", ("author_id",)),
        ("article_media", "article_id", ("media_id",)),
        ("article_related", "related_id", ("article_id",)),
        ("attribution", "article_id", ("source_id",)),
        ("collection_item", "article_id", ("collection_id", "media_id")),
    ),
    "category": (("article_section", "category_id", ("article_id",)),),
    "tag": (("article_tag", "tag_id", ("article_id",)),),
    "author": (("article_author", "author_id", ("article_id",)),),
    "source": (("attribution", "source_id", ("article_id", "head_id")),),
    "media": (("article_media", "media_id", ("article_id",)),),
}
# By which columns rows use others, which are seen only while something seen uses them.
_USES: Mapping[str, Mapping[str, str]] = {
    "article": {"story_id": "story", "lead_media_id": "media"},
    "article_tag": {"tag_id": "tag"},
    "article_author": {"author_id": "author"},
    "article_media": {"media_id": "media"},
    "attribution": {"source_id": "source"},
    "collection_item": {"collection_id": "collection", "media_id": "media"},
    "author": {"image_id": "media"},
}
_USED = {table for uses in _USES.values() for table in uses.values()}
_PARTS = ("attribution", "correction")  # of an article, seen only with it
_SEEN = ("id", "status", "deleted_at", "published_at", "embargo_until", "expires_at")

_MODELS: Mapping[str, type[Model]] = {model._meta.db_table: model for model in models_of(CONTENT_MODULES)}


# An origin is the source of one hop of its own chain, and so is used by that hop as well.
_USED_ELSEWHERE = {("attribution", "origin_id")}


def check_relations(catalog: Catalog) -> None:
    """Raises LookupError for a declared relation that the tables above leave out.

    Without its entry, a change of the related rows would leave responses in the cache that show them.
    """
    module = "cache/change_batches.py"
    for relation in catalog.relations():
        plan = relation.plan
        link = plan.link if isinstance(plan, ToMany) else None
        if link is not None:
            entries = [near for table, far, near in _LINKS.get(plan.table, ()) if (table, far) == _far(link)]
            if not any(link.source_column in near for near in entries):
                raise LookupError(
                    f"{relation.field}: _LINKS in {module} has no entry for {plan.table} through {link.table}"
                    f" from {link.source_column} to {link.target_column}."
                )
        if not plan.visible_with_source or plan.table not in TABLES_VISIBLE_BY_USE:
            continue
        if isinstance(plan, ToMany) and link is None:
            if plan.key == "article_id" and plan.table not in _PARTS:
                raise LookupError(f"{relation.field}: _PARTS in {module} has no entry for {plan.table}.")
            continue
        user = _far(link) if link is not None else (relation.table, getattr(plan, "column", ""))
        if plan.table in _PARTS or user in _USED_ELSEWHERE or not user[0]:
            continue
        if _USES.get(user[0], {}).get(user[1]) != plan.table:
            raise LookupError(
                f"{relation.field}: _USES in {module} has no entry for {plan.table}"
                f" used by {user[0]}.{user[1]}."
            )
    for table, _, near in _LINKS["article"]:
        unread = sorted(_USES.get(table, {}).keys() - set(near))
        if unread:
            raise LookupError(f"_LINKS in {module} does not read {table}.{unread[0]}, which _USES names.")
    missing = sorted(TABLES_VISIBLE_BY_USE - _USED - set(_PARTS))
    if missing:
        raise LookupError(f"_USES and _PARTS in {module} have no entry for {', '.join(missing)}.")


def _far(link: JunctionTable) -> tuple[str, str]:
    return link.table, link.target_column


def journaled_columns(table: str) -> list[str]:
    """Columns whose values the change log stores: all but texts and JSON."""
    meta = _MODELS[table]._meta
    return [
        column
        for name, column in meta.fields_db_projection.items()
        if not isinstance(meta.fields_map[name], TextField | JSONField)
    ]


class ChangeBatchLoader:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = dialect_for(database)

    async def load(self, changes: Sequence[RowChange], now: dt.datetime) -> ChangeBatch:
        links: dict[tuple[str, str], dict[int, Sequence[RowData] | None]] = {}
        for table, ways in _LINKS.items():
            numbers = sorted({change.row for change in changes if change.table == table})
            for way, far, near in ways if numbers else ():
                links[way, far] = await self._links(way, far, near, numbers)
        came_or_went = await self._came_or_went(changes, links, now)
        seen = await self._seen(changes, came_or_went, now)
        return ChangeBatch([*seen, *came_or_went], now, links, await self._articles(changes, now))

    async def _seen(
        self, changes: Sequence[RowChange], came_or_went: Sequence[RowChange], now: dt.datetime
    ) -> list[RowChange]:
        """The changes of rows that a visible row used before or uses now; others affect no response."""
        existing = {(change.table, change.row) for change in came_or_went}
        doubtful: dict[str, set[int]] = {}
        for change in changes:
            is_there = change.after is not None and (change.table, change.row) not in existing
            if is_there and change.table in _USED:
                doubtful.setdefault(change.table, set()).add(change.row)
        hidden = {
            (table, row["id"])
            for table, numbers in doubtful.items()
            for row in await self._unsteady(table, sorted(numbers), [], now)
        }
        return [change for change in changes if (change.table, change.row) not in hidden]

    async def _links(
        self, table: str, far: str, near: Sequence[str], numbers: Sequence[int]
    ) -> dict[int, Sequence[RowData] | None]:
        columns = (far, *near)
        rows = await self._rows(
            f"SELECT {', '.join(columns)} FROM {table}", far, numbers, f"LIMIT {MAX_LINKS + 1}"
        )
        if len(rows) > MAX_LINKS:
            return dict.fromkeys(numbers)
        results: dict[int, list[RowData]] = {}
        for row in rows:
            results.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
        return dict(results)

    async def _articles(
        self, changes: Sequence[RowChange], now: dt.datetime
    ) -> Mapping[int, Sequence[RowData]]:
        """Every version of the changed articles that was visible at its time, and the current one."""
        batch = ChangeBatch(changes, now)
        versions: dict[int, list[RowData]] = {}
        requested: set[int] = set()
        for change in changes:
            for row, seen in ((change.before, was_visible), (change.after, is_visible)):
                if row is None:
                    continue
                if change.table == "article" and seen(change, batch):
                    versions.setdefault(change.row, []).append(row)
                requested.update(row[c] for c in ("article_id", "related_id") if row.get(c) is not None)
        for match in await self._rows(f"SELECT {', '.join(_SEEN)} FROM article", "id", sorted(requested)):
            row = row_from_values("article", _SEEN, match)
            if is_publicly_visible("article", row, now):
                versions.setdefault(row["id"], []).append(row)
        return versions

    async def _came_or_went(
        self,
        changes: Sequence[RowChange],
        links: Mapping[tuple[str, str], Mapping[int, Sequence[RowData] | None]],
        now: dt.datetime,
    ) -> list[RowChange]:
        """Rows that became visible or invisible because of the rows that use them.

        A row that is also used by an unchanged row keeps its visibility.
        """
        batch = ChangeBatch(changes, now)
        flipped = {
            change.row
            for change in changes
            if change.table == "article" and was_visible(change, batch) != is_visible(change, batch)
        }
        used: dict[str, set[int]] = {}
        for change in changes:
            for column, table in _USES.get(change.table, {}).items():
                if _uses_otherwise(change, column, flipped):
                    _add(used, table, (row.get(column) for row in (change.before, change.after) if row))
        for (way, far), linked in links.items():
            for column, table in _USES.get(way, {}).items() if far == "article_id" else ():
                for article in flipped & linked.keys():
                    _add(used, table, (link.get(column) for link in linked[article] or ()))
        elsewhere = {c.row for c in changes if c.table == "article" and c.columns and "language" in c.columns}
        parts = [
            *[
                RowChange(t, row["id"], None, row, None)
                for t in _PARTS
                for row in await self._parts(t, flipped)
            ],
            # By its language, too, an article is the one of a former slug or is not.
            *[
                RowChange("slug_history", row["id"], None, row, None)
                for row in await self._parts("slug_history", flipped | elsewhere)
            ],
        ]
        images = await self._rows("SELECT image_id FROM author", "id", sorted(used.get("author", ())))
        _add(used, "media", (row[0] for row in images))
        changed = sorted({change.row for change in changes})
        unsteady = [
            RowChange(table, row["id"], None, row, None)
            for table, numbers in used.items()
            for row in await self._unsteady(table, sorted(numbers), changed, now)
        ]
        return [*parts, *unsteady]

    async def _parts(self, table: str, articles: set[int]) -> list[RowData]:
        columns = journaled_columns(table)
        rows = await self._rows(f"SELECT {', '.join(columns)} FROM {table}", "article_id", sorted(articles))
        return [row_from_values(table, columns, row) for row in rows]

    async def _unsteady(
        self, table: str, numbers: Sequence[int], changed: Sequence[int], now: dt.datetime
    ) -> list[RowData]:
        dialect = self._dialect
        besides = dialect.param(3, "ids")
        moment = dialect.param(2, "time")
        steady = referenced_visibility_sql(
            table, "u", moment, lambda number: dialect.in_list(number, besides)
        )
        columns = journaled_columns(table)
        rows = await self._rows(
            f"SELECT {', '.join(f'u.{column}' for column in columns)} FROM {table} u",
            "u.id",
            numbers,
            f"AND NOT {steady}",
            dialect.bind("time", now),
            dialect.bind("ids", changed),
        )
        return [row_from_values(table, columns, row) for row in rows]

    async def _rows(
        self, select: str, column: str, numbers: Sequence[int], rest: str = "", *more: Any
    ) -> Sequence[Sequence[Any]]:
        """Rows whose column is one of the ids; `more` are the parameters of `rest`, from the second on."""
        if not numbers:
            return []
        among = self._dialect.in_list(column, self._dialect.param(1, "ids"))
        values = (self._dialect.bind("ids", numbers), *more)
        return await self._database.rows(f"{select} WHERE {among} {rest}", values)


def _uses_otherwise(change: RowChange, column: str, flipped: set[int]) -> bool:
    if change.columns is None or change.columns & {column, "article_id"}:
        return True
    return change.row in flipped if change.table == "article" else "state" in change.columns


def _add(used: dict[str, set[int]], table: str, numbers: Iterable[int | None]) -> None:
    used.setdefault(table, set()).update(number for number in numbers if number is not None)

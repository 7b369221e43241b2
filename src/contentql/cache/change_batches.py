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

MAX_LINKS = 10_000  # rows read of a link table per batch; with more, the links are unknown

# Link tables by the table that they lead to: (link table, target column, source columns).
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
# Columns that refer to rows of another table which are visible only while a visible row uses them.
_USES: Mapping[str, Mapping[str, str]] = {
    "article": {"story_id": "story", "lead_media_id": "media"},
    "article_tag": {"tag_id": "tag"},
    "article_author": {"author_id": "author"},
    "article_media": {"media_id": "media"},
    "attribution": {"source_id": "source"},
    "collection_item": {"collection_id": "collection", "media_id": "media"},
    "author": {"image_id": "media"},
}
_USED_TABLES = {table for uses in _USES.values() for table in uses.values()}
_PARTS = ("attribution", "correction")  # parts of an article, visible only with it
_ARTICLE_COLUMNS = ("id", "status", "deleted_at", "published_at", "embargo_until", "expires_at")

_MODELS: Mapping[str, type[Model]] = {model._meta.db_table: model for model in models_of(CONTENT_MODULES)}

# The origin of a chain is the source of one of its hops, which uses that source already.
_REDUNDANT_USES = {("attribution", "origin_id")}


def check_relations(catalog: Catalog) -> None:
    """Raises LookupError for a declared relation that has no entry in `_LINKS`, `_USES` or `_PARTS`.

    Without its entry, a change of the related rows would not invalidate the responses that show them.
    """
    module = "cache/change_batches.py"
    for relation in catalog.relations():
        plan = relation.plan
        link = plan.link if isinstance(plan, ToMany) else None
        if link is not None:
            entries = [
                source_columns
                for table, target_column, source_columns in _LINKS.get(plan.table, ())
                if (table, target_column) == _link_target(link)
            ]
            if not any(link.source_column in source_columns for source_columns in entries):
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
        using_column = (
            _link_target(link) if link is not None else (relation.table, getattr(plan, "column", ""))
        )
        if plan.table in _PARTS or using_column in _REDUNDANT_USES or not using_column[0]:
            continue
        if _USES.get(using_column[0], {}).get(using_column[1]) != plan.table:
            raise LookupError(
                f"{relation.field}: _USES in {module} has no entry for {plan.table}"
                f" used by {using_column[0]}.{using_column[1]}."
            )
    for table, _, source_columns in _LINKS["article"]:
        missing_columns = sorted(_USES.get(table, {}).keys() - set(source_columns))
        if missing_columns:
            raise LookupError(
                f"_LINKS in {module} does not read {table}.{missing_columns[0]}, which _USES names."
            )
    missing = sorted(TABLES_VISIBLE_BY_USE - _USED_TABLES - set(_PARTS))
    if missing:
        raise LookupError(f"_USES and _PARTS in {module} have no entry for {', '.join(missing)}.")


def _link_target(link: JunctionTable) -> tuple[str, str]:
    return link.table, link.target_column


def logged_columns(table: str) -> list[str]:
    """Columns whose values the change log stores: all but texts and JSON."""
    meta = _MODELS[table]._meta
    return [
        column
        for name, column in meta.fields_db_projection.items()
        if not isinstance(meta.fields_map[name], TextField | JSONField)
    ]


class ChangeBatchLoader:
    """Reads the rows related to changed rows from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = dialect_for(database)

    async def load(self, changes: Sequence[RowChange], now: dt.datetime) -> ChangeBatch:
        """The batch of these changes, with the visibility changes that they cause at `now`."""
        links: dict[tuple[str, str], dict[int, Sequence[RowData] | None]] = {}
        for table, link_tables in _LINKS.items():
            ids = sorted({change.row for change in changes if change.table == table})
            for link_table, target_column, source_columns in link_tables if ids else ():
                links[link_table, target_column] = await self._load_links(
                    link_table, target_column, source_columns, ids
                )
        visibility_changes = await self._visibility_changes(changes, links, now)
        relevant = await self._relevant_changes(changes, visibility_changes, now)
        return ChangeBatch(
            [*relevant, *visibility_changes], now, links, await self._visible_versions(changes, now)
        )

    async def _relevant_changes(
        self, changes: Sequence[RowChange], visibility_changes: Sequence[RowChange], now: dt.datetime
    ) -> list[RowChange]:
        """The changes of rows that a visible row used before or uses now; others affect no response."""
        changed_by_use = {(change.table, change.row) for change in visibility_changes}
        used_ids: dict[str, set[int]] = {}
        for change in changes:
            exists = change.after is not None and (change.table, change.row) not in changed_by_use
            if exists and change.table in _USED_TABLES:
                used_ids.setdefault(change.table, set()).add(change.row)
        hidden = {
            (table, row["id"])
            for table, ids in used_ids.items()
            for row in await self._rows_without_visible_use(table, sorted(ids), [], now)
        }
        return [change for change in changes if (change.table, change.row) not in hidden]

    async def _load_links(
        self, table: str, target_column: str, source_columns: Sequence[str], ids: Sequence[int]
    ) -> dict[int, Sequence[RowData] | None]:
        """Rows of a link table by target id; None for every id if there are more than `MAX_LINKS` rows."""
        columns = (target_column, *source_columns)
        rows = await self._select_rows(
            f"SELECT {', '.join(columns)} FROM {table}", target_column, ids, f"LIMIT {MAX_LINKS + 1}"
        )
        if len(rows) > MAX_LINKS:
            return dict.fromkeys(ids)
        links: dict[int, list[RowData]] = {}
        for row in rows:
            links.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
        return dict(links)

    async def _visible_versions(
        self, changes: Sequence[RowChange], now: dt.datetime
    ) -> Mapping[int, Sequence[RowData]]:
        """Every version of the changed articles that was visible at its time, and the current one."""
        batch = ChangeBatch(changes, now)
        versions: dict[int, list[RowData]] = {}
        article_ids: set[int] = set()
        for change in changes:
            for row, was_row_visible in ((change.before, was_visible), (change.after, is_visible)):
                if row is None:
                    continue
                if change.table == "article" and was_row_visible(change, batch):
                    versions.setdefault(change.row, []).append(row)
                article_ids.update(row[c] for c in ("article_id", "related_id") if row.get(c) is not None)
        for values in await self._select_rows(
            f"SELECT {', '.join(_ARTICLE_COLUMNS)} FROM article", "id", sorted(article_ids)
        ):
            row = row_from_values("article", _ARTICLE_COLUMNS, values)
            if is_publicly_visible("article", row, now):
                versions.setdefault(row["id"], []).append(row)
        return versions

    async def _visibility_changes(
        self,
        changes: Sequence[RowChange],
        links: Mapping[tuple[str, str], Mapping[int, Sequence[RowData] | None]],
        now: dt.datetime,
    ) -> list[RowChange]:
        """Rows that became visible or invisible because of the rows that use them.

        A row that is also used by an unchanged row keeps its visibility.
        """
        batch = ChangeBatch(changes, now)
        toggled = {
            change.row
            for change in changes
            if change.table == "article" and was_visible(change, batch) != is_visible(change, batch)
        }
        used_ids: dict[str, set[int]] = {}
        for change in changes:
            for column, table in _USES.get(change.table, {}).items():
                if _is_use_changed(change, column, toggled):
                    _add_ids(
                        used_ids, table, (row.get(column) for row in (change.before, change.after) if row)
                    )
        for (link_table, target_column), links_by_target in links.items():
            for column, table in _USES.get(link_table, {}).items() if target_column == "article_id" else ():
                for article in toggled & links_by_target.keys():
                    _add_ids(used_ids, table, (link.get(column) for link in links_by_target[article] or ()))
        language_changed = {
            c.row for c in changes if c.table == "article" and c.columns and "language" in c.columns
        }
        parts = [
            *[
                RowChange(part, row["id"], None, row, None)
                for part in _PARTS
                for row in await self._load_parts(part, toggled)
            ],
            # A former slug leads to its article only in the article's language.
            *[
                RowChange("slug_history", row["id"], None, row, None)
                for row in await self._load_parts("slug_history", toggled | language_changed)
            ],
        ]
        image_rows = await self._select_rows(
            "SELECT image_id FROM author", "id", sorted(used_ids.get("author", ()))
        )
        _add_ids(used_ids, "media", (row[0] for row in image_rows))
        changed_ids = sorted({change.row for change in changes})
        dependent_rows = [
            RowChange(table, row["id"], None, row, None)
            for table, ids in used_ids.items()
            for row in await self._rows_without_visible_use(table, sorted(ids), changed_ids, now)
        ]
        return [*parts, *dependent_rows]

    async def _load_parts(self, table: str, articles: set[int]) -> list[RowData]:
        columns = logged_columns(table)
        rows = await self._select_rows(
            f"SELECT {', '.join(columns)} FROM {table}", "article_id", sorted(articles)
        )
        return [row_from_values(table, columns, row) for row in rows]

    async def _rows_without_visible_use(
        self, table: str, ids: Sequence[int], changed_ids: Sequence[int], now: dt.datetime
    ) -> list[RowData]:
        """The rows with these ids that no visible row uses, apart from the rows in `changed_ids`."""
        dialect = self._dialect
        changed_param = dialect.param(3, "ids")
        time_param = dialect.param(2, "time")
        is_used_sql = referenced_visibility_sql(
            table, "u", time_param, lambda id_sql: dialect.in_list(id_sql, changed_param)
        )
        columns = logged_columns(table)
        rows = await self._select_rows(
            f"SELECT {', '.join(f'u.{column}' for column in columns)} FROM {table} u",
            "u.id",
            ids,
            f"AND NOT {is_used_sql}",
            dialect.bind("time", now),
            dialect.bind("ids", changed_ids),
        )
        return [row_from_values(table, columns, row) for row in rows]

    async def _select_rows(
        self, select: str, column: str, ids: Sequence[int], suffix: str = "", *suffix_values: Any
    ) -> Sequence[Sequence[Any]]:
        """Rows whose `column` is one of the ids. `suffix_values`: parameters of `suffix`, from $2 on."""
        if not ids:
            return []
        in_ids = self._dialect.in_list(column, self._dialect.param(1, "ids"))
        values = (self._dialect.bind("ids", ids), *suffix_values)
        return await self._database.rows(f"{select} WHERE {in_ids} {suffix}", values)


def _is_use_changed(change: RowChange, column: str, toggled: set[int]) -> bool:
    """True if the change may start or end the use of the row that `column` refers to."""
    if change.columns is None or change.columns & {column, "article_id"}:
        return True
    return change.row in toggled if change.table == "article" else "state" in change.columns


def _add_ids(used_ids: dict[str, set[int]], table: str, ids: Iterable[int | None]) -> None:
    used_ids.setdefault(table, set()).update(id for id in ids if id is not None)

"""Change batches: the changed rows with the related rows that invalidation needs.

These are the rows linked to a changed row, and rows whose visibility depends on a changed row. Removed links
have change-log rows of their own, so the current links are sufficient.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tortoise.fields import JSONField, TextField
from tortoise.models import Model

from contentql.cache.dependencies import ChangeBatch, is_visible, was_visible
from contentql.cache.relation_tables import LINKS, PARTS, RENAMED_TABLES, USED_TABLES, USES
from contentql.cache.shown_items import Collections, item_changes
from contentql.planner.read_set import TRANSLATION_TABLE
from contentql.planner.sql import dialect_for
from contentql.planner.visibility import (
    VISIBILITY_COLUMNS,
    is_publicly_visible,
    referenced_visibility_sql,
)
from contentql.store.change_log import ChangeLogTruncated, RowChange, RowData, row_from_values
from contentql.store.database import Database
from contentql.store.models import CONTENT_MODULES, models_of

MAX_LINKS = 10_000  # rows read of a link table per batch; with more, the links are unknown

_TRANSLATION_COLUMNS = frozenset({"language", "translation_group"})
_ARTICLE_COLUMNS = ("id", "status", "deleted_at", "published_at", "embargo_until", "expires_at")

# By link table and target column, the links of each target row; None if there are too many.
Links = dict[tuple[str, str], dict[int, Sequence[RowData] | None]]

_MODELS: Mapping[str, type[Model]] = {model._meta.db_table: model for model in models_of(CONTENT_MODULES)}


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

    async def load(
        self, changes: Sequence[RowChange], now: dt.datetime, since: dt.datetime | None = None
    ) -> ChangeBatch:
        """The changes that can affect a public response at `now`, with related rows.

        `since`: the time as of which the cached responses are valid; `now` by default. Changes of hidden rows
        are left out, so that a write of hidden content neither invalidates nor delays anything. Raises
        ChangeLogTruncated if there are too many links to compare.
        """
        all_changes = ChangeBatch(changes, now, since=since)
        articles = await self._visible_versions(all_changes)
        visible = [change for change in changes if _is_of_visible_article(change, all_changes, articles)]
        links: Links = {}
        for table, link_tables in LINKS.items():
            ids = sorted({change.row for change in visible if change.table == table})
            for link_table, target_column, source_columns in link_tables if ids else ():
                links[link_table, target_column] = await self._load_links(
                    link_table, target_column, source_columns, ids
                )
        items = await self._item_changes(all_changes, links)
        articles = {**await self._visible_versions(ChangeBatch(items, now, since=since)), **articles}
        visible = [*(change for change in visible if change.table != "collection_item"), *items]
        used_ids = await self._changed_uses(visible, links, all_changes)
        relevant = await self._relevant_changes(visible, used_ids, now)
        visibility_changes = await self._visibility_changes(relevant, used_ids, all_changes)
        return ChangeBatch([*relevant, *visibility_changes], now, links, articles, since)

    async def _relevant_changes(
        self, changes: Sequence[RowChange], used_ids: Mapping[str, set[int]], now: dt.datetime
    ) -> list[RowChange]:
        """The changes of rows that a visible row used before or uses now; others affect no response.

        `used_ids`: by table, the rows whose use by a visible row has changed.
        """
        unchanged_use: dict[str, set[int]] = {}
        for change in changes:
            if change.table in USED_TABLES and change.row not in used_ids.get(change.table, ()):
                unchanged_use.setdefault(change.table, set()).add(change.row)
            for table, owner in _renamed_rows(change):
                if owner not in used_ids.get(table, ()):
                    unchanged_use.setdefault(table, set()).add(owner)
        exists = {(change.table, change.row): change.after is not None for change in changes}
        # A deleted row was hidden as well: the rows that used it would have changed with it.
        hidden = {
            (table, id)
            for table, ids in unchanged_use.items()
            for id in ids
            if not exists.get((table, id), True)
        }
        for table, ids in unchanged_use.items():
            rows = await self._rows_without_visible_use(table, sorted(ids), [], now)
            hidden |= {(table, row["id"]) for row in rows}
        return [
            change
            for change in changes
            if (change.table, change.row) not in hidden and hidden.isdisjoint(_renamed_rows(change))
        ]

    async def _item_changes(self, batch: ChangeBatch, links: Links) -> list[RowChange]:
        """The changes of the items that readers see in collections; `links` is reduced to such items."""
        link = "collection_item", "article_id"
        links_by_article = {id: _counted(items) for id, items in links.get(link, {}).items()}
        collections = {item["collection_id"] for items in links_by_article.values() for item in items}
        for change in batch.changes:
            if change.table == "collection" and (change.columns is None or "max_items" in change.columns):
                collections.add(change.row)
            if change.table == "collection_item":
                collections |= {row["collection_id"] for row in (change.before, change.after) if row}
        if not collections:
            return []
        now, earlier = await self._load_collections(batch, sorted(collections))
        shown = now.shown_items()
        pairs = {(id, item["article_id"]) for id, items in shown.items() for item in items.values()}
        writes = [change for change in batch.changes if not change.by_time]
        changes: list[RowChange] = []
        for lists in (earlier.shown_items(), *now.earlier_lists(writes), *earlier.earlier_lists(writes)):
            changes += item_changes(lists, shown)
            pairs |= {(id, item["article_id"]) for id, items in lists.items() for item in items.values()}
        if link in links:
            links[link] = {
                id: [item for item in items if (item["collection_id"], id) in pairs]
                for id, items in links_by_article.items()
            }
        return changes

    async def _load_collections(
        self, batch: ChangeBatch, collections: Sequence[int]
    ) -> tuple[Collections, Collections]:
        """The collections as they are after all writes: at the time of the batch, and at `since`."""
        columns = logged_columns("collection_item")
        rows = await self._select_rows(
            f"SELECT {', '.join(columns)} FROM collection_item", "collection_id", collections
        )
        items = [row_from_values("collection_item", columns, row) for row in rows]
        rows = await self._select_rows("SELECT id, max_items FROM collection", "id", collections)
        limits: dict[int, int | None] = {**dict.fromkeys(collections), **{row[0]: row[1] for row in rows}}
        article_ids = {item["article_id"] for item in items}
        article_ids |= {
            c.before["article_id"] for c in batch.changes if c.table == "collection_item" and c.before
        }
        rows = await self._select_rows(
            f"SELECT {', '.join(_ARTICLE_COLUMNS)} FROM article", "id", sorted(article_ids)
        )
        articles = [row_from_values("article", _ARTICLE_COLUMNS, row) for row in rows]
        now, earlier = (
            Collections(
                items,
                limits,
                [row["id"] for row in articles if is_publicly_visible("article", row, time)],
                time,
            )
            for time in (batch.now, batch.since or batch.now)
        )
        return now, earlier

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

    async def _visible_versions(self, batch: ChangeBatch) -> Mapping[int, Sequence[RowData]]:
        """Every version of the changed articles that was visible at its time, and the current one."""
        versions: dict[int, list[RowData]] = {}
        article_ids: set[int] = set()
        for change in batch.changes:
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
            times = {batch.now, batch.since or batch.now}
            if any(is_publicly_visible("article", row, time) for time in times):
                versions.setdefault(row["id"], []).append(row)
        return versions

    async def _changed_uses(
        self, changes: Sequence[RowChange], links: Links, batch: ChangeBatch
    ) -> dict[str, set[int]]:
        """By table, the ids of the rows whose use by a visible row has changed."""
        toggled = _toggled_articles(changes, batch)
        used_ids: dict[str, set[int]] = {}
        for change in changes:
            if change.table == "author":
                continue  # see below: only a visible author uses a picture
            for column, table in USES.get(change.table, {}).items():
                if _is_use_changed(change, column, toggled):
                    _add_ids(
                        used_ids, table, (row.get(column) for row in (change.before, change.after) if row)
                    )
        for (link_table, target_column), links_by_target in links.items():
            for column, table in USES.get(link_table, {}).items() if target_column == "article_id" else ():
                for article in toggled & links_by_target.keys():
                    _add_ids(used_ids, table, (link.get(column) for link in links_by_target[article] or ()))
        image_rows = await self._select_rows(
            "SELECT image_id FROM author", "id", sorted(used_ids.get("author", ()))
        )
        _add_ids(used_ids, "media", (row[0] for row in image_rows))
        authors = [change for change in changes if change.table == "author"]
        for change in await self._relevant_changes(authors, used_ids, batch.now):
            if _is_use_changed(change, "image_id", toggled):
                _add_ids(used_ids, "media", (row["image_id"] for row in (change.before, change.after) if row))
        return used_ids

    async def _visibility_changes(
        self, changes: Sequence[RowChange], used_ids: Mapping[str, set[int]], batch: ChangeBatch
    ) -> list[RowChange]:
        """Rows that became visible or invisible because of the rows that use them.

        A row that is also used by an unchanged row keeps its visibility.
        """
        toggled = _toggled_articles(changes, batch)
        moved = {
            change.row
            for change in changes
            if change.table == "article" and change.columns and change.columns & _TRANSLATION_COLUMNS
        }
        parts = [
            *[
                RowChange(part, row["id"], None, row, None)
                for part in PARTS
                for row in await self._load_parts(part, toggled)
            ],
            # A former slug leads to its article only in the article's language, and to its translations.
            *[
                RowChange("slug_history", row["id"], None, row, None)
                for row in await self._load_parts("slug_history", toggled | moved)
            ],
            *await self._translation_changes(changes, toggled | moved, batch),
        ]
        changed_ids = sorted({change.row for change in changes})
        dependent_rows = [
            RowChange(table, row["id"], None, row, None)
            for table, ids in used_ids.items()
            for row in await self._rows_without_visible_use(table, sorted(ids), changed_ids, batch.now)
        ]
        # By a former slug, too, a row is found only while it is visible.
        former_slugs = [
            RowChange("former_slug", row["id"], None, row, None)
            for table in sorted(RENAMED_TABLES & used_ids.keys())
            for row in await self._load_former_slugs(
                table, {change.row for change in dependent_rows if change.table == table}
            )
        ]
        return [*parts, *dependent_rows, *former_slugs]

    async def _translation_changes(
        self, changes: Sequence[RowChange], articles: set[int], batch: ChangeBatch
    ) -> list[RowChange]:
        """Rows of `TRANSLATION_TABLE`: the languages in which others of a translation group have changed.

        `articles` are the ids of those that became visible or invisible, or have another language or group.
        """
        languages: dict[int, set[str]] = {}
        for change in changes:
            if change.table == "article" and change.row in articles:
                for row in filter(None, (change.before, change.after)):
                    if row["translation_group"] is not None:
                        languages.setdefault(row["translation_group"], set()).add(row["language"])
        columns = (*_ARTICLE_COLUMNS, "translation_group", "slug")
        rows = await self._select_rows(
            f"SELECT {', '.join(columns)} FROM article", "translation_group", sorted(languages)
        )
        times = {batch.now, batch.since or batch.now}
        members = {
            row["id"]: row
            for row in (row_from_values("article", columns, values) for values in rows)
            if any(is_publicly_visible("article", row, time) for time in times)
        }
        names = [(id, row["slug"]) for id, row in members.items()]
        former = await self._load_parts("slug_history", set(members)) if members else []
        names += [(row["article_id"], row["slug"]) for row in former]
        return [
            RowChange(
                TRANSLATION_TABLE, id, None, {"article_id": id, "slug": slug, "language": language}, None
            )
            for id, slug in names
            for language in sorted(languages[members[id]["translation_group"]])
        ]

    async def _load_former_slugs(self, table: str, ids: set[int]) -> list[RowData]:
        columns = logged_columns("former_slug")
        rows = await self._select_rows(
            f"SELECT {', '.join(columns)} FROM former_slug", f"{table}_id", sorted(ids)
        )
        return [row_from_values("former_slug", columns, row) for row in rows]

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


def _toggled_articles(changes: Iterable[RowChange], batch: ChangeBatch) -> set[int]:
    """Ids of the articles that became visible or invisible."""
    return {
        change.row
        for change in changes
        if change.table == "article" and was_visible(change, batch) != is_visible(change, batch)
    }


def _is_of_visible_article(
    change: RowChange, batch: ChangeBatch, articles: Mapping[int, Sequence[RowData]]
) -> bool:
    """False for an article, attribution or media that is and was hidden, and for rows of such an article."""
    if change.table in VISIBILITY_COLUMNS and not (was_visible(change, batch) or is_visible(change, batch)):
        return False
    if change.table == "article":
        return not _starts_translation_group(change)
    if change.table == "withdrawal":  # the notice stands in place of a hidden article
        return True
    for column in ("article_id", "related_id"):
        owners = {row[column] for row in (change.before, change.after) if row and column in row}
        if owners and not any(articles.get(owner) for owner in owners):
            return False
    return True


def _starts_translation_group(change: RowChange) -> bool:
    """True if the article only became the head of a group, for a first translation, which may be hidden.

    When the translation becomes visible, it changes the responses that show this article.
    """
    return (
        change.columns == frozenset({"translation_group"})
        and change.before is not None
        and change.after is not None
        and change.before["translation_group"] is None
        and change.after["translation_group"] == change.row
    )


def _counted(links: Sequence[RowData] | None) -> Sequence[RowData]:
    """The links, unless there are more than `MAX_LINKS`. Raises ChangeLogTruncated."""
    if links is None:
        raise ChangeLogTruncated
    return links


def _is_use_changed(change: RowChange, column: str, toggled: set[int]) -> bool:
    """True if the change may start or end the use of the row that `column` refers to."""
    if change.columns is None or change.columns & {column, "article_id"}:
        return True
    return change.row in toggled if change.table == "article" else "state" in change.columns


def _renamed_rows(change: RowChange) -> Iterator[tuple[str, int]]:
    """Table and id of the row that a changed row of `former_slug` leads to; nothing for other tables."""
    row = change.after or change.before
    if change.table == "former_slug" and row is not None:
        for table in RENAMED_TABLES:
            if row[f"{table}_id"] is not None:
                yield table, row[f"{table}_id"]


def _add_ids(used_ids: dict[str, set[int]], table: str, ids: Iterable[int | None]) -> None:
    used_ids.setdefault(table, set()).update(id for id in ids if id is not None)

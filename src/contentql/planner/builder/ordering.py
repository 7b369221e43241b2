"""ORDER BY terms, cursors and keyset predicates of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contentql.errors import ApiError
from contentql.planner.builder.context import BuildContext, RowSource
from contentql.planner.builder.nodes import (
    leaf_value,
)
from contentql.planner.builder.rows import order_sql
from contentql.planner.cursors import CursorValue, ListFingerprint
from contentql.planner.field_plans import EXPIRED_LAST, ToMany
from contentql.planner.filters import bind_search, is_searched, sql_and
from contentql.planner.operation import ArgumentValue
from contentql.planner.params import passthrough
from contentql.planner.scans import ORDER_WEIGHT, is_indexed, search_weights
from contentql.planner.sql.nodes import (
    FromClause,
    RowRef,
    SortKey,
)
from contentql.planner.visibility import (
    public_id_sql,
)

# By table, or by type where a table has several.
DEFAULT_ORDER = {
    "correction": "at desc",
    "audit_entry": "at desc",
    "token": "created_at desc",
    "redirect": "created_at desc",
    "webhook": "created_at desc",
    "webhook_delivery": "id desc",
    "article": "published_at desc",
    "DeletedArticle": "deleted_at desc",
    "category": "path asc",
    "attribution": "id desc",
    "media": "id desc",
    "source": "sort_name asc",
    "tag": "sort_name asc",
    "author": "sort_name asc",
    "story": "sort_name asc",
    "collection": "sort_name asc",
}
ORDER_COLUMN_KINDS: Mapping[str, Any] = {
    "published_at": "time",
    "first_published_at": "time",
    "updated_at": "time",
    "deleted_at": "time",
    "at": "time",
    "created_at": "time",
    "urgency": "int",
    "position": "int",
    "relevance": "int",
    "system": "text",
    "value": "text",
    "id": "id",
}


def as_tuple(value: Any) -> tuple[str, ...]:
    return tuple(value if isinstance(value, list) else [value])


def apply_default_order(context: BuildContext, base: RowSource, relation: ToMany) -> None:
    for fields in relation.order or ("id",):
        by_end = fields.startswith(EXPIRED_LAST)
        column, _, direction = fields.removeprefix(EXPIRED_LAST).partition(" ")
        alias, _, name = column.rpartition(".")

        def value(row: str, name: str = name, by_end: bool = by_end) -> str:
            return (
                f"case when {row}.{name} <= {context.now()} then 1 else 0 end" if by_end else f"{row}.{name}"
            )

        sql = value(base.link_alias if alias == "link" else base.row.alias)
        if alias != "link":  # a change of the junction row is detected as such
            base.order_columns.add(name)
        existing = ""
        if relation.link and alias == "link":
            # Gaps in stored positions would reveal hidden rows, so cursors do not contain them.
            existing = (
                f"(select {value('w')} from {base.link_rows} w"
                f" where w.{relation.link.source_column} = {base.parent_sql}"
                f" and w.{relation.link.target_column} = {{id}})"
            )
        base.keys.append(SortKey(sql, ORDER_COLUMN_KINDS.get(name, "int"), direction == "desc", existing))
        if fields == "id desc":
            return
    base.keys.append(SortKey(public_id_sql(base.row.table, base.row.alias, context.visibility), "id", False))


def apply_order(
    context: BuildContext,
    base: RowSource,
    table: str,
    node_type: str,
    arguments: dict[str, ArgumentValue],
    relation: ToMany | None,
) -> Sequence[str]:
    """Adds the sort keys of a connection. Returns the order in words, the same for every spelling of it."""
    names = context.constrain(arguments.get("orderBy"), as_tuple) or ()
    searched = table == "article" and is_searched(context, arguments.get("search"))
    if not names and relation is not None and relation.order:
        apply_default_order(context, base, relation)
        return relation.order
    enum: Any = context.catalog.schema.type_map.get(f"{node_type}Order")
    words = [str(enum.values[name].value) for name in names]
    default = DEFAULT_ORDER.get(node_type) or DEFAULT_ORDER[table]
    if not searched and arguments.get("search") is not None:  # a blank text matches all with the same rank
        words = [word for word in words if not word.startswith("relevance")]
    words = words or (["relevance desc"] if searched else []) + [default]
    if words == ["relevance desc"]:
        words.append(default)
    for value in words:
        column, _, direction = value.partition(" ")
        kind = ORDER_COLUMN_KINDS.get(column, "text")
        if column == "relevance":
            if not searched:
                raise ApiError("BAD_USER_INPUT", "RELEVANCE orders a search.", "Give `search` as well.")
            context.charge_scan(2 * context.constrain(arguments["search"], search_weights)[1])
            sql = context.dialect.relevance(
                base.row.alias,
                lambda parts: bind_search(context, arguments["search"], parts),
                context.uncorrelated_subquery,
            )
        else:
            if column != "sort_name" and not is_indexed(table, column):
                context.charge_scan(ORDER_WEIGHT)
            copy = base.denormalized_columns.get(column) if context.visibility.is_public else None
            sql = copy or _drafts_last(context, base, column)
        base.order_columns.add(column)
        base.keys.append(SortKey(sql, kind, direction == "desc"))
    own = public_id_sql(table, base.row.alias, context.visibility)
    number = own if not context.visibility.is_public else base.denormalized_columns.get("id") or own
    base.keys.append(SortKey(number, "id", base.keys[-1].descending))
    return words


def _drafts_last(context: BuildContext, base: RowSource, column: str) -> str:
    sql = f"{base.row.alias}.{column}"
    if context.visibility.is_public or ORDER_COLUMN_KINDS.get(column) != "time":
        return sql
    return f"coalesce({sql}, {context.dialect.max_timestamp})"  # a draft has no time and sorts as the newest


def cursor_sql(context: BuildContext, base: RowSource, mark: ListFingerprint) -> str:
    parts = [context.param(mark, "text", passthrough)]
    for i, key in enumerate(base.keys):
        column = f"{base.row.alias}.k{i}"
        if key.kind == "text":
            parts.append(context.dialect.hex_encode(column))
        elif not key.lookup_sql:
            parts.append(context.dialect.text_of(column, key.kind))
    return context.dialect.join_with_dots(parts)


def after_cursor(context: BuildContext, base: RowSource, cursor: ArgumentValue, mark: ListFingerprint) -> str:
    """Returns the keyset predicate for the rows after the cursor, in the order of `base`."""
    kinds = tuple(key.kind for key in base.keys if not key.lookup_sql)
    values = [
        context.param(CursorValue(leaf_value(cursor), mark, kinds, i), kind, passthrough)
        for i, kind in enumerate(kinds)
    ]
    result = iter(values)
    sides = []
    for key in base.keys:
        value = _current_key(context, base, key, values[-1]) if key.lookup_sql else next(result)
        sides.append((context.dialect.sortable(key.sql, key.kind), value, "<" if key.descending else ">"))
    return _beyond(sides)


def after_row(context: BuildContext, base: RowSource, row: RowRef) -> str:
    """Returns the predicate for the rows after `row`, of the same table, in the order of `base`."""
    sides = []
    for key in base.keys:
        own = re.sub(rf"\b{base.row.alias}\.(\w+)", lambda match: row.column(match[1]), key.sql)
        here, there = (context.dialect.sortable(sql, key.kind) for sql in (own, key.sql))
        sides.append((there, here, "<" if key.descending else ">"))
    return _beyond(sides)


def _beyond(sides: Sequence[tuple[str, str, str]]) -> str:
    """Returns the comparison of two lists of sort keys: each is a key, the value to compare, and the sign."""
    if len({sign for _, _, sign in sides}) == 1:
        left, right = ", ".join(s[0] for s in sides), ", ".join(s[1] for s in sides)
        return f"({left}) {sides[0][2]} ({right})"
    actual = ""
    for column, value, sign in reversed(sides):
        actual = f"({column} {sign} {value}{f' or ({column} = {value} and {actual})' if actual else ''})"
    return actual


def _current_key(context: BuildContext, base: RowSource, key: SortKey, row_id: str) -> str:
    """Returns SQL of the sort key that the cursor's row has now.

    -1 if the row has left the list or is hidden: the list starts from the beginning.
    """
    row = RowRef(context.alias(), base.row.table, FromClause(""))
    visible = [context.matches_public_id(row, row_id), *context.visible(row, via_visible=False)]
    return (
        f"case when exists (select 1 from {row.table} {row.alias} where {' and '.join(visible)})"
        f" then coalesce({key.lookup_sql.replace('{id}', row_id)}, -1) else -1 end"
    )


def has_previous(context: BuildContext, base: RowSource, where: list[str], beyond: str) -> str:
    """Returns SQL that is true if rows exist before the cursor: if the first row of the list is not after it.

    `where` are the conditions of the list without the cursor, `beyond` is the predicate of `after_cursor`.
    """
    return (
        f"coalesce((select not {beyond} from {base.source} where {sql_and(where)}"
        f" order by {order_sql(context, base)} limit 1), false)"
    )

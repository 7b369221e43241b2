"""FROM clauses: the rows of a table, of a junction table or of a relation, and joined single rows."""

from __future__ import annotations

from contentql.errors import LimitError
from contentql.planner.builder.context import BuildContext, RowSource, relation_condition
from contentql.planner.builder.nodes import (
    direction_sql,
)
from contentql.planner.field_plans import JunctionTable, ToMany, ToOne
from contentql.planner.read_set import (
    PRIMARY_KEYS,
    ParentKey,
    Scan,
)
from contentql.planner.sql.nodes import (
    FromClause,
    RowRef,
)
from contentql.planner.visibility import (
    VISIBLE_THROUGH,
    shown_items_sql,
)

MAX_JOINS = 50


def table_rows(context: BuildContext, table: str, rows: str = "") -> RowSource:
    """Returns the rows of a table, or of the subquery `rows` of it."""
    alias = context.alias()
    return RowSource(RowRef(alias, table, FromClause(alias)), f"{rows or table} {alias}")


def link_rows(
    context: BuildContext, link: JunctionTable, table: str, near: str, links: str = ""
) -> RowSource:
    """Returns the rows of `table` linked with `near`, by the junction table or the subquery `links` of it."""
    base, way = table_rows(context, table), context.alias()
    # In SQLite, CROSS JOIN fixes the join order: the junction table is the outer loop.
    base.source = f"{links or link.table} {way} cross join {table} {base.row.alias}"
    far = f"{way}.{link.target_column}"
    same = context.matches_public_id(base.row, far) if link.stable else f"{base.row.alias}.id = {far}"
    base.where = [f"{way}.{link.source_column} = {near}", same]
    if link.where:
        base.where.append(link.where.replace("{link}", way))
    base.link_alias, base.parent_sql, base.denormalized_columns = (
        way,
        near,
        {c: f"{way}.{copy}" for c, copy in link.denormalized.items()},
    )
    base.link, base.link_rows = link, links or link.table
    if (
        "published_at" in base.denormalized_columns and context.visibility.is_public
    ):  # lets an index on the junction table start at the present time
        base.where.append(f"{base.denormalized_columns['published_at']} <= {context.now()}")
    return base


def relation_rows(context: BuildContext, relation: ToMany, here: RowRef, flat: bool = False) -> RowSource:
    """Returns the rows that a relation leads to from `here`.

    `flat`: the list has no LIMIT, so rows that decide visibility are joined instead of tested in a subquery.
    """
    near = context.public_id(here) if relation.by_public_id else here.column(relation.column)
    link = relation.link
    nearby = ParentKey(link.source_column if link else relation.key, here.table)
    items = _limited_items(context, relation, here, near)
    if link and link.unique:
        base = link_rows(context, link, relation.table, near, items)
    else:
        base = table_rows(context, relation.table, items)
        if link:
            inner = context.alias()
            where = [f"{inner}.{link.source_column} = {near}", link.where.replace("{link}", inner)]
            base.where.append(
                f"{base.row.alias}.id in (select {inner}.{link.target_column} from {link.table} {inner}"
                f" where {' and '.join(w for w in where if w)})"
            )
        else:
            base.where.append(f"{base.row.alias}.{relation.key} = {near}")
    base.parent_key, base.link = nearby, link
    if relation.where:
        base.where.append(relation_condition(relation.where, here, base.row, base.dependency_columns))
    by_way = None if link else nearby
    if items and not link:  # the subquery has the condition of visibility
        context.read_set.add_visibility_dependency(relation.table, by_way)
    elif flat and relation.table in VISIBLE_THROUGH:
        join_row(context, VISIBLE_THROUGH[relation.table], base.row, "join")
        context.read_set.add_visibility_dependency(relation.table, by_way)
    else:
        base.where += context.visible(base.row, via_visible=relation.visible_with_source, near=by_way)
    return base


def _limited_items(context: BuildContext, relation: ToMany, here: RowRef, near: str) -> str:
    """Returns a subquery of the items that a limited list shows; "" if the list has no limit."""
    if not relation.limit_column or context.visibility.includes_surplus_items:
        return ""
    return shown_items_sql(near, here.column(relation.limit_column), context, context.visibility)


def join_row(context: BuildContext, relation: ToOne, row: RowRef, join: str = "left join") -> RowRef:
    """Joins a relation's target row to the FROM clause of `row`, once for each relation.

    Raises ApiError COST_LIMIT_EXCEEDED for more than MAX_JOINS joins in one FROM clause.
    """
    scope = row.scope
    if (row.alias, relation) not in scope.joined:
        if len(scope.joins) >= MAX_JOINS:
            raise LimitError(
                "COST_LIMIT_EXCEEDED",
                f"One object leads to more than {MAX_JOINS} others by single relations.",
                "Select fewer of them, or ask in several operations.",
                limit=MAX_JOINS,
            )  # fmt: skip
        there = RowRef(context.alias(), relation.table, scope)
        if row.json:  # invisible targets have no marker, so any row that becomes visible may be one
            context.read_set.scan(Scan(relation.table, visibility_changes_only=True))
        context.read_set.add_visibility_dependency(relation.table)
        column = (
            context.dialect.element_number(row.alias, relation.column)
            if row.json
            else row.column(relation.column)
        )
        same = (
            context.matches_public_id(there, column)
            if relation.by_public_id
            else f"{there.alias}.{relation.key} = {column}"
        )
        on = [same, *context.visible(there, via_visible=relation.visible_with_source)]
        scope.joins.append(f" {join} {relation.table} {there.alias} on {' and '.join(on)}")
        scope.joined[row.alias, relation] = there
    return scope.joined[row.alias, relation]


def rows_sql(context: BuildContext, base: RowSource) -> str:
    """Returns the FROM clause of a list: its subquery under the base row's alias, and the joins to it."""
    row, scope = base.row, base.row.scope
    keys = [f"{key.sql} as k{i}" for i, key in enumerate(base.keys)]
    order = order_sql(context, base)
    columns = [f"{row.alias}.{c}" for c in sorted(scope.columns) if c != "place"]
    if "place" in scope.columns:
        columns.append(f"row_number() over (order by {order}) - 1 as place")
    columns = columns + keys or [f"{row.alias}.{PRIMARY_KEYS.get(row.table, 'id')}"]
    return (
        f"(select {', '.join(columns)} from {base.source}"
        + (f" where {' and '.join(base.where)}" if base.where else "")
        + (f" order by {order}" if order else "")
        + (f" limit {base.limit}" if base.limit else "")
        + f") {row.alias}{''.join(scope.joins)}"
    )


def order_sql(context: BuildContext, base: RowSource) -> str:
    return ", ".join(direction_sql(context.dialect.sortable(key.sql, key.kind), key) for key in base.keys)


def outer_order_sql(context: BuildContext, base: RowSource) -> str:
    return ", ".join(
        direction_sql(context.dialect.sortable(f"{base.row.alias}.k{i}", key.kind), key)
        for i, key in enumerate(base.keys)
    )

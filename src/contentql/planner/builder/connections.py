"""Lists: plain lists, and Relay connections with nodes, edges, page info and total count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graphql import FieldNode, SelectionSetNode

from contentql.planner.builder.context import BuildContext, RowSource
from contentql.planner.builder.list_rows import (
    apply_filter,
    cacheable_page,
    cursor_marker,
    one_per_story,
    parent_marker,
    record_scan,
)
from contentql.planner.builder.nodes import (
    direction_sql,
    leaf_value,
    reads_alias,
    selection_sets,
)
from contentql.planner.builder.ordering import (
    after_cursor,
    after_row,
    apply_default_order,
    apply_order,
    cursor_sql,
    has_previous,
)
from contentql.planner.builder.paging import PAGE_ARGUMENTS, Page, first_argument, page_arguments
from contentql.planner.builder.rows import order_sql, outer_order_sql, relation_rows, rows_sql, table_rows
from contentql.planner.cost import ASSUMED_LIST_SIZE
from contentql.planner.cursors import ListFingerprint
from contentql.planner.field_plans import DIRECT_SECTION_ARTICLES, SECTION_ARTICLES, ToMany
from contentql.planner.filters import sql_and
from contentql.planner.operation import ArgumentValue
from contentql.planner.params import passthrough
from contentql.planner.sql.nodes import (
    AggregateNode,
    ArrayNode,
    ObjectNode,
    ResultNode,
    RowRef,
    ScalarNode,
    SingleRowNode,
)


def build_list(
    context: BuildContext,
    relation: ToMany,
    here: RowRef,
    target: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    size = str(first_argument(context, arguments)) if arguments.get("first") is not None else ""
    flat = not size and context.dialect.orders_aggregates
    base = relation_rows(context, relation, here, flat)
    apply_filter(context, base, relation.table, target, arguments)
    apply_default_order(context, base, relation)
    record_scan(context, base)
    order = order_sql(context, base)
    if flat:
        base.row.scope.place = f"(row_number() over (order by {order}) - 1)"
    items = context.inside_list(int(size or ASSUMED_LIST_SIZE))
    item = context.build_object(items, target, selections, base.row)
    if flat:
        rows = f"{base.source}{''.join(base.row.scope.joins)} where {sql_and(base.where)}"
        return ArrayNode(item, rows, order)
    base.limit = size or "10000"
    return ArrayNode(item, rows_sql(context, base), outer_order_sql(context, base))


def build_adjacent(
    context: BuildContext,
    here: RowRef,
    target: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
    *,
    previous: bool,
) -> ResultNode:
    """Builds the item after `here` or before it in the list of its table; null if there is none."""
    base = table_rows(context, here.table)
    base.where += context.visible(base.row, via_visible=False)
    apply_filter(context, base, here.table, target, arguments)
    apply_order(context, base, here.table, target, arguments, None)
    context.record_list(here.table)
    record_scan(context, base)
    if previous:
        base.reverse_order()
    base.where.insert(0, after_row(context, base, here))
    base.limit = "1"
    item = context.build_object(context, target, selections, base.row)
    return SingleRowNode(item, rows_sql(context, base))


def build_relation_connection(
    context: BuildContext,
    relation: ToMany,
    here: RowRef,
    label: str,
    target: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
) -> ResultNode:
    def base() -> RowSource:
        requested = relation
        if (
            relation.link == SECTION_ARTICLES
            and arguments.get("exact") is not None
            and context.constrain(arguments["exact"])
        ):
            requested = replace(relation, link=DIRECT_SECTION_ARTICLES)
        rows = relation_rows(context, requested, here)
        _restrict_entries(context, rows, arguments)
        return rows

    return build_connection(context, label, base, relation.table, target, arguments, selections, relation)


def _restrict_entries(context: BuildContext, base: RowSource, arguments: dict[str, ArgumentValue]) -> None:
    """Restricts a list of live entries to the key events, and to those that changed at or after a time."""
    alias = base.row.alias
    if arguments.get("keyEvents") is not None and context.constrain(arguments["keyEvents"]):
        base.where.append(f"{alias}.key_event")
        base.dependency_columns["key_event"] = None
    if arguments.get("since") is not None:
        time = context.param(leaf_value(arguments["since"]), "time", passthrough)
        base.where.append(f"{alias}.changed_at >= {time}")
        base.dependency_columns["changed_at"] = None


def build_connection(
    context: BuildContext,
    label: str,
    make: Callable[[], RowSource],
    table: str,
    connection: str,
    arguments: dict[str, ArgumentValue],
    selections: Sequence[SelectionSetNode],
    relation: ToMany | None = None,
) -> ResultNode:
    """Builds a Relay connection: filter, search, order and cursor on the visible rows that `make` returns."""
    node_type = context.catalog.field(connection, "nodes").target

    def rows() -> RowSource:
        base = make()
        apply_filter(context, base, table, node_type, arguments)
        one_per_story(context, base, arguments, make)
        return base

    page = page_arguments(context, arguments)
    base = rows()
    order = apply_order(context, base, table, node_type, arguments, relation)
    context.record_list(table)
    compared = {name: value for name, value in arguments.items() if name not in PAGE_ARGUMENTS}
    mark = ListFingerprint(label, {**compared, "orderBy": order})
    whole_where = list(base.where)
    if page.backward:
        base.reverse_order()
    beyond = after_cursor(context, base, page.cursor, mark) if page.cursor is not None else None
    if beyond:
        # First: of two bounds on a column, SQLite uses the first one for the index.
        base.where.insert(0, beyond)

    fields = context.operation.collect_fields(selections, frozenset({connection}), context.included)
    asks = {g[0].name.value for g in fields.values()}
    bounded = asks <= {"nodes", "__typename"} and not page.backward and not page.offset and page.size > 0
    record_scan(context, base, cacheable_page(context, base, page.size) if bounded else None)
    offset = f" offset {page.offset}" if page.offset else ""
    if asks <= {"nodes", "totalCount", "__typename"} and not page.backward:
        base.limit = f"{page.size}{offset}"
        return _build_simple_page(context, base, fields, connection, node_type, rows, page.size)
    base.limit = f"{page.size + 1}{offset}"
    before = "false"
    if beyond and "pageInfo" in asks:
        before = has_previous(context, base, whole_where, beyond)
    elif page.offset:
        any_row = f"exists (select 1 from {base.source} where {sql_and(whole_where)})"
        before = f"({page.offset} > 0 and {any_row})"
    return _build_full_page(context, base, fields, connection, node_type, rows, page, mark, before)


def _build_simple_page(
    context: BuildContext,
    base: RowSource,
    fields: Mapping[str, list[FieldNode]],
    connection: str,
    node_type: str,
    rows: Callable[[], RowSource],
    size: int,
) -> ResultNode:
    items = context.inside_list(size)

    def field_of(key: str, group: list[FieldNode]) -> ResultNode:
        match group[0].name.value:
            case "__typename":
                return f'"{connection}"'
            case "totalCount":
                return _total_count(context, rows())
            case _:
                inner = items.at_field(key)
                item = context.build_object(inner, node_type, selection_sets(group), base.row)
                if isinstance(item, ObjectNode):
                    item = ObjectNode((*cursor_marker(context, base), *item.fields))
                return ArrayNode(item, rows_sql(context, base), outer_order_sql(context, base))

    return ObjectNode(
        (*parent_marker(context, base), *((key, field_of(key, group)) for key, group in fields.items()))
    )


def _build_full_page(
    context: BuildContext,
    base: RowSource,
    fields: Mapping[str, list[FieldNode]],
    connection: str,
    node_type: str,
    rows: Callable[[], RowSource],
    requested: Page,
    mark: ListFingerprint,
    before: str,
) -> ResultNode:
    """Builds a page with edges or page info from one subquery of at most one more row than requested.

    The extra row is not returned; it shows that there is a next page (backward: a previous page).
    """
    page, size, backward = context.alias(), requested.size, requested.backward
    items = context.inside_list(size)
    columns: list[str] = []

    def column(sql: str) -> str:
        columns.append(f"{sql} as x{len(columns)}")
        return f"{page}.x{len(columns) - 1}"

    cursor_column = ""

    def cursor() -> str:
        nonlocal cursor_column
        cursor_column = cursor_column or column(cursor_sql(context, base, mark))
        return cursor_column

    def gathered(node: ResultNode) -> ResultNode:
        order = f"{page}.n desc" if backward else f"{page}.n"
        return AggregateNode(column(context.dialect.json(node)), f"{page}.n <= {size}", order)

    def field_of(key: str, group: list[FieldNode]) -> ResultNode:
        selections = selection_sets(group)
        inner = items.at_field(key)
        match group[0].name.value:
            case "__typename":
                return f'"{connection}"'
            case "totalCount":
                return _total_count(context, rows())
            case "nodes":
                return gathered(context.build_object(inner, node_type, selections, base.row))
            case "edges":
                edge_type = context.catalog.field(connection, "edges").target
                return gathered(_build_edge(inner, edge_type, node_type, selections, base, mark))
            case _:
                return _build_page_info(context, selections, page, size, backward, before, cursor)

    document = ObjectNode(
        (*parent_marker(context, base), *((key, field_of(key, group)) for key, group in fields.items()))
    )
    if not reads_alias(document, page):
        return document  # it depends on no row
    keys = ", ".join(direction_sql(f"{base.row.alias}.k{i}", key) for i, key in enumerate(base.keys))
    columns += [f"row_number() over (order by {keys}) as n", "count(*) over () as m"]
    numbered = (
        f"(select {', '.join(columns)}"
        f" from {rows_sql(context, base)}{' order by n desc' if backward else ' order by n'}) {page}"
    )
    return SingleRowNode(document, numbered)


def _build_edge(
    context: BuildContext,
    edge_type: str,
    node_type: str,
    selections: Sequence[SelectionSetNode],
    base: RowSource,
    mark: ListFingerprint,
) -> ResultNode:
    def field_of(key: str, group: list[FieldNode]) -> ResultNode:
        match group[0].name.value:
            case "__typename":
                return f'"{edge_type}"'
            case "cursor":
                return ScalarNode(cursor_sql(context, base, mark), "plain")
            case _:
                inner = context.at_field(key)
                return context.build_object(inner, node_type, selection_sets(group), base.row)

    fields = context.operation.collect_fields(selections, frozenset({edge_type}), context.included)
    return ObjectNode(tuple((key, field_of(key, group)) for key, group in fields.items()))


def _build_page_info(
    context: BuildContext,
    selections: Sequence[SelectionSetNode],
    page: str,
    size: int,
    backward: bool,
    before: str,
    cursor: Callable[[], str],
) -> ResultNode:
    more = f"coalesce(max({page}.m), 0) > {size}"
    last = f"case when {page}.m > {size} then {size} else {page}.m end"

    def cursor_at(n: str) -> ResultNode:
        if not size:
            return "null"
        return ScalarNode(f"max(case when {page}.n = {n} then {cursor()} end)", "plain", False)

    def field_of(group: list[FieldNode]) -> ResultNode:
        match group[0].name.value:
            case "__typename":
                return '"PageInfo"'
            case "hasNextPage":
                return ScalarNode(before if backward else more, "bool")
            case "hasPreviousPage":
                return ScalarNode(more if backward else before, "bool")
            case "startCursor":
                return cursor_at(last if backward else "1")
            case _:
                return cursor_at("1" if backward else last)

    fields = context.operation.collect_fields(selections, frozenset({"PageInfo"}), context.included)
    return ObjectNode(tuple((key, field_of(group)) for key, group in fields.items()))


def _total_count(context: BuildContext, base: RowSource) -> ResultNode:
    return ScalarNode(f"(select count(*) from {base.source} where {sql_and(base.where)})", "int")

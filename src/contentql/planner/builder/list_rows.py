"""Filter, search and read-set entries of the rows of a list."""

from __future__ import annotations

import re
from collections.abc import Callable

from contentql.planner.builder.context import BuildContext, RowSource
from contentql.planner.builder.nodes import (
    detached_row,
    leaf_value,
)
from contentql.planner.filters import compile_filter, compile_search, is_searched, row_conditions
from contentql.planner.limits import check_filter_limits
from contentql.planner.operation import ArgumentValue
from contentql.planner.params import (
    IdParam,
    ListParam,
)
from contentql.planner.read_set import (
    HIDDEN_MARKER,
    MARKER_CODES,
    MARKER_KEY,
    LinkPath,
    PageBounds,
    RowCondition,
    Scan,
)
from contentql.planner.sql.nodes import (
    ResultNode,
    ScalarNode,
)
from contentql.planner.visibility import (
    public_id_sql,
)

_COLUMN = re.compile(r"\w+\.\w+")


def apply_filter(
    context: BuildContext, base: RowSource, table: str, node_type: str, arguments: dict[str, ArgumentValue]
) -> None:
    if arguments.get("filter") is not None:
        parts, kind, bare = arguments["filter"], f"{node_type}Filter", detached_row(base.row)
        context.totals.conditions = check_filter_limits(parts, context.limits, context.totals.conditions)
        base.where += compile_filter(context, kind, parts, bare)
        value, document = row_conditions(context, kind, parts, table)
        base.conditions += value
        if not document:
            base.dependency_columns.update(bare.used_columns)
    if is_searched(context, arguments.get("search")):
        bare = detached_row(base.row)
        base.where.append(compile_search(context, arguments["search"], bare))
        base.dependency_columns.update(bare.used_columns)
    if arguments.get("excludeIds") is not None:
        excluded = ListParam(IdParam(table), context.limits.input_items)
        base.conditions += (RowCondition("id", "notIn", leaf_value(arguments["excludeIds"]), excluded),)
        among = context.dialect.in_list(
            public_id_sql(table, base.row.alias, context.visibility),
            context.param(
                arguments["excludeIds"], "ids", ListParam(IdParam(table), context.limits.input_items)
            ),
        )
        base.where.append(f"not {among}")


def one_per_story(
    context: BuildContext, base: RowSource, arguments: dict[str, ArgumentValue], make: Callable[[], RowSource]
) -> None:
    """Restricts the list to the newest of its articles in each story."""
    if arguments.get("onePerStory") is None or not context.constrain(arguments["onePerStory"]):
        return
    base.dependency_columns.update({"story_id": None, "published_at": None})
    newer = make()
    apply_filter(context, newer, "article", "Article", arguments)
    a, b = base.row.alias, newer.row.alias
    newer.where.append(f"{b}.story_id = {a}.story_id")
    newer.where.append(f"({b}.published_at, {b}.id) > ({a}.published_at, {a}.id)")
    base.where.append(f"not exists (select 1 from {newer.source} where {' and '.join(newer.where)})")


def record_scan(context: BuildContext, base: RowSource, page: PageBounds | None = None) -> None:
    """Adds the scan of the list to the read set. Requires its conditions and sort keys to be complete."""
    near, way = base.parent_key, None
    if base.link and base.parent_key:
        near, way = None, LinkPath(base.link.table, base.link.target_column, base.parent_key)
    others, ordered = frozenset(base.dependency_columns), frozenset(base.order_columns)
    context.read_set.scan(
        Scan(base.row.table, base.conditions, others, ordered, parent_key=near, link_path=way, page=page)
    )


def parent_marker(context: BuildContext, base: RowSource) -> tuple[tuple[str, ResultNode], ...]:
    """Returns the marker of the list's parent row, if it was looked up by a subquery and has no object."""
    if not context.with_markers or base.parent_key is None or not base.parent_sql.startswith("("):
        return ()
    return (
        (
            MARKER_KEY,
            ScalarNode(
                base.parent_sql, "id", False, f"{HIDDEN_MARKER}{MARKER_CODES[base.parent_key.table]}."
            ),
        ),
    )


def cacheable_page(context: BuildContext, base: RowSource, size: int) -> PageBounds | None:
    """Returns the bounds of the page for the response cache and assigns them to `base.page`.

    None without markers, or if a sort key is not a plain column.
    """
    columns = [(key.sql.rpartition(".")[2], key.descending) for key in base.keys]
    if not context.with_markers or any(key.lookup_sql or not _COLUMN.fullmatch(key.sql) for key in base.keys):
        return None
    own = {copy.rpartition(".")[2]: column for column, copy in base.denormalized_columns.items()}
    context.totals.pages += 1
    base.page = PageBounds(context.totals.pages, size, tuple((own.get(c, c), down) for c, down in columns))
    return base.page


def cursor_marker(context: BuildContext, base: RowSource) -> tuple[tuple[str, ResultNode], ...]:
    if base.page is None:
        return ()
    near = f"coalesce({context.dialect.as_text(base.parent_sql or '0')}, '0')"
    parts = [f"'@{base.page.number}'", near]
    for i, key in enumerate(base.keys):
        column = f"{base.row.alias}.k{i}"
        is_text = key.kind in ("text", "plain")
        parts.append(
            context.dialect.hex_encode(column) if is_text else context.dialect.text_of(column, key.kind)
        )
    return ((MARKER_KEY, ScalarNode(context.dialect.join_with_dots(parts), "plain")),)

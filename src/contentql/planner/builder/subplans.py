"""Sub-statements: separate SQL statements for lists nested too deeply for one statement."""

from __future__ import annotations

from collections.abc import Callable

from contentql.planner.builder.context import BuildContext
from contentql.planner.params import (
    passthrough,
)
from contentql.planner.sql.nodes import (
    FromClause,
    ObjectNode,
    ResultNode,
    RowRef,
    ScalarNode,
)

PARENT_KEYS = "keys"


def nested_list(
    context: BuildContext, row: RowRef, build: Callable[[BuildContext, RowRef], ResultNode]
) -> ResultNode:
    """Builds a list in a row's JSON: in the same statement or, beyond `max_nesting`, in a sub-statement."""
    if context.depth < context.max_nesting or row.json:
        return build(context.deeper(), row)
    inner = context.new_statement()
    keys = inner.param(PARENT_KEYS, "ids", passthrough)
    parent = RowRef(inner.alias(), row.table, FromClause(""))
    json = inner.dialect.json(build(inner, parent))
    statement = inner.statement.build(
        f"select {parent.alias}.id, cast({json} as blob) from {row.table} {parent.alias}"
        f" where {inner.dialect.in_list(f'{parent.alias}.id', keys)}"
    )
    statements = context.statement.sub_statements
    statements.append(statement)
    return ObjectNode(((f"cut {len(statements) - 1}", ScalarNode(row.column("id"), "int")),))

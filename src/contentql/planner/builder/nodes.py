"""Functions on GraphQL and result nodes that several builders share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphql import FieldNode, SelectionSetNode

from contentql.planner.operation import ArgumentValue, Constant, LeafValue, ListValue, VariableRef
from contentql.planner.sql.nodes import (
    AggregateNode,
    FromClause,
    ObjectNode,
    ResultNode,
    RowRef,
    ScalarNode,
    SortKey,
)


def leaf_value(value: ArgumentValue) -> LeafValue:
    assert isinstance(value, Constant | VariableRef | ListValue)
    return value


def detached_row(row: RowRef) -> RowRef:
    """Returns the row for use inside the list's subquery, which need not select the columns read from it."""
    return replace(row, scope=FromClause(""), used_columns={})


def direction_sql(sql: str, key: SortKey) -> str:
    return f"{sql} desc" if key.descending else sql


def reads_alias(node: ResultNode, alias: str) -> bool:
    """True if the node reads a column of the row alias, or aggregates rows."""
    match node:
        case ObjectNode():
            return any(reads_alias(inner, alias) for _, inner in node.fields)
        case ScalarNode():
            return f"{alias}." in node.sql
        case _:
            return isinstance(node, AggregateNode)


def selection_sets(group: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in group if node.selection_set]

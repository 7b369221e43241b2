"""Introspection fields, executed by graphql-core on the schema."""

from __future__ import annotations

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from contentql.planner.operation import Operation


def execute_introspection(operation: Operation, group: list[FieldNode]) -> bytes:
    """JSON of one `__schema` or `__type` field of the operation."""
    alone = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=NameNode(value="Introspection"),
        variable_definitions=operation.node.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(group)),
        directives=(),
    )
    document = DocumentNode(definitions=(alone, *operation.fragments.values()))
    result = execute_sync(operation.schema, document, variable_values=dict(operation.variables))
    assert result.data is not None, result.errors
    return orjson.dumps(next(iter(result.data.values())))

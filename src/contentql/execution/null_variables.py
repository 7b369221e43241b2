"""Variables that are null where a value is needed.

A variable of a nullable type with a default may stand where null is not allowed, and may still be null: that
is an error of the request (GraphQL specification, section 5.8.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    NullValueNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    visit,
)

from contentql.planner.variables import VariableDefinition


def null_variable_errors(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    declared: Sequence[VariableDefinition],
    variables: Mapping[str, Any],
) -> list[GraphQLError]:
    """An error for each variable that is null and stands where null is not allowed."""
    suspects = {definition.name for definition in declared if _may_be_null(definition, variables)}
    if not suspects:
        return []
    collector = _NonNullUses(schema, suspects)
    pending: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    visited: set[str] = set()
    while pending:
        node = pending.pop()
        collector.spreads = []
        visit(node, TypeInfoVisitor(collector.type_info, collector))
        for name in collector.spreads:
            if name not in visited:
                visited.add(name)
                pending.append(fragments[name])
    return [
        GraphQLError(f"Variable '${name}' must not be null: it is used where a {type_} is needed.")
        for name, type_ in collector.uses.items()
    ]


def _may_be_null(definition: VariableDefinition, variables: Mapping[str, Any]) -> bool:
    default = definition.node.default_value
    return (
        default is not None
        and not isinstance(default, NullValueNode)
        and variables.get(definition.name, ()) is None
    )


class _NonNullUses(Visitor):
    """Collects the types where variables are used that must not be null there, and the fragment spreads."""

    def __init__(self, schema: GraphQLSchema, names: set[str]) -> None:
        super().__init__()
        self.type_info = TypeInfo(schema)
        self.names = names
        self.uses: dict[str, str] = {}
        self.spreads: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        expected = self.type_info.get_input_type()
        if node.name.value in self.names and isinstance(expected, GraphQLNonNull):
            self.uses.setdefault(node.name.value, str(expected))

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.append(node.name.value)

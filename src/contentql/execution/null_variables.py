"""Variables that are null where a value is needed.

A variable of a nullable type may stand where null is not allowed, if it or the place has a default, and may
still be null: that is an error of the request (GraphQL specification, section 5.8.5).
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
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    visit,
)

from contentql.planner.variables import VariableDefinition

NonNullUses = Mapping[str, tuple[str, VariableNode]]


def non_null_uses(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    declared: Sequence[VariableDefinition],
) -> NonNullUses:
    """The variables of nullable types that stand where null is not allowed, each with that type and place."""
    names = {definition.name for definition in declared if not isinstance(definition.type, GraphQLNonNull)}
    collector = _NonNullUses(schema, names)
    pending: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation] if names else []
    visited: set[str] = set()
    while pending:
        node = pending.pop()
        collector.spreads = []
        visit(node, TypeInfoVisitor(collector.type_info, collector))
        for name in collector.spreads:
            if name not in visited:
                visited.add(name)
                pending.append(fragments[name])
    return collector.uses


def null_variable_errors(uses: NonNullUses, variables: Mapping[str, Any]) -> list[GraphQLError]:
    """An error for each variable that is null and stands where null is not allowed."""
    return [
        GraphQLError(f"Variable '${name}' must not be null: it is used where a {type_} is needed.", node)
        for name, (type_, node) in uses.items()
        if variables.get(name, ()) is None
    ]


class _NonNullUses(Visitor):
    """Collects the first place where each variable must not be null, and the fragment spreads."""

    def __init__(self, schema: GraphQLSchema, names: set[str]) -> None:
        super().__init__()
        self.type_info = TypeInfo(schema)
        self.names = names
        self.uses: dict[str, tuple[str, VariableNode]] = {}
        self.spreads: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        expected = self.type_info.get_input_type()
        if node.name.value in self.names and isinstance(expected, GraphQLNonNull):
            self.uses.setdefault(node.name.value, (str(expected), node))

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.append(node.name.value)

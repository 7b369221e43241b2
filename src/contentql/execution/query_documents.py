"""Queries that the server itself writes, from parts of a client's operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    NameNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from contentql.execution.request import GraphQLRequest
from contentql.planner.operation import Operation


def query_request(
    operation: Operation,
    request: GraphQLRequest,
    root: FieldNode,
    more_variables: Sequence[VariableDefinitionNode] = (),
) -> GraphQLRequest:
    """A query with one root field, made of parts of the operation of the request, with those of its fragments
    and variables that the field uses."""
    fragments = _reachable(root, operation.fragments)
    used = {name for part in (root, *fragments) for name in _variables(part)}
    declared = [
        each for each in operation.node.variable_definitions or () if each.variable.name.value in used
    ]
    definition = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=operation.node.name,
        variable_definitions=(*declared, *more_variables),
        directives=(),
        selection_set=SelectionSetNode(selections=(root,)),
    )
    text = print_ast(DocumentNode(definitions=(definition, *fragments)))
    variables = {name: value for name, value in request.variables.items() if name in used}
    return GraphQLRequest(text, request.operation_name, variables)


def make_field(
    name: str, *, selections: Sequence[Any] = (), arguments: Sequence[ArgumentNode] = ()
) -> FieldNode:
    return FieldNode(
        name=make_name(name),
        arguments=tuple(arguments),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)) if selections else None,
    )


def make_name(value: str) -> NameNode:
    return NameNode(value=value)


def selections_of(group: Sequence[FieldNode]) -> list[Any]:
    """The selections of fields that are merged."""
    return [each for field in group if field.selection_set for each in field.selection_set.selections]


def _reachable(
    node: Node, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[FragmentDefinitionNode, ...]:
    """The fragments that are spread within the node, directly or indirectly."""
    reached: dict[str, FragmentDefinitionNode] = {}

    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: Any) -> None:
            name = spread.name.value
            if name not in reached:
                reached[name] = fragments[name]
                visit(fragments[name], self)

    visit(node, Spreads())
    return tuple(reached.values())


def _variables(node: Node) -> set[str]:
    """The names of the variables in the node."""
    names: set[str] = set()

    class Variables(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            names.add(variable.name.value)

    visit(node, Variables())
    return names

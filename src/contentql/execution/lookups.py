"""Validation of the arguments that look up a single object, such as `id` and `slug`: one is needed."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    ValidationRule,
    VariableNode,
)

from contentql.execution.selections import fields_of, fragments_of
from contentql.planner.builder.roots import LOOKUP_ARGUMENTS


class SingleLookupRule(ValidationRule):
    """A lookup needs one argument: constants are counted here, values of variables at execution."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self.context.get_parent_type()
        if parent is not None and parent is self.context.schema.query_type:
            message = _misuse(self.context.schema, node)
            if message:
                self.report_error(GraphQLError(message, node))


def misuses_lookups(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """True if the rule reports an error for a valid document."""
    queries = (
        definition.selection_set
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.QUERY
    )
    return any(_misuse(schema, node) for node in fields_of(queries, fragments_of(document)))


def _misuse(schema: GraphQLSchema, node: FieldNode) -> str:
    assert schema.query_type
    field = schema.query_type.fields.get(node.name.value)
    ways = [name for name in LOOKUP_ARGUMENTS if field and name in field.args]
    if len(ways) < 2:
        return ""
    values = [argument.value for argument in node.arguments or () if argument.name.value in ways]
    variables = [value for value in values if isinstance(value, VariableNode)]
    constants = [value for value in values if not isinstance(value, VariableNode | NullValueNode)]
    if len(constants) == 1 or (variables and not constants):
        return ""
    number = "only one" if constants else "one"
    return f"Field '{node.name.value}' needs {number} of the arguments {', '.join(ways)}."

"""Variables of an operation: definitions, coercion to GraphQL input values, shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    EnumValueNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

from contentql.errors import ApiError, LimitError

MAX_VARIABLE_DEPTH = 64  # nested lists and objects in a variable


@dataclass(frozen=True)
class VariableDefinition:
    """A variable as the operation declares it, with its resolved type."""

    name: str
    type: Any
    node: VariableDefinitionNode


def variable_definitions(
    schema: GraphQLSchema, node: OperationDefinitionNode
) -> tuple[VariableDefinition, ...]:
    return tuple(
        VariableDefinition(definition.variable.name.value, type_from_ast(schema, definition.type), definition)
        for definition in node.variable_definitions or ()
    )


@dataclass(frozen=True)
class InvalidScalar:
    """Parsing result of a scalar for an invalid text: an error in a query, a user error in a mutation."""

    reason: str


def coerce_variables(
    schema: GraphQLSchema,
    declared: Sequence[VariableDefinition],
    arguments: Mapping[str, Any],
    *,
    lenient: bool = False,
) -> tuple[Variables, list[GraphQLError]]:
    """Returns the coerced variables, or {} and the errors (GraphQL, CoerceVariableValues).

    `lenient` accepts `InvalidScalar` values, for callers that report them with the path of the input field.
    Raises ApiError INPUT_LIMIT_EXCEEDED for a value that is nested too deeply.
    """
    variables: dict[str, Any] = {}
    try:
        for variable in declared:
            if variable.name in arguments:
                variables[variable.name] = _coerced(
                    variable.type, arguments[variable.name], MAX_VARIABLE_DEPTH, lenient
                )
            elif variable.node.default_value is not None:
                variables[variable.name] = _from_literal(variable.type, variable.node.default_value, lenient)
            elif isinstance(variable.type, GraphQLNonNull):
                raise ValueError(variable.name)
        return variables, []
    except ApiError as refusal:
        return {}, [GraphQLError(refusal.message)]
    except RecursionError:
        too_deep = LimitError(
            "INPUT_LIMIT_EXCEEDED",
            f"A variable has lists and objects nested more than {MAX_VARIABLE_DEPTH} levels deep.",
            "Nest the value less.",
            limit=MAX_VARIABLE_DEPTH,
        )
    except Exception:
        # Coercion above only detects an error; graphql-core describes it, in the wording that clients know.
        nodes = [variable.node for variable in declared]
        result = get_variable_values(schema, nodes, dict(arguments), max_errors=20)
        errors = result if isinstance(result, list) else []
        return {}, errors or [GraphQLError("A variable has a value that cannot be used.")]
    raise too_deep


def variable_shape(variables: Variables) -> Any:
    """Returns what a plan may depend on: which variables exist, which are null, the form of input objects."""
    return tuple((name, _outline(value)) for name, value in variables.items())


def _outline(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _outline(inner)) for name, inner in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return tuple(_outline(inner) for inner in value)
    return value is None


def _coerced(of_type: Any, value: Any, levels: int, lenient: bool) -> Any:
    if not levels:
        raise RecursionError
    if isinstance(of_type, GraphQLNonNull):
        if value is None:
            raise ValueError("null")
        return _coerced(of_type.of_type, value, levels, lenient)
    if value is None:
        return None
    if isinstance(of_type, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [_coerced(of_type.of_type, item, levels - 1, lenient) for item in items]
    if isinstance(of_type, GraphQLInputObjectType):
        if not isinstance(value, dict) or value.keys() - of_type.fields.keys():
            raise ValueError("object")
        if of_type.is_one_of and [value is None for value in value.values()] != [False]:
            raise ValueError("one of")
        results: dict[str, Any] = {}
        for name, inner in of_type.fields.items():
            if name in value:
                results[name] = _coerced(inner.type, value[name], levels - 1, lenient)
            else:
                _set_default(results, name, inner, lenient)
        return results
    if isinstance(of_type, GraphQLScalarType):
        return _fit(of_type.parse_value(value), lenient)
    if value not in of_type.values:
        raise ValueError("enum")
    return value


def default_value(argument: GraphQLArgument | GraphQLInputField, lenient: bool) -> Any:
    """Returns the default of an argument or input field as a variable's value, `Undefined` if none."""
    default = argument.default
    if default is not None and default.literal is not None:
        return _from_literal(argument.type, default.literal, lenient)
    if default is not None:
        return _coerced(argument.type, default.value, MAX_VARIABLE_DEPTH, lenient)
    return argument.default_value


def _set_default(results: dict[str, Any], name: str, input_field: GraphQLInputField, lenient: bool) -> None:
    """Sets the default of a field missing in an input object. Raises ValueError if the field is required."""
    default = default_value(input_field, lenient)
    if default is not Undefined:
        results[name] = default
    elif isinstance(input_field.type, GraphQLNonNull):
        raise ValueError(name)


def _from_literal(of_type: Any, node: ValueNode, lenient: bool) -> Any:
    """Returns a default value in the form that `_coerced` returns: JSON-like, enums by name."""
    if isinstance(of_type, GraphQLNonNull):
        if isinstance(node, NullValueNode):
            raise ValueError("null")
        return _from_literal(of_type.of_type, node, lenient)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(of_type, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else (node,)
        return [_from_literal(of_type.of_type, item, lenient) for item in items]
    if isinstance(of_type, GraphQLInputObjectType):
        return _object_from_literal(of_type, node, lenient)
    if not isinstance(of_type, GraphQLScalarType) and (
        not isinstance(node, EnumValueNode) or node.value not in of_type.values
    ):
        raise ValueError("enum")
    return literal_value(of_type, node, lenient)


def _object_from_literal(of_type: GraphQLInputObjectType, node: ValueNode, lenient: bool) -> dict[str, Any]:
    if not isinstance(node, ObjectValueNode):
        raise ValueError("object")
    nodes = {field.name.value: field.value for field in node.fields}
    if nodes.keys() - of_type.fields.keys():
        raise ValueError("object")
    if of_type.is_one_of and [isinstance(value, NullValueNode) for value in nodes.values()] != [False]:
        raise ValueError("one of")
    results: dict[str, Any] = {}
    for name, inner in of_type.fields.items():
        if name in nodes:
            results[name] = _from_literal(inner.type, nodes[name], lenient)
        else:
            _set_default(results, name, inner, lenient)
    return results


def literal_value(of_type: Any, node: ValueNode, lenient: bool) -> Any:
    """Returns a leaf value of the document: enum values by name, others as parsed by their scalar.

    Raises ApiError BAD_USER_INPUT.
    """
    if not isinstance(of_type, GraphQLScalarType):
        return cast(EnumValueNode, node).value
    try:
        if isinstance(node, EnumValueNode):  # parse_literal of String and ID would accept it
            raise GraphQLError("enum")
        return _fit(of_type.parse_literal(node), lenient)
    except GraphQLError:  # validation accepts some, such as a number of 5,000 digits as an ID
        raise ApiError("BAD_USER_INPUT", f"A value in the document cannot be used as {of_type}.") from None


def _fit(value: Any, lenient: bool) -> Any:
    if isinstance(value, InvalidScalar) and not lenient:
        raise ApiError("BAD_USER_INPUT", value.reason)
    return value


Variables = Mapping[str, Any]

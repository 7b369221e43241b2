"""Coercion of variables, compared with graphql-core on generated types, defaults and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from contentql.execution.null_variables import non_null_uses, null_variable_errors
from contentql.planner.operation import Operation, resolve_value
from contentql.planner.variables import coerce_variables, variable_definitions

SCALARS = ("Int", "Float", "String", "Boolean", "ID")
COLOURS = ("RED", "GREEN")
WRAPPERS = ("{}", "{}!", "[{}]", "[{}!]", "[{}]!", "[[{}]!]!")
FIELD_NAMES = ("a", "b", "c")

# Every scalar is an argument, because a schema holds only those that it uses.
BASE_SCHEMA = f"""
type Query {{ x({", ".join(f"{name.lower()}: {name}" for name in SCALARS)}, colour: Colour): Int }}
enum Colour {{ {" ".join(COLOURS)} }}
"""

Draw = st.DrawFn


@dataclass(frozen=True)
class Enum:
    """An enum name, which is a bare name in a literal and a string in JSON."""

    name: str


@dataclass(frozen=True)
class Case:
    """A schema, one operation with its variables, and the JSON values sent for them."""

    schema: str
    operation: str
    values: dict[str, Any]


def _literal(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Enum():
            return value.name
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{name}: {_literal(inner)}" for name, inner in value.items()) + "}"
        case _:
            return repr(value)


def _json(value: Any) -> Any:
    match value:
        case Enum():
            return value.name
        case list():
            return [_json(item) for item in value]
        case dict():
            return {name: _json(inner) for name, inner in value.items()}
        case _:
            return value


ANY_LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**31, 1.0, 1.5, "", "1", "RED", Enum("RED"), Enum("BLUE")]),
)
ANY_VALUE = st.recursive(
    ANY_LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIELD_NAMES, "z"]), inner),
    max_leaves=5,
)
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(-9, 9),
    "Float": st.sampled_from([0.5, 2, -1.25]),
    "String": st.sampled_from(["", "text"]),
    "Boolean": st.booleans(),
    "ID": st.sampled_from(["7", 7]),
    "Colour": st.sampled_from([Enum(name) for name in COLOURS]),
}
Inputs = dict[str, tuple[bool, dict[str, tuple[str, Any]]]]
NO_DEFAULT = object()


def _value(draw: Draw, type_: str, inputs: Inputs, levels: int = 3) -> Any:
    """A value that usually fits its type; one in ten is arbitrary."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANY_VALUE)
    if type_.endswith("!"):
        return _value(draw, type_[:-1], inputs, levels)
    if draw(st.integers(0, 7)) == 0 or levels == 0:
        return None
    if type_.startswith("["):
        if draw(st.integers(0, 3)) == 0:  # a single value stands for a list of one
            return _value(draw, type_[1:-1], inputs, levels)
        return [_value(draw, type_[1:-1], inputs, levels) for _ in range(draw(st.integers(0, 2)))]
    if type_ in LEAVES:
        return draw(LEAVES[type_])
    one_of, fields = inputs[type_]
    names = [draw(st.sampled_from(sorted(fields)))] if one_of else sorted(fields)
    return {
        name: _value(draw, fields[name][0], inputs, levels - 1)
        for name in names
        if one_of or fields[name][0].endswith("!") or draw(st.booleans())
    }


def _type(draw: Draw, names: list[str]) -> str:
    return draw(st.sampled_from(WRAPPERS)).format(draw(st.sampled_from(names)))


def _is_valid_default(type_: str, default: Any) -> bool:
    """Whether graphql-core accepts the value as a default of an input field."""
    schema = build_schema(BASE_SCHEMA)
    node = parse(f"query ($v: {type_} = {_literal(default)}) {{ x }}").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return not isinstance(get_variable_values(schema, node.variable_definitions or (), {}), list)


@st.composite
def cases(draw: Draw) -> Case:
    inputs: Inputs = {}
    for input_name in ("First", "Second", "Third"):
        one_of = draw(st.integers(0, 3)) == 0
        fields: dict[str, tuple[str, Any]] = {}
        for name in FIELD_NAMES:
            # Input objects lead to earlier ones, and a nullable field back to their own type.
            names = [*LEAVES, *inputs]
            type_ = _type(draw, names)
            if one_of:
                type_ = type_.removesuffix("!")
            elif name == "c" and draw(st.booleans()):
                type_ = input_name
            default: Any = NO_DEFAULT
            if not one_of and type_.strip("[]!") in LEAVES and draw(st.booleans()):
                value = _value(draw, type_, inputs)
                default = value if _is_valid_default(type_, value) else NO_DEFAULT
            fields[name] = type_, default
        inputs[input_name] = one_of, fields
    text = BASE_SCHEMA
    for name, (one_of, fields) in inputs.items():
        lines = [
            f"  {f}: {type_}" + ("" if default is NO_DEFAULT else f" = {_literal(default)}")
            for f, (type_, default) in fields.items()
        ]
        text += f"input {name}{' @oneOf' if one_of else ''} {{\n" + "\n".join(lines) + "\n}\n"
    declared, values = [], {}
    for name in ("p", "q"):
        type_ = _type(draw, [*LEAVES, *inputs])
        default = f" = {_literal(_value(draw, type_, inputs))}" if draw(st.booleans()) else ""
        declared.append(f"${name}: {type_}{default}")
        if draw(st.integers(0, 2)):
            values[name] = _json(_value(draw, type_, inputs))
    return Case(text, f"query ({', '.join(declared)}) {{ x }}", values)


def _with_types(value: Any) -> Any:
    """Distinguishes 1, 1.0 and true, which are equal in Python."""
    match value:
        case list():
            return [_with_types(item) for item in value]
        case dict():
            return {name: _with_types(inner) for name, inner in value.items()}
        case _:
            return type(value), value


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_coerce_variables_agrees_with_graphql_core(case: Case) -> None:
    """Variables get the same values and defaults as in graphql-core, or errors from both."""
    schema: GraphQLSchema = build_schema(case.schema)
    node = parse(case.operation).definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    expected = get_variable_values(schema, node.variable_definitions or (), case.values, max_errors=20)
    values, errors = coerce_variables(schema, variable_definitions(schema, node), case.values)
    if isinstance(expected, list):
        event("errors")
        assert errors
        assert values == {}
        return
    event("values")
    assert errors == []
    assert _with_types(dict(values)) == _with_types(dict(expected.coerced))


@dataclass
class ArgumentCase:
    """A schema with one field, a query of it whose arguments have variables inside, and their values."""

    schema: str
    operation: str
    values: dict[str, Any]


@st.composite
def argument_cases(draw: Draw) -> ArgumentCase:
    inputs: Inputs = {}
    for input_name in ("First", "Second"):
        fields: dict[str, tuple[str, Any]] = {}
        for name in FIELD_NAMES:
            type_ = _type(draw, [*LEAVES, *inputs])
            default: Any = NO_DEFAULT
            if type_.strip("[]!") in LEAVES and draw(st.booleans()):
                value = _value(draw, type_, inputs)
                default = value if _is_valid_default(type_, value) else NO_DEFAULT
            fields[name] = type_, default
        inputs[input_name] = False, fields
    arguments = {name: _type(draw, [*LEAVES, *inputs]) for name in ("p", "q")}
    text = BASE_SCHEMA.replace("type Query {", f"type Query {{ f({_declared(arguments)}): Int ")
    for name, (_, fields) in inputs.items():
        lines = (
            f"{f}: {t}" + ("" if d is NO_DEFAULT else f" = {_literal(d)}") for f, (t, d) in fields.items()
        )
        text += f"input {name} {{ {' '.join(lines)} }}\n"
    variables: dict[str, tuple[str, Any]] = {}

    def literal(type_: str, value: Any) -> str:
        """The value as a literal; any part of it may be a variable."""
        if draw(st.integers(0, 3)) == 0:
            name = f"v{len(variables)}"
            declared = type_
            if type_.endswith("!") and draw(st.booleans()):
                declared = f"{type_[:-1]} = {_literal(value)}"
            unset = [value] if declared.endswith("!") else [value, None, NO_DEFAULT]
            variables[name] = declared, draw(st.sampled_from(unset))
            return f"${name}"
        bare = type_.removesuffix("!")
        if isinstance(value, list) and bare.startswith("["):
            return f"[{', '.join(literal(bare[1:-1], item) for item in value)}]"
        if isinstance(value, dict) and bare in inputs:
            known = inputs[bare][1]
            return "{" + ", ".join(f"{n}: {literal(known[n][0], v)}" for n, v in value.items()) + "}"
        return _literal(value)

    given_values = {name: _value(draw, type_, inputs) for name, type_ in arguments.items()}
    assume(all(_keys_are_known(type_, given_values[name], inputs) for name, type_ in arguments.items()))
    body = ", ".join(f"{name}: {literal(type_, given_values[name])}" for name, type_ in arguments.items())
    head = f"({_declared({f'${n}': t for n, (t, _) in variables.items()})})" if variables else ""
    values = {name: _json(value) for name, (_, value) in variables.items() if value is not NO_DEFAULT}
    return ArgumentCase(text, f"query {head} {{ f({body}) }}", values)


def _declared(types: dict[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in types.items())


def _keys_are_known(type_: str, value: Any, inputs: Inputs) -> bool:
    bare = type_.strip("[]!")
    if isinstance(value, list):
        return all(_keys_are_known(bare, item, inputs) for item in value)
    if not isinstance(value, dict):
        return True
    known = inputs[bare][1] if bare in inputs else {}
    return all(name in known and _keys_are_known(known[name][0], v, inputs) for name, v in value.items())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(case=argument_cases())
def test_arguments_agree_with_graphql_core(case: ArgumentCase) -> None:
    """Arguments with variables inside get the same values and defaults as in graphql-core."""
    schema = build_schema(case.schema)
    document = parse(case.operation)
    assume(not validate(schema, document))
    node = document.definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    (field,) = node.selection_set.selections
    assert isinstance(field, FieldNode)
    declared = variable_definitions(schema, node)
    values, errors = coerce_variables(schema, declared, case.values)
    expected_values = get_variable_values(schema, node.variable_definitions or (), case.values)
    if isinstance(expected_values, list):
        assert errors
        return
    assert not errors
    assert schema.query_type
    definition = schema.query_type.fields["f"]
    try:
        expected = get_argument_values(definition, field, expected_values)
    except GraphQLError:
        event("errors")
        assert null_variable_errors(non_null_uses(schema, node, {}, declared), values)
        return
    event("values")
    assert not null_variable_errors(non_null_uses(schema, node, {}, declared), values)
    arguments = Operation(schema, node, {}, values).arguments(field, definition)
    assert _with_types(resolve_value(arguments, values)) == _with_types(expected)

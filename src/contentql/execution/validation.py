"""Fast validation of documents: accepts most valid documents in one pass, and decides no others.

graphql-core validates with thirty visitors, which takes longer than everything else until a response. The
check here is stricter than the specification where that is simpler. What it does not accept goes to
graphql-core, which accepts it or reports its errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionSetNode,
    StringValueNode,
    TypeMetaFieldDef,
    TypeNameMetaFieldDef,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_input_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    is_type_sub_type_of,
    type_from_ast,
    validate_input_literal,
)

MAX_DIGITS = 400  # more than any number has that a Float can represent
_SAFE_DIGITS = 10  # integers with fewer digits have 32 bits
_MAX_EQUAL_FIELDS = 32  # with one response key; graphql-core has a limit of its own


_INTROSPECTION_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
# Fields of introspection types that lead to other types, and how many of them graphql-core lets contain one
# another.
_TYPE_LISTS = frozenset(("fields", "inputFields", "interfaces", "possibleTypes"))
_MAX_TYPE_LISTS = 2


class _NotAccepted(Exception):
    """The document is invalid, or has something that this check does not decide."""


@dataclass
class _Scope:
    """Selections of an operation or fragment: the variables and fragments that they use."""

    variables: list[tuple[str, Any, bool]] = field(default_factory=list)  # name, type, has a default
    fragments: set[str] = field(default_factory=set)


def accepts(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """True only if the document is valid; False for some valid documents too."""
    try:
        _Check(schema, document).run()
    except _NotAccepted:
        return False
    return True


def _require(condition: Any) -> None:
    if not condition:
        raise _NotAccepted


class _Check:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._operations: list[OperationDefinitionNode] = []
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._scopes: dict[str, _Scope] = {}
        self._roots = {
            OperationType.QUERY: schema.query_type,
            OperationType.MUTATION: schema.mutation_type,
        }
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._operations.append(node)
            elif isinstance(node, FragmentDefinitionNode):
                _require(node.name.value not in self._fragments)
                self._fragments[node.name.value] = node
            else:
                raise _NotAccepted
            _require(not node.directives)

    def run(self) -> None:
        names = [node.name.value if node.name else None for node in self._operations]
        _require(names and len(set(names)) == len(names) and (None not in names or len(names) == 1))
        for name, fragment in self._fragments.items():
            of = self._schema.type_map.get(fragment.type_condition.name.value)
            _require(of is not None and is_composite_type(of))
            scope = self._scopes[name] = _Scope()
            self._selections(fragment.selection_set, of, scope)
        used: set[str] = set()
        for operation in self._operations:
            root = self._roots.get(operation.operation)
            _require(root is not None)
            scope = _Scope()
            self._selections(operation.selection_set, root, scope)
            reached = self._reached(scope)
            used |= reached
            self._variables(operation, [scope, *(self._scopes[name] for name in reached)])
            self._merges([(operation.selection_set, root)])
        _require(used == self._fragments.keys())

    # Fragments and variables

    def _reached(self, scope: _Scope) -> set[str]:
        """The names of the fragments that are spread within the scope, directly or indirectly."""
        reached: set[str] = set()

        def follow(names: Iterable[str], path: frozenset[str]) -> None:
            for name in names:
                _require(name not in path)  # a cycle
                if name not in reached:
                    _require(name in self._scopes)
                    follow(self._scopes[name].fragments, path | {name})
                    reached.add(name)

        follow(scope.fragments, frozenset())
        return reached

    def _variables(self, operation: OperationDefinitionNode, scopes: Sequence[_Scope]) -> None:
        """Every variable is defined once, used, and used where its type is allowed."""
        definitions: dict[str, tuple[Any, bool]] = {}
        for node in operation.variable_definitions or ():
            name = node.variable.name.value
            of = type_from_ast(self._schema, node.type)
            _require(not node.directives and name not in definitions and is_input_type(of))
            default = node.default_value
            if default is not None:
                self._value(default, of, None)
            definitions[name] = of, default is not None and not isinstance(default, NullValueNode)
        used = set()
        for scope in scopes:
            for name, position, has_default in scope.variables:
                _require(name in definitions)
                used.add(name)
                of, has_own_default = definitions[name]
                if isinstance(position, GraphQLNonNull) and not isinstance(of, GraphQLNonNull):
                    _require(has_own_default or has_default)
                    position = position.of_type
                _require(of is position or is_type_sub_type_of(self._schema, of, position))
        _require(used == definitions.keys())

    # Selections

    def _selections(self, selection_set: SelectionSetNode, parent: Any, scope: _Scope) -> None:
        for node in selection_set.selections:
            if node.directives:
                self._directives(node.directives, scope)
            if isinstance(node, FieldNode):
                self._field(node, parent, scope)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments.get(node.name.value)
                _require(fragment is not None)
                scope.fragments.add(node.name.value)
                self._overlaps(parent, fragment.type_condition.name.value)  # type: ignore[union-attr]
            elif isinstance(node, InlineFragmentNode):
                of = parent
                if node.type_condition:
                    of = self._overlaps(parent, node.type_condition.name.value)
                self._selections(node.selection_set, of, scope)
            else:
                raise _NotAccepted

    def _field(self, node: FieldNode, parent: Any, scope: _Scope) -> None:
        definition = self._definition(parent, node.name.value)
        self._arguments(node.arguments or (), definition.args, scope)
        leaf = is_leaf_type(get_named_type(definition.type))
        _require(leaf == (node.selection_set is None))
        if node.selection_set is not None:
            self._selections(node.selection_set, get_named_type(definition.type), scope)

    def _definition(self, parent: Any, name: str) -> GraphQLField:
        fields: Mapping[str, GraphQLField] = getattr(parent, "fields", {})
        definition = fields.get(name)
        if definition is None and parent is self._schema.query_type:
            definition = _INTROSPECTION_FIELDS.get(name)
        if definition is None:
            _require(name == "__typename")
            definition = TypeNameMetaFieldDef
        return definition

    def _overlaps(self, parent: Any, name: str) -> Any:
        """The type of a fragment, if an object of the parent type can have it."""
        of: Any = self._schema.type_map.get(name)
        _require(of is not None and is_composite_type(of))
        if of is not parent:
            _require(not self._possible(of).isdisjoint(self._possible(parent)))
        return of

    def _possible(self, of: Any) -> frozenset[str]:
        if not is_abstract_type(of):
            return frozenset((of.name,))
        return frozenset(possible.name for possible in self._schema.get_possible_types(of))

    def _directives(self, nodes: Sequence[Any], scope: _Scope) -> None:
        seen = set()
        for node in nodes:
            name = node.name.value
            _require(name in ("skip", "include") and name not in seen)
            seen.add(name)
            definition = self._schema.get_directive(name)
            _require(definition is not None)
            self._arguments(node.arguments or (), definition.args, scope)  # type: ignore[union-attr]

    # Values

    def _arguments(
        self, nodes: Sequence[Any], definitions: Mapping[str, GraphQLArgument], scope: _Scope
    ) -> None:
        seen = set()
        for node in nodes:
            definition = definitions.get(node.name.value)
            _require(definition is not None and node.name.value not in seen)
            seen.add(node.name.value)
            self._value(node.value, definition.type, scope, definition)  # type: ignore[union-attr]
        if len(seen) < len(definitions):
            for name, definition in definitions.items():
                _require(name in seen or not is_required_argument(definition))

    def _value(
        self,
        node: ValueNode,
        of: Any,
        scope: _Scope | None,
        position: GraphQLArgument | GraphQLInputField | None = None,
    ) -> None:
        """`scope` is None for constants; `position` is the argument or input field that gets the value."""
        if isinstance(node, VariableNode):
            _require(scope is not None)
            has_default = position is not None and _has_default(position)
            scope.variables.append((node.name.value, of, has_default))  # type: ignore[union-attr]
            return
        if isinstance(of, GraphQLNonNull):
            _require(not isinstance(node, NullValueNode))
            of = of.of_type
        if isinstance(node, NullValueNode):
            return
        if isinstance(of, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else (node,)
            for item in items:
                self._value(item, of.of_type, scope)
        elif isinstance(of, GraphQLInputObjectType):
            self._object(node, of, scope)
        elif isinstance(of, GraphQLEnumType):
            _require(isinstance(node, EnumValueNode) and node.value in of.values)
        else:
            self._scalar(node, of)

    def _object(self, node: ValueNode, of: GraphQLInputObjectType, scope: _Scope | None) -> None:
        _require(isinstance(node, ObjectValueNode) and not of.is_one_of)
        seen = set()
        for item in node.fields:  # type: ignore[attr-defined]
            definition = of.fields.get(item.name.value)
            _require(definition is not None and item.name.value not in seen)
            seen.add(item.name.value)
            self._value(item.value, definition.type, scope, definition)
        for name, definition in of.fields.items():
            _require(name in seen or not is_required_input_field(definition))

    def _scalar(self, node: ValueNode, of: GraphQLScalarType) -> None:
        if isinstance(node, IntValueNode) and len(node.value) < _SAFE_DIGITS:
            _require(of.name in ("Int", "Long", "Float", "ID"))
        elif isinstance(node, StringValueNode) and of.name in ("String", "ID"):
            return
        elif isinstance(node, BooleanValueNode):
            _require(of.name == "Boolean")
        else:
            _require(not isinstance(node, IntValueNode) or len(node.value) <= MAX_DIGITS)
            errors: list[GraphQLError] = []
            validate_input_literal(node, of, lambda error, _path: errors.append(error))
            _require(not errors)

    # Fields with the same response key

    def _merges(self, sets: Sequence[tuple[SelectionSetNode, Any]], type_lists: int = 0) -> None:
        """Fields with the same response key have the same name, arguments and type, in any fragment.

        `type_lists` is the number of lists of introspection types around the selections.
        """
        fields: dict[str, list[tuple[FieldNode, GraphQLField]]] = {}
        for selection_set, parent in sets:
            self._collect(selection_set, parent, fields, set())
        for group in fields.values():
            node, definition = group[0]
            _require(len(group) <= _MAX_EQUAL_FIELDS)
            for other, its in group[1:]:
                _require(
                    other.name.value == node.name.value
                    and (its is definition or str(its.type) == str(definition.type))
                    and (other.arguments or ()) == (node.arguments or ())
                )
            inner = get_named_type(definition.type)
            deeper = type_lists + (inner.name.startswith("__") and node.name.value in _TYPE_LISTS)
            _require(deeper <= _MAX_TYPE_LISTS)
            below = [(one.selection_set, inner) for one, _ in group if one.selection_set]
            if below:
                self._merges(below, deeper)

    def _collect(
        self,
        selection_set: SelectionSetNode,
        parent: Any,
        fields: dict[str, list[tuple[FieldNode, GraphQLField]]],
        seen: set[str],
    ) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                fields.setdefault(key, []).append((node, self._definition(parent, node.name.value)))
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    of = self._schema.type_map[fragment.type_condition.name.value]
                    self._collect(fragment.selection_set, of, fields, seen)
            elif isinstance(node, InlineFragmentNode):
                of = self._schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                self._collect(node.selection_set, of, fields, seen)


def _has_default(position: GraphQLArgument | GraphQLInputField) -> bool:
    return position.default is not None or position.default_value is not Undefined

"""A GraphQL operation with its argument values, before planning.

Each leaf of an argument is a `LeafValue`: a constant, or where its value comes from at execution. The rest
(which filter fields are present, null or absent) is known at planning, and a plan may depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)
from graphql.pyutils import UndefinedType

from contentql.planner.variables import Variables, default_value, literal_value

ValuePath = tuple[str | int, ...]


@dataclass(frozen=True)
class Constant:
    """A leaf value written in the document."""

    literal: Any

    def value(self, variables: Variables) -> Any:
        return self.literal


@dataclass(frozen=True)
class VariableRef:
    """A leaf value inside a variable, at a path that exists for all variables of the same shape."""

    path: ValuePath

    def value(self, variables: Variables) -> Any:
        return value_at_path(variables, self.path)


@dataclass(frozen=True)
class ListValue:
    """A list of leaf values written in the document, some of which may be variables."""

    items: tuple[Constant | VariableRef, ...]

    def value(self, variables: Variables) -> Any:
        return [slot.value(variables) for slot in self.items]


LeafValue = Constant | VariableRef | ListValue


# Value of an argument: a leaf, null, a list or an input object. Absent fields are not in the mapping.
ArgumentValue = LeafValue | None | Sequence[Any] | Mapping[str, Any]

# An input object of the document whose fields are all absent variables, unlike `{}` in the document.
EMPTIED: Mapping[str, Any] = MappingProxyType({})


def value_at_path(variables: Variables, path: ValuePath) -> Any:
    result: Any = variables
    for step in path:
        result = result[step]
    return result


@dataclass(frozen=True)
class Operation:
    """One operation of a validated document, with its coerced variables."""

    schema: GraphQLSchema
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables

    def included(self, node: Any, read: Callable[[VariableRef], Any] | None = None) -> bool:
        """True unless @skip or @include excludes the node.

        `read` returns the value of a variable, for callers that record the dependency on it.
        """
        for directive in node.directives or ():
            requested = {"skip": False, "include": True}.get(directive.name.value)
            if requested is None:
                continue
            (argument,) = directive.arguments
            value = argument.value
            if isinstance(value, VariableNode):
                slot = VariableRef((value.name.value,))
                result = read(slot) if read else slot.value(self.variables)
            else:
                result = value.value
            if bool(result) is not requested:
                return False
        return True

    @property
    def root_type(self) -> str:
        """Name of the root type: Query, Mutation or Subscription."""
        return self.node.operation.value.capitalize()

    def typenames(self, included: Any) -> list[tuple[str, str]]:
        """Returns the response keys of `__typename` at the root, with the name of the root type."""
        root = self.root_type
        fields = self.collect_fields([self.node.selection_set], frozenset({root}), included)
        return [(key, root) for key, group in fields.items() if group[0].name.value == "__typename"]

    def argument(self, node: ValueNode, of_type: Any) -> ArgumentValue | UndefinedType:
        """Returns the value of an argument or input field; `Undefined` for an absent variable."""
        if isinstance(node, VariableNode):
            name = node.name.value
            return _spread(self.variables[name], of_type, (name,)) if name in self.variables else Undefined
        bare = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
        if isinstance(node, NullValueNode):
            return None
        if isinstance(bare, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else (node,)
            results = [self.argument(item, bare.of_type) for item in items]
            results = [None if item is Undefined else item for item in results]
            if is_leaf_type(get_named_type(bare)):
                return ListValue(
                    tuple(Constant(None) if item is None else cast(Constant, item) for item in results)
                )
            return results
        if isinstance(bare, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            arguments = {
                f.name.value: self.argument(f.value, bare.fields[f.name.value].type) for f in node.fields
            }
            present = {n: value for n, value in arguments.items() if not isinstance(value, UndefinedType)}
            self._add_defaults(present, bare.fields)
            return present if present or not arguments else EMPTIED
        return Constant(literal_value(bare, node, self._is_lenient))

    @property
    def _is_lenient(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    def _add_defaults(
        self,
        values: dict[str, ArgumentValue],
        declared: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    ) -> None:
        for name, argument in declared.items():
            if name not in values:
                default = default_value(argument, self._is_lenient)
                if default is not Undefined:
                    values[name] = _constant(default, argument.type)

    def arguments(
        self, node: FieldNode, of: Any, only: Collection[str] | None = None
    ) -> dict[str, ArgumentValue]:
        """Returns the arguments of a field by GraphQL name, with defaults and without absent ones.

        `only`: the names of the arguments to return; all by default.
        """
        values: dict[str, ArgumentValue] = {}
        for argument in node.arguments or ():
            if only is not None and argument.name.value not in only:
                continue
            value = self.argument(argument.value, of.args[argument.name.value].type)
            if not isinstance(value, UndefinedType):
                values[argument.name.value] = value
        self._add_defaults(values, of.args)
        return values

    def collect_fields(
        self, selections: Sequence[SelectionSetNode], type_names: frozenset[str], included: Any
    ) -> dict[str, list[FieldNode]]:
        """Returns the selected fields by response key, in document order (GraphQL, CollectFields).

        `type_names` are the object's type and its interfaces; `included(node)` evaluates @skip and @include.
        """
        results: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection in selections:
            self._collect(selection, type_names, included, seen, results)
        return results

    def _collect(
        self,
        selection: SelectionSetNode,
        type_names: frozenset[str],
        included: Any,
        seen: set[str],
        results: dict[str, list[FieldNode]],
    ) -> None:
        for node in selection.selections:
            if node.directives and not included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                if key in results:
                    results[key].append(node)
                else:
                    results[key] = [node]
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value in type_names:
                    self._collect(node.selection_set, type_names, included, seen, results)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if fragment.type_condition.name.value in type_names:
                    self._collect(fragment.selection_set, type_names, included, seen, results)


def _constant(value: Any, of_type: Any) -> ArgumentValue:
    bare = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
    if value is None:
        return None
    if is_leaf_type(get_named_type(bare)):
        return Constant(value)
    if isinstance(bare, GraphQLList):
        return [_constant(item, bare.of_type) for item in value]
    return {name: _constant(inner, bare.fields[name].type) for name, inner in value.items()}


def _spread(value: Any, of_type: Any, path: ValuePath) -> ArgumentValue:
    bare = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
    if value is None:
        return None
    if is_leaf_type(get_named_type(bare)):
        return VariableRef(path)
    if isinstance(bare, GraphQLList):
        if not isinstance(value, list):
            return [_spread(value, bare.of_type, path)]
        return [_spread(inner, bare.of_type, (*path, i)) for i, inner in enumerate(value)]
    return {name: _spread(inner, bare.fields[name].type, (*path, name)) for name, inner in value.items()}


def resolve_value(value: ArgumentValue, variables: Variables) -> Any:
    """Returns an argument as plain values."""
    if isinstance(value, Constant | VariableRef | ListValue):
        return value.value(variables)
    if isinstance(value, Mapping):
        return {name: resolve_value(inner, variables) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolve_value(inner, variables) for inner in value]
    return value

"""Introspection fields: their JSON, computed with graphql-core's resolvers of the introspection types.

An object of the schema that is selected repeatedly with the same selection is resolved once. Objects and
values are counted while they are resolved, so that a refused operation takes no longer than an accepted one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
from graphql import (
    FieldNode,
    GraphQLField,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_leaf_type,
    is_list_type,
    is_type,
)

from contentql.planner.builder.context import VALUES_PER_POINT, BuildContext, Introspected
from contentql.planner.builder.nodes import selection_sets
from contentql.planner.cost import check_cost_limit

_META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


class _Field(NamedTuple):
    """A selected field: its key as JSON, and the function that returns its result for an object."""

    key: bytes
    result: Callable[[Any], Introspected]


def build_introspection(context: BuildContext, group: Sequence[FieldNode]) -> bytes:
    """JSON of one `__schema` or `__type` field; adds its cost to that of the plan.

    The cost is the number of objects, or a fifth of the number of scalar values if that is larger. Raises
    ApiError COST_LIMIT_EXCEEDED.
    """
    roots = context.introspection.roots
    if context.root not in roots:
        field = _Introspection(context).field(group, _META_FIELDS[group[0].name.value])
        roots[context.root] = field.result(None)
    result = roots[context.root]
    context.totals.cost += result.cost
    check_cost_limit(context.totals.cost, context.limits)
    return result.json


class _Introspection:
    """Resolves one introspection field."""

    def __init__(self, context: BuildContext) -> None:
        self._context = context
        self._remaining = context.limits.cost - context.totals.cost
        self._info: Any = SimpleNamespace(schema=context.catalog.schema)
        self._cache = context.introspection

    def field(self, group: Sequence[FieldNode], definition: GraphQLField) -> _Field:
        node = group[0]
        key = orjson.dumps((node.alias or node.name).value) + b":"
        arguments = {
            name: self._context.constrain(value)
            for name, value in self._context.operation.arguments(node, definition).items()
        }
        named = get_named_type(definition.type)
        is_list = is_list_type(get_nullable_type(definition.type))
        selections = selection_sets(group)
        complete: Callable[[Any], Introspected] = (
            _leaf if is_leaf_type(named) else lambda item: self._object(item, named.name, selections)
        )

        def result(source: Any) -> Introspected:
            assert definition.resolve is not None
            value = definition.resolve(source, self._info, **arguments)
            if value is None:
                return _NULL
            return self._list(map(complete, value)) if is_list else complete(value)

        return _Field(key, result)

    def _object(self, item: Any, type_name: str, selections: Sequence[SelectionSetNode]) -> Introspected:
        form = (type_name, *map(id, selections))
        key = (form, _identity(item))
        existing = self._cache.objects.get(key)
        if existing is None:
            existing = self._cache.objects[key] = self._resolve(item, type_name, selections, form)
        return existing

    def _resolve(
        self, item: Any, type_name: str, selections: Sequence[SelectionSetNode], form: Any
    ) -> Introspected:
        fields: list[_Field] | None = self._cache.fields.get(form)
        if fields is None:
            fields = self._cache.fields[form] = self._selected(type_name, selections)
        parts, objects, values = [], 1, 0
        for key, result in fields:
            json, more_objects, more_values = result(item)
            parts.append(key + json)
            objects += more_objects
            values += more_values
            self._check(objects, values)
        return Introspected(b"{" + b",".join(parts) + b"}", objects, values)

    def _selected(self, type_name: str, selections: Sequence[SelectionSetNode]) -> list[_Field]:
        groups = self._context.operation.collect_fields(
            selections, frozenset({type_name}), self._context.included
        )
        definitions: Any = introspection_types[type_name]
        fields = []
        for response_key, group in groups.items():
            name = group[0].name.value
            if name == "__typename":
                fields.append(_constant(response_key, type_name))
            else:
                fields.append(self.field(group, definitions.fields[name]))
        return fields

    def _list(self, items: Iterable[Introspected]) -> Introspected:
        parts, objects, values = [], 0, 0
        for json, more_objects, more_values in items:
            parts.append(json)
            objects += more_objects
            values += more_values
            self._check(objects, values)
        return Introspected(b"[" + b",".join(parts) + b"]", objects, values)

    def _check(self, objects: int, values: int) -> None:
        """Raises ApiError COST_LIMIT_EXCEEDED as soon as a part of the result is too large."""
        if objects > self._remaining or values > VALUES_PER_POINT * self._remaining:
            cost = Introspected(b"", objects, values).cost
            check_cost_limit(self._context.totals.cost + cost, self._context.limits)


_NULL = Introspected(b"null", 0, 1)


def _constant(response_key: str, value: str) -> _Field:
    result = Introspected(orjson.dumps(value), 0, 1)
    return _Field(orjson.dumps(response_key) + b":", lambda _: result)


def _leaf(value: Any) -> Introspected:
    return Introspected(orjson.dumps(value.name if isinstance(value, Enum) else value), 0, 1)


def _identity(item: Any) -> Any:
    """The same for equal types, and for the same field, argument or enum value."""
    if is_type(item):
        return str(item)
    return (item[0], id(item[1])) if isinstance(item, tuple) else id(item)

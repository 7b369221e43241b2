"""Catalog of the finished schema: GraphQL types and fields mapped to tables, columns and relations.

The field plans are read from the metadata of the schema's fields, so the catalog always matches the schema.

Invariant: knows GraphQL types and table names; never SQL dialects or requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from contentql.content.names import to_snake
from contentql.planner.field_plans import (
    AnyFilter,
    Column,
    FieldPlan,
    FilterPlan,
    FullTextFilter,
    LanguageRangeFilter,
    PathPrefixFilter,
    ToMany,
    ToOne,
    ValueKind,
)
from contentql.planner.read_set import MARKER_CODES


@dataclass(frozen=True)
class TypePlan:
    """An object type with its table or, for JSON elements, `json_type`: their value of `type`."""

    name: str
    table: str
    json_type: str | None
    fields: Mapping[str, FieldPlan]
    max_age: int | None = None  # HTTP max-age in seconds of responses with this type


@dataclass(frozen=True, slots=True)
class CatalogField:
    """A field of an object type or interface, with what the planner asks of its GraphQL type."""

    definition: GraphQLField
    plan: FieldPlan | None
    target: str  # name of the type without its list and non-null wrappers
    is_list: bool
    is_leaf: bool
    is_required: bool


@dataclass(frozen=True)
class Catalog:
    schema: GraphQLSchema
    types: Mapping[str, TypePlan]
    filters: Mapping[str, Mapping[str, FilterPlan]]
    _fields: dict[tuple[str, str], CatalogField] = field(default_factory=dict, repr=False)

    def field(self, parent: str, name: str) -> CatalogField:
        result = self._fields.get((parent, name))
        if result is None:
            definition = self.field_type(parent, name)
            owner = self.types.get(parent)
            result = self._fields[parent, name] = CatalogField(
                definition,
                owner.fields.get(name) if owner else None,
                named_type(definition.type),
                is_list(definition.type),
                is_leaf_type(get_named_type(definition.type)),
                is_required(definition.type),
            )
        return result

    def field_type(self, parent: str, name: str) -> GraphQLField:
        return self.schema.type_map[parent].fields[name]  # type: ignore[attr-defined, no-any-return]

    def concrete(self, name: str) -> tuple[TypePlan, ...]:
        """Returns the object types of a type name: those of an interface, by name, or the type itself."""
        result = self.schema.type_map[name]
        if isinstance(result, GraphQLInterfaceType):
            return tuple(
                self.types[t.name]
                for t in sorted(self.schema.get_possible_types(result), key=lambda t: t.name)
            )
        return (self.types[name],)

    def relations(self) -> Iterator[Relation]:
        """Yields the relations of all fields and filters; `table` is "" for those of filters."""
        for type_name, type_plan in self.types.items():
            for name, plan in type_plan.fields.items():
                if isinstance(plan, ToOne | ToMany):
                    yield Relation(f"{type_name}.{name}", type_plan.table, plan)
        for type_name, plans in self.filters.items():
            for name, filter_plan in plans.items():
                edge = filter_plan.edge if isinstance(filter_plan, AnyFilter) else filter_plan
                if isinstance(edge, ToOne | ToMany):
                    yield Relation(f"{type_name}.{name}", "", edge)


@dataclass(frozen=True)
class Relation:
    """A relation declared by a field, with its schema coordinate and the table of the type with the field."""

    field: str
    table: str
    plan: ToOne | ToMany


def build_catalog(schema: GraphQLSchema) -> Catalog:
    """Builds the catalog of a finished schema.

    Raises LookupError for a filter plan on an output field, or a table without a marker code.
    """
    types: dict[str, TypePlan] = {}
    filters: dict[str, dict[str, FilterPlan]] = {}
    for name, match in schema.type_map.items():
        definition: Any = (match.extensions or {}).get("strawberry-definition")
        if definition is None:
            continue
        if isinstance(match, GraphQLObjectType):
            types[name] = TypePlan(
                name,
                getattr(definition.origin, "__table__", ""),
                getattr(definition.origin, "__element__", None),
                {
                    f: _field_plan(name, f, g)
                    for f, g in match.fields.items()
                    if _metadata_plan(g) is not None
                },
                getattr(definition.origin, "__max_age__", None),
            )
        elif isinstance(match, GraphQLInputObjectType):
            filters[name] = {
                f: _named(_metadata_plan(g), f, g.type)
                for f, g in match.fields.items()
                if _metadata_plan(g) is not None
            }
    catalog = Catalog(schema, types, filters)
    check_tables(catalog)
    return catalog


def check_tables(catalog: Catalog) -> None:
    """Raises LookupError if a table of the catalog has no marker code (`read_set.MARKER_CODES`)."""
    for type_plan in catalog.types.values():
        if type_plan.table and type_plan.table not in MARKER_CODES:
            raise LookupError(
                f"{type_plan.name}: MARKER_CODES in planner/read_set.py has no code for the table"
                f" {type_plan.table}; without one its rows cannot be marked in responses."
            )
    for relation in catalog.relations():
        plan = relation.plan
        if plan.table not in MARKER_CODES:
            raise LookupError(
                f"{relation.field}: MARKER_CODES in planner/read_set.py has no code for the table"
                f" {plan.table}."
            )


def _metadata_plan(value: Any) -> Any:
    definition = (value.extensions or {}).get("strawberry-definition")
    return None if definition is None else definition.metadata.get("plan")


def _field_plan(owner: str, name: str, field: GraphQLField) -> FieldPlan:
    plan = _named(_metadata_plan(field), name, field.type)
    if isinstance(plan, PathPrefixFilter | LanguageRangeFilter | FullTextFilter):
        raise LookupError(f"{owner}.{name}: a filter's plan on an output field")
    value: FieldPlan = plan
    return value


def _named(plan: Any, name: str, graphql_type: Any) -> Any:
    if not isinstance(plan, Column):
        return plan
    return replace(plan, name=plan.name or to_snake(name), kind=plan.kind or _kind(graphql_type))


_KINDS: Mapping[str, ValueKind] = {
    "ID": "id",
    "Int": "int",
    "Long": "int",
    "Float": "float",
    "Boolean": "bool",
    "DateTime": "time",
    "Date": "date",
    "IDFilter": "id",
    "IntFilter": "int",
    "BooleanFilter": "bool",
    "DateTimeFilter": "time",
}


def _kind(graphql_type: Any) -> ValueKind:
    if isinstance(get_nullable_type(graphql_type), GraphQLList):
        return "json"
    named = get_named_type(graphql_type)
    if isinstance(named, GraphQLEnumType):
        return "plain"
    return _KINDS.get(named.name, "text")


def named_type(graphql_type: Any) -> str:
    """Returns the name of the type without its list and non-null wrappers."""
    return str(get_named_type(graphql_type).name)


def is_list(graphql_type: Any) -> bool:
    return isinstance(get_nullable_type(graphql_type), GraphQLList)


def is_required(graphql_type: Any) -> bool:
    return isinstance(graphql_type, GraphQLNonNull)

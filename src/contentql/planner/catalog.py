"""What can be asked and where it lies: the finished schema read once, as tables, columns and edges.

The schema's fields carry these values in their metadata, so the catalog follows the schema by itself.
Knows GraphQL types and table names. Knows no SQL dialect and no request.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

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

# text: any string, quoted on its way out. plain: a string of ours that never needs escaping.
ValueKind = Literal["text", "plain", "id", "int", "float", "bool", "time", "date", "json"]


@dataclass(frozen=True)
class Column:
    """A value on the row. `name` and `kind` are filled in from the field when left empty.

    An id is spelled as one `of` this table: the row's own, unless told. `desk`: nobody's business outside
    the newsroom, and null there.
    """

    name: str = ""
    kind: ValueKind | None = None
    id_table: str = ""
    internal: bool = False


@dataclass(frozen=True)
class Computed:
    """A value made from the row: `sql` holds `{row}` for its alias, and means the same on both databases.

    `inside` stands in its place for the newsroom's own people; it may hold `{now}`.
    """

    sql: str
    columns: tuple[str, ...]
    kind: ValueKind = "plain"
    internal_sql: str = ""


@dataclass(frozen=True)
class FoundByOldSlug:
    """Whether the object was found by another slug than its own."""


@dataclass(frozen=True)
class ListPosition:
    """Where the row stands in its list, from 0: a stored number would betray what is hidden."""


@dataclass(frozen=True)
class EmbeddedObject:
    """An object made of this row's own columns; null when the column `unless` is null."""

    null_when: str | None = None


@dataclass(frozen=True)
class JunctionTable:
    """A table between two others. `unique`: a pair stands in it once, so it may be walked in its own order.

    `sorted` maps the target's columns to copies kept in the link, so that one index serves the list.
    """

    table: str
    source_column: str
    target_column: str
    unique: bool = True
    where: str = ""
    denormalized: Mapping[str, str] = field(default_factory=dict, hash=False)
    stable: bool = False  # `far` holds the id that a row is known by, not that of a working copy


@dataclass(frozen=True)
class ToOne:
    """Leads to one row: `table.key = here.column`.

    `witnessed`: whoever may see this row may see that one, because this row is what makes it visible.
    `stable`: the column holds the id that the other is known by, also while it has a working copy.
    `out`: whatever is public has it; only drafts may lack it.
    """

    table: str
    column: str
    key: str = "id"
    visible_with_source: bool = False
    by_public_id: bool = False
    always_set_when_public: bool = False


# Before a column of `Many.order`: those come last for which this moment has passed.
EXPIRED_LAST = "ended "


@dataclass(frozen=True)
class ToMany:
    """Leads to rows: `table.key = here.column`, or through a link; as a plain list or as a connection."""

    table: str
    key: str = ""
    column: str = "id"
    link: JunctionTable | None = None
    where: str = ""  # {row} is the row led to, {here} the one it is led from
    order: tuple[str, ...] = ()
    visible_with_source: bool = False
    by_public_id: bool = False  # `key` holds the id that this row is known by, not that of a working copy


# The list every section is read from: its own articles and those of all sections below it.
SECTION_ARTICLES = JunctionTable(
    "article_section",
    "category_id",
    "article_id",
    denormalized={"published_at": "published_at", "id": "article_id"},
)
DIRECT_SECTION_ARTICLES = replace(SECTION_ARTICLES, where="{link}.direct")


@dataclass(frozen=True)
class JsonElements:
    """The objects of a JSON list in a column."""

    column: str
    key: str = ""  # in a JSON element: the list lies under this key


@dataclass(frozen=True)
class TextDiff:
    """What of the texts in `column` differs from an earlier row's: of the same `of`, by its `number`."""

    column: str
    of: str
    number: str


@dataclass(frozen=True)
class RootField:
    """A field of Query: what it reads, and how its arguments name it.

    `audit`: only for whoever may read the audit log.
    """

    shape: Literal["one", "page", "latest", "node", "nodes", "viewer"]
    table: str = ""
    admin_only: bool = False


@dataclass(frozen=True)
class FullTextFilter:
    """A filter field that searches the words of the row's text."""


@dataclass(frozen=True)
class PathPrefixFilter:
    """A filter field that means a path and everything below it."""

    column: str


@dataclass(frozen=True)
class AnyFilter:
    """A filter field that at least one row of an edge meets."""

    edge: ToMany


@dataclass(frozen=True)
class MutationField:
    """A field of Mutation: what it takes to call it, and what it does.

    `does` gets whoever may write, and the input; what it makes of them the payload shows.
    """

    permission: str
    resolver: Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class PayloadObject:
    """A field of a payload: the thing that was written, as the one who wrote it sees it; or, by its name,
    another that was written `also`."""

    extra_key: str = ""


@dataclass(frozen=True)
class PayloadValue:
    """A field of a payload: a value that only this answer tells."""


FieldPlan = (
    MutationField
    | PayloadObject
    | PayloadValue
    | Column
    | Computed
    | FoundByOldSlug
    | ListPosition
    | EmbeddedObject
    | ToOne
    | ToMany
    | JsonElements
    | TextDiff
    | RootField
)
FilterPlan = Column | Computed | ToOne | ToMany | AnyFilter | FullTextFilter | PathPrefixFilter


@dataclass(frozen=True)
class TypePlan:
    """An object type: its table, or the value of `type` by which a JSON element is told to be one."""

    name: str
    table: str
    json_type: str | None
    fields: Mapping[str, FieldPlan]
    max_age: int | None = None  # seconds for which others may keep what was said of it


@dataclass(frozen=True)
class Catalog:
    schema: GraphQLSchema
    types: Mapping[str, TypePlan]
    filters: Mapping[str, Mapping[str, FilterPlan]]

    def field_type(self, parent: str, name: str) -> GraphQLField:
        return self.schema.type_map[parent].fields[name]  # type: ignore[attr-defined, no-any-return]

    def concrete(self, name: str) -> tuple[TypePlan, ...]:
        """The object types that a type name may turn out to be, in a fixed order."""
        found = self.schema.type_map[name]
        if isinstance(found, GraphQLInterfaceType):
            return tuple(
                self.types[t.name]
                for t in sorted(self.schema.get_possible_types(found), key=lambda t: t.name)
            )
        return (self.types[name],)


def build_catalog(schema: GraphQLSchema) -> Catalog:
    """The catalog of a finished schema. Raises LookupError if a field does not say where it lies."""
    types: dict[str, TypePlan] = {}
    filters: dict[str, dict[str, FilterPlan]] = {}
    for name, found in schema.type_map.items():
        definition: Any = (found.extensions or {}).get("strawberry-definition")
        if definition is None:
            continue
        if isinstance(found, GraphQLObjectType):
            types[name] = TypePlan(
                name,
                getattr(definition.origin, "__table__", ""),
                getattr(definition.origin, "__element__", None),
                {f: _field_plan(name, f, g) for f, g in found.fields.items() if _said(g) is not None},
                getattr(definition.origin, "__max_age__", None),
            )
        elif isinstance(found, GraphQLInputObjectType):
            filters[name] = {
                f: _named(_said(g), f, g.type) for f, g in found.fields.items() if _said(g) is not None
            }
    return Catalog(schema, types, filters)


def _said(found: Any) -> Any:
    definition = (found.extensions or {}).get("strawberry-definition")
    return None if definition is None else definition.metadata.get("plan")


def _field_plan(owner: str, name: str, found: GraphQLField) -> FieldPlan:
    plan = _named(_said(found), name, found.type)
    if isinstance(plan, PathPrefixFilter | FullTextFilter):
        raise LookupError(f"{owner}.{name}: a filter's plan on an output field")
    told: FieldPlan = plan
    return told


def _named(plan: Any, name: str, graphql_type: Any) -> Any:
    if not isinstance(plan, Column):
        return plan
    return replace(plan, name=plan.name or to_snake(name), kind=plan.kind or _kind(graphql_type))


def to_snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


_KINDS: Mapping[str, ValueKind] = {
    "ID": "id",
    "Int": "int",
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
    """The name of the type inside lists and non-nulls."""
    return str(get_named_type(graphql_type).name)


def is_list(graphql_type: Any) -> bool:
    return isinstance(get_nullable_type(graphql_type), GraphQLList)


def is_required(graphql_type: Any) -> bool:
    return isinstance(graphql_type, GraphQLNonNull)


def is_leaf(graphql_type: Any) -> bool:
    return is_leaf_type(get_named_type(graphql_type))

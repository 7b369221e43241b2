"""The GraphQL schema, built once from the Strawberry types, and the planner's catalog of it.

Root fields call the planner, also when graphql-core executes a document; all other fields take their value
from the planner's JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_leaf_type,
)
from graphql.utilities.print_schema import print_schema_definition
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from contentql.cache.relation_tables import check_relations
from contentql.planner.catalog import Catalog, build_catalog
from contentql.schema import blocks
from contentql.schema.enums import ENUM_VALUE_DESCRIPTIONS
from contentql.schema.mutation_field import FIELD_NAME_PLACEHOLDER
from contentql.schema.mutations import Mutation, atomic
from contentql.schema.queries import Query
from contentql.schema.scalars import SCALARS
from contentql.schema.subscriptions import Subscription
from contentql.schema.sync import Removed, Upserted

# What the root resolvers call: the planner's JSON for one root field, read back into Python.
ResolveRootField = Callable[["GraphQLResolveInfo[Any]"], Awaitable[Any]]

SCHEMA_DESCRIPTION = (
    "Content API of a newsroom: articles with sections, media, sources and attributions, authors, tags,"
    " stories and collections. Anyone may query what is published; editors send a token as"
    " `Authorization: Bearer …` and change content by mutations. Ids are opaque and never change. Lists are"
    " Relay connections."
    " Example: `{ latestNews(first: 5) { nodes { headline publishedAt } } }`."
)
# Strawberry prints it, although it is part of the specification.
_ONE_OF_DEFINITION = "directive @oneOf on INPUT_OBJECT\n\n"

_ROOT_TYPES = ("Query", "Mutation", "Subscription")
_BLOCKS = [t for t in vars(blocks).values() if isinstance(t, type) and issubclass(t, blocks.Block)]


class _Names(NameConverter):
    """Names in camelCase; a trailing underscore, as in `in_`, is removed."""

    def apply_naming_config(self, name: str) -> str:
        return super().apply_naming_config(name.rstrip("_"))

    def from_generic(self, object_type: Any, types: Any) -> str:
        """`ArticleListFilter` for the list filter of `ArticleFilter`, `AccessFilter` for that of an enum."""
        name = super().from_generic(object_type, types)
        return name.replace("FilterListFilter", "ListFilter") if name.endswith("ListFilter") else name


@lru_cache(maxsize=1)
def get_schema() -> strawberry.Schema:
    """The schema; one per process. `context_value` of an execution must be a `ResolveRootField`."""
    created = strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        directives=[atomic],
        types=[*_BLOCKS, Upserted, Removed],
        config=StrawberryConfig(name_converter=_Names(), scalar_map=SCALARS),
    )
    created._schema.description = SCHEMA_DESCRIPTION
    types = created._schema.type_map
    for name, match in types.items():
        if isinstance(match, GraphQLObjectType) and not name.startswith("__"):
            for field in match.fields.values():
                field.resolve = _resolve_root if name in _ROOT_TYPES else _resolve_from_parent
            match.is_type_of = None
        elif isinstance(match, GraphQLInterfaceType):
            match.resolve_type = _resolve_type
        elif isinstance(match, GraphQLInputObjectType):
            # Strawberry says so to introspection only; graphql-core is to check it.
            definition = match.extensions["strawberry-definition"]
            match.is_one_of = definition.is_one_of
        elif isinstance(match, GraphQLEnumType):
            match.serialize = str  # type: ignore[method-assign, assignment]
            for word, value in match.values.items():
                value.description = value.description or ENUM_VALUE_DESCRIPTIONS[name].get(word)
        if not name.startswith("__"):
            if isinstance(match, GraphQLObjectType):
                _append_null_meanings(name, match)
            _append_examples(match)
    # Strawberry's resolver raises for list and non-null types.
    introspection_types["__Type"].fields["isOneOf"].resolve = _is_one_of  # type: ignore[attr-defined]
    return created


def _is_one_of(of: Any, _: Any) -> bool | None:
    return of.is_one_of if isinstance(of, GraphQLInputObjectType) else None


@lru_cache(maxsize=1)
def get_catalog() -> Catalog:
    catalog = build_catalog(get_schema()._schema)
    check_relations(catalog)
    return catalog


def sdl() -> str:
    """The schema in SDL, with all descriptions and without the directives that every GraphQL library has."""
    schema = get_schema()
    definition = print_schema_definition(schema._schema)
    return f"{definition}\n\n{schema.as_str().replace(_ONE_OF_DEFINITION, '')}\n"


async def _resolve_root(_: Any, info: GraphQLResolveInfo[Any], **__: Any) -> Any:
    answer: ResolveRootField = info.context
    return await answer(info)


def _resolve_from_parent(source: Any, info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    return source[info.path.key]


def _resolve_type(source: Any, *_: Any) -> str:
    return str(source["__is"])


# What null means in fields whose description does not say it.
_NULL_MEANINGS = {
    "Query": "Null if not found or not visible.",
    "Mutation": "Null if the request has errors.",
}


def _append_null_meanings(name: str, type_: GraphQLObjectType) -> None:
    for field in type_.fields.values():
        text, example, rest = field.description.partition(" Example: ")
        if not isinstance(field.type, GraphQLNonNull) and "null" not in text.lower():
            meaning = _NULL_MEANINGS.get(name, "Null if not set.")
            field.description = f"{text} {meaning}{example}{rest}"


def _append_examples(value: Any) -> None:
    """Appends an example to the description of every field that returns objects or an enum."""
    for name, field in getattr(value, "fields", {}).items():
        if "Example:" in field.description:
            field.description = field.description.replace(FIELD_NAME_PLACEHOLDER, name)
            continue
        target = get_named_type(field.type)
        if isinstance(target, GraphQLEnumType):
            word = next(iter(target.values))
            example = f"[{word}]" if isinstance(get_nullable_type(field.type), GraphQLList) else word
        else:
            example = name + _selection(target)
        field.description += f" Example: `{example}`."


def _selection(target: Any) -> str:
    fields = target.fields
    if "nodes" in fields:
        return f"(first: 5) {{ nodes{_selection(get_named_type(fields['nodes'].type))} }}"
    nullable = [name for name, field in fields.items() if is_leaf_type(get_named_type(field.type))]
    leaves = [name for name in nullable if isinstance(fields[name].type, GraphQLNonNull)] or nullable
    result = next(
        (name for name in ("headline", "name", "title", "url") if name in leaves), leaves[0] if leaves else ""
    )
    return f" {{ {result or '__typename'} }}"

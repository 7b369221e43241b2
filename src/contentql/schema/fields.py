"""Fields of the schema: description, example and field plan.

Every description ends with an example value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ForwardRef, Optional

import strawberry
from strawberry.schema_directive import Location

from contentql.planner.field_plans import (
    AdjacentArticle,
    BundleRows,
    CanonicalUrl,
    Column,
    Computed,
    EmbeddedObject,
    FieldPlan,
    FilterPlan,
    FittingRenditions,
    JsonElements,
    JsonLd,
    ListPosition,
    RootField,
    SameRow,
    ToMany,
    ToOne,
)


def column_field(description: str, example: str, plan: FieldPlan | None = None) -> Any:
    """A scalar or a list of scalars; without a plan, the column of the field's own name."""
    return _field(_with_example(description, example), plan or Column())


def computed(description: str, example: str, plan: Computed | ListPosition) -> Any:
    return _field(_with_example(description, example), plan)


def object_field(
    description: str,
    plan: ToOne | EmbeddedObject | JsonElements | SameRow | BundleRows | FittingRenditions,
) -> Any:
    """An object or a list of objects, without arguments."""
    return _field(description, plan)


def list_field(description: str, plan: ToMany) -> Any:
    """A short list of objects, returned completely."""
    return _field(description, plan)


def envelope_field(description: str, example: str = "") -> Any:
    """A field of an envelope (connections, edges, pageInfo), built by the planner by name."""
    return strawberry.field(description=_with_example(description, example))


def filter_field(description: str, plan: FilterPlan | None = None) -> Any:
    """A field of a filter; without a plan, the column of the field's own name."""
    return strawberry.field(
        description=description, default=strawberry.UNSET, metadata={"plan": plan or Column()}
    )


def filter_operator(description: str) -> Any:
    """An operator that every filter has: and, or, not, some, eq …"""
    return strawberry.field(description=description, default=strawberry.UNSET)


FIRST = ("first", "Int", "Number of items from the beginning: 0 to 100, 20 by default. Example: `5`.")
LAST = ("last", "Int", "Number of items from the end, 0 to 100; instead of `first`. Example: `5`.")
AFTER = (
    "after",
    "String",
    'Return items after this cursor: an `endCursor` of the same list. Example: `"3f…"`.',
)
BEFORE = ("before", "String", 'Return items before this cursor; requires `last`. Example: `"3f…"`.')
PAGE = (
    "page",
    "Int",
    "Number of the page, from 1, of `first` items each; instead of `after`, for links to numbered pages. The"
    " cost grows with the number; at most 10,000 items are skipped. Example: `2`.",
)
PAGE_ARGUMENTS = (FIRST, AFTER, LAST, BEFORE, PAGE)
_FIRST_OF_ALL = ("first", "Int", "At most this number of items, 0 to 100; all by default. Example: `5`.")
_SCALARS: Mapping[str, Any] = {"Int": int, "String": str, "ID": strawberry.ID, "Boolean": bool}

Argument = tuple[str, Any, str]


_FILTERS: Mapping[str, str] = {
    "Article": '{category: {under: "world"}, urgency: {lte: 5}}',
    "Attribution": "{kind: {eq: CITING}}",
    "Author": '{desk: {eq: "Local"}}',
    "Category": "{parent: {isNull: true}}",
    "Collection": '{slug: {eq: "front-page"}}',
    "AuditEntry": '{action: {eq: "publishArticle"}}',
    "CollectionItem": "{article: {urgency: {lte: 3}}}",
    "Correction": "{kind: {eq: CORRECTION}}",
    "Media": "{kind: {eq: IMAGE}}",
    "Source": "{kind: {eq: INTELLIGENCE}}",
    "Story": '{title: {contains: "Kursk"}}',
    "Tag": "{type: {eq: PERSON}}",
    "WebhookDelivery": "{state: {eq: DEAD}}",
    "Token": '{account: {eq: "jane-doe"}}',
}


def filter_argument(node: str) -> Argument:
    return ("filter", f"{node}Filter", f"Conditions that the items must meet. Example: `{_FILTERS[node]}`.")


def order_argument(node: str, example: str) -> Argument:
    return (
        "order_by",
        f"[{node}Order]",
        f"Sort order; later values break ties of earlier ones. Example: `[{example}]`.",
    )


def filtered_list_field(description: str, node: str, plan: ToMany) -> Any:
    """A list of objects, returned completely unless `first` is given."""
    return argument_field(description, f"list[{node}]", plan, [filter_argument(node), _FIRST_OF_ALL])


def json_ld_field() -> Any:
    return column_field(
        "JSON-LD in the vocabulary of schema.org, to be put into a `<script type=application/ld+json>` of the"
        " article's page: a `NewsArticle`, one of its subtypes, or a `LiveBlogPosting`.",
        '{"@type": "NewsArticle", "headline": "…"}',
        JsonLd(),
    )


def canonical_url_field(plan: CanonicalUrl | None = None) -> Any:
    return _field(
        "URL of the page on the reader's site, for links and search engines; null if the site has none."
        ' Example: `"https://example.org/world/asia/kim-jong-un-sheds-a-tear"`.',
        plan or CanonicalUrl(),
    )


def adjacent_article_field(description: str, plan: AdjacentArticle) -> Any:
    arguments = [filter_argument("Article"), order_argument("Article", "PUBLISHED_AT_DESC")]
    return argument_field(description, "Optional[Article]", plan, arguments)


def connection_field(
    description: str, node: str, plan: ToMany | RootField, order: str, *more: Argument
) -> Any:
    """A connection with the standard arguments."""
    arguments = [filter_argument(node), *more, order_argument(node, order), *PAGE_ARGUMENTS]
    return argument_field(description, f"Connection[{node}]", plan, arguments)


def argument_field(
    description: str,
    returns: Any,
    plan: FieldPlan,
    arguments: list[Argument],
    module: str = "contentql.schema.content",
) -> Any:
    """A field with arguments, resolved by the planner; `schema/build.py` sets its resolver.

    Type names are resolved in `module`.
    """

    def resolver(self: Any) -> Any:
        raise NotImplementedError("answered by the planner")

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name, of, words in arguments:
        required = not isinstance(of, str) or of.endswith("!")
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[
                    _annotation(of) if isinstance(of, str) else of, strawberry.argument(description=words)
                ],
                default=inspect.Parameter.empty if required else strawberry.UNSET,
            )
        )
    resolver.__module__ = module
    resolver.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    return strawberry.field(resolver=resolver, description=description, metadata={"plan": plan})


def _annotation(of: str) -> Any:
    """A Python annotation for a GraphQL type expression; names are resolved in `schema.content`."""
    if of.endswith("!"):
        return _bare(of[:-1])
    return Optional[_bare(of)]  # noqa: UP045 - a forward reference has no `|`


def _bare(of: str) -> Any:
    if of.startswith("["):
        return list[_bare(of[1:-1].removesuffix("!"))]  # type: ignore[misc]
    return _SCALARS.get(of, ForwardRef(of))


def _field(description: str, plan: Any) -> Any:
    return strawberry.field(description=description, metadata={"plan": plan})


def _with_example(description: str, example: str) -> str:
    return f"{description} Example: `{example}`." if example else description


@strawberry.enum(description="Caches that may store a response.")
class CacheControlScope(StrEnum):
    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"


@strawberry.schema_directive(
    locations=[Location.OBJECT],
    description="Time for which a response with this type may be cached. The minimum over all selected"
    " types applies.",
)
class CacheControl:
    max_age: int = strawberry.field(name="maxAge", description="Seconds. Example: `60`.")
    scope: CacheControlScope = strawberry.field(
        description="Caches that may store the response. Example: `PUBLIC`.", default=CacheControlScope.PUBLIC
    )


def table_type(table: str, description: str, *, max_age: int = 0) -> Callable[[type], Any]:
    """A GraphQL type for rows of `table`; `max_age` in seconds is a hint for HTTP caches.

    It is 0 for rows that appear in responses, or leave them, by the passage of time.
    """

    def dress(cls: type) -> Any:
        cls.__table__ = table  # type: ignore[attr-defined]
        cls.__max_age__ = max_age  # type: ignore[attr-defined]
        return strawberry.type(description=description, directives=[CacheControl(max_age=max_age)])(cls)

    return dress


def json_type(kind: str, description: str) -> Callable[[type], Any]:
    """A GraphQL type for elements of a JSON list whose `type` is `kind`."""

    def dress(cls: type) -> Any:
        cls.__element__ = kind  # type: ignore[attr-defined]
        return strawberry.type(description=description)(cls)

    return dress


EXACT_ARGUMENT: Argument = (
    "exact",
    "Boolean",
    "Only articles of this section itself, without its descendants. Example: `true`.",
)


SEARCH_ARGUMENT: Argument = (
    "search",
    "String",
    'Search text: words, "a phrase", -excluded, this OR that, prefix*. A word matches the text of an article'
    " and the names of its authors and sources: as it stands, without case and accents, or by its stem in the"
    ' article\'s language. An empty text is no condition. Example: `"coffin -bridge"`.',
)
NAME_SEARCH_ARGUMENT: Argument = (
    "search",
    "String",
    'Search text for names, in all languages, and other names: words, "a phrase", -excluded, this OR that,'
    " prefix*. A word matches as it stands, without case and accents. An empty text is no condition. Example:"
    ' `"a*"`.',
)

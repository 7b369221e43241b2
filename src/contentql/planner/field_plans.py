"""Field plans: how the planner reads a field. Values in the metadata of the GraphQL fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

# text: any string, escaped in JSON. plain: a string of our own that never needs escaping.
ValueKind = Literal["text", "plain", "id", "int", "float", "bool", "time", "date", "json"]


@dataclass(frozen=True)
class Column:
    """A column of the row. `name` and `kind` default to those of the GraphQL field.

    `id_table`: the table whose prefix a global ID gets; the row's own table by default. `internal`: null
    for viewers without access to internal fields.
    """

    name: str = ""
    kind: ValueKind | None = None
    id_table: str = ""
    internal: bool = False


@dataclass(frozen=True)
class Computed:
    """A value computed by `sql`, which has `{row}` for the alias and must mean the same in both dialects.

    `columns` are those that it reads. `internal_sql` replaces `sql` for non-public visibility; it may contain
    `{now}`. `or_published`: a filter compares a working copy by the value of its published article as well.
    """

    sql: str
    columns: tuple[str, ...]
    kind: ValueKind = "plain"
    internal_sql: str = ""
    or_published: bool = False


@dataclass(frozen=True)
class ListPosition:
    """A field with the row's index in the visible list, from 0; stored positions would reveal hidden rows."""


@dataclass(frozen=True)
class EmbeddedObject:
    """An object made of columns of the same row; null if the column `null_when` is null."""

    null_when: str | None = None


@dataclass(frozen=True)
class JunctionTable:
    """A junction table between two tables.

    `unique`: each pair occurs once, so the junction table may be joined and its own order used.
    `denormalized` maps columns of the target to their copies in the junction table, so that one index serves
    the list. `where` is a condition on `{link}`.
    """

    table: str
    source_column: str
    target_column: str
    unique: bool = True
    where: str = ""
    denormalized: Mapping[str, str] = field(default_factory=dict, hash=False)
    stable: bool = False  # `target_column` holds the public id, not that of a working copy


@dataclass(frozen=True)
class ToOne:
    """A relation to one row: `table.key = source.column`.

    `visible_with_source`: the source row is what makes the target visible, so only the target's own state is
    checked. `by_public_id`: the column holds the target's public id, also while the target has a working
    copy. `always_set_when_public`: never null for public rows; only drafts may lack it.
    """

    table: str
    column: str
    key: str = "id"
    visible_with_source: bool = False
    by_public_id: bool = False
    always_set_when_public: bool = False


# Prefix of a time column in `ToMany.order`: rows for which that time has passed come last.
EXPIRED_LAST = "ended "


@dataclass(frozen=True)
class ToMany:
    """A relation to many rows: `table.key = source.column`, or through `link`; a list or a connection."""

    table: str
    key: str = ""
    column: str = "id"
    link: JunctionTable | None = None
    where: str = ""  # {row} is the target row, {here} the source row
    order: tuple[str, ...] = ()
    visible_with_source: bool = False
    by_public_id: bool = False  # `key` holds the source's public id, not that of a working copy
    # Column of the source row, a collection, with the number of visible items that the list has at most.
    limit_column: str = ""


# Articles of a section: its own and those of all sections below it.
SECTION_ARTICLES = JunctionTable(
    "article_section",
    "category_id",
    "article_id",
    denormalized={"published_at": "published_at", "id": "article_id"},
)


DIRECT_SECTION_ARTICLES = replace(SECTION_ARTICLES, where="{link}.direct")


# A pin that has come to its end falls behind all others, by the clock: the order of `planner.visibility`.
COLLECTION_ITEMS = ToMany(
    "collection_item",
    "collection_id",
    order=(EXPIRED_LAST + "pinned_until", "position"),
    limit_column="max_items",
)


@dataclass(frozen=True)
class JsonElements:
    """The objects of a JSON array in a column.

    `key`: of the array, if the source is itself a JSON element. `text_key`: of a text, which is the only run
    if there is no array. `parts_of_text`: the objects are parts of one text, as the cells of a table are; the
    array counts as one object. `with_entries`: of the body of an article, followed by its live entries.
    """

    column: str
    key: str = ""
    text_key: str = ""
    parts_of_text: bool = False
    with_entries: bool = False


@dataclass(frozen=True)
class BodyText:
    """A text of the body of an article, followed by that of its live entries, each after `separator`."""

    column: str
    separator: str


@dataclass(frozen=True)
class TextDiff:
    """The texts in the JSON object `column` that differ from those of an earlier row with the same `of`.

    `number` orders these rows and selects the earlier one, by default the preceding row.
    """

    column: str
    of: str
    number: str


@dataclass(frozen=True)
class AdjacentArticle:
    """The article after or, if `previous`, before this one in a list of articles."""

    previous: bool = False


@dataclass(frozen=True)
class CanonicalUrl:
    """URL of the object's page on the reader's site; `column` has one that replaces it, if it is set."""

    column: str = ""


@dataclass(frozen=True)
class FallbackText:
    """The text of a block in a body, without markup, for clients that do not know the type of the block."""


@dataclass(frozen=True)
class JsonLd:
    """The JSON-LD of an article, made after the SQL of what that selects, see `planner.json_ld`."""


@dataclass(frozen=True)
class SameRow:
    """An object of another type with the columns of the same row."""


@dataclass(frozen=True)
class BundleRows:
    """The rows of a table that the articles of a bundle show, each once."""

    table: Literal["article", "author", "media", "source", "tag"]


@dataclass(frozen=True)
class BundleValue:
    """A value about a bundle. `version` and `bytes` are computed from its JSON."""

    name: Literal["version", "bytes", "expiresAt"]


@dataclass(frozen=True)
class FittingRenditions:
    """The stored sizes of a media file that are wide enough for the device of the bundle."""


@dataclass(frozen=True)
class RootField:
    """A field of Query: the table that it reads and the shape of its result.

    `admin_only`: raises FORBIDDEN for viewers without the permission ADMIN. `deleted`: the rows that were
    deleted, for viewers of drafts.
    """

    shape: Literal["one", "bundle", "page", "latest", "node", "nodes", "changes", "resolve", "site", "viewer"]
    table: str = ""
    admin_only: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class FullTextFilter:
    """A filter field for full-text search."""


@dataclass(frozen=True)
class PathPrefixFilter:
    """A filter field that matches a path and all paths below it."""

    column: str


@dataclass(frozen=True)
class LanguageRangeFilter:
    """A filter field that matches a language and all that are more specific, such as `de-CH` of `de`."""

    column: str


@dataclass(frozen=True)
class AnyFilter:
    """A filter field that is true if at least one row of a relation matches."""

    edge: ToMany


@dataclass(frozen=True)
class MutationField:
    """A field of Mutation: the required permission and the function that executes it.

    `resolver` gets the edit context and the input, and returns the result that the payload shows.
    """

    permission: str
    resolver: Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class PayloadObject:
    """A payload field with the changed object or, by its `extra_key`, another object of the result."""

    extra_key: str = ""


@dataclass(frozen=True)
class PayloadValue:
    """A payload field with a value of the result, such as the secret of a new token."""


FieldPlan = (
    MutationField
    | PayloadObject
    | PayloadValue
    | Column
    | Computed
    | ListPosition
    | EmbeddedObject
    | ToOne
    | ToMany
    | JsonElements
    | BodyText
    | TextDiff
    | AdjacentArticle
    | CanonicalUrl
    | FallbackText
    | JsonLd
    | SameRow
    | BundleRows
    | BundleValue
    | FittingRenditions
    | RootField
)


FilterPlan = (
    Column | Computed | ToOne | ToMany | AnyFilter | FullTextFilter | PathPrefixFilter | LanguageRangeFilter
)

"""Field plans: how the planner reads a field. Plain values, attached to the fields of the GraphQL types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

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

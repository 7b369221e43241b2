"""Nodes of a result and the protocol of SQL dialects.

The shape of a response is a tree of nodes with SQL expressions as leaves; a dialect renders the tree as one
expression that returns JSON text. Nodes are never changed; they are not frozen, because a plan has a thousand
of them and freezing triples the time of making one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from contentql.planner.field_plans import ValueKind

ParamKind = ValueKind | Literal["texts", "ids", "ints", "times", "search"]


@dataclass(slots=True)
class ScalarNode:
    """A scalar from a column or expression. Not `required`: may be null."""

    sql: str
    kind: ValueKind
    required: bool = True
    prefix: str = ""


@dataclass(slots=True)
class JsonValueNode:
    """The value under a key of a JSON object, unchanged; null if it is missing."""

    alias: str
    key: str


@dataclass(slots=True)
class ObjectNode:
    fields: tuple[tuple[str, ResultNode], ...]


@dataclass(slots=True)
class NullableNode:
    """A node that is null if the column is null."""

    column: str
    node: ResultNode


@dataclass(slots=True)
class CaseNode:
    """One of several nodes, selected by the value of an expression."""

    expression: str
    cases: tuple[tuple[str, ResultNode], ...]
    default: ResultNode = "null"


@dataclass(slots=True)
class SingleRowNode:
    """A node on the single row of a FROM clause; null if there is no row."""

    node: ResultNode
    rows: str


@dataclass(slots=True)
class MarkedNode:
    """A root field with the tables and ids, by SQL, of rows that it depends on even if they are hidden."""

    markers: tuple[tuple[str, str], ...]
    node: ResultNode


@dataclass(slots=True)
class ArrayNode:
    """A JSON array with one node for each row of a FROM clause, in order."""

    node: ResultNode
    rows: str
    order: str


@dataclass(slots=True)
class AggregateNode:
    """A JSON array of the JSON texts in a column, in order, from rows of the group that meet a condition."""

    column: str
    condition: str
    order: str


# A `str` is constant JSON of the response.
ResultNode: TypeAlias = (
    str
    | ScalarNode
    | JsonValueNode
    | ObjectNode
    | NullableNode
    | CaseNode
    | SingleRowNode
    | ArrayNode
    | AggregateNode
)


@dataclass(slots=True)
class SortKey:
    """A sort key of a list: an expression on the base row, and its direction."""

    sql: str
    kind: ValueKind
    descending: bool
    lookup_sql: str = ""  # SQL with {id} for the key of that row; cursors do not contain such a key


class Dialect(Protocol):
    @property
    def name(self) -> Literal["postgres", "sqlite"]: ...

    def param(self, number: int, kind: ParamKind) -> str: ...
    def bind(self, kind: ParamKind, value: Any) -> Any: ...
    def can_parse(self, sql: str) -> bool: ...

    def columns(self, node: ResultNode) -> Sequence[bytes | str]:
        """Returns the JSON text of a node in parts: constant bytes, and SQL columns for the rest.

        A column returns bytes, or an array of texts to be joined by commas.
        """

    def json(self, node: ResultNode) -> str:
        """Returns SQL for the JSON text of a node, never NULL."""

    def text_of(self, sql: str, kind: ValueKind) -> str: ...
    def as_text(self, sql: str) -> str: ...
    def hex_encode(self, sql: str) -> str: ...
    def join_with_dots(self, parts: Sequence[str]) -> str: ...

    @property
    def orders_aggregates(self) -> bool:
        """True if aggregates accept ORDER BY, so that a list needs no ordered subquery."""

    def elements(self, sql: str, alias: str) -> str: ...
    def element_text(self, alias: str, key: str) -> str: ...
    def element_list(self, alias: str, key: str, text_key: str = "") -> str:
        """SQL of the array at `key` of a JSON element; else of one run of the text at `text_key`, if any."""

    def element_number(self, alias: str, key: str) -> str: ...
    def join_lines(self, texts: Sequence[str]) -> str:
        """SQL of texts on a line each, without those that are null; null if all are."""

    def join_rows(self, text: str, separator: Literal["\n", "\t"], rows: str, order: str) -> str:
        """SQL of the texts of rows, in order, with a separator between them; null if there are no rows."""

    def element_order(self, alias: str) -> str: ...

    @property
    def max_timestamp(self) -> str:
        """SQL of a timestamp later than all stored ones."""

    def followed_by_texts(self, text: str, column: str, rows: str, order: str, separator: str) -> str:
        """Returns SQL of a text and the texts of rows in order, joined by `separator`.

        `rows` is what follows FROM, at most 50,000 rows. An empty text has no separator after it.
        """

    def followed_by_elements(self, array: str, column: str, rows: str, order: str) -> str:
        """Returns SQL of a JSON array with the JSON values of rows in order appended."""

    def earliest(self, times: Sequence[str]) -> str:
        """Returns SQL of the earliest of two or more timestamps that are not null; null if all are."""

    def json_diff(self, later: str, earlier: str) -> str:
        """Returns FROM items for the keys whose texts differ in two JSON objects of texts.

        `dl` is from `later`, `de` from `earlier`; both have `key` and `value`.
        """

    def unnest_texts(self, texts: str, alias: str) -> str:
        """Returns the items of a list of texts as rows with their order in `n`, and the text in `t`."""

    def unnest_ints(self, numbers: str, alias: str) -> str:
        """Returns the items of a list of integers as rows with the integer in `value`."""

    def unnest_pairs(self, tables: str, numbers: str, alias: str) -> str: ...
    def unnested_columns(self, alias: str) -> tuple[str, str, str]: ...

    def sortable(self, sql: str, kind: ValueKind) -> str: ...
    def in_list(self, sql: str, param: str) -> str: ...
    def starts_with(self, sql: str, param: str) -> str: ...
    def contains(self, sql: str, param: str) -> str: ...
    def fold(self, sql: str) -> str:
        """Returns SQL of a text folded as by `content.folding.fold_text`."""

    def matching_articles(self, param: str) -> str:
        """Returns a subquery: the ids of articles that match a search; `param` is of the kind "search"."""

    def matches_names(self, row: str, param: str) -> str:
        """Returns the condition that the names of a row match; `param` is the text of `name_search`."""

    def relevance(
        self, row: str, param: Callable[[str], str], uncorrelated_subquery: Callable[[str], str]
    ) -> str:
        """Returns SQL of the rank of an article that matches, 3 to 1.

        `param` takes the parts, see `search.PARTS`; `uncorrelated_subquery` is that of the context.
        """


def sql_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


@dataclass
class FromClause:
    """A FROM clause while it is built: the columns that its base row must provide, and the joins."""

    base: str
    columns: dict[str, None] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    joined: dict[Any, RowRef] = field(default_factory=dict)
    place: str = ""  # SQL: index of the base row in a list that has no subquery


@dataclass(slots=True)
class RowRef:
    """A row in a statement: of a table, or an object of a JSON array."""

    alias: str
    table: str
    scope: FromClause
    json: bool = False
    used_columns: dict[str, None] = field(default_factory=dict, compare=False)  # columns read so far

    def column(self, name: str) -> str:
        self.used_columns[name] = None
        if self.alias == self.scope.base:
            self.scope.columns[name] = None
        return f"{self.alias}.{name}"

    @property
    def place(self) -> str:
        return self.scope.place or self.column("place")

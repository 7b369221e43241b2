"""The parts of a statement, and what a dialect must know to write one.

What an answer will look like is a tree of nodes, whose leaves are SQL expressions; a dialect writes the
tree as one expression that yields the JSON text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from contentql.planner.field_plans import ValueKind

ParamKind = ValueKind | Literal["texts", "ids", "ints", "times", "search"]


@dataclass(frozen=True)
class ScalarNode:
    """A value of a column or expression; null stays null unless it is `required`."""

    sql: str
    kind: ValueKind
    required: bool = True
    prefix: str = ""


@dataclass(frozen=True)
class JsonValueNode:
    """What a JSON object keeps under a key, as it is; null when it keeps nothing."""

    alias: str
    key: str


@dataclass(frozen=True)
class ObjectNode:
    fields: tuple[tuple[str, ResultNode], ...]


@dataclass(frozen=True)
class NullableNode:
    """Null where the column is null."""

    column: str
    node: ResultNode


@dataclass(frozen=True)
class CaseNode:
    """One of several nodes, by the value of an expression."""

    expression: str
    cases: tuple[tuple[str, ResultNode], ...]
    default: ResultNode = "null"


@dataclass(frozen=True)
class SingleRowNode:
    """A node over the one row of a FROM clause; null when there is none."""

    node: ResultNode
    rows: str


@dataclass(frozen=True)
class ArrayNode:
    """A node for every row of a FROM clause, in order."""

    node: ResultNode
    rows: str
    order: str


@dataclass(frozen=True)
class AggregateNode:
    """The texts of JSON values in a column, for those rows of the group that meet a condition, in order."""

    column: str
    condition: str
    order: str


# A `str` is JSON as it will stand in the answer.
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


@dataclass(frozen=True)
class SortKey:
    """What a list is ordered by: an expression over the base row, and its direction."""

    sql: str
    kind: ValueKind
    descending: bool
    lookup_sql: str = ""  # SQL with {id}: the key of the row of that id; cursors leave such a key out


class Dialect(Protocol):
    @property
    def name(self) -> Literal["postgres", "sqlite"]: ...

    def param(self, number: int, kind: ParamKind) -> str: ...
    def bind(self, kind: ParamKind, value: Any) -> Any: ...
    def can_parse(self, sql: str) -> bool: ...

    def columns(self, node: ResultNode) -> Sequence[bytes | str]:
        """The JSON text of a node in parts: bytes that are known, and SQL columns for the rest.

        A column yields bytes, or an array of texts that are to be joined by commas.
        """

    def json(self, node: ResultNode) -> str:
        """SQL that yields the JSON text of a node, never null."""

    def text_of(self, sql: str, kind: ValueKind) -> str: ...
    def as_text(self, sql: str) -> str: ...
    def hex_encode(self, sql: str) -> str: ...
    def join_with_dots(self, parts: Sequence[str]) -> str: ...

    @property
    def orders_aggregates(self) -> bool:
        """Whether an aggregate can be told its order, so that a list needs no ordered query inside."""

    def elements(self, sql: str, alias: str) -> str: ...
    def element_text(self, alias: str, key: str) -> str: ...
    def element_list(self, alias: str, key: str) -> str: ...
    def element_number(self, alias: str, key: str) -> str: ...
    def element_order(self, alias: str) -> str: ...

    @property
    def max_timestamp(self) -> str:
        """A moment behind all others."""

    def json_diff(self, later: str, earlier: str) -> str:
        """`dl` and `de`, each with `key` and `value`: where two JSON objects of texts are not the same."""

    def unnest_pairs(self, tables: str, numbers: str, alias: str) -> str: ...
    def unnested_columns(self, alias: str) -> tuple[str, str, str]: ...

    def sortable(self, sql: str, kind: ValueKind) -> str: ...
    def in_list(self, sql: str, param: str) -> str: ...
    def starts_with(self, sql: str, param: str) -> str: ...
    def contains(self, sql: str, param: str) -> str: ...
    def matches(self, row: str, param: str) -> str: ...
    def relevance(self, row: str, param: Callable[[str], str]) -> str: ...


def sql_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


@dataclass
class FromClause:
    """A FROM clause in the making: which columns its base row must bring, and what is joined to it."""

    base: str
    columns: dict[str, None] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    joined: dict[Any, RowRef] = field(default_factory=dict)
    place: str = ""  # SQL: which of the list the base row is, where no inner query can tell


@dataclass(frozen=True)
class RowRef:
    """A row that a statement stands on: a table's, or an object of a JSON list."""

    alias: str
    table: str
    scope: FromClause
    json: bool = False
    found_by_old_slug_sql: str | None = None  # SQL: was it found by an old slug?
    used_columns: dict[str, None] = field(
        default_factory=dict, compare=False
    )  # every column asked of it so far

    def column(self, name: str) -> str:
        self.used_columns[name] = None
        if self.alias == self.scope.base:
            self.scope.columns[name] = None
        return f"{self.alias}.{name}"

    @property
    def place(self) -> str:
        return self.scope.place or self.column("place")
